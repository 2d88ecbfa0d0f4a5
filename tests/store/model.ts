/**
 * A database and a plain `Map` driven by the same seeded operations. Not a test itself.
 *
 * @module
 */

import assert from "node:assert/strict";
import { BytesRef } from "../../src/base/byte_buffer.ts";
import { Prng } from "../../src/base/prng.ts";
import { Records } from "../../src/store/memory/records.ts";
import { defaultLimits, type StoreSettings } from "../../src/store/memory/settings.ts";
import { compact, copyValue, type Database, renameKey } from "../../src/store/keyspace/database.ts";
import {
  Encoding,
  type Entry,
  NO_EXPIRY,
  SEGMENT_UNITS,
  ValueType,
} from "../../src/store/memory/record.ts";
import type { StoredObject } from "../../src/store/memory/stored_object.ts";
import {
  growString,
  readString,
  setInteger,
  setString,
  storeInteger,
  stringLength,
} from "../../src/store/types/string.ts";
import { auditRecords } from "./audit.ts";
import { bytesOf, textOf } from "../support/bytes.ts";

/** What the model knows of a key. */
export interface ModelValue {
  /** The string's text, the blob, or the object's name. */
  bytes: Uint8Array;
  /** NO_EXPIRY or absolute milliseconds. */
  expireAtMs: number;
  /** Of the value. */
  type: number;
  /** For values that are objects. */
  object?: NamedObject;
}

/** The least an object can be. */
export class NamedObject implements StoredObject {
  readonly memoryBytes: number = 8;
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  copy(): NamedObject {
    return new NamedObject(this.name);
  }
}

/** Operations and how often each comes, relative to the others. */
export const WEIGHTS = {
  set: 40,
  setIntegerText: 8,
  setInteger: 4,
  storeInteger: 4,
  setBlob: 3,
  setObject: 2,
  append: 8,
  setExpire: 10,
  remove: 20,
  removeEntry: 6,
  find: 20,
  rename: 6,
  copy: 5,
  copyOut: 2,
  random: 2,
  compact: 1,
};
export type Operation = keyof typeof WEIGHTS;

/** Both, and the dice. */
export class ModelRun {
  readonly prng: Prng;
  readonly db: Database;
  readonly other: Database;
  readonly model: Map<string, ModelValue> = new Map();
  readonly otherModel: Map<string, ModelValue> = new Map();
  readonly keys: Uint8Array[] = [];
  readonly names: string[] = [];
  readonly #ref: BytesRef = new BytesRef();
  readonly #pool: Uint8Array;
  readonly #wheel: Operation[] = [];
  maxValue: number;

  /** @param seed Of everything. @param keyCount How many keys there may be. @param maxValue Longest usual value. */
  constructor(seed: number, keyCount: number, maxValue: number, db?: Database) {
    const prng = new Prng(seed);
    this.prng = prng;
    this.db = db ?? new Records(settingsOf(prng.uint32(), prng.uint32()));
    this.other = new Records(settingsOf(prng.uint32(), prng.uint32()));
    this.maxValue = maxValue;
    this.#pool = prng.bytes(Math.max(1 << 16, maxValue * 2));
    for (let i = 0; i < keyCount; i++) this.#addKey(i);
    // Swarm: each run leaves some operations out, so that others go deeper.
    for (const [operation, weight] of Object.entries(WEIGHTS)) {
      const left = operation !== "set" && prng.oneIn(5) ? 0 : weight;
      for (let i = 0; i < left; i++) this.#wheel.push(operation as Operation);
    }
  }

  /** Runs `count` operations, each checked as it goes. */
  run(count: number): void {
    for (let i = 0; i < count; i++) this.#step(this.prng.pick(this.#wheel));
  }

  /** Compares everything, both ways, and audits the memory. */
  check(): void {
    this.#checkDatabase(this.db, this.model);
    this.#checkDatabase(this.other, this.otherModel);
  }

  #addKey(i: number): void {
    // Key 0 is empty; 1 holds every byte value; 2 does not fit a short key; the rest are a number and noise.
    const prng = this.prng;
    let key = new Uint8Array(0);
    if (i === 1) key = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    if (i === 2) key = prng.bytes(70000) as Uint8Array<ArrayBuffer>;
    if (i > 2) {
      key = prng.bytes(4 + prng.int(24)) as Uint8Array<ArrayBuffer>;
      new DataView(key.buffer).setUint32(0, i);
    }
    this.keys.push(key);
    this.names.push(textOf(key));
  }

  #checkDatabase(db: Database, model: Map<string, ModelValue>): void {
    auditRecords(db);
    assert.equal(db.size, model.size);
    let expires = 0;
    for (const [name, value] of model) {
      const key = bytesOf(name);
      const entry = db.find(key, 0, key.length);
      assert.notEqual(entry, 0);
      this.#checkEntry(db, entry, value);
      if (value.expireAtMs !== NO_EXPIRY) expires++;
    }
    assert.equal(db.expiresCount, expires);
    const seen = new Set<string>();
    let cursor = 0;
    do {
      cursor = db.scan(cursor, (entry) => {
        db.keyRef(entry, this.#ref);
        seen.add(textOf(this.#ref.view()));
      });
    } while (cursor !== 0);
    assert.equal(seen.size, model.size);
  }

  #checkEntry(db: Database, entry: Entry, value: ModelValue): void {
    assert.equal(db.typeOf(entry), value.type);
    assert.equal(db.expireAtMs(entry), value.expireAtMs);
    if (value.object !== undefined) {
      assert.equal((db.objectOf(entry) as NamedObject).name, value.object.name);
      return;
    }
    const ref = this.#ref;
    if (value.type === ValueType.STRING) {
      readString(db, entry, ref);
      assert.equal(stringLength(db, entry), value.bytes.length);
    } else {
      db.valueRef(entry, ref);
    }
    const length = ref.end - ref.start;
    assert.equal(length, value.bytes.length);
    for (let i = 0; i < length; i++) {
      if (ref.bytes[ref.start + i] !== value.bytes[i]) {
        assert.fail(`byte ${i} of ${length} differs`);
      }
    }
  }

  #step(operation: Operation): void {
    const id = this.prng.int(this.keys.length);
    const key = this.keys[id];
    const name = this.names[id];
    const entry = this.db.find(key, 0, key.length);
    const value = this.model.get(name);
    assert.equal(entry !== 0, value !== undefined);
    if (operation.startsWith("set") && operation !== "setExpire") this.#set(operation, key, name);
    else if (operation === "append") this.#append(key, name);
    else if (operation === "remove") {
      assert.equal(this.db.remove(key, 0, key.length), this.model.delete(name));
    } else if (operation === "random") this.#random();
    else if (operation === "compact") compact(this.db, this.prng.int(100000));
    else if (value !== undefined) this.#onEntry(operation, entry, name, value);
  }

  #onEntry(operation: Operation, entry: Entry, name: string, value: ModelValue): void {
    if (operation === "find") this.#checkEntry(this.db, entry, value);
    else if (operation === "setExpire") {
      value.expireAtMs = this.#expiry();
      const moved = this.db.setExpire(entry, value.expireAtMs);
      this.#checkEntry(this.db, moved, value);
    } else if (operation === "removeEntry") {
      this.db.removeEntry(entry);
      this.model.delete(name);
    } else if (operation === "storeInteger") {
      if (this.db.encodingOf(entry) !== Encoding.INT || value.type !== ValueType.STRING) return;
      const number = this.prng.int(2 ** 32) * 1000 - 10 ** 12;
      storeInteger(this.db, entry, number);
      value.bytes = bytesOf(String(number));
    } else this.#transfer(operation, entry, name, value);
  }

  #transfer(operation: Operation, entry: Entry, name: string, value: ModelValue): void {
    const id = this.prng.int(this.keys.length);
    const key = this.keys[id];
    if (operation === "rename") {
      renameKey(this.db, entry, key, 0, key.length);
      this.model.delete(name);
      this.model.set(this.names[id], value);
      this.#checkEntry(this.db, this.db.find(key, 0, key.length), value);
      return;
    }
    if (operation === "copy" && this.names[id] === name) return;
    const target = operation === "copy" ? this.db : this.other;
    const model = operation === "copy" ? this.model : this.otherModel;
    const copy = { ...value, expireAtMs: this.#expiry() };
    const copied = copyValue(this.db, entry, target, key, 0, key.length, copy.expireAtMs);
    model.set(this.names[id], copy);
    this.#checkEntry(target, copied, copy);
  }

  #set(operation: Operation, key: Uint8Array, name: string): void {
    const { db, prng } = this;
    const expireAtMs = this.#expiry();
    let type: ValueType = ValueType.STRING;
    let bytes = this.#value();
    let object: NamedObject | undefined;
    const end = key.length;
    if (operation === "set") {
      setString(db, key, 0, end, bytes, 0, bytes.length, expireAtMs);
    } else if (operation === "setIntegerText") {
      bytes = bytesOf(String(prng.int(2 ** 32) - 2 ** 31));
      const entry = setString(db, key, 0, end, bytes, 0, bytes.length, expireAtMs);
      assert.equal(db.encodingOf(entry), Encoding.INT);
    } else if (operation === "setInteger") {
      const number = prng.int(2 ** 32) * prng.int(2 ** 20);
      setInteger(db, key, 0, end, number, expireAtMs);
      bytes = bytesOf(String(number));
    } else if (operation === "setBlob") {
      type = ValueType.HASH;
      db.setBlob(key, 0, end, type, Encoding.LISTPACK, bytes, 0, bytes.length, expireAtMs);
    } else {
      type = ValueType.LIST;
      object = new NamedObject(String(prng.uint32()));
      db.setObject(key, 0, end, type, Encoding.QUICKLIST, object, expireAtMs);
    }
    this.model.set(name, { bytes, expireAtMs, type, object } as ModelValue);
  }

  #append(key: Uint8Array, name: string): void {
    const old = this.model.get(name) ??
      { bytes: new Uint8Array(0), expireAtMs: NO_EXPIRY, type: ValueType.STRING };
    if (old.type !== ValueType.STRING) return;
    const more = this.prng.int(40);
    const bytes = new Uint8Array(old.bytes.length + more);
    bytes.set(old.bytes);
    const entry = growString(this.db, key, 0, key.length, bytes.length);
    old.bytes = bytes;
    this.model.set(name, old);
    assert.equal(this.db.encodingOf(entry), Encoding.RAW);
    this.#checkEntry(this.db, entry, old);
    // Half of the new bytes are written, the others must have been zero.
    const ref = this.#ref;
    this.db.valueRef(entry, ref);
    for (let i = bytes.length - (more >> 1); i < bytes.length; i++) {
      bytes[i] = this.prng.int(256);
      ref.bytes[ref.start + i] = bytes[i];
    }
  }

  #random(): void {
    const entry = this.db.randomEntry(() => this.prng.next());
    assert.equal(entry === 0, this.model.size === 0);
    if (entry === 0) return;
    this.db.keyRef(entry, this.#ref);
    assert.ok(this.model.has(textOf(this.#ref.view())));
  }

  #expiry(): number {
    const prng = this.prng;
    if (!prng.oneIn(3)) return NO_EXPIRY;
    return prng.pick([0, -5, 1, prng.int(2 ** 32) * 1000, -(2 ** 50), 2 ** 53 - 1]);
  }

  /** A slice of the pool: mostly short, now and then long, sometimes empty. */
  #value(): Uint8Array {
    const prng = this.prng;
    let length = prng.int(60);
    if (prng.oneIn(4)) length = prng.int(this.maxValue);
    if (prng.oneIn(30)) length = 0;
    const start = prng.int(this.#pool.length - length);
    return this.#pool.subarray(start, start + length);
  }
}

/** Settings with these seeds. */
export function settingsOf(seed0: number, seed1: number): StoreSettings {
  const limits = defaultLimits();
  return { seed0, seed1, limits, segmentUnits: SEGMENT_UNITS, keepsMinusZero: false };
}
