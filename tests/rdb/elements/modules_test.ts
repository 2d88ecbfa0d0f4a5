/**
 * Values of modules in snapshots: kept and counted by their type, refused when told to unless Redis itself
 * brings the type (arrays among them, which are no module's); and written back with the bytes they came in, or
 * with the name of their type where the bytes are no longer known.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { RdbDecoderOptions } from "../../../src/rdb/decoder.ts";
import { KeyspaceLoader } from "../../../src/rdb/load.ts";
import type { Keyspace } from "../../../src/store/keyspace/keyspace.ts";
import { countModuleKeys } from "../../../src/store/types/module.ts";
import { Engine } from "../../commands/engine.ts";
import { encodeWhole, newKeyspace } from "../support/keyspaces.ts";
import { be, join, le, snapshot, str } from "../support/parts.ts";
import { decodeCut, errorOf } from "../support/decoding.ts";
import { textOf } from "../../support/bytes.ts";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** A type's id as snapshots have it. */
function idOf(name: string, version = 1): Uint8Array {
  let id = 0n;
  for (const letter of name) id = (id << 6n) | BigInt(ALPHABET.indexOf(letter));
  return join(0x81, be((id << 10n) | BigInt(version), 8));
}

const VALUES = join(2, 5, 1, 0x80, be(-1, 4), 3, le(0, 4), 4, le(0, 8), 5, str("text"), 0);
const OTHER = join(7, str("other"), idOf("test___dt"), VALUES);
const LATE = join(7, str("late"), idOf("test___dt"), VALUES);
const VECTORS = join(7, str("vectors"), idOf("vectorset"), VALUES);
const FILE = snapshot("REDIS0012", OTHER, VECTORS, 0, str("k"), str("v"), 0xfc, le(9, 8), LATE);
const EVERY = Array.from({ length: FILE.length - 1 }, (_, i) => i + 1);

function load(
  bytes: Uint8Array,
  cuts: readonly number[],
  options?: RdbDecoderOptions,
): { keyspace: Keyspace; loader: KeyspaceLoader } {
  const keyspace = newKeyspace();
  const loader = new KeyspaceLoader(keyspace);
  decodeCut(bytes, cuts, loader, options);
  return { keyspace, loader };
}

for (const cuts of [[], EVERY]) {
  test(`module values in ${cuts.length + 1} pieces are kept as they came, expiry and all`, () => {
    const { keyspace, loader } = load(FILE, cuts);
    assert.equal(loader.stats.moduleValues, 3);
    assert.deepEqual([...loader.stats.moduleNames], [["test___dt", 2], ["vectorset", 1]]);
    assert.equal(keyspace.keyCount, 4);
    const engine = new Engine("stream", () => 0.5, keyspace);
    assert.equal(engine.call("TYPE", "vectors"), "+vectorset\r\n");
    assert.equal(engine.call("TYPE", "other"), "+test___dt\r\n");
    assert.equal(engine.call("PEXPIRETIME", "late"), ":9\r\n");
    assert.match(engine.call("GET", "vectors"), /^-WRONGTYPE/);
    const dump = engine.raw(["DUMP", "vectors"]);
    assert.ok(textOf(dump).includes(textOf(join(7, idOf("vectorset"), VALUES, 12, 0))));
    const payload = dump.subarray(dump.indexOf(10) + 1, -2);
    assert.equal(engine.call("RESTORE", "again", "0", payload), "+OK\r\n");
    assert.equal(engine.call("COPY", "again", "copied"), ":1\r\n");
    assert.deepEqual(engine.raw(["DUMP", "copied"]), dump);
  });

  test(`module values in ${cuts.length + 1} pieces are refused when told to`, () => {
    const error = errorOf(() => load(FILE, cuts, { onUnsupported: "fail" }));
    assert.equal(error?.code, "UNSUPPORTED_TYPE");
    assert.equal(error.type, 7);
    assert.equal(error.key, '"other"');
    assert.equal(error.offset, 9);
    assert.match(error.message, /test___dt/);
  });
}

test("a vector set is written back as it came, in every version", () => {
  const bytes = snapshot("REDIS0012", VECTORS);
  for (const version of [9, 10, 11, 12, 80] as const) {
    const { keyspace } = load(bytes, []);
    const written = encodeWhole(keyspace, { version, serverVersion: "8.0.2", nowMs: 0 });
    assert.ok(textOf(written).includes(textOf(VECTORS)));
    assert.equal(load(written, []).keyspace.keyCount, 1);
  }
});

/** Elements of every kind, two of them far apart, and where the next is inserted. */
const ELEMENTS = join(
  ...[5, 1, 9],
  ...[0, 0, str("text"), 1, 1, le(-7, 8)],
  ...[2, 2, new Uint8Array(Float64Array.of(1.5).buffer)],
  ...[0x40, 200, 3, 0xc0, 12],
  ...[0x81, be(-2, 8), 0, str("last")],
);
const ARRAY = join(28, str("array"), ELEMENTS);
const LIMIT = join(33, str("limit"), 0x80, be(123456, 4));
const NEWER = snapshot("REDIS0014", ARRAY, 0, str("k"), str("v"), LIMIT, 28, str("none"), 0, 0);

for (const cuts of [[], Array.from({ length: NEWER.length - 1 }, (_, i) => i + 1)]) {
  test(`arrays and rate limits in ${cuts.length + 1} pieces are kept as they came`, () => {
    const { keyspace, loader } = load(NEWER, cuts, { onUnsupported: "fail" });
    assert.equal(loader.stats.moduleValues, 3);
    assert.equal(keyspace.keyCount, 4);
    const engine = new Engine("stream", () => 0.5, keyspace);
    assert.equal(engine.call("TYPE", "array"), "+array\r\n");
    assert.equal(engine.call("TYPE", "limit"), "+gcra\r\n");
    assert.match(engine.call("LLEN", "array"), /^-WRONGTYPE/);
    const dump = engine.raw(["DUMP", "array"]);
    assert.ok(textOf(dump).includes(textOf(join(28, ELEMENTS, 14, 0))));
    const payload = dump.subarray(dump.indexOf(10) + 1, -2);
    assert.equal(engine.call("RESTORE", "again", "0", payload), "+OK\r\n");
    assert.deepEqual(engine.raw(["DUMP", "again"]), dump);
    const written = encodeWhole(keyspace, { version: 12, serverVersion: "8.0.2", nowMs: 0 });
    assert.ok(textOf(written).includes(textOf(ARRAY)) && textOf(written).includes(textOf(LIMIT)));
    assert.equal(load(written, []).keyspace.keyCount, 5);
  });
}

const WRONG_ARRAYS: readonly (readonly [name: string, value: Uint8Array])[] = [
  ["whose indexes do not ascend", join(2, 0, 5, 0, str("a"), 5, 0, str("b"))],
  ["whose indexes descend", join(2, 0, 0x81, be(-2, 8), 0, str("a"), 5, 0, str("b"))],
  ["with an element of an unknown kind", join(1, 0, 0, 4, str("a"))],
  ["that neither has a next index nor has none", join(1, 2, 0, 0, str("a"))],
];
for (const [name, value] of WRONG_ARRAYS) {
  test(`an array ${name} is refused`, () => {
    const error = errorOf(() => load(snapshot("REDIS0014", 28, str("k"), value), []));
    assert.equal(error?.code, "CORRUPT");
  });
}

test("module values of releases before 4.0, and unknown tags, are refused", () => {
  const early = errorOf(() => load(snapshot("REDIS0008", 6, str("k"), idOf("test___dt"), 0), []));
  assert.equal(early?.code, "UNSUPPORTED_TYPE");
  const tag = errorOf(() => load(snapshot("REDIS0012", 7, str("k"), idOf("test___dt"), 6), []));
  assert.equal(tag?.code, "CORRUPT");
});

test("names of modules are counted within bounds", () => {
  const values = Array.from({ length: 2000 }, (_, i) => {
    const name = `m${String(i).padStart(8, "0")}`;
    return join(7, str(`k${i}`), idOf(name), 0);
  });
  const { loader } = load(snapshot("REDIS0012", ...values), []);
  assert.equal(loader.stats.moduleValues, 2000);
  assert.ok(loader.stats.moduleNames.size < 300);
});

test("a snapshot makes no more than so many databases", () => {
  const databases = Array.from(
    { length: 20_000 },
    (_, i) => join(0xfe, 0x80, be(i, 4), 0, 1, "k", 0),
  );
  const error = errorOf(() => load(snapshot("REDIS0012", ...databases), []));
  assert.equal(error?.code, "TOO_LARGE");
  assert.ok(error.offset > 0);
  const some = load(snapshot("REDIS0012", ...databases.slice(0, 10_000)), []);
  assert.equal(some.keyspace.indexes().length, 10_000);
  const { reserved, table } = some.keyspace.memory();
  assert.ok(reserved + table < 64 << 20, `${reserved + table} bytes`);
});

test("bytes of a time series are not kept, as other keys change them", () => {
  const series = join(7, str("series"), idOf("TSDB-TYPE"), VALUES);
  for (const cuts of [[], Array.from({ length: series.length }, (_, i) => i + 9)]) {
    const { keyspace } = load(snapshot("REDIS0012", series, 0, str("k"), str("v")), cuts);
    const engine = new Engine("stream", () => 0.5, keyspace);
    assert.equal(engine.call("TYPE", "series"), "+TSDB-TYPE\r\n");
    assert.match(engine.call("DUMP", "series"), /^-ERR .*TSDB-TYPE/);
    assert.equal(engine.call("GET", "k"), "$1\r\nv\r\n");
  }
});

test("keys whose bytes are not known are in our snapshot by name, in every version", () => {
  const db = join(0xfe, 3);
  const { keyspace } = load(
    snapshot("REDIS0012", OTHER, VECTORS, db, 0xfc, le(9, 8), LATE, OTHER),
    [],
  );
  const stream = new Engine("stream", () => 0.5, keyspace);
  stream.call("SELECT", "3");
  stream.call("JSON.SET", "a key\r\n", "$", "1");
  stream.call("JSON.ARRPOP", "late");
  stream.call("SELECT", "0");
  stream.call("VREM", "vectors", "x");
  for (const version of [9, 10, 11, 12, 80] as const) {
    const written = encodeWhole(keyspace, { version, serverVersion: "8.0.2", nowMs: 0 });
    for (const cuts of [[], Array.from({ length: written.length - 1 }, (_, i) => i + 1)]) {
      const again = load(written, cuts);
      assert.equal(again.loader.stats.keys, 5);
      const engine = new Engine("stream", () => 0.5, again.keyspace);
      assert.equal(engine.call("TYPE", "vectors"), "+vectorset\r\n");
      assert.match(engine.call("DUMP", "vectors"), /^-ERR .*vectorset/);
      assert.match(engine.call("DUMP", "other"), /^\$/);
      engine.call("SELECT", "3");
      assert.equal(engine.call("TYPE", "a key\r\n"), "+ReJSON-RL\r\n");
      assert.equal(engine.call("PEXPIRETIME", "late"), ":9\r\n");
      const counts = {};
      for (const index of [0, 3]) countModuleKeys(again.keyspace.db(index), counts);
      assert.deepEqual(counts, {
        vectorset: { keys: 1, unknown: 1, doubted: 1 },
        test___dt: { keys: 3, unknown: 1, doubted: 0 },
        "ReJSON-RL": { keys: 1, unknown: 1, doubted: 0 },
      });
    }
  }
});

for (const text of ["", "x", "ReJSON-RL 5", "ReJSON-RL -2 0 k", "ReJSON-RL 5 2 k", " -1 0 k"]) {
  test(`a key of unknown value that is written "${text}" is refused`, () => {
    const field = join(0xfa, str("rimr-unknown-value"), str(text));
    const error = errorOf(() => load(snapshot("REDIS0012", field), []));
    assert.equal(error?.code, "CORRUPT");
    assert.ok(error.offset >= 9);
  });
}
