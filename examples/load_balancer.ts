/**
 * Read-your-writes behind a load balancer: any number of processes, each with a replica of its own, answer the
 * requests of one visitor in turn. A cookie carries the place in the master's history that the visitor has seen, and
 * whoever gets the next request waits, some milliseconds as a rule, until its copy has come so far.
 *
 * ```ts ignore
 * Deno.serve((request) => answer(replica, request));             // Deno
 * Bun.serve({ fetch: (request) => answer(replica, request) });   // Bun
 * ```
 *
 * An API without cookies does the same with a header: `x-seen` in the request, `x-seen` in the response.
 *
 * @module
 */

import { type Replica, WriteError } from "../mod.ts";

/** Milliseconds that a request waits for what its visitor has seen: a forged cookie costs no more than that. */
const PATIENCE_MS = 1000;
const TOKEN = /(?:^|;\s*)seen=([0-9a-f]{40}:\d{1,16})(?:;|$)/;

/** Answers a request: POST adds to the visitor's notes, everything else shows them. */
export async function answer(replica: Replica, request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  const key = `notes:${pathname.slice(1)}`;
  if (request.method === "POST") return await add(replica, key, await request.text());
  const isFresh = await catchUp(replica, TOKEN.exec(request.headers.get("cookie") ?? "")?.[1]);
  if (!isFresh) {
    return new Response("This server is behind; try again", {
      status: 503,
      headers: { "retry-after": "1" },
    });
  }
  // What is shown now must not be gone in the next answer either.
  return reply(JSON.stringify(replica.lrange(key, 0, -1)), replica.token);
}

/** Writes to the master. The token is told at once: whoever answers next waits for it. */
async function add(replica: Replica, key: string, note: string): Promise<Response> {
  try {
    const { reply: count, token } = await replica.master.rpush(key, note, { visible: false });
    return reply(String(count), token);
  } catch (error) {
    if (!(error instanceof WriteError)) throw error;
    // FAILED was not done; UNKNOWN may have been, and the visitor should look before trying again.
    return new Response(error.code, { status: error.code === "FAILED" ? 503 : 504 });
  }
}

/** Waits until the copy shows what the visitor has seen; false when it takes too long. */
async function catchUp(replica: Replica, token: string | undefined): Promise<boolean> {
  if (token === undefined) return true;
  try {
    await replica.waitFor(token, { timeoutMs: PATIENCE_MS });
    return true;
  } catch (error) {
    // A failover has lost it: no server will ever show it again, so what there is has to do.
    return error instanceof WriteError && error.code === "HISTORY_LOST";
  }
}

function reply(body: string, token: string | undefined): Response {
  const headers = new Headers();
  if (token !== undefined) {
    headers.append("set-cookie", `seen=${token}; Path=/; Max-Age=600; HttpOnly; SameSite=Lax`);
  }
  return new Response(body, { headers });
}
