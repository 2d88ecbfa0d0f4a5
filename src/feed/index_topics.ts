/**
 * What live values depend on that have asked an index: spans of it. A row that comes into a span, or leaves it, touches
 * those who have read the span, and nobody else. What the rows' values hold, they depend on key by key.
 *
 * @module
 */

import { compareBytes, latin1 } from "../base/ascii.ts";
import { afterField } from "./index_key.ts";
import type { Marked, Topic } from "./reads.ts";

/** The spans of one collection's indexes that somebody depends on. */
export class IndexTopics {
  /** Grows whenever a row comes, goes or moves: for those who are not registered. */
  version: number = 0;
  /** Spans of one value each, by index and the bytes of the value: found in one look-up. */
  readonly #values: Map<string, SpanTopic> = new Map();
  /** Spans between bounds: each is looked at for each row that moves. */
  readonly #ranges: Map<string, SpanTopic> = new Map();
  readonly #size: SpanTopic;

  /** Knows of nobody who depends on a span. */
  constructor() {
    this.#size = this.#make("size", this.#ranges, -1, new Uint8Array(0), new Uint8Array(0));
  }

  /** The rows whose first fields are equal to a value. The bytes are copied. */
  value(index: number, low: Uint8Array): Topic {
    const name = nameOf(index, low, 0, low.length);
    return this.#values.get(name) ?? this.#make(name, this.#values, index, low, low);
  }

  /** The rows from `low` on that come before `high`. The bytes are copied. */
  range(index: number, low: Uint8Array, high: Uint8Array): Topic {
    const name = `${nameOf(index, low, 0, low.length)} ${latin1(high)}`;
    return this.#ranges.get(name) ?? this.#make(name, this.#ranges, index, low, high);
  }

  /** How many rows there are. */
  get size(): Topic {
    return this.#size;
  }

  /** A row has come into an index, or has left it, with this sort key. */
  moved(index: number, bytes: Uint8Array, start: number, end: number): void {
    this.version++;
    if (this.#values.size > 0) {
      for (let pos = start; pos < end;) {
        pos = afterField(bytes, pos);
        this.#values.get(nameOf(index, bytes, start, pos))?.mark();
      }
    }
    for (const topic of this.#ranges.values()) {
      if (topic.index !== index) continue;
      const { low, high } = topic;
      const isIn = compareBytes(bytes, start, end, low, 0, low.length) >= 0 &&
        compareBytes(bytes, start, end, high, 0, high.length) < 0;
      if (isIn) topic.mark();
    }
  }

  /** There are more or fewer rows. */
  resized(): void {
    this.version++;
    this.#size.mark();
  }

  #make(
    name: string,
    registered: Map<string, SpanTopic>,
    index: number,
    low: Uint8Array,
    high: Uint8Array,
  ): SpanTopic {
    return new SpanTopic(name, registered, () => this.version, index, low.slice(), high.slice());
  }
}

class SpanTopic implements Topic {
  readonly name: string;
  readonly index: number;
  readonly low: Uint8Array;
  readonly high: Uint8Array;
  readonly #registered: Map<string, SpanTopic>;
  readonly #version: () => number;
  readonly #readers: Set<Marked> = new Set();

  constructor(
    name: string,
    registered: Map<string, SpanTopic>,
    version: () => number,
    index: number,
    low: Uint8Array,
    high: Uint8Array,
  ) {
    this.name = name;
    this.#registered = registered;
    this.#version = version;
    this.index = index;
    this.low = low;
    this.high = high;
  }

  get version(): number {
    return this.#version();
  }

  mark(): void {
    for (const reader of this.#readers) reader.mark();
  }

  /** Another topic of the same span may have been registered since this one was made. */
  add(reader: Marked): void {
    const topic = this.#registered.get(this.name) ?? this;
    this.#registered.set(this.name, topic);
    topic.#readers.add(reader);
  }

  remove(reader: Marked): void {
    const topic = this.#registered.get(this.name);
    if (topic === undefined) return;
    topic.#readers.delete(reader);
    if (topic.#readers.size === 0) this.#registered.delete(this.name);
  }
}

function nameOf(index: number, bytes: Uint8Array, start: number, end: number): string {
  return `${index} ${latin1(bytes, start, end)}`;
}
