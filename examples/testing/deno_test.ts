/**
 * A test of code that reads a replica, with a master in the same process: nothing to install, nothing to clean up.
 *
 *     deno test -A examples/testing/deno_test.ts
 *
 * @module
 */

import assert from "node:assert/strict";
import { Replica } from "../../mod.ts";
import { TestMaster } from "../../src/testing/mod.ts";
import { priceOf } from "./price.ts";

Deno.test("priceOf() follows the master's prices", async () => {
  await using master = await TestMaster.start();
  master.call("SET", "price:tea", "450");
  await using replica = new Replica({ master: master.url });
  await replica.start();
  await replica.ready();

  assert.equal(priceOf(replica, "tea"), 4.5);
  master.call("SET", "price:tea", "400");
  await master.wait(1); // until one replica has it
  assert.equal(priceOf(replica, "tea"), 4);
  assert.throws(() => priceOf(replica, "coffee"), RangeError);
});
