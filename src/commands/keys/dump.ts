/**
 * DUMP and RESTORE.
 *
 * @module
 */

import { ByteBuffer } from "../../base/byte_buffer.ts";
import { decodeDump, type DumpedValue, encodeDump } from "../../rdb/dump.ts";
import { readFooter } from "../../rdb/format/footer.ts";
import { RdbError } from "../../rdb/format/errors.ts";
import { FIRST_VALKEY_VERSION, snapshotVersionOf } from "../../rdb/format/version.ts";
import type { Argv } from "../../resp/argv.ts";
import { NO_EXPIRY } from "../../store/memory/record.ts";
import { isWord, millisText, readBigInteger, readInteger } from "../engine/args.ts";
import { ASKING, type Command, command, DENYOOM, READONLY, WRITE } from "../engine/command.ts";
import { Caller, type Context } from "../engine/context.ts";
import {
  BAD_DATA_FORMAT,
  BUSY_KEY,
  CommandError,
  DUMP_PAYLOAD,
  INVALID_FREQ,
  INVALID_IDLETIME,
  INVALID_TTL,
  SYNTAX,
} from "../engine/errors.ts";
import { lookup } from "../engine/lookup.ts";

/** Memory that is kept between two dumps. */
const KEPT_BYTES = 1 << 16;
const MAX_FREQUENCY = 255;

const payload: ByteBuffer = new ByteBuffer();

/** `DUMP key`: its value as RESTORE takes it, or null. O(N) in the value. */
const dump = command("dump", 2, READONLY, "RO.access@1", (ctx, argv) => {
  const entry = lookup(ctx, argv, 1);
  if (entry === 0) return ctx.reply.null();
  payload.clear();
  encodeDump(payload, ctx.db, entry, snapshotVersionOf(ctx.host.version), true);
  ctx.reply.bulk(payload.bytes, 0, payload.length);
  payload.shrink(KEPT_BYTES);
});

interface RestoreOptions {
  readonly replace: boolean;
  readonly isAbsolute: boolean;
}

/** The idle time and the frequency are checked and not kept: nothing is evicted here. */
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

/** When the key is to expire; NO_EXPIRY for never. A sum beyond int64 wraps around, as in C. */
function readExpiry(ctx: Context, argv: Argv, isAbsolute: boolean): number {
  const ttl = readInteger(argv, 2);
  if (ttl < 0) throw new CommandError(INVALID_TTL);
  if (ttl === 0) return NO_EXPIRY;
  const base = isAbsolute ? 0 : ctx.nowMs;
  if (ttl !== Infinity) return ttl + base;
  return Math.max(0, Number(BigInt.asIntN(64, readBigInteger(argv, 2) + BigInt(base))));
}

/**
 * What the payload holds. A client's may be as new as what the server we pass for writes; a master has
 * judged its own, and Redis 8.10 leaves the checksum out of it.
 */
function readPayload(ctx: Context, argv: Argv): DumpedValue {
  const { bytes } = argv;
  const start = argv.starts[3];
  const end = argv.ends[3];
  const footer = readFooter(bytes, start, end);
  const obeys = ctx.caller === Caller.MASTER_STREAM;
  const isRight = footer?.checksum === "right" || (obeys && footer?.checksum === "omitted");
  const newest = obeys ? Infinity : snapshotVersionOf(ctx.host.version);
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

/** RESTORE and RESTORE-ASKING. */
function restoreGeneric(ctx: Context, argv: Argv): void {
  const { bytes, starts, ends } = argv;
  const { replace, isAbsolute } = readOptions(argv);
  if (!replace && lookup(ctx, argv, 1) !== 0) throw new CommandError(BUSY_KEY);
  const expireAtMs = readExpiry(ctx, argv, isAbsolute);
  const value = readPayload(ctx, argv);
  const deleted = replace && ctx.db.remove(bytes, starts[1], ends[1]);
  const isPast = ctx.caller === Caller.MASTER_CLIENT && expireAtMs !== NO_EXPIRY &&
    expireAtMs <= ctx.nowMs;
  if (isPast) {
    if (deleted) ctx.propagateAs("DEL", argv.at(1));
  } else if (value.module === "") {
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
  args[2] = millisText(expireAtMs);
  ctx.propagateAs(...args, "ABSTTL");
}

/** `RESTORE key ttl payload [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]`. O(N). */
const restore = command("restore", -4, WRITE | DENYOOM, "OW.update@1", restoreGeneric);

/** RESTORE as MIGRATE sends it while a slot is on its way. O(n). */
const restoreAsking = command(
  "restore-asking",
  -4,
  WRITE | DENYOOM | ASKING,
  "OW.update@1",
  restoreGeneric,
);

/** The family. */
export const dumpCommands: readonly Command[] = [dump, restore, restoreAsking];
