/**
 * HyperLogLogs: cardinalities of sets nobody keeps, in strings that equal Redis's.
 *
 * @module
 */

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
import { lookup } from "../engine/lookup.ts";

const SELFTEST_ELEMENTS = 20_000;
/** Six standard errors of 1.04 / sqrt(registers). */
const SELFTEST_ERROR: number = 6 * 1.04 / 128;

const value = new BytesRef();
const region = new RecordRegion();
const registers = new Uint8Array(HLL_REGISTERS);

/** The HyperLogLog argument `index` names, 0 when there is none; {@linkcode value} points at it. */
function lookupHll(ctx: Context, argv: Argv, index: number): Entry {
  const entry = lookup(ctx, argv, index, ValueType.STRING);
  if (entry === 0) return 0;
  ctx.db.valueRef(entry, value);
  const isText = ctx.db.encodingOf(entry) !== Encoding.INT;
  if (isText && isHll(value.bytes, value.start, value.end)) return entry;
  throw new CommandError(NO_HYPERLOGLOG);
}

/** Opens `region` on a HyperLogLog, as a string that is changed in place; 0: an empty one is made. */
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
}

/** `PFADD key [element ...]`: 1 when a register was raised or the key made. O(1) an element. */
const pfadd = command("pfadd", -2, WRITE | DENYOOM | FAST, "RW.insert@1", (ctx, argv) => {
  const { bytes, starts, ends } = argv;
  const entry = lookupHll(ctx, argv, 1);
  const sparseMax = ctx.db.settings.limits.hllSparseMaxBytes;
  let updated = entry === 0 ? 1 : 0;
  openForWrite(ctx.db, entry, argv, 1);
  for (let i = 2; i < argv.count; i++) {
    const change = hllAdd(region, sparseMax, bytes, starts[i], ends[i]);
    // As in Redis, what was raised before the damage was met stays so.
    if (change === HllChange.CORRUPT) throw new CommandError(HYPERLOGLOG_CORRUPT);
    updated += change;
  }
  if (updated > 0) {
    hllInvalidate(region.bytes, region.start);
    ctx.changed(argv, 1, updated);
  }
  ctx.reply.integer(updated > 0 ? 1 : 0);
});

/** PFCOUNT of one key: what was counted is written into the string, and so propagated. */
function countOne(ctx: Context, argv: Argv): void {
  const entry = lookupHll(ctx, argv, 1);
  if (entry === 0) return ctx.reply.integer(0);
  // A replica's own clients leave the string as the master has it.
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

/** `PFCOUNT key [key ...]`: how many different elements there were, about. O(1) a key. */
const pfcount = command("pfcount", -2, READONLY | MAY_REPLICATE, "RW.access@1:-1", (ctx, argv) => {
  if (argv.count === 2) return countOne(ctx, argv);
  registers.fill(0);
  for (let i = 1; i < argv.count; i++) mergeKey(ctx, argv, i);
  const card = hllCountRegisters(registers);
  ctx.reply.integer(typeof card === "bigint" ? BigInt.asIntN(64, card) : card);
});

/** Raises `registers` to what a key has; whether that is held dense. */
function mergeKey(ctx: Context, argv: Argv, index: number): boolean {
  if (lookupHll(ctx, argv, index) === 0) return false;
  if (
    !hllMerge(registers, value.bytes, value.start, value.end, ctx.caller === Caller.MASTER_STREAM)
  ) {
    throw new CommandError(HYPERLOGLOG_CORRUPT);
  }
  return hllIsDense(value.bytes, value.start);
}

/** `PFMERGE target [source ...]`: the target has seen all that they have. O(1) a key. */
const pfmerge = command(
  "pfmerge",
  -2,
  WRITE | DENYOOM,
  "RW.access.insert@1+RO.access@2:-1",
  (ctx, argv) => {
    registers.fill(0);
    let dense = false;
    for (let i = 1; i < argv.count; i++) if (mergeKey(ctx, argv, i)) dense = true;
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

/** PFDEBUG's subcommands that need a dense one; whether it was sparse. */
function makeDense(ctx: Context, argv: Argv): boolean {
  if (hllIsDense(region.bytes, region.start)) return false;
  if (!hllToDense(region)) throw new CommandError(HYPERLOGLOG_CORRUPT);
  ctx.changed(argv, 2);
  return true;
}

function replyRegisters(ctx: Context): void {
  registers.fill(0);
  hllMerge(registers, region.bytes, region.start, region.end);
  ctx.reply.array(HLL_REGISTERS);
  for (let i = 0; i < HLL_REGISTERS; i++) ctx.reply.integer(registers[i]);
}

/** `PFDEBUG GETREG|DECODE|ENCODING|TODENSE key`: its registers or opcodes. O(1). */
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

/** `PFSELFTEST`: that sparse and dense agree and both count well enough. O(1). */
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

/** The family, in the order of its rows. */
export const hyperloglogCommands: readonly Command[] = [
  pfadd,
  pfcount,
  pfmerge,
  pfdebug,
  pfselftest,
];
