/**
 * What real servers saved of every type, on both sides of each threshold: it loads, cut anywhere, with
 * the types, encodings and digests that its server told, and again from our own snapshot of it. Made by
 * `tests/golden/make_types.ts`.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join as joinPath } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Prng } from "../../src/base/prng.ts";
import { DatasetDigest } from "../../src/commands/server/digest.ts";
import { KeyspaceLoader } from "../../src/rdb/load.ts";
import type { Keyspace } from "../../src/store/keyspace/keyspace.ts";
import { Engine } from "../commands/engine.ts";
import { auditRecords } from "../store/audit.ts";
import { encodeWhole, newKeyspace } from "./support/keyspaces.ts";
import { decodeCut } from "./support/decoding.ts";
import { bytesOf } from "../support/bytes.ts";

const GOLDEN = fileURLToPath(new URL("../golden/", import.meta.url));
const SLOW = { timeout: 120_000 };
/** Servers from here on name encodings as we do. */
const NAMES_LIKE_OURS = ["redis-8.0", "valkey-8.1", "valkey-9"];

interface Golden {
  readonly server: string;
  readonly digest: string;
  readonly functions: number;
  readonly keys: readonly {
    readonly db: number;
    readonly key: string;
    readonly type: string;
    readonly encoding: string;
    readonly expires: boolean;
    readonly digest: string;
  }[];
}

function load(bytes: Uint8Array, cuts: readonly number[]): Keyspace {
  const keyspace = newKeyspace();
  const loader = new KeyspaceLoader(keyspace);
  decodeCut(bytes, cuts, loader);
  assert.equal(loader.complete, true);
  for (const index of keyspace.indexes()) auditRecords(keyspace.db(index));
  return keyspace;
}

function digestOf(keyspace: Keyspace): string {
  const digest = new DatasetDigest(keyspace);
  while (!digest.step(1000));
  return digest.toString();
}

function wrongKeys(keyspace: Keyspace, golden: Golden): string[] {
  const engine = new Engine("stream", () => 0.5, keyspace);
  const wrong: string[] = [];
  const says = (expected: string, ...args: (string | Uint8Array)[]) => {
    const reply = engine.call(...args);
    // Valkey embeds strings of other lengths.
    const isEmbedding = args[0] === "OBJECT" && /embstr/.test(expected + reply) &&
      /valkey/.test(golden.server);
    if (!reply.includes(expected) && !isEmbedding) {
      wrong.push(`${args[0]} ${args.at(-1)}: ${reply}, not ${expected}`);
    }
  };
  for (const { db, key, type, encoding, expires, digest } of golden.keys) {
    engine.select(db);
    const name = bytesOf(key);
    says(`+${type}\r\n`, "TYPE", name);
    says(digest, "DEBUG", "DIGEST-VALUE", name);
    if (NAMES_LIKE_OURS.includes(golden.server)) says(encoding, "OBJECT", "ENCODING", name);
    const hasExpiry = engine.call("PTTL", name) !== ":-1\r\n";
    if (hasExpiry !== expires) wrong.push(`${key} expires: ${hasExpiry}`);
  }
  return wrong;
}

for (const file of readdirSync(GOLDEN).filter((name) => /^types_.*\.rdb$/.test(name))) {
  const bytes = new Uint8Array(readFileSync(joinPath(GOLDEN, file)));
  const json = joinPath(GOLDEN, file.replace(/rdb$/, "json"));
  const golden = JSON.parse(readFileSync(json, "utf8")) as Golden;

  test(`${file} holds what its server held`, SLOW, () => {
    const keyspace = load(bytes, []);
    assert.deepEqual(wrongKeys(keyspace, golden), []);
    assert.equal(keyspace.keyCount, golden.keys.length);
    assert.equal(keyspace.functions.size, golden.functions);
    assert.equal(digestOf(keyspace), golden.digest);
  });

  test(`${file} may come in any pieces`, SLOW, () => {
    const prng = new Prng(5);
    const every = Array.from({ length: bytes.length - 1 }, (_, i) => i + 1);
    assert.equal(digestOf(load(bytes, every)), golden.digest);
    for (let round = 0; round < 20; round++) {
      const cuts = Array.from({ length: 50 }, () => prng.uint32() % (bytes.length + 1));
      assert.equal(digestOf(load(bytes, cuts.sort((a, b) => a - b))), golden.digest);
    }
  });

  for (const version of [9, 10, 11, 12, 80] as const) {
    test(`${file} written as version ${version} is the same again`, SLOW, () => {
      const keyspace = load(bytes, []);
      const options = { version, serverVersion: "8.0.2", nowMs: 1_790_000_000_000 };
      const again = load(encodeWhole(keyspace, { ...options, compress: true }), []);
      again.snapshotVersion = keyspace.snapshotVersion;
      // Fields that expire have no place in versions below 12.
      const keepsFields = version >= 12 || !/redis_8|valkey_9/.test(file);
      // A score of -0 that was text becomes 0 in a listpack made anew, as in Redis since 7.0.
      const keepsScores = version !== 9 || !file.includes("redis_6");
      if (keepsFields && keepsScores) {
        // Redis packs few fields that expire, Valkey never does.
        const crosses = (version === 80) !== file.includes("valkey_9");
        const wrong = wrongKeys(again, golden);
        assert.deepEqual(wrong.filter((line) => !crosses || !line.startsWith("OBJECT")), []);
      }
      assert.equal(again.keyCount, keyspace.keyCount);
    });
  }
}
