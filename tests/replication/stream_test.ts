/**
 * The stream of bytes: offsets, commands cut anywhere, bytes that are no commands.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Rig } from "./rig.ts";
import { command, REPLID } from "./support.ts";
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
