/**
 * The Deno adapter, over `Deno.connect` and `Deno.listen`. TLS is left to `node:tls`; `node.ts` says why.
 *
 * What Deno makes us do: `conn.read` fills a buffer we own and reads nothing unasked, so there is a loop
 * that asks again while somebody wants bytes, and pausing is not asking (a read under way still ends
 * with bytes: the connection keeps them). The buffer is one a connection, starts small and grows with
 * the traffic; measured at twice the throughput of the same connection's `ReadableStream`. `conn.write`
 * may take a part and says how many, so it is asked again for the rest. Half close needs nothing: the
 * reading side ends with null, the writing side with `closeWrite`.
 *
 * @module
 */

import { type Clock, sleep } from "../base/clock.ts";
import { yieldTurn } from "../base/slices.ts";
import { type Acceptor, makeNet, toAddress } from "./adapter.ts";
import { BusyPoll } from "./busy_poll.ts";
import { Connection, HELD, type Wire } from "./connection.ts";
import type { Address, Net, Socket } from "./socket.ts";
import { removePath } from "./unix_path.ts";

interface DenoAddr {
  readonly transport: string;
  readonly hostname?: string;
  readonly port?: number;
}

interface DenoConn {
  readonly localAddr: DenoAddr;
  readonly remoteAddr: DenoAddr;
  read(target: Uint8Array): Promise<number | null>;
  write(source: Uint8Array): Promise<number>;
  closeWrite(): Promise<void>;
  close(): void;
  setNoDelay?(on: boolean): void;
  setKeepAlive?(on: boolean): void;
}

interface DenoListener {
  readonly addr: DenoAddr;
  accept(): Promise<DenoConn>;
  close(): void;
}

declare const Deno: {
  connect(
    options:
      | { hostname: string; port: number; signal?: AbortSignal }
      | { transport: "unix"; path: string },
  ): Promise<DenoConn>;
  listen(
    options: { hostname: string; port: number } | { transport: "unix"; path: string },
  ): DenoListener;
};

/** How long the accept loop waits when a connection cannot be had, as without file descriptors. */
const ACCEPT_RETRY_MS = 20;
/**
 * Codes of an accept that took a connection which its peer had reset before: the next accept waits for
 * another one.
 */
const PEER_GONE: readonly string[] = ["ENOTCONN", "ECONNABORTED", "ECONNRESET", "EPROTO", "EINVAL"];
/** A connection's first read buffer. */
const READ_MIN = 1 << 12;
/** What its buffer grows to, fourfold each time a read has filled it. */
const READ_MAX = 1 << 18;
/**
 * Bytes read in a row before the loop gives others a turn: reads of what has already arrived resolve in
 * microtasks, and timers would not run between them.
 */
const READ_RUN = 1 << 20;

/**
 * Deno's network.
 *
 * @param clock Measures timeouts and lingering.
 */
export function makeDenoNet(clock: Clock): Net {
  return makeNet({
    async connect({ address }, cancel) {
      return wrap(await open(address, cancel), address, clock);
    },
    listen: ({ address }, accept) => listen(address, clock, accept),
    loadTls: async () => (await import("./node.ts")).makeNodeNet(clock, true),
  }, clock);
}

function open(address: Address, signal: AbortSignal): Promise<DenoConn> {
  if (address.transport === "unix") return Deno.connect({ transport: "unix", path: address.path });
  return Deno.connect({ hostname: address.host, port: address.port, signal });
}

function listen(address: Address, clock: Clock, accept: (socket: Socket) => void): Acceptor {
  const listener = address.transport === "unix"
    ? Deno.listen({ transport: "unix", path: address.path })
    : Deno.listen({ hostname: address.host, port: address.port });
  const { hostname, port } = listener.addr;
  return new DenoAcceptor(listener, toAddress(hostname, port, address), clock, accept);
}

function wrap(conn: DenoConn, asked: Address, clock: Clock): Connection {
  conn.setNoDelay?.(true);
  conn.setKeepAlive?.(true);
  const { remoteAddr, localAddr } = conn;
  const remote = toAddress(remoteAddr.hostname, remoteAddr.port, asked);
  const local = toAddress(localAddr.hostname, localAddr.port, asked);
  return new Connection(remote, local, clock, (owner) => new DenoWire(conn, owner, clock));
}

/** The Deno half of a connection: one loop that reads, one that writes a run to its end. */
class DenoWire implements Wire {
  readonly busyPoll: BusyPoll | undefined;
  readonly #conn: DenoConn;
  readonly #connection: Connection;
  readonly #clock: Clock;
  #buffer: Uint8Array = new Uint8Array(0);
  #wanted: boolean = false;
  #looping: boolean = false;
  #destroyed: boolean = false;

  constructor(conn: DenoConn, connection: Connection, clock: Clock) {
    this.#conn = conn;
    this.#connection = connection;
    this.#clock = clock;
    this.busyPoll = BusyPoll.for(connection.remote, clock);
  }

  write(bytes: Uint8Array, start: number, end: number): number {
    void this.#writeAll(bytes, start, end);
    return HELD;
  }

  resume(): void {
    this.#wanted = true;
    if (!this.#looping) void this.#readLoop();
  }

  pause(): void {
    this.#wanted = false;
  }

  shutdown(): void {
    this.#conn.closeWrite().catch((error: unknown) => this.#connection.writeFailed(error));
  }

  destroy(): void {
    this.#destroyed = true;
    this.#wanted = false;
    try {
      this.#conn.close();
    } catch {
      // Already closed: nothing is left to let go of.
    }
  }

  /** Writes the whole run, which may take several calls, then tells the connection. */
  async #writeAll(bytes: Uint8Array, start: number, end: number): Promise<void> {
    try {
      for (let pos = start; pos < end;) pos += await this.#conn.write(bytes.subarray(pos, end));
    } catch (error) {
      if (!this.#destroyed) this.#connection.writeFailed(error);
      return;
    }
    this.#connection.wrote(end - start);
  }

  // Only the read itself is guarded: an exception of a handler is a bug, and must surface as an unhandled
  // rejection.
  async #readLoop(): Promise<void> {
    this.#looping = true;
    let run = 0;
    while (this.#wanted) {
      const buffer = this.#buffer.length > 0 ? this.#buffer : this.#grow();
      let count: number | null;
      try {
        count = await this.#conn.read(buffer);
      } catch (error) {
        if (!this.#destroyed) this.#connection.failed(error);
        return;
      }
      if (this.#destroyed) return;
      if (count === null) return this.#connection.receivedEnd();
      this.#connection.received(count === buffer.length ? buffer : buffer.subarray(0, count));
      if (count === buffer.length && count < READ_MAX) this.#grow();
      run += count;
      if (run < READ_RUN) continue;
      run = 0;
      await yieldTurn(this.#clock);
    }
    this.#looping = false;
  }

  /** Makes a larger buffer; the connection has copied what it keeps of the old one. */
  #grow(): Uint8Array {
    this.#buffer = new Uint8Array(Math.max(READ_MIN, this.#buffer.length * 4));
    return this.#buffer;
  }
}

/** Deno's listener: a loop that accepts until it is stopped. */
class DenoAcceptor implements Acceptor {
  readonly address: Address;
  readonly #listener: DenoListener;
  readonly #clock: Clock;
  readonly #finished: Promise<void>;
  #stopped: boolean = false;

  constructor(
    listener: DenoListener,
    address: Address,
    clock: Clock,
    accept: (socket: Socket) => void,
  ) {
    this.address = address;
    this.#listener = listener;
    this.#clock = clock;
    this.#finished = this.#acceptLoop(accept);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#listener.close();
    await removePath(this.address);
    await this.#finished;
  }

  async #acceptLoop(accept: (socket: Socket) => void): Promise<void> {
    while (!this.#stopped) {
      let conn: DenoConn;
      try {
        conn = await this.#listener.accept();
      } catch (error) {
        if (this.#stopped || (error as Error).name === "BadResource") return;
        // The listener itself lives on. Waiting after each peer that is gone would let a port scan keep the
        // others out; without file descriptors, trying again at once would spin.
        if (!isPeerGone(error)) await sleep(this.#clock, ACCEPT_RETRY_MS);
        continue;
      }
      if (this.#stopped) return conn.close();
      accept(wrap(conn, this.address, this.#clock));
    }
  }
}

/** Whether an accept failed because of the peer alone. */
function isPeerGone(error: unknown): boolean {
  return PEER_GONE.includes(String((error as { code?: unknown }).code));
}
