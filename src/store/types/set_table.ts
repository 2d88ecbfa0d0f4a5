/**
 * A set in its large form: a table of members of its own.
 *
 * @module
 */

import { BytesRef } from "../../base/byte_buffer.ts";
import { Records } from "../memory/records.ts";
import type { StoredObject } from "../memory/stored_object.ts";
import type { Entry } from "../memory/record.ts";
import type { StoreSettings } from "../memory/settings.ts";

/** Called with a member, borrowed. */
export type SetVisitor = (bytes: Uint8Array, start: number, end: number) => void;

const member = new BytesRef();

/** See the module's text. */
export class SetTable implements StoredObject {
  /** The members, each with nothing as its value. */
  readonly members: Records;

  /** @param settings Of the keyspace. */
  constructor(settings: StoreSettings) {
    this.members = new Records(settings);
  }

  /** How many members there are. */
  get size(): number {
    return this.members.size;
  }

  /** Bytes of table and records. */
  get memoryBytes(): number {
    return this.members.memoryBytes;
  }

  /** Whether there is such a member. */
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

  /** Visits one member. */
  visit(entry: Entry, visit: SetVisitor): void {
    this.members.keyRef(entry, member);
    visit(member.bytes, member.start, member.end);
  }

  /** Visits every member, in no order. */
  each(visit: SetVisitor): void {
    let cursor = 0;
    const look = (entry: Entry) => this.visit(entry, visit);
    do cursor = this.members.scan(cursor, look); while (cursor !== 0);
  }

  /** An independent copy. */
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
