/**
 * Strings as whole values, ranges and numbers. Bits of strings are in `bitmap.ts`, what strings have in
 * common in `lcs.ts`.
 *
 * @module
 */

import { equalBytes } from "../../base/ascii.ts";
import { BytesRef } from "../../base/byte_buffer.ts";
import type { Argv } from "../../resp/argv.ts";
import type { Database } from "../../store/keyspace/database.ts";
import { type Entry, NO_EXPIRY, ValueType } from "../../store/memory/record.ts";
import { growString, readString, setString, stringLength } from "../../store/types/string.ts";
import { isReversed, isWord, millisText, readInteger } from "../engine/args.ts";
import { type Command, command, DENYOOM, FAST, READONLY, WRITE } from "../engine/command.ts";
import { Caller, type Context } from "../engine/context.ts";
import {
  CommandError,
  INVALID_NUMKEYS,
  OFFSET_OUT_OF_RANGE,
  STRING_TOO_LONG,
  SYNTAX,
  wrongArity,
} from "../engine/errors.ts";
import { Condition, optionExpiry, options, parseOptions, Takes } from "./options.ts";
import { checkType, lookup } from "../engine/lookup.ts";

/** Redis's `proto-max-bulk-len`. */
const MAX_STRING = 512 * 1024 * 1024;
const INT32_MAX = 0x7fffffff;

const value: BytesRef = new BytesRef();

function store(ctx: Context, argv: Argv, key: number, text: number, expireAtMs: number): void {
  const { bytes, starts, ends } = argv;
  setString(ctx.db, bytes, starts[key], ends[key], bytes, starts[text], ends[text], expireAtMs);
  ctx.changed(argv, key);
}

function removeEntry(ctx: Context, argv: Argv, entry: Entry): void {
  ctx.db.removeEntry(entry);
  ctx.changed(argv, 1);
}

function replyString(ctx: Context, entry: Entry): void {
  if (entry === 0) return ctx.reply.null();
  readString(ctx.db, entry, value);
  ctx.reply.bulk(value.bytes, value.start, value.end);
}

function equalsArgument(db: Database, entry: Entry, argv: Argv, index: number): boolean {
  readString(db, entry, value);
  const { bytes, starts, ends } = argv;
  return equalBytes(value.bytes, value.start, value.end, bytes, starts[index], ends[index]);
}

/** `GET key`: the string, or null. O(1). */
const get = command("get", 2, READONLY | FAST, "RO.access@1", (ctx, argv) => {
  replyString(ctx, lookup(ctx, argv, 1, ValueType.STRING));
});

/** SET without options: most of any stream. Only a master has to look at what was there. */
function setPlain(ctx: Context, argv: Argv): void {
  if (ctx.caller === Caller.MASTER_CLIENT) lookup(ctx, argv, 1);
  store(ctx, argv, 1, 2, NO_EXPIRY);
  ctx.reply.ok();
}

/** Whether what is at the key lets a SET go on. The master has judged digests, which are not kept here. */
function conditionHolds(ctx: Context, argv: Argv, entry: Entry): boolean {
  switch (options.condition) {
    case Condition.NX:
      return entry === 0;
    case Condition.XX:
      return entry !== 0;
    case Condition.IFEQ:
      return entry !== 0 && equalsArgument(ctx.db, entry, argv, options.matchIndex);
    case Condition.IFNE:
      return entry === 0 || !equalsArgument(ctx.db, entry, argv, options.matchIndex);
    default:
      return true;
  }
}

/** SET with options, all of them parsed into `options`. */
function setGeneric(ctx: Context, argv: Argv): void {
  const expireAtMs = optionExpiry(ctx, argv, "set");
  // What a stream sends most, SET with PXAT, need not know what was there: one look into memory less.
  const isBlind = options.condition === Condition.NONE && !options.get && !options.keepTtl;
  const entry = isBlind && ctx.caller !== Caller.MASTER_CLIENT ? 0 : lookup(ctx, argv, 1);
  const compares = options.condition === Condition.IFEQ || options.condition === Condition.IFNE;
  if (entry !== 0 && (options.get || compares)) checkType(ctx.db, entry, ValueType.STRING);
  if (options.get) replyString(ctx, entry);
  if (!conditionHolds(ctx, argv, entry)) {
    if (!options.get) ctx.reply.null();
    return;
  }
  const kept = options.keepTtl && entry !== 0 ? ctx.db.expireAtMs(entry) : expireAtMs;
  store(ctx, argv, 1, 2, kept);
  if (!options.get) ctx.reply.ok();
  if (ctx.caller !== Caller.MASTER_CLIENT) return;
  if (expireAtMs === NO_EXPIRY) {
    if (options.get) propagateWithoutGet(ctx, argv);
  } else if (options.relative || options.seconds) propagateSet(ctx, argv, 2, expireAtMs);
}

function propagateSet(ctx: Context, argv: Argv, text: number, expireAtMs: number): void {
  ctx.propagateAs("SET", argv.at(1), argv.at(text), "PXAT", millisText(expireAtMs));
}

function propagateWithoutGet(ctx: Context, argv: Argv): void {
  const args: Uint8Array[] = [];
  for (let i = 0; i < argv.count; i++) {
    if (i < 3 || !isWord(argv, i, "GET")) args.push(argv.at(i));
  }
  ctx.propagateAs(...args);
}

/** `SET key value [NX|XX|IFEQ v] [GET] [EX s|PX ms|EXAT s|PXAT ms|KEEPTTL]`: OK, the old value, or null. O(1). */
const set = command(
  "set",
  -3,
  WRITE | DENYOOM,
  "RW.access.update.variable_flags@1",
  (ctx, argv) => {
    if (argv.count === 3) return setPlain(ctx, argv);
    parseOptions(ctx, argv, 3, Takes.SET);
    setGeneric(ctx, argv);
  },
);

/** `SETNX key value`: 1 when the key was set, 0 when there was one. O(1). */
const setnx = command("setnx", 3, WRITE | DENYOOM | FAST, "OW.insert@1", (ctx, argv) => {
  if (lookup(ctx, argv, 1) !== 0) return ctx.reply.integer(0);
  store(ctx, argv, 1, 2, NO_EXPIRY);
  ctx.reply.integer(1);
});

/** SETEX and PSETEX: the time stands before the value. */
function setexGeneric(ctx: Context, argv: Argv, scale: number, name: string): void {
  options.clear();
  options.expireWith(2, scale, true);
  const expireAtMs = optionExpiry(ctx, argv, name);
  if (ctx.caller === Caller.MASTER_CLIENT) lookup(ctx, argv, 1);
  store(ctx, argv, 1, 3, expireAtMs);
  ctx.reply.ok();
  if (ctx.caller === Caller.MASTER_CLIENT) propagateSet(ctx, argv, 3, expireAtMs);
}

/** `SETEX key seconds value`: SET with EX. O(1). */
const setex = command("setex", 4, WRITE | DENYOOM, "OW.update@1", (ctx, argv) => {
  setexGeneric(ctx, argv, 1000, "setex");
});

/** `PSETEX key milliseconds value`: SET with PX. O(1). */
const psetex = command("psetex", 4, WRITE | DENYOOM, "OW.update@1", (ctx, argv) => {
  setexGeneric(ctx, argv, 1, "psetex");
});

/** `GETSET key value`: the old value, or null; any expiry is gone. O(1). */
const getset = command("getset", 3, WRITE | DENYOOM | FAST, "RW.access.update@1", (ctx, argv) => {
  replyString(ctx, lookup(ctx, argv, 1, ValueType.STRING));
  store(ctx, argv, 1, 2, NO_EXPIRY);
  if (ctx.caller === Caller.MASTER_CLIENT) ctx.propagateAs("SET", argv.at(1), argv.at(2));
});

/** `GETDEL key`: the value, or null; the key is gone. O(1). */
const getdel = command("getdel", 2, WRITE | FAST, "RW.access.delete@1", (ctx, argv) => {
  const entry = lookup(ctx, argv, 1, ValueType.STRING);
  replyString(ctx, entry);
  if (entry === 0) return;
  removeEntry(ctx, argv, entry);
  if (ctx.caller === Caller.MASTER_CLIENT) ctx.propagateAs("DEL", argv.at(1));
});

/** GETEX's change, after its reply. */
function changeExpiry(ctx: Context, argv: Argv, entry: Entry, expireAtMs: number): void {
  if (options.persist) {
    if (ctx.db.expireAtMs(entry) === NO_EXPIRY) return;
    ctx.db.setExpire(entry, NO_EXPIRY);
    ctx.changed(argv, 1);
    if (ctx.caller === Caller.MASTER_CLIENT) ctx.propagateAs("PERSIST", argv.at(1));
  } else if (ctx.caller === Caller.MASTER_CLIENT && expireAtMs <= ctx.nowMs) {
    removeEntry(ctx, argv, entry);
    ctx.propagateAs("DEL", argv.at(1));
  } else {
    ctx.db.setExpire(entry, expireAtMs);
    ctx.changed(argv, 1);
    if (ctx.caller === Caller.MASTER_CLIENT) {
      ctx.propagateAs("PEXPIREAT", argv.at(1), millisText(expireAtMs));
    }
  }
}

/** `GETEX key [EX s|PX ms|EXAT s|PXAT ms|PERSIST]`: the value, or null, and a new expiry. O(1). */
const getex = command("getex", -2, WRITE | FAST, "RW.access.update@1", (ctx, argv) => {
  parseOptions(ctx, argv, 2, Takes.GETEX);
  const entry = lookup(ctx, argv, 1, ValueType.STRING);
  if (entry === 0) return ctx.reply.null();
  const expireAtMs = optionExpiry(ctx, argv, "getex");
  replyString(ctx, entry);
  if (options.persist || expireAtMs !== NO_EXPIRY) changeExpiry(ctx, argv, entry, expireAtMs);
});

/** MSET and MSETNX after the checks. */
function storeAll(ctx: Context, argv: Argv): void {
  for (let i = 1; i < argv.count; i += 2) store(ctx, argv, i, i + 1, NO_EXPIRY);
}

/** MSET and MSETNX take whole pairs. */
function checkPairs(argv: Argv, name: string): void {
  if (argv.count % 2 === 0) throw new CommandError(wrongArity(name));
}

/** Looks every second argument up, so that a master deletes what has expired; whether one was there. */
function someExist(ctx: Context, argv: Argv, first: number, end: number): boolean {
  let found = false;
  for (let i = first; i < end; i += 2) if (lookup(ctx, argv, i) !== 0) found = true;
  return found;
}

/** `MGET key [key ...]`: the strings, null for what is missing or no string. O(n). */
const mget = command("mget", -2, READONLY | FAST, "RO.access@1:-1", (ctx, argv) => {
  ctx.reply.array(argv.count - 1);
  for (let i = 1; i < argv.count; i++) {
    const entry = lookup(ctx, argv, i);
    const isString = entry !== 0 && ctx.db.typeOf(entry) === ValueType.STRING;
    replyString(ctx, isString ? entry : 0);
  }
});

/** `MSET key value [key value ...]`: OK. O(n). */
const mset = command("mset", -3, WRITE | DENYOOM, "OW.update@1:-1,2", (ctx, argv) => {
  checkPairs(argv, "mset");
  if (ctx.caller === Caller.MASTER_CLIENT) someExist(ctx, argv, 1, argv.count);
  storeAll(ctx, argv);
  ctx.reply.ok();
});

/** `MSETNX key value [key value ...]`: 1 when all were set, 0 when one of them was there. O(n). */
const msetnx = command("msetnx", -3, WRITE | DENYOOM, "OW.insert@1:-1,2", (ctx, argv) => {
  checkPairs(argv, "msetnx");
  if (someExist(ctx, argv, 1, argv.count)) return ctx.reply.integer(0);
  storeAll(ctx, argv);
  ctx.reply.integer(1);
});

/** MSETEX's number of keys, whose pairs must be there. */
function readPairCount(argv: Argv): number {
  const count = readInteger(argv, 1, INVALID_NUMKEYS);
  if (!(count > 0 && count <= INT32_MAX)) throw new CommandError(INVALID_NUMKEYS);
  if (count * 2 > argv.count - 2) throw new CommandError(SYNTAX);
  return count;
}

function conditionOfAll(ctx: Context, argv: Argv, end: number): boolean {
  if (options.condition === Condition.NX) return !someExist(ctx, argv, 2, end);
  if (options.condition !== Condition.XX) return true;
  for (let i = 2; i < end; i += 2) if (lookup(ctx, argv, i) === 0) return false;
  return true;
}

/** `MSETEX numkeys key value [...] [NX|XX] [EX s|PX ms|EXAT s|PXAT ms|KEEPTTL]`: 1 when set, else 0. O(n). */
const msetex = command(
  "msetex",
  -4,
  WRITE | DENYOOM,
  "OW.update@1:n0,1,2",
  (ctx, argv) => {
    const end = 2 + readPairCount(argv) * 2;
    parseOptions(ctx, argv, end, Takes.MSETEX);
    const expireAtMs = optionExpiry(ctx, argv, "msetex");
    if (!conditionOfAll(ctx, argv, end)) return ctx.reply.integer(0);
    for (let i = 2; i < end; i += 2) {
      const entry = ctx.caller === Caller.MASTER_CLIENT || options.keepTtl
        ? lookup(ctx, argv, i)
        : 0;
      const kept = options.keepTtl && entry !== 0 ? ctx.db.expireAtMs(entry) : expireAtMs;
      store(ctx, argv, i, i + 1, kept);
    }
    ctx.reply.integer(1);
    if (ctx.caller !== Caller.MASTER_CLIENT || !(options.relative || options.seconds)) return;
    // Only the time is put otherwise: conditions go along.
    const args: (string | Uint8Array)[] = ["MSETEX"];
    for (let i = 1; i < argv.count; i++) args.push(argv.at(i));
    args[options.timeIndex - 1] = "PXAT";
    args[options.timeIndex] = millisText(expireAtMs);
    ctx.propagateAs(...args);
  },
);

/** GETRANGE and SUBSTR. */
function getrangeGeneric(ctx: Context, argv: Argv): void {
  let start = readInteger(argv, 2);
  let end = readInteger(argv, 3);
  const entry = lookup(ctx, argv, 1, ValueType.STRING);
  if (entry === 0) return ctx.reply.bulkText("");
  readString(ctx.db, entry, value);
  const length = value.end - value.start;
  if (isReversed(argv, 2, start, end)) return ctx.reply.bulkText("");
  if (start < 0) start = Math.max(0, length + start);
  if (end < 0) end = Math.max(0, length + end);
  end = Math.min(end, length - 1);
  if (start > end) return ctx.reply.bulkText("");
  ctx.reply.bulk(value.bytes, value.start + start, value.start + end + 1);
}

/** `GETRANGE key start end`: that part of the string, both ends included. O(length of the part). */
const getrange = command("getrange", 4, READONLY, "RO.access@1", getrangeGeneric);

/** `SUBSTR key start end`: GETRANGE's old name. O(length of the part). */
const substr = command("substr", 4, READONLY, "RO.access@1", getrangeGeneric);

/** Copies an argument into a string that has room for it; its entry comes from `growString`. */
function writeInto(ctx: Context, entry: Entry, offset: number, argv: Argv, index: number): void {
  ctx.db.valueRef(entry, value);
  const { bytes, starts, ends } = argv;
  const at = value.start + offset;
  if (ends[index] - starts[index] > 32) {
    value.bytes.set(bytes.subarray(starts[index], ends[index]), at);
    return;
  }
  const target = value.bytes;
  for (let i = starts[index], to = at; i < ends[index]; i++) target[to++] = bytes[i];
}

/** `SETRANGE key offset value`: overwrites from there on, zeros before it; the new length. O(length of value). */
const setrange = command("setrange", 4, WRITE | DENYOOM, "RW.update@1", (ctx, argv) => {
  const offset = readInteger(argv, 2);
  if (offset < 0) throw new CommandError(OFFSET_OUT_OF_RANGE);
  const entry = lookup(ctx, argv, 1);
  if (entry !== 0) checkType(ctx.db, entry, ValueType.STRING);
  const length = entry === 0 ? 0 : stringLength(ctx.db, entry);
  const added = argv.lengthOf(3);
  if (added === 0) return ctx.reply.integer(length);
  if (offset + added > MAX_STRING) throw new CommandError(STRING_TOO_LONG);
  const end = Math.max(length, offset + added);
  const grown = growString(ctx.db, argv.bytes, argv.starts[1], argv.ends[1], end);
  writeInto(ctx, grown, offset, argv, 3);
  ctx.changed(argv, 1);
  ctx.reply.integer(end);
});

/** `STRLEN key`: its length in bytes, 0 when the key is missing. O(1). */
const strlen = command("strlen", 2, READONLY | FAST, "RO@1", (ctx, argv) => {
  const entry = lookup(ctx, argv, 1, ValueType.STRING);
  ctx.reply.integer(entry === 0 ? 0 : stringLength(ctx.db, entry));
});

/** `APPEND key value`: the new length. O(length of value). */
const append = command("append", 3, WRITE | DENYOOM | FAST, "RW.insert@1", (ctx, argv) => {
  const added = argv.lengthOf(2);
  const entry = lookup(ctx, argv, 1, ValueType.STRING);
  if (entry === 0) {
    store(ctx, argv, 1, 2, NO_EXPIRY);
    return ctx.reply.integer(added);
  }
  const length = stringLength(ctx.db, entry);
  if (length + added > MAX_STRING) throw new CommandError(STRING_TOO_LONG);
  const grown = growString(ctx.db, argv.bytes, argv.starts[1], argv.ends[1], length + added);
  writeInto(ctx, grown, length, argv, 2);
  ctx.changed(argv, 1);
  ctx.reply.integer(length + added);
});

/** Deletes the key when `holds`; 1 when it did. */
function deleteIf(ctx: Context, argv: Argv, entry: Entry, holds: boolean): void {
  if (!holds || entry === 0) return ctx.reply.integer(0);
  removeEntry(ctx, argv, entry);
  ctx.reply.integer(1);
  if (ctx.caller === Caller.MASTER_CLIENT) ctx.propagateAs("DEL", argv.at(1));
}

/** `DELIFEQ key value`: deletes the key if that is its string; 1 when it did. O(1). */
const delifeq = command("delifeq", 3, WRITE | FAST, "RM.delete@1", (ctx, argv) => {
  const entry = lookup(ctx, argv, 1, ValueType.STRING);
  deleteIf(ctx, argv, entry, entry !== 0 && equalsArgument(ctx.db, entry, argv, 2));
});

/** `DELEX key [IFEQ v|IFNE v|IFDEQ d|IFDNE d]`: deletes the key if the condition holds; 1 when it did. O(1). */
const delex = command("delex", -2, WRITE | FAST, "RW.update@1", (ctx, argv) => {
  parseOptions(ctx, argv, 2, Takes.DELEX);
  const entry = options.condition === Condition.NONE
    ? lookup(ctx, argv, 1)
    : lookup(ctx, argv, 1, ValueType.STRING);
  deleteIf(ctx, argv, entry, conditionHolds(ctx, argv, entry));
});

/** The family, in the order of its rows. */
export const stringCommands: readonly Command[] = [
  get,
  set,
  setnx,
  setex,
  psetex,
  getset,
  getdel,
  getex,
  mget,
  mset,
  msetnx,
  msetex,
  getrange,
  substr,
  setrange,
  strlen,
  append,
  delifeq,
  delex,
];
