/**
 * Pushed chunks in; lengths, runs of fixed length and strings out: the atoms of the format. The
 * reader knows nothing of records, and it never waits: every `read*` answers false when the chunk
 * ends first and goes on from there when it is called again with the next chunk.
 *
 * A length (`rdb.c rdbLoadLenByRef`) says its own width in the top bits of its first byte:
 *
 * ```text
 *   00nnnnnn                      6 bits
 *   01nnnnnn nnnnnnnn             14 bits, big endian
 *   10000000 + 4 bytes            32 bits, big endian
 *   10000001 + 8 bytes            64 bits, big endian
 *   10______                      any other: corrupt
 *   11eeeeee                      no length: a string in encoding e
 * ```
 *
 * A string (`rdb.c rdbGenericLoadStringObject`) begins with a length and is one of
 *
 * ```text
 *   length, bytes                 as it is
 *   C0 + 1, C1 + 2, C2 + 4 bytes  the decimal text of a signed integer, little endian
 *   C3, length c, length u, c     c bytes of LZF that expand to exactly u
 * ```
 *
 * How a string is read on when a chunk ends inside it:
 *
 * ```text
 *   HEAD ---> BYTES ------------------------------> HEAD
 *     |-----> INTEGER ----------------------------> HEAD
 *     '-----> LZF_IN ---> LZF_OUT ---> LZF_BYTES -> HEAD
 * ```
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { lzfDecompress } from "../../base/lzf.ts";
import { expiryFromHalves } from "../../store/memory/expiry.ts";
import { MAX_VALUE_BYTES } from "../../store/memory/record.ts";
import { RdbError } from "./errors.ts";
import { Length, StringEncoding, TWO_32 } from "./opcodes.ts";
import { StringSlot } from "./string_slot.ts";

/**
 * Longest string that is read unless told otherwise: the longest that a record holds, 2 GB. A snapshot has
 * what its server accepted, so that Redis does not hold it to `proto-max-bulk-len` either.
 */
export const DEFAULT_MAX_STRING_BYTES: number = MAX_VALUE_BYTES;

/** The longest run of fixed length: a sorted set's score as text. */
const FIXED_BYTES = 40;

/**
 * LZF expands three bytes (a back reference) to at most 264, so what claims to grow further is
 * corrupt, and no memory is set aside for it. The rest is what an input shorter than three bytes
 * may add.
 */
const LZF_WORST_RATIO = 88;
const LZF_WORST_REST = 33;

/** What of a string is read next. */
const Step = { HEAD: 0, BYTES: 1, INTEGER: 2, LZF_IN: 3, LZF_OUT: 4, LZF_BYTES: 5 } as const;
type Step = typeof Step[keyof typeof Step];

/** A cursor over one chunk after the other. */
export class ChunkReader {
  /** The chunk that is being read; borrowed. */
  bytes: Uint8Array = new Uint8Array(0);
  /** Offset in `bytes` of the next byte to read. */
  pos: number = 0;
  /** Offset in `bytes` after the last byte of the chunk. */
  end: number = 0;
  /** Low 32 bits of the last length read. */
  lengthLow: number = 0;
  /** High 32 bits of the last length read. */
  lengthHigh: number = 0;
  /** The string encoding that stood where the last length was read; -1 when it was a length. */
  encoding: number = -1;
  /** Bytes of the strings passed over since the owner set it to 0, as they would be expanded. */
  skippedBytes: number = 0;
  /** The bytes that {@linkcode readFixed} read last, from the front. */
  readonly fixed: Uint8Array = new Uint8Array(FIXED_BYTES);
  /** The bytes of `fixed`, to be read as numbers. */
  readonly view: DataView = new DataView(this.fixed.buffer);

  /** Called with the length of a string that is longer than `longBytes` before it is kept; may throw. */
  onLong: (bytes: number) => void = () => {};
  /** Length from which on `onLong` is called. */
  longBytes: number = Infinity;

  readonly #maxStringBytes: number;
  readonly #compressed: StringSlot = new StringSlot();
  #origin: number = 0; // offset in the snapshot of bytes[0]
  #lengthLeft: number = 0; // bytes of a length still to come
  #fixedFilled: number = 0;
  #step: Step = Step.HEAD;
  #left: number = 0; // bytes of a string still to come, as they are on the wire
  #expected: number = 0; // length of a string once it is expanded

  /**
   * Makes a reader without a chunk.
   *
   * @param maxStringBytes A longer string is refused by its length, before its bytes come.
   */
  constructor(maxStringBytes: number) {
    this.#maxStringBytes = maxStringBytes;
  }

  /** Bytes of the snapshot read so far. */
  get offset(): number {
    return this.#origin + this.pos;
  }

  /** The last length as a number: exact up to 2^53, which no count of real things exceeds. */
  get length(): number {
    return this.lengthHigh * TWO_32 + this.lengthLow;
  }

  /** Goes on at `start` of another chunk. The caller has used the chunk before up to `pos`. */
  setChunk(bytes: Uint8Array, start: number, end: number): void {
    assert(start <= end && end <= bytes.length, "a chunk lies inside its buffer");
    this.#origin += this.pos - start;
    this.bytes = bytes;
    this.pos = start;
    this.end = end;
  }

  /**
   * Reads a length into `length`, `lengthHigh` and `lengthLow`.
   *
   * @throws {RdbError} `CORRUPT` when a string's encoding stands there.
   */
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

  /** Reads `count` raw bytes, at most 40, into {@linkcode fixed}. */
  readFixed(count: number): boolean {
    assert(count <= FIXED_BYTES && this.#fixedFilled <= count, "one run at a time, that fits");
    const { bytes, end, fixed } = this;
    let pos = this.pos;
    let filled = this.#fixedFilled;
    while (filled < count && pos < end) fixed[filled++] = bytes[pos++];
    this.pos = pos;
    this.#fixedFilled = filled === count ? 0 : filled;
    return filled === count;
  }

  /**
   * Reads a string of any encoding.
   *
   * @param slot Filled; pass the same one again after a false, since it holds what has come so far.
   * @throws {RdbError} `TOO_LARGE` for a string, or one once expanded, beyond the limit.
   */
  readString(slot: StringSlot): boolean {
    if (this.#step === Step.HEAD && this.#lengthLeft === 0 && this.#borrowShort(slot)) return true;
    while (this.#readStringStep(slot)) {
      if (this.#step === Step.HEAD) return true;
    }
    return false;
  }

  /** Passes over a string of any encoding and any length without keeping a byte of it. */
  skipString(): boolean {
    while (this.#readStringStep(undefined)) {
      if (this.#step === Step.HEAD) return true;
    }
    return false;
  }

  /** Runs `read` over the first `length` bytes of `bytes`, then goes on in the chunk where it stood. */
  replay(bytes: Uint8Array, length: number, read: () => void): void {
    const { bytes: chunk, pos, end } = this;
    const origin = this.#origin;
    this.bytes = bytes;
    this.pos = 0;
    this.end = length;
    this.#origin = origin + pos - length;
    read();
    assert(this.pos === length, "all of it was read");
    this.bytes = chunk;
    this.pos = pos;
    this.end = end;
    this.#origin = origin;
  }

  /** The little-endian signed 64 bits at the front of {@linkcode fixed}: exact up to 2^53. */
  fixedInt64(): number {
    return this.view.getInt32(4, true) * TWO_32 + this.view.getUint32(0, true);
  }

  /** The same 8 bytes as an expiry of the store: -1 is NO_EXPIRY, another negative time has passed. */
  fixedExpiry(): number {
    return expiryFromHalves(this.view.getInt32(4, true), this.view.getInt32(0, true));
  }

  /**
   * Refuses what was read.
   *
   * @throws {RdbError} `CORRUPT`, at the cursor.
   */
  fail(message: string): never {
    throw new RdbError("CORRUPT", message, this.offset);
  }

  /**
   * Refuses what was read when a check says what is `wrong` with it; undefined says that it is
   * sound.
   */
  failIf(wrong: string | undefined): void {
    if (wrong !== undefined) this.fail(wrong);
  }

  /** Takes a length's first byte: true when it was the whole length, or named an encoding. */
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

  /**
   * The short way for a plain string that lies whole in the chunk and whose length takes one or two
   * bytes, as nearly all keys and values do. False says nothing: the general way reads from the
   * same place.
   */
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

  /**
   * Does the step that is due; false when the chunk ended first. Without a slot nothing is kept.
   */
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
        if (slot === undefined) this.skippedBytes += this.#left;
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

  /** Takes what the chunk has of a string: borrowed when that is all of it, else appended. */
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
    if (slot === undefined) this.skippedBytes += expected;
    this.#compressed.clear();
    // What is passed over need not be expanded: its compressed bytes are skipped as plain ones are.
    this.#step = slot === undefined ? Step.BYTES : Step.LZF_BYTES;
    return true;
  }

  /** Gathers the compressed bytes beside the slot, then expands them into it. */
  #readCompressed(slot: StringSlot | undefined): boolean {
    assert(slot !== undefined, "a string that is passed over is not expanded");
    const compressed = this.#compressed;
    if (!this.#readBytes(compressed)) return false;
    const expected = this.#expected;
    slot.clear();
    slot.reserve(expected, expected);
    const { bytes, start, end } = compressed;
    if (!lzfDecompress(bytes, start, end, slot.bytes, 0, expected)) {
      this.fail("Compressed string does not expand to its length");
    }
    slot.end = expected;
    return true;
  }

  /**
   * The last length, when a string of it may be kept; a string that is passed over may have any.
   */
  #checkedLength(slot: StringSlot | undefined): number {
    const length = this.length;
    const limit = slot === undefined ? Number.MAX_SAFE_INTEGER : this.#maxStringBytes;
    if (length > limit) {
      throw new RdbError("TOO_LARGE", `String of ${length} bytes, limit is ${limit}`, this.offset);
    }
    if (slot !== undefined && length > this.longBytes) this.onLong(length);
    return length;
  }
}
