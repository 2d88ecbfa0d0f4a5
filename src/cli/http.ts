/**
 * The page and the probes of a replica on a port of their own: `--http HOST:PORT`.
 *
 * Whoever reaches it may read every key, so an address that others can reach needs a token. On this machine none is
 * needed, but a web page that the owner visits must not read it under a name that it points here: only requests for this
 * machine's own names are answered then.
 *
 * @module
 */

import { type HttpAnswer, type HttpServer, serveHttp } from "../net/http_server.ts";
import { isLoopback, parseListen } from "../replica/options.ts";
import { UsageError } from "./args.ts";

/**
 * Serves a replica's handler.
 *
 * @param handler The replica's own.
 * @param where Host and port, or a port of this machine.
 * @param hasToken Whether the handler asks for a token.
 * @throws {UsageError} When others can reach it and there is no token.
 * @throws {SocketError} When it can't listen there.
 */
export function servePage(
  handler: HttpAnswer,
  where: string,
  hasToken: boolean,
): Promise<HttpServer> {
  const address = parseListen(where);
  if (address.transport === "unix") {
    throw new UsageError("--http takes HOST:PORT: a browser cannot reach a Unix socket");
  }
  const { host, port } = address;
  if (hasToken) return serveHttp(handler, { host, port });
  if (!isLoopback(address)) {
    throw new UsageError(
      `--http ${where} is an address that others can reach: give --http-token-file with it`,
    );
  }
  return serveHttp((request) => answerOwn(handler, request), { host, port });
}

/** The address of a page as a browser takes it. */
export function urlOf({ address: { host, port } }: HttpServer): string {
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}/`;
}

/** Answers a request that names this machine. */
async function answerOwn(handler: HttpAnswer, request: Request): Promise<Response> {
  const { hostname } = new URL(request.url);
  const host = hostname.replace(/^\[|\]$/g, "");
  const isOwn = host.endsWith(".localhost") ||
    isLoopback({ transport: "tcp", host, port: 0 });
  if (isOwn) return await handler(request);
  return new Response("Only requests for this machine are answered: ask for localhost\n", {
    status: 421,
    headers: { "content-type": "text/plain; charset=utf-8" },
  });
}
