/**
 * The HyperLogLog commands (`hyperloglog.c`): estimates of how many different elements were added, with a
 * standard error of 0.81%, in 12 KB or less. The value is an ordinary string, byte for byte Redis's; its
 * layout and kernels are in `store/types/hyperloglog.ts`.
 *
 * Estimates are computed with Redis's formula in Redis's order of operations, and PFCOUNT stores the last
 * one in the string's header: master and replica must agree in every bit of it.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { BytesRef } from "../../base/byte_buffer.ts";
import type { Argv } from "../../resp/argv.ts";
import {
  HLL_EMPTY,
  HLL_HEADER,
  HLL_REGISTERS,
  hllAdd,
  hllCached,
  HllChange,
  hllCount,
  hllCountRegisters,
  hllDecode,
  hllInvalidate,
  hllIsDense,
  hllMerge,
  hllRaise,
  hllStoreCached,
  hllToDense,
  isHll,
} from "../../store/types/hyperloglog.ts";
import type { Database } from "../../store/keyspace/database.ts";
import { Encoding, type Entry, ValueType } from "../../store/memory/record.ts";
import { RecordRegion } from "../../store/packed/record_region.ts";
import { NodeRegion } from "../../store/packed/region.ts";
import { isWord, textOf } from "../engine/args.ts";
import { beforeKeyWrite } from "../engine/copy_on_write.ts";
import {
  ADMIN,
  type Command,
  command,
  DENYOOM,
  FAST,
  MAY_REPLICATE,
  READONLY,
  WRITE,
} from "../engine/command.ts";
import { Caller, type Context } from "../engine/context.ts";
import {
  CommandError,
  HYPERLOGLOG_CORRUPT,
  HYPERLOGLOG_DENSE,
  HYPERLOGLOG_MISSING,
  HYPERLOGLOG_SELFTEST,
  NO_HYPERLOGLOG,
  unknownPfdebug,
} from "../engine/errors.ts";
import { readInSlices, type Steps } from "../engine/long_read.ts";
import { lookup } from "../engine/lookup.ts";

/** How many random elements PFSELFTEST adds. */
const SELFTEST_ELEMENTS = 20_000;
/** More arguments than these are counted in slices: a key takes some ten microseconds. */
const MANY_KEYS = 16;
/** The largest relative error that passes: six standard errors of 1.04 / sqrt(16384 registers). */
const SELFTEST_ERROR: number = 6 * 1.04 / 128;

/** Points at the bytes of the HyperLogLog that was looked up last. */
const value = new BytesRef();
/** The HyperLogLog that is being changed in place: see {@linkcode openForWrite}. */
const region = new RecordRegion();
/** One byte a register: the maximum over all keys of a PFCOUNT or PFMERGE. */
const registers = new Uint8Array(HLL_REGISTERS);

/**
 * The entry of the HyperLogLog at argument `index`, 0 when the key is missing. {@linkcode value} points at
 * its bytes.
 *
 * @throws {CommandError} NO_HYPERLOGLOG when the string has no sound header (`isHLLObjectOrReply`).
 */
function lookupHll(ctx: Context, argv: Argv, index: number): Entry {
  const entry = lookup(ctx, argv, index, ValueType.STRING);
  if (entry === 0) return 0;
  ctx.db.valueRef(entry, value);
  const isText = ctx.db.encodingOf(entry) !== Encoding.INT;
  if (isText && isHll(value.bytes, value.start, value.end)) return entry;
  throw new CommandError(NO_HYPERLOGLOG);
}

/**
 * Opens {@linkcode region} on the HyperLogLog of an entry; for entry 0 an empty sparse one is created under
 * key argument `key`. The string becomes RAW, as `dbUnshareStringValue` makes it in Redis.
 */
function openForWrite(db: Database, entry: Entry, argv: Argv, key: number): void {
  const [start, end] = [argv.starts[key], argv.ends[key]];
  const [type, raw] = [ValueType.STRING, Encoding.RAW];
  if (entry === 0) {
    entry = db.createBlob(argv.bytes, start, end, type, raw, HLL_EMPTY, HLL_EMPTY.length);
  } else {
    db.valueRef(entry, value);
    entry = db.resizeBlob(entry, raw, value.end - value.start);
  }
  region.open(db, entry, raw);
  assert(region.end - region.start >= HLL_HEADER, "a HyperLogLog has a header");
}

/**
 * `PFADD key [element ...]`: replies 1 when a register was raised or the key created, else 0. O(1) an
 * element.
 */
const pfadd = command("pfadd", -2, WRITE | DENYOOM | FAST, "RW.insert@1", (ctx, argv) => {
  const { bytes, starts, ends } = argv;
  const entry = lookupHll(ctx, argv, 1);
  const sparseMax = ctx.db.settings.limits.hllSparseMaxBytes;
  let updated = entry === 0 ? 1 : 0;
  openForWrite(ctx.db, entry, argv, 1);
  for (let i = 2; i < argv.count; i++) {
    const change = hllAdd(region, sparseMax, bytes, starts[i], ends[i]);
    // As in Redis, registers that were raised before the damaged opcode was met stay raised.
    if (change === HllChange.CORRUPT) throw new CommandError(HYPERLOGLOG_CORRUPT);
    updated += change;
  }
  if (updated > 0) {
    hllInvalidate(region.bytes, region.start);
    ctx.changed(argv, 1, updated);
  }
  ctx.reply.integer(updated > 0 ? 1 : 0);
});

/**
 * PFCOUNT of one key. The estimate is stored in the header until a register changes; storing it is a change
 * that a master propagates as the PFCOUNT itself.
 */
function countOne(ctx: Context, argv: Argv): void {
  const entry = lookupHll(ctx, argv, 1);
  if (entry === 0) return ctx.reply.integer(0);
  // A client of a replica must not change the string: the next PFCOUNT of the master's stream does.
  const writes = ctx.caller !== Caller.REPLICA_CLIENT;
  if (writes) {
    beforeKeyWrite(ctx.keyspace, ctx.dbIndex, argv.bytes, argv.starts[1], argv.ends[1]);
    openForWrite(ctx.db, entry, argv, 1);
    value.set(region.bytes, region.start, region.end);
  }
  const cached = hllCached(value.bytes, value.start);
  const card = cached === -1 ? hllCount(value.bytes, value.start, value.end) : cached;
  if (card === -1) throw new CommandError(HYPERLOGLOG_CORRUPT);
  if (writes && cached === -1) {
    hllStoreCached(value.bytes, value.start, card);
    ctx.changed(argv, 1);
  }
  ctx.reply.integer(typeof card === "bigint" ? BigInt.asIntN(64, card) : card);
}

/**
 * `PFCOUNT key [key ...]`: the estimated number of different elements in all keys together. Only for one
 * key is the estimate stored. O(1) a key, with a large constant.
 */
const pfcount = command("pfcount", -2, READONLY | MAY_REPLICATE, "RW.access@1:-1", (ctx, argv) => {
  if (argv.count === 2) return countOne(ctx, argv);
  if (argv.count > MANY_KEYS) {
    return readInSlices(ctx, argv, 1, argv.count, (own) => countMany(ctx, own));
  }
  registers.fill(0);
  for (let i = 1; i < argv.count; i++) mergeKey(ctx, argv, i, registers);
  replyCard(ctx, registers);
});

/** PFCOUNT of many keys, in steps of one key. */
function* countMany(ctx: Context, argv: Argv): Steps {
  const own = new Uint8Array(HLL_REGISTERS);
  for (let i = 1; i < argv.count; i++) {
    mergeKey(ctx, argv, i, own);
    yield;
  }
  replyCard(ctx, own);
}

function replyCard(ctx: Context, merged: Uint8Array): void {
  const card = hllCountRegisters(merged);
  ctx.reply.integer(typeof card === "bigint" ? BigInt.asIntN(64, card) : card);
}

/**
 * Raises the registers in `target` to those of the key at argument `index`.
 *
 * @returns Whether the key is held dense; false when it is missing.
 */
function mergeKey(ctx: Context, argv: Argv, index: number, target: Uint8Array): boolean {
  if (lookupHll(ctx, argv, index) === 0) return false;
  if (
    !hllMerge(target, value.bytes, value.start, value.end, ctx.caller === Caller.MASTER_STREAM)
  ) {
    throw new CommandError(HYPERLOGLOG_CORRUPT);
  }
  return hllIsDense(value.bytes, value.start);
}

/**
 * `PFMERGE target [source ...]`: raises the target's registers to those of all sources. The target becomes
 * dense when any of them is. O(1) a key, with a large constant.
 */
const pfmerge = command(
  "pfmerge",
  -2,
  WRITE | DENYOOM,
  "RW.access.insert@1+RO.access@2:-1",
  (ctx, argv) => {
    registers.fill(0);
    let dense = false;
    for (let i = 1; i < argv.count; i++) if (mergeKey(ctx, argv, i, registers)) dense = true;
    openForWrite(ctx.db, lookupHll(ctx, argv, 1), argv, 1);
    if (dense && !hllToDense(region)) throw new CommandError(HYPERLOGLOG_CORRUPT);
    const sparseMax = ctx.db.settings.limits.hllSparseMaxBytes;
    for (let i = 0; i < HLL_REGISTERS; i++) {
      if (registers[i] > 0) hllRaise(region, sparseMax, i, registers[i]);
    }
    hllInvalidate(region.bytes, region.start);
    ctx.changed(argv, 1);
    ctx.reply.ok();
  },
);

/**
 * Makes the HyperLogLog in {@linkcode region} dense, for PFDEBUG.
 *
 * @returns Whether it was sparse.
 */
function makeDense(ctx: Context, argv: Argv): boolean {
  if (hllIsDense(region.bytes, region.start)) return false;
  if (!hllToDense(region)) throw new CommandError(HYPERLOGLOG_CORRUPT);
  ctx.changed(argv, 2);
  return true;
}

/** Replies with all 16,384 registers. */
function replyRegisters(ctx: Context): void {
  registers.fill(0);
  hllMerge(registers, region.bytes, region.start, region.end);
  ctx.reply.array(HLL_REGISTERS);
  for (let i = 0; i < HLL_REGISTERS; i++) ctx.reply.integer(registers[i]);
}

/**
 * `PFDEBUG GETREG|DECODE|ENCODING|TODENSE key`: replies with the registers, the opcodes of a sparse one,
 * the encoding, or whether it was made dense. O(1). For Redis's own tests.
 */
const pfdebug = command("pfdebug", 3, WRITE | DENYOOM | ADMIN, "RW.access@2", (ctx, argv) => {
  const entry = lookupHll(ctx, argv, 2);
  if (entry === 0) throw new CommandError(HYPERLOGLOG_MISSING);
  openForWrite(ctx.db, entry, argv, 2);
  const known = ["GETREG", "DECODE", "ENCODING", "TODENSE"].find((sub) => isWord(argv, 1, sub));
  if (known === undefined) throw new CommandError(unknownPfdebug(textOf(argv, 1)));
  const { bytes, start, end } = region;
  if (known === "GETREG") {
    makeDense(ctx, argv);
    return replyRegisters(ctx);
  }
  if (known === "TODENSE") return ctx.reply.integer(makeDense(ctx, argv) ? 1 : 0);
  const dense = hllIsDense(bytes, start);
  if (known === "ENCODING") return ctx.reply.simple(dense ? "dense" : "sparse");
  if (dense) throw new CommandError(HYPERLOGLOG_DENSE);
  ctx.reply.bulkText(hllDecode(bytes, start, end));
});

/**
 * `PFSELFTEST`: replies OK when sparse and dense registers agree and the estimate is within its error.
 * O(1).
 */
const pfselftest = command("pfselftest", 1, ADMIN, "", (ctx) => {
  const sparse = new NodeRegion(HLL_EMPTY, 0, HLL_EMPTY.length);
  const dense = new NodeRegion(HLL_EMPTY, 0, HLL_EMPTY.length);
  hllToDense(dense);
  const element = new Uint8Array(8);
  for (let i = 0; i < SELFTEST_ELEMENTS; i++) {
    for (let j = 0; j < 8; j++) element[j] = Math.floor(ctx.random() * 256);
    hllAdd(sparse, SELFTEST_ELEMENTS, element, 0, element.length);
    hllAdd(dense, 0, element, 0, element.length);
  }
  hllToDense(sparse);
  for (let i = HLL_HEADER; i < dense.end; i++) {
    if (sparse.bytes[i] !== dense.bytes[i]) throw new CommandError(HYPERLOGLOG_SELFTEST);
  }
  const card = Number(hllCount(dense.bytes, 0, dense.end));
  const error = Math.abs(card / SELFTEST_ELEMENTS - 1);
  if (error > SELFTEST_ERROR) throw new CommandError(HYPERLOGLOG_SELFTEST);
  ctx.reply.ok();
});

/** What `commands/table.ts` takes from this file: a row that is missing here answers nobody. */
export const hyperloglogCommands: readonly Command[] = [
  pfadd,
  pfcount,
  pfmerge,
  pfdebug,
  pfselftest,
];
