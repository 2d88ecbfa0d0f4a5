/**
 * Small helpers for what is caught.
 *
 * @module
 */

/** What was thrown, as an Error: itself when it is one, else one that says what it was. */
export function toError(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown;
  return new Error(typeof thrown === "string" ? thrown : `Not an Error was thrown: ${thrown}`);
}

/** The message of what was thrown. */
export function messageOf(thrown: unknown): string {
  return toError(thrown).message;
}
