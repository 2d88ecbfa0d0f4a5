/**
 * Snapshots into keyspaces: what real servers saved, what a snapshot says of itself, and what is
 * refused or bounded.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join as joinPath } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { KeyspaceLoader } from "../../src/rdb/load.ts";
import { itemsOf, newKeyspace } from "./support/keyspaces.ts";
import { be, join, le, snapshot, str } from "./support/parts.ts";
import { decodeCut, errorOf } from "./support/decoding.ts";
import { textOf } from "../support/bytes.ts";

const GOLDEN = fileURLToPath(new URL("../golden/", import.meta.url));
const REPLID = "0123456789abcdef0123456789abcdef01234567";

function load(bytes: Uint8Array): { loader: KeyspaceLoader; items: ReturnType<typeof itemsOf> } {
  const keyspace = newKeyspace();
  const loader = new KeyspaceLoader(keyspace);
  decodeCut(bytes, [], loader);
  return { loader, items: itemsOf(keyspace) };
}

function aux(name: string, value: string | Uint8Array): Uint8Array {
  return join(0xfa, str(name), typeof value === "string" ? str(value) : value);
}

for (const file of readdirSync(GOLDEN).filter((name) => /^strings_.*\.rdb$/.test(name))) {
  test(`KeyspaceLoader holds what ${file} holds`, () => {
    const bytes = new Uint8Array(readFileSync(joinPath(GOLDEN, file)));
    const json = JSON.parse(readFileSync(joinPath(GOLDEN, file.replace(/rdb$/, "json")), "utf8"));
    const { loader, items } = load(bytes);
    assert.deepEqual(items, json.items);
    assert.equal(loader.complete, true);
    assert.equal(loader.serverVersion, json.serverVersion);
    assert.equal(loader.stats.keys, items.length);
    assert.equal(loader.stats.expires, items.filter((item) => item.expireAtMs >= 0).length);
    assert.deepEqual(loader.functions.map(textOf), json.functions);
    if (file.includes("cluster")) return;
    assert.match(loader.replid, /^[0-9a-f]{40}$/);
    assert.ok(loader.offset >= 0);
    assert.ok(loader.streamDb >= -1 && loader.streamDb < 16);
    assert.ok(loader.createdSeconds > 1.7e9);
    assert.ok(loader.usedMemory > 100_000);
  });
}

test("KeyspaceLoader knows nothing that a snapshot does not say", () => {
  const { loader } = load(snapshot("REDIS0006", 0, str("k"), str("v")));
  const { replid, offset, streamDb, serverVersion, createdSeconds, usedMemory, version } = loader;
  assert.deepEqual(
    { replid, offset, streamDb, serverVersion, createdSeconds, usedMemory, version },
    {
      replid: "",
      offset: -1,
      streamDb: -1,
      serverVersion: "",
      createdSeconds: -1,
      usedMemory: -1,
      version: 6,
    },
  );
});

test("KeyspaceLoader takes what a snapshot says of itself", () => {
  const { loader } = load(snapshot(
    "VALKEY080",
    aux("valkey-ver", "9.1.2"),
    aux("repl-stream-db", join(0xc0, 3)),
    aux("repl-id", REPLID),
    aux("repl-offset", join(0xc1, le(223, 2))),
    aux("lua", "return 1"),
    aux("lua", "return 2"),
    aux("%note", "for people"),
    aux("gtid", "of a vendor"),
    join(0xf5, str("#!lua name=x\n")),
    join(0xf7, 0x81, be(0xb5eb2dffffddb401n, 8), 0),
    join(0xf7, 0x81, be(0xb5eb2dffffddb401n, 8), 0),
  ));
  assert.equal(loader.serverVersion, "9.1.2");
  assert.equal(loader.streamDb, 3);
  assert.equal(loader.replid, REPLID);
  assert.equal(loader.offset, 223);
  assert.deepEqual(loader.scripts.map(textOf), ["return 1", "return 2"]);
  assert.deepEqual(loader.functions.map(textOf), ["#!lua name=x\n"]);
  assert.equal(loader.stats.ignoredAux, 2);
  assert.deepEqual([...loader.stats.moduleAux], [["test___dt", 2]]);
});

test("KeyspaceLoader takes no replication id of another length, and no offset that is no number", () => {
  const { loader } = load(snapshot(
    "REDIS0011",
    aux("repl-id", "short"),
    aux("repl-offset", "many"),
    aux("repl-stream-db", "99999999999999999999"),
  ));
  assert.equal(loader.replid, "");
  assert.equal(loader.offset, -1);
  assert.equal(loader.streamDb, -1);
});

test("KeyspaceLoader keeps keys that have expired", () => {
  const { items, loader } = load(snapshot("REDIS0011", 0xfc, le(1, 8), 0, str("k"), str("v")));
  assert.deepEqual(items, [{ db: 0, key: "k", value: "v", expireAtMs: 1 }]);
  assert.equal(loader.stats.expires, 1);
});

test("KeyspaceLoader refuses a key that comes twice in one database", () => {
  const twice = snapshot("REDIS0011", 0, str("k"), str("v"), 0xfe, 1, 0, str("k"), str("v"));
  assert.equal(load(twice).items.length, 2);
  const k = join(0, str("k"), str("w"));
  const others = (from: number, count: number) =>
    join(...Array.from({ length: count }, (_, i) => join(0, str(`${from + i}`), str("v"))));
  const again = [
    [k, k],
    [k, 0xfe, 0, k],
    [k, 0xfe, 1, k, 0xfe, 0, k],
    [k, 0, str("k"), str("7")],
    [k, 1, str("k"), 1, str("a")],
    // Keys are added many at a time: the two are of one lot, of two, and far apart.
    [k, others(0, 60), k, others(60, 100)],
    [others(0, 60), k, others(60, 10), k],
    [k, others(0, 300), k, others(300, 300)],
  ];
  for (const parts of again) {
    const error = errorOf(() => load(snapshot("REDIS0011", ...parts)));
    assert.equal(error?.code, "DUPLICATE_KEY");
    assert.equal(error.key, '"k"');
    assert.match(error.message, /^Key "k" comes twice at byte \d+$/);
  }
  assert.equal(load(snapshot("REDIS0011", others(0, 300), k)).items.length, 301);
});

test("KeyspaceLoader makes no database for a number without keys", () => {
  const selects = Array.from({ length: 1000 }, (_, i) => join(0xfe, 0x80, be(i, 4), 0xfb, 9, 9));
  const keyspace = newKeyspace();
  decodeCut(snapshot("REDIS0011", ...selects), [], new KeyspaceLoader(keyspace));
  assert.deepEqual(keyspace.indexes(), []);
  for (let i = 0; i < 1000; i++) assert.equal(keyspace.peek(i), undefined);
});

test("KeyspaceLoader makes tables no larger than one bound, however much is announced", () => {
  const announce = join(0xfb, 0x80, be(0xffffffff, 4), 0);
  const parts = Array.from(
    { length: 100 },
    (_, i) => join(0xfe, 0x40, i, announce, 0, str("k"), str("v")),
  );
  const keyspace = newKeyspace();
  decodeCut(snapshot("REDIS0011", ...parts), [], new KeyspaceLoader(keyspace));
  assert.equal(keyspace.keyCount, 100);
  const { table, reserved } = keyspace.memory();
  assert.ok(table + reserved < 200e6, `${table + reserved} bytes`);
});
