/**
 * Commands called in process: how their arguments are given, and which of them are errors. All callers of one
 * replica share one session, so a command that changes a session or waits on it would change every later call.
 *
 * @module
 */

import { BLOCKING, type Command } from "../commands/engine/command.ts";
import { isWord } from "../commands/engine/args.ts";
import type { Argv } from "../resp/argv.ts";
import type { CallArgument } from "../read/reply.ts";
import type { Key } from "../read/text.ts";

/** Rows that set or end the state of the connection they come on. */
const OF_A_CONNECTION: ReadonlySet<string> = new Set([
  "asking",
  "auth",
  "client|caching",
  "client|no-evict",
  "client|no-touch",
  "client|reply",
  "client|setinfo",
  "client|setname",
  "client|tracking",
  "discard",
  "exec",
  "hello",
  "monitor",
  "multi",
  "psubscribe",
  "punsubscribe",
  "quit",
  "readonly",
  "readwrite",
  "reset",
  "select",
  "ssubscribe",
  "subscribe",
  "sunsubscribe",
  "unsubscribe",
  "unwatch",
  "watch",
]);

/** What to use instead, where there is something. */
const INSTEAD: Readonly<Record<string, string>> = {
  select: "use db(n)",
  multi: "reads within one turn of the event loop see the same data",
  subscribe: "connect a client to the option listen",
};

/** The error text for a command that means something on a connection only; undefined for any other. */
export function refusalInProcess(command: Command, argv: Argv): string | undefined {
  const { name } = command;
  if (OF_A_CONNECTION.has(name)) {
    const instead = Object.hasOwn(INSTEAD, name) ? `: ${INSTEAD[name]}` : "";
    return `ERR '${name}' is about a connection and cannot be called in process${instead}`;
  }
  const blocks = (command.flags & BLOCKING) !== 0 &&
    ((name !== "xread" && name !== "xreadgroup") || hasBlock(argv));
  if (!blocks) return undefined;
  return `ERR '${name}' would wait, and nothing can wait in process: leave BLOCK out, or listen to events`;
}

/** The arguments of a call as the command table takes them. */
export function toWords(args: readonly CallArgument[]): Key[] {
  return args.map((arg, index) => {
    if (typeof arg === "string" || arg instanceof Uint8Array) return arg;
    if (typeof arg === "bigint" || (typeof arg === "number" && !Number.isNaN(arg))) {
      return String(arg);
    }
    const kind = arg === null ? "null" : typeof arg;
    throw new TypeError(`Argument ${index} of a call is ${kind}, neither text, bytes nor a number`);
  });
}

/** Whether BLOCK stands before STREAMS. */
function hasBlock(argv: Argv): boolean {
  for (let i = 1; i < argv.count && !isWord(argv, i, "STREAMS"); i++) {
    if (isWord(argv, i, "BLOCK")) return true;
  }
  return false;
}
