/**
 * All of a keyspace as plain JSON, asked for through our own commands as a client would ask a server: the
 * form in which readouts of real servers lie beside recorded snapshots. Long values are the digest of their
 * JSON as Python writes it.
 *
 * @module
 */

import { createHash } from "node:crypto";
import type { Keyspace } from "../../../src/store/keyspace/keyspace.ts";
import { Engine } from "../../commands/engine.ts";
import { ErrorValue, readReply, type Reply } from "../../support/resp.ts";
import { textOf } from "../../support/bytes.ts";

/** What JSON can hold. */
export type Json = null | boolean | number | string | readonly Json[] | { [name: string]: Json };

/** One key. */
export interface ReadKey {
  readonly type: string;
  readonly expires: number;
  readonly value: Json;
  /** Of a hash's fields or the key itself, where a readout says it. */
  readonly first_expiry?: number;
}

/** A whole dataset. */
export interface Readout {
  readonly dbs: Record<string, { readonly dbsize: number; readonly keys: Record<string, ReadKey> }>;
  readonly functions: Json;
}

const SHRINK_OVER = 400;
const FIELDS_AT_ONCE = 500;
const NOW_MS = Date.now();
const STREAM_FIELDS = [
  "length",
  "last-generated-id",
  "max-deleted-entry-id",
  "entries-added",
  "recorded-first-entry-id",
];

/** The readout of a keyspace as it physically is: keys that have expired are read as well. */
export function readoutOf(keyspace: Keyspace): Readout {
  const asker = new Asker(keyspace);
  const dbs: Record<string, { dbsize: number; keys: Record<string, ReadKey> }> = {};
  for (const index of keyspace.indexes()) {
    asker.engine.select(index);
    const keys: Record<string, ReadKey> = {};
    for (const key of asker.list("KEYS", "*")) {
      keys[textOf(key as Uint8Array)] = readKey(asker, key as Uint8Array);
    }
    dbs[String(index)] = { dbsize: Number(asker.ask("DBSIZE")), keys };
  }
  return { dbs, functions: readFunctions(asker) };
}

class Asker {
  readonly engine: Engine;

  constructor(keyspace: Keyspace) {
    this.engine = new Engine("stream", () => 0.5, keyspace);
  }

  ask(...args: (string | Uint8Array)[]): Reply {
    const bytes = this.engine.raw(args);
    const reply = readReply(bytes, 0, bytes.length);
    if (reply === undefined || reply.value instanceof ErrorValue) {
      throw new Error(`${textOfArg(args[0])} answers ${textOf(bytes.subarray(0, 200))}`);
    }
    return reply.value;
  }

  list(...args: (string | Uint8Array)[]): Reply[] {
    const reply = this.ask(...args);
    if (!Array.isArray(reply)) throw new Error(`${textOfArg(args[0])} answers no array`);
    return reply;
  }
}

function textOfArg(arg: string | Uint8Array): string {
  return typeof arg === "string" ? arg : textOf(arg);
}

function readKey(asker: Asker, key: Uint8Array): ReadKey {
  const type = String(asker.ask("TYPE", key));
  const expires = Number(asker.ask("PEXPIRETIME", key));
  return { type, expires, value: shrink(readValue(asker, key, type)) };
}

function readValue(asker: Asker, key: Uint8Array, type: string): Json {
  switch (type) {
    case "string":
      return json(asker.ask("GET", key));
    case "list":
      return json(asker.ask("LRANGE", key, "0", "-1"));
    case "set":
      return (asker.list("SMEMBERS", key).map(json) as string[]).sort(compareText);
    case "zset": {
      const pairs = pairsOf(asker.list("ZRANGE", key, "0", "-1", "WITHSCORES"));
      return pairs.map(([member, score]) => [json(member), floatText(Number(cFloat(score)))]);
    }
    case "hash":
      return readHash(asker, key);
    case "stream":
      return readStream(asker, key);
    default:
      return null;
  }
}

/** As a reader sees it: fields whose time is over are hidden, and nothing can tell that they are there. */
function readHash(asker: Asker, key: Uint8Array): Json {
  const { engine } = asker;
  engine.at(NOW_MS);
  engine.become("replica");
  try {
    return readFields(asker, key);
  } finally {
    engine.become("stream");
  }
}

function readFields(asker: Asker, key: Uint8Array): Json {
  const pairs = pairsOf(asker.list("HGETALL", key));
  const items: [string, string, number][] = [];
  for (let from = 0; from < pairs.length; from += FIELDS_AT_ONCE) {
    const some = pairs.slice(from, from + FIELDS_AT_ONCE);
    const fields = some.map(([field]) => field as Uint8Array);
    const times = asker.list("HPEXPIRETIME", key, "FIELDS", String(fields.length), ...fields);
    some.forEach(([field, value], i) =>
      items.push([json(field) as string, json(value) as string, Number(times[i])])
    );
  }
  return items.sort((a, b) => compareText(a[0], b[0]));
}

function readStream(asker: Asker, key: Uint8Array): Json {
  const full = named(asker.list("XINFO", "STREAM", key, "FULL", "COUNT", "0"));
  const value: { [name: string]: Json } = {};
  for (const name of STREAM_FIELDS) if (name in full) value[name] = json(full[name]);
  value.entries = json(asker.list("XRANGE", key, "-", "+"));
  const groups = (full.groups as Reply[]).map((group) => readGroup(named(group as Reply[])));
  value.groups = groups.sort((a, b) => compareText(a.name as string, b.name as string));
  return value;
}

function readGroup(raw: Record<string, Reply>): { [name: string]: Json } {
  const consumers = (raw.consumers as Reply[]).map((one) => {
    const fields = named(one as Reply[]);
    const consumer: { [name: string]: Json } = {
      name: json(fields.name),
      pending: json(fields.pending),
    };
    for (const name of ["seen-time", "active-time"]) {
      if (name in fields) consumer[name] = json(fields[name]);
    }
    return consumer;
  });
  return {
    name: json(raw.name),
    "last-delivered-id": json(raw["last-delivered-id"]),
    "entries-read": json(raw["entries-read"]),
    pending: json(raw.pending),
    consumers: consumers.sort((a, b) => compareText(a.name as string, b.name as string)),
  };
}

function readFunctions(asker: Asker): Json {
  const libraries = asker.list("FUNCTION", "LIST", "WITHCODE").map((library) => {
    const fields = named(library as Reply[]);
    const functions = (fields.functions as Reply[]).map((one) => {
      const { name, description, flags } = named(one as Reply[]);
      return [json(name), json(description), (json(flags) as string[]).sort(compareText)];
    });
    return {
      name: json(fields.library_name),
      engine: String(json(fields.engine)).toUpperCase(),
      functions: functions.sort((a, b) => compareText(a[0] as string, b[0] as string)),
      code: json(fields.library_code),
    };
  });
  return libraries.sort((a, b) => compareText(a.name as string, b.name as string));
}

function pairsOf(list: readonly Reply[]): [Reply, Reply][] {
  return Array.from({ length: list.length / 2 }, (_, i) => [list[2 * i], list[2 * i + 1]]);
}

function named(list: readonly Reply[]): Record<string, Reply> {
  return Object.fromEntries(pairsOf(list).map(([name, value]) => [String(json(name)), value]));
}

function json(reply: Reply): Json {
  if (reply instanceof Uint8Array) return textOf(reply);
  if (Array.isArray(reply)) return reply.map(json);
  if (typeof reply === "bigint") return Number(reply);
  if (reply === null || typeof reply === "number" || typeof reply === "string") return reply;
  throw new Error(`A reply of another kind: ${String(reply)}`);
}

function cFloat(score: Reply): string {
  const text = String(json(score));
  return text.replace(/inf$/, "Infinity");
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** A number as Python's repr() spells a float. */
function floatText(value: number): string {
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (Object.is(value, -0)) return "-0.0";
  const [digits, exponent] = value.toExponential().split("e");
  const power = Number(exponent);
  if (power < -4 || power >= 16) {
    const sign = power < 0 ? "-" : "+";
    return `${digits}e${sign}${String(Math.abs(power)).padStart(2, "0")}`;
  }
  const text = value.toFixed(Math.max(0, digits.replace(/[-.]/g, "").length - 1 - power));
  return text.includes(".") ? text : `${text}.0`;
}

function shrink(value: Json): Json {
  if (value === null || typeof value !== "object") return shrinkLong(value);
  if (Array.isArray(value) || !("groups" in value)) return shrinkLong(value);
  const stream = value as { [name: string]: Json };
  for (const group of stream.groups as { [name: string]: Json }[]) {
    group.pending = shrinkLong(group.pending);
    for (const consumer of group.consumers as { [name: string]: Json }[]) {
      consumer.pending = shrinkLong(consumer.pending);
    }
  }
  stream.entries = shrinkLong(stream.entries);
  return stream;
}

function shrinkLong(value: Json): Json {
  const raw = pythonJson(value);
  if (raw.length <= SHRINK_OVER) return value;
  const sha256 = createHash("sha256").update(raw).digest("hex").slice(0, 32);
  const items = typeof value === "string" || Array.isArray(value) ? value.length : 0;
  return { sha256, items, bytes: raw.length };
}

/** As `json.dumps(value, sort_keys=True, separators=(",", ":"))`. */
function pythonJson(value: Json): string {
  return JSON.stringify(value).replace(
    /[\x7f-\uffff]/g,
    (letter) => "\\u" + letter.charCodeAt(0).toString(16).padStart(4, "0"),
  );
}

/** When a key or the first of its fields expires; undefined for never. */
function firstExpiry(key: ReadKey): number | undefined {
  if (key.first_expiry !== undefined) return key.first_expiry;
  const times = key.expires > 0 ? [key.expires] : [];
  if (key.type === "hash" && Array.isArray(key.value)) {
    for (const field of key.value) times.push(Number((field as readonly Json[])[2]));
  }
  const due = times.filter((time) => time > 0);
  return due.length > 0 ? Math.min(...due) : undefined;
}

/**
 * Where two readouts differ, in words. Keys whose time was over when the expected one was taken do not
 * count, nor does what only a newer server knows of a stream's consumers.
 */
export function differences(expected: Readout, got: Readout, nowMs: number): string[] {
  const found: string[] = [];
  const none = { dbsize: 0, keys: {} };
  for (const db of new Set([...Object.keys(expected.dbs), ...Object.keys(got.dbs)])) {
    const left = expected.dbs[db] ?? none;
    const right = got.dbs[db] ?? none;
    let stale = 0;
    for (const name of new Set([...Object.keys(left.keys), ...Object.keys(right.keys)])) {
      const a = left.keys[name] as ReadKey | undefined;
      const b = right.keys[name] as ReadKey | undefined;
      const first = firstExpiry(a ?? b!);
      if (first !== undefined && first < nowMs) stale++;
      else found.push(...compareKeys(`${db}/${name}`, a, b));
    }
    if (stale === 0 && left.dbsize !== right.dbsize) {
      found.push(`database ${db} has ${right.dbsize} keys, expected ${left.dbsize}`);
    }
  }
  const functions = pythonJson(sorted(expected.functions));
  const isSame = functions === pythonJson(sorted(got.functions));
  if (expected.functions !== null && !isSame) found.push(`functions are not ${functions}`);
  return found;
}

function compareKeys(name: string, a: ReadKey | undefined, b: ReadKey | undefined): string[] {
  if (a === undefined || b === undefined) return [`${name} is ${a ? "missing" : "not expected"}`];
  if (a.type !== b.type) return [`${name} is a ${b.type}, expected ${a.type}`];
  if (a.expires !== b.expires) return [`${name} expires at ${b.expires}, expected ${a.expires}`];
  if (a.type === "vectorset") return [];
  const left = pythonJson(sorted(a.value));
  const right = pythonJson(sorted(b.value));
  if (left === right) return [];
  return [`${name} (${a.type}) is ${right.slice(0, 300)}, expected ${left.slice(0, 300)}`];
}

/** Names of every object in one order. */
function sorted(value: Json): Json {
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map(sorted);
  const entries = Object.entries(value).sort(([a], [b]) => compareText(a, b));
  return Object.fromEntries(entries.map(([name, one]) => [name, sorted(one)]));
}
