/**
 * Turns of the event loop for long work, under Deno. While callbacks of `setImmediate` wait, Deno asks the operating
 * system for input once in 61 turns (the `event_interval` of its scheduler, tokio): with turns of four milliseconds, as
 * long work in slices takes them, a client's PING waited a quarter of a second and more for its reply. A timer, even
 * one of 0 ms, makes the loop ask in the next turn; it costs a millisecond where nothing comes.
 *
 * ```text
 *   |====|====| timer |====|====| timer |====|====|      input waits for eight milliseconds and a slice at most
 * ```
 *
 * Node and Bun ask in every turn, and short callbacks need none of this.
 *
 * @module
 */

/** Milliseconds for which input may wait. */
const INPUT_EVERY_MS = 8;

/** What turns are made of. */
export interface TurnSource {
  /** Calls back in a turn of the loop that need not have asked for input. */
  readonly soon: (callback: () => void) => unknown;
  /** Calls back after `ms` milliseconds, the loop having asked for input. */
  readonly setTimeout: (callback: () => void, ms: number) => unknown;
  /** Milliseconds that never go back. */
  readonly monotonic: () => number;
}

/** Makes a function that calls back in a later turn, in the order it was asked, and lets input in now and then. */
export function afterInput(source: TurnSource): (callback: () => void) => void {
  const { soon, setTimeout, monotonic } = source;
  /** When the loop was made to ask for input. */
  let askedMs = -Infinity;
  /** What waits for the timer; empty while there is none. */
  let waiting: (() => void)[] = [];
  const run = () => {
    const callbacks = waiting;
    waiting = [];
    askedMs = monotonic();
    let done = 0;
    try {
      while (done < callbacks.length) callbacks[done++]();
    } finally {
      // One that throws ends this turn alone.
      for (const callback of callbacks.slice(done)) soon(callback);
    }
  };
  return (callback) => {
    // Behind a timer that is under way no other turn may go on: the loop would not ask before it was over.
    if (waiting.length > 0) waiting.push(callback);
    else if (monotonic() - askedMs < INPUT_EVERY_MS) soon(callback);
    else {
      waiting.push(callback);
      setTimeout(run, 0);
    }
  };
}
