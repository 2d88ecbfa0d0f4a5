/**
 * Our own link as a replica of a TestMaster, on a network of memory that cuts, delays and resets, and on
 * the runtime's own: after it all both hold the same. `SEED=n` repeats a run.
 *
 * @module
 */

import assert from "node:assert/strict";
import { env } from "node:process";
import { test } from "node:test";
import { latin1 } from "../../src/base/ascii.ts";
import { BytesRef } from "../../src/base/byte_buffer.ts";
import { systemClock } from "../../src/base/clock.ts";
import { Prng } from "../../src/base/prng.ts";
import type { Host } from "../../src/commands/engine/host.ts";
import { readString } from "../../src/store/types/string.ts";
import { MemoryNet } from "../support/memory_net.ts";
import { loadNet } from "../../src/net/runtime.ts";
import type { Net } from "../../src/net/socket.ts";
import { createStreamExecutor } from "../../src/replication/executor.ts";
import { ReplicationLink } from "../../src/replication/link.ts";
import { Keyspace } from "../../src/store/keyspace/keyspace.ts";
import { CommandError, TestMaster } from "../../src/testing/mod.ts";
import { SHORT_EXPIRY_MS, Traffic } from "../support/traffic.ts";
import { until } from "../support/waiting.ts";
import { eachKey } from "../support/entries.ts";

const SEED = Number(env.SEED ?? 1);
const DATABASES = 3;

/** Every key with its value and expiry, as text. */
function contents(keyspace: Keyspace): Map<string, string> {
  const found = new Map<string, string>();
  const value = new BytesRef();
  eachKey(keyspace, ({ index, db, entry, key }) => {
    readString(db, entry, value);
    const text = latin1(value.bytes, value.start, value.end);
    const name = `${index}/${latin1(key.bytes, key.start, key.end)}`;
    found.set(name, `${text} until ${db.expireAtMs(entry)}`);
  });
  return found;
}

function follow(master: TestMaster, net: Net): { keyspace: Keyspace; link: ReplicationLink } {
  const random = Math.random;
  const keyspace = new Keyspace({ random });
  const host = { role: "slave", databases: 0x7fffffff } as Host;
  const link = new ReplicationLink({
    net,
    clock: systemClock,
    random,
    keyspace,
    executor: createStreamExecutor({ keyspace, random, host }),
    address: master.address,
    announce: { port: 7000 },
    backoff: { minMs: 5, maxMs: 20 },
  });
  return { keyspace, link };
}

/** Refusals are part of the traffic. */
function write(master: TestMaster, traffic: Traffic, count: number): void {
  for (const command of traffic.batch(count)) {
    try {
      master.callBytes(...command);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
    }
  }
}

async function followsThrough(net: Net, faults: (on: boolean) => void): Promise<TestMaster> {
  await using master = await TestMaster.start({ net, backlogBytes: 4_000_000 });
  const traffic = new Traffic({ seed: SEED, version: "7.0.15", databases: DATABASES, keys: 500 });
  write(master, traffic, 2000);
  const { keyspace, link } = follow(master, net);
  await link.start();
  await until("the first sync", () => link.status().appliedOffset >= 0 && master.fullSyncs === 1);
  await until("the replica is online", () => master.replicas[0]?.state === "online");
  faults(true);
  for (let round = 0; round < 60; round++) {
    write(master, traffic, 100);
    if (round % 20 === 10) master.dropReplicas();
    if (round === 40) master.promote();
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
  faults(false);
  await new Promise((resolve) => setTimeout(resolve, SHORT_EXPIRY_MS + 20));
  master.expireNow();
  await until(`the link caught up (SEED=${SEED})`, () => {
    return link.status().appliedOffset === master.offset && master.offset > 0;
  });
  assert.deepEqual(contents(keyspace), contents(master.keyspace));
  assert.equal(await master.wait(1, 5000), 1);
  await link.stop();
  return master;
}

test("our link follows a TestMaster through cuts, delays and promotions", async () => {
  const net = new MemoryNet({ prng: new Prng(SEED), faults: { maxChunkBytes: 700 } });
  const master = await followsThrough(net, (on) => {
    Object.assign(net.faults, { cutOneIn: on ? 400 : 0 });
  });
  assert.ok(master.partialSyncs >= 1, "some syncs were partial");
});

test("our link follows a TestMaster over the runtime's own network", async () => {
  const master = await followsThrough(await loadNet(), () => {});
  assert.equal(master.fullSyncs, 1);
  assert.ok(master.partialSyncs >= 3);
});
