/**
 * Tokens over a warm restart: the log of touched keys is kept with the snapshot file.
 *
 * @module
 */

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Replica } from "../../../src/replica/replica.ts";
import { TestMaster } from "../../../src/testing/mod.ts";

test("a token of an earlier process gives what came behind its batch", async () => {
  const folder = await mkdtemp(join(tmpdir(), "rimr-feed-"));
  await using master = await TestMaster.start();
  const options = { master: master.url, snapshot: { path: join(folder, "data.rdb") } };
  let token: string | undefined;
  {
    await using first = new Replica(options);
    await first.start();
    await first.ready();
    const stream = first.changes();
    master.call("SET", "a", "1");
    await master.wait(1);
    token = (await stream.next()).value?.token;
    master.call("SET", "b", "2");
    await master.wait(1);
  }
  master.call("SET", "c", "3");
  await using second = new Replica({
    ...options,
    snapshot: { ...options.snapshot, onClose: false },
  });
  await second.start();
  await second.ready();
  const keys: string[] = [];
  for await (const batch of second.changes({ from: token })) {
    assert.equal(batch.control, undefined);
    for (const change of batch.changes) if ("key" in change) keys.push(change.key);
    if (keys.includes("c")) break;
  }
  assert.deepEqual(keys.sort(), ["b", "c"]);
  await rm(folder, { recursive: true });
});
