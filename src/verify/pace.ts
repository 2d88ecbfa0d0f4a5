/**
 * How fast the master is asked: so many keys and so many bytes a second.
 *
 * @module
 */

/** Says how long to wait before each question. A pause that was too long is not made up for. */
export class Pace {
  readonly #keysPerMs: number;
  readonly #bytesPerMs: number;
  /** When the next question may be asked, on the monotonic clock. */
  #dueMs: number = -Infinity;

  /** Limits keys and bytes a second. */
  constructor(keysPerSecond: number, bytesPerSecond: number) {
    this.#keysPerMs = keysPerSecond / 1000;
    this.#bytesPerMs = bytesPerSecond / 1000;
  }

  /** Takes a turn for a question of that size. Returns how many milliseconds to wait before it is asked. */
  take(nowMs: number, keys: number, bytes: number): number {
    const beginMs = Math.max(this.#dueMs, nowMs);
    this.#dueMs = beginMs + Math.max(keys / this.#keysPerMs, bytes / this.#bytesPerMs);
    return beginMs - nowMs;
  }

  /** Bytes came that were not expected: the next question waits for them too. */
  charge(bytes: number): void {
    this.#dueMs += bytes / this.#bytesPerMs;
  }
}
