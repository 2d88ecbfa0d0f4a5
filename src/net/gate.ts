/**
 * What Deno's `node:tls` reads through: a TCP or Unix socket that hands over nothing, not even its end,
 * while it is held. That TLS forgets the end of the stream when it comes while its own reading is
 * paused; so the bytes below it are paused as well, and the end finds it awake.
 *
 * @module
 */

import type { Socket } from "node:net";
import { Duplex } from "node:stream";

/** See the module's text. */
export class Gate extends Duplex {
  /** What is read and written. */
  readonly carrier: Socket;
  /** What broke the carrier: TLS only says that its own work was cancelled. */
  failure: Error | undefined = undefined;
  #held: boolean = false;
  /** TLS has asked for more. */
  #wanted: boolean = false;
  /** The carrier ended while held. */
  #owesEnd: boolean = false;

  /** @param carrier Connected, and paused from now on until TLS asks. */
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

  /** Nothing is handed over from now on. */
  hold(): void {
    this.#held = true;
    this.carrier.pause();
  }

  /** What came, and what will come, is handed over. */
  release(): void {
    this.#held = false;
    if (this.#owesEnd) this.#end();
    else if (this.#wanted) this.carrier.resume();
  }

  override _read(): void {
    this.#wanted = true;
    if (!this.#held) this.carrier.resume();
  }

  override _write(
    chunk: Uint8Array,
    _encoding: string,
    done: (error?: Error | null) => void,
  ): void {
    this.carrier.write(chunk, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.carrier.end(done);
  }

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
