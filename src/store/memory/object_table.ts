/**
 * The objects of one set of records by id, and their bytes together. Every look at an object may change it, so the ids
 * that were looked at are noted, and only those are counted again:
 *
 * ```text
 *  get(7)  get(2)  get(7)         noted: 7, 2        bytes as they were counted before
 *  countBytes()                   7 and 2 are asked  bytes are exact, nothing is noted
 * ```
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import type { StoredObject } from "./stored_object.ts";

/** No id: what was looked at last is not known. */
const NONE = -1;

/** Objects beside a slab, by the ids that their records hold. */
export class ObjectTable {
  readonly #objects: (StoredObject | undefined)[] = [];
  readonly #free: number[] = [];
  /** Bytes of each object when it was counted last; 0 for one that has not been. */
  readonly #counted: number[] = [];
  #bytes: number = 0;
  /** Ids that were looked at since their bytes were counted, each once. */
  readonly #noted: number[] = [];
  readonly #isNoted: boolean[] = [];
  /** The id noted last: commands look at one object several times in a row. */
  #last: number = NONE;

  /** Takes an object. Returns its id, that of one that is gone where there is one. */
  add(object: StoredObject): number {
    const id = this.#free.pop() ?? this.#objects.length;
    assert(this.#objects[id] === undefined, "an object's id is free");
    this.#objects[id] = object;
    this.#counted[id] = 0;
    if (id === this.#isNoted.length) this.#isNoted.push(false);
    this.#note(id);
    return id;
  }

  /** The object of an id; whoever gets it may change it. */
  get(id: number): StoredObject | undefined {
    if (id !== this.#last) this.#note(id);
    return this.#objects[id];
  }

  /** Forgets an object; its id is free. */
  remove(id: number): void {
    assert(this.#objects[id] !== undefined, "a record's object is there");
    this.#objects[id] = undefined;
    this.#bytes -= this.#counted[id];
    this.#counted[id] = 0;
    this.#free.push(id);
    assert(this.#bytes >= 0, "no more bytes go than were counted");
  }

  /** Calls back with each object, in no order; it must not be changed. */
  each(visit: (object: StoredObject) => void): void {
    for (const object of this.#objects) if (object !== undefined) visit(object);
  }

  /** Bytes of all objects. O(objects that were looked at since the last call). */
  countBytes(): number {
    const noted = this.#noted;
    if (noted.length === 0) return this.#bytes;
    let bytes = this.#bytes;
    for (const id of noted) {
      this.#isNoted[id] = false;
      const held = this.#objects[id]?.memoryBytes ?? 0;
      bytes += held - this.#counted[id];
      this.#counted[id] = held;
    }
    noted.length = 0;
    this.#last = NONE;
    return this.#bytes = bytes;
  }

  #note(id: number): void {
    this.#last = id;
    if (this.#isNoted[id]) return;
    this.#isNoted[id] = true;
    this.#noted.push(id);
  }
}
