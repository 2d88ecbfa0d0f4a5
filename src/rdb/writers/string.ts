/**
 * Strings as they are written: one form in every version.
 *
 * @module
 */

import { BytesRef } from "../../base/byte_buffer.ts";
import { readString } from "../../store/types/string.ts";
import { Type } from "../format/opcodes.ts";
import type { RecordWriter } from "../format/record_writer.ts";
import { type ValueRest, type ValueWriter, writeBeginning } from "./writer.ts";

/**
 * A string of more bytes has a buffer of its own, which stays where it is until the string changes: only such a one can be
 * written in parts.
 */
const PARTED_BYTES: number = 1 << 24;

const ref: BytesRef = new BytesRef();

/** The rest of a very long string. */
class StringRest implements ValueRest {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at: number;

  /** Writes how many bytes follow; none of them yet. */
  constructor(writer: RecordWriter, bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
    writer.length(end - start);
  }

  writeOn(writer: RecordWriter, budgetBytes: number): boolean {
    const next = Math.min(this.#at + budgetBytes, this.#end);
    writer.out.writeBytes(this.#bytes, this.#at, next);
    this.#at = next;
    return next < this.#end;
  }
}

/**
 * Writes strings. One held as an integer is written as its text, which becomes an integer again.
 */
export const stringWriter: ValueWriter = {
  typeOf() {
    return Type.STRING;
  },
  write(writer, db, entry) {
    readString(db, entry, ref);
    const { bytes, start, end } = ref;
    if (end - start > PARTED_BYTES) {
      return writeBeginning(writer, new StringRest(writer, bytes, start, end));
    }
    writer.string(bytes, start, end);
    return undefined;
  },
};
