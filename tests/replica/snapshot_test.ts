import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import {
  Replica,
  type ReplicaOptions,
  type SnapshotSink,
  type SnapshotStorage,
} from "../../mod.ts";
import { latin1 } from "../../src/base/ascii.ts";
import { TestMaster } from "../../src/testing/test_master.ts";

/** A storage in memory, with faults on demand. */
class MemoryStorage implements SnapshotStorage {
  stored: Uint8Array | undefined;
  aside: Uint8Array | undefined;
  /** Bytes after which writing fails. */
  failAfter: number = Infinity;
  commits: number = 0;
  aborts: number = 0;
  readFails: boolean = false;

  read(): Promise<AsyncIterable<Uint8Array> | undefined> {
    if (this.readFails) return Promise.reject(new Error("the disk is on fire"));
    const { stored } = this;
    return Promise.resolve(stored === undefined ? undefined : inPieces(stored));
  }

  create(): Promise<SnapshotSink> {
    const parts: Uint8Array[] = [];
    let length = 0;
    return Promise.resolve({
      write: (bytes: Uint8Array) => {
        if (length + bytes.length > this.failAfter) {
          return Promise.reject(new Error("no space left"));
        }
        parts.push(bytes.slice());
        length += bytes.length;
        return Promise.resolve();
      },
      commit: () => {
        this.commits++;
        const all = new Uint8Array(length);
        let at = 0;
        for (const part of parts) {
          all.set(part, at);
          at += part.length;
        }
        this.stored = all;
        return Promise.resolve();
      },
      abort: () => {
        this.aborts++;
        return Promise.resolve();
      },
    });
  }

  setAside(): Promise<string> {
    this.aside = this.stored;
    this.stored = undefined;
    return Promise.resolve("aside");
  }
}

async function* inPieces(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, void> {
  for (let at = 0; at < bytes.length; at += 1000) {
    yield await Promise.resolve(bytes.slice(at, at + 1000));
  }
}

async function follow(master: TestMaster, options: ReplicaOptions): Promise<Replica> {
  const replica = new Replica({ master: master.url, logger: false, ...options });
  await replica.start();
  await replica.ready({ timeoutMs: 10_000 });
  return replica;
}

function fill(master: TestMaster, count: number): void {
  for (let i = 0; i < count; i++) {
    master.call("SELECT", i % 3);
    master.call("SET", `k${i}`, `v${i}`);
  }
  master.call("SET", "volatile", "1", "PX", 100_000_000);
}

function directory(): { path: string; [Symbol.dispose](): void } {
  const path = mkdtempSync(join(tmpdir(), "rimr-snapshot-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

test("a restart from a file needs only what was missed", async () => {
  using dir = directory();
  const path = join(dir.path, "replica.rdb");
  await using master = await TestMaster.start();
  fill(master, 3000);
  const first = await follow(master, { snapshot: { path } });
  assert.equal(first.status().snapshot?.loadedKeys, undefined);
  master.call("SELECT", 5);
  master.call("SET", "in", "five");
  await master.wait(1);
  await first.close();
  assert.deepEqual(readdirSync(dir.path), ["replica.rdb"]);
  master.call("SET", "missed", "yes");
  const second = new Replica({ master: master.url, logger: false, snapshot: { path } });
  const seen: string[] = [];
  second.on("sync", ({ kind }) => seen.push(kind));
  await second.start();
  await second.ready();
  assert.deepEqual(seen, ["partial"]);
  assert.equal(second.status().snapshot?.loadedKeys, 3002);
  await master.wait(1);
  assert.equal(second.db(5).get("missed"), "yes");
  assert.equal(second.db(5).get("in"), "five");
  assert.equal(second.call("DEBUG", "DIGEST"), master.call("DEBUG", "DIGEST"));
  assert.equal(master.fullSyncs, 1);
  await second.close();
});

test("data of an earlier life is read at once, stale since it was written", async () => {
  const storage = new MemoryStorage();
  const master = await TestMaster.start();
  fill(master, 10);
  const first = await follow(master, { snapshot: { storage } });
  await first.close();
  await master.close();
  const second = new Replica({ master: master.url, logger: false, snapshot: { storage } });
  void second.start().catch(() => {});
  for (let i = 0; i < 100 && second.status().state !== "stale"; i++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.equal(second.get("k0"), "v0");
  assert.equal(second.status().state, "stale");
  assert.ok(Date.now() - second.status().staleSinceMs! < 60_000);
  await second.close();
});

test("snapshots are written now and then, and not when nothing has changed", async () => {
  const storage = new MemoryStorage();
  await using master = await TestMaster.start();
  const replica = await follow(master, { snapshot: { storage, everyMs: 20, onClose: false } });
  for (let round = 1; round <= 3; round++) {
    fill(master, 200);
    for (let i = 0; i < 200 && storage.commits < round; i++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    assert.ok(storage.commits >= round);
  }
  await master.wait(1);
  await new Promise((resolve) => setTimeout(resolve, 100));
  const { commits } = storage;
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.equal(storage.commits, commits);
  const status = replica.status().snapshot!;
  assert.equal(status.savedBytes, storage.stored!.length);
  assert.equal(status.error, undefined);
  await replica.close();
  assert.equal(storage.commits, commits, "onClose is false");
});

test("a snapshot is of one moment, however much is written meanwhile", async () => {
  await using master = await TestMaster.start();
  fill(master, 20_000);
  const storage = new MemoryStorage();
  const replica = await follow(master, { snapshot: { storage, everyMs: 30, onClose: false } });
  const until = Date.now() + 1500;
  for (let i = 0; Date.now() < until; i++) {
    master.call("SELECT", i % 3);
    master.call("INCR", `counter${i % 50}`);
    master.call("MULTI");
    master.call("APPEND", "list", "x");
    master.call("SELECT", 7);
    master.call("APPEND", "list", "x");
    master.call("EXEC");
    if (i % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await replica.close();
  assert.ok(storage.commits >= 2, `${storage.commits} were written`);
  // Started from the last of them, the rest of the stream leads to the master's data.
  const second = await follow(master, { snapshot: { storage, onClose: false } });
  assert.equal(master.fullSyncs, 1);
  await master.wait(1);
  assert.equal(second.call("DEBUG", "DIGEST"), master.call("DEBUG", "DIGEST"));
  await second.close();
});

test("a snapshot that can't be written leaves the one before, and is told of", async () => {
  const storage = new MemoryStorage();
  await using master = await TestMaster.start();
  fill(master, 100);
  const first = await follow(master, { snapshot: { storage } });
  await first.close();
  const before = storage.stored;
  const second = await follow(master, { snapshot: { storage } });
  fill(master, 5000);
  await master.wait(1);
  storage.failAfter = 10;
  await second.close();
  assert.equal(storage.stored, before);
  assert.equal(storage.aborts, 1);
  assert.match(second.status().snapshot?.error ?? "", /no space left/);
});

test("a storage that can't be read is told of, and the replica starts empty", async () => {
  const storage = new MemoryStorage();
  storage.readFails = true;
  await using master = await TestMaster.start();
  fill(master, 100);
  const replica = await follow(master, { snapshot: { storage, onClose: false } });
  assert.match(replica.status().snapshot?.error ?? "", /on fire/);
  assert.equal(replica.get("k0"), "v0");
  await replica.close();
});

const damages: { name: string; damage(file: Uint8Array): Uint8Array; says: RegExp }[] = [
  { name: "cut short", damage: (file) => file.slice(0, file.length - 1), says: /ends before/ },
  { name: "cut in two", damage: (file) => file.slice(0, file.length >> 1), says: /ends before/ },
  { name: "with a byte too many", damage: (file) => grown(file), says: /after its end/ },
  { name: "with one bit turned", damage: (file) => turned(file), says: /checksum/i },
  {
    name: "of something else",
    damage: () => new Uint8Array(500).fill(65),
    says: /begins with "AAAAA/,
  },
  { name: "of nothing", damage: () => new Uint8Array(0), says: /ends before/ },
];

function grown(file: Uint8Array): Uint8Array {
  const longer = new Uint8Array(file.length + 1);
  longer.set(file);
  return longer;
}

function turned(file: Uint8Array): Uint8Array {
  const copy = file.slice();
  // Inside a value, so that nothing but the checksum can tell.
  const at = latin1(copy).indexOf("v123");
  copy[at + 1] ^= 1;
  return copy;
}

for (const { name, damage, says } of damages) {
  test(`a file ${name} is kept aside and told of, and a full sync made`, async () => {
    using dir = directory();
    const path = join(dir.path, "r.rdb");
    await using master = await TestMaster.start();
    fill(master, 300);
    const first = await follow(master, { snapshot: { path } });
    await first.close();
    const bad = damage(new Uint8Array(readFileSync(path)));
    writeFileSync(path, bad);
    const second = await follow(master, { snapshot: { path, onClose: false } });
    assert.match(second.status().snapshot?.refused ?? "", says);
    assert.deepEqual(new Uint8Array(readFileSync(`${path}.refused`)), bad);
    assert.ok(!existsSync(path));
    assert.equal(master.fullSyncs, 2);
    assert.equal(second.call("DEBUG", "DIGEST"), master.call("DEBUG", "DIGEST"));
    await second.close();
  });
}

test("another master's snapshot is followed by a full sync that replaces all of it", async () => {
  const storage = new MemoryStorage();
  const one = await TestMaster.start();
  fill(one, 50);
  const first = await follow(one, { snapshot: { storage } });
  await first.close();
  await one.close();
  await using two = await TestMaster.start();
  two.call("SET", "only", "here");
  const second = await follow(two, { snapshot: { storage, onClose: false } });
  assert.equal(second.get("only"), "here");
  assert.equal(second.get("k0"), undefined);
  assert.equal(second.call("DEBUG", "DIGEST"), two.call("DEBUG", "DIGEST"));
  await second.close();
});

test("start() rejects where no snapshot could be written, and can be called again", async () => {
  const folder = mkdtempSync(join(tmpdir(), "snapshot-"));
  const path = join(folder, "late", "x.rdb");
  try {
    await using master = await TestMaster.start();
    await using replica = new Replica({ master: master.url, snapshot: { path }, logger: false });
    await assert.rejects(
      replica.start(),
      /No snapshot can be written to .*: there is no such folder/,
    );
    assert.equal(replica.status().state, "idle");
    mkdirSync(join(folder, "late"));
    await replica.start();
    await replica.ready();
    assert.deepEqual(readdirSync(join(folder, "late")), []);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
