/**
 * The reads of vector sets.
 *
 * @module
 */

import { CommandError, UNREAD_VECTORS } from "../commands/engine/errors.ts";
import { moduleValueOf, VECTOR_SET_TYPE } from "../store/types/module.ts";
import { type VectorSet, vectorSetOf } from "../store/types/vector_set.ts";
import { NO_SLOT } from "../store/types/vector_slots.ts";
import { checkInteger } from "./arguments.ts";
import type { Value } from "./codec.ts";
import { wrongType } from "./core.ts";
import type { DecodeOptions } from "./decode.ts";
import { textOf, toFields } from "./fields.ts";
import type { BytesReply, CallArgument } from "./reply.ts";
import { StreamInfoReads } from "./stream_info.ts";
import type { Key } from "./text.ts";
import type { Scored } from "./zsets.ts";

/** What neighbours are looked for: an element of the set by its name, or a vector. */
export type VectorQuery = Key | readonly number[] | Float32Array;

/** How vectors are held: as floats, as bytes within a range, or as bits. */
export type VectorQuantization = "f32" | "int8" | "bin";

/** A vector set's form and counters, as VINFO tells them. */
export interface VectorSetInfo {
  /** How its vectors are held. */
  readonly quantType: VectorQuantization;
  /** Neighbours that a node of the server's graph links to on each level. */
  readonly hnswM: number;
  /** Dimensions of the vectors that are held. */
  readonly vectorDim: number;
  /** Dimensions that vectors have before the set projects them, 0 where it projects none. */
  readonly projectionInputDim: number;
  /** How many elements there are. */
  readonly size: number;
  /** The highest level of the graph that came with the last snapshot. */
  readonly maxLevel: number;
  /** How many elements have attributes. */
  readonly attributesCount: number;
  /** A number that no other set of this process has. */
  readonly vsetUid: number;
  /** The highest number that was given to an element. */
  readonly hnswMaxNodeUid: number | bigint;
}

/** A vector as it is held. */
export interface RawVector {
  /** How its numbers are held. */
  readonly quantization: VectorQuantization;
  /** The numbers as bytes, a copy. */
  readonly raw: Uint8Array;
  /** Its length before it was divided by it. */
  readonly l2Norm: number;
  /** The largest number of a vector held as `int8`, which its bytes are fractions of; undefined for other forms. */
  readonly quantizationRange: number | undefined;
}

/** Which elements are answered, and how the server would search for them. */
export interface SimilarOptions {
  /** How many at most, 10 unless told. */
  readonly count?: number;
  /** The largest distance, 0 to 1: elements of a score below `1 - epsilon` are left out. */
  readonly epsilon?: number;
  /** Only elements whose attributes pass: `.year > 1980 and .genre in ["a", "b"]`. */
  readonly filter?: string;
  /** Candidates that a server's search keeps: it bounds how many are answered, as there. */
  readonly ef?: number;
  /** Candidates that a server filters at most; checked, as all elements are compared here. */
  readonly filterEf?: number;
}

/** An element that was found and its attributes. */
export interface Attributed<T extends Value> {
  /** Name by which the set has the element. */
  readonly value: T;
  /** Its attributes, JSON most often; undefined where it has none. */
  readonly attributes: T | undefined;
}

/** The reads of vector sets. */
export class VectorReads<T extends Value> extends StreamInfoReads<T> {
  /**
   * How many elements there are, 0 when there is no such key. O(1).
   *
   * @throws {CommandError} `WRONGTYPE` when the key holds something else.
   */
  vcard(key: Key): number {
    return this.#open(key)?.size ?? 0;
  }

  /**
   * Dimensions of the vectors that are held, undefined when there is no such key. O(1).
   *
   * @throws {CommandError} `WRONGTYPE` when the key holds something else.
   */
  vdim(key: Key): number | undefined {
    return this.#open(key)?.form.dim;
  }

  /**
   * The vector of an element as nearly as it was given, undefined when there is none. O(dimensions).
   *
   * @throws {CommandError} `WRONGTYPE` when the key holds something else.
   */
  vemb(key: Key, element: Key, options?: { readonly raw?: false }): number[] | undefined;
  /** The vector as it is held. */
  vemb(key: Key, element: Key, options: { readonly raw: true }): RawVector | undefined;
  vemb(
    key: Key,
    element: Key,
    options: { readonly raw?: boolean } = {},
  ): number[] | RawVector | undefined {
    if (options.raw) return toRaw(this.core.run(["VEMB", key, element, "RAW"]));
    const set = this.#open(key);
    const slot = this.#find(set, element);
    if (set === undefined || slot === NO_SLOT) return undefined;
    const vector = new Float32Array(set.form.dim);
    set.readVector(slot, vector);
    return Array.from(vector);
  }

  /**
   * The attributes of an element, undefined when it has none. O(1).
   *
   * @throws {CommandError} `WRONGTYPE` when the key holds something else.
   */
  vgetattr(key: Key, element: Key): T | undefined;
  /** What a decoder makes of them: kept until they change. */
  vgetattr<V>(key: Key, element: Key, options: DecodeOptions<V>): V | undefined;
  vgetattr<V>(key: Key, element: Key, options?: DecodeOptions<V>): T | V | undefined {
    const { core } = this;
    const set = this.#open(key);
    const slot = this.#find(set, element);
    if (set === undefined || slot === NO_SLOT) return undefined;
    if (!set.attributeRef(slot, core.value)) return undefined;
    if (options === undefined) return core.take();
    return core.decodePart(key, element, core.value, options.decode);
  }

  /**
   * Whether the set has an element of that name. O(1).
   *
   * @throws {CommandError} `WRONGTYPE` when the key holds something else.
   */
  vismember(key: Key, element: Key): boolean {
    return this.#find(this.#open(key), element) !== NO_SLOT;
  }

  /**
   * An element at random, undefined when there is no such key.
   *
   * @throws {CommandError} `WRONGTYPE` when the key holds something else.
   */
  vrandmember(key: Key): T | undefined;
  /** Up to `count` different elements; `-count` elements, perhaps repeated, when it is negative. */
  vrandmember(key: Key, count: number): T[];
  vrandmember(key: Key, count?: number): T | undefined | T[] {
    const { core } = this;
    if (count === undefined) return core.valueOf(core.run(["VRANDMEMBER", key]));
    checkInteger(count, "count");
    return core.values(core.run(["VRANDMEMBER", key, count])) as T[];
  }

  /**
   * The form and the counters of a set, undefined when there is no such key. O(1).
   *
   * @throws {CommandError} `WRONGTYPE` when the key holds something else.
   */
  vinfo(key: Key): VectorSetInfo | undefined {
    const reply = this.core.run(["VINFO", key]);
    if (reply === null) return undefined;
    const fields = toFields(reply);
    return {
      quantType: textOf(fields["quant-type"]) as VectorQuantization,
      hnswM: Number(fields["hnsw-m"]),
      vectorDim: Number(fields["vector-dim"]),
      projectionInputDim: Number(fields["projection-input-dim"]),
      size: Number(fields["size"]),
      maxLevel: Number(fields["max-level"]),
      attributesCount: Number(fields["attributes-count"]),
      vsetUid: Number(fields["vset-uid"]),
      hnswMaxNodeUid: fields["hnsw-max-node-uid"] as number | bigint,
    };
  }

  /**
   * The names of elements in the order of their bytes. O(elements).
   *
   * @param start The lowest: `"[a"` with it, `"(a"` without it, `"-"` for all.
   * @param end The highest likewise, `"+"` for all.
   * @param options How many at most, all unless told.
   * @throws {CommandError} `WRONGTYPE` when the key holds something else, or when a bound is none.
   */
  vrange(
    key: Key,
    start: Key = "-",
    end: Key = "+",
    { count = -1 }: { readonly count?: number } = {},
  ): T[] {
    checkInteger(count, "count");
    return this.core.values(this.core.run(["VRANGE", key, start, end, count])) as T[];
  }

  /**
   * The elements that are most alike to one of them or to a vector, the nearest first; empty when there is no such key.
   * All elements are compared, which is what Redis answers to `TRUTH`. O(elements * dimensions).
   *
   * @param query An element's name, or a vector of as many numbers as the set takes.
   * @throws {CommandError} `WRONGTYPE` when the key holds something else, and when there is no such element, the
   * dimensions differ, or the filter cannot be read.
   * @throws {RangeError} When one of the vector's numbers is none.
   */
  vsim(
    key: Key,
    query: VectorQuery,
    options?: SimilarOptions & { readonly withScores?: false; readonly withAttributes?: false },
  ): T[];
  /** The same with how alike they are, 0 to 1. */
  vsim(
    key: Key,
    query: VectorQuery,
    options: SimilarOptions & { readonly withScores: true; readonly withAttributes?: false },
  ): Scored<T>[];
  /** The same with their attributes. */
  vsim(
    key: Key,
    query: VectorQuery,
    options: SimilarOptions & { readonly withScores?: false; readonly withAttributes: true },
  ): Attributed<T>[];
  /** The same with both. */
  vsim(
    key: Key,
    query: VectorQuery,
    options: SimilarOptions & { readonly withScores: true; readonly withAttributes: true },
  ): (Scored<T> & Attributed<T>)[];
  vsim(
    key: Key,
    query: VectorQuery,
    options: SimilarOptions & { readonly withScores?: boolean; readonly withAttributes?: boolean } =
      {},
  ): T[] | Scored<T>[] | Attributed<T>[] | (Scored<T> & Attributed<T>)[] {
    const { core } = this;
    const { withScores = false, withAttributes = false } = options;
    const args = similarArguments(key, query, options);
    if (withScores) args.push("WITHSCORES");
    if (withAttributes) args.push("WITHATTRIBS");
    const reply = core.run(args);
    if (!(reply instanceof Map)) return core.values(reply) as T[];
    return [...reply].map(([name, rest]): Scored<T> | Attributed<T> => {
      const value = core.valueOf(name)!;
      if (!withAttributes) return { value, score: rest as number };
      if (!withScores) return { value, attributes: core.valueOf(rest) };
      const [score, attributes] = rest as [number, BytesReply];
      return { value, score, attributes: core.valueOf(attributes) };
    }) as Scored<T>[];
  }

  /**
   * The neighbours of an element on each level of the graph that came with the last snapshot, the highest level first;
   * undefined when there is no such element. O(elements).
   *
   * @throws {CommandError} `WRONGTYPE` when the key holds something else, and when the graph is no longer known, as
   * an element came or went since.
   */
  vlinks(key: Key, element: Key, options?: { readonly withScores?: false }): T[][] | undefined;
  /** The same with how alike they are, 0 to 1. */
  vlinks(
    key: Key,
    element: Key,
    options: { readonly withScores: true },
  ): Scored<T>[][] | undefined;
  vlinks(
    key: Key,
    element: Key,
    { withScores = false }: { readonly withScores?: boolean } = {},
  ): T[][] | Scored<T>[][] | undefined {
    const { core } = this;
    const args: CallArgument[] = ["VLINKS", key, element];
    if (withScores) args.push("WITHSCORES");
    const levels = core.run(args) as BytesReply[] | null;
    if (levels === null) return undefined;
    if (!withScores) return levels.map((level) => core.values(level) as T[]);
    return (levels as ReadonlyMap<BytesReply, number>[]).map((level) =>
      [...level].map(([name, score]) => ({ value: core.valueOf(name)!, score }))
    );
  }

  /** The set at a key, undefined when there is none. */
  #open(key: Key): VectorSet | undefined {
    const { core } = this;
    const entry = core.find(key);
    if (entry === 0) return undefined;
    const set = vectorSetOf(core.db, entry);
    if (set !== undefined) return set;
    const isUnread = moduleValueOf(core.db, entry)?.module === VECTOR_SET_TYPE;
    throw isUnread ? new CommandError(UNREAD_VECTORS) : wrongType(core.db, entry);
  }

  /** The slot of an element, NO_SLOT when the set has none of that name. */
  #find(set: VectorSet | undefined, element: Key): number {
    if (set === undefined) return NO_SLOT;
    const { arg } = this.core;
    arg.set(element);
    return set.find(arg.bytes, 0, arg.end);
  }
}

function toRaw(reply: BytesReply): RawVector | undefined {
  if (reply === null) return undefined;
  const [form, raw, l2Norm, quantizationRange] = reply as BytesReply[];
  return {
    quantization: textOf(form) as VectorQuantization,
    raw: raw as Uint8Array,
    l2Norm: l2Norm as number,
    quantizationRange: quantizationRange as number | undefined,
  };
}

function similarArguments(
  key: Key,
  query: VectorQuery,
  { count, epsilon, filter, ef, filterEf }: SimilarOptions,
): CallArgument[] {
  const args: CallArgument[] = ["VSIM", key];
  if (typeof query === "string" || query instanceof Uint8Array) args.push("ELE", query);
  else args.push("FP32", vectorBytes(query));
  if (count !== undefined) args.push("COUNT", count);
  if (epsilon !== undefined) args.push("EPSILON", epsilon);
  if (ef !== undefined) args.push("EF", ef);
  if (filter !== undefined) args.push("FILTER", filter);
  if (filterEf !== undefined) args.push("FILTER-EF", filterEf);
  return args;
}

/** A vector's numbers as floats of four bytes. @throws {RangeError} When one of them is none. */
function vectorBytes(vector: readonly number[] | Float32Array): Uint8Array {
  const floats = Float32Array.from(vector);
  const wrong = floats.findIndex(Number.isNaN);
  if (wrong >= 0) throw new RangeError(`Number ${wrong} of the vector is ${vector[wrong]}`);
  return new Uint8Array(floats.buffer);
}
