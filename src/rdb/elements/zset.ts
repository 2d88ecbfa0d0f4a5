/**
 * Sorted sets, checked to the last byte: order, scores, and that no member comes twice.
 *
 * ```text
 *    3  ZSET           n, n * (member, score as text)                     up to Redis 3.2
 *    5  ZSET_2         n, n * (member, score:8)                           since 4.0
 *   12  ZSET_ZIPLIST   ziplist of member, score                           up to 6.2
 *   17  ZSET_LISTPACK  listpack of member, score                          since 7.0
 *
 *   score as text      one byte n, n bytes of decimal text; n of 253: NaN, 254: +inf, 255: -inf
 *   score:8            IEEE 754, little endian
 *   packed score       an integer or text; pairs ascend by score, then by the bytes of the member
 * ```
 *
 * Servers write types 3 and 5 from the highest score down, so that each member is inserted at the
 * front; any order is read. NaN is refused everywhere, as `rdb.c` does.
 *
 * @module
 */

import { compareBytes, parseDouble } from "../../base/ascii.ts";
import { assert } from "../../base/assert.ts";
import { BytesRef } from "../../base/byte_buffer.ts";
import { Encoding, ValueType } from "../../store/memory/record.ts";
import { LISTPACK_HEADER, lpLength, lpRead, lpStates } from "../../store/packed/listpack.ts";
import {
  lpCheckedNext,
  lpCheckFrame,
  ODD_COUNT,
  WRONG_COUNT,
  WRONG_ENTRY,
} from "../../store/packed/listpack_check.ts";
import { addListpack, zsetListpack } from "../../store/types/zset.ts";
import { scoreAt } from "../../store/types/zset_listpack.ts";
import { ZsetTable } from "../../store/types/zset_table.ts";
import { type DecodeContext, NONE } from "../format/context.ts";
import type { StringSlot } from "../format/string_slot.ts";
import { hasDuplicates } from "./duplicates.ts";
import { type Element, type ElementRow, typeRow } from "./element.ts";
import { PackedBlob } from "./packed_blob.ts";

/** First bytes of a text score that no text follows: `rdb.c rdbLoadDoubleValue`. */
const TEXT_NAN = 253;
const TEXT_INFINITY = 254;
const TEXT_MINUS_INFINITY = 255;
/** Longest text of a score that is read: servers write `%.17g`, at most 24 bytes. */
const MAX_TEXT = 40;
/** The message that refuses a sorted set two of whose members are the same, as Redis does. */
const DUPLICATE_MEMBER = "Sorted set has a member twice";

/** Members and scores one by one: types 3 and 5. */
class PlainZset implements Element {
  readonly #context: DecodeContext;
  readonly #isBinary: boolean;
  readonly #member: StringSlot;
  #set: ZsetTable | undefined = undefined;
  #left: number = NONE;
  #hasMember: boolean = false;
  #textLength: number = NONE;

  constructor(context: DecodeContext, isBinary: boolean) {
    this.#context = context;
    this.#isBinary = isBinary;
    this.#member = context.newSlot();
  }

  get heldBytes(): number {
    return this.#set?.memoryBytes ?? 0;
  }

  read(): boolean {
    const { reader } = this.#context;
    if (this.#left === NONE) {
      if (!reader.readLength()) return false;
      this.#left = reader.length;
      this.#set = new ZsetTable(this.#context.sink.settings);
    }
    while (this.#left > 0) {
      if (!this.#hasMember) {
        if (!reader.readString(this.#member)) return false;
        this.#hasMember = true;
      }
      if (this.#isBinary ? !reader.readFixed(8) : !this.#readText()) return false;
      this.#add(this.#isBinary ? reader.view.getFloat64(0, true) : this.#textScore());
      this.#hasMember = false;
      this.#textLength = NONE;
      this.#left--;
    }
    this.#left = NONE;
    const set = this.#set;
    assert(set !== undefined, "the members were added to a set");
    this.#set = undefined;
    set.loaded();
    // rdb.c rdbLoadObject, emptykey: a sorted set without members is no key.
    if (set.size > 0) storeSmallest(this.#context, set);
    return true;
  }

  #readText(): boolean {
    const { reader } = this.#context;
    if (this.#textLength === NONE) {
      if (!reader.readFixed(1)) return false;
      this.#textLength = reader.fixed[0];
    }
    if (this.#textLength >= TEXT_NAN) return true;
    if (this.#textLength > MAX_TEXT) reader.fail(`Score of ${this.#textLength} bytes`);
    return reader.readFixed(this.#textLength);
  }

  #textScore(): number {
    const length = this.#textLength;
    if (length === TEXT_INFINITY) return Infinity;
    if (length === TEXT_MINUS_INFINITY) return -Infinity;
    return length === TEXT_NAN ? NaN : parseDouble(this.#context.reader.fixed, 0, length);
  }

  #add(score: number): void {
    const { reader } = this.#context;
    const { bytes, start, end } = this.#member;
    const set = this.#set!;
    if (score !== score) reader.fail("Score is not a number");
    if (!set.load(bytes, start, end, score)) reader.fail(DUPLICATE_MEMBER);
  }
}

/** Members and scores in one listpack or ziplist: types 12 and 17. */
class PackedZset implements Element {
  readonly #context: DecodeContext;
  readonly #blob: PackedBlob;
  readonly #check: PairCheck = new PairCheck();

  constructor(context: DecodeContext, isZiplist: boolean) {
    this.#context = context;
    this.#blob = new PackedBlob(context, isZiplist, true);
  }

  read(): boolean {
    const blob = this.#blob;
    if (!blob.read()) return false;
    this.#store(blob);
    blob.release();
    return true;
  }

  #store({ bytes, start, end }: PackedBlob): void {
    const context = this.#context;
    const { reader, sink } = context;
    reader.failIf(this.#check.check(bytes, start, end));
    const count = lpLength(bytes, start, end) >>> 1;
    if (count === 0) return;
    // rdb.c goes by the number of members alone, not by their length.
    if (count > sink.settings.limits.zsetMaxListpackEntries) {
      const set = new ZsetTable(sink.settings);
      if (!addListpack(set, bytes, start)) reader.fail(DUPLICATE_MEMBER);
      return storeTable(context, set);
    }
    if (hasDuplicates(bytes, start, count, 2)) reader.fail(DUPLICATE_MEMBER);
    context.storeBlob(ValueType.ZSET, Encoding.LISTPACK, bytes, start, end);
  }
}

/**
 * Checks a listpack of members and scores in one walk: that every entry is sound, that scores are
 * numbers, and that pairs ascend. One walk instead of two, since checking is most of the time a
 * sorted set takes to load.
 */
class PairCheck {
  readonly #last: BytesRef = new BytesRef();
  readonly #member: BytesRef = new BytesRef();

  /** What is wrong with bytes of unknown origin; undefined says that they are sound. */
  check(bytes: Uint8Array, start: number, end: number): string | undefined {
    const wrong = lpCheckFrame(bytes, start, end);
    if (wrong !== undefined) return wrong;
    const last = end - 1;
    let count = 0;
    let lastPos = NONE;
    let lastScore = -Infinity;
    for (let pos = start + LISTPACK_HEADER; pos < last; count += 2) {
      const scorePos = lpCheckedNext(bytes, pos, last);
      if (scorePos < 0) return WRONG_ENTRY;
      if (scorePos === last) return ODD_COUNT;
      const next = lpCheckedNext(bytes, scorePos, last);
      if (next < 0) return WRONG_ENTRY;
      const score = scoreAt(bytes, scorePos);
      if (score !== score) return "score is no number";
      const ascends = score > lastScore ||
        (score === lastScore && (lastPos === NONE || this.#isAbove(bytes, lastPos, pos)));
      if (!ascends) return "sorted set is out of order";
      lastPos = pos;
      lastScore = score;
      pos = next;
    }
    return lpStates(bytes, start, count) ? undefined : WRONG_COUNT;
  }

  #isAbove(bytes: Uint8Array, lastPos: number, pos: number): boolean {
    const last = this.#last;
    const member = this.#member;
    lpRead(bytes, lastPos, last);
    lpRead(bytes, pos, member);
    const order = compareBytes(
      last.bytes,
      last.start,
      last.end,
      member.bytes,
      member.start,
      member.end,
    );
    return order < 0;
  }
}

/** Hands a finished set to the sink: as a listpack where it is small, else as it is. */
function storeSmallest(context: DecodeContext, set: ZsetTable): void {
  const listpack = zsetListpack(set, context.sink.settings);
  if (listpack === undefined) return storeTable(context, set);
  context.storeBlob(ValueType.ZSET, Encoding.LISTPACK, listpack.bytes, 0, listpack.length);
}

function storeTable(context: DecodeContext, set: ZsetTable): void {
  context.storeObject(ValueType.ZSET, Encoding.SKIPLIST, set);
}

/** Types that both dialects know. */
export const zsetRows: readonly ElementRow[] = [
  typeRow("ZSET", (c) => new PlainZset(c, false)),
  typeRow("ZSET_2", (c) => new PlainZset(c, true)),
  typeRow("ZSET_ZIPLIST", (c) => new PackedZset(c, true)),
  typeRow("ZSET_LISTPACK", (c) => new PackedZset(c, false)),
];
