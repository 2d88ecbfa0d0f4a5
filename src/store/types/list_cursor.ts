/**
 * Reading a list in either form: elements by index, and from one to the next.
 *
 * @module
 */

import { equalBytes } from "../../base/ascii.ts";
import { assert } from "../../base/assert.ts";
import { BytesRef } from "../../base/byte_buffer.ts";
import { type Entry, ValueType } from "../memory/record.ts";
import type { Records } from "../memory/records.ts";
import {
  LISTPACK_EMPTY,
  lpEquals,
  lpIsEnd,
  lpIsInteger,
  lpLength,
  lpNext,
  lpPrev,
  lpRead,
  lpSeek,
} from "../packed/listpack.ts";
import { NodePlace } from "../packed/node_chain.ts";
import type { Quicklist } from "../packed/quicklist.ts";

/** The quicklist of a list, undefined while the list is one listpack in its record. */
export function quicklistOf(db: Records, entry: Entry): Quicklist | undefined {
  assert(db.typeOf(entry) === ValueType.LIST, "the value is a list");
  return db.objectOf(entry) as Quicklist | undefined;
}

/**
 * A place in a list, from which its element is read and its neighbours are reached. It is opened for one
 * list after another, and valid until the next write to the records.
 */
export class ListCursor {
  /** Undefined where the list is one listpack. */
  #quicklist: Quicklist | undefined = undefined;
  /** Where the node stands that the cursor is in. */
  readonly #place: NodePlace = new NodePlace();
  readonly #value: BytesRef = new BytesRef();
  /** The listpack, or the plain element, that the cursor is in: `[#start, #end)` of these bytes. */
  #bytes: Uint8Array = LISTPACK_EMPTY;
  #start: number = 0;
  #end: number = LISTPACK_EMPTY.length;
  /** Position of the element in a listpack; -1 before the first `seek`. */
  #pos: number = -1;
  #plain: boolean = false;
  #length: number = 0;

  /** Opens the list of an entry; the cursor is at no element before {@linkcode ListCursor.seek}. */
  open(db: Records, entry: Entry): void {
    this.#pos = -1;
    this.#quicklist = quicklistOf(db, entry);
    if (this.#quicklist !== undefined) {
      this.#length = this.#quicklist.count;
      return;
    }
    const ref = this.#value;
    db.valueRef(entry, ref);
    this.#bytes = ref.bytes;
    this.#start = ref.start;
    this.#end = ref.end;
    this.#plain = false;
    this.#length = lpLength(ref.bytes, ref.start, ref.end);
  }

  /** How many elements the list has. */
  get length(): number {
    return this.#length;
  }

  /** Goes to the element at `index`, which counts from the tail when negative; false when there is none. */
  seek(index: number): boolean {
    if (index < 0) index += this.#length;
    if (!(index >= 0 && index < this.#length)) return false;
    const quicklist = this.#quicklist;
    if (quicklist !== undefined) {
      quicklist.seek(index, this.#place);
      this.#enterNode(quicklist, this.#place.offset);
    } else {
      this.#pos = lpSeek(this.#bytes, this.#start, this.#end, index);
    }
    return true;
  }

  /** Goes to the next element; false, and it stays where it is, at the last. */
  next(): boolean {
    if (!this.#plain) {
      const pos = lpNext(this.#bytes, this.#pos);
      if (!lpIsEnd(this.#bytes, pos)) {
        this.#pos = pos;
        return true;
      }
    }
    const quicklist = this.#quicklist;
    if (quicklist === undefined || !quicklist.nextNode(this.#place)) return false;
    this.#enterNode(quicklist, 0);
    return true;
  }

  /** Goes to the previous element; false, and it stays where it is, at the first. */
  previous(): boolean {
    if (!this.#plain) {
      const pos = lpPrev(this.#bytes, this.#start, this.#pos);
      if (pos >= 0) {
        this.#pos = pos;
        return true;
      }
    }
    const quicklist = this.#quicklist;
    if (quicklist === undefined || !quicklist.previousNode(this.#place)) return false;
    this.#enterNode(quicklist, -1);
    return true;
  }

  /** Points `out` at the element's text; an integer's is valid until the fourth read of one after it. */
  read(out: BytesRef): void {
    if (this.#plain) out.set(this.#bytes, this.#start, this.#end);
    else lpRead(this.#bytes, this.#pos, out);
  }

  /** Whether the element has the text `bytes[start, end)`. */
  equals(bytes: Uint8Array, start: number, end: number): boolean {
    return elementEquals(this.#bytes, this.#pos, this.#plain, this.#end, bytes, start, end);
  }

  /** Whether the element is held as an integer. */
  get isInteger(): boolean {
    return !this.#plain && lpIsInteger(this.#bytes, this.#pos);
  }

  /** Enters the node that the place is at; `offset` counts its elements, from the tail when negative. */
  #enterNode(quicklist: Quicklist, offset: number): void {
    const node = quicklist.nodeAt(this.#place);
    const { region } = node;
    this.#bytes = region.bytes;
    this.#start = 0;
    this.#end = region.end;
    this.#plain = node.plain;
    this.#pos = node.plain ? 0 : lpSeek(region.bytes, 0, region.end, offset);
  }
}

/**
 * Whether an element has the text `other[start, end)`.
 *
 * @param plain Whether the element is all of `bytes[0, plainEnd)`, and not an entry of a listpack at `pos`.
 */
export function elementEquals(
  bytes: Uint8Array,
  pos: number,
  plain: boolean,
  plainEnd: number,
  other: Uint8Array,
  start: number,
  end: number,
): boolean {
  if (plain) return equalBytes(bytes, 0, plainEnd, other, start, end);
  return lpEquals(bytes, pos, other, start, end);
}
