/**
 * The example of server-sent events, under the server of its own runtime and under node:http.
 *
 * @module
 */

import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { eventStream, sendEvents } from "../../examples/server_sent_events.ts";
import type { Replica } from "../../mod.ts";
import { follow, started } from "../replica/pair.ts";

declare const Deno: {
  serve(
    options: { port: number; hostname: string; onListen(): void },
    handler: (request: Request) => Response,
  ): { readonly addr: { readonly port: number }; shutdown(): Promise<void> };
} | undefined;
declare const Bun: {
  serve(
    options: { port: number; hostname: string; fetch(request: Request): Response },
  ): { readonly port: number; stop(now: boolean): Promise<void> };
} | undefined;

/** A server: where it is, and how it ends. */
interface Served {
  readonly port: number;
  close(): Promise<unknown>;
}

function serveOwn(replica: Replica): Served | undefined {
  const handle = (request: Request) => eventStream(replica, request);
  const at = { port: 0, hostname: "127.0.0.1" };
  if (typeof Deno !== "undefined") {
    const server = Deno.serve({ ...at, onListen() {} }, handle);
    return { port: server.addr.port, close: () => server.shutdown() };
  }
  if (typeof Bun === "undefined") return undefined;
  const server = Bun.serve({ ...at, fetch: handle });
  return { port: server.port, close: () => server.stop(true) };
}

async function serveNode(replica: Replica): Promise<Served> {
  const server = createServer((request, response) => void sendEvents(replica, request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}

/** Reads events until one fits; gives all of their text. */
async function readUntil(port: number, headers: HeadersInit, found: RegExp): Promise<string> {
  const abort = new AbortController();
  const response = await fetch(`http://127.0.0.1:${port}/`, { headers, signal: abort.signal });
  const reader = response.body!.getReader();
  const decoder = new TextDecoder();
  let text = "";
  while (!found.test(text)) {
    const { done, value } = await reader.read();
    assert.ok(!done, text);
    text += decoder.decode(value, { stream: true });
  }
  await reader.cancel();
  abort.abort();
  return text;
}

const SERVERS = [["its own server", serveOwn], ["node:http", serveNode]] as const;
for (const [name, serve] of SERVERS) {
  test(`events reach a browser, and what it missed when it comes back, by ${name}`, () =>
    follow(async (pair) => {
      const { master, replica } = pair;
      master.call("SET", "flag:a", "on");
      await started(pair);
      const served = await serve(replica);
      if (served === undefined) return;
      const { port } = served;
      const first = await readUntil(port, {}, /event: snapshot-end/);
      assert.match(first, /"key":"flag:a".*"value":"on"/);
      const id = /id: (\S+)\nevent: snapshot-end/.exec(first)![1];
      master.call("SET", "flag:b", "off");
      const second = await readUntil(port, { "last-event-id": id }, /flag:b/);
      assert.doesNotMatch(second, /flag:a|snapshot/);
      await served.close();
    }));
}
