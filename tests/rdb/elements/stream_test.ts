/**
 * Streams in snapshots: every type read whole, byte by byte and cut everywhere; written in every version
 * and read back; damaged.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { latin1 } from "../../../src/base/ascii.ts";
import { BytesRef } from "../../../src/base/byte_buffer.ts";
import { Prng } from "../../../src/base/prng.ts";
import type { SnapshotVersion } from "../../../src/rdb/encoder.ts";
import { KeyspaceLoader } from "../../../src/rdb/load.ts";
import type { Database } from "../../../src/store/keyspace/database.ts";
import type { Keyspace } from "../../../src/store/keyspace/keyspace.ts";
import { ValueType } from "../../../src/store/memory/record.ts";
import { IdPlace, type IdTable } from "../../../src/store/packed/id_table.ts";
import { MAX_ID, MIN_ID, StreamId } from "../../../src/store/packed/stream_id.ts";
import { StreamCursor } from "../../../src/store/types/stream_cursor.ts";
import { DELIVERIES, type Group, TIME } from "../../../src/store/types/stream_groups.ts";
import { streamOf } from "../../../src/store/types/small_stream.ts";
import { Engine } from "../../commands/engine.ts";
import { encoded, newKeyspace } from "../support/keyspaces.ts";
import { be, blob, join, le, listpack, snapshot, str } from "../support/parts.ts";
import { decodeCut } from "../support/decoding.ts";
import {
  damageOften,
  type Reading,
  type Refusal,
  testReadings,
  testRefusals,
} from "../support/values.ts";
import { bytesOf } from "../../support/bytes.ts";

const KEY = bytesOf("key");

function idBytes(ms: number, seq: number): Uint8Array {
  return join(be(ms, 8), be(seq, 8));
}

function node(ms: number, seq: number, bytes: Uint8Array): Uint8Array {
  return join(16, idBytes(ms, seq), blob(bytes));
}

/** 1-1 of one field, 1-2 deleted, 3-0 of its own fields: its sequence is before the node's. */
const FIRST = listpack(
  ...[2, 1, 1, "f", 0],
  ...[2, 0, 0, "v1", 4],
  ...[3, 0, 1, "v2", 4],
  ...[0, 2, -1, 2, "a", 5, "b", "text", 8],
);
const SECOND = listpack(1, 0, 1, "f", 0, 2, 0, 0, "last", 4);
const NODES = join(2, node(1, 1, FIRST), node(7, 0, SECOND));
const ENTRIES = ["1-1 f v1", "3-0 a 5 b text", "7-0 f last"];
const COUNTERS = join(1, 1, 1, 2, 9);
const UNKNOWN = join(0x81, le(-1, 8));

function pending(...ids: readonly (readonly [ms: number, seq: number])[]): Uint8Array {
  return join(
    ids.length,
    ...ids.map(([ms, seq]) => join(idBytes(ms, seq), le(1_700_000_000_000 + ms, 8), 2)),
  );
}

/** A group of two consumers; `generation` as of the five types. */
function group(generation: number): Uint8Array {
  const read = generation >= 2 ? UNKNOWN : "";
  const active = (ms: number) => generation >= 3 ? le(ms, 8) : "";
  const isReleased = generation >= 5;
  return join(
    str("group"),
    join(3, 0),
    read,
    isReleased ? pending([1, 1], [3, 0], [7, 0]) : pending([1, 1], [3, 0]),
    2,
    join(str("alice"), le(1000, 8), active(-1), 1, idBytes(3, 0)),
    join(str("bob"), le(2000, 8), active(1500), 1, idBytes(1, 1)),
    isReleased ? join(1, idBytes(7, 0)) : "",
  );
}

const PRODUCERS = join(0x40, 100, 10, 1, str("producer"), 2, str("a"), 1, 1, str("b"), 3, 0, 5, 6);

/** A stream of a type. */
function value(generation: number): Uint8Array {
  return join(
    NODES,
    join(3, 9, 0),
    generation >= 2 ? COUNTERS : "",
    1,
    group(generation),
    generation >= 4 ? PRODUCERS : "",
  );
}

function idsOf(table: IdTable, tell: (at: IdPlace) => string): string[] {
  const id = new StreamId();
  const at = new IdPlace();
  const ids: string[] = [];
  for (let more = table.first(at); more; more = table.next(at)) {
    table.readId(at, id);
    ids.push(`${id}${tell(at)}`);
  }
  return ids;
}

function tellGroup(group: Group): unknown {
  const { pending } = group;
  return {
    name: latin1(group.name),
    lastId: String(group.lastId),
    entriesRead: group.entriesRead,
    pending: idsOf(pending, (at) => {
      const owner = group.ownerAt(at)?.name ?? bytesOf("-");
      const numbers = [pending.getNumber(at, TIME), pending.getNumber(at, DELIVERIES)];
      return ` ${latin1(owner)} ${numbers.join(" ")}`;
    }),
    consumers: group.consumers().map(({ name, seenMs, activeMs, pending }) =>
      `${latin1(name)} ${seenMs} ${activeMs}: ${idsOf(pending, () => "").join(" ")}`
    ),
  };
}

/** All that a stream holds. */
function tell(db: Database, key: Uint8Array): Record<string, unknown> | undefined {
  const entry = db.find(key, 0, key.length);
  if (entry === 0 || db.typeOf(entry) !== ValueType.STREAM) return undefined;
  const stream = streamOf(db, entry);
  const [field, value] = [new BytesRef(), new BytesRef()];
  const cursor = new StreamCursor();
  const walk = (reverse: boolean): string[] => {
    const entries: string[] = [];
    cursor.open(stream, MIN_ID, MAX_ID, reverse);
    while (cursor.next()) {
      const words = [String(cursor.id)];
      for (let i = 0; i < cursor.fieldCount; i++) {
        cursor.readField(field, value);
        words.push(latin1(field.bytes, field.start, field.end));
        words.push(latin1(value.bytes, value.start, value.end));
      }
      entries.push(words.join(" "));
    }
    return entries;
  };
  const entries = walk(false);
  assert.deepEqual(walk(true).reverse(), entries);
  const { length, entriesAdded } = stream;
  return {
    entries,
    length,
    entriesAdded,
    lastId: String(stream.lastId),
    firstId: String(stream.firstId),
    maxDeletedId: String(stream.maxDeletedId),
    groups: stream.groups().map(tellGroup),
  };
}

const TYPES = [15, 19, 21, 26, 27] as const;

function expected(generation: number): Record<string, unknown> {
  const active = (ms: number, seenMs: number) => generation >= 3 ? ms : seenMs;
  const rows = ["1-1 bob 1700000000001 2", "3-0 alice 1700000000003 2"];
  if (generation >= 5) rows.push("7-0 - 1700000000007 2");
  return {
    entries: ENTRIES,
    length: 3,
    entriesAdded: generation >= 2 ? 9 : 3,
    lastId: "9-0",
    firstId: "1-1",
    maxDeletedId: generation >= 2 ? "1-2" : "0-0",
    groups: [{
      name: "group",
      lastId: "3-0",
      entriesRead: -1,
      pending: rows,
      consumers: [
        `alice 1000 ${active(-1, 1000)}: 3-0`,
        `bob 2000 ${active(1500, 2000)}: 1-1`,
      ],
    }],
  };
}

const EMPTY = {
  entries: [],
  length: 0,
  entriesAdded: 0,
  lastId: "5-5",
  maxDeletedId: "0-0",
  groups: [],
};
const ONE_NODE = { entries: ["7-0 f last"], length: 1, firstId: "7-0", groups: [] };

const rows: readonly Reading<Record<string, unknown>>[] = [
  ...TYPES.map((type, i) => ({
    name: `a stream of type ${type}`,
    type,
    value: value(i + 1),
    expected: expected(i + 1),
  })),
  {
    name: "a small stream without groups",
    type: 21,
    value: join(1, node(7, 0, SECOND), join(1, 7, 0), join(7, 0, 0, 0, 1), 0),
    expected: { ...ONE_NODE, entriesAdded: 1, lastId: "7-0", maxDeletedId: "0-0" },
  },
  {
    name: "a small stream of the first type",
    type: 15,
    value: join(1, node(7, 0, SECOND), join(1, 8, 0), 0),
    expected: { ...ONE_NODE, entriesAdded: 1, lastId: "8-0", maxDeletedId: "0-0" },
  },
  {
    name: "a stream of nothing",
    type: 21,
    value: join(0, join(0, 5, 5), join(0, 0, 0, 0, 0), 0),
    expected: { ...EMPTY, firstId: "0-0" },
  },
  {
    name: "a stream of nothing of the first type",
    type: 15,
    value: join(0, join(0, 5, 5), 0),
    expected: { ...EMPTY, firstId: "18446744073709551615-18446744073709551615" },
  },
  {
    name: "a node whose entries are all deleted",
    type: 21,
    value: join(
      2,
      node(1, 1, listpack(0, 1, 1, "f", 0, 3, 0, 0, "gone", 4)),
      node(7, 0, SECOND),
      join(1, 7, 0, 7, 0, 1, 1, 2, 0),
    ),
    expected: { ...ONE_NODE, entriesAdded: 2, lastId: "7-0", maxDeletedId: "1-1" },
  },
  {
    name: "counters of all 64 bits",
    type: 21,
    value: join(0, 0, UNKNOWN, UNKNOWN, join(0, 0, 0, 0), UNKNOWN, 0),
    expected: {
      ...EMPTY,
      entriesAdded: 2 ** 52,
      lastId: "18446744073709551615-18446744073709551615",
      firstId: "0-0",
    },
  },
];

testReadings("", rows, tell);

const HEAD = join(NODES, 3, 9, 0);
const BOB = join(str("bob"), le(0, 8), le(0, 8));
const GROUP = join(HEAD, COUNTERS, 1, str("g"), 0, 0, 0);

/** A stream of one node, from its elements on. */
function ofNode(...elements: readonly (number | string)[]): Uint8Array {
  return join(1, node(1, 1, listpack(...elements)), 1, 9, 0, COUNTERS, 0);
}

const refusals: readonly Omit<Refusal, "type">[] = [
  { name: "an id of 3 bytes", value: join(1, str("abc")), says: /16 bytes/ },
  { name: "no listpack", value: join(1, 16, idBytes(1, 1), str("nothing")), says: /listpack/ },
  { name: "a node without a master entry", value: ofNode(), says: /master entry/ },
  { name: "a master entry that is cut", value: ofNode(1, 0, 3, "f", 0), says: /master entry/ },
  { name: "a master entry of texts", value: ofNode("a", 0, 1, "f", 0), says: /master entry/ },
  { name: "a node without entries", value: ofNode(0, 0, 1, "f", 0), says: /no entries/ },
  { name: "an entry that is cut", value: ofNode(1, 0, 1, "f", 0, 2, 0, 0), says: /not whole/ },
  { name: "unknown flags", value: ofNode(1, 0, 1, "f", 0, 6, 0, 0, "v", 4), says: /not whole/ },
  { name: "a wrong lp-count", value: ofNode(1, 0, 1, "f", 0, 2, 0, 0, "v", 3), says: /not whole/ },
  {
    name: "more entries than it says",
    value: ofNode(2, 0, 1, "f", 0, 2, 0, 0, "v", 4),
    says: /says/,
  },
  {
    name: "fewer deleted than it says",
    value: ofNode(1, 1, 1, "f", 0, 2, 0, 0, "v", 4),
    says: /says/,
  },
  {
    name: "ids that do not ascend",
    value: ofNode(2, 0, 1, "f", 0, 2, 0, 0, "v", 4, 2, 0, 0, "v", 4),
    says: /ascend/,
  },
  { name: "a node twice", value: join(2, node(7, 0, SECOND), node(7, 0, SECOND)), says: /ascend/ },
  { name: "another length", value: join(NODES, 2, 9, 0, COUNTERS, 0), says: /length/ },
  { name: "a last id before the last", value: join(NODES, 3, 6, 0, COUNTERS, 0), says: /Last id/ },
  {
    name: "a group twice",
    value: join(HEAD, COUNTERS, 2, str("g"), 0, 0, 0, 0, 0, str("g")),
    says: /group comes twice/,
  },
  {
    name: "a pending entry twice",
    value: join(GROUP, pending([1, 1], [1, 1])),
    says: /Pending entry comes twice/,
  },
  { name: "a consumer twice", value: join(GROUP, 0, 2, BOB, 0, BOB), says: /Consumer comes twice/ },
  {
    name: "a consumer's entry that is not pending",
    value: join(GROUP, pending([1, 1]), 1, BOB, 1, idBytes(3, 0)),
    says: /not the group's/,
  },
  {
    name: "an entry of two consumers",
    value: join(
      GROUP,
      pending([1, 1]),
      2,
      BOB,
      1,
      idBytes(1, 1),
      str("c"),
      le(0, 8),
      le(0, 8),
      1,
      idBytes(1, 1),
    ),
    says: /another's/,
  },
  {
    name: "a pending entry of nobody",
    value: join(GROUP, pending([1, 1]), 1, BOB, 0),
    says: /no consumer/,
  },
];

testRefusals("a stream with ", refusals.map((row) => ({ ...row, type: 21 })));

/** Streams of all sizes, with and without groups. */
function filled(seed: number): Keyspace {
  const prng = new Prng(seed);
  const engine = new Engine("master", () => 0.5);
  engine.keyspace.settings.limits.streamNodeMaxEntries = 30;
  const counts = [0, 1, 5, 40, 400, 3000];
  for (let key = 0; key < 12; key++) {
    const name = `stream:${key}`;
    engine.call("XGROUP", "CREATE", name, "g", "0", "MKSTREAM");
    for (let i = 1; i <= counts[key % 6]; i++) {
      const fields = prng.oneIn(5)
        ? ["other", String(prng.int(100))]
        : ["f", "v".repeat(prng.int(30))];
      engine.call("XADD", name, `${i}-${prng.oneIn(9) ? "*" : prng.int(5)}`, ...fields);
      if (prng.oneIn(7)) engine.call("XDEL", name, `${prng.int(i)}-${prng.int(5)}`);
    }
    if (key < 6) engine.call("XGROUP", "DESTROY", name, "g");
    else {
      const read = ["XREADGROUP", "GROUP", "g"];
      engine.call(...read, "alice", "COUNT", "200", "STREAMS", name, ">");
      engine.call(...read, "bob", "COUNT", "20", "STREAMS", name, ">");
      engine.call("XACK", name, "g", "3-0", "3-1", "3-2", "3-3", "3-4");
    }
  }
  return engine.keyspace;
}

/** What a version does not hold is not compared. */
function known(told: unknown, version: SnapshotVersion): string {
  const hidden: string[] = [];
  if (version < 10) hidden.push("entriesAdded", "entriesRead", "maxDeletedId", "firstId");
  const text = JSON.stringify(told, (key, item) => hidden.includes(key) ? undefined : item);
  // Without a time of its own a consumer was active when it was seen.
  return version < 11 ? text.replace(/("\w+ \d+) -?\d+:/g, "$1:") : text;
}

for (const version of [9, 10, 11, 12, 80] as const) {
  test(`streams written in version ${version} are read back`, () => {
    const keyspace = filled(version);
    for (const compress of [false, true]) {
      const copy = newKeyspace();
      decodeCut(encoded(keyspace, version, compress), [], new KeyspaceLoader(copy));
      assert.equal(copy.keyCount, keyspace.keyCount);
      for (let key = 0; key < 12; key++) {
        const name = bytesOf(`stream:${key}`);
        const [before, after] = [keyspace, copy].map((one) => tell(one.db(0), name));
        assert.equal(known(after, version), known(before, version));
      }
    }
  });
}

test("entries that nobody has any more are kept by version 12 and left out before", () => {
  const keyspace = newKeyspace();
  const whole = snapshot("REDIS0012", 27, str("key"), value(5));
  decodeCut(whole, [], new KeyspaceLoader(keyspace));
  const told = tell(keyspace.db(0), KEY);
  for (const version of [9, 10, 11, 12, 80] as const) {
    const copy = newKeyspace();
    decodeCut(encoded(keyspace, version, false), [], new KeyspaceLoader(copy));
    const text = JSON.stringify(told);
    const without = version === 12 ? text : text.replace(`,"7-0 - 1700000000007 2"`, "");
    const told2 = JSON.parse(without) as Record<string, unknown>;
    assert.equal(known(tell(copy.db(0), KEY), version), known(told2, version));
  }
});

test("damaged streams end in an RdbError or in sound streams", () => {
  const loaded = damageOften(2000, "REDIS0012", rows, (keyspace, names) => {
    const engine = new Engine("master", () => 0.5, keyspace);
    for (const name of names) {
      tell(keyspace.db(0), bytesOf(name));
      engine.call("XINFO", "STREAM", name, "FULL");
      engine.call("XPENDING", name, "group", "-", "+", "10");
      engine.call("XREADGROUP", "GROUP", "group", "bob", "STREAMS", name, ">");
      engine.call("XAUTOCLAIM", name, "group", "carol", "0", "-");
      engine.call("XADD", name, "MAXLEN", "1", "18446744073709551615-5", "f", "v");
    }
  });
  assert.ok(loaded > 50, `${loaded} were loaded`);
});
