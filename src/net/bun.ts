/**
 * The Bun adapter, over `Bun.connect` and `Bun.listen`. `write` buffers nothing: it returns what the
 * kernel took, and the tail waits for `drain`. TLS is left to `node:tls`; `node.ts` says why.
 *
 * @module
 */

import { type Clock, systemClock } from "../base/clock.ts";
import { connectWithin } from "./connect.ts";
import { BusyPoll } from "./busy_poll.ts";
import { Connection, type Wire } from "./connection.ts";
import { toSocketError } from "./failure.ts";
import {
  type Address,
  type ConnectOptions,
  formatAddress,
  type Listener,
  type ListenOptions,
  type Net,
  type Socket,
} from "./socket.ts";
import { clearPath, removePath, restrictPath } from "./unix_path.ts";

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
  data(socket: BunSocket<Data>, chunk: Uint8Array): void;
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

/** What hangs on a Bun socket: empty until the connection is open. */
interface Slot {
  wire: BunWire | undefined;
}

const KEEP_ALIVE_DELAY_MS = 60_000;
const PROBE_TIMEOUT_MS = 1000;

/** Bun's network. */
export class BunNet implements Net {
  readonly #clock: Clock;

  /**
   * The process's own network.
   *
   * @param clock Measures timeouts and lingering.
   */
  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  connect(options: ConnectOptions): Promise<Socket> {
    if (options.tls !== undefined) return this.#secure((net) => net.connect(options));
    const { address } = options;
    return connectWithin(options, this.#clock, async () => {
      let connection: Connection | undefined = undefined;
      await Bun.connect<Slot>({
        ...place(address),
        allowHalfOpen: true,
        data: { wire: undefined },
        socket: {
          ...HANDLERS,
          open: (socket) => {
            connection = wrap(socket, address, this.#clock);
          },
        },
      });
      return connection!;
    }, (late: Connection) => late.abort());
  }

  async listen(options: ListenOptions, accept: (socket: Socket) => void): Promise<Listener> {
    if (options.tls !== undefined) return await this.#secure((net) => net.listen(options, accept));
    const { address } = options;
    try {
      await clearPath(address, () => this.connect({ address, timeoutMs: PROBE_TIMEOUT_MS }));
      const listener = Bun.listen<Slot>({
        ...place(address),
        exclusive: true,
        allowHalfOpen: true,
        socket: {
          ...HANDLERS,
          open: (socket) => {
            socket.data = { wire: undefined };
            accept(wrap(socket, address, this.#clock));
          },
        },
      });
      await restrictPath(address, options.mode, () => listener.stop(true));
      return new BunAcceptor(listener, address);
    } catch (error) {
      throw toSocketError(error, `listen on ${formatAddress(address)}`);
    }
  }

  async #secure<T>(use: (net: Net) => Promise<T>): Promise<T> {
    const { NodeNet } = await import("./node.ts");
    return await use(new NodeNet(this.#clock));
  }
}

const HANDLERS: BunHandlers<Slot> = {
  data: (socket, chunk) => socket.data.wire?.connection.received(plain(chunk)),
  drain: (socket) => socket.data.wire?.connection.writable(),
  end: (socket) => socket.data.wire?.connection.receivedEnd(),
  error: (socket, error) => socket.data.wire?.connection.failed(error),
  close: (socket, error) => socket.data.wire?.closed(error),
  connectError: () => {},
};

/** Bun hands over a Buffer; parsers that have met plain arrays run at half speed on that. */
function plain(chunk: Uint8Array): Uint8Array {
  return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length);
}

function place(address: Address): { hostname: string; port: number } | { unix: string } {
  return address.transport === "unix"
    ? { unix: address.path }
    : { hostname: address.host, port: address.port };
}

function wrap(socket: BunSocket<Slot>, fallback: Address, clock: Clock): Connection {
  if (fallback.transport === "tcp") {
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_DELAY_MS);
  }
  const remote = toAddress(socket.remoteAddress, socket.remotePort, fallback);
  const local = toAddress(socket.localAddress, socket.localPort, fallback);
  return new Connection(remote, local, clock, (connection) => {
    const wire = new BunWire(socket, connection, clock);
    socket.data.wire = wire;
    wire.pause();
    return wire;
  });
}

function toAddress(host: string, port: number, fallback: Address): Address {
  return fallback.transport === "unix" ? fallback : { transport: "tcp", host, port };
}

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

  /** Bun closes once both sides have ended, and then tells the peer's end by nothing else. */
  closed(error?: Error): void {
    if (this.#destroyed) return;
    if (error === undefined) this.connection.receivedEnd();
    else this.connection.failed(error);
  }
}

class BunAcceptor implements Listener {
  readonly address: Address;
  readonly #listener: BunListener;
  #closed: boolean = false;

  constructor(listener: BunListener, asked: Address) {
    this.#listener = listener;
    this.address = asked.transport === "unix"
      ? asked
      : { transport: "tcp", host: asked.host, port: listener.port ?? asked.port };
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#listener.stop(false);
    await removePath(this.address);
  }
}
