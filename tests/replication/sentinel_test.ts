/**
 * Which sentinels are believed, after one failover and after several.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Address, formatAddress } from "../../src/net/socket.ts";
import { SentinelWatch } from "../../src/replication/sentinel.ts";
import { command, FakeNet } from "./support.ts";
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
