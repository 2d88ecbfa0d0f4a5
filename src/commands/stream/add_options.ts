/**
 * The options of XADD and XTRIM: the id, and how the stream is trimmed
 * (`t_stream.c streamParseAddOrTrimArgsOrReply`).
 *
 * @module
 */

import type { Argv } from "../../resp/argv.ts";
import { StreamId } from "../../store/packed/stream_id.ts";
import type { Stream, Trim } from "../../store/types/stream.ts";
import { isWord, readInteger } from "../engine/args.ts";
import { Caller, type Context } from "../engine/context.ts";
import { CommandError, SYNTAX } from "../engine/errors.ts";
import { IdForm, readId } from "./args.ts";

/**
 * What becomes of entries that are deleted while groups refer to them, since Redis 8.2: the references stay
 * (KEEPREF), go as well (DELREF), or keep the entry (ACKED).
 */
export const References = { KEEP: 0, DELETE: 1, ACKED: 2 } as const;
/** One of {@linkcode References}'s numbers. */
export type References = typeof References[keyof typeof References];

/** The option KEEPREF, DELREF or ACKED at argument `index`; undefined when it is another word. */
export function referencesAt(argv: Argv, index: number): References | undefined {
  if (isWord(argv, index, "KEEPREF")) return References.KEEP;
  if (isWord(argv, index, "DELREF")) return References.DELETE;
  return isWord(argv, index, "ACKED") ? References.ACKED : undefined;
}

/** The options of one XADD or XTRIM. One object serves all: see {@linkcode readAddOptions}. */
export class AddOptions {
  /** Index of the argument that is XADD's id; the fields follow it. */
  idAt: number = 0;
  /** True unless the id is `*`. */
  hasId: boolean = false;
  /** True unless the id is `ms-*`. */
  hasSequence: boolean = true;
  /** The id that was given; meaningless unless `hasId`. */
  readonly id: StreamId = new StreamId();
  /** NOMKSTREAM: a missing stream is not made. */
  onlyExisting: boolean = false;
  /** Index of MAXLEN's or MINID's threshold; 0 without trimming. */
  trimAt: number = 0;
  /** MAXLEN: how many entries stay at most; Infinity for MINID. */
  maxLength: number = Infinity;
  /** MINID: the smallest id that stays; undefined for MAXLEN. */
  minId: StreamId | undefined = undefined;
  /** `~`: only whole nodes are removed. */
  approximate: boolean = false;
  /** LIMIT: how many entries are removed at most; 0 for any number. */
  limit: number = 0;
  /** What becomes of groups' references to trimmed entries. */
  references: References = References.KEEP;
  /** Index of the argument that is IDMP's or IDMPAUTO's producer; 0 without one. */
  producerAt: number = 0;
  /** Index of the argument that is IDMP's id of the producer's; 0 for IDMPAUTO, whose id is reckoned. */
  producerIdAt: number = 0;

  /** The part of the options that {@linkcode Stream.trim} takes. */
  get trim(): Trim {
    return this;
  }

  /** Goes back to an XADD without options. */
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
    this.producerAt = 0;
    this.producerIdAt = 0;
  }
}

const options = new AddOptions();

const ONE_STRATEGY =
  "ERR syntax error, MAXLEN and MINID options at the same time are not compatible";
const LIMIT_ALONE = "ERR syntax error, LIMIT cannot be used without specifying a trimming strategy";
const LIMIT_EXACT = "ERR syntax error, LIMIT cannot be used without the special ~ option";
const ONE_PRODUCER = "ERR syntax error, IDMP/IDMPAUTO specified multiple times";
const PRODUCER_WITH_ID = "ERR syntax error, IDMP/IDMPAUTO can be used only with auto-generated IDs";
const NO_STRATEGY = "ERR syntax error, XTRIM must be called with a trimming strategy";

/**
 * Reads the options of XADD up to its id, or all arguments of XTRIM. The result is valid until the next
 * call.
 *
 * @throws {CommandError} When an option is unknown or does not fit the others, or an id is none.
 */
export function readAddOptions(ctx: Context, argv: Argv, isAdd: boolean): AddOptions {
  options.reset();
  let limit = -1;
  let hasReferences = false;
  let i = 2;
  for (; i < argv.count; i++) {
    const more = argv.count - 1 - i;
    // Most XADDs of a stream have an id here: it begins with a digit, and no option does.
    if (isAdd && isDigit(argv.bytes[argv.starts[i]])) {
      options.hasSequence = readId(argv, i, options.id, IdForm.PARTIAL);
      options.hasId = true;
      break;
    }
    const references = hasReferences ? undefined : referencesAt(argv, i);
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
      hasReferences = true;
    } else if (isAdd && more >= 1 && isWord(argv, i, "IDMPAUTO")) {
      i = readProducer(argv, i, options, false);
    } else if (isAdd && more >= 2 && isWord(argv, i, "IDMP")) {
      i = readProducer(argv, i, options, true);
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
  if (ctx.caller === Caller.MASTER_STREAM) return options;
  if (options.producerAt !== 0 && options.hasId) throw new CommandError(PRODUCER_WITH_ID);
  setLimit(ctx, options, limit);
  return options;
}

/** Whether a byte is one of `0` to `9`. */
function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

/**
 * Reads `IDMPAUTO producer` or `IDMP producer id` at an index into the options, since Redis 8.6: they make
 * a repeated XADD add nothing.
 *
 * @returns The index of the last argument that belongs to it.
 * @throws {CommandError} When it comes twice, or a name is empty.
 */
function readProducer(argv: Argv, index: number, options: AddOptions, hasId: boolean): number {
  if (options.producerAt !== 0) throw new CommandError(ONE_PRODUCER);
  const option = hasId ? "IDMP" : "IDMPAUTO";
  options.producerAt = index + 1;
  if (argv.lengthOf(index + 1) === 0) throw new CommandError(emptyName(option, "producer"));
  if (!hasId) return index + 1;
  options.producerIdAt = index + 2;
  if (argv.lengthOf(index + 2) === 0) throw new CommandError(emptyName(option, "idempotent"));
  return index + 2;
}

function emptyName(option: string, what: string): string {
  return `ERR syntax error, ${option} requires a non-empty ${what} ID`;
}

/**
 * Reads `MAXLEN|MINID [=|~] threshold` at an index into the options.
 *
 * @returns The index of the threshold.
 */
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

/**
 * Sets how many entries are trimmed at most. Without LIMIT, approximate trimming removes up to 100 nodes'
 * worth, at most a million, so that one command does not block for long; exact trimming is not bounded. -1
 * is no LIMIT.
 */
function setLimit(ctx: Context, options: AddOptions, given: number): void {
  if (given >= 0) {
    if (!options.approximate) throw new CommandError(LIMIT_EXACT);
    options.limit = given;
  } else if (options.approximate) {
    const nodes = 100 * ctx.db.settings.limits.streamNodeMaxEntries;
    options.limit = nodes <= 0 ? 10_000 : Math.min(nodes, 1_000_000);
  }
}

/**
 * The command as it came, except that approximate trimming becomes exact with the threshold it came to
 * (`t_stream.c streamRewriteApproxSpecifier`): a replica whose nodes are cut elsewhere trims the same
 * entries.
 *
 * @param stream The stream after trimming; undefined when it was not trimmed.
 */
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
    // Redis takes the first entry of the first node, deleted or not (`streamRewriteTrimArgument`).
    stream.physicalFirstId(first);
    args[options.trimAt] = first.toString();
  }
  return args;
}
