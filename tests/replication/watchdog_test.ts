/**
 * How long a silent master, or a socket that takes nothing, is waited for in each state.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { SocketError } from "../../src/net/socket.ts";
import type { LinkState } from "../../src/replication/types.ts";
import { Rig } from "./rig.ts";
import { command, eofFrame, MARK, REPLID, snapshot } from "./support.ts";
import { settle } from "../support/clock.ts";
import { textOf } from "../support/bytes.ts";

const silent: { state: LinkState; sends: string; code: string; limitMs: number }[] = [
  { state: "receivePingReply", sends: "", code: "HANDSHAKE_TIMEOUT", limitMs: 5000 },
  { state: "receiveCapaReply", sends: "+PONG\r\n", code: "HANDSHAKE_TIMEOUT", limitMs: 5000 },
  {
    state: "receiveVersionReply",
    sends: "+PONG\r\n+OK\r\n",
    code: "HANDSHAKE_TIMEOUT",
    limitMs: 5000,
  },
  {
    state: "receivePsyncReply",
    sends: "+PONG\r\n+OK\r\n+OK\r\n",
    code: "SYNC_TIMEOUT",
    limitMs: 60_000,
  },
  {
    state: "transferHeader",
    sends: `+PONG\r\n+OK\r\n+OK\r\n+FULLRESYNC ${REPLID} 0\r\n`,
    code: "SYNC_TIMEOUT",
    limitMs: 60_000,
  },
  {
    state: "transfer",
    sends: `+PONG\r\n+OK\r\n+OK\r\n+FULLRESYNC ${REPLID} 0\r\n$EOF:${MARK}\r\nREDIS`,
    code: "SYNC_TIMEOUT",
    limitMs: 60_000,
  },
  {
    state: "transferMark",
    sends: `+PONG\r\n+OK\r\n+OK\r\n+FULLRESYNC ${REPLID} 0\r\n$EOF:${MARK}\r\n${
      textOf(snapshot([]))
    }38`,
    code: "SYNC_TIMEOUT",
    limitMs: 60_000,
  },
  {
    state: "connected",
    sends: `+PONG\r\n+OK\r\n+OK\r\n+FULLRESYNC ${REPLID} 0\r\n${eofFrame(snapshot([]))}`,
    code: "IDLE_TIMEOUT",
    limitMs: 60_000,
  },
];
for (const { state, sends, code, limitMs } of silent) {
  test(`a master silent in ${state} is left after ${limitMs} ms with ${code}`, async () => {
    const rig = new Rig();
    const socket = await rig.start();
    socket.send(sends);
    assert.equal(rig.state, state);
    await rig.clock.advance(limitMs - 1);
    assert.ok(!socket.closed);
    await rig.clock.advance(1);
    assert.ok(socket.closed);
    assert.equal(rig.link.status().lastError?.code, code);
    await rig.stop();
  });

  test(`a byte in ${state} is a sign of life`, async () => {
    const rig = new Rig();
    const socket = await rig.start();
    socket.send(sends);
    await rig.clock.advance(limitMs - 1);
    const byte = state === "connected" ? "*" : state === "transfer" ? "0" : "\n";
    socket.send(state === "transferMark" ? "1" : byte);
    await rig.clock.advance(limitMs - 1);
    assert.ok(!socket.closed);
    await rig.clock.advance(1);
    assert.ok(socket.closed);
    await rig.stop();
  });

  test(`stop() in ${state} leaves nothing behind`, async () => {
    const rig = new Rig();
    const socket = await rig.start();
    socket.send(sends);
    assert.equal(rig.state, state);
    await rig.stop();
    if (!state.startsWith("transfer") && state !== "connected") {
      await assert.rejects(rig.started, { code: "STOPPED" });
    }
    assert.ok(socket.closed);
  });

  test(`a connection that closes in ${state} is made again`, async () => {
    const rig = new Rig();
    const socket = await rig.start();
    socket.send(sends);
    socket.hangUp(new SocketError("RESET", "connection reset"));
    await settle();
    const { lastError } = rig.link.status();
    assert.equal(lastError?.code, "DISCONNECTED");
    assert.match(lastError.message, new RegExp(state));
    assert.ok(lastError.cause instanceof SocketError);
    await rig.clock.advance(1000);
    assert.equal(rig.net.sockets.length, 2);
    await rig.stop();
  });
}

test("a limit of 0 waits for ever", async () => {
  const rig = new Rig({ timeouts: { handshakeMs: 0 } });
  const socket = await rig.start();
  await rig.clock.advance(1e8);
  assert.ok(!socket.closed);
  await rig.stop();
});

test("a limit of 0 before one that is not leaves that one watched", async () => {
  const rig = new Rig({ timeouts: { handshakeMs: 0, syncMs: 0 } });
  const socket = await rig.follow();
  await rig.clock.advance(60_000);
  assert.ok(socket.closed);
  assert.equal(rig.link.status().lastError?.code, "IDLE_TIMEOUT");
  await rig.stop();
});

test("bytes that waited while the host slept save the connection", async () => {
  const rig = new Rig();
  const socket = await rig.follow();
  socket.take();
  // The host sleeps past every limit, wakes, and its timers run before its sockets are read.
  rig.clock.time += 120_000;
  rig.clock.soon(() => socket.send(command("ping")));
  await rig.clock.advance(0);
  assert.ok(!socket.closed);
  await rig.stop();
});

test("a socket that takes nothing is left after writeMs", async () => {
  const rig = new Rig({ timeouts: { writeMs: 10_000 } });
  const socket = await rig.follow();
  socket.stuck = true;
  for (let second = 0; second < 10; second++) {
    await rig.clock.advance(1000);
    socket.send(command("ping"));
  }
  assert.ok(!socket.closed);
  await rig.clock.advance(2000);
  assert.equal(rig.link.status().lastError?.code, "WRITE_TIMEOUT");
  await rig.stop();
});

test("ACKs that are sent in their own time are no stuck socket", async () => {
  const rig = new Rig({ timeouts: { writeMs: 10_000 } });
  const socket = await rig.follow();
  for (let second = 0; second < 60; second++) {
    // Each beat finds the socket empty and leaves an ACK in it, which is taken a little later.
    socket.stuck = true;
    await rig.clock.advance(1000);
    assert.ok(socket.pendingBytes > 0);
    socket.stuck = false;
    socket.flush();
    socket.send(command("ping"));
  }
  assert.ok(!socket.closed);
  await rig.stop();
});
