/**
 * A small HTTP server for a function from `Request` to `Response`, on `node:http`, which all three runtimes have.
 *
 * It is for an operator's page and probes: nothing of it is on a hot path. Bodies of requests are not read.
 *
 * @module
 */

import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { toSocketError } from "./failure.ts";

/** Answers one request; its promise may reject. */
export type HttpAnswer = (request: Request) => Promise<Response>;

/** Where an HTTP server listens. */
export interface HttpAddress {
  /** Host name or IP address. */
  readonly host: string;
  /** TCP port; 0 for one that is free. */
  readonly port: number;
}

/** A server that listens. */
export interface HttpServer {
  /** Where, with the port it got. */
  readonly address: HttpAddress;
  /** Stops listening, and ends every connection. */
  close(): Promise<void>;
}

/**
 * Begins to listen.
 *
 * @param answer Answers each request; what it throws ends that connection.
 * @param address Where to listen.
 * @throws {SocketError} When it can't listen there.
 */
export async function serveHttp(answer: HttpAnswer, address: HttpAddress): Promise<HttpServer> {
  const { createServer } = await import("node:http");
  const server = createServer((message, response) => {
    respond(answer, message, response).catch(() => response.destroy());
  });
  await listen(server, address);
  const { port } = server.address() as AddressInfo;
  return {
    address: { host: address.host, port },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, { host, port }: HttpAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) => {
      reject(toSocketError(error, `listen on http://${host}:${port}`));
    });
    server.listen({ host, port }, resolve);
  });
}

async function respond(
  answer: HttpAnswer,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const request = toRequest(message);
  if (request === undefined) return void response.writeHead(400).end();
  const { status, headers, body } = await answer(request);
  response.writeHead(status, Object.fromEntries(headers));
  if (body === null) return void response.end();
  const reader = body.getReader();
  const closed = new Promise<void>((resolve) => response.once("close", resolve));
  // A client that goes ends what is streamed to it.
  closed.then(() => reader.cancel()).catch(() => {});
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    if (response.write(part.value)) continue;
    await Promise.race([closed, new Promise<void>((resolve) => response.once("drain", resolve))]);
  }
  response.end();
}

/** A request without its body; undefined where its address or method makes none. */
function toRequest({ url = "/", method = "GET", headers }: IncomingMessage): Request | undefined {
  // A path of two slashes would be taken for a host.
  const path = `/${url.replace(/^\/+/, "")}`;
  const given = new Headers();
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) given.set(name, String(value));
  }
  try {
    return new Request(`http://${headers.host ?? "localhost"}${path}`, { method, headers: given });
  } catch {
    return undefined;
  }
}
