/**
 * The set commands on members of one set, and SMOVE (`t_set.c`). Those that combine sets are in
 * `algebra.ts`.
 *
 * A set is an intset of integers, a listpack, or a hash table; which of them a command leaves
 * behind is Redis's choice in every case, because `OBJECT ENCODING`, SCAN and snapshots show it.
 * Redis has no empty sets: the last member takes the key with it.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import type { Argv } from "../../resp/argv.ts";
import { writeBulk } from "../../resp/writer.ts";
import { type Entry, ValueType } from "../../store/memory/record.ts";
import {
  setAdd,
  setAddResult,
  setCreate,
  setEach,
  setEncodingFor,
  setExpect,
  setHas,
  setLength,
  setRemove,
  setRemoveResult,
  setRenew,
  setSome,
  setVisitAt,
} from "../../store/types/set.ts";
import { setTableOf, type SetVisitor } from "../../store/types/set_table.ts";
import { expectEnd, readInteger } from "../engine/args.ts";
import { type Command, command, DENYOOM, FAST, READONLY, WRITE } from "../engine/command.ts";
import type { Context } from "../engine/context.ts";
import { CommandError, MUST_BE_POSITIVE } from "../engine/errors.ts";
import { findAgain, inPortions, readInSlices, type Steps } from "../engine/long_read.ts";
import {
  drawsOf,
  eachRandom,
  eachRandomInSteps,
  MANY_DRAWS,
  readSignedCount,
} from "../engine/random_members.ts";
import { ElementScan, readCursor, replyNoScan } from "../engine/scan_args.ts";
import { setChanged } from "./args.ts";
import { setAlgebraCommands } from "./algebra.ts";
import { lookup } from "../engine/lookup.ts";

/**
 * The most members of one SREM that a SPOP is propagated as (`spopWithCountCommand`, batchsize).
 */
const POP_BATCH = 1024;
/**
 * When at least so many times as many members are popped as are left, Redis moves those left to a
 * new set, in the smallest form (`SPOP_MOVE_STRATEGY_MUL`); otherwise the set keeps its form.
 */
const POP_RENEW_SHARE = 5;

/** `SADD key member [member ...]`: the number of members that are new. O(n). */
const sadd = command("sadd", -3, WRITE | DENYOOM | FAST, "RW.insert@1", (ctx, argv) => {
  const { db } = ctx;
  const { bytes, starts, ends } = argv;
  let entry = lookup(ctx, argv, 1, ValueType.SET);
  const count = argv.count - 2;
  // As in Redis, the form of a new set follows from the first member and the number of members
  // alone (`setTypeCreate`), and adding converts it further.
  if (entry === 0) {
    const encoding = setEncodingFor(db, bytes, starts[2], ends[2], count);
    entry = setCreate(db, bytes, starts[1], ends[1], encoding);
  } else entry = setExpect(db, entry, count);
  let added = 0;
  for (let i = 2; i < argv.count; i++) {
    entry = setAdd(db, entry, bytes, starts[i], ends[i]);
    if (setAddResult.isNew) added++;
  }
  if (added > 0) setChanged(ctx, argv, 1, entry, added);
  ctx.reply.integer(added);
});

/** `SREM key member [member ...]`: the number of members that were there and are removed. O(n). */
const srem = command("srem", -3, WRITE | FAST, "RW.delete@1", (ctx, argv) => {
  let entry = lookup(ctx, argv, 1, ValueType.SET);
  if (entry === 0) return ctx.reply.integer(0);
  let removed = 0;
  for (let i = 2; i < argv.count; i++) {
    entry = setRemove(ctx.db, entry, argv.bytes, argv.starts[i], argv.ends[i]);
    if (setRemoveResult.wasThere) removed++;
  }
  if (removed > 0) setChanged(ctx, argv, 1, entry, removed);
  ctx.reply.integer(removed);
});

/**
 * `SMOVE source destination member`: 1 when the source had the member, which the destination has
 * now, else 0. O(1). The destination's type is checked only if there is a source, as in Redis.
 */
const smove = command("smove", 4, WRITE | FAST, "RW.access.delete@1+RW.insert@2", (ctx, argv) => {
  const { db, reply } = ctx;
  const { bytes, starts, ends } = argv;
  if (lookup(ctx, argv, 1, ValueType.SET) === 0) return reply.integer(0);
  const target = lookup(ctx, argv, 2, ValueType.SET);
  // The second lookup may have deleted an expired key, which can move the records of others.
  const source = db.find(bytes, starts[1], ends[1]);
  if (source === target) {
    return reply.integer(setHas(db, source, bytes, starts[3], ends[3]) ? 1 : 0);
  }
  const left = setRemove(db, source, bytes, starts[3], ends[3]);
  if (!setRemoveResult.wasThere) return reply.integer(0);
  setChanged(ctx, argv, 1, left, 1);
  // Removing may have moved the destination's record, so it is looked for again.
  let entry = db.find(bytes, starts[2], ends[2]);
  if (entry === 0) {
    const encoding = setEncodingFor(db, bytes, starts[3], ends[3], 1);
    entry = setCreate(db, bytes, starts[2], ends[2], encoding);
  }
  entry = setAdd(db, entry, bytes, starts[3], ends[3]);
  if (setAddResult.isNew) setChanged(ctx, argv, 2, entry, 1);
  reply.integer(1);
});

/** `SISMEMBER key member`: 1 when the set has the member, else 0. O(1). */
const sismember = command("sismember", 3, READONLY | FAST, "RO@1", (ctx, argv) => {
  ctx.reply.integer(hasMember(ctx, lookup(ctx, argv, 1, ValueType.SET), argv, 2) ? 1 : 0);
});

/** Whether a set, or 0 for a missing one, has the member that argument `index` names. */
function hasMember(ctx: Context, entry: Entry, argv: Argv, index: number): boolean {
  return entry !== 0 && setHas(ctx.db, entry, argv.bytes, argv.starts[index], argv.ends[index]);
}

/**
 * `SMISMEMBER key member [member ...]`: an array of 1 or 0 for each member, in the order asked.
 * O(n).
 */
const smismember = command("smismember", -3, READONLY | FAST, "RO.access@1", (ctx, argv) => {
  const entry = lookup(ctx, argv, 1, ValueType.SET);
  ctx.reply.array(argv.count - 2);
  for (let i = 2; i < argv.count; i++) {
    ctx.reply.integer(hasMember(ctx, entry, argv, i) ? 1 : 0);
  }
});

/** `SCARD key`: the number of members, 0 for a missing key. O(1). */
const scard = command("scard", 2, READONLY | FAST, "RO@1", (ctx, argv) => {
  const entry = lookup(ctx, argv, 1, ValueType.SET);
  ctx.reply.integer(entry === 0 ? 0 : setLength(ctx.db, entry));
});

/** Visits `count` different random members; {@linkcode eachRandom} says by which method. */
function eachRandomMember(ctx: Context, entry: Entry, count: number, visit: SetVisitor): void {
  const { db } = ctx;
  const table = setTableOf(db, entry);
  eachRandom(
    ctx,
    count,
    setLength(db, entry),
    table && (() => table.members.randomEntry(ctx.random)),
    (member) => table!.visit(member, visit),
    (takes) =>
      setEach(db, entry, (bytes, start, end) => {
        if (takes()) visit(bytes, start, end);
      }),
  );
}

/** Visits one random member of a set that is not empty, each as likely as the others. */
function visitRandom(ctx: Context, entry: Entry, visit: SetVisitor): void {
  assert(setLength(ctx.db, entry) > 0, "a set that is stored has a member");
  const index = Math.floor(ctx.random() * setLength(ctx.db, entry));
  setVisitAt(ctx.db, entry, index, ctx.random, visit);
}

/**
 * `SRANDMEMBER key [count]`: a random member; with a count that many different ones, with a
 * negative count -count of them, repeated ones included. O(n), O(count) when few of many are asked
 * for.
 */
const srandmember = command("srandmember", -2, READONLY, "RO.access@1", (ctx, argv) => {
  const { reply } = ctx;
  const visit: SetVisitor = (bytes, start, end) => reply.bulk(bytes, start, end);
  if (argv.count === 2) {
    const entry = lookup(ctx, argv, 1, ValueType.SET);
    return entry === 0 ? reply.null() : visitRandom(ctx, entry, visit);
  }
  expectEnd(argv, 3);
  const count = readSignedCount(argv, 2);
  const entry = lookup(ctx, argv, 1, ValueType.SET);
  if (entry === 0 || count === 0) return reply.array(0);
  const length = setLength(ctx.db, entry);
  const wanted = drawsOf(count, length);
  if (wanted > MANY_DRAWS) {
    return readInSlices(ctx, argv, 1, 2, (own) => replyManyRandom(ctx, own, wanted, count < 0));
  }
  reply.array(wanted);
  if (count > 0) return eachRandomMember(ctx, entry, wanted, visit);
  for (let i = 0; i < wanted; i++) visitRandom(ctx, entry, visit);
});

/** Replies with many random members, in steps. */
function* replyManyRandom(ctx: Context, argv: Argv, wanted: number, repeats: boolean): Steps {
  const entry = () => findAgain(ctx, argv, 1, 1);
  const visit: SetVisitor = (bytes, start, end) => ctx.reply.bulk(bytes, start, end);
  ctx.reply.array(wanted);
  if (repeats) return yield* inPortions(ctx, wanted, () => visitRandom(ctx, entry(), visit));
  const table = setTableOf(ctx.db, entry());
  yield* eachRandomInSteps(
    ctx,
    wanted,
    setLength(ctx.db, entry()),
    table && (() => table.members.randomEntry(ctx.random)),
    (member) => table!.visit(member, visit),
    (cursor, most, takes) =>
      setSome(ctx.db, entry(), cursor, most, (bytes, start, end) => {
        if (takes()) visit(bytes, start, end);
      }),
  );
}

/**
 * `SPOP key`: one random member, removed; propagated as SREM, also when it was the last
 * (`spopCommand`).
 */
function popOne(ctx: Context, argv: Argv): void {
  const entry = lookup(ctx, argv, 1, ValueType.SET);
  if (entry === 0) return ctx.reply.null();
  const popped: Uint8Array[] = [];
  visitRandom(ctx, entry, (bytes, start, end) => popped.push(bytes.slice(start, end)));
  const [member] = popped;
  ctx.reply.bulk(member);
  const left = setRemove(ctx.db, entry, member, 0, member.length);
  setChanged(ctx, argv, 1, left, 1);
  ctx.propagateAs("SREM", argv.at(1), member);
}

/**
 * Removes some but not all members, chosen by SPOP with a count, and propagates SREMs of
 * {@linkcode POP_BATCH} members each: replicas must not draw for themselves.
 *
 * Redis has two ways to do it, `spopWithCountCommand` cases 2 and 3: it removes the members, or,
 * where few are left, it moves those into a new set. The members are the same, but a new set may
 * have a smaller form.
 */
function popSome(ctx: Context, argv: Argv, entry: Entry, members: readonly Uint8Array[]): void {
  for (const member of members) entry = setRemove(ctx.db, entry, member, 0, member.length);
  const left = setLength(ctx.db, entry);
  assert(left > 0, "some members are left after a partial SPOP");
  if (left * POP_RENEW_SHARE <= members.length) entry = setRenew(ctx.db, entry);
  setChanged(ctx, argv, 1, entry, members.length);
  for (let i = 0; i < members.length; i += POP_BATCH) {
    ctx.propagateAs("SREM", argv.at(1), ...members.slice(i, i + POP_BATCH));
  }
}

/**
 * `SPOP key [count]`: random members, removed; as many as there are when count is larger. O(n).
 * Popping all of them deletes the key and is propagated as DEL (`spopWithCountCommand`, case 1).
 */
const spop = command("spop", -2, WRITE | FAST, "RW.access.delete@1", (ctx, argv) => {
  const { db, reply } = ctx;
  if (argv.count === 2) return popOne(ctx, argv);
  // Both errors come before the key is looked up, whatever it holds.
  expectEnd(argv, 3);
  const count = readInteger(argv, 2, MUST_BE_POSITIVE);
  if (count < 0) throw new CommandError(MUST_BE_POSITIVE);
  const entry = lookup(ctx, argv, 1, ValueType.SET);
  if (entry === 0 || count === 0) return reply.set(0);
  const length = setLength(db, entry);
  const visit: SetVisitor = (bytes, start, end) => reply.bulk(bytes, start, end);
  if (count >= length) {
    reply.set(length);
    setEach(db, entry, visit);
    db.removeEntry(entry);
    ctx.changed(argv, 1, length);
    return ctx.propagateAs("DEL", argv.at(1));
  }
  // Members are copied before any is removed: removing moves those that are not visited yet.
  const members: Uint8Array[] = [];
  eachRandomMember(ctx, entry, count, (bytes, start, end) => members.push(bytes.slice(start, end)));
  reply.set(count);
  for (const member of members) reply.bulk(member);
  popSome(ctx, argv, entry, members);
});

/**
 * Replies with one step of a scan: an intset or listpack whole with cursor 0, a table some buckets
 * a call.
 */
function scanMembers(ctx: Context, entry: Entry, cursor: number, scan: ElementScan): void {
  const table = setTableOf(ctx.db, entry);
  const take: SetVisitor = (bytes, start, end) => {
    if (scan.takes(bytes, start, end)) writeBulk(scan.found, bytes, start, end);
  };
  let next = 0;
  if (table === undefined) setEach(ctx.db, entry, take);
  else next = scan.walk(cursor, (at) => table.members.scan(at, (one) => table.visit(one, take)));
  scan.reply(ctx, next, 1);
}

/** `SSCAN key cursor [MATCH pattern] [COUNT n]`: the next cursor, and some members. O(count). */
const sscan = command("sscan", -3, READONLY, "RO.access@1", (ctx, argv) => {
  const cursor = readCursor(argv, 2);
  const entry = lookup(ctx, argv, 1, ValueType.SET);
  if (entry === 0) return replyNoScan(ctx.reply);
  scanMembers(ctx, entry, cursor, new ElementScan(argv));
});

/** The rows of the set family, with those of `algebra.ts`. */
export const setCommands: readonly Command[] = [
  sadd,
  srem,
  smove,
  sismember,
  smismember,
  scard,
  spop,
  srandmember,
  sscan,
  ...setAlgebraCommands,
];
