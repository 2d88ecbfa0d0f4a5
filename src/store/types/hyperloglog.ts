/**
 * HyperLogLogs, byte for byte those of Redis (`hyperloglog.c`). A HyperLogLog is a string that
 * estimates the number of different elements with a standard error of 0.81%, whatever their number:
 * it keeps 16384 registers. An element's hash selects one register by its lowest 14 bits and raises
 * it to the position of the lowest one bit in the other 50.
 *
 * ```text
 *  0    4         5       8               16
 *  HYLL encoding  unused  cardinality     registers ...
 *
 *  cardinality   8 bytes, little endian, as counted last; the highest bit: out of date
 *  dense         6 bits a register, 12288 bytes, register 0 in the lowest bits of the first byte
 *
 *    byte  22111111 33332222 44444433 ...     4 registers in 3 bytes
 *
 *  sparse        runs of equal registers, until the string is longer than hll-sparse-max-bytes
 *
 *    00nnnnnn            ZERO   n + 1 registers of 0, up to 64
 *    01nnnnnn nnnnnnnn   XZERO  n + 1 registers of 0, up to 16384, high bits first
 *    1vvvvvnn            VAL    n + 1 registers of v + 1, up to 4 registers of up to 32
 * ```
 *
 * A client may write any string, so the bytes are not trusted: the opcodes of a HyperLogLog count
 * as corrupt unless they cover 16384 registers exactly, and no read or write leaves the string.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { murmur64, murmur64Result } from "../../base/murmur64.ts";
import {
  decodeBigInt64,
  decodeInteger64,
  encodeInteger64,
  integer64Result,
} from "../packed/integer.ts";
import type { Region } from "../packed/region.ts";

/** Registers of every HyperLogLog. */
export const HLL_REGISTERS: number = 1 << 14;
/** Bytes of the header, before the registers. */
export const HLL_HEADER = 16;
/** Length in bytes of a dense HyperLogLog, header included. */
export const HLL_DENSE_BYTES: number = HLL_HEADER + (HLL_REGISTERS * 6) / 8;

/** The values of the byte after "HYLL". */
export const HllEncoding = { DENSE: 0, SPARSE: 1 } as const;

/**
 * Results of raising a register: the opcodes are corrupt, the register is as high already, it was
 * raised.
 */
export const HllChange = { CORRUPT: -1, NONE: 0, RAISED: 1 } as const;
/** One of {@linkcode HllChange}. */
export type HllChange = typeof HllChange[keyof typeof HllChange];

/** A new HyperLogLog: the header, and one XZERO of 16384 registers. */
export const HLL_EMPTY: Uint8Array = Uint8Array.of(
  ...[0x48, 0x59, 0x4c, 0x4c, HllEncoding.SPARSE, 0, 0, 0],
  ...[0, 0, 0, 0, 0, 0, 0, 0],
  ...[0x7f, 0xff],
);

/** Seed of the hash, part of the format: `MurmurHash64A(ele, elesize, 0xadc83b19ULL)`. */
const SEED = 0xadc83b19;
/** Bits of a hash that select the register, `HLL_P`. */
const INDEX_BITS = 14;
/** Bits of a hash that decide the rank, `HLL_Q`. */
const RANK_BITS = 50;
/** Offsets in the header. */
const ENCODING_AT = 4;
const CARD_AT = 8;
const STALE_AT = 15;
/** The bit of the last byte of the cardinality that says it is out of date. */
const STALE = 0x80;
/** The bits that tell the opcodes apart, and the bounds of what each can hold. */
const XZERO = 0x40;
const VAL = 0x80;
const VAL_MAX_VALUE = 32;
const VAL_MAX_LENGTH = 4;
const ZERO_MAX_LENGTH = 64;
/**
 * Opcodes from the one before a change on that are looked at for neighbours to join (`scanlen` in
 * hllSparseSet).
 */
const MERGE_SCAN = 5;
/** 0.5 / ln 2, `HLL_ALPHA_INF`. */
const ALPHA_INFINITY = 0.7213475204444817;
/** The cardinality when all registers are full: `llroundl` makes this of infinity. */
const OVERFLOWN = 0x8000000000000000n;

/** Registers of each value, while a cardinality is estimated. */
const histogram = new Int32Array(64);
/** One byte a register, while a sparse HyperLogLog becomes dense. */
const registers = new Uint8Array(HLL_REGISTERS);
/** The opcodes that replace one: XZERO, VAL and XZERO at most. */
const sequence = new Uint8Array(5);

/**
 * What the last {@linkcode hllPlace} found: index of the register, and the rank the element raises
 * it to.
 */
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

/**
 * Whether a string has the header of a HyperLogLog, and the right length if it is dense
 * (`isHLLObjectOrReply`).
 */
export function isHll(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < HLL_HEADER) return false;
  for (let i = 0; i < ENCODING_AT; i++) if (bytes[start + i] !== HLL_EMPTY[i]) return false;
  const encoding = bytes[start + ENCODING_AT];
  if (encoding === HllEncoding.DENSE) return end - start === HLL_DENSE_BYTES;
  return encoding === HllEncoding.SPARSE;
}

/** Whether the HyperLogLog that begins at `start` is dense. */
export function hllIsDense(bytes: Uint8Array, start: number): boolean {
  return bytes[start + ENCODING_AT] === HllEncoding.DENSE;
}

/** Marks the cardinality in the header as out of date, after any change of a register. */
export function hllInvalidate(bytes: Uint8Array, start: number): void {
  bytes[start + STALE_AT] |= STALE;
}

/** The cardinality in the header, a bigint beyond 2^53; -1 when it is out of date. */
export function hllCached(bytes: Uint8Array, start: number): number | bigint {
  if ((bytes[start + STALE_AT] & STALE) !== 0) return -1;
  const exact = decodeInteger64(bytes, start + CARD_AT);
  return exact === exact ? exact : decodeBigInt64(bytes, start + CARD_AT);
}

/** Writes a cardinality into the header, which is up to date then. */
export function hllStoreCached(bytes: Uint8Array, start: number, card: number | bigint): void {
  assert(card >= 0, "a cardinality is not negative");
  encodeInteger64(card);
  bytes.set(integer64Result, start + CARD_AT);
}

/**
 * Adds an element, the bytes `[start, end)`.
 *
 * @param sparseMax Longest sparse HyperLogLog in bytes, `hll-sparse-max-bytes`; a longer one
 * becomes dense.
 */
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

/**
 * Raises register `index` to `rank` unless it is as high already; `sparseMax` as in
 * {@linkcode hllAdd}.
 */
export function hllRaise(
  region: Region,
  sparseMax: number,
  index: number,
  rank: number,
): HllChange {
  assert(index >= 0 && index < HLL_REGISTERS, "there is such a register");
  assert(rank > 0 && rank < 64, "the rank fits the six bits of a register");
  if (!hllIsDense(region.bytes, region.start)) {
    return raiseSparse(region, sparseMax, index, rank);
  }
  const first = region.start + HLL_HEADER;
  if (denseRegister(region.bytes, first, index) >= rank) return HllChange.NONE;
  setDenseRegister(region.bytes, first, index, rank);
  return HllChange.RAISED;
}

/**
 * Makes a HyperLogLog dense; false, and nothing changed, when its opcodes are corrupt
 * (`hllSparseToDense`).
 */
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
  assert(pos === region.end, "the registers fill the string");
  return true;
}

/**
 * Raises the registers of `target`, one byte each, to those of a HyperLogLog (`hllMerge`).
 *
 * @param lenient Accepts a VAL behind the last register, where it stops: so do masters before
 * 8.0.3.
 * @returns False when its opcodes are corrupt; `target` has some of its registers then.
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

/**
 * The estimated cardinality of a HyperLogLog, a bigint beyond 2^53; -1 when its opcodes are corrupt
 * (`hllCount`).
 */
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

/**
 * The estimated cardinality of 16384 registers of one byte each, as PFCOUNT of several keys merges
 * them.
 */
export function hllCountRegisters(source: Uint8Array): number | bigint {
  assert(source.length === HLL_REGISTERS, "there is a byte for every register");
  histogram.fill(0);
  for (let i = 0; i < HLL_REGISTERS; i++) histogram[source[i] & 63]++;
  return estimate();
}

/**
 * The opcodes of a sparse HyperLogLog as PFDEBUG DECODE shows them: "Z:10 v:1,2 z:3" is XZERO, VAL,
 * ZERO.
 */
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

/**
 * The cardinality by the registers' values in `histogram`: the improved raw estimator of Otmar
 * Ertl, "New cardinality estimation algorithms for HyperLogLog sketches" (2017), algorithm 6.
 * Operations are in Redis's order, so that sums round alike.
 */
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

/**
 * Ertl's correction for registers that are full, iterated until it no longer changes (`hllTau`).
 */
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

/** Ertl's correction for registers that are 0, iterated until it no longer changes (`hllSigma`). */
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

/**
 * Raises a register of a sparse HyperLogLog (`hllSparseSet`). The opcode that covers it is replaced
 * by up to three:
 *
 * ```text
 *   ... | XZERO 100 | ...    register 40 of the run becomes 3
 *   ... | ZERO 40 | VAL 3,1 | ZERO 59 | ...
 * ```
 *
 * Then equal neighbours are joined. A rank above 32 has no opcode, and a string may become too
 * long: then the HyperLogLog becomes dense, for ever.
 */
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

/**
 * Writes to `sequence` the opcodes of a run in which one register is raised to `rank`, and returns
 * their bytes.
 *
 * @param old The value of the run, which has `length` registers, `before` of them before the raised
 * one.
 */
function split(old: number, length: number, before: number, rank: number): number {
  const after = length - before - 1;
  let at = 0;
  if (before > 0) at = writeRun(at, old, before);
  sequence[at++] = valOpcode(rank, 1);
  return after > 0 ? writeRun(at, old, after) : at;
}

/** Writes the opcode of a run to `sequence` at `at`; returns the offset after it. */
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

/**
 * Replaces the opcode at `at`, an offset from the region's start, by `sequence`. Growing may move
 * the region; it comes before the copy, and shrinking after it.
 */
function replace(region: Region, at: number, oldBytes: number, newBytes: number): void {
  const size = region.end - region.start;
  assert(at >= HLL_HEADER && at + oldBytes <= size, "the opcode lies inside the string");
  if (newBytes > oldBytes) region.resize(size + newBytes - oldBytes);
  const { bytes, start } = region;
  if (newBytes !== oldBytes) {
    bytes.copyWithin(start + at + newBytes, start + at + oldBytes, start + size);
  }
  for (let i = 0; i < newBytes; i++) bytes[start + at + i] = sequence[i];
  if (newBytes < oldBytes) region.resize(size + newBytes - oldBytes);
  assert(region.end - region.start === size + newBytes - oldBytes, "only the opcode has changed");
}

/**
 * Joins VALs of one value into one opcode, up to 4 registers, from the opcode at `at` on; zeros are
 * not joined.
 */
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
  assert(region.end - region.start > HLL_HEADER, "an opcode is left");
}

/** Makes a sparse HyperLogLog dense and raises a register that was lower. */
function promote(region: Region, index: number, rank: number): HllChange {
  if (!hllToDense(region)) return HllChange.CORRUPT;
  setDenseRegister(region.bytes, region.start + HLL_HEADER, index, rank);
  return HllChange.RAISED;
}

/** The opcode VAL of `length` registers, 1 to 4, of `value`, 1 to 32. */
function valOpcode(value: number, length: number): number {
  return VAL | ((value - 1) << 2) | (length - 1);
}

/** Bytes of an opcode by its first byte. */
function opcodeBytes(opcode: number): number {
  return (opcode & (VAL | XZERO)) === XZERO ? 2 : 1;
}

/** The value of the registers of a run, by the first byte of its opcode. */
function runValue(opcode: number): number {
  return (opcode & VAL) !== 0 ? ((opcode >>> 2) & 31) + 1 : 0;
}

/**
 * Registers that the opcode at `pos` covers; where the string ends inside an XZERO, its second byte
 * counts as 0.
 */
function runLength(bytes: Uint8Array, pos: number, end: number): number {
  const opcode = bytes[pos];
  if ((opcode & VAL) !== 0) return (opcode & 3) + 1;
  if ((opcode & XZERO) === 0) return opcode + 1;
  return (((opcode & 63) << 8) | (pos + 1 < end ? bytes[pos + 1] : 0)) + 1;
}

/** The value of a dense register; `first` is the offset of register 0. */
function denseRegister(bytes: Uint8Array, first: number, index: number): number {
  const bit = index * 6;
  const at = first + (bit >>> 3);
  // The last register ends with its byte; whatever byte follows is shifted out.
  return ((bytes[at] | (bytes[at + 1] << 8)) >>> (bit & 7)) & 63;
}

/** Sets a dense register, in one byte or two; `first` is the offset of register 0. */
function setDenseRegister(bytes: Uint8Array, first: number, index: number, value: number): void {
  const bit = index * 6;
  const at = first + (bit >>> 3);
  const shift = bit & 7;
  bytes[at] = (bytes[at] & ~(63 << shift)) | (value << shift);
  if (shift <= 2) return;
  bytes[at + 1] = (bytes[at + 1] & ~(63 >>> (8 - shift))) | (value >>> (8 - shift));
}

/** Raises `target` to the dense registers at `pos`, four at a time: they fill three bytes. */
function mergeDense(target: Uint8Array, bytes: Uint8Array, pos: number): void {
  for (let i = 0; i < HLL_REGISTERS; i += 4, pos += 3) {
    const four = bytes[pos] | (bytes[pos + 1] << 8) | (bytes[pos + 2] << 16);
    for (let j = 0; j < 4; j++) {
      const rank = (four >>> (6 * j)) & 63;
      if (target[i + j] < rank) target[i + j] = rank;
    }
  }
}

/** Counts the values of the dense registers at `pos` in `histogram`. */
function countDense(bytes: Uint8Array, pos: number): void {
  for (let i = 0; i < HLL_REGISTERS; i += 4, pos += 3) {
    const four = bytes[pos] | (bytes[pos + 1] << 8) | (bytes[pos + 2] << 16);
    histogram[four & 63]++;
    histogram[(four >>> 6) & 63]++;
    histogram[(four >>> 12) & 63]++;
    histogram[four >>> 18]++;
  }
}

/** Position of the lowest one bit of a word that is not 0. */
function lowestBit(word: number): number {
  return 31 - Math.clz32(word & -word);
}
