/**
 * The one place where the store gets memory. Segments and tables alike come from here, so that they
 * can one day live in a `SharedArrayBuffer` without another file changing.
 *
 * @module
 */

/** Thrown when a database would outgrow what its 32-bit record pointers can reach (32 GB). */
export class StoreFullError extends Error {
  /** Always "StoreFullError". */
  override readonly name: string = "StoreFullError";
  /** Always "STORE_FULL". */
  readonly code: string = "STORE_FULL";
}

/**
 * Zeroed memory; pages never touched cost nothing.
 *
 * @param bytes How many; a multiple of 8, so that every view of the store fits.
 * @throws {RangeError} When the runtime has none left.
 */
export function allocate(bytes: number): ArrayBufferLike {
  return new ArrayBuffer(bytes);
}

/**
 * Zeroed words, for tables of a few hundred bytes: the runtimes hold those without a buffer of their
 * own, which would cost more than the words themselves.
 */
export function allocateWords(count: number): Int32Array {
  return new Int32Array(count);
}
