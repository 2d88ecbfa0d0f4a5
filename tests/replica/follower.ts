/**
 * Replicas of a real master as the equality run needs them: in this process, or as the command line
 * started with any of the three runtimes.
 *
 * @module
 */

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Replica } from "../../src/replica/replica.ts";
import { open } from "../support/connection.ts";
import { plain } from "../support/resp.ts";
import { findRuntime, type RuntimeName, scriptArguments } from "../support/runtimes.ts";
import { freePort } from "../support/servers.ts";

const SCRIPT = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
const READY_MS = 60_000;
const POLL_MS = 20;

/** A replica that is in sync and serves. */
export interface Follower {
  /** Where it serves, on loopback. */
  readonly port: number;
  /** How many commands of the master it could not apply as the master did. */
  divergences(): number;
  /** Ends it. */
  close(): Promise<void>;
}

/** Follows the master at a port of loopback: in this process, or in one of its own. */
export function follow(masterPort: number, runtime?: RuntimeName): Promise<Follower> {
  return runtime === undefined ? followHere(masterPort) : followApart(masterPort, runtime);
}

async function followHere(masterPort: number): Promise<Follower> {
  const port = await freePort();
  const replica = new Replica({
    master: `redis://127.0.0.1:${masterPort}`,
    listen: `127.0.0.1:${port}`,
    logger: false,
    // With it the port is announced, by which the master's INFO tells followers apart.
    server: { allowDebug: true, allowReplicaOf: true },
  });
  await replica.start();
  await replica.ready({ timeoutMs: READY_MS });
  return {
    port,
    divergences: () => replica.status().counters.divergences,
    close: () => replica.close(),
  };
}

async function followApart(masterPort: number, name: RuntimeName): Promise<Follower> {
  const port = await freePort();
  const runtime = await findRuntime(name);
  const line = ["start", "--master", `redis://127.0.0.1:${masterPort}`];
  const args = [
    ...scriptArguments(name),
    SCRIPT,
    ...line,
    "--allow-debug",
    "--allow-replicaof",
    "--listen",
    `127.0.0.1:${port}`,
  ];
  const child = spawn(runtime.path, args, { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  child.stdout.on("data", (chunk) => output += chunk);
  child.stderr.on("data", (chunk) => output += chunk);
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  await untilUp(child, port, () => output);
  return {
    port,
    divergences: () => output.match(/diverge/gi)?.length ?? 0,
    close: () => {
      child.kill("SIGTERM");
      return ended;
    },
  };
}

/** Waits until it serves and says that its link is up. */
async function untilUp(child: ChildProcess, port: number, output: () => string): Promise<void> {
  const deadline = Date.now() + READY_MS;
  while (!await isUp(port)) {
    assert.equal(child.exitCode, null, `it ended:\n${output()}`);
    assert.ok(Date.now() < deadline, `it is in sync within ${READY_MS} ms:\n${output()}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

async function isUp(port: number): Promise<boolean> {
  const client = await open(port).catch(() => undefined);
  if (client === undefined) return false;
  try {
    return /master_link_status:up/.test(String(plain(await client.call("INFO", "replication"))));
  } finally {
    client.close();
  }
}
