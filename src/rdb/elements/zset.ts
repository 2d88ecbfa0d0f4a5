/**
 * Sorted sets, read: plain with text scores up to Redis 3.2 and with binary ones since, ziplists up to
 * 6.2, listpacks since. Checked to the last byte: order, scores, and that no member comes twice.
 *
 * @module
 */

import { compareBytes, parseDouble } from "../../base/ascii.ts";
import { ByteBuffer, BytesRef } from "../../base/byte_buffer.ts";
import { Encoding, ValueType } from "../../store/memory/record.ts";
import { LISTPACK_HEADER, lpLength, lpRead, lpStates } from "../../store/packed/listpack.ts";
import {
  lpCheckedNext,
  lpCheckFrame,
  ODD_COUNT,
  WRONG_COUNT,
  WRONG_ENTRY,
} from "../../store/packed/listpack_check.ts";
import { addListpack, lpScore, zsetListpack } from "../../store/types/zset.ts";
import { ZsetTable } from "../../store/types/zset_table.ts";
import type { DecodeContext, Element, ElementRow } from "../format/context.ts";
import { NONE } from "../format/context.ts";
import { Type } from "../format/opcodes.ts";
import type { StringSlot } from "../format/chunk_reader.ts";
import { storeBlob, storeObject } from "./store.ts";
import { hasDuplicates } from "./duplicates.ts";
import { ziplistToListpack } from "./ziplist.ts";

/** First byte of a text score that stands for no text: NaN, and the infinities. */
const TEXT_NAN = 253;
const TEXT_INFINITY = 254;
const TEXT_MINUS_INFINITY = 255;
/** No server writes a score in more (`%.17g`). */
const MAX_TEXT = 40;
/** Memory that is kept between two sorted sets. */
const KEPT_BYTES = 1 << 17;

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
    const set = this.#set!;
    this.#set = undefined;
    set.loaded();
    // rdb.c, empty keys: a sorted set without members is no key.
    if (set.size > 0) storeSet(this.#context, set);
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
    if (score !== score) reader.fail("Score is no number");
    if (!set.load(bytes, start, end, score)) reader.fail("Sorted set has a member twice");
  }
}

/** Members and scores in one blob: types 12 and 17. */
class PackedZset implements Element {
  readonly #context: DecodeContext;
  readonly #isZiplist: boolean;
  readonly #blob: StringSlot;
  readonly #listpack: ByteBuffer = new ByteBuffer();
  readonly #check: PairCheck = new PairCheck();

  constructor(context: DecodeContext, isZiplist: boolean) {
    this.#context = context;
    this.#isZiplist = isZiplist;
    this.#blob = context.newSlot();
  }

  read(): boolean {
    const { reader } = this.#context;
    const blob = this.#blob;
    if (!reader.readString(blob)) return false;
    if (!this.#isZiplist) {
      this.#store(blob.bytes, blob.start, blob.end);
      return true;
    }
    const listpack = this.#listpack;
    const fail = (message: string) => reader.fail(message);
    ziplistToListpack(blob.bytes, blob.start, blob.end, listpack, true, fail);
    this.#store(listpack.bytes, 0, listpack.length);
    listpack.shrink(KEPT_BYTES);
    return true;
  }

  #store(bytes: Uint8Array, start: number, end: number): void {
    const context = this.#context;
    const { reader, sink } = context;
    const wrong = this.#check.check(bytes, start, end);
    if (wrong !== undefined) reader.fail(wrong);
    const count = lpLength(bytes, start, end) >>> 1;
    if (count === 0) return;
    // rdb.c goes by the number of members alone, not by their length.
    if (count > sink.settings.limits.zsetMaxListpackEntries) {
      const set = new ZsetTable(sink.settings);
      if (!addListpack(set, bytes, start)) reader.fail("Sorted set has a member twice");
      return storeLarge(context, set);
    }
    if (hasDuplicates(bytes, start, count, 2)) reader.fail("Sorted set has a member twice");
    storeBlob(context, ValueType.ZSET, Encoding.LISTPACK, bytes, start, end);
  }
}

/** Looks at the entries of one listpack after the other: sound, pairs in order, scores that are numbers. */
class PairCheck {
  readonly #last: BytesRef = new BytesRef();
  readonly #member: BytesRef = new BytesRef();

  /** What is wrong with bytes of unknown origin, undefined when nothing is. */
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
      const score = lpScore(bytes, scorePos);
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

function storeSet(context: DecodeContext, set: ZsetTable): void {
  const listpack = zsetListpack(set, context.sink.settings.limits);
  if (listpack === undefined) return storeLarge(context, set);
  storeBlob(context, ValueType.ZSET, Encoding.LISTPACK, listpack.bytes, 0, listpack.length);
}

function storeLarge(context: DecodeContext, set: ZsetTable): void {
  storeObject(context, ValueType.ZSET, Encoding.SKIPLIST, set);
}

/** Types that both dialects know. */
export const zsetRows: readonly ElementRow[] = [
  { number: Type.ZSET, name: "ZSET", create: (context) => new PlainZset(context, false) },
  { number: Type.ZSET_2, name: "ZSET_2", create: (context) => new PlainZset(context, true) },
  { number: Type.ZSET_ZIPLIST, name: "ZSET_ZIPLIST", create: (f) => new PackedZset(f, true) },
  { number: Type.ZSET_LISTPACK, name: "ZSET_LISTPACK", create: (f) => new PackedZset(f, false) },
];
