/**
 * Sessions of a web server, read in the request path: the cookie's session is looked up in process, and a login is
 * written to the master and readable when it resolves.
 *
 *     PORT=8000 deno run -A examples/sessions.ts     (or bun, or node)
 *     curl -i localhost:8000/login?name=Ada          # sets the cookie
 *     curl -H 'cookie: session=...' localhost:8000/  # Hello Ada
 *
 * @module
 */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { env } from "node:process";
import { Replica } from "../mod.ts";
import { exampleMaster } from "./master.ts";

const SECONDS = 3600;

await using master = await exampleMaster();
await using replica = new Replica({ master: master.url });
await replica.start();
await replica.ready();

/** The fields of the request's session; undefined where there is none, or it has expired. */
function sessionOf(request: IncomingMessage): Record<string, string> | undefined {
  const id = request.headers.cookie?.match(/(?:^|; )session=([0-9a-f-]{36})(?:;|$)/)?.[1];
  return id === undefined ? undefined : replica.hgetall(`example:session:${id}`);
}

async function logIn(name: string): Promise<string> {
  const id = crypto.randomUUID();
  const key = `example:session:${id}`;
  await replica.master.multi().hset(key, { name }).expire(key, SECONDS).exec();
  return id;
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? "/", "http://localhost");
  if (url.pathname === "/login") {
    const id = await logIn(url.searchParams.get("name") ?? "somebody");
    response.setHeader("set-cookie", `session=${id}; Max-Age=${SECONDS}; HttpOnly; SameSite=Lax`);
    response.end("welcome\n");
    return;
  }
  const session = sessionOf(request);
  response.statusCode = session === undefined ? 401 : 200;
  response.end(
    session === undefined ? "log in first: /login?name=Ada\n" : `Hello ${session.name}\n`,
  );
}

const server = createServer((request, response) => {
  answer(request, response).catch((error) => {
    console.error(error);
    response.writeHead(500).end();
  });
});
await new Promise<void>((resolve) => server.listen(Number(env.PORT ?? 8000), "127.0.0.1", resolve));
console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
await new Promise(() => {}); // serves until it is stopped
