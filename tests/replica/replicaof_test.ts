/**
 * Whom a replica follows when clients ask it by REPLICAOF, and what its master is told of it.
 *
 * @module
 */

import assert from "node:assert/strict";
import test from "node:test";
import { Replica, type ReplicaOptions } from "../../mod.ts";
import { TestMaster } from "../../src/testing/mod.ts";
import { type Connection, open } from "../support/connection.ts";
import { plain } from "../support/resp.ts";
import { until } from "../support/waiting.ts";
import { READY_MS } from "./pair.ts";

/** Follows a first master beside a second one, with a client connected. */
async function between(
  server: ReplicaOptions["server"],
  body: (all: {
    first: TestMaster;
    second: TestMaster;
    replica: Replica;
    client: Connection;
  }) => Promise<void>,
): Promise<void> {
  await using first = await TestMaster.start();
  await using second = await TestMaster.start();
  first.call("SET", "k", "first");
  second.call("SET", "k", "second");
  await using replica = new Replica({
    master: first.url,
    listen: "127.0.0.1:0",
    server,
    logger: false,
    backoff: { minMs: 10 },
  });
  await replica.start();
  await replica.ready({ timeoutMs: READY_MS });
  const client = await open(Number(replica.status().listening!.split(":")[1]));
  try {
    await body({ first, second, replica, client });
  } finally {
    client.close();
  }
}

/** Host and port of a master, as REPLICAOF takes them. */
function addressOf(master: TestMaster): [host: string, port: string] {
  const { hostname, port } = new URL(master.url);
  return [hostname, port];
}

test("REPLICAOF is refused, and no port is announced, unless the application allows it", () =>
  between(undefined, async ({ first, second, replica, client }) => {
    const reply = plain(await client.call("REPLICAOF", ...addressOf(second)));
    assert.match(String(reply), /REPLICAOF is refused/);
    assert.equal(replica.get("k"), "first");
    assert.equal(first.replicas[0].port, 0);
    assert.match(replica.info("replication"), /\r\nreplica_announced:0\r\n/);
  }));

test("REPLICAOF is obeyed where the application allows it", () =>
  between({ allowReplicaOf: true }, async ({ first, second, replica, client }) => {
    assert.equal(`127.0.0.1:${first.replicas[0].port}`, replica.status().listening);
    assert.match(replica.info("replication"), /\r\nreplica_announced:1\r\n/);
    const [host, port] = addressOf(second);
    assert.equal(plain(await client.call("REPLICAOF", host, port)), "OK");
    // Sentinel compares these before the link stands.
    assert.match(replica.info("replication"), new RegExp(`master_port:${port}\r\n`));
    await until("the second is followed", () => replica.connected && replica.get("k") === "second");
    assert.equal(replica.status().master, `${host}:${port}`);
    assert.match(
      String(plain(await client.call("REPLICAOF", host, port))),
      /^OK Already connected to specified master$/,
    );
    second.call("SET", "k", "later");
    await second.wait(1, READY_MS);
    assert.equal(replica.get("k"), "later");
    second.dropReplicas();
    second.call("SET", "k", "last");
    await until("the second is still the one", () => replica.get("k") === "last");
    assert.equal(first.replicas.length, 0);
  }));

test("REPLICAOF of a server that is not there is tried until another one is named", () =>
  between({ allowReplicaOf: true }, async ({ second, replica, client }) => {
    assert.equal(plain(await client.call("SLAVEOF", "127.0.0.1", "1")), "OK");
    await until("the link is down", () => replica.status().error !== undefined);
    assert.equal(replica.get("k"), "first", "the old data is served");
    assert.equal(plain(await client.call("SLAVEOF", ...addressOf(second))), "OK");
    await until("the second is followed", () => replica.connected && replica.get("k") === "second");
  }));

test("REPLICAOF NO ONE is refused always", () =>
  between({ allowReplicaOf: true }, async ({ replica, client }) => {
    const reply = plain(await client.call("REPLICAOF", "NO", "ONE"));
    assert.match(String(reply), /REPLICAOF NO ONE is refused/);
    assert.equal(replica.connected, true);
  }));

/** What redis-7.0, redis-8.6 and valkey-9 answer a client that waits, before they end its connection. */
const MOVED =
  "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)";

test("REPLICAOF another master ends clients that wait, with the reason; the same master ends none", () =>
  between({ allowReplicaOf: true }, async ({ first, second, replica, client }) => {
    const port = Number(replica.status().listening!.split(":")[1]);
    const waiting = await open(port);
    const answer = waiting.call("XREAD", "BLOCK", "0", "STREAMS", "nokey", "$");
    await until("the client waits", () => /blocked_clients:1\r/.test(replica.info("clients")));
    const same = plain(await client.call("REPLICAOF", ...addressOf(first)));
    assert.match(String(same), /Already connected/);
    assert.match(replica.info("clients"), /blocked_clients:1\r/);
    assert.equal(String(plain(await client.call("REPLICAOF", ...addressOf(second)))), "OK");
    assert.match(String(plain(await answer)), new RegExp(MOVED.replace(/[()?]/g, "\\$&")));
    await until("the connection is ended", async () => {
      return !String(plain(await client.call("CLIENT", "LIST"))).includes("cmd=xread");
    });
    waiting.close();
    assert.equal(plain(await client.call("PING")), "PONG");
  }));
