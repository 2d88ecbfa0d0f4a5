/**
 * Serves a master's data on a port of its own to any Redis client, read only.
 *
 *     deno run -A examples/serve_replica.ts redis://127.0.0.1:6379 127.0.0.1:6380
 *
 * @module
 */

import { argv } from "node:process";
import { Replica } from "../mod.ts";

const [master = "redis://127.0.0.1:6379", listen = "127.0.0.1:6380"] = argv.slice(2);

await using replica = new Replica({ master, listen, logger: console });
await replica.start();
await replica.ready();
console.log(`redis-cli -p ${listen.split(":").at(-1)}`);
await new Promise(() => {});
