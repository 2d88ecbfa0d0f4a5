/**
 * What reads give before the first data is whole.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { CommandError, Replica } from "../../mod.ts";
import { TestMaster } from "../../src/testing/mod.ts";
import { READY_MS } from "../replica/pair.ts";

const LOADING = /^CommandError: LOADING/;

const READS: [name: string, read: (replica: Replica) => unknown][] = [
  ["get", (r) => r.get("k")],
  ["bytes.get", (r) => r.bytes.get("k")],
  ["db(3).hgetall", (r) => r.db(3).hgetall("h")],
  ["has", (r) => r.has("k")],
  ["size", (r) => r.size],
  ["keys", (r) => r.keys()],
  ["scan", (r) => [...r.scan()]],
  ["hscan", (r) => [...r.hscan("h")]],
  ["sunion", (r) => r.sunion(["a", "b"])],
  ["call", (r) => r.call("GET", "k")],
  ["callBytes", (r) => r.callBytes("EXISTS", "k")],
];

for (const [name, read] of READS) {
  test(`before the first data is whole, ${name} throws LOADING`, async () => {
    await using master = await TestMaster.start();
    master.call("SET", "k", "v");
    await using replica = new Replica({ master: master.url, logger: false });
    assert.throws(() => read(replica), LOADING);
    assert.match(replica.info("server"), /redis_version/);
    assert.throws(() => replica.call("NONSENSE"), CommandError);
    let atSync: string | undefined;
    replica.on("sync", () => atSync = replica.get("k"));
    await replica.start();
    await replica.ready({ timeoutMs: READY_MS });
    read(replica);
    assert.equal(atSync, "v", "the data is whole when the event says so");
  });
}

test("reads find nothing before the first data with beforeReady: empty", async () => {
  await using master = await TestMaster.start();
  master.call("SET", "k", "v");
  await using replica = new Replica({
    master: master.url,
    logger: false,
    beforeReady: "empty",
  });
  assert.equal(replica.get("k"), undefined);
  assert.equal(replica.call("GET", "k"), null);
  await replica.start();
  await replica.ready({ timeoutMs: READY_MS });
  assert.equal(replica.get("k"), "v");
});

test("reads are answered where nobody is followed", () => {
  assert.equal(new Replica().get("k"), undefined);
});

test("data stays readable once the link is down", async () => {
  const master = await TestMaster.start();
  master.call("SET", "k", "v");
  await using replica = new Replica({ master: master.url, logger: false });
  await replica.start();
  await replica.ready({ timeoutMs: READY_MS });
  await master.close();
  assert.equal(replica.get("k"), "v");
  await replica.close();
  assert.equal(replica.get("k"), "v");
});
