/**
 * The turns of one connection: which bytes from the socket are handled now, which wait in the inbox for a
 * later turn of the event loop, and when the socket is not read for a while.
 *
 * ```text
 *  socket -- receive --> no turn is due: handled now, until the slice is over --+
 *                        a turn is due:  inbox                                  |
 *                                         ^  the rest of the chunk              |
 *                                         +-------------------------------------+
 *                                         |                          yield(): clock.soon
 *  next turn:  commands held by the stream, then the inbox, until the slice is over or all is handled
 *
 *  inbox above its bound   -> the socket is paused; the master's output buffer takes the rest
 *  inbox below half of it  -> the socket is resumed
 * ```
 *
 * Bytes are handled in the order they came: while anything waits, a turn is due, and what arrives goes
 * behind it.
 *
 * @module
 */

import { assert } from "../base/assert.ts";
import { nextSlice, Slice } from "../base/slices.ts";
import { asReplicationError, type ReplicationError } from "./errors.ts";
import { Inbox } from "./inbox.ts";
import type { LinkShared } from "./shared.ts";

/**
 * Most bytes that wait while a snapshot is loaded. More would only be memory on top of the data: a master
 * counts the stream against our output buffer limit, not the snapshot.
 */
const SNAPSHOT_INBOX_BYTES = 4 * 1024 * 1024;

/** What a connection does in its turns. */
export interface TurnWork {
  /** True once the stream is followed, which may fill the whole inbox; a snapshot may not. */
  following(): boolean;
  /** Applies commands that the stream holds since the last slice; yields again when it gets no further. */
  applyHeld(): void;
  /**
   * Handles a chunk from its start until its end, or until it yields, or until the connection fails.
   *
   * @returns How many of its bytes were handled.
   */
  handle(chunk: Uint8Array): number;
  /** A slice has ended without an exception. */
  sliceEnded(): void;
  /** Nothing waits any more. */
  caughtUp(): void;
  /** An exception of the work ends the connection. */
  fail(error: ReplicationError): void;
  /** Stops reading the socket, or reads it again. */
  setReading(reads: boolean): void;
}

/** Hands out the turns of one connection. */
export class Turns {
  /** When the last byte came, on the monotonic clock; -1 before the connection stands. */
  lastIoMs: number = -1;
  /** The time budget of the work that is being done. */
  readonly slice: Slice;
  readonly #shared: LinkShared;
  readonly #work: TurnWork;
  readonly #inbox: Inbox = new Inbox();
  #due: boolean = false;
  /** True while the turn that is due has not been asked for. */
  #held: boolean = false;
  #paused: boolean = false;
  #overran: boolean = false;
  #stopped: boolean = false;

  /** Asks for no turn yet. @param shared Clock and bounds of the link. @param work What is done in a turn. */
  constructor(shared: LinkShared, work: TurnWork) {
    this.#shared = shared;
    this.#work = work;
    this.slice = new Slice(shared.clock, shared.settings.sliceMs);
  }

  /** Bytes that wait for a later turn. */
  get waitingBytes(): number {
    return this.#inbox.byteLength;
  }

  /** True while a later turn has been asked for, and anything that arrives waits for it. */
  get due(): boolean {
    return this.#due;
  }

  /** True while the socket is not read, because enough waits already. */
  get paused(): boolean {
    return this.#paused;
  }

  /** True when the inbox passed its bound while following, and has not been empty since. */
  get overran(): boolean {
    return this.#overran;
  }

  /** Takes a borrowed chunk from the socket: handles it now, or copies what must wait. */
  receive(chunk: Uint8Array): void {
    assert(!this.#stopped, "a connection that failed takes no bytes");
    this.lastIoMs = this.slice.resume();
    if (this.#due) this.#inbox.push(chunk);
    else this.#guard(() => this.#handleChunk(chunk));
    this.#pauseOrResume();
    this.slice.pause();
  }

  /** Ends the slice: the work goes on in a later turn, after other callbacks of the host have run. */
  yield(): void {
    if (this.#due) return;
    this.#due = true;
    nextSlice(this.#shared.clock, () => this.#takeTurn());
  }

  /** Ends the slice until `release` is called: what comes meanwhile waits. */
  hold(): void {
    this.#due = true;
    this.#held = true;
  }

  /** The work goes on, in a later turn; nothing happens unless it was held. */
  release(): void {
    if (!this.#held) return;
    this.#held = false;
    this.#shared.clock.soon(() => this.#takeTurn());
  }

  /** Forgets what waits: the connection has failed. A turn that is due does nothing. */
  stop(): void {
    this.#stopped = true;
    this.#inbox.clear();
  }

  /** Runs when the turn asked for has come: begins a new slice with what waits. */
  #takeTurn(): void {
    this.#due = false;
    if (this.#stopped) return;
    this.slice.start();
    this.#guard(() => this.#handleWaiting());
    this.#pauseOrResume();
    this.slice.pause();
    if (this.#stopped || this.#due) return;
    assert(this.#inbox.byteLength === 0, "what waits has a turn that is due");
    this.#overran = false;
    this.#work.caughtUp();
  }

  /** Any exception of the work ends the connection, not the host. */
  #guard(work: () => void): void {
    try {
      work();
      this.#work.sliceEnded();
    } catch (error) {
      this.#work.fail(asReplicationError(error));
    }
  }

  /** Handles a borrowed chunk now. When the slice ends first, the rest of it is copied to the inbox. */
  #handleChunk(chunk: Uint8Array): void {
    const handled = this.#work.handle(chunk);
    if (this.#due) this.#inbox.push(chunk, handled, chunk.length);
  }

  /** Handles what waits, in the order it came: first what the stream holds, then the inbox, block by block. */
  #handleWaiting(): void {
    this.#work.applyHeld();
    while (!this.#due && !this.#stopped) {
      const block = this.#inbox.peek();
      if (block === undefined) return;
      const handled = this.#work.handle(block);
      if (!this.#stopped) this.#inbox.advance(handled);
    }
  }

  /** Pauses the socket above the bound, and resumes it below half of it, so that it does not change each time. */
  #pauseOrResume(): void {
    const waiting = this.#inbox.byteLength;
    const following = this.#work.following();
    const { limits, memory } = this.#shared.settings;
    const inboxBytes = Math.min(limits.inboxBytes, memory?.inboxBytes ?? Infinity);
    const most = following ? inboxBytes : Math.min(SNAPSHOT_INBOX_BYTES, inboxBytes);
    if (!this.#paused && waiting > most) {
      this.#paused = true;
      this.#work.setReading(false);
      if (following) this.#noteOverrun(waiting);
    } else if (this.#paused && waiting <= most / 2) {
      this.#paused = false;
      // The silence until now was ours, not the master's.
      this.lastIoMs = this.#shared.clock.monotonic();
      this.#work.setReading(true);
    }
  }

  /** Remembers, and logs once, that the host left too little time: if the link breaks now, that is why. */
  #noteOverrun(waiting: number): void {
    if (this.#overran) return;
    this.#overran = true;
    this.#shared.log(
      "warn",
      `${waiting} bytes wait to be applied (limits.inboxBytes): reading stops`,
      { event: "overrun", waiting },
    );
  }
}
