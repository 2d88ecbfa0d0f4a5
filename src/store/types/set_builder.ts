/**
 * Builds a set from members that come one by one, as `rdb.c` does when it loads one: an intset while all
 * are integers, then a listpack, a {@linkcode SetTable} beyond the limits.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { ByteBuffer } from "../../base/byte_buffer.ts";
import { INTSET_EMPTY, intsetAdd, isIntsetMember } from "../packed/intset.ts";
import { eachMember } from "./set_members.ts";
import { SetTable } from "./set_table.ts";
import {
  LISTPACK_HEADER,
  lpAppendTo,
  lpBegin,
  lpFind,
  lpFinish,
  lpMarkEnd,
} from "../packed/listpack.ts";
import { Encoding } from "../memory/record.ts";
import { BufferRegion } from "../packed/region.ts";
import type { StoreSettings } from "../memory/settings.ts";

/** Bytes of memory that a buffer keeps between two sets. */
const KEPT_BYTES = 1 << 16;
/** A table is made ready for no more members than this: that a snapshot says so costs it nothing. */
const MOST_EXPECTED = 1 << 16;

/** Builds one set after another: `begin`, `add` for each member, `finish`. */
export class SetBuilder {
  /** The encoding of the set, as it is now. */
  encoding: Encoding = Encoding.INTSET;
  /** How many members were added. */
  size: number = 0;
  #settings: StoreSettings | undefined = undefined;
  #integers: BufferRegion = new BufferRegion();
  #listpack: ByteBuffer = new ByteBuffer();
  #large: SetTable | undefined = undefined;
  /** Bytes of the longest member: integers count, as they may have to go into a listpack. */
  #longest: number = 0;

  /** Bytes of the set that is being put together, once it is a large one. */
  get heldBytes(): number {
    return this.#large?.memoryBytes ?? 0;
  }

  /** Begins a set that is said to have `expected` members, and forgets what was built before. */
  begin(settings: StoreSettings, expected: number): void {
    const { setMaxIntsetEntries, setMaxListpackEntries } = settings.limits;
    this.#settings = settings;
    this.#large = undefined;
    this.#longest = 0;
    this.size = 0;
    this.encoding = Encoding.INTSET;
    this.#integers.buffer.shrink(KEPT_BYTES);
    this.#integers.buffer.writeBytes(INTSET_EMPTY);
    if (expected > Math.max(setMaxIntsetEntries, setMaxListpackEntries)) {
      this.#enlarge().members.expand(Math.min(expected, MOST_EXPECTED));
    }
  }

  /**
   * Adds a member.
   *
   * @param bytes The caller's own, and no text that an intset or a listpack has lent.
   * @returns False, and nothing added, when it was there already.
   */
  add(bytes: Uint8Array, start: number, end: number): boolean {
    if (end - start > this.#longest) this.#longest = end - start;
    const isNew = this.#add(bytes, start, end);
    if (isNew) this.size++;
    assert(this.#large === undefined || this.#large.size === this.size, "members are counted");
    return isNew;
  }

  /** Ends the set. Returns it if it is a large one; undefined: it is the bytes of `blob`. */
  finish(): SetTable | undefined {
    if (this.encoding === Encoding.LISTPACK) lpFinish(this.#listpack, 0, this.size);
    return this.#large;
  }

  /** After `finish` has returned undefined: the set, in the form that `encoding` says. */
  get blob(): ByteBuffer {
    return this.encoding === Encoding.INTSET ? this.#integers.buffer : this.#listpack;
  }

  /** Adds a member to whatever form takes it. */
  #add(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#large !== undefined) return this.#large.add(bytes, start, end);
    if (this.encoding === Encoding.INTSET && isIntsetMember(bytes, start, end)) {
      return intsetAdd(this.#integers, bytes, start, end);
    }
    const { setMaxListpackEntries, setMaxListpackValue } = this.#settings!.limits;
    if (this.size >= setMaxListpackEntries || this.#longest > setMaxListpackValue) {
      return this.#enlarge().add(bytes, start, end);
    }
    if (this.encoding === Encoding.INTSET) this.#pack();
    const listpack = this.#listpack;
    lpMarkEnd(listpack);
    if (lpFind(listpack.bytes, LISTPACK_HEADER, bytes, start, end, 0) >= 0) return false;
    lpAppendTo(listpack, bytes, start, end);
    return true;
  }

  /** Makes the intset a listpack, its members in order. */
  #pack(): void {
    this.encoding = Encoding.LISTPACK;
    const listpack = this.#listpack;
    listpack.shrink(KEPT_BYTES);
    lpBegin(listpack);
    eachMember(this.#integers.bytes, 0, Encoding.INTSET, (bytes, start, end) => {
      lpAppendTo(listpack, bytes, start, end);
    });
  }

  /** Moves the members to a table. */
  #enlarge(): SetTable {
    const large = new SetTable(this.#settings!);
    const { blob } = this;
    if (this.encoding === Encoding.LISTPACK) lpMarkEnd(blob);
    eachMember(blob.bytes, 0, this.encoding, (bytes, start, end) => large.add(bytes, start, end));
    this.encoding = Encoding.HASHTABLE;
    this.#large = large;
    return large;
  }
}
