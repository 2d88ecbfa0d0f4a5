/**
 * The pauses between two connections.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Backoff } from "../../src/replication/backoff.ts";
import { SocketError } from "../../src/net/socket.ts";
import { ReplicationError } from "../../src/replication/errors.ts";
import { Rig } from "./rig.ts";
import { eofFrame, REPLID, snapshot } from "./support.ts";
import { settle } from "../support/clock.ts";

type Code = ConstructorParameters<typeof ReplicationError>[0];

function pauses(code: Code, random: number, tookSnapshot = false): number[] {
  const backoff = new Backoff({}, () => random);
  return Array.from({ length: 8 }, () => {
    return backoff.next(new ReplicationError(code, ""), tookSnapshot);
  });
}

const SECONDS = Array.from({ length: 8 }, () => 1000);

for (
  const code of ["CONNECT", "DISCONNECTED", "HANDSHAKE_TIMEOUT", "LOADING", "NO_MASTER"] as const
) {
  test(`Backoff tries each second for ever after ${code}, which costs the master nothing`, () => {
    assert.deepEqual(pauses(code, 1), SECONDS);
  });
}

test("Backoff doubles up to its maximum where a snapshot was begun and did not hold", () => {
  const doubling = [1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000];
  assert.deepEqual(pauses("DISCONNECTED", 1, true), doubling);
  assert.deepEqual(pauses("STREAM", 1), doubling, "the next connection needs a snapshot");
});

test("Backoff doubles up to its maximum where only an owner can mend it", () => {
  assert.deepEqual(pauses("WRONGPASS", 1), [1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000]);
});

test("Backoff takes up to half away at random", () => {
  assert.deepEqual(pauses("CONNECT", 0), SECONDS.map((ms) => ms / 2));
  assert.deepEqual(
    pauses("DISCONNECTED", 0, true),
    [500, 1000, 2000, 4000, 8000, 15000, 15000, 15000],
  );
});

test("Backoff does not wait for a master that another one was named in place of", () => {
  assert.deepEqual(new Set(pauses("SWITCHED", 1)), new Set([0]));
});

test("Backoff grows for failures of one kind only by failures of that kind", () => {
  const backoff = new Backoff({}, () => 1);
  const next = (code: Code, tookSnapshot = false) => {
    return backoff.next(new ReplicationError(code, ""), tookSnapshot);
  };
  for (let i = 0; i < 20; i++) assert.equal(next("CONNECT"), 1000);
  assert.equal(next("DISCONNECTED", true), 1000);
  assert.equal(next("CONNECT"), 1000);
  assert.equal(next("DISCONNECTED", true), 2000);
  assert.equal(next("UNSUPPORTED", true), 60_000);
  assert.equal(next("DISCONNECTED", true), 4000);
  backoff.reset();
  assert.equal(backoff.failures, 0);
  assert.equal(next("DISCONNECTED", true), 1000);
});

test("Backoff keeps to a least pause above the usual greatest one", () => {
  const backoff = new Backoff({ minMs: 45_000, doomedMs: 1_000_000 }, () => 1);
  for (let i = 0; i < 3; i++) {
    assert.equal(backoff.next(new ReplicationError("DISCONNECTED", ""), true), 45_000);
    assert.equal(backoff.next(new ReplicationError("UNSUPPORTED", ""), true), 1_000_000);
  }
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

test("a master that cannot be reached is tried each second, and warned of once", async () => {
  const warnings: string[] = [];
  const rig = new Rig({
    logger: {
      debug() {},
      info() {},
      warn: (message) => void warnings.push(message),
      error: (message) => void warnings.push(message),
    },
  });
  await rig.follow();
  rig.net.failures.push(...Array.from({ length: 30 }, () => new SocketError("REFUSED", "refused")));
  rig.socket.hangUp();
  await settle();
  for (let i = 0; i < 30; i++) {
    const { nextRetryAtMs } = rig.link.status();
    assert.equal(nextRetryAtMs! - rig.clock.now(), 1000);
    await rig.clock.advance(1000);
  }
  assert.equal(warnings.length, 2, "the connection that broke, and the refusals");
  await rig.stop();
});

test("handshakes that are cut are tried again each second", async () => {
  const rig = new Rig();
  await rig.follow();
  for (let i = 0; i < 11; i++) {
    rig.socket.hangUp();
    await settle();
    assert.equal(rig.link.status().nextRetryAtMs! - rig.clock.now(), 1000);
    const socket = await rig.retry();
    if (i % 2 === 0) rig.handshake(socket);
  }
  await rig.stop();
});
