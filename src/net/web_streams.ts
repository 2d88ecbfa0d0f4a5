/**
 * A socket over any pair of Web Streams: the shape that `connect()` of edge runtimes returns. It runs
 * anywhere, at about half the speed of a native adapter: each read and write is a promise, and each chunk
 * written is a copy, as the sink may keep it.
 *
 * Backpressure is the streams' own: one write is under way at a time, and it waits for the sink's `ready`.
 * Pausing is not asking for the next chunk.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { hostClock } from "./host_clock.ts";
import { connectWithin } from "./connect.ts";
import { Connection, HELD, type Wire } from "./connection.ts";
import {
  type Address,
  type ConnectOptions,
  formatAddress,
  type Listener,
  type Net,
  type Socket,
  SocketError,
} from "./socket.ts";

/** The WinterTC Sockets API's `Socket`, as far as it is needed. */
export interface StreamPair {
  /** What the peer sends. */
  readonly readable: ReadableStream<Uint8Array>;
  /** What the peer gets. Each chunk written is a fresh copy: the sink may keep it. */
  readonly writable: WritableStream<Uint8Array>;
  /** Rejects when the connection breaks. */
  readonly closed?: Promise<unknown>;
  /** Closes both directions, where the pair can. */
  close?(): unknown;
}

const NOT_BYTES = "The readable stream brought a chunk that is not a Uint8Array";
const UNKNOWN: Address = { transport: "unix", path: "(streams)" };

/**
 * Makes a socket of `streams` and owns them from then on.
 *
 * @param streams An open pair, neither side locked.
 * @param remote Where it leads, for messages.
 * @param clock Measures lingering.
 */
export function fromStreams(
  streams: StreamPair,
  remote: Address = UNKNOWN,
  clock: Clock = hostClock(),
): Socket {
  return new Connection(remote, UNKNOWN, clock, (made) => new StreamWire(streams, made));
}

/**
 * A network whose connections somebody else opens, TLS included. It cannot listen.
 *
 * @param open Connects; should honour `options.tls`, and need not care for `timeoutMs` and `signal`.
 * @param clock Measures timeouts.
 */
export function netFromStreams(
  open: (options: ConnectOptions) => StreamPair | Promise<StreamPair>,
  clock: Clock = hostClock(),
): Net {
  return {
    connect: (options) =>
      connectWithin(
        options,
        clock,
        async () => fromStreams(await open(options), options.address, clock),
        (late) => late.abort(),
      ),
    listen: (options): Promise<Listener> => {
      const where = `listen on ${formatAddress(options.address)}`;
      return Promise.reject(new SocketError("IO", `${where}: streams handed in cannot listen`));
    },
  };
}

class StreamWire implements Wire {
  readonly #connection: Connection;
  readonly #streams: StreamPair;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  #wanted: boolean = false;
  #looping: boolean = false;
  #writing: boolean = false;
  #destroyed: boolean = false;

  constructor(streams: StreamPair, connection: Connection) {
    this.#streams = streams;
    this.#connection = connection;
    this.#reader = streams.readable.getReader();
    this.#writer = streams.writable.getWriter();
    // Their own failures come through reads and writes; unhandled they would end the process.
    this.#reader.closed.catch(ignore);
    this.#writer.closed.catch(ignore);
    this.#writer.ready.catch(ignore);
    streams.closed?.catch((error: unknown) => this.#failed(error));
  }

  write(bytes: Uint8Array, start: number, end: number): number {
    void this.#write(bytes.slice(start, end));
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
    this.#writer.close().catch((error: unknown) => this.#writeFailed(error));
  }

  destroy(reset: boolean): void {
    this.#destroyed = true;
    this.#wanted = false;
    // Worded for the other end: in a pair made of transforms this very error arrives there.
    const reason = new Error("connection reset by peer");
    if (reset || this.#writing) this.#writer.abort(reason).catch(ignore);
    else this.#writer.close().catch(ignore);
    this.#reader.cancel(reason).catch(ignore);
    void this.#closeStreams();
  }

  async #closeStreams(): Promise<void> {
    try {
      await this.#streams.close?.();
    } catch {
      // Closed by the peer first: nothing is left to let go of.
    }
  }

  async #write(chunk: Uint8Array): Promise<void> {
    this.#writing = true;
    try {
      // `ready` is the sink's backpressure; some sinks resolve `write` long before they are done.
      await this.#writer.ready;
      await this.#writer.write(chunk);
    } catch (error) {
      return this.#writeFailed(error);
    }
    this.#writing = false;
    this.#connection.wrote(chunk.length);
  }

  // A handler's exception is a bug and must surface, so only the read itself is guarded.
  async #readLoop(): Promise<void> {
    this.#looping = true;
    while (this.#wanted) {
      let step: ReadableStreamReadResult<Uint8Array>;
      try {
        step = await this.#reader.read();
      } catch (error) {
        return this.#failed(error);
      }
      if (this.#destroyed) return;
      if (step.done) return this.#connection.receivedEnd();
      if (!(step.value instanceof Uint8Array)) return this.#failed(new TypeError(NOT_BYTES));
      this.#connection.received(step.value);
    }
    this.#looping = false;
  }

  #failed(error: unknown): void {
    if (!this.#destroyed) this.#connection.failed(error);
  }

  #writeFailed(error: unknown): void {
    if (!this.#destroyed) this.#connection.writeFailed(error);
  }
}

function ignore(): void {}
