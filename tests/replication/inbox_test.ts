import assert from "node:assert/strict";
import { test } from "node:test";
import { Prng } from "../../src/base/prng.ts";
import { Inbox } from "../../src/replication/inbox.ts";
import { Rig } from "./rig.ts";
import { command, eofFrame, REPLID, snapshot } from "./support.ts";
import { settle } from "../support/clock.ts";

test("Inbox gives back what it was given, whatever the pieces", () => {
  for (let seed = 1; seed <= 50; seed++) {
    const prng = new Prng(seed);
    const inbox = new Inbox();
    let written = 0;
    let read = 0;
    for (let i = 0; i < 400; i++) {
      if (prng.oneIn(2)) {
        const chunk = new Uint8Array(prng.int(prng.oneIn(10) ? 200_000 : 300));
        for (let at = 0; at < chunk.length; at++) chunk[at] = (written + at) & 0xff;
        inbox.push(chunk);
        written += chunk.length;
        chunk.fill(0xee);
      }
      const block = inbox.peek();
      assert.equal(block === undefined, written === read);
      if (block === undefined) continue;
      const count = prng.oneIn(2) ? block.length : prng.int(block.length + 1);
      for (let at = 0; at < count; at++) assert.equal(block[at], (read + at) & 0xff);
      inbox.advance(count);
      read += count;
      assert.equal(inbox.byteLength, written - read);
    }
    inbox.clear();
    assert.equal(inbox.peek(), undefined);
    assert.equal(inbox.byteLength, 0);
  }
});

function sets(count: number): string {
  return command("SELECT", "0") +
    Array.from({ length: count }, (_, i) => command("SET", `k${i % 100}`, `${i}`)).join("");
}

test("past limits.inboxBytes the socket rests, with a warning, and is read again", async () => {
  const rig = new Rig({ sliceMs: 4, limits: { inboxBytes: 100_000 } });
  const socket = await rig.follow();
  const burst = sets(10_000);
  rig.clock.costMs = 3;
  for (let at = 0; at < burst.length; at += 10_000) socket.send(burst.slice(at, at + 10_000));
  assert.ok(socket.paused);
  const { inboxBytes } = rig.link.status();
  assert.ok(inboxBytes > 100_000 && inboxBytes <= 110_000, `${inboxBytes} bytes wait`);
  assert.ok(rig.messages.some((message) => message.includes("limits.inboxBytes")));
  await rig.clock.turn();
  assert.ok(!socket.paused);
  assert.equal(rig.link.status().appliedOffset, burst.length);
  rig.clock.costMs = 0;
  await rig.stop();
});

test("a master that cuts a link whose inbox was full is told of as OVERRUN", async () => {
  const rig = new Rig({ sliceMs: 4, limits: { inboxBytes: 10_000 } });
  const socket = await rig.follow();
  rig.clock.costMs = 3;
  socket.send(command("SELECT", "0") + command("SET", "k", "1"));
  const burst = sets(2000);
  for (let at = 0; at < burst.length; at += 5000) socket.send(burst.slice(at, at + 5000));
  socket.hangUp();
  await settle();
  await rig.clock.turn();
  rig.clock.costMs = 0;
  assert.equal(rig.link.status().lastError?.code, "OVERRUN");
  await rig.stop();
});

test("what was drained before a cut is applied all the same", async () => {
  const rig = new Rig({ sliceMs: 4 });
  const socket = await rig.follow();
  const burst = sets(3000);
  rig.clock.costMs = 3;
  for (let at = 0; at < burst.length; at += 5000) socket.send(burst.slice(at, at + 5000));
  socket.hangUp();
  await settle();
  assert.ok(rig.link.status().appliedOffset < burst.length);
  await rig.clock.turn();
  rig.clock.costMs = 0;
  assert.equal(rig.link.status().appliedOffset, burst.length);
  assert.equal(rig.link.status().lastError?.code, "DISCONNECTED");
  await rig.retry();
  assert.equal(rig.handshake(), command("PSYNC", REPLID, String(burst.length + 1)));
  await rig.stop();
});

test("a snapshot that was drained whole before a cut needs no second sync", async () => {
  const rig = new Rig({ sliceMs: 4 });
  const socket = await rig.start();
  rig.handshake();
  const keys = Array.from({ length: 20_000 }, (_, i) => ({ key: `key:${i}`, value: "v" }));
  const framed = `+FULLRESYNC ${REPLID} 7\r\n${eofFrame(snapshot(keys))}`;
  rig.clock.costMs = 5;
  for (let at = 0; at < framed.length; at += 50_000) socket.send(framed.slice(at, at + 50_000));
  socket.hangUp();
  await settle();
  assert.match(rig.state, /^transfer/);
  await rig.clock.turn();
  rig.clock.costMs = 0;
  await rig.retry();
  assert.equal(rig.handshake(), command("PSYNC", REPLID, "8"));
  assert.equal(rig.keyspace.keyCount, 20_000);
  await rig.stop();
});

test("stop() while drained bytes wait leaves nothing behind", async () => {
  for (const cut of [false, true]) {
    const rig = new Rig({ sliceMs: 4 });
    const socket = await rig.follow();
    rig.clock.costMs = 3;
    const burst = sets(3000);
    for (let at = 0; at < burst.length; at += 5000) socket.send(burst.slice(at, at + 5000));
    if (cut) socket.hangUp();
    await settle();
    rig.clock.costMs = 0;
    await rig.stop();
    assert.ok(rig.link.status().appliedOffset < burst.length);
  }
});

test("a socket at rest because of us is no silent master", async () => {
  const rig = new Rig({
    sliceMs: 4,
    timeouts: { idleMs: 5000 },
    limits: { inboxBytes: 1000 },
  });
  const socket = await rig.follow();
  rig.clock.costMs = 3;
  for (let i = 0; i < 5; i++) socket.send(sets(100));
  assert.ok(socket.paused);
  rig.clock.costMs = 0;
  // The host sleeps: timers come before the turn in which work would go on.
  rig.clock.time += 20_000;
  for (const [id, { callback }] of [...rig.clock.timers]) {
    rig.clock.timers.delete(id);
    callback();
  }
  assert.ok(!socket.closed);
  await rig.clock.turn();
  assert.equal(rig.link.status().appliedOffset, 5 * sets(100).length);
  assert.ok(!socket.closed);
  await rig.clock.advance(6000);
  assert.equal(rig.link.status().lastError?.code, "IDLE_TIMEOUT");
  await rig.stop();
});

test('resync "flush" empties before it loads, and says so until the new data is whole', async () => {
  const rig = new Rig({ resync: "flush" });
  let socket = await rig.follow([{ key: "old", value: "1" }]);
  socket = await rig.reconnect();
  rig.handshake();
  socket.send(`+FULLRESYNC ${"b".repeat(40)} 9\r\n`);
  assert.equal(rig.get("old"), "1");
  const framed = eofFrame(snapshot([{ key: "new", value: "2" }]));
  socket.send(framed.slice(0, 60));
  assert.equal(rig.get("old"), undefined);
  assert.equal(rig.link.status().emptied, true);
  assert.equal(rig.link.status().hasData, false);
  assert.ok(rig.events.some((event) => event.type === "emptied"));
  socket = await rig.reconnect();
  assert.equal(rig.link.status().emptied, true);
  assert.equal(rig.handshake(), command("PSYNC", "?", "-1"));
  socket.send(`+FULLRESYNC ${"b".repeat(40)} 9\r\n${framed}`);
  assert.equal(rig.get("new"), "2");
  assert.equal(rig.link.status().emptied, false);
  await rig.stop();
});

test("the time since when data may be stale is that of the last byte heard", async () => {
  const rig = new Rig({ timeouts: { idleMs: 30_000 } });
  const socket = await rig.follow();
  await rig.clock.advance(1000);
  socket.send(command("ping"));
  const heardAt = rig.clock.now();
  await rig.clock.advance(31_000);
  assert.equal(rig.link.status().lastError?.code, "IDLE_TIMEOUT");
  assert.equal(rig.link.status().downSinceMs, heardAt);
  await rig.stop();
});
