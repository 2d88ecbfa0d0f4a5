/**
 * How a collection is described: which keys belong to it, what stands for an id, and which fields are indexed.
 *
 * @module
 */

import { encodeUtf8 } from "../base/ascii.ts";
import { unknownName } from "../base/shape.ts";
import type { FieldType } from "./index_key.ts";

/** Why a read of a collection failed. */
export type CollectionErrorCode =
  /** The index is still being built: wait for `ready`. */
  | "BUILDING"
  /** No index answers this. */
  | "NO_INDEX"
  /** A value of a unique index belongs to several keys, and one was asked for. */
  | "NOT_UNIQUE"
  /** A number was compared with texts that are spelled in several ways; the field needs a type. */
  | "AMBIGUOUS"
  /** The index could not be kept, as when memory was exhausted: the cause says why. It is built anew at a full resync. */
  | "FAILED"
  /** The collection was disposed, or its replica is closed: its indexes are gone. */
  | "DISPOSED";

/** What a collection throws where its data does not allow an answer. */
export class CollectionError extends Error {
  /** Why, in one word. */
  readonly code: CollectionErrorCode;

  /** Made by the collection. */
  constructor(code: CollectionErrorCode, message: string, options?: { readonly cause: unknown }) {
    super(message, options);
    this.name = "CollectionError";
    this.code = code;
  }
}

/** How one index is kept. */
export interface IndexOptions {
  /**
   * Whether each value is to belong to one key. The master decides what is written, so a value may have several all the
   * same: then `findOne` throws NOT_UNIQUE, the status counts it, and a warning is logged.
   */
  readonly unique?: boolean;
  /**
   * How fields are ordered: one type for the last field, or a type for each by its name. Unless given, texts that are
   * spelled as numbers are ordered as numbers and come before all others, which are ordered as bytes; values of decoded
   * objects have the type that they have.
   */
  readonly type?: FieldType | { readonly [field: string]: FieldType };
}

/** A field of an index. */
export interface IndexField {
  /** Its name: a hash's field, or a path with dots into a decoded object. */
  readonly name: string;
  /** The name's UTF-8. */
  readonly bytes: Uint8Array;
  /** How it is ordered. */
  readonly type: FieldType;
}

/** An index as it is kept. */
export interface IndexShape {
  /** As it was written: `"plan,createdAt"`. */
  readonly name: string;
  /** Its fields, in the order in which they are sorted. */
  readonly fields: readonly IndexField[];
  /** Whether values that several keys have are counted. */
  readonly unique: boolean;
}

const TYPES: readonly unknown[] = ["auto", "number", "string"];
const INDEX_OPTIONS = ["unique", "type"];
/** More indexes than anybody keeps: each costs at every commit. */
const MAX_INDEXES = 64;

/**
 * Reads the option `index`.
 *
 * @throws {TypeError} When it makes no sense; the message names what.
 */
export function indexShapes(
  options: Readonly<Record<string, IndexOptions>> | undefined,
): IndexShape[] {
  const entries = Object.entries(options ?? {});
  if (entries.length > MAX_INDEXES) {
    throw new TypeError(`A collection has at most ${MAX_INDEXES} indexes`);
  }
  return entries.map(([name, each]) => indexShape(name, each));
}

function indexShape(name: string, options: IndexOptions): IndexShape {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`index["${name}"] must be an object`);
  }
  for (const option of Object.keys(options)) {
    if (!INDEX_OPTIONS.includes(option)) {
      throw new TypeError(
        unknownName("option", `index["${name}"].${option}`, option, INDEX_OPTIONS),
      );
    }
  }
  const names = name.split(",").map((field) => field.trim());
  if (names.some((field) => field === "") || new Set(names).size !== names.length) {
    throw new TypeError(`index["${name}"] must name different fields, joined by commas`);
  }
  const { unique = false, type } = options;
  if (typeof unique !== "boolean") {
    throw new TypeError(`index["${name}"].unique must be true or false`);
  }
  checkTypes(name, names, type);
  const fields = names.map((field, i) => ({
    name: field,
    bytes: encodeUtf8(field),
    type: typeof type === "object"
      ? type[field] ?? "auto"
      : i < names.length - 1
      ? "auto"
      : type ?? "auto",
  }));
  return { name, fields, unique };
}

function checkTypes(name: string, names: readonly string[], type: IndexOptions["type"]): void {
  const types = typeof type === "object" && type !== null ? Object.entries(type) : [["", type]];
  for (const [field, each] of types) {
    if (field !== "" && !names.includes(field!)) {
      throw new TypeError(`index["${name}"].type names "${field}", which is no field of it`);
    }
    if (each !== undefined && !TYPES.includes(each)) {
      throw new TypeError(`index["${name}"].type must be "auto", "number" or "string"`);
    }
  }
}

/** What the stars of a pattern stand for: a text for one star, an array of texts for several. */
export type IdOf<Pattern extends string> = string extends Pattern ? string
  : Pattern extends `${string}*${infer Rest}`
    ? Rest extends `${string}*${string}` ? readonly string[] : string
  : never;

/** The pattern of a collection's keys: texts with stars between them. */
export class KeyPattern {
  /** As it was written. */
  readonly text: string;
  /** Its UTF-8. */
  readonly bytes: Uint8Array;
  /** What every key begins with. */
  readonly prefix: Uint8Array;
  /** What every key ends with. */
  readonly suffix: Uint8Array;
  readonly #parts: readonly string[];
  /** What stands between two stars. */
  readonly #inner: readonly Uint8Array[];

  /** Reads a pattern. @throws {TypeError} When it has no star, or what stands for single bytes. */
  constructor(pattern: string) {
    if (typeof pattern !== "string" || !/^[^?[\]\\]*\*[^?[\]\\]*$/.test(pattern)) {
      throw new TypeError("The keys of a collection are a pattern with * and no ?, [ or \\");
    }
    if (pattern.includes("**")) throw new TypeError("Two stars of a pattern need a text between");
    this.text = pattern;
    this.bytes = encodeUtf8(pattern);
    this.#parts = pattern.split("*");
    const parts = this.#parts.map(encodeUtf8);
    this.prefix = parts[0];
    this.suffix = parts[parts.length - 1];
    this.#inner = parts.slice(1, -1);
  }

  /** Whether a key belongs to the collection. */
  matches(bytes: Uint8Array, start: number, end: number): boolean {
    const { prefix, suffix } = this;
    if (end - start < prefix.length + suffix.length) return false;
    for (let i = 0; i < prefix.length; i++) if (bytes[start + i] !== prefix[i]) return false;
    const tail = end - suffix.length;
    for (let i = 0; i < suffix.length; i++) if (bytes[tail + i] !== suffix[i]) return false;
    if (this.#inner.length === 0) return true;
    let pos = start + prefix.length;
    for (const part of this.#inner) {
      pos = indexOfBytes(bytes, part, pos, tail);
      if (pos < 0) return false;
      pos += part.length;
    }
    return true;
  }

  /** The key of an id. @throws {TypeError} When the id does not fit the pattern. */
  keyOf(id: string | readonly string[]): string {
    const values = typeof id === "string" ? [id] : id;
    if (!Array.isArray(values) || values.length !== this.#parts.length - 1) {
      throw new TypeError(`An id of "${this.text}" has ${this.#parts.length - 1} parts`);
    }
    return this.#parts.reduce((key, part, i) => `${key}${values[i - 1]}${part}`);
  }

  /** The id of a key that matches: each star takes as little as it can. */
  idOf(key: string): string | string[] {
    const parts = this.#parts;
    let rest = key.slice(parts[0].length, key.length - parts[parts.length - 1].length);
    if (parts.length === 2) return rest;
    const id: string[] = [];
    for (const part of parts.slice(1, -1)) {
      const at = rest.indexOf(part);
      id.push(rest.slice(0, at));
      rest = rest.slice(at + part.length);
    }
    id.push(rest);
    return id;
  }
}

/** Where `part` begins in `[start, end)`, -1 when it does not. */
function indexOfBytes(bytes: Uint8Array, part: Uint8Array, start: number, end: number): number {
  for (let at = start; at + part.length <= end; at++) {
    let i = 0;
    while (i < part.length && bytes[at + i] === part[i]) i++;
    if (i === part.length) return at;
  }
  return -1;
}
