/** The ten rules that are most often got wrong: section 0 of the protocol reference, a test each. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { ack, PLAIN_HANDSHAKE, Rig } from "./rig.ts";
import { command, eofFrame, MARK, REPLID, snapshot } from "./support.ts";
import { textOf } from "../support/bytes.ts";

test("rule 1: every handshake reply is read before PSYNC, which goes alone", async () => {
  const rig = new Rig();
  const socket = await rig.start();
  assert.equal(socket.take(), command("PING"));
  socket.send("+PONG\r\n");
  assert.equal(socket.take(), PLAIN_HANDSHAKE);
  socket.send("+OK\r\n");
  assert.equal(socket.take(), "", "a reply is still owed");
  socket.send("-ERR Unrecognized REPLCONF option: version\r");
  assert.equal(socket.take(), "", "the line is not complete");
  socket.send("\n");
  assert.equal(socket.take(), command("PSYNC", "?", "-1"));
  assert.equal(rig.state, "receivePsyncReply");
  await rig.stop();
});

test("rule 2: bare newlines before +FULLRESYNC and before $ are skipped and never count", async () => {
  const rig = new Rig();
  const socket = await rig.start();
  rig.handshake();
  for (let i = 0; i < 5; i++) socket.send("\n");
  socket.send(`\r\n+FULLRESYNC ${REPLID} 100\r\n`);
  for (let i = 0; i < 5; i++) socket.send("\n");
  socket.send(`\n\n${eofFrame(snapshot([]))}`);
  assert.equal(rig.state, "connected");
  assert.equal(socket.take(), ack(100));
  assert.equal(rig.link.status().appliedOffset, 100);
  assert.equal(rig.link.status().readOffset, 100);
  await rig.stop();
});

test("rule 3: after the EOF mark comes an ACK at once, and another each second", async () => {
  const rig = new Rig();
  const socket = await rig.start();
  rig.handshake();
  socket.send(`+FULLRESYNC ${REPLID} 7\r\n$EOF:${MARK}\r\n${textOf(snapshot([]))}`);
  assert.equal(socket.take(), "");
  socket.send(MARK);
  assert.equal(socket.take(), ack(7));
  for (let second = 0; second < 5; second++) {
    await rig.clock.advance(1000);
    assert.equal(socket.take(), ack(7));
  }
  await rig.stop();
});

test("rule 4: the offset counts every stream byte after the RDB, and no other", async () => {
  const rig = new Rig();
  const socket = await rig.follow([], 1000);
  const lines: [string, number][] = [
    [command("SELECT", "0"), 23],
    [command("SET", "k", "1"), 27],
    [command("ping"), 14],
    [command("REPLCONF", "GETACK", "*"), 37],
    [command("DEL", "x"), 20],
  ];
  let offset = 1000;
  for (const [line, length] of lines) {
    assert.equal(line.length, length);
    socket.send(line);
    offset += length;
    assert.equal(rig.link.status().appliedOffset, offset);
    assert.equal(rig.link.status().readOffset, offset);
  }
  await rig.stop();
});

test("rule 5: no offset is committed inside MULTI or inside half a command", async () => {
  const rig = new Rig();
  const socket = await rig.follow();
  const lines = [
    command("SELECT", "0"),
    command("MULTI"),
    command("SET", "a", "1"),
    command("SET", "b", "2"),
    command("EXEC"),
    command("SET", "c", "3"),
  ];
  const safe = new Set<number>([0]);
  let end = 0;
  for (const [i, line] of lines.entries()) {
    end += line.length;
    if (i === 0 || i >= 4) safe.add(end);
  }
  for (const [i, char] of [...lines.join("")].entries()) {
    socket.send(char);
    const { appliedOffset, readOffset } = rig.link.status();
    assert.equal(readOffset, i + 1);
    assert.ok(safe.has(appliedOffset), `${appliedOffset} is inside something`);
    assert.equal(rig.get("a") !== undefined, appliedOffset >= end - lines[5].length);
  }
  assert.equal(rig.link.status().appliedOffset, end);
  await rig.stop();
});

test("rule 6: after +CONTINUE the selected database is still selected", async () => {
  const rig = new Rig();
  const socket = await rig.follow();
  const sent = command("SELECT", "11") + command("SET", "a", "1");
  socket.send(sent);
  const next = await rig.reconnect();
  assert.equal(rig.handshake(), command("PSYNC", REPLID, String(sent.length + 1)));
  next.send(`+CONTINUE ${REPLID}\r\n`);
  next.send(command("SET", "b", "2"));
  assert.equal(rig.get("a", 11), "1");
  assert.equal(rig.get("b", 11), "2");
  assert.equal(rig.get("b", 0), undefined);
  assert.equal(rig.link.status().db, 11);
  await rig.stop();
});

test("rule 7: commands apply as if no key were expired", async () => {
  const rig = new Rig();
  const past = rig.clock.now() - 60_000;
  const socket = await rig.follow([
    { key: "n", value: "41", expireAtMs: past },
    { key: "s", value: "old", expireAtMs: past },
    { key: "t", value: "ab", expireAtMs: past },
  ]);
  socket.send(command("SELECT", "0") + command("INCR", "n"));
  assert.equal(rig.get("n"), "42");
  assert.equal(rig.expiry("n"), past);
  socket.send(command("SETNX", "s", "new"));
  assert.equal(rig.get("s"), "old");
  socket.send(command("APPEND", "t", "c"));
  assert.equal(rig.get("t"), "abc");
  socket.send(command("PEXPIREAT", "t", String(past - 1), "LT"));
  assert.equal(rig.expiry("t"), past - 1, "a past time is stored, and the key waits for its DEL");
  socket.send(command("SET", "u", "1", "PXAT", String(past)));
  assert.equal(rig.get("u"), "1");
  assert.equal(rig.link.status().counters.divergences, 0);
  await rig.stop();
});

for (const spelling of ["SET", "set", "sEt"]) {
  test(`rule 8: the name ${spelling} is known in any case`, async () => {
    const rig = new Rig();
    const socket = await rig.follow();
    const select = spelling === "sEt" ? "sElEcT" : spelling === "set" ? "select" : "SELECT";
    const multi = spelling === "sEt" ? ["mUlTi", "eXeC"] : ["multi", "exec"];
    socket.send(command(select, "3") + command(multi[0]) + command(spelling, "k", "v"));
    assert.equal(rig.get("k", 3), undefined);
    socket.send(command(multi[1]));
    assert.equal(rig.get("k", 3), "v");
    socket.send(command("replconf", "getack", "*"));
    assert.match(socket.take(), /ACK/);
    assert.equal(rig.link.status().counters.divergences, 0);
    await rig.stop();
  });
}

test("rule 9: expiry comes relative from old masters and absolute from new ones", async () => {
  const rig = new Rig();
  const socket = await rig.follow();
  const now = rig.clock.now();
  const rows: [string, number][] = [
    [command("SET", "a", "1", "EX", "100"), now + 100_000],
    [command("SET", "b", "1", "PX", "1500"), now + 1500],
    [command("SETEX", "c", "5", "1"), now + 5000],
    [command("SET", "d", "1", "PXAT", String(now + 77)), now + 77],
    [command("SET", "e", "1") + command("EXPIRE", "e", "10"), now + 10_000],
    [command("SET", "f", "1") + command("PEXPIREAT", "f", String(now + 99)), now + 99],
  ];
  socket.send(command("SELECT", "0"));
  for (const [line] of rows) socket.send(line);
  for (const [i, [, expireAtMs]] of rows.entries()) {
    assert.equal(rig.expiry("abcdef"[i]), expireAtMs);
  }
  await rig.stop();
});

test("rule 10: the socket is drained while a snapshot loads, one turn between two slices", async () => {
  const rig = new Rig({ sliceMs: 4 });
  const socket = await rig.start();
  rig.handshake();
  socket.send(`+FULLRESYNC ${REPLID} 0\r\n`);
  const keys = Array.from({ length: 20_000 }, (_, i) => ({ key: `key:${i}`, value: `value:${i}` }));
  const framed = eofFrame(snapshot(keys)) + command("SELECT", "0") + command("SET", "late", "1");
  // Each look at the clock costs 5 ms: every slice is over at the first one.
  rig.clock.costMs = 5;
  for (let at = 0; at < framed.length; at += 100_000) socket.send(framed.slice(at, at + 100_000));
  assert.equal(socket.pauses, 0, "what waits is drained");
  assert.ok(rig.link.status().inboxBytes > framed.length / 2);
  await rig.clock.turn();
  rig.clock.costMs = 0;
  assert.equal(rig.link.status().inboxBytes, 0);
  assert.equal(rig.keyspace.keyCount, 20_001);
  assert.equal(rig.get("late"), "1");
  await rig.stop();
});
