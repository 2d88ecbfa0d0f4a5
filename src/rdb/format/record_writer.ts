/**
 * Lengths, strings and the other atoms of the format, written. It knows nothing of keys and values.
 *
 * @module
 */

import { parseInteger } from "../../base/ascii.ts";
import type { ByteBuffer } from "../../base/byte_buffer.ts";
import { lzfCompress } from "../../base/lzf.ts";
import { Length, Opcode, StringEncoding } from "./opcodes.ts";

const TWO_32 = 4294967296;
const MAX_INTEGER_TEXT = 11; // "-2147483648"
const LZF_MIN_LENGTH = 20; // shorter strings, and this one, are not tried
const LZF_MIN_SAVED = 4;

/** Writes lengths, strings and whatever else records consist of. */
export class RecordWriter {
  /** Where to. */
  out: ByteBuffer;
  readonly #compress: boolean;
  readonly #scratch: Uint8Array = new Uint8Array(8);
  readonly #view: DataView = new DataView(this.#scratch.buffer);

  /** Writes to `out`; with `compress`, strings are tried with LZF. */
  constructor(out: ByteBuffer, compress: boolean) {
    this.out = out;
    this.#compress = compress;
  }

  /** A length, in the shortest form. */
  length(value: number): void {
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
      out.writeByte(Length.BITS_64);
      this.#view.setUint32(0, Math.floor(value / TWO_32));
      this.#view.setUint32(4, value >>> 0);
      out.writeBytes(this.#scratch, 0, 8);
    }
  }

  /** A string: as an integer where it is one, compressed where that pays, else as it is. */
  string(bytes: Uint8Array, start: number, end: number): void {
    const count = end - start;
    if (count <= MAX_INTEGER_TEXT && this.#integer(parseInteger(bytes, start, end))) return;
    if (this.#compress && count > LZF_MIN_LENGTH && this.#compressed(bytes, start, end)) return;
    this.length(count);
    this.out.writeBytes(bytes, start, end);
  }

  /** A string of ASCII. */
  text(text: string): void {
    const bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
    this.string(bytes, 0, bytes.length);
  }

  /** An auxiliary field. */
  aux(name: string, value: string | number): void {
    this.out.writeByte(Opcode.AUX);
    this.text(name);
    this.text(String(value));
  }

  /** The expiry of the next key. */
  expiry(expireAtMs: number): void {
    this.out.writeByte(Opcode.EXPIRETIME_MS);
    this.#view.setUint32(0, expireAtMs >>> 0, true);
    this.#view.setInt32(4, Math.floor(expireAtMs / TWO_32), true);
    this.out.writeBytes(this.#scratch, 0, 8);
  }

  #integer(value: number): boolean {
    const width = value === value << 24 >> 24
      ? 1
      : value === value << 16 >> 16
      ? 2
      : value === (value | 0)
      ? 4
      : 0;
    if (width === 0) return false;
    const encoding = width === 1
      ? StringEncoding.INT8
      : width === 2
      ? StringEncoding.INT16
      : StringEncoding.INT32;
    this.out.writeByte((Length.ENCODED << 6) | encoding);
    this.#view.setInt32(0, value, true);
    this.out.writeBytes(this.#scratch, 0, width);
    return true;
  }

  /** The lengths come before the bytes, so the bytes are compressed aside and copied after them. */
  #compressed(bytes: Uint8Array, start: number, end: number): boolean {
    const count = end - start;
    const room = count - LZF_MIN_SAVED;
    const target = new Uint8Array(room);
    const length = lzfCompress(bytes, start, end, target, 0, room);
    if (length === 0) return false;
    this.out.writeByte((Length.ENCODED << 6) | StringEncoding.LZF);
    this.length(length);
    this.length(count);
    this.out.writeBytes(target, 0, length);
    return true;
  }
}
