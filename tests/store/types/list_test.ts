import assert from "node:assert/strict";
import { test } from "node:test";
import { latin1 } from "../../../src/base/ascii.ts";
import { BytesRef } from "../../../src/base/byte_buffer.ts";
import { Prng } from "../../../src/base/prng.ts";
import { copyValue, type Database } from "../../../src/store/keyspace/database.ts";
import { Encoding, type Entry, NO_EXPIRY } from "../../../src/store/memory/record.ts";
import { Records } from "../../../src/store/memory/records.ts";
import {
  listEach,
  listGrowFor,
  listInsert,
  listLength,
  listMove,
  listPush,
  listRemoveMatching,
  listRemoveRange,
  listSet,
} from "../../../src/store/types/list.ts";
import { ListCursor, quicklistOf } from "../../../src/store/types/list_cursor.ts";
import { auditQuicklist, auditRecords } from "../audit.ts";
import { settingsOf } from "../model.ts";
import { bytesOf } from "../../support/bytes.ts";

const KEYS = ["a", "b", "c"].map((name) => bytesOf(name));
const FILLS = [-2, -1, -5, 0, 1, 2, 5, 128, 100000];
const ref = new BytesRef();

/** Lists in a database, and the same lists as arrays. */
class Run {
  readonly prng: Prng;
  readonly db: Database;
  readonly model: string[][] = [[], [], []];
  readonly #cursor: ListCursor = new ListCursor();
  readonly #large: number;
  /** How many lists were met in each encoding. */
  readonly met: Map<Encoding, number> = new Map();

  constructor(seed: number, fill: number) {
    this.prng = new Prng(seed);
    this.db = new Records(settingsOf(seed, 2));
    this.db.settings.limits.listMaxListpackSize = fill;
    // Now and then elements that need a node of their own.
    this.#large = this.prng.oneIn(3) ? 25 : 400;
  }

  text(): string {
    const { prng } = this;
    if (prng.oneIn(3)) return String(prng.int(40) - 10);
    if (prng.oneIn(this.#large)) return "L".repeat(prng.between(4000, 9000));
    if (prng.oneIn(6)) return "m".repeat(prng.between(60, 900));
    if (prng.oneIn(20)) return String(prng.uint32() * 100000);
    return "v" + prng.int(20);
  }

  entry(list: number): Entry {
    return this.db.find(KEYS[list], 0, KEYS[list].length);
  }

  /** A long list to begin with. */
  fill(count: number): void {
    for (let i = 0; i < count; i++) {
      const text = this.prng.oneIn(3) ? `${i}` : `text ${i}`;
      const { db } = this;
      listPush(db, this.entry(0), KEYS[0], 0, 1, false, bytesOf(text), [0], [text.length], 0, 1);
      this.model[0].push(text);
    }
  }

  #push(list: number, entry: Entry, text: string): void {
    const { prng, db, model } = this;
    const key = KEYS[list];
    const values = [text, ...Array.from({ length: prng.int(4) }, () => this.text())];
    const starts: number[] = [];
    const ends: number[] = [];
    for (const value of values) {
      starts.push(ends.at(-1) ?? 0);
      ends.push(starts.at(-1)! + value.length);
    }
    const atHead = prng.oneIn(2);
    const all = bytesOf(values.join(""));
    listPush(db, entry, key, 0, key.length, atHead, all, starts, ends, 0, values.length);
    if (atHead) model[list].unshift(...values.reverse());
    else model[list].push(...values);
  }

  step(): void {
    const { prng, db, model } = this;
    const list = prng.int(3);
    const array = model[list];
    const entry = this.entry(list);
    const text = this.text();
    const bytes = bytesOf(text);
    // Long lists are cut now and then, so that they become small ones again.
    const operation = array.length > 400 && prng.oneIn(60) ? 12 : prng.int(12);
    if (operation < 5 || entry === 0) {
      this.#push(list, entry, text);
    } else if (operation === 5) {
      const index = prng.int(array.length);
      const after = prng.oneIn(2);
      listInsert(db, listGrowFor(db, entry, text.length, 1), index, after, bytes, 0, bytes.length);
      array.splice(after ? index + 1 : index, 0, text);
    } else if (operation === 6) {
      const index = prng.int(array.length);
      listSet(db, listGrowFor(db, entry, text.length, 1), index, bytes, 0, bytes.length);
      array[index] = text;
    } else if (operation === 7) {
      const to = prng.int(3);
      const fromHead = prng.oneIn(2);
      const toHead = prng.oneIn(2);
      const name = KEYS[to];
      listMove(db, entry, this.entry(to), name, 0, name.length, fromHead, toHead, ref);
      const moved = (fromHead ? array.shift() : array.pop())!;
      assert.equal(latin1(ref.bytes, ref.start, ref.end), moved);
      if (toHead) model[to].unshift(moved);
      else model[to].push(moved);
    } else if (operation === 8) {
      const fromHead = prng.oneIn(2);
      const wanted = prng.oneIn(3) ? text : prng.pick(array);
      const limit = prng.oneIn(2) ? Infinity : prng.between(1, 3);
      const removed = listRemoveMatching(
        db,
        entry,
        fromHead,
        limit,
        bytesOf(wanted),
        0,
        wanted.length,
      );
      let found = 0;
      if (!fromHead) array.reverse();
      model[list] = array.filter((each) => each !== wanted || ++found > limit);
      if (!fromHead) model[list].reverse();
      assert.equal(removed, Math.min(found, limit));
    } else {
      const index = prng.pick([0, array.length - 1, prng.int(array.length)]);
      const most = array.length - index;
      const count = prng.oneIn(operation === 9 ? 12 : 4) ? prng.between(1, most) : 1;
      const at = operation > 11 ? prng.int(100) : index;
      const taken = operation > 11 ? array.length - at - prng.int(30) : count;
      const left = listRemoveRange(db, entry, at, taken);
      array.splice(at, taken);
      assert.equal(left === 0, array.length === 0);
    }
  }

  check(): void {
    const { db, model, prng } = this;
    const cursor = this.#cursor;
    for (let list = 0; list < 3; list++) {
      const entry = this.entry(list);
      const array = model[list];
      assert.equal(entry === 0, array.length === 0);
      if (entry === 0) continue;
      const encoding = db.encodingOf(entry);
      this.met.set(encoding, (this.met.get(encoding) ?? 0) + 1);
      const object = quicklistOf(db, entry);
      assert.equal(object === undefined, encoding === Encoding.LISTPACK);
      if (object !== undefined) auditQuicklist(object);
      assert.equal(listLength(db, entry), array.length);
      const seen: string[] = [];
      listEach(db, entry, (bytes, start, end) => seen.push(latin1(bytes, start, end)));
      assert.deepEqual(seen, array);
      cursor.open(db, entry);
      const index = prng.int(array.length);
      assert.ok(cursor.seek(index));
      for (let i = index; i >= 0; i--) {
        cursor.read(ref);
        assert.equal(latin1(ref.bytes, ref.start, ref.end), array[i]);
        assert.ok(cursor.equals(bytesOf(array[i]), 0, array[i].length));
        assert.equal(cursor.previous(), i > 0);
      }
      assert.ok(!cursor.seek(array.length));
      assert.ok(!cursor.seek(-array.length - 1));
      assert.ok(cursor.seek(-1));
      assert.ok(!cursor.next());
    }
  }
}

for (const fill of FILLS) {
  test(`lists agree with arrays, list-max-listpack-size ${fill}`, () => {
    const met = new Map<Encoding, number>();
    for (let seed = 1; seed <= 4; seed++) {
      const run = new Run(seed * 1000 + fill, fill);
      if (seed > 2) run.fill(fill < 0 ? 9000 : 700);
      for (let i = 0; i < 700; i++) {
        run.step();
        if (i % 7 === 0) run.check();
      }
      run.check();
      auditRecords(run.db);
      for (const [encoding, count] of run.met) met.set(encoding, (met.get(encoding) ?? 0) + count);
    }
    assert.ok((met.get(Encoding.QUICKLIST) ?? 0) > 0, "large lists were met");
    if (fill !== 0) assert.ok((met.get(Encoding.LISTPACK) ?? 0) > 0, "small lists were met");
  });
}

test("a copy of a large list is independent of it", () => {
  const db = new Records(settingsOf(1, 2));
  const value = bytesOf("value");
  const key = KEYS[0];
  let entry = 0;
  for (let i = 0; i < 5000; i++) {
    entry = listPush(db, entry, key, 0, 1, false, value, [0], [5], 0, 1);
  }
  assert.equal(db.encodingOf(entry), Encoding.QUICKLIST);
  const copy = copyValue(db, entry, db, KEYS[1], 0, 1, NO_EXPIRY);
  listSet(db, db.find(key, 0, 1), 0, bytesOf("other"), 0, 5);
  listEach(db, copy, (bytes, start, end) => assert.equal(latin1(bytes, start, end), "value"));
  const object = quicklistOf(db, copy)!;
  auditQuicklist(object);
  assert.ok(object.memoryBytes > 5000 * 7 && object.memoryBytes < 5000 * 9);
});

test("a list of many nodes is sought, grown and cut without walking it", () => {
  const db = new Records(settingsOf(1, 2));
  db.settings.limits.listMaxListpackSize = 1;
  const key = KEYS[0];
  let entry = 0;
  const count = 20000;
  for (let i = 0; i < count; i++) {
    const text = bytesOf(`x${i}`);
    entry = listPush(db, entry, key, 0, 1, i % 2 === 0, text, [0], [text.length], 0, 1);
  }
  const cursor = new ListCursor();
  for (let index = 0; index < count; index += 97) {
    cursor.open(db, entry);
    assert.ok(cursor.seek(index));
    cursor.read(ref);
    const expected = index < count / 2 ? count - 2 - 2 * index : 2 * (index - count / 2) + 1;
    assert.equal(latin1(ref.bytes, ref.start, ref.end), `x${expected}`);
  }
  entry = listRemoveRange(db, entry, 100, count - 200);
  auditQuicklist(quicklistOf(db, entry)!);
  assert.equal(listLength(db, entry), 200);
});
