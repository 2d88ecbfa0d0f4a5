/**
 * The reads of strings, of their bits, and of HyperLogLogs.
 *
 * @module
 */

import { readString, stringLength } from "../store/types/string.ts";
import { ValueType } from "../store/memory/record.ts";
import { checkInteger } from "./arguments.ts";
import type { Value } from "./codec.ts";
import type { DecodeOptions } from "./decode.ts";
import { textOf } from "./fields.ts";
import { KeyReads } from "./keys.ts";
import type { BytesReply, CallArgument } from "./reply.ts";
import type { Key } from "./text.ts";

/** A part of a string by bytes or by bits; negative ends count from the string's end, -1 being the last. */
export interface BitRange {
  /** The first byte or bit. */
  readonly start: number;
  /** The last one, included; the string's last when left out. */
  readonly end?: number;
  /** What `start` and `end` count: bytes unless told. */
  readonly unit?: "byte" | "bit";
}

/** One integer in a string's bits, as BITFIELD takes it. */
export interface BitField {
  /** `i` and 1 to 64 bits with a sign, or `u` and 1 to 63 bits without. */
  readonly encoding: `i${number}` | `u${number}`;
  /** Its first bit, or `#` and a number that is multiplied with the field's width. */
  readonly offset: number | `#${number}`;
}

/** Where the common parts of two strings lie, as LCS IDX tells it: the last part first. */
export interface LcsMatches {
  /** A part's first and last byte in both strings, and its length. */
  readonly matches: readonly {
    readonly a: readonly [start: number, end: number];
    readonly b: readonly [start: number, end: number];
    readonly length: number;
  }[];
  /** Bytes of the longest common subsequence. */
  readonly length: number;
}

/** What `lcs` gives: the subsequence itself unless told. */
export interface LcsOptions {
  /** `"length"` for its length alone, `"matches"` for where its parts lie. */
  readonly give?: "value" | "length" | "matches";
  /** The shortest part that `"matches"` tells of. */
  readonly minMatchLength?: number;
}

/** The reads of strings. */
export class StringReads<T extends Value> extends KeyReads<T> {
  /**
   * The string at `key`, or undefined when there is none. O(length), and O(1) for text that is read again and
   * again.
   *
   * @throws {CommandError} `WRONGTYPE` when the key holds something else.
   */
  get(key: Key): T | undefined;
  /** What a decoder makes of it: kept until the record changes, as {@linkcode StringReads.json}. */
  get<V>(key: Key, options: DecodeOptions<V>): V | undefined;
  get<V>(key: Key, options?: DecodeOptions<V>): T | V | undefined {
    if (options === undefined) return this.core.get(key);
    return this.core.decodeString(key, options.decode);
  }

  /**
   * The JSON at `key` as a value, or undefined when there is none. It is parsed once and kept until the record changes,
   * so each read gives the same value: it is frozen unless the option `decodeCache` says otherwise.
   *
   * @throws {DecodeError} When it is no JSON; the error tells the key, not the value.
   * @throws {CommandError} `WRONGTYPE` when the key holds something else.
   */
  json<V = unknown>(key: Key): V | undefined {
    return this.core.decodeString<V>(key, "json");
  }

  /**
   * The string at `key` as a copy of its bytes, or undefined when there is none. O(length).
   *
   * @throws {CommandError} `WRONGTYPE` when the key holds something else.
   */
  getBytes(key: Key): Uint8Array | undefined {
    const { core } = this;
    const entry = core.findType(key, ValueType.STRING);
    if (entry === 0) return undefined;
    readString(core.db, entry, core.value);
    return core.value.bytes.slice(core.value.start, core.value.end);
  }

  /** The strings at `keys` in order, as `MGET`: undefined for what is missing or no string. */
  mget(keys: readonly Key[]): (T | undefined)[];
  /** What a decoder makes of each of them. */
  mget<V>(keys: readonly Key[], options: DecodeOptions<V>): (V | undefined)[];
  mget<V>(keys: readonly Key[], options?: DecodeOptions<V>): (T | V | undefined)[] {
    const { core } = this;
    if (options !== undefined) return keys.map((key) => core.decodeIfString(key, options.decode));
    const values = new Array<T | undefined>(keys.length);
    core.findAll(keys, (index, entry) => {
      const isString = entry !== 0 && core.db.typeOf(entry) === ValueType.STRING;
      values[index] = isString ? core.string(entry) : undefined;
    });
    return values;
  }

  /**
   * Length in bytes of the string at `key`, 0 when there is none.
   *
   * @throws {CommandError} `WRONGTYPE` when the key holds something else.
   */
  strlen(key: Key): number {
    const entry = this.core.findType(key, ValueType.STRING);
    return entry === 0 ? 0 : stringLength(this.core.db, entry);
  }

  /**
   * The XXH3 hash of the string at `key` as 16 hex digits, as DIGEST of Redis 8.4 gives it; undefined when there is
   * none. O(length).
   *
   * @throws {CommandError} `WRONGTYPE` when the key holds something else.
   */
  digest(key: Key): string | undefined {
    const reply = this.core.run(["DIGEST", key]);
    return reply === null ? undefined : textOf(reply);
  }

  /**
   * The bytes from `start` to `end` of the string at `key`, both included; negative ones count from the end. Empty
   * when there are none.
   *
   * @throws {CommandError} `WRONGTYPE` when the key holds something else.
   */
  getrange(key: Key, start: number, end: number): T {
    const { core } = this;
    checkInteger(start, "start");
    checkInteger(end, "end");
    const entry = core.findType(key, ValueType.STRING);
    const { value } = core;
    if (entry === 0) value.set(value.bytes, 0, 0);
    else readString(core.db, entry, value);
    const length = value.end - value.start;
    // getrangeCommand: empty before it is clipped.
    const isEmpty = start < 0 && end < 0 && start > end;
    const first = start < 0 ? Math.max(0, length + start) : start;
    const last = Math.min(end < 0 ? Math.max(0, length + end) : end, length - 1);
    if (isEmpty || first > last) return core.codec.value(value.bytes, 0, 0);
    return core.codec.value(value.bytes, value.start + first, value.start + last + 1);
  }

  /**
   * The longest common subsequence of the strings at two keys; a missing one is empty. O(n * m).
   *
   * @throws {CommandError} When a key holds something else, or both are too long.
   */
  lcs(a: Key, b: Key, options?: LcsOptions & { readonly give?: "value" }): T;
  /** The number of bytes of that subsequence. */
  lcs(a: Key, b: Key, options: LcsOptions & { readonly give: "length" }): number;
  /** The places in both strings that the subsequence is made of. */
  lcs(a: Key, b: Key, options: LcsOptions & { readonly give: "matches" }): LcsMatches;
  lcs(a: Key, b: Key, options: LcsOptions = {}): T | number | LcsMatches {
    const { give = "value", minMatchLength = 0 } = options;
    const args: CallArgument[] = ["LCS", a, b];
    if (give === "length") return Number(this.core.run([...args, "LEN"]));
    if (give === "matches") {
      args.push("IDX", "WITHMATCHLEN", "MINMATCHLEN", minMatchLength);
      return toMatches(this.core.run(args));
    }
    return this.core.valueOf(this.core.run(args))!;
  }

  /**
   * One bit of the string at `key`, 0 behind its end. O(1).
   *
   * @throws {CommandError} `WRONGTYPE` when the key holds something else.
   */
  getbit(key: Key, offset: number): 0 | 1 {
    const { core } = this;
    checkInteger(offset, "offset", 0, 2 ** 32 - 1);
    const entry = core.findType(key, ValueType.STRING);
    if (entry === 0) return 0;
    readString(core.db, entry, core.value);
    const at = core.value.start + Math.floor(offset / 8);
    const byte = at < core.value.end ? core.value.bytes[at] : 0;
    return ((byte >> (7 - (offset % 8))) & 1) as 0 | 1;
  }

  /**
   * How many bits of the string at `key`, or of a part of it, are set; 0 when there is none. O(length).
   *
   * @throws {CommandError} `WRONGTYPE` when the key holds something else.
   */
  bitcount(key: Key, range?: BitRange): number {
    const args: CallArgument[] = ["BITCOUNT", key];
    if (range !== undefined) args.push(range.start, range.end ?? -1, ...unitOf(range));
    return Number(this.core.run(args));
  }

  /**
   * The first bit of this value in the string at `key`, or in a part of it; -1 when there is none. Behind a string
   * whose part has no end there are zeros. O(length).
   *
   * @throws {CommandError} `WRONGTYPE` when the key holds something else.
   */
  bitpos(key: Key, bit: 0 | 1, range?: BitRange): number {
    const args: CallArgument[] = ["BITPOS", key, bit];
    if (range !== undefined) {
      args.push(range.start);
      const isClosed = range.end !== undefined || range.unit === "bit";
      if (isClosed) args.push(range.end ?? -1, ...unitOf(range));
    }
    return Number(this.core.run(args));
  }

  /**
   * Integers in the bits of the string at `key`, one for each of `fields`; one beyond 2^53 is a bigint.
   *
   * @throws {CommandError} `WRONGTYPE` when the key holds something else.
   */
  bitfieldRo(key: Key, fields: readonly BitField[]): (number | bigint)[] {
    const args: CallArgument[] = ["BITFIELD_RO", key];
    for (const { encoding, offset } of fields) args.push("GET", encoding, offset);
    return this.core.run(args) as (number | bigint)[];
  }

  /**
   * The estimated number of different elements in the HyperLogLogs at `keys` together, as `PFCOUNT`; a missing one
   * has none.
   *
   * @throws {CommandError} `WRONGTYPE` when a key holds something else.
   */
  pfcount(...keys: Key[]): number {
    return Number(this.core.run(["PFCOUNT", ...keys]));
  }
}

function unitOf({ unit }: BitRange): CallArgument[] {
  return unit === "bit" ? ["BIT"] : [];
}

/** The reply of LCS IDX WITHMATCHLEN as an object. */
function toMatches(reply: BytesReply): LcsMatches {
  const [matches, length] = reply instanceof Map ? [...reply.values()] : [[], 0];
  const rows = matches as [[number, number], [number, number], number][];
  return { matches: rows.map(([a, b, length]) => ({ a, b, length })), length: Number(length) };
}
