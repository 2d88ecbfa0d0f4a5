/**
 * What is written can be read: by our own decoder, and by every real server at hand.
 *
 * @module
 */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join as joinPath } from "node:path";
import { test } from "node:test";
import { ByteBuffer } from "../../src/base/byte_buffer.ts";
import { Prng } from "../../src/base/prng.ts";
import { SnapshotEncoder, type SnapshotOptions } from "../../src/rdb/encoder.ts";
import { KeyspaceLoader } from "../../src/rdb/load.ts";
import { atLeast, serverTest, startServer } from "../support/servers.ts";
import { allItems, type Item, noise, smallItems, sortItems, toJson } from "./support/dataset.ts";
import { encodeWhole, itemsOf, keyspaceOf, newKeyspace } from "./support/keyspaces.ts";
import { decodeAtRandomCuts, decodeCut, decodeWhole } from "./support/decoding.ts";
import { bytesOf, textOf } from "../support/bytes.ts";

const REPLID = "0123456789abcdef0123456789abcdef01234567";
const LIBRARY = "#!lua name=written\nredis.register_function('one', function() return 1 end)\n";
const SLOW = { timeout: 60_000 };
const VERSIONS = [9, 10, 11, 12, 80] as const;
const NOW_MS = 1_790_000_000_000;

function options(more: Partial<SnapshotOptions> = {}): SnapshotOptions {
  return { version: 11, serverVersion: "7.2.5", nowMs: NOW_MS, ...more };
}

function auxOf(bytes: Uint8Array): Record<string, string> {
  return Object.fromEntries(decodeWhole(bytes).aux_);
}

for (const version of VERSIONS) {
  for (const compress of [false, true]) {
    test(
      `encodeSnapshot() version ${version}, LZF ${compress}: decodes to the same, encodes again`,
      SLOW,
      () => {
        const items = allItems(3);
        const bytes = encodeWhole(keyspaceOf(items), options({ version, compress }));
        const magic = textOf(bytes.subarray(0, 9));
        assert.equal(
          magic,
          version === 80 ? "VALKEY080" : `REDIS00${String(version).padStart(2, "0")}`,
        );
        assert.deepEqual(
          sortItems(decodeWhole(bytes).items.map(toJson)),
          sortItems(items.map(toJson)),
        );
        const keyspace = newKeyspace();
        const loader = new KeyspaceLoader(keyspace);
        decodeCut(bytes, [], loader);
        assert.equal(loader.complete, true);
        const again = encodeWhole(keyspace, options({ version, compress }));
        assert.deepEqual(itemsOf(keyspace), sortItems(items.map(toJson)));
        assert.deepEqual(
          sortItems(decodeWhole(again).items.map(toJson)),
          sortItems(items.map(toJson)),
        );
      },
    );
  }
}

test("encodeSnapshot() is smaller with LZF", () => {
  const keyspace = keyspaceOf(allItems(3));
  const plain = encodeWhole(keyspace, options()).length;
  const compressed = encodeWhole(keyspace, options({ compress: true })).length;
  assert.ok(compressed < plain / 2, `${compressed} of ${plain}`);
});

test("encodeSnapshot() writes what a server writes of itself", () => {
  const position = { replid: REPLID, offset: 2 ** 52 + 1, streamDb: 7 };
  const functions = [bytesOf(LIBRARY)];
  const bytes = encodeWhole(keyspaceOf(smallItems(1)), options({ position, functions }));
  const { "used-mem": usedMem, ...rest } = auxOf(bytes);
  assert.ok(Number(usedMem) > 0);
  assert.deepEqual(rest, {
    "redis-ver": "7.2.5",
    "redis-bits": "64",
    ctime: String(NOW_MS / 1000),
    "repl-stream-db": "7",
    "repl-id": REPLID,
    "repl-offset": String(2 ** 52 + 1),
    "aof-base": "0",
  });
  const sink = decodeWhole(bytes);
  assert.deepEqual(sink.functions, [LIBRARY]);
  const keys = smallItems(1);
  const ofDb3 = keys.filter((item) => item.db === 3);
  assert.deepEqual(sink.sizes[3], [ofDb3.length, ofDb3.filter((i) => i.expireAtMs >= 0).length]);
  const valkey = encodeWhole(newKeyspace(), options({ version: 80, serverVersion: "9.0.0" }));
  assert.equal(auxOf(valkey)["valkey-ver"], "9.0.0");
  assert.equal(auxOf(valkey)["redis-ver"], undefined);
});

test("encodeSnapshot() leaves functions out of version 9", () => {
  const functions = [bytesOf(LIBRARY)];
  const bytes = encodeWhole(newKeyspace(), options({ version: 9, functions }));
  assert.deepEqual(decodeWhole(bytes).functions, []);
  assert.equal(auxOf(bytes)["aof-preamble"], "0");
});

test("encodeSnapshot() ends with zeros when told to leave the checksum out", () => {
  const bytes = encodeWhole(keyspaceOf(smallItems(1)), options({ checksum: false }));
  assert.deepEqual([...bytes.subarray(-8)], [0, 0, 0, 0, 0, 0, 0, 0]);
  assert.equal(decodeWhole(bytes).items.length, smallItems(1).length);
});

test("SnapshotEncoder writes the same in slices of any size", SLOW, () => {
  const items = allItems(5);
  const keyspace = keyspaceOf(items);
  const whole = encodeWhole(keyspace, options({ compress: true }), 1e9);
  const prng = new Prng(2);
  for (let round = 0; round < 20; round++) {
    const encoder = new SnapshotEncoder(keyspace, options({ compress: true }));
    const out = new ByteBuffer();
    const budget = () => 1 + prng.uint32() % (round * 1000 + 1);
    while (encoder.next(out, budget()));
    assert.equal(encoder.done, true);
    assert.equal(encoder.keys, items.length);
    assert.equal(encoder.bytes, whole.length);
    assert.deepEqual(out.view(), whole);
  }
  assert.equal(decodeAtRandomCuts(whole, prng, 100).items.length, items.length);
});

test("SnapshotEncoder keeps slices near their budget", () => {
  const prng = new Prng(4);
  const items: Item[] = Array.from({ length: 5000 }, (_, i) => ({
    db: 0,
    key: bytesOf(`key:${i}`),
    value: noise(prng, 100),
    expireAtMs: -1,
  }));
  const encoder = new SnapshotEncoder(keyspaceOf(items), options());
  const out = new ByteBuffer();
  let slices = 0;
  for (let more = true; more; slices++) {
    more = encoder.next(out, 10_000);
    assert.ok(out.length < 20_000, `slice of ${out.length} bytes`);
    out.clear();
  }
  assert.ok(slices > 50);
});

await serverTest("a real server loads what encodeSnapshot() writes", async (binary) => {
  const isValkey9 = binary.product === "valkey" && atLeast(binary.version, "9.0.0");
  for (const version of VERSIONS) {
    if (version === 80 ? !isValkey9 : !canLoad(binary.product, binary.version, version)) continue;
    for (const compress of [false, true]) {
      await compareWithServer(version, compress, binary);
    }
  }
});

/** Servers load versions up to the one they write themselves. */
function canLoad(product: string, serverVersion: string, version: number): boolean {
  if (version <= 9) return true;
  if (version === 10) return atLeast(serverVersion, "7.0.0");
  if (version === 11) return atLeast(serverVersion, "7.2.0");
  return product === "redis" && atLeast(serverVersion, "7.4.0");
}

async function compareWithServer(
  version: SnapshotOptions["version"],
  compress: boolean,
  binary: Parameters<Parameters<typeof serverTest>[1]>[0],
): Promise<void> {
  const items = allItems(6);
  const functions = [bytesOf(LIBRARY)];
  const position = { replid: REPLID, offset: 1234, streamDb: 0 };
  const bytes = encodeWhole(
    keyspaceOf(items),
    options({ version, compress, position, functions }),
  );
  const dir = mkdtempSync(joinPath(tmpdir(), "rimr-encoder-"));
  try {
    writeFileSync(joinPath(dir, "written.rdb"), bytes);
    const args = ["--dir", dir, "--dbfilename", "written.rdb"];
    await using server = await startServer(binary, args);
    const wrong: string[] = [];
    for (const { db, key, value, expireAtMs } of items) {
      const [, got, left, now] = await server.pipeline([
        ["SELECT", db],
        ["GET", key],
        ["PTTL", key],
        ["TIME"],
      ]);
      const same = got instanceof Uint8Array && textOf(got) === textOf(value);
      if (!same) wrong.push(`${db}/${textOf(key)}`);
      const [seconds, micros] = (now as Uint8Array[]).map((part) => Number(textOf(part)));
      const expected = expireAtMs < 0 ? -1 : expireAtMs - (seconds * 1000 + micros / 1000);
      if (Math.abs(Number(left) - expected) > 50) {
        wrong.push(`${db}/${textOf(key)} expires in ${left}`);
      }
    }
    assert.deepEqual(wrong, []);
    let count = 0;
    for (let db = 0; db < 16; db++) {
      const [, size] = await server.pipeline([["SELECT", db], ["DBSIZE"]]);
      count += Number(size);
    }
    assert.equal(count, items.length);
    if (version >= 10) {
      const answer = await server.call("FCALL", "one", 0);
      assert.equal(answer, 1);
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
