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
import { Replica, type ReplicaOptions } from "../../mod.ts";
import { keySlot } from "../../src/base/crc16.ts";
import { Prng } from "../../src/base/prng.ts";
import { bytesOf } from "../support/bytes.ts";
import {
  type Cluster,
  type Migration,
  moveAtOnce,
  moveByKeys,
  movesSlots,
  startCluster,
} from "../support/clusters.ts";
import type { Connection } from "../support/connection.ts";
import { infoField } from "../support/info.ts";
import { ErrorValue, plain } from "../support/resp.ts";
import { atLeast, type RunningServer, serverTest } from "../support/servers.ts";
import { pause, until } from "../support/waiting.ts";

const SLOTS = 16384;
const KEYS = 3000;
const WIDTH = 900;
/** From here on slots move key by key; those before it are moved as a whole. */
const FIRST_CLASSIC = 15_000;
const migrations = Number(env.MIGRATIONS ?? 6);
const seed = Number(env.SEED ?? Date.now() % 1_000_000);

/** Writes to whoever owns a key, as a client of a cluster does. */
class Writer {
  readonly #connections: Connection[];
  readonly #prng: Prng;
  readonly #databases: number;
  readonly #owners: Uint8Array = new Uint8Array(SLOTS);
  #stopped: boolean = false;

  constructor(connections: Connection[], prng: Prng, databases: number) {
    this.#connections = connections;
    this.#prng = prng;
    this.#databases = databases;
  }

  /** Sends one command where it belongs. */
  async write(args: (string | number)[], db: number): Promise<void> {
    const slot = slotOf(String(args[1]));
    for (let tries = 0; tries < 200; tries++) {
      const connection = this.#connections[this.#owners[slot]];
      if (this.#databases > 1) await connection.call("SELECT", db);
      let reply = await connection.call(...args);
      if (reply instanceof ErrorValue && reply.message.startsWith("ASK ")) {
        const other = this.#connections[1 - this.#owners[slot]];
        if (this.#databases > 1) await other.call("SELECT", db);
        await other.call("ASKING");
        reply = await other.call(...args);
      }
      if (!(reply instanceof ErrorValue)) return;
      if (/^(MOVED|ASK) /.test(reply.message)) this.#owners[slot] = 1 - this.#owners[slot];
      else if (!/^(TRYAGAIN|CLUSTERDOWN)/.test(reply.message)) throw new Error(reply.message);
      if (tries > 4) await pause(5);
    }
    throw new Error(`Nobody takes ${args.join(" ")}`);
  }

  /** Gives every key a value. */
  async fill(): Promise<void> {
    for (let i = 0; i < KEYS; i++) await this.write(["SET", `k${i}`, `v${i}`], i % this.#databases);
  }

  /** Writes until it is stopped. */
  async run(): Promise<void> {
    for (let written = 0; !this.#stopped; written++) {
      await this.write(this.#draw(), this.#prng.int(this.#databases));
      if (written % 20 === 0) await pause(1);
    }
  }

  stop(): void {
    this.#stopped = true;
  }

  #draw(): (string | number)[] {
    const prng = this.#prng;
    const n = prng.int(KEYS);
    const value = `v${prng.int(1000)}`;
    switch (prng.int(9)) {
      case 0:
        return ["SET", `k${n}`, value, "PX", 200 + prng.int(100_000)];
      case 1:
        return ["DEL", `k${n}`];
      case 2:
        return ["HSET", `h${n}`, value, n];
      case 3:
        return ["RPUSH", `l${n}`, value];
      case 4:
        return ["ZADD", `z${n}`, n, value];
      case 5:
        return ["XADD", `x${n}`, "*", "f", value];
      case 6:
        return ["SADD", `s${n}`, value];
      case 7:
        return ["PEXPIRE", `k${n}`, 50_000];
      default:
        return ["SET", `k${n}`, value];
    }
  }
}

await serverTest("a replica of a shard is right while slots come and go", async (binary) => {
  const note = `SEED=${seed}`;
  // In one database: with more, a master of valkey 9.1.2 sends its replicas some writes of others under a wrong
  // SELECT, so that not even a real replica equals it.
  await using cluster = await startCluster(binary, 2);
  const [master, other] = cluster.masters;
  const prng = new Prng(seed);
  const connections = await Promise.all(cluster.masters.map((node) => node.connect()));
  const writer = new Writer(connections, prng, cluster.databases);
  await writer.fill();
  await using replica = new Replica({
    master: `redis://127.0.0.1:${master.port}`,
    logger: false,
    onDivergence: "stop",
  });
  await replica.start();
  await replica.ready();
  const writing = writer.run();
  try {
    for (let i = 0; i < migrations; i++) {
      const slot = FIRST_CLASSIC + prng.int(SLOTS - FIRST_CLASSIC);
      await moveByKeys(cluster, other, master, slot, i % 4 === 3);
      if (i % 4 !== 3) await moveByKeys(cluster, master, other, slot, i % 4 === 2);
      if (i % 4 === 2) await moveByKeys(cluster, master, other, slot, false);
      if (movesSlots(binary)) await moveThereAndBack(cluster, replica, prng, i);
    }
  } catch (error) {
    throw new Error(note, { cause: error });
  } finally {
    writer.stop();
    await writing;
  }
  await assertEqual(cluster, replica, note);
  const { counters } = replica.status();
  assert.deepEqual([counters.fullSyncs, counters.divergences], [1, 0], note);
  assert.equal(await infoField(master, "sync_full"), "2", note);
}, { timeoutMs: 15 * 60_000, isFor: ({ version }) => atLeast(version, "7.0.0") });

/** Moves a range to the shard that is followed, or gives up; then the same range from it. */
async function moveThereAndBack(
  cluster: Cluster,
  replica: Replica,
  prng: Prng,
  round: number,
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
  const arrived = await watch(coming, replica, first, last);
  if (!arrived) return;
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
): Promise<boolean> {
  for (;;) {
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

function slotOf(key: string): number {
  const bytes = bytesOf(key);
  return keySlot(bytes, 0, bytes.length);
}

await serverTest("slots that arrive stay hidden over a cut link and a restart", async (binary) => {
  await using cluster = await startCluster(binary, 2);
  const [master, other] = cluster.masters;
  const connections = await Promise.all(cluster.masters.map((node) => node.connect()));
  await new Writer(connections, new Prng(1), cluster.databases).fill();
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
