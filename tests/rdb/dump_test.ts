/**
 * DUMP and RESTORE: payloads of real servers by heart, errors in Redis's words and order, damaged
 * payloads, and values of every type handed back and forth between us and real servers.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Crc64 } from "../../src/base/crc64.ts";
import type { Host } from "../../src/commands/engine/host.ts";
import { decodeDump } from "../../src/rdb/dump.ts";
import { readFooter } from "../../src/rdb/format/footer.ts";
import { snapshotVersionOf } from "../../src/rdb/format/version.ts";
import { Engine } from "../commands/engine.ts";
import { plain, type Reply } from "../support/resp.ts";
import { atLeast, type RunningServer, serverTest, startServer } from "../support/servers.ts";
import { capabilitiesOf, everything } from "./support/everything.ts";
import { newKeyspace } from "./support/keyspaces.ts";
import { readoutOf } from "./support/readout.ts";
import { join, le } from "./support/parts.ts";
import { errorOf } from "./support/decoding.ts";
import { bytesOf, textOf } from "../support/bytes.ts";

function fromHex(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g)!, (digits) => parseInt(digits, 16));
}

/** A payload around a value. */
function payloadOf(value: Uint8Array, version = 11): Uint8Array {
  const bytes = join(value, le(version, 2));
  const crc = new Crc64();
  crc.update(bytes, 0, bytes.length);
  return join(bytes, crc.digest());
}

/** What servers answered: their version, the value, the payload. */
const RECORDED: readonly (readonly [string, unknown, string])[] = [
  ["7.0.15", "v", "0001760a009108ceb219388ace"],
  ["7.0.15", "-1", "00c0ff0a000c937e2485089dc5"],
  ["7.0.15", "a".repeat(30), "00c3091e016161e011000161610a0045737cbb2b647bbb"],
  [
    "7.0.15",
    ["a", "1024", "-1"],
    "12010210100000000300816102c40002dfff02ff0a00e4b81af4d4ec8d18",
  ],
  ["7.0.15", ["-3", "1", "2"], "0b0e0200000003000000fdff010002000a00d1b78ed9bc07c27f"],
  [
    "7.0.15",
    [["a", "1.5"], ["b", "2.0"]],
    "111414000000040081610283312e35048162020201ff0a00fa02b425af188763",
  ],
  ["7.0.15", [["f", "v", -1]], "100d0d0000000200816602817602ff0a0020f13d442354089d"],
  [
    "6.2.16",
    ["a", "1024", "-1"],
    "0e01151500000011000000030000016103c0000404feffff0900ad582103be92ce79",
  ],
  [
    "6.2.16",
    [["a", "1.5"], ["b", "2.0"]],
    "0c18180000001500000004000001610303312e3505016203f3ff0900fe4e6c2927858ec3",
  ],
  [
    "7.4.1",
    [["f", "v", 4102444800123], ["g", "w", -1]],
    "197bd8c32cbb0300001f1f0000000600816602817602f47bd8c32cbb030000098167028177020001ff0c00568928cbb65a4925",
  ],
  [
    "7.4.1",
    [["f", "v", 4102444800123], ["g", "w", -1]],
    "187bd8c32cbb03000002010166017600016701770c00cf7767436ab3f610",
  ],
];

for (const [version, value, hex] of RECORDED) {
  test(`RESTORE takes a payload of ${version}: ${hex.slice(0, 20)}`, () => {
    const engine = engineOf("8.0.2");
    assert.equal(engine.call("RESTORE", "k", "0", fromHex(hex)), "+OK\r\n");
    assert.deepEqual(readoutOf(engine.keyspace).dbs["0"].keys.k.value, value);
  });
}

// Compressed strings may be other bytes than theirs for the same string.
const isExact = ([version, , hex]: typeof RECORDED[number]) =>
  version === "7.0.15" && !hex.startsWith("00c3");
for (const [version, value, hex] of RECORDED.filter(isExact)) {
  test(`DUMP of ${JSON.stringify(value).slice(0, 20)} is that of ${version}`, () => {
    const engine = engineOf(version);
    engine.raw(["RESTORE", "k", "0", fromHex(hex)]);
    const dump = bulk(engine.raw(["DUMP", "k"]));
    assert.deepEqual(dump, fromHex(hex));
  });
}

function engineOf(version: string, role: "master" | "stream" = "master"): Engine {
  const engine = new Engine(role, () => 0.5);
  (engine as { host: Host }).host = { ...engine.host, version };
  engine.keyspace.snapshotVersion = snapshotVersionOf(version);
  return engine;
}

function bulk(reply: Uint8Array): Uint8Array {
  const text = textOf(reply.subarray(0, 20));
  const start = text.indexOf("\n") + 1;
  return reply.slice(start, start + Number(text.slice(1, start - 2)));
}

const PAYLOAD = fromHex(RECORDED[0][2]);
const BAD_FOOTER = "-ERR DUMP payload version or checksum are wrong\r\n";
const BAD_DATA = "-ERR Bad data format\r\n";
const BUSY = "-BUSYKEY Target key name already exists.\r\n";

const ERRORS: readonly { args: (string | Uint8Array)[]; expected: string }[] = [
  { args: ["k", "0", PAYLOAD, "WHAT"], expected: "-ERR syntax error\r\n" },
  { args: ["k", "0", PAYLOAD, "IDLETIME"], expected: "-ERR syntax error\r\n" },
  { args: ["k", "0", PAYLOAD, "IDLETIME", "1", "FREQ", "1"], expected: "-ERR syntax error\r\n" },
  {
    args: ["k", "0", PAYLOAD, "IDLETIME", "-1"],
    expected: "-ERR Invalid IDLETIME value, must be >= 0\r\n",
  },
  {
    args: ["k", "0", PAYLOAD, "FREQ", "256"],
    expected: "-ERR Invalid FREQ value, must be >= 0 and <= 255\r\n",
  },
  {
    args: ["k", "0", PAYLOAD, "FREQ", "x"],
    expected: "-ERR value is not an integer or out of range\r\n",
  },
  { args: ["there", "x", "y"], expected: BUSY },
  { args: ["k", "x", "y"], expected: "-ERR value is not an integer or out of range\r\n" },
  { args: ["k", "-1", "y"], expected: "-ERR Invalid TTL value, must be >= 0\r\n" },
  { args: ["k", "0", "y"], expected: BAD_FOOTER },
  { args: ["k", "0", PAYLOAD.subarray(0, 12)], expected: BAD_FOOTER },
  { args: ["k", "0", payloadOf(join(0, 1, "v"), 13)], expected: BAD_FOOTER },
  { args: ["k", "0", payloadOf(join(0, 2, "v"))], expected: BAD_DATA },
  { args: ["k", "0", payloadOf(join(0, 1, "vw"))], expected: BAD_DATA },
  { args: ["k", "0", payloadOf(join(8, 1, "v"))], expected: BAD_DATA },
  { args: ["k", "0", payloadOf(join(255))], expected: BAD_DATA },
  { args: ["k", "0", payloadOf(join(0xfa, 1, "a", 1, "b"))], expected: BAD_DATA },
  { args: ["k", "0", payloadOf(join(18, 0))], expected: BAD_DATA },
  { args: ["k", "0", payloadOf(join())], expected: BAD_DATA },
  { args: ["there", "0", payloadOf(join(0, 2, "v")), "REPLACE"], expected: BAD_DATA },
];

for (const { args, expected } of ERRORS) {
  test(`RESTORE ${args.map(shown).join(" ")} is refused`, () => {
    const engine = engineOf("8.0.2");
    engine.raw(["SET", "there", "before"]);
    assert.equal(engine.call("RESTORE", ...args), expected);
    assert.equal(engine.call("GET", "there"), "$6\r\nbefore\r\n");
    assert.equal(engine.call("DBSIZE"), ":1\r\n");
  });
}

function shown(arg: string | Uint8Array): string {
  return typeof arg === "string" ? arg : `<${arg.length} bytes of type ${arg[0]}>`;
}

test("RESTORE of REPLACE, ABSTTL and times that are over", () => {
  const engine = engineOf("8.0.2");
  const now = engine.nowMs;
  engine.raw(["RESTORE", "k", "5000", PAYLOAD]);
  assert.equal(engine.call("PEXPIRETIME", "k"), `:${now + 5000}\r\n`);
  engine.raw(["RESTORE", "k", String(now + 7), PAYLOAD, "ABSTTL", "REPLACE", "FREQ", "9"]);
  assert.equal(engine.call("PEXPIRETIME", "k"), `:${now + 7}\r\n`);
  assert.equal(engine.call("RESTORE", "k", "1", PAYLOAD, "ABSTTL", "REPLACE"), "+OK\r\n");
  assert.equal(engine.call("EXISTS", "k"), ":0\r\n");
  assert.equal(engine.call("RESTORE", "k", "1", PAYLOAD, "ABSTTL"), "+OK\r\n");
  assert.equal(engine.call("EXISTS", "k"), ":0\r\n");
  const stream = engineOf("8.0.2", "stream");
  stream.raw(["RESTORE", "k", "1", PAYLOAD, "ABSTTL"]);
  assert.equal(stream.call("EXISTS", "k"), ":1\r\n", "a replica waits for its master's DEL");
});

test("RESTORE from a master is taken without a checksum and of any version", () => {
  const value = join(0, 1, "v");
  const bare = join(value, le(15, 2), le(0, 8));
  const stream = engineOf("7.0.15", "stream");
  assert.equal(stream.call("RESTORE", "k", "0", bare), "+OK\r\n");
  assert.equal(stream.call("RESTORE", "l", "0", payloadOf(value, 80)), "+OK\r\n");
  const client = engineOf("7.0.15");
  assert.equal(client.call("RESTORE", "k", "0", bare), BAD_FOOTER);
  assert.equal(client.call("RESTORE", "k", "0", payloadOf(value, 11)), BAD_FOOTER);
});

test("RESTORE of a module's value: a client's is refused, a master's is kept as it came", () => {
  const payload = fromHex("0781b5eb2dffffddb40102050505776f726c64000c0064e48963abccd160");
  const client = engineOf("8.0.2");
  assert.equal(client.call("RESTORE", "k", "0", payload), BAD_DATA);
  const stream = engineOf("8.0.2", "stream");
  stream.raw(["SET", "k", "v"]);
  assert.equal(stream.call("RESTORE", "k", "0", payload, "REPLACE"), "+OK\r\n");
  assert.equal(stream.call("TYPE", "k"), "+test___dt\r\n");
  assert.match(stream.call("DUMP", "k"), /world/);
});

test("decodeDump() takes metadata of modules before the type", () => {
  const meta = join(0xf3, 1, le(0, 4), 2, 5, 0);
  const bytes = payloadOf(join(meta, 0, 1, "v"), 13);
  const footer = readFooter(bytes, 0, bytes.length);
  assert.deepEqual(footer, { version: 13, checksum: "right" });
  const { settings } = newKeyspace();
  const value = decodeDump(bytes, 0, bytes.length, settings, 13);
  const { db } = engineOf("8.0.2");
  value.store(db, bytesOf("k"), 0, 1, -1);
  assert.equal(db.size, 1);
  const twice = payloadOf(join(meta, meta, 0, 1, "v"), 13);
  const error = errorOf(() => decodeDump(twice, 0, twice.length, settings, 13));
  assert.equal(error?.code, "UNKNOWN_TYPE");
});

/** The version that a server's snapshots have: digests differ by it. */
function versionOf(server: RunningServer): number {
  if (server.binary.product === "redis") return snapshotVersionOf(server.version);
  return atLeast(server.version, "9.0.0") ? 80 : 11;
}

/** A Redis version whose payloads a server takes. */
function passFor(server: RunningServer): string {
  return server.binary.product === "valkey" ? "7.2.4" : server.version;
}

await serverTest("DUMP and RESTORE to and from a real server", async (binary) => {
  await using server = await startServer(binary);
  const commands = everything(5, capabilitiesOf(binary));
  for (const reply of await server.pipeline(commands)) {
    assert.ok(!isError(reply), String(plain(reply)));
  }
  const engine = engineOf(passFor(server), "stream");
  engine.keyspace.snapshotVersion = versionOf(server);
  const wrong: string[] = [];
  await server.call("SELECT", 0);
  const keys = await server.call("KEYS", "*") as Uint8Array[];
  assert.ok(keys.length > 50);
  for (const key of keys) wrong.push(...await exchange(server, engine, key));
  assert.deepEqual(wrong, []);
});

function isError(reply: Reply): boolean {
  return typeof reply === "object" && reply !== null && "message" in reply;
}

async function exchange(
  server: RunningServer,
  engine: Engine,
  key: Uint8Array,
): Promise<string[]> {
  const wrong: string[] = [];
  const [theirs, digest] = await server.pipeline([["DUMP", key], ["DEBUG", "DIGEST-VALUE", key]]);
  const restored = engine.call("RESTORE", key, "0", theirs as Uint8Array);
  if (restored !== "+OK\r\n") return [`${textOf(key)}: we say ${restored}`];
  const ours = bulk(engine.raw(["DUMP", key]));
  const isSame = textOf(ours) === textOf(theirs as Uint8Array);
  const [answer, again] = await server.pipeline([
    ["RESTORE", key, 0, ours, "REPLACE"],
    ["DEBUG", "DIGEST-VALUE", key],
  ]);
  if (answer !== "OK") wrong.push(`${textOf(key)}: the server says ${String(answer)}`);
  const before = digestText(digest);
  if (!hasExpiry(key) && digestText(again) !== before) {
    wrong.push(`${textOf(key)}: our DUMP has another digest, ${isSame ? "same" : "other"} bytes`);
  }
  const mine = engine.call("DEBUG", "DIGEST-VALUE", key).split("\r\n")[1].slice(1);
  if (!hasExpiry(key) && before !== mine) wrong.push(`${textOf(key)}: DIGEST-VALUE is ${mine}`);
  return wrong;
}

/** Whether the key itself expires: its digest says so, its payload does not. */
function hasExpiry(key: Uint8Array): boolean {
  return ["string:expires", "list:1"].includes(textOf(key));
}

function digestText(reply: Reply): string {
  const first = Array.isArray(reply) ? reply[0] : reply;
  return first instanceof Uint8Array ? textOf(first) : String(first);
}
