/** Masters found by real sentinels, and failovers followed. */

import assert from "node:assert/strict";
import { Replica } from "../../mod.ts";
import { plain } from "../support/resp.ts";
import { MASTER_NAME, type Sentinels, startSentinels } from "../support/sentinels.ts";
import { type RunningServer, serverTest, startServer } from "../support/servers.ts";
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

/** Waits until each sentinel knows the master's replica and both other sentinels. */
async function settled(sentinels: Sentinels): Promise<void> {
  const connection = await sentinels.connection();
  try {
    await until("the sentinels know each other", async () => {
      const fields = plain(await connection.call("SENTINEL", "MASTER", MASTER_NAME)) as unknown[];
      const valueOf = (name: string) => String(fields[fields.indexOf(name) + 1]);
      return valueOf("num-slaves") === "1" && valueOf("num-other-sentinels") === "2";
    });
  } finally {
    connection.close();
  }
}

function follow(ports: readonly number[]): Replica {
  const hosts = ports.map((port) => `127.0.0.1:${port}`).join(",");
  return new Replica({
    master: `redis+sentinel://${hosts}/${MASTER_NAME}`,
    sentinel: { password: PASSWORD },
    logger: false,
    backoff: { minMs: 20, maxMs: 200 },
  });
}

const ENDINGS = ["is told to hand over", "dies"] as const;

for (const ending of ENDINGS) {
  await serverTest(
    `a failover by sentinels is followed when the master ${ending}`,
    async (binary) => {
      const args = ["--repl-backlog-size", "32mb"];
      await using first = await startServer(binary, args);
      const of = ["--replicaof", "127.0.0.1", String(first.port)];
      await using second = await startServer(binary, [...args, ...of]);
      await until(
        "the second follows",
        async () => await info(second, "master_link_status") === "up",
      );
      await using sentinels = await startSentinels(binary, 3, first.port, PASSWORD);
      await settled(sentinels);
      // The first in the list is no sentinel at all.
      await using replica = follow([1, ...sentinels.ports]);
      await replica.start();
      await replica.ready({ timeoutMs: 20_000 });
      assert.equal(replica.status().master, `127.0.0.1:${first.port}`);
      await ask(first, "SET", "k", "before");
      await until("both have it", async () => {
        return replica.get("k") === "before" && await ask(second, "GET", "k") === "before";
      });
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
      await until("the second is followed", () => {
        return replica.connected && replica.status().master === `127.0.0.1:${second.port}`;
      });
      await ask(second, "SET", "k", "after");
      await until("what the new master says arrives", () => replica.get("k") === "after");
      // A master that lives on sends more bytes (pings, what sentinels publish) after its successor has left
      // it. A replica that has received them is ahead of the successor and needs a full sync, a real one too.
      if (ending === "is told to hand over") return;
      assert.equal(replica.stats.fullSyncs, 1, "no full sync");
      assert.ok(replica.stats.partialSyncs >= 1);
    },
  );
}

await serverTest("sentinels are learned of from the one that is known", async (binary) => {
  await using first = await startServer(binary);
  const of = ["--replicaof", "127.0.0.1", String(first.port)];
  await using second = await startServer(binary, of);
  await until(
    "the second follows",
    async () => await info(second, "master_link_status") === "up",
  );
  await using sentinels = await startSentinels(binary, 3, first.port, PASSWORD);
  await settled(sentinels);
  await using replica = follow([sentinels.ports[0]]);
  await replica.start();
  await replica.ready({ timeoutMs: 20_000 });
  await ask(first, "SET", "k", "before");
  await until("both have it", async () => {
    return replica.get("k") === "before" && await ask(second, "GET", "k") === "before";
  });
  // The only one that was configured goes with the master.
  await sentinels.killFirst();
  await first.stop();
  await until("the second is followed", () => {
    return replica.connected && replica.status().master === `127.0.0.1:${second.port}`;
  });
  await ask(second, "SET", "k", "after");
  await until("what the new master says arrives", () => replica.get("k") === "after");
});

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
