/**
 * CRC-64/Jones as Redis writes it behind an RDB, a DUMP and a function payload (`crc64.c`):
 * polynomial 0xad93d23594c935a9 reflected in and out, start 0, no final xor.
 *
 * The plain way is one table: `crc = table[(crc ^ byte) & 255] ^ (crc >> 8)`, where each step waits
 * for the one before. Slicing by sixteen breaks that chain. A CRC is linear over xor, so the CRC of
 * sixteen bytes is the xor of the CRCs of each byte followed by the zero bytes in the place of
 * those behind it:
 *
 *     bytes   b0 ............ b7    b8 ............ b15
 *     xor     crc (8 bytes)         nothing
 *     table   15 ............  8     7 ............  0      zero bytes behind the byte
 *
 * Table k holds the CRC of each byte followed by k zero bytes: sixteen look-ups that do not wait
 * for each other. JavaScript has bit operations on 32 bits only, so every entry is two halves in
 * two arrays.
 *
 * Three loops do the work: the WebAssembly kernel for long pieces, slices in TypeScript for
 * middling ones, and one byte at a time for the rest.
 *
 * @module
 */

import { assert } from "./assert.ts";
import { Kernel, kernel } from "./kernel.ts";

/** Bytes that one round of slicing takes, and tables it needs. */
const SLICES = 16;
/** Entries of one table: one for each value of a byte. */
const ENTRIES = 256;
/** The polynomial with its bits reversed, because bytes are taken lowest bit first. */
const POLYNOMIAL_LOW = 0xac4bc9b5;
const POLYNOMIAL_HIGH = 0x95ac9329;
/** Bytes below which slicing does not pay: it creates a DataView for each piece. */
const SLICED_MIN = 64;
/** Bytes below which the kernel does not pay: they are copied into its memory first. */
const KERNEL_MIN = 256;

/**
 * Tables shared by every CRC, entry of byte b in table k at `k * 256 + b`; made by the first one.
 */
let lowTable: Int32Array | undefined;
let highTable: Int32Array | undefined;
let quick: Kernel | undefined;

/** A CRC-64 that is computed piece by piece; the state is its two 32-bit halves. */
export class Crc64 {
  /** Low 32 bits of the CRC of all bytes so far, unsigned. */
  low: number = 0;
  /** High 32 bits of the CRC of all bytes so far, unsigned. */
  high: number = 0;
  readonly #lows: Int32Array;
  readonly #highs: Int32Array;
  readonly #kernel: Kernel | undefined;

  /**
   * Starts with the CRC of no bytes, 0. The first one ever made computes 32 KB of tables.
   *
   * @param usesKernel False keeps to TypeScript, as hosts without WebAssembly must; tests compare
   * both.
   */
  constructor(usesKernel: boolean = true) {
    if (lowTable === undefined || highTable === undefined) {
      [lowTable, highTable] = makeTables();
      quick = kernel();
      quick?.setTables(lowTable, highTable);
    }
    this.#lows = lowTable;
    this.#highs = highTable;
    this.#kernel = usesKernel ? quick : undefined;
  }

  /** Adds bytes `[start, end)` to what the CRC covers. */
  update(bytes: Uint8Array, start: number = 0, end: number = bytes.length): void {
    assert(start <= end && end <= bytes.length, "the piece lies inside its bytes");
    let pos = start;
    const helper = this.#kernel;
    if (helper !== undefined && end - start >= KERNEL_MIN) {
      pos = this.#updateByKernel(helper, bytes, start, end);
    }
    if (end - pos >= SLICED_MIN) pos = this.#updateSliced(bytes, pos, end);
    const lows = this.#lows;
    const highs = this.#highs;
    let low = this.low;
    let high = this.high;
    for (; pos < end; pos++) {
      const index = (low ^ bytes[pos]) & 0xff;
      low = ((low >>> 8) | (high << 24)) ^ lows[index];
      high = (high >>> 8) ^ highs[index];
    }
    this.low = low >>> 0;
    this.high = high >>> 0;
  }

  /** Whether the CRC so far is the one given as two 32-bit halves of either sign. */
  equals(high: number, low: number): boolean {
    return this.high === high >>> 0 && this.low === low >>> 0;
  }

  /** The CRC so far in 8 new bytes, little endian, as it stands at the end of an RDB. */
  digest(): Uint8Array {
    const bytes = new Uint8Array(8);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, this.low, true);
    view.setUint32(4, this.high, true);
    return bytes;
  }

  /** Starts again with the CRC of no bytes. */
  reset(): void {
    this.low = 0;
    this.high = 0;
  }

  /** Adds all whole runs of 16 bytes, 64 KB a call of the kernel; returns the offset after them. */
  #updateByKernel(helper: Kernel, bytes: Uint8Array, start: number, end: number): number {
    const last = end - ((end - start) % SLICES);
    for (let pos = start; pos < last; pos += Kernel.MAX_INPUT) {
      helper.crc(this.low, this.high, bytes, pos, Math.min(pos + Kernel.MAX_INPUT, last));
      this.low = helper.low >>> 0;
      this.high = helper.high >>> 0;
    }
    return last;
  }

  /**
   * Adds all whole runs of 16 bytes and returns the offset after them. The indices carry the
   * table's first entry: 3840 is 15 * 256. The loop is unrolled so that its 32 look-ups share
   * locals.
   */
  #updateSliced(bytes: Uint8Array, start: number, end: number): number {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const l = this.#lows;
    const h = this.#highs;
    const last = end - SLICES;
    let low = this.low | 0;
    let high = this.high | 0;
    let pos = start;
    for (; pos <= last; pos += SLICES) {
      const a = low ^ view.getInt32(pos, true);
      const b = high ^ view.getInt32(pos + 4, true);
      const c = view.getInt32(pos + 8, true);
      const d = view.getInt32(pos + 12, true);
      const a0 = 3840 | (a & 255), a1 = 3584 | ((a >>> 8) & 255);
      const a2 = 3328 | ((a >>> 16) & 255), a3 = 3072 | (a >>> 24);
      const b0 = 2816 | (b & 255), b1 = 2560 | ((b >>> 8) & 255);
      const b2 = 2304 | ((b >>> 16) & 255), b3 = 2048 | (b >>> 24);
      const c0 = 1792 | (c & 255), c1 = 1536 | ((c >>> 8) & 255);
      const c2 = 1280 | ((c >>> 16) & 255), c3 = 1024 | (c >>> 24);
      const d0 = 768 | (d & 255), d1 = 512 | ((d >>> 8) & 255);
      const d2 = 256 | ((d >>> 16) & 255), d3 = d >>> 24;
      low = l[a0] ^ l[a1] ^ l[a2] ^ l[a3] ^ l[b0] ^ l[b1] ^ l[b2] ^ l[b3] ^
        l[c0] ^ l[c1] ^ l[c2] ^ l[c3] ^ l[d0] ^ l[d1] ^ l[d2] ^ l[d3];
      high = h[a0] ^ h[a1] ^ h[a2] ^ h[a3] ^ h[b0] ^ h[b1] ^ h[b2] ^ h[b3] ^
        h[c0] ^ h[c1] ^ h[c2] ^ h[c3] ^ h[d0] ^ h[d1] ^ h[d2] ^ h[d3];
    }
    this.low = low >>> 0;
    this.high = high >>> 0;
    return pos;
  }
}

/**
 * Computes `[low halves, high halves]` of the sixteen tables. Table 0 is the CRC of each byte, bit
 * by bit; an entry of table k is that of table k - 1 after one more zero byte.
 */
function makeTables(): [Int32Array, Int32Array] {
  const lows = new Int32Array(SLICES * ENTRIES);
  const highs = new Int32Array(SLICES * ENTRIES);
  for (let byte = 0; byte < ENTRIES; byte++) {
    let low = byte;
    let high = 0;
    for (let bit = 0; bit < 8; bit++) {
      const odd = low & 1;
      low = (low >>> 1) | (high << 31);
      high >>>= 1;
      if (odd === 1) {
        low ^= POLYNOMIAL_LOW;
        high ^= POLYNOMIAL_HIGH;
      }
    }
    lows[byte] = low;
    highs[byte] = high;
  }
  for (let i = ENTRIES; i < SLICES * ENTRIES; i++) {
    const low = lows[i - ENTRIES];
    const high = highs[i - ENTRIES];
    const index = low & 0xff;
    lows[i] = ((low >>> 8) | (high << 24)) ^ lows[index];
    highs[i] = (high >>> 8) ^ highs[index];
  }
  return [lows, highs];
}
