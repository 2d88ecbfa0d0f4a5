/**
 * Which changes a consumer wants: databases, patterns, types.
 *
 * @module
 */

import { Glob, isLiteral } from "../../base/glob.ts";
import type { Key } from "../../read/text.ts";
import { toBytes } from "../../read/text.ts";
import { TYPE_NAMES } from "../../store/memory/record.ts";
import type { FeedType } from "./types.ts";

const STAR = 0x2a;

/** Decides on a key by its bytes. */
type Test = (bytes: Uint8Array, start: number, end: number) => boolean;

/** What one consumer follows. */
export class FeedFilter {
  /** Numbers of types; undefined for all of them. */
  readonly types: ReadonlySet<number> | undefined;
  readonly #databases: ReadonlySet<number> | undefined;
  /** The one database that nearly every consumer follows, -1 for several. */
  readonly #database: number;
  readonly #tests: readonly Test[] | undefined;

  /**
   * Compiles the patterns.
   *
   * @param databases Their numbers; undefined for all.
   * @param match Patterns of which one must fit; undefined for every key.
   * @param types Names of types; undefined for all.
   */
  constructor(
    databases: readonly number[] | undefined,
    match: readonly Key[] | undefined,
    types: readonly FeedType[] | undefined,
  ) {
    this.#databases = databases === undefined ? undefined : new Set(databases);
    this.#database = databases?.length === 1 ? databases[0] : -1;
    const tests = match?.map((pattern) => compile(toBytes(pattern)));
    this.#tests = tests?.some((test) => test === undefined)
      ? undefined
      : tests as Test[] | undefined;
    this.types = types === undefined
      ? undefined
      : new Set(types.map((name) => TYPE_NAMES.indexOf(name)));
  }

  /** Whether a database is followed. */
  hasDb(db: number): boolean {
    if (this.#database >= 0) return db === this.#database;
    return this.#databases === undefined || this.#databases.has(db);
  }

  /** Whether a key is followed, whatever its type. The bytes are borrowed. */
  hasKey(db: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (!this.hasDb(db)) return false;
    const tests = this.#tests;
    if (tests === undefined) return true;
    for (const test of tests) if (test(bytes, start, end)) return true;
    return false;
  }

  /** Whether values of this type are followed. */
  hasType(type: number): boolean {
    return this.types === undefined || this.types.has(type);
  }
}

/** A test for a pattern, undefined for one that every key fits. A literal prefix is compared byte by byte. */
function compile(pattern: Uint8Array): Test | undefined {
  if (pattern.length === 1 && pattern[0] === STAR) return undefined;
  if (isLiteral(pattern)) {
    return (bytes, start, end) =>
      end - start === pattern.length && startsWith(bytes, start, end, pattern);
  }
  const prefix = pattern.subarray(0, -1);
  if (pattern[pattern.length - 1] === STAR && isLiteral(prefix)) {
    return (bytes, start, end) => startsWith(bytes, start, end, prefix);
  }
  const glob = new Glob(pattern);
  return (bytes, start, end) => {
    glob.begin(bytes, start, end);
    return glob.run(Infinity) === true;
  };
}

function startsWith(bytes: Uint8Array, start: number, end: number, prefix: Uint8Array): boolean {
  if (end - start < prefix.length) return false;
  for (let i = 0; i < prefix.length; i++) if (bytes[start + i] !== prefix[i]) return false;
  return true;
}
