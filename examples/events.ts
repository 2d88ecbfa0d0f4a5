/**
 * Serves flags as server-sent events, and changes one of them each second.
 *
 *     PORT=8000 deno run -A examples/events.ts     (or bun, or node)
 *     curl -N localhost:8000
 *
 * @module
 */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { env } from "node:process";
import { Replica } from "../mod.ts";
import { exampleMaster } from "./master.ts";
import { sendEvents } from "./server_sent_events.ts";

await using master = await exampleMaster();
await using replica = new Replica({ master: master.url });
await replica.start();
await replica.ready();

let seconds = 0;
setInterval(() => {
  replica.write("SET", "flag:example", seconds++ % 2 === 0 ? "on" : "off").catch(console.error);
}, 1000);

const server = createServer((request, response) => {
  sendEvents(replica, request, response).catch(console.error);
});
await new Promise<void>((resolve) => server.listen(Number(env.PORT ?? 8000), "127.0.0.1", resolve));
console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
await new Promise(() => {}); // serves until it is stopped
