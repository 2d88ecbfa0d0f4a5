/**
 * Rows and their indexes against sorted arrays.
 *
 * @module
 */

import assert from "node:assert/strict";
import { env } from "node:process";
import test from "node:test";
import { compareBytes, encodeUtf8, latin1 } from "../../src/base/ascii.ts";
import { ByteBuffer } from "../../src/base/byte_buffer.ts";
import { Prng } from "../../src/base/prng.ts";
import { hasMissing, writeField, writeMissing } from "../../src/feed/index_key.ts";
import { IndexRows } from "../../src/feed/index_rows.ts";

const COUNT = Number(env.COUNT ?? 1_500);
const SEED = Number(env.SEED ?? 1);

/** Sort keys of a row, latin1; "" for an index that it is not in. */
type Row = readonly string[];

function compareText(a: string, b: string): number {
  const [x, y] = [bytesOf(a), bytesOf(b)];
  return compareBytes(x, 0, x.length, y, 0, y.length);
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function randomKey(prng: Prng, fields: number): string {
  if (prng.int(10) === 0) return "";
  const out = new ByteBuffer();
  for (let i = 0; i < fields; i++) {
    const text = ["", `${prng.int(50)}`, `city ${prng.int(9)}`, "long".repeat(prng.int(90))];
    const bytes = encodeUtf8(text[prng.int(4)]);
    if (prng.int(8) === 0) writeMissing(out);
    else writeField(out, "auto", bytes, 0, bytes.length);
  }
  return latin1(out.view());
}

class Model {
  readonly rows: Map<string, Row> = new Map();
  readonly actual: IndexRows;
  readonly indexes: number;

  constructor(indexes: number) {
    this.indexes = indexes;
    const unique = Array.from({ length: indexes }, (_, i) => i % 2 === 0);
    this.actual = new IndexRows({ seed0: 1, seed1: 2 }, unique);
  }

  set(id: string, row: Row): void {
    const bytes = new ByteBuffer();
    const ends = new Int32Array(this.indexes);
    row.forEach((key, i) => {
      bytes.writeLatin1(key);
      ends[i] = bytes.length;
    });
    const name = bytesOf(id);
    const before = this.rows.get(id);
    const changed = before === undefined || before.join("|") !== row.join("|");
    assert.equal(this.actual.set(name, 0, name.length, { bytes, ends }), changed);
    this.rows.set(id, row);
  }

  remove(id: string): void {
    const name = bytesOf(id);
    assert.equal(this.actual.remove(name, 0, name.length), this.rows.delete(id));
  }

  inOrder(index: number): [string, string][] {
    return [...this.rows].filter(([, row]) => row[index] !== "")
      .map(([id, row]): [string, string] => [row[index], id])
      .sort((a, b) => compareText(a[0], b[0]) || compareText(a[1], b[1]));
  }

  check(prng: Prng): void {
    const { actual } = this;
    assert.equal(actual.size, this.rows.size);
    for (let i = 0; i < this.indexes; i++) {
      const expected = this.inOrder(i);
      assert.equal(actual.indexSize(i), expected.length);
      const found: string[] = [];
      actual.each(i, 0, expected.length, false, (b, s, e) => void found.push(latin1(b, s, e)));
      assert.deepEqual(found, expected.map(([, id]) => id));
      for (let k = 0; k < 5; k++) {
        const bound = bytesOf(randomKey(prng, 1 + prng.int(2)));
        const below = expected.filter(([key]) => compareText(key, latin1(bound)) < 0).length;
        assert.equal(actual.countBelow(i, bound, 0, bound.length), below);
      }
      if (i % 2 === 0) assert.equal(actual.duplicates(i), this.duplicates(expected));
    }
    const scanned: string[] = [];
    let cursor = 0;
    do {
      cursor = actual.scan(cursor, (b, s, e) => void scanned.push(latin1(b, s, e)));
    } while (cursor !== 0);
    assert.deepEqual([...new Set(scanned)].sort(), [...this.rows.keys()].sort());
  }

  duplicates(inOrder: readonly [string, string][]): number {
    const counts = new Map<string, number>();
    for (const [key] of inOrder) {
      const bytes = bytesOf(key);
      if (!hasMissing(bytes, 0, bytes.length)) counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    return [...counts.values()].filter((count) => count > 1).length;
  }
}

for (const indexes of [1, 2, 3]) {
  test(`rows with ${indexes} indexes equal sorted arrays`, () => {
    const prng = new Prng(SEED + indexes);
    const model = new Model(indexes);
    const ids = 600;
    for (let i = 0; i < COUNT; i++) {
      const id = `user:${prng.int(ids)}`;
      if (prng.int(4) === 0) model.remove(id);
      else model.set(id, Array.from({ length: indexes }, (_, k) => randomKey(prng, k + 1)));
      if (i % 500 === 0) model.check(prng);
    }
    model.check(prng);
    for (let i = 0; i < ids; i++) model.remove(`user:${i}`);
    model.check(prng);
  });
}

for (const indexes of [1, 2]) {
  test(`rows that are loaded into ${indexes} indexes equal sorted arrays`, () => {
    const prng = new Prng(SEED + 10 * indexes);
    for (const ids of [0, 1, 512, 2_000]) {
      const model = new Model(indexes);
      const write = () => {
        const id = `user:${prng.int(ids)}`;
        if (prng.int(4) === 0) model.remove(id);
        else model.set(id, Array.from({ length: indexes }, (_, k) => randomKey(prng, k + 1)));
      };
      model.actual.beginLoad();
      for (let i = 0; i < 2 * ids; i++) write();
      let steps = 1;
      while (!model.actual.settleStep()) steps++;
      assert.ok(steps >= ids / 128, "in small steps");
      assert.equal(model.actual.settleStep(), true);
      model.check(prng);
      for (let i = 0; i < ids; i++) write();
      model.check(prng);
    }
  });
}
