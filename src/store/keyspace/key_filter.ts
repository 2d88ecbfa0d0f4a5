/**
 * Which keys a partial copy holds. A filter is one or more lists of rules, all of which a key must pass: the first
 * list is the owner's option, each narrowing adds one, so that what is kept only ever shrinks.
 *
 * ```text
 *   of the key alone      databases, keys, predicate     known before the value is read
 *   of the value          types, maxValueBytes           a value may leave, and come back
 *   of the stream         commands                       loses data on purpose
 * ```
 *
 * A key that was left out for what it is, and not for what it is called, is remembered in `left_out.ts`.
 *
 * @module
 */

import { BytesRef } from "../../base/byte_buffer.ts";
import { Glob } from "../../base/glob.ts";
import { type Entry, TYPE_NAMES, ValueType } from "../memory/record.ts";
import { moduleValueOf, VECTOR_SET_TYPE } from "../types/module.ts";
import { readString } from "../types/string.ts";
import type { Database } from "./database.ts";

const STAR = 0x2a;
/** Bytes that make a pattern more than a text. */
const SPECIAL: readonly number[] = [STAR, 0x3f, 0x5b, 0x5c];

/** Which part of the master's data is held: a key is kept when it passes every rule that is given. */
export interface FilterOptions {
  /** Numbers of the databases that are held; all unless told. */
  readonly databases?: readonly number[];
  /**
   * Glob patterns of keys, as KEYS takes them; those that begin with `!` leave out. A key is kept that matches one of the
   * others, or any where there are no others, and none of those with `!`. All keys unless told.
   */
  readonly keys?: readonly string[];
  /** Types of values as `TYPE` tells them: `string`, `hash`, `ReJSON-RL`...; all unless told. */
  readonly types?: readonly string[];
  /**
   * Most bytes of a value without its key: of a string its length, of others as they are held here. A key whose value grew beyond it is deleted here, and
   * comes back only when it is deleted or replaced whole at the master.
   */
  readonly maxValueBytes?: number;
  /**
   * Only these write commands of the stream are applied, by name in lower case, as `set` or `xgroup|create`; all unless
   * told. This loses data on purpose: without `del`, keys that the master deletes or expires stay here for good.
   */
  readonly commands?: readonly string[];
  /**
   * Decides for a key, whose bytes it may keep, and its database. It must answer the same for the same key at all times.
   * Where it throws, or answers no boolean, the key is left out until it is replaced whole, and the log tells of it.
   */
  readonly predicate?: (key: Uint8Array, db: number) => boolean;
  /**
   * A name for what `predicate` keeps. A snapshot file is loaded after a restart only where this name is the same, as one
   * function cannot be compared with another; without it a restart is a full sync.
   */
  readonly predicateId?: string;
}

/** Why a key is not held. */
export const Refusal = { NONE: 0, DATABASE: 1, KEY: 2, PREDICATE: 3, FAILED: 4 } as const;
/** One of {@linkcode Refusal}'s numbers. */
export type Refusal = typeof Refusal[keyof typeof Refusal];

/** How often things were left out, by the rule that did it: keys of snapshots and commands of the stream together. */
export interface LeftOutCounts {
  /** The database is not held. */
  database: number;
  /** The key does not match the patterns. */
  key: number;
  /** The predicate said no, or failed. */
  predicate: number;
  /** The value is of another type. */
  type: number;
  /** The value is too large. */
  size: number;
  /** The command is not among `commands`. */
  command: number;
}

/** Decides what is kept. */
export class KeyFilter {
  /** False while everything is kept: nothing need be asked then. */
  active: boolean = false;
  /** Most bytes of a value; Infinity without a bound. */
  maxValueBytes: number = Infinity;
  /** Whether a rule looks at what a value is. */
  judgesValues: boolean = false;
  /** Whether types are given. */
  judgesTypes: boolean = false;
  /** Whether `commands` are given: what is held is then not what the master holds. */
  losesData: boolean = false;
  /** Whether a key may be kept in one of two databases that are both held, and not in the other. */
  judgesByDatabase: boolean = false;
  /** What was left out so far. */
  readonly leftOut: LeftOutCounts = {
    database: 0,
    key: 0,
    predicate: 0,
    type: 0,
    size: 0,
    command: 0,
  };
  /** How often the predicate threw or answered no boolean. */
  predicateErrors: number = 0;
  /** Is told of the first such failure of each predicate; must not throw. */
  onPredicateError: (error: unknown) => void = () => {};
  readonly #parts: Rules[] = [];
  #options: readonly FilterOptions[] = [];

  /** Keeps everything that passes `options`; everything without. */
  constructor(options?: FilterOptions) {
    if (options !== undefined) this.narrow(options);
  }

  /** The lists of rules, the first one first. */
  get options(): readonly FilterOptions[] {
    return this.#options;
  }

  /** From now on a key must pass these rules as well. */
  narrow(options: FilterOptions): void {
    this.#parts.push(readRules(options));
    this.#options = [...this.#options, options];
    this.maxValueBytes = Math.min(this.maxValueBytes, options.maxValueBytes ?? Infinity);
    this.judgesValues ||= options.types !== undefined || options.maxValueBytes !== undefined;
    this.judgesTypes ||= options.types !== undefined;
    this.losesData ||= options.commands !== undefined;
    this.judgesByDatabase ||= options.predicate !== undefined;
    this.active = true;
  }

  /** Whether any key of a database may be kept. */
  keepsDatabase(db: number): boolean {
    return this.#parts.every(({ databases }) => databases === undefined || databases.has(db));
  }

  /** Why a key is left out by what it is called; NONE where it is kept. Allocates for a predicate alone. */
  refusalOf(db: number, bytes: Uint8Array, start: number, end: number): Refusal {
    const parts = this.#parts;
    for (let i = 0; i < parts.length; i++) {
      const { databases, wanted, unwanted, predicate } = parts[i];
      if (databases !== undefined && !databases.has(db)) return Refusal.DATABASE;
      if (wanted.length > 0 && !matchesAny(wanted, bytes, start, end)) return Refusal.KEY;
      if (unwanted.length > 0 && matchesAny(unwanted, bytes, start, end)) return Refusal.KEY;
      if (predicate === undefined) continue;
      const refusal = this.#ask(predicate, bytes.slice(start, end), db);
      if (refusal !== Refusal.NONE) return refusal;
    }
    return Refusal.NONE;
  }

  /** Counts what a rule about keys has left out. */
  count(refusal: Refusal): void {
    const { leftOut } = this;
    if (refusal === Refusal.DATABASE) leftOut.database++;
    else if (refusal === Refusal.KEY) leftOut.key++;
    else leftOut.predicate++;
  }

  /** Whether values of a type are kept, by its name as TYPE tells it. */
  keepsType(name: string): boolean {
    for (let i = 0; i < this.#parts.length; i++) {
      const { types } = this.#parts[i];
      if (types !== undefined && !types.has(name)) return false;
    }
    return true;
  }

  /** Whether a write command of the stream is applied, by its name in lower case. */
  keepsCommand(name: string): boolean {
    const container = name.split("|")[0];
    return this.#parts.every(({ commands }) =>
      commands === undefined || commands.has(name) || commands.has(container)
    );
  }

  /** Why a value that is held may not stay: "type", "size" or undefined. O(1), but for streams with groups. */
  valueRefusal(db: Database, entry: Entry): "type" | "size" | undefined {
    if (this.judgesTypes && !this.keepsType(typeNameOf(db, entry))) return "type";
    return valueBytes(db, entry) > this.maxValueBytes ? "size" : undefined;
  }

  #ask(predicate: Predicate, key: Uint8Array, db: number): Refusal {
    let answer: unknown;
    let failure: unknown;
    try {
      answer = predicate.decide(key, db);
      if (answer === true) return Refusal.NONE;
      if (answer === false) return Refusal.PREDICATE;
      failure = new TypeError(`it answered ${kindOf(answer)}, not true or false`);
    } catch (error) {
      failure = error;
    }
    this.predicateErrors++;
    if (!predicate.told) {
      predicate.told = true;
      this.onPredicateError(failure);
    }
    return Refusal.FAILED;
  }
}

/** Bytes of a value, without key and header: of a string its length, of others as they are held. */
export function valueBytes(db: Database, entry: Entry): number {
  const object = db.objectOf(entry);
  if (object !== undefined) return object.memoryBytes;
  if (db.typeOf(entry) === ValueType.STRING) readString(db, entry, value);
  else db.valueRef(entry, value);
  return value.end - value.start;
}

/** The type of a key as TYPE tells it. */
export function typeNameOf(db: Database, entry: Entry): string {
  const type = db.typeOf(entry);
  if (type !== ValueType.MODULE) return TYPE_NAMES[type];
  // The one type of a module that is read here is no ModuleValue.
  return moduleValueOf(db, entry)?.module ?? VECTOR_SET_TYPE;
}

const value = new BytesRef();

interface Predicate {
  readonly decide: (key: Uint8Array, db: number) => unknown;
  told: boolean;
}

/** One list of rules, ready to be asked. */
interface Rules {
  readonly databases: ReadonlySet<number> | undefined;
  readonly wanted: readonly Pattern[];
  readonly unwanted: readonly Pattern[];
  readonly types: ReadonlySet<string> | undefined;
  readonly commands: ReadonlySet<string> | undefined;
  readonly predicate: Predicate | undefined;
}

function readRules(options: FilterOptions): Rules {
  const { databases, keys = [], types, commands, predicate } = options;
  const isUnwanted = (pattern: string) => pattern.startsWith("!");
  return {
    databases: databases && new Set(databases),
    wanted: keys.filter((key) => !isUnwanted(key)).map((key) => new Pattern(key)),
    unwanted: keys.filter(isUnwanted).map((key) => new Pattern(key.slice(1))),
    types: types && new Set(types),
    commands: commands && new Set(commands.map((name) => name.toLowerCase())),
    predicate: predicate && { decide: predicate, told: false },
  };
}

/** A glob; most are a text with a star at its end, which is compared byte by byte. */
class Pattern {
  readonly #prefix: Uint8Array;
  /** What the prefix does not decide; undefined for `text*`. */
  readonly #glob: Glob | undefined;

  constructor(text: string) {
    const bytes = new TextEncoder().encode(text);
    const special = bytes.findIndex((byte) => SPECIAL.includes(byte));
    const isPrefix = special >= 0 && special === bytes.length - 1 && bytes[special] === STAR;
    this.#prefix = bytes.slice(0, special < 0 ? bytes.length : special);
    this.#glob = isPrefix ? undefined : new Glob(bytes);
  }

  matches(bytes: Uint8Array, start: number, end: number): boolean {
    const prefix = this.#prefix;
    if (end - start < prefix.length) return false;
    for (let i = 0; i < prefix.length; i++) if (bytes[start + i] !== prefix[i]) return false;
    return this.#glob === undefined || this.#glob.matches(bytes, start, end);
  }
}

function matchesAny(
  patterns: readonly Pattern[],
  bytes: Uint8Array,
  start: number,
  end: number,
): boolean {
  for (let i = 0; i < patterns.length; i++) {
    if (patterns[i].matches(bytes, start, end)) return true;
  }
  return false;
}

function kindOf(answer: unknown): string {
  if (answer instanceof Promise) return "a promise";
  return answer === null ? "null" : typeof answer;
}
