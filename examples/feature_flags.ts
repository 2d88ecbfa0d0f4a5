/**
 * Feature flags read in the request path: no socket, no promise, and still live.
 *
 *     deno run -A examples/feature_flags.ts     (or bun, or node; needs no Redis)
 *
 * @module
 */

import { Replica } from "../mod.ts";
import { TestMaster } from "../src/testing/mod.ts";

// In production this is your Redis: redis://user:password@host:6379
await using master = await TestMaster.start();
master.call("MSET", "flag:dark-mode", "on", "flag:new-cart", "off");

await using replica = new Replica({ master: master.url });
await replica.start();
await replica.ready();

function isOn(flag: string): boolean {
  return replica.get(`flag:${flag}`) === "on";
}

console.log("new cart:", isOn("new-cart"));
master.call("SET", "flag:new-cart", "on");
await master.wait(1);
console.log("new cart:", isOn("new-cart"));
console.log("all flags:", replica.keys("flag:*").sort().join(", "));
