/**
 * The rate and the keys of the demo's traffic.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Shop } from "../../src/cli/shop.ts";
import { StillClock } from "./support.ts";

test("Shop trades at the rate it is given and stops when closed", () => {
  const clock = new StillClock();
  const commands: string[][] = [];
  const shop = new Shop((...args) => commands.push(args), clock, () => 0.5, 200);
  shop.open();
  clock.pass(1000);
  shop.close();
  const total = commands.length;
  assert.ok(total >= 195 && total <= 410, `${total} commands`);
  clock.pass(1000);
  assert.equal(commands.length, total);
  assert.equal(clock.pending, 0);
});

test("Shop fills its shelves with prices, stock, flags and sessions that expire", () => {
  const commands: string[][] = [];
  new Shop((...args) => commands.push(args), new StillClock(), Math.random, 1).fill();
  const starting = (prefix: string) => commands.filter((args) => args[1].startsWith(prefix));
  assert.equal(starting("price:").length, starting("stock:").length);
  assert.ok(starting("flag:").length > 0);
  assert.ok(starting("session:").every((args) => args[3] === "EX" && Number(args[4]) > 0));
});
