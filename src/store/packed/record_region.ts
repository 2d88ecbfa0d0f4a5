/**
 * The region of a small value: the value bytes of a record in a slab.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { BytesRef } from "../../base/byte_buffer.ts";
import type { Encoding, Entry } from "../memory/record.ts";
import type { Records } from "../memory/records.ts";
import type { Region } from "./region.ts";

/** The value of a record. One object is opened for one entry after another, so that editing allocates nothing. */
export class RecordRegion implements Region {
  #db: Records | undefined = undefined;
  #entry: Entry = 0;
  #encoding: Encoding = 0;
  #value: BytesRef = new BytesRef();

  /**
   * Points at the value of `entry`, which is held in its record, not in an object. Valid until the next
   * write to `db` other than through this region.
   *
   * @param encoding What the record says after the first {@linkcode RecordRegion.resize}.
   */
  open(db: Records, entry: Entry, encoding: Encoding): void {
    this.#db = db;
    this.#entry = entry;
    this.#encoding = encoding;
    db.valueRef(entry, this.#value);
  }

  /** Where the record is now: a resize may have moved it. */
  get entry(): Entry {
    return this.#entry;
  }

  /** The segment of the slab that the value lies in. */
  get bytes(): Uint8Array {
    return this.#value.bytes;
  }

  /** Offset of the value's first byte in its segment. */
  get start(): number {
    return this.#value.start;
  }

  /** Offset after the value's last byte in its segment. */
  get end(): number {
    return this.#value.end;
  }

  /** May move the record; then it gets `spare` bytes to grow into, a quarter of `length` unless told. */
  resize(length: number, spare?: number): void {
    const db = this.#db;
    assert(db !== undefined, "a region is opened before it is resized");
    this.#entry = db.resizeBlob(this.#entry, this.#encoding, length, spare);
    db.valueRef(this.#entry, this.#value);
    assert(this.end - this.start === length, "the record has the length asked for");
  }
}
