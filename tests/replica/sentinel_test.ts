/** Masters found by real sentinels, and failovers followed. */

import assert from "node:assert/strict";
import { env } from "node:process";
import { Replica, type ReplicaOptions } from "../../mod.ts";
import { type Connection, open } from "../support/connection.ts";
import { startFollower } from "../support/followers.ts";
import { plain } from "../support/resp.ts";
import { MASTER_NAME, settled, startSentinels } from "../support/sentinels.ts";
import {
  IS_SECOND_RUNTIME,
  newestServer,
  type RunningServer,
  type ServerBinary,
  serverTest,
  startServer,
} from "../support/servers.ts";
import { fieldOf } from "../support/info.ts";
import { until } from "../support/waiting.ts";

const PASSWORD = "watchword";

/** On a connection of its own: sentinels end a server's clients when they give it another role. */
async function ask(server: RunningServer, ...args: string[]): Promise<unknown> {
  const connection = await server.connect();
  try {
    return plain(await connection.call(...args));
  } finally {
    connection.close();
  }
}

async function info(server: RunningServer, field: string): Promise<string> {
  return fieldOf(await ask(server, "INFO"), field);
}

function follow(ports: readonly number[], options: ReplicaOptions = {}): Replica {
  const hosts = ports.map((port) => `127.0.0.1:${port}`).join(",");
  return new Replica({
    master: `redis+sentinel://${hosts}/${MASTER_NAME}`,
    sentinel: { password: PASSWORD },
    logger: false,
    backoff: { minMs: 20, maxMs: 200 },
    ...options,
  });
}

/** Writes to the first, and waits until those who follow it have that. */
async function writeBefore(
  first: RunningServer,
  second: RunningServer,
  replica: Replica,
): Promise<void> {
  await ask(first, "SET", "k", "before");
  await until("both have it", async () => {
    return replica.get("k") === "before" && await ask(second, "GET", "k") === "before";
  });
}

/** Waits until the replica follows the second, and has what is written there. */
async function assertFollowed(second: RunningServer, replica: Replica): Promise<void> {
  await until("the second is followed", () => {
    return replica.connected && replica.status().master === `127.0.0.1:${second.port}`;
  });
  await ask(second, "SET", "k", "after");
  await until("what the new master says arrives", () => replica.get("k") === "after");
}

/** Two clients of a replica, one of them a subscriber, that say how often a connection of theirs ended. */
async function clientsOf(replica: Replica): Promise<{ cuts(): Promise<number>; close(): void }> {
  const port = Number(replica.status().listening!.split(":")[1]);
  const plainClient = await open(port);
  const subscriber = await open(port);
  await subscriber.call("SUBSCRIBE", "channel");
  const isCut = (client: Connection) => client.call("PING").then(() => 0, () => 1);
  return {
    cuts: async () => await isCut(plainClient) + await isCut(subscriber),
    close: () => {
      plainClient.close();
      subscriber.close();
    },
  };
}

/** A failover takes some ten seconds: one server unless RIMR_SERVERS names those to ask. */
const ALL = env.RIMR_SERVERS !== undefined;
const newest = await newestServer("redis") ?? await newestServer();
const isAsked = (binary: ServerBinary) =>
  ALL || newest === undefined || binary.name === newest.name;

const ENDINGS = ["is told to hand over", "dies"] as const;

for (const ending of ENDINGS) {
  await serverTest(
    `a failover by sentinels is followed when the master ${ending}`,
    async (binary) => {
      const args = ["--repl-backlog-size", "32mb"];
      await using first = await startServer(binary, args);
      await using second = await startFollower(first, args);
      await using sentinels = await startSentinels(binary, 3, first.port, PASSWORD);
      await settled(sentinels);
      // The first in the list is no sentinel at all.
      await using replica = follow([1, ...sentinels.ports]);
      await replica.start();
      await replica.ready({ timeoutMs: 20_000 });
      assert.equal(replica.status().master, `127.0.0.1:${first.port}`);
      await writeBefore(first, second, replica);
      if (ending === "dies") {
        await first.stop();
      } else {
        const connection = await sentinels.connection();
        await connection.call("SENTINEL", "FAILOVER", MASTER_NAME);
        connection.close();
      }
      await until("the second is the master", async () => {
        return await info(second, "role").catch(() => "") === "master";
      });
      assert.equal(replica.get("k"), "before");
      await assertFollowed(second, replica);
      // A master that lives on sends more bytes (pings, what sentinels publish) after its successor has left
      // it. A replica that has received them is ahead of the successor and needs a full sync, a real one too.
      if (ending === "is told to hand over") return;
      assert.equal(replica.stats.fullSyncs, 1, "no full sync");
      assert.ok(replica.stats.partialSyncs >= 1);
    },
    { isFor: isAsked },
  );
}

await serverTest("sentinels are learned of from the one that is known", async (binary) => {
  await using first = await startServer(binary);
  await using second = await startFollower(first);
  await using sentinels = await startSentinels(binary, 3, first.port, PASSWORD);
  await settled(sentinels);
  await using replica = follow([sentinels.ports[0]]);
  await replica.start();
  await replica.ready({ timeoutMs: 20_000 });
  await writeBefore(first, second, replica);
  // The only one that was configured goes with the master.
  await sentinels.killFirst();
  await first.stop();
  await assertFollowed(second, replica);
}, { isFor: isAsked });

await serverTest(
  "sentinels that know no such master are told of, and so are wrong passwords",
  async (binary) => {
    await using master = await startServer(binary);
    await using sentinels = await startSentinels(binary, 1, master.port, PASSWORD);
    const host = `127.0.0.1:${sentinels.ports[0]}`;
    for (const [name, password] of [["other", PASSWORD], [MASTER_NAME, "wrong"]]) {
      await using replica = new Replica({
        master: { sentinels: [host], name },
        sentinel: { password },
        logger: false,
      });
      replica.start().catch(() => {});
      await until("an error is told", () => replica.status().error !== undefined);
      const { error } = replica.status();
      assert.equal((error as { code?: string }).code, "NO_MASTER");
      assert.match(
        error!.message,
        name === "other" ? /No such master/ : /WRONGPASS|invalid password/,
      );
    }
  },
);

const ALLOWED = { allowReplicaOf: true };
/**
 * How a replica is told of its master, and how it is served. `counts` says with how many sentinels unless
 * RIMR_SERVERS names servers: then each kind is played with one and with three.
 */
const KINDS: readonly {
  readonly name: string;
  readonly sentinel: boolean;
  readonly server: { readonly allowReplicaOf?: boolean };
  readonly counts: readonly number[];
}[] = [
  { name: "a plain URL", sentinel: false, server: {}, counts: [3] },
  { name: "a sentinel's URL", sentinel: true, server: {}, counts: [1] },
  { name: "a plain URL and allowReplicaOf", sentinel: false, server: ALLOWED, counts: [] },
  { name: "a sentinel's URL and allowReplicaOf", sentinel: true, server: ALLOWED, counts: [3] },
];

for (const count of [1, 3]) {
  for (const { name, sentinel, server, counts } of KINDS) {
    if (!ALL && (IS_SECOND_RUNTIME || !counts.includes(count))) continue;
    await serverTest(
      `a failover by ${count} sentinels waits for no replica with ${name}`,
      async (binary) => {
        await using first = await startServer(binary);
        await using second = await startFollower(first);
        await using sentinels = await startSentinels(binary, count, first.port, PASSWORD);
        const events: string[] = [];
        await sentinels.onEvent((channel, text) => void events.push(`${channel} ${text}`));
        await using replica = follow(sentinels.ports, {
          ...(sentinel ? {} : { master: `redis://127.0.0.1:${first.port}`, sentinel: undefined }),
          listen: "127.0.0.1:0",
          server,
        });
        await replica.start();
        await replica.ready({ timeoutMs: 20_000 });
        await settled(sentinels, 2, count - 1);
        const clients = await clientsOf(replica);
        await first.stop();
        await until("the failover has ended", () => {
          return events.some((event) => event.startsWith("+failover-end "));
        });
        const timedOut = events.filter((event) => event.startsWith("+failover-end-for-timeout"));
        assert.deepEqual(timedOut, [], "nobody was waited for in vain");
        const allowed = server.allowReplicaOf === true;
        if (sentinel || allowed) {
          await assertFollowed(second, replica);
        }
        // A real replica cuts its clients as well when it is told whom to follow.
        if (!allowed) assert.equal(await clients.cuts(), 0, "no client is cut");
        clients.close();
      },
      { isFor: isAsked },
    );
  }
}

/** Which server asks whether clients are cut: a matter of the sentinels, not of the runtime. */
const cutsClients = (binary: ServerBinary) => isAsked(binary) && (ALL || !IS_SECOND_RUNTIME);

await serverTest(
  "sentinels that found a replica by its port cut none of its clients",
  async (binary) => {
    await using first = await startServer(binary);
    await using _second = await startFollower(first);
    await using replica = new Replica({
      master: `redis://127.0.0.1:${first.port}`,
      listen: "127.0.0.1:0",
      logger: false,
    });
    await replica.start();
    await replica.ready({ timeoutMs: 20_000 });
    const { port } = new URL(`tcp://${replica.status().listening}`);
    await using sentinels = await startSentinels(binary, 1, first.port, PASSWORD);
    // It knows the port all the same, as from a time when that was announced.
    await announce(first, port);
    const events: string[] = [];
    await sentinels.onEvent((channel, text) => void events.push(`${channel} ${text}`));
    await until("the sentinel has found it", async () => {
      const connection = await sentinels.connection();
      const text = JSON.stringify(plain(await connection.call("SENTINEL", "SLAVES", MASTER_NAME)));
      connection.close();
      return text.includes(`"${port}"`);
    });
    const clients = await clientsOf(replica);
    await first.stop();
    await until("it is told whom to follow", () => {
      return events.some((event) => event.startsWith("+slave-reconf-sent") && event.includes(port));
    });
    await until("and told again", () => {
      return events.some((event) => event.startsWith("+switch-master"));
    });
    await until("the transactions were refused", () => {
      return /errorstat_EXECABORT:count=[2-9]/.test(replica.info("errorstats"));
    });
    assert.equal(await clients.cuts(), 0, "no client is cut");
    clients.close();
  },
  { isFor: cutsClients },
);

/** Has a master list a replica with this port, as long as the connection lasts. */
async function announce(master: RunningServer, port: string): Promise<void> {
  const connection = await master.connect();
  await connection.call("REPLCONF", "listening-port", port);
  connection.send(new TextEncoder().encode("PSYNC ? -1\r\n"));
  connection.takeOver(() => {});
}
