/**
 * Real sentinels: a server program started with `--sentinel`.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Connection } from "./connection.ts";
import { plain } from "./resp.ts";
import { freePort, openWhere, type ServerBinary } from "./servers.ts";
import { until } from "./waiting.ts";

const START_TIMEOUT_MS = 20_000;
const START_ATTEMPTS = 5;
const FAILOVER_TIMEOUT_MS = 6000;
const PLUS = 0x2b;

/** What the master is called in all of them. */
export const MASTER_NAME = "mymaster";

/** Several of them watching one master. */
export interface Sentinels extends AsyncDisposable {
  /** Their loopback ports. */
  readonly ports: readonly number[];
  /** Sends a command to the first that lives. */
  connection(): Promise<Connection>;
  /** Calls `listener` with each event that any of them publishes: its channel, its text and who tells it. */
  onEvent(listener: (channel: string, text: string, port: number) => void): Promise<void>;
  /** Ends the first that lives. */
  killFirst(): Promise<void>;
}

/**
 * Starts `count` sentinels with a quorum of two, or one where there is one, each wanting `password`.
 *
 * @param failoverTimeoutMs How long a failover waits for replicas that do not move.
 */
export async function startSentinels(
  binary: ServerBinary,
  count: number,
  masterPort: number,
  password: string,
  failoverTimeoutMs: number = FAILOVER_TIMEOUT_MS,
): Promise<Sentinels> {
  const dir = mkdtempSync(join(tmpdir(), "rimr-sentinel-"));
  const all: Sentinel[] = [];
  const listening: Connection[] = [];
  let first = 0;
  const dispose = async () => {
    for (const connection of listening) connection.close();
    await Promise.all(all.map(kill));
    rmSync(dir, { recursive: true, force: true });
  };
  const start = async (): Promise<Sentinel> => {
    const port = await freePort();
    const file = join(dir, `${port}.conf`);
    const told = { masterPort, password, quorum: Math.min(2, count), failoverTimeoutMs };
    writeFileSync(file, configuration(port, dir, told));
    return { port, process: spawn(binary.server, [file, "--sentinel"], { stdio: "ignore" }) };
  };
  try {
    for (let i = 0; i < count; i++) all.push(await start());
    for (let i = 0, attempts = 1; i < count;) {
      const connection = await answering(all[i], password);
      connection?.close();
      if (connection !== undefined) i++;
      // Another took its port.
      else if (attempts++ < START_ATTEMPTS) all[i] = await start();
      else throw new Error(`The sentinel on port ${all[i].port} ended`);
    }
  } catch (error) {
    await dispose();
    throw error;
  }
  return {
    ports: all.map((sentinel) => sentinel.port),
    connection: async () => {
      const connection = await answering(all[first], password);
      if (connection === undefined) throw new Error("The sentinel has ended");
      return connection;
    },
    onEvent: async (listener) => {
      for (const sentinel of all) {
        const connection = await answering(sentinel, password);
        if (connection === undefined) throw new Error("The sentinel has ended");
        listening.push(connection);
        connection.onUnasked = ({ value }) => {
          const [, , channel, text] = plain(value) as string[];
          listener(channel, text, sentinel.port);
        };
        await connection.call("PSUBSCRIBE", "*");
      }
    },
    killFirst: () => kill(all[first++]),
    [Symbol.asyncDispose]: dispose,
  };
}

interface Sentinel {
  readonly port: number;
  readonly process: ChildProcess;
}

function hasEnded({ process }: Sentinel): boolean {
  return process.exitCode !== null || process.signalCode !== null;
}

function kill(sentinel: Sentinel): Promise<void> {
  if (hasEnded(sentinel)) return Promise.resolve();
  const ended = new Promise<void>((resolve) => sentinel.process.once("exit", () => resolve()));
  sentinel.process.kill("SIGKILL");
  return ended;
}

interface Told {
  readonly masterPort: number;
  readonly password: string;
  readonly quorum: number;
  readonly failoverTimeoutMs: number;
}

function configuration(port: number, dir: string, told: Told): string {
  const { masterPort, password, quorum, failoverTimeoutMs } = told;
  return `port ${port}
bind 127.0.0.1
dir ${dir}
logfile ${join(dir, `${port}.log`)}
requirepass ${password}
sentinel monitor ${MASTER_NAME} 127.0.0.1 ${masterPort} ${quorum}
sentinel down-after-milliseconds ${MASTER_NAME} 700
sentinel failover-timeout ${MASTER_NAME} ${failoverTimeoutMs}
`;
}

/** Undefined when it ends before it answers. */
async function answering(sentinel: Sentinel, password: string): Promise<Connection | undefined> {
  const { port } = sentinel;
  for (const deadline = Date.now() + START_TIMEOUT_MS; !hasEnded(sentinel);) {
    const connection = await openWhere(port, (reply) => reply[0] === PLUS, "AUTH", password);
    if (connection !== undefined) return connection;
    if (Date.now() > deadline) throw new Error(`No sentinel answers on port ${port}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return undefined;
}

/** Waits until the first sentinel knows the master's replicas and the other sentinels. */
export async function settled(
  sentinels: Sentinels,
  replicas: number = 1,
  others: number = 2,
): Promise<void> {
  const connection = await sentinels.connection();
  try {
    await until("the sentinels know each other", async () => {
      const fields = plain(await connection.call("SENTINEL", "MASTER", MASTER_NAME)) as unknown[];
      const valueOf = (name: string) => String(fields[fields.indexOf(name) + 1]);
      return valueOf("num-slaves") === String(replicas) &&
        valueOf("num-other-sentinels") === String(others);
    });
  } finally {
    connection.close();
  }
}
