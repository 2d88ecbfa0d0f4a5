/**
 * Feature flags under Deno.serve.
 *
 *     PORT=8000 deno run -A examples/feature_flags/deno.ts
 *     curl localhost:8000; curl -X PUT -d on localhost:8000/new-cart
 *
 * @module
 */

import { handle } from "./flags.ts";

const port = Number(Deno.env.get("PORT") ?? 8000);
Deno.serve({
  hostname: "127.0.0.1",
  port,
  onListen: (at) => console.log(`http://127.0.0.1:${at.port}/`),
}, async (request) => {
  const { pathname } = new URL(request.url);
  return new Response(await handle(request.method, pathname, await request.text()));
});
