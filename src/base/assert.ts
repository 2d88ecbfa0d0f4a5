/**
 * Assertions: they detect errors of this library's own code. Bytes from outside are never asserted;
 * they are checked and refused with a typed error.
 *
 * @module
 */

/** Thrown when an invariant of this library does not hold: always a bug here, never bad input. */
export class AssertionError extends Error {
  /** Always "AssertionError", as minifiers may rename the class. */
  override readonly name: string = "AssertionError";
  /** Always "ASSERTION": the stable code of this error. */
  readonly code: string = "ASSERTION";
}

/**
 * Throws unless `condition` holds. Costs a comparison, so it stays on in production.
 *
 * @param condition The invariant.
 * @param what The invariant in words, as in "entry is below the table's end"; a constant text.
 * @throws {AssertionError} When it does not hold.
 */
export function assert(condition: boolean, what: string): asserts condition {
  if (!condition) throw new AssertionError(what);
}
