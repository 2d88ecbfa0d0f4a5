/**
 * Simulated replicas whose network fails: live values are never half of a transaction, are what their functions give, and
 * indexes find what a walk over all values finds. `SEEDS=1000` runs so many, `SEED=n` one of them.
 *
 * @module
 */

import assert from "node:assert/strict";
import { env } from "node:process";
import test from "node:test";
import type { Collection, Live, Replica } from "../../mod.ts";
import type { Prng } from "../../src/base/prng.ts";
import type { TestMaster } from "../../src/testing/test_master.ts";
import type { SimClock } from "../sim/clock.ts";
import { type SimPair, startSimPair } from "../sim/pair.ts";
import type { MemoryNet } from "../support/memory_net.ts";

const FIRST = Number(env.SEED ?? env.FIRST ?? 1);
const COUNT = env.SEED === undefined ? Number(env.SEEDS ?? 15) : 1;
const USERS = 12;
const PLANS = ["free", "pro", "team"];

type User = Record<string, string>;

/** A live value with what its subscriber was told last. */
interface Watched {
  readonly name: string;
  readonly fn: () => unknown;
  readonly live: Live<unknown>;
  told: unknown;
  off: () => void;
}

class Simulation {
  readonly #prng: Prng;
  readonly #clock: SimClock;
  readonly #net: MemoryNet;
  readonly #master: TestMaster;
  readonly #replica: Replica;
  readonly #users: Collection<User>;
  readonly #lives: Watched[] = [];
  readonly errors: string[];
  looks: number = 0;
  checks: number = 0;

  static async run(seed: number): Promise<Simulation> {
    const errors: string[] = [];
    const more = (prng: Prng) => ({ maxStalenessMs: prng.oneIn(3) ? 3000 : undefined });
    const pair = await startSimPair(seed, (message) => void errors.push(message), more);
    const simulation = new Simulation(pair, errors);
    await simulation.#run();
    return simulation;
  }

  constructor({ prng, clock, net, master, replica }: SimPair, errors: string[]) {
    this.#prng = prng;
    this.#clock = clock;
    this.#net = net;
    this.#master = master;
    this.#replica = replica;
    this.errors = errors;
    this.#users = replica.collection("user:*", {
      type: "hash",
      index: { email: { unique: true }, "plan,age": { type: "number" } },
    });
  }

  async #run(): Promise<void> {
    this.#watchAll();
    void this.#replica.start();
    for (let left = 10 + this.#prng.int(20); left > 0; left--) {
      this.#act();
      await this.#pass(this.#prng.int(this.#prng.pick([5, 50, 1000])));
    }
    this.#net.unstall();
    Object.assign(this.#net.faults, {
      maxChunkBytes: 0,
      maxDelayMs: 0,
      cutOneIn: 0,
      refuseOneIn: 0,
    });
    const settled = await this.#clock.run(60_000, () => {
      this.#look();
      const { state, offset } = this.#replica.status();
      return state === "live" && offset === this.#master.offset;
    });
    assert.equal(settled, true, "the replica gets there");
    await this.#pass(50);
    for (const { name, live, told } of this.#lives) {
      assert.deepEqual(told, live.value, `${name} was told of the last value`);
    }
    await this.#close();
  }

  async #close(): Promise<void> {
    for (const { live, off } of this.#lives) {
      off();
      live[Symbol.dispose]();
    }
    let over = false;
    void this.#replica.close().then(() => this.#master.close()).then(() => over = true);
    await this.#clock.run(20_000, () => over);
    assert.equal(over, true, "it closes");
    await this.#clock.run(10_000);
    assert.equal(this.#clock.pending, 0, this.#clock.left());
  }

  /** One thing happens: to the network, to the master, or to who looks. */
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
      case 5:
        return this.#resubscribe();
      default:
        this.#net.unstall();
        for (let left = 1 + prng.int(20); left > 0; left--) this.#write();
    }
  }

  #write(): void {
    const prng = this.#prng;
    const master = this.#master;
    const key = `user:${prng.int(USERS)}`;
    switch (prng.int(14)) {
      case 0:
        return void master.call("DEL", key);
      case 1:
        return void master.call("SET", key, "no hash");
      case 2:
        return void master.call("PEXPIRE", key, 1 + prng.int(3000));
      case 3:
        if (master.call("TYPE", key) !== "hash") return;
        return void master.call("HPEXPIRE", key, 1 + prng.int(3000), "FIELDS", 1, "age");
      case 4:
        if (master.call("EXISTS", key) !== 1) return;
        return void master.call("RENAME", key, `user:${prng.int(USERS)}`);
      case 5:
        return this.#writeWhole();
      case 6:
      case 7:
        return this.#pair();
      default:
        if (master.call("TYPE", key) === "string") master.call("DEL", key);
        master.call("HSET", key, "email", `${prng.int(20)}@x`, "plan", prng.pick(PLANS));
        if (prng.oneIn(2)) master.call("HSET", key, "age", prng.int(90));
    }
  }

  #writeWhole(): void {
    switch (this.#prng.int(18)) {
      case 0:
        return void this.#master.call("FLUSHALL");
      case 1:
        return void this.#master.call("FLUSHDB");
      case 2:
      case 3:
        return void this.#master.call("SWAPDB", 0, 1);
    }
  }

  /** Two keys and a user that only ever change together. */
  #pair(): void {
    const master = this.#master;
    const value = this.#prng.int(1000);
    master.call("MULTI");
    master.call("SET", "pair:a", value);
    master.call("DEL", "user:pair");
    master.call("HSET", "user:pair", "email", `pair${value}`, "age", value);
    master.call("SET", "pair:b", value);
    master.call("EXEC");
  }

  #watchAll(): void {
    const replica = this.#replica;
    const users = this.#users;
    const pair = () => [
      replica.get("pair:a"),
      replica.get("pair:b"),
      replica.hget("user:pair", "age"),
      users.findOne({ email: `pair${replica.get("pair:a")}` })?.value.age,
    ];
    this.#watch("pair", pair);
    this.#watch("keys", () => replica.keys("user:*").sort());
    this.#watch("size", () => replica.size);
    this.#watch("pros", () => users.find({ plan: "pro" }).map(({ id }) => id));
    this.#watch(
      "oldest",
      () => users.range("age", { where: { plan: "pro" }, desc: true, limit: 3 }),
    );
    for (let i = 0; i < USERS; i++) {
      const key = `user:${i}`;
      this.#watch(
        key,
        () => replica.type(key) === "hash" ? { ...replica.hgetall(key) } : undefined,
      );
    }
    const [first, second] = this.#lives;
    this.#watch("nested", () => [first.live.value, second.live.value]);
  }

  #watch(name: string, fn: () => unknown): void {
    const live = this.#replica.live(fn);
    const watched: Watched = { name, fn, live, told: undefined, off: () => {} };
    this.#lives.push(watched);
    this.#subscribe(watched);
  }

  #subscribe(watched: Watched): void {
    watched.told = outcome(() => watched.live.value);
    watched.off = watched.live.subscribe((value, error) => {
      watched.told = error === undefined ? value : String(error);
      if (watched.name === "pair" && error === undefined) whole(value as unknown[]);
    });
  }

  /** Somebody goes, and comes back. */
  #resubscribe(): void {
    const watched = this.#prng.pick(this.#lives);
    watched.off();
    if (this.#prng.oneIn(2)) outcome(() => watched.live.value);
    this.#subscribe(watched);
  }

  async #pass(ms: number): Promise<void> {
    await this.#clock.run(ms, () => {
      this.#look();
      return false;
    });
  }

  /** After an event: what is seen is right. */
  #look(): void {
    this.looks++;
    const watched = this.#lives[this.looks % this.#lives.length];
    const { name, fn, live } = watched;
    assert.deepEqual(outcome(() => live.value), outcome(fn), `${name} is what its function gives`);
    if (this.looks % 5 === 0) this.#compare();
  }

  /** What indexes find, and a walk. */
  #compare(): void {
    const replica = this.#replica;
    let keys: string[];
    try {
      keys = replica.keys("user:*");
      this.#users.find({ plan: "pro" }, { limit: 0 });
    } catch {
      return; // LOADING, MASTERDOWN, or indexes that are being built
    }
    this.checks++;
    const all = new Map<string, User>();
    for (const key of keys) {
      if (replica.type(key) === "hash") all.set(key.slice(5), replica.hgetall(key)!);
    }
    const ids = (keep: (user: User) => boolean) =>
      [...all].filter(([, user]) => keep(user)).map(([id]) => id).sort();
    const email = `${this.looks % 20}@x`;
    assert.deepEqual(
      this.#users.find({ email }).map(({ id }) => id).sort(),
      ids((user) => user.email === email),
    );
    const plan = PLANS[this.looks % PLANS.length];
    assert.deepEqual(
      this.#users.range("age", { where: { plan }, gte: 30 }).map(({ id }) => id).sort(),
      ids((user) => user.plan === plan && user.age !== undefined && Number(user.age) >= 30),
    );
    assert.deepEqual(
      this.#users.find({ plan }).map(({ id, value }) => [id, value.plan]).sort(),
      ids((user) => user.plan === plan).map((id) => [id, plan]),
    );
  }
}

/** Either all of a transaction was there, or nothing of it. */
function whole([a, b, ...rest]: unknown[]): void {
  // A rename or an expiry may take the user alone; the two strings only ever change together.
  assert.equal(a, b);
  if (rest[1] !== undefined) assert.equal(rest[0], a);
}

function outcome(fn: () => unknown): unknown {
  try {
    return fn();
  } catch (error) {
    return String(error);
  }
}

test(`simulations ${FIRST} to ${FIRST + COUNT - 1}: live values and indexes are right`, async (t) => {
  let looks = 0;
  let checks = 0;
  for (let seed = FIRST; seed < FIRST + COUNT; seed++) {
    try {
      const simulation = await Simulation.run(seed);
      assert.deepEqual(simulation.errors, []);
      looks += simulation.looks;
      checks += simulation.checks;
    } catch (error) {
      throw new Error(`SEED=${seed}: ${(error as Error).message}`, { cause: error });
    }
  }
  t.diagnostic(`${looks} looks at live values, ${checks} comparisons of indexes`);
  assert.ok(checks > COUNT);
});
