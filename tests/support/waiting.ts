/**
 * Waiting for something to come true, with a limit that says what was waited for.
 *
 * @module
 */

const DEADLINE_MS = 40_000;
/** Between two looks; the first ones follow faster, as most things are true at once. */
const MAX_POLL_MS = 10;

/** Resolves after `ms`. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** The promise's outcome, or a rejection that names `what` after `ms`: a test fails instead of hanging. */
export function within<T>(promise: Promise<T>, what: string, ms: number = DEADLINE_MS): Promise<T> {
  let timer: ReturnType<typeof setTimeout>;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${ms} ms in vain for ${what}`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/**
 * Asks `condition` again and again until it holds. An answer that does not come counts as waiting, too: a
 * server that is given another role may leave a question without one.
 */
export async function until(
  what: string | (() => string),
  condition: () => boolean | Promise<boolean>,
  ms: number = DEADLINE_MS,
): Promise<void> {
  const deadline = performance.now() + ms;
  const told = (): string => typeof what === "string" ? what : what();
  for (let looks = 1;; looks++) {
    const answer = condition();
    const left = deadline - performance.now();
    if (typeof answer === "boolean" ? answer : await within(answer, told(), Math.max(left, 1))) {
      return;
    }
    if (left < 0) throw new Error(`waited ${ms} ms in vain for ${told()}`);
    await pause(Math.min(looks, MAX_POLL_MS));
  }
}
