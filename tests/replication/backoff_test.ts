/**
 * The pauses between two connections.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Backoff } from "../../src/replication/backoff.ts";
import { ReplicationError } from "../../src/replication/errors.ts";
import { Rig } from "./rig.ts";
import { eofFrame, REPLID, snapshot } from "./support.ts";
import { settle } from "../support/clock.ts";

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
