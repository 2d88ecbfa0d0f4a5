/**
 * A feed as an async iterator. It takes part from its making on, so that nothing is missed before the loop
 * begins; what waits until then is bounded as later.
 *
 * @module
 */

import type { Clock } from "../../base/clock.ts";
import { Slice } from "../../base/slices.ts";
import type { Value } from "../../read/codec.ts";
import { AGAIN, type Consumer } from "./consumer.ts";
import type { Batch, ChangeStream } from "./types.ts";

/** Gives the batches of one consumer. */
export class ChangeIterator<T extends Value> implements ChangeStream<T> {
  readonly #consumer: Consumer<T>;
  readonly #slice: Slice;
  readonly #release: () => void;
  /** The `next` that was asked for last: a further one waits for it. */
  #last: Promise<unknown> = Promise.resolve();
  #wake: (() => void) | undefined = undefined;
  #released: boolean = false;

  /** Begins at once. @param release Called once, when it has ended. */
  constructor(
    consumer: Consumer<T>,
    clock: Clock,
    signal: AbortSignal | undefined,
    release: () => void,
  ) {
    this.#consumer = consumer;
    this.#slice = new Slice(clock);
    const abort = () => this.#end();
    signal?.addEventListener("abort", abort);
    this.#release = () => {
      signal?.removeEventListener("abort", abort);
      release();
    };
    consumer.onNews = () => {
      const wake = this.#wake;
      this.#wake = undefined;
      wake?.();
    };
  }

  /** Itself: there is one iteration. */
  [Symbol.asyncIterator](): ChangeStream<T> {
    return this;
  }

  /** The next batch, as soon as there is one. @throws {FeedError} LAGGED, with `policy: "close"`. */
  next(): Promise<IteratorResult<Batch<T>, undefined>> {
    const next = this.#last.then(() => this.#next());
    this.#last = next.catch(() => {});
    return next;
  }

  /** Ends the feed; what waits is dropped. */
  return(): Promise<IteratorResult<Batch<T>, undefined>> {
    this.#end();
    return Promise.resolve({ done: true, value: undefined });
  }

  /** Ends the feed at the end of its scope, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  async #next(): Promise<IteratorResult<Batch<T>, undefined>> {
    const consumer = this.#consumer;
    const slice = this.#slice;
    for (;;) {
      slice.resume();
      if (slice.over()) await slice.yield();
      const batch = consumer.take(slice);
      slice.pause();
      if (batch === AGAIN) {
        await slice.yield();
      } else if (batch !== undefined) {
        return { done: false, value: batch };
      } else if (consumer.ended) {
        this.#finish();
        if (consumer.error !== undefined) throw consumer.error;
        return { done: true, value: undefined };
      } else {
        consumer.hungry = true;
        await new Promise<void>((resolve) => this.#wake = resolve);
      }
    }
  }

  #end(): void {
    this.#consumer.end(true);
    this.#finish();
  }

  #finish(): void {
    if (this.#released) return;
    this.#released = true;
    this.#release();
  }
}
