/**
 * What Redis 8.6 and later keep behind a stream about idempotent producers (`XADD ... IDMP`). It is
 * passed over: a master answers a repeated entry without sending it on, so a replica is never
 * asked.
 *
 * ```text
 *   seconds kept, entries kept
 *   n, n * ( producer name, m, m * ( id of the producer's, ms, seq ) )
 *   ids added, ids met again
 * ```
 *
 * @module
 */

import type { DecodeContext } from "../format/context.ts";
import { NONE } from "../format/context.ts";

/** What is read next. */
const Step = { HEAD: 0, NAME: 1, COUNT: 2, ID_NAME: 3, ID: 4, TAIL: 5 } as const;
type Step = typeof Step[keyof typeof Step];

/** Passes over the producers of one stream after the other. */
export class StreamProducers {
  readonly #context: DecodeContext;
  #step: Step = Step.HEAD;
  /** Numbers of the step at hand that have been read. */
  #numbers: number = 0;
  #producers: number = NONE;
  #ids: number = 0;

  /** Makes a reader that passes over the producers of the streams of one snapshot. */
  constructor(context: DecodeContext) {
    this.#context = context;
  }

  /** Reads on; false when the chunk ended first. */
  read(): boolean {
    const { reader } = this.#context;
    for (;;) {
      switch (this.#step) {
        case Step.HEAD:
          if (!this.#readNumbers(3)) return false;
          this.#producers = reader.length;
          this.#step = Step.NAME;
          break;
        case Step.NAME:
          if (this.#producers > 0 && !reader.skipString()) return false;
          this.#step = this.#producers-- > 0 ? Step.COUNT : Step.TAIL;
          break;
        case Step.COUNT:
          if (!reader.readLength()) return false;
          this.#ids = reader.length;
          this.#step = this.#ids > 0 ? Step.ID_NAME : Step.NAME;
          break;
        case Step.ID_NAME:
          if (!reader.skipString()) return false;
          this.#step = Step.ID;
          break;
        case Step.ID:
          if (!this.#readNumbers(2)) return false;
          this.#step = --this.#ids > 0 ? Step.ID_NAME : Step.NAME;
          break;
        case Step.TAIL:
          if (!this.#readNumbers(2)) return false;
          this.#step = Step.HEAD;
          return true;
      }
    }
  }

  /** Reads `count` lengths, of which the last stays in the reader. */
  #readNumbers(count: number): boolean {
    for (; this.#numbers < count; this.#numbers++) {
      if (!this.#context.reader.readLength()) return false;
    }
    this.#numbers = 0;
    return true;
  }
}
