/**
 * What an operator watches: probes for an orchestrator, metrics for Prometheus, the whole status as JSON, and a line a
 * second.
 *
 *     PORT=9090 deno run -A examples/monitoring.ts     (or bun, or node)
 *     curl localhost:9090/livez localhost:9090/readyz localhost:9090/metrics localhost:9090/status
 *
 * @module
 */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import process, { env } from "node:process";
import { Replica, type ReplicaStatus } from "../mod.ts";
import { exampleMaster } from "./master.ts";

const MAX_STALE_MS = 30_000;

const master = await exampleMaster();
const replica = new Replica({ master: master.url, listen: env.LISTEN });
replica.on(
  "state",
  ({ from, to, reason }) => console.log(`${from} -> ${to}`, reason?.message ?? ""),
);
replica.on("sync", ({ kind, durationMs, keys }) => {
  console.log(`${kind} sync of ${keys} keys in ${Math.round(durationMs)} ms`);
});

/** Why no requests should come here now; undefined when they should. Old data serves through a short outage. */
function unready({ hasData, staleSinceMs }: ReplicaStatus): string | undefined {
  if (!hasData) return "no data yet";
  const staleMs = staleSinceMs === undefined ? 0 : Date.now() - staleSinceMs;
  return staleMs > MAX_STALE_MS ? `stale for ${Math.round(staleMs / 1000)} s` : undefined;
}

function answer(path: string | undefined): [code: number, type: string, body: string] {
  const status = replica.status();
  switch (path) {
    case "/livez":
      return [200, "text/plain", "ok\n"];
    case "/readyz": {
      const reason = unready(status);
      return [reason === undefined ? 200 : 503, "text/plain", `${reason ?? "ok"}\n`];
    }
    case "/metrics":
      return [200, "text/plain; version=0.0.4", replica.prometheus()];
    case "/status":
      return [200, "application/json", JSON.stringify({ ...status, error: status.error?.message })];
    default:
      return [404, "text/plain", "try /livez, /readyz, /metrics or /status\n"];
  }
}

const server = createServer((request, response) => {
  const [code, type, body] = answer(request.url);
  response.writeHead(code, { "content-type": type }).end(body);
});
await new Promise<void>((resolve) =>
  server.listen(Number(env.PORT ?? 9090), env.HOST ?? "127.0.0.1", resolve)
);
console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`);

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
