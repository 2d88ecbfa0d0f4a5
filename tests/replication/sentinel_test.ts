/**
 * Which sentinels are believed, after one failover and after several.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Address, formatAddress } from "../../src/net/socket.ts";
import { SentinelWatch } from "../../src/replication/sentinel.ts";
import { command, FakeNet, type FakeSocket } from "./support.ts";
import { ManualClock, settle } from "../support/clock.ts";

function at(port: number): Address {
  return { transport: "tcp", host: "127.0.0.1", port };
}

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

  /** What one sentinel publishes, when it is subscribed to. */
  async publish(sentinel: number, channel: string, text: string): Promise<void> {
    const socket = this.#subscriptions.get(sentinel);
    assert.ok(socket !== undefined && !socket.closed, `${sentinel} is subscribed to`);
    socket.send(command("message", channel, text));
    for (let i = 0; i < 10; i++) await this.answer();
  }

  /** A failover as the sentinel publishes it once it is over, or has heard of it. */
  async switched(sentinel: number, from: number, to: number): Promise<void> {
    await this.publish(sentinel, "+switch-master", `m 127.0.0.1 ${from} 127.0.0.1 ${to}`);
  }

  /** The socket of each subscription, by the sentinel's port. */
  readonly #subscriptions: Map<number, FakeSocket> = new Map();

  /** Ends a sentinel's subscription from its side. */
  hangUp(sentinel: number): void {
    this.#subscriptions.get(sentinel)?.hangUp();
  }

  async answer(): Promise<void> {
    await settle();
    for (const socket of this.net.sockets) {
      const asked = socket.closed ? "" : socket.take();
      const { port } = socket.remote as { port: number };
      // Questions are pipelined: each begins with the count of its words.
      for (const one of asked.split(/(?=\*\d+\r\n)/)) {
        if (one.startsWith("*2\r\n$9\r\nSUBSCRIBE")) this.#subscriptions.set(port, socket);
        if (one !== "") socket.send(this.#reply(one, port));
      }
    }
  }

  #reply(asked: string, port: number): string {
    if (asked === command("ROLE")) return "*1\r\n$6\r\nmaster\r\n";
    if (asked === command("SENTINEL", "SENTINELS", "m")) return "*0\r\n";
    if (asked === command("PING")) return command("pong", "");
    for (const channel of ["+switch-master", "+promoted-slave"]) {
      if (asked !== command("SUBSCRIBE", channel)) continue;
      return `*3\r\n$9\r\nsubscribe\r\n$${channel.length}\r\n${channel}\r\n:1\r\n`;
    }
    const said = this.says.get(port)!;
    if (asked === command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "m")) {
      return command("127.0.0.1", String(said.port));
    }
    assert.equal(asked, command("SENTINEL", "MASTER", "m"));
    // The address is the old one until the failover is over.
    return command("ip", "127.0.0.1", "port", "11", "config-epoch", String(said.epoch));
  }
}

test("a promotion is followed at once, and sentinels that have not heard of it are not believed", async () => {
  const town = new Town(1, 2);
  assert.equal(await town.locate(), 11);
  await town.subscribe();
  town.tells(1, 12, 1);
  await town.publish(1, "+promoted-slave", "slave 127.0.0.1:12 127.0.0.1 12 @ m 127.0.0.1 11");
  assert.deepEqual(town.switches, ["127.0.0.1:12"]);
  // The one that published it is asked first; without it nobody is believed.
  assert.equal(await town.locate(), 12);
  town.tells(1, 11, 0);
  assert.match(String(await town.locate()), /127\.0\.0\.1:11 of configuration epoch 0, and 1/);
  town.tells(2, 12, 1);
  assert.equal(await town.locate(), 12);
  await town.watch.stop();
});

test("every sentinel is subscribed to, and the first that tells of a failover is enough", async () => {
  for (const first of [1, 2, 3]) {
    const town = new Town(1, 2, 3);
    assert.equal(await town.locate(), 11);
    await town.subscribe();
    town.tells(first, 12, 1);
    await town.switched(first, 11, 12);
    assert.deepEqual(town.switches, ["127.0.0.1:12"]);
    for (const port of [1, 2, 3]) {
      town.tells(port, 12, 1);
      await town.switched(port, 11, 12);
    }
    assert.equal(town.switches.length, 1, "a failover is told once");
    await town.watch.stop();
  }
});

test("a message about an earlier failover that comes late leads nowhere", async () => {
  const town = new Town(1, 2);
  assert.equal(await town.locate(), 11);
  await town.subscribe();
  town.tells(1, 13, 2);
  await town.switched(1, 12, 13);
  town.tells(2, 12, 1);
  await town.switched(2, 11, 12);
  assert.deepEqual(town.switches, ["127.0.0.1:13"]);
  assert.equal(await town.locate(), 13);
  await town.watch.stop();
});

test("messages about other masters and of other forms are passed over", async () => {
  const town = new Town(1);
  assert.equal(await town.locate(), 11);
  await town.subscribe();
  town.tells(1, 12, 1);
  await town.publish(1, "+switch-master", "other 127.0.0.1 11 127.0.0.1 12");
  await town.publish(1, "+promoted-slave", "slave m 127.0.0.1 12 @ other 127.0.0.1 11");
  await town.publish(1, "+promoted-slave", "m");
  await town.publish(1, "+switch-master", "");
  assert.deepEqual(town.switches, []);
  await town.watch.stop();
});

test("a subscription that breaks is made again", async () => {
  const town = new Town(1);
  assert.equal(await town.locate(), 11);
  await town.subscribe();
  town.hangUp(1);
  // What happens meanwhile is asked for once the subscription stands again.
  town.tells(1, 12, 1);
  await town.clock.advance(5000);
  for (let i = 0; i < 20; i++) await town.answer();
  assert.deepEqual(town.switches, ["127.0.0.1:12"]);
  town.tells(1, 13, 2);
  await town.switched(1, 12, 13);
  assert.deepEqual(town.switches, ["127.0.0.1:12", "127.0.0.1:13"]);
  await town.watch.stop();
});

test("a failover back to the master before is believed", async () => {
  const town = new Town(1);
  assert.equal(await town.locate(), 11);
  await town.subscribe();
  town.tells(1, 12, 1);
  await town.switched(1, 11, 12);
  assert.equal(await town.locate(), 12);
  town.tells(1, 11, 2);
  assert.equal(await town.locate(), 11);
  await town.watch.stop();
});

test("sentinels that were all set up anew are believed after three minutes", async () => {
  const town = new Town(1);
  town.tells(1, 12, 5);
  assert.equal(await town.locate(), 12);
  await town.subscribe();
  town.tells(1, 13, 0);
  assert.equal(typeof await town.locate(), "string");
  await town.clock.advance(179_000);
  assert.equal(typeof await town.locate(), "string");
  await town.clock.advance(1000);
  assert.equal(typeof await town.locate(), "string");
  assert.equal(await town.locate(), 13);
  await town.watch.stop();
});
