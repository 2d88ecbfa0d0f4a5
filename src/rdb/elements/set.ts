/**
 * Sets, read: member by member, as an intset, as a listpack since Redis 7.2. What fits a smaller form
 * gets it, as `rdb.c` does.
 *
 * @module
 */

import { BytesRef } from "../../base/byte_buffer.ts";
import { intsetCheck, intsetLength, intsetRead } from "../../store/packed/intset.ts";
import { Encoding, ValueType } from "../../store/memory/record.ts";
import { lpFirst, lpIsEnd, lpLength, lpNext, lpRead } from "../../store/packed/listpack.ts";
import { lpCheck } from "../../store/packed/listpack_check.ts";
import { SetTable } from "../../store/types/set_table.ts";
import { SetBuilder } from "../../store/types/set_builder.ts";
import type { DecodeContext, Element, ElementRow } from "../format/context.ts";
import { NONE } from "../format/context.ts";
import { Type } from "../format/opcodes.ts";
import type { StringSlot } from "../format/chunk_reader.ts";
import { storeBlob, storeObject } from "./store.ts";
import { hasDuplicates } from "./duplicates.ts";

const member = new BytesRef();

/** Members one by one: type 2. */
class PlainSet implements Element {
  readonly #context: DecodeContext;
  readonly #member: StringSlot;
  readonly #builder: SetBuilder = new SetBuilder();
  #left: number = NONE;

  constructor(context: DecodeContext) {
    this.#context = context;
    this.#member = context.newSlot();
  }

  read(): boolean {
    const { reader, sink } = this.#context;
    if (this.#left === NONE) {
      if (!reader.readLength()) return false;
      this.#left = reader.length;
      this.#builder.begin(sink.settings, reader.length);
    }
    const member = this.#member;
    while (this.#left > 0) {
      if (!reader.readString(member)) return false;
      const isNew = this.#builder.add(member.bytes, member.start, member.end);
      if (!isNew) reader.fail("Set has a member twice");
      this.#left--;
    }
    this.#left = NONE;
    // rdb.c, empty keys: a set without members is no key.
    if (this.#builder.size > 0) this.#store();
    return true;
  }

  #store(): void {
    const builder = this.#builder;
    const large = builder.finish();
    if (large !== undefined) {
      return storeObject(this.#context, ValueType.SET, Encoding.HASHTABLE, large);
    }
    const { blob, encoding } = builder;
    storeBlob(this.#context, ValueType.SET, encoding, blob.bytes, 0, blob.length);
  }
}

/** Members in one blob: types 11 and 20. */
class PackedSet implements Element {
  readonly #context: DecodeContext;
  readonly #isIntset: boolean;
  readonly #blob: StringSlot;

  constructor(context: DecodeContext, isIntset: boolean) {
    this.#context = context;
    this.#isIntset = isIntset;
    this.#blob = context.newSlot();
  }

  read(): boolean {
    const { reader } = this.#context;
    if (!reader.readString(this.#blob)) return false;
    if (this.#isIntset) this.#storeIntset();
    else this.#storeListpack();
    return true;
  }

  #storeIntset(): void {
    const { reader, sink } = this.#context;
    const { bytes, start, end } = this.#blob;
    const wrong = intsetCheck(bytes, start, end);
    if (wrong !== undefined) reader.fail(wrong);
    const count = intsetLength(bytes, start);
    if (count <= sink.settings.limits.setMaxIntsetEntries) {
      return storeBlob(this.#context, ValueType.SET, Encoding.INTSET, bytes, start, end);
    }
    const large = new SetTable(sink.settings);
    for (let i = 0; i < count; i++) {
      intsetRead(bytes, start, i, member);
      large.add(member.bytes, member.start, member.end);
    }
    storeObject(this.#context, ValueType.SET, Encoding.HASHTABLE, large);
  }

  #storeListpack(): void {
    const { reader, sink } = this.#context;
    const { bytes, start, end } = this.#blob;
    const wrong = lpCheck(bytes, start, end, false);
    if (wrong !== undefined) reader.fail(wrong);
    const count = lpLength(bytes, start, end);
    if (count === 0) return;
    if (count <= sink.settings.limits.setMaxListpackEntries) {
      if (hasDuplicates(bytes, start, count, 1)) reader.fail("Set has a member twice");
      return storeBlob(this.#context, ValueType.SET, Encoding.LISTPACK, bytes, start, end);
    }
    const large = new SetTable(sink.settings);
    for (let pos = lpFirst(bytes, start); !lpIsEnd(bytes, pos); pos = lpNext(bytes, pos)) {
      lpRead(bytes, pos, member);
      const isNew = large.add(member.bytes, member.start, member.end);
      if (!isNew) reader.fail("Set has a member twice");
    }
    storeObject(this.#context, ValueType.SET, Encoding.HASHTABLE, large);
  }
}

/** Types that both dialects know. */
export const setRows: readonly ElementRow[] = [
  { number: Type.SET, name: "SET", create: (context) => new PlainSet(context) },
  {
    number: Type.SET_INTSET,
    name: "SET_INTSET",
    create: (context) => new PackedSet(context, true),
  },
  { number: Type.SET_LISTPACK, name: "SET_LISTPACK", create: (f) => new PackedSet(f, false) },
];
