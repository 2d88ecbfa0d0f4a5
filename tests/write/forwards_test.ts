/** Writes of clients that a replica's port forwards: to a `TestMaster` and to real servers. */

import assert from "node:assert/strict";
import { env } from "node:process";
import { test } from "node:test";
import { Replica, type ReplicaOptions } from "../../mod.ts";
import { latin1 } from "../../src/base/ascii.ts";
import { systemClock } from "../../src/base/clock.ts";
import { loadNet } from "../../src/net/runtime.ts";
import { Prng } from "../../src/base/prng.ts";
import { TestMaster } from "../../src/testing/mod.ts";
import type { Argument, Connection } from "../support/connection.ts";
import { plain } from "../support/resp.ts";
import { type RunningServer, serverTest, sinceRedis, startServer } from "../support/servers.ts";
import { until } from "../support/waiting.ts";
import { HoldingNet, startForwarding } from "./forward_rig.ts";

function urlOf(server: RunningServer): string {
  return `redis://127.0.0.1:${server.port}`;
}

async function say(client: Connection, ...args: Argument[]): Promise<string> {
  return latin1(await client.raw(...args)).replaceAll("\r\n", "|");
}

async function infoOf(client: Connection, section: string, field: string): Promise<string> {
  const text = String(plain(await client.call("INFO", section)));
  return new RegExp(`^${field}:(.*)\r$`, "m").exec(text)?.[1] ?? "";
}

const REFUSED_OPTIONS: readonly { name: string; options: ReplicaOptions; says: RegExp }[] = [
  { name: "no master", options: { listen: 0, writes: "forward" }, says: /master/ },
  { name: "no port", options: { master: "redis://h", writes: "forward" }, says: /listen/ },
  {
    name: "a port that is open to everybody",
    options: {
      master: "redis://h",
      listen: "0.0.0.0:0",
      server: { open: true },
      writes: "forward",
    },
    says: /everybody/,
  },
  {
    name: "options of forwarding alone",
    options: { master: "redis://h", forwarding: { readYourWrites: false } },
    says: /forward/,
  },
  {
    name: "an unknown word",
    options: { master: "redis://h", writes: "send" as "forward" },
    says: /writes/,
  },
];
for (const { name, options, says } of REFUSED_OPTIONS) {
  test(`writes: "forward" with ${name} is a TypeError`, () => {
    assert.throws(() => new Replica(options), (error: Error) => {
      return error instanceof TypeError && says.test(error.message);
    });
  });
}

test("a write of a client is done by the master and readable behind its reply", async () => {
  await using master = await TestMaster.start();
  await using forwarding = await startForwarding(master.url);
  const client = await forwarding.client();
  for (let round = 1; round <= 50; round++) {
    const [sum, read] = await client.pipeline([["INCR", "n"], ["GET", "n"]]);
    assert.deepEqual([sum, plain(read)], [round, String(round)]);
  }
  assert.equal(master.call("GET", "n"), "50");
  await client.call("SELECT", 5);
  assert.equal(await say(client, "SET", "k", "five"), "+OK|");
  assert.equal(forwarding.replica.db(5).get("k"), "five");
  const { forwarded, failed, inFlight, unknown } = forwarding.replica.status().writes!;
  assert.deepEqual({ forwarded, failed, inFlight, unknown }, {
    forwarded: 51,
    failed: 0,
    inFlight: 0,
    unknown: 0,
  });
});

test("without forwarding a write gets READONLY, and what administers is never sent", async () => {
  await using master = await TestMaster.start();
  await using rejecting = await startForwarding(master.url, { writes: "reject" });
  const reader = await rejecting.client();
  assert.match(await say(reader, "SET", "k", "v"), /^-READONLY/);
  assert.equal(rejecting.replica.status().writes, undefined);
  await using forwarding = await startForwarding(master.url);
  const client = await forwarding.client();
  const local = ["CONFIG SET maxmemory 1", "SHUTDOWN", "DEBUG JMAP", "FAILOVER", "SAVE"];
  for (const line of local) assert.match(await say(client, ...line.split(" ")), /^-/, line);
  assert.match(await say(client, "WAIT", 1, 0), /^-ERR WAIT is answered by the master alone/);
  assert.match(await say(client, "MIGRATE", "h", 1, "k", 0, 1), /^-(READONLY|ERR MIGRATE)/);
  assert.equal(forwarding.replica.status().writes!.forwarded, 0);
  assert.match(String(plain(await client.call("INFO", "replication"))), /role:slave/);
});

test("the rights of the port's user come first", async () => {
  await using master = await TestMaster.start();
  await using forwarding = await startForwarding(master.url, {
    server: { users: { reader: { passwords: ["r"], commands: "+@read" } }, password: "p" },
  });
  const client = await forwarding.client();
  assert.match(await say(client, "SET", "k", "v"), /^-NOAUTH/);
  await client.call("AUTH", "reader", "r");
  assert.match(await say(client, "SET", "k", "v"), /^-NOPERM User reader/);
  await client.call("AUTH", "p");
  assert.equal(await say(client, "SET", "k", "v"), "+OK|");
});

test("CLIENT REPLY OFF and SKIP drop the replies of what waits", async () => {
  await using master = await TestMaster.start();
  await using forwarding = await startForwarding(master.url);
  const client = await forwarding.client();
  client.send(new TextEncoder().encode("CLIENT REPLY SKIP\r\nINCR n\r\n"));
  assert.equal(await say(client, "INCR", "n"), ":2|");
  client.send(new TextEncoder().encode("CLIENT REPLY OFF\r\nINCR n\r\nINCR n\r\n"));
  assert.equal(await say(client, "CLIENT", "REPLY", "ON"), "+OK|");
  assert.equal(await say(client, "GET", "n"), "$1|4|");
});

test("what is forwarded is counted, and shown to MONITOR", async () => {
  await using master = await TestMaster.start();
  await using forwarding = await startForwarding(master.url);
  const [watching, client] = [await forwarding.client(), await forwarding.client()];
  await watching.call("MONITOR");
  const lines: string[] = [];
  watching.onUnasked = ({ value }) => void lines.push(String(plain(value)));
  await client.call("SET", "k", "v");
  await client.call("LPUSH", "k", "v");
  const stats = String(plain(await client.call("INFO", "commandstats")));
  assert.match(stats, /cmdstat_lpush:calls=1,.*failed_calls=1/);
  assert.match(String(plain(await client.call("INFO", "errorstats"))), /errorstat_WRONGTYPE/);
  await until("it is shown", () => lines.some((line) => /"LPUSH" "k" "v"/.test(line)));
  assert.equal(await infoOf(client, "stats", "forwarded_writes"), "2");
  assert.equal(await infoOf(client, "stats", "forwarded_writes_failed"), "1");
  const metrics = forwarding.replica.prometheus();
  assert.match(metrics, /^rimr_forwarded_writes_total\{.*result="failed"\} 1$/m);
});

test("a master that is gone is told at once", async () => {
  await using master = await TestMaster.start();
  await using forwarding = await startForwarding(master.url);
  const client = await forwarding.client();
  await client.call("SET", "k", "v");
  await master.close();
  await until("the link is down", () => !forwarding.replica.connected);
  assert.match(await say(client, "SET", "k", "w"), /^-MASTERDOWN/);
  assert.match(await say(client, "WATCH", "k"), /^-MASTERDOWN/);
  await client.call("MULTI");
  assert.match(await say(client, "SET", "k", "w"), /^-MASTERDOWN/);
  assert.match(await say(client, "EXEC"), /^-EXECABORT/);
  assert.equal(await say(client, "GET", "k"), "$1|v|");
  assert.equal(forwarding.replica.status().writes!.refused, 3);
});

/** Commands whose replies must be the master's to the byte. "~" waits until the copy has all of it. */
const SCRIPT: readonly (readonly Argument[])[] = [
  ["SET", "k", "v"],
  ["SET", "k", "w", "NX"],
  ["SET", "k", "w", "GET"],
  ["GETDEL", "missing"],
  ["APPEND", "k", Uint8Array.of(0, 255, 13, 10)],
  ["GETEX", "k", "EX", 1000],
  ["INCRBYFLOAT", "f", "3.0e-2"],
  ["INCR", "k"],
  ["LPUSH", "k", "x"],
  ["SET", "k"],
  ["HSET", "h", "a", 1, "b", 2],
  ["ZADD", "z", "INCR", 1.5, "a"],
  ["ZADD", "z", "NX", "INCR", 2, "a"],
  ["ZPOPMIN", "z"],
  ["ZPOPMIN", "z", 2],
  ["ZADD", "z", "inf", "a", "0.1", "b"],
  ["ZPOPMAX", "z", 3],
  ["SADD", "s", "a", "b"],
  ["SPOP", "missing"],
  ["SPOP", "missing", 3],
  ["LPOP", "missing", 2],
  ["LMPOP", 1, "missing", "LEFT"],
  ["BLPOP", "missing", "0.01"],
  ["RPUSH", "l", "1", "2", "3"],
  ["LMPOP", 1, "l", "LEFT", "COUNT", 2],
  ["XADD", "x", "1-1", "f", "v"],
  ["XGROUP", "CREATE", "x", "g", "0"],
  ["XREADGROUP", "GROUP", "g", "c", "STREAMS", "x", ">"],
  ["XREADGROUP", "GROUP", "g", "c", "BLOCK", 10, "STREAMS", "x", ">"],
  ["XAUTOCLAIM", "x", "g", "c", 0, "0"],
  ["EVAL", "return {1, 'a', {err='MY error'}, false, {double=0.5}}", 0],
  ["EVAL", "redis.call('SET', KEYS[1], ARGV[1]); return redis.error_reply('OH no')", 1, "e", 5],
  ["EVALSHA", "0".repeat(40), 0],
  ["SCRIPT", "EXISTS", "0".repeat(40)],
  ["PUBLISH", "channel", "message"],
  ["SORT", "l", "STORE", "sorted"],
  ["RESTORE", "r", 0, "nonsense"],
  ["PFADD", "p", "a"],
  ["COPY", "k", "k2"],
  ["FLUSHDB"],
];

for (const protocol of [2, 3] as const) {
  await serverTest(`replies are the master's, to the byte, in RESP${protocol}`, async (binary) => {
    await using master = await startServer(binary);
    await using other = await startServer(binary);
    await using forwarding = await startForwarding(urlOf(master));
    const client = await forwarding.client(protocol);
    const direct = await other.connect();
    if (protocol === 3) await direct.call("HELLO", 3);
    for (const command of SCRIPT) {
      const expected = latin1(await direct.raw(...command));
      assert.equal(latin1(await client.raw(...command)), expected, command.join(" "));
    }
    await client.call("RPUSH", "l", "a");
    for (const end of ["EXEC", "DISCARD"]) {
      for (const commands of [[["SET", "a", 1], ["GET", "a"], ["LPUSH", "a", 1]], [["GET", "a"]]]) {
        for (const command of [["MULTI"], ...commands, [end]]) {
          const expected = latin1(await direct.raw(...command));
          assert.equal(latin1(await client.raw(...command)), expected, command.join(" "));
        }
      }
    }
  });
}

async function blockedAt(master: RunningServer, count: number): Promise<void> {
  const blocked = new RegExp(`blocked_clients:${count}\\r`);
  await until(`${count} wait at the master`, async () => {
    return blocked.test(String(plain(await master.call("INFO", "clients"))));
  });
}

await serverTest(
  "WATCH holds until EXEC, and what is read meanwhile is the master's",
  async (binary) => {
    await using master = await startServer(binary);
    await using forwarding = await startForwarding(urlOf(master));
    const client = await forwarding.client();
    await client.call("SET", "n", 1);
    // Nothing may come from the stream: what is read here is old from now on.
    await client.call("WATCH", "n");
    await master.call("SET", "n", 2);
    assert.equal(await say(client, "GET", "n"), "$1|2|", "read at the master");
    await client.call("MULTI");
    await client.call("INCR", "n");
    assert.equal(await say(client, "EXEC"), "*-1|", "it was changed");
    await client.call("WATCH", "n");
    await client.call("MULTI");
    await client.call("INCR", "n");
    await client.call("GET", "n");
    assert.equal(await say(client, "EXEC"), "*2|:3|$1|3|");
    assert.equal(await say(client, "GET", "n"), "$1|3|");
    await client.call("WATCH", "n");
    await master.call("SET", "n", 9);
    assert.equal(await say(client, "UNWATCH"), "+OK|");
    await client.pipeline([["MULTI"], ["INCR", "n"]]);
    assert.equal(await say(client, "EXEC"), "*1|:10|");
    await client.call("WATCH", "n");
    await master.call("SET", "n", 1);
    await client.pipeline([["MULTI"], ["GET", "n"]]);
    assert.equal(await say(client, "EXEC"), "*-1|", "of reads only, under WATCH");
    await client.pipeline([["WATCH", "n"], ["MULTI"], ["GET", "n"], ["DISCARD"], ["MULTI"]]);
    await master.call("SET", "n", 2);
    assert.equal(await say(client, "EXEC"), "*0|");
  },
);

await serverTest("optimistic increments of many clients lose none", async (binary) => {
  await using master = await startServer(binary);
  await using forwarding = await startForwarding(urlOf(master));
  await master.call("SET", "n", 0);
  const rounds = Array.from({ length: 8 }, async () => {
    const client = await forwarding.client();
    for (let done = 0; done < 10;) {
      await client.call("WATCH", "n");
      const value = Number(plain(await client.call("GET", "n")));
      await client.pipeline([["MULTI"], ["SET", "n", value + 1]]);
      if (plain(await client.call("EXEC")) !== null) done++;
    }
  });
  await Promise.all(rounds);
  assert.equal(plain(await master.call("GET", "n")), "80");
  assert.equal(forwarding.replica.get("n"), "80");
});

await serverTest("a watch whose connection has ended makes EXEC answer null", async (binary) => {
  await using master = await startServer(binary);
  await using forwarding = await startForwarding(urlOf(master));
  const client = await forwarding.client();
  await client.call("WATCH", "n");
  await master.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
  await until("it has ended", async () => /^-MASTERDOWN/.test(await say(client, "GET", "n")));
  await client.pipeline([["MULTI"], ["SET", "n", 1]]);
  assert.equal(await say(client, "EXEC"), "*-1|");
  assert.equal(await say(client, "GET", "n"), "$-1|");
  assert.equal(await say(client, "SET", "n", 1), "+OK|");
});

await serverTest("what the master refuses leaves nothing behind", async (binary) => {
  await using master = await startServer(binary, ["--databases", "2"]);
  await using forwarding = await startForwarding(urlOf(master));
  const client = await forwarding.client();
  await client.call("SELECT", 5);
  assert.equal(await say(client, "SET", "k", "v"), "-ERR DB index is out of range|");
  await client.call("SELECT", 0);
  await master.call("ACL", "SETUSER", "default", "-watch");
  assert.match(await say(client, "WATCH", "k"), /^-NOPERM/);
  const { forwarded } = forwarding.replica.status().writes!;
  await client.pipeline([["GET", "k"], ["MULTI"], ["GET", "k"]]);
  assert.equal(await say(client, "EXEC"), "*1|$-1|");
  assert.equal(forwarding.replica.status().writes!.forwarded, forwarded, "nothing is watched");
});

await serverTest(
  "a transaction with a write is the master's, one of reads stays",
  async (binary) => {
    await using master = await startServer(binary);
    await using forwarding = await startForwarding(urlOf(master));
    const client = await forwarding.client();
    await client.pipeline([["MULTI"], ["SET", "a", 1], ["SELECT", 3], ["SET", "a", 2]]);
    assert.equal(await say(client, "EXEC"), "*3|+OK|+OK|+OK|");
    assert.equal(await say(client, "GET", "a"), "$1|2|", "SELECT counts behind it");
    await client.pipeline([["MULTI"], ["GET", "a"], ["CLIENT", "ID"]]);
    assert.match(await say(client, "EXEC"), /^\*2\|\$1\|2\|:\d+\|$/);
    await client.pipeline([["MULTI"], ["SET", "a", 1], ["CLIENT", "ID"]]);
    assert.match(await say(client, "EXEC"), /^-EXECABORT .*'client\|id'/);
    await client.pipeline([["MULTI"], ["SET", "a", 1], ["NONSENSE"]]);
    assert.match(await say(client, "EXEC"), /^-EXECABORT/);
    assert.equal(await say(client, "GET", "a"), "$1|2|");
  },
);

await serverTest("who blocks holds up nobody, and leaves nothing behind", async (binary) => {
  await using master = await startServer(binary);
  await using forwarding = await startForwarding(urlOf(master));
  const [waiting, client] = [await forwarding.client(), await forwarding.client()];
  const id = Number(await waiting.call("CLIENT", "ID"));
  const popped = say(waiting, "BLPOP", "queue", 0);
  await blockedAt(master, 1);
  assert.equal(await infoOf(client, "clients", "blocked_clients"), "1");
  assert.equal(await say(client, "RPUSH", "queue", "job"), ":1|");
  assert.equal(await popped, "*2|$5|queue|$3|job|");
  for (
    const [how, reply] of [["TIMEOUT", "*-1|"], [
      "ERROR",
      "-UNBLOCKED client unblocked via CLIENT UNBLOCK|",
    ]]
  ) {
    const given = say(waiting, "BLPOP", "queue", 0);
    await blockedAt(master, 1);
    assert.equal(await say(client, "CLIENT", "UNBLOCK", id, how), ":1|");
    assert.equal(await given, reply);
  }
  const killed = assert.rejects(waiting.call("BLPOP", "queue", 0));
  await blockedAt(master, 1);
  await client.call("CLIENT", "KILL", "ID", id);
  await killed;
  await blockedAt(master, 0);
  const gone = await forwarding.client();
  const lost = assert.rejects(gone.call("BLPOP", "queue", 0));
  await blockedAt(master, 1);
  gone.close();
  await lost;
  await blockedAt(master, 0);
  assert.equal(await infoOf(client, "clients", "blocked_clients"), "0");
});

await serverTest("a master that dies over a write is told as UNKNOWN", async (binary) => {
  await using master = await startServer(binary);
  await using forwarding = await startForwarding(urlOf(master));
  const client = await forwarding.client();
  const popped = say(client, "BLPOP", "queue", 0);
  await blockedAt(master, 1);
  await master.stop();
  assert.match(await popped, /^-UNKNOWN/);
  await until("it is down", async () => /^-MASTERDOWN/.test(await say(client, "SET", "k", "v")));
  const { unknown, inFlight } = forwarding.replica.status().writes!;
  assert.deepEqual({ unknown, inFlight }, { unknown: 1, inFlight: 0 });
});

/** Commands of a pipeline, some of them for the master and some not. */
const PIPELINED: readonly (readonly Argument[])[] = [
  ["INCR", "n"],
  ["INCR", "n"],
  ["GET", "n"],
  ["APPEND", "s", "x"],
  ["STRLEN", "s"],
  ["LPUSH", "n", "x"],
  ["SET", "n"],
  ["NONSENSE"],
  ["SELECT", 1],
  ["SELECT", 0],
  ["PING"],
  ["RPUSH", "l", "a"],
  ["BLPOP", "l", "0.01"],
  ["LRANGE", "l", 0, -1],
  ["MULTI"],
  ["EXEC"],
  ["DISCARD"],
  ["WATCH", "n"],
  ["UNWATCH"],
];

/** Valkey 9 words what MULTI does not allow in another way; both are answered here, not there. */
function worded(reply: unknown): unknown {
  const { message } = (reply ?? {}) as { message?: string };
  return /inside MULTI|can not be nested|not allowed inside/.test(message ?? "")
    ? "in MULTI"
    : reply;
}

await serverTest("pipelines are answered in their order, as by the master", async (binary) => {
  await using master = await startServer(binary);
  await using other = await startServer(binary);
  await using forwarding = await startForwarding(urlOf(master));
  const [client, direct] = [await forwarding.client(), await other.connect()];
  const prng = new Prng(Number(env.SEED ?? 11));
  for (let round = 0; round < 40; round++) {
    const commands = Array.from({ length: 1 + prng.int(30) }, () => prng.pick(PIPELINED));
    const [ours, theirs] = await Promise.all([
      client.pipeline(commands),
      direct.pipeline(commands),
    ]);
    assert.deepEqual(
      ours.map(worded),
      theirs.map(worded),
      `round ${round}: ${commands.join(" | ")}`,
    );
  }
}, { isFor: sinceRedis("7.0") });

test("a reply is held until the write is readable here", async () => {
  await using master = await TestMaster.start();
  const net = new HoldingNet(await loadNet(systemClock));
  await using forwarding = await startForwarding(master.url, { net });
  const [client, other] = [await forwarding.client(), await forwarding.client()];
  net.hold();
  let isAnswered = false;
  const sum = client.call("INCR", "n").then((reply) => {
    isAnswered = true;
    return reply;
  });
  const behind = say(client, "GET", "n");
  await until("the master has done it", () => master.call("GET", "n") === "1");
  assert.equal(await say(other, "GET", "n"), "$-1|", "others are not held up");
  assert.equal(await say(other, "PING"), "+PONG|");
  assert.equal(isAnswered, false);
  assert.equal(await infoOf(other, "stats", "forwarded_writes_in_flight"), "1");
  net.release();
  assert.equal(await sum, 1);
  assert.equal(await behind, "$1|1|");
});

test("a reply is held for visibleMs at most, and not at all without readYourWrites", async () => {
  await using master = await TestMaster.start();
  const net = new HoldingNet(await loadNet(systemClock));
  await using bounded = await startForwarding(master.url, { net, forwarding: { visibleMs: 20 } });
  const client = await bounded.client();
  net.hold();
  assert.equal(await say(client, "INCR", "n"), ":1|");
  assert.equal(await say(client, "GET", "n"), "$-1|");
  assert.equal(bounded.replica.status().writes!.late, 1);
  net.release();
  const freeNet = new HoldingNet(await loadNet(systemClock));
  await using free = await startForwarding(master.url, {
    net: freeNet,
    forwarding: { readYourWrites: false },
  });
  const writer = await free.client();
  freeNet.hold();
  assert.equal(await say(writer, "INCR", "n"), ":2|");
  assert.equal(await say(writer, "GET", "n"), "$1|1|");
  assert.equal(free.replica.status().writes!.late, 0);
  freeNet.release();
});

test("what the filter leaves out is written, and not waited for", async () => {
  await using master = await TestMaster.start();
  const net = new HoldingNet(await loadNet(systemClock));
  await using forwarding = await startForwarding(master.url, { net, filter: { keys: ["kept:*"] } });
  const client = await forwarding.client();
  net.hold();
  assert.equal(await say(client, "SET", "other", "v"), "+OK|");
  assert.equal(master.call("GET", "other"), "v");
  const kept = say(client, "SET", "kept:1", "v");
  await until("the master has it", () => master.call("GET", "kept:1") === "v");
  assert.equal(forwarding.replica.status().writes!.inFlight, 1);
  net.release();
  assert.equal(await kept, "+OK|");
  assert.equal(await say(client, "GET", "kept:1"), "$1|v|");
});
