/**
 * What the values of every type are tested for: that they are read however the snapshot is cut, refused
 * where they are wrong, and that damage ends in an error or in something sound.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Prng } from "../../../src/base/prng.ts";
import { KeyspaceLoader } from "../../../src/rdb/load.ts";
import type { Database } from "../../../src/store/keyspace/database.ts";
import type { Keyspace } from "../../../src/store/keyspace/keyspace.ts";
import { type FilterOptions, KeyFilter } from "../../../src/store/keyspace/key_filter.ts";
import type { Encoding } from "../../../src/store/memory/record.ts";
import type { EncodingLimits } from "../../../src/store/memory/settings.ts";
import { auditRecords } from "../../store/audit.ts";
import { newKeyspace } from "./keyspaces.ts";
import { join, snapshot, str, withChecksum } from "./parts.ts";
import { cutsOf, decodeCut, errorOf } from "./decoding.ts";
import { bytesOf } from "../../support/bytes.ts";

const KEY = bytesOf("key");
const NEXT = bytesOf("next");
const MAGIC = "REDIS0012";
const CHECKSUM_BYTES = 8;
/** Of the ways to cut a snapshot, so many for each at which values are passed over: it is loaded three times there. */
const PASSED_ONE_IN = 7;

/** A value as it stands in a snapshot. */
export interface ValueRow {
  /** Goes into the test's name. */
  readonly name: string;
  readonly type: number;
  readonly value: Uint8Array;
  /** The snapshot's first nine bytes, where they are not Redis 8's. */
  readonly magic?: string;
  /** Before the key. */
  readonly before?: Uint8Array;
}

/** One that is read. */
export interface Reading<T> extends ValueRow {
  /** As `tell` tells it; undefined where there is no key then. */
  readonly expected: T;
  readonly encoding?: Encoding;
  readonly limits?: Partial<EncodingLimits>;
}

/** One that is refused. */
export interface Refusal extends ValueRow {
  /** What the error says. */
  readonly says: RegExp;
}

/** @param what As in "a set of ". @param tell What is there under a key. */
export function testReadings<T>(
  what: string,
  rows: readonly Reading<T>[],
  tell: (db: Database, key: Uint8Array) => unknown,
): void {
  for (const row of rows) {
    const { name, type, value, expected, encoding, magic = MAGIC, before = "", limits } = row;
    test(`RdbDecoder reads ${what}${name} however it is cut`, () => {
      const next = [0, str("next"), str("1")];
      const bytes = snapshot(magic, before, type, str("key"), value, ...next);
      for (const cut of cutsOf(bytes.length)) {
        const keyspace = newKeyspace(limits);
        decodeCut(bytes, cut, new KeyspaceLoader(keyspace));
        const db = keyspace.db(0);
        assert.deepEqual(tell(db, KEY), expected);
        if (expected !== undefined && encoding !== undefined) {
          assert.equal(db.encodingOf(db.find(KEY, 0, KEY.length)), encoding);
        }
        assert.notEqual(db.find(NEXT, 0, NEXT.length), 0);
        auditRecords(db);
      }
    });
    test(`RdbDecoder passes over ${what}${name} however it is cut`, () => {
      const next = [0, str("next"), str("1")];
      const bytes = snapshot(magic, before, type, str("key"), value, ...next);
      for (const cut of cutsOf(bytes.length).filter((_, i) => i < 2 || i % PASSED_ONE_IN === 0)) {
        const load = (filter: FilterOptions) => {
          const keyspace = newKeyspace(limits);
          decodeCut(bytes, cut, new KeyspaceLoader(keyspace, new KeyFilter(filter)));
          const db = keyspace.db(0);
          auditRecords(db);
          return { told: tell(db, KEY), next: db.find(NEXT, 0, NEXT.length), keyspace };
        };
        const unnamed = load({ keys: ["next"] });
        assert.deepEqual(unnamed.told, tell(newKeyspace().db(0), KEY));
        assert.notEqual(unnamed.next, 0);
        const fitting = load({ maxValueBytes: 2 ** 30 });
        assert.deepEqual(fitting.told, expected);
        assert.notEqual(fitting.next, 0);
        const tooLarge = load({ maxValueBytes: 0 });
        assert.deepEqual(tooLarge.told, unnamed.told);
        assert.equal(tooLarge.keyspace.keyCount, 0);
        assert.ok(tooLarge.keyspace.leftOut.size >= 1);
      }
    });
  }
}

/** @param what As in "a set of ". */
export function testRefusals(what: string, rows: readonly Refusal[]): void {
  for (const { name, type, value, says, magic = MAGIC, before = "" } of rows) {
    test(`RdbDecoder refuses ${what}${name}`, () => {
      const bytes = snapshot(magic, before, type, str("key"), value);
      const keyspace = newKeyspace();
      const error = errorOf(() => decodeCut(bytes, [], new KeyspaceLoader(keyspace)));
      assert.equal(error?.code, "CORRUPT");
      assert.match(error.message, says);
      assert.ok(error.offset > MAGIC.length && error.offset < bytes.length - CHECKSUM_BYTES);
      assert.equal(keyspace.keyCount, 0);
    });
  }
}

/**
 * Changes up to three bytes of a snapshot that holds `rows` as k0, k1..., again and again. It is refused with
 * an RdbError, or `use` gets what was loaded, which must be sound; the answer is how often that was so.
 */
export function damageOften(
  rounds: number,
  head: string | Uint8Array,
  rows: readonly ValueRow[],
  use: (keyspace: Keyspace, names: readonly string[]) => void,
): number {
  const prng = new Prng(3);
  const names = rows.map((_, i) => `k${i}`);
  const parts = rows.flatMap(({ type, value }, i) => [type, str(names[i]), value]);
  const whole = join(head, ...parts, 0xff);
  let loaded = 0;
  for (let round = 0; round < rounds; round++) {
    const bytes = whole.slice();
    for (let i = prng.int(3); i >= 0; i--) {
      bytes[MAGIC.length + prng.int(bytes.length - MAGIC.length)] = prng.int(256);
    }
    const keyspace = newKeyspace();
    if (errorOf(() => decodeCut(withChecksum(bytes), [], new KeyspaceLoader(keyspace)))) continue;
    loaded++;
    use(keyspace, names);
    auditRecords(keyspace.db(0));
  }
  return loaded;
}
