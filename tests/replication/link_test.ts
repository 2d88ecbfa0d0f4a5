/**
 * A link over its connections: start, stop, synced, events, and a master that moves while the link is in any
 * state.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Address, SocketError } from "../../src/net/socket.ts";
import { ack, Rig } from "./rig.ts";
import { command, eofFrame, FakeNet, type FakeSocket, REPLID, snapshot } from "./support.ts";
import { settle } from "../support/clock.ts";

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

test("synced() tells of a sync that was bound to fail again before anybody waited, once", async () => {
  const rig = new Rig();
  const socket = await rig.start();
  rig.handshake();
  const rdb = snapshot([{ key: "k", value: "v", type: 0x60 }]);
  socket.send(`+FULLRESYNC ${REPLID} 0\r\n${eofFrame(rdb)}`);
  await settle();
  assert.equal(rig.link.status().lastError?.code, "UNSUPPORTED");
  await assert.rejects(rig.link.synced(), { code: "UNSUPPORTED" });
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

function at(port: number): Address {
  return { transport: "tcp", host: "127.0.0.1", port };
}

/** A link that looks for its master at `rig.port`. */
class MovingRig extends Rig {
  port: number;

  constructor() {
    super({ locate: () => Promise.resolve(at(this.port)) });
    this.port = 1;
  }

  move(): void {
    this.port = 2;
    this.link.relocate("moved");
  }
}

test("a switch while the socket is being connected gives that up at once", async () => {
  const rig = new MovingRig();
  rig.net.failures.push("hang");
  rig.link.start().catch(() => {});
  await settle();
  assert.equal(rig.state, "connecting");
  rig.move();
  await settle();
  assert.equal(rig.state, "connect");
  assert.equal(rig.link.status().lastError?.code, "SWITCHED");
  const socket = await rig.retry();
  assert.deepEqual(socket.remote, at(2));
  assert.match(rig.handshake(socket), /PSYNC/);
  await rig.link.stop();
  assert.equal(rig.clock.timers.size, 0);
});

test("a switch while the master is looked for has it looked for anew", async () => {
  const asked: AbortSignal[] = [];
  const rig = new Rig({
    locate: (signal) => {
      asked.push(signal);
      if (asked.length > 1) return Promise.resolve(at(2));
      return new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(new Error("given up")));
      });
    },
  });
  rig.link.start().catch(() => {});
  await settle();
  rig.link.relocate("moved");
  await settle();
  assert.ok(asked[0].aborted);
  assert.deepEqual((await rig.retry()).remote, at(2));
  await rig.link.stop();
  assert.equal(rig.clock.timers.size, 0);
});

test("a switch just when the socket is there closes it", async () => {
  let connected: (socket: FakeSocket) => void = () => {};
  class SlowNet extends FakeNet {
    override async connect(options: Parameters<FakeNet["connect"]>[0]) {
      const socket = await super.connect(options) as FakeSocket;
      connected(socket);
      return socket;
    }
  }
  const net = new SlowNet();
  const rig = new Rig({ net });
  connected = () => rig.link.relocate("moved");
  rig.link.start().catch(() => {});
  await settle();
  connected = () => {};
  assert.equal(rig.state, "connect");
  assert.ok(net.sockets[0].closed);
  await rig.clock.advance(1000);
  assert.equal(net.sockets[1].take(), command("PING"));
  await rig.link.stop();
  assert.equal(rig.clock.timers.size, 0);
});

test("a switch while following leaves the old master for the new one", async () => {
  const rig = new MovingRig();
  const first = await rig.follow();
  rig.move();
  await settle();
  assert.ok(first.closed);
  assert.deepEqual((await rig.retry()).remote, at(2));
  await rig.link.stop();
});

test("a switch to where the connection leads already keeps it", async () => {
  const rig = new MovingRig();
  const first = await rig.follow();
  rig.link.relocate("moved", at(1));
  await settle();
  assert.equal(first.closed, false);
  rig.port = 2;
  rig.link.relocate("moved", at(2));
  await settle();
  assert.ok(first.closed);
  assert.deepEqual((await rig.retry()).remote, at(2));
  await rig.link.stop();
});

test("follow() leads to the server it names at once, and goes on with what was applied", async () => {
  const rig = new Rig();
  const first = await rig.follow([], 7);
  rig.link.follow(at(2), "REPLICAOF");
  assert.deepEqual(rig.link.status().address, at(2));
  await settle();
  assert.ok(first.closed);
  assert.equal(rig.link.status().nextRetryAtMs, rig.clock.now());
  const second = await rig.retry();
  assert.deepEqual(second.remote, at(2));
  assert.equal(rig.handshake(second), command("PSYNC", REPLID, "8"));
  // Without anybody to ask, it stays the master.
  assert.deepEqual((await rig.reconnect()).remote, at(2));
  await rig.stop();
});

test("follow() holds for one connection where the master is looked up", async () => {
  const rig = new MovingRig();
  await rig.follow();
  rig.link.follow(at(9), "REPLICAOF");
  await settle();
  assert.deepEqual((await rig.retry()).remote, at(9));
  assert.deepEqual((await rig.reconnect()).remote, at(1));
  await rig.link.stop();
});

test("follow() during a pause ends it", async () => {
  const rig = new Rig();
  const first = await rig.follow();
  first.hangUp();
  await settle();
  rig.link.follow(at(2), "REPLICAOF");
  await settle();
  assert.deepEqual(rig.socket.remote, at(2));
  await rig.stop();
});
