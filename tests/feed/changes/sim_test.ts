/**
 * A map that is kept only from the feed equals the data: random transactions, flushes, swaps, failovers, full
 * resyncs of both kinds, and consumers of every policy that are slow, stop, and come back with a token. `SEEDS` runs
 * from `FIRST` on; a failure prints its seed. Planted faults must be found.
 *
 * @module
 */

import assert from "node:assert/strict";
import { env } from "node:process";
import { test } from "node:test";
import { Prng } from "../../../src/base/prng.ts";
import { FeedFilter } from "../../../src/feed/changes/filter.ts";
import type {
  Batch,
  ChangesOptions,
  ChangeStream,
  FeedType,
} from "../../../src/feed/changes/types.ts";
import { FeedError } from "../../../src/feed/changes/types.ts";
import { FeedReads } from "../../../src/feed/changes/values.ts";
import { textCodec } from "../../../src/read/codec.ts";
import { Argv } from "../../../src/resp/argv.ts";
import type { Keyspace } from "../../../src/store/keyspace/keyspace.ts";
import { settle } from "../../support/clock.ts";
import { FeedRig } from "./rig.ts";
import { eachKey } from "../../support/entries.ts";

const SEEDS = Number(env.SEEDS ?? 12);
const FIRST = Number(env.SEED ?? env.FIRST ?? 1);
const STEPS = 250;
const KEYS = ["a", "b", "c", "user:1", "user:2", "user:3", "flag:x", "h", "list"];

type Data = Map<string, string>;

/** What `changes` of this form would say of every key that there is. */
function dataOf(keyspace: Keyspace, filter: FeedFilter, withValues: boolean): Data {
  const data: Data = new Map();
  const reads = new FeedReads(keyspace, textCodec());
  eachKey(keyspace, ({ index, db, entry, key: ref }) => {
    if (!filter.hasKey(index, ref.bytes, ref.start, ref.end)) return;
    if (!filter.hasType(db.typeOf(entry))) return;
    const { key, type, value, expireAtMs } = reads.present(index, db, entry, "", true) as {
      key: string;
      type: string;
      value: unknown;
      expireAtMs?: number;
    };
    data.set(`${index}:${key}`, told(type, withValues ? value : 0, expireAtMs));
  });
  return data;
}

function told(type: string, value: unknown, expireAtMs: number | undefined): string {
  return `${type} ${JSON.stringify(value)} ${expireAtMs ?? ""}`;
}

/** A consumer with its map. */
class Follower {
  readonly data: Data = new Map();
  readonly options: ChangesOptions;
  readonly filter: FeedFilter;
  readonly #rig: FeedRig;
  /** One in so many steps it takes a batch. */
  readonly #laziness: number;
  #stream: ChangeStream<string>;
  #next: Promise<void> | undefined;
  #arrived: Batch<string> | undefined;
  token: string | undefined;
  lagged: boolean = false;
  closed: boolean = false;
  inSnapshot: boolean = false;

  constructor(rig: FeedRig, prng: Prng) {
    this.#rig = rig;
    const types: FeedType[] | undefined = prng.oneIn(4) ? ["string", "hash"] : undefined;
    const match = prng.oneIn(3) ? ["user:*", "h"] : undefined;
    const databases = prng.oneIn(3) ? [0] : "all" as const;
    this.options = {
      match,
      databases,
      types,
      from: "snapshot",
      policy: prng.pick(["coalesce", "coalesce", "coalesce", "mark", "close"] as const),
      values: prng.pick(["new", "new", "both", "none"] as const),
      maxKeys: prng.oneIn(3) ? prng.between(1, 6) : 1000,
    };
    this.#laziness = prng.oneIn(3) ? prng.between(5, 60) : 1;
    this.filter = new FeedFilter(databases === "all" ? undefined : databases, match, types);
    this.#stream = rig.changes(this.options);
  }

  /** Takes what is there, as often as it cares to. */
  async step(prng: Prng): Promise<void> {
    if (this.closed || !prng.oneIn(this.#laziness)) return;
    await this.takeOne();
  }

  /** Applies a batch if there is one. */
  async takeOne(): Promise<boolean> {
    this.#next ??= this.#stream.next().then(({ value }) => {
      this.#arrived = value;
      if (value === undefined) this.closed = true;
    }, (error) => {
      assert.ok(error instanceof FeedError, String(error));
      this.closed = true;
    });
    await settle();
    const batch = this.#arrived;
    if (batch === undefined) return false;
    this.#arrived = undefined;
    this.#next = undefined;
    this.#apply(batch);
    return true;
  }

  /** Stops, and begins again behind the last token. */
  async comeBack(): Promise<void> {
    if (this.closed || this.#next !== undefined) return;
    await this.#stream.return?.();
    const from = this.inSnapshot ? undefined : this.token;
    this.#stream = this.#rig.changes({ ...this.options, from: from ?? "snapshot" });
  }

  #apply(batch: Batch<string>): void {
    const { data } = this;
    if (batch.control === "lagged") this.lagged = true;
    if (batch.control === "snapshot-begin") {
      this.inSnapshot = true;
      this.lagged = this.lagged && !batch.whole;
      if (batch.whole) data.clear();
    }
    if (batch.control === "snapshot-end") this.inSnapshot = false;
    if (!this.inSnapshot && batch.token !== undefined) this.token = batch.token;
    assert.ok(!this.inSnapshot || batch.token === undefined, "no token inside a snapshot");
    for (const change of batch.changes) {
      if (change.kind === "flush") clearOf(data, change.db);
      else if (change.kind === "swap") swapOf(data, change.db, change.with);
      else if (change.kind === "delete") data.delete(`${change.db}:${change.key}`);
      else {
        const value = this.options.values === "none" ? 0 : change.value;
        data.set(`${change.db}:${change.key}`, told(change.type, value, change.expireAtMs));
      }
    }
  }
}

function clearOf(data: Data, db: number | undefined): void {
  for (const name of [...data.keys()]) {
    if (db === undefined || name.startsWith(`${db}:`)) data.delete(name);
  }
}

function swapOf(data: Data, a: number, b: number): void {
  const all = [...data];
  data.clear();
  for (const [name, value] of all) {
    const colon = name.indexOf(":");
    const db = Number(name.slice(0, colon));
    data.set((db === a ? b : db === b ? a : db) + name.slice(colon), value);
  }
}

let ids = 0;

/** A history's id that no other one has. */
function newId(): string {
  return (++ids).toString(16).padStart(40, "0");
}

/** A command of a small application. */
function makeCommand(prng: Prng): string[] {
  const key = () => prng.pick(KEYS);
  const value = () => String(prng.int(1000));
  const rare = prng.int(120);
  if (rare === 0) return ["FLUSHALL"];
  if (rare < 3) return ["FLUSHDB"];
  if (rare < 5) return ["SWAPDB", String(prng.int(3)), String(prng.int(3))];
  return prng.pick([
    () => ["SET", key(), value()],
    () => ["SET", key(), value(), "PXAT", "99999999999999"],
    () => ["MSET", key(), value(), key(), value()],
    () => ["DEL", key(), key()],
    () => ["HSET", "h", prng.pick(["f", "g"]), value()],
    () => ["HPEXPIREAT", "h", "99999999999999", "FIELDS", "1", "f"],
    () => ["RPUSH", "list", value()],
    () => ["LPOP", "list"],
    () => ["SADD", "user:3", value()],
    () => ["ZADD", "user:2", value(), value()],
    () => ["RENAME", key(), key()],
    () => ["COPY", key(), key(), "DB", String(prng.int(3)), "REPLACE"],
    () => ["MOVE", key(), String(prng.int(3))],
    () => ["PEXPIREAT", key(), "99999999999998"],
    () => ["PERSIST", key()],
    () => ["SELECT", String(prng.int(3))],
  ])();
}

/** What a test plants to see that it is found. */
interface Planted {
  /** Changes a rig before the run. */
  readonly plant: (rig: FeedRig) => void;
}

/** One run. Throws where a follower's map is not the data. */
async function run(seed: number, planted?: Planted): Promise<void> {
  const prng = new Prng(seed);
  const rig = new FeedRig();
  planted?.plant(rig);
  const history: { db: number; words: string[] }[] = [];
  const followers: Follower[] = [];
  const listened: Data = new Map();
  let inSnapshot = false;
  const all = new FeedFilter(undefined, undefined, undefined);
  rig.feed.onCommit(0, { databases: "all" }, (batch) => {
    applyTo(listened, batch as Batch<string>);
    if (batch.control === "snapshot-begin") inSnapshot = true;
    if (batch.control === "snapshot-end") inSnapshot = false;
    // In the turn of its commit the map is the data, at any moment.
    if (!inSnapshot && batch.control === undefined) {
      assert.deepEqual(sorted(listened), sorted(dataOf(rig.keyspace, all, true)));
    }
  });
  for (let step = 0; step < STEPS; step++) {
    if (followers.length < 5 && prng.oneIn(8)) followers.push(new Follower(rig, prng));
    const dice = prng.int(100);
    if (dice < 88) commit(rig, prng, history);
    else if (dice < 92) resync(rig, prng, history);
    else if (dice < 94) rig.failover(newId());
    else if (followers.length > 0) await prng.pick(followers).comeBack();
    for (const follower of followers) await follower.step(prng);
    if (prng.oneIn(4)) await rig.clock.turn();
  }
  await rig.clock.turn();
  for (const follower of followers) {
    for (let idle = 0; idle < 3 && !follower.closed;) {
      idle = await follower.takeOne() ? 0 : idle + 1;
      await rig.clock.turn();
    }
    if (follower.closed || follower.lagged) continue;
    const withValues = follower.options.values !== "none";
    const expected = dataOf(rig.keyspace, follower.filter, withValues);
    assert.deepEqual(sorted(follower.data), sorted(expected), JSON.stringify(follower.options));
  }
  assert.deepEqual(sorted(listened), sorted(dataOf(rig.keyspace, all, true)), "onCommit");
  assert.deepEqual(rig.reports, []);
}

function applyTo(data: Data, batch: Batch<string>): void {
  if (batch.control === "snapshot-begin" && batch.whole) data.clear();
  for (const change of batch.changes) {
    if (change.kind === "flush") clearOf(data, change.db);
    else if (change.kind === "swap") swapOf(data, change.db, change.with);
    else if (change.kind === "delete") data.delete(`${change.db}:${change.key}`);
    else {
      data.set(
        `${change.db}:${change.key}`,
        told(change.type, change.value, change.expireAtMs),
      );
    }
  }
}

function sorted(data: Data): string[] {
  return [...data].map(([name, value]) => `${name}=${value}`).sort();
}

function commit(rig: FeedRig, prng: Prng, history: { db: number; words: string[] }[]): void {
  const commands = Array.from(
    { length: prng.oneIn(3) ? prng.between(2, 5) : 1 },
    () => makeCommand(prng),
  );
  let { db } = rig;
  for (const words of commands) {
    if (words[0] === "SELECT") db = Number(words[1]);
    else history.push({ db, words });
  }
  rig.commit(...commands);
}

/** The master's data again, a little further, by a full sync that may empty first or break. */
function resync(rig: FeedRig, prng: Prng, history: { db: number; words: string[] }[]): void {
  if (prng.oneIn(4)) {
    const fresh = rig.keyspace.sibling();
    rig.executorOf(fresh).execute(0, Argv.of("SET", "lost", "1"));
    rig.commits.replacing(fresh)?.();
    rig.commits.abandoned();
  }
  for (let i = prng.int(6); i > 0; i--) {
    const words = makeCommand(prng);
    if (words[0] !== "SELECT") history.push({ db: prng.int(3), words });
  }
  if (prng.oneIn(4)) rig.empty();
  const replid = newId();
  rig.resync((executor) => {
    for (const { db, words } of history) executor.execute(db, Argv.of(...words));
  }, replid);
}

test(`maps kept from the feed equal the data, ${SEEDS} runs from seed ${FIRST}`, async () => {
  for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
    await run(seed).catch((error) => {
      error.message = `SEED=${seed} SEEDS=1: ${error.message}`;
      throw error;
    });
  }
});

const FAULTS: readonly (Planted & { readonly name: string })[] = [
  {
    name: "a touched key is forgotten now and then",
    plant: ({ commits }) => {
      const touched = commits.touched.bind(commits);
      let count = 0;
      commits.touched = (...args) => {
        if (++count % 40 !== 0) touched(...args);
      };
    },
  },
  {
    name: "a swap is not told",
    plant: ({ commits }) => {
      const changed = commits.changed.bind(commits);
      commits.changed = (change) => {
        if (change.kind !== "swap") changed(change);
      };
    },
  },
  {
    name: "differences at a full resync are left out",
    plant: ({ feed }) => {
      const replacing = feed.replacing.bind(feed);
      feed.replacing = (old) => replacing(old, old);
    },
  },
  {
    name: "the log loses a commit",
    plant: ({ feed }) => {
      const committed = feed.committed.bind(feed);
      let count = 0;
      feed.committed = (commit) => {
        if (++count % 30 !== 0) committed(commit);
      };
    },
  },
];

for (const fault of FAULTS) {
  test(`the simulation finds that ${fault.name}`, async () => {
    let found = false;
    for (let seed = 1; seed <= 20 && !found; seed++) {
      found = await run(seed, fault).then(() => false, () => true);
    }
    assert.ok(found);
  });
}
