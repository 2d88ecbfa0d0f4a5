/**
 * Chunks in, lengths, fixed runs and strings out: the atoms of the format. Every `read*` answers
 * false when the chunk ends first and goes on from there when called again with the next one. It
 * knows nothing of records.
 *
 * ```
 * 00nnnnnn                      length, 6 bits
 * 01nnnnnn nnnnnnnn             length, 14 bits
 * 10000000 + 4 bytes            length, 32 bits, big endian
 * 10000001 + 8 bytes            length, 64 bits, big endian
 * 11eeeeee                      not a length: a string encoded as int8, int16, int32 or LZF
 * ```
 *
 * @module
 */

import { writeInteger } from "../../base/ascii.ts";
import { copyBytes } from "../../base/copy.ts";
import { lzfDecompress } from "../../base/lzf.ts";
import { RdbError } from "./errors.ts";
import { Length, StringEncoding } from "./opcodes.ts";

const TWO_32 = 4294967296;
const FIXED_BYTES = 40; // the longest run of fixed length: a slot import's job name
const INTEGER_TEXT_BYTES = 11; // "-2147483648"
const FIRST_ALLOCATION = 4096;
const KEPT_ALLOCATION = 1 << 20;

// A 3-byte back reference yields at most 264 bytes; the rest is what short inputs may add.
const LZF_WORST_RATIO = 88;
const LZF_WORST_REST = 33;

/** The state of a string being read: what comes next. */
const Step = { HEAD: 0, BYTES: 1, INTEGER: 2, LZF_IN: 3, LZF_OUT: 4, LZF_BYTES: 5 } as const;
type Step = typeof Step[keyof typeof Step];

/**
 * Where a string lies once it has been read: in the chunk itself when it came whole, else in
 * storage of its own.
 */
export class StringSlot {
  /** The buffer that holds the string. */
  bytes: Uint8Array;
  /** Offset of its first byte. */
  start: number = 0;
  /** Offset after its last byte. */
  end: number = 0;
  #own: Uint8Array;

  /** An empty string. */
  constructor() {
    this.#own = new Uint8Array(INTEGER_TEXT_BYTES * 2);
    this.bytes = this.#own;
  }

  /** Length in bytes. */
  get length(): number {
    return this.end - this.start;
  }

  /** Points at borrowed bytes. */
  borrow(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes;
    this.start = start;
    this.end = end;
  }

  /** Copies what was borrowed, before its owner takes it back. */
  keep(): void {
    if (this.bytes === this.#own) return;
    const { bytes, start, end } = this;
    this.clear();
    this.append(bytes, start, end, end - start);
  }

  /** The empty string, in storage of its own; gives back memory that a huge one needed. */
  clear(): void {
    if (this.#own.length > KEPT_ALLOCATION) this.#own = new Uint8Array(FIRST_ALLOCATION);
    this.bytes = this.#own;
    this.start = 0;
    this.end = 0;
  }

  /** Appends to what {@linkcode clear} began. `expected` bounds how far the storage may run ahead. */
  append(bytes: Uint8Array, start: number, end: number, expected: number): void {
    const at = this.end;
    const count = end - start;
    this.reserve(at + count, expected);
    copyBytes(this.#own, at, bytes, start, end);
    this.end = at + count;
  }

  /** Makes the storage at least `needed` long: it doubles, but never beyond `expected`. */
  reserve(needed: number, expected: number): void {
    const own = this.#own;
    if (needed <= own.length) return;
    const wished = Math.max(needed, Math.min(expected, Math.max(own.length * 2, FIRST_ALLOCATION)));
    const grown = new Uint8Array(wished);
    grown.set(own.subarray(0, this.end));
    this.#own = grown;
    this.bytes = grown;
  }

  /** The decimal text of an integer, in storage of its own. */
  setInteger(value: number): void {
    this.clear();
    this.end = writeInteger(this.#own, 0, value);
  }

  /** A borrowed view, valid until the slot is used again. */
  view(): Uint8Array {
    return this.bytes.subarray(this.start, this.end);
  }

  /** A copy that owns its bytes. */
  copy(): Uint8Array {
    return this.bytes.slice(this.start, this.end);
  }
}

/** A cursor over pushed chunks. */
export class ChunkReader {
  /** The chunk. */
  bytes: Uint8Array = new Uint8Array(0);
  /** The cursor in it. */
  pos: number = 0;
  /** Where it ends. */
  end: number = 0;
  /** Low 32 bits of the last length. */
  lengthLow: number = 0;
  /** High 32 bits of the last length. */
  lengthHigh: number = 0;
  /** The last length's string encoding; -1 when it was a plain length. */
  encoding: number = -1;
  /** What {@linkcode readFixed} filled. */
  readonly fixed: Uint8Array = new Uint8Array(FIXED_BYTES);
  /** The same bytes, for numbers. */
  readonly view: DataView = new DataView(this.fixed.buffer);

  readonly #maxStringBytes: number;
  readonly #compressed: StringSlot = new StringSlot();
  #origin: number = 0; // stream offset of bytes[0]
  #lengthLeft: number = 0; // bytes of a length still to come
  #fixedFilled: number = 0;
  #step: Step = Step.HEAD;
  #left: number = 0; // bytes of a string still to come, as they are on the wire
  #expected: number = 0; // a string's length once decoded

  /** Keeps strings of up to `maxStringBytes`; longer ones are refused up front. */
  constructor(maxStringBytes: number) {
    this.#maxStringBytes = maxStringBytes;
  }

  /** Bytes read since the first. */
  get offset(): number {
    return this.#origin + this.pos;
  }

  /** The last length as a number: exact up to 2^53. */
  get length(): number {
    return this.lengthHigh * TWO_32 + this.lengthLow;
  }

  /** Goes on in a new chunk; the one before must be used up. */
  setChunk(bytes: Uint8Array, start: number, end: number): void {
    this.#origin += this.pos - start;
    this.bytes = bytes;
    this.pos = start;
    this.end = end;
  }

  /** Reads a length. */
  readLength(): boolean {
    if (!this.readLengthOrEncoding()) return false;
    if (this.encoding >= 0) this.fail("String encoding where a length is due");
    return true;
  }

  /** Reads a length, or the encoding of a string into {@linkcode encoding}. */
  readLengthOrEncoding(): boolean {
    const { bytes, end } = this;
    if (this.#lengthLeft === 0) {
      if (this.pos === end) return false;
      if (this.#beginLength(bytes[this.pos++])) return true;
    }
    let { pos, lengthHigh: high, lengthLow: low } = this;
    let left = this.#lengthLeft;
    while (left > 0 && pos < end) {
      high = ((high << 8) | (low >>> 24)) >>> 0;
      low = ((low << 8) | bytes[pos++]) >>> 0;
      left--;
    }
    this.pos = pos;
    this.lengthHigh = high;
    this.lengthLow = low;
    this.#lengthLeft = left;
    return left === 0;
  }

  /** Reads `count` raw bytes into {@linkcode fixed}. */
  readFixed(count: number): boolean {
    const { bytes, end, fixed } = this;
    let pos = this.pos;
    let filled = this.#fixedFilled;
    while (filled < count && pos < end) fixed[filled++] = bytes[pos++];
    this.pos = pos;
    this.#fixedFilled = filled === count ? 0 : filled;
    return filled === count;
  }

  /** Reads a string of any encoding. */
  readString(slot: StringSlot): boolean {
    if (this.#step === Step.HEAD && this.#lengthLeft === 0 && this.#borrowShort(slot)) return true;
    while (this.#readStringStep(slot)) {
      if (this.#step === Step.HEAD) return true;
    }
    return false;
  }

  /** Passes over a string of any encoding and any length without keeping it. */
  skipString(): boolean {
    while (this.#readStringStep(undefined)) {
      if (this.#step === Step.HEAD) return true;
    }
    return false;
  }

  /** The little-endian signed 64 bits at the front of {@linkcode fixed}: exact up to 2^53. */
  fixedInt64(): number {
    return this.view.getInt32(4, true) * TWO_32 + this.view.getUint32(0, true);
  }

  /** Refuses what was read. */
  fail(message: string): never {
    throw new RdbError("CORRUPT", message, this.offset);
  }

  /** True when the first byte was all there is. */
  #beginLength(first: number): boolean {
    this.encoding = -1;
    this.lengthHigh = 0;
    this.lengthLow = first & 63;
    switch (first >> 6) {
      case Length.BITS_6:
        return true;
      case Length.ENCODED:
        this.encoding = first & 63;
        return true;
      case Length.BITS_14:
        this.#lengthLeft = 1;
        return false;
    }
    if (first !== Length.BITS_32 && first !== Length.BITS_64) {
      this.fail(`Length begins with ${first}, which means nothing`);
    }
    this.lengthLow = 0;
    this.#lengthLeft = first === Length.BITS_32 ? 4 : 8;
    return false;
  }

  /** A plain string that lies whole in the chunk and whose length takes a byte or two, as most do. */
  #borrowShort(slot: StringSlot): boolean {
    const { bytes, end } = this;
    let at = this.pos;
    if (at + 1 >= end || bytes[at] >= 128) return false;
    let length = bytes[at++];
    if (length >= 64) length = ((length & 63) << 8) | bytes[at++];
    if (length > end - at || length > this.#maxStringBytes) return false;
    slot.clear();
    slot.borrow(bytes, at, at + length);
    this.pos = at + length;
    return true;
  }

  #readStringStep(slot: StringSlot | undefined): boolean {
    switch (this.#step) {
      case Step.HEAD:
        return this.#readHead(slot);
      case Step.BYTES:
        return this.#readBytes(slot);
      case Step.INTEGER:
        return this.#readInteger(slot);
      case Step.LZF_IN:
        return this.#readCompressedLength(slot);
      case Step.LZF_OUT:
        return this.#readExpandedLength(slot);
      default:
        return this.#readCompressed(slot);
    }
  }

  #readHead(slot: StringSlot | undefined): boolean {
    if (!this.readLengthOrEncoding()) return false;
    switch (this.encoding) {
      case -1:
        this.#left = this.#checkedLength(slot);
        slot?.clear();
        this.#step = Step.BYTES;
        return this.#readBytes(slot);
      case StringEncoding.INT8:
      case StringEncoding.INT16:
      case StringEncoding.INT32:
        this.#left = 1 << this.encoding;
        this.#step = Step.INTEGER;
        return this.#readInteger(slot);
      case StringEncoding.LZF:
        this.#step = Step.LZF_IN;
        return true;
    }
    this.fail(`Unknown string encoding ${this.encoding}`);
  }

  #readBytes(slot: StringSlot | undefined): boolean {
    const { bytes, pos, end } = this;
    const left = this.#left;
    const count = Math.min(left, end - pos);
    this.pos = pos + count;
    if (slot !== undefined) {
      if (count === left && slot.end === 0) {
        slot.borrow(bytes, pos, pos + count);
      } else {
        slot.append(bytes, pos, pos + count, slot.end + left);
      }
    }
    this.#left = left - count;
    if (count < left) return false;
    this.#step = Step.HEAD;
    return true;
  }

  #readInteger(slot: StringSlot | undefined): boolean {
    const width = this.#left;
    if (!this.readFixed(width)) return false;
    const { view } = this;
    slot?.setInteger(
      width === 1 ? view.getInt8(0) : width === 2 ? view.getInt16(0, true) : view.getInt32(0, true),
    );
    this.#step = Step.HEAD;
    return true;
  }

  #readCompressedLength(slot: StringSlot | undefined): boolean {
    if (!this.readLength()) return false;
    this.#left = this.#checkedLength(slot);
    this.#step = Step.LZF_OUT;
    return true;
  }

  #readExpandedLength(slot: StringSlot | undefined): boolean {
    if (!this.readLength()) return false;
    const expected = this.#checkedLength(slot);
    if (expected > this.#left * LZF_WORST_RATIO + LZF_WORST_REST) {
      this.fail(`${this.#left} compressed bytes cannot become ${expected}`);
    }
    this.#expected = expected;
    this.#compressed.clear();
    this.#step = slot === undefined ? Step.BYTES : Step.LZF_BYTES;
    return true;
  }

  #readCompressed(slot: StringSlot | undefined): boolean {
    const compressed = this.#compressed;
    if (!this.#readBytes(compressed)) return false;
    const expected = this.#expected;
    slot!.clear();
    slot!.reserve(expected, expected);
    const { bytes, start, end } = compressed;
    if (!lzfDecompress(bytes, start, end, slot!.bytes, 0, expected)) {
      this.fail("Compressed string does not expand to its length");
    }
    slot!.end = expected;
    return true;
  }

  #checkedLength(slot: StringSlot | undefined): number {
    const length = this.length;
    const limit = slot === undefined ? Number.MAX_SAFE_INTEGER : this.#maxStringBytes;
    if (length > limit) {
      throw new RdbError("TOO_LARGE", `String of ${length} bytes, limit is ${limit}`, this.offset);
    }
    return length;
  }
}
