/**
 * A key's value read by commands that everybody may run who may read, where the master refuses DUMP: what is asked, and
 * how a value is made of the replies.
 *
 * ```text
 *  string  GET               set   SMEMBERS               hash    HGETALL, EXISTS, HPEXPIRETIME of the fields it had
 *  list    LRANGE 0 -1       zset  ZRANGE 0 -1 WITHSCORES stream  XINFO STREAM FULL COUNT 0
 * ```
 *
 * @module
 */

import { encodeUtf8, latin1, parseDouble } from "../base/ascii.ts";
import { textOf } from "../client/connection.ts";
import type { Question } from "../replication/repair/master.ts";
import type { RespValue } from "../resp/types.ts";
import type { Database } from "../store/keyspace/database.ts";
import { expiryFromBigInt } from "../store/memory/expiry.ts";
import { NO_EXPIRY } from "../store/memory/record.ts";
import { IdPlace } from "../store/packed/id_table.ts";
import { parseUnsigned, parseUnsignedResult, StreamId } from "../store/packed/stream_id.ts";
import { hashCreate, hashExpect, hashSet } from "../store/types/hash.ts";
import { listPush } from "../store/types/list.ts";
import { setAdd, setCreate, setEncodingFor, setExpect } from "../store/types/set.ts";
import { keepStream } from "../store/types/small_stream.ts";
import { Stream } from "../store/types/stream.ts";
import { DELIVERIES, type Group, TIME, UNKNOWN } from "../store/types/stream_groups.ts";
import { setString } from "../store/types/string.ts";
import { Add, zsetAdd, zsetCreate } from "../store/types/zset.ts";

/** Elements that one step adds. */
const STEP_ELEMENTS = 256;
/** Expiry of the field that stands for all fields of a hash that reads hide: it has long passed. */
const LONG_PAST_MS = 1;
/** What HPEXPIRETIME answers of a field that is not there. */
const NO_FIELD = -2;

/** Makes a value under a name in steps; false where the replies do not fit together: it changed in between. */
export type Making = Generator<void, boolean, void>;

/** Names of a hash's fields; undefined where the master has no expiries of fields. */
export type FieldNames = readonly Uint8Array[] | undefined;

/** How values of one type are read. */
export interface TypeReading {
  /** What is asked of a key. @param fields Names of a hash's fields a moment ago; undefined where none expires. */
  ask(key: Uint8Array, fields: FieldNames): Question[];
  /** Makes the value of the replies. @param fields Those that were asked for. */
  make(db: Database, name: Uint8Array, replies: readonly RespValue[], fields: FieldNames): Making;
}

/** A reply that is no value of the type that was asked for. */
const CHANGED = "the value changed its type";

const READINGS: Readonly<Record<string, TypeReading>> = {
  string: {
    ask: (key) => [[["GET", key], "+get"]],
    *make(db, name, [reply]) {
      const value = bytesOf(reply);
      yield;
      setString(db, name, 0, name.length, value, 0, value.length, NO_EXPIRY);
      return true;
    },
  },
  list: { ask: (key) => [[["LRANGE", key, "0", "-1"], "+lrange"]], make: makeList },
  set: { ask: (key) => [[["SMEMBERS", key], "+smembers"]], make: makeSet },
  zset: {
    ask: (key) => [[["ZRANGE", key, "0", "-1", "WITHSCORES"], "+zrange"]],
    make: makeZset,
  },
  hash: {
    ask: askHash,
    make: makeHash,
  },
  stream: {
    ask: (key) => [[["XINFO", "STREAM", key, "FULL", "COUNT", "0"], "+xinfo|stream"]],
    make: makeStream,
  },
};

/** How values of a type are read; undefined for one that no command reads whole. */
export function readingOf(type: string): TypeReading | undefined {
  return Object.hasOwn(READINGS, type) ? READINGS[type] : undefined;
}

function* makeList(db: Database, name: Uint8Array, [reply]: readonly RespValue[]): Making {
  const elements = itemsOf(reply);
  let entry = 0;
  for (const [i, element] of elements.entries()) {
    const bytes = bytesOf(element);
    entry = listPush(db, entry, name, 0, name.length, false, bytes, [0], [bytes.length], 0, 1);
    if (i % STEP_ELEMENTS === STEP_ELEMENTS - 1) {
      yield;
      entry = db.find(name, 0, name.length);
    }
  }
  return true;
}

function* makeSet(db: Database, name: Uint8Array, [reply]: readonly RespValue[]): Making {
  const members = itemsOf(reply);
  const first = bytesOf(members[0]);
  const encoding = setEncodingFor(db, first, 0, first.length, members.length);
  let entry = setExpect(
    db,
    setCreate(db, name, 0, name.length, encoding),
    members.length,
  );
  for (const [i, member] of members.entries()) {
    const bytes = bytesOf(member);
    entry = setAdd(db, entry, bytes, 0, bytes.length);
    if (i % STEP_ELEMENTS === STEP_ELEMENTS - 1) {
      yield;
      entry = db.find(name, 0, name.length);
    }
  }
  return true;
}

function* makeZset(db: Database, name: Uint8Array, [reply]: readonly RespValue[]): Making {
  const pairs = itemsOf(reply);
  let longest = 0;
  for (let i = 0; i < pairs.length; i += 2) {
    longest = Math.max(longest, bytesOf(pairs[i]).length);
  }
  let entry = zsetCreate(db, name, 0, name.length, pairs.length >>> 1, longest);
  for (let i = 0; i < pairs.length; i += 2) {
    const [member, text] = [bytesOf(pairs[i]), bytesOf(pairs[i + 1])];
    const score = parseDouble(text, 0, text.length);
    if (Number.isNaN(score)) throw new Error("ZRANGE answered a score that is no number");
    entry = zsetAdd(db, entry, member, 0, member.length, score, Add.NONE);
    if (i % (2 * STEP_ELEMENTS) === 0) {
      yield;
      entry = db.find(name, 0, name.length);
    }
  }
  return true;
}

/** EXISTS tells a hash whose fields have all expired, which HGETALL hides, from one that is gone. */
function askHash(key: Uint8Array, fields: FieldNames): Question[] {
  const questions: Question[] = [[["HGETALL", key], "+hgetall"]];
  if (fields === undefined) return questions;
  questions.push([["EXISTS", key], "+exists"]);
  if (fields.length === 0) return questions;
  const count = String(fields.length);
  questions.push([["HPEXPIRETIME", key, "FIELDS", count, ...fields], "+hpexpiretime"]);
  return questions;
}

/** @param fields Those that were asked for their expiry: the hash must have the same, in any order. */
function* makeHash(
  db: Database,
  name: Uint8Array,
  [reply, , times]: readonly RespValue[],
  fields: FieldNames,
): Making {
  const pairs = itemsOf(reply);
  if (fields !== undefined && pairs.length !== 2 * fields.length) return false;
  const expiries = yield* expiriesOf(fields ?? [], times);
  if (expiries === undefined) return false;
  const longest = pairs.reduce((most: number, item) => Math.max(most, bytesOf(item).length), 0);
  let entry = hashExpect(db, hashCreate(db, name, 0, name.length), pairs.length >>> 1, longest);
  for (let i = 0; i < pairs.length; i += 2) {
    const [field, value] = [bytesOf(pairs[i]), bytesOf(pairs[i + 1])];
    const at = fields === undefined ? NO_EXPIRY : expiries.get(latin1(field));
    if (at === undefined) return false;
    entry = hashSet(db, entry, field, 0, field.length, value, 0, value.length, at);
    if (i % (2 * STEP_ELEMENTS) === 0) {
      yield;
      entry = db.find(name, 0, name.length);
    }
  }
  if (pairs.length === 0) {
    const nothing = new Uint8Array(0);
    hashSet(db, entry, nothing, 0, 0, nothing, 0, 0, LONG_PAST_MS);
  }
  return true;
}

/** Expiries of fields by their names; undefined where one has gone since the names were told. */
function* expiriesOf(
  fields: readonly Uint8Array[],
  times: RespValue | undefined,
): Generator<void, Map<string, number> | undefined, void> {
  const expiries = new Map<string, number>();
  if (fields.length === 0) return expiries;
  for (const [i, time] of itemsOf(times).entries()) {
    if (time === NO_FIELD) return undefined;
    if (typeof time !== "number" && typeof time !== "bigint") throw new Error(CHANGED);
    // Beyond 2^53 it is a bigint.
    expiries.set(latin1(fields[i]), time < 0 ? NO_EXPIRY : expiryFromBigInt(BigInt(time)));
    if (i % STEP_ELEMENTS === STEP_ELEMENTS - 1) yield;
  }
  return expiries;
}

function* makeStream(db: Database, name: Uint8Array, [reply]: readonly RespValue[]): Making {
  const told = fieldsOf(reply);
  const stream = new Stream();
  const id = new StreamId();
  for (const [i, entry] of itemsOf(told.get("entries")).entries()) {
    const [entryId, fields] = itemsOf(entry);
    readId(entryId, id);
    const words = itemsOf(fields).map(bytesOf);
    if (!stream.append(id, joined(words), 0, words.length, db.settings.limits)) return false;
    if (i % STEP_ELEMENTS === STEP_ELEMENTS - 1) yield;
  }
  readId(told.get("last-generated-id"), stream.lastId);
  if (told.has("max-deleted-entry-id")) {
    readId(told.get("max-deleted-entry-id"), stream.maxDeletedId);
  }
  const added = told.get("entries-added");
  if (typeof added === "number") stream.entriesAdded = added;
  for (const group of itemsOf(told.get("groups"))) {
    addGroup(stream, fieldsOf(group));
    yield;
  }
  keepStream(db, name, 0, name.length, stream);
  return true;
}

function addGroup(stream: Stream, told: ReadonlyMap<string, RespValue>): void {
  const name = bytesOf(told.get("name"));
  const group = stream.addGroup(name, 0, name.length);
  if (group === undefined) throw new Error("XINFO STREAM names a group twice");
  readId(told.get("last-delivered-id"), group.lastId);
  const read = told.get("entries-read");
  group.entriesRead = typeof read === "number" ? read : UNKNOWN;
  for (const consumer of itemsOf(told.get("consumers"))) {
    const consumerName = bytesOf(fieldsOf(consumer).get("name"));
    group.addConsumer(consumerName, 0, consumerName.length, 0);
  }
  // Its name was "pending" in 6.x, where it is also that of how many there are.
  const pending = told.get("pel") ?? told.get("pending");
  for (const row of itemsOf(pending)) addPending(group, itemsOf(row));
}

function addPending(group: Group, [entryId, owner, time, deliveries]: readonly RespValue[]): void {
  const id = new StreamId();
  const at = new IdPlace();
  readId(entryId, id);
  const name = bytesOf(owner);
  const consumer = group.consumer(name, 0, name.length);
  if (consumer === undefined) group.addReleased(id, at);
  else group.assign(id, consumer, at);
  group.pending.setNumber(at, TIME, Number(time));
  group.pending.setNumber(at, DELIVERIES, Number(deliveries));
}

/** An array of a reply; the same of a RESP3 set. */
function itemsOf(reply: RespValue | undefined): readonly RespValue[] {
  if (Array.isArray(reply)) return reply;
  throw new Error(CHANGED);
}

/** Names and values of a flat array. */
function fieldsOf(reply: RespValue | undefined): Map<string, RespValue> {
  const items = itemsOf(reply);
  const fields = new Map<string, RespValue>();
  for (let i = 0; i + 1 < items.length; i += 2) fields.set(textOf(items[i]), items[i + 1]);
  return fields;
}

function bytesOf(reply: RespValue | undefined): Uint8Array {
  if (reply instanceof Uint8Array) return reply;
  if (typeof reply === "string") return encodeUtf8(reply);
  throw new Error(CHANGED);
}

/** Words one behind the other, as the arguments of a command lie. */
function joined(
  words: readonly Uint8Array[],
): { bytes: Uint8Array; starts: number[]; ends: number[] } {
  const bytes = new Uint8Array(words.reduce((sum, word) => sum + word.length, 0));
  const [starts, ends]: [number[], number[]] = [[], []];
  let at = 0;
  for (const word of words) {
    bytes.set(word, at);
    starts.push(at);
    at += word.length;
    ends.push(at);
  }
  return { bytes, starts, ends };
}

function readId(reply: RespValue | undefined, out: StreamId): void {
  const bytes = bytesOf(reply);
  const dash = bytes.indexOf(0x2d);
  if (dash < 0 || !parseUnsigned(bytes, 0, dash)) throw new Error("XINFO STREAM names no id");
  const { high, low } = parseUnsignedResult;
  if (!parseUnsigned(bytes, dash + 1, bytes.length)) throw new Error("XINFO STREAM names no id");
  out.setWords(high, low, parseUnsignedResult.high, parseUnsignedResult.low);
}
