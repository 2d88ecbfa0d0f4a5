/**
 * Sets. What fits a smaller form gets it, as `rdb.c` does: an intset for integers alone (512 of
 * them unless configured), else a listpack (128 members of up to 64 bytes), else a table.
 *
 * ```text
 *    2  SET           n, n members
 *   11  SET_INTSET    intset: sorted integers
 *   20  SET_LISTPACK  listpack of members                               since Redis 7.2
 * ```
 *
 * @module
 */

import { BytesRef } from "../../base/byte_buffer.ts";
import { Encoding, ValueType } from "../../store/memory/record.ts";
import { intsetCheck, intsetLength, intsetRead } from "../../store/packed/intset.ts";
import { lpFirst, lpIsEnd, lpLength, lpNext, lpRead } from "../../store/packed/listpack.ts";
import { SetBuilder } from "../../store/types/set_builder.ts";
import { SetTable } from "../../store/types/set_table.ts";
import { type DecodeContext, NONE } from "../format/context.ts";
import type { StringSlot } from "../format/string_slot.ts";
import { hasDuplicates } from "./duplicates.ts";
import { type Element, type ElementRow, typeRow } from "./element.ts";
import { PackedBlob } from "./packed_blob.ts";

/** The message that refuses a set two of whose members are the same, as Redis does. */
const DUPLICATE_MEMBER = "Set has a member twice";

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

  get heldBytes(): number {
    return this.#builder.heldBytes;
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
      if (!isNew) reader.fail(DUPLICATE_MEMBER);
      this.#left--;
    }
    this.#left = NONE;
    // rdb.c rdbLoadObject, emptykey: a set without members is no key.
    if (this.#builder.size > 0) this.#store();
    return true;
  }

  #store(): void {
    const context = this.#context;
    const builder = this.#builder;
    const large = builder.finish();
    if (large !== undefined) {
      return context.storeObject(ValueType.SET, Encoding.HASHTABLE, large);
    }
    const { blob, encoding } = builder;
    context.storeBlob(ValueType.SET, encoding, blob.bytes, 0, blob.length);
  }
}

/**
 * Members in one intset: type 11. Sorted integers cannot repeat, so there is no look for
 * duplicates.
 */
class IntsetSet implements Element {
  readonly #context: DecodeContext;
  readonly #blob: StringSlot;

  constructor(context: DecodeContext) {
    this.#context = context;
    this.#blob = context.newSlot();
  }

  read(): boolean {
    const context = this.#context;
    const { reader, sink } = context;
    if (!reader.readString(this.#blob)) return false;
    const { bytes, start, end } = this.#blob;
    reader.failIf(intsetCheck(bytes, start, end));
    const count = intsetLength(bytes, start);
    if (count <= sink.settings.limits.setMaxIntsetEntries) {
      context.storeBlob(ValueType.SET, Encoding.INTSET, bytes, start, end);
      return true;
    }
    const large = new SetTable(sink.settings);
    for (let i = 0; i < count; i++) {
      intsetRead(bytes, start, i, member);
      large.add(member.bytes, member.start, member.end);
    }
    context.storeObject(ValueType.SET, Encoding.HASHTABLE, large);
    return true;
  }
}

/** Members in one listpack: type 20. */
class ListpackSet implements Element {
  readonly #context: DecodeContext;
  readonly #blob: PackedBlob;

  constructor(context: DecodeContext) {
    this.#context = context;
    this.#blob = new PackedBlob(context, false, false);
  }

  read(): boolean {
    const blob = this.#blob;
    if (!blob.read()) return false;
    blob.check();
    this.#store(blob);
    return true;
  }

  #store({ bytes, start, end }: PackedBlob): void {
    const context = this.#context;
    const { reader, sink } = context;
    const count = lpLength(bytes, start, end);
    if (count === 0) return;
    if (count <= sink.settings.limits.setMaxListpackEntries) {
      if (hasDuplicates(bytes, start, count, 1)) reader.fail(DUPLICATE_MEMBER);
      return context.storeBlob(ValueType.SET, Encoding.LISTPACK, bytes, start, end);
    }
    const large = new SetTable(sink.settings);
    for (let pos = lpFirst(bytes, start); !lpIsEnd(bytes, pos); pos = lpNext(bytes, pos)) {
      lpRead(bytes, pos, member);
      const isNew = large.add(member.bytes, member.start, member.end);
      if (!isNew) reader.fail(DUPLICATE_MEMBER);
    }
    context.storeObject(ValueType.SET, Encoding.HASHTABLE, large);
  }
}

/** Types that both dialects know. */
export const setRows: readonly ElementRow[] = [
  typeRow("SET", (context) => new PlainSet(context)),
  typeRow("SET_INTSET", (context) => new IntsetSet(context)),
  typeRow("SET_LISTPACK", (c) => new ListpackSet(c)),
];
