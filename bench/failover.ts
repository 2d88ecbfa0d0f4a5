/**
 * How long does a failover by sentinels take with us in the group, beside one with a real replica in our place?
 *
 *     [RUNS=5] [SENTINELS=1,3] deno task bench failover
 *
 * A master, a replica that will be promoted, and a third server: a real replica, or ours by a plain URL, by a
 * sentinel's URL, and by a plain URL with `allowReplicaOf`. The clock starts when the master is killed. It stops
 * for the failover when the sentinel that leads it publishes `+failover-end`, and for the third server when it follows
 * the new master. Clients of ours that were cut are counted. Sentinels call a master down after 0.7 s, and an
 * election may take them another second: compare medians. The run takes ten minutes.
 *
 * @module
 */

import { env } from "node:process";
import { Replica, type ReplicaOptions } from "../mod.ts";
import { type Connection, open } from "../tests/support/connection.ts";
import { fieldOf } from "../tests/support/info.ts";
import { plain } from "../tests/support/resp.ts";
import { MASTER_NAME, type Sentinels, startSentinels } from "../tests/support/sentinels.ts";
import { type RunningServer, type ServerBinary, startServer } from "../tests/support/servers.ts";
import { until } from "../tests/support/waiting.ts";
import { headline, line, median, size, spread, verdict } from "./support/report.ts";
import { opponent } from "./support/subject.ts";

const PASSWORD = "watchword";
/** Long enough that a sentinel that waits for us in vain is seen in every figure. */
const FAILOVER_TIMEOUT_MS = 30_000;
/** Seconds by which a failover with us may be slower. */
const MARGIN_S = 2;

/** The third server of a group. */
interface Third extends AsyncDisposable {
  /** True when it follows the server at `port`. */
  follows(port: number): Promise<boolean>;
  /** How many of its clients were cut. */
  cuts(): Promise<number>;
}

/** Starts the third server of a group whose master listens at `masterPort`. */
type StartThird = (masterPort: number, sentinels: Sentinels) => Promise<Third>;

/** What one failover took, in seconds. */
interface Outcome {
  readonly failover: number;
  /** Undefined for a replica that stays with its master. */
  readonly followed: number | undefined;
  readonly cuts: number;
}

/** Asks on a connection of its own: Sentinel ends a server's clients when it gives it another role. */
async function infoOf(server: RunningServer, field: string): Promise<string> {
  const connection = await server.connect().catch(() => undefined);
  try {
    return connection === undefined ? "" : fieldOf(plain(await connection.call("INFO")), field);
  } catch {
    return "";
  } finally {
    connection?.close();
  }
}

function startReal(binary: ServerBinary): StartThird {
  return async (masterPort) => {
    const server = await startServer(binary, replicaArgs(masterPort, 0));
    await until("it follows", async () => await infoOf(server, "master_link_status") === "up");
    return {
      follows: async (port) =>
        await infoOf(server, "master_port") === String(port) &&
        await infoOf(server, "master_link_status") === "up",
      cuts: () => Promise.resolve(0),
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  };
}

function startOurs(bySentinel: boolean, server: ReplicaOptions["server"]): StartThird {
  return async (masterPort, sentinels) => {
    const hosts = sentinels.ports.map((port) => `127.0.0.1:${port}`).join(",");
    const replica = new Replica({
      ...(bySentinel
        ? {
          master: `redis+sentinel://${hosts}/${MASTER_NAME}`,
          sentinel: { password: PASSWORD },
        }
        : { master: `redis://127.0.0.1:${masterPort}` }),
      listen: "127.0.0.1:0",
      server,
      logger: false,
    });
    await replica.start();
    await replica.ready({ timeoutMs: 20_000 });
    const client = await open(Number(replica.status().listening?.split(":")[1]));
    return {
      follows: (port) =>
        Promise.resolve(replica.connected && replica.status().master === `127.0.0.1:${port}`),
      cuts: () => client.call("PING").then(() => 0, () => 1),
      [Symbol.asyncDispose]: () => {
        client.close();
        return replica.close();
      },
    };
  };
}

function replicaArgs(masterPort: number, priority: number): string[] {
  return ["--replicaof", "127.0.0.1", String(masterPort), "--replica-priority", String(priority)];
}

/** Waits until every sentinel knows both replicas and every other sentinel. */
async function settle(sentinels: Sentinels, count: number): Promise<void> {
  const connections: Connection[] = [];
  try {
    for (const port of sentinels.ports) {
      const connection = await open(port);
      connections.push(connection);
      await connection.call("AUTH", PASSWORD);
    }
    await until("the sentinels know each other and the replicas", async () => {
      for (const connection of connections) {
        const reply = plain(await connection.call("SENTINEL", "MASTER", MASTER_NAME)) as unknown[];
        const valueOf = (name: string) => String(reply[reply.indexOf(name) + 1]);
        if (valueOf("num-slaves") !== "2") return false;
        if (valueOf("num-other-sentinels") !== String(count - 1)) return false;
      }
      return true;
    });
  } finally {
    for (const connection of connections) connection.close();
  }
}

async function failOver(
  binary: ServerBinary,
  count: number,
  start: StartThird,
  moves: boolean,
): Promise<Outcome> {
  await using master = await startServer(binary);
  await using next = await startServer(binary, replicaArgs(master.port, 10));
  await until("the next follows", async () => await infoOf(next, "master_link_status") === "up");
  await using sentinels = await startSentinels(
    binary,
    count,
    master.port,
    PASSWORD,
    FAILOVER_TIMEOUT_MS,
  );
  await using third = await start(master.port, sentinels);
  await settle(sentinels, count);
  let endedAt = 0;
  await sentinels.onEvent((channel) => {
    if (channel.startsWith("+failover-end")) endedAt ||= performance.now();
  });
  const killedAt = performance.now();
  await master.stop();
  let followedAt: number | undefined;
  await until("the failover is over", async () => {
    if (moves && followedAt === undefined && await third.follows(next.port)) {
      followedAt = performance.now();
    }
    return endedAt > 0 && (!moves || followedAt !== undefined);
  });
  const secondsTo = (at: number) => (at - killedAt) / 1000;
  return {
    failover: secondsTo(endedAt),
    followed: followedAt === undefined ? undefined : secondsTo(followedAt),
    cuts: await third.cuts(),
  };
}

const runs = size("RUNS", 5);
const counts = (env.SENTINELS ?? "1,3").split(",").map(Number);
const binary = await opponent();
const theirs = `${binary.product}-server ${binary.version}`;
const thirds: { name: string; start: StartThird; moves: boolean }[] = [
  { name: theirs, start: startReal(binary), moves: true },
  { name: "ours, redis://", start: startOurs(false, {}), moves: false },
  { name: "ours, redis+sentinel://", start: startOurs(true, {}), moves: true },
  { name: "ours, allowReplicaOf", start: startOurs(false, { allowReplicaOf: true }), moves: true },
];
headline("A failover by sentinels with a third server in the group", {
  runs,
  sentinels: counts.join(" and "),
});
for (const count of counts) {
  const outcomes = new Map<string, Outcome[]>(thirds.map(({ name }) => [name, []]));
  for (let run = 0; run < runs; run++) {
    for (const { name, start, moves } of thirds) {
      outcomes.get(name)?.push(await failOver(binary, count, start, moves));
    }
  }
  const secondsOf = (name: string) => (outcomes.get(name) ?? []).map((one) => one.failover);
  const real = Number(median(secondsOf(theirs)).toFixed(2));
  for (const [name, list] of outcomes) {
    const title = `${count} of them: ${name}`.padEnd(34);
    line(title, "failover", spread(secondsOf(name), "s"));
    const followed = list.flatMap((one) => one.followed ?? []);
    if (followed.length > 0) line(title, "follows the new master", spread(followed, "s"));
    if (name === theirs) continue;
    line(title, "failover / theirs", (median(secondsOf(name)) / real).toFixed(2));
    line(title, "clients cut", String(list.reduce((sum, one) => sum + one.cuts, 0)));
    const bounds = { atLeast: real + MARGIN_S, aim: real, unit: " s", higher: false };
    verdict(title, "failover", median(secondsOf(name)), bounds);
  }
}
