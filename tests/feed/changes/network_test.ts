/**
 * Simulated replicas whose network fails: a map that is kept only from the feed equals the data at the end, under each
 * policy that promises it, over cuts, failovers, full resyncs of both kinds, flushes and swaps, with consumers that are
 * slow, stop and come back with a token. A transaction is told whole or not at all. `RUNS=1000` runs so many from `FIRST`
 * on, `SEED=n` one of them; planted faults must be found.
 *
 * @module
 */

import assert from "node:assert/strict";
import { env } from "node:process";
import test from "node:test";
import { type Batch, FeedError, type Replica } from "../../../mod.ts";
import { Prng } from "../../../src/base/prng.ts";
import { Commits } from "../../../src/commands/engine/commit.ts";
import { Feed } from "../../../src/feed/changes/feed.ts";
import { LatestKeys } from "../../../src/feed/changes/latest_keys.ts";
import { FeedLog } from "../../../src/feed/changes/log.ts";
import type { TestMaster } from "../../../src/testing/test_master.ts";
import type { SimClock } from "../../sim/clock.ts";
import { type SimPair, startSimPair } from "../../sim/pair.ts";
import type { MemoryNet } from "../../support/memory_net.ts";
import { DATABASES, Follower, visibleOf, wantedOf } from "./follower.ts";

const FIRST = Number(env.SEED ?? env.FIRST ?? 1);
const RUNS = env.SEED === undefined ? Number(env.RUNS ?? 6) : 1;
const FAR = "99999999999999";

class Simulation {
  readonly #prng: Prng;
  readonly #clock: SimClock;
  readonly #net: MemoryNet;
  readonly #master: TestMaster;
  readonly #replica: Replica;
  readonly #followers: Follower[] = [];
  readonly #listened: Follower = new Follower({ databases: "all" });
  readonly #errors: unknown[];
  /** Keys of transactions, in order, by the places where they end. */
  readonly #transactions: Map<string, readonly string[]> = new Map();
  /** How many of them were told as a batch. */
  transactions: number = 0;
  /** True once everybody reads as fast as can be. */
  #hurries: boolean = false;
  #ends: boolean = false;

  static async run(seed: number): Promise<Simulation> {
    const errors: unknown[] = [];
    const simulation = new Simulation(
      await startSimPair(seed, (message) => void errors.push(message)),
      errors,
    );
    await simulation.#run();
    return simulation;
  }

  constructor({ prng, clock, net, master, replica }: SimPair, errors: unknown[]) {
    this.#prng = prng;
    this.#clock = clock;
    this.#net = net;
    this.#master = master;
    this.#replica = replica;
    this.#errors = errors;
  }

  get batches(): number {
    return this.#followers.reduce((sum, { batches }) => sum + batches, this.#listened.batches);
  }

  async #run(): Promise<void> {
    this.#listen();
    for (let left = 2 + this.#prng.int(4); left > 0; left--) this.#follow();
    void this.#replica.start();
    for (let left = 12 + this.#prng.int(25); left > 0; left--) {
      this.#act();
      await this.#pass(this.#prng.int(this.#prng.pick([5, 50, 1000])));
    }
    await this.#mend();
    for (const follower of [...this.#followers, this.#listened]) {
      if (follower.closed || !follower.isWhole) continue;
      const shown = JSON.stringify(follower.options);
      assert.equal(follower.inSnapshot, false, `the snapshot has ended: ${shown}`);
      assert.deepEqual(
        visibleOf(follower.data, this.#clock.now()),
        wantedOf(this.#replica, follower.options),
        shown,
      );
    }
    await this.#close();
    assert.deepEqual(this.#errors, []);
  }

  /** In the turn of its commit what a listener keeps is the data, at any moment. */
  #listen(): void {
    const listened = this.#listened;
    this.#replica.onCommit({ databases: "all", from: "snapshot" }, (batch) => {
      try {
        listened.apply(batch);
        const isCommit = batch.control === undefined && batch.commits === 1;
        // Data that was emptied for a snapshot is told as a flush, and cannot be read before that has come.
        if (!isCommit || batch.token === undefined) return;
        this.#checkTransaction(batch);
        if (listened.inSnapshot || !this.#prng.oneIn(8)) return;
        const kept = visibleOf(listened.data, this.#clock.now());
        assert.deepEqual(kept, wantedOf(this.#replica, listened.options), "onCommit");
      } catch (error) {
        this.#errors.push(error);
      }
    });
  }

  #follow(): void {
    const prng = this.#prng;
    const follower = new Follower({
      databases: prng.oneIn(3) ? [0] : "all",
      match: prng.oneIn(4) ? ["pair:*", "s*"] : undefined,
      types: prng.oneIn(5) ? ["string", "hash"] : undefined,
      from: "snapshot",
      policy: prng.pick(["coalesce", "coalesce", "mark", "close"]),
      values: prng.pick(["new", "new", "both", "none"]),
      maxKeys: prng.oneIn(3) ? prng.between(1, 8) : 1000,
    });
    this.#followers.push(follower);
    void this.#read(follower, prng.oneIn(2) ? prng.between(1, 400) : 0).catch((error) => {
      if (error instanceof FeedError) follower.closed = true;
      else this.#errors.push(error);
    });
  }

  /** Reads on, and comes back with its token now and then. */
  async #read(follower: Follower, pauseMs: number): Promise<void> {
    const prng = new Prng(this.#prng.uint32());
    let from: string | undefined = undefined;
    while (!this.#ends) {
      const stream = this.#replica.changes({ ...follower.options, from: from ?? "snapshot" });
      for await (const batch of stream) {
        follower.apply(batch);
        if (pauseMs > 0 && !this.#hurries) {
          await new Promise<void>((resolve) => this.#clock.setTimer(resolve, prng.int(pauseMs)));
        }
        if (!this.#hurries && prng.oneIn(40)) break;
      }
      from = follower.inSnapshot || !follower.isWhole ? undefined : follower.token;
    }
  }

  /** One thing happens: to the network, or to the master. */
  #act(): void {
    const prng = this.#prng;
    const { faults } = this.#net;
    switch (prng.int(12)) {
      case 0:
        return void this.#net.cut();
      case 1:
        faults.maxChunkBytes = prng.pick([0, 7, 300, 20_000]);
        faults.maxDelayMs = prng.pick([0, 0, 1, 30]);
        faults.cutOneIn = prng.pick([0, 0, 100, 1000]);
        return;
      case 2:
        faults.stalled = true;
        return;
      case 3:
        return this.#master.promote();
      case 4:
        return prng.oneIn(2) ? this.#master.forgetHistory() : this.#master.dropReplicas();
      default:
        this.#net.unstall();
        for (let left = 1 + prng.int(30); left > 0; left--) this.#write();
    }
  }

  #write(): void {
    const prng = this.#prng;
    const master = this.#master;
    const value = String(prng.int(1000));
    const id = prng.int(5);
    switch (prng.int(16)) {
      case 0:
        return void master.call("SELECT", prng.pick(DATABASES));
      case 1:
      case 2:
        return this.#transaction(value, prng.oneIn(2) ? [`s${id}`] : []);
      case 3:
        if (prng.oneIn(12)) return void master.call(prng.oneIn(3) ? "FLUSHALL" : "FLUSHDB");
        if (prng.oneIn(4)) master.call("SWAPDB", prng.pick(DATABASES), prng.pick(DATABASES));
        return;
      case 4:
        return void master.call("DEL", `s${id}`, `h${id}`, `l${id}`);
      case 5:
        return void master.call("SET", `s${id}`, value, "PX", 1 + prng.int(3000));
      case 6:
        return void master.call("HSET", `h${id}`, prng.pick(["f", "g"]), value);
      case 7:
        return void master.call("RPUSH", `l${id}`, value);
      case 8:
        return void master.call("LPOP", `l${id}`);
      case 9:
        return void master.call("SADD", `m${id}`, value, "a");
      case 10:
        return void master.call("ZADD", `z${id}`, value, prng.pick(["x", "y"]));
      case 11:
        return void master.call("XADD", `x${id}`, "*", "f", value);
      case 12:
        return void master.call("PEXPIREAT", `h${id}`, FAR);
      case 13:
        if (master.call("EXISTS", `s${id}`) !== 1) return;
        return void master.call("RENAME", `s${id}`, `s${prng.int(5)}`);
      default:
        return void master.call("SET", `s${id}`, value);
    }
  }

  /** What was written at which place is remembered: a batch tells just that. */
  #transaction(value: string, others: readonly string[]): void {
    const master = this.#master;
    const keys = ["pair:a", ...others, "pair:b"];
    master.call("MULTI");
    for (const key of keys) master.call("SET", key, value);
    master.call("EXEC");
    this.#transactions.set(`${master.replid}:${master.offset}`, keys);
  }

  /** A batch at the end of a transaction holds its keys, in order, and nothing else. */
  #checkTransaction({ replid, offset, changes }: Batch): void {
    const keys = this.#transactions.get(`${replid}:${offset}`);
    if (keys === undefined) return;
    assert.deepEqual(changes.map((change) => "key" in change && change.key), keys);
    this.transactions++;
  }

  /** Everything is well again, and everybody reads. */
  async #mend(): Promise<void> {
    this.#net.unstall();
    Object.assign(this.#net.faults, {
      maxChunkBytes: 0,
      maxDelayMs: 0,
      cutOneIn: 0,
      refuseOneIn: 0,
    });
    this.#clock.lookMs = 0;
    this.#hurries = true;
    const settled = await this.#clock.run(60_000, () => {
      const { state, offset } = this.#replica.status();
      return state === "live" && offset === this.#master.offset;
    });
    assert.equal(settled, true, "the replica gets there");
    await this.#pass(500);
    // Everybody has read when nobody gets a batch for some turns.
    for (let idle = 0, read = 0; idle < 20; idle++) {
      if (this.batches !== read) idle = 0;
      read = this.batches;
      await this.#pass(1);
    }
  }

  async #close(): Promise<void> {
    let over = false;
    this.#ends = true;
    void this.#replica.close().then(() => this.#master.close()).then(() => over = true);
    await this.#clock.run(20_000, () => over);
    assert.equal(over, true, "it closes");
    await this.#clock.run(10_000);
    assert.equal(this.#clock.pending, 0, this.#clock.left());
  }

  async #pass(ms: number): Promise<void> {
    await this.#clock.run(ms);
  }
}

test(`${RUNS} simulations from ${FIRST} on: maps kept from feeds are the data`, async (t) => {
  let batches = 0;
  let transactions = 0;
  for (let seed = FIRST; seed < FIRST + RUNS; seed++) {
    try {
      const simulation = await Simulation.run(seed);
      batches += simulation.batches;
      transactions += simulation.transactions;
    } catch (error) {
      throw new Error(`SEED=${seed}: ${(error as Error).message}`, { cause: error });
    }
  }
  t.diagnostic(`${batches} batches, ${transactions} transactions`);
  assert.ok(batches > RUNS * 10);
  assert.ok(transactions > RUNS);
});

/** Puts another method in place of a prototype's, and gives back what puts the old one there. */
function plant<P extends object, A extends unknown[], R>(
  prototype: P,
  name: keyof P,
  make: (real: (self: P, args: A) => R) => (self: P, args: A) => R,
): () => void {
  const methods = prototype as Record<keyof P, unknown>;
  const real = methods[name] as (...args: A) => R;
  const planted = make((self, args) => real.apply(self, args));
  methods[name] = function (this: P, ...args: A): R {
    return planted(this, args);
  };
  return () => methods[name] = real;
}

/** Leaves out one call in so many. */
function losing<P extends object>(prototype: P, name: keyof P, oneIn: number): () => void {
  let calls = 0;
  return plant(prototype, name, (real) => (self, args) => {
    if (++calls % oneIn !== 0) real(self, args);
  });
}

/** A fault, and the seed from which on it is looked for: the first one that notices, to save time. */
interface Fault {
  readonly name: string;
  readonly first?: number;
  readonly plant: () => () => void;
}

const FAULTS: readonly Fault[] = [
  {
    name: "a touched key is forgotten now and then",
    plant: () => losing(Commits.prototype, "touched", 30),
  },
  {
    name: "a flush or a swap is not told",
    plant: () => losing(Commits.prototype, "changed", 1),
  },
  {
    name: "a transaction is told in halves",
    plant: () =>
      plant(Commits.prototype, "touched", (real) => (self, args) => {
        real(self, args);
        self.end();
      }),
  },
  {
    name: "differences at a full resync are left out",
    plant: () =>
      plant(Feed.prototype, "replacing", (real) => (self, [old]) => real(self, [old, old])),
  },
  {
    name: "a token is served without the log",
    first: 7,
    plant: () => losing(FeedLog.prototype, "replay", 1),
  },
  {
    name: "the last key in the log is passed over",
    plant: () =>
      plant(LatestKeys.prototype, "read", (real) => (self, args) => {
        real(self, args);
        if (self.count > 3) self.count--;
      }),
  },
];

for (const fault of FAULTS) {
  test(`the simulation finds that ${fault.name}`, async () => {
    const mend = fault.plant();
    let found = false;
    try {
      for (let seed = fault.first ?? 1; seed <= 40 && !found; seed++) {
        found = await Simulation.run(seed).then(() => false, () => true);
      }
    } finally {
      mend();
    }
    assert.ok(found);
  });
}
