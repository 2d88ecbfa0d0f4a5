/**
 * Live values, a watch and an index over a replica whose slots move: whatever comes, they say what a read says in the same
 * turn, and whoever listens has been told it in the end.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Collection, Live, Replica, Watch } from "../../mod.ts";
import { until } from "../support/waiting.ts";

/** Keys that have a live value each. */
const KEYS: readonly string[] = Array.from({ length: 1000 }, (_, i) => `k${i * 3}`);
const VALUES: readonly string[] = ["v1", "v17", "v500"];
const LISTED = "k1*";
const WATCHED = "k93";

const decoder = new TextDecoder();
const decode = (bytes: Uint8Array): { text: string } => ({ text: decoder.decode(bytes) });

/** Makes them of a replica that has its data, and compares. */
export class SlotsWitness {
  readonly #replica: Replica;
  readonly #lives: readonly Live<string | undefined>[];
  readonly #listed: Live<number>;
  readonly #watch: Watch<unknown>;
  readonly #texts: Collection<{ text: string }, string>;
  readonly #told: unknown[];
  readonly #ends: (() => void)[] = [];

  /** Listens from now on. */
  constructor(replica: Replica) {
    this.#replica = replica;
    this.#lives = KEYS.map((key) => replica.live(() => replica.get(key)));
    this.#listed = replica.live(() => replica.keys(LISTED).length);
    this.#watch = replica.watch(WATCHED);
    this.#texts = replica.collection("k*", { type: "string", decode, index: { text: {} } });
    const followed = [...this.#lives, this.#listed, this.#watch];
    this.#told = followed.map((one) => one.value);
    followed.forEach((one, i) => {
      this.#ends.push(one.subscribe((value: unknown) => void (this.#told[i] = value)));
    });
  }

  /** Resolves when the index has all keys. */
  get ready(): Promise<void> {
    return this.#texts.ready;
  }

  /** Compares with what reads say in this turn. */
  check(): void {
    const replica = this.#replica;
    this.#lives.forEach((live, i) => assert.equal(live.value, replica.get(KEYS[i]), KEYS[i]));
    const keys = replica.keys("k*");
    assert.equal(this.#listed.value, keys.filter((key) => key.startsWith("k1")).length, LISTED);
    assert.equal(this.#watch.value, replica.get(WATCHED), WATCHED);
    // As DBSIZE it counts keys that have expired and are not deleted yet.
    assert.ok(this.#texts.size >= keys.length, "keys of the collection");
    for (const text of VALUES) {
      const found = this.#texts.find({ text }).map(({ id }) => `k${id}`);
      const wanted = keys.filter((key) => replica.get(key) === text);
      assert.deepEqual(found.sort(), wanted.sort(), `the index of ${text}`);
    }
  }

  /** Waits until listeners have been told what is there, and ends. */
  async end(): Promise<void> {
    const current = () => [...this.#lives, this.#listed, this.#watch].map((one) => one.value);
    await until(
      () => `listeners that were told ${current()}, not ${this.#told}`,
      () => current().every((value, i) => value === this.#told[i]),
      5000,
    );
    this.check();
    for (const end of this.#ends) end();
    for (const one of [...this.#lives, this.#listed, this.#watch]) one[Symbol.dispose]();
    this.#texts[Symbol.dispose]();
  }
}
