/**
 * Seeded random writes of every family, as a busy application mixes them: transactions, scripts, functions,
 * expiries that fire, whole databases exchanged; to a server of its own or to a node of a cluster.
 *
 * @module
 */

import type { Prng } from "../../src/base/prng.ts";
import { atLeast, type ServerBinary } from "../support/servers.ts";
import { CLUSTER_ROWS, type Row, ROWS, SWEEPING } from "./rows.ts";
import { Vocabulary, type Words } from "./vocabulary.ts";

export type { Words };

/** Rare, one in so many. */
const SWEEPING_ONE_IN = 4000;
/** A slot emptied, one in so many. */
const CLUSTER_ONE_IN = 1000;
/** What a node of a cluster refuses, having one database only. */
const NO_CLUSTER = new Set(["MOVE", "SELECT", "SWAPDB"]);
/** What Valkey has of Redis: it parted after this version. */
const VALKEY_PARTED = "7.2.4";

/** Whether a server has what came with `floor`, as in "7.4" or "valkey-9.0". */
export function isSince({ product, version }: ServerBinary, floor: string): boolean {
  if (product === "redis") return !floor.startsWith("valkey-") && atLeast(version, floor);
  return floor.startsWith("valkey-")
    ? atLeast(version, floor.slice("valkey-".length))
    : atLeast(VALKEY_PARTED, floor);
}

/** Makes commands without end. */
export class Writes {
  /** The words they are made of. */
  readonly words: Vocabulary;
  readonly #often: Choice;
  readonly #sweeping: Choice;
  readonly #ofCluster: Choice;
  readonly #isCluster: boolean;

  /**
   * @param seed Repeats the same ones.
   * @param binary Whose commands.
   * @param isCluster For a node of a cluster: the keys of one command are of one slot.
   */
  constructor(seed: number, binary: ServerBinary, isCluster = false) {
    this.words = new Vocabulary(seed, binary);
    this.#isCluster = isCluster;
    this.#often = new Choice(ROWS, binary);
    this.#sweeping = new Choice(SWEEPING, binary);
    this.#ofCluster = new Choice(CLUSTER_ROWS, binary);
  }

  /** Where chance comes from. */
  get prng(): Prng {
    return this.words.prng;
  }

  /** The next commands: one, or a transaction. */
  next(): Words[] {
    const { prng } = this;
    if (this.#isCluster) this.words.changeTag();
    if (prng.oneIn(SWEEPING_ONE_IN)) return [this.#take(this.#sweeping)];
    if (this.#isCluster && !this.#ofCluster.isEmpty && prng.oneIn(CLUSTER_ONE_IN)) {
      return [this.#take(this.#ofCluster)];
    }
    if (!prng.oneIn(40)) return [this.#take(this.#often)];
    const commands: Words[] = [["MULTI"]];
    for (let i = prng.between(1, 6); i > 0; i--) commands.push(this.#take(this.#often));
    commands.push([prng.oneIn(6) ? "DISCARD" : "EXEC"]);
    return commands;
  }

  #take(choice: Choice): Words {
    for (;;) {
      const words = choice.make(this.words);
      const isRefused = NO_CLUSTER.has(words[0]) || words.at(-2) === "DB";
      if (!this.#isCluster || !isRefused) return words;
    }
  }
}

/** Rows of one server, drawn by their weight. */
class Choice {
  readonly #rows: readonly Row[];
  readonly #total: number;

  constructor(rows: readonly Row[], binary: ServerBinary) {
    this.#rows = rows.filter(({ since }) =>
      since.length === 0 || since.some((floor) => isSince(binary, floor))
    );
    this.#total = this.#rows.reduce((sum, { weight }) => sum + weight, 0);
  }

  /** Whether there is none. */
  get isEmpty(): boolean {
    return this.#total === 0;
  }

  /** One of them. */
  make(words: Vocabulary): Words {
    let at = words.prng.int(this.#total);
    for (const { weight, make } of this.#rows) {
      at -= weight;
      if (at < 0) return make(words);
    }
    throw new Error("no row is left");
  }
}
