/**
 * Sets as they are written: in the blob they are held in where the version has that form, else
 * member by member. The layouts are drawn in `elements/set.ts`.
 *
 * @module
 */

import { Encoding, type Entry } from "../../store/memory/record.ts";
import { setEach, setLength } from "../../store/types/set.ts";
import { type SetTable, setTableOf } from "../../store/types/set_table.ts";
import { Type } from "../format/opcodes.ts";
import type { RecordWriter } from "../format/record_writer.ts";
import { FIRST_SET_LISTPACK_VERSION } from "../format/version.ts";
import { type ValueRest, type ValueWriter, writeBeginning, writeBlob } from "./writer.ts";

/** Members of a table that are still to be written. */
class MembersRest implements ValueRest {
  readonly #table: SetTable;
  #cursor: number = 0;

  constructor(table: SetTable) {
    this.#table = table;
  }

  writeOn(writer: RecordWriter, budgetBytes: number): boolean {
    const enough = writer.out.length + budgetBytes;
    const { members } = this.#table;
    const write = (entry: Entry) => {
      this.#table.visit(entry, (bytes, start, end) => writer.string(bytes, start, end));
    };
    do {
      this.#cursor = members.scan(this.#cursor, write);
    } while (this.#cursor !== 0 && writer.out.length < enough);
    return this.#cursor !== 0;
  }
}

/**
 * Writes sets. Every version reads intsets; before Redis 7.2 a listpack is written as its members.
 */
export const setWriter: ValueWriter = {
  typeOf(db, entry, version) {
    const encoding = db.encodingOf(entry);
    if (encoding === Encoding.INTSET) return Type.SET_INTSET;
    const isPacked = encoding === Encoding.LISTPACK && version >= FIRST_SET_LISTPACK_VERSION;
    return isPacked ? Type.SET_LISTPACK : Type.SET;
  },
  write(writer, db, entry, version) {
    const table = setTableOf(db, entry);
    if (table !== undefined) {
      writer.length(table.size);
      return writeBeginning(writer, new MembersRest(table));
    }
    if (db.encodingOf(entry) === Encoding.INTSET || version >= FIRST_SET_LISTPACK_VERSION) {
      return writeBlob(writer, db, entry);
    }
    writer.length(setLength(db, entry));
    setEach(db, entry, (bytes, start, end) => writer.string(bytes, start, end));
    return undefined;
  },
};
