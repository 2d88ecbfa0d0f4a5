/**
 * A look at the keys for people: a page of those that match, and the beginning of one value.
 *
 * Both are bounded: a page passes over so many keys at most and says where to go on, a value is shown up to so many
 * elements and bytes.
 *
 * @module
 */

import { CommandError } from "../../commands/engine/errors.ts";
import type { Reader } from "../../read/reader.ts";
import { showBytes, toBase64Url } from "./json.ts";

/** Keys that one page shows. */
const PAGE_KEYS = 50;
/** Keys that a search passes over before it hands back what it has: about a millisecond. */
const PAGE_VISITS = 5000;
/** Elements of a value that are shown. */
const MAX_ELEMENTS = 100;
/** Bytes of a string, and of each element, that are shown. */
const MAX_BYTES = 4096;

/** One key of a page. */
export interface KeyLine {
  /** The key as text. */
  readonly key: string;
  /** The key's bytes as base64 for a URL. */
  readonly id: string;
  /** Its type as TYPE tells it. */
  readonly type: string;
  /** Milliseconds until it expires, -1 where it does not. */
  readonly ttlMs: number;
}

/** Some keys of a database. */
export interface KeyPage {
  /** Where the next page begins, "0" behind the last. */
  readonly cursor: string;
  /** Keys that match, in no order; perhaps none although more follow. */
  readonly keys: readonly KeyLine[];
}

/** One value, or its beginning. */
export interface KeyLook extends KeyLine {
  /** How it is kept, as OBJECT ENCODING tells it; undefined for values that are not read. */
  readonly encoding: string | undefined;
  /** Bytes of a string, elements of everything else; undefined for values that are not read. */
  readonly length: number | undefined;
  /** What the columns of `rows` are called. */
  readonly columns: readonly string[];
  /** The first elements, each a text a column. */
  readonly rows: readonly (readonly string[])[];
  /** Why the value cannot be shown; undefined where it is. */
  readonly problem: string | undefined;
}

/** A page of keys. @param match A glob pattern. @param cursor Where it begins, "0" for the first. */
export function listKeys(db: Reader, match: string, cursor: string): KeyPage {
  const keys: KeyLine[] = [];
  let next = cursor;
  let visits = 0;
  do {
    const reply = db.callBytes("SCAN", next, "MATCH", match, "COUNT", PAGE_KEYS);
    const [at, found] = reply as [Uint8Array, Uint8Array[]];
    next = showBytes(at);
    visits += PAGE_KEYS;
    for (const key of found) keys.push(lineOf(db, key));
  } while (next !== "0" && keys.length < PAGE_KEYS && visits < PAGE_VISITS);
  return { cursor: next, keys };
}

/** The beginning of a value; undefined where the key is not there. */
export function lookAt(db: Reader, key: Uint8Array): KeyLook | undefined {
  const line = lineOf(db, key);
  if (line.type === "none") return undefined;
  try {
    return { ...line, ...valueOf(db, key, line.type), problem: undefined };
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    const nothing = { encoding: undefined, length: undefined, columns: [], rows: [] };
    return { ...line, ...nothing, problem: error.message };
  }
}

function lineOf(db: Reader, key: Uint8Array): KeyLine {
  const ttlMs = db.pttl(key);
  const type = db.type(key) ?? "none";
  return { key: showBytes(key), id: toBase64Url(key), type, ttlMs: Math.max(-1, ttlMs) };
}

type ValueLook = Pick<KeyLook, "encoding" | "length" | "columns" | "rows">;

function valueOf(db: Reader, key: Uint8Array, type: string): ValueLook {
  const { bytes } = db;
  const encoding = bytes.object(key)?.encoding;
  const look = (
    length: number,
    columns: string[],
    rows: Iterable<readonly (Uint8Array | string)[]>,
  ) => {
    return { encoding, length, columns, rows: take(rows) };
  };
  switch (type) {
    case "string":
      return look(bytes.strlen(key), ["value"], [[bytes.getrange(key, 0, MAX_BYTES)]]);
    case "hash":
      return look(bytes.hlen(key), ["field", "value"], bytes.hscan(key));
    case "list":
      return look(bytes.llen(key), ["index", "value"], numbered(bytes.lvalues(key)));
    case "set":
      return look(bytes.scard(key), ["member"], single(bytes.sscan(key)));
    case "zset":
      return look(bytes.zcard(key), ["score", "member"], scored(bytes, key));
    case "stream":
      return look(bytes.xlen(key), ["id", "fields"], messages(bytes, key));
    case "vectorset":
      return look(Number(bytes.call("VCARD", key)), ["element"], single(elementsOf(bytes, key)));
    default:
      throw new CommandError(`ERR values of type ${type} are kept and not read`);
  }
}

/** The first rows as text. */
function take(rows: Iterable<readonly (Uint8Array | string)[]>): string[][] {
  const taken: string[][] = [];
  for (const row of rows) {
    taken.push(row.map(cell));
    if (taken.length === MAX_ELEMENTS) break;
  }
  return taken;
}

function cell(value: Uint8Array | string): string {
  if (typeof value === "string") return value.slice(0, MAX_BYTES);
  if (value.length <= MAX_BYTES) return showBytes(value);
  return `${showBytes(value.subarray(0, MAX_BYTES))}...`;
}

function* numbered(values: Iterable<Uint8Array>): Generator<[string, Uint8Array]> {
  let index = 0;
  for (const value of values) yield [String(index++), value];
}

function* single(values: Iterable<Uint8Array>): Generator<[Uint8Array]> {
  for (const value of values) yield [value];
}

function scored(bytes: Reader<Uint8Array>, key: Uint8Array): [string, Uint8Array][] {
  const members = bytes.zrange(key, 0, MAX_ELEMENTS - 1, { withScores: true });
  return members.map(({ value, score }) => [String(score), value]);
}

function* messages(bytes: Reader<Uint8Array>, key: Uint8Array): Generator<[string, string]> {
  for (const { id, message } of bytes.xrange(key, "-", "+", { count: MAX_ELEMENTS })) {
    const pairs = Object.entries(message).map(([field, value]) => `${field}: ${cell(value)}`);
    yield [id, pairs.join("\n")];
  }
}

function elementsOf(bytes: Reader<Uint8Array>, key: Uint8Array): Uint8Array[] {
  return bytes.callBytes("VRANGE", key, "-", "+", MAX_ELEMENTS) as Uint8Array[];
}
