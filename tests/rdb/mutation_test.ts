/**
 * Damaged snapshots and payloads of every type: checksum fixed and not, in pushes cut at random. They end
 * in an RdbError (a payload in an error reply) and change nothing, or they load: then what they made can
 * be read through and written back. Memory stays in proportion to what came. `SEED=n` repeats a run,
 * `COUNT=n` makes it longer.
 *
 * @module
 */

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join as joinPath } from "node:path";
import { env } from "node:process";
import { test } from "node:test";
import { Crc64 } from "../../src/base/crc64.ts";
import { Prng } from "../../src/base/prng.ts";
import { KeyspaceLoader } from "../../src/rdb/load.ts";
import type { Keyspace } from "../../src/store/keyspace/keyspace.ts";
import { Engine } from "../commands/engine.ts";
import { auditRecords } from "../store/audit.ts";
import { ROOT } from "../support/paths.ts";
import { everything, TYPES } from "./support/everything.ts";
import { encodeWhole, newKeyspace } from "./support/keyspaces.ts";
import { mutations } from "./support/mutations.ts";
import { join, le, withChecksum } from "./support/parts.ts";
import { decodeCut, errorOf } from "./support/decoding.ts";
import { textOf } from "../support/bytes.ts";

const SEED = Number(env.SEED ?? 1);
const COUNT = Number(env.COUNT ?? 6_000);
const SLOW = { timeout: 300_000 };
const CHECKSUM_BYTES = 8;
const FOOTER_BYTES = 10;
const MAX_FILE_BYTES = 64 * 1024;
/** LZF makes 264 bytes of three, and a value may be held twice while it is built. */
const BYTES_PER_BYTE = 200;
const FREE_BYTES = 4 << 20;
/** Tables are made for as many keys as are announced, up to 8 million. */
const MAX_TABLE_BYTES = 128 << 20;
const MUTATIONS = Object.values(mutations);

const OPTIONS = { version: 12, serverVersion: "8.0.2", nowMs: 1_790_000_000_000 } as const;

/** Everything that servers, and we, have written and that is short enough to be damaged often. */
function snapshots(): Uint8Array[] {
  const files: Uint8Array[] = [];
  const fixtures = joinPath(ROOT, "..", "shared", "fixtures", "rdb");
  for (const folder of [joinPath(ROOT, "tests", "golden"), fixtures]) {
    if (!existsSync(folder)) continue;
    for (const name of readdirSync(folder).filter((name) => name.endsWith(".rdb")).sort()) {
      const bytes = new Uint8Array(readFileSync(joinPath(folder, name)));
      if (bytes.length <= MAX_FILE_BYTES) files.push(bytes);
    }
  }
  for (const type of TYPES) {
    for (const compress of [false, true]) {
      const engine = engineOf(everything(SEED, { functions: true, fieldExpiry: true }, [type]));
      files.push(encodeWhole(engine.keyspace, { ...OPTIONS, compress }));
    }
  }
  return files;
}

function engineOf(commands: readonly (readonly (string | Uint8Array)[])[]): Engine {
  const engine = new Engine("stream", () => 0.5);
  for (const args of commands) {
    const reply = engine.call(...args);
    assert.ok(!reply.startsWith("-"), `${textOf(join(...args.slice(0, 2)))}: ${reply}`);
  }
  return engine;
}

function damage(bytes: Uint8Array, prng: Prng): Uint8Array {
  return MUTATIONS[prng.uint32() % MUTATIONS.length](bytes, prng);
}

/** What is there can be read and written back, and its structures hold. */
function checkUsable(keyspace: Keyspace): void {
  for (const index of keyspace.indexes()) auditRecords(keyspace.db(index));
  const written = encodeWhole(keyspace, OPTIONS);
  const again = newKeyspace();
  decodeCut(written, [], new KeyspaceLoader(again));
  assert.equal(again.keyCount, keyspace.keyCount);
}

function checkMemory(keyspace: Keyspace, bytes: number): void {
  const { reserved, table, objects } = keyspace.memory();
  const held = reserved + objects;
  assert.ok(table <= MAX_TABLE_BYTES, `${table} bytes of table`);
  assert.ok(held <= bytes * BYTES_PER_BYTE + FREE_BYTES, `${held} bytes of ${bytes}`);
}

test(`damaged snapshots of every type (SEED=${SEED})`, SLOW, () => {
  const prng = new Prng(SEED);
  const files = snapshots();
  const ends = new Map<string, number>();
  for (let i = 0; i < COUNT * 0.6; i++) {
    const damaged = damage(files[i % files.length], prng);
    const isFixed = prng.uint32() % 4 > 0 && damaged.length > CHECKSUM_BYTES;
    const bytes = isFixed ? withChecksum(damaged.subarray(0, -CHECKSUM_BYTES)) : damaged;
    const cuts = Array.from(
      { length: prng.uint32() % 5 },
      () => prng.uint32() % (bytes.length + 1),
    );
    const keyspace = newKeyspace();
    const loader = new KeyspaceLoader(keyspace);
    const error = errorOf(() => decodeCut(bytes, cuts.sort((a, b) => a - b), loader));
    assert.equal(loader.complete, error === undefined);
    assert.ok(error === undefined || error.offset >= 0, error?.message);
    checkMemory(keyspace, bytes.length);
    if (error === undefined) checkUsable(keyspace);
    const end = error?.code ?? "loaded";
    ends.set(end, (ends.get(end) ?? 0) + 1);
  }
  assert.ok(ends.size >= 5, JSON.stringify([...ends]));
});

test(`damaged payloads of every type (SEED=${SEED})`, SLOW, () => {
  const source = engineOf(everything(SEED, { functions: false, fieldExpiry: true }));
  const keys = source.raw(["KEYS", "*"]);
  const payloads = payloadsOf(source, textOf(keys));
  const prng = new Prng(SEED + 1);
  const target = new Engine("master", () => 0.5);
  target.raw(["SET", "old", "untouched"]);
  let taken = 0;
  for (let i = 0; i < COUNT * 0.4; i++) {
    const payload = payloads[i % payloads.length];
    const damaged = damage(payload, prng);
    const isFixed = prng.uint32() % 4 > 0 && damaged.length > FOOTER_BYTES;
    const bytes = isFixed ? withFooter(damaged.subarray(0, -FOOTER_BYTES)) : damaged;
    const reply = target.call("RESTORE", "old", "0", bytes, "REPLACE");
    if (reply !== "+OK\r\n") {
      assert.match(
        reply,
        /^-ERR (DUMP payload version or checksum are wrong|Bad data format)\r\n$/,
      );
      assert.equal(target.call("GET", "old"), "$9\r\nuntouched\r\n");
      continue;
    }
    taken++;
    checkUsable(target.keyspace);
    checkMemory(target.keyspace, bytes.length);
    target.raw(["FLUSHALL"]);
    target.raw(["SET", "old", "untouched"]);
  }
  assert.ok(taken > 0 && taken < COUNT * 0.3, `${taken} were taken`);
});

function payloadsOf(engine: Engine, keys: string): Uint8Array[] {
  const payloads: Uint8Array[] = [];
  for (const match of keys.matchAll(/\r\n([a-z]+:[a-z0-9:]+)\r\n/g)) {
    const reply = engine.raw(["DUMP", match[1]]);
    const start = reply.indexOf(10) + 1;
    if (reply.length < MAX_FILE_BYTES) payloads.push(reply.slice(start, -2));
  }
  return payloads;
}

function withFooter(value: Uint8Array): Uint8Array {
  const bytes = join(value, le(12, 2));
  const crc = new Crc64();
  crc.update(bytes, 0, bytes.length);
  return join(bytes, crc.digest());
}
