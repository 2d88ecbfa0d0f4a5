/**
 * Feature flags under Bun.serve.
 *
 *     PORT=8000 bun examples/feature_flags/bun.ts
 *     curl localhost:8000; curl -X PUT -d on localhost:8000/new-cart
 *
 * @module
 */

import { handle } from "./flags.ts";

/** What is used of Bun; a project of yours has `@types/bun`. */
declare const Bun: {
  readonly env: Readonly<Record<string, string | undefined>>;
  serve(
    options: {
      readonly hostname: string;
      readonly port: number;
      fetch(request: Request): Promise<Response>;
    },
  ): { readonly port: number };
};

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: Number(Bun.env.PORT ?? 8000),
  async fetch(request) {
    const { pathname } = new URL(request.url);
    return new Response(await handle(request.method, pathname, await request.text()));
  },
});
console.log(`http://127.0.0.1:${server.port}/`);
