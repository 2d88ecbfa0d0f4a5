/**
 * Key specs applied to arguments: which of them are keys, and what becomes of each.
 *
 * @module
 */

import { parseInteger } from "../../base/ascii.ts";
import type { Argv } from "../../resp/argv.ts";
import { isWord } from "./args.ts";
import type { Command } from "./command.ts";
import type { CommandFacts, KeyFacts } from "./facts.ts";

/** A key among a command's arguments. */
export interface KeyPlace {
  /** Number of the argument. */
  readonly index: number;
  /** "RO", "access" and so on. */
  readonly flags: readonly string[];
}

const UNKNOWN_FLAGS: readonly string[] = ["RW", "access", "update"];

/** The keys of a command whose arity fits; empty when the arguments contradict themselves. */
export function keysOf(command: Command, facts: CommandFacts, argv: Argv): KeyPlace[] {
  const places: KeyPlace[] = [];
  let certain = facts.keySpecs.length > 0;
  for (const spec of facts.keySpecs) {
    // Names of channels stand where keys would.
    if (spec.flags.includes("not_key")) continue;
    if (isIncomplete(spec) || spec.find.type === "unknown") certain = false;
    if (spec.begin.type === "unknown" || spec.find.type === "unknown") continue;
    if (!applySpec(spec, variableFlags(command, spec, argv), argv, places)) return [];
  }
  if (certain || command.keys.find === undefined) return places;
  // What a spec says of keys it cannot find, as SORT's of its destination, or not always, as XREAD's.
  const told = facts.keySpecs.findLast(isIncomplete)?.flags;
  return findByArguments(command.keys.find, argv, places, told ?? UNKNOWN_FLAGS);
}

function isIncomplete(spec: KeyFacts): boolean {
  return spec.begin.type === "unknown" || spec.flags.includes("incomplete");
}

/** What only the row's own function finds; a key that a spec found too keeps that spec's flags. */
function findByArguments(
  find: (argv: Argv, key: (index: number) => void) => void,
  argv: Argv,
  known: readonly KeyPlace[],
  otherwise: readonly string[],
): KeyPlace[] {
  const found: KeyPlace[] = [];
  find(argv, (index) => {
    const flags = known.find((place) => place.index === index)?.flags ?? otherwise;
    found.push({ index, flags: flags.filter((flag) => flag !== "incomplete") });
  });
  return found;
}

/** False when the arguments leave no room for the keys they announce. */
function applySpec(
  spec: KeyFacts,
  flags: readonly string[],
  argv: Argv,
  places: KeyPlace[],
): boolean {
  const { find } = spec;
  const begin = beginOf(spec, argv);
  // A keyword that is not there, or an optional trailing key.
  if (begin < 0 || begin >= argv.count) return true;
  let first = begin;
  let last = begin;
  let step = 1;
  if (find.type === "range") {
    step = find.keyStep;
    if (find.lastKey >= 0) last = begin + find.lastKey;
    else if (find.limit <= 1) last = argv.count + find.lastKey;
    // Of keys followed by as many other things, as in XREAD: every limit-th part is keys.
    else last = begin + Math.floor((argv.count - begin) / find.limit) + find.lastKey;
  } else if (find.type === "keynum") {
    const at = begin + find.keyNumIndex;
    if (at >= argv.count) return false;
    const count = parseInteger(argv.bytes, argv.starts[at], argv.ends[at]);
    if (!(count >= 0)) return false;
    step = find.keyStep;
    first = begin + find.firstKey;
    last = first + (count - 1) * step;
  }
  if (last >= argv.count) return false;
  for (let index = first; index <= last; index += step) places.push({ index, flags });
  return true;
}

function beginOf(spec: KeyFacts, argv: Argv): number {
  const { begin } = spec;
  if (begin.type === "index") return begin.index;
  if (begin.type === "unknown") return -1;
  const backwards = begin.startFrom < 0;
  let i = backwards ? argv.count + begin.startFrom : begin.startFrom;
  for (; i > 0 && i < argv.count; i += backwards ? -1 : 1) {
    if (isWord(argv, i, begin.keyword)) return i + 1;
  }
  return -1;
}

/** SET and BITFIELD: what becomes of the key depends on the options. */
function variableFlags(command: Command, spec: KeyFacts, argv: Argv): readonly string[] {
  if (!spec.flags.includes("variable_flags")) return spec.flags;
  if (command.name === "set") {
    for (let i = 3; i < argv.count; i++) {
      if (isWord(argv, i, "GET")) return ["RW", "access", "update"];
    }
    return ["OW", "update"];
  }
  for (let i = 2; i < argv.count; i++) {
    if (isWord(argv, i, "SET") || isWord(argv, i, "INCRBY")) return ["RW", "access", "update"];
  }
  return ["RO", "access"];
}
