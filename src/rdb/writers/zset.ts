/**
 * Sorted sets, written: a listpack where the version has one, else members and binary scores, which
 * every version since 8 reads, the highest first as Redis writes them.
 *
 * @module
 */

import { BytesRef } from "../../base/byte_buffer.ts";
import { zsetEachRange, zsetLength } from "../../store/types/zset.ts";
import { type MemberVisitor, type ZsetTable, zsetTableOf } from "../../store/types/zset_table.ts";
import { Type } from "../format/opcodes.ts";
import type { RecordWriter } from "../format/record_writer.ts";
import type { ValueRest, ValueWriter } from "./writer.ts";

/** From this version on there is ZSET_LISTPACK. */
const FIRST_LISTPACK_VERSION = 10;
/** What is written at once before the rest of a sorted set is left for later. */
const FIRST_BYTES = 64 * 1024;
/** Members between two looks at the budget. */
const STEP_MEMBERS = 256;

const ref = new BytesRef();
const score8 = new Uint8Array(8);
const scoreView = new DataView(score8.buffer);

function pairWriter(writer: RecordWriter): MemberVisitor {
  return (bytes, start, end, score) => {
    writer.string(bytes, start, end);
    scoreView.setFloat64(0, score, true);
    writer.out.writeBytes(score8, 0, 8);
  };
}

/** Members still to be written. */
class MembersRest implements ValueRest {
  readonly #set: ZsetTable;
  #left: number;

  constructor(set: ZsetTable) {
    this.#set = set;
    this.#left = set.size;
  }

  writeOn(writer: RecordWriter, budgetBytes: number): boolean {
    const enough = writer.out.length + budgetBytes;
    const visit = pairWriter(writer);
    while (this.#left > 0 && writer.out.length < enough) {
      const count = Math.min(STEP_MEMBERS, this.#left);
      this.#set.each(this.#left - 1, count, true, visit);
      this.#left -= count;
    }
    return this.#left > 0;
  }
}

/** Every sorted set, whatever its encoding. */
export const zsetWriter: ValueWriter = {
  typeOf(db, entry, version) {
    const isPacked = version >= FIRST_LISTPACK_VERSION && db.objectOf(entry) === undefined;
    return isPacked ? Type.ZSET_LISTPACK : Type.ZSET_2;
  },
  write(writer, db, entry, version) {
    const set = zsetTableOf(db, entry);
    if (set !== undefined) {
      writer.length(set.size);
      const rest = new MembersRest(set);
      return rest.writeOn(writer, FIRST_BYTES) ? rest : undefined;
    }
    if (version >= FIRST_LISTPACK_VERSION) {
      db.valueRef(entry, ref);
      writer.string(ref.bytes, ref.start, ref.end);
      return undefined;
    }
    const length = zsetLength(db, entry);
    writer.length(length);
    zsetEachRange(db, entry, length - 1, length, true, pairWriter(writer));
    return undefined;
  },
};
