/**
 * Real sentinels: a server program started with `--sentinel`.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Connection, open } from "./connection.ts";
import { freePort, type ServerBinary } from "./servers.ts";

const START_TIMEOUT_MS = 20_000;

/** What the master is called in all of them. */
export const MASTER_NAME = "mymaster";

/** Several of them watching one master. */
export interface Sentinels extends AsyncDisposable {
  /** Their loopback ports. */
  readonly ports: readonly number[];
  /** Sends a command to the first that lives. */
  connection(): Promise<Connection>;
  /** Ends the first that lives. */
  killFirst(): Promise<void>;
}

/** Starts `count` sentinels with a quorum of two, each wanting `password`. */
export async function startSentinels(
  binary: ServerBinary,
  count: number,
  masterPort: number,
  password: string,
): Promise<Sentinels> {
  const dir = mkdtempSync(join(tmpdir(), "rimr-sentinel-"));
  const children: ChildProcess[] = [];
  const ports: number[] = [];
  let first = 0;
  const dispose = async () => {
    for (const child of children) child.kill("SIGKILL");
    await Promise.all(children.map((child) => exited(child)));
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    for (let i = 0; i < count; i++) {
      const port = await freePort();
      const file = join(dir, `${port}.conf`);
      writeFileSync(file, configuration(port, dir, masterPort, password));
      children.push(spawn(binary.server, [file, "--sentinel"], { stdio: "ignore" }));
      ports.push(port);
    }
    for (const port of ports) (await answering(port, password)).close();
  } catch (error) {
    await dispose();
    throw error;
  }
  return {
    ports,
    connection: () => answering(ports[first], password),
    killFirst: () => {
      const child = children[first++];
      child.kill("SIGKILL");
      return exited(child);
    },
    [Symbol.asyncDispose]: dispose,
  };
}

function configuration(port: number, dir: string, masterPort: number, password: string): string {
  return `port ${port}
bind 127.0.0.1
dir ${dir}
logfile ${join(dir, `${port}.log`)}
requirepass ${password}
sentinel monitor ${MASTER_NAME} 127.0.0.1 ${masterPort} 2
sentinel down-after-milliseconds ${MASTER_NAME} 700
sentinel failover-timeout ${MASTER_NAME} 6000
`;
}

function exited(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => child.once("exit", () => resolve()));
}

async function answering(port: number, password: string): Promise<Connection> {
  for (const deadline = Date.now() + START_TIMEOUT_MS;;) {
    const connection = await open(port).catch(() => undefined);
    const reply = await connection?.raw("AUTH", password).catch(() => undefined);
    if (connection !== undefined && reply?.[0] === 0x2b) return connection;
    connection?.close();
    if (Date.now() > deadline) throw new Error(`No sentinel answers on port ${port}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
