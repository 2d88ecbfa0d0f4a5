/**
 * Values of a snapshot that are passed over: every type of real servers' snapshots, however they are cut, and one far
 * larger than what may be held. What else is passed over stands beside the values of each type: `support/values.ts`.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join as joinPath } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Prng } from "../../../src/base/prng.ts";
import { RdbDecoder } from "../../../src/rdb/decoder.ts";
import { KeyspaceLoader } from "../../../src/rdb/load.ts";
import { type FilterOptions, KeyFilter } from "../../../src/store/keyspace/key_filter.ts";
import type { Keyspace } from "../../../src/store/keyspace/keyspace.ts";
import { decodeCut } from "../support/decoding.ts";
import { newKeyspace } from "../support/keyspaces.ts";
import { be, join, str } from "../support/parts.ts";
import { type ReadKey, readoutOf } from "../support/readout.ts";

const GOLDEN = fileURLToPath(new URL("../../golden/", import.meta.url));
const MB = 1024 * 1024;

function load(bytes: Uint8Array, cuts: readonly number[], filter?: FilterOptions): Keyspace {
  const keyspace = newKeyspace();
  const loader = new KeyspaceLoader(keyspace, filter && new KeyFilter(filter));
  decodeCut(bytes, [...cuts], loader);
  assert.equal(loader.complete, true);
  return keyspace;
}

for (const file of readdirSync(GOLDEN).filter((name) => /^types_.*\.rdb$/.test(name))) {
  const bytes = new Uint8Array(readFileSync(joinPath(GOLDEN, file)));

  test(`a filter keeps of ${file} the keys of each type`, () => {
    const whole = keysOf(load(bytes, []));
    const types = new Set(whole.map(([, { type }]) => type));
    assert.ok(types.size >= 6, "the snapshot has all types");
    for (const type of types) {
      const expected = whole.filter(([, key]) => key.type === type);
      assert.deepEqual(keysOf(load(bytes, [], { types: [type] })), expected);
    }
  });

  test(`values of ${file} are passed over and measured at random cuts`, () => {
    const whole = keysOf(load(bytes, []));
    const prng = new Prng(5);
    for (let round = 0; round < 3; round++) {
      const cuts = Array.from({ length: 30 }, () => prng.int(bytes.length)).sort((a, b) => a - b);
      assert.equal(load(bytes, cuts, { keys: ["no such key"] }).keyCount, 0);
      assert.deepEqual(keysOf(load(bytes, cuts, { maxValueBytes: 100 * MB })), whole);
      const few = load(bytes, cuts, { maxValueBytes: 40 });
      assert.equal(few.keyCount + few.leftOut.size, whole.length);
      assert.ok(few.keyCount > 0 && few.leftOut.size > 0);
    }
  });
}

/** Every key with what it holds. */
function keysOf(keyspace: Keyspace): [string, ReadKey][] {
  const { dbs } = readoutOf(keyspace);
  const keys = Object.entries(dbs).flatMap(([db, { keys }]) =>
    Object.entries(keys).map(([key, read]): [string, ReadKey] => [`${db} ${key}`, read])
  );
  return keys.sort(([a], [b]) => a < b ? -1 : 1);
}

/** A snapshot of one value of `size` bytes, `parts` to go; none of its pieces is kept by who reads it. */
function* hugeSnapshot(head: Uint8Array, piece: Uint8Array, pieces: number): Generator<Uint8Array> {
  yield join("REDIS0012", head);
  for (let i = 0; i < pieces; i++) yield piece;
  yield join(0, str("next"), str("1"), 0xff, new Uint8Array(8));
}

const GB = 1024 * MB;
const PIECE = new Uint8Array(MB).fill(0x78);
/** 64 strings of 16383 bytes each. */
const STRINGS = join(
  ...Array.from({ length: 64 }, () => join(0x7f, 0xff, new Uint8Array(16383).fill(0x79))),
);

for (
  const { name, head, piece, pieces } of [
    {
      name: "a string of 1 GB",
      head: join(0, str("big"), 0x81, be(GB, 8)),
      piece: PIECE,
      pieces: 1024,
    },
    {
      name: "a list of 256 MB",
      head: join(1, str("big"), 0x80, be(64 * 256, 4)),
      piece: STRINGS,
      pieces: 256,
    },
  ]
) {
  for (const filter of [{ maxValueBytes: MB }, { keys: ["next"] }]) {
    test(`${name} is passed over by ${JSON.stringify(filter)} without being kept`, () => {
      const keyspace = newKeyspace();
      const loader = new KeyspaceLoader(keyspace, new KeyFilter(filter));
      const decoder = new RdbDecoder(loader, { verifyChecksum: false });
      for (const bytes of hugeSnapshot(head, piece, pieces)) decoder.push(bytes);
      decoder.finish();
      assert.equal(keyspace.keyCount, 1);
      assert.equal(keyspace.leftOut.size, filter.keys === undefined ? 1 : 0);
      const { reserved, objects } = keyspace.memory();
      assert.ok(reserved + objects < MB, "what was passed over is nowhere");
    });
  }
}
