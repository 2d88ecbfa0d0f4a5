/**
 * Idempotent producers, since Redis 8.6: what `XADD ... IDMP|IDMPAUTO` notes and asks, XCFGSET and
 * XIDMPRECORD. A master sends an entry that it has added with its id, and a repeated one with `*` as it
 * came: on a replica the first is noted and the second adds nothing.
 *
 * @module
 */

import { ByteBuffer } from "../../base/byte_buffer.ts";
import { latin1 } from "../../base/ascii.ts";
import { type Hash128, xxh128 } from "../../base/xxh3.ts";
import type { Argv } from "../../resp/argv.ts";
import type { Entry } from "../../store/memory/record.ts";
import { StreamId } from "../../store/packed/stream_id.ts";
import type { Stream } from "../../store/types/stream.ts";
import { StreamProducers } from "../../store/types/stream_producers.ts";
import { isWord, readInteger, textOf } from "../engine/args.ts";
import { type Command, command, DENYOOM, FAST, WRITE } from "../engine/command.ts";
import { Caller, type Context } from "../engine/context.ts";
import { CommandError, NO_SUCH_KEY, SYNTAX } from "../engine/errors.ts";
import type { AddOptions } from "./add_options.ts";
import { IdForm, lookupStream, readId, streamChanged } from "./args.ts";

/** Most seconds that XCFGSET may keep ids for: a day. */
const MAX_DURATION_SECONDS = 86_400;
/** Most ids of one producer that XCFGSET may keep. */
const MAX_ENTRIES = 10_000;

const DURATION_RANGE = `ERR IDMP-DURATION must be between 1 and ${MAX_DURATION_SECONDS} seconds`;
const ENTRIES_RANGE = `ERR IDMP-MAXSIZE must be between 1 and ${MAX_ENTRIES} entries`;
const NOTHING_SET = "ERR At least one parameter must be specified";
const NO_MESSAGE = "ERR No such message in stream";
const OTHER_ENTRY = "ERR IID already exists for this producer with a different stream ID";

const id = new StreamId();
const known = new StreamId();
const pair = new ByteBuffer();
/** The bytes of an id that Redis reckons. */
const ID_BYTES = 16;
const idBytes = new Uint8Array(ID_BYTES);
const idView = new DataView(idBytes.buffer);

/** Counts a repeated XADD of a master's stream, which adds nothing and trims nothing. */
export function passOver(ctx: Context, argv: Argv, entry: Entry): void {
  // A stream with producers is never packed in its record.
  const stream = entry === 0 ? undefined : ctx.db.objectOf(entry) as Stream | undefined;
  if (stream?.producers !== undefined) {
    stream.producers.duplicates++;
    ctx.modified(ctx.dbIndex, argv.bytes, argv.starts[1], argv.ends[1]);
  }
  ctx.reply.null();
}

/**
 * Whether the entry of an XADD of a stand-alone master's client has been added before. It is counted, and
 * the command propagated as it came.
 *
 * @param out Receives the id that the entry got then.
 */
export function findRepeated(
  ctx: Context,
  argv: Argv,
  entry: Entry,
  options: AddOptions,
  out: StreamId,
): boolean {
  const stream = entry === 0 ? undefined : ctx.db.objectOf(entry) as Stream | undefined;
  const producers = stream?.producers;
  if (producers === undefined) return false;
  const producer = textOf(argv, options.producerAt);
  if (!producers.find(producer, producerId(argv, options), ctx.nowMs, out)) return false;
  producers.duplicates++;
  ctx.changed(argv, 1);
  return true;
}

/** Notes that an XADD with IDMP or IDMPAUTO has added entry `added`. */
export function noteAdded(
  ctx: Context,
  argv: Argv,
  stream: Stream,
  options: AddOptions,
  added: StreamId,
): void {
  const producers = stream.producers ??= new StreamProducers();
  producers.note(textOf(argv, options.producerAt), producerId(argv, options), added, ctx.nowMs);
  producers.added++;
}

/** The id of IDMP; for IDMPAUTO one that is reckoned from fields and values. */
function producerId(argv: Argv, options: AddOptions): string {
  if (options.producerIdAt !== 0) return textOf(argv, options.producerIdAt);
  return automaticId(argv, options.idAt + 1);
}

/**
 * The id of 16 bytes that Redis reckons from fields and values from an argument on, the same in whatever order
 * the pairs come: sums and exclusive ors of the pairs' hashes, those of one half turned into the other half
 * (`t_stream.c xaddCommand`, seen on 8.6.2).
 */
function automaticId(argv: Argv, first: number): string {
  let [lowSum, highSum, lowXor, highXor] = [0n, 0n, 0n, 0n];
  for (let i = first; i < argv.count; i += 2) {
    const { low, high } = pairHash(argv, i);
    lowSum += low;
    highSum += high;
    lowXor ^= low;
    highXor ^= high;
  }
  idView.setBigUint64(0, BigInt.asUintN(64, lowSum) ^ turnedLeft(highXor), true);
  idView.setBigUint64(8, BigInt.asUintN(64, highSum) ^ turnedLeft(lowXor), true);
  return latin1(idBytes, 0, ID_BYTES);
}

/** 64 bits turned left by one. */
function turnedLeft(bits: bigint): bigint {
  return BigInt.asUintN(64, bits << 1n) | (bits >> 63n);
}

/** The hash of the field, its length as eight bytes, and the value. */
function pairHash({ bytes, starts, ends }: Argv, index: number): Hash128 {
  pair.clear();
  pair.writeBytes(bytes, starts[index], ends[index]);
  const length = ends[index] - starts[index];
  for (let i = 0; i < 4; i++) pair.writeByte((length >>> (8 * i)) & 0xff);
  for (let i = 0; i < 4; i++) pair.writeByte(0);
  pair.writeBytes(bytes, starts[index + 1], ends[index + 1]);
  return xxh128(pair.bytes, 0, pair.length);
}

/** What XCFGSET sets; NaN for what it leaves. */
interface Configuration {
  readonly durationSeconds: number;
  readonly maxEntries: number;
}

/** @throws {CommandError} For an unknown, repeated or missing parameter, or one out of its range. */
function readConfiguration(ctx: Context, argv: Argv): Configuration {
  const obeys = ctx.caller === Caller.MASTER_STREAM;
  let durationSeconds = NaN;
  let maxEntries = NaN;
  for (let i = 2; i < argv.count; i += 2) {
    if (i + 1 === argv.count) throw new CommandError(SYNTAX);
    if (isWord(argv, i, "IDMP-DURATION")) {
      if (!obeys && durationSeconds === durationSeconds) throw new CommandError(twice("DURATION"));
      durationSeconds = readInteger(argv, i + 1);
      if (!obeys && (durationSeconds < 1 || durationSeconds > MAX_DURATION_SECONDS)) {
        throw new CommandError(DURATION_RANGE);
      }
    } else if (isWord(argv, i, "IDMP-MAXSIZE")) {
      if (!obeys && maxEntries === maxEntries) throw new CommandError(twice("MAXSIZE"));
      maxEntries = readInteger(argv, i + 1);
      if (!obeys && (maxEntries < 1 || maxEntries > MAX_ENTRIES)) {
        throw new CommandError(ENTRIES_RANGE);
      }
    } else throw new CommandError(SYNTAX);
  }
  if (argv.count === 2) throw new CommandError(NOTHING_SET);
  return { durationSeconds, maxEntries };
}

function twice(parameter: string): string {
  return `ERR IDMP-${parameter} specified multiple times`;
}

/**
 * `XCFGSET key [IDMP-DURATION seconds] [IDMP-MAXSIZE ids]`: for how long and how many ids of a producer are
 * known. When either changes, all that was known is forgotten. O(1).
 */
const xcfgset = command("xcfgset", -2, WRITE | FAST, "RW.update@1", (ctx, argv) => {
  const { durationSeconds, maxEntries } = readConfiguration(ctx, argv);
  const stream = lookupStream(ctx, argv, 1);
  if (stream === undefined) throw new CommandError(NO_SUCH_KEY);
  const producers = stream.producers ??= new StreamProducers();
  producers.configure(
    Number.isNaN(durationSeconds) ? producers.durationSeconds : durationSeconds,
    Number.isNaN(maxEntries) ? producers.maxEntries : maxEntries,
  );
  ctx.reply.ok();
  streamChanged(ctx, argv, 1, 1, stream);
});

/**
 * `XIDMPRECORD key producer id entry`: notes that an id of a producer's became an entry, as a rewritten AOF
 * does. O(1). Since Redis 8.6.2.
 */
const xidmprecord = command(
  "xidmprecord",
  5,
  WRITE | DENYOOM | FAST,
  "RW.update@1",
  (ctx, argv) => {
    readId(argv, 4, id, IdForm.STRICT);
    if (argv.lengthOf(2) === 0) throw new CommandError("ERR producer ID must be non-empty");
    if (argv.lengthOf(3) === 0) throw new CommandError("ERR idempotent ID must be non-empty");
    const stream = lookupStream(ctx, argv, 1);
    if (stream === undefined) throw new CommandError(NO_SUCH_KEY);
    const obeys = ctx.caller === Caller.MASTER_STREAM;
    if (!obeys && !stream.has(id)) throw new CommandError(NO_MESSAGE);
    const producers = stream.producers ??= new StreamProducers();
    const [producer, name] = [textOf(argv, 2), textOf(argv, 3)];
    const isKnown = producers.find(producer, name, ctx.nowMs, known);
    ctx.reply.ok();
    if (isKnown && known.compare(id) === 0) return;
    if (isKnown && !obeys) throw new CommandError(OTHER_ENTRY);
    producers.note(producer, name, id, ctx.nowMs);
    producers.added++;
    streamChanged(ctx, argv, 1, 1, stream);
  },
);

/** The commands of this file. */
export const streamProducerCommands: readonly Command[] = [xcfgset, xidmprecord];
