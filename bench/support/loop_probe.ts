/**
 * How late the event loop comes round: a timer that asks to be called every millisecond and notes how
 * much later it was. Runs inside the process it measures.
 *
 * @module
 */

const ASKED_MS = 1;
/** Buckets of 0.1 ms up to 10 s; what is later counts as the last. */
const BUCKET_MS = 0.1;
const BUCKETS = 100_000;

/** What was seen, milliseconds late. */
export interface LoopDelays {
  /** How often the timer came. */
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Begins and ends a watch. */
export class LoopProbe {
  #buckets = new Uint32Array(BUCKETS);
  #count = 0;
  #maxMs = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Begins anew. */
  start(): void {
    this.#buckets.fill(0);
    this.#count = 0;
    this.#maxMs = 0;
    this.#arm();
  }

  /** Ends the watch. */
  stop(): LoopDelays {
    clearTimeout(this.#timer);
    return {
      count: this.#count,
      p50: this.#percentile(0.5),
      p99: this.#percentile(0.99),
      max: this.#maxMs,
    };
  }

  #arm(): void {
    const due = performance.now() + ASKED_MS;
    this.#timer = setTimeout(() => {
      this.#note(Math.max(0, performance.now() - due));
      this.#arm();
    }, ASKED_MS);
  }

  #note(lateMs: number): void {
    this.#buckets[Math.min(BUCKETS - 1, Math.floor(lateMs / BUCKET_MS))]++;
    this.#count++;
    this.#maxMs = Math.max(this.#maxMs, lateMs);
  }

  #percentile(fraction: number): number {
    let left = Math.ceil(this.#count * fraction);
    for (let i = 0; i < BUCKETS; i++) {
      left -= this.#buckets[i];
      if (left <= 0) return (i + 1) * BUCKET_MS;
    }
    return this.#maxMs;
  }
}
