/**
 * What Deno's `node:tls` reads through: a TCP or Unix socket that hands over nothing, not even its end,
 * while it is held.
 *
 * Why: Deno's TLS forgets the end of the stream when it arrives while reading is paused, and nobody is told
 * of it any more. Pausing TLS alone does not keep the end from it. So the socket below is paused as well,
 * an end that comes is kept, and it is passed on once TLS reads again:
 *
 * ```text
 *   carrier (TCP) ── data, end ──▶ Gate ── push ──▶ TLS ──▶ Connection
 *        ▲                          │
 *        └── pause, resume ─────────┘ hold(), release(): by the connection's pause and resume
 * ```
 *
 * @module
 */

import type { Socket } from "node:net";
import { Duplex } from "node:stream";

/** A stream over a socket that can be held. */
export class Gate extends Duplex {
  /** The socket that is read and written. */
  readonly carrier: Socket;
  /** The carrier's error; TLS itself only tells that its work was cancelled. */
  failure: Error | undefined = undefined;
  #held: boolean = false;
  /** TLS has asked for bytes since it last had enough. */
  #wanted: boolean = false;
  /** The carrier ended while held: `release` passes the end on. */
  #owesEnd: boolean = false;

  /**
   * Takes over a socket.
   *
   * @param carrier Connected. It is paused from now on, until TLS asks for bytes.
   */
  constructor(carrier: Socket) {
    super({ allowHalfOpen: true });
    this.carrier = carrier;
    carrier.pause();
    carrier.on("data", (chunk: Uint8Array) => this.#take(chunk));
    carrier.on("end", () => this.#end());
    carrier.on("error", (error: Error) => {
      this.failure = error;
      this.destroy(error);
    });
    carrier.on("close", () => this.destroy());
  }

  /** Passes nothing on from now on, and stops reading the carrier. */
  hold(): void {
    this.#held = true;
    this.carrier.pause();
  }

  /** Passes on what came while held, the end included, and what will come. */
  release(): void {
    this.#held = false;
    if (this.#owesEnd) this.#end();
    else if (this.#wanted) this.carrier.resume();
  }

  /** Called by the stream when TLS wants bytes. */
  override _read(): void {
    this.#wanted = true;
    if (!this.#held) this.carrier.resume();
  }

  /**
   * Writes to the carrier; `done` is called once it has taken the chunk, which is its backpressure.
   */
  override _write(
    chunk: Uint8Array,
    _encoding: string,
    done: (error?: Error | null) => void,
  ): void {
    this.carrier.write(chunk, done);
  }

  /** Half close: TLS has sent its last bytes. */
  override _final(done: (error?: Error | null) => void): void {
    this.carrier.end(done);
  }

  /** Closes the carrier with the stream. */
  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.carrier.destroy();
    done(error);
  }

  #take(chunk: Uint8Array): void {
    if (this.push(chunk)) return;
    this.#wanted = false;
    this.carrier.pause();
  }

  #end(): void {
    this.#owesEnd = this.#held;
    if (!this.#held) this.push(null);
  }
}
