/**
 * Sets, written: in the blob they are held in where the version has it, else member by member.
 *
 * @module
 */

import { BytesRef } from "../../base/byte_buffer.ts";
import { Encoding, type Entry } from "../../store/memory/record.ts";
import { setEach, setLength } from "../../store/types/set.ts";
import { type SetTable, setTableOf } from "../../store/types/set_table.ts";
import { Type } from "../format/opcodes.ts";
import type { RecordWriter } from "../format/record_writer.ts";
import type { ValueRest, ValueWriter } from "./writer.ts";

/** From this version on there is SET_LISTPACK. */
const FIRST_LISTPACK_VERSION = 11;
/** What is written at once before the rest of a set is left for later. */
const FIRST_BYTES = 64 * 1024;

const blob = new BytesRef();

/** Members still to be written. */
class MembersRest implements ValueRest {
  readonly #large: SetTable;
  #cursor: number = 0;

  constructor(large: SetTable) {
    this.#large = large;
  }

  writeOn(writer: RecordWriter, budgetBytes: number): boolean {
    const enough = writer.out.length + budgetBytes;
    const { members } = this.#large;
    const look = (entry: Entry) => {
      this.#large.visit(entry, (bytes, start, end) => writer.string(bytes, start, end));
    };
    do {
      this.#cursor = members.scan(this.#cursor, look);
    } while (this.#cursor !== 0 && writer.out.length < enough);
    return this.#cursor !== 0;
  }
}

/** Every set, whatever its encoding. */
export const setWriter: ValueWriter = {
  typeOf(db, entry, version) {
    const encoding = db.encodingOf(entry);
    if (encoding === Encoding.INTSET) return Type.SET_INTSET;
    const isPacked = encoding === Encoding.LISTPACK && version >= FIRST_LISTPACK_VERSION;
    return isPacked ? Type.SET_LISTPACK : Type.SET;
  },
  write(writer, db, entry, version) {
    const large = setTableOf(db, entry);
    if (large !== undefined) {
      writer.length(large.size);
      const rest = new MembersRest(large);
      return rest.writeOn(writer, FIRST_BYTES) ? rest : undefined;
    }
    if (db.encodingOf(entry) === Encoding.INTSET || version >= FIRST_LISTPACK_VERSION) {
      db.valueRef(entry, blob);
      writer.string(blob.bytes, blob.start, blob.end);
      return undefined;
    }
    writer.length(setLength(db, entry));
    setEach(db, entry, (bytes, start, end) => writer.string(bytes, start, end));
    return undefined;
  },
};
