/**
 * Tests that are tables of commands and replies, recorded from real servers:
 * `tests/golden/commands/<room>/<file>.json` says what the commands of `src/commands/<room>/<file>.ts`
 * answer, and {@linkcode specification} holds our engine to it without any server, and the server to it
 * where it is at hand.
 *
 * A table is an array of cases; each starts with an empty keyspace and runs its rows in order:
 *
 *     { "name": "GETDEL takes the value", "rows": [["SET k v", "+OK"], ["GETDEL k", "'v'"], ["GET k", "(nil)"]] }
 *
 * Texts of commands and replies are those of `reply_text.ts`. To write a case, leave the replies out and
 * run `tests/golden/make_commands.ts`, which asks the server. Beyond that:
 *
 * - `(30 ms pass)` in the place of a command moves the clock.
 * - `(any order)` before a reply: elements are sorted before they are compared; the order depends on a hash
 *   seed.
 * - `(about)` before an integer: equal to within 1,000, for what is left of milliseconds.
 * - `:?` inside a reply: any integer, for idle times and the like.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { defaultLimits } from "../../src/store/memory/settings.ts";
import { Engine } from "../commands/engine.ts";
import { BothReplies } from "./both_replies.ts";
import { ROOT } from "./paths.ts";
import { commandWords, replyText } from "./reply_text.ts";
import { type RunningServer, serverTest, startServer } from "./servers.ts";

/** Commands and what they answer, from an empty keyspace on. */
export interface Case {
  /** A sentence: the command and its promise. */
  readonly name: string;
  /**
   * The server whose replies these are, as in `.cache/servers`; {@linkcode DEFAULT_SERVER} unless told.
   * "none": no server at hand knows the command, and the replies are written by hand from its documents.
   */
  readonly server?: string;
  /** 3 when the connection has said HELLO 3. */
  readonly resp?: 3;
  /** Parameters as CONFIG SET takes them: the rows run once under each of these, and answer the same. */
  readonly settings?: readonly Settings[];
  /** A command and its reply each; the reply is missing until it is recorded. */
  readonly rows: readonly (readonly [command: string, reply?: string])[];
}

/** Encoding limits by their Redis names, as in `{ "hash-max-listpack-entries": 2 }`. */
export type Settings = Readonly<Record<string, number>>;

/** One answering side: our engine, or a connection to a server. */
export interface Side {
  /** Sends one command and gives its reply's exact bytes. */
  ask(words: Uint8Array[]): Promise<Uint8Array> | Uint8Array;
  /** Lets time go by. */
  pass(ms: number): Promise<void> | void;
}

/** The server that is asked unless a case names another. */
export const DEFAULT_SERVER = "redis-8.0";
/** Before a reply whose elements come in any order. */
export const ANY_ORDER = "(any order) ";
/** In the place of an integer that is not compared. */
export const ANY_INTEGER = ":?";
/** Before an integer that time changes a little. */
export const ABOUT = "(about) ";

/** RDB versions of servers that answer some commands otherwise than {@linkcode DEFAULT_SERVER}. */
const SNAPSHOT_VERSIONS: Readonly<Record<string, number>> = {
  "redis-7.0": 10,
  "redis-8.6": 13,
  "valkey-8.1": 11,
  "valkey-9": 80,
};

const ABOUT_TOLERANCE = 1000;
const PAUSE = /^\((\d+) ms pass\)$/;
/** Servers delete what has expired by their own clocks, which may be this much behind ours. */
const CLOCK_MARGIN_MS = 5;

/**
 * Registers a test for each case of a table against our engine, and one for each server the cases name.
 *
 * @param path Room and file, as in "zset/range".
 */
export async function specification(path: string): Promise<void> {
  const cases = readTable(path);
  for (const item of cases) test(item.name, () => holdsHere(item));
  const names = new Set(cases.map(({ server = DEFAULT_SERVER }) => server));
  names.delete("none");
  for (const name of names) {
    const own = cases.filter(({ server = DEFAULT_SERVER }) => server === name);
    await serverTest(`the table ${path} is what ${name} answers`, async (binary) => {
      await using server = await startServer(binary);
      for (const item of own) await holdsThere(server, item);
    }, { isFor: (binary) => binary.name === name });
  }
}

/** The file of a table. */
export function tableFile(path: string): string {
  return join(ROOT, "tests", "golden", "commands", `${path}.json`);
}

/** The cases of a table. */
export function readTable(path: string): Case[] {
  return JSON.parse(readFileSync(tableFile(path), "utf8"));
}

/** Every combination of settings a case runs under. */
export function settingsOf(item: Case): readonly Settings[] {
  return item.settings ?? [{}];
}

/** A fresh engine under these settings. */
export function engineSide(item: Case, settings: Settings): Side {
  const engine = new Engine("master");
  engine.keyspace.snapshotVersion = SNAPSHOT_VERSIONS[item.server ?? DEFAULT_SERVER] ?? 12;
  const both = new BothReplies(engine.writer);
  both.protocol = item.resp ?? 2;
  engine.reply = both;
  const limits: Record<string, number> = { ...defaultLimits() };
  for (const [name, value] of Object.entries(settings)) {
    const field = name.replaceAll(/-(.)/g, (_, letter) => letter.toUpperCase());
    assert.ok(field in limits, `${name} is no encoding limit`);
    limits[field] = value;
  }
  Object.assign(engine.keyspace.settings.limits, limits);
  const ask = (words: Uint8Array[]) => {
    const reply = engine.raw(words);
    both.check(reply, item.name);
    return reply;
  };
  return { ask, pass: (ms) => engine.at(engine.nowMs + ms) };
}

/** Runs `use` over a fresh connection to an emptied server under these settings. */
export async function withServerSide<T>(
  server: RunningServer,
  item: Case,
  settings: Settings,
  use: (side: Side) => Promise<T>,
): Promise<T> {
  const set = (values: Settings) => {
    const words = Object.entries(values).flat();
    return words.length === 0 ? "OK" : server.call("CONFIG", "SET", ...words);
  };
  await server.call("FLUSHALL");
  assert.equal(await set(settings), "OK", `${server.name} takes ${JSON.stringify(settings)}`);
  const connection = await server.connect();
  try {
    if (item.resp === 3) await connection.call("HELLO", "3");
    return await use({
      ask: (words) => connection.raw(...words),
      pass: (ms) => new Promise((resolve) => setTimeout(resolve, ms + CLOCK_MARGIN_MS)),
    });
  } finally {
    connection.close();
    const defaults: Record<string, number> = { ...defaultLimits() };
    await set(Object.fromEntries(
      Object.keys(settings).map((name) => {
        return [name, defaults[name.replaceAll(/-(.)/g, (_, letter) => letter.toUpperCase())]];
      }),
    ));
  }
}

/** Runs the rows of a case; the replies' bytes, empty where time passes. */
export async function play(item: Case, side: Side): Promise<Uint8Array[]> {
  const replies: Uint8Array[] = [];
  for (const [command] of item.rows) {
    const pause = command.match(PAUSE);
    if (pause !== null) await side.pass(Number(pause[1]));
    replies.push(pause === null ? await side.ask(commandWords(command)) : new Uint8Array(0));
  }
  return replies;
}

/** A reply in the form of the expected one: sorted, or taken for equal when it is near enough. */
export function textLike(expected: string, reply: Uint8Array): string {
  if (reply.length === 0) return "";
  if (expected.startsWith(ANY_ORDER)) return ANY_ORDER + replyText(reply, true);
  const text = replyText(reply);
  if (expected.includes(ANY_INTEGER)) return fits(expected, text) ? expected : text;
  if (!expected.startsWith(ABOUT)) return text;
  const [wanted, given] = [expected.slice(ABOUT.length), text].map((word) => Number(word.slice(1)));
  return Math.abs(wanted - given) <= ABOUT_TOLERANCE ? expected : ABOUT + text;
}

function fits(expected: string, text: string): boolean {
  const parts = expected.split(ANY_INTEGER).map((part) =>
    part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")
  );
  return new RegExp(`^${parts.join(":-?\\d+")}$`).test(text);
}

async function holdsHere(item: Case): Promise<void> {
  for (const settings of settingsOf(item)) {
    compare(item, settings, await play(item, engineSide(item, settings)));
  }
}

async function holdsThere(server: RunningServer, item: Case): Promise<void> {
  for (const settings of settingsOf(item)) {
    await withServerSide(server, item, settings, async (side) => {
      compare(item, settings, await play(item, side));
    });
  }
}

function compare(item: Case, settings: Settings, replies: readonly Uint8Array[]): void {
  item.rows.forEach(([command, expected = ""], index) => {
    const actual = textLike(expected, replies[index]);
    if (actual === expected) return;
    const where = `${item.name}, row ${index}: ${command} ${JSON.stringify(settings)}`;
    assert.equal(actual, expected, where);
  });
}
