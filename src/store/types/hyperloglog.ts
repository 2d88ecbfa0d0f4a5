/**
 * HyperLogLogs inside strings, byte for byte those of Redis (`hyperloglog.c`): 16384 registers, dense in
 * 6 bits each, or sparse as runs of equal ones while the string is short.
 *
 * The string begins with a header of 16 bytes: "HYLL", the encoding, three that are unused, and the
 * cardinality counted last in 8 bytes, little endian, whose highest bit says that it is out of date.
 * Sparse registers follow as opcodes:
 *
 *     00nnnnnn            ZERO   n + 1 registers of 0
 *     01nnnnnn nnnnnnnn   XZERO  the same for up to 16384
 *     1vvvvvnn            VAL    n + 1 registers of v + 1
 *
 * @module
 */

import { murmur64, murmur64Result } from "../../base/murmur64.ts";
import {
  decodeBigInt64,
  decodeInteger64,
  encodeInteger64,
  integer64Result,
} from "../packed/integer.ts";
import type { Region } from "../packed/region.ts";

/** How many registers there are. */
export const HLL_REGISTERS: number = 1 << 14;
/** Bytes before the registers. */
export const HLL_HEADER = 16;
/** Bytes of a dense one. */
export const HLL_DENSE_BYTES: number = HLL_HEADER + (HLL_REGISTERS * 6) / 8;

/** The byte after "HYLL". */
export const HllEncoding = { DENSE: 0, SPARSE: 1 } as const;

/** What became of a register. */
export const HllChange = { CORRUPT: -1, NONE: 0, RAISED: 1 } as const;
/** One of {@linkcode HllChange}. */
export type HllChange = typeof HllChange[keyof typeof HllChange];

/** One that has seen nothing: a single XZERO. */
export const HLL_EMPTY: Uint8Array = Uint8Array.of(
  ...[0x48, 0x59, 0x4c, 0x4c, HllEncoding.SPARSE, 0, 0, 0],
  ...[0, 0, 0, 0, 0, 0, 0, 0],
  ...[0x7f, 0xff],
);

const SEED = 0xadc83b19;
const INDEX_BITS = 14;
/** Bits of a hash behind the index, `HLL_Q`. */
const RANK_BITS = 50;
const ENCODING_AT = 4;
const CARD_AT = 8;
const STALE_AT = 15;
const STALE = 0x80;
const XZERO = 0x40;
const VAL = 0x80;
const VAL_MAX_VALUE = 32;
const VAL_MAX_LENGTH = 4;
const ZERO_MAX_LENGTH = 64;
/** Opcodes looked at, from the one before a change on, for two that are one. */
const MERGE_SCAN = 5;
const ALPHA_INFINITY = 0.7213475204444817;
/** What `llroundl` makes of infinity. */
const OVERFLOWN = 0x8000000000000000n;

const histogram = new Int32Array(64);
const registers = new Uint8Array(HLL_REGISTERS);
const sequence = new Uint8Array(5);

/** What the last {@linkcode hllPlace} found: index of the register, and the rank the element raises it to. */
export const hllPlaceResult = { index: 0, rank: 0 };

/** Finds an element's register and rank (`hyperloglog.c hllPatLen`): {@linkcode hllPlaceResult}. */
export function hllPlace(bytes: Uint8Array, start: number, end: number): void {
  murmur64(bytes, start, end, SEED);
  const { low, high } = murmur64Result;
  hllPlaceResult.index = low & (HLL_REGISTERS - 1);
  const restLow = (low >>> INDEX_BITS) | (high << (32 - INDEX_BITS));
  const restHigh = (high >>> INDEX_BITS) | (1 << (RANK_BITS - 32));
  hllPlaceResult.rank = 1 + (restLow !== 0 ? lowestBit(restLow) : 32 + lowestBit(restHigh));
}

/** Whether a string has the header of a HyperLogLog, and a dense one its length. */
export function isHll(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < HLL_HEADER) return false;
  for (let i = 0; i < ENCODING_AT; i++) if (bytes[start + i] !== HLL_EMPTY[i]) return false;
  const encoding = bytes[start + ENCODING_AT];
  if (encoding === HllEncoding.DENSE) return end - start === HLL_DENSE_BYTES;
  return encoding === HllEncoding.SPARSE;
}

/** Whether one is held dense. */
export function hllIsDense(bytes: Uint8Array, start: number): boolean {
  return bytes[start + ENCODING_AT] === HllEncoding.DENSE;
}

/** Marks the cardinality in the header as out of date. */
export function hllInvalidate(bytes: Uint8Array, start: number): void {
  bytes[start + STALE_AT] |= STALE;
}

/** The cardinality in the header, -1 when it is out of date. */
export function hllCached(bytes: Uint8Array, start: number): number | bigint {
  if ((bytes[start + STALE_AT] & STALE) !== 0) return -1;
  const exact = decodeInteger64(bytes, start + CARD_AT);
  return exact === exact ? exact : decodeBigInt64(bytes, start + CARD_AT);
}

/** Writes the cardinality into the header. */
export function hllStoreCached(bytes: Uint8Array, start: number, card: number | bigint): void {
  encodeInteger64(card);
  bytes.set(integer64Result, start + CARD_AT);
}

/** Adds an element; `sparseMax` is `hll-sparse-max-bytes`. */
export function hllAdd(
  region: Region,
  sparseMax: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): HllChange {
  hllPlace(bytes, start, end);
  return hllRaise(region, sparseMax, hllPlaceResult.index, hllPlaceResult.rank);
}

/** Raises a register to `rank` unless it is as high already. */
export function hllRaise(
  region: Region,
  sparseMax: number,
  index: number,
  rank: number,
): HllChange {
  if (!hllIsDense(region.bytes, region.start)) {
    return raiseSparse(region, sparseMax, index, rank);
  }
  const first = region.start + HLL_HEADER;
  if (denseRegister(region.bytes, first, index) >= rank) return HllChange.NONE;
  setDenseRegister(region.bytes, first, index, rank);
  return HllChange.RAISED;
}

/** Makes one dense; false, and nothing changed, when its opcodes are no whole set of registers. */
export function hllToDense(region: Region): boolean {
  if (hllIsDense(region.bytes, region.start)) return true;
  registers.fill(0);
  if (!hllMerge(registers, region.bytes, region.start, region.end)) return false;
  region.resize(HLL_DENSE_BYTES);
  const { bytes, start } = region;
  bytes[start + ENCODING_AT] = HllEncoding.DENSE;
  let pos = start + HLL_HEADER;
  for (let i = 0; i < HLL_REGISTERS; i += 4) {
    const four = registers[i] | (registers[i + 1] << 6) | (registers[i + 2] << 12) |
      (registers[i + 3] << 18);
    bytes[pos++] = four;
    bytes[pos++] = four >>> 8;
    bytes[pos++] = four >>> 16;
  }
  return true;
}

/**
 * Raises `target`, a byte a register, to what a HyperLogLog has.
 *
 * @param lenient Stops at a value behind the last register, as masters before 8.0.3 do, and lets it pass.
 * @returns False when its opcodes are no whole set of registers.
 */
export function hllMerge(
  target: Uint8Array,
  bytes: Uint8Array,
  start: number,
  end: number,
  lenient: boolean = false,
): boolean {
  let pos = start + HLL_HEADER;
  if (hllIsDense(bytes, start)) {
    mergeDense(target, bytes, pos);
    return true;
  }
  let index = 0;
  while (pos < end) {
    const length = runLength(bytes, pos, end);
    const rank = runValue(bytes[pos]);
    if (index + length > HLL_REGISTERS) {
      return lenient && rank > 0 && index === HLL_REGISTERS;
    }
    if (rank > 0) {
      for (let i = index; i < index + length; i++) if (target[i] < rank) target[i] = rank;
    }
    index += length;
    pos += opcodeBytes(bytes[pos]);
  }
  return index === HLL_REGISTERS;
}

/** The cardinality, counted; -1 when its opcodes are no whole set of registers. */
export function hllCount(bytes: Uint8Array, start: number, end: number): number | bigint {
  histogram.fill(0);
  let pos = start + HLL_HEADER;
  if (hllIsDense(bytes, start)) {
    countDense(bytes, pos);
    return estimate();
  }
  let index = 0;
  while (pos < end) {
    const length = runLength(bytes, pos, end);
    index += length;
    if (index > HLL_REGISTERS) return -1;
    histogram[runValue(bytes[pos])] += length;
    pos += opcodeBytes(bytes[pos]);
  }
  return index === HLL_REGISTERS ? estimate() : -1;
}

/** The cardinality of registers a byte each. */
export function hllCountRegisters(source: Uint8Array): number | bigint {
  histogram.fill(0);
  for (let i = 0; i < HLL_REGISTERS; i++) histogram[source[i] & 63]++;
  return estimate();
}

/** The opcodes of a sparse one as PFDEBUG shows them: "Z:10 v:1,2 z:3". */
export function hllDecode(bytes: Uint8Array, start: number, end: number): string {
  const words: string[] = [];
  for (let pos = start + HLL_HEADER; pos < end; pos += opcodeBytes(bytes[pos])) {
    const length = runLength(bytes, pos, end);
    const value = runValue(bytes[pos]);
    if (value > 0) words.push(`v:${value},${length}`);
    else words.push(`${(bytes[pos] & XZERO) !== 0 ? "Z" : "z"}:${length}`);
  }
  return words.join(" ");
}

/** Ertl's estimator over `histogram`: "New cardinality estimation algorithms for HyperLogLog sketches". */
function estimate(): number | bigint {
  const m = HLL_REGISTERS;
  let z = m * tau((m - histogram[RANK_BITS + 1]) / m);
  for (let j = RANK_BITS; j >= 1; j--) {
    z += histogram[j];
    z *= 0.5;
  }
  z += m * sigma(histogram[0] / m);
  const card = Math.round(ALPHA_INFINITY * m * m / z);
  if (Number.isSafeInteger(card)) return card;
  return card < 2 ** 63 ? BigInt(card) : OVERFLOWN;
}

function tau(x: number): number {
  if (x === 0 || x === 1) return 0;
  let before = 0;
  let y = 1;
  let z = 1 - x;
  do {
    x = Math.sqrt(x);
    before = z;
    y *= 0.5;
    z -= (1 - x) * (1 - x) * y;
  } while (before !== z);
  return z / 3;
}

function sigma(x: number): number {
  if (x === 1) return Infinity;
  let before = 0;
  let y = 1;
  let z = x;
  do {
    x *= x;
    before = z;
    z += x * y;
    y += y;
  } while (before !== z);
  return z;
}

/** `hllSparseSet`: the opcode that covers a register is split around it, then equal runs are joined. */
function raiseSparse(region: Region, sparseMax: number, index: number, rank: number): HllChange {
  if (rank > VAL_MAX_VALUE) return promote(region, index, rank);
  const { bytes, start, end } = region;
  let pos = start + HLL_HEADER;
  let previous = pos;
  let first = 0;
  let length = 0;
  while (pos < end) {
    length = runLength(bytes, pos, end);
    if (index < first + length) break;
    previous = pos;
    pos += opcodeBytes(bytes[pos]);
    first += length;
  }
  const oldBytes = pos < end ? opcodeBytes(bytes[pos]) : 0;
  if (oldBytes === 0 || pos + oldBytes > end) return HllChange.CORRUPT;
  const old = runValue(bytes[pos]);
  if (old >= rank) return HllChange.NONE;
  const newBytes = split(old, length, index - first, rank);
  const more = newBytes - oldBytes;
  if (more > 0 && end - start + more > sparseMax) return promote(region, index, rank);
  replace(region, pos - start, oldBytes, newBytes);
  joinRuns(region, previous - start);
  hllInvalidate(region.bytes, region.start);
  return HllChange.RAISED;
}

/** Writes into `sequence` what a run becomes when the register `before` it raises; how many bytes. */
function split(old: number, length: number, before: number, rank: number): number {
  const after = length - before - 1;
  let at = 0;
  if (before > 0) at = writeRun(at, old, before);
  sequence[at++] = valOpcode(rank, 1);
  return after > 0 ? writeRun(at, old, after) : at;
}

function writeRun(at: number, value: number, length: number): number {
  if (value > 0) {
    sequence[at] = valOpcode(value, length);
  } else if (length > ZERO_MAX_LENGTH) {
    sequence[at++] = XZERO | ((length - 1) >>> 8);
    sequence[at] = (length - 1) & 0xff;
  } else {
    sequence[at] = length - 1;
  }
  return at + 1;
}

/** Puts `sequence` in place of the opcode at `at`, counted from the region's start. */
function replace(region: Region, at: number, oldBytes: number, newBytes: number): void {
  const size = region.end - region.start;
  if (newBytes > oldBytes) region.resize(size + newBytes - oldBytes);
  const { bytes, start } = region;
  if (newBytes !== oldBytes) {
    bytes.copyWithin(start + at + newBytes, start + at + oldBytes, start + size);
  }
  for (let i = 0; i < newBytes; i++) bytes[start + at + i] = sequence[i];
  if (newBytes < oldBytes) region.resize(size + newBytes - oldBytes);
}

/** Joins neighbours of one value, as far as one opcode reaches. */
function joinRuns(region: Region, at: number): void {
  const { bytes, start } = region;
  let { end } = region;
  let pos = start + at;
  for (let scanned = 0; scanned < MERGE_SCAN && pos < end; scanned++) {
    const value = runValue(bytes[pos]);
    const joins = value > 0 && pos + 1 < end && runValue(bytes[pos + 1]) === value;
    const length = (bytes[pos] & 3) + (bytes[pos + 1] & 3) + 2;
    if (!joins || length > VAL_MAX_LENGTH) {
      pos += opcodeBytes(bytes[pos]);
      continue;
    }
    bytes[pos + 1] = valOpcode(value, length);
    bytes.copyWithin(pos, pos + 1, end);
    end--;
  }
  if (end !== region.end) region.resize(end - start);
}

function promote(region: Region, index: number, rank: number): HllChange {
  if (!hllToDense(region)) return HllChange.CORRUPT;
  setDenseRegister(region.bytes, region.start + HLL_HEADER, index, rank);
  return HllChange.RAISED;
}

function valOpcode(value: number, length: number): number {
  return VAL | ((value - 1) << 2) | (length - 1);
}

function opcodeBytes(opcode: number): number {
  return (opcode & (VAL | XZERO)) === XZERO ? 2 : 1;
}

/** What the registers of a run hold. */
function runValue(opcode: number): number {
  return (opcode & VAL) !== 0 ? ((opcode >>> 2) & 31) + 1 : 0;
}

/** Registers that an opcode stands for; its second byte is 0 when the string ends before it. */
function runLength(bytes: Uint8Array, pos: number, end: number): number {
  const opcode = bytes[pos];
  if ((opcode & VAL) !== 0) return (opcode & 3) + 1;
  if ((opcode & XZERO) === 0) return opcode + 1;
  return (((opcode & 63) << 8) | (pos + 1 < end ? bytes[pos + 1] : 0)) + 1;
}

/** @param first Where the registers begin. */
function denseRegister(bytes: Uint8Array, first: number, index: number): number {
  const bit = index * 6;
  const at = first + (bit >>> 3);
  // The last register ends with its byte: what the next one holds is shifted out.
  return ((bytes[at] | (bytes[at + 1] << 8)) >>> (bit & 7)) & 63;
}

function setDenseRegister(bytes: Uint8Array, first: number, index: number, value: number): void {
  const bit = index * 6;
  const at = first + (bit >>> 3);
  const shift = bit & 7;
  bytes[at] = (bytes[at] & ~(63 << shift)) | (value << shift);
  if (shift <= 2) return;
  bytes[at + 1] = (bytes[at + 1] & ~(63 >>> (8 - shift))) | (value >>> (8 - shift));
}

function mergeDense(target: Uint8Array, bytes: Uint8Array, pos: number): void {
  for (let i = 0; i < HLL_REGISTERS; i += 4, pos += 3) {
    const four = bytes[pos] | (bytes[pos + 1] << 8) | (bytes[pos + 2] << 16);
    for (let j = 0; j < 4; j++) {
      const rank = (four >>> (6 * j)) & 63;
      if (target[i + j] < rank) target[i + j] = rank;
    }
  }
}

function countDense(bytes: Uint8Array, pos: number): void {
  for (let i = 0; i < HLL_REGISTERS; i += 4, pos += 3) {
    const four = bytes[pos] | (bytes[pos + 1] << 8) | (bytes[pos + 2] << 16);
    histogram[four & 63]++;
    histogram[(four >>> 6) & 63]++;
    histogram[(four >>> 12) & 63]++;
    histogram[four >>> 18]++;
  }
}

function lowestBit(word: number): number {
  return 31 - Math.clz32(word & -word);
}
