/** Links whose master is found, and becomes another one, wherever the link stands. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Address, formatAddress } from "../../src/net/socket.ts";
import { SentinelWatch } from "../../src/replication/sentinel.ts";
import { Rig } from "./rig.ts";
import { command, FakeNet, type FakeSocket } from "./support.ts";
import { ManualClock, settle } from "../support/clock.ts";

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

/** Sentinels and masters that answer as told; a port below 10 is a sentinel's. */
class Town {
  readonly net: FakeNet = new FakeNet();
  readonly clock: ManualClock = new ManualClock();
  readonly switches: string[] = [];
  /** What each sentinel says: the master's port and the configuration epoch. */
  readonly says: Map<number, { port: number; epoch: number }> = new Map();
  readonly watch: SentinelWatch;

  constructor(...sentinels: number[]) {
    for (const port of sentinels) this.tells(port, 11, 0);
    this.watch = new SentinelWatch({
      net: this.net,
      clock: this.clock,
      sentinels: sentinels.map(at),
      name: "m",
      master: {},
      timeouts: { connectMs: 0, handshakeMs: 0 },
      onSwitch: (to) => void this.switches.push(formatAddress(to)),
    });
  }

  tells(sentinel: number, port: number, epoch: number): void {
    this.says.set(sentinel, { port, epoch });
  }

  /** The port of the master, or what is told when there is none. */
  async locate(): Promise<number | string> {
    let answer: number | string | undefined;
    this.watch.locate(new AbortController().signal).then(
      (address) => answer = address.transport === "tcp" ? address.port : 0,
      (error) => answer = String(error),
    );
    while (answer === undefined) await this.answer();
    return answer;
  }

  /** Lets the subscription be made. */
  async subscribe(): Promise<void> {
    await this.clock.advance(0);
    for (let i = 0; i < 20; i++) await this.answer();
  }

  /** What the sentinel that is subscribed to publishes. */
  async publish(from: number, to: number): Promise<void> {
    const text = `m 127.0.0.1 ${from} 127.0.0.1 ${to}`;
    for (const socket of this.net.sockets) {
      if (!socket.closed) socket.send(command("message", "+switch-master", text));
    }
    await settle();
  }

  async answer(): Promise<void> {
    await settle();
    for (const socket of this.net.sockets) {
      const asked = socket.closed ? "" : socket.take();
      if (asked !== "") socket.send(this.#reply(asked, socket.remote as { port: number }));
    }
  }

  #reply(asked: string, { port }: { readonly port: number }): string {
    if (asked === command("ROLE")) return "*1\r\n$6\r\nmaster\r\n";
    if (asked === command("SENTINEL", "SENTINELS", "m")) return "*0\r\n";
    if (asked === command("SUBSCRIBE", "+switch-master")) {
      return "*3\r\n$9\r\nsubscribe\r\n$14\r\n+switch-master\r\n:1\r\n";
    }
    assert.equal(asked, command("SENTINEL", "MASTER", "m"));
    const said = this.says.get(port)!;
    return command(
      ...["ip", "127.0.0.1", "port", String(said.port), "config-epoch", String(said.epoch)],
    );
  }
}

test("a sentinel that has not heard of a failover is not believed", async () => {
  const town = new Town(1, 2);
  assert.equal(await town.locate(), 11);
  await town.subscribe();
  await town.publish(11, 12);
  assert.deepEqual(town.switches, ["127.0.0.1:12"]);
  assert.match(String(await town.locate()), /127\.0\.0\.1:11 and has not heard of the failover/);
  town.tells(2, 12, 1);
  assert.equal(await town.locate(), 12);
  // From now on it is the epoch that tells.
  town.tells(2, 11, 0);
  assert.match(String(await town.locate()), /epoch 0, and 1 is known/);
  await town.watch.stop();
});

test("a failover whose epoch was known before it was told of is believed at once", async () => {
  const town = new Town(1, 2);
  assert.equal(await town.locate(), 11);
  await town.subscribe();
  // Who leads it counts up first, and names the new master only when its other replicas follow that.
  town.tells(1, 11, 1);
  town.tells(2, 11, 1);
  assert.equal(await town.locate(), 11);
  await town.publish(11, 12);
  town.tells(1, 12, 1);
  town.tells(2, 11, 0);
  assert.equal(await town.locate(), 12);
  await town.watch.stop();
});

test("a failover back to the master before is believed", async () => {
  const town = new Town(1);
  assert.equal(await town.locate(), 11);
  await town.subscribe();
  await town.publish(11, 12);
  town.tells(1, 12, 1);
  assert.equal(await town.locate(), 12);
  town.tells(1, 11, 2);
  assert.equal(await town.locate(), 11);
  await town.watch.stop();
});

test("sentinels that were all set up anew are believed in the end", async () => {
  const town = new Town(1);
  assert.equal(await town.locate(), 11);
  await town.subscribe();
  await town.publish(11, 12);
  town.tells(1, 13, 0);
  for (let round = 0; round < 10; round++) assert.equal(typeof await town.locate(), "string");
  assert.equal(await town.locate(), 13);
  await town.watch.stop();
});
