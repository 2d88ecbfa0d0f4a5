import assert from "node:assert/strict";
import { test } from "node:test";
import {
  isRedisBefore,
  isRedisSince,
  isValkeySince,
} from "../../../src/commands/engine/master_version.ts";
import { SnapshotEncoder } from "../../../src/rdb/encoder.ts";
import { RdbDecoder } from "../../../src/rdb/decoder.ts";
import { KeyspaceLoader } from "../../../src/rdb/load.ts";
import { ByteBuffer } from "../../../src/base/byte_buffer.ts";
import { Keyspace } from "../../../src/store/keyspace/keyspace.ts";
import { Engine } from "../engine.ts";

function keyspaceOf(snapshotVersion: number, serverVersion: string): Keyspace {
  const keyspace = new Keyspace({ random: () => 0.5 });
  keyspace.snapshotVersion = snapshotVersion;
  keyspace.serverVersion = serverVersion;
  return keyspace;
}

const ROWS:
  readonly (readonly [format: number, version: string, before627: boolean, since82: boolean])[] = [
    [9, "6.0.16", true, false],
    [9, "6.2.5", true, false],
    [9, "6.2.14", false, false],
    [10, "7.0.15", false, false],
    [12, "8.0.2", false, false],
    [12, "8.2.3", false, true],
    [13, "8.6.3", false, true],
    [9, "", false, false],
    [12, "", false, false],
    [13, "", false, true],
    [80, "", false, false],
  ];

for (const [format, version, before627, since82] of ROWS) {
  test(`a master of format ${format}, version "${version}"`, () => {
    const keyspace = keyspaceOf(format, version);
    assert.equal(isRedisBefore(keyspace, [6, 2, 7]), before627);
    assert.equal(isRedisSince(keyspace, [8, 2]), since82);
  });
}

test("a Valkey is told by its version, or by its format alone", () => {
  for (
    const [format, version, since81, since91] of [
      [11, "valkey-8.0.2", false, false],
      [11, "valkey-8.1.4", true, false],
      [80, "valkey-9.0.1", true, false],
      [80, "valkey-9.1.0", true, true],
      [80, "", true, false],
      [12, "8.6.3", false, false],
      [11, "", false, false],
    ] as const
  ) {
    const keyspace = keyspaceOf(format, version);
    assert.equal(isValkeySince(keyspace, [8, 1]), since81, version);
    assert.equal(isValkeySince(keyspace, [9, 1]), since91, version);
    if (version === "8.6.3" || version === "") continue;
    assert.ok(!isRedisSince(keyspace, [6]) && !isRedisBefore(keyspace, [10]), version);
  }
});

test("a snapshot file says whose data it holds", () => {
  const keyspace = keyspaceOf(80, "8.6.3");
  const out = new ByteBuffer();
  const encoder = new SnapshotEncoder(keyspace, {
    version: 12,
    serverVersion: "7.4.0",
    nowMs: 0,
    master: keyspace,
  });
  while (encoder.next(out, 1000));
  const again = keyspaceOf(12, "");
  new RdbDecoder(new KeyspaceLoader(again)).push(out.bytes, 0, out.length);
  assert.equal(again.snapshotVersion, 80);
  assert.equal(again.serverVersion, "8.6.3");
});

test("XGROUP keeps no more entries read than were added, from Redis 8.2 on", () => {
  for (const [version, read] of [["8.0.2", 5], ["8.2.3", 3]] as const) {
    const engine = new Engine("stream", () => 0.5, keyspaceOf(12, version));
    for (const id of ["1-1", "1-2", "1-3"]) engine.call("XADD", "s", id, "f", "v");
    engine.call("XGROUP", "CREATE", "s", "g", "0", "ENTRIESREAD", "5");
    engine.call("XGROUP", "CREATE", "s", "h", "0");
    engine.call("XGROUP", "SETID", "s", "h", "1-2", "ENTRIESREAD", "5");
    const told = engine.call("XINFO", "GROUPS", "s");
    const counts = [...told.matchAll(/entries-read\r\n:(\d+)/g)].map(([, count]) => Number(count));
    assert.deepEqual(counts, [read, read]);
  }
});
