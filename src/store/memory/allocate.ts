/**
 * The one place where the store gets memory: segments, tables and nodes. So they can live in a
 * `SharedArrayBuffer`, to be read by other threads, by a change of this file alone.
 *
 * @module
 */

/**
 * Thrown when a database would outgrow the 32 GB that its 32-bit pointers to units of 8 bytes can reach.
 * The write that needed the memory has changed nothing.
 */
export class StoreFullError extends Error {
  /** Always "StoreFullError", as the class. */
  override readonly name: string = "StoreFullError";
  /** Always "STORE_FULL", for callers that switch on codes. */
  readonly code: string = "STORE_FULL";
}

/**
 * Allocates zeroed memory. The operating system backs a page only once it is touched.
 *
 * @param bytes A multiple of 8, so that views of 4 and 8 bytes an element cover all of it.
 * @throws {RangeError} When the runtime has no memory left.
 */
export function allocate(bytes: number): ArrayBufferLike {
  return new ArrayBuffer(bytes);
}

/**
 * Allocates `count` zeroed words, for tables of a few hundred bytes. V8 and JavaScriptCore hold short
 * typed arrays without a buffer object, which would cost more than the words themselves.
 */
export function allocateWords(count: number): Int32Array {
  return new Int32Array(count);
}
