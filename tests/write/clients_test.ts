/**
 * Clients of the port that write and read back at once, over connections of ioredis and node-redis: what they read
 * is never older than what they have written, and over a failover nothing is done twice or lost that the promoted
 * replica had. `INCREMENTS` and `CONNECTIONS` say how many.
 */

import assert from "node:assert/strict";
import { env, kill } from "node:process";
import { type Replica, WriteError } from "../../mod.ts";
import { startFollower } from "../support/followers.ts";
import { infoField } from "../support/info.ts";
import { loadPackage, tryPackage } from "../support/packages.ts";
import { plain } from "../support/resp.ts";
import { MASTER_NAME, settled, startSentinels } from "../support/sentinels.ts";
import {
  newestServer,
  type RunningServer,
  type ServerBinary,
  serverTest,
  startServer,
  timeFor,
} from "../support/servers.ts";
import { pause, until } from "../support/waiting.ts";
import { startForwarding } from "./forward_rig.ts";

const INCREMENTS = Number(env.INCREMENTS ?? 600);
const CONNECTIONS = Number(env.CONNECTIONS ?? 10);
const PASSWORD = "watchword";

/** What both client libraries have in common. */
interface Client {
  incr(key: string): Promise<number>;
  get(key: string): Promise<string | null>;
  close(): void;
}

const noClients = (await tryPackage("ioredis")).reason ?? (await tryPackage("redis")).reason;

async function ioredis(port: number): Promise<Client> {
  const { Redis } = await loadPackage("ioredis");
  const Class = Redis as new (options: object) => Client & {
    disconnect(): void;
    on(event: string, listener: () => void): void;
  };
  const client = new Class({ host: "127.0.0.1", port });
  client.on("error", () => {});
  return {
    incr: (k) => client.incr(k),
    get: (k) => client.get(k),
    close: () => client.disconnect(),
  };
}

async function nodeRedis(port: number, RESP: 2 | 3): Promise<Client> {
  const { createClient } = await loadPackage("redis");
  const create = createClient as (options: object) => Client & {
    connect(): Promise<unknown>;
    destroy(): void;
    on(event: string, listener: () => void): void;
  };
  const client = create({ url: `redis://127.0.0.1:${port}`, RESP });
  client.on("error", () => {});
  await client.connect();
  return { incr: (k) => client.incr(k), get: (k) => client.get(k), close: () => client.destroy() };
}

function connect(port: number): Promise<Client[]> {
  return Promise.all(Array.from({ length: CONNECTIONS }, (_, i) => {
    return i % 2 === 0 ? ioredis(port) : nodeRedis(port, i % 4 === 1 ? 3 : 2);
  }));
}

await serverTest("clients read what they have just written", async (binary) => {
  await using master = await startServer(binary);
  await using forwarding = await startForwarding(`redis://127.0.0.1:${master.port}`);
  const clients = await connect(forwarding.port);
  let left = INCREMENTS;
  await Promise.all(clients.map(async (client, index) => {
    for (let own = 0; left > 0;) {
      left--;
      const key = left % 2 === 0 ? "shared" : `own:${index}`;
      const sum = await client.incr(key);
      const read = Number(await client.get(key));
      assert.ok(read >= sum, `${key}: ${read} is older than ${sum}`);
      if (key !== "shared") assert.deepEqual([sum, read], [++own, own]);
    }
  }));
  for (const client of clients) client.close();
  const { failed, unknown, late, lost } = forwarding.replica.status().writes!;
  assert.deepEqual({ failed, unknown, late, lost }, { failed: 0, unknown: 0, late: 0, lost: 0 });
  let sum = Number(forwarding.replica.get("shared"));
  clients.forEach((_, index) => sum += Number(forwarding.replica.get(`own:${index}`) ?? 0));
  assert.equal(sum, INCREMENTS);
}, { timeoutMs: timeFor(INCREMENTS), isFor: () => noClients === undefined });

/** What one client has seen of its own counter. */
interface Seen {
  /** Increments that were answered with their sum. */
  done: number;
  /** Those of which only the master knows. */
  unknown: number;
  /** Those that were done and that a failover has lost. */
  lost: number;
  /** The sums, in order. */
  sums: number[];
}

async function incrementPort(
  client: Client,
  key: string,
  replica: Replica,
  goesOn: () => boolean,
): Promise<Seen> {
  const seen: Seen = { done: 0, unknown: 0, lost: 0, sums: [] };
  while (goesOn()) {
    try {
      const sum = await client.incr(key);
      seen.done++;
      seen.sums.push(sum);
      const history = replica.token!.slice(0, 40);
      const read = Number(await client.get(key));
      // A failover in between may have lost it after it was read here.
      if (replica.token!.startsWith(history)) assert.equal(read, sum, key);
    } catch (error) {
      if (!(error instanceof Error) || error.name === "AssertionError") throw error;
      if (error.message.startsWith("UNKNOWN")) seen.unknown++;
      else if (error.message.startsWith("HISTORY_LOST")) seen.lost++;
      else {
        assert.match(error.message, /^(MASTERDOWN|READONLY|LOADING|EXECABORT)/);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
  }
  return seen;
}

interface Token {
  readonly token: string;
  readonly sum: number;
}

/** The same in process, where each write has a token. */
async function incrementHere(
  replica: Replica,
  key: string,
  goesOn: () => boolean,
): Promise<{ tokens: Token[]; unknown: number }> {
  const tokens: Token[] = [];
  let unknown = 0;
  while (goesOn()) {
    try {
      const { reply, token } = await replica.master.incr(key, { visible: false });
      if (token !== undefined) tokens.push({ token, sum: Number(reply) });
      else unknown++;
    } catch (error) {
      if (!(error instanceof WriteError)) throw error;
      if (error.code === "UNKNOWN") unknown++;
    }
  }
  return { tokens, unknown };
}

/** A failover takes some seconds: one server unless RIMR_SERVERS names those to ask. */
const ALL = env.RIMR_SERVERS !== undefined;
const newest = await newestServer("redis") ?? await newestServer();
const isAsked = (binary: ServerBinary) =>
  noClients === undefined && (ALL || newest === undefined || binary.name === newest.name);

/** On a connection of its own: sentinels end a server's clients when they give it another role. */
async function fieldOf(server: RunningServer, field: string): Promise<string> {
  const connection = await server.connect();
  try {
    return await infoField(connection, field);
  } finally {
    connection.close();
  }
}

/** Ends the connection of the replica that came first: what is written until it is back it does not have. */
async function cutOff(server: RunningServer): Promise<void> {
  const connection = await server.connect();
  const list = String(plain(await connection.call("CLIENT", "LIST", "TYPE", "replica")));
  const ids = [...list.matchAll(/^id=(\d+)/gm)].map(([, id]) => Number(id));
  await connection.call("CLIENT", "KILL", "ID", Math.min(...ids));
  connection.close();
}

async function isMaster(server: RunningServer): Promise<boolean> {
  return await fieldOf(server, "role").catch(() => "") === "master";
}

await serverTest(
  "over a failover no increment is done twice, and none is lost that was kept",
  async (binary) => {
    await using first = await startServer(binary);
    await using second = await startFollower(first);
    await using sentinels = await startSentinels(binary, 3, first.port, PASSWORD);
    await settled(sentinels);
    const hosts = sentinels.ports.map((port) => `127.0.0.1:${port}`).join(",");
    await using forwarding = await startForwarding(`redis+sentinel://${hosts}/${MASTER_NAME}`, {
      sentinel: { password: PASSWORD },
      backoff: { minMs: 20, maxMs: 200 },
    });
    const { replica } = forwarding;
    const oldId = replica.token!.slice(0, 40);
    const clients = await connect(forwarding.port);
    let done = 0;
    let failedOver = false;
    const stop = new AbortController();
    const goesOn = () => !stop.signal.aborted && (!failedOver || done++ < INCREMENTS / 2);
    using _stopped = { [Symbol.dispose]: () => stop.abort() };
    const atPort = clients.map((client, i) => incrementPort(client, `port:${i}`, replica, goesOn));
    const here = clients.map((_, i) => incrementHere(replica, `here:${i}`, goesOn));
    for (const each of [...atPort, ...here]) each.catch(() => stop.abort());
    const isHalf = () => replica.status().writes!.forwarded >= INCREMENTS / 2;
    await until("half is done", isHalf, timeFor(INCREMENTS));
    kill(second.pid, "SIGSTOP");
    await cutOff(first);
    await pause(20);
    // What comes while it stands still is never looked at.
    kill(first.pid, "SIGSTOP");
    await pause(50);
    kill(first.pid, "SIGKILL");
    kill(second.pid, "SIGCONT");
    await until("the second is the master", () => isMaster(second));
    await until("it is followed", () => replica.connected && !replica.token!.startsWith(oldId));
    failedOver = true;
    const [seen, written] = await Promise.all([Promise.all(atPort), Promise.all(here)]);
    for (const client of clients) client.close();
    const connection = await second.connect();
    const valueOf = async (key: string) => Number(plain(await connection.call("GET", key)) ?? 0);
    const end = Number(await fieldOf(second, "second_repl_offset")) - 1;
    await replica.waitFor((await replica.write("SET", "end", 1)).token!);
    let lost = 0;
    for (const [i, { done, unknown, sums }] of seen.entries()) {
      const value = await valueOf(`port:${i}`);
      assert.equal(Number(replica.get(`port:${i}`) ?? 0), value, "the copy is the master");
      assert.ok(value <= done + unknown, `port:${i}: ${value} of ${done}, ${unknown} unknown`);
      // Sums go up by one or more; they go back once, where the promoted replica had less.
      const falls = sums.filter((sum, at) => at > 0 && sum <= sums[at - 1]);
      assert.ok(falls.length <= 1, `port:${i} went back more than once`);
      lost += Math.max(0, done - value);
    }
    let rejected = 0;
    for (const [i, { tokens, unknown }] of written.entries()) {
      const value = await valueOf(`here:${i}`);
      let kept = 0;
      for (const { token } of tokens) {
        const isLost = token.startsWith(oldId) && Number(token.slice(41)) > end;
        const outcome = await replica.waitFor(token, { timeoutMs: 10_000 })
          .then(() => "kept", (error: WriteError) => error.code);
        assert.equal(outcome, isLost ? "HISTORY_LOST" : "kept", `${token}, ${end}`);
        if (isLost) rejected++;
        else kept++;
      }
      assert.ok(value >= kept, `here:${i}: ${value} of ${kept} that were kept`);
      assert.ok(value <= kept + unknown, `here:${i}: ${value} of ${kept}, ${unknown} unknown`);
    }
    connection.close();
    const totals = seen.reduce((sum, each) => sum + each.done, 0);
    const unknown = [...seen, ...written].reduce((sum, each) => sum + each.unknown, 0);
    const told = seen.reduce((sum, each) => sum + each.lost, 0);
    const tokens = written.reduce((sum, each) => sum + each.tokens.length, 0);
    console.log(
      `${binary.name}: ${totals} increments, ${unknown} unknown, ${told} told lost, ${lost} answered and lost; ` +
        `${tokens} tokens, ${rejected} HISTORY_LOST`,
    );
  },
  { timeoutMs: timeFor(INCREMENTS), isFor: isAsked },
);
