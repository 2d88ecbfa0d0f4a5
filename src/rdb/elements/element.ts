/**
 * What an element is: the reader of one opcode's payload or of one value type, and the row that
 * names it.
 *
 * An element is made once a snapshot and used for every record of its kind. It waits for bytes and
 * for nothing else: `read` answers false when the chunk ends first, and its fields say where it
 * stopped, so that the next call goes on there. What it hands to the sink it hands over in one
 * call, after the last byte of the record: no call to the sink is ever made twice. When `read`
 * answers true, the fields stand as they did before the first call.
 *
 * @module
 */

import type { DecodeContext } from "../format/context.ts";
import { Opcode, Type } from "../format/opcodes.ts";

/** The reader of one kind of record. */
export interface Element {
  /** Reads on from where it stopped; false when the chunk ended first. */
  read(): boolean;
  /** Bytes of the value that is being put together; left out where values are small or lie in slots. */
  readonly heldBytes?: number;
}

/** A row of the decoder's table. */
export interface ElementRow {
  /** The opcode or type byte. */
  readonly number: number;
  /** The name in `rdb.h` without its prefix, as messages spell it. */
  readonly name: string;
  /**
   * Makes the reader, once a snapshot; left out where the number has a name and no known layout.
   */
  readonly create?: ElementMaker;
}

/** Makes an element for a snapshot that is about to be read. */
export type ElementMaker = (context: DecodeContext) => Element;

/** The row of a value type; messages leave the dialect out of its name. */
export function typeRow(name: keyof typeof Type, create?: ElementMaker): ElementRow {
  return { number: Type[name], name: name.replace("VALKEY_", ""), create };
}

/** The row of an opcode; messages leave the dialect out of its name. */
export function opcodeRow(name: keyof typeof Opcode, create?: ElementMaker): ElementRow {
  return { number: Opcode[name], name: name.replace("VALKEY_", ""), create };
}

/** An element of `count` lengths and nothing else. */
export class Lengths implements Element {
  readonly #context: DecodeContext;
  readonly #count: number;
  readonly #take: ((context: DecodeContext, numbers: readonly number[]) => void) | undefined;
  readonly #numbers: number[] = [];

  /**
   * Reads `count` lengths for `context`.
   *
   * @param take Gets the numbers; left out where they are passed over.
   */
  constructor(
    context: DecodeContext,
    count: number,
    take?: (context: DecodeContext, numbers: readonly number[]) => void,
  ) {
    this.#context = context;
    this.#count = count;
    this.#take = take;
  }

  /** Reads on; false when the chunk ended first. */
  read(): boolean {
    const { reader } = this.#context;
    const numbers = this.#numbers;
    while (numbers.length < this.#count) {
      if (!reader.readLength()) return false;
      numbers.push(reader.length);
    }
    this.#take?.(this.#context, numbers);
    numbers.length = 0;
    return true;
  }
}

/** An element of `count` raw bytes, at most 40. */
export class RawBytes implements Element {
  readonly #context: DecodeContext;
  readonly #count: number;
  readonly #take: ((context: DecodeContext) => void) | undefined;

  /**
   * Reads `count` bytes for `context`.
   *
   * @param take Called when they stand in the reader's `fixed`; left out where they are passed
   *   over.
   */
  constructor(context: DecodeContext, count: number, take?: (context: DecodeContext) => void) {
    this.#context = context;
    this.#count = count;
    this.#take = take;
  }

  /** Reads on; false when the chunk ended first. */
  read(): boolean {
    if (!this.#context.reader.readFixed(this.#count)) return false;
    this.#take?.(this.#context);
    return true;
  }
}
