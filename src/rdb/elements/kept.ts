/**
 * Values that are kept as the bytes they came in: those of types that are not looked into, but whose extent
 * is known. They can be named, copied, dumped and written back.
 *
 * @module
 */

import { ByteBuffer } from "../../base/byte_buffer.ts";
import { Encoding, ValueType } from "../../store/memory/record.ts";
import { ARRAY_TYPE, GCRA_TYPE, ModuleValue } from "../../store/types/module.ts";
import { RdbError } from "../format/errors.ts";
import type { DecodeContext, Element, ElementRow } from "../format/context.ts";
import { Type } from "../format/opcodes.ts";
import type { ChunkReader } from "../format/chunk_reader.ts";
import { storeObject } from "./store.ts";

/** A longer value is passed over like those of unknown modules. */
const MAX_KEPT_BYTES = 256 * 1024 * 1024;
/** Memory that is kept between two values. */
const IDLE_BYTES = 1 << 20;

/** How an array's element is written. */
const ArrayTag = { STRING: 0, INTEGER: 1, DOUBLE: 2, SHORT_STRING: 3 } as const;

/** Gathers the bytes of one value, in however many pieces they come: memory follows the bytes. */
export class Payload {
  #buffer: ByteBuffer = new ByteBuffer();

  /** Adds bytes `[start, end)`; false when there are more than are kept. */
  add(bytes: Uint8Array, start: number, end: number): boolean {
    this.#buffer.writeBytes(bytes, start, end);
    return this.#buffer.length <= MAX_KEPT_BYTES;
  }

  /** A copy of all that was added. */
  toBytes(): Uint8Array {
    return this.#buffer.toBytes();
  }

  /** Begins anew. */
  clear(): void {
    if (this.#buffer.bytes.length > IDLE_BYTES) this.#buffer = new ByteBuffer();
    this.#buffer.clear();
  }
}

/** Refuses the value of a type, or of a module, that is not kept. */
export function refuseKept(context: DecodeContext, name: string, type: number): never {
  const key = context.printableKey();
  const what = `Value of module ${name} under key ${key} is not supported`;
  throw new RdbError("UNSUPPORTED_TYPE", what, context.recordOffset, { key, type });
}

/** A value whose extent `walk` finds. */
class KeptValue implements Element {
  readonly #context: DecodeContext;
  readonly #walk: Element;
  readonly #name: string;
  readonly #type: number;
  readonly #payload: Payload = new Payload();
  #isKept: boolean = true;

  constructor(context: DecodeContext, walk: Element, name: string, type: number) {
    this.#context = context;
    this.#walk = walk;
    this.#name = name;
    this.#type = type;
  }

  read(): boolean {
    const context = this.#context;
    const { reader } = context;
    const from = reader.pos;
    const isWhole = this.#walk.read();
    if (this.#isKept) this.#isKept = this.#payload.add(reader.bytes, from, reader.pos);
    if (!this.#isKept && context.failsOnModules) refuseKept(context, this.#name, this.#type);
    if (!this.#isKept) this.#payload.clear();
    if (!isWhole) return false;
    const value = new ModuleValue(this.#name, this.#payload.toBytes());
    if (this.#isKept) storeObject(context, ValueType.MODULE, Encoding.MODULE, value);
    else context.sink.moduleValue(this.#name);
    this.#payload.clear();
    this.#isKept = true;
    return true;
  }
}

/** What of an array comes next. */
const Step = { COUNT: 0, HAS_NEXT: 1, NEXT: 2, INDEX: 3, TAG: 4, ELEMENT: 5 } as const;
type Step = typeof Step[keyof typeof Step];

/** ARRAY (Redis 8.8): elements under ascending indexes, and perhaps where the next one is inserted. */
class ArrayWalk implements Element {
  readonly #reader: ChunkReader;
  #step: Step = Step.COUNT;
  #left: number = 0;
  #tag: number = 0;
  #lastHigh: number = -1; // no index yet
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
        if (reader.length > 1) reader.fail(`Array says ${reader.length} for yes or no`);
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
          reader.fail(`Array element of kind ${reader.length}`);
        }
        this.#tag = reader.length;
        this.#step = Step.ELEMENT;
        return true;
    }
  }

  #readElement(): boolean {
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

  #checkIndex(): void {
    const { lengthHigh: high, lengthLow: low } = this.#reader;
    const ascends = high > this.#lastHigh || (high === this.#lastHigh && low > this.#lastLow);
    if (!ascends) this.#reader.fail("Indexes of an array do not ascend");
    this.#lastHigh = high;
    this.#lastLow = low;
  }
}

/** GCRA (a build option of Redis 8.8): one number. */
class GcraWalk implements Element {
  readonly #reader: ChunkReader;

  constructor(reader: ChunkReader) {
    this.#reader = reader;
  }

  read(): boolean {
    return this.#reader.readLength();
  }
}

/** Types that Redis alone has. */
export const redisKeptRows: readonly ElementRow[] = [
  {
    number: Type.ARRAY,
    name: "ARRAY",
    create: (context) =>
      new KeptValue(context, new ArrayWalk(context.reader), ARRAY_TYPE, Type.ARRAY),
  },
  {
    number: Type.GCRA,
    name: "GCRA",
    create: (context) => new KeptValue(context, new GcraWalk(context.reader), GCRA_TYPE, Type.GCRA),
  },
];
