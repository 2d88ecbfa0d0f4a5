/**
 * Slices: long work is cut into pieces of a few milliseconds, and between two of them the event
 * loop is given back, so that the host's sockets, timers and promises are never kept waiting for
 * long. This is the one place where such a budget is counted.
 *
 * ```text
 *            slice                          slice
 *   |--work--|.|--work--|.|--work-|         |--work--...
 *   start   pause      pause      over()    start
 *            resume     resume    yield ^ other callbacks run
 * ```
 *
 * @module
 */

import type { Clock } from "./clock.ts";

/**
 * Milliseconds of work in one slice unless told: long enough to get on, short enough not to be
 * noticed.
 */
export const SLICE_MS: number = 4;

/** An idle gap this long means other callbacks ran: the time budget starts again. */
const IDLE_MS = 1;
/** Work is called quick while this many looks at the clock fit into the budget. */
const LOOKS = 16;

/**
 * The time budget of one piece of work. It adds up over several callbacks: an adapter may deliver
 * many chunks in one turn of the event loop, each small, together too long.
 */
export class Slice {
  readonly #clock: Clock;
  readonly #budgetMs: number;
  /** Milliseconds used since the budget started, without the stretch that is running. */
  #usedMs: number = 0;
  /**
   * When the running stretch began, when the clock was looked at last, when the last stretch ended.
   */
  #beganMs: number = 0;
  #lookedMs: number = 0;
  #pausedMs: number = -Infinity;
  #isQuick: boolean = false;

  /**
   * Counts nothing before `start` or `resume`.
   *
   * @param clock Its monotonic time is counted, and its turns give the loop back.
   * @param budgetMs Milliseconds of work after which `over` is true.
   */
  constructor(clock: Clock, budgetMs: number = SLICE_MS) {
    this.#clock = clock;
    this.#budgetMs = budgetMs;
  }

  /**
   * Begins work with the whole budget: other callbacks have just had their turn. Returns the time.
   */
  start(): number {
    this.#usedMs = 0;
    return this.#begin(this.#clock.monotonic());
  }

  /**
   * Begins work with what is left of the budget, or all of it after an idle gap. Returns the time.
   */
  resume(): number {
    const now = this.#clock.monotonic();
    if (now - this.#pausedMs >= IDLE_MS) this.#usedMs = 0;
    return this.#begin(now);
  }

  /** Ends a stretch of work: the time until the next `resume` is not charged to the budget. */
  pause(): void {
    const now = this.#clock.monotonic();
    this.#pausedMs = now;
    this.#usedMs += now - this.#beganMs;
  }

  /**
   * True when the budget is used up: the caller stops and yields. A look costs as much as a small
   * command.
   */
  over(): boolean {
    const now = this.#clock.monotonic();
    this.#isQuick = (now - this.#lookedMs) * LOOKS < this.#budgetMs;
    this.#lookedMs = now;
    return this.#usedMs + now - this.#beganMs >= this.#budgetMs;
  }

  /**
   * Whether little time had passed at the last `over`: the caller may do more work between two
   * looks.
   */
  get isQuick(): boolean {
    return this.#isQuick;
  }

  /** Gives the event loop back, then starts the next slice. */
  async yield(): Promise<void> {
    await yieldTurn(this.#clock);
    this.start();
  }

  #begin(now: number): number {
    this.#beganMs = now;
    this.#lookedMs = now;
    return now;
  }
}

/** Gives the event loop back: resolves in a later turn, after pending input and output. */
export function yieldTurn(clock: Clock): Promise<void> {
  return new Promise((resolve) => nextSlice(clock, resolve));
}

/** Gives the event loop back, and calls `goOn` in a later turn, after pending input and output. */
export function nextSlice(clock: Clock, goOn: () => void): void {
  if (clock.afterInput === undefined) clock.soon(goOn);
  else clock.afterInput(goOn);
}
