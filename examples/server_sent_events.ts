/**
 * Server-sent events from the change feed: a browser's `EventSource` gets every flag, then each change. When its
 * connection breaks it comes back with the id of the last event, a token, and gets what it missed.
 *
 * ```ts ignore
 * Deno.serve((request) => eventStream(replica, request));                        // Deno
 * Bun.serve({ fetch: (request) => eventStream(replica, request) });              // Bun
 * createServer((request, response) => sendEvents(replica, request, response));   // node:http
 * ```
 *
 * @module
 */

import type { Batch, ChangesOptions, Replica } from "../mod.ts";

const HEADERS = { "content-type": "text/event-stream", "cache-control": "no-store" };
const TOKEN = /^[0-9a-f]{40}:\d{1,16}$/;

/** What a browser is sent: the flags, from where it left off. */
function optionsOf(lastEventId: string | null, signal: AbortSignal): ChangesOptions {
  const isToken = lastEventId !== null && TOKEN.test(lastEventId);
  return { match: "flag:*", from: isToken ? lastEventId : "snapshot", signal };
}

/** A batch as an event. A batch without a token leaves the browser's id as it is. */
function toEvent(batch: Batch): string {
  const id = batch.token === undefined ? "" : `id: ${batch.token}\n`;
  const name = batch.control ?? "changes";
  return `${id}event: ${name}\ndata: ${JSON.stringify(batch.changes)}\n\n`;
}

/** Answers a request with a stream of events, where handlers take a `Request` and give a `Response`. */
export function eventStream(replica: Replica, request: Request): Response {
  const abort = new AbortController();
  const id = request.headers.get("last-event-id");
  const changes = replica.changes(optionsOf(id, abort.signal));
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    // Called when the browser has taken what there was: a slow one merges changes, and costs its bound.
    async pull(controller) {
      const { done, value } = await changes.next();
      if (done) controller.close();
      else controller.enqueue(encoder.encode(toEvent(value)));
    },
    cancel: () => abort.abort(),
  });
  return new Response(body, { headers: HEADERS });
}

/** What is used of a request of node:http. */
export interface NodeRequest {
  /** Header fields, their names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** What is used of a response of node:http. */
export interface NodeResponse {
  /** Sends status and header. */
  writeHead(status: number, headers: Readonly<Record<string, string>>): unknown;
  /** Sends text; false when the socket should be waited for. */
  write(text: string): boolean;
  /** Ends the response. */
  end(): unknown;
  /** Listens once. */
  once(event: "drain" | "close", listener: () => void): unknown;
}

/** Answers a request of node:http with a stream of events. */
export async function sendEvents(
  replica: Replica,
  request: NodeRequest,
  response: NodeResponse,
): Promise<void> {
  const abort = new AbortController();
  const closed = new Promise<void>((resolve) => response.once("close", resolve));
  void closed.then(() => abort.abort());
  const id = request.headers["last-event-id"];
  response.writeHead(200, HEADERS);
  for await (
    const batch of replica.changes(optionsOf(typeof id === "string" ? id : null, abort.signal))
  ) {
    if (response.write(toEvent(batch))) continue;
    await Promise.race([closed, new Promise<void>((resolve) => response.once("drain", resolve))]);
  }
  response.end();
}
