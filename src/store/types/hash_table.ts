/**
 * A hash of many or long fields: a table of its own. Each field is a record, its value kept as the bytes
 * that came, its expiry that record's own.
 *
 * @module
 */

import { BytesRef } from "../../base/byte_buffer.ts";
import { Records } from "../memory/records.ts";
import type { StoredObject } from "../memory/stored_object.ts";
import { Encoding, type Entry, NO_EXPIRY, ValueType } from "../memory/record.ts";
import type { StoreSettings } from "../memory/settings.ts";

/** Called with a field, its value, and when it expires: NO_EXPIRY for never. All borrowed. */
export type FieldVisitor = (
  field: Uint8Array,
  fieldStart: number,
  fieldEnd: number,
  value: Uint8Array,
  valueStart: number,
  valueEnd: number,
  expireAtMs: number,
) => void;

/** Fields from which on finding one in a table beats going through all. */
const MANY_FIELDS = 128;
/** Bytes from which on moving all of them for one change costs more than a table of 2 KB. */
const MANY_BYTES = 8192;

const field: BytesRef = new BytesRef();
const value: BytesRef = new BytesRef();

/** Whether fields that Redis would hold in a table are better off in a listpack of `bytes`. */
export function isSmallTable(fields: number, bytes: number): boolean {
  return fields <= MANY_FIELDS && bytes <= MANY_BYTES;
}

/** See the module's text. */
export class HashTable implements StoredObject {
  /** The fields. */
  readonly fields: Records;
  /** No field expires before. */
  #soonestMs: number = Infinity;

  /** @param settings Of the keyspace. */
  constructor(settings: StoreSettings) {
    this.fields = new Records(settings);
  }

  /** How many fields there are, expired ones included. */
  get size(): number {
    return this.fields.size;
  }

  /** How many of them have an expiry. */
  get expiring(): number {
    return this.fields.expiresCount;
  }

  /** Bytes of table and records. */
  get memoryBytes(): number {
    return this.fields.memoryBytes;
  }

  /** Sets a field and its expiry; true when there was no such field. */
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

  /** Gives a field an expiry, or takes it away with NO_EXPIRY. */
  setExpiry(field: Entry, expireAtMs: number): void {
    this.#note(expireAtMs);
    this.fields.setExpire(field, expireAtMs);
  }

  #note(expireAtMs: number): void {
    if (expireAtMs !== NO_EXPIRY && expireAtMs < this.#soonestMs) this.#soonestMs = expireAtMs;
  }

  /** Whether a field may have an expiry before a moment: true for no longer than it takes to look. */
  mayExpireBefore(ms: number): boolean {
    if (this.#soonestMs >= ms) return false;
    const earliest = this.earliestExpiry();
    this.#soonestMs = earliest === NO_EXPIRY ? Infinity : earliest;
    return this.#soonestMs < ms;
  }

  /** Visits every field, in no order. */
  each(visit: FieldVisitor): void {
    let cursor = 0;
    const look = (entry: Entry) => this.visit(entry, visit);
    do cursor = this.fields.scan(cursor, look); while (cursor !== 0);
  }

  /** Visits one field. */
  visit(entry: Entry, visit: FieldVisitor): void {
    this.fields.keyRef(entry, field);
    this.fields.valueRef(entry, value);
    const at = this.fields.expireAtMs(entry);
    visit(field.bytes, field.start, field.end, value.bytes, value.start, value.end, at);
  }

  /** The earliest expiry of a field, NO_EXPIRY when none has one. */
  earliestExpiry(): number {
    let earliest = Infinity;
    if (this.expiring > 0) {
      this.each((_f, _fs, _fe, _v, _vs, _ve, at) => {
        if (at !== NO_EXPIRY && at < earliest) earliest = at;
      });
    }
    return earliest === Infinity ? NO_EXPIRY : earliest;
  }

  /** An independent copy. */
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
