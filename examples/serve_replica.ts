/**
 * Serves a master's data on a port of its own to any Redis client, read only.
 *
 *     deno run -A examples/serve_replica.ts     (or bun, or node)
 *     REDIS_URL=redis://127.0.0.1:6379 LISTEN=127.0.0.1:6380 deno run -A examples/serve_replica.ts
 *
 * @module
 */

import { env } from "node:process";
import { Replica } from "../mod.ts";
import { exampleMaster } from "./master.ts";

await using master = await exampleMaster();
await using replica = new Replica({
  master: master.url,
  listen: env.LISTEN ?? "127.0.0.1:6380",
  logger: console,
});
await replica.start();
await replica.ready();
await replica.write("SET", "example:greeting", "hello");
console.log(`redis-cli -p ${replica.status().listening?.split(":").at(-1)} GET example:greeting`);
await new Promise(() => {}); // serves until it is stopped
