/**
 * The README's table for those who come from the Go library: each name in its left column has a check here of what
 * stands in the right one, and no check is without its row.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Replica, type ReplicaOptions, ReplicationError, VERSION } from "../../mod.ts";
import type { Net, Socket } from "../../src/net/mod.ts";
import { loadNet } from "../../src/net/runtime.ts";
import { TestMaster, type TestMasterOptions } from "../../src/testing/mod.ts";
import { makeCertificates } from "../net/certificates.ts";
import { open } from "../support/connection.ts";
import { ErrorValue } from "../support/resp.ts";
import { ROOT } from "../support/paths.ts";
import { until } from "../support/waiting.ts";
import { READY_MS } from "./pair.ts";

const SECTION = /^## Coming from .*for Go$([\s\S]*?)^## /m;
const FAR_MS = 4_102_444_800_000; // the year 2100
const VALUE_BYTES = 200_000;

type Check = () => void | Promise<void>;

let master: TestMaster;
let replica: Replica;
/** When the shared replica was started, and had its data. */
let startedMs = 0;
let readyMs = 0;

before(async () => {
  master = await TestMaster.start();
  master.call("SET", "string", "1");
  master.call("HSET", "hash", "field", "1");
  master.call("SET", "mortal", "1", "PXAT", FAR_MS);
  startedMs = Date.now();
  replica = await synced({ master: master.url });
  readyMs = Date.now();
});

after(async () => {
  await replica.close();
  await master.close();
});

/** A replica that has its data; the caller closes it. */
async function synced(options: ReplicaOptions): Promise<Replica> {
  const made = new Replica({ logger: false, ...options });
  await made.start({ timeoutMs: READY_MS });
  await made.ready({ timeoutMs: READY_MS });
  return made;
}

/** Runs `check` with a master and a replica of it that was not started. */
async function pair(
  options: ReplicaOptions,
  masterOptions: TestMasterOptions,
  check: (replica: Replica, master: TestMaster) => Promise<void>,
): Promise<void> {
  await using other = await TestMaster.start(masterOptions);
  await using made = new Replica({ master: other.url, logger: false, ...options });
  await check(made, other);
}

/** A replica without a master, which may be written. */
async function alone(check: (replica: Replica) => void): Promise<void> {
  await using made = new Replica({ logger: false });
  check(made);
}

/** Waits until the link has failed with `code`. */
async function failsWith(code: string, options: ReplicaOptions, masterOptions: TestMasterOptions) {
  await pair(options, masterOptions, async (made) => {
    const codes: string[] = [];
    made.on("disconnect", ({ error }) => {
      if (error instanceof ReplicationError) codes.push(error.code);
    });
    void made.start().catch(() => {});
    await until(code, () => codes.includes(code));
  });
}

/** The counters before and after a key is written on the master and has arrived. */
async function counted<T>(take: () => T): Promise<[T, T]> {
  const was = take();
  master.call("SET", "counted", "x".repeat(VALUE_BYTES));
  await master.wait(1, READY_MS);
  return [was, take()];
}

/** A field of INFO. */
function infoOf(section: string, field: string): string | undefined {
  return replica.info(section).match(new RegExp(`^${field}:(.*)\r$`, "m"))?.[1];
}

const isConnected = () => {
  assert.equal(replica.connected, true);
  assert.equal(replica.status().state, "live");
};
const hasData = () =>
  pair({}, {}, async (made) => {
    assert.equal(made.status().hasData, false);
    await made.start();
    await made.ready();
    assert.equal(made.status().hasData, true);
    await made.close();
    assert.equal(made.status().hasData, true);
  });
const masterHost = () => {
  assert.equal(replica.status().master, `127.0.0.1:${master.port}`);
  assert.equal(infoOf("replication", "master_host"), "127.0.0.1");
  assert.equal(infoOf("replication", "master_port"), String(master.port));
};
const offset = async () => {
  const [was, is] = await counted(() => replica.status().offset);
  assert.ok(is > was + VALUE_BYTES);
  assert.equal(is, master.offset);
};
const bytesReceived = async () => {
  const [was, is] = await counted(() => replica.status().counters.bytesRead);
  assert.ok(is > was + VALUE_BYTES);
  assert.equal(replica.stats.bytesRead, is);
};
const commandsProcessed = async () => {
  const [was, is] = await counted(() => replica.status().counters.commands);
  assert.ok(is > was);
  assert.match(infoOf("commandstats", "cmdstat_set") ?? "", /^calls=[1-9]/);
};
const keyCount = () => assert.equal(replica.status().keys, replica.size);
const memoryUsage = async () => {
  const [was, is] = await counted(() => replica.status().memoryBytes);
  assert.ok(is >= was && was > 0);
  assert.equal(replica.storage.memoryUsage(), is);
};
/** Made when they are first asked for; a text where there is no openssl. */
let certificates: ReturnType<typeof makeCertificates> | undefined;
const tls = async () => {
  const made = certificates ??= makeCertificates();
  if (typeof made === "string") return;
  await using secure = await TestMaster.start({ tls: made.server });
  const { port } = secure;
  await using trusting = await synced({
    master: `rediss://localhost:${port}`,
    tls: { ca: made.ca },
  });
  assert.equal(trusting.connected, true);
  await using strict = new Replica({ master: secure.url, logger: false });
  await assert.rejects(strict.start(), { code: "CONNECT" });
};
const server = async () => {
  const listen = "127.0.0.1:0";
  await using silent = await synced({ master: master.url, listen, server: { enabled: false } });
  assert.equal(silent.status().listening, undefined);
  await using made = await synced({ master: master.url, listen, server: { password: "secret" } });
  const client = await open(Number(made.status().listening?.split(":").at(-1)));
  try {
    const refused = await client.call("GET", "string");
    assert.ok(refused instanceof ErrorValue && refused.message.startsWith("NOAUTH"));
    await client.call("AUTH", "secret");
    assert.deepEqual(await client.call("GET", "string"), new Uint8Array([49]));
  } finally {
    client.close();
  }
};
/** A network whose sockets look as if they never sent what they are given. */
async function stuckNet(): Promise<Net> {
  const net = await loadNet();
  const stick = (socket: Socket) =>
    new Proxy(socket, {
      get(target, name) {
        if (name === "pendingBytes") return 1;
        const value = Reflect.get(target, name, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  return { connect: async (options) => stick(await net.connect(options)), listen: net.listen };
}
const connectTimeout = async () => {
  const asked: (number | undefined)[] = [];
  const net: Net = {
    connect: ({ timeoutMs }) => (asked.push(timeoutMs), Promise.reject(new Error("nobody"))),
    listen: () => Promise.reject(new Error("nobody")),
  };
  await using made = new Replica({
    master: "127.0.0.1:1",
    net,
    timeouts: { connectMs: 77 },
    logger: false,
  });
  await assert.rejects(made.start({ timeoutMs: 50 }));
  assert.equal(asked[0], 77);
};
const events = () =>
  pair({}, {}, async (made, other) => {
    const told: string[] = [];
    const moments = new Set<number>();
    made.on("state", ({ to }) => void told.push(to));
    made.on("progress", ({ startedAtMs }) => void moments.add(startedAtMs));
    made.on("disconnect", () => void told.push("disconnect"));
    made.on("sync", ({ durationMs }) => void told.push(durationMs >= 0 ? "sync" : "no time"));
    await made.start();
    await made.ready();
    other.dropReplicas();
    await until("the disconnect", () => told.includes("disconnect"));
    assert.ok(told.includes("live") && told.includes("sync"));
    for (const moment of moments) assert.ok(moment >= startedMs);
  });
const writes = () =>
  alone(({ storage }) => {
    storage.set("a", "1", FAR_MS);
    assert.deepEqual(storage.get("a"), new Uint8Array([49]));
    assert.equal(storage.get("none"), undefined);
    assert.equal(storage.exists("a", "none"), 1);
    assert.equal(storage.del("a", "none"), 1);
  });
const expiry = () =>
  alone(({ storage }) => {
    storage.set("a", "1");
    assert.equal(storage.expire("a", FAR_MS), true);
    assert.ok(storage.ttl("a") > FAR_MS - Date.now() - READY_MS);
    assert.equal(storage.type("a"), "string");
  });
const databases = () =>
  alone(({ storage }) => {
    storage.selectDb(3);
    storage.set("a", "1");
    assert.equal(storage.currentDb(), 3);
    storage.selectDb(0);
    assert.equal(storage.keyCount(), 0);
    storage.flushAll();
    assert.deepEqual(storage.info(), {});
  });

/** The methods of a collector that a sync, a write and a cut link have called; made once. */
let calls: Promise<ReadonlySet<string>> | undefined;
const recorded = async (name: string = "recordKeyCount") => {
  calls ??= record();
  assert.ok((await calls).has(name));
};
async function record(): Promise<ReadonlySet<string>> {
  const called = new Set<string>();
  const collector = new Proxy({}, {
    get: (_, name) => (...args: unknown[]) => {
      for (const arg of args) assert.ok(typeof arg === "string" || Number(arg) >= 0);
      called.add(String(name));
    },
  });
  await pair({ metrics: { collector } }, {}, async (made, other) => {
    await made.start();
    await made.ready();
    other.call("SET", "a", "1");
    other.dropReplicas();
    const told = ["recordReconnection", "recordCommandProcessed", "recordKeyCount", "recordError"];
    await until("the collector", () => told.every((name) => called.has(name)));
  });
  return called;
}

/** What is checked for each name of the Go library. */
const CHECKS: Readonly<Record<string, Check>> = {
  New: () => alone((made) => assert.equal(made.status().state, "idle")),
  Start: isConnected,
  Close: () =>
    pair({}, {}, async (made) => {
      await made.start();
      await made.close();
      assert.equal(made.status().state, "closed");
    }),
  WaitForSync: () =>
    pair({}, { snapshotDelayMs: 60_000 }, async (made) => {
      void made.start().catch(() => {});
      await assert.rejects(made.ready({ timeoutMs: 5 }), { name: "TimeoutError" });
      await assert.rejects(made.ready({ signal: AbortSignal.abort() }));
    }),
  OnSyncComplete: () => {
    const told: string[] = [];
    return pair({ onSync: ({ kind }) => void told.push(kind) }, {}, async (made, other) => {
      made.on("sync", ({ kind }) => void told.push(kind));
      await made.start();
      await made.ready();
      assert.deepEqual(told, ["full", "full"]);
      other.dropReplicas();
      await until("the second one", () => told.length === 4);
      assert.deepEqual(told, ["full", "full", "partial", "partial"]);
    });
  },
  IsConnected: isConnected,
  SyncStatus: () => assert.equal(typeof replica.status(), "object"),
  InitialSyncCompleted: hasData,
  InitialSyncProgress: () =>
    pair({}, {}, async (made, other) => {
      for (let i = 0; i < 1_000; i++) other.call("SET", `key:${i}`, "x".repeat(2_000));
      const seen: number[] = [made.status().progress];
      made.on("progress", ({ fraction }) => void seen.push(fraction));
      const isSyncing = made.on("state", () => void seen.push(made.status().progress));
      await made.start();
      await made.ready();
      isSyncing();
      assert.equal(seen[0], 0);
      assert.equal(made.status().progress, 1);
      for (const value of seen) assert.ok(value >= 0 && value <= 1, String(value));
      assert.deepEqual(seen, [...seen].sort((a, b) => a - b));
    }),
  Connected: isConnected,
  MasterHost: masterHost,
  ReplicationOffset: offset,
  LastSyncTime: () => {
    const at = replica.status().syncedAtMs ?? 0;
    assert.ok(at >= startedMs && at <= readyMs);
  },
  BytesReceived: bytesReceived,
  CommandsProcessed: commandsProcessed,
  GetInfo: () => assert.match(replica.info(), /^# Server\r\n/),
  keys: keyCount,
  memory_usage: memoryUsage,
  connected: isConnected,
  master_host: masterHost,
  initial_sync_completed: hasData,
  replication_offset: offset,
  commands_processed: commandsProcessed,
  version: () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, "deno.json"), "utf8"));
    assert.equal(VERSION, version);
  },
  Stats: () => assert.deepEqual(replica.stats, replica.status().counters),
  ReconnectCount: () => assert.equal(replica.stats.attempts, 1),
  FullSyncCount: () => assert.equal(replica.stats.fullSyncs, 1),
  PartialSyncCount: () => assert.equal(replica.stats.partialSyncs, 0),
  KeyCount: () => {
    keyCount();
    assert.equal(replica.storage.keyCount(), replica.size);
  },
  MemoryUsage: memoryUsage,
  NetworkBytesRecv: bytesReceived,
  ConnectedAt: events,
  DisconnectedAt: events,
  InitialSyncStart: events,
  InitialSyncEnd: events,
  "Storage()": () => {
    assert.equal(replica.storage, replica.storage);
    assert.equal(replica.hget("hash", "field"), "1");
  },
  Get: () => {
    assert.deepEqual(replica.storage.get("string"), new Uint8Array([49]));
    assert.throws(() => replica.storage.get("hash"), { code: "WRONGTYPE" });
  },
  Set: writes,
  Del: writes,
  Exists: () => assert.equal(replica.storage.exists("string", "hash", "none"), 2),
  Expire: expiry,
  TTL: expiry,
  Type: () => assert.equal(replica.storage.type("hash"), "hash"),
  Keys: () => assert.deepEqual(replica.storage.keys("[sh]*").sort(), ["hash", "string"]),
  Scan: () => {
    const found = [...replica.storage.scan({ match: "[sh]*" })];
    assert.deepEqual(found.sort(), ["hash", "string"]);
  },
  SelectDB: databases,
  CurrentDB: databases,
  FlushAll: databases,
  Info: () => assert.equal(replica.storage.info().db0.expires, 1),
  WithMaster: () => assert.equal(replica.get("string"), "1"),
  WithMasterAuth: async () => {
    await using locked = await TestMaster.start({ password: "secret" });
    const { port } = locked;
    await using made = await synced({ master: `redis://127.0.0.1:${port}`, password: "secret" });
    assert.equal(made.connected, true);
    await using wrong = new Replica({ master: `redis://:wrong@127.0.0.1:${port}`, logger: false });
    await assert.rejects(wrong.start(), { code: "WRONGPASS" });
  },
  WithTLS: tls,
  WithSecureTLS: tls,
  WithTLSEnvironment: tls,
  WithTLSCustom: tls,
  WithReplicaAddr: server,
  WithServerEnabled: server,
  WithReplicaAuth: server,
  WithDefaultDatabase: async () => {
    master.call("SELECT", 3);
    master.call("SET", "three", "3");
    master.call("SELECT", 0);
    await using made = await synced({ master: `${master.url}/3` });
    assert.equal(made.get("three"), "3");
  },
  WithSyncTimeout: () =>
    failsWith("SYNC_TIMEOUT", { timeouts: { syncMs: 20 } }, {
      snapshotDelayMs: 60_000,
      newlineIntervalMs: 60_000,
    }),
  WithConnectTimeout: connectTimeout,
  WithReadTimeout: () => failsWith("IDLE_TIMEOUT", { timeouts: { idleMs: 20 } }, {}),
  WithWriteTimeout: async () =>
    failsWith("WRITE_TIMEOUT", { timeouts: { writeMs: 20 }, net: await stuckNet() }, {}),
  WithHeartbeatInterval: async () => {
    master.call("SET", "beat", "1");
    const is = () => master.replicas[0].offset === replica.status().offset;
    await until("the acknowledgement", () => replica.get("beat") === "1" && is());
  },
  WithLogger: () => {
    const lines: string[] = [];
    const log = (message: string) => void lines.push(message);
    return pair({ logger: { debug: log, info: log, warn: log, error: log } }, {}, async (made) => {
      await made.start();
      await made.ready();
      assert.ok(lines.some((line) => line.includes("Full synchronisation begins")));
    });
  },
  WithMetrics: () => {
    assert.match(replica.prometheus(), /^rimr_link_up\{.*\} 1$/m);
    return recorded();
  },
  RecordSyncDuration: () => recorded("recordSyncDuration"),
  RecordCommandProcessed: () => recorded("recordCommandProcessed"),
  RecordNetworkBytes: () => recorded("recordNetworkBytes"),
  RecordKeyCount: () => recorded("recordKeyCount"),
  RecordMemoryUsage: () => recorded("recordMemoryUsage"),
  RecordReconnection: () => recorded("recordReconnection"),
  RecordError: () => recorded("recordError"),
  WithDatabases: () =>
    pair({ filter: { databases: [3] } }, {}, async (made, other) => {
      other.call("SET", "a", "0");
      other.call("SELECT", 3);
      other.call("SET", "a", "3");
      await made.start();
      await made.ready();
      assert.deepEqual(made.status().databases, [3]);
      other.call("SET", "b", "3");
      other.call("SELECT", 0);
      other.call("SET", "b", "0");
      await other.wait(1, READY_MS);
      assert.deepEqual(made.db(3).keys().sort(), ["a", "b"]);
      assert.equal(made.status().keys, 2);
    }),
  WithCommandFilters: () =>
    pair({ filter: { commands: ["SET"] } }, {}, async (made, other) => {
      await made.start();
      await made.ready();
      other.call("SET", "a", "1");
      other.call("RPUSH", "list", "1");
      other.call("DEL", "a");
      await other.wait(1, READY_MS);
      assert.deepEqual(made.keys(), ["a"]);
    }),
  WithWriteRedirection: async () => {
    await using made = await synced({
      master: master.url,
      listen: "127.0.0.1:0",
      server: { password: "secret" },
      writes: "forward",
    });
    const client = await open(Number(made.status().listening?.split(":").at(-1)));
    try {
      await client.call("AUTH", "secret");
      assert.equal(await client.call("SET", "forwarded", "1"), "OK");
      assert.equal(master.call("GET", "forwarded"), "1");
      assert.deepEqual(await client.call("GET", "forwarded"), new Uint8Array([49]));
    } finally {
      client.close();
    }
    await made.write("DEL", "forwarded");
    assert.equal(made.has("forwarded"), false);
  },
  WithMaxMemory: () =>
    pair({ maxMemory: "1mb", onMaxMemory: "stop" }, {}, async (made, master) => {
      await made.start();
      await made.ready();
      master.call("SET", "a", "1");
      master.call("SET", "large", "x".repeat(2_000_000));
      await until("the limit", () => made.status().state === "stale");
      assert.equal((made.status().error as ReplicationError).code, "MEMORY");
      assert.equal(made.get("a"), "1");
      assert.equal(made.get("large"), undefined);
    }),
  WithReadOnly: () => {
    assert.throws(() => replica.call("SET", "a", "1"), { code: "READONLY" });
    assert.throws(() => replica.storage.set("a", "1"), { code: "READONLY" });
  },
};

const readme = readFileSync(join(ROOT, "README.md"), "utf8");
const rows = readme.match(SECTION)?.[1].match(/^\| `.*$/gm) ?? [];
const names = new Set(
  rows.flatMap((row) => [...row.split("|")[1].matchAll(/`([^`]+)`/g)].map(([, name]) => name)),
);

/** What several names share is checked once. */
const done = new Map<Check, Promise<void>>();

test("every check for a name of the Go library has its row", () => {
  assert.ok(rows.length > 20);
  assert.deepEqual(Object.keys(CHECKS).filter((name) => !names.has(name)), []);
});

for (const name of names) {
  test(`${name} of the Go library is as its row says`, async () => {
    assert.ok(Object.hasOwn(CHECKS, name), `no check for the row of ${name}`);
    const check = CHECKS[name];
    if (!done.has(check)) done.set(check, Promise.resolve(check()));
    await done.get(check);
  });
}
