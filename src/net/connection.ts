/**
 * Everything about a socket that is the same on every runtime: what is pending, backpressure, half
 * close, lingering, and the order of the handler's calls. A {@linkcode Wire} is the rest.
 *
 * Sending. What the owner flushed goes out in runs of at most 1 MB, one at a time. A wire takes a run at
 * once, takes a part of it (`writable` follows), or holds it until `wrote`:
 *
 * ```text
 *   owner ── out ── flush ──▶ Output ── run ──▶ Wire.write ──┬─ taken: next run
 *     ▲                                                      ├─ a part: wait for writable()
 *     └──── onDrain, once pending < 256 KB ◀──────────────── └─ HELD: wait for wrote()
 *           (only after flush returned false: pending > 1 MB)
 * ```
 *
 * The two directions end apart, as in TCP. The sending side is OPEN, then ENDING (`end` or `close` was
 * called and bytes are left), then ENDED. The connection is over when both sides have ended, when it
 * broke, when it was aborted, or when `close` has lingered long enough:
 *
 * ```text
 *   OPEN ── end(), close() ──▶ ENDING ── all taken ──▶ ENDED ── the peer's end told ──▶ done
 *     └───────────── abort(), failed(), linger over: at any time ─────────────────────▶ done
 * ```
 *
 * A failed write does not end it at once: what the peer sent before it cut us off (an error reply that
 * says why) is still read, for a quarter of a second.
 *
 * No handler is ever called from inside a call of its owner's: an error met while flushing, or bytes
 * kept while paused, are told in a microtask. So an owner may call any method at any time, and need not
 * expect its own state to change under the call.
 *
 * @module
 */

import { assert } from "../base/assert.ts";
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

/** Its reactions are microtasks, which no fake of `queueMicrotask` can hold back. */
const SETTLED = Promise.resolve();

/** Bytes pending above which `flush` returns false: the owner should stop producing. */
export const HIGH_WATER: number = 1 << 20;
/** Bytes pending below which `onDrain` is called, after `flush` had returned false. */
export const LOW_WATER: number = 1 << 18;
/**
 * Most bytes one write offers, so that a large reply drains in steps and `pendingBytes` tells how
 * far it is.
 */
const RUN_MAX = 1 << 20;
/** How long `close` waits for the peer to take what is pending. */
const LINGER_MS = 1000;
/** How long after a failed write the peer's last bytes are still read. */
const LAST_WORDS_MS = 250;

/**
 * Returned by {@linkcode Wire.write} when the runtime has the bytes until the adapter calls
 * `wrote`.
 */
export const HELD: number = -1;

/** What an adapter does for a {@linkcode Connection}. Errors are told to `failed`, never thrown. */
export interface Wire {
  /**
   * Keeps the event loop awake after bytes came; left out where no operating system brings them.
   */
  readonly busyPoll?: BusyPoll | undefined;
  /**
   * Writes bytes `[start, end)`. Returns how many were taken at once (fewer than asked: `writable`
   * will be called), or `HELD`: then `bytes` is left alone until the adapter calls `wrote`.
   */
  write(bytes: Uint8Array, start: number, end: number): number;
  /** Begins or goes on to read, and to call `received` and `receivedEnd`. */
  resume(): void;
  /** Stops reading; a read that is under way may still bring bytes. */
  pause(): void;
  /** Sends the end of the stream. Called once, after everything before it was taken. */
  shutdown(): void;
  /** Closes the socket, with a reset where `reset` asks for it and the runtime can. Called once. */
  destroy(reset: boolean): void;
}

/** States of the sending side, in this order. */
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
  /** A run is in the wire's hands: no other is offered. */
  #held: boolean = false;
  /** `flush` has returned false since `onDrain` was called. */
  #owesDrain: boolean = false;
  /** The owner wants bytes: `start` or `resume` was called last, not `pause`. */
  #reading: boolean = false;
  /** A microtask will hand over the stash and let the wire read. */
  #catchingUp: boolean = false;
  /** Copies of what the runtime delivered while paused; at most what its read under way brought. */
  #stash: Uint8Array[] = [];
  /** The peer's end was read, and (`#endTold`) handed to the owner. */
  #endArrived: boolean = false;
  #endTold: boolean = false;
  /** `close` was called or the connection is over: nothing is handed to the owner but `onClose`. */
  #closing: boolean = false;
  /** The wire is destroyed. */
  #done: boolean = false;
  #closeTold: boolean = false;
  /** Of lingering, or of the last words after a failed write. */
  #timer: TimerId = undefined;
  /** What `onClose` will be given. */
  #error: SocketError | undefined = undefined;

  /**
   * Nothing is read before {@linkcode Connection.start}.
   *
   * @param remote The peer's address.
   * @param local This end's address.
   * @param clock Measures lingering.
   * @param wire Makes the adapter's half, given this one.
   */
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
    void SETTLED.then(() => this.#catchUp());
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

  /** Sends what is pending, for at most `lingerMs`, then closes; see {@linkcode Socket.close}. */
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

  /** Called by the wire: bytes were read. They are borrowed for the call. */
  received(chunk: Uint8Array): void {
    if (this.#closing) return;
    this.#wire.busyPoll?.stir();
    if (!this.#reading || this.#catchingUp) this.#stash.push(chunk.slice());
    else this.#handler!.onData(chunk);
  }

  /** Called by the wire: the end of the stream was read. */
  receivedEnd(): void {
    if (this.#done) return;
    this.#endArrived = true;
    if (this.#closing) {
      if (this.#sending === Sending.ENDED) this.#finish(undefined, false);
    } else if (this.#reading && !this.#catchingUp) {
      this.#tellEnd();
    }
  }

  /** Called by the wire: the run it held, `count` bytes, is written. */
  wrote(count: number): void {
    this.#held = false;
    if (this.#done || this.#error !== undefined) return;
    this.#output.advance(count);
    this.#writeOn();
  }

  /** Called by the wire: it takes bytes again. */
  writable(): void {
    if (!this.#done && this.#error === undefined) this.#writeOn();
  }

  /** Called by the wire: reading failed, or the socket is gone. The first error told counts. */
  failed(cause: unknown): void {
    if (this.#done) return;
    this.#finish(this.#error ?? this.#toError(cause), false);
  }

  /**
   * Called by the wire: writing failed. What is pending is dropped; what the peer sent before it cut us off
   * is still read, for {@linkcode LAST_WORDS_MS}.
   */
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

  /**
   * Offers runs to the wire until it holds one, takes less than offered, or nothing flushed is
   * left.
   */
  #pump(): void {
    const output = this.#output;
    while (!this.#held && output.next()) {
      const start = output.start;
      const end = Math.min(output.sending.length, start + RUN_MAX);
      // Set before the call: a wire may fail inside it, and so end everything.
      this.#held = true;
      const taken = this.#wire.write(output.sending.bytes, start, end);
      if (taken === HELD) return;
      this.#held = false;
      if (this.#done || this.#error !== undefined) return;
      assert(taken >= 0 && taken <= end - start, "a wire takes no more than it was offered");
      output.advance(taken);
      if (taken < end - start) return;
    }
    if (!this.#held && this.#sending === Sending.ENDING) this.#sendEnd();
  }

  /** After the wire took something: offers more, and tells the owner once little is pending. */
  #writeOn(): void {
    this.#pump();
    if (this.#owesDrain && this.#output.length < LOW_WATER && !this.#closing) {
      this.#owesDrain = false;
      this.#handler?.onDrain?.();
    }
  }

  /** Half close: everything was taken. The connection is over when the peer has ended, too. */
  #sendEnd(): void {
    assert(
      this.#sending === Sending.ENDING && !this.#held,
      "the end goes out once, behind all bytes",
    );
    this.#sending = Sending.ENDED;
    this.#wire.shutdown();
    if (this.#endTold || (this.#closing && this.#endArrived)) this.#finish(undefined, false);
  }

  /** Hands the peer's end to the owner, once. Without `onEnd` it is answered with our own. */
  #tellEnd(): void {
    if (this.#endTold) return;
    this.#endTold = true;
    const handler = this.#handler!;
    if (handler.onEnd === undefined && this.#error === undefined) return this.close();
    handler.onEnd?.();
    if (this.#sending === Sending.ENDED) this.#finish(this.#error, false);
  }

  /** Hands over, in order, what came while the owner did not read; then lets the wire read on. */
  #catchUp(): void {
    while (this.#reading && !this.#closing && this.#stash.length > 0) {
      this.#handler!.onData(this.#stash.shift()!);
    }
    this.#catchingUp = false;
    if (!this.#reading || this.#closing) return;
    if (this.#endArrived) this.#tellEnd();
    else this.#wire.resume();
  }

  /** Ends everything, once: destroys the wire and tells the owner in a microtask. */
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

  /** Calls `onClose`, the handler's last call, once; later when no handler is there yet. */
  #tellClosed(): void {
    if (this.#closeTold) return;
    this.#closeTold = true;
    void SETTLED.then(() => this.#handler!.onClose(this.#error));
  }
}
