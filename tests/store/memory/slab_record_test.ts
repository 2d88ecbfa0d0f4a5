/**
 * Records in a slab: what is written is read, at the lengths where the layout changes.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { BytesRef } from "../../../src/base/byte_buffer.ts";
import {
  EXTENDED,
  HAS_EXPIRE,
  SEGMENT_SHIFT,
  UNIT_MASK,
} from "../../../src/store/memory/record.ts";
import { Slab } from "../../../src/store/memory/slab.ts";
import {
  copyContent,
  floatIndex,
  freeRecord,
  keyRefOf,
  makeKeyedRecord,
  makeRecord,
  valueRefOf,
} from "../../../src/store/memory/slab_record.ts";

const KIND = 0x34;
const key = new Uint8Array(70_000).map((_, i) => i * 31);
const ref = new BytesRef();

/** Word 0 of a record. */
function headOf(slab: Slab, entry: number): number {
  return slab.words[entry >>> SEGMENT_SHIFT][(entry & UNIT_MASK) << 1];
}

const RECORDS = [
  { name: "the empty record", keyLength: 0, length: 0, room: 0, extended: false },
  {
    name: "1 KB, the longest plain record",
    keyLength: 6,
    length: 1010,
    room: 1010,
    extended: false,
  },
  { name: "a byte more", keyLength: 6, length: 1011, room: 1011, extended: true },
  { name: "much room to grow", keyLength: 6, length: 10, room: 600, extended: true },
  { name: "the longest short key", keyLength: 1000, length: 3, room: 3, extended: false },
  { name: "a key beyond 16 bits", keyLength: 65_536, length: 3, room: 3, extended: true },
];
for (const { name, keyLength, length, room, extended } of RECORDS) {
  for (const number of [undefined, -1, 0.5]) {
    test(`a record in a slab: ${name}, ${number === undefined ? "no number" : number}`, () => {
      const slab = new Slab();
      // Eight bytes of number may make a record of just 1 KB extended; the value gives way.
      const valueLength = number === undefined || length < 1000 ? length : length - 8;
      const kind = number === undefined ? KIND : KIND | HAS_EXPIRE;
      const most = Math.max(room - length + valueLength, valueLength);
      const entry = makeKeyedRecord(slab, kind, key, 0, keyLength, valueLength, most, number ?? 0);
      const head = headOf(slab, entry);
      assert.equal((head & EXTENDED) !== 0, extended);
      keyRefOf(slab, entry, ref);
      assert.deepEqual(ref.view(), key.subarray(0, keyLength));
      valueRefOf(slab, entry, ref);
      assert.equal(ref.end - ref.start, valueLength);
      if (number !== undefined) {
        const index = floatIndex(entry & UNIT_MASK, head);
        assert.equal(slab.floats[entry >>> SEGMENT_SHIFT][index], number);
      }
      freeRecord(slab, entry);
      assert.equal(slab.usedBytes, 0);
    });
  }
}

test("copyContent() copies key and value between records of other prefixes", () => {
  const slab = new Slab();
  const source = makeKeyedRecord(slab, KIND, key, 0, 10, 4, 4, 0);
  valueRefOf(slab, source, ref);
  ref.view().set([1, 2, 3, 4]);
  const target = makeRecord(slab, KIND | HAS_EXPIRE, 10, 6, 3000, 7);
  copyContent(slab, source, target, 14);
  keyRefOf(slab, target, ref);
  assert.deepEqual(ref.view(), key.subarray(0, 10));
  valueRefOf(slab, target, ref);
  assert.deepEqual([...ref.view().subarray(0, 4)], [1, 2, 3, 4]);
});
