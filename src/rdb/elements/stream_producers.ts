/**
 * What Redis 8.6 and later keep behind a stream about idempotent producers (`XADD ... IDMP`).
 *
 * ```text
 *   seconds kept, entries kept
 *   n, n * ( producer name, m, m * ( id of the producer's, ms, seq ) )
 *   ids added, ids met again
 * ```
 *
 * @module
 */

import { latin1 } from "../../base/ascii.ts";
import { assert } from "../../base/assert.ts";
import { bounded, StreamId } from "../../store/packed/stream_id.ts";
import type { Stream } from "../../store/types/stream.ts";
import { StreamProducers } from "../../store/types/stream_producers.ts";
import type { DecodeContext } from "../format/context.ts";
import { NONE } from "../format/context.ts";
import { TWO_32 } from "../format/opcodes.ts";
import type { StringSlot } from "../format/string_slot.ts";

/** What is read next. */
const Step = { HEAD: 0, NAME: 1, COUNT: 2, ID_NAME: 3, ID: 4, TAIL: 5 } as const;
type Step = typeof Step[keyof typeof Step];

/** Reads the producers of one stream after the other. */
export class StreamProducersReader {
  readonly #context: DecodeContext;
  readonly #slot: StringSlot;
  readonly #id: StreamId = new StreamId();
  #stream: Stream | undefined = undefined;
  #made: StreamProducers = new StreamProducers();
  #step: Step = Step.HEAD;
  /** High and low words of the numbers of the step at hand. */
  readonly #words: number[] = [];
  #producers: number = NONE;
  #ids: number = 0;
  #producer: string = "";
  #name: string = "";

  /** Makes a reader for the producers of the streams of one snapshot. */
  constructor(context: DecodeContext) {
    this.#context = context;
    this.#slot = context.newSlot();
  }

  /** Begins the producers of `stream`, which it gets when there is something to say of them. */
  begin(stream: Stream): void {
    assert(this.#step === Step.HEAD, "the producers of the stream before were read to their end");
    this.#stream = stream;
    this.#made = new StreamProducers();
  }

  /** Reads on; false when the chunk ended first. */
  read(): boolean {
    const { reader } = this.#context;
    for (;;) {
      switch (this.#step) {
        case Step.HEAD:
          if (!this.#readNumbers(3)) return false;
          this.#made.durationSeconds = this.#take();
          this.#made.maxEntries = this.#take();
          this.#producers = this.#take();
          this.#step = Step.NAME;
          break;
        case Step.NAME:
          if (this.#producers > 0) {
            if (!this.#readName()) return false;
            this.#producer = this.#name;
          }
          this.#step = this.#producers-- > 0 ? Step.COUNT : Step.TAIL;
          break;
        case Step.COUNT:
          if (!reader.readLength()) return false;
          this.#ids = reader.length;
          this.#step = this.#ids > 0 ? Step.ID_NAME : Step.NAME;
          break;
        case Step.ID_NAME:
          if (!this.#readName()) return false;
          this.#step = Step.ID;
          break;
        case Step.ID:
          if (!this.#readNumbers(2)) return false;
          this.#takeId();
          this.#step = --this.#ids > 0 ? Step.ID_NAME : Step.NAME;
          break;
        case Step.TAIL:
          if (!this.#readNumbers(2)) return false;
          this.#made.added = this.#take();
          this.#made.duplicates = this.#take();
          this.#finish();
          return true;
      }
    }
  }

  #finish(): void {
    assert(this.#stream !== undefined, "producers are read between begin and their end");
    this.#stream.producers = this.#made.isPristine ? undefined : this.#made;
    this.#stream = undefined;
    this.#step = Step.HEAD;
  }

  #takeId(): void {
    const [msHigh, msLow, seqHigh, seqLow] = this.#words;
    this.#words.length = 0;
    this.#id.setWords(msHigh, msLow, seqHigh, seqLow);
    this.#made.load(this.#producer, this.#name, this.#id);
  }

  #readName(): boolean {
    const slot = this.#slot;
    if (!this.#context.reader.readString(slot)) return false;
    this.#name = latin1(slot.bytes, slot.start, slot.end);
    return true;
  }

  /** Reads `count` lengths into `#words`. */
  #readNumbers(count: number): boolean {
    const { reader } = this.#context;
    const words = this.#words;
    while (words.length < 2 * count) {
      if (!reader.readLength()) return false;
      words.push(reader.lengthHigh, reader.lengthLow);
    }
    return true;
  }

  /** The first of the numbers read, which is taken out. */
  #take(): number {
    const [high, low] = this.#words.splice(0, 2);
    return bounded(high * TWO_32 + low);
  }
}
