/**
 * Values that were thrown, as errors: JavaScript lets code throw anything.
 *
 * @module
 */

/**
 * The thrown value itself when it is an Error, else an Error whose message says what was thrown.
 */
export function toError(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown;
  return new Error(
    typeof thrown === "string" ? thrown : `A value that is no Error was thrown: ${thrown}`,
  );
}

/** The message of a thrown value, whatever it is. */
export function messageOf(thrown: unknown): string {
  return toError(thrown).message;
}
