/**
 * LCS, the longest common subsequence of two strings (`t_string.c lcsCommand`), by dynamic programming:
 *
 *     length(i, j) = 0                                       when i or j is 0
 *                  = length(i-1, j-1) + 1                    when byte i of a equals byte j of b
 *                  = max(length(i-1, j), length(i, j-1))     else
 *
 * Several subsequences may be longest; which one is answered depends on how {@linkcode walkBack} breaks
 * ties, and that is Redis's rule.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { BytesRef } from "../../base/byte_buffer.ts";
import type { ReplyTarget } from "../../resp/reply_target.ts";
import { ValueType } from "../../store/memory/record.ts";
import { readString } from "../../store/types/string.ts";
import { isWord, readInteger } from "../engine/args.ts";
import { type Command, command, READONLY } from "../engine/command.ts";
import type { Context } from "../engine/context.ts";
import {
  CommandError,
  LCS_LEN_AND_IDX,
  LCS_NOT_STRINGS,
  LCS_TOO_LARGE,
  SYNTAX,
} from "../engine/errors.ts";
import { runInSlices } from "../engine/execute.ts";
import type { Argv } from "../../resp/argv.ts";
import { lookup } from "../engine/lookup.ts";

/** The largest table in bytes. Redis bounds it by `proto-max-bulk-len`, whose default this is. */
const MAX_TABLE_BYTES = 512 * 1024 * 1024;

/** How many elements of the table are filled between two looks at the clock: some ten microseconds. */
const ELEMENTS_A_STEP = 20_000;

const value: BytesRef = new BytesRef();

/** The options of LCS. */
interface LcsOptions {
  /** IDX: reply with where the common parts lie. */
  index: boolean;
  /** LEN: reply with the length alone. */
  length: boolean;
  /** WITHMATCHLEN: each part is followed by its length. */
  withMatchLength: boolean;
  /** MINMATCHLEN: shorter parts are left out; 0 for none. */
  minMatchLength: number;
}

/**
 * Element `i * width + j` is the length for the first `i` bytes of one string and the first `j` of the
 * other.
 */
interface Table {
  /** All rows, one after the other. */
  readonly lengths: Uint32Array;
  /** Elements in a row: the second string's length and one. */
  readonly width: number;
}

/** Reads the options from argument 3 on. */
function parseOptions(argv: Argv): LcsOptions {
  const options = { index: false, length: false, withMatchLength: false, minMatchLength: 0 };
  for (let i = 3; i < argv.count; i++) {
    if (isWord(argv, i, "IDX")) options.index = true;
    else if (isWord(argv, i, "LEN")) options.length = true;
    else if (isWord(argv, i, "WITHMATCHLEN")) options.withMatchLength = true;
    else if (isWord(argv, i, "MINMATCHLEN") && i + 1 < argv.count) {
      options.minMatchLength = Math.max(0, readInteger(argv, ++i));
    } else throw new CommandError(SYNTAX);
  }
  if (options.index && options.length) throw new CommandError(LCS_LEN_AND_IDX);
  return options;
}

/**
 * The string at argument `index`, empty when the key is missing; a copy, as the digits of an integer are
 * valid only until the next string is read.
 *
 * @throws {CommandError} LCS_NOT_STRINGS when the key holds another type.
 */
function readCopy(ctx: Context, argv: Argv, index: number): Uint8Array {
  const entry = lookup(ctx, argv, index);
  if (entry === 0) return new Uint8Array(0);
  if (ctx.db.typeOf(entry) !== ValueType.STRING) throw new CommandError(LCS_NOT_STRINGS);
  readString(ctx.db, entry, value);
  return value.bytes.slice(value.start, value.end);
}

/**
 * A table without its rows.
 *
 * @throws {CommandError} LCS_TOO_LARGE when it would be larger than {@linkcode MAX_TABLE_BYTES}.
 */
function makeTable(a: Uint8Array, b: Uint8Array): Table {
  const width = b.length + 1;
  if ((a.length + 1) * width * 4 > MAX_TABLE_BYTES) throw new CommandError(LCS_TOO_LARGE);
  return { lengths: new Uint32Array((a.length + 1) * width), width };
}

/** Fills the rows from `first` to before `last`; row 0 is all zeros. */
function fillRows(a: Uint8Array, b: Uint8Array, table: Table, first: number, last: number): void {
  const { lengths, width } = table;
  for (let i = first; i < last; i++) {
    const byte = a[i - 1];
    const row = i * width;
    const above = row - width;
    for (let j = 1; j < width; j++) {
      const up = lengths[above + j];
      const left = lengths[row + j - 1];
      if (byte === b[j - 1]) lengths[row + j] = lengths[above + j - 1] + 1;
      else lengths[row + j] = up > left ? up : left;
    }
  }
}

/**
 * Walks through the table from its end to a border: diagonally where two bytes are equal, else towards the
 * larger neighbour, and in `b` where both are as large (Redis's choice).
 *
 * @param step Called after each step with the indexes reached; `isMatch` when bytes `i` and `j` are equal.
 */
function walkBack(
  a: Uint8Array,
  b: Uint8Array,
  table: Table,
  step: (i: number, j: number, isMatch: boolean) => void,
): void {
  const { lengths, width } = table;
  let i = a.length;
  let j = b.length;
  while (i > 0 && j > 0) {
    if (a[i - 1] === b[j - 1]) {
      i--;
      j--;
      step(i, j, true);
      continue;
    }
    if (lengths[(i - 1) * width + j] > lengths[i * width + j - 1]) i--;
    else j--;
    step(i, j, false);
  }
}

/** The bytes of the longest common subsequence, collected from the last to the first. */
function commonBytes(a: Uint8Array, b: Uint8Array, table: Table): Uint8Array {
  const common = new Uint8Array(table.lengths[table.lengths.length - 1]);
  let at = common.length;
  walkBack(a, b, table, (i, _j, isMatch) => {
    if (isMatch) common[--at] = a[i];
  });
  assert(at === 0, "the walk meets as many equal bytes as the table counts");
  return common;
}

/**
 * Replies with the runs of adjacent matches, last first, as `[[aStart, aEnd], [bStart, bEnd]]`, ends
 * included.
 *
 * @returns How many runs were written.
 */
function writeRuns(
  reply: ReplyTarget,
  a: Uint8Array,
  b: Uint8Array,
  table: Table,
  options: LcsOptions,
): number {
  let runs = 0;
  let length = 0;
  let aStart = 0;
  let bStart = 0;
  const emit = () => {
    if (length > 0 && length >= options.minMatchLength) {
      runs++;
      writeRun(reply, aStart, bStart, length, options.withMatchLength);
    }
    length = 0;
  };
  walkBack(a, b, table, (i, j, isMatch) => {
    if (!isMatch) return emit();
    length++;
    aStart = i;
    bStart = j;
    if (i === 0 || j === 0) emit();
  });
  return runs;
}

/** Replies with one run, followed by its length when `withLength`. */
function writeRun(
  reply: ReplyTarget,
  aStart: number,
  bStart: number,
  length: number,
  withLength: boolean,
): void {
  reply.array(withLength ? 3 : 2);
  reply.array(2);
  reply.integer(aStart);
  reply.integer(aStart + length - 1);
  reply.array(2);
  reply.integer(bStart);
  reply.integer(bStart + length - 1);
  if (withLength) reply.integer(length);
}

/**
 * `LCS key key [LEN] [IDX] [MINMATCHLEN n] [WITHMATCHLEN]`: the longest common subsequence, its length, or
 * where its parts lie. A missing key is an empty string. The table is filled in slices. O(n * m) in time and
 * memory.
 */
const lcs = command("lcs", -3, READONLY, "RO.access@1:1", (ctx, argv) => {
  const a = readCopy(ctx, argv, 1);
  const b = readCopy(ctx, argv, 2);
  const options = parseOptions(argv);
  const table = makeTable(a, b);
  const rows = Math.ceil(ELEMENTS_A_STEP / table.width);
  let row = 1;
  runInSlices(ctx, ({ reply }) => {
    const last = Math.min(row + rows, a.length + 1);
    fillRows(a, b, table, row, last);
    row = last;
    if (row <= a.length) return false;
    replyLcs(reply, a, b, table, options);
    return true;
  });
});

/** Replies with what the options ask of a table that is full. */
function replyLcs(
  reply: ReplyTarget,
  a: Uint8Array,
  b: Uint8Array,
  table: Table,
  options: LcsOptions,
): void {
  const total = table.lengths[table.lengths.length - 1];
  if (options.index) {
    reply.map(2);
    reply.bulkText("matches");
    const mark = reply.beginDeferred();
    reply.endDeferred(mark, "array", writeRuns(reply, a, b, table, options));
    reply.bulkText("len");
    reply.integer(total);
  } else if (options.length) {
    reply.integer(total);
  } else {
    reply.bulk(commonBytes(a, b, table));
  }
}

/** What `commands/table.ts` takes from this file: a row that is missing here answers nobody. */
export const lcsCommands: readonly Command[] = [lcs];
