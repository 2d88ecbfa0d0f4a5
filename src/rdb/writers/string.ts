/**
 * Strings, written.
 *
 * @module
 */

import { BytesRef } from "../../base/byte_buffer.ts";
import { readString } from "../../store/types/string.ts";
import { Type } from "../format/opcodes.ts";
import type { ValueWriter } from "./writer.ts";

const ref: BytesRef = new BytesRef();

/** Every string, whatever its encoding. */
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
