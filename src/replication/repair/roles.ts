/**
 * What a command of our table does to its keys, as far as it matters to a value that is not known: does it
 * read the old value, or replace it whole?
 *
 * @module
 */

import { parseInteger } from "../../base/ascii.ts";
import { isWord } from "../../commands/engine/args.ts";
import { type Command, WRITE } from "../../commands/engine/command.ts";
import { type KeyPlace, keysOf } from "../../commands/engine/key_specs.ts";
import type { Argv } from "../../resp/argv.ts";

/** What becomes of one key of a command. */
export type Role =
  /** The value is read, and stays. */
  | "reads"
  /** The value is replaced or removed, whatever it was. */
  | "replaces"
  /** The new value depends on the old one, or may. */
  | "changes";

/** One key of a command. */
export interface KeyUse {
  /** Index of the argument that is the key. */
  readonly index: number;
  /** Number of its database: MOVE and COPY have keys in another one. */
  readonly db: number;
  /** What becomes of its value. */
  readonly role: Role;
}

/** Words by which SET and MSETEX look at the old value; NX does not, as the stream has what took effect. */
const CONDITIONS: readonly string[] = [
  "XX",
  "KEEPTTL",
  "GET",
  "IFEQ",
  "IFNE",
  "IFDEQ",
  "IFDNE",
];

/**
 * The keys of a command whose arity fits. A command that is flagged as a write and says of each key that it
 * is only read, as XREADGROUP does, counts as changing all of them.
 */
export function usesOf(command: Command, db: number, argv: Argv): KeyUse[] {
  const places = keysOf(command, argv);
  const conditional = hasCondition(command, argv);
  const writes = (command.flags & WRITE) !== 0;
  const uses: KeyUse[] = places.map((place) => {
    return { index: place.index, db, role: roleOf(place, conditional) };
  });
  const onlyReads = writes && uses.every(({ role }) => role === "reads");
  if (onlyReads) return uses.map((use) => ({ ...use, role: "changes" }));
  if (command.name === "copy") return inOtherDatabase(uses, 1, copyTarget(argv, db));
  if (command.name === "move" && uses.length === 1) {
    const target = parseInteger(argv.bytes, argv.starts[2], argv.ends[2]);
    return [...uses, { index: 1, db: target, role: "replaces" }];
  }
  return uses;
}

/** True for SORT with BY or GET and STORE: it reads keys that only the elements name. */
export function readsUnnamedKeys(command: Command, argv: Argv): boolean {
  if (command.name !== "sort") return false;
  for (let i = 2; i < argv.count; i++) {
    if (isWord(argv, i, "BY") || isWord(argv, i, "GET")) return true;
  }
  return false;
}

/** Whether two keys of a command are one. */
export function isSameKey(use: KeyUse, other: KeyUse, argv: Argv): boolean {
  if (use.db !== other.db) return false;
  const [a, b] = [argv.at(use.index), argv.at(other.index)];
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

function roleOf({ flags }: KeyPlace, conditional: boolean): Role {
  if (flags.includes("RO")) return "reads";
  const replaces = flags.includes("OW") || flags.includes("RM");
  return replaces && !conditional ? "replaces" : "changes";
}

function hasCondition({ name }: Command, argv: Argv): boolean {
  const from = name === "set" ? 3 : name === "msetex" ? 2 : argv.count;
  for (let i = from; i < argv.count; i++) {
    if (CONDITIONS.some((word) => isWord(argv, i, word))) return true;
  }
  return false;
}

function inOtherDatabase(uses: readonly KeyUse[], which: number, db: number): KeyUse[] {
  return uses.map((use, i) => i === which ? { ...use, db } : use);
}

/** The database that COPY copies to: option DB. */
function copyTarget(argv: Argv, db: number): number {
  for (let i = 3; i + 1 < argv.count; i++) {
    if (isWord(argv, i, "DB")) {
      return parseInteger(argv.bytes, argv.starts[i + 1], argv.ends[i + 1]);
    }
  }
  return db;
}
