/**
 * A small real cluster on loopback: masters that share the slots evenly, and a replica of the first of them;
 * and the ways to move slots between two masters.
 *
 * @module
 */

import type { Argument } from "./connection.ts";
import { untilLinked } from "./followers.ts";
import { ErrorValue, plain, type Reply } from "./resp.ts";
import {
  atLeast,
  freePort,
  type RunningServer,
  type ServerBinary,
  startServer,
} from "./servers.ts";
import { pause, until } from "./waiting.ts";

const SLOTS = 16384;
/** Keys that one MIGRATE moves. */
const MIGRATED_KEYS = 50;
const MIGRATE_MS = 5000;

/** Several masters and a replica of the first. */
export interface Cluster extends AsyncDisposable {
  /** The masters; number `i` begins with the slots from `16384 * i / n` on. */
  readonly masters: readonly RunningServer[];
  /** A replica of the first master. */
  readonly replica: RunningServer;
  /** Databases that it has: Valkey 9 may have several. */
  readonly databases: number;
}

/** How an atomic migration stands: it may still go on, or it has ended with or without success. */
export type MigrationState = "running" | "done" | "failed";

/** An atomic migration that has begun. */
export interface Migration {
  /** Asks how it stands. */
  state(): Promise<MigrationState>;
  /** Ends it; it may have come to its end before. */
  cancel(): Promise<void>;
}

/** Whether a server moves slots as a whole: Redis since 8.4, Valkey since 9. */
export function movesSlots({ product, version }: ServerBinary): boolean {
  return atLeast(version, product === "valkey" ? "9.0.0" : "8.4.0");
}

/**
 * Starts a cluster of `count` masters and one replica, and waits until all agree.
 *
 * @param databases More than one is for Valkey since 9.
 */
export async function startCluster(
  binary: ServerBinary,
  count: number,
  databases: number = 1,
): Promise<Cluster> {
  const started: RunningServer[] = [];
  const dispose = async () => void await Promise.all(started.map((server) => server.stop()));
  try {
    for (let i = 0; i <= count; i++) started.push(await startNode(binary, databases));
    const masters = started.slice(0, count);
    for (const [i, node] of started.entries()) {
      await must(node, "CLUSTER", "SET-CONFIG-EPOCH", i + 1);
      if (i < count) {
        const [first, next] = [i, i + 1].map((n) => Math.floor(SLOTS * n / count));
        await must(node, "CLUSTER", "ADDSLOTSRANGE", first, next - 1);
      }
      // The port of the bus is told, as it is not the usual one.
      const bus = Number(listOf(await must(node, "CONFIG", "GET", "cluster-port"))[1]);
      await must(started[0], "CLUSTER", "MEET", "127.0.0.1", node.port, bus);
    }
    await until("the masters to agree", () => allAgree(masters));
    const id = await idOf(masters[0]);
    const replica = started[count];
    await until("the replica to know its master", async () => {
      return !(await replica.call("CLUSTER", "REPLICATE", id) instanceof ErrorValue);
    });
    await untilLinked(replica);
    return { masters, replica, databases, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** The name of a node, 40 hexadecimal digits. */
export async function idOf(node: RunningServer): Promise<string> {
  return String(plain(await must(node, "CLUSTER", "MYID")));
}

/** Begins to move a range of slots as a whole. */
export async function moveAtOnce(
  source: RunningServer,
  target: RunningServer,
  first: number,
  last: number,
): Promise<Migration> {
  if (source.binary.product === "valkey") return await moveByJob(source, target, first, last);
  const task = String(plain(await must(target, "CLUSTER", "MIGRATION", "IMPORT", first, last)));
  const ask = (word: string) => target.call("CLUSTER", "MIGRATION", word, "ID", task);
  return {
    state: async () => {
      const [told] = listOf(await ask("STATUS"));
      const state = fieldOf(told, "state");
      if (state === "completed") return "done";
      return state === "failed" || state === "canceled" ? "failed" : "running";
    },
    cancel: async () => void await ask("CANCEL"),
  };
}

/** Valkey's: the source is asked, and its youngest job is the one that was begun. */
async function moveByJob(
  source: RunningServer,
  target: RunningServer,
  first: number,
  last: number,
): Promise<Migration> {
  const id = await idOf(target);
  await must(source, "CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", first, last, "NODE", id);
  const name = fieldOf(listOf(await must(source, "CLUSTER", "GETSLOTMIGRATIONS"))[0], "name");
  return {
    state: async () => {
      // Of the target, which has the slots first.
      const jobs = listOf(await must(target, "CLUSTER", "GETSLOTMIGRATIONS"));
      const state = fieldOf(jobs.find((job) => fieldOf(job, "name") === name), "state");
      if (state === "success") return "done";
      return state === "failed" || state === "cancelled" ? "failed" : "running";
    },
    cancel: async () => void await source.call("CLUSTER", "CANCELSLOTMIGRATIONS"),
  };
}

/**
 * Moves a slot key by key, as every cluster can.
 *
 * @param gaveUp True: after some keys were moved they are moved back, and the slot stays where it was.
 */
export async function moveByKeys(
  { databases }: Cluster,
  source: RunningServer,
  target: RunningServer,
  slot: number,
  gaveUp: boolean,
): Promise<void> {
  const [from, to] = [await idOf(source), await idOf(target)];
  await must(target, "CLUSTER", "SETSLOT", slot, "IMPORTING", from);
  // Right after another move a node may still believe an older message about who owns the slot.
  await until("the source owns the slot", async () => {
    const reply = await source.call("CLUSTER", "SETSLOT", slot, "MIGRATING", to);
    return !(reply instanceof ErrorValue);
  });
  await moveKeys(databases, source, target, slot);
  if (gaveUp) {
    await must(source, "CLUSTER", "SETSLOT", slot, "STABLE");
    await moveKeys(databases, target, source, slot);
    await must(target, "CLUSTER", "SETSLOT", slot, "STABLE");
    return;
  }
  for (const node of [target, source]) await must(node, "CLUSTER", "SETSLOT", slot, "NODE", to);
}

async function moveKeys(
  databases: number,
  source: RunningServer,
  target: RunningServer,
  slot: number,
): Promise<void> {
  const connection = await source.connect();
  const host = ["MIGRATE", "127.0.0.1", target.port, ""];
  for (let db = 0; db < databases; db++) {
    if (databases > 1) await connection.call("SELECT", db);
    for (;;) {
      const reply = await connection.call("CLUSTER", "GETKEYSINSLOT", slot, MIGRATED_KEYS);
      const keys = reply as Uint8Array[];
      if (keys.length === 0) break;
      const told = await connection.call(...host, db, MIGRATE_MS, "REPLACE", "KEYS", ...keys);
      if (told instanceof ErrorValue) throw new Error(told.message);
    }
  }
  connection.close();
}

async function startNode(binary: ServerBinary, databases: number): Promise<RunningServer> {
  const args = ["--cluster-enabled", "yes", "--cluster-require-full-coverage", "no"];
  args.push("--cluster-port", String(await freePort()), "--repl-backlog-size", "64mb");
  if (databases > 1) args.push("--cluster-databases", String(databases));
  return await startServer(binary, args);
}

async function allAgree(masters: readonly RunningServer[]): Promise<boolean> {
  for (const master of masters) {
    const info = String(plain(await master.call("CLUSTER", "INFO")));
    if (!info.includes("cluster_state:ok") || !info.includes(`cluster_size:${masters.length}`)) {
      await pause(50);
      return false;
    }
  }
  return true;
}

async function must(node: RunningServer, ...args: Argument[]): Promise<Reply> {
  const reply = await node.call(...args);
  if (reply instanceof ErrorValue) {
    throw new Error(`${args.slice(0, 3).join(" ")}: ${reply.message}`);
  }
  return reply;
}

function listOf(reply: Reply): unknown[] {
  const list = plain(reply);
  return Array.isArray(list) ? list : [];
}

/** A field of what RESP2 sends for a map: names and values by turns. */
function fieldOf(list: unknown, name: string): string {
  const fields = Array.isArray(list) ? list : [];
  return String(fields[fields.indexOf(name) + 1] ?? "");
}
