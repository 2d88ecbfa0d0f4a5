/**
 * The string commands that read and write whole values and byte ranges (`t_string.c`). Commands that count
 * are in `number.ts`, those on bits in `bitmap.ts` and `bitfield.ts`.
 *
 * A string that is the canonical decimal text of an int64 is held as that integer (`Encoding.INT`); every
 * command here sees its digits.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { equalBytes } from "../../base/ascii.ts";
import { xxh3 } from "../../base/xxh3.ts";
import { BytesRef } from "../../base/byte_buffer.ts";
import { INT32_MAX } from "../../base/limits.ts";
import type { Argv } from "../../resp/argv.ts";
import { ReplyWriter } from "../../resp/writer.ts";
import type { Database } from "../../store/keyspace/database.ts";
import { expiryText, hasCome } from "../../store/memory/expiry.ts";
import { type Entry, NO_EXPIRY, ValueType } from "../../store/memory/record.ts";
import { growString, readString, setString, stringLength } from "../../store/types/string.ts";
import { isReversed, isWord, readInteger, textOf } from "../engine/args.ts";
import { type Command, command, DENYOOM, FAST, READONLY, WRITE } from "../engine/command.ts";
import { Caller, type Context } from "../engine/context.ts";
import {
  CommandError,
  DELEX_CONDITION,
  DELEX_NO_STRING,
  INVALID_NUMKEYS,
  NO_DIGEST,
  OFFSET_OUT_OF_RANGE,
  STRING_TOO_LONG,
  WRONG_PAIRS,
  wrongArity,
} from "../engine/errors.ts";
import { Condition, optionExpiry, options, parseOptions, Takes } from "./options.ts";
import { maxStringBytes } from "../engine/limits.ts";
import {
  AT_ONCE,
  findAgain,
  LONG_BYTES,
  readInSlices,
  STEP_BYTES,
  STEP_ELEMENTS,
  type Steps,
} from "../engine/long_read.ts";
import { checkType, lookup } from "../engine/lookup.ts";

/** Length of a digest: 64 bits. */
const DIGEST_DIGITS = 16;

/** Points at the bytes of the string that was read last; reused, since no command runs inside another. */
const value: BytesRef = new BytesRef();

/**
 * Sets key argument `key` to argument `text` and reports the change. `expireAtMs` is absolute, or
 * NO_EXPIRY.
 */
function store(ctx: Context, argv: Argv, key: number, text: number, expireAtMs: number): void {
  const { bytes, starts, ends } = argv;
  setString(ctx.db, bytes, starts[key], ends[key], bytes, starts[text], ends[text], expireAtMs);
  ctx.changed(argv, key);
}

/** Removes the entry of key argument 1 and reports the change. */
function removeEntry(ctx: Context, argv: Argv, entry: Entry): void {
  ctx.db.removeEntry(entry);
  ctx.changed(argv, 1);
}

/** Replies with an entry's string; with null for entry 0, a missing key. */
function replyString(ctx: Context, entry: Entry): void {
  if (entry === 0) return ctx.reply.null();
  readString(ctx.db, entry, value);
  ctx.reply.bulk(value.bytes, value.start, value.end);
}

/** Whether an entry's string equals argument `index` byte by byte. */
function equalsArgument(db: Database, entry: Entry, argv: Argv, index: number): boolean {
  readString(db, entry, value);
  const { bytes, starts, ends } = argv;
  return equalBytes(value.bytes, value.start, value.end, bytes, starts[index], ends[index]);
}

/** `GET key`: the string, null when the key is missing. O(1). */
const get = command("get", 2, READONLY | FAST, "RO.access@1", (ctx, argv) => {
  const entry = lookup(ctx, argv, 1, ValueType.STRING);
  if (entry === 0) return ctx.reply.null();
  readString(ctx.db, entry, value);
  const length = value.end - value.start;
  if (length > LONG_BYTES) return replyPart(ctx, argv, 0, length);
  ctx.reply.bulk(value.bytes, value.start, value.end);
});

/** Replies with bytes `[from, to)` of the long string at argument 1, in slices. */
function replyPart(ctx: Context, argv: Argv, from: number, to: number): void {
  readInSlices(ctx, argv, 1, 2, (own) => writePart(ctx, own, 1, from, to));
}

/** Replies with a part of the string at argument `key` in steps: a call in process gets it whole. */
function* writePart(ctx: Context, argv: Argv, key: number, from: number, to: number): Steps {
  const { reply } = ctx;
  if (!(reply instanceof ReplyWriter)) {
    readString(ctx.db, findAgain(ctx, argv, key, 1), value);
    return reply.bulk(value.bytes, value.start + from, value.start + to);
  }
  reply.beginBulk(to - from);
  for (let at = from; at < to;) {
    readString(ctx.db, findAgain(ctx, argv, key, 1), value);
    const next = Math.min(at + STEP_BYTES, to);
    reply.bulkPart(value.bytes, value.start + at, value.start + next, next === to);
    at = next;
    yield;
  }
}

/**
 * SET without options, the most frequent command of most streams. Only a stand-alone master looks the key
 * up first: an expired value must be deleted and its DEL propagated ahead of the SET.
 */
function setPlain(ctx: Context, argv: Argv): void {
  if (ctx.caller === Caller.MASTER_CLIENT) lookup(ctx, argv, 1);
  store(ctx, argv, 1, 2, NO_EXPIRY);
  ctx.reply.ok();
}

/**
 * Whether an entry's string has the digest at argument `index`, 16 hexadecimal digits in any case.
 *
 * @throws {CommandError} NO_DIGEST when the argument has another length.
 */
function hasDigest(db: Database, entry: Entry, argv: Argv, index: number): boolean {
  if (argv.lengthOf(index) !== DIGEST_DIGITS) throw new CommandError(NO_DIGEST);
  return digestOf(db, entry) === textOf(argv, index).toLowerCase();
}

/** The digest of an entry's string: its XXH3 hash in 16 hexadecimal digits. */
function digestOf(db: Database, entry: Entry): string {
  readString(db, entry, value);
  return xxh3(value.bytes, value.start, value.end).toString(16).padStart(DIGEST_DIGITS, "0");
}

/** Whether the conditions in {@linkcode options} hold for an entry, 0 for a missing key. */
function conditionHolds(ctx: Context, argv: Argv, entry: Entry): boolean {
  const { also, condition, matchIndex } = options;
  const holds = holdsFor(ctx.db, argv, entry, condition, matchIndex);
  return holds && (also === Condition.NONE || (entry !== 0) === (also === Condition.XX));
}

/** Whether one condition holds for an entry, 0 for a missing key. */
function holdsFor(
  db: Database,
  argv: Argv,
  entry: Entry,
  condition: Condition,
  matchIndex: number,
): boolean {
  switch (condition) {
    case Condition.NX:
      return entry === 0;
    case Condition.XX:
      return entry !== 0;
    case Condition.IFEQ:
      return entry !== 0 && equalsArgument(db, entry, argv, matchIndex);
    case Condition.IFNE:
      return entry === 0 || !equalsArgument(db, entry, argv, matchIndex);
    case Condition.IFDEQ:
      return entry !== 0 && hasDigest(db, entry, argv, matchIndex);
    case Condition.IFDNE:
      return entry === 0 || !hasDigest(db, entry, argv, matchIndex);
    default:
      return true;
  }
}

/**
 * SET with the options in {@linkcode options}, in the order of `t_string.c setGenericCommand`: the time is
 * checked before the key is looked up, GET replies with the old value even when the condition fails, and
 * the type matters only where the old value is read.
 */
function setGeneric(ctx: Context, argv: Argv): void {
  const expireAtMs = optionExpiry(ctx, argv, "set");
  // SET with PXAT, the most frequent form in a stream, does not depend on the old value: it saves the
  // lookup.
  const isBlind = options.condition === Condition.NONE && !options.get && !options.keepTtl;
  const entry = isBlind && ctx.caller !== Caller.MASTER_CLIENT ? 0 : lookup(ctx, argv, 1);
  const compares = options.matchIndex !== 0 && options.condition !== Condition.JUDGED;
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

/**
 * Propagates a SET with an absolute expiry, so that a replica that applies it later stores the same moment.
 */
function propagateSet(ctx: Context, argv: Argv, text: number, expireAtMs: number): void {
  ctx.propagateAs("SET", argv.at(1), argv.at(text), "PXAT", expiryText(expireAtMs));
}

/**
 * Propagates a SET without its GET option: a replica's reply is not read (`t_string.c setGenericCommand`).
 */
function propagateWithoutGet(ctx: Context, argv: Argv): void {
  const args: Uint8Array[] = [];
  for (let i = 0; i < argv.count; i++) {
    if (i < 3 || !isWord(argv, i, "GET")) args.push(argv.at(i));
  }
  ctx.propagateAs(...args);
}

/**
 * `SET key value [NX|XX|IFEQ v|IFNE v|IFDEQ d|IFDNE d] [GET] [EX s|PX ms|EXAT s|PXAT ms|KEEPTTL]`: replaces a value of any
 * type. Replies OK, null when the condition does not hold; with GET the old string, null when there was
 * none. O(1).
 */
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

/** `SETNX key value`: sets a missing key. Replies 1, or 0 when the key exists, whatever its type. O(1). */
const setnx = command("setnx", 3, WRITE | DENYOOM | FAST, "OW.insert@1", (ctx, argv) => {
  if (lookup(ctx, argv, 1) !== 0) return ctx.reply.integer(0);
  store(ctx, argv, 1, 2, NO_EXPIRY);
  ctx.reply.integer(1);
});

/**
 * SETEX and PSETEX, whose time is argument 2 and whose value argument 3.
 *
 * @param scale Milliseconds of one unit of the time.
 * @param name The command, for the error.
 */
function setexGeneric(ctx: Context, argv: Argv, scale: number, name: string): void {
  options.clear();
  options.expireWith(2, scale, true);
  const expireAtMs = optionExpiry(ctx, argv, name);
  if (ctx.caller === Caller.MASTER_CLIENT) lookup(ctx, argv, 1);
  store(ctx, argv, 1, 3, expireAtMs);
  ctx.reply.ok();
  if (ctx.caller === Caller.MASTER_CLIENT) propagateSet(ctx, argv, 3, expireAtMs);
}

/** `SETEX key seconds value`: SET with EX; the older form of it. O(1). */
const setex = command("setex", 4, WRITE | DENYOOM, "OW.update@1", (ctx, argv) => {
  setexGeneric(ctx, argv, 1000, "setex");
});

/** `PSETEX key milliseconds value`: SET with PX; the older form of it. O(1). */
const psetex = command("psetex", 4, WRITE | DENYOOM, "OW.update@1", (ctx, argv) => {
  setexGeneric(ctx, argv, 1, "psetex");
});

/** `GETSET key value`: sets the value, drops the expiry and replies with the old string, or null. O(1). */
const getset = command("getset", 3, WRITE | DENYOOM | FAST, "RW.access.update@1", (ctx, argv) => {
  replyString(ctx, lookup(ctx, argv, 1, ValueType.STRING));
  store(ctx, argv, 1, 2, NO_EXPIRY);
  if (ctx.caller === Caller.MASTER_CLIENT) ctx.propagateAs("SET", argv.at(1), argv.at(2));
});

/** `GETDEL key`: removes a string and replies with it; null when the key is missing. O(1). */
const getdel = command("getdel", 2, WRITE | FAST, "RW.access.delete@1", (ctx, argv) => {
  const entry = lookup(ctx, argv, 1, ValueType.STRING);
  replyString(ctx, entry);
  if (entry === 0) return;
  removeEntry(ctx, argv, entry);
  if (ctx.caller === Caller.MASTER_CLIENT) ctx.propagateAs("DEL", argv.at(1));
});

/**
 * The change GETEX makes after its reply. A stand-alone master propagates it as PERSIST, DEL or PEXPIREAT,
 * and deletes a key whose new time has passed; a master's stream stores such a time and waits for the
 * master's DEL.
 */
function changeExpiry(ctx: Context, argv: Argv, entry: Entry, expireAtMs: number): void {
  if (options.persist) {
    if (ctx.db.expireAtMs(entry) === NO_EXPIRY) return;
    ctx.db.setExpire(entry, NO_EXPIRY);
    ctx.changed(argv, 1);
    if (ctx.caller === Caller.MASTER_CLIENT) ctx.propagateAs("PERSIST", argv.at(1));
  } else if (ctx.caller === Caller.MASTER_CLIENT && hasCome(expireAtMs, ctx.nowMs)) {
    removeEntry(ctx, argv, entry);
    ctx.propagateAs("DEL", argv.at(1));
  } else {
    ctx.db.setExpire(entry, expireAtMs);
    ctx.changed(argv, 1);
    if (ctx.caller === Caller.MASTER_CLIENT) {
      ctx.propagateAs("PEXPIREAT", argv.at(1), expiryText(expireAtMs));
    }
  }
}

/**
 * `GETEX key [EX s|PX ms|EXAT s|PXAT ms|PERSIST]`: replies with the string, or null, and sets or drops its
 * expiry; without an option it leaves the expiry. O(1).
 *
 * As in `getexCommand`, the time is read after the lookup: a missing key replies null even to a bad time.
 */
const getex = command("getex", -2, WRITE | FAST, "RW.access.update@1", (ctx, argv) => {
  parseOptions(ctx, argv, 2, Takes.GETEX);
  const entry = lookup(ctx, argv, 1, ValueType.STRING);
  if (entry === 0) return ctx.reply.null();
  const expireAtMs = optionExpiry(ctx, argv, "getex");
  replyString(ctx, entry);
  if (options.persist || expireAtMs !== NO_EXPIRY) changeExpiry(ctx, argv, entry, expireAtMs);
});

/** Sets every pair from argument 1 on, for MSET and MSETNX; the last value of a repeated key stays. */
function storeAll(ctx: Context, argv: Argv): void {
  for (let i = 1; i < argv.count; i += 2) store(ctx, argv, i, i + 1, NO_EXPIRY);
}

/** @throws {CommandError} Wrong arity when the last key has no value. */
function checkPairs(argv: Argv, name: string): void {
  if (argv.count % 2 === 0) throw new CommandError(wrongArity(name));
}

/**
 * Whether any key exists among every second argument of `[first, end)`. All are looked up even after the
 * first hit: a stand-alone master deletes each one that has expired.
 */
function someExist(ctx: Context, argv: Argv, first: number, end: number): boolean {
  let found = false;
  for (let i = first; i < end; i += 2) if (lookup(ctx, argv, i) !== 0) found = true;
  return found;
}

/**
 * `MGET key [key ...]`: an array of strings, with null for keys that are missing or hold another type.
 * O(n).
 */
const mget = command("mget", -2, READONLY | FAST, "RO.access@1:-1", (ctx, argv) => {
  const { reply } = ctx;
  reply.array(argv.count - 1);
  const most = reply.position + LONG_BYTES;
  const end = Math.min(argv.count, AT_ONCE);
  for (let i = 1; i < end; i++) {
    const entry = lookupString(ctx, argv, i);
    const length = entry === 0 ? 0 : stringLength(ctx.db, entry);
    if (reply.position + length > most) {
      return readInSlices(ctx, argv, 1, argv.count, (own) => replyRest(ctx, own, i));
    }
    replyString(ctx, entry);
  }
  if (end < argv.count) readInSlices(ctx, argv, 1, argv.count, (own) => replyRest(ctx, own, end));
});

/** The entry of a key that holds a string, 0 of any other. */
function lookupString(ctx: Context, argv: Argv, index: number): Entry {
  const entry = lookup(ctx, argv, index);
  return entry !== 0 && ctx.db.typeOf(entry) === ValueType.STRING ? entry : 0;
}

/** Replies with the strings of the keys from argument `first` on, in steps. */
function* replyRest(ctx: Context, argv: Argv, first: number): Steps {
  let from = ctx.reply.position;
  for (let i = first, left = STEP_ELEMENTS; i < argv.count; i++) {
    const entry = lookupString(ctx, argv, i);
    const length = entry === 0 ? 0 : stringLength(ctx.db, entry);
    if (length > LONG_BYTES) yield* writePart(ctx, argv, i, 0, length);
    else replyString(ctx, entry);
    if (--left > 0 && ctx.reply.position - from < STEP_BYTES) continue;
    yield;
    left = STEP_ELEMENTS;
    from = ctx.reply.position;
  }
}

/** `MSET key value [key value ...]`: sets all keys, drops their expiries and replies OK. O(n). */
const mset = command("mset", -3, WRITE | DENYOOM, "OW.update@1:-1,2", (ctx, argv) => {
  checkPairs(argv, "mset");
  if (ctx.caller === Caller.MASTER_CLIENT) someExist(ctx, argv, 1, argv.count);
  storeAll(ctx, argv);
  ctx.reply.ok();
});

/**
 * `MSETNX key value [key value ...]`: sets all keys and replies 1, or none and 0 when any of them exists.
 * O(n).
 */
const msetnx = command("msetnx", -3, WRITE | DENYOOM, "OW.insert@1:-1,2", (ctx, argv) => {
  checkPairs(argv, "msetnx");
  if (someExist(ctx, argv, 1, argv.count)) return ctx.reply.integer(0);
  storeAll(ctx, argv);
  ctx.reply.integer(1);
});

/**
 * MSETEX's argument 1, the number of key and value pairs that follow it.
 *
 * @throws {CommandError} When it is not positive or fewer arguments follow.
 */
function readPairCount(argv: Argv): number {
  const count = readInteger(argv, 1, INVALID_NUMKEYS);
  if (!(count > 0 && count <= INT32_MAX)) throw new CommandError(INVALID_NUMKEYS);
  if (count * 2 > argv.count - 2) throw new CommandError(WRONG_PAIRS);
  return count;
}

/** Whether NX or XX holds for all keys of MSETEX: NX when none exists, XX when every one does. */
function conditionOfAll(ctx: Context, argv: Argv, end: number): boolean {
  if (options.condition === Condition.NX) return !someExist(ctx, argv, 2, end);
  if (options.condition !== Condition.XX) return true;
  for (let i = 2; i < end; i += 2) if (lookup(ctx, argv, i) === 0) return false;
  return true;
}

/**
 * `MSETEX numkeys key value [key value ...] [NX|XX] [EX s|PX ms|EXAT s|PXAT ms|KEEPTTL]`: sets all keys
 * with one expiry and replies 1, or none and 0 when the condition does not hold. O(n). Since Redis 8.4.
 */
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
    // The time becomes an absolute one; NX or XX stays, as in `t_string.c msetexCommand`.
    const args: (string | Uint8Array)[] = ["MSETEX"];
    for (let i = 1; i < argv.count; i++) args.push(argv.at(i));
    args[options.timeIndex - 1] = "PXAT";
    args[options.timeIndex] = expiryText(expireAtMs);
    ctx.propagateAs(...args);
  },
);

/**
 * GETRANGE and SUBSTR (`t_string.c getrangeCommand`). A range whose ends both count from the string's end
 * and are in the wrong order is empty before it is clipped; any other is clipped to the string first.
 */
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
  if (end - start >= LONG_BYTES) return replyPart(ctx, argv, start, end + 1);
  ctx.reply.bulk(value.bytes, value.start + start, value.start + end + 1);
}

/**
 * `GETRANGE key start end`: the bytes from `start` to `end`, both included; negative offsets count from -1,
 * the last byte. An empty string when the range or the key holds nothing. O(length of the part).
 */
const getrange = command("getrange", 4, READONLY, "RO.access@1", getrangeGeneric);

/** `SUBSTR key start end`: the old name of GETRANGE, still accepted. O(length of the part). */
const substr = command("substr", 4, READONLY, "RO.access@1", getrangeGeneric);

/**
 * Copies argument `index` to byte `offset` of a string that `growString` has made long enough. Up to 32
 * bytes are copied in a loop: `set(subarray)` costs about 30 ns whatever the length.
 */
function writeInto(ctx: Context, entry: Entry, offset: number, argv: Argv, index: number): void {
  ctx.db.valueRef(entry, value);
  const { bytes, starts, ends } = argv;
  const at = value.start + offset;
  assert(at + ends[index] - starts[index] <= value.end, "the string has room for the bytes");
  if (ends[index] - starts[index] > 32) {
    value.bytes.set(bytes.subarray(starts[index], ends[index]), at);
    return;
  }
  const target = value.bytes;
  for (let i = starts[index], to = at; i < ends[index]; i++) target[to++] = bytes[i];
}

/**
 * `SETRANGE key offset value`: overwrites the bytes from `offset` on; a gap behind the old end becomes
 * zeros. Replies with the new length. An empty value changes nothing and creates no key. O(length of
 * value).
 */
const setrange = command("setrange", 4, WRITE | DENYOOM, "RW.update@1", (ctx, argv) => {
  const offset = readInteger(argv, 2);
  if (offset < 0) throw new CommandError(OFFSET_OUT_OF_RANGE);
  const entry = lookup(ctx, argv, 1);
  if (entry !== 0) checkType(ctx.db, entry, ValueType.STRING);
  const length = entry === 0 ? 0 : stringLength(ctx.db, entry);
  const added = argv.lengthOf(3);
  if (added === 0) return ctx.reply.integer(length);
  if (offset + added > maxStringBytes(ctx)) throw new CommandError(STRING_TOO_LONG);
  const end = Math.max(length, offset + added);
  const grown = growString(ctx.db, argv.bytes, argv.starts[1], argv.ends[1], end);
  writeInto(ctx, grown, offset, argv, 3);
  ctx.changed(argv, 1);
  ctx.reply.integer(end);
});

/** `STRLEN key`: the length in bytes, 0 when the key is missing. O(1). */
const strlen = command("strlen", 2, READONLY | FAST, "RO@1", (ctx, argv) => {
  const entry = lookup(ctx, argv, 1, ValueType.STRING);
  ctx.reply.integer(entry === 0 ? 0 : stringLength(ctx.db, entry));
});

/**
 * `APPEND key value`: adds bytes at the end, or sets a missing key. Replies with the new length. O(length
 * of value).
 */
const append = command("append", 3, WRITE | DENYOOM | FAST, "RW.insert@1", (ctx, argv) => {
  const added = argv.lengthOf(2);
  const entry = lookup(ctx, argv, 1, ValueType.STRING);
  if (entry === 0) {
    store(ctx, argv, 1, 2, NO_EXPIRY);
    return ctx.reply.integer(added);
  }
  const length = stringLength(ctx.db, entry);
  if (length + added > maxStringBytes(ctx)) throw new CommandError(STRING_TOO_LONG);
  const grown = growString(ctx.db, argv.bytes, argv.starts[1], argv.ends[1], length + added);
  writeInto(ctx, grown, length, argv, 2);
  ctx.changed(argv, 1);
  ctx.reply.integer(length + added);
});

/**
 * Removes an existing key when `holds`, for DELIFEQ and DELEX. Replies 1 when it did, else 0; propagates a
 * DEL.
 */
function deleteIf(ctx: Context, argv: Argv, entry: Entry, holds: boolean): void {
  if (!holds || entry === 0) return ctx.reply.integer(0);
  removeEntry(ctx, argv, entry);
  ctx.reply.integer(1);
  if (ctx.caller === Caller.MASTER_CLIENT) ctx.propagateAs("DEL", argv.at(1));
}

/**
 * `DELIFEQ key value`: removes a key whose string equals `value`. Replies 1 when it did, else 0. O(1).
 * Valkey 9.
 */
const delifeq = command("delifeq", 3, WRITE | FAST, "RM.delete@1", (ctx, argv) => {
  const entry = lookup(ctx, argv, 1, ValueType.STRING);
  deleteIf(ctx, argv, entry, entry !== 0 && equalsArgument(ctx.db, entry, argv, 2));
});

/**
 * `DELEX key [IFEQ v|IFNE v|IFDEQ d|IFDNE d]`: removes a key when the condition holds; without one it
 * removes a key of any type. Replies 1 when it did, else 0. O(1). Since Redis 8.4.
 */
const delex = command("delex", -2, WRITE | FAST, "RW.delete.variable_flags@1", (ctx, argv) => {
  if (argv.count !== 2 && argv.count !== 4) throw new CommandError(wrongArity("delex"));
  const entry = lookup(ctx, argv, 1);
  if (argv.count === 2 || entry === 0) return deleteIf(ctx, argv, entry, true);
  if (ctx.db.typeOf(entry) !== ValueType.STRING) throw new CommandError(DELEX_NO_STRING);
  const condition = readCondition(argv, 2);
  // A master sends it only when the condition held.
  const judged = ctx.caller === Caller.MASTER_STREAM;
  deleteIf(ctx, argv, entry, judged || holdsFor(ctx.db, argv, entry, condition, 3));
});

/** The condition of DELEX at argument `index`. */
function readCondition(argv: Argv, index: number): Condition {
  if (isWord(argv, index, "IFEQ")) return Condition.IFEQ;
  if (isWord(argv, index, "IFNE")) return Condition.IFNE;
  if (isWord(argv, index, "IFDEQ")) return Condition.IFDEQ;
  if (isWord(argv, index, "IFDNE")) return Condition.IFDNE;
  throw new CommandError(DELEX_CONDITION);
}

/** `DIGEST key`: 16 hexadecimal digits of a string's XXH3 hash, null when the key is missing. O(n). Since 8.4. */
const digest = command("digest", 2, READONLY | FAST, "RO.access@1", (ctx, argv) => {
  const entry = lookup(ctx, argv, 1, ValueType.STRING);
  if (entry === 0) return ctx.reply.null();
  ctx.reply.bulkText(digestOf(ctx.db, entry));
});

/** What `commands/table.ts` takes from this file: a row that is missing here answers nobody. */
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
  digest,
];
