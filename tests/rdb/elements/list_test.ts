/**
 * Lists in snapshots: every form read whole, byte by byte and cut everywhere; written in every version
 * and read back; damaged.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { latin1 } from "../../../src/base/ascii.ts";
import { Prng } from "../../../src/base/prng.ts";
import { KeyspaceLoader } from "../../../src/rdb/load.ts";
import type { Database } from "../../../src/store/keyspace/database.ts";
import type { Keyspace } from "../../../src/store/keyspace/keyspace.ts";
import { Encoding, ValueType } from "../../../src/store/memory/record.ts";
import { listEach, listPush } from "../../../src/store/types/list.ts";
import { quicklistOf } from "../../../src/store/types/list_cursor.ts";
import { Engine } from "../../commands/engine.ts";
import { auditQuicklist } from "../../store/audit.ts";
import { encoded, newKeyspace } from "../support/keyspaces.ts";
import { blob, join, le, listpack, str } from "../support/parts.ts";
import { decodeCut } from "../support/decoding.ts";
import {
  damageOften,
  type Reading,
  type Refusal,
  testReadings,
  testRefusals,
} from "../support/values.ts";
import { bytesOf } from "../../support/bytes.ts";

const LONG = "l".repeat(9000);

/** Strings of less than 254 bytes. */
function ziplist(...texts: string[]): Uint8Array {
  const entries: Uint8Array[] = [];
  let previous = 0;
  let tail = 10;
  let end = 10;
  for (const text of texts) {
    const entry = join(previous, text.length, text);
    entries.push(entry);
    previous = entry.length;
    tail = end;
    end += previous;
  }
  return join(le(end + 1, 4), le(tail, 4), le(texts.length, 2), ...entries, 0xff);
}

function listOf(db: Database, key: string): string[] | undefined {
  const entry = db.find(bytesOf(key), 0, key.length);
  if (entry === 0) return undefined;
  const texts: string[] = [];
  const quicklist = quicklistOf(db, entry);
  if (quicklist !== undefined) auditQuicklist(quicklist);
  listEach(db, entry, (bytes, start, end) => texts.push(latin1(bytes, start, end)));
  return texts;
}

const many = Array.from({ length: 3000 }, (_, i) => `element ${i}`);

const rows: readonly Reading<string[] | undefined>[] = [
  {
    name: "a plain list",
    type: 1,
    value: join(3, str("a"), join(0xc0, 5), str("c")),
    expected: ["a", "5", "c"],
    encoding: Encoding.LISTPACK,
  },
  {
    name: "a long plain list",
    type: 1,
    value: join(0x40 | (many.length >>> 8), many.length & 255, ...many.map((text) => str(text))),
    expected: many,
    encoding: Encoding.QUICKLIST,
  },
  {
    name: "a plain list with a huge element",
    type: 1,
    value: join(3, str("a"), blob(LONG), str("b")),
    expected: ["a", LONG, "b"],
    encoding: Encoding.QUICKLIST,
  },
  { name: "a plain list of nothing", type: 1, value: join(0), expected: undefined },
  {
    name: "a ziplist",
    type: 10,
    value: blob(ziplist("a", "12", "b")),
    expected: ["a", "12", "b"],
    encoding: Encoding.LISTPACK,
  },
  {
    name: "a ziplist that is too long",
    type: 10,
    value: blob(ziplist("a", "12", "b")),
    expected: ["a", "12", "b"],
    encoding: Encoding.QUICKLIST,
    limits: { listMaxListpackSize: 2 },
  },
  { name: "a ziplist of nothing", type: 10, value: blob(ziplist()), expected: undefined },
  {
    name: "a quicklist of ziplists",
    type: 14,
    value: join(3, blob(ziplist("a", "b")), blob(ziplist()), blob(ziplist("c"))),
    expected: ["a", "b", "c"],
    encoding: Encoding.QUICKLIST,
  },
  {
    name: "a quicklist of one ziplist",
    type: 14,
    value: join(1, blob(ziplist("a", "b"))),
    expected: ["a", "b"],
    encoding: Encoding.LISTPACK,
  },
  {
    name: "a quicklist of one ziplist and an empty one",
    type: 14,
    value: join(2, blob(ziplist("a", "b")), blob(ziplist())),
    expected: ["a", "b"],
    encoding: Encoding.LISTPACK,
  },
  {
    name: "a quicklist of nothing",
    type: 14,
    value: join(1, blob(ziplist())),
    expected: undefined,
  },
  {
    name: "a quicklist of one listpack",
    type: 18,
    value: join(1, 2, blob(listpack("a", "7", "b"))),
    expected: ["a", "7", "b"],
    encoding: Encoding.LISTPACK,
  },
  {
    name: "a quicklist of one listpack that is too long",
    type: 18,
    value: join(1, 2, blob(listpack(...many))),
    expected: many,
    encoding: Encoding.QUICKLIST,
  },
  {
    name: "a quicklist with an element in a node of its own",
    type: 18,
    value: join(3, 2, blob(listpack("a", "b")), 1, blob(LONG), 2, blob(listpack("c"))),
    expected: ["a", "b", LONG, "c"],
    encoding: Encoding.QUICKLIST,
  },
  {
    name: "a quicklist with empty listpacks",
    type: 18,
    value: join(3, 2, blob(listpack()), 2, blob(listpack("c")), 2, blob(listpack())),
    expected: ["c"],
    encoding: Encoding.LISTPACK,
  },
  { name: "a quicklist of no nodes", type: 18, value: join(0), expected: undefined },
];

testReadings("", rows, (db) => listOf(db, "key"));

const refusals: readonly Refusal[] = [
  {
    name: "an unknown container",
    type: 18,
    value: join(1, 3, blob(listpack("a"))),
    says: /unknown container 3/,
  },
  { name: "an empty plain node", type: 18, value: join(1, 1, 0), says: /empty/ },
  { name: "no listpack", type: 18, value: join(1, 2, str("nothing")), says: /listpack/ },
  {
    name: "a listpack with a wrong count",
    type: 18,
    value: join(1, 2, blob(listpack("a", "b").map((byte, i) => i === 4 ? 9 : byte))),
    says: /wrong count/,
  },
  { name: "no ziplist", type: 10, value: str("nothing at all"), says: /ziplist/ },
  {
    name: "no ziplist in a node",
    type: 14,
    value: join(1, str("nothing at all")),
    says: /ziplist/,
  },
];

testRefusals("a list with ", refusals);

/** Lists of all sizes. */
function filled(prng: Prng): Keyspace {
  const keyspace = newKeyspace();
  const db = keyspace.db(0);
  for (let list = 0; list < 12; list++) {
    const key = bytesOf(`list:${list}`);
    const count = [1, 3, 40, 700, 4000][list % 5];
    for (let i = 0; i < count; i++) {
      const text = prng.oneIn(3)
        ? String(prng.int(100000) - 50000)
        : prng.oneIn(500)
        ? "x".repeat(prng.between(8000, 12000))
        : "y".repeat(prng.int(30));
      const entry = db.find(key, 0, key.length);
      const bytes = bytesOf(text);
      listPush(db, entry, key, 0, key.length, prng.oneIn(2), bytes, [0], [text.length], 0, 1);
    }
  }
  return keyspace;
}

for (const version of [9, 10, 11, 12, 80] as const) {
  test(`lists written in version ${version} are read back`, () => {
    const keyspace = filled(new Prng(version));
    const db = keyspace.db(0);
    for (const compress of [false, true]) {
      const copy = newKeyspace();
      decodeCut(encoded(keyspace, version, compress), [], new KeyspaceLoader(copy));
      assert.equal(copy.keyCount, 12);
      for (let list = 0; list < 12; list++) {
        const key = `list:${list}`;
        assert.deepEqual(listOf(copy.db(0), key), listOf(db, key));
      }
    }
  });
}

test("damaged lists end in an RdbError or in sound lists", () => {
  const mine = rows.filter((row) => row.value.length < 2000);
  const loaded = damageOften(4000, "REDIS0011", mine, (keyspace, names) => {
    const db = keyspace.db(0);
    const engine = new Engine("master", () => 0.5, keyspace);
    for (const name of names) {
      const key = bytesOf(name);
      const entry = db.find(key, 0, key.length);
      if (entry !== 0 && db.typeOf(entry) === ValueType.LIST) listOf(db, name);
      engine.call("LINSERT", name, "BEFORE", "b", "new");
      engine.call("LREM", name, "-1", "a");
      engine.call("RPOPLPUSH", name, name);
      engine.call("LTRIM", name, "1", "-2");
      engine.call("DEBUG", "DIGEST-VALUE", name);
    }
  });
  assert.ok(loaded > 20, `${loaded} were loaded`);
});
