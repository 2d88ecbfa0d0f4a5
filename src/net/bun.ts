/**
 * The Bun adapter, over `Bun.connect` and `Bun.listen`. TLS is left to `node:tls`; `node.ts` says why.
 *
 * What Bun makes us do: its `write` buffers nothing and returns how many bytes the kernel took, so the
 * tail stays in our own buffer until `drain` (a short count is no error); it calls one set of handlers
 * for all sockets, so each socket's state hangs on `socket.data`; and it closes a socket by itself once
 * both sides have ended, and then tells the peer's end by nothing but `close`.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { type Acceptor, KEEP_ALIVE_DELAY_MS, makeNet, toAddress } from "./adapter.ts";
import { BusyPoll } from "./busy_poll.ts";
import { Connection, type Wire } from "./connection.ts";
import type { Address, Net, Socket } from "./socket.ts";
import { removePath } from "./unix_path.ts";

interface BunSocket<Data> {
  data: Data;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
  write(bytes: Uint8Array, offset: number, length: number): number;
  pause(): void;
  resume(): void;
  shutdown(): void;
  end(): void;
  terminate(): void;
  setNoDelay(on: boolean): boolean;
  setKeepAlive(on: boolean, delay: number): boolean;
}

interface BunHandlers<Data> {
  open?(socket: BunSocket<Data>): void;
  data(socket: BunSocket<Data>, chunk: Uint8Array<ArrayBuffer>): void;
  drain(socket: BunSocket<Data>): void;
  end(socket: BunSocket<Data>): void;
  error(socket: BunSocket<Data>, error: Error): void;
  close(socket: BunSocket<Data>, error?: Error): void;
  connectError?(socket: BunSocket<Data>, error: Error): void;
}

interface BunListener {
  readonly hostname?: string;
  readonly port?: number;
  stop(closeActive?: boolean): void;
}

interface BunOptions<Data> {
  readonly hostname?: string;
  readonly port?: number;
  readonly unix?: string;
  readonly exclusive?: boolean;
  readonly allowHalfOpen?: boolean;
  readonly data?: Data;
  readonly socket: BunHandlers<Data>;
}

declare const Bun: {
  connect<Data>(options: BunOptions<Data>): Promise<BunSocket<Data>>;
  listen<Data>(options: BunOptions<Data>): BunListener;
};

/** Chunks from here on are given back at once: shorter ones are not worth a call. */
const GIVEN_BACK_BYTES: number = 64 * 1024;

/** What hangs on a Bun socket: `wire` is undefined until the connection is open. */
interface Slot {
  wire: BunWire | undefined;
}

/**
 * Bun's network.
 *
 * @param clock Measures timeouts and lingering.
 */
export function makeBunNet(clock: Clock): Net {
  return makeNet({
    connect: ({ address }) => connect(address, clock),
    listen: ({ address }, accept) => listen(address, clock, accept),
    loadTls: async () => (await import("./node.ts")).makeNodeNet(clock),
  }, clock);
}

async function connect(address: Address, clock: Clock): Promise<Connection> {
  let connection: Connection | undefined = undefined;
  await Bun.connect<Slot>({
    ...place(address),
    allowHalfOpen: true,
    data: { wire: undefined },
    socket: {
      ...HANDLERS,
      // Made in here, not after the promise: bytes may come before the awaiting function runs on.
      open: (socket) => {
        connection = wrap(socket, address, clock);
      },
    },
  });
  return connection!;
}

function listen(address: Address, clock: Clock, accept: (socket: Socket) => void): Acceptor {
  const listener = Bun.listen<Slot>({
    ...place(address),
    // An address in use is refused, as on Deno and Node, and never shared.
    exclusive: true,
    allowHalfOpen: true,
    socket: {
      ...HANDLERS,
      open: (socket) => {
        socket.data = { wire: undefined };
        accept(wrap(socket, address, clock));
      },
    },
  });
  return {
    address: toAddress(
      address.transport === "tcp" ? address.host : undefined,
      listener.port,
      address,
    ),
    async stop() {
      listener.stop(false);
      await removePath(address);
    },
  };
}

const HANDLERS: BunHandlers<Slot> = {
  data: (socket, chunk) => {
    socket.data.wire?.connection.received(plain(chunk));
    giveBack(chunk);
  },
  drain: (socket) => socket.data.wire?.connection.writable(),
  end: (socket) => socket.data.wire?.connection.receivedEnd(),
  error: (socket, error) => socket.data.wire?.connection.failed(error),
  close: (socket, error) => socket.data.wire?.closed(error),
  connectError: () => {},
};

/**
 * The chunk as a plain array. Bun hands over a Buffer, and parsers whose code the engine has specialised
 * for plain arrays run at half speed on one.
 */
function plain(chunk: Uint8Array): Uint8Array {
  return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length);
}

/**
 * Frees a long chunk, which was borrowed for the call that is over. Bun makes a buffer of up to 512 KB for each, and its
 * collector may leave as much of them behind as the process holds otherwise.
 */
function giveBack(chunk: Uint8Array<ArrayBuffer>): void {
  if (chunk.length < GIVEN_BACK_BYTES || chunk.length < chunk.buffer.byteLength) return;
  chunk.buffer.transfer(0);
}

function place(address: Address): { hostname: string; port: number } | { unix: string } {
  return address.transport === "unix"
    ? { unix: address.path }
    : { hostname: address.host, port: address.port };
}

function wrap(socket: BunSocket<Slot>, asked: Address, clock: Clock): Connection {
  if (asked.transport === "tcp") {
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_DELAY_MS);
  }
  const remote = toAddress(socket.remoteAddress, socket.remotePort, asked);
  const local = toAddress(socket.localAddress, socket.localPort, asked);
  return new Connection(remote, local, clock, (connection) => {
    const wire = new BunWire(socket, connection, clock);
    socket.data.wire = wire;
    // Bun reads from the start; nobody listens before the owner's `start`.
    wire.pause();
    return wire;
  });
}

/** The Bun half of a connection. */
class BunWire implements Wire {
  readonly busyPoll: BusyPoll | undefined;
  readonly connection: Connection;
  readonly #socket: BunSocket<Slot>;
  #paused: boolean = false;
  #destroyed: boolean = false;

  constructor(socket: BunSocket<Slot>, connection: Connection, clock: Clock) {
    this.#socket = socket;
    this.connection = connection;
    this.busyPoll = BusyPoll.for(connection.remote, clock);
  }

  write(bytes: Uint8Array, start: number, end: number): number {
    const taken = this.#socket.write(bytes, start, end - start);
    // Fewer than asked is no failure: the kernel's buffer is full, and `drain` follows. -1 is one.
    if (taken >= 0) return taken;
    this.connection.writeFailed(new Error("connection reset"));
    return 0;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#socket.resume();
  }

  pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#socket.pause();
  }

  shutdown(): void {
    this.#socket.shutdown();
  }

  destroy(reset: boolean): void {
    this.#destroyed = true;
    if (reset) this.#socket.terminate();
    else this.#socket.end();
  }

  /**
   * Bun has closed the socket. Without an error both sides have ended: where ours was first, this is the
   * only word of the peer's end.
   */
  closed(error?: Error): void {
    if (this.#destroyed) return;
    if (error === undefined) this.connection.receivedEnd();
    else this.connection.failed(error);
  }
}
