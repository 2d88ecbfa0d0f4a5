/**
 * Collects the members of a new set, in the form `set.ts` would hold them: sorted integers while there
 * is nothing else, then a listpack, a {@linkcode SetTable} beyond the limits. As `rdb.c` loads one.
 *
 * @module
 */

import { ByteBuffer, BytesRef } from "../../base/byte_buffer.ts";
import { INTSET_EMPTY, intsetAdd, intsetRead, isIntsetMember } from "../packed/intset.ts";
import { SetTable } from "./set_table.ts";
import {
  LISTPACK_HEADER,
  lpAppendTo,
  lpBegin,
  lpFind,
  lpFinish,
  lpNext,
  lpRead,
} from "../packed/listpack.ts";
import { Encoding } from "../memory/record.ts";
import { BufferRegion } from "../packed/region.ts";
import type { StoreSettings } from "../memory/settings.ts";

const END = 0xff;
/** Memory that is kept between two sets. */
const KEPT_BYTES = 1 << 16;
/** Prepares for no more members than this on somebody's word. */
const MOST_EXPECTED = 1 << 16;

const member = new BytesRef();

/** See the module's text. */
export class SetBuilder {
  /** How the set is held. */
  encoding: Encoding = Encoding.INTSET;
  /** Members so far. */
  size: number = 0;
  #settings: StoreSettings | undefined = undefined;
  #integers: BufferRegion = new BufferRegion();
  #listpack: ByteBuffer = new ByteBuffer();
  #large: SetTable | undefined = undefined;
  #longest: number = 0;

  /** Begins a set that says it has `expected` members. */
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
   * Adds a member; false when it was there already.
   *
   * @param bytes The caller's own: no text that an intset or a listpack has lent.
   */
  add(bytes: Uint8Array, start: number, end: number): boolean {
    if (end - start > this.#longest) this.#longest = end - start;
    const isNew = this.#add(bytes, start, end);
    if (isNew) this.size++;
    return isNew;
  }

  /** The set when it is a large one; undefined: it is the bytes of {@linkcode blob}. */
  finish(): SetTable | undefined {
    if (this.encoding === Encoding.LISTPACK) lpFinish(this.#listpack, 0, this.size);
    return this.#large;
  }

  /** The small form, once `finish` has answered that there is no large one. */
  get blob(): ByteBuffer {
    return this.encoding === Encoding.INTSET ? this.#integers.buffer : this.#listpack;
  }

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
    // The end byte is where the next member is written.
    listpack.writeByte(END);
    listpack.length--;
    if (lpFind(listpack.bytes, LISTPACK_HEADER, bytes, start, end, 0) >= 0) return false;
    lpAppendTo(listpack, bytes, start, end);
    return true;
  }

  /** From an intset to a listpack, in order. */
  #pack(): void {
    this.encoding = Encoding.LISTPACK;
    this.#listpack.shrink(KEPT_BYTES);
    lpBegin(this.#listpack);
    const { bytes } = this.#integers;
    for (let i = 0; i < this.size; i++) {
      intsetRead(bytes, 0, i, member);
      lpAppendTo(this.#listpack, member.bytes, member.start, member.end);
    }
  }

  #enlarge(): SetTable {
    const large = new SetTable(this.#settings!);
    const { bytes } = this.blob;
    let pos = LISTPACK_HEADER;
    for (let i = 0; i < this.size; i++) {
      if (this.encoding === Encoding.INTSET) intsetRead(bytes, 0, i, member);
      else lpRead(bytes, pos, member);
      large.add(member.bytes, member.start, member.end);
      if (this.encoding === Encoding.LISTPACK) pos = lpNext(bytes, pos);
    }
    this.encoding = Encoding.HASHTABLE;
    this.#large = large;
    return large;
  }
}
