/**
 * What the stream commands have in common: ids and ranges in arguments, looking a stream up, trimming.
 *
 * @module
 */

import { BytesRef } from "../../base/byte_buffer.ts";
import type { Argv } from "../../resp/argv.ts";
import { type Entry, ValueType } from "../../store/memory/record.ts";
import {
  MAX_ID,
  MAX_ID_TEXT,
  MIN_ID,
  parseUnsigned,
  parseUnsignedResult,
  StreamId,
} from "../../store/packed/stream_id.ts";
import type { Stream, Trim } from "../../store/types/stream.ts";
import type { StreamCursor } from "../../store/types/stream_cursor.ts";
import type { Group } from "../../store/types/stream_groups.ts";
import { keepStream, streamOf } from "../../store/types/small_stream.ts";
import { cStringEnd, isWord, readInteger, textOf } from "../engine/args.ts";
import { Caller, type Context } from "../engine/context.ts";
import { CommandError, cString, INVALID_STREAM_ID, SYNTAX, WRONG_TYPE } from "../engine/errors.ts";
import { lookup } from "../engine/lookup.ts";

/** Longest id that is looked at. */
const MAX_ARGUMENT = 127;

const idText = new Uint8Array(MAX_ID_TEXT);
const field = new BytesRef();
const value = new BytesRef();

/** The stream argument `index` names; undefined when there is none. */
export function lookupStream(ctx: Context, argv: Argv, index: number): Stream | undefined {
  return streamAt(ctx, lookup(ctx, argv, index));
}

/** The stream of an entry. */
export function streamAt(ctx: Context, entry: Entry): Stream | undefined {
  checkStream(ctx, entry);
  return entry === 0 ? undefined : streamOf(ctx.db, entry);
}

function checkStream(ctx: Context, entry: Entry): void {
  if (entry === 0 || ctx.db.typeOf(entry) === ValueType.STREAM) return;
  throw new CommandError(WRONG_TYPE);
}

/** The group argument `index` names. */
export function groupAt(stream: Stream | undefined, argv: Argv, index: number): Group | undefined {
  return stream?.group(argv.bytes, argv.starts[index], argv.ends[index]);
}

/**
 * The key at argument `index` was changed by so much.
 *
 * @param stream What is there now; may be left out when it has groups and so is held as an object.
 */
export function streamChanged(
  ctx: Context,
  argv: Argv,
  index: number,
  by: number,
  stream?: Stream,
): void {
  const { bytes, starts, ends } = argv;
  if (stream !== undefined) keepStream(ctx.db, bytes, starts[index], ends[index], stream);
  ctx.changed(argv, index, by);
}

/** Replies with an id. */
export function replyId(ctx: Context, id: StreamId): void {
  if (!ctx.reply.silent) ctx.reply.bulk(idText, 0, id.writeText(idText, 0));
}

/** Replies with the entry a cursor is at: its id and its fields and values. */
export function replyEntry(ctx: Context, cursor: StreamCursor): void {
  ctx.reply.array(2);
  replyId(ctx, cursor.id);
  const { fieldCount } = cursor;
  ctx.reply.array(2 * fieldCount);
  for (let i = 0; i < fieldCount; i++) {
    cursor.readField(field, value);
    ctx.reply.bulk(field.bytes, field.start, field.end);
    ctx.reply.bulk(value.bytes, value.start, value.end);
  }
}

/** How an id may be written. */
export const IdForm = {
  /** `-` and `+` are ids, too. */
  LOOSE: 0,
  /** They are none. */
  STRICT: 1,
  /** As STRICT, and `ms-*` leaves the sequence to the stream. */
  PARTIAL: 2,
} as const;
/** One of {@linkcode IdForm}'s. */
export type IdForm = typeof IdForm[keyof typeof IdForm];

/**
 * Reads argument `index` from its byte `skip` on as an id.
 *
 * @param missing Whether a sequence that is left out is the largest; else it is 0.
 * @returns False when {@linkcode IdForm.PARTIAL} left the sequence open.
 * @throws {CommandError} When it is none.
 */
export function readId(
  argv: Argv,
  index: number,
  out: StreamId,
  form: IdForm = IdForm.STRICT,
  missing: boolean = false,
  skip: number = 0,
): boolean {
  const { bytes } = argv;
  const start = argv.starts[index] + skip;
  const whole = argv.ends[index];
  if (whole - start > MAX_ARGUMENT) throw new CommandError(INVALID_STREAM_ID);
  const end = cStringEnd(argv, index);
  if (end - start === 1 && form === IdForm.LOOSE) {
    if (bytes[start] === 0x2d) return out.set(MIN_ID), true;
    if (bytes[start] === 0x2b) return out.set(MAX_ID), true;
  }
  let dash = start;
  while (dash < end && bytes[dash] !== 0x2d) dash++;
  if (!parseUnsigned(bytes, start, dash)) throw new CommandError(INVALID_STREAM_ID);
  const { high, low } = parseUnsignedResult;
  if (dash === end) {
    const rest = missing ? 0xffffffff : 0;
    out.setWords(high, low, rest, rest);
    return true;
  }
  if (form === IdForm.PARTIAL && end - dash === 2 && bytes[dash + 1] === 0x2a) {
    out.setWords(high, low, 0, 0);
    return false;
  }
  if (!parseUnsigned(bytes, dash + 1, end)) throw new CommandError(INVALID_STREAM_ID);
  out.setWords(high, low, parseUnsignedResult.high, parseUnsignedResult.low);
  return true;
}

/** Reads the first id of a range: `(` leaves the id itself out. */
export function readRangeStart(argv: Argv, index: number, out: StreamId): void {
  if (!isExclusive(argv, index)) {
    readId(argv, index, out, IdForm.LOOSE, false);
    return;
  }
  readId(argv, index, out, IdForm.STRICT, false, 1);
  if (!out.increment()) throw new CommandError("ERR invalid start ID for the interval");
}

/** Reads the last id of a range. */
export function readRangeEnd(argv: Argv, index: number, out: StreamId): void {
  if (!isExclusive(argv, index)) {
    readId(argv, index, out, IdForm.LOOSE, true);
    return;
  }
  readId(argv, index, out, IdForm.STRICT, true, 1);
  if (!out.decrement()) throw new CommandError("ERR invalid end ID for the interval");
}

function isExclusive(argv: Argv, index: number): boolean {
  return argv.lengthOf(index) > 1 && argv.bytes[argv.starts[index]] === 0x28;
}

/** The group's error of commands that name a key and a group. */
export function noGroup(argv: Argv, key: number, group: number): string {
  return `NOGROUP No such key '${cString(textOf(argv, key))}' or consumer group '${
    cString(textOf(argv, group))
  }'`;
}

/** What becomes of references in groups when entries are deleted: Redis 8.2. */
export const References = { KEEP: 0, DELETE: 1, ACKED: 2 } as const;
/** One of {@linkcode References}. */
export type References = typeof References[keyof typeof References];

/** The option argument `index` is; undefined when it is none. */
export function referencesAt(argv: Argv, index: number): References | undefined {
  if (isWord(argv, index, "KEEPREF")) return References.KEEP;
  if (isWord(argv, index, "DELREF")) return References.DELETE;
  return isWord(argv, index, "ACKED") ? References.ACKED : undefined;
}

/** What XADD and XTRIM are told. */
export class AddOptions {
  /** Index of XADD's id. */
  idAt: number = 0;
  /** An id was given, not `*`. */
  hasId: boolean = false;
  /** And its sequence as well. */
  hasSequence: boolean = true;
  /** It. */
  readonly id: StreamId = new StreamId();
  /** NOMKSTREAM. */
  onlyExisting: boolean = false;
  /** MAXLEN's or MINID's argument; 0 when there is no trimming. */
  trimAt: number = 0;
  maxLength: number = Infinity;
  minId: StreamId | undefined = undefined;
  approximate: boolean = false;
  limit: number = 0;
  references: References = References.KEEP;

  /** What {@linkcode Stream.trim} is to do. */
  get trim(): Trim {
    return this;
  }

  /** As new. */
  reset(): void {
    this.idAt = 0;
    this.hasId = false;
    this.hasSequence = true;
    this.onlyExisting = false;
    this.trimAt = 0;
    this.maxLength = Infinity;
    this.minId = undefined;
    this.approximate = false;
    this.limit = 0;
    this.references = References.KEEP;
  }
}

const options = new AddOptions();

const ONE_STRATEGY =
  "ERR syntax error, MAXLEN and MINID options at the same time are not compatible";
const LIMIT_ALONE = "ERR syntax error, LIMIT cannot be used without specifying a trimming strategy";
const LIMIT_EXACT = "ERR syntax error, LIMIT cannot be used without the special ~ option";
const NO_STRATEGY = "ERR syntax error, XTRIM must be called with a trimming strategy";

/** Reads the options of XADD, up to its id, or of XTRIM; they are valid until the next call. */
export function readAddOptions(ctx: Context, argv: Argv, isAdd: boolean): AddOptions {
  options.reset();
  let limit = -1;
  let i = 2;
  for (; i < argv.count; i++) {
    const more = argv.count - 1 - i;
    // Most begin like this, and no option does.
    if (isAdd && isDigit(argv.bytes[argv.starts[i]])) {
      options.hasSequence = readId(argv, i, options.id, IdForm.PARTIAL);
      options.hasId = true;
      break;
    }
    const references = referencesAt(argv, i);
    if (isAdd && isWord(argv, i, "*")) break;
    if (more > 0 && (isWord(argv, i, "MAXLEN") || isWord(argv, i, "MINID"))) {
      i = readStrategy(argv, i, options);
    } else if (more > 0 && isWord(argv, i, "LIMIT")) {
      limit = readInteger(argv, ++i);
      if (limit < 0) throw new CommandError("ERR The LIMIT argument must be >= 0.");
    } else if (isAdd && isWord(argv, i, "NOMKSTREAM")) {
      options.onlyExisting = true;
    } else if (references !== undefined) {
      options.references = references;
    } else if (isAdd && ctx.caller === Caller.MASTER_STREAM && producerWords(argv, i) > 0) {
      i += producerWords(argv, i);
    } else if (isAdd) {
      options.hasSequence = readId(argv, i, options.id, IdForm.PARTIAL);
      options.hasId = true;
      break;
    } else {
      throw new CommandError(SYNTAX);
    }
  }
  options.idAt = i;
  if (limit > 0 && options.trimAt === 0) throw new CommandError(LIMIT_ALONE);
  if (!isAdd && options.trimAt === 0) throw new CommandError(NO_STRATEGY);
  if (ctx.caller !== Caller.MASTER_STREAM) setLimit(ctx, options, limit);
  return options;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

/**
 * How many arguments follow `IDMPAUTO producer` or `IDMP producer id` at an index, 0 when it is neither:
 * Redis 8.6. A master has met no such entry before, else it would not send it.
 */
function producerWords(argv: Argv, index: number): number {
  if (isWord(argv, index, "IDMPAUTO")) return 1;
  return isWord(argv, index, "IDMP") ? 2 : 0;
}

function readStrategy(argv: Argv, index: number, options: AddOptions): number {
  if (options.trimAt !== 0) throw new CommandError(ONE_STRATEGY);
  let at = index + 1;
  options.approximate = false;
  if (argv.count - 1 - index >= 2) {
    const approximate = isWord(argv, at, "~");
    if (approximate || isWord(argv, at, "=")) at++;
    options.approximate = approximate;
  }
  if (isWord(argv, index, "MAXLEN")) {
    options.maxLength = readInteger(argv, at);
    if (options.maxLength < 0) throw new CommandError("ERR The MAXLEN argument must be >= 0.");
  } else {
    options.minId = new StreamId();
    readId(argv, at, options.minId);
  }
  options.trimAt = at;
  return at;
}

/** Approximate trimming is bounded, exact trimming is not; what a master sends is exact. */
function setLimit(ctx: Context, options: AddOptions, given: number): void {
  if (given >= 0) {
    if (!options.approximate) throw new CommandError(LIMIT_EXACT);
    options.limit = given;
  } else if (options.approximate) {
    const nodes = 100 * ctx.db.settings.limits.streamNodeMaxEntries;
    options.limit = nodes <= 0 ? 10_000 : Math.min(nodes, 1_000_000);
  }
}

/** The command as it came, with a trimming that removes just what was removed. */
export function exactly(
  argv: Argv,
  options: AddOptions,
  stream: Stream | undefined,
): (string | Uint8Array)[] {
  const args: (string | Uint8Array)[] = [];
  for (let i = 0; i < argv.count; i++) args.push(argv.at(i));
  if (options.trimAt === 0 || !options.approximate || stream === undefined) return args;
  args[options.trimAt - 1] = "=";
  if (options.minId === undefined) {
    args[options.trimAt] = String(stream.length);
  } else {
    const first = new StreamId();
    // t_stream.c: deleted entries count.
    stream.physicalFirstId(first);
    args[options.trimAt] = first.toString();
  }
  return args;
}
