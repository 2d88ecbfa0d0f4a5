/**
 * How values become what an application works with: JSON, a function of bytes, or a Standard Schema, whose interface is
 * typed here by its structure, so that Zod, Valibot, ArkType and others fit without a dependency.
 *
 * @module
 */

import { type Key, utf8 } from "./text.ts";

/** The part of the Standard Schema interface (standardschema.dev) that is used: any library's schema has it. */
export interface Schema<V> {
  /** Version, vendor and validator, under the name that the interface reserves. */
  readonly "~standard": {
    /** Version of the interface. */
    readonly version?: 1;
    /** The library that made the schema. */
    readonly vendor?: string;
    /** Checks a value; answers the output, or what is wrong. Must not be asynchronous. */
    readonly validate: (value: unknown) => SchemaResult<V> | PromiseLike<SchemaResult<V>>;
  };
}

/** What a {@linkcode Schema} answers. */
export interface SchemaResult<V> {
  /** The value that passed, perhaps transformed. */
  readonly value?: V;
  /** What is wrong; undefined when nothing is. */
  readonly issues?: readonly { readonly message: string }[] | undefined;
}

/**
 * What becomes of a value's bytes: `"json"` parses them, a function gets a copy of them, and a schema gets what
 * `JSON.parse` made of them. Give the same function or schema at each read: what it made is kept under it.
 */
export type Decode<V> = "json" | ((bytes: Uint8Array) => V) | Schema<V>;

/** How values are decoded that a read gives. */
export interface DecodeOptions<V> {
  /** What becomes of each value. */
  readonly decode: Decode<V>;
}

/** Longest part of a key that an error shows. */
const SHOWN_KEY = 64;

/** Thrown by a read whose value could not be decoded. It tells the key and never what the key holds. */
export class DecodeError extends Error {
  /** Always "DecodeError", to be told from other errors. */
  override readonly name: string = "DecodeError";
  /** Always "DECODE_FAILED", to be told from a command's errors. */
  readonly code: string = "DECODE_FAILED";
  /** The key, cut off after 64 characters. */
  readonly key: string;
  /** What a schema found wrong; empty unless a schema refused the value. */
  readonly issues: readonly { readonly message: string }[];

  /**
   * Made by a read, which says what is wrong with the value.
   *
   * @ignore
   */
  constructor(
    what: string,
    key: Key,
    options: { cause?: unknown; issues?: readonly { readonly message: string }[] } = {},
  ) {
    const shown = clip(key);
    super(`The value at ${JSON.stringify(shown)} ${what}`, { cause: options.cause });
    this.key = shown;
    this.issues = options.issues ?? [];
  }
}

/** Decodes bytes `[start, end)`, which are borrowed. @throws {DecodeError} When that fails. */
export function decodeBytes<V>(
  decode: Decode<V>,
  bytes: Uint8Array,
  start: number,
  end: number,
  key: Key,
): V {
  if (typeof decode !== "function") {
    return decodeText(decode, utf8(bytes, start, end), key);
  }
  try {
    return decode(bytes.slice(start, end));
  } catch (error) {
    throw new DecodeError("could not be decoded", key, { cause: error });
  }
}

/** Decodes text. @throws {DecodeError} When it is no JSON, or a schema refuses what it is. */
export function decodeText<V>(decode: "json" | Schema<V>, text: string, key: Key): V {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's message quotes the value.
    throw new DecodeError("is no JSON", key);
  }
  return decode === "json" ? value as V : validate(decode, value, key);
}

/** A value as a schema makes it. @throws {DecodeError} When the schema refuses it, or would wait. */
export function validate<V>(schema: Schema<V>, value: unknown, key: Key): V {
  const result = schema["~standard"].validate(value);
  if ("then" in result) {
    result.then(undefined, () => {});
    throw new DecodeError("was given to a schema that waits, which a read cannot", key);
  }
  if (result.issues === undefined) return result.value as V;
  throw new DecodeError("is refused by its schema", key, { issues: result.issues });
}

/** Freezes plain objects and arrays, however deep; other objects are the application's own. */
export function deepFreeze(value: unknown): void {
  const left: unknown[] = [value];
  for (let one = left.pop(); left.length > 0 || one !== undefined; one = left.pop()) {
    if (typeof one !== "object" || one === null || Object.isFrozen(one)) continue;
    const prototype = Object.getPrototypeOf(one);
    const isPlain = Array.isArray(one) || prototype === Object.prototype || prototype === null;
    if (!isPlain) continue;
    Object.freeze(one);
    for (const inner of Object.values(one)) if (typeof inner === "object") left.push(inner);
  }
}

function clip(key: Key): string {
  const text = typeof key === "string" ? key : utf8(key, 0, Math.min(key.length, 4 * SHOWN_KEY));
  return text.length <= SHOWN_KEY ? text : `${text.slice(0, SHOWN_KEY)}...`;
}
