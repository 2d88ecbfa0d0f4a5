/**
 * Key specs: where a command's keys stand among its arguments, and what becomes of each. A row
 * carries them as text; everything else about keys (the first, last and step of `COMMAND INFO`,
 * whether keys are movable, the keys of given arguments) is derived from that text here.
 *
 * A row's text is "" for a command without keys, else one or more specs joined by `+`, each
 *
 *     flags@begin[:find]
 *
 *     flags  Redis's, joined by dots: RO, RW, OW or RM, then access, update, insert, delete, ...
 *     begin  1            an index: the keys begin at argument 1
 *            STORE~6      a keyword: they begin after the word STORE, looked for from argument 6
 *                         on; a negative start counts from the end and looks backwards
 *            ?            unknown: only a function can tell
 *     find   (left out)   that one argument
 *            -1           all up to the last argument; -2 is up to the last but one, and a number
 *                         that is not negative counts from the first key
 *            -1,2         the same, every second argument a key
 *            -1,1,2       the same, but only the first half of what is left: Redis's `limit`
 *            n            a number of keys stands there, and the keys follow it
 *            n0,1,2       the same, every second argument a key: keynumidx, firstkey, keystep
 *            ?            unknown
 *
 * `"RO.access@1"` is GET's, `"RW.access.delete@1:-2"` BLPOP's, `"OW.update@1+RO.access@2:n"`
 * ZUNIONSTORE's.
 *
 * @module
 */

import { parseInteger } from "../../base/ascii.ts";
import { assert } from "../../base/assert.ts";
import type { Argv } from "../../resp/argv.ts";
import { isWord } from "./args.ts";
import type { CommandRow } from "./host.ts";

/** Where a key spec begins to look for keys: `begin_search`. */
export type BeginSearch =
  | { readonly type: "index"; readonly index: number }
  | { readonly type: "keyword"; readonly keyword: string; readonly startFrom: number }
  | { readonly type: "unknown" };

/** How many keys follow from there: `find_keys`. */
export type FindKeys =
  | {
    readonly type: "range";
    /** Counts from the first key, or when negative from the end of the arguments. */
    readonly lastKey: number;
    readonly keyStep: number;
    /** Above 1: only that part of the arguments, as half of them for 2, are keys. */
    readonly limit: number;
  }
  | {
    readonly type: "keynum";
    /** Where the number of keys stands, counted from where the search began. */
    readonly keyNumIndex: number;
    /** Where the first key stands, counted from there, too. */
    readonly firstKey: number;
    readonly keyStep: number;
  }
  | { readonly type: "unknown" };

/** One key spec, as `COMMAND INFO` tells it. */
export interface KeySpec {
  /** How the keys are used: "RO", "access" and others, as COMMAND INFO names them. */
  readonly flags: readonly string[];
  /** Where the keys begin. */
  readonly begin: BeginSearch;
  /** How many keys there are. */
  readonly find: FindKeys;
}

/** What a row's text says. */
export interface KeySpecs {
  /** The specs in the order of the text. */
  readonly specs: readonly KeySpec[];
  /** Index of the first key that stands in a fixed place, 0 for none. */
  readonly first: number;
  /** Index of the last of those; negative counts from the end. */
  readonly last: number;
  /** Distance between two of them. */
  readonly step: number;
  /** Whether first, last and step do not tell of every key: `movablekeys` of `COMMAND INFO`. */
  readonly isMovable: boolean;
}

/** A key among a command's arguments. */
export interface KeyPlace {
  /** Index of the argument that is the key. */
  readonly index: number;
  /** How this key is used: "RO", "access" and others. */
  readonly flags: readonly string[];
}

/** Finds keys where specs are incomplete, and calls `key` with the index of each. */
type FindByArguments = (argv: Argv, key: (index: number) => void) => void;

/** What is said of a key that only a function finds and no spec describes. */
const UNKNOWN_FLAGS: readonly string[] = ["RW", "access", "update"];

/** What was read, by text: many rows share one. */
const known = new Map<string, KeySpecs>();

/** The key specs of a row. */
export function keySpecsOf(command: CommandRow): KeySpecs {
  let specs = known.get(command.keys);
  if (specs === undefined) {
    specs = readKeySpecs(command.keys);
    known.set(command.keys, specs);
  }
  return specs;
}

/** The keys of a command whose arity fits; empty when the arguments contradict themselves. */
export function keysOf(command: CommandRow, argv: Argv): KeyPlace[] {
  const { specs } = keySpecsOf(command);
  const places: KeyPlace[] = [];
  let certain = true;
  for (const spec of specs) {
    // Names of channels stand where keys would.
    if (spec.flags.includes("not_key")) continue;
    if (isIncomplete(spec) || spec.find.type === "unknown") certain = false;
    if (spec.begin.type === "unknown" || spec.find.type === "unknown") continue;
    if (!applySpec(spec, variableFlags(command, spec, argv), argv, places)) return [];
  }
  const find = BY_ARGUMENTS[command.name];
  if (certain || find === undefined) return places;
  // What a spec says of keys it cannot find, as SORT's of its destination, or not always, as
  // XREAD's.
  const told = specs.findLast(isIncomplete)?.flags;
  return findByArguments(find, argv, places, told ?? UNKNOWN_FLAGS);
}

/** Whether a spec alone does not find every key it stands for. */
function isIncomplete(spec: KeySpec): boolean {
  return spec.begin.type === "unknown" || spec.flags.includes("incomplete");
}

/**
 * What only a command's own function finds; a key that a spec found too keeps that spec's flags.
 */
function findByArguments(
  find: FindByArguments,
  argv: Argv,
  places: readonly KeyPlace[],
  otherwise: readonly string[],
): KeyPlace[] {
  const found: KeyPlace[] = [];
  find(argv, (index) => {
    const flags = places.find((place) => place.index === index)?.flags ?? otherwise;
    found.push({ index, flags: flags.filter((flag) => flag !== "incomplete") });
  });
  return found;
}

/**
 * Adds the keys that one spec finds.
 *
 * @returns False when the arguments leave no room for the keys they announce.
 */
function applySpec(
  spec: KeySpec,
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

/** Index at which a spec begins to look for keys, -1 when its keyword is missing. */
function beginOf(spec: KeySpec, argv: Argv): number {
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
function variableFlags(command: CommandRow, spec: KeySpec, argv: Argv): readonly string[] {
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

/** Commands whose specs are incomplete: Redis's `getkeys` functions in `db.c`. */
const BY_ARGUMENTS: Readonly<Record<string, FindByArguments>> = {
  georadius: (argv, key) => findStored(argv, 6, key),
  georadiusbymember: (argv, key) => findStored(argv, 5, key),
  migrate: findMigrated,
  sort: findSorted,
  // Its patterns name keys that only the elements know.
  sort_ro: (_argv, key) => key(1),
  xread: findStreams,
  xreadgroup: findStreams,
};

/**
 * `georadiusGetKeys`: the key, and the last one that STORE or STOREDIST names from argument `from`
 * on.
 */
function findStored(argv: Argv, from: number, key: (index: number) => void): void {
  key(1);
  let stored = 0;
  for (let i = from; i + 1 < argv.count; i++) {
    if (isWord(argv, i, "STORE") || isWord(argv, i, "STOREDIST")) stored = ++i;
  }
  if (stored !== 0) key(stored);
}

/** `migrateGetKeys`: the one key, or when that is empty all after the word KEYS. */
function findMigrated(argv: Argv, key: (index: number) => void): void {
  let word = 6;
  while (word < argv.count && !isWord(argv, word, "KEYS")) word++;
  if (argv.lengthOf(3) > 0 || word >= argv.count) return key(3);
  for (let i = word + 1; i < argv.count; i++) key(i);
}

/** `sortGetKeys`: the source, and the target of the last STORE. */
function findSorted(argv: Argv, key: (index: number) => void): void {
  key(1);
  let store = 0;
  for (let i = 2; i < argv.count; i++) {
    if (isWord(argv, i, "LIMIT")) i += 2;
    else if (isWord(argv, i, "GET") || isWord(argv, i, "BY")) i++;
    else if (isWord(argv, i, "STORE") && i + 1 < argv.count) store = i + 1;
  }
  if (store > 0) key(store);
}

/**
 * `xreadGetKeys`: keys after STREAMS, looked for option by option, as a group may be named STREAMS.
 */
function findStreams(argv: Argv, key: (index: number) => void): void {
  let i = 1;
  while (i < argv.count && !isWord(argv, i, "STREAMS")) {
    if (isWord(argv, i, "BLOCK") || isWord(argv, i, "COUNT")) i += 2;
    else if (isWord(argv, i, "GROUP")) i += 3;
    else if (isWord(argv, i, "NOACK")) i++;
    else return;
  }
  const more = argv.count - i - 1;
  if (more % 2 !== 0) return;
  for (let at = i + 1; at <= i + more / 2; at++) key(at);
}

/** Reads a row's text and derives all that follows from it. */
function readKeySpecs(text: string): KeySpecs {
  const specs = text === "" ? [] : text.split("+").map(readKeySpec);
  const isFixed = (spec: KeySpec) => spec.begin.type === "index" && spec.find.type === "range";
  const isMovable = specs.some((spec) => !isFixed(spec) || isIncomplete(spec));
  return { specs, ...legacyRange(specs), isMovable };
}

/** Reads one spec, `flags@begin[:find]`. */
function readKeySpec(text: string): KeySpec {
  const [flags, rest] = text.split("@");
  assert(rest !== undefined && flags !== "", "a key spec is flags@begin[:find]");
  const [begin, find] = rest.split(":");
  return { flags: flags.split("."), begin: readBegin(begin), find: readFind(begin, find) };
}

/** Reads what stands before the colon: an index, `KEYWORD~startfrom` or `?`. */
function readBegin(text: string): BeginSearch {
  if (text === "?") return { type: "unknown" };
  const [keyword, startFrom] = text.split("~");
  if (startFrom !== undefined) return { type: "keyword", keyword, startFrom: Number(startFrom) };
  const index = Number(text);
  assert(index > 0, "the name of a command is no key");
  return { type: "index", index };
}

/** Reads what stands after the colon: a range, a number of keys, `?`, or nothing for one key. */
function readFind(begin: string, text: string = "0"): FindKeys {
  if (begin === "?" || text === "?") return { type: "unknown" };
  if (text.startsWith("n")) {
    const [keyNumIndex, firstKey, keyStep] = (text === "n" ? "0,1,1" : text.slice(1)).split(",");
    return {
      type: "keynum",
      keyNumIndex: Number(keyNumIndex),
      firstKey: Number(firstKey),
      keyStep: Number(keyStep),
    };
  }
  const [lastKey, keyStep = 1, limit = 0] = text.split(",").map(Number);
  assert(Number.isInteger(lastKey), "a range ends at an argument");
  assert(keyStep > 0 && limit >= 0, "a range goes forward");
  return { type: "range", lastKey, keyStep, limit };
}

/**
 * The first key, the last and the step that clients knew before there were key specs: as
 * `populateCommandLegacyRangeSpec` in `server.c` joins ranges of which each begins where the one
 * before has ended.
 */
function legacyRange(specs: readonly KeySpec[]): { first: number; last: number; step: number } {
  let first = 0;
  let last = 0;
  let before = 0;
  for (const { begin, find } of specs) {
    if (begin.type !== "index" || find.type !== "range") continue;
    const end = find.lastKey < 0 ? find.lastKey : begin.index + find.lastKey;
    if (specs.length === 1) return { first: begin.index, last: end, step: find.keyStep };
    if (find.keyStep !== 1 || (before !== 0 && before !== begin.index - 1)) continue;
    if (first === 0) first = begin.index;
    last = end;
    before = end;
  }
  return { first, last, step: first === 0 ? 0 : 1 };
}
