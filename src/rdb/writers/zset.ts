/**
 * Sorted sets as they are written: a listpack where the version has that form, else members with
 * binary scores, which every version since 8 reads. The layouts are drawn in `elements/zset.ts`.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { zsetEachRange, zsetLength } from "../../store/types/zset.ts";
import { type MemberVisitor, type ZsetTable, zsetTableOf } from "../../store/types/zset_table.ts";
import { Type } from "../format/opcodes.ts";
import type { RecordWriter } from "../format/record_writer.ts";
import { FIRST_LISTPACK_VERSION } from "../format/version.ts";
import { type ValueRest, type ValueWriter, writeBeginning, writeBlob } from "./writer.ts";

/**
 * Members between two looks at the budget: a look at each would cost as much as short members do.
 */
const STEP_MEMBERS = 256;

function pairWriter(writer: RecordWriter): MemberVisitor {
  return (bytes, start, end, score) => {
    writer.string(bytes, start, end);
    writer.double(score);
  };
}

/**
 * Members of a table that are still to be written, from the highest score down (`rdb.c
 * rdbSaveObject`).
 */
class MembersRest implements ValueRest {
  readonly #table: ZsetTable;
  #left: number;

  constructor(table: ZsetTable) {
    this.#table = table;
    this.#left = table.size;
  }

  writeOn(writer: RecordWriter, budgetBytes: number): boolean {
    assert(this.#left <= this.#table.size, "a value does not change before it is whole");
    const enough = writer.out.length + budgetBytes;
    const visit = pairWriter(writer);
    while (this.#left > 0 && writer.out.length < enough) {
      const count = Math.min(STEP_MEMBERS, this.#left);
      this.#table.each(this.#left - 1, count, true, visit);
      this.#left -= count;
    }
    return this.#left > 0;
  }
}

/** Writes sorted sets. Before Redis 7.0 a listpack is written as its members and scores. */
export const zsetWriter: ValueWriter = {
  typeOf(db, entry, version) {
    const isPacked = version >= FIRST_LISTPACK_VERSION && zsetTableOf(db, entry) === undefined;
    return isPacked ? Type.ZSET_LISTPACK : Type.ZSET_2;
  },
  write(writer, db, entry, version) {
    const table = zsetTableOf(db, entry);
    if (table !== undefined) {
      writer.length(table.size);
      return writeBeginning(writer, new MembersRest(table));
    }
    if (version >= FIRST_LISTPACK_VERSION) return writeBlob(writer, db, entry);
    const length = zsetLength(db, entry);
    writer.length(length);
    zsetEachRange(db, entry, length - 1, length, true, pairWriter(writer));
    return undefined;
  },
};
