/**
 * Hashes whose fields expire: HEXPIRE, HTTL and their kin, HGETEX, HSETEX, HGETDEL. In the order of
 * checks and in the words of Redis 8.0.
 *
 * @module
 */

import type { Argv } from "../../resp/argv.ts";
import { type Entry, NO_EXPIRY } from "../../store/memory/record.ts";
import {
  hashKeepExpiries,
  hashLength,
  hashRemove,
  hashSet,
  hashSetExpiry,
  MAX_FIELD_EXPIRY,
} from "../../store/types/hash.ts";
import { isWord, readInteger, readPositive, textOf } from "../engine/args.ts";
import { type Command, command, DENYOOM, FAST, READONLY, WRITE } from "../engine/command.ts";
import { Caller, type Context } from "../engine/context.ts";
import {
  CommandError,
  FIELD_TIME_NEGATIVE,
  FIELDS_COUNT,
  FIELDS_MISSING,
  FIELDS_NUMBER,
  FIELDS_POSITIVE,
  HSETEX_FNX_FXX,
  HSETEX_NO_TIME,
  HSETEX_NUMBER,
  HSETEX_ONE_TIME,
  invalidExpire,
  unknownArgument,
  wrongArity,
} from "../engine/errors.ts";
import {
  findField,
  findFieldResult,
  hashChanged,
  lookupHash,
  openForSet,
  replyField,
} from "./args.ts";

const INT32_MAX = 0x7fffffff;
/** `HFE_MAX_ABS_TIME_MSEC`: a quarter of what 48 bits hold. */
const MAX_TIME_MS = 70368744177663;

/** What a condition asks of the expiry a field has: bits, as Valkey knows several at once. */
const Condition = { NX: 1, XX: 2, GT: 4, LT: 8 } as const;

/** Replies for one field. */
const Result = { NO_FIELD: -2, NO_EXPIRY: -1, REFUSED: 0, DONE: 1, DELETED: 2 } as const;

/** A unit of time and what it counts from. */
interface TimeForm {
  readonly scale: number;
  readonly absolute: boolean;
}

const SECONDS: TimeForm = { scale: 1000, absolute: false };
const MILLIS: TimeForm = { scale: 1, absolute: false };
const AT_SECONDS: TimeForm = { scale: 1000, absolute: true };
const AT_MILLIS: TimeForm = { scale: 1, absolute: true };

/** Argument `index` as absolute milliseconds. */
function readFieldTime(
  ctx: Context,
  argv: Argv,
  index: number,
  form: TimeForm,
  name: string,
): number {
  const value = readInteger(argv, index);
  if (value < 0) throw new CommandError(FIELD_TIME_NEGATIVE);
  const at = value * form.scale + (form.absolute ? 0 : ctx.nowMs);
  if (!(at <= MAX_TIME_MS) && ctx.caller !== Caller.MASTER_STREAM) {
    throw new CommandError(invalidExpire(name));
  }
  // Valkey has times beyond all others: as far away as there is a form for.
  return Math.min(at, MAX_FIELD_EXPIRY);
}

/**
 * Checks the list of fields that `FIELDS` at `index` begins, to the end of the arguments.
 *
 * @param numberError What is said of no number of fields.
 * @returns How many fields there are; the first is at `index + 2`.
 */
function readFields(argv: Argv, index: number, numberError: string): number {
  if (index >= argv.count || !isWord(argv, index, "FIELDS")) throw new CommandError(FIELDS_MISSING);
  if (index + 1 >= argv.count) throw new CommandError(numberError);
  const count = readPositive(argv, index + 1, numberError);
  if (count !== argv.count - index - 2) throw new CommandError(FIELDS_COUNT);
  return count;
}

/** The condition that a word names, 0 when it names none. */
function conditionAt(argv: Argv, index: number): number {
  if (index >= argv.count) return 0;
  if (isWord(argv, index, "NX")) return Condition.NX;
  if (isWord(argv, index, "XX")) return Condition.XX;
  if (isWord(argv, index, "GT")) return Condition.GT;
  return isWord(argv, index, "LT") ? Condition.LT : 0;
}

/** Whether a field with the expiry `old` may get another. */
function holds(conditions: number, old: number, at: number): boolean {
  const has = old !== NO_EXPIRY;
  if ((conditions & Condition.NX) !== 0 && has) return false;
  if ((conditions & Condition.XX) !== 0 && !has) return false;
  if ((conditions & Condition.GT) !== 0 && !(has && at > old)) return false;
  return (conditions & Condition.LT) === 0 || !has || at < old;
}

/** What was done to the fields of one hash, for those that follow. */
class FieldChanges {
  readonly expiring: Uint8Array[] = [];
  readonly removed: Uint8Array[] = [];

  /** How many fields changed. */
  get count(): number {
    return this.expiring.length + this.removed.length;
  }

  /** What a master sends on of those that are gone: each by itself. */
  propagateRemoved(ctx: Context, argv: Argv): void {
    for (const field of this.removed) ctx.propagateAs("HDEL", argv.at(1), field);
  }
}

/** Gives the field of an argument an expiry, or deletes it where the time has passed and we decide. */
function expireField(
  ctx: Context,
  entry: Entry,
  argv: Argv,
  index: number,
  at: number,
  changes: FieldChanges,
): Entry {
  const { bytes, starts, ends } = argv;
  const field = argv.at(index).slice();
  if (at !== NO_EXPIRY && at <= ctx.nowMs && ctx.caller !== Caller.MASTER_STREAM) {
    changes.removed.push(field);
    return hashRemove(ctx.db, entry, bytes, starts[index], ends[index]);
  }
  changes.expiring.push(field);
  return hashSetExpiry(ctx.db, entry, bytes, starts[index], ends[index], at);
}

/** HEXPIRE, HPEXPIRE, HEXPIREAT and HPEXPIREAT. */
function expireGeneric(ctx: Context, argv: Argv, form: TimeForm, name: string): void {
  const { reply } = ctx;
  let entry = lookupHash(ctx, argv, 1);
  const at = readFieldTime(ctx, argv, 2, form, name);
  let conditions = conditionAt(argv, 3);
  let fields = conditions === 0 ? 3 : 4;
  // A master of Valkey sends on more than one.
  for (; ctx.caller === Caller.MASTER_STREAM && conditionAt(argv, fields) !== 0; fields++) {
    conditions |= conditionAt(argv, fields);
  }
  const count = readFields(argv, fields, FIELDS_NUMBER);
  reply.array(count);
  // As in t_hash.c, whether or not there is such a field.
  if (entry !== 0) entry = hashKeepExpiries(ctx.db, entry);
  const changes = new FieldChanges();
  for (let i = fields + 2; i < argv.count; i++) {
    if (!findField(ctx, entry, argv, i)) {
      reply.integer(Result.NO_FIELD);
    } else if (!holds(conditions, findFieldResult.expireAtMs, at)) {
      reply.integer(Result.REFUSED);
    } else {
      const removedBefore = changes.removed.length;
      entry = expireField(ctx, entry, argv, i, at, changes);
      const removed = changes.removed.length > removedBefore;
      reply.integer(removed ? Result.DELETED : Result.DONE);
    }
  }
  if (changes.count === 0) return;
  hashChanged(ctx, argv, entry, changes.count);
  changes.propagateRemoved(ctx, argv);
  const { expiring } = changes;
  if (expiring.length === 0) return;
  const words: Uint8Array[] = [];
  for (let i = 3; i <= fields; i++) words.push(argv.at(i));
  const time = String(at);
  const sentAs = form === AT_MILLIS ? argv.at(0) : "HPEXPIREAT";
  ctx.propagateAs(sentAs, argv.at(1), time, ...words, String(expiring.length), ...expiring);
}

/** `HEXPIRE key seconds [NX|XX|GT|LT] FIELDS n field ...`: what became of each. O(n). */
const hexpire = command("hexpire", -6, WRITE | FAST, "RW.update@1", (ctx, argv) => {
  expireGeneric(ctx, argv, SECONDS, "hexpire");
});

/** `HPEXPIRE key milliseconds [NX|XX|GT|LT] FIELDS n field ...`: what became of each. O(n). */
const hpexpire = command("hpexpire", -6, WRITE | FAST, "RW.update@1", (ctx, argv) => {
  expireGeneric(ctx, argv, MILLIS, "hpexpire");
});

/** `HEXPIREAT key unix-seconds [NX|XX|GT|LT] FIELDS n field ...`: what became of each. O(n). */
const hexpireat = command("hexpireat", -6, WRITE | FAST, "RW.update@1", (ctx, argv) => {
  expireGeneric(ctx, argv, AT_SECONDS, "hexpireat");
});

/** `HPEXPIREAT key unix-milliseconds [NX|XX|GT|LT] FIELDS n field ...`: what became of each. O(n). */
const hpexpireat = command("hpexpireat", -6, WRITE | FAST, "RW.update@1", (ctx, argv) => {
  expireGeneric(ctx, argv, AT_MILLIS, "hpexpireat");
});

/** `HPERSIST key FIELDS n field ...`: 1 where an expiry was taken away, -1 where there was none. O(n). */
const hpersist = command("hpersist", -5, WRITE | FAST, "RW.update@1", (ctx, argv) => {
  const { reply } = ctx;
  let entry = lookupHash(ctx, argv, 1);
  reply.array(readFields(argv, 2, FIELDS_POSITIVE));
  const changes = new FieldChanges();
  for (let i = 4; i < argv.count; i++) {
    if (!findField(ctx, entry, argv, i)) {
      reply.integer(Result.NO_FIELD);
    } else if (findFieldResult.expireAtMs === NO_EXPIRY) {
      reply.integer(Result.NO_EXPIRY);
    } else {
      entry = expireField(ctx, entry, argv, i, NO_EXPIRY, changes);
      reply.integer(Result.DONE);
    }
  }
  if (changes.count > 0) hashChanged(ctx, argv, entry, changes.count);
});

/** HTTL, HPTTL, HEXPIRETIME and HPEXPIRETIME. */
function timeGeneric(ctx: Context, argv: Argv, form: TimeForm): void {
  const { reply } = ctx;
  const entry = lookupHash(ctx, argv, 1);
  reply.array(readFields(argv, 2, FIELDS_POSITIVE));
  for (let i = 4; i < argv.count; i++) {
    if (!findField(ctx, entry, argv, i)) reply.integer(Result.NO_FIELD);
    else if (findFieldResult.expireAtMs === NO_EXPIRY) reply.integer(Result.NO_EXPIRY);
    else reply.integer(timeOf(ctx, findFieldResult.expireAtMs, form));
  }
}

/** An expiry in the unit asked for: seconds begun count as whole ones. */
function timeOf(ctx: Context, at: number, form: TimeForm): number {
  const ms = form.absolute ? at : Math.max(at - ctx.nowMs, 0);
  return Math.floor((ms + form.scale - 1) / form.scale);
}

/** `HTTL key FIELDS n field ...`: seconds left of each. O(n). */
const httl = command("httl", -5, READONLY | FAST, "RO.access@1", (ctx, argv) => {
  timeGeneric(ctx, argv, SECONDS);
});

/** `HPTTL key FIELDS n field ...`: milliseconds left of each. O(n). */
const hpttl = command("hpttl", -5, READONLY | FAST, "RO.access@1", (ctx, argv) => {
  timeGeneric(ctx, argv, MILLIS);
});

/** `HEXPIRETIME key FIELDS n field ...`: when each expires, in seconds. O(n). */
const hexpiretime = command("hexpiretime", -5, READONLY | FAST, "RO.access@1", (ctx, argv) => {
  timeGeneric(ctx, argv, AT_SECONDS);
});

/** `HPEXPIRETIME key FIELDS n field ...`: when each expires, in milliseconds. O(n). */
const hpexpiretime = command("hpexpiretime", -5, READONLY | FAST, "RO.access@1", (ctx, argv) => {
  timeGeneric(ctx, argv, AT_MILLIS);
});

/** Replies with the value of each field from argument `first` on; 0 stands for no hash. */
function replyFields(ctx: Context, entry: Entry, argv: Argv, first: number): void {
  ctx.reply.array(argv.count - first);
  for (let i = first; i < argv.count; i++) replyField(ctx, entry, argv, i);
}

/** `HGETDEL key FIELDS n field ...`: the values, and then the fields are gone. O(n). */
const hgetdel = command("hgetdel", -5, WRITE | FAST, "RW.access.delete@1", (ctx, argv) => {
  const { bytes, starts, ends } = argv;
  const { reply } = ctx;
  let entry = lookupHash(ctx, argv, 1);
  readFields(argv, 2, FIELDS_POSITIVE);
  reply.array(argv.count - 4);
  let removed = 0;
  const named: Uint8Array[] = [];
  for (let i = 4; i < argv.count; i++) {
    named.push(argv.at(i));
    if (!findField(ctx, entry, argv, i)) {
      reply.null();
      continue;
    }
    reply.bulk(
      findFieldResult.value.bytes,
      findFieldResult.value.start,
      findFieldResult.value.end,
    );
    entry = hashRemove(ctx.db, entry, bytes, starts[i], ends[i]);
    removed++;
  }
  if (removed === 0) return;
  hashChanged(ctx, argv, entry, removed);
  ctx.propagateAs("HDEL", argv.at(1), ...named);
});

/** The unit an option of HGETEX and HSETEX names, undefined when it names none. */
function timeForm(argv: Argv, index: number): TimeForm | undefined {
  if (isWord(argv, index, "EX")) return SECONDS;
  if (isWord(argv, index, "PX")) return MILLIS;
  if (isWord(argv, index, "EXAT")) return AT_SECONDS;
  return isWord(argv, index, "PXAT") ? AT_MILLIS : undefined;
}

/** `HGETEX key [EX s|PX ms|EXAT s|PXAT ms|PERSIST] FIELDS n field ...`: the values, expiries set. O(n). */
const hgetex = command("hgetex", -5, WRITE | FAST, "RW.access.update@1", (ctx, argv) => {
  let entry = lookupHash(ctx, argv, 1);
  let fields = 2;
  let at: number | undefined;
  const form = timeForm(argv, 2);
  if (form !== undefined) {
    at = readFieldTime(ctx, argv, 3, form, "hgetex");
    fields = 4;
  } else if (isWord(argv, 2, "PERSIST")) {
    at = NO_EXPIRY;
    fields = 3;
  }
  readFields(argv, fields, FIELDS_POSITIVE);
  if (at === undefined || entry === 0) return replyFields(ctx, entry, argv, fields + 2);
  entry = hashKeepExpiries(ctx.db, entry);
  ctx.reply.array(argv.count - fields - 2);
  const changes = new FieldChanges();
  // A field named twice is met the second time as the first has left it.
  for (let i = fields + 2; i < argv.count; i++) {
    replyField(ctx, entry, argv, i);
    if (!findField(ctx, entry, argv, i)) continue;
    if (at === NO_EXPIRY && findFieldResult.expireAtMs === NO_EXPIRY) continue;
    entry = expireField(ctx, entry, argv, i, at, changes);
  }
  if (changes.count === 0) return;
  hashChanged(ctx, argv, entry, changes.count);
  changes.propagateRemoved(ctx, argv);
  if (changes.expiring.length === 0) return;
  // As Redis does: all that were named, whichever changed.
  const rest: Uint8Array[] = [];
  for (let i = fields; i < argv.count; i++) rest.push(argv.at(i));
  if (at === NO_EXPIRY) ctx.propagateAs("HPERSIST", argv.at(1), ...rest);
  else ctx.propagateAs("HPEXPIREAT", argv.at(1), String(at), ...rest);
});

/** What HSETEX was asked for. */
class SetExQuery {
  /** Index of FIELDS. */
  fields: number = 2;
  /** Index of the unit of a time that is to be sent on otherwise than it came, -2 when there is none. */
  timeAt: number = -2;
  /** NO_EXPIRY for none, undefined to keep what there is. */
  expireAtMs: number | undefined = NO_EXPIRY;
  /** Only if none, or only if all of the fields are there. */
  mustBe: "any" | "absent" | "present" = "any";

  /** @throws {CommandError} What is wrong. */
  constructor(ctx: Context, argv: Argv) {
    let hasTime = false;
    for (; this.fields < argv.count && !isWord(argv, this.fields, "FIELDS"); this.fields++) {
      const at = this.fields;
      const form = timeForm(argv, at);
      if (isWord(argv, at, "FNX") || isWord(argv, at, "FXX")) {
        if (this.mustBe !== "any") throw new CommandError(HSETEX_FNX_FXX);
        this.mustBe = isWord(argv, at, "FNX") ? "absent" : "present";
      } else if (isWord(argv, at, "KEEPTTL") || form !== undefined) {
        if (hasTime) throw new CommandError(HSETEX_ONE_TIME);
        hasTime = true;
        this.expireAtMs = undefined;
        if (form === undefined) continue;
        if (at + 1 === argv.count) throw new CommandError(HSETEX_NO_TIME);
        if (form !== AT_MILLIS) this.timeAt = at;
        this.expireAtMs = readFieldTime(ctx, argv, at + 1, form, "hsetex");
        this.fields++;
      } else throw new CommandError(unknownArgument(textOf(argv, at)));
    }
    this.#checkFields(argv);
  }

  #checkFields(argv: Argv): void {
    if (this.fields >= argv.count - 3) throw new CommandError(wrongArity("hsetex"));
    const count = readInteger(argv, this.fields + 1, HSETEX_NUMBER);
    if (count < 1 || count > INT32_MAX) throw new CommandError(HSETEX_NUMBER);
    if (count * 2 !== argv.count - this.fields - 2) throw new CommandError(wrongArity("hsetex"));
  }
}

/** Whether what HSETEX demands of the fields' presence is so. */
function presenceHolds(ctx: Context, entry: Entry, argv: Argv, query: SetExQuery): boolean {
  if (query.mustBe === "any") return true;
  for (let i = query.fields + 2; i < argv.count; i += 2) {
    if (findField(ctx, entry, argv, i) !== (query.mustBe === "present")) return false;
  }
  return true;
}

/** `HSETEX key [FNX|FXX] [EX s|PX ms|EXAT s|PXAT ms|KEEPTTL] FIELDS n field value ...`: 1 if set. O(n). */
const hsetex = command("hsetex", -6, WRITE | DENYOOM | FAST, "RW.update@1", (ctx, argv) => {
  const query = new SetExQuery(ctx, argv);
  const { bytes, starts, ends } = argv;
  const { db } = ctx;
  let entry = lookupHash(ctx, argv, 1);
  if (!presenceHolds(ctx, entry, argv, query)) return ctx.reply.integer(0);
  const first = query.fields + 2;
  const at = query.expireAtMs;
  const isPast = at !== undefined && at !== NO_EXPIRY && at <= ctx.nowMs &&
    ctx.caller !== Caller.MASTER_STREAM;
  ctx.reply.integer(1);
  if (isPast) return deleteAll(ctx, argv, entry, first);
  entry = openForSet(ctx, argv, entry, first);
  for (let i = first; i < argv.count; i += 2) {
    const [start, end] = [starts[i + 1], ends[i + 1]];
    entry = hashSet(db, entry, bytes, starts[i], ends[i], bytes, start, end, at);
  }
  hashChanged(ctx, argv, entry, (argv.count - first) >>> 1);
  if (ctx.caller === Caller.MASTER_CLIENT && query.timeAt >= 0) propagateSet(ctx, argv, query, at!);
});

/** HSETEX with a time that has passed: each field is set, which may change the form, and deleted. */
function deleteAll(ctx: Context, argv: Argv, entry: Entry, first: number): void {
  const { bytes, starts, ends } = argv;
  const { db } = ctx;
  if (entry !== 0) entry = hashKeepExpiries(db, openForSet(ctx, argv, entry, first));
  const named: Uint8Array[] = [];
  for (let i = first; i < argv.count; i += 2) {
    named.push(argv.at(i));
    if (entry === 0) continue;
    const [start, end] = [starts[i + 1], ends[i + 1]];
    entry = hashSet(db, entry, bytes, starts[i], ends[i], bytes, start, end, undefined);
    entry = hashRemove(db, entry, bytes, starts[i], ends[i]);
  }
  if (entry !== 0 && hashLength(db, entry) === 0) db.removeEntry(entry);
  ctx.changed(argv, 1, named.length);
  for (const field of named) ctx.propagateAs("HDEL", argv.at(1), field);
}

/** HSETEX as a master sends it: as it came, but for a time that is absolute. */
function propagateSet(ctx: Context, argv: Argv, query: SetExQuery, at: number): void {
  const rest: (string | Uint8Array)[] = [];
  for (let i = 2; i < argv.count; i++) {
    if (i === query.timeAt) rest.push("PXAT", String(at));
    else if (i !== query.timeAt + 1) rest.push(argv.at(i));
  }
  ctx.propagateAs("HSETEX", argv.at(1), ...rest);
}

/** The rows. */
export const hashExpireCommands: readonly Command[] = [
  hexpire,
  hpexpire,
  hexpireat,
  hpexpireat,
  hpersist,
  httl,
  hpttl,
  hexpiretime,
  hpexpiretime,
  hgetdel,
  hgetex,
  hsetex,
];
