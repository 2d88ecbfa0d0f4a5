/**
 * A set of many or long members: records of its own without values, found by a table. Redis has a dict.
 *
 * @module
 */

import { BytesRef } from "../../base/byte_buffer.ts";
import { Records } from "../memory/records.ts";
import type { StoredObject } from "../memory/stored_object.ts";
import type { Entry } from "../memory/record.ts";
import type { StoreSettings } from "../memory/settings.ts";

/** Called with a member; the bytes are borrowed. */
export type SetVisitor = (bytes: Uint8Array, start: number, end: number) => void;

const member = new BytesRef();

/** Members in records. An entry is valid until the next write. */
export class SetTable implements StoredObject {
  /** The records of the members, each with an empty value. */
  readonly members: Records;

  /** Makes a table without members, under the settings of the keyspace. */
  constructor(settings: StoreSettings) {
    this.members = new Records(settings);
  }

  /** How many members there are. */
  get size(): number {
    return this.members.size;
  }

  /** Bytes of the table and the records. */
  get memoryBytes(): number {
    return this.members.memoryBytes;
  }

  /** Whether these bytes are a member. O(1). */
  has(bytes: Uint8Array, start: number, end: number): boolean {
    return this.members.find(bytes, start, end) !== 0;
  }

  /** Adds a member; false when it was there. */
  add(bytes: Uint8Array, start: number, end: number): boolean {
    return this.members.addKey(bytes, start, end);
  }

  /** Deletes a member; false when it was not there. */
  remove(bytes: Uint8Array, start: number, end: number): boolean {
    return this.members.remove(bytes, start, end);
  }

  /** Visits the member of an entry. */
  visit(entry: Entry, visit: SetVisitor): void {
    this.members.keyRef(entry, member);
    visit(member.bytes, member.start, member.end);
  }

  /** Visits every member, in no order. `visit` must not write. */
  each(visit: SetVisitor): void {
    let cursor = 0;
    const look = (entry: Entry) => this.visit(entry, visit);
    do cursor = this.members.scan(cursor, look); while (cursor !== 0);
  }

  /**
   * Visits about `count` members from a cursor on, 0 to begin with. Returns the next cursor, 0 at the end. Every
   * member is visited once where nothing is written between two calls. `visit` must not write.
   */
  some(cursor: number, count: number, visit: SetVisitor): number {
    let left = count;
    const look = (entry: Entry) => {
      left--;
      this.visit(entry, visit);
    };
    do cursor = this.members.scan(cursor, look); while (cursor !== 0 && left > 0);
    return cursor;
  }

  /** An independent copy. O(n). */
  copy(): SetTable {
    const copied = new SetTable(this.members.settings);
    copied.members.expand(this.size);
    this.each((bytes, start, end) => copied.add(bytes, start, end));
    return copied;
  }
}

/** The table of a set, undefined while its members are an intset or a listpack in its record. */
export function setTableOf(db: Records, entry: Entry): SetTable | undefined {
  return db.objectOf(entry) as SetTable | undefined;
}
