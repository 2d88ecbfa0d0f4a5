/**
 * Streams against plain arrays and maps: the same seeded operations on both, everything compared.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { latin1 } from "../../../src/base/ascii.ts";
import { BytesRef } from "../../../src/base/byte_buffer.ts";
import { Prng } from "../../../src/base/prng.ts";
import type { Database } from "../../../src/store/keyspace/database.ts";
import { Records } from "../../../src/store/memory/records.ts";
import { IdPlace, type IdTable } from "../../../src/store/packed/id_table.ts";
import { MAX_ID, StreamId } from "../../../src/store/packed/stream_id.ts";
import { Stream } from "../../../src/store/types/stream.ts";
import { StreamCursor } from "../../../src/store/types/stream_cursor.ts";
import {
  type Consumer,
  DELIVERIES,
  type Group,
  TIME,
} from "../../../src/store/types/stream_groups.ts";
import { keepStream, streamOf } from "../../../src/store/types/small_stream.ts";
import { settingsOf } from "../model.ts";
import { ascending, idOf, valueOf } from "../stream_ids.ts";
import { bytesOf } from "../../support/bytes.ts";

const KEY = bytesOf("stream");
const NAMES = ["g", "h", "\xff\x00"];
const CONSUMERS = ["alice", "bob", "carol"];

interface ModelEntry {
  readonly id: bigint;
  /** Fields and values, one after the other. */
  readonly fields: readonly string[];
  isDeleted: boolean;
}

interface ModelPending {
  readonly owner: string;
  time: number;
  deliveries: number;
}

interface ModelGroup {
  readonly consumers: Set<string>;
  readonly pending: Map<bigint, ModelPending>;
}

/** What a stream is, in nodes: which entries share one decides what an approximate trimming removes. */
class Model {
  nodes: ModelEntry[][] = [];
  lastId: bigint = 0n;
  added: number = 0;
  readonly groups: Map<string, ModelGroup> = new Map();

  entries(): ModelEntry[] {
    return this.nodes.flat().filter(({ isDeleted }) => !isDeleted);
  }

  add(entry: ModelEntry, nodeEntries: number): void {
    const last = this.nodes.at(-1);
    if (last !== undefined && last.length < nodeEntries) last.push(entry);
    else this.nodes.push([entry]);
    this.lastId = entry.id;
    this.added++;
  }

  remove(entry: ModelEntry): void {
    entry.isDeleted = true;
    this.nodes = this.nodes.filter((node) =>
      !node.includes(entry) || node.some(({ isDeleted }) => !isDeleted)
    );
  }

  /** By length, or by the first id kept. */
  trim(maxLength: number, minId: bigint | undefined, approximate: boolean, limit: number): number {
    let removed = 0;
    while (this.nodes.length > 0) {
      const [node] = this.nodes;
      const live = node.filter(({ isDeleted }) => !isDeleted);
      const length = this.entries().length;
      if (minId === undefined && length <= maxLength) break;
      if (limit > 0 && removed + live.length > limit) break;
      const isWhole = minId === undefined
        ? length - live.length >= maxLength
        : node.at(-1)!.id < minId;
      if (isWhole) this.nodes.shift();
      const few = isWhole || approximate
        ? []
        : live.filter(({ id }, i) => minId === undefined ? length - i > maxLength : id < minId);
      // The node stays, whatever is left of it.
      for (const entry of few) entry.isDeleted = true;
      removed += isWhole ? live.length : few.length;
      if (!isWhole) break;
    }
    return removed;
  }

  copy(): Model {
    const copy = new Model();
    copy.nodes = this.nodes.map((node) => node.map((entry) => ({ ...entry })));
    copy.lastId = this.lastId;
    copy.added = this.added;
    for (const [name, { consumers, pending }] of this.groups) {
      copy.groups.set(name, {
        consumers: new Set(consumers),
        pending: new Map([...pending].map(([id, one]) => [id, { ...one }])),
      });
    }
    return copy;
  }
}

/** A stream under a key of a database, and its model. */
class Run {
  readonly prng: Prng;
  readonly db: Database;
  readonly nodeEntries: number;
  readonly hasGroups: boolean;
  stream: Stream = new Stream();
  model: Model = new Model();
  readonly #cursor: StreamCursor = new StreamCursor();
  readonly #field: BytesRef = new BytesRef();
  readonly #value: BytesRef = new BytesRef();
  readonly #place: IdPlace = new IdPlace();
  readonly #id: StreamId = new StreamId();

  constructor(seed: number) {
    this.prng = new Prng(seed);
    this.db = new Records(settingsOf(seed, 2));
    this.nodeEntries = this.prng.oneIn(3) ? this.prng.between(1, 3) : this.prng.between(4, 60);
    this.hasGroups = this.prng.oneIn(2);
    const { limits } = this.db.settings;
    limits.streamNodeMaxEntries = this.nodeEntries;
    limits.streamNodeMaxBytes = 0;
  }

  #text(): string {
    const { prng } = this;
    if (prng.oneIn(3)) return String(prng.int(70_000) - 100);
    return prng.oneIn(8) ? "m".repeat(prng.int(600)) : "v" + prng.int(9);
  }

  #nextId(): bigint {
    const { prng, model } = this;
    if (prng.oneIn(40)) return model.lastId + (1n << BigInt(prng.int(70)));
    if (prng.oneIn(3)) return ((model.lastId >> 64n) + BigInt(1 + prng.int(5))) << 64n;
    return model.lastId + BigInt(1 + prng.int(4));
  }

  /** An id that was given, or one near it. */
  #anyId(): bigint {
    const all = this.model.nodes.flat();
    if (all.length === 0 || this.prng.oneIn(8)) return BigInt(this.prng.int(100));
    const near = this.prng.oneIn(5) ? BigInt(this.prng.int(3)) : 0n;
    return all[this.prng.int(all.length)].id + near;
  }

  #add(): void {
    const { prng, stream, model } = this;
    const names = prng.oneIn(4) ? [this.#text(), "f"] : ["f", "g", "7"].slice(prng.int(2));
    const fields = names.flatMap((name) => [name, this.#text()]);
    const starts: number[] = [];
    const ends: number[] = [];
    for (const text of fields) {
      starts.push(ends.at(-1) ?? 0);
      ends.push(starts.at(-1)! + text.length);
    }
    const id = this.#nextId();
    const own = { bytes: bytesOf(fields.join("")), starts, ends };
    const { limits } = this.db.settings;
    assert.ok(stream.append(idOf(id), own, 0, fields.length, limits));
    model.add({ id, fields, isDeleted: false }, this.nodeEntries);
  }

  #delete(): void {
    const { stream, model } = this;
    const value = this.#anyId();
    const entry = model.entries().find(({ id }) => id === value);
    const id = idOf(value);
    assert.equal(stream.has(id), entry !== undefined);
    assert.equal(stream.delete(id), entry !== undefined);
    if (entry === undefined) return;
    model.remove(entry);
    if (id.compare(stream.maxDeletedId) > 0) stream.maxDeletedId.set(id);
    stream.refreshFirstId();
  }

  #trim(): void {
    const { prng, stream, model } = this;
    const approximate = prng.oneIn(2);
    const limit = approximate && prng.oneIn(2) ? prng.int(80) : 0;
    const byId = prng.oneIn(2) ? this.#anyId() : undefined;
    const maxLength = byId === undefined ? prng.int(model.entries().length + 5) : Infinity;
    const minId = byId === undefined ? undefined : idOf(byId);
    const removed = stream.trim({ maxLength, minId, approximate, limit });
    assert.equal(removed, model.trim(maxLength, byId, approximate, limit));
  }

  #setId(): void {
    const { model, stream } = this;
    model.lastId += BigInt(this.prng.int(1000));
    stream.lastId.set(idOf(model.lastId));
  }

  #group(): void {
    const { prng, stream, model } = this;
    const name = prng.int(NAMES.length);
    const bytes = bytesOf(NAMES[name]);
    const own = model.groups.get(NAMES[name]);
    if (own === undefined) {
      assert.ok(stream.addGroup(bytes, 0, bytes.length) !== undefined);
      model.groups.set(NAMES[name], { consumers: new Set(), pending: new Map() });
      return;
    }
    assert.equal(stream.addGroup(bytes, 0, bytes.length), undefined);
    if (prng.oneIn(60)) {
      assert.equal(stream.removeGroup(bytes, 0, bytes.length), true);
      model.groups.delete(NAMES[name]);
      return;
    }
    this.#consume(stream.group(bytes, 0, bytes.length)!, own);
  }

  #consume(group: Group, model: ModelGroup): void {
    const { prng } = this;
    const name = prng.pick(CONSUMERS);
    const bytes = bytesOf(name);
    let consumer = group.consumer(bytes, 0, bytes.length);
    assert.equal(consumer !== undefined, model.consumers.has(name));
    if (consumer === undefined) {
      consumer = group.addConsumer(bytes, 0, bytes.length, 5)!;
      model.consumers.add(name);
    }
    assert.equal(group.addConsumer(bytes, 0, bytes.length, 6), undefined);
    if (prng.oneIn(30)) {
      const owned = [...model.pending].filter(([, { owner }]) => owner === name);
      assert.equal(group.removeConsumer(consumer), owned.length);
      for (const [id] of owned) model.pending.delete(id);
      model.consumers.delete(name);
      return;
    }
    for (let i = prng.int(20); i > 0; i--) this.#deliver(group, consumer, name, model);
  }

  #deliver(group: Group, consumer: Consumer, owner: string, model: ModelGroup): void {
    const { prng } = this;
    const id = this.#anyId();
    const place = this.#place;
    if (prng.oneIn(3)) {
      assert.equal(group.forget(idOf(id), place), model.pending.delete(id));
      return;
    }
    const before = model.pending.get(id);
    group.assign(idOf(id), consumer, place);
    const deliveries = group.pending.getNumber(place, DELIVERIES);
    assert.equal(deliveries, before?.deliveries ?? 0);
    const time = prng.int(1000);
    group.pending.setNumber(place, DELIVERIES, deliveries + 1);
    group.pending.setNumber(place, TIME, time);
    model.pending.set(id, { owner, time, deliveries: deliveries + 1 });
  }

  step(): void {
    const { prng } = this;
    const chance = prng.int(100);
    if (chance < 55) this.#add();
    else if (chance < 72) this.#delete();
    else if (chance < 76) this.#trim();
    else if (chance < 78) this.#setId();
    else if (chance < 95 && this.hasGroups) this.#group();
    else if (chance === 99) this.#replaceByCopy();
    this.#keep();
  }

  /** The copy goes on; that the original is another one shows where it is changed afterwards. */
  #replaceByCopy(): void {
    const { stream, model } = this;
    const copy = stream.copy();
    this.model = model.copy();
    stream.trim({ maxLength: 0, minId: undefined, approximate: false, limit: 0 });
    for (const { name } of stream.groups()) stream.removeGroup(name, 0, name.length);
    this.stream = copy;
    if (!copy.isHeld) return;
    this.db.remove(KEY, 0, KEY.length);
    copy.isHeld = false;
  }

  /** As a command does: what is small is packed into its record, and unpacked for the next. */
  #keep(): void {
    keepStream(this.db, KEY, 0, KEY.length, this.stream);
    this.stream = streamOf(this.db, this.db.find(KEY, 0, KEY.length));
  }

  compare(): void {
    const { stream, model } = this;
    const entries = model.entries();
    assert.equal(stream.length, entries.length);
    assert.equal(stream.nodes.size, model.nodes.length);
    assert.equal(valueOf(stream.lastId), model.lastId);
    assert.equal(stream.entriesAdded, model.added);
    assert.equal(valueOf(stream.firstId), entries[0]?.id ?? 0n);
    this.#compareRange(entries, 0n, valueOf(MAX_ID), false);
    this.#compareRange(entries, 0n, valueOf(MAX_ID), true);
    const [start, end] = [this.#anyId(), this.#anyId()];
    this.#compareRange(entries, start, end, this.prng.oneIn(2));
    this.#compareGroups();
    this.#compareMemory();
  }

  #compareRange(all: ModelEntry[], start: bigint, end: bigint, reverse: boolean): void {
    const expected = all.filter(({ id }) => id >= start && id <= end);
    if (reverse) expected.reverse();
    const cursor = this.#cursor;
    cursor.open(this.stream, idOf(start), idOf(end), reverse);
    for (const { id, fields } of expected) {
      assert.ok(cursor.next());
      assert.equal(valueOf(cursor.id), id);
      assert.equal(2 * cursor.fieldCount, fields.length);
      const met: string[] = [];
      for (let i = 0; i < cursor.fieldCount; i++) {
        cursor.readField(this.#field, this.#value);
        for (const { bytes, start, end } of [this.#field, this.#value]) {
          met.push(latin1(bytes, start, end));
        }
      }
      assert.deepEqual(met, fields);
    }
    assert.equal(cursor.next(), false);
  }

  #compareGroups(): void {
    const { groups } = this.model;
    const names = this.stream.groups().map(({ name }) => latin1(name));
    assert.deepEqual(names, [...groups.keys()].sort());
    for (const group of this.stream.groups()) {
      const model = groups.get(latin1(group.name))!;
      const consumers = group.consumers();
      assert.deepEqual(consumers.map(({ name }) => latin1(name)), [...model.consumers].sort());
      assert.deepEqual(this.#idsOf(group.pending), ascending(model.pending.keys()));
      for (const consumer of consumers) {
        const name = latin1(consumer.name);
        const owned = [...model.pending].filter(([, { owner }]) => owner === name);
        assert.deepEqual(this.#idsOf(consumer.pending), ascending(owned.map(([id]) => id)));
      }
      const at = this.#place;
      for (const [id, { owner, time, deliveries }] of model.pending) {
        assert.ok(group.pending.find(idOf(id), at));
        assert.equal(latin1(group.ownerAt(at)!.name), owner);
        assert.equal(group.pending.getNumber(at, TIME), time);
        assert.equal(group.pending.getNumber(at, DELIVERIES), deliveries);
      }
    }
  }

  #idsOf(table: IdTable): bigint[] {
    const ids: bigint[] = [];
    const at = this.#place;
    for (let more = table.first(at); more; more = table.next(at)) {
      table.readId(at, this.#id);
      ids.push(valueOf(this.#id));
    }
    return ids;
  }

  #compareMemory(): void {
    const { nodes } = this.stream;
    let bytes = 300 + nodes.memoryBytes + this.stream.spareBytes;
    const at = new IdPlace();
    for (let more = nodes.first(at); more; more = nodes.next(at)) {
      bytes += nodes.valueAt(at).memoryBytes;
    }
    for (const group of this.stream.groups()) bytes += group.memoryBytes;
    assert.equal(this.stream.memoryBytes, bytes);
  }
}

for (let seed = 1; seed <= 24; seed++) {
  test(`streams are what plain arrays and maps are [seed ${seed}]`, () => {
    const run = new Run(seed);
    for (let i = 0; i < 500; i++) {
      run.step();
      if (i % 10 === 0) run.compare();
    }
    run.compare();
  });
}

test("trimming and deleting give memory back", () => {
  const stream = new Stream();
  const limits = settingsOf(1, 2).limits;
  const fields = { bytes: bytesOf("fieldvalue"), starts: [0, 5], ends: [5, 10] };
  const idle = stream.memoryBytes;
  const fill = () => {
    const from = valueOf(stream.lastId);
    for (let i = 1n; i <= 20_000n; i++) stream.append(idOf(from + i), fields, 0, 2, limits);
  };
  fill();
  const full = stream.memoryBytes;
  assert.ok(full < 20_000 * 30, `${full} bytes`);
  stream.trim({ maxLength: 100, minId: undefined, approximate: false, limit: 0 });
  // Its last node keeps the room it was made with.
  assert.ok(stream.memoryBytes < full / 25, `${stream.memoryBytes} of ${full} bytes`);
  fill();
  const last = valueOf(stream.lastId);
  for (let i = 0n; i <= 20_100n; i++) stream.delete(idOf(last - i));
  assert.equal(stream.length, 0);
  assert.equal(stream.memoryBytes, idle);
});
