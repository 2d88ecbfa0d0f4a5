/**
 * A hash of many or long fields: records of its own, found by a table. A field is a record's key, its
 * value the record's bytes, its expiry that record's. Redis keeps the fields that expire in buckets by
 * time as well (`ebuckets.c`); here a bound says from when on one may have expired, and only then are all
 * looked at.
 *
 * @module
 */

import { BytesRef } from "../../base/byte_buffer.ts";
import { Records } from "../memory/records.ts";
import type { StoredObject } from "../memory/stored_object.ts";
import { Encoding, type Entry, NO_EXPIRY, ValueType } from "../memory/record.ts";
import type { StoreSettings } from "../memory/settings.ts";

/** Called with a field, its value, and when it expires: NO_EXPIRY for never. The bytes are borrowed. */
export type FieldVisitor = (
  field: Uint8Array,
  fieldStart: number,
  fieldEnd: number,
  value: Uint8Array,
  valueStart: number,
  valueEnd: number,
  expireAtMs: number,
) => void;

/** Most fields of which going through all to find one is no slower than a table. */
const MANY_FIELDS = 128;
/** Most bytes that are moved for one change: beyond, a table is worth the two kilobytes it takes. */
const MANY_BYTES = 8192;

const field: BytesRef = new BytesRef();
const value: BytesRef = new BytesRef();

/** Whether fields that Redis would hold in a table are held as triples in their record: `bytes` in all. */
export function isSmallTable(fields: number, bytes: number): boolean {
  return fields <= MANY_FIELDS && bytes <= MANY_BYTES;
}

/** Fields in records. A field's entry is valid until the next write. */
export class HashTable implements StoredObject {
  /** The records of the fields. */
  readonly fields: Records;
  /** No field expires before this time; Infinity while none has an expiry. */
  #soonestMs: number = Infinity;

  /** Makes a table without fields, under the settings of the keyspace. */
  constructor(settings: StoreSettings) {
    this.fields = new Records(settings);
  }

  /** How many fields there are, expired ones included. */
  get size(): number {
    return this.fields.size;
  }

  /** How many fields have an expiry. */
  get expiring(): number {
    return this.fields.expiresCount;
  }

  /** Bytes of the table and the records. */
  get memoryBytes(): number {
    return this.fields.memoryBytes;
  }

  /** Sets a field and its expiry, NO_EXPIRY for none; true when there was no such field. */
  set(
    name: Uint8Array,
    nameStart: number,
    nameEnd: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    expireAtMs: number,
  ): boolean {
    const before = this.fields.size;
    this.#note(expireAtMs);
    this.fields.setBlob(
      name,
      nameStart,
      nameEnd,
      ValueType.STRING,
      Encoding.RAW,
      bytes,
      start,
      end,
      expireAtMs,
    );
    return this.fields.size !== before;
  }

  /** Gives a field an expiry, or with NO_EXPIRY takes it away. */
  setExpiry(field: Entry, expireAtMs: number): void {
    this.#note(expireAtMs);
    this.fields.setExpire(field, expireAtMs);
  }

  /** Lowers the bound to an expiry; one beyond 2^53 never comes. */
  #note(expireAtMs: number): void {
    if (expireAtMs >= 0 && expireAtMs < this.#soonestMs) this.#soonestMs = expireAtMs;
  }

  /**
   * Whether a field has an expiry before `ms`. O(1) while the bound says no; else all fields are looked at,
   * and the bound is that of the earliest from then on.
   */
  mayExpireBefore(ms: number): boolean {
    if (this.#soonestMs >= ms) return false;
    const earliest = this.earliestExpiry();
    this.#soonestMs = earliest === NO_EXPIRY ? Infinity : earliest;
    return this.#soonestMs < ms;
  }

  /** Visits every field, in no order. `visit` must not write. */
  each(visit: FieldVisitor): void {
    let cursor = 0;
    const look = (entry: Entry) => this.visit(entry, visit);
    do cursor = this.fields.scan(cursor, look); while (cursor !== 0);
  }

  /**
   * Visits about `count` fields from a cursor on, 0 to begin with. Returns the next cursor, 0 at the end. Every
   * field is visited once where nothing is written between two calls. `visit` must not write.
   */
  some(cursor: number, count: number, visit: FieldVisitor): number {
    let left = count;
    const look = (entry: Entry) => {
      left--;
      this.visit(entry, visit);
    };
    do cursor = this.fields.scan(cursor, look); while (cursor !== 0 && left > 0);
    return cursor;
  }

  /** Visits the field of an entry. */
  visit(entry: Entry, visit: FieldVisitor): void {
    this.fields.keyRef(entry, field);
    this.fields.valueRef(entry, value);
    const at = this.fields.expireAtMs(entry);
    visit(field.bytes, field.start, field.end, value.bytes, value.start, value.end, at);
  }

  /** The earliest expiry of any field, NO_EXPIRY when none has one up to 2^53. O(n). */
  earliestExpiry(): number {
    let earliest = Infinity;
    if (this.expiring > 0) {
      this.each((_f, _fs, _fe, _v, _vs, _ve, at) => {
        if (at >= 0 && at < earliest) earliest = at;
      });
    }
    return earliest === Infinity ? NO_EXPIRY : earliest;
  }

  /** An independent copy. O(n). */
  copy(): HashTable {
    const copied = new HashTable(this.fields.settings);
    copied.fields.expand(this.size);
    this.each((f, fs, fe, v, vs, ve, at) => copied.set(f, fs, fe, v, vs, ve, at));
    return copied;
  }
}

/** The table of a hash, undefined while its fields are a listpack in its record. */
export function hashTableOf(db: Records, entry: Entry): HashTable | undefined {
  return db.objectOf(entry) as HashTable | undefined;
}
