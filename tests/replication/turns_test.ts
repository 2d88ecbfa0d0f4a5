/**
 * Slices, the inbox, and the turns in which what waits is handled.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Rig } from "./rig.ts";
import { command, eofFrame, REPLID, snapshot } from "./support.ts";

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

test("stop() between two slices leaves nothing behind", async () => {
  const rig = new Rig({ sliceMs: 4 });
  const socket = await rig.follow();
  rig.clock.costMs = 3;
  socket.send(Array.from({ length: 500 }, (_, i) => command("SET", `k${i}`, "1")).join(""));
  assert.ok(rig.keyspace.keyCount < 500);
  await rig.stop();
  assert.ok(rig.keyspace.keyCount < 500);
});
