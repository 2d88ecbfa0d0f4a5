/**
 * Strings as they are written: one form in every version.
 *
 * @module
 */

import { BytesRef } from "../../base/byte_buffer.ts";
import { readString } from "../../store/types/string.ts";
import { Type } from "../format/opcodes.ts";
import type { ValueWriter } from "./writer.ts";

const ref: BytesRef = new BytesRef();

/**
 * Writes strings. One held as an integer is written as its text, which becomes an integer again.
 */
export const stringWriter: ValueWriter = {
  typeOf() {
    return Type.STRING;
  },
  write(writer, db, entry) {
    readString(db, entry, ref);
    writer.string(ref.bytes, ref.start, ref.end);
    return undefined;
  },
};
