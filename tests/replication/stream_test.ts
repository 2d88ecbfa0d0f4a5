import assert from "node:assert/strict";
import { test } from "node:test";
import type { Divergence } from "../../src/replication/types.ts";
import { ack, Rig } from "./rig.ts";
import { command, eofFrame, REPLID, snapshot } from "./support.ts";
import { settle } from "../support/clock.ts";
import { bytesOf, textOf } from "../support/bytes.ts";

const GETACK = command("REPLCONF", "GETACK", "*");

const lengths: [string, number][] = [
  [command("SELECT", "0"), 23],
  [command("ping"), 14],
  [command("MULTI"), 15],
  [command("EXEC"), 14],
  [GETACK, 37],
  [command("DEL", "x"), 20],
  [command("SET", "k", "1"), 27],
];
for (const [line, length] of lengths) {
  test(`${JSON.stringify(line)} moves the offset by ${length}`, async () => {
    const rig = new Rig();
    const socket = await rig.follow([], 1000);
    if (line.includes("EXEC")) socket.send(command("MULTI"));
    const before = rig.link.status().readOffset;
    socket.send(line);
    assert.equal(rig.link.status().readOffset - before, length);
    const applied = line.includes("MULTI") ? 1000 : before + length;
    assert.equal(rig.link.status().appliedOffset, applied);
    await rig.stop();
  });
}

test("SELECT 0 and SET k 1 from offset 0 end at 50, as the master says", async () => {
  const rig = new Rig();
  const socket = await rig.follow();
  socket.send(command("SELECT", "0") + command("SET", "k", "1"));
  assert.equal(rig.link.status().appliedOffset, 50);
  await rig.stop();
});

test("a stream captured from a 7.0 master leaves what the master had", async () => {
  const rig = new Rig();
  const socket = await rig.follow();
  const stream = [
    command("SELECT", "2"),
    command("SET", "b", "2"),
    command("MULTI"),
    command("INCR", "n"),
    command("INCR", "n"),
    command("EXEC"),
    command("SET", "x", "1", "PXAT", "1795374897306"),
    command("PEXPIREAT", "x", "1795374847306"),
    command("ping"),
  ];
  socket.send(stream.join(""));
  assert.equal(rig.get("b", 2), "2");
  assert.equal(rig.get("n", 2), "2");
  assert.equal(rig.expiry("x", 2), 1795374847306);
  socket.send(command("DEL", "x"));
  assert.equal(rig.get("x", 2), undefined);
  const { appliedOffset, counters } = rig.link.status();
  assert.equal(appliedOffset, stream.join("").length + 20);
  assert.equal(counters.transactions, 1);
  assert.equal(counters.divergences, 0);
  await rig.stop();
});

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

test("a link cut inside MULTI forgets it and resumes before MULTI, in the database before it", async () => {
  const rig = new Rig();
  const socket = await rig.follow();
  socket.send(command("SELECT", "1") + command("SET", "a", "0"));
  const safe = rig.link.status().appliedOffset;
  const transaction = command("MULTI") + command("SELECT", "2") + command("INCR", "a");
  socket.send(transaction + command("EX").slice(0, 5));
  const next = await rig.reconnect();
  assert.equal(rig.handshake(), command("PSYNC", REPLID, String(safe + 1)));
  assert.equal(rig.get("a", 1), "0");
  next.send(`+CONTINUE\r\n${transaction}${command("EXEC")}`);
  assert.equal(rig.get("a", 2), "1");
  assert.equal(rig.get("a", 1), "0");
  await rig.stop();
});

test("a link cut inside a command resumes before it", async () => {
  const rig = new Rig();
  const socket = await rig.follow();
  socket.send(command("SELECT", "1") + command("SET", "a", "0").slice(0, 20));
  const next = await rig.reconnect();
  assert.equal(rig.handshake(), command("PSYNC", REPLID, "24"));
  next.send(`+CONTINUE\r\n${command("SET", "a", "7")}`);
  assert.equal(rig.get("a", 1), "7");
  assert.equal(rig.link.status().appliedOffset, 50);
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

test("raw stream bytes pass the hook with their offsets, whole and in order", async () => {
  let copied = "";
  const rig = new Rig({
    hooks: {
      streamBytes(bytes, start, end, offset) {
        assert.equal(offset, 77 + copied.length);
        copied += textOf(bytes.subarray(start, end));
      },
    },
  });
  const socket = await rig.follow([], 77);
  const stream = command("SELECT", "0") + command("SET", "a", "1") + command("MULTI");
  for (let at = 0; at < stream.length; at += 9) socket.send(stream.slice(at, at + 9));
  assert.equal(copied, stream);
  await rig.stop();
});

test("SCRIPT, PFSELFTEST and the like are let go without a divergence", async () => {
  const rig = new Rig();
  const socket = await rig.follow();
  socket.send(command("SCRIPT", "LOAD", "return 1") + command("xidmprecord", "k"));
  assert.equal(rig.link.status().counters.divergences, 0);
  assert.equal(rig.link.status().counters.ignoredCommands, 1);
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

test("commands of modules are counted and passed over, and so is what misses their keys", async () => {
  const rig = new Rig();
  const socket = await rig.follow();
  socket.send(command("JSON.SET", "j", "$", "1") + command("VADD", "v", "VALUES", "1", "1", "e"));
  socket.send(command("RENAME", "j", "k") + command("ARSET", "r", "0", "x"));
  socket.send(command("SET", "a", "1"));
  const { counters } = rig.link.status();
  assert.deepEqual([counters.moduleCommandsSkipped, counters.divergences], [4, 0]);
  assert.equal(rig.get("a"), "1");
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
  const rig = new Rig();
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

const broken: { name: string; bytes: string }[] = [
  { name: "a reply in its midst", bytes: "+OK\r\n" },
  { name: "a bulk without a length", bytes: "*1\r\n$x\r\n" },
  { name: "a negative bulk", bytes: "*2\r\n$3\r\nDEL\r\n$-5\r\n" },
  { name: "an array of numbers", bytes: "*1\r\n:5\r\n" },
  { name: "SELECT of nothing", bytes: command("SELECT") },
  { name: "SELECT of a word", bytes: command("SELECT", "zero") },
  { name: "SELECT of a negative number", bytes: command("SELECT", "-1") },
];
for (const { name, bytes } of broken) {
  test(`a stream with ${name} is dropped, and everything asked for next`, async () => {
    const rig = new Rig();
    const socket = await rig.follow();
    socket.send(command("SET", "a", "1") + bytes);
    await settle();
    assert.equal(rig.link.status().lastError?.code, "STREAM");
    assert.equal(rig.get("a"), "1");
    await rig.retry();
    assert.equal(rig.handshake(), command("PSYNC", "?", "-1"));
    await rig.stop();
  });
}

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

test("a burst is applied in slices, the socket drained meanwhile, nothing lost", async () => {
  const rig = new Rig({ sliceMs: 4 });
  const socket = await rig.follow();
  const commands = Array.from({ length: 5000 }, (_, i) => command("SET", `k${i % 100}`, `${i}`));
  const burst = command("SELECT", "0") + commands.join("");
  rig.clock.costMs = 3;
  for (let at = 0; at < burst.length; at += 30_000) socket.send(burst.slice(at, at + 30_000));
  assert.equal(socket.pauses, 0);
  const { appliedOffset, readOffset, inboxBytes } = rig.link.status();
  assert.ok(appliedOffset < burst.length / 2);
  assert.equal(readOffset, burst.length, "what was drained counts as read");
  assert.ok(inboxBytes > 0);
  await rig.clock.turn();
  assert.equal(rig.link.status().appliedOffset, burst.length);
  for (let i = 0; i < 100; i++) assert.equal(rig.get(`k${i}`), String(4900 + i));
  rig.clock.costMs = 0;
  await rig.stop();
});

test("many small chunks that come in one turn are one slice", async () => {
  const rig = new Rig({ sliceMs: 4 });
  const socket = await rig.start();
  rig.handshake();
  const keys = Array.from({ length: 500 }, (_, i) => ({ key: `key:${i}`, value: "value" }));
  const framed = eofFrame(snapshot(keys));
  socket.send(`+FULLRESYNC ${REPLID} 0\r\n${framed.slice(0, 100)}`);
  // Less than a rest between two of them would take.
  rig.clock.costMs = 0.9;
  for (let at = 100; at < framed.length; at += 100) socket.send(framed.slice(at, at + 100));
  assert.ok(rig.link.status().inboxBytes > framed.length / 2, "the snapshot waits for its turn");
  await rig.clock.turn();
  assert.equal(rig.state, "connected");
  for (let i = 0; i < 500; i++) socket.send(command("SET", `late:${i}`, "1"));
  assert.ok(rig.keyspace.keyCount < 600, "the stream waits for its turn");
  await rig.clock.turn();
  assert.equal(rig.keyspace.keyCount, 1000);
  rig.clock.costMs = 0;
  await rig.stop();
});

test("commands that take long come to have a slice each", async () => {
  const seen: number[] = [0];
  let executed = 0;
  const rig: Rig = new Rig({
    sliceMs: 4,
    executor: {
      begin: () => {},
      execute: () => {
        if (++executed > 100) rig.clock.time += 10;
        return undefined;
      },
    },
  });
  const socket = await rig.follow();
  socket.send(Array.from({ length: 200 }, () => command("SET", "k", "v")).join(""));
  for (seen.push(executed); executed < 200; seen.push(executed)) {
    rig.clock.turns.shift()!();
    await settle();
  }
  const slices = seen.slice(1).map((count, i) => count - seen[i]);
  assert.ok(slices[0] > 100, "short ones are taken many at a time");
  assert.deepEqual(slices.slice(-30), new Array(30).fill(1));
  await rig.stop();
});

test("stop() between two slices leaves nothing behind", async () => {
  const rig = new Rig({ sliceMs: 4 });
  const socket = await rig.follow();
  rig.clock.costMs = 3;
  socket.send(Array.from({ length: 500 }, (_, i) => command("SET", `k${i}`, "1")).join(""));
  assert.ok(rig.keyspace.keyCount < 500);
  await rig.stop();
  assert.ok(rig.keyspace.keyCount < 500);
});

test("a large value cut into many chunks arrives whole", async () => {
  const rig = new Rig();
  const socket = await rig.follow();
  const value = "0123456789abcdef".repeat(20_000);
  const bytes = bytesOf(command("SET", "big", value));
  for (let at = 0; at < bytes.length; at += 1999) socket.send(bytes.subarray(at, at + 1999));
  assert.ok(rig.get("big") === value, "the value is whole");
  assert.equal(rig.link.status().appliedOffset, bytes.length);
  await rig.stop();
});
