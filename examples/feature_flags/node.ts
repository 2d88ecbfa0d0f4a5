/**
 * Feature flags under node:http.
 *
 *     PORT=8000 node examples/feature_flags/node.ts
 *     curl localhost:8000; curl -X PUT -d on localhost:8000/new-cart
 *
 * @module
 */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { env } from "node:process";
import { handle } from "./flags.ts";

const server = createServer((request, response) => {
  text(request)
    .then((body) => handle(request.method ?? "GET", request.url ?? "/", body))
    .then((reply) => response.end(reply), (error) => response.writeHead(500).end(error.message));
});
server.listen(Number(env.PORT ?? 8000), "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
});
