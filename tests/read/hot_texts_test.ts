import assert from "node:assert/strict";
import { test } from "node:test";
import { Prng } from "../../src/base/prng.ts";
import { loadTextOf } from "../../src/net/text.ts";
import { type Reader, textReader } from "../../src/read/reader.ts";
import type { Database } from "../../src/store/keyspace/database.ts";
import { Keyspace } from "../../src/store/keyspace/keyspace.ts";
import { NO_EXPIRY } from "../../src/store/memory/record.ts";
import { setString, storeInteger } from "../../src/store/types/string.ts";
import { HandClock } from "../support/clock.ts";

const encoder = new TextEncoder();

class Subject {
  readonly keyspace: Keyspace = new Keyspace({ random: () => 0.5 });
  readonly clock: HandClock = new HandClock();
  readonly db: Database = this.keyspace.db(0);
  readonly reader: Reader = textReader({
    keyspace: this.keyspace,
    clock: this.clock,
    random: () => 0.5,
    call: () => null,
    callText: () => null,
  }, 0);

  set(key: string, value: string, expireAtMs: number = NO_EXPIRY): void {
    const k = encoder.encode(key);
    const v = encoder.encode(value);
    setString(this.db, k, 0, k.length, v, 0, v.length, expireAtMs);
  }

  remove(key: string): void {
    const k = encoder.encode(key);
    this.db.remove(k, 0, k.length);
  }
}

test("get() read twice is the text it was", () => {
  const subject = new Subject();
  subject.set("a", "x".repeat(200));
  assert.equal(subject.reader.get("a"), "x".repeat(200));
  assert.equal(subject.reader.get("a"), "x".repeat(200));
});

test("get() never tells of a text that was replaced, removed or swapped away", () => {
  const subject = new Subject();
  subject.set("a", "one");
  assert.equal(subject.reader.get("a"), "one");
  subject.set("a", "two");
  assert.equal(subject.reader.get("a"), "two");
  subject.remove("a");
  assert.equal(subject.reader.get("a"), undefined);
  subject.set("a", "three");
  assert.equal(subject.reader.get("a"), "three");
  subject.keyspace.swap(0, 1);
  assert.equal(subject.reader.get("a"), undefined);
  subject.keyspace.swap(0, 1);
  assert.equal(subject.reader.get("a"), "three");
  subject.keyspace.replaceWith(subject.keyspace.sibling());
  assert.equal(subject.reader.get("a"), undefined);
});

test("get() sees what was written in place", () => {
  const subject = new Subject();
  const key = encoder.encode("n");
  subject.set("n", "41");
  assert.equal(subject.reader.get("n"), "41");
  storeInteger(subject.db, subject.db.find(key, 0, 1), 42);
  assert.equal(subject.reader.get("n"), "42");
});

test("get() of a kept text hides it once its time has come", () => {
  const subject = new Subject();
  subject.set("a", "soon gone", subject.clock.now() + 100);
  assert.equal(subject.reader.get("a"), "soon gone");
  assert.equal(subject.reader.get("a"), "soon gone");
  subject.clock.nowMs += 101;
  assert.equal(subject.reader.get("a"), undefined);
  subject.db.setExpire(subject.db.find(encoder.encode("a"), 0, 1), NO_EXPIRY);
  assert.equal(subject.reader.get("a"), "soon gone");
});

test("get() agrees with getBytes() over random reads and writes", () => {
  const prng = new Prng(7);
  const subject = new Subject();
  const keys = Array.from({ length: 9000 }, (_, i) => `${"k".repeat(i % 70)}${i}`);
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  for (let round = 0; round < 200_000; round++) {
    const key = keys[prng.oneIn(2) ? prng.int(40) : prng.int(keys.length)];
    if (prng.oneIn(20)) subject.set(key, "é".repeat(prng.int(300)) + round);
    else if (prng.oneIn(40)) subject.remove(key);
    const bytes = subject.reader.getBytes(key);
    assert.equal(subject.reader.get(key), bytes && decoder.decode(bytes));
  }
});

test("loadTextOf() decodes malformed bytes as TextDecoder does", () => {
  const textOf = loadTextOf();
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const prng = new Prng(11);
  const heads = [0x61, 0x82, 0xc3, 0xe2, 0xed, 0xf0, 0xf4, 0xff, 0xef, 0xbb, 0xbf];
  for (let round = 0; round < 50_000; round++) {
    const bytes = Uint8Array.from(
      { length: prng.int(60) },
      () => prng.oneIn(3) ? prng.int(256) : heads[prng.int(heads.length)],
    );
    const start = prng.int(bytes.length + 1);
    assert.equal(textOf(bytes, start, bytes.length), decoder.decode(bytes.subarray(start)));
  }
});
