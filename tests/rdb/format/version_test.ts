/**
 * Which version a server writes, and whose numbers a version uses.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Dialect } from "../../../src/rdb/format/opcodes.ts";
import { dialectOfVersion, snapshotVersionOf } from "../../../src/rdb/format/version.ts";

const SERVERS: readonly (readonly [server: string, version: number])[] = [
  ["5.0.14", 9],
  ["6.2.16", 9],
  ["7.0.15", 10],
  ["7.2.7", 11],
  ["7.4.1", 12],
  ["8.0.2", 12],
  ["8.4.9", 12],
  ["8.6.0", 13],
  ["255.255.255", 13],
];

for (const [server, version] of SERVERS) {
  test(`snapshotVersionOf() of Redis ${server} is ${version}`, () => {
    assert.equal(snapshotVersionOf(server), version);
  });
}

const DIALECTS: readonly (readonly [version: number, dialect: Dialect])[] = [
  [1, Dialect.REDIS],
  [15, Dialect.REDIS],
  [79, Dialect.REDIS],
  [80, Dialect.VALKEY],
  [999, Dialect.VALKEY],
];

for (const [version, dialect] of DIALECTS) {
  test(`dialectOfVersion() of ${version} is ${dialect === Dialect.VALKEY ? "Valkey" : "Redis"}`, () => {
    assert.equal(dialectOfVersion(version), dialect);
  });
}
