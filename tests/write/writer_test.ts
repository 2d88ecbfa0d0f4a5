/** Writes to a `TestMaster` and to real servers, and tokens over failovers. */

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { env } from "node:process";
import { test } from "node:test";
import { CommandError, Replica, type ReplicaOptions, TimeoutError, WriteError } from "../../mod.ts";
import { latin1 } from "../../src/base/ascii.ts";
import { Prng } from "../../src/base/prng.ts";
import { TestMaster } from "../../src/testing/mod.ts";
import { open } from "../support/connection.ts";
import { startFollower } from "../support/followers.ts";
import { type RunningServer, serverTest, startServer, timeFor } from "../support/servers.ts";
import { until } from "../support/waiting.ts";

const ROUNDS = Number(env.ROUNDS ?? 200);

async function follow(url: string, options: ReplicaOptions = {}): Promise<Replica> {
  const replica = new Replica({
    master: url,
    logger: false,
    backoff: { minMs: 10, maxMs: 100 },
    ...options,
  });
  await replica.start({ timeoutMs: 20_000 });
  await replica.ready({ timeoutMs: 20_000 });
  return replica;
}

/** A replica that can be told whom to follow, by a client of its port. */
const MOVABLE: ReplicaOptions = { listen: 0, server: { allowReplicaOf: true } };

async function moveTo(replica: Replica, server: RunningServer): Promise<void> {
  const client = await open(Number(replica.status().listening!.split(":").at(-1)));
  await client.call("REPLICAOF", "127.0.0.1", server.port);
  client.close();
  const master = `127.0.0.1:${server.port}`;
  await until("it follows the other server", () => {
    return replica.connected && replica.status().master === master;
  });
}

function codeIs(code: string): (error: unknown) => boolean {
  return (error) => error instanceof WriteError && error.code === code;
}

function text(reply: unknown): string {
  return reply instanceof Uint8Array ? latin1(reply) : String(reply);
}

function urlOf(server: RunningServer): string {
  return `redis://127.0.0.1:${server.port}`;
}

test("a write is readable here when it resolves", async () => {
  await using master = await TestMaster.start();
  await using replica = await follow(master.url);
  const { reply, token, visible } = await replica.write("SET", "k", "v");
  assert.deepEqual({ reply, visible }, { reply: "OK", visible: true });
  assert.equal(replica.get("k"), "v");
  assert.match(token!, /^[0-9a-f]{40}:\d+$/);
  await replica.waitFor(token!);
});

test("a write goes to the chosen database, and to another when told", async () => {
  await using master = await TestMaster.start();
  await using replica = await follow(`${master.url}/3`);
  await replica.write("SET", "k", "three");
  await replica.write("SET", "k", "five", { db: 5 });
  await replica.master.set("k", "nine", { db: 9, px: 60_000 });
  assert.equal(replica.get("k"), "three");
  assert.equal(replica.db(5).get("k"), "five");
  assert.equal(replica.db(9).get("k"), "nine");
  assert.ok(replica.db(9).pttl("k") > 0);
});

test("arguments are text, bytes and numbers, and replies are values", async () => {
  await using master = await TestMaster.start();
  await using replica = await follow(master.url);
  const bytes = Uint8Array.of(0, 255, 13, 10);
  await replica.master.set(bytes, bytes);
  assert.deepEqual(replica.getBytes(bytes), bytes);
  assert.equal((await replica.master.incrby("n", 2n ** 60n)).reply, 2n ** 60n);
  assert.equal((await replica.master.hset("h", { a: 1, b: "two" })).reply, 2);
  assert.deepEqual(replica.hgetall("h"), { a: "1", b: "two" });
  await replica.master.zadd("z", [{ value: "x", score: -Infinity }, { value: "y", score: 0.5 }]);
  assert.equal(replica.zscore("z", "x"), -Infinity);
  const { reply: id } = await replica.master.xadd("s", { field: "value" });
  assert.deepEqual(replica.xrange("s", "-", "+"), [{ id, message: { field: "value" } }]);
});

test("what is no write is refused, and nothing is sent", async () => {
  await using master = await TestMaster.start();
  await using replica = await follow(master.url);
  const refused = [
    "MULTI",
    "exec",
    "WATCH",
    "SELECT",
    "SUBSCRIBE",
    "CLIENT",
    "AUTH",
    "RESET",
    "HELLO",
    "QUIT",
    "MONITOR",
    "PSYNC",
    "REPLCONF",
    "CONFIG",
    "ACL",
    "SHUTDOWN",
    "DEBUG",
    "REPLICAOF",
    "CLUSTER",
    "WAIT",
  ];
  for (const name of refused) {
    await assert.rejects(replica.write(name, "x"), TypeError, name);
    assert.throws(() => replica.master.multi().add(name, "x"), TypeError, name);
  }
  await assert.rejects(replica.write(), TypeError);
  await assert.rejects(replica.write("SET", "k", NaN), TypeError);
  await assert.rejects(replica.write("SET", "k", "v", { dbb: 1 } as object), /"db"/);
  await assert.rejects(replica.master.set("k", "v", { exx: 1 } as object), /ex/);
  assert.throws(() => replica.master.multi().add("BLPOP", "l", 0), /blocks/);
});

test("a wait for what is no token is a TypeError that does not quote it", async () => {
  await using master = await TestMaster.start();
  await using replica = await follow(master.url);
  const id = "a".repeat(40);
  const texts = ["", id, `${id}:`, `${id}:-1`, `${id}:01`, `${id}:1 `, `x${id}:1`];
  for (const text of [...texts, `${id}:9007199254740993`, undefined as unknown as string]) {
    await assert.rejects(replica.waitFor(text), (error: Error) => {
      return error instanceof TypeError && !error.message.includes("aaa");
    }, text);
  }
});

test("an error reply is FAILED, with the master's words", async () => {
  await using master = await TestMaster.start();
  master.call("SET", "k", "v");
  await using replica = await follow(master.url);
  await assert.rejects(replica.write("LPUSH", "k", "x"), (error: Error) => {
    return codeIs("FAILED")(error) && error.message.startsWith("WRONGTYPE");
  });
});

test("a transaction is done at once, and its errors are among the replies", async () => {
  await using master = await TestMaster.start();
  await using replica = await follow(master.url);
  const { reply, visible } = await replica.master.multi()
    .set("a", 1).incr("a").lpush("a", "x").add("HSET", "h", "f", "v").exec();
  assert.equal(visible, true);
  assert.deepEqual(reply.slice(0, 2), ["OK", 2]);
  assert.ok(reply[2] instanceof CommandError && reply[2].code === "WRONGTYPE");
  assert.equal(replica.hget("h", "f"), "v");
  await assert.rejects(
    replica.master.multi().add("SET", "only-a-key").set("b", 1).exec(),
    codeIs("FAILED"),
  );
  assert.equal(replica.get("b"), undefined, "nothing of it was done");
});

test("where nobody is followed there is nothing to write to, and no token", async () => {
  await using replica = new Replica({});
  await replica.start();
  await assert.rejects(replica.write("SET", "k", "v"), TypeError);
  assert.equal(replica.token, undefined);
});

test("a master that cannot be reached makes a write FAILED once its time is over", async () => {
  const master = await TestMaster.start();
  await using replica = await follow(master.url);
  await master.close();
  await assert.rejects(replica.write("SET", "k", "v", { timeoutMs: 200 }), codeIs("FAILED"));
  const token = replica.token!;
  const [replid, offset] = token.split(":");
  const late = replica.waitFor(`${replid}:${Number(offset) + 1}`, { timeoutMs: 50 });
  await assert.rejects(
    late,
    (error: Error) => error instanceof TimeoutError && /offset/.test(error.message),
  );
});

test("what is closed rejects every wait and sends nothing any more", async () => {
  await using master = await TestMaster.start();
  const replica = await follow(master.url);
  const [replid] = replica.token!.split(":");
  const wait = assert.rejects(replica.waitFor(`${replid}:999999999`), { code: "STOPPED" });
  await replica.close();
  await wait;
  await assert.rejects(replica.write("SET", "k", "v"), codeIs("FAILED"));
});

/** Two replicas of one master: one writes or is read, the other one is read or writes. */
interface Pair {
  readonly one: Replica;
  readonly other: Replica;
}

/** Writes on either, and waits for the token on the other. Rounds are counted by the caller, from `first`. */
async function tokenRounds({ one, other }: Pair, prng: Prng, first: number, count: number) {
  const tokens: { token: string; round: number }[] = [];
  for (let round = first; round < first + count; round++) {
    const [writer, reader] = prng.oneIn(2) ? [one, other] : [other, one];
    const { token, visible } = await writer.write("SET", "k", round, { visible: prng.oneIn(2) });
    await reader.waitFor(token!, { timeoutMs: 10_000 });
    assert.ok(Number(reader.get("k")) >= round, `round ${round}`);
    if (visible) assert.ok(Number(writer.get("k")) >= round, `round ${round}, own`);
    tokens.push({ token: token!, round });
  }
  return tokens;
}

await serverTest(
  "a token of one replica is reached on another, over a failover and a restart, never early",
  async (binary) => {
    await using first = await startServer(binary);
    await using second = await startFollower(first);
    const directory = await mkdtemp(join(tmpdir(), "rimr-tokens-"));
    const snapshot = { path: join(directory, "copy.rdb") };
    await using one = await follow(urlOf(first), MOVABLE);
    const prng = new Prng(Number(env.SEED ?? 5));
    const quarter = Math.ceil(ROUNDS / 4);
    let tokens: { token: string; round: number }[];
    {
      await using other = await follow(urlOf(first), { snapshot });
      tokens = await tokenRounds({ one, other }, prng, 1, quarter);
    }
    // While the other one is away, more is written: it has to come before the token is reached.
    const away = await one.write("SET", "k", quarter + 1);
    await using other = await follow(urlOf(first), { ...MOVABLE, snapshot });
    await other.waitFor(away.token!, { timeoutMs: 10_000 });
    assert.equal(other.get("k"), String(quarter + 1));
    tokens.push(...await tokenRounds({ one, other }, prng, quarter + 2, quarter));
    const last = 2 * quarter + 1;
    await until("the second has it", async () => text(await second.call("GET", "k")) === `${last}`);
    await second.call("REPLICAOF", "NO", "ONE");
    const lost = await one.write("SET", "k", 0, { visible: false });
    for (const replica of [one, other]) await moveTo(replica, second);
    for (const { token, round } of prng.shuffle(tokens)) {
      const reader = prng.oneIn(2) ? one : other;
      await reader.waitFor(token, { timeoutMs: 10_000 });
      assert.ok(Number(reader.get("k")) >= round, `${token} after the failover`);
    }
    await assert.rejects(one.waitFor(lost.token!, { timeoutMs: 10_000 }), codeIs("HISTORY_LOST"));
    await tokenRounds({ one, other }, prng, last + 1, 2 * quarter);
    await rm(directory, { recursive: true });
  },
  { timeoutMs: timeFor(4 * ROUNDS) },
);

await serverTest("many writes at once are each done once and readable", async (binary) => {
  await using master = await startServer(binary);
  await using replica = await follow(urlOf(master));
  const writes = Array.from({ length: 500 }, async (_, i) => {
    const { reply } = await replica.master.incr("n", { db: i % 3 });
    const seen = Number(replica.db(i % 3).get("n"));
    assert.ok(seen >= Number(reply), `${seen} is older than ${reply}`);
  });
  await Promise.all(writes);
  const sum = [0, 1, 2].reduce((total, db) => total + Number(replica.db(db).get("n")), 0);
  assert.equal(sum, 500);
});

await serverTest("a command that blocks holds up nobody else", async (binary) => {
  await using master = await startServer(binary);
  await using replica = await follow(urlOf(master));
  const popped = replica.write("BLPOP", "queue", 0);
  await until(
    "it waits",
    async () => /blocked_clients:1/.test(text(await master.call("INFO", "clients"))),
  );
  await replica.write("SET", "k", "v", { timeoutMs: 5000 });
  await replica.write("RPUSH", "queue", "job");
  assert.deepEqual((await popped).reply, ["queue", "job"]);
  const given = new AbortController();
  const never = replica.write("BLPOP", "queue", 0, { signal: given.signal });
  await until(
    "it waits",
    async () => /blocked_clients:1/.test(text(await master.call("INFO", "clients"))),
  );
  given.abort();
  await assert.rejects(never, codeIs("UNKNOWN"));
  await until(
    "it is gone",
    async () => /blocked_clients:0/.test(text(await master.call("INFO", "clients"))),
  );
});

await serverTest(
  "a write that the master dies over is UNKNOWN, and is not done twice",
  async (binary) => {
    await using master = await startServer(binary);
    await using replica = await follow(urlOf(master));
    await replica.write("SET", "k", "v");
    const blocked = replica.write("BLPOP", "queue", 0, { timeoutMs: 20_000 });
    await until(
      "it waits",
      async () => /blocked_clients:1/.test(text(await master.call("INFO", "clients"))),
    );
    await Promise.all([assert.rejects(blocked, codeIs("UNKNOWN")), master.stop()]);
  },
);

await serverTest(
  "a token that a failover kept is reached, one that it lost is HISTORY_LOST",
  async (binary) => {
    await using first = await startServer(binary);
    await using second = await startFollower(first);
    await using replica = await follow(urlOf(first), { server: { allowReplicaOf: true } });
    const kept = await replica.write("SET", "kept", 1);
    await until("both have it", async () => text(await second.call("GET", "kept")) === "1");
    await second.call("REPLICAOF", "NO", "ONE");
    const lost = await replica.write("SET", "lost", 1);
    await using other = await follow(urlOf(second));
    await other.waitFor(kept.token!, { timeoutMs: 10_000 });
    assert.equal(other.get("kept"), "1");
    await assert.rejects(other.waitFor(lost.token!, { timeoutMs: 10_000 }), codeIs("HISTORY_LOST"));
    assert.equal(other.get("lost"), undefined);
  },
);

await serverTest(
  "a token over a failover is judged the same after a warm restart",
  async (binary) => {
    await using first = await startServer(binary);
    await using second = await startFollower(first);
    const directory = await mkdtemp(join(tmpdir(), "rimr-tokens-"));
    const snapshot = { path: join(directory, "copy.rdb") };
    const kept: string[] = [];
    {
      await using replica = await follow(urlOf(first), { snapshot });
      kept.push((await replica.write("SET", "k", 1)).token!);
      await until("both have it", async () => text(await second.call("GET", "k")) === "1");
    }
    await second.call("REPLICAOF", "NO", "ONE");
    {
      await using replica = await follow(urlOf(second), { snapshot });
      await replica.waitFor(kept[0], { timeoutMs: 10_000 });
      kept.push((await replica.write("SET", "k", 2)).token!);
      assert.notEqual(kept[0].slice(0, 40), kept[1].slice(0, 40));
    }
    {
      await using replica = await follow(urlOf(second), { snapshot });
      assert.equal(replica.stats.fullSyncs, 0);
      for (const token of kept) await replica.waitFor(token, { timeoutMs: 10_000 });
    }
    await rm(directory, { recursive: true });
  },
);
