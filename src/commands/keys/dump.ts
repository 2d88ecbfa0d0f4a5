/**
 * DUMP and RESTORE: one key's value as bytes (`cluster.c createDumpPayload`). The payload is what a
 * snapshot would hold for the key, without its name and expiry:
 *
 *     | RDB type, 1 byte | value as in a snapshot | RDB version, 2 bytes | CRC-64 of all before it, 8 bytes |
 *
 * Numbers are little-endian. `rdb/dump.ts` reads and writes it; here are the commands and what they refuse.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { ByteBuffer } from "../../base/byte_buffer.ts";
import { decodeDump, type DumpedValue, DumpEncoder } from "../../rdb/dump.ts";
import { FOOTER_BYTES, readFooter } from "../../rdb/format/footer.ts";
import { RdbError } from "../../rdb/format/errors.ts";
import { FIRST_VALKEY_VERSION } from "../../rdb/format/version.ts";
import type { Argv } from "../../resp/argv.ts";
import { ReplyWriter } from "../../resp/writer.ts";
import { expiryFromBigInt, expiryText, hasCome } from "../../store/memory/expiry.ts";
import { NO_EXPIRY } from "../../store/memory/record.ts";
import { moduleValueOf } from "../../store/types/module.ts";
import { Stream } from "../../store/types/stream.ts";
import { vectorSetOf } from "../../store/types/vector_set.ts";
import { isWord, readBigInteger, readInteger } from "../engine/args.ts";
import { ASKING, type Command, command, DENYOOM, READONLY, WRITE } from "../engine/command.ts";
import { Caller, type Context } from "../engine/context.ts";
import {
  BAD_DATA_FORMAT,
  BUSY_KEY,
  CommandError,
  DUMP_PAYLOAD,
  GRAPH_UNKNOWN,
  INVALID_FREQ,
  INVALID_IDLETIME,
  INVALID_TTL,
  SYNTAX,
  unreadValue,
} from "../engine/errors.ts";
import { type LongRead, readInSlices, STEP_BYTES, type Steps } from "../engine/long_read.ts";
import { lookup } from "../engine/lookup.ts";

/** How many bytes the payload buffer keeps allocated between two DUMPs. */
const KEPT_BYTES = 1 << 16;
/** The largest value of the 8-bit LFU counter that RESTORE's FREQ names. */
const MAX_FREQUENCY = 255;

const payload: ByteBuffer = new ByteBuffer();

/**
 * `DUMP key`: the value's payload, null when the key is missing. O(n) in the value. A value that only
 * its module can read is an error once a command of that module has changed it, a vector set once an
 * element came or went.
 */
const dump = command("dump", 2, READONLY, "RO.access@1", (ctx, argv) => {
  const entry = lookup(ctx, argv, 1);
  if (entry === 0) return ctx.reply.null();
  const value = moduleValueOf(ctx.db, entry);
  if (value !== undefined && value.payload === undefined) throw unreadValue(value.module);
  if (vectorSetOf(ctx.db, entry)?.hasGraph === false) throw new CommandError(GRAPH_UNKNOWN);
  const object = ctx.db.objectOf(entry);
  if (object instanceof Stream) object.producers?.forgetOld(ctx.nowMs);
  payload.clear();
  const { snapshotVersion } = ctx.keyspace;
  const encoder = new DumpEncoder(payload, ctx.db, entry, snapshotVersion, true);
  if (!encoder.isWhole) {
    const own = new ByteBuffer(2 * payload.length);
    own.writeBytes(payload.bytes, 0, payload.length);
    encoder.moveTo(own);
    payload.shrink(KEPT_BYTES);
    return readInSlices(ctx, argv, 1, 2, (_, read) => dumpInSteps(ctx, encoder, own, read));
  }
  while (!encoder.step());
  assert(payload.length > FOOTER_BYTES, "a payload has a type and a footer");
  ctx.reply.bulk(payload.bytes, 0, payload.length);
  payload.shrink(KEPT_BYTES);
});

/** DUMP of a large value, in steps. */
function* dumpInSteps(
  ctx: Context,
  encoder: DumpEncoder,
  own: ByteBuffer,
  read: LongRead,
): Steps {
  while (!encoder.step()) yield;
  read.release();
  const { reply } = ctx;
  const { bytes, length } = own;
  if (!(reply instanceof ReplyWriter)) return reply.bulk(bytes, 0, length);
  reply.beginBulk(length);
  for (let at = 0; at < length; at += STEP_BYTES) {
    const next = Math.min(at + STEP_BYTES, length);
    reply.bulkPart(bytes, at, next, next === length);
    yield;
  }
}

/** The options of RESTORE that have an effect here. */
interface RestoreOptions {
  /** REPLACE: the key may exist. */
  readonly replace: boolean;
  /** ABSTTL: the time counts from 1970, else from now. */
  readonly isAbsolute: boolean;
}

/**
 * Reads RESTORE's options from argument 4 on. IDLETIME and FREQ are checked and dropped: nothing is evicted
 * here.
 */
function readOptions(argv: Argv): RestoreOptions {
  let replace = false;
  let isAbsolute = false;
  let hasIdle = false;
  let hasFrequency = false;
  for (let i = 4; i < argv.count; i++) {
    const hasMore = i + 1 < argv.count;
    if (isWord(argv, i, "REPLACE")) replace = true;
    else if (isWord(argv, i, "ABSTTL")) isAbsolute = true;
    else if (isWord(argv, i, "IDLETIME") && hasMore && !hasFrequency) {
      if (readInteger(argv, ++i) < 0) throw new CommandError(INVALID_IDLETIME);
      hasIdle = true;
    } else if (isWord(argv, i, "FREQ") && hasMore && !hasIdle) {
      const frequency = readInteger(argv, ++i);
      if (frequency < 0 || frequency > MAX_FREQUENCY) throw new CommandError(INVALID_FREQ);
      hasFrequency = true;
    } else throw new CommandError(SYNTAX);
  }
  return { replace, isAbsolute };
}

/**
 * The expiry as the store keeps it, NO_EXPIRY for a time of 0. A sum beyond int64 overflows as in C,
 * where it becomes a moment that has passed.
 *
 * @throws {CommandError} INVALID_TTL when the time is negative.
 */
function readExpiry(ctx: Context, argv: Argv, isAbsolute: boolean): number {
  const ttl = readInteger(argv, 2);
  if (ttl < 0) throw new CommandError(INVALID_TTL);
  if (ttl === 0) return NO_EXPIRY;
  const base = isAbsolute ? 0 : ctx.nowMs;
  const near = ttl + base;
  if (near <= Number.MAX_SAFE_INTEGER) return near;
  return expiryFromBigInt(readBigInteger(argv, 2) + BigInt(base));
}

/**
 * The value in the payload. From a client it must carry the right checksum and a version that our master can
 * write (`cluster.c verifyDumpPayload`), or one of Valkey's. From a master any version is
 * taken, and the checksum may be left out, as Redis 8.10 does.
 *
 * @throws {CommandError} DUMP_PAYLOAD for a version or checksum, BAD_DATA_FORMAT for a value that cannot be
 * read.
 */
function readPayload(ctx: Context, argv: Argv): DumpedValue {
  const { bytes } = argv;
  const start = argv.starts[3];
  const end = argv.ends[3];
  const footer = readFooter(bytes, start, end);
  const obeys = ctx.caller === Caller.MASTER_STREAM;
  const isRight = footer?.checksum === "right" || (obeys && footer?.checksum === "omitted");
  const newest = obeys ? Infinity : ctx.keyspace.snapshotVersion;
  const isKnown = footer !== undefined &&
    (footer.version <= newest || footer.version === FIRST_VALKEY_VERSION);
  if (!isKnown || !isRight) throw new CommandError(DUMP_PAYLOAD);
  try {
    const value = decodeDump(bytes, start, end, ctx.db.settings, footer.version);
    if (value.module === "" || obeys) return value;
  } catch (error) {
    if (!(error instanceof RdbError)) throw error;
  }
  throw new CommandError(BAD_DATA_FORMAT);
}

/**
 * RESTORE and RESTORE-ASKING (`cluster.c restoreCommand`), in its order: options, whether the key is busy,
 * the time, the payload. A stand-alone master does not create a key whose time has passed; it deletes what
 * REPLACE replaces.
 */
function restoreGeneric(ctx: Context, argv: Argv): void {
  const { bytes, starts, ends } = argv;
  const { replace, isAbsolute } = readOptions(argv);
  if (!replace && lookup(ctx, argv, 1) !== 0) throw new CommandError(BUSY_KEY);
  const expireAtMs = readExpiry(ctx, argv, isAbsolute);
  const value = readPayload(ctx, argv);
  const deleted = replace && ctx.db.remove(bytes, starts[1], ends[1]);
  const isPast = ctx.caller === Caller.MASTER_CLIENT && hasCome(expireAtMs, ctx.nowMs);
  if (isPast) {
    if (deleted) ctx.propagateAs("DEL", argv.at(1));
  } else {
    value.store(ctx.db, bytes, starts[1], ends[1], expireAtMs);
    if (expireAtMs !== NO_EXPIRY && !isAbsolute) propagateAbsolute(ctx, argv, expireAtMs);
  }
  if (deleted || !isPast) {
    ctx.changed(argv, 1);
  }
  ctx.reply.ok();
}

function propagateAbsolute(ctx: Context, argv: Argv, expireAtMs: number): void {
  const args: (string | Uint8Array)[] = [];
  for (let i = 0; i < argv.count; i++) args.push(argv.at(i));
  args[2] = expiryText(expireAtMs);
  ctx.propagateAs(...args, "ABSTTL");
}

/**
 * `RESTORE key ttl payload [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]`: creates a key from a
 * DUMP and replies OK. `ttl` is in milliseconds, 0 for no expiry. O(n) in the value.
 */
const restore = command("restore", -4, WRITE | DENYOOM, "OW.update@1", restoreGeneric);

/**
 * `RESTORE-ASKING key ttl payload ...`: RESTORE as MIGRATE sends it to a node that imports the key's slot.
 * O(n).
 */
const restoreAsking = command(
  "restore-asking",
  -4,
  WRITE | DENYOOM | ASKING,
  "OW.update@1",
  restoreGeneric,
);

/** What `commands/table.ts` takes from this file: a row that is missing here answers nobody. */
export const dumpCommands: readonly Command[] = [dump, restore, restoreAsking];
