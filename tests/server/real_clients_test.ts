/**
 * Real clients read from the server as from any replica: ioredis, node-redis, redis-cli and, where it
 * runs, Bun's own.
 *
 * @module
 */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { loadPackage, tryPackage } from "../support/packages.ts";
import { type ServerBinary, servers } from "../support/servers.ts";
import { fill, serve } from "./support.ts";

const READONLY = /READONLY You can't write against a read only replica/;

async function filled() {
  const served = await serve();
  fill(served.keyspace, { name: "Ada", count: "41", "user:1": "a", "user:2": "b" });
  fill(served.keyspace, { other: "db" }, 1);
  return served;
}

interface Redis {
  get(key: string): Promise<string | null>;
  getBuffer(key: string): Promise<Uint8Array>;
  mget(...keys: string[]): Promise<(string | null)[]>;
  set(key: string, value: string): Promise<string>;
  pipeline(): { get(key: string): unknown; exec(): Promise<[unknown, unknown][]> };
  multi(): { get(key: string): unknown; exec(): Promise<[unknown, unknown][]> };
  scanStream(options: object): AsyncIterable<string[]>;
  subscribe(channel: string): Promise<number>;
  on(event: string, listener: (...args: string[]) => void): void;
  duplicate(): Redis;
  publish(channel: string, message: string): Promise<number>;
  info(section: string): Promise<string>;
  quit(): Promise<string>;
  disconnect(): void;
}

const { reason: noIoredis } = await tryPackage("ioredis");

test("ioredis reads, scans, pipelines and subscribes", { skip: noIoredis }, async () => {
  const served = await filled();
  const { Redis } = await loadPackage("ioredis");
  const Client = Redis as new (options: object) => Redis;
  const redis = new Client({ port: served.port, host: "127.0.0.1", connectionName: "me", db: 0 });
  const subscriber = redis.duplicate();
  try {
    assert.equal(await redis.get("name"), "Ada");
    assert.deepEqual([...await redis.getBuffer("name")], [65, 100, 97]);
    assert.deepEqual(await redis.mget("name", "nope", "count"), ["Ada", null, "41"]);
    await assert.rejects(redis.set("a", "b"), READONLY);
    const pipeline = redis.pipeline();
    for (let i = 0; i < 100; i++) pipeline.get("count");
    const replies = await pipeline.exec();
    assert.equal(replies.length, 100);
    assert.ok(replies.every(([error, value]) => error === null && value === "41"));
    const multi = redis.multi();
    multi.get("name");
    assert.deepEqual(await multi.exec(), [[null, "Ada"]]);
    const keys: string[] = [];
    for await (const part of redis.scanStream({ match: "user:*" })) keys.push(...part);
    assert.deepEqual(keys.toSorted(), ["user:1", "user:2"]);
    assert.match(await redis.info("replication"), /role:slave/);
    const message = new Promise((resolve) =>
      subscriber.on("message", (...heard) => resolve(heard))
    );
    await subscriber.subscribe("news");
    assert.equal(await redis.publish("news", "hello"), 1);
    assert.deepEqual(await message, ["news", "hello"]);
    await redis.quit();
  } finally {
    redis.disconnect();
    subscriber.disconnect();
    await served.close();
  }
});

interface NodeRedis {
  connect(): Promise<unknown>;
  on(event: string, listener: (error: Error) => void): void;
  get(key: string): Promise<string | null>;
  mGet(keys: string[]): Promise<(string | null)[]>;
  set(key: string, value: string): Promise<string>;
  multi(): { get(key: string): { ttl(key: string): { exec(): Promise<unknown[]> } } };
  scanIterator(options: object): AsyncIterable<string[]>;
  subscribe(channel: string, listener: (message: string, channel: string) => void): Promise<void>;
  publish(channel: string, message: string): Promise<number>;
  duplicate(): NodeRedis;
  clientId(): Promise<number>;
  destroy(): void;
}

const { reason: noNodeRedis } = await tryPackage("redis");

for (const RESP of [2, 3] as const) {
  test(`node-redis over RESP${RESP} reads and subscribes`, { skip: noNodeRedis }, async () => {
    const served = await filled();
    const { createClient } = await loadPackage("redis");
    const create = createClient as (options: object) => NodeRedis;
    const client = create({ url: `redis://127.0.0.1:${served.port}`, name: "me", RESP });
    const subscriber = client.duplicate();
    for (const each of [client, subscriber]) each.on("error", () => {});
    try {
      await client.connect();
      await subscriber.connect();
      assert.equal(await client.get("name"), "Ada");
      assert.deepEqual(await client.mGet(["name", "nope"]), ["Ada", null]);
      await assert.rejects(client.set("a", "b"), READONLY);
      assert.deepEqual(await client.multi().get("count").ttl("count").exec(), ["41", -1]);
      const keys: string[] = [];
      for await (const part of client.scanIterator({ MATCH: "user:*" })) keys.push(...part);
      assert.deepEqual(keys.toSorted(), ["user:1", "user:2"]);
      const message = new Promise((resolve) =>
        void subscriber.subscribe("news", (text, channel) => resolve([channel, text])).then(() =>
          client.publish("news", "hello")
        )
      );
      assert.deepEqual(await message, ["news", "hello"]);
      assert.ok(await client.clientId() > 0);
    } finally {
      client.destroy();
      subscriber.destroy();
      await served.close();
    }
  });
}

interface BunRedis {
  get(key: string): Promise<string | null>;
  set(key: string, value: string): Promise<unknown>;
  send(command: string, args: string[]): Promise<unknown>;
  close(): void;
}

const BunClient = (globalThis as { Bun?: { RedisClient?: new (url: string) => BunRedis } }).Bun
  ?.RedisClient;

test("Bun's own client reads", { skip: BunClient ? false : "not on Bun" }, async () => {
  const served = await filled();
  const client = new BunClient!(`redis://127.0.0.1:${served.port}`);
  try {
    assert.equal(await client.get("name"), "Ada");
    assert.equal(await client.get("nope"), null);
    assert.deepEqual(await client.send("MGET", ["name", "count"]), ["Ada", "41"]);
    await assert.rejects(client.set("a", "b"), READONLY);
  } finally {
    client.close();
    await served.close();
  }
});

const binaries = await servers().catch((): ServerBinary[] => []);

for (const { name, cli } of binaries) {
  if (cli === undefined) continue;
  test(`the command line client of ${name} reads`, { timeout: 60_000 }, async () => {
    const served = await filled();
    const run = (...args: string[]) =>
      new Promise<string>((resolve, reject) => {
        execFile(cli, ["-p", String(served.port), ...args], (error, stdout, stderr) => {
          if (error !== null && stdout === "") reject(new Error(stderr));
          else resolve(stdout);
        });
      });
    try {
      assert.equal(await run("GET", "name"), "Ada\n");
      assert.equal(await run("-n", "1", "GET", "other"), "db\n");
      assert.equal(await run("-3", "GET", "nope"), "\n");
      assert.match(await run("SET", "a", "b"), READONLY);
      assert.deepEqual((await run("--scan", "--pattern", "user:*")).trim().split("\n").sort(), [
        "user:1",
        "user:2",
      ]);
      assert.match(await run("INFO", "replication"), /master_link_status:/);
      assert.equal((await run("DBSIZE")).trim(), "4");
      assert.match(await run("--bigkeys"), /Sampled 4 keys in the keyspace!/);
    } finally {
      await served.close();
    }
  });
}
