/**
 * When the event loop is kept awake, and that it is let go again.
 *
 * @module
 */

import assert from "node:assert/strict";
import test from "node:test";
import { type Clock, systemClock } from "../../src/base/clock.ts";
import { BusyPoll } from "../../src/net/busy_poll.ts";
import { Connection, type Wire } from "../../src/net/connection.ts";
import type { Address } from "../../src/net/socket.ts";

/** Time and turns, both by hand. */
class Turns {
  ms: number = 0;
  readonly due: (() => void)[] = [];
  readonly clock: Clock = {
    ...systemClock,
    monotonic: () => this.ms,
    soon: (callback) => void this.due.push(callback),
  };

  /** Runs the one turn that was asked for, and no other. */
  run(): void {
    assert.equal(this.due.length, 1);
    this.due.shift()!();
  }
}

const NEAR: Address = { transport: "tcp", host: "127.0.0.1", port: 6379 };

test("BusyPoll turns for a moment after bytes and then rests", () => {
  const turns = new Turns();
  const poll = new BusyPoll(turns.clock);
  poll.on = true;
  assert.equal(turns.due.length, 0, "nothing before the first bytes");
  poll.stir();
  for (let i = 0; i < 5; i++) turns.run();
  turns.ms = 0.9;
  poll.stir();
  turns.run();
  turns.ms = 1.8;
  turns.run();
  turns.ms = 1.9;
  turns.run();
  assert.equal(turns.due.length, 0, "a moment without bytes");
  poll.stir();
  turns.run();
  assert.equal(turns.due.length, 1, "and again");
});

test("BusyPoll ends at once when it is off, and does nothing before it is on", () => {
  const turns = new Turns();
  const poll = new BusyPoll(turns.clock);
  poll.stir();
  assert.equal(turns.due.length, 0);
  poll.on = true;
  poll.stir();
  turns.run();
  poll.on = false;
  turns.run();
  assert.equal(turns.due.length, 0);
});

test("BusyPoll is for peers on this machine, and where the peer has a processor", () => {
  const { hardwareConcurrency } = navigator;
  const near: Address[] = [
    NEAR,
    { transport: "tcp", host: "127.8.8.8", port: 1 },
    { transport: "tcp", host: "::1", port: 1 },
    { transport: "unix", path: "/tmp/redis.sock" },
  ];
  for (const address of near) {
    const poll = BusyPoll.for(address, systemClock);
    assert.equal(poll !== undefined, hardwareConcurrency > 1, JSON.stringify(address));
  }
  for (const host of ["192.0.2.1", "2001:db8::1", "12.0.0.1", ""]) {
    assert.equal(BusyPoll.for({ transport: "tcp", host, port: 1 }, systemClock), undefined, host);
  }
});

test("a connection stirs its wire's BusyPoll while it is asked to, and until it is closed", async () => {
  const turns = new Turns();
  const wire: Wire = {
    busyPoll: new BusyPoll(turns.clock),
    write: (_bytes, start, end) => end - start,
    resume() {},
    pause() {},
    shutdown() {},
    destroy() {},
  };
  const connection = new Connection(NEAR, NEAR, systemClock, () => wire);
  connection.start({ onData() {}, onClose() {} });
  await Promise.resolve();
  connection.received(Uint8Array.of(1));
  assert.equal(turns.due.length, 0);
  connection.busyPoll(true);
  connection.received(Uint8Array.of(2));
  turns.run();
  assert.equal(turns.due.length, 1);
  connection.abort();
  turns.run();
  connection.busyPoll(true);
  connection.received(Uint8Array.of(3));
  assert.equal(turns.due.length, 0);
});
