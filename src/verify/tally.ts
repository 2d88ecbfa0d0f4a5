/**
 * What a comparison has found so far.
 *
 * @module
 */

import { latin1, utf8 } from "../base/ascii.ts";
import type { Verdict } from "./judge.ts";
import type {
  DatabaseCount,
  DifferenceKind,
  KeyDifference,
  SkippedKeys,
  VerifyReport,
} from "./types.ts";

/** Keys that differ and are remembered by their bytes, at most, so that they can be repaired. */
const MAX_DIFFERING = 100_000;

/** A key that differs. */
export interface DifferingKey {
  /** Number of its database. */
  readonly db: number;
  /** The bytes of the key. */
  readonly key: Uint8Array;
}

/** The part of a report that is counted key by key. */
export type Counted = Omit<
  VerifyReport,
  "databases" | "byReads" | "restarts" | "replid" | "offset" | "tookMs"
>;

/** Counts keys by what was found of them. */
export class Tally {
  /** Keys that were compared. */
  compared: number = 0;
  /** Keys that differ for sure. */
  differences: number = 0;
  /** The keys that differ, as many as can be remembered. */
  readonly differing: DifferingKey[] = [];
  readonly #listed: number;
  readonly #different: KeyDifference[] = [];
  readonly #skipped: { -readonly [Reason in keyof SkippedKeys]: number } = {
    busy: 0,
    large: 0,
    unread: 0,
    moving: 0,
  };
  readonly #repairedKeys: Set<string> = new Set();
  #missing: number = 0;
  #extra: number = 0;

  /** Has counted nothing. @param listed How many differing keys a report lists, at most. */
  constructor(listed: number) {
    this.#listed = listed;
  }

  /** A key is equal. */
  same(): void {
    this.compared++;
  }

  /** A key could not be compared. */
  skip(reason: keyof SkippedKeys): void {
    this.#skipped[reason]++;
  }

  /** Counts what was found in the end of a key that was not equal. */
  settle(db: number, key: Uint8Array, { kind, masterType, replicaType }: Verdict): void {
    if (kind === "same") return this.same();
    if (!isDifference(kind)) return this.skip(kind);
    this.compared++;
    this.differences++;
    if (kind === "missing") this.#missing++;
    if (kind === "extra") this.#extra++;
    if (this.differing.length < MAX_DIFFERING) this.differing.push({ db, key });
    if (this.#different.length >= this.#listed) return;
    this.#different.push({
      db,
      key: utf8(key),
      keyBytes: key,
      kind,
      masterType,
      replicaType,
      repaired: false,
    });
  }

  /** A key that differed was fetched, and is equal now. */
  repaired({ db, key }: DifferingKey): void {
    this.#repairedKeys.add(idOf(db, key));
  }

  /** What was counted. @param databases Whose counts must agree where all is equal. */
  report(databases: readonly DatabaseCount[]): Counted {
    const repaired = this.#repairedKeys.size;
    const different = this.#different.map((one) => ({
      ...one,
      repaired: this.#repairedKeys.has(idOf(one.db, one.keyBytes)),
    }));
    const agree = databases.every(({ keys, masterKeys }) => keys === masterKeys);
    return {
      equal: this.differences === repaired && (agree || repaired > 0),
      compared: this.compared,
      missing: this.#missing,
      extra: this.#extra,
      differences: this.differences,
      different,
      repaired,
      skipped: { ...this.#skipped },
    };
  }
}

function isDifference(kind: Verdict["kind"]): kind is DifferenceKind {
  return kind === "missing" || kind === "extra" || kind === "type" || kind === "value" ||
    kind === "expiry";
}

function idOf(db: number, key: Uint8Array): string {
  return `${db}:${latin1(key)}`;
}
