/**
 * The commonest writes as words, for `replica.master.set(...)` and the members of a transaction alike.
 *
 * @module
 */

import type { CallArgument } from "../read/reply.ts";
import type { Key } from "../read/text.ts";
import { type Words, wordsOf } from "./words.ts";

/** Options of SET. At most one of the five about its expiry, at most one of `nx` and `xx`. */
export interface SetOptions {
  /** Seconds until it expires. */
  readonly ex?: number;
  /** Milliseconds until it expires. */
  readonly px?: number;
  /** When it expires, seconds since 1970. */
  readonly exat?: number;
  /** When it expires, milliseconds since 1970. */
  readonly pxat?: number;
  /** Keeps the expiry that the key has. */
  readonly keepttl?: boolean;
  /** Only where there is no such key. */
  readonly nx?: boolean;
  /** Only where there is such a key. */
  readonly xx?: boolean;
  /** Replies with the value before, which must be a string. */
  readonly get?: boolean;
}

/** Options of ZADD; all are off unless given. */
export interface ZaddOptions {
  /** Only adds members, and changes none. */
  readonly nx?: boolean;
  /** Only changes members, and adds none. */
  readonly xx?: boolean;
  /** Changes scores only to greater ones. */
  readonly gt?: boolean;
  /** Changes scores only to less ones. */
  readonly lt?: boolean;
  /** Replies with how many members were added or changed, instead of added alone. */
  readonly ch?: boolean;
}

/** A member of a sorted set that is written. */
export interface ScoredMember {
  /** The member, text or bytes. */
  readonly value: Key;
  /** Its score; may be infinite. */
  readonly score: number;
}

/** Options of XADD; at most one of `maxlen` and `minid`. */
export interface XaddOptions {
  /** Id of the entry; `*`, the master's own choice, when left out. */
  readonly id?: string;
  /** Trims to about so many entries. */
  readonly maxlen?: number;
  /** Trims entries below about this id. */
  readonly minid?: string;
  /** Does not make a stream that is not there. */
  readonly nomkstream?: boolean;
}

/** `SET key value [options]`. */
export function setWords(key: Key, value: CallArgument, options: SetOptions = {}): Words {
  const { ex, px, exat, pxat, keepttl, nx, xx, get } = options;
  return wordsOf([
    "SET",
    key,
    value,
    ...withNumber("EX", ex),
    ...withNumber("PX", px),
    ...withNumber("EXAT", exat),
    ...withNumber("PXAT", pxat),
    ...flags({ KEEPTTL: keepttl, NX: nx, XX: xx, GET: get }),
  ]);
}

/** `HSET key field value ...`, from a field and its value or from an object. */
export function hsetWords(
  key: Key,
  fields: Key | Readonly<Record<string, CallArgument>> | ReadonlyMap<Key, CallArgument>,
  value: CallArgument | undefined,
): Words {
  if (typeof fields === "string" || fields instanceof Uint8Array) {
    if (value === undefined) throw new TypeError("hset needs a value for the field");
    return wordsOf(["HSET", key, fields, value]);
  }
  const pairs = fields instanceof Map ? [...fields] : Object.entries(fields);
  return wordsOf(["HSET", key, ...pairs.flat() as CallArgument[]]);
}

/** `MSET key value ...`. */
export function msetWords(
  values: Readonly<Record<string, CallArgument>> | ReadonlyMap<Key, CallArgument>,
): Words {
  const pairs = values instanceof Map ? [...values] : Object.entries(values);
  return wordsOf(["MSET", ...pairs.flat() as CallArgument[]]);
}

/** `ZADD key [options] score member ...`. */
export function zaddWords(
  key: Key,
  members: ScoredMember | readonly ScoredMember[],
  { nx, xx, gt, lt, ch }: ZaddOptions = {},
): Words {
  const list = "score" in members ? [members] : members;
  return wordsOf([
    "ZADD",
    key,
    ...flags({ NX: nx, XX: xx, GT: gt, LT: lt, CH: ch }),
    ...list.flatMap(({ score, value }) => [score, value]),
  ]);
}

/** `XADD key [NOMKSTREAM] [MAXLEN|MINID ~ n] id field value ...`. */
export function xaddWords(
  key: Key,
  message: Readonly<Record<string, CallArgument>>,
  { id, maxlen, minid, nomkstream }: XaddOptions = {},
): Words {
  return wordsOf([
    "XADD",
    key,
    ...flags({ NOMKSTREAM: nomkstream }),
    ...(maxlen === undefined ? [] : ["MAXLEN", "~", maxlen]),
    ...(minid === undefined ? [] : ["MINID", "~", minid]),
    id ?? "*",
    ...Object.entries(message).flat(),
  ]);
}

function withNumber(word: string, value: number | undefined): CallArgument[] {
  return value === undefined ? [] : [word, value];
}

function flags(named: Readonly<Record<string, boolean | undefined>>): string[] {
  return Object.keys(named).filter((name) => named[name] === true);
}
