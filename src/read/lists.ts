/**
 * The reads of lists.
 *
 * @module
 */

import { ValueType } from "../store/memory/record.ts";
import { listLength } from "../store/types/list.ts";
import { ListCursor } from "../store/types/list_cursor.ts";
import { checkInteger } from "./arguments.ts";
import type { Value } from "./codec.ts";
import type { DecodeOptions } from "./decode.ts";
import { HashReads } from "./hashes.ts";
import type { CallArgument } from "./reply.ts";
import type { Key } from "./text.ts";
import { walk } from "./walk.ts";

/** Where `lpos` looks. */
export interface PositionOptions {
  /** Which match is the first given: 1 is the first from the head, -1 the first from the tail. */
  readonly rank?: number;
  /** How many elements are compared at most; all of them when left out. */
  readonly maxlen?: number;
}

/** Elements that a walk reads each time it has found its place again. */
const ELEMENTS_A_STEP = 16;

const cursor = new ListCursor();

/** The reads of lists. */
export class ListReads<T extends Value> extends HashReads<T> {
  /**
   * The elements from `start` to `stop`, both included; negative ones count from the tail. O(elements given) beside
   * finding the first.
   *
   * @throws {CommandError} `WRONGTYPE` when the key holds something else.
   */
  lrange(key: Key, start: number, stop: number): T[];
  /** What a decoder makes of each of them. */
  lrange<V>(key: Key, start: number, stop: number, options: DecodeOptions<V>): V[];
  lrange<V>(key: Key, start: number, stop: number, options?: DecodeOptions<V>): T[] | V[] {
    if (options === undefined) return this.#range(key, start, stop, () => this.core.take());
    const { value } = this.core;
    const first = start < 0 ? start + this.llen(key) : start;
    // A decoder is code of the application, which may read: all elements are read before it runs.
    const elements = this.#range(key, start, stop, () => value.view().slice());
    return elements.map((bytes, i) => {
      value.set(bytes, 0, bytes.length);
      return this.core.decodePart(key, Math.max(first, 0) + i, value, options.decode);
    });
  }

  #range<R>(key: Key, start: number, stop: number, make: () => R): R[] {
    const { core } = this;
    checkInteger(start, "start");
    checkInteger(stop, "stop");
    const found: R[] = [];
    const entry = core.findType(key, ValueType.LIST);
    if (entry === 0) return found;
    cursor.open(core.db, entry);
    const { length } = cursor;
    const first = Math.max(start < 0 ? start + length : start, 0);
    const last = Math.min(stop < 0 ? stop + length : stop, length - 1);
    if (first > last || !cursor.seek(first)) return found;
    for (let i = first; i <= last; i++) {
      cursor.read(core.value);
      found.push(make());
      if (!cursor.next()) break;
    }
    return found;
  }

  /**
   * The element at `index`, which counts from the tail when negative; undefined when there is none.
   *
   * @throws {CommandError} `WRONGTYPE` when the key holds something else.
   */
  lindex(key: Key, index: number): T | undefined;
  /** What a decoder makes of it. */
  lindex<V>(key: Key, index: number, options: DecodeOptions<V>): V | undefined;
  lindex<V>(key: Key, index: number, options?: DecodeOptions<V>): T | V | undefined {
    const { core } = this;
    checkInteger(index, "index");
    const entry = core.findType(key, ValueType.LIST);
    if (entry === 0) return undefined;
    cursor.open(core.db, entry);
    if (!cursor.seek(index)) return undefined;
    cursor.read(core.value);
    return options === undefined
      ? core.take()
      : core.decodePart(key, index, core.value, options.decode);
  }

  /**
   * How many elements there are, 0 when there is no such key. O(1).
   *
   * @throws {CommandError} `WRONGTYPE` when the key holds something else.
   */
  llen(key: Key): number {
    const entry = this.core.findType(key, ValueType.LIST);
    return entry === 0 ? 0 : listLength(this.core.db, entry);
  }

  /**
   * The index of an element, undefined when there is none. O(length).
   *
   * @throws {CommandError} `WRONGTYPE` when the key holds something else.
   */
  lpos(key: Key, element: Key, options?: PositionOptions): number | undefined;
  /** The indexes of up to `count` such elements, of all for 0. */
  lpos(
    key: Key,
    element: Key,
    options: PositionOptions & { readonly count: number },
  ): number[];
  lpos(
    key: Key,
    element: Key,
    options: PositionOptions & { readonly count?: number } = {},
  ): number | undefined | number[] {
    const args: CallArgument[] = ["LPOS", key, element];
    if (options.rank !== undefined) args.push("RANK", options.rank);
    if (options.count !== undefined) args.push("COUNT", options.count);
    if (options.maxlen !== undefined) args.push("MAXLEN", options.maxlen);
    const reply = this.core.run(args);
    if (Array.isArray(reply)) return reply as number[];
    return typeof reply === "number" ? reply : undefined;
  }

  /**
   * Walks the elements from the head on and copies no more than a few ahead. It goes by index: whatever is written
   * meanwhile, it goes on at the index it has reached, so elements are given once unless some are added or taken away
   * before that index. The walk ends at the tail, or when the key goes.
   *
   * @throws {CommandError} `WRONGTYPE` when the key holds something else, also once the walk has begun.
   */
  lvalues(key: Key): Generator<T, void, undefined> {
    const { core } = this;
    return walk<T>((index, out) => {
      const entry = core.findType(key, ValueType.LIST);
      if (entry === 0) return 0;
      cursor.open(core.db, entry);
      if (!cursor.seek(index)) return 0;
      for (let i = 0; i < ELEMENTS_A_STEP; i++) {
        cursor.read(core.value);
        out.push(core.take());
        if (!cursor.next()) return 0;
      }
      return index + ELEMENTS_A_STEP;
    });
  }
}
