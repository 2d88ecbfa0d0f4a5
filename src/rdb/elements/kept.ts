/**
 * Values that are kept as the bytes they came in: the type is not looked into, but where a value
 * ends is known. Such a key can be listed, renamed, copied, dumped and written back; its commands
 * are not run.
 *
 * ```text
 *   28  ARRAY  n, has next: 0 or 1, [next], n * (index, tag, payload)  Redis 8.8
 *              tag 0, 3: a string    1: 8 bytes, an integer    2: 8 bytes, a double
 *   33  GCRA   a length                                             a build option of Redis 8.8
 * ```
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { ByteBuffer } from "../../base/byte_buffer.ts";
import { Encoding, ValueType } from "../../store/memory/record.ts";
import { ARRAY_TYPE, GCRA_TYPE, ModuleValue, unknownValue } from "../../store/types/module.ts";
import type { ChunkReader } from "../format/chunk_reader.ts";
import type { DecodeContext } from "../format/context.ts";
import { type Element, type ElementRow, Lengths, typeRow } from "./element.ts";

/** Of a longer value the name of its type is kept, not the bytes. */
const MAX_KEPT_BYTES = 256 * 1024 * 1024;
/** Memory that is kept for the next value; more of it is given back. */
const IDLE_BYTES = 1 << 20;

/** How an element of an array is written. */
const ArrayTag = { STRING: 0, INTEGER: 1, DOUBLE: 2, SHORT_STRING: 3 } as const;

/** Gathers the bytes of one value in however many pieces they come; memory follows the bytes. */
export class Payload {
  #buffer: ByteBuffer = new ByteBuffer();

  /**
   * Adds bytes `[start, end)`; false when the value is now longer than 256 MB and not to be kept.
   */
  add(bytes: Uint8Array, start: number, end: number): boolean {
    this.#buffer.writeBytes(bytes, start, end);
    return this.#buffer.length <= MAX_KEPT_BYTES;
  }

  /** Bytes of memory set aside for what was added. */
  get heldBytes(): number {
    return this.#buffer.bytes.length;
  }

  /** All that was added, as a copy that the caller owns. */
  toBytes(): Uint8Array {
    return this.#buffer.toBytes();
  }

  /** Drops what was added, and memory beyond 1 MB. */
  clear(): void {
    if (this.#buffer.bytes.length > IDLE_BYTES) this.#buffer = new ByteBuffer();
    this.#buffer.clear();
  }
}

/** A value whose end `walk` finds: what the walk passes over is gathered. */
class KeptValue implements Element {
  readonly #context: DecodeContext;
  readonly #walk: Element;
  readonly #name: string;
  readonly #payload: Payload = new Payload();
  #isKept: boolean = true;

  constructor(context: DecodeContext, walk: Element, name: string) {
    this.#context = context;
    this.#walk = walk;
    this.#name = name;
  }

  get heldBytes(): number {
    return this.#payload.heldBytes;
  }

  read(): boolean {
    const context = this.#context;
    const { reader } = context;
    const from = reader.pos;
    const isWhole = this.#walk.read();
    if (this.#isKept) this.#isKept = this.#payload.add(reader.bytes, from, reader.pos);
    if (!this.#isKept) this.#payload.clear();
    if (!isWhole) return false;
    const value = this.#isKept
      ? new ModuleValue(this.#name, this.#payload.toBytes())
      : unknownValue(this.#name);
    context.storeObject(ValueType.MODULE, Encoding.MODULE, value);
    this.#payload.clear();
    this.#isKept = true;
    return true;
  }
}

/** What of an array is read next. */
const Step = { COUNT: 0, HAS_NEXT: 1, NEXT: 2, INDEX: 3, TAG: 4, ELEMENT: 5 } as const;
type Step = typeof Step[keyof typeof Step];

/**
 * Passes over an ARRAY: elements under ascending indexes, and perhaps the index of the next
 * insertion.
 */
class ArrayWalk implements Element {
  readonly #reader: ChunkReader;
  #step: Step = Step.COUNT;
  #left: number = 0;
  #tag: number = 0;
  #lastHigh: number = -1; // -1: no index has come yet
  #lastLow: number = 0;

  constructor(reader: ChunkReader) {
    this.#reader = reader;
  }

  read(): boolean {
    do {
      if (!this.#readStep()) return false;
    } while (this.#step !== Step.COUNT);
    this.#lastHigh = -1;
    return true;
  }

  #readStep(): boolean {
    const reader = this.#reader;
    if (this.#step === Step.ELEMENT) return this.#readElement();
    if (!reader.readLength()) return false;
    switch (this.#step) {
      case Step.COUNT:
        this.#left = reader.length;
        this.#step = Step.HAS_NEXT;
        return true;
      case Step.HAS_NEXT:
        if (reader.length > 1) reader.fail(`Array has ${reader.length} for a yes or no`);
        if (reader.length === 1) this.#step = Step.NEXT;
        else this.#nextElement();
        return true;
      case Step.NEXT:
        this.#nextElement();
        return true;
      case Step.INDEX:
        this.#checkIndex();
        this.#step = Step.TAG;
        return true;
      default:
        if (reader.length > ArrayTag.SHORT_STRING) {
          reader.fail(`Array element has the unknown tag ${reader.length}`);
        }
        this.#tag = reader.length;
        this.#step = Step.ELEMENT;
        return true;
    }
  }

  #readElement(): boolean {
    assert(this.#left > 0, "an element is still to come");
    const reader = this.#reader;
    const isNumber = this.#tag === ArrayTag.INTEGER || this.#tag === ArrayTag.DOUBLE;
    if (isNumber ? !reader.readFixed(8) : !reader.skipString()) return false;
    this.#left--;
    this.#nextElement();
    return true;
  }

  #nextElement(): void {
    this.#step = this.#left > 0 ? Step.INDEX : Step.COUNT;
  }

  /** Indexes are 64 bits, so they are compared as two words. */
  #checkIndex(): void {
    const { lengthHigh: high, lengthLow: low } = this.#reader;
    const ascends = high > this.#lastHigh || (high === this.#lastHigh && low > this.#lastLow);
    if (!ascends) this.#reader.fail("Indexes of an array do not ascend");
    this.#lastHigh = high;
    this.#lastLow = low;
  }
}

/** Types of Redis alone. */
export const redisKeptRows: readonly ElementRow[] = [
  typeRow("ARRAY", (c) => new KeptValue(c, new ArrayWalk(c.reader), ARRAY_TYPE)),
  typeRow("GCRA", (c) => new KeptValue(c, new Lengths(c, 1), GCRA_TYPE)),
];
