import assert from "node:assert/strict";
import { test } from "node:test";
import { SocketError } from "../../src/net/socket.ts";
import { Backoff } from "../../src/replication/backoff.ts";
import { ReplicationError } from "../../src/replication/errors.ts";
import type { LinkState } from "../../src/replication/types.ts";
import { ack, Rig } from "./rig.ts";
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

test("unsent ACKs do not heap up", async () => {
  const rig = new Rig({ timeouts: { writeMs: 0 } });
  const socket = await rig.follow();
  socket.stuck = true;
  socket.send(command("REPLCONF", "GETACK", "*").repeat(10_000));
  assert.ok(socket.pendingBytes < 66_000);
  await rig.stop();
});

test("connectMs goes to the network", async () => {
  const rig = new Rig({ timeouts: { connectMs: 1234 } });
  await rig.start();
  assert.equal(rig.net.connects[0].timeoutMs, 1234);
  await rig.stop();
});

test("stop() while connecting leaves nothing behind", async () => {
  const rig = new Rig();
  rig.net.failures.push("hang");
  const started = rig.link.start();
  started.catch(() => {});
  await settle();
  assert.equal(rig.state, "connecting");
  await rig.stop();
  await assert.rejects(started, { code: "STOPPED" });
});

test("stop() while waiting for credentials leaves nothing behind", async () => {
  const rig = new Rig({ credentials: { password: () => new Promise<string>(() => {}) } });
  rig.link.start().catch(() => {});
  await settle();
  await rig.stop();
});

test("stop() between two attempts leaves nothing behind", async () => {
  const rig = new Rig();
  const socket = await rig.start();
  socket.hangUp();
  await settle();
  assert.equal(rig.state, "connect");
  assert.equal(rig.clock.timers.size, 1);
  await rig.stop();
});

test("stop() from within an event leaves nothing behind", async () => {
  for (const type of ["state", "syncStart", "synced", "disconnected"]) {
    const rig: Rig = new Rig({
      onEvent(event) {
        if (event.type === type) void rig.link.stop();
      },
    });
    const started = rig.link.start();
    started.catch(() => {});
    await settle();
    for (const socket of rig.net.sockets) {
      socket.send(`+PONG\r\n+OK\r\n+OK\r\n+FULLRESYNC ${REPLID} 0\r\n${eofFrame(snapshot([]))}`);
      socket.hangUp();
    }
    await settle();
    await rig.stop();
  }
});

test("a signal ends start() and the link", async () => {
  const rig = new Rig();
  const abort = new AbortController();
  const started = rig.link.start({ signal: abort.signal });
  started.catch(() => {});
  await settle();
  abort.abort();
  await assert.rejects(started, { name: "ReplicationError", code: "STOPPED" });
  await settle();
  assert.equal(rig.state, "none");
  await assert.rejects(rig.link.start({ signal: abort.signal }), { code: "STOPPED" });
  await rig.stop();
});

test("start() waits through failures until a master agrees", async () => {
  const rig = new Rig();
  rig.net.failures.push(
    new SocketError("REFUSED", "refused"),
    new SocketError("REFUSED", "refused"),
  );
  let running = false;
  rig.link.start().then(() => running = true);
  await settle();
  await rig.retry();
  await rig.retry();
  rig.handshake();
  assert.equal(running, false);
  rig.socket.send(`+FULLRESYNC ${REPLID} 0\r\n`);
  await settle();
  assert.equal(running, true);
  await rig.link.start();
  await rig.stop();
});

test("a link can be started again after stop() and goes on where it was", async () => {
  const rig = new Rig();
  const socket = await rig.follow();
  socket.send(command("SELECT", "4") + command("SET", "k", "1"));
  await rig.stop();
  rig.link.start().catch(() => {});
  await settle();
  assert.equal(rig.handshake(), command("PSYNC", REPLID, "51"));
  rig.socket.send(`+CONTINUE\r\n${command("SET", "k", "2")}`);
  assert.equal(rig.get("k", 4), "2");
  assert.equal(rig.socket.take(), ack(50));
  await rig.stop();
});

test("synced() resolves when the data is whole", async () => {
  const rig = new Rig();
  const socket = await rig.start();
  let whole = false;
  rig.link.synced().then(() => whole = true);
  rig.handshake();
  socket.send(`+FULLRESYNC ${REPLID} 0\r\n`);
  await settle();
  assert.equal(whole, false);
  socket.send(eofFrame(snapshot([])));
  await settle();
  assert.equal(whole, true);
  await rig.link.synced();
  await rig.stop();
});

test("synced() rejects when the sync is bound to fail again, and on stop()", async () => {
  const rig = new Rig();
  const socket = await rig.start();
  const first = rig.link.synced();
  first.catch(() => {});
  rig.handshake();
  const rdb = snapshot([{ key: "k", value: "v", type: 0x60 }]);
  socket.send(`+FULLRESYNC ${REPLID} 0\r\n${eofFrame(rdb)}`);
  await assert.rejects(first, { code: "UNSUPPORTED" });
  const second = rig.link.synced();
  second.catch(() => {});
  await rig.stop();
  await assert.rejects(second, { code: "STOPPED" });
});

test("events tell the lifecycle in order", async () => {
  const rig = new Rig();
  await rig.follow();
  await rig.reconnect();
  rig.handshake();
  rig.socket.send("+CONTINUE\r\n");
  await rig.stop();
  const told = rig.events.flatMap((event) => {
    if (event.type === "state") return event.state === "connected" ? ["connected"] : [];
    return [event.type === "synced" ? `synced ${event.kind}` : event.type];
  });
  assert.deepEqual(told, [
    "syncStart",
    "connected",
    "synced full",
    "disconnected",
    "connected",
    "synced partial",
  ]);
});

test("a listener that throws is logged and stops nothing", async () => {
  const rig = new Rig({
    onEvent() {
      throw new Error("not my day");
    },
  });
  await rig.follow();
  assert.ok(rig.messages.some((message) => message.includes("not my day")));
  await rig.stop();
});

function pauses(code: "DISCONNECTED" | "UNSUPPORTED" | "LOADING", random: number): number[] {
  const backoff = new Backoff({}, () => random);
  return Array.from({ length: 8 }, () => backoff.next(new ReplicationError(code, "")));
}

test("Backoff doubles up to its maximum after ordinary failures", () => {
  assert.deepEqual(pauses("DISCONNECTED", 1), [1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000]);
});

test("Backoff takes up to half away at random", () => {
  assert.deepEqual(pauses("DISCONNECTED", 0), [500, 1000, 2000, 4000, 8000, 15000, 15000, 15000]);
});

test("Backoff does not grow while the master asks for a moment", () => {
  assert.deepEqual(new Set(pauses("LOADING", 1)), new Set([1000]));
});

test("Backoff waits long where the next sync is bound to fail", () => {
  const minute = 60_000;
  assert.deepEqual(
    pauses("UNSUPPORTED", 1),
    [1, 2, 4, 8, 15, 15, 15, 15].map((minutes) => minutes * minute),
  );
});

test("a full sync that does not hold does not reset the pauses; one that holds does", async () => {
  const rig = new Rig();
  const pausesSeen: number[] = [];
  await rig.follow();
  for (const heldMs of [100, 100, 100, 11_000]) {
    await rig.clock.advance(heldMs);
    rig.socket.hangUp();
    await settle();
    const { nextRetryAtMs } = rig.link.status();
    pausesSeen.push(nextRetryAtMs! - rig.clock.now());
    await rig.retry();
    rig.handshake();
    rig.socket.send(`+FULLRESYNC ${REPLID} 0\r\n${eofFrame(snapshot([]))}`);
  }
  assert.deepEqual(pausesSeen, [1000, 2000, 4000, 1000]);
  await rig.stop();
});

test("retryNow() cuts the pause short", async () => {
  const rig = new Rig();
  const socket = await rig.start();
  socket.hangUp();
  await settle();
  rig.link.retryNow();
  await settle();
  assert.equal(rig.net.sockets.length, 2);
  await rig.stop();
});
