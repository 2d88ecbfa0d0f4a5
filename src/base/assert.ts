/**
 * Assertions for programmer errors. Bytes from outside are never asserted: they are checked and
 * refused with a typed error.
 *
 * @module
 */

/** Thrown when an invariant of this library does not hold: always a bug here, never bad input. */
export class AssertionError extends Error {
  /** Always "AssertionError". */
  override readonly name: string = "AssertionError";
  /** Always "ASSERTION". */
  readonly code: string = "ASSERTION";
}

/**
 * Throws unless `condition` holds.
 *
 * @param condition What must hold.
 * @param what The invariant in words, as in "entry is below the table's end".
 * @throws {AssertionError} When it does not hold.
 */
export function assert(condition: boolean, what: string): asserts condition {
  if (!condition) throw new AssertionError(what);
}
