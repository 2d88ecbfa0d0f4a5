/**
 * What a command of the stream does: control, transactions, PUBLISH, modules, and what follows an error.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Divergence } from "../../src/replication/types.ts";
import { ack, Rig } from "./rig.ts";
import { command } from "./support.ts";
import { settle } from "../support/clock.ts";
import { textOf } from "../support/bytes.ts";

const GETACK = command("REPLCONF", "GETACK", "*");

test("GETACK is answered at once, without its own 37 bytes", async () => {
  const rig = new Rig();
  const socket = await rig.follow([], 100);
  socket.send(command("SELECT", "0") + GETACK);
  assert.equal(socket.take(), ack(123));
  assert.equal(rig.link.status().appliedOffset, 160);
  await rig.clock.advance(1000);
  assert.equal(socket.take(), ack(160));
  await rig.stop();
});

test("GETACK inside MULTI is answered with the offset before MULTI", async () => {
  const rig = new Rig();
  const socket = await rig.follow();
  socket.send(command("MULTI") + GETACK);
  assert.equal(socket.take(), ack(0));
  socket.send(command("SET", "a", "1") + command("EXEC"));
  assert.equal(rig.link.status().appliedOffset, 15 + 37 + 27 + 14);
  await rig.stop();
});

test("ACKs in a transaction tell the offset before it", async () => {
  const rig = new Rig();
  const socket = await rig.follow();
  socket.send(command("SELECT", "0") + command("MULTI") + command("SET", "a", "1"));
  await rig.clock.advance(1000);
  assert.equal(socket.take(), ack(23));
  socket.send(command("EXEC"));
  await rig.clock.advance(1000);
  assert.equal(socket.take(), ack(23 + 15 + 27 + 14));
  await rig.stop();
});

test("a transaction is applied as one: no reader sees half of it", async () => {
  const rig = new Rig();
  const seen: (string | undefined)[] = [];
  const socket = await rig.follow();
  socket.send(command("SELECT", "0") + command("SET", "a", "0") + command("SET", "b", "0"));
  for (const line of [["MULTI"], ["INCR", "a"], ["SELECT", "5"], ["INCR", "b"], ["EXEC"]]) {
    socket.send(command(...line));
    seen.push(`${rig.get("a")}${rig.get("b", 5) ?? "-"}`);
  }
  assert.deepEqual(seen, ["0-", "0-", "0-", "0-", "11"]);
  assert.equal(rig.link.status().db, 5);
  await rig.stop();
});

test("an empty transaction, as a 5.0 master sends it, moves the offset", async () => {
  const rig = new Rig();
  const socket = await rig.follow();
  socket.send(command("MULTI") + command("EXEC"));
  assert.equal(rig.link.status().appliedOffset, 29);
  await rig.stop();
});

test("binary arguments go through a transaction unharmed", async () => {
  const rig = new Rig();
  const socket = await rig.follow();
  const every = Array.from({ length: 256 }, (_, i) => String.fromCharCode(i)).join("");
  socket.send(command("MULTI") + command("SET", every, every + every) + command("EXEC"));
  assert.equal(rig.get(every), every + every);
  await rig.stop();
});

test("PUBLISH and SPUBLISH go to the hook, and count", async () => {
  const published: string[] = [];
  const rig = new Rig({
    hooks: {
      publish(argv, sharded) {
        published.push(`${sharded} ${textOf(argv.at(1))} ${textOf(argv.at(2))}`);
      },
    },
  });
  const socket = await rig.follow();
  const lines = command("PUBLISH", "news", "hello") + command("spublish", "shard", "x");
  socket.send(lines);
  assert.deepEqual(published, ["false news hello", "true shard x"]);
  assert.equal(rig.link.status().appliedOffset, lines.length);
  await rig.stop();
});

test("what concerns no data is passed over, and counted by name", async () => {
  const rig = new Rig();
  const socket = await rig.follow();
  socket.send(command("SCRIPT", "LOAD", "return 1") + command("SET", "k", "v"));
  socket.send(command("script", "load", "return 2") + command("GET", "k") + command("PING"));
  socket.send(command("REPLCONF", "RDBCHANNEL", "x") + command("CLIENT", "ID"));
  socket.send(command("FT.DICTADD", "words", "w") + command("SET", "k", "w"));
  const { counters, ignored } = rig.link.status();
  assert.deepEqual(ignored, {
    "script|load": 2,
    get: 1,
    replconf: 1,
    "client|id": 1,
    "ft.dictadd": 1,
  });
  assert.deepEqual([counters.ignoredCommands, counters.moduleCommandsSkipped], [5, 1]);
  assert.equal(counters.divergences, 0);
  assert.equal(rig.get("k"), "w");
  await rig.stop();
});

test("PFCOUNT of what is no HyperLogLog here is a divergence: the master counted one", async () => {
  const rig = new Rig({ onDivergence: "continue" });
  const socket = await rig.follow();
  socket.send(command("RPUSH", "k", "v") + command("pfcount", "k"));
  assert.equal(rig.link.status().counters.divergences, 1);
  await rig.stop();
});

test("a hundred names are counted one by one, and the others together", async () => {
  const rig = new Rig({ onDivergence: "continue" });
  const socket = await rig.follow();
  for (let i = 0; i < 150; i++) socket.send(command(`FAR.N${i}`, "k"));
  socket.send(command("FAR.N1", "k"));
  const { ignored } = rig.link.status();
  assert.equal(Object.keys(ignored).length, 101);
  assert.deepEqual([ignored["far.n1"], ignored["far.n99"], ignored["*"]], [2, 1, 50]);
  await rig.stop();
});

test("FUNCTION is applied to the libraries that are kept", async () => {
  const rig = new Rig();
  const socket = await rig.follow();
  socket.send(command("FUNCTION", "LOAD", "#!lua name=a\nreturn put_together()"));
  assert.deepEqual(rig.keyspace.functions.all().map(({ name }) => name), ["a"]);
  socket.send(command("FUNCTION", "DELETE", "a"));
  assert.equal(rig.keyspace.functions.size, 0);
  assert.equal(rig.link.status().counters.divergences, 0);
  await rig.stop();
});

test("a script itself, as masters before 7.0 may send one, is refused and so a divergence", async () => {
  const rig = new Rig({ onDivergence: "continue" });
  const socket = await rig.follow();
  socket.send(command("EVAL", "return redis.call('SET', KEYS[1], 'x')", "1", "k"));
  socket.send(command("EVALSHA", "0".repeat(40), "0"));
  assert.equal(rig.link.status().counters.divergences, 2);
  assert.ok(rig.messages.some((text) => text.includes("This server runs no scripts")));
  await rig.stop();
});

test("commands of modules make and change keys; what is about no key, or not known, is counted", async () => {
  const rig = new Rig({ onDivergence: "continue" });
  const socket = await rig.follow();
  socket.send(command("JSON.SET", "j", "$", "1") + command("VADD", "v", "VALUES", "1", "1", "e"));
  socket.send(command("RENAME", "j", "k") + command("ARSET", "r", "0", "x"));
  socket.send(command("FT._CREATEIFNX", "index") + command("FAR.AWAY", "k"));
  socket.send(command("SET", "a", "1"));
  const { counters } = rig.link.status();
  assert.deepEqual([counters.moduleCommandsSkipped, counters.divergences], [2, 0]);
  assert.deepEqual(rig.link.status().ignored, { "ft._createifnx": 1, "far.away": 1 });
  assert.equal(rig.get("a"), "1");
  assert.equal(rig.keyspace.keyCount, 4);
  await rig.stop();
});

test("a key that is missing is a divergence also after a module's command", async () => {
  const rig = new Rig({ onDivergence: "continue" });
  const socket = await rig.follow();
  socket.send(command("JSON.SET", "j", "$", "1") + command("RENAME", "never", "x"));
  socket.send(command("JSON.ARRPOP", "never") + command("JSON.DEL", "j", "$.a"));
  assert.equal(rig.link.status().counters.divergences, 2);
  await rig.stop();
});

const BAD = command("SELECT", "3") + command("SET", "s", "text") + command("INCR", "s") +
  command("FROBNICATE", "k\n1", "x") + command("SET", "after", "1");

test("what can't be applied is counted and told with key and offset; the stream goes on", async () => {
  const told: Divergence[] = [];
  const rig = new Rig({
    onDivergence: "continue",
    onEvent: (event) => void (event.type === "diverged" && told.push(event.divergence)),
  });
  const socket = await rig.follow();
  socket.send(BAD);
  assert.equal(rig.link.status().counters.divergences, 2);
  assert.equal(rig.get("after", 3), "1");
  assert.equal(rig.link.status().appliedOffset, BAD.length);
  assert.deepEqual(
    told.map(({ command, key, db, offset }) => [command, textOf(key!), db, offset]),
    [
      ["INCR", "s", 3, BAD.indexOf("*3\r\n$10\r\nFROB")],
      ["FROBNICATE", "k\n1", 3, BAD.length - command("SET", "after", "1").length],
    ],
  );
  assert.match(told[0].message, /not an integer/);
  assert.ok(rig.messages.some((message) => message.includes("k\\x0a1")));
  await rig.stop();
});

test("a divergence asks for a new snapshot, after a long pause", async () => {
  const rig = new Rig({ onDivergence: "resync" });
  const socket = await rig.follow();
  socket.send(BAD);
  await settle();
  assert.equal(rig.link.status().lastError?.code, "DIVERGED");
  await rig.clock.advance(29_000);
  assert.equal(rig.net.sockets.length, 1);
  await rig.retry();
  assert.equal(rig.handshake(), command("PSYNC", "?", "-1"));
  await rig.stop();
});

test("onDivergence stop ends the link", async () => {
  const rig = new Rig({ onDivergence: "stop" });
  const socket = await rig.follow();
  socket.send(BAD);
  await settle();
  assert.equal(rig.state, "none");
  const last = rig.events.at(-1);
  assert.ok(last?.type === "failed" && last.error.code === "DIVERGED");
  await rig.stop();
});

test("a transaction past limits.transactionBytes is refused", async () => {
  const rig = new Rig({ limits: { transactionBytes: 1000 } });
  const socket = await rig.follow();
  socket.send(command("MULTI"));
  for (let i = 0; i < 100; i++) socket.send(command("SET", `key:${i}`, "value"));
  await settle();
  assert.equal(rig.link.status().lastError?.code, "LIMIT");
  assert.equal(rig.keyspace.keyCount, 0);
  await rig.stop();
});
