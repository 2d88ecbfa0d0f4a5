/**
 * The Deno adapter. Bytes are read with `conn.read` into one buffer a connection, which starts small
 * and grows with the traffic; measured at twice the throughput of the same connection's
 * `ReadableStream`.
 *
 * TLS is left to `node:tls`; `node.ts` says why.
 *
 * @module
 */

import { type Clock, systemClock } from "../base/clock.ts";
import { yieldTurn } from "../base/slices.ts";
import { connectWithin } from "./connect.ts";
import { BusyPoll } from "./busy_poll.ts";
import { Connection, HELD, type Wire } from "./connection.ts";
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

interface DenoAddr {
  readonly transport: string;
  readonly hostname?: string;
  readonly port?: number;
  readonly path?: string | null;
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

/** Pause after a failed accept. */
const ACCEPT_RETRY_MS = 20;
const PROBE_TIMEOUT_MS = 1000;
const READ_MIN = 1 << 12;
const READ_MAX = 1 << 18;
/** Others get their turn after so many bytes: what has arrived would be read on and on until then. */
const READ_RUN = 1 << 20;

/** Deno's network. */
export class DenoNet implements Net {
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
    return connectWithin(options, this.#clock, async (cancel) => {
      const conn = await open(options.address, cancel);
      return wrap(conn, options.address, this.#clock);
    }, (late) => late.abort());
  }

  async listen(options: ListenOptions, accept: (socket: Socket) => void): Promise<Listener> {
    if (options.tls !== undefined) return await this.#secure((net) => net.listen(options, accept));
    const { address } = options;
    try {
      await clearPath(address, () => this.connect({ address, timeoutMs: PROBE_TIMEOUT_MS }));
      const listener = address.transport === "unix"
        ? Deno.listen({ transport: "unix", path: address.path })
        : Deno.listen({ hostname: address.host, port: address.port });
      await restrictPath(address, options.mode, () => listener.close());
      return new DenoAcceptor(listener, address, this.#clock, accept);
    } catch (error) {
      throw toSocketError(error, `listen on ${formatAddress(address)}`);
    }
  }

  async #secure<T>(use: (net: Net) => Promise<T>): Promise<T> {
    const { NodeNet } = await import("./node.ts");
    return await use(new NodeNet(this.#clock, true));
  }
}

function open(address: Address, signal: AbortSignal): Promise<DenoConn> {
  if (address.transport === "unix") return Deno.connect({ transport: "unix", path: address.path });
  return Deno.connect({ hostname: address.host, port: address.port, signal });
}

function wrap(conn: DenoConn, fallback: Address, clock: Clock): Connection {
  conn.setNoDelay?.(true);
  conn.setKeepAlive?.(true);
  const remote = toAddress(conn.remoteAddr, fallback);
  const local = toAddress(conn.localAddr, fallback);
  return new Connection(remote, local, clock, (owner) => new DenoWire(conn, owner, clock));
}

function toAddress(addr: DenoAddr, fallback: Address): Address {
  if (addr.transport === "tcp") {
    return { transport: "tcp", host: addr.hostname ?? "", port: addr.port ?? 0 };
  }
  if (typeof addr.path === "string" && addr.path !== "") {
    return { transport: "unix", path: addr.path };
  }
  return fallback;
}

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

  async #writeAll(bytes: Uint8Array, start: number, end: number): Promise<void> {
    try {
      for (let pos = start; pos < end;) pos += await this.#conn.write(bytes.subarray(pos, end));
    } catch (error) {
      if (!this.#destroyed) this.#connection.writeFailed(error);
      return;
    }
    this.#connection.wrote(end - start);
  }

  // A handler's exception is a bug; it must surface as an unhandled rejection, so only the read
  // itself is guarded.
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

  #grow(): Uint8Array {
    this.#buffer = new Uint8Array(Math.max(READ_MIN, this.#buffer.length * 4));
    return this.#buffer;
  }
}

class DenoAcceptor implements Listener {
  readonly address: Address;
  readonly #listener: DenoListener;
  readonly #clock: Clock;
  readonly #finished: Promise<void>;
  #closed: boolean = false;

  constructor(
    listener: DenoListener,
    asked: Address,
    clock: Clock,
    accept: (socket: Socket) => void,
  ) {
    this.address = toAddress(listener.addr, asked);
    this.#listener = listener;
    this.#clock = clock;
    this.#finished = this.#acceptLoop(accept);
  }

  async close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#listener.close();
      await removePath(this.address);
    }
    await this.#finished;
  }

  async #acceptLoop(accept: (socket: Socket) => void): Promise<void> {
    while (!this.#closed) {
      let conn: DenoConn;
      try {
        conn = await this.#listener.accept();
      } catch (error) {
        if (this.#closed || (error as Error).name === "BadResource") return;
        // Out of file descriptors, or a peer gone before its turn: the listener itself lives on.
        await new Promise<void>((resolve) => void this.#clock.setTimer(resolve, ACCEPT_RETRY_MS));
        continue;
      }
      if (this.#closed) return conn.close();
      accept(wrap(conn, this.address, this.#clock));
    }
  }
}
