/**
 * A unit test of code that reads a replica, with a master in the same process: nothing to install,
 * nothing to clean up.
 *
 *     deno test -A examples/unit_test.ts
 *
 * @module
 */

import assert from "node:assert/strict";
import test from "node:test";
import { Replica } from "../mod.ts";
import { TestMaster } from "../src/testing/mod.ts";

/** The code under test: what a customer pays. */
function priceOf(replica: Replica, sku: string): number {
  const cents = replica.get(`price:${sku}`);
  if (cents === undefined) throw new RangeError(`No price for ${sku}`);
  return Number(cents) / 100;
}

test("priceOf() follows the master's prices", async () => {
  await using master = await TestMaster.start();
  master.call("SET", "price:tea", "450");
  await using replica = new Replica({ master: master.url });
  await replica.start();
  await replica.ready();

  assert.equal(priceOf(replica, "tea"), 4.5);
  master.call("SET", "price:tea", "400");
  await master.wait(1);
  assert.equal(priceOf(replica, "tea"), 4);
  assert.throws(() => priceOf(replica, "coffee"), RangeError);
});
