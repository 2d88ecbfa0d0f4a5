/**
 * A replica of one shard of a real cluster, while slots come and go: moved as a whole and key by key, some
 * given up on the way, under writes. It holds what a real replica of that shard holds, shows no key of a slot
 * that has not arrived, and needs one full sync.
 *
 *     [SEED=n] [MIGRATIONS=50] deno test -A tests/replica/slots_test.ts
 *
 * @module
 */

import assert from "node:assert/strict";
import { join } from "node:path";
import { env } from "node:process";
import { type Batch, Replica, type ReplicaOptions } from "../../mod.ts";
import { Prng } from "../../src/base/prng.ts";
import { ClusterWriter, slotOf } from "../support/cluster_writer.ts";
import {
  type Cluster,
  type Migration,
  moveAtOnce,
  moveByKeys,
  movesSlots,
  startCluster,
} from "../support/clusters.ts";
import { untilLinked } from "../support/followers.ts";
import { Follower, visibleOf, wantedOf } from "../feed/changes/follower.ts";
import { infoField } from "../support/info.ts";
import { plain } from "../support/resp.ts";
import { atLeast, type RunningServer, serverTest } from "../support/servers.ts";
import { pause, until } from "../support/waiting.ts";
import { SlotsWitness } from "./slots_witness.ts";

const SLOTS = 16384;
const WIDTH = 900;
/** From here on slots move key by key; those before it are moved as a whole. */
const FIRST_CLASSIC = 15_000;
const POLICIES = ["coalesce", "mark"] as const;
/** Commands of the writer: any other tells keys that slots have brought or taken. */
const WRITES: ReadonlySet<string> = new Set(
  ["set", "del", "hset", "rpush", "zadd", "xadd", "sadd", "pexpire", "pexpireat", "unlink"],
);
const migrations = Number(env.MIGRATIONS ?? 6);
const seed = Number(env.SEED ?? Date.now() % 1_000_000);

await serverTest("a replica of a shard is right while slots come and go", async (binary) => {
  const note = `SEED=${seed}`;
  // In one database: with more, a master of valkey 9.1.2 sends its replicas some writes of others under a wrong
  // SELECT, so that not even a real replica equals it.
  await using cluster = await startCluster(binary, 2);
  const [master, other] = cluster.masters;
  const prng = new Prng(seed);
  const connections = await Promise.all(cluster.masters.map((node) => node.connect()));
  const writer = new ClusterWriter(connections, prng, cluster.databases);
  await writer.fill();
  await using replica = new Replica({
    master: `redis://127.0.0.1:${master.port}`,
    logger: false,
    onDivergence: "stop",
  });
  await replica.start();
  await replica.ready();
  const witness = new SlotsWitness(replica);
  await witness.ready;
  await using feeds = new ShardFeeds(replica);
  const writing = writer.run();
  try {
    for (let i = 0; i < migrations; i++) {
      const slot = FIRST_CLASSIC + prng.int(SLOTS - FIRST_CLASSIC);
      await moveByKeys(cluster, other, master, slot, i % 4 === 3);
      if (i % 4 !== 3) await moveByKeys(cluster, master, other, slot, i % 4 === 2);
      witness.check();
      if (i % 4 === 2) await moveByKeys(cluster, master, other, slot, false);
      if (movesSlots(binary)) await moveThereAndBack(cluster, replica, prng, i, witness);
      witness.check();
    }
  } catch (error) {
    throw new Error(note, { cause: error });
  } finally {
    writer.stop();
    await writing;
  }
  await assertEqual(cluster, replica, note);
  await witness.end();
  await feeds.check(note, movesSlots(binary));
  const { counters } = replica.status();
  assert.deepEqual([counters.fullSyncs, counters.divergences], [1, 0], note);
  assert.equal(await infoField(master, "sync_full"), "2", note);
}, { timeoutMs: 15 * 60_000, isFor: ({ version }) => atLeast(version, "7.0.0") });

/** Feeds of a shard while its slots come and go. */
class ShardFeeds implements AsyncDisposable {
  readonly #replica: Replica;
  readonly #followers: readonly Follower[] = POLICIES.map((policy) => {
    return new Follower({ databases: "all", from: "snapshot", policy, maxKeys: 1_000_000 });
  });
  readonly #streams: AsyncIterableIterator<Batch>[] = [];
  readonly #listened: Follower = new Follower({ databases: "all", from: "snapshot" });
  readonly #stop: () => void;
  readonly #problems: unknown[] = [];
  #moved: number = 0;

  constructor(replica: Replica) {
    this.#replica = replica;
    for (const follower of this.#followers) {
      const stream = replica.changes(follower.options);
      this.#streams.push(stream);
      void this.#read(follower, stream);
    }
    this.#stop = replica.onCommit(this.#listened.options, (batch) => this.#look(batch));
  }

  async #read(follower: Follower, stream: AsyncIterableIterator<Batch>): Promise<void> {
    try {
      for await (const batch of stream) follower.apply(batch);
    } catch (error) {
      this.#problems.push(error);
    }
  }

  /** In the turn of a commit what is told as there is there, and what is told as gone is gone. */
  #look(batch: Batch): void {
    this.#listened.apply(batch);
    if (batch.control !== undefined || batch.token === undefined) return;
    const now = Date.now();
    for (const change of batch.changes) {
      if (change.kind === "flush" || change.kind === "swap") continue;
      const isThere = this.#replica.db(change.db).has(change.key);
      const isExpired = change.kind !== "delete" && change.expireAtMs !== undefined &&
        change.expireAtMs <= now + 1;
      if (isThere !== (change.kind !== "delete") && !isExpired) this.#problems.push(change);
      if (!WRITES.has(change.command)) this.#moved++;
    }
  }

  /**
   * Every map is the data, whatever has come and gone.
   *
   * @param someMoved Whether slots with keys moved for sure: one that moves key by key may have been empty.
   */
  async check(note: string, someMoved: boolean): Promise<void> {
    const replica = this.#replica;
    const all = [...this.#followers, this.#listened];
    await until(`maps that are the data (${note})`, () => {
      const now = Date.now();
      return all.every(({ data, options, inSnapshot }) => {
        return !inSnapshot && same(visibleOf(data, now), wantedOf(replica, options));
      });
    });
    assert.deepEqual(this.#problems, [], note);
    if (someMoved) assert.ok(this.#moved > 0, `${note}: keys were told that nobody wrote`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop();
    for (const stream of this.#streams) await stream.return?.();
  }
}

/** Moves a range to the shard that is followed, or gives up; then the same range from it. */
async function moveThereAndBack(
  cluster: Cluster,
  replica: Replica,
  prng: Prng,
  round: number,
  witness: SlotsWitness,
): Promise<void> {
  const [master, other] = cluster.masters;
  const first = SLOTS / 2 + prng.int(FIRST_CLASSIC - SLOTS / 2 - WIDTH);
  const last = first + prng.int(WIDTH);
  if (other.binary.product === "redis") {
    await other.call("CONFIG", "SET", "rdb-key-save-delay", 500);
  }
  const coming = await moveAtOnce(other, master, first, last);
  if (round % 3 === 1) await pause(prng.int(60));
  if (round % 3 === 1) await coming.cancel();
  const arrived = await watch(coming, replica, first, last, witness);
  if (!arrived) return;
  // The keys that have arrived are told in slices.
  await pause(100);
  witness.check();
  const going = await moveAtOnce(master, other, first, last);
  if (round % 3 === 2) await going.cancel();
  await until("slots to be given back", async () => await going.state() !== "running");
  if (await going.state() === "done") return;
  const again = await moveAtOnce(master, other, first, last);
  await until("slots to be given back at last", async () => await again.state() === "done");
}

/** Waits for the end of an import; until then no key of its slots may be seen. */
async function watch(
  migration: Migration,
  replica: Replica,
  first: number,
  last: number,
  witness: SlotsWitness,
): Promise<boolean> {
  for (;;) {
    witness.check();
    const seen = keysIn(replica, first, last);
    const state = await migration.state();
    if (state === "running") assert.deepEqual(seen, [], "keys of slots that have not arrived");
    else return state === "done";
    await pause(3);
  }
}

/** The same data as the real replica, when both have applied all. */
async function assertEqual(cluster: Cluster, replica: Replica, note: string): Promise<void> {
  const { replica: real, masters: [master], databases } = cluster;
  let digests: unknown[] = [];
  // Keys expire meanwhile, so the two are asked again until nothing came between.
  await until(() => `equal digests, not ${digests} (${note})`, async () => {
    const offset = await infoField(master, "master_repl_offset");
    digests = [replica.call("DEBUG", "DIGEST"), plain(await real.call("DEBUG", "DIGEST"))];
    const isLevel = await infoField(real, "slave_repl_offset") === offset &&
      String(replica.status().offset) === offset;
    return isLevel && digests[0] === digests[1];
  }, 20_000);
  for (let db = 0; db < databases; db++) {
    const connection = await real.connect();
    await connection.call("SELECT", db);
    await until(`one DBSIZE of database ${db} (${note})`, async () => {
      return await connection.call("DBSIZE") === replica.db(db).size;
    });
    connection.close();
  }
}

await serverTest("slots that arrive stay hidden over a cut link and a restart", async (binary) => {
  await using cluster = await startCluster(binary, 2);
  const [master, other] = cluster.masters;
  const connections = await Promise.all(cluster.masters.map((node) => node.connect()));
  await new ClusterWriter(connections, new Prng(1), cluster.databases).fill();
  const options = {
    master: `redis://127.0.0.1:${master.port}`,
    logger: false,
    onDivergence: "stop",
  } as const;
  const kept = { ...options, snapshot: { path: join(master.dir, "kept.rdb"), everyMs: 0 } };
  const [first, last] = [SLOTS / 2, SLOTS / 2 + 4000];
  {
    await using before = await started(kept);
    await holdMigrations(other, true);
    const migration = await moveAtOnce(other, master, first, last);
    // Long enough for keys to arrive, short enough for more to come.
    await pause(1000);
    assertHidden(before, first, last);
    await master.call("CLIENT", "KILL", "TYPE", "replica");
    await until("the link to be back", () => before.status().counters.partialSyncs === 1);
    assertHidden(before, first, last);
    assert.equal(await migration.state(), "running");
    await before.close();
    await using after = await started(kept);
    await using fresh = await started(options);
    for (const replica of [after, fresh]) assertHidden(replica, first, last);
    assert.equal(await migration.state(), "running");
    assert.deepEqual([after, fresh].map((one) => one.status().counters.fullSyncs), [0, 1]);
    await holdMigrations(other, false);
    await until("slots to arrive", async () => await migration.state() === "done");
    for (const replica of [after, fresh]) {
      await assertEqual(cluster, replica, "");
      assert.ok(keysIn(replica, first, last).length > 100);
    }
  }
}, { isFor: movesSlots });

await serverTest("slots that arrive while their master fails over", async (binary) => {
  await using cluster = await startCluster(binary, 2);
  const [master, other] = cluster.masters;
  const connections = await Promise.all(cluster.masters.map((node) => node.connect()));
  await new ClusterWriter(connections, new Prng(1), cluster.databases).fill();
  await using replica = await started({
    master: `redis://127.0.0.1:${master.port}`,
    logger: false,
    onDivergence: "stop",
  });
  const [first, last] = [SLOTS / 2, SLOTS / 2 + 4000];
  await holdMigrations(other, true);
  await moveAtOnce(other, master, first, last);
  // Long enough for keys to arrive, short enough for more to come.
  await pause(1000);
  assertHidden(replica, first, last);
  assert.equal(await cluster.replica.call("CLUSTER", "FAILOVER"), "OK");
  await untilLinked(master);
  assertHidden(replica, first, last);
  await holdMigrations(other, false);
  await assertFollows(cluster.replica, master, replica);
  const { fullSyncs, partialSyncs, divergences } = replica.status().counters;
  assert.deepEqual([fullSyncs, divergences], [1, 0]);
  assert.ok(partialSyncs > 0, "the link has gone on under the new master's id");
}, { isFor: movesSlots });

/** Ours, which follows the old master, has the new master's data and shows the same keys. */
async function assertFollows(
  leader: RunningServer,
  former: RunningServer,
  replica: Replica,
): Promise<void> {
  let told: unknown[] = [];
  await until(() => `what the new master has, not ${told}`, async () => {
    const offsets = [
      await infoField(leader, "master_repl_offset"),
      await infoField(former, "slave_repl_offset"),
      String(replica.status().offset),
    ];
    const theirs = plain(await leader.call("KEYS", "*")) as string[];
    const sides = [
      [String(await leader.call("DEBUG", "DIGEST")), theirs.length, theirs.sort().join()],
      [replica.call("DEBUG", "DIGEST"), replica.size, replica.keys().sort().join()],
    ];
    told = [offsets, sides.map(([digest, size]) => [digest, size])];
    return new Set(offsets).size === 1 && String(sides[0]) === String(sides[1]);
  });
}

async function started(options: ReplicaOptions): Promise<Replica> {
  const replica = new Replica(options);
  await replica.start();
  await replica.ready();
  return replica;
}

/** Keeps a migration from its end; Redis's goes on by itself, slowly. */
async function holdMigrations(source: RunningServer, held: boolean): Promise<void> {
  if (source.binary.product === "valkey") {
    await source.call("DEBUG", "SLOTMIGRATION", "PREVENT-PAUSE", held ? 1 : 0);
  } else if (held) {
    await source.call("CONFIG", "SET", "rdb-key-save-delay", 10_000);
  }
}

function assertHidden(replica: Replica, first: number, last: number): void {
  assert.deepEqual(keysIn(replica, first, last), []);
  assert.equal(replica.size, replica.keys().length);
}

function keysIn(replica: Replica, first: number, last: number): string[] {
  return replica.keys().filter((key) => slotOf(key) >= first && slotOf(key) <= last);
}

function same(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((row, i) => row === other[i]);
}
