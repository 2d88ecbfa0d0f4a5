/**
 * CRC-64/Jones as Redis writes it behind an RDB: polynomial 0xad93d23594c935a9 reflected in and out,
 * start 0, nothing at the end.
 *
 * Slicing by sixteen: table k holds the CRC of a byte followed by k zero bytes, so sixteen bytes are
 * sixteen independent look-ups. Each table entry is two 32-bit halves, low half first.
 *
 * @module
 */

import { Kernel, kernel } from "./kernel.ts";

const SLICES = 16;
const ENTRIES = 256;
/** The polynomial's bits reversed. */
const POLYNOMIAL_LOW = 0xac4bc9b5;
const POLYNOMIAL_HIGH = 0x95ac9329;
/** Below this a view costs more than it saves. */
const SLICED_MIN = 64;
/** Below this the kernel costs more than it saves. */
const KERNEL_MIN = 256;

let lowTable: Int32Array | undefined;
let highTable: Int32Array | undefined;
let quick: Kernel | undefined;

/** A CRC that is fed piece by piece. */
export class Crc64 {
  /** Low 32 bits so far, unsigned. */
  low: number = 0;
  /** High 32 bits so far, unsigned. */
  high: number = 0;
  readonly #lows: Int32Array;
  readonly #highs: Int32Array;
  readonly #kernel: Kernel | undefined;

  /**
   * Starts at nothing. The first one ever made fills 32 KB of tables.
   *
   * @param usesKernel Whether WebAssembly helps where it can.
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

  /** Adds bytes `[start, end)`. */
  update(bytes: Uint8Array, start: number = 0, end: number = bytes.length): void {
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

  /** Whether the CRC is `high`, `low`: 32 bits each. */
  equals(high: number, low: number): boolean {
    return this.high === high >>> 0 && this.low === low >>> 0;
  }

  /** Eight bytes, little endian, as they stand at the end of an RDB. */
  digest(): Uint8Array {
    const bytes = new Uint8Array(8);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, this.low, true);
    view.setUint32(4, this.high, true);
    return bytes;
  }

  /** Back to nothing. */
  reset(): void {
    this.low = 0;
    this.high = 0;
  }

  /** Whole runs of sixteen bytes, as many at a time as the kernel takes; the offset after them. */
  #updateByKernel(helper: Kernel, bytes: Uint8Array, start: number, end: number): number {
    const last = end - ((end - start) % SLICES);
    for (let pos = start; pos < last; pos += Kernel.MAX_INPUT) {
      helper.crc(this.low, this.high, bytes, pos, Math.min(pos + Kernel.MAX_INPUT, last));
      this.low = helper.low >>> 0;
      this.high = helper.high >>> 0;
    }
    return last;
  }

  /** Whole runs of sixteen bytes; the offset after them. One piece: 32 look-ups share its locals. */
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

/** `[low halves, high halves]`, entry of byte b in slice k at `k * 256 + b`. */
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
