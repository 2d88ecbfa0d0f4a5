/**
 * Reads that take longer than a turn of the event loop should, and that answer one state of the data all the
 * same, as a server that does one thing at a time answers. This is the one place where it is said how.
 *
 * A handler writes its work as a generator that yields every ten microseconds or so ({@linkcode readInSlices}).
 * It runs in slices (`base/slices.ts`). From the end of the first slice on the keys it reads are held:
 *
 * ```text
 *   slice     other clients, the stream      slice      a write to a key that is held        next turn
 *   |=====|   ..........................    |=====|    | the rest of the read |= the write   the next command
 *                                                        at once, before it
 *   the keyspace empties, exchanges or replaces databases: the read follows its database
 * ```
 *
 * So nothing is copied, and what the read sees is the state in which it began: what differs from it is only
 * made once the read has ended. A read whose keys somebody writes to meanwhile holds the loop as long as it would
 * without slices; any other one for a slice. A handler that has copied what it needs lets go of its keys early
 * ({@linkcode LongRead.release}). The time by which expiry is judged is that of the beginning.
 *
 * Replies are written as the work goes on, so that a peer takes them meanwhile and none is held whole; a peer
 * that takes too little stops the work. What others push to the client meanwhile comes behind the reply.
 *
 * @module
 */

import type { Argv } from "../../resp/argv.ts";
import type { ReplyTarget } from "../../resp/reply_target.ts";
import type { Database } from "../../store/keyspace/database.ts";
import type { Keyspace, SnapshotHook } from "../../store/keyspace/keyspace.ts";
import type { Context, HeldRead } from "./context.ts";
import { runInSlices } from "./execute.ts";

/** The work of a read. Each `yield` ends a step of some ten microseconds. */
export type Steps = Generator<void, void, void>;

/** Whether a read may look at a key, which is given as borrowed bytes. */
export type Touches = (bytes: Uint8Array, start: number, end: number) => boolean;

/** What a read of many turns holds. While it is held it is told of each key before that changes. */
export class LongRead implements HeldRead, SnapshotHook {
  db: Database;
  readonly dbIndex: number;
  readonly nowMs: number;
  /** A step is running: what it deletes on its way, as an expired key, is no change from outside. */
  isRunning: boolean = false;
  readonly #keyspace: Keyspace;
  readonly #touches: Touches;
  #foundAt: number;
  #finish: (() => void) | undefined = undefined;

  /** Holds nothing before {@linkcode LongRead.hold}. @param touches Says which keys of the database it reads. */
  constructor(ctx: Context, touches: Touches) {
    this.db = ctx.db;
    this.dbIndex = ctx.dbIndex;
    this.nowMs = ctx.nowMs;
    this.#foundAt = ctx.dbIndex;
    this.#keyspace = ctx.keyspace;
    this.#touches = touches;
  }

  hold(finish: () => void): void {
    this.#finish = finish;
    this.#keyspace.snapshotHooks.add(this);
  }

  /** Lets go of the keys: they may change. May be called at any time, and again. */
  release(): void {
    this.#finish = undefined;
    this.#keyspace.snapshotHooks.delete(this);
  }

  beforeKeyWrite(dbIndex: number, bytes: Uint8Array, start: number, end: number): void {
    if (this.isRunning || dbIndex !== this.#foundAt || !this.#touches(bytes, start, end)) return;
    const finish = this.#finish;
    this.release();
    finish?.();
  }

  afterClear(dbIndex: number, kept: Database): void {
    if (dbIndex !== this.#foundAt) return;
    // Nobody but those who hold it can reach the content from now on: it changes no more.
    this.db = kept;
    this.release();
  }

  beforeSwap(a: number, b: number): void {
    if (this.#foundAt !== a && this.#foundAt !== b) return;
    this.#foundAt = this.#foundAt === a ? b : a;
    this.db = this.#keyspace.db(this.#foundAt);
  }
}

/**
 * Runs the work of a read in slices where the context can wait, else at once.
 *
 * @param first Index of the first argument that names a key it reads.
 * @param end Index behind the last one.
 * @param steps Makes the work. It gets arguments that stay valid, and what holds its keys. An entry found in one
 * step is no longer valid in the next: {@linkcode findAgain} finds it.
 * @param alsoTouches Says which other keys it reads.
 */
export function readInSlices(
  ctx: Context,
  argv: Argv,
  first: number,
  end: number,
  steps: (argv: Argv, read: LongRead) => Steps,
  alsoTouches?: Touches,
): void {
  const own = ctx.inSlices === undefined ? argv : argv.copy();
  const isOne = namesOf(ctx, own, first, end);
  const read = new LongRead(
    ctx,
    (bytes, from, to) => isOne(bytes, from, to) || (alsoTouches?.(bytes, from, to) ?? false),
  );
  const work = steps(own, read);
  const step = (): boolean => {
    read.isRunning = true;
    try {
      return work.next().done === true;
    } finally {
      read.isRunning = false;
    }
  };
  runInSlices(ctx, step, read);
}

/** Does all of the work at once. */
export function drain(steps: Steps): void {
  while (steps.next().done !== true);
}

/**
 * Whether a key is one of the arguments `[first, end)`. Of many, bits stand for their hashes, so that a write looks at one
 * of them: now and then one that is none of them is taken for one, and ends the read early.
 */
function namesOf(ctx: Context, argv: Argv, first: number, end: number): Touches {
  if (end - first <= FEW_NAMES) {
    return (bytes, from, to) => {
      for (let i = first; i < end; i++) if (isArgument(argv, i, bytes, from, to)) return true;
      return false;
    };
  }
  const { table } = ctx.db;
  const bits = 1 << Math.min(32 - Math.clz32((end - first) * BITS_A_NAME), MAX_NAME_BITS);
  let seen: Uint8Array | undefined = undefined;
  return (bytes, from, to) => {
    if (seen === undefined) {
      seen = new Uint8Array(bits >>> 3);
      for (let i = first; i < end; i++) {
        const at = table.hashOf(argv.bytes, argv.starts[i], argv.ends[i]) & (bits - 1);
        seen[at >>> 3] |= 1 << (at & 7);
      }
    }
    const at = table.hashOf(bytes, from, to) & (bits - 1);
    return (seen[at >>> 3] >> (at & 7) & 1) === 1;
  };
}

/** The entry of argument `index` in a later step, where the first one found one; 0 stays 0. */
export function findAgain(ctx: Context, argv: Argv, index: number, entry: number): number {
  return entry === 0 ? 0 : ctx.db.find(argv.bytes, argv.starts[index], argv.ends[index]);
}

/** Bytes of replies that a step may write. */
export const STEP_BYTES: number = 1 << 16;
/** A string of more bytes is replied in slices. */
export const LONG_BYTES: number = 1 << 18;
/** Elements that a step may visit: some ten microseconds. */
export const STEP_ELEMENTS: number = 256;
/** A value of no more elements is read in one piece: slices would cost more than they spare. */
export const AT_ONCE: number = 1024;
/** So few names of keys are compared one by one with that of a key that is written. */
const FEW_NAMES = 32;
/** Bits for each of more names: one in sixteen of other keys is taken for one of them. */
const BITS_A_NAME = 16;
const MAX_NAME_BITS = 30;
/** Elements of the first step, before it is known how long they are. */
const FIRST_ELEMENTS = 16;

/** How many elements the next step takes, by how many bytes those of the last one were. */
export class Portion {
  /** Elements of the next step. */
  count: number = FIRST_ELEMENTS;
  readonly #reply: ReplyTarget;
  #from: number;

  /** Begins with few elements. @param ctx Its reply is what grows. */
  constructor(ctx: Context) {
    this.#reply = ctx.reply;
    this.#from = ctx.reply.position;
  }

  /** A step begins: notes what the reply holds now. */
  begin(): number {
    this.#from = this.#reply.position;
    return this.count;
  }

  /** A step has ended: the next one takes more elements, or fewer where those were long. */
  end(): void {
    const bytes = this.#reply.position - this.#from;
    if (bytes > STEP_BYTES) this.count = Math.max(this.count >>> 1, 1);
    else if (bytes < STEP_BYTES / 2) this.count = Math.min(this.count * 2, STEP_ELEMENTS);
  }
}

/** Calls `visit` for each of `count` parts of a reply, in steps: as many parts in one as their bytes allow. */
export function* inPortions(ctx: Context, count: number, visit: (index: number) => void): Steps {
  const portion = new Portion(ctx);
  for (let done = 0; done < count;) {
    const next = Math.min(done + portion.begin(), count);
    while (done < next) visit(done++);
    portion.end();
    if (done < count) yield;
  }
}

function isArgument(
  argv: Argv,
  index: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): boolean {
  const from = argv.starts[index];
  const length = end - start;
  if (argv.ends[index] - from !== length) return false;
  for (let i = 0; i < length; i++) if (argv.bytes[from + i] !== bytes[start + i]) return false;
  return true;
}
