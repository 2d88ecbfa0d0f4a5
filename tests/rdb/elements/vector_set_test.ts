/**
 * Vector sets in snapshots and payloads: what real servers dumped is read and answers as there, is written back, and
 * goes through our own snapshot with and without its graph; what is damaged is refused, what is newer is kept.
 * `COUNT=n` damages more.
 *
 * @module
 */

import assert from "node:assert/strict";
import { env } from "node:process";
import { test } from "node:test";
import { ByteBuffer } from "../../../src/base/byte_buffer.ts";
import { Prng } from "../../../src/base/prng.ts";
import { SnapshotEncoder } from "../../../src/rdb/encoder.ts";
import { KeyspaceLoader } from "../../../src/rdb/load.ts";
import type { Keyspace } from "../../../src/store/keyspace/keyspace.ts";
import { Engine } from "../../commands/engine.ts";
import { replyText } from "../../support/reply_text.ts";
import { textOf } from "../../support/bytes.ts";
import { decodeCut, errorOf } from "../support/decoding.ts";
import { encodeWhole, newKeyspace } from "../support/keyspaces.ts";
import { mutations } from "../support/mutations.ts";
import { be, blob, join, snapshot, str } from "../support/parts.ts";
import { type VectorPayload, vectorPayloads, wordBytes } from "../support/vector_sets.ts";

const COUNT = Number(env.COUNT ?? 500);
const FOOTER_BYTES = 10;
const OPTIONS = { version: 12, serverVersion: "8.0.2", nowMs: 0 } as const;
/** In a reply: a number that each process counts by itself. */
const UID = /(\+vset-uid[,:] ):\d+/;
/** "vectorset" in encoding version 0, behind the first byte of a length of 64 bits. */
const ID = 0x81;
const PAYLOADS = vectorPayloads();
const GRAPH_UNKNOWN = /^-ERR the graph of the vector set is not known here/;

/** An engine that holds what a server of that name would. */
function engineFor(server: string, keyspace: Keyspace = newKeyspace()): Engine {
  const engine = new Engine("stream", () => 0.5, keyspace);
  engine.keyspace.serverVersion = server.replace("redis-", "") + ".0";
  engine.keyspace.snapshotVersion = server === "redis-8.6" ? 13 : 12;
  return engine;
}

function restored({ server, key, payload }: VectorPayload): Engine {
  const engine = engineFor(server);
  assert.equal(engine.call("RESTORE", key, "0", wordBytes(payload)), "+OK\r\n");
  return engine;
}

/** Fails unless the set answers as the server did; with `graph` false it has lost its links since. */
function answersAsThere(engine: Engine, { server, rows }: VectorPayload, graph: boolean): void {
  for (const [question, expected] of rows) {
    const words = question.map(wordBytes);
    const got = replyText(engine.raw(words)).replace(UID, "$1");
    if (question[0] !== "VLINKS") {
      assert.equal(got, expected.replace(UID, "$1"), question.join(" "));
    } else if (graph) {
      // Servers before 8.6 keep the order in which the links came.
      const order = (text: string) => server === "redis-8.6" ? text : [...text].sort().join("");
      assert.equal(order(got), order(expected), question.join(" "));
    } else assert.match(got, GRAPH_UNKNOWN);
  }
}

function dumpOf(engine: Engine, key: string): Uint8Array {
  const reply = engine.raw(["DUMP", key]);
  return reply.slice(reply.indexOf(10) + 1, -2);
}

function loaded(bytes: Uint8Array, cuts: readonly number[]): Keyspace {
  const keyspace = newKeyspace();
  decodeCut(bytes, cuts, new KeyspaceLoader(keyspace));
  return keyspace;
}

/** Whole; of one server's payloads a byte at a time as well. */
function cutsFor({ server }: VectorPayload, length: number): number[][] {
  if (server !== "redis-8.6") return [[]];
  return [[], Array.from({ length: length - 1 }, (_, i) => i + 1)];
}

for (const row of PAYLOADS) {
  test(`the set "${row.key}" of ${row.server} answers as there, dumped again and written to a snapshot`, () => {
    const engine = restored(row);
    answersAsThere(engine, row, true);
    const again = engineFor(row.server);
    assert.equal(again.call("RESTORE", row.key, "0", dumpOf(engine, row.key)), "+OK\r\n");
    answersAsThere(again, row, true);
    assert.equal(engine.call("COPY", row.key, "copied"), ":1\r\n");
    assert.deepEqual(dumpOf(engine, "copied"), dumpOf(engine, row.key));
    for (const compress of [false, true]) {
      const bytes = encodeWhole(engine.keyspace, { ...OPTIONS, compress });
      for (const cuts of cutsFor(row, bytes.length)) {
        answersAsThere(engineFor(row.server, loaded(bytes, cuts)), row, true);
      }
    }
  });

  test(`the set "${row.key}" of ${row.server} goes through our snapshot without its graph`, () => {
    const engine = restored(row);
    engine.call("EXPIREAT", row.key, "9999999999");
    const [, dim] = row.rows.find(([question]) => question[0] === "VINFO")!;
    const inputDim = /projection-input-dim, :(\d+)/.exec(dim)![1];
    const vectorDim = inputDim === "0" ? /vector-dim, :(\d+)/.exec(dim)![1] : inputDim;
    const numbers = Array.from({ length: Number(vectorDim) }, () => "1");
    const form = { q8: [], floats: ["NOQUANT", "M", "4"], signs: ["BIN"], one: [] }[row.key] ??
      ["NOQUANT"];
    const reduce = inputDim === "0" ? [] : ["REDUCE", "4"];
    const added = ["VADD", row.key, ...reduce, "VALUES", vectorDim, ...numbers, "new"];
    assert.equal(engine.call(...added, ...form), ":1\r\n");
    assert.match(engine.call("DUMP", row.key), GRAPH_UNKNOWN);
    const expected = [...row.rows.map(([question]) => question), ["VSIM", row.key, "ELE", "new"]];
    const read = (from: Engine) =>
      expected.map((question) => replyText(from.raw(question.map(wordBytes))).replace(UID, "$1"));
    const before = read(engine);
    for (const version of [9, 11, 12, 80] as const) {
      const bytes = encodeWhole(engine.keyspace, { ...OPTIONS, version, compress: version === 12 });
      for (const cuts of version === 12 ? cutsFor(row, bytes.length) : [[]]) {
        const again = engineFor(row.server, loaded(bytes, cuts));
        again.keyspace.snapshotVersion = engine.keyspace.snapshotVersion;
        assert.deepEqual(read(again), before);
        assert.equal(again.call("PEXPIRETIME", row.key), ":9999999999000\r\n");
        assert.match(again.call("DUMP", row.key), GRAPH_UNKNOWN);
      }
    }
    assert.equal(engine.call("VREM", row.key, "new"), ":1\r\n");
    const digest = row.rows.find(([question]) => question[0] === "DEBUG")!;
    engine.call("PERSIST", row.key);
    assert.equal(replyText(engine.raw([...digest[0]])), digest[1]);
  });
}

test("an attribute may change without the graph: it is dumped with the new one", () => {
  const row = PAYLOADS.find(({ key }) => key === "q8")!;
  const engine = restored(row);
  assert.equal(engine.call("VSETATTR", "q8", "e7", "new"), ":1\r\n");
  const again = engineFor(row.server);
  assert.equal(again.call("RESTORE", "q8", "0", dumpOf(engine, "q8")), "+OK\r\n");
  assert.equal(again.call("VGETATTR", "q8", "e7"), "$3\r\nnew\r\n");
  assert.match(again.call("VLINKS", "q8", "e7"), /^\*/);
});

test(`damaged payloads are refused, or can be read and written back (COUNT=${COUNT})`, () => {
  const prng = new Prng(3);
  const damages = Object.values(mutations);
  const engine = engineFor("redis-8.6");
  const ends = { refused: 0, taken: 0 };
  for (let i = 0; i < COUNT; i++) {
    const row = PAYLOADS[i % PAYLOADS.length];
    const payload = wordBytes(row.payload);
    const body = damages[prng.int(damages.length)](payload.slice(0, -FOOTER_BYTES), prng);
    // Masters may leave the checksum out.
    const bytes = join(body, 13, 0, be(0, 8));
    const reply = engine.call("RESTORE", "k", "0", bytes, "REPLACE");
    if (reply !== "+OK\r\n") {
      assert.match(reply, /^-ERR (Bad data format|DUMP payload version or checksum are wrong)/);
      ends.refused++;
      continue;
    }
    ends.taken++;
    for (const question of [["VCARD", "k"], ["VINFO", "k"], ["VRANGE", "k", "-", "+"]]) {
      engine.raw(question);
    }
    for (const [question] of row.rows.slice(4, 24)) {
      engine.raw(question.map((word, at) => at === 1 ? "k" : wordBytes(word)));
    }
    loaded(encodeWhole(engine.keyspace, OPTIONS), []);
  }
  assert.ok(ends.refused > 0 && ends.taken > 0, JSON.stringify(ends));
});

/** A tagged whole number and a tagged string. */
const u = (value: number) => value < 64 ? join(2, value) : join(2, 0x80, be(value, 4));
const s = (text: string | Uint8Array) => join(5, blob(text));
const uWide = (value: bigint) => join(2, 0x81, be(value, 8));
/** The id of "vectorset" as a snapshot of a real server has it. */
const idOf = (version: number) => {
  const bytes = wordBytes(PAYLOADS[0].payload).slice(2, 10);
  bytes[7] = (bytes[7] & ~3) | version;
  return join(ID, bytes);
};
/** Dimensions, elements, Q8 and M of 16, flags. */
const HEAD = [u(2), u(1), u(1 | 16 << 8), u(0)];
/** One node of level 0 without links. */
const NODE = [u(6), u(1), u(1 << 24), u(0), u(32), u(0), uWide(0x3f800000_3f800000n)];
const ELEMENT = [s("e"), s("\x7f\x01"), ...NODE];

/** A snapshot that holds a set of these parts. */
function fileOf(parts: readonly Uint8Array[], version = 0): Uint8Array {
  return snapshot("REDIS0012", 7, str("v"), idOf(version), ...parts, 0);
}

/** The parts with some replaced, by index. */
function withParts(
  parts: readonly Uint8Array[],
  changes: Record<number, Uint8Array>,
): Uint8Array[] {
  return parts.map((part, i) => changes[i] ?? part);
}

test("a set of one element without links is read", () => {
  const engine = engineFor("redis-8.6", loaded(fileOf([...HEAD, ...ELEMENT]), []));
  assert.equal(engine.call("VCARD", "v"), ":1\r\n");
  assert.match(engine.call("VLINKS", "v", "e"), /^\*1\r\n\*0\r\n/);
});

test("a set without elements is read and dumped", () => {
  const engine = engineFor("redis-8.6", loaded(fileOf([u(2), u(0), u(1), u(0)]), []));
  assert.equal(engine.call("VCARD", "v"), ":0\r\n");
  assert.equal(engine.call("VRANDMEMBER", "v"), "$-1\r\n");
  assert.match(engine.call("DUMP", "v"), /^\$/);
});

/** A set of so many elements, each with a node: more than a snapshot of ours writes in one piece. */
function largeFile(size: number): Uint8Array {
  const elements = Array.from({ length: size }, (_, i) => {
    return join(s(`e${i}`), s("\x7f\x01"), u(6), u(i + 1), ...NODE.slice(2));
  });
  return fileOf([u(2), u(size), ...HEAD.slice(2), ...elements]);
}

test("a snapshot has a set as it was when the snapshot began, whatever is changed meanwhile", () => {
  const file = largeFile(4000);
  for (const hasGraph of [true, false]) {
    const engine = engineFor("redis-8.6", loaded(file, []));
    if (!hasGraph) assert.equal(engine.call("VREM", "v", "e7"), ":1\r\n");
    const expected = engine.call("DEBUG", "DIGEST-VALUE", "v");
    const encoder = new SnapshotEncoder(engine.keyspace, OPTIONS);
    const out = new ByteBuffer();
    let rounds = 0;
    while (encoder.next(out, 1000)) {
      // Changed while it is half written: then the rest is written first.
      if (++rounds === 3) engine.call("VSETATTR", "v", "e5", "changed");
      if (rounds > 3) engine.call("VREM", "v", `e${rounds}`);
    }
    encoder.close();
    assert.ok(rounds > 3, `${rounds} rounds`);
    const again = engineFor("redis-8.6", loaded(out.toBytes(), []));
    assert.equal(again.call("DEBUG", "DIGEST-VALUE", "v"), expected);
    assert.notEqual(engine.call("DEBUG", "DIGEST-VALUE", "v"), expected);
  }
});

const whole = [...HEAD, ...ELEMENT];
const REFUSED: readonly (readonly [what: string, parts: readonly Uint8Array[]])[] = [
  ["no dimensions", withParts(whole, { 0: u(0) })],
  ["too many dimensions", withParts(whole, { 0: u(65537) })],
  ["a vector that is too short", withParts(whole, { 5: s("\x7f") })],
  ["a node without numbers", withParts(whole, { 6: u(0) })],
  ["the node id 0", withParts(whole, { 7: u(0) })],
  ["a level above 16", withParts(whole, { 8: u(1 << 24 | 17) })],
  ["more links than there may be", withParts(whole, { 9: u(33) })],
  ["room for too many links", withParts(whole, { 10: u(16385) })],
  ["a node that ends early", withParts(whole, { 6: u(4) })],
  ["an element twice", [u(2), u(2), ...HEAD.slice(2), ...ELEMENT, ...ELEMENT]],
  ["a projection of no dimensions", [...HEAD.slice(0, 3), u(1), u(0), s("")]],
  ["a projection of another size", [...HEAD.slice(0, 3), u(1), u(3), s("12345678")]],
];
for (const [what, parts] of REFUSED) {
  test(`a vector set with ${what} is refused`, () => {
    const error = errorOf(() => loaded(fileOf(parts), []));
    assert.equal(error?.code, "CORRUPT");
    assert.ok(error.offset > 9);
  });
}

const KEPT: readonly (readonly [what: string, file: Uint8Array, isDumped: boolean])[] = [
  ["of a newer encoding", fileOf(whole, 1), true],
  ["of a quantisation that is not known", fileOf(withParts(whole, { 2: u(3) })), true],
  ["with a flag that is not known", fileOf(withParts(whole, { 3: u(4) })), true],
  ["with nodes of a newer version", fileOf(withParts(whole, { 8: u(2 << 24) })), true],
  ["with something new behind its head", fileOf([...HEAD, u(5), ...ELEMENT]), true],
  [
    "with something new in its nodes",
    fileOf([...HEAD, s("e"), s("ab"), u(7), ...NODE.slice(1), u(9)]),
    false,
  ],
  ["that ends early", fileOf(HEAD), true],
];
for (const [what, file, isDumped] of KEPT) {
  test(`a vector set ${what} is kept without being read`, () => {
    const every = Array.from({ length: file.length - 1 }, (_, i) => i + 1);
    for (const cuts of [[], every]) {
      const engine = engineFor("redis-8.6", loaded(file, cuts));
      assert.equal(engine.call("TYPE", "v"), "+vectorset\r\n");
      assert.match(engine.call("VCARD", "v"), /^-ERR the vector set is kept without being read/);
      assert.match(engine.call("DUMP", "v"), isDumped ? /^\$/ : /^-ERR/);
      assert.equal(engine.call("VSETATTR", "v", "e", "x"), ":1\r\n");
      assert.match(engine.call("DUMP", "v"), /^-ERR .*vectorset/);
      assert.equal(engine.call("VADD", "v", "VALUES", "2", "1", "1", "f"), ":1\r\n");
      assert.equal(engine.call("VREM", "v", "f"), ":1\r\n");
      assert.equal(engine.call("TYPE", "v"), "+vectorset\r\n");
    }
  });
}

test("our own form is refused where it is cut off or stands alone", () => {
  const engine = engineFor("redis-8.6");
  engine.call("VADD", "v", "VALUES", "2", "1", "1", "f");
  const text = textOf(encodeWhole(engine.keyspace, OPTIONS));
  assert.ok(text.includes("rimr-vector-set-part"));
  const aux = (name: string, value: string | Uint8Array) => join(0xfa, str(name), blob(value));
  const head = aux("rimr-vector-set", "vectorset -1 0 v");
  const part = (bytes: Uint8Array) => aux("rimr-vector-set-part", bytes);
  const cases = [
    [head],
    [head, head],
    [part(join(u(2)))],
    [head, part(join(u(2), u(1)))],
    [head, part(join(u(2), u(0), u(1), u(128), u(0), u(0), 0, 0))],
    [head, part(join(u(2), u(0), u(3)))],
    [aux("rimr-vector-set", "v")],
  ];
  for (const parts of cases) {
    const file = snapshot("REDIS0012", 0xfe, 0, ...parts);
    assert.equal(errorOf(() => loaded(file, []))?.code, "CORRUPT");
  }
});
