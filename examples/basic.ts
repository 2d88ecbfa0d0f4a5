/**
 * Follow a master, read, write, and see a change: the first program.
 *
 *     deno run -A examples/basic.ts     (or bun, or node)
 *
 * @module
 */

import { Replica } from "../mod.ts";
import { exampleMaster } from "./master.ts";

await using master = await exampleMaster();
await using replica = new Replica({ master: master.url });
await replica.start(); // connects; rejects with a typed error when it never can
await replica.ready(); // the first snapshot is loaded

// Writes go to the master, and can be read here when they resolve.
await replica.write("SET", "example:greeting", "hello");
await replica.master.hset("example:user", { name: "Ada", plan: "pro" });

// Reads are synchronous: no socket, no promise.
console.log("greeting:", replica.get("example:greeting"));
console.log("user:", replica.hgetall("example:user"));
console.log("keys:", replica.keys("example:*").sort().join(", "));

// A live value is that of the data, always.
using plan = replica.live(() => replica.hget("example:user", "plan"));
await replica.master.hset("example:user", { plan: "free" });
console.log("plan now:", plan.value);

const { state, keys, offset } = replica.status();
console.log({ state, keys, offset });
