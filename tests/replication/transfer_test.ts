/**
 * Both framings of a snapshot, cut anywhere, damaged anywhere, and what the link does meanwhile.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Crc64 } from "../../src/base/crc64.ts";
import { Prng } from "../../src/base/prng.ts";
import { RdbError } from "../../src/rdb/format/errors.ts";
import { ack, Rig } from "./rig.ts";
import { command, eofFrame, lengthFrame, MARK, OTHER_REPLID, REPLID, snapshot } from "./support.ts";
import { settle } from "../support/clock.ts";
import { bytesOf, textOf } from "../support/bytes.ts";

const KEYS = [
  { key: "a", value: "1" },
  { key: "plain", value: "some text\r\n$3" },
  { db: 3, key: "b", value: MARK, expireAtMs: 4e12 },
];
const STREAM = command("SELECT", "3") + command("SET", "s", "1") + command("MULTI") +
  command("INCR", "n") + command("INCR", "n") + command("EXEC");

const frames: { name: string; frame: string }[] = [
  { name: "$EOF:", frame: eofFrame(snapshot(KEYS)) },
  { name: "$<length>", frame: lengthFrame(snapshot(KEYS)) },
];

/** Sends what a master sends after PSYNC, cut at `cuts`, and checks everything. */
async function receive(frame: string, cuts: readonly number[]): Promise<void> {
  const rig = new Rig();
  const socket = await rig.start();
  rig.handshake();
  const text = `\n+FULLRESYNC ${REPLID} 10\r\n\n\n${frame}${STREAM}`;
  let from = 0;
  for (const cut of [...cuts, text.length]) {
    socket.send(text.slice(from, cut));
    from = cut;
  }
  assert.equal(rig.state, "connected");
  assert.equal(rig.get("plain"), "some text\r\n$3");
  assert.equal(rig.get("b", 3), MARK);
  assert.equal(rig.get("s", 3), "1");
  assert.equal(rig.get("n", 3), "2");
  const status = rig.link.status();
  assert.equal(status.appliedOffset, 10 + STREAM.length);
  assert.equal(status.readOffset, 10 + STREAM.length);
  assert.ok(socket.take().startsWith(ack(10)));
  assert.equal(status.counters.divergences, 0);
  await rig.stop();
}

for (const { name, frame } of frames) {
  const length = frame.length + STREAM.length + 60;
  test(`${name} framing is read whole`, () => receive(frame, []));
  test(`${name} framing is read byte by byte`, () => {
    return receive(frame, Array.from({ length: length - 1 }, (_, i) => i + 1));
  });
  test(`${name} framing is read cut in two at every offset`, async () => {
    for (let cut = 1; cut < length; cut++) await receive(frame, [cut]);
  });
  test(`${name} framing is read at random cuts`, async () => {
    const prng = new Prng(7);
    for (let round = 0; round < 100; round++) {
      const cuts = Array.from({ length: 6 }, () => prng.int(length)).sort((a, b) => a - b);
      await receive(frame, cuts);
    }
  });
}

function withChecksum(rdb: Uint8Array): Uint8Array {
  const crc = new Crc64();
  crc.update(rdb, 0, rdb.length - 8);
  const whole = rdb.slice();
  whole.set(crc.digest(), rdb.length - 8);
  return whole;
}

/** Follows with data, then gets a broken snapshot: nothing may change. */
async function breaks(rest: string, code: string, hangsUp = false): Promise<Rig> {
  const rig = new Rig();
  await rig.follow([{ key: "old", value: "kept" }], 5);
  const socket = await rig.reconnect();
  rig.handshake();
  socket.send(`+FULLRESYNC ${OTHER_REPLID} 9\r\n${rest}`);
  if (hangsUp) {
    assert.equal(rig.state.slice(0, 8), "transfer");
    socket.hangUp();
  }
  await settle();
  const status = rig.link.status();
  assert.equal(status.lastError?.code, code);
  assert.equal(rig.get("old"), "kept");
  assert.equal(rig.keyspace.keyCount, 1);
  assert.equal(status.replid, REPLID);
  assert.equal(status.appliedOffset, 5);
  assert.equal(status.counters.failedSyncs, 1);
  assert.ok(!rig.events.some((event, i) => i > 0 && event.type === "synced" && event.offset === 9));
  return rig;
}

const whole = withChecksum(snapshot(KEYS));
const flipped = whole.slice();
flipped[20] ^= 1;
const broken: { name: string; rest: string; code: string }[] = [
  { name: "a wrong checksum", rest: eofFrame(flipped), code: "SNAPSHOT" },
  {
    name: "another mark at its end",
    rest: eofFrame(whole).slice(0, -40) + OTHER_REPLID,
    code: "SNAPSHOT",
  },
  {
    name: "a length too long by one",
    rest: `$${whole.length + 1}\r\n${textOf(whole)}*`,
    code: "SNAPSHOT",
  },
  {
    name: "a length too short by one",
    rest: `$${whole.length - 1}\r\n${textOf(whole)}`,
    code: "SNAPSHOT",
  },
  { name: "a wrong magic", rest: `$20\r\nNOTREDIS000000000000`, code: "SNAPSHOT" },
  {
    name: "a type nobody knows",
    rest: eofFrame(snapshot([{ key: "x", value: "y", type: 0x60 }])),
    code: "UNSUPPORTED",
  },
  {
    name: "a value longer than can be held",
    rest: `$EOF:${"m".repeat(40)}\r\nREDIS0010\0\x01x\x80\xff\xff\xff\xff`,
    code: "LIMIT",
  },
];
for (const { name, rest, code } of broken) {
  test(`a snapshot with ${name} is ${code} and changes nothing`, async () => {
    const rig = await breaks(rest, code);
    await rig.stop();
  });
}

test("a checksum that is right is accepted", async () => {
  const rig = new Rig();
  const socket = await rig.start();
  rig.handshake();
  socket.send(`+FULLRESYNC ${REPLID} 0\r\n${eofFrame(whole)}`);
  assert.equal(rig.state, "connected");
  await rig.stop();
});

test("a connection cut at any byte of the snapshot changes nothing", async () => {
  const framed = eofFrame(whole);
  for (let cut = 0; cut < framed.length; cut++) {
    const rig = await breaks(framed.slice(0, cut), "DISCONNECTED", true);
    await rig.stop();
  }
});

test("a type without a reader is refused with the decoder's error, and the next attempt is far away", async () => {
  const rig = new Rig();
  const socket = await rig.start();
  rig.handshake();
  const rdb = snapshot([{ key: "a", value: "1" }, { key: "queue", value: "x", type: 6 }]);
  socket.send(`+FULLRESYNC ${REPLID} 0\r\n${eofFrame(rdb)}`);
  await rig.started;
  await settle();
  const { lastError, nextRetryAtMs } = rig.link.status();
  assert.equal(lastError?.code, "UNSUPPORTED");
  assert.ok(lastError.cause instanceof RdbError);
  assert.equal(lastError.cause.type, 6);
  assert.ok(lastError.cause.offset > 0);
  assert.match(lastError.message, /queue/);
  assert.equal(rig.keyspace.keyCount, 0);
  assert.ok(nextRetryAtMs! - rig.clock.now() >= 30_000);
  await rig.clock.advance(29_999);
  assert.equal(rig.net.sockets.length, 1);
  await rig.stop();
});

test("progress counts bytes and keys, with the total where the master says it", async () => {
  const rig = new Rig();
  const socket = await rig.start();
  rig.handshake();
  const rdb = snapshot(KEYS);
  socket.send(`+FULLRESYNC ${REPLID} 3\r\n`);
  assert.equal(rig.link.status().sync?.bytesTotal, undefined);
  socket.send(`$${rdb.length}\r\n`);
  for (const byte of textOf(rdb).slice(0, -1)) {
    await rig.clock.advance(200);
    socket.send(byte);
  }
  const { sync } = rig.link.status();
  assert.equal(sync?.bytesRead, rdb.length - 1);
  assert.equal(sync?.bytesTotal, rdb.length);
  assert.equal(sync?.keys, 3);
  const seen = rig.events.filter((event) => event.type === "syncProgress");
  assert.ok(seen.length >= rdb.length - 2);
  socket.send(bytesOf("\0"));
  assert.equal(rig.link.status().sync, undefined);
  assert.deepEqual(
    rig.events.filter((event) => event.type === "syncStart" || event.type === "synced")
      .map((event) => event.type),
    ["syncStart", "synced"],
  );
  await rig.stop();
});

test("a newline goes to the master each second while a snapshot loads, and only then", async () => {
  const rig = new Rig();
  const socket = await rig.start();
  rig.handshake();
  socket.send(`+FULLRESYNC ${REPLID} 3\r\n`);
  await rig.clock.advance(3000);
  assert.equal(socket.take(), "", "the snapshot has not begun");
  const framed = eofFrame(snapshot(KEYS));
  socket.send(framed.slice(0, 60));
  for (let second = 0; second < 3; second++) {
    await rig.clock.advance(1000);
    assert.equal(socket.take(), "\n");
  }
  socket.send(framed.slice(60));
  assert.equal(socket.take(), ack(3));
  await rig.clock.advance(1000);
  assert.equal(socket.take(), ack(3));
  await rig.stop();
});
