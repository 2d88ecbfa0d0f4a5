/**
 * Vectors as vector sets hold them: divided by their length, then quantised, and compared by the cosine of
 * their angle. What is computed here is computed in single precision and in the order of Redis's `hnsw.c`, so
 * that every bit of a vector and of a distance is a server's. From 8.6 on a server compares long vectors as the
 * registers of its processor add up; then it is done as one with AVX2 does, which most are.
 *
 * ```text
 *   NONE   4 bytes a dimension, a float, little endian
 *   Q8     1 byte a dimension, -127 to 127: its part of the largest absolute value, the range
 *   BIN    1 bit a dimension, whether it is above 0; words of 64 bits, the lowest bit first
 * ```
 *
 * @module
 */

/** How the dimensions of a vector are held: `HNSW_QUANT_*` of `hnsw.h`. */
export const Quant = { NONE: 0, Q8: 1, BIN: 2 } as const;
/** One of {@linkcode Quant}'s numbers. */
export type Quant = typeof Quant[keyof typeof Quant];

/** The most dimensions a vector has: `VSET_MAX_VECTOR_DIM`. */
export const MAX_DIM: number = 1 << 16;

/** Fewest dimensions of unquantised vectors, and of those in Q8, that AVX2 compares. */
const AVX2_FLOATS = 16;
const AVX2_BYTES = 32;
/** Largest absolute value of a dimension in Q8. */
const Q8_MOST = 127;
const WORD_BITS = 32;
const { fround } = Math;

/** One run of memory that vectors lie in, seen as bytes and numbers. */
export interface VectorMemory {
  /** All of it as bytes. */
  readonly bytes: Uint8Array;
  /** All of it as signed bytes: vectors in Q8. */
  readonly ints: Int8Array;
  /** All of it as floats: unquantised vectors. */
  readonly floats: Float32Array;
  /** All of it as words: vectors in BIN. */
  readonly words: Uint32Array;
}

/** Bytes of one vector. */
export function vectorBytes(quant: Quant, dim: number): number {
  if (quant === Quant.NONE) return dim * 4;
  return quant === Quant.Q8 ? dim : Math.ceil(dim / 64) * 8;
}

/** The four views of a buffer whose length is a multiple of 4. */
export function vectorMemory(buffer: ArrayBufferLike): VectorMemory {
  return {
    bytes: new Uint8Array(buffer),
    ints: new Int8Array(buffer),
    floats: new Float32Array(buffer),
    words: new Uint32Array(buffer),
  };
}

/**
 * Divides a vector by its length, in place, and returns the length; a vector of zeros stays and has 1
 * (`hnsw_normalize_vector`).
 */
export function normalize(x: Float32Array): number {
  const whole = x.length & ~3;
  let sum = 0;
  for (let i = 0; i < whole; i += 4) {
    let four = fround(fround(x[i] * x[i]) + fround(x[i + 1] * x[i + 1]));
    four = fround(four + fround(x[i + 2] * x[i + 2]));
    sum = fround(sum + fround(four + fround(x[i + 3] * x[i + 3])));
  }
  for (let i = whole; i < x.length; i++) sum = fround(sum + fround(x[i] * x[i]));
  if (sum === 0) return 1;
  const length = fround(Math.sqrt(sum));
  for (let i = 0; i < x.length; i++) x[i] = x[i] / length;
  return length;
}

/**
 * Writes a normalized vector at byte offset `at`, a multiple of 4, whose bytes may hold anything, and returns
 * its range, 0 unless it is in Q8.
 */
export function quantize(quant: Quant, x: Float32Array, memory: VectorMemory, at: number): number {
  if (quant === Quant.Q8) return quantizeQ8(x, memory.ints, at);
  if (quant === Quant.BIN) quantizeBin(x, memory.words, at >>> 2);
  else memory.floats.set(x, at >>> 2);
  return 0;
}

/** `quantize_to_q8`: halves are rounded away from zero, as `roundf` does. */
function quantizeQ8(x: Float32Array, ints: Int8Array, at: number): number {
  let range = 0;
  for (let i = 0; i < x.length; i++) {
    if (x[i] > range) range = x[i];
    if (-x[i] > range) range = -x[i];
  }
  if (range === 0) {
    ints.fill(0, at, at + x.length);
    return 0;
  }
  const scale = fround(Q8_MOST / range);
  for (let i = 0; i < x.length; i++) {
    const value = fround(x[i] * scale);
    ints[at + i] = value < 0 ? -Math.floor(0.5 - value) : Math.floor(value + 0.5);
  }
  return range;
}

function quantizeBin(x: Float32Array, words: Uint32Array, at: number): void {
  words.fill(0, at, at + (vectorBytes(Quant.BIN, x.length) >>> 2));
  for (let i = 0; i < x.length; i++) {
    if (x[i] > 0) words[at + (i >>> 5)] |= 1 << (i & 31);
  }
}

/**
 * Fills `x` with the vector at byte offset `at` as it was before it was divided and quantised, as nearly as
 * that is known (`hnsw_get_node_vector`); of one in BIN only the signs are known.
 */
export function restoreVector(
  quant: Quant,
  memory: VectorMemory,
  at: number,
  length: number,
  range: number,
  x: Float32Array,
): void {
  const { ints, floats, words } = memory;
  if (quant === Quant.BIN) {
    const from = at >>> 2;
    for (let i = 0; i < x.length; i++) {
      x[i] = (words[from + (i >>> 5)] & (1 << (i & 31))) === 0 ? -1 : 1;
    }
    return;
  }
  for (let i = 0; i < x.length; i++) {
    const part = quant === Quant.NONE
      ? floats[(at >>> 2) + i]
      : fround(fround(ints[at + i] * range) / Q8_MOST);
    x[i] = part * length;
  }
}

/**
 * The distance of two vectors, 1 less their cosine: 0 for the same direction, 2 for opposite ones
 * (`hnsw_distance`).
 *
 * @param isFused Whether long vectors are compared as AVX2 does, which multiplies and adds in one rounding.
 * @param a Memory of the first; its vector stands at byte offset `aAt` and has the range `aRange`.
 * @param b Memory of the second, likewise.
 */
export function distance(
  quant: Quant,
  dim: number,
  a: VectorMemory,
  aAt: number,
  aRange: number,
  b: VectorMemory,
  bAt: number,
  bRange: number,
  isFused: boolean,
): number {
  if (quant === Quant.Q8) {
    const fuses = isFused && dim >= AVX2_BYTES;
    return distanceQ8(dim, a.ints, aAt, aRange, b.ints, bAt, bRange, fuses);
  }
  if (quant === Quant.NONE && isFused && dim >= AVX2_FLOATS) {
    return distanceAvx2(dim, a.floats, aAt >>> 2, b.floats, bAt >>> 2);
  }
  if (quant === Quant.BIN) return distanceBin(dim, a.words, aAt >>> 2, b.words, bAt >>> 2);
  return distanceFloat(dim, a.floats, aAt >>> 2, b.floats, bAt >>> 2);
}

/** `vectors_distance_q8`: whole numbers are added up, so that the order does not matter. */
function distanceQ8(
  dim: number,
  a: Int8Array,
  aAt: number,
  aRange: number,
  b: Int8Array,
  bAt: number,
  bRange: number,
  fuses: boolean,
): number {
  if (aRange === 0 || bRange === 0) return 1;
  let dot = 0;
  for (let i = 0; i < dim; i++) dot = (dot + a[aAt + i] * b[bAt + i]) | 0;
  const scale = fround(fround(aRange / Q8_MOST) * fround(bRange / Q8_MOST));
  // A product of two floats is exact in a double.
  const near = fround(dot) * scale;
  const far = fround(1 - (fuses ? near : fround(near)));
  if (far < 0) return 0;
  return far > 2 ? 2 : far;
}

/** `hnsw_vectors_distance_bin`: bits in which the vectors differ, as a share of the dimensions. */
function distanceBin(
  dim: number,
  a: Uint32Array,
  aAt: number,
  b: Uint32Array,
  bAt: number,
): number {
  const count = Math.ceil(dim / WORD_BITS);
  let opposite = 0;
  for (let i = 0; i < count; i++) {
    let x = a[aAt + i] ^ b[bAt + i];
    x -= (x >>> 1) & 0x55555555;
    x = (x & 0x33333333) + ((x >>> 2) & 0x33333333);
    opposite += Math.imul((x + (x >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
  }
  return fround(opposite * 2 / dim);
}

/** `vectors_distance_float` without SIMD: two sums, each of four products at a time. */
function distanceFloat(
  dim: number,
  a: Float32Array,
  aAt: number,
  b: Float32Array,
  bAt: number,
): number {
  const whole = dim & ~7;
  let dot0 = 0;
  let dot1 = 0;
  for (let i = 0; i < whole; i += 8) {
    dot0 = fround(dot0 + fourProducts(a, aAt + i, b, bAt + i));
    dot1 = fround(dot1 + fourProducts(a, aAt + i + 4, b, bAt + i + 4));
  }
  for (let i = whole; i < dim; i++) dot0 = fround(dot0 + fround(a[aAt + i] * b[bAt + i]));
  return fround(1 - fround(dot0 + dot1));
}

/** What each lane of two registers has added up. */
const lanes: Float32Array = new Float32Array(16);

/**
 * `vectors_distance_float_avx2`: sixteen sums side by side, then their sum, then what is left. In the registers a
 * product and its sum are rounded once, but for the rare sum that a double cannot hold: there they are rounded twice.
 */
function distanceAvx2(
  dim: number,
  a: Float32Array,
  aAt: number,
  b: Float32Array,
  bAt: number,
): number {
  const whole = dim & ~15;
  lanes.fill(0);
  for (let i = 0; i < whole; i += 16) {
    for (let j = 0; j < 16; j++) lanes[j] += a[aAt + i + j] * b[bAt + i + j];
  }
  // Both registers, then their halves, then neighbours, twice.
  for (let j = 0; j < 8; j++) lanes[j] += lanes[j + 8];
  for (let j = 0; j < 4; j++) lanes[j] += lanes[j + 4];
  let dot = fround(fround(lanes[0] + lanes[1]) + fround(lanes[2] + lanes[3]));
  for (let i = whole; i < dim; i++) dot = fround(dot + fround(a[aAt + i] * b[bAt + i]));
  return fround(1 - dot);
}

function fourProducts(a: Float32Array, i: number, b: Float32Array, j: number): number {
  let sum = fround(fround(a[i] * b[j]) + fround(a[i + 1] * b[j + 1]));
  sum = fround(sum + fround(a[i + 2] * b[j + 2]));
  return fround(sum + fround(a[i + 3] * b[j + 3]));
}

/** The projection of vectors onto fewer dimensions: `VADD` with `REDUCE`. */
export interface Projection {
  /** Dimensions of the vectors that are projected. */
  readonly inputDim: number;
  /** A row of `inputDim` factors for each dimension that is left. */
  readonly matrix: Float32Array;
}

/**
 * The projection that a new vector set has: signs by the parity of the bits that row and column share, over
 * the root of the dimensions (`createProjectionMatrix`).
 */
export function hadamardProjection(inputDim: number, dim: number): Projection {
  const matrix = new Float32Array(inputDim * dim);
  const scale = fround(1 / Math.sqrt(inputDim));
  for (let i = 0; i < dim; i++) {
    for (let j = 0; j < inputDim; j++) matrix[i * inputDim + j] = isOdd(i & j) ? -scale : scale;
  }
  return { inputDim, matrix };
}

/** Whether a number below 2^16 has an odd number of bits set. */
function isOdd(bits: number): boolean {
  let x = bits ^ (bits >>> 8);
  x ^= x >>> 4;
  x ^= x >>> 2;
  return ((x ^ (x >>> 1)) & 1) === 1;
}

/** A vector of `inputDim` dimensions projected onto `dim` (`applyProjection`). */
export function project({ inputDim, matrix }: Projection, x: Float32Array): Float32Array {
  const projected = new Float32Array(matrix.length / inputDim);
  for (let i = 0; i < projected.length; i++) {
    let sum = 0;
    for (let j = 0; j < inputDim; j++) {
      sum = fround(sum + fround(matrix[i * inputDim + j] * x[j]));
    }
    projected[i] = sum;
  }
  return projected;
}
