/**
 * A test of code that reads a replica, with a master in the same process: nothing to install, nothing to clean up.
 *
 *     npx vitest run examples/testing/vitest.test.ts
 *
 * @module
 */

// @ts-ignore: it is installed where vitest is
import { expect, test } from "vitest";
import { Replica } from "../../mod.ts";
import { TestMaster } from "../../src/testing/mod.ts";
import { priceOf } from "./price.ts";

test("priceOf() follows the master's prices", async () => {
  await using master = await TestMaster.start();
  master.call("SET", "price:tea", "450");
  await using replica = new Replica({ master: master.url });
  await replica.start();
  await replica.ready();

  expect(priceOf(replica, "tea")).toBe(4.5);
  master.call("SET", "price:tea", "400");
  await master.wait(1); // until one replica has it
  expect(priceOf(replica, "tea")).toBe(4);
  expect(() => priceOf(replica, "coffee")).toThrow(RangeError);
});
