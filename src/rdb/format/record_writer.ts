/**
 * Lengths, strings and the other atoms of the format, written as Redis's `rdb.c` writes them. The
 * writer knows nothing of keys and values; the layouts are drawn in `chunk_reader.ts`.
 *
 * @module
 */

import { parseInteger } from "../../base/ascii.ts";
import { assert } from "../../base/assert.ts";
import type { ByteBuffer } from "../../base/byte_buffer.ts";
import { lzfCompress } from "../../base/lzf.ts";
import { exactExpiry, isFar } from "../../store/memory/expiry.ts";
import { Length, Opcode, StringEncoding, TWO_32 } from "./opcodes.ts";

/** Longest text that may be a 32-bit integer: "-2147483648". */
const MAX_INTEGER_TEXT = 11;
/** `rdb.c rdbSaveRawString`: strings of up to 20 bytes are not tried with LZF. */
const LZF_MIN_LENGTH = 20;
/**
 * Strings of more bytes are not tried with it: packing them would take more milliseconds than a turn of the event loop may,
 * and the format wants the packed length first. Whoever reads it takes both forms.
 */
const LZF_MAX_LENGTH: number = 1 << 20;
/** LZF is kept only where it saves this many bytes. */
const LZF_MIN_SAVED = 4;

/** Writes lengths, strings and numbers at the end of a buffer. */
export class RecordWriter {
  /** Where bytes are appended; may be set to another buffer between two atoms. */
  out: ByteBuffer;
  readonly #compress: boolean;
  readonly #scratch: Uint8Array = new Uint8Array(8);
  readonly #view: DataView = new DataView(this.#scratch.buffer);

  /**
   * Makes a writer that appends to `out`; with `compress`, strings of over 20 bytes are tried with
   * LZF.
   */
  constructor(out: ByteBuffer, compress: boolean) {
    this.out = out;
    this.#compress = compress;
  }

  /** Writes a length up to 2^53 in the shortest form there is. */
  length(value: number): void {
    assert(value >= 0, "a length is not negative");
    const { out } = this;
    if (value < 64) {
      out.writeByte(value);
    } else if (value < 16384) {
      out.writeByte((Length.BITS_14 << 6) | (value >> 8));
      out.writeByte(value & 255);
    } else if (value < TWO_32) {
      out.writeByte(Length.BITS_32);
      this.#view.setUint32(0, value);
      out.writeBytes(this.#scratch, 0, 4);
    } else {
      this.#length64(Math.floor(value / TWO_32), value >>> 0);
    }
  }

  /** Writes a length of 64 bits, given as two words: ids of streams and -1 use all of them. */
  lengthWords(high: number, low: number): void {
    if (high < 0x200000) this.length(high * TWO_32 + low);
    else this.#length64(high, low);
  }

  /**
   * Writes a string: as an integer where it is the text of one, compressed where that pays, else as
   * it is.
   */
  string(bytes: Uint8Array, start: number, end: number): void {
    const count = end - start;
    if (count <= MAX_INTEGER_TEXT && this.#integer(parseInteger(bytes, start, end))) return;
    const isTried = this.#compress && count > LZF_MIN_LENGTH && count <= LZF_MAX_LENGTH;
    if (isTried && this.#compressed(bytes, start, end)) return;
    this.length(count);
    this.out.writeBytes(bytes, start, end);
  }

  /** Writes 64 bits, little endian, two's complement: times, and counts that may be -1. */
  int64(value: number): void {
    this.#view.setUint32(0, value >>> 0, true);
    this.#view.setInt32(4, Math.floor(value / TWO_32), true);
    this.out.writeBytes(this.#scratch, 0, 8);
  }

  /** Writes a double, 64 bits IEEE 754, little endian: a sorted set's score. */
  double(value: number): void {
    this.#view.setFloat64(0, value, true);
    this.out.writeBytes(this.#scratch, 0, 8);
  }

  /** Writes an auxiliary field of ASCII text. */
  aux(name: string, value: string | number): void {
    this.out.writeByte(Opcode.AUX);
    this.#text(name);
    this.#text(String(value));
  }

  /** Writes an auxiliary field whose value is bytes. */
  auxBytes(name: string, value: Uint8Array): void {
    this.out.writeByte(Opcode.AUX);
    this.#text(name);
    this.string(value, 0, value.length);
  }

  /** Writes when the next key expires: an expiry of the store, not NO_EXPIRY. */
  expiry(expireAtMs: number): void {
    this.out.writeByte(Opcode.EXPIRETIME_MS);
    this.expiryTime(expireAtMs);
  }

  /** Writes an expiry of the store as an int64, -1 for NO_EXPIRY. */
  expiryTime(expireAtMs: number): void {
    if (!isFar(expireAtMs)) return this.int64(expireAtMs);
    this.#view.setBigInt64(0, exactExpiry(expireAtMs), true);
    this.out.writeBytes(this.#scratch, 0, 8);
  }

  #text(text: string): void {
    const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
    this.string(bytes, 0, bytes.length);
  }

  #length64(high: number, low: number): void {
    this.out.writeByte(Length.BITS_64);
    this.#view.setUint32(0, high);
    this.#view.setUint32(4, low);
    this.out.writeBytes(this.#scratch, 0, 8);
  }

  /**
   * Writes an integer string in 1, 2 or 4 bytes; false for a number that needs more, or none at
   * all.
   */
  #integer(value: number): boolean {
    let encoding: number;
    if (value === value << 24 >> 24) encoding = StringEncoding.INT8;
    else if (value === value << 16 >> 16) encoding = StringEncoding.INT16;
    else if (value === (value | 0)) encoding = StringEncoding.INT32;
    else return false;
    this.out.writeByte((Length.ENCODED << 6) | encoding);
    this.#view.setInt32(0, value, true);
    this.out.writeBytes(this.#scratch, 0, 1 << encoding);
    return true;
  }

  /**
   * Writes a compressed string, or answers false where LZF saves fewer than 4 bytes. Both lengths
   * come before the bytes, so the bytes are compressed into a buffer aside and copied after them.
   */
  #compressed(bytes: Uint8Array, start: number, end: number): boolean {
    const count = end - start;
    const room = count - LZF_MIN_SAVED;
    const target = new Uint8Array(room);
    const length = lzfCompress(bytes, start, end, target, 0, room);
    if (length === 0) return false;
    assert(length <= room, "compressed bytes fit the room they were given");
    this.out.writeByte((Length.ENCODED << 6) | StringEncoding.LZF);
    this.length(length);
    this.length(count);
    this.out.writeBytes(target, 0, length);
    return true;
  }
}
