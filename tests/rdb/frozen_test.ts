/**
 * Snapshots of a keyspace that goes on changing (frozen.ts, encoder.ts): whatever is written, deleted,
 * renamed, emptied or exchanged between two slices, the snapshot holds what was there when it began.
 * `SEED=n` repeats a run.
 *
 * @module
 */

import assert from "node:assert/strict";
import { env } from "node:process";
import { test } from "node:test";
import { ByteBuffer } from "../../src/base/byte_buffer.ts";
import { Prng } from "../../src/base/prng.ts";
import { SnapshotEncoder, type SnapshotOptions } from "../../src/rdb/encoder.ts";
import { KeyspaceLoader } from "../../src/rdb/load.ts";
import type { Keyspace } from "../../src/store/keyspace/keyspace.ts";
import { setString } from "../../src/store/types/string.ts";
import { Engine } from "../commands/engine.ts";
import { auditRecords } from "../store/audit.ts";
import { noise } from "./support/dataset.ts";
import { newKeyspace } from "./support/keyspaces.ts";
import { readoutOf } from "./support/readout.ts";
import { join } from "./support/parts.ts";
import { decodeCut, errorOf } from "./support/decoding.ts";
import { bytesOf } from "../support/bytes.ts";

const SEED = Number(env.SEED ?? 1);
const ROUNDS = Number(env.ROUNDS ?? 3);
const SLOW = { timeout: 120_000 };
const DATABASES = 4;
const KEYS = 150;
const OPTIONS: SnapshotOptions = { version: 12, serverVersion: "8.0.2", nowMs: 1_790_000_000_000 };

type Args = (string | Uint8Array)[];

class Writer {
  readonly engine: Engine;
  readonly prng: Prng;

  constructor(keyspace: Keyspace, prng: Prng) {
    this.engine = new Engine("stream", () => 0.5, keyspace);
    this.prng = prng;
  }

  below(limit: number): number {
    return this.prng.uint32() % limit;
  }

  key(): string {
    return `key:${this.below(KEYS)}`;
  }

  /** One command; what it answers does not matter, types clash as they like. */
  write(withWhole: boolean): void {
    const { engine } = this;
    engine.select(this.below(DATABASES));
    const number = String(this.below(1000));
    const commands: Args[] = [
      ["SET", this.key(), number],
      ["SET", this.key(), noise(this.prng, this.below(300))],
      ["APPEND", this.key(), number],
      ["SETRANGE", this.key(), "1", number],
      ["INCR", this.key()],
      ["DEL", this.key(), this.key()],
      ["RENAME", this.key(), this.key()],
      ["COPY", this.key(), this.key(), "DB", String(this.below(DATABASES)), "REPLACE"],
      ["MOVE", this.key(), String(this.below(DATABASES))],
      ["PEXPIREAT", this.key(), String(4_000_000_000_000 + this.below(1000))],
      ["PERSIST", this.key()],
      ["RPUSH", this.key(), number, number],
      ["LPUSH", this.key(), noise(this.prng, 100)],
      ["LSET", this.key(), "0", number],
      ["LPOP", this.key()],
      ["LMOVE", this.key(), this.key(), "LEFT", "RIGHT"],
      ["ZADD", this.key(), number, number],
      ["ZINCRBY", this.key(), "1", number],
      ["ZPOPMIN", this.key()],
      ["ZUNIONSTORE", this.key(), "2", this.key(), this.key()],
      ["SADD", this.key(), number, `member:${number}`],
      ["SREM", this.key(), number],
      ["HSET", this.key(), number, number, "field", number],
      ["HDEL", this.key(), "field"],
      ["XADD", this.key(), "*", "field", number],
      ["SORT", this.key(), "STORE", this.key()],
    ];
    const whole: Args[] = [
      ["FLUSHDB"],
      ["SWAPDB", String(this.below(DATABASES)), String(this.below(DATABASES))],
      ["SWAPDB", "0", "1"],
      ["FLUSHALL"],
    ];
    const isWhole = withWhole && this.below(40) === 0;
    const chosen = isWhole ? whole : commands;
    engine.raw(chosen[this.below(chosen.length)]);
  }
}

/** Some values that are written in several pieces. */
function addLarge(writer: Writer): void {
  const { engine } = writer;
  for (let db = 0; db < DATABASES; db++) {
    engine.select(db);
    for (let i = 0; i < 2; i++) {
      const key = writer.key();
      engine.raw(["DEL", key]);
      for (let j = 0; j < 40; j++) {
        const items = Array.from({ length: 50 }, (_, k) => `${j}:${k}:${"x".repeat(60)}`);
        engine.raw(["RPUSH", key, ...items]);
      }
      const sorted = writer.key();
      engine.raw(["DEL", sorted]);
      const members = Array.from({ length: 6000 }, (_, k) => [String(k), `member:${k}`]);
      engine.raw(["ZADD", sorted, ...members.flat()]);
    }
  }
}

function load(bytes: Uint8Array): Keyspace {
  const keyspace = newKeyspace();
  const loader = new KeyspaceLoader(keyspace);
  decodeCut(bytes, [], loader);
  assert.equal(loader.complete, true);
  return keyspace;
}

for (const withWhole of [false, true]) {
  test(`a snapshot is of the moment it began, FLUSH and SWAPDB ${withWhole}`, SLOW, () => {
    for (let round = 0; round < ROUNDS; round++) {
      const prng = new Prng(SEED * 1000 + round);
      const keyspace = newKeyspace();
      const writer = new Writer(keyspace, prng);
      for (let i = 0; i < 2000; i++) writer.write(false);
      if (round % 2 === 0) addLarge(writer);
      const before = JSON.stringify(readoutOf(keyspace));
      const encoder = new SnapshotEncoder(keyspace, { ...OPTIONS, compress: round % 3 === 0 });
      const keys = keyspace.keyCount;
      const out = new ByteBuffer();
      const pace = 1 + writer.below(60);
      while (encoder.next(out, 1 + writer.below(2000))) {
        for (let i = writer.below(pace); i > 0; i--) writer.write(withWhole);
      }
      const loaded = load(out.view());
      assert.equal(encoder.keys, keys);
      assert.ok(sortedJson(readoutOf(loaded)) === sortedJson(JSON.parse(before)), `round ${round}`);
      assert.equal(keyspace.snapshotHooks.size, 0);
      for (const index of keyspace.indexes()) auditRecords(keyspace.db(index));
    }
  });
}

/** Keys come in another order from another keyspace. */
function sortedJson(readout: ReturnType<typeof readoutOf>): string {
  const dbs = Object.entries(readout.dbs).map(([index, { dbsize, keys }]) => {
    const entries = Object.entries(keys).sort(([a], [b]) => a < b ? -1 : 1);
    return [index, dbsize, entries];
  });
  return JSON.stringify([dbs, readout.functions]);
}

test("a snapshot that is closed half way lets the tables go", () => {
  const keyspace = newKeyspace();
  const writer = new Writer(keyspace, new Prng(SEED));
  for (let i = 0; i < 2000; i++) writer.write(false);
  const encoder = new SnapshotEncoder(keyspace, OPTIONS);
  encoder.next(new ByteBuffer(), 100);
  encoder.close();
  assert.equal(keyspace.snapshotHooks.size, 0);
  for (let i = 0; i < 20000; i++) {
    setString(keyspace.db(0), bytesOf(`n:${i}`), 0, 4, bytesOf("v"), 0, 1, -1);
  }
  const { table } = keyspace.db(0);
  assert.ok(table.buckets * 8 > table.size, "the table grows again");
});

test("two snapshots at once are each of their own moment", SLOW, () => {
  const keyspace = newKeyspace();
  const writer = new Writer(keyspace, new Prng(SEED + 7));
  for (let i = 0; i < 2000; i++) writer.write(false);
  const first = new SnapshotEncoder(keyspace, OPTIONS);
  const firstBefore = sortedJson(readoutOf(keyspace));
  const outs = [new ByteBuffer(), new ByteBuffer()];
  for (let i = 0; i < 20; i++) {
    first.next(outs[0], 500);
    writer.write(true);
  }
  const second = new SnapshotEncoder(keyspace, OPTIONS);
  const secondBefore = sortedJson(readoutOf(keyspace));
  let more = true;
  while (more) {
    const one = !first.done && first.next(outs[0], 500);
    const other = !second.done && second.next(outs[1], 700);
    more = one || other;
    writer.write(true);
  }
  assert.ok(sortedJson(readoutOf(load(outs[0].view()))) === firstBefore);
  assert.ok(sortedJson(readoutOf(load(outs[1].view()))) === secondBefore);
});

test("a full resync that replaces the keyspace leaves a snapshot its content", () => {
  const keyspace = newKeyspace();
  const writer = new Writer(keyspace, new Prng(SEED + 9));
  for (let i = 0; i < 3000; i++) writer.write(false);
  const before = sortedJson(readoutOf(keyspace));
  const encoder = new SnapshotEncoder(keyspace, OPTIONS);
  const out = new ByteBuffer();
  encoder.next(out, 1000);
  const next = keyspace.sibling();
  setString(next.db(0), bytesOf("new"), 0, 3, bytesOf("v"), 0, 1, -1);
  keyspace.replaceWith(next);
  while (encoder.next(out, 1000)) writer.write(true);
  assert.ok(sortedJson(readoutOf(load(out.view()))) === before);
});

test("what cannot be written fails the snapshot and not the command that meets it", () => {
  const keyspace = newKeyspace();
  const engine = new Engine("stream", () => 0.5, keyspace);
  for (let i = 0; i < 100; i++) engine.raw(["SET", `key:${i}`, "value"]);
  const key = bytesOf("strange");
  const strange = { memoryBytes: 0, copy: () => strange };
  keyspace.db(0).setObject(key, 0, key.length, 5, 10, strange, -1);
  const encoder = new SnapshotEncoder(keyspace, OPTIONS);
  encoder.next(new ByteBuffer(), 1);
  assert.equal(engine.call("DEL", "strange"), ":1\r\n");
  assert.throws(() => encoder.next(new ByteBuffer(), 1e9));
  assert.equal(keyspace.snapshotHooks.size, 0);
  assert.equal(errorOf(() => load(join("REDIS0011", 0xff)))?.code, "TRUNCATED");
});
