/**
 * What an operator watches: probes for an orchestrator, metrics for Prometheus, the status, a page, and a line a second.
 *
 *     PORT=9090 deno run -A examples/monitoring.ts     (or bun, or node)
 *     curl localhost:9090/livez localhost:9090/readyz localhost:9090/metrics localhost:9090/status
 *
 * @module
 */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import process, { env } from "node:process";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import { Replica } from "../mod.ts";
import { exampleMaster } from "./master.ts";

const host = env.HOST ?? "127.0.0.1";
/** What others may ask, too: these show no keys. */
const OPEN = ["/livez", "/readyz", "/metrics"];

const master = await exampleMaster();
const replica = new Replica({ master: master.url });
replica.on("state", ({ from, to, reason }) => {
  console.log(`${from} -> ${to}`, reason?.message ?? "");
});
replica.on("sync", ({ kind, durationMs, keys }) => {
  console.log(`${kind} sync of ${keys} keys in ${Math.round(durationMs)} ms`);
});

/** The replica's handler under node:http; `Deno.serve(replica.handler)` and Bun.serve take it as it is. */
async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? "/", "http://127.0.0.1");
  if (host !== "127.0.0.1" && !OPEN.includes(url.pathname)) {
    response.writeHead(404).end();
    return;
  }
  const { status, headers, body } = await replica.handler(new Request(url));
  response.writeHead(status, Object.fromEntries(headers));
  if (body === null) response.end();
  else await pipeline(Readable.fromWeb(body as ReadableStream<Uint8Array>), response);
}

const server = createServer((request, response) => {
  // Who leaves in the middle of an answer is no fault of ours.
  answer(request, response).catch(() => response.destroy());
});
await new Promise<void>((resolve) => server.listen(Number(env.PORT ?? 9090), host, resolve));
console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);

let commands = 0;
const line = setInterval(() => {
  const { state, progress, keys, memoryBytes, lagBytes, counters } = replica.status();
  const percent = Math.round(progress * 100);
  const perSecond = counters.commands - commands;
  commands = counters.commands;
  console.log(
    `${state} ${percent}%, ${keys} keys, ${Math.round(memoryBytes / 1e6)} MB, ` +
      `${lagBytes} bytes behind, ${perSecond} commands a second`,
  );
}, 1000);

process.on("SIGTERM", stop);
process.on("SIGINT", stop);
async function stop(): Promise<void> {
  clearInterval(line);
  server.close();
  await replica.close();
  await master.close();
  process.exit();
}

await replica.start();
