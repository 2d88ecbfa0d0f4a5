/**
 * Small streams: the bytes of a packed stream, which are the same whichever way it came about, and when a
 * stream is packed no more.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { BytesRef } from "../../../src/base/byte_buffer.ts";
import { Encoding, type Entry, ValueType } from "../../../src/store/memory/record.ts";
import { Records } from "../../../src/store/memory/records.ts";
import { StreamId } from "../../../src/store/packed/stream_id.ts";
import {
  appendPacked,
  createPacked,
  keepStream,
  readLastId,
  streamOf,
} from "../../../src/store/types/small_stream.ts";
import { Stream } from "../../../src/store/types/stream.ts";
import { bytesOf } from "../../support/bytes.ts";
import { settingsOf } from "../model.ts";

const KEY = bytesOf("key");

function fieldsOf(value: string) {
  return { bytes: bytesOf("f" + value), starts: [0, 1], ends: [1, 1 + value.length] };
}

function hexOf(db: Records, entry: Entry): string {
  const ref = new BytesRef();
  db.valueRef(entry, ref);
  return [...ref.view()].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function entryOf(db: Records): Entry {
  const entry = db.find(KEY, 0, KEY.length);
  assert.equal(db.typeOf(entry), ValueType.STREAM);
  assert.equal(db.encodingOf(entry), Encoding.STREAM);
  return entry;
}

/** Adds an entry as XADD does: to the record if that goes, else to the stream. */
function add(db: Records, id: StreamId, value: string): boolean {
  const fields = fieldsOf(value);
  const entry = db.find(KEY, 0, KEY.length);
  const isPacked = entry === 0
    ? createPacked(db, KEY, 0, KEY.length, id, fields, 0, 2)
    : appendPacked(db, entry, id, fields, 0, 2);
  if (!isPacked) addByObject(db, id, value);
  return isPacked;
}

function addByObject(db: Records, id: StreamId, value: string): void {
  const entry = db.find(KEY, 0, KEY.length);
  const stream = entry === 0 ? new Stream() : streamOf(db, entry);
  assert.ok(stream.append(id, fieldsOf(value), 0, 2, db.settings.limits));
  keepStream(db, KEY, 0, KEY.length, stream);
}

test("a packed stream of one entry has the header and the node that are drawn", () => {
  const db = new Records(settingsOf(1, 2));
  assert.ok(add(db, new StreamId(0, 1, 0, 1), "v"));
  const id = "00000000000000010000000000000001";
  const header = "0100000000000000" + "0100000000000000" + id + id + "0".repeat(32) + id;
  const node = "1d0000000a0001010001010181660200010201000100018176020401ff";
  assert.equal(hexOf(db, entryOf(db)), header + node);
});

test("an empty stream is its header alone", () => {
  const db = new Records(settingsOf(1, 2));
  const stream = new Stream();
  stream.lastId.setWords(0, 7, 0, 0);
  keepStream(db, KEY, 0, KEY.length, stream);
  assert.equal(hexOf(db, entryOf(db)).length, 2 * 80);
  const out = new StreamId();
  readLastId(db, entryOf(db), out);
  assert.equal(out.toString(), "7-0");
  assert.equal(streamOf(db, entryOf(db)).isHeld, false);
  // Its first entry is not added in the record: the first id changes.
  assert.equal(add(db, new StreamId(0, 8, 0, 0), "v"), false);
  assert.equal(streamOf(db, entryOf(db)).firstId.toString(), "8-0");
});

test("appendPacked() leaves the bytes that Stream.append() leaves, until the node is full", () => {
  const db = new Records(settingsOf(1, 2));
  const other = new Records(settingsOf(1, 2));
  let packed = 0;
  for (let i = 1; i <= 200; i++) {
    const id = new StreamId(0, 1 + (i >> 3), 0, i);
    const value = i % 5 === 0 ? String(i * 1000) : "value ".repeat(i % 3);
    if (add(db, id, value)) packed++;
    addByObject(other, id, value);
    const stream = streamOf(db, entryOf(db));
    const expected = streamOf(other, entryOf(other));
    assert.equal(stream.isHeld, expected.isHeld, `entry ${i}`);
    assert.equal(stream.length, i);
    assert.equal(stream.entriesAdded, i);
    assert.equal(stream.lastId.toString(), id.toString());
    if (!stream.isHeld) assert.equal(hexOf(db, entryOf(db)), hexOf(other, entryOf(other)));
  }
  // stream-node-max-entries is 100.
  assert.equal(packed, 100);
  const out = new StreamId();
  readLastId(db, entryOf(db), out);
  assert.equal(out.toString(), "26-200");
});

test("a stream with a group, and one with a long entry, is an object", () => {
  const db = new Records(settingsOf(1, 2));
  add(db, new StreamId(0, 1, 0, 1), "v");
  const stream = streamOf(db, entryOf(db));
  stream.addGroup(bytesOf("g"), 0, 1);
  keepStream(db, KEY, 0, KEY.length, stream);
  assert.ok(streamOf(db, entryOf(db)).isHeld);
  assert.equal(add(db, new StreamId(0, 2, 0, 1), "w"), false);
  // Once held it stays so, though the group is gone.
  stream.removeGroup(bytesOf("g"), 0, 1);
  keepStream(db, KEY, 0, KEY.length, stream);
  assert.equal(streamOf(db, entryOf(db)), stream);
  const long = new Records(settingsOf(1, 2));
  assert.equal(add(long, new StreamId(0, 1, 0, 1), "x".repeat(3000)), false);
  assert.ok(streamOf(long, entryOf(long)).isHeld);
});

test("keepStream() leaves the key's expiry", () => {
  const db = new Records(settingsOf(1, 2));
  add(db, new StreamId(0, 1, 0, 1), "v");
  db.setExpire(entryOf(db), 12345);
  addByObject(db, new StreamId(0, 2, 0, 1), "w");
  assert.equal(db.expireAtMs(entryOf(db)), 12345);
  addByObject(db, new StreamId(0, 3, 0, 1), "x".repeat(3000));
  assert.ok(streamOf(db, entryOf(db)).isHeld);
  assert.equal(db.expireAtMs(entryOf(db)), 12345);
});
