/**
 * Everything about a socket that is the same on every runtime: what is pending, backpressure, half
 * close, lingering, and the order of the handler's calls. A {@linkcode Wire} is the rest.
 *
 * No handler is ever called from inside a call of its owner's: an error met while flushing, or bytes
 * kept while paused, are told in a microtask.
 *
 * @module
 */

import type { ByteBuffer } from "../base/byte_buffer.ts";
import type { Clock, TimerId } from "../base/clock.ts";
import type { BusyPoll } from "./busy_poll.ts";
import { toSocketError } from "./failure.ts";
import { Output } from "./output.ts";
import {
  type Address,
  formatAddress,
  type Socket,
  type SocketError,
  type SocketHandler,
} from "./socket.ts";

/** More than this pending, and `flush` asks the caller to stop. */
export const HIGH_WATER: number = 1 << 20;
/** Less than this pending again, and `onDrain` is called. */
export const LOW_WATER: number = 1 << 18;
/** The most one write offers: a large reply then drains in steps instead of in one jump. */
const RUN_MAX = 1 << 20;
const LINGER_MS = 1000;
/** How long what the peer sent before it cut us off may still be read after a write failed. */
const LAST_WORDS_MS = 250;

/** Answer of {@linkcode Wire.write}: the bytes are in the runtime's hands until `wrote`. */
export const HELD = -1;

/** What an adapter does for a {@linkcode Connection}. Errors are told to `failed`, never thrown. */
export interface Wire {
  /** What can keep the loop awake, where the operating system brings the bytes. */
  readonly busyPoll?: BusyPoll | undefined;
  /**
   * Writes bytes `[start, end)`. Returns how many were taken at once (fewer than asked: `writable`
   * will be called), or `HELD`: then `bytes` is left alone until the adapter calls `wrote`.
   */
  write(bytes: Uint8Array, start: number, end: number): number;
  /** Reads, and calls `received` and `receivedEnd`. */
  resume(): void;
  /** Reads no more than what is under way. */
  pause(): void;
  /** Sends the end of the stream. Everything before it has been taken. */
  shutdown(): void;
  /** Lets go of the socket; with a reset where the runtime can and `reset` asks for it. */
  destroy(reset: boolean): void;
}

/** The sending side. */
const Sending = { OPEN: 0, ENDING: 1, ENDED: 2 } as const;
type Sending = (typeof Sending)[keyof typeof Sending];

/** A socket over a {@linkcode Wire}. */
export class Connection implements Socket {
  readonly remote: Address;
  readonly local: Address;
  readonly #clock: Clock;
  readonly #wire: Wire;
  readonly #output: Output = new Output();
  #handler: SocketHandler | undefined = undefined;
  #sending: Sending = Sending.OPEN;
  #held: boolean = false;
  #owesDrain: boolean = false;
  /** The owner wants bytes. */
  #reading: boolean = false;
  /** A microtask will hand over the stash and set the wire reading. */
  #catchingUp: boolean = false;
  /** Copies of what the runtime delivered while paused. */
  #stash: Uint8Array[] = [];
  #endArrived: boolean = false;
  #endTold: boolean = false;
  #closing: boolean = false;
  #done: boolean = false;
  #closeTold: boolean = false;
  #timer: TimerId = undefined;
  #error: SocketError | undefined = undefined;

  /** @param wire Makes the adapter's half, given this one. */
  constructor(
    remote: Address,
    local: Address,
    clock: Clock,
    wire: (connection: Connection) => Wire,
  ) {
    this.remote = remote;
    this.local = local;
    this.#clock = clock;
    this.#wire = wire(this);
  }

  get out(): ByteBuffer {
    return this.#output.filling;
  }

  get pendingBytes(): number {
    return this.#output.length;
  }

  get closed(): boolean {
    return this.#closing;
  }

  start(handler: SocketHandler): void {
    this.#handler = handler;
    if (this.#done) this.#tellClosed();
    else this.resume();
  }

  flush(): boolean {
    const output = this.#output;
    if (this.#sending !== Sending.OPEN) {
      output.filling.clear();
      if (this.#done) output.drop();
      return false;
    }
    output.commit();
    this.#pump();
    if (output.length <= HIGH_WATER) return !this.#closing;
    this.#owesDrain = true;
    return false;
  }

  write(bytes: Uint8Array): boolean {
    if (this.#sending === Sending.OPEN) this.out.writeBytes(bytes);
    return this.flush();
  }

  pause(): void {
    if (!this.#reading || this.#closing) return;
    this.#reading = false;
    if (this.#error !== undefined) return this.#finish(this.#error, false);
    this.#wire.pause();
  }

  resume(): void {
    if (this.#closing || this.#reading || this.#handler === undefined) return;
    this.#reading = true;
    if (this.#catchingUp) return;
    this.#catchingUp = true;
    queueMicrotask(() => this.#catchUp());
  }

  busyPoll(on: boolean): void {
    const poll = this.#wire.busyPoll;
    if (poll !== undefined) poll.on = on && !this.#closing;
  }

  end(): void {
    if (this.#sending !== Sending.OPEN) return;
    this.#output.commit();
    this.#sending = Sending.ENDING;
    this.#pump();
  }

  close(lingerMs: number = LINGER_MS): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#stash.length = 0;
    if (this.#error !== undefined || this.#output.length === 0 || lingerMs <= 0) {
      return this.#finish(this.#error, false);
    }
    this.#timer = this.#clock.setTimer(() => this.#finish(undefined, false), lingerMs);
    if (this.#sending === Sending.OPEN) {
      this.#output.commit();
      this.#sending = Sending.ENDING;
    }
    // What arrives is thrown away: unread bytes would turn the close into a reset, which may cost
    // the peer what was sent last.
    if (!this.#endArrived) this.#wire.resume();
    this.#pump();
  }

  abort(error?: SocketError): void {
    this.#finish(error, true);
  }

  /** The wire read bytes, borrowed for the call. */
  received(chunk: Uint8Array): void {
    if (this.#closing) return;
    this.#wire.busyPoll?.stir();
    if (!this.#reading || this.#catchingUp) this.#stash.push(chunk.slice());
    else this.#handler!.onData(chunk);
  }

  /** The wire read the end of the stream. */
  receivedEnd(): void {
    if (this.#done) return;
    this.#endArrived = true;
    if (this.#closing) {
      if (this.#sending === Sending.ENDED) this.#finish(undefined, false);
    } else if (this.#reading && !this.#catchingUp) {
      this.#tellEnd();
    }
  }

  /** The wire is through with the `count` bytes it held. */
  wrote(count: number): void {
    this.#held = false;
    if (this.#done || this.#error !== undefined) return;
    this.#output.advance(count);
    this.#writeOn();
  }

  /** The wire takes bytes again. */
  writable(): void {
    if (!this.#done && this.#error === undefined) this.#writeOn();
  }

  /** Reading broke, or the socket is gone. */
  failed(cause: unknown): void {
    if (this.#done) return;
    this.#finish(this.#error ?? this.#toError(cause), false);
  }

  /** Writing broke. What the peer sent before it cut us off is still read, while it comes. */
  writeFailed(cause: unknown): void {
    if (this.#done || this.#error !== undefined) return;
    const error = this.#toError(cause);
    this.#held = false;
    if (this.#closing || !this.#reading || this.#endArrived) return this.#finish(error, false);
    this.#error = error;
    this.#sending = Sending.ENDED;
    this.#output.drop();
    this.#timer = this.#clock.setTimer(() => this.#finish(error, false), LAST_WORDS_MS);
  }

  #toError(cause: unknown): SocketError {
    return toSocketError(cause, `connection to ${formatAddress(this.remote)}`);
  }

  #pump(): void {
    const output = this.#output;
    while (!this.#held && output.next()) {
      const start = output.start;
      const end = Math.min(output.sending.length, start + RUN_MAX);
      // Held before the call: a wire may fail, and so end everything, inside it.
      this.#held = true;
      const taken = this.#wire.write(output.sending.bytes, start, end);
      if (taken === HELD) return;
      this.#held = false;
      if (this.#done || this.#error !== undefined) return;
      output.advance(taken);
      if (taken < end - start) return;
    }
    if (!this.#held && this.#sending === Sending.ENDING) this.#sendEnd();
  }

  #writeOn(): void {
    this.#pump();
    if (this.#owesDrain && this.#output.length < LOW_WATER && !this.#closing) {
      this.#owesDrain = false;
      this.#handler?.onDrain?.();
    }
  }

  #sendEnd(): void {
    this.#sending = Sending.ENDED;
    this.#wire.shutdown();
    if (this.#endTold || (this.#closing && this.#endArrived)) this.#finish(undefined, false);
  }

  #tellEnd(): void {
    if (this.#endTold) return;
    this.#endTold = true;
    const handler = this.#handler!;
    if (handler.onEnd === undefined && this.#error === undefined) return this.close();
    handler.onEnd?.();
    if (this.#sending === Sending.ENDED) this.#finish(this.#error, false);
  }

  /** Hands over what came while nobody read, in order, then lets the wire read on. */
  #catchUp(): void {
    while (this.#reading && !this.#closing && this.#stash.length > 0) {
      this.#handler!.onData(this.#stash.shift()!);
    }
    this.#catchingUp = false;
    if (!this.#reading || this.#closing) return;
    if (this.#endArrived) this.#tellEnd();
    else this.#wire.resume();
  }

  #finish(error: SocketError | undefined, reset: boolean): void {
    if (this.#done) return;
    this.#done = true;
    this.#closing = true;
    this.#sending = Sending.ENDED;
    this.#error = error;
    this.busyPoll(false);
    if (this.#timer !== undefined) this.#clock.clearTimer(this.#timer);
    this.#stash.length = 0;
    this.#output.drop();
    this.#wire.destroy(reset);
    if (this.#handler !== undefined) this.#tellClosed();
  }

  #tellClosed(): void {
    if (this.#closeTold) return;
    this.#closeTold = true;
    queueMicrotask(() => this.#handler!.onClose(this.#error));
  }
}
