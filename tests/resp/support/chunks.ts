/**
 * Runs bytes through the parsers in chunks: whole, byte by byte, cut in two at every offset, and at seeded
 * random offsets, each chunk overwritten after its call.
 *
 * @module
 */

import assert from "node:assert/strict";
import { latin1 } from "../../../src/base/ascii.ts";
import { Prng } from "../../../src/base/prng.ts";
import { Argv } from "../../../src/resp/argv.ts";
import { type CommandLimits, CommandParser } from "../../../src/resp/command_parser.ts";
import { type ReplyLimits, ReplyParser } from "../../../src/resp/reply_parser.ts";
import { ErrorReply, Push, RespError, VerbatimString } from "../../../src/resp/types.ts";

/** The ways to cut `length` bytes, each a list of offsets. */
export function* cuttings(length: number, seed: number = 1): Generator<number[]> {
  yield [];
  yield Array.from({ length: Math.max(0, length - 1) }, (_, i) => i + 1);
  for (let cut = 1; cut < length; cut++) yield [cut];
  const prng = new Prng(seed);
  for (let round = 0; round < 20 && length > 1; round++) {
    const cuts = new Set<number>();
    for (let i = prng.int(8); i >= 0; i--) cuts.add(1 + prng.int(length - 1));
    yield [...cuts].sort((a, b) => a - b);
  }
}

/** Chunks of `bytes` in a buffer that is overwritten after each: borrowed means borrowed. */
export function* borrowed(bytes: Uint8Array, cuts: readonly number[]): Generator<Uint8Array> {
  let start = 0;
  for (const end of [...cuts, bytes.length]) {
    const chunk = bytes.slice(start, end);
    yield chunk;
    chunk.fill(0xaa);
    start = end;
  }
}

/** What a parser made of bytes: commands as lists of latin1, and the error that ended them. */
export interface Outcome {
  readonly values: unknown[];
  readonly consumed: number[];
  readonly error?: string;
}

/** Runs bytes through a command parser; `stops` makes it keep() after every command, `most` peek() before. */
export function parseCommands(
  bytes: Uint8Array,
  cuts: readonly number[],
  limits: Partial<CommandLimits>,
  stops: boolean = false,
  most: number = 0,
): Outcome {
  const parser = new CommandParser(limits);
  const values: string[][] = [];
  const consumed: number[] = [];
  try {
    for (const chunk of borrowed(bytes, cuts)) {
      parser.push(chunk);
      const expected: string[] = [];
      for (let ahead = 0;; ahead--) {
        if (ahead <= 0 && most > 0) ahead = look(parser, most, expected);
        const argv = parser.next();
        if (argv === undefined) break;
        const words = Array.from({ length: argv.count }, (_, i) => latin1(argv.at(i)));
        if (ahead > 0 && argv.count > 1) assert.equal(words[1], expected.shift());
        values.push(words);
        consumed.push(parser.consumed);
        if (!stops) continue;
        parser.keep();
        ahead = 0;
        chunk.fill(0xbb);
      }
    }
  } catch (error) {
    if (!(error instanceof RespError)) throw error;
    return { values, consumed, error: error.message };
  }
  return { values, consumed };
}

function look(parser: CommandParser, most: number, expected: string[]): number {
  const keys = new Argv();
  const count = parser.peek(most, keys);
  assert.ok(count <= most && keys.count <= count);
  expected.splice(0, Infinity, ...Array.from({ length: keys.count }, (_, i) => latin1(keys.at(i))));
  return count;
}

/** A reply in plain words: bytes as `$text`, the rest as tagged lists. */
export function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return `$${latin1(value)}`;
  if (value instanceof ErrorReply) return ["error", value.message];
  if (value instanceof VerbatimString) return ["verbatim", value.format, latin1(value.bytes)];
  if (value instanceof Push) return ["push", ...value.items.map(plain)];
  if (value instanceof Map) return ["map", ...[...value].map(([k, v]) => [plain(k), plain(v)])];
  if (value instanceof Set) return ["set", ...[...value].map(plain)];
  return Array.isArray(value) ? value.map(plain) : value;
}

/** Runs bytes through a reply parser. */
export function parseReplies(
  bytes: Uint8Array,
  cuts: readonly number[],
  limits: Partial<ReplyLimits> = {},
): Outcome {
  const parser = new ReplyParser(limits);
  const values: unknown[] = [];
  const consumed: number[] = [];
  try {
    for (const chunk of borrowed(bytes, cuts)) {
      parser.push(chunk);
      for (let value = parser.next(); value !== undefined; value = parser.next()) {
        const attributes = parser.attributes;
        const shown = plain(value);
        values.push(attributes === undefined ? shown : ["with", plain(attributes), shown]);
        consumed.push(parser.consumed);
      }
    }
  } catch (error) {
    if (!(error instanceof RespError)) throw error;
    return { values, consumed, error: error.message };
  }
  return { values, consumed };
}
