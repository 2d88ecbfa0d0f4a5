/**
 * Which commands may be sent to the master by `write`, and how their arguments are given: data, scripts and
 * transactions. What is about a connection, or about the server itself, is refused.
 *
 * @module
 */

import { ADMIN, type Command, CONTAINER, PUBSUB } from "../commands/engine/command.ts";
import { mayBlock } from "../commands/engine/may_block.ts";
import { commandIndex } from "../commands/table.ts";
import type { CallArgument } from "../read/reply.ts";
import { Argv } from "../resp/argv.ts";

/** A command as it is sent. */
export type Words = readonly (string | Uint8Array)[];

/** Commands about one connection, of which the caller has none. */
const OF_A_CONNECTION: ReadonlySet<string> = new Set([
  "asking",
  "auth",
  "discard",
  "exec",
  "hello",
  "multi",
  "quit",
  "readonly",
  "readwrite",
  "reset",
  "select",
  "unwatch",
  "wait",
  "waitaof",
  "watch",
]);
/** What to use instead. */
const INSTEAD: Readonly<Record<string, string>> = {
  discard: "replica.master.multi()",
  exec: "replica.master.multi()",
  multi: "replica.master.multi()",
  select: "the option `db`",
  wait: "`visible` and `waitFor`",
  watch: "a client of the master's, or a script",
};
/** Containers whose subcommands are about data or scripts. */
const CONTAINERS: ReadonlySet<string> = new Set([
  "function",
  "memory",
  "object",
  "script",
  "xgroup",
  "xinfo",
]);
/** Rows of the category pub/sub that write to nobody's connection. */
const PUBLISHES: ReadonlySet<string> = new Set(["publish", "spublish"]);

/**
 * Arguments as they are sent: text as UTF-8, numbers as their decimal text.
 *
 * @throws {TypeError} When there is no command, or an argument is neither text, bytes nor a number.
 */
export function wordsOf(args: readonly CallArgument[]): Words {
  if (args.length === 0) throw new TypeError("A write needs a command");
  return args.map((arg) => {
    if (typeof arg === "string" || arg instanceof Uint8Array) return arg;
    if (typeof arg === "bigint" || (typeof arg === "number" && !Number.isNaN(arg))) {
      return numberText(arg);
    }
    throw new TypeError(`An argument of a write is text, bytes or a number, not ${kindOf(arg)}`);
  });
}

/** Infinity as Redis reads it: scores and increments may be infinite. */
function numberText(value: number | bigint): string {
  if (value === Infinity) return "inf";
  if (value === -Infinity) return "-inf";
  return String(value);
}

function kindOf(value: unknown): string {
  return value === null ? "null" : Number.isNaN(value) ? "NaN" : typeof value;
}

/**
 * The row of a command that may be sent; undefined for one that our table does not know, which is the
 * master's matter.
 *
 * @throws {TypeError} When the command is about a connection or about the server itself.
 */
export function checkWritable(words: Words): Command | undefined {
  const head = commandIndex.lookup(Argv.of(words[0]));
  if (head === undefined) return undefined;
  const { name, flags } = head;
  const isContainer = (flags & CONTAINER) !== 0;
  const row = isContainer ? commandIndex.lookup(Argv.of(...words.slice(0, 2))) : head;
  const isRefused = isContainer
    ? !CONTAINERS.has(name)
    : OF_A_CONNECTION.has(name) || (flags & ADMIN) !== 0 ||
      ((flags & PUBSUB) !== 0 && !PUBLISHES.has(name));
  if (isRefused) throw refused(name.toUpperCase(), INSTEAD[name]);
  return row;
}

function refused(name: string, instead: string | undefined): TypeError {
  const hint = instead === undefined ? "" : `; use ${instead}`;
  return new TypeError(
    `${name} is no write: only commands on data, scripts and PUBLISH are sent${hint}`,
  );
}

/** Whether a command may keep its connection waiting; one that our table does not know is taken for one that does not. */
export function blocks(row: Command | undefined, words: Words): boolean {
  return row !== undefined && mayBlock(row, Argv.of(...words));
}
