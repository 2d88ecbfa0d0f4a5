/**
 * Sets: members one by one. What combines several keys is in `set_algebra.ts`.
 *
 * @module
 */

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
  setVisitAt,
} from "../../store/types/set.ts";
import { setTableOf, type SetVisitor } from "../../store/types/set_table.ts";
import { expectEnd, readInteger } from "../engine/args.ts";
import { type Command, command, DENYOOM, FAST, READONLY, WRITE } from "../engine/command.ts";
import type { Context } from "../engine/context.ts";
import { CommandError, MUST_BE_POSITIVE } from "../engine/errors.ts";
import { drawsOf, eachRandom, readSignedCount } from "../engine/random_members.ts";
import { ElementScan, readCursor, replyNoScan } from "../engine/scan_args.ts";
import { setChanged } from "./args.ts";
import { setAlgebraCommands } from "./algebra.ts";
import { lookup } from "../engine/lookup.ts";

/** Members of one SREM that tells of a SPOP, in `spopWithCountCommand`. */
const POP_BATCH = 1024;
/** There, what is left is made a new set when so many times as much is popped: SPOP_MOVE_STRATEGY_MUL. */
const POP_RENEW_SHARE = 5;

/** `SADD key member [member ...]`: how many are new. O(n). */
const sadd = command("sadd", -3, WRITE | DENYOOM | FAST, "RW.insert@1", (ctx, argv) => {
  const { db } = ctx;
  const { bytes, starts, ends } = argv;
  let entry = lookup(ctx, argv, 1, ValueType.SET);
  const count = argv.count - 2;
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

/** `SREM key member [member ...]`: how many were there. O(n). */
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

/** `SMOVE source destination member`: 1 when it was in the one and is in the other now. O(1). */
const smove = command("smove", 4, WRITE | FAST, "RW.access.delete@1+RW.insert@2", (ctx, argv) => {
  const { db, reply } = ctx;
  const { bytes, starts, ends } = argv;
  if (lookup(ctx, argv, 1, ValueType.SET) === 0) return reply.integer(0);
  const target = lookup(ctx, argv, 2, ValueType.SET);
  // Looking may have deleted the target, which has expired, and so have moved the source.
  const source = db.find(bytes, starts[1], ends[1]);
  if (source === target) {
    return reply.integer(setHas(db, source, bytes, starts[3], ends[3]) ? 1 : 0);
  }
  const left = setRemove(db, source, bytes, starts[3], ends[3]);
  if (!setRemoveResult.wasThere) return reply.integer(0);
  setChanged(ctx, argv, 1, left, 1);
  // The first change may have moved the second entry.
  let entry = db.find(bytes, starts[2], ends[2]);
  if (entry === 0) {
    const encoding = setEncodingFor(db, bytes, starts[3], ends[3], 1);
    entry = setCreate(db, bytes, starts[2], ends[2], encoding);
  }
  entry = setAdd(db, entry, bytes, starts[3], ends[3]);
  if (setAddResult.isNew) setChanged(ctx, argv, 2, entry, 1);
  reply.integer(1);
});

/** `SISMEMBER key member`: 1 when it is there. O(1). */
const sismember = command("sismember", 3, READONLY | FAST, "RO@1", (ctx, argv) => {
  ctx.reply.integer(hasMember(ctx, lookup(ctx, argv, 1, ValueType.SET), argv, 2) ? 1 : 0);
});

function hasMember(ctx: Context, entry: Entry, argv: Argv, index: number): boolean {
  return entry !== 0 && setHas(ctx.db, entry, argv.bytes, argv.starts[index], argv.ends[index]);
}

/** `SMISMEMBER key member [member ...]`: 1 for each that is there. O(n). */
const smismember = command("smismember", -3, READONLY | FAST, "RO.access@1", (ctx, argv) => {
  const entry = lookup(ctx, argv, 1, ValueType.SET);
  ctx.reply.array(argv.count - 2);
  for (let i = 2; i < argv.count; i++) {
    ctx.reply.integer(hasMember(ctx, entry, argv, i) ? 1 : 0);
  }
});

/** `SCARD key`: how many members there are. O(1). */
const scard = command("scard", 2, READONLY | FAST, "RO@1", (ctx, argv) => {
  const entry = lookup(ctx, argv, 1, ValueType.SET);
  ctx.reply.integer(entry === 0 ? 0 : setLength(ctx.db, entry));
});

/** Visits `count` different members, each set of them about as likely as any other. */
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

function visitRandom(ctx: Context, entry: Entry, visit: SetVisitor): void {
  const index = Math.floor(ctx.random() * setLength(ctx.db, entry));
  setVisitAt(ctx.db, entry, index, ctx.random, visit);
}

/** `SRANDMEMBER key [count]`: one member, or some. O(n), O(m) for few of many. */
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
  reply.array(wanted);
  if (count > 0) return eachRandomMember(ctx, entry, wanted, visit);
  for (let i = 0; i < wanted; i++) visitRandom(ctx, entry, visit);
});

/** `SPOP key`: told to those that follow as the SREM it came to, even of the last member. */
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

/** `SPOP key count` of fewer than all: told as SREMs of so many members each. */
function popSome(ctx: Context, argv: Argv, entry: Entry, members: readonly Uint8Array[]): void {
  for (const member of members) entry = setRemove(ctx.db, entry, member, 0, member.length);
  const left = setLength(ctx.db, entry);
  if (left * POP_RENEW_SHARE <= members.length) entry = setRenew(ctx.db, entry);
  setChanged(ctx, argv, 1, entry, members.length);
  for (let i = 0; i < members.length; i += POP_BATCH) {
    ctx.propagateAs("SREM", argv.at(1), ...members.slice(i, i + POP_BATCH));
  }
}

/** `SPOP key [count]`: some members, which are gone then. O(n). */
const spop = command("spop", -2, WRITE | FAST, "RW.access.delete@1", (ctx, argv) => {
  const { db, reply } = ctx;
  if (argv.count === 2) return popOne(ctx, argv);
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
  const members: Uint8Array[] = [];
  eachRandomMember(ctx, entry, count, (bytes, start, end) => members.push(bytes.slice(start, end)));
  reply.set(count);
  for (const member of members) reply.bulk(member);
  popSome(ctx, argv, entry, members);
});

/** Looks at some members and replies. */
function scanMembers(ctx: Context, entry: Entry, cursor: number, scan: ElementScan): void {
  const large = setTableOf(ctx.db, entry);
  const take: SetVisitor = (bytes, start, end) => {
    if (scan.takes(bytes, start, end)) writeBulk(scan.found, bytes, start, end);
  };
  let next = 0;
  if (large === undefined) setEach(ctx.db, entry, take);
  else next = scan.walk(cursor, (at) => large.members.scan(at, (one) => large.visit(one, take)));
  scan.reply(ctx.reply, next, 1);
}

/** `SSCAN key cursor [MATCH pattern] [COUNT n]`: the next cursor, and members. O(count). */
const sscan = command("sscan", -3, READONLY, "RO.access@1", (ctx, argv) => {
  const cursor = readCursor(argv, 2);
  const entry = lookup(ctx, argv, 1, ValueType.SET);
  if (entry === 0) return replyNoScan(ctx.reply);
  scanMembers(ctx, entry, cursor, new ElementScan(argv));
});

/** The family, in the order of its rows. */
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
