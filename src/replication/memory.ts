/**
 * The limit on memory (`maxMemory`): counts what is held, and says before more is taken whether it fits. Nothing is
 * evicted to make room: caches are given up first, then the link is.
 *
 * ```text
 *  counted      keyspace, snapshot being loaded, caches, indexes, change feed; what waits from the master
 *
 *  0                                   90%          maxBytes   102%      104%
 *  |------------------------------------|-------------|---------|---------|
 *                                       warning       |         |         a single command is refused memory
 *                                                     |         |         from here on (`allocate`)
 *                                                     |         a stream that was given up for memory and is tried
 *                                                     |         again may come up to here: it may delete
 *                                                     no further command or piece of a snapshot is taken
 *
 *  looked at    behind a slice of the stream, behind a 64th of maxBytes allocated, behind 64 KB of a snapshot, and
 *               before an argument, value, command or transaction that is announced as a long one
 * ```
 *
 * What is about to be stored lies twice in memory for a moment, as it came and as it is kept. 32 MB of that are not
 * counted: a process may hold so much beside the limit, and garbage that its runtime has not collected.
 *
 * @module
 */

import { memorySizeText } from "../base/memory_size.ts";
import { allocatedBytes, grantBytes, type OverGrantError } from "../store/memory/allocate.ts";
import type { Keyspace } from "../store/keyspace/keyspace.ts";
import { MemoryError } from "./errors.ts";

/** What follows when the limit is reached while data is there. */
export type MemoryPolicy = "stop" | "flush";

/** How what is held stands to the limit. */
export type MemoryLevel = "ample" | "scarce" | "reached";

/** What the owner brings, and is told. */
export interface MemoryParts {
  /** The data that is read. */
  readonly keyspace: Keyspace;
  /** Bytes held beside the data: caches, indexes, feeds. */
  others(): number;
  /** Gives up what can be made again without the master: caches. */
  shed(): void;
  /** The level has changed. @param usedBytes What is held now. @param error Why it was given up, where it was. */
  changed(level: MemoryLevel, usedBytes: number, error: MemoryError | undefined): void;
}

/** What a master has said of the size of its data; -1 for what it has not. */
export interface DatasetSize {
  /** Bytes of memory that it takes there, with what the server itself needs (`used-mem`). */
  readonly bytes: number;
  /** Keys announced, of the databases that have come so far (`RESIZEDB`). */
  readonly keys: number;
}

/** Share of the limit from which on memory is scarce, and below which it is ample again. */
const SCARCE = 0.9;
const AMPLE = 0.85;
/** Share of the limit that a stream which is tried again may come up to. */
const AGAIN = 1.02;
/** Shares of the limit that one command may take beyond that, and beyond it in small pieces. */
const GRANTED = 0.02;
const SPARE = 0.01;
/** Bytes in passing, before and behind their storing, that are not counted. */
export const PASSING_BYTES: number = 32 * 1024 * 1024;
/** Parts of the limit that may be allocated between two looks, and that segments are as long as. */
const STEPS = 64;
/** Bounds of such a step. */
const MIN_STEP_BYTES: number = 64 * 1024;
const MAX_STEP_BYTES: number = 16 * 1024 * 1024;
/** Parts of the limit that a command or value may be long without being asked for; none is shorter than 32 KB. */
const SHORTS = 512;
const MIN_LONG_BYTES: number = 32 * 1024;
/** Least bytes of the inbox: a master cuts off who reads nothing. */
const MIN_INBOX_BYTES: number = 1024 * 1024;
/** Milliseconds between two looks while little comes. */
const LOOK_MS = 100;

const NOTHING_SAID: DatasetSize = { bytes: -1, keys: -1 };

/** Holds one replica within its limit; without a limit it costs a comparison. */
export class MemoryWatch {
  /** Most bytes that may be held; Infinity for no limit. */
  maxBytes: number = Infinity;
  /** What follows when they are. */
  policy: MemoryPolicy = "stop";
  /** How many bytes stores may have allocated before it must be looked again; Infinity without a limit. */
  dueAt: number = Infinity;
  /** Bytes of the stream that may come between two looks. */
  stepBytes: number = Infinity;
  /** Bytes from which on an argument, value or command is asked for before it is taken. */
  longBytes: number = Infinity;
  /** What the master said of its data when a snapshot of it was loaded last. */
  dataset: DatasetSize = NOTHING_SAID;
  readonly #parts: MemoryParts;
  #level: MemoryLevel = "ample";
  /** True from when the stream was given up for memory until less than the limit is held. */
  #isAgain: boolean = false;
  /** Bytes held at the last look, when that was, and how many bytes had been allocated then. */
  #used: number = 0;
  #lookedMs: number = -Infinity;
  #lookedAt: number = 0;
  /** How many bytes had been allocated when the last granted work ended. */
  #endedAt: number = 0;
  /** Bytes held by the snapshot that is being loaded. */
  #loading: number = 0;

  /** Watches without a limit. @param parts The data, and who is told. */
  constructor(parts: MemoryParts) {
    this.#parts = parts;
  }

  /** Sets or changes the limit. @param maxBytes Infinity for none. */
  limit(maxBytes: number, policy: MemoryPolicy): void {
    this.maxBytes = maxBytes;
    this.policy = policy;
    const isLimited = this.isLimited;
    const step = Math.min(MAX_STEP_BYTES, Math.max(MIN_STEP_BYTES, Math.floor(maxBytes / STEPS)));
    this.stepBytes = isLimited ? step : Infinity;
    this.longBytes = isLimited ? Math.max(MIN_LONG_BYTES, Math.floor(maxBytes / SHORTS)) : Infinity;
    this.#parts.keyspace.limitSegments(isLimited ? step : MAX_STEP_BYTES);
    this.dueAt = Infinity;
    this.#isAgain = false;
    this.look();
  }

  /** Whether there is a limit. */
  get isLimited(): boolean {
    return this.maxBytes !== Infinity;
  }

  /** How what is held stood to the limit at the last look. */
  get level(): MemoryLevel {
    return this.#level;
  }

  /** Bytes held by the snapshot that is being loaded. */
  get loadingBytes(): number {
    return this.#loading;
  }

  /** Bytes of a master's stream that may wait to be applied. */
  get inboxBytes(): number {
    if (!this.isLimited) return Infinity;
    return Math.max(MIN_INBOX_BYTES, (this.maxBytes - this.#used) / 2);
  }

  /** Counts what is held now: the data, what is beside it, and a snapshot that is being loaded. */
  count(): number {
    return this.#parts.keyspace.heldBytes + this.#parts.others() + this.#loading;
  }

  /** Grants work on the stream memory up to the limit of single commands; `end` must follow in the same turn. */
  begin(): void {
    if (!this.isLimited) return;
    // What other replicas of this process have allocated meanwhile is not ours.
    const foreign = allocatedBytes() - this.#endedAt;
    this.#lookedAt += foreign;
    this.dueAt += foreign;
    this.#grant();
  }

  /** Ends what `begin` began. */
  end(): void {
    if (!this.isLimited) return;
    this.#endedAt = allocatedBytes();
    grantBytes(Infinity);
  }

  /**
   * Looks at what is held, between two commands.
   *
   * @throws {MemoryError} When it is more than the limit.
   */
  check(): void {
    const used = this.#recount(this.maxBytes);
    this.#grant();
    if (used > this.#mostBytes) throw this.#exceeded(used);
    if (used <= this.maxBytes) this.#recovered(used);
  }

  /** The same, unless it was looked a moment ago. @param nowMs The time. @param bytes Bytes of the stream since. */
  checkAfter(nowMs: number, bytes: number): boolean {
    if (!this.isLimited) return false;
    const isCalm = bytes < this.stepBytes && Math.abs(nowMs - this.#lookedMs) < LOOK_MS;
    if (isCalm && this.#level !== "reached") return false;
    this.#lookedMs = nowMs;
    this.check();
    return true;
  }

  /** Looks between two commands of a transaction, which cannot be given up: only grants anew. */
  regrant(): void {
    this.#recount(Infinity);
    this.#grant();
  }

  /**
   * Asks for memory for something long before it is taken: once for good, and once in passing.
   *
   * @param bytes How long it is.
   * @throws {MemoryError} When there is no room.
   */
  need(bytes: number): void {
    if (this.fits(bytes)) return;
    throw this.#exceeded(this.#used, bytes);
  }

  /** Whether something long has room, as `need` asks. */
  fits(bytes: number): boolean {
    if (!this.isLimited) return true;
    const room = this.#mostBytes - this.#recount(this.maxBytes - bytes);
    return bytes <= room && 2 * bytes <= room + PASSING_BYTES;
  }

  /** Looks without consequences, but for the level that is told. Returns the bytes that are held. */
  look(): number {
    const used = this.#recount(Infinity);
    if (this.#level !== "reached") this.#judge(used);
    return used;
  }

  /** Whether the limit was reached, and less is held now: it is worth trying again at once. */
  fitsAgain(): boolean {
    return this.#level === "reached" && this.#recount(this.maxBytes) <= this.maxBytes;
  }

  /** The stream is followed, with the data whole: what was reached is over when less is held. */
  followed(): void {
    if (!this.isLimited) return;
    const used = this.#recount(this.maxBytes);
    if (used <= this.maxBytes) this.#recovered(used);
  }

  /** The link was given up with `error`, in its turn. */
  reached(error: MemoryError): void {
    this.#isAgain = true;
    if (this.#level !== "reached") this.#tell("reached", error.usedBytes, error);
  }

  /** A snapshot that is being loaded holds so many bytes now; 0 at its end. */
  loads(bytes: number): void {
    this.#loading = bytes;
  }

  /** Work on the stream was refused memory in the middle. @param isTorn Whether a part of it is done. */
  refused(error: OverGrantError, isTorn: boolean): MemoryError {
    return this.#exceeded(this.count(), error.bytes, isTorn);
  }

  /** Counts, and gives up caches when it is more than `most`. */
  #recount(most: number): number {
    let used = this.count();
    if (used > most) {
      this.#parts.shed();
      used = this.count();
    }
    this.#used = used;
    this.#lookedAt = this.#endedAt = allocatedBytes();
    if (this.isLimited) this.dueAt = this.#lookedAt + this.stepBytes;
    if (used > this.maxBytes * SCARCE && this.#level === "ample") this.#judge(used);
    else if (used < this.maxBytes * AMPLE && this.#level === "scarce") this.#judge(used);
    return used;
  }

  /** Bytes that may be held between two commands. */
  get #mostBytes(): number {
    return this.#isAgain ? this.maxBytes * AGAIN : this.maxBytes;
  }

  #grant(): void {
    const since = allocatedBytes() - this.#lookedAt;
    const most = this.#mostBytes + this.maxBytes * GRANTED;
    grantBytes(Math.max(0, most - this.#used - since), this.maxBytes * SPARE);
  }

  #recovered(used: number): void {
    if (this.#level !== "reached") return;
    this.#isAgain = false;
    this.#judge(used);
  }

  #judge(used: number): void {
    const level = used > this.maxBytes * SCARCE ? "scarce" : "ample";
    if (level !== this.#level) this.#tell(level, used, undefined);
  }

  #tell(level: MemoryLevel, used: number, error: MemoryError | undefined): void {
    this.#level = level;
    this.#parts.changed(level, used, error);
  }

  #exceeded(used: number, asked: number = 0, isTorn: boolean = false): MemoryError {
    const { maxBytes, dataset } = this;
    const keys = this.#parts.keyspace.keyCount;
    const more = asked === 0 ? "" : `, and ${memorySizeText(asked)} more are asked for at once`;
    return new MemoryError({
      usedBytes: used,
      maxBytes,
      askedBytes: asked,
      dataset,
      estimatedBytes: undefined,
      isTorn,
      message: `maxMemory of ${memorySizeText(maxBytes)} is reached while following: ` +
        `${memorySizeText(used)} are held with ${keys} keys${more}${saidOf(dataset)}. ` +
        `Raise maxMemory, or keep less by a filter` +
        (isTorn ? "; it was reached amid a transaction, so nothing is kept" : ""),
    });
  }
}

/** What a master has said of its data, as a part of a sentence. */
export function saidOf({ bytes, keys }: DatasetSize): string {
  if (bytes < 0 && keys < 0) return "";
  const size = bytes < 0 ? "" : ` ${memorySizeText(bytes)} of memory`;
  const count = keys < 0 ? "" : ` ${keys} keys`;
  const both = size !== "" && count !== "" ? " for" : "";
  return `; the master's snapshot says that its data takes${size}${both}${count}`;
}
