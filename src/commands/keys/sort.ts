/**
 * SORT and SORT_RO (`sort.c sortCommandGeneric`): the elements of a list, set or sorted set, ordered by
 * themselves or by weights that other keys hold, and answered as they are or as what other keys hold for
 * them.
 *
 * The steps are those of Redis: read the options, copy the elements, read a weight for each, sort the range
 * of ranks that LIMIT leaves, then reply or store; all but the last in slices where there are many. `SORT ... STORE` is propagated as it is: a replica must
 * come to the same list, also where weights are equal. See `sort_partial.ts` for that.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { compareBytes, equalBytes } from "../../base/ascii.ts";
import { ByteBuffer, BytesRef } from "../../base/byte_buffer.ts";
import { Argv } from "../../resp/argv.ts";
import { FieldCursor, hashFind } from "../../store/types/hash.ts";
import { listEachRange, listLength } from "../../store/types/list.ts";
import { ListBuilder } from "../../store/types/list_builder.ts";
import type { Database } from "../../store/keyspace/database.ts";
import { Encoding, type Entry, ValueType } from "../../store/memory/record.ts";
import { setLength, setSome } from "../../store/types/set.ts";
import { readString } from "../../store/types/string.ts";
import { zsetEachRange, zsetExpect, zsetLength } from "../../store/types/zset.ts";
import { isWord, readInteger } from "../engine/args.ts";
import { type Command, command, DENYOOM, READONLY, WRITE } from "../engine/command.ts";
import { Caller, type Context } from "../engine/context.ts";
import { CommandError, SORT_NOT_DOUBLE, SYNTAX, WRONG_TYPE } from "../engine/errors.ts";
import { isVisible, lookupHash } from "../hash/args.ts";
import { type CompareElements, sortPartially } from "./sort_partial.ts";
import { sortWholly } from "./sort_whole.ts";
import {
  AT_ONCE,
  drain,
  findAgain,
  type LongRead,
  Portion,
  readInSlices,
  STEP_ELEMENTS,
  type Steps,
} from "../engine/long_read.ts";
import { lookup } from "../engine/lookup.ts";
import { storeNothing } from "../engine/destination.ts";
import { parseScore } from "../engine/score.ts";

const STAR = 0x2a;
const HASH = 0x23;
const MINUS = 0x2d;
const GREATER = 0x3e;
/** How many bytes each buffer keeps allocated between two SORTs. */
const KEPT_BYTES = 1 << 17;

/**
 * The argument of BY or GET (`sort.c lookupKeyByPattern`): `prefix*postfix` names a string key,
 * `prefix*postfix->field` a field of a hash, where `*` stands for the element. `#` is the element itself. A
 * pattern without `*` finds nothing.
 */
class Pattern {
  /** Whether the pattern is `#`. */
  readonly isSelf: boolean;
  /** Offset of the "*", -1 when there is none. */
  readonly star: number;
  /** Exclusive end of the part after the "*": where "->" begins, or the pattern's end. */
  readonly postfixEnd: number;
  /** The pattern as it was given, whose part before the "*" begins the key. */
  readonly bytes: Uint8Array;
  /** The hash's field, undefined when a string is asked for. */
  readonly field: Uint8Array | undefined;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    // Redis searches patterns as C strings: a "*", "#" or "->" behind a zero byte is not found.
    const zero = bytes.indexOf(0);
    const end = zero < 0 ? bytes.length : zero;
    this.isSelf = end === 1 && bytes[0] === HASH;
    const star = bytes.indexOf(STAR);
    this.star = star < end ? star : -1;
    let arrow = this.star < 0 ? end : this.star + 1;
    while (arrow + 2 < end && !(bytes[arrow] === MINUS && bytes[arrow + 1] === GREATER)) arrow++;
    const hasField = this.star >= 0 && arrow + 2 < end;
    this.postfixEnd = hasField ? arrow : bytes.length;
    this.field = hasField ? bytes.subarray(arrow + 2) : undefined;
  }

  /** Whether a key is one that the pattern may name. */
  fits(key: Uint8Array, start: number, end: number): boolean {
    const { bytes, star, postfixEnd } = this;
    const postfix = postfixEnd - star - 1;
    if (this.isSelf || star < 0 || end - start < star + postfix) return false;
    return equalBytes(key, start, start + star, bytes, 0, star) &&
      equalBytes(key, end - postfix, end, bytes, star + 1, postfixEnd);
  }
}

/** The options of one SORT. */
class Sorting {
  /** DESC instead of ASC. */
  descending: boolean = false;
  /** ALPHA: weights are compared as bytes, else as numbers. */
  alpha: boolean = false;
  /** False when BY names a pattern without "*": the elements stay in their order. */
  isSorted: boolean = true;
  /** The pattern of the weights; undefined when elements are their own weights. */
  by: Pattern | undefined = undefined;
  /** The patterns of GET, in order; none when the elements are the result. */
  readonly gets: Pattern[] = [];
  /** LIMIT's first number as it was given: the first rank. */
  limitStart: number = 0;
  /** LIMIT's second number as it was given; a negative one is no limit. */
  limitCount: number = -1;
  /** Index of STORE's argument, 0 without STORE. */
  store: number = 0;
  /** First rank of the result, after {@linkcode clipLimit}. */
  start: number = 0;
  /** Exclusive end of the result's ranks, after {@linkcode clipLimit}. */
  end: number = 0;
}

/**
 * The elements of one SORT and their weights, numbered in the order in which they were read. Bytes lie one
 * after the other in two buffers. Weights are `scores` without ALPHA; with ALPHA and BY they are bytes of
 * `weights`, and with ALPHA alone the elements themselves.
 */
class Elements {
  /** The bytes of all elements. */
  readonly text: ByteBuffer = new ByteBuffer();
  /** The bytes of all weights. */
  readonly weights: ByteBuffer = new ByteBuffer();
  /** Where each element begins in `text`. */
  starts: number[] = [];
  /** Where each element ends in `text`. */
  ends: number[] = [];
  /** The numbers to sort by; 0 where a key is missing. */
  scores: Float64Array = new Float64Array(0);
  /** Where each weight begins in `weights`, -1 where a key is missing. */
  weightStarts: number[] = [];
  /** Where each weight ends in `weights`. */
  weightEnds: number[] = [];

  /** The number of elements. */
  get count(): number {
    return this.starts.length;
  }

  /**
   * Adds an element. A field and not a method, so that it can be passed to a walk without a new closure.
   */
  readonly add = (bytes: Uint8Array, start: number, end: number): void => {
    this.starts.push(this.text.length);
    this.text.writeBytes(bytes, start, end);
    this.ends.push(this.text.length);
  };

  /** Turns the elements round: DESC of a list that is not sorted. */
  reverse(): void {
    this.starts.reverse();
    this.ends.reverse();
  }

  /** Adds the weight of the next element, undefined where its key is missing. */
  addWeight(ref: BytesRef | undefined): void {
    this.weightStarts.push(ref === undefined ? -1 : this.weights.length);
    if (ref !== undefined) this.weights.writeBytes(ref.bytes, ref.start, ref.end);
    this.weightEnds.push(this.weights.length);
  }
}

// Reused by every SORT, within one step.
/** What {@linkcode lookupPattern} found last. */
const found = new BytesRef();
const fieldFound = new FieldCursor();
/** The key that a pattern and an element make. */
const keyText = new ByteBuffer();
/** {@linkcode keyText} as an argument, which is what {@linkcode lookup} takes. */
const keyArgv = new Argv();
const builder = new ListBuilder();

/** Reads the options from argument 2 on; STORE is a syntax error unless `takesStore`. */
function parseSorting(argv: Argv, takesStore: boolean): Sorting {
  const sorting = new Sorting();
  for (let i = 2; i < argv.count; i++) {
    const left = argv.count - i - 1;
    if (isWord(argv, i, "ASC")) sorting.descending = false;
    else if (isWord(argv, i, "DESC")) sorting.descending = true;
    else if (isWord(argv, i, "ALPHA")) sorting.alpha = true;
    else if (left >= 2 && isWord(argv, i, "LIMIT")) {
      sorting.limitStart = readInteger(argv, i + 1);
      sorting.limitCount = readInteger(argv, i + 2);
      i += 2;
    } else if (left >= 1 && takesStore && isWord(argv, i, "STORE")) sorting.store = ++i;
    else if (left >= 1 && isWord(argv, i, "BY")) {
      sorting.by = new Pattern(argv.at(++i).slice());
      // As in Redis, a second BY with a "*" does not bring the sorting back.
      if (sorting.by.star < 0) sorting.isSorted = false;
    } else if (left >= 1 && isWord(argv, i, "GET")) {
      sorting.gets.push(new Pattern(argv.at(++i).slice()));
    } else throw new CommandError(SYNTAX);
  }
  return sorting;
}

/**
 * The entry to be sorted, 0 when the key is missing.
 *
 * @throws {CommandError} WRONGTYPE for a string, hash or stream.
 */
function lookupSource(ctx: Context, argv: Argv): Entry {
  const entry = lookup(ctx, argv, 1);
  if (entry === 0) return 0;
  const type = ctx.db.typeOf(entry);
  const sorts = type === ValueType.LIST || type === ValueType.SET || type === ValueType.ZSET;
  if (!sorts) throw new CommandError(WRONG_TYPE);
  return entry;
}

/** Sets the ranks that LIMIT leaves of `length` elements. */
function clipLimit(sorting: Sorting, length: number): void {
  const start = Math.min(Math.max(sorting.limitStart, 0), length);
  const count = Math.min(Math.max(sorting.limitCount, -1), length);
  sorting.start = start;
  sorting.end = count < 0 ? length : Math.min(start + count, length);
  assert(sorting.start <= sorting.end && sorting.end <= length, "the ranks lie among the elements");
}

/**
 * Copies the elements of an entry, in steps. They must not stay references: on a stand-alone master a lookup of a
 * weight may delete an expired key, which moves entries.
 */
function* loadElements(ctx: Context, argv: Argv, sorting: Sorting, elements: Elements): Steps {
  const entry = findAgain(ctx, argv, 1, 1);
  const type = ctx.db.typeOf(entry);
  const isReversed = !sorting.isSorted && sorting.descending;
  if (type === ValueType.SET) {
    let cursor = 0;
    do {
      const now = findAgain(ctx, argv, 1, 1);
      cursor = setSome(ctx.db, now, cursor, STEP_ELEMENTS, elements.add);
      yield;
    } while (cursor !== 0);
  } else if (type === ValueType.ZSET) {
    yield* loadZset(ctx, argv, isReversed, elements);
  } else {
    const length = listLength(ctx.db, entry);
    for (let index = 0; index < length; index += STEP_ELEMENTS) {
      const count = Math.min(STEP_ELEMENTS, length - index);
      listEachRange(ctx.db, findAgain(ctx, argv, 1, 1), index, count, elements.add);
      yield;
    }
    if (isReversed) elements.reverse();
  }
}

/**
 * Copies the members of a sorted set. SORT converts it to a skiplist (`sort.c`, `zsetConvert`), and the set
 * stays one: a replica's own clients must not change it, its master's stream must.
 */
function* loadZset(ctx: Context, argv: Argv, reverse: boolean, elements: Elements): Steps {
  let entry = findAgain(ctx, argv, 1, 1);
  if (ctx.caller !== Caller.REPLICA_CLIENT) entry = zsetExpect(ctx.db, entry, Infinity);
  const length = zsetLength(ctx.db, entry);
  for (let done = 0; done < length; done += STEP_ELEMENTS) {
    const count = Math.min(STEP_ELEMENTS, length - done);
    const rank = reverse ? length - 1 - done : done;
    zsetEachRange(ctx.db, findAgain(ctx, argv, 1, 1), rank, count, reverse, elements.add);
    yield;
  }
}

/**
 * Points {@linkcode found} at what a pattern stands for with element `index`.
 *
 * @returns False when the key or field is missing or holds another type.
 */
function lookupPattern(
  ctx: Context,
  elements: Elements,
  pattern: Pattern,
  index: number,
): boolean {
  const { text, starts, ends } = elements;
  if (pattern.isSelf) {
    found.set(text.bytes, starts[index], ends[index]);
    return true;
  }
  if (pattern.star < 0) return false;
  keyText.shrink(KEPT_BYTES);
  keyText.writeBytes(pattern.bytes, 0, pattern.star);
  keyText.writeBytes(text.bytes, starts[index], ends[index]);
  keyText.writeBytes(pattern.bytes, pattern.star + 1, pattern.postfixEnd);
  keyArgv.clear();
  keyArgv.bytes = keyText.bytes;
  keyArgv.push(0, keyText.length);
  const entry = lookup(ctx, keyArgv, 0);
  if (entry === 0) return false;
  const type = ctx.db.typeOf(entry);
  if (pattern.field === undefined) {
    if (type !== ValueType.STRING) return false;
    readString(ctx.db, entry, found);
    return true;
  }
  return type === ValueType.HASH && lookupField(ctx, pattern.field);
}

/**
 * Points {@linkcode found} at a field of the hash that {@linkcode keyArgv} names; false when it is missing
 * or expired.
 */
function lookupField(ctx: Context, field: Uint8Array): boolean {
  const hash = lookupHash(ctx, keyArgv, 0);
  if (hash === 0 || !hashFind(ctx.db, hash, field, 0, field.length, fieldFound)) return false;
  if (!isVisible(ctx, fieldFound.expireAtMs)) return false;
  const { value } = fieldFound;
  found.set(value.bytes, value.start, value.end);
  return true;
}

/**
 * Reads the weight of each element, in steps.
 *
 * @throws {CommandError} SORT_NOT_DOUBLE when a weight must be a number and is none. All are read even then: lookups
 * may delete expired keys.
 */
function* loadWeights(ctx: Context, sorting: Sorting, elements: Elements): Steps {
  const { by, alpha } = sorting;
  const { text, starts, ends, count } = elements;
  if (alpha && by === undefined) return;
  if (!alpha) elements.scores = new Float64Array(count);
  let areNumbers = true;
  for (let i = 0; i < count; i++) {
    if (by === undefined) found.set(text.bytes, starts[i], ends[i]);
    const there = by === undefined || lookupPattern(ctx, elements, by, i);
    if (alpha) elements.addWeight(there ? found : undefined);
    else if (there) {
      const score = parseScore(ctx, found.bytes, found.start, found.end);
      elements.scores[i] = score;
      if (score !== score) areNumbers = false;
    }
    if ((i + 1) % STEP_ELEMENTS === 0) yield;
  }
  if (!areNumbers) throw new CommandError(SORT_NOT_DOUBLE);
}

/**
 * Compares two byte ranges of one buffer. With STORE (`whole`) as bytes; without it as `strcoll` does in
 * the C locale, which stops at a zero byte.
 */
function compareTexts(
  bytes: Uint8Array,
  aStart: number,
  aEnd: number,
  bStart: number,
  bEnd: number,
  whole: boolean,
): number {
  if (whole) return compareBytes(bytes, aStart, aEnd, bytes, bStart, bEnd);
  for (;; aStart++, bStart++) {
    const a = aStart < aEnd ? bytes[aStart] : 0;
    const b = bStart < bEnd ? bytes[bStart] : 0;
    if (a !== b) return a - b;
    if (a === 0) return 0;
  }
}

/** Puts the elements' numbers in order, in steps; with BY and LIMIT only those of the wanted ranks. */
function* sortElements(sorting: Sorting, elements: Elements, order: Int32Array): Steps {
  const { count } = elements;
  assert(elements.ends.length === count, "every element has a start and an end");
  for (let i = 0; i < count; i++) order[i] = i;
  if (!sorting.isSorted) return;
  const compare = comparison(sorting, elements);
  const isPart = sorting.start > 0 || sorting.end < count;
  if (sorting.by !== undefined && isPart) {
    yield* sortPartially(order, sorting.start, sorting.end, compare);
  } else yield* sortWholly(order, compare);
}

/**
 * The comparison of two elements (`sort.c sortCompare`). Elements with equal scores are compared by their
 * bytes; elements with equal weights under ALPHA and BY are left equal. A missing weight comes before any
 * other.
 */
function comparison(sorting: Sorting, elements: Elements): CompareElements {
  const { text, starts, ends, scores, weights, weightStarts, weightEnds } = elements;
  const sign = sorting.descending ? -1 : 1;
  const whole = sorting.store > 0;
  const byText = (a: number, b: number, all: boolean): number =>
    compareTexts(text.bytes, starts[a], ends[a], starts[b], ends[b], all);
  if (!sorting.alpha) {
    return (a, b) => {
      if (scores[a] === scores[b]) return sign * byText(a, b, true);
      return scores[a] < scores[b] ? -sign : sign;
    };
  }
  if (sorting.by === undefined) return (a, b) => sign * byText(a, b, whole);
  return (a, b) => {
    const [aStart, bStart] = [weightStarts[a], weightStarts[b]];
    if (aStart < 0 || bStart < 0) {
      return sign * (Math.min(bStart, 0) === aStart ? 0 : aStart < 0 ? -1 : 1);
    }
    return sign *
      compareTexts(weights.bytes, aStart, weightEnds[a], bStart, weightEnds[b], whole);
  };
}

/** Visits what is replied for one element; calls `none` in the place of a GET that found nothing. */
function visitResult(
  ctx: Context,
  sorting: Sorting,
  elements: Elements,
  index: number,
  visit: (bytes: Uint8Array, start: number, end: number) => void,
  none: () => void,
): void {
  const { text, starts, ends } = elements;
  if (sorting.gets.length === 0) visit(text.bytes, starts[index], ends[index]);
  for (const get of sorting.gets) {
    if (lookupPattern(ctx, elements, get, index)) visit(found.bytes, found.start, found.end);
    else none();
  }
}

/** Replies with the values of the wanted ranks, in steps. */
function* replyResult(
  ctx: Context,
  sorting: Sorting,
  elements: Elements,
  order: Int32Array,
): Steps {
  const { start, end, gets } = sorting;
  ctx.reply.array((end - start) * Math.max(1, gets.length));
  const visit = (bytes: Uint8Array, from: number, to: number) => ctx.reply.bulk(bytes, from, to);
  const none = () => ctx.reply.null();
  const portion = new Portion(ctx);
  for (let rank = start; rank < end;) {
    const next = Math.min(rank + portion.begin(), end);
    for (; rank < next; rank++) visitResult(ctx, sorting, elements, order[rank], visit, none);
    portion.end();
    yield;
  }
}

/**
 * Stores the result as a list in the place of whatever the key held and replies with its length; GETs that
 * found nothing become empty strings. An empty result removes the key.
 */
function storeResult(
  ctx: Context,
  argv: Argv,
  sorting: Sorting,
  elements: Elements,
  order: Int32Array,
): void {
  const { db } = ctx;
  const [start, end] = [argv.starts[sorting.store], argv.ends[sorting.store]];
  builder.begin(db.settings.limits.listMaxListpackSize);
  let count = 0;
  const add = (bytes: Uint8Array, from: number, to: number): void => {
    builder.append(bytes, from, to);
    count++;
  };
  const addEmpty = () => add(argv.bytes, 0, 0);
  for (let rank = sorting.start; rank < sorting.end; rank++) {
    visitResult(ctx, sorting, elements, order[rank], add, addEmpty);
  }
  if (count === 0) return storeNothing(ctx, argv, sorting.store);
  putList(db, argv.bytes, start, end);
  ctx.changed(argv, sorting.store, count);
  ctx.reply.integer(count);
}

/** Creates the list that {@linkcode builder} has built, in its small or its large form. */
function putList(db: Database, bytes: Uint8Array, start: number, end: number): void {
  const large = builder.finish();
  const type = ValueType.LIST;
  if (large !== undefined) {
    db.createObject(bytes, start, end, type, Encoding.QUICKLIST, large);
  } else {
    const { listpack } = builder;
    const kind = Encoding.LISTPACK;
    db.createBlob(bytes, start, end, type, kind, listpack.bytes, listpack.length);
  }
}

/** SORT and SORT_RO, which takes no STORE. */
function sortGeneric(ctx: Context, argv: Argv, takesStore: boolean): void {
  const sorting = parseSorting(argv, takesStore);
  const entry = lookupSource(ctx, argv);
  const isSet = entry !== 0 && ctx.db.typeOf(entry) === ValueType.SET;
  if (!sorting.isSorted && isSet && sorting.store > 0) {
    // A set's own order depends on its hash seed: stored unsorted it would differ between master and
    // replica.
    sorting.isSorted = true;
    sorting.alpha = true;
    sorting.by = undefined;
  }
  const work = (own: Argv, read?: LongRead) => sortLater(ctx, own, sorting, entry !== 0, read);
  if (sorting.store > 0 || entry === 0 || lengthOf(ctx.db, entry) <= AT_ONCE) {
    return drain(work(argv));
  }
  const { by, gets } = sorting;
  readInSlices(ctx, argv, 1, 2, work, (bytes, start, end) => {
    return by?.fits(bytes, start, end) === true || gets.some((get) => get.fits(bytes, start, end));
  });
}

/** The work of SORT in steps. With STORE they must not lie turns apart. */
function* sortLater(
  ctx: Context,
  argv: Argv,
  sorting: Sorting,
  exists: boolean,
  read: LongRead | undefined,
): Steps {
  const elements = new Elements();
  if (exists) yield* loadElements(ctx, argv, sorting, elements);
  clipLimit(sorting, elements.count);
  if (sorting.isSorted) yield* loadWeights(ctx, sorting, elements);
  // All that is sorted is a copy; only GET looks at keys once more.
  if (sorting.gets.every(({ isSelf }) => isSelf)) read?.release();
  const order = new Int32Array(elements.count);
  yield* sortElements(sorting, elements, order);
  if (sorting.store > 0) storeResult(ctx, argv, sorting, elements, order);
  else yield* replyResult(ctx, sorting, elements, order);
}

/** How many elements a list, set or sorted set has. */
function lengthOf(db: Database, entry: Entry): number {
  const type = db.typeOf(entry);
  if (type === ValueType.LIST) return listLength(db, entry);
  return type === ValueType.SET ? setLength(db, entry) : zsetLength(db, entry);
}

/**
 * `SORT key [BY p] [LIMIT start count] [GET p ...] [ASC|DESC] [ALPHA] [STORE target]`: an array of the
 * result, or with STORE the number of elements stored. O(n log n).
 */
const sort = command(
  "sort",
  -2,
  WRITE | DENYOOM,
  "RO.access@1+RO.access@?+OW.update@?",
  (ctx, argv) => sortGeneric(ctx, argv, true),
);

/** `SORT_RO key ...`: SORT without STORE, which replicas may run for their clients. O(n log n). */
const sortRo = command(
  "sort_ro",
  -2,
  READONLY,
  "RO.access@1+RO.access@?",
  (ctx, argv) => sortGeneric(ctx, argv, false),
);

/** What `commands/table.ts` takes from this file: a row that is missing here answers nobody. */
export const sortCommands: readonly Command[] = [sort, sortRo];
