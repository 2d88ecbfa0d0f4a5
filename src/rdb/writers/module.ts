/**
 * Values that are not looked into, as they are written: the bytes they were read from, to the byte.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import type { Database } from "../../store/keyspace/database.ts";
import type { Entry } from "../../store/memory/record.ts";
import { ARRAY_TYPE, GCRA_TYPE, ModuleValue } from "../../store/types/module.ts";
import { Type } from "../format/opcodes.ts";
import type { RecordWriter } from "../format/record_writer.ts";
import { type ValueRest, type ValueWriter, writeBeginning } from "./writer.ts";

/** A payload that is still to be written, from `#written` on. */
class PayloadRest implements ValueRest {
  readonly #payload: Uint8Array;
  #written: number = 0;

  constructor(payload: Uint8Array) {
    this.#payload = payload;
  }

  writeOn(writer: RecordWriter, budgetBytes: number): boolean {
    const end = Math.min(this.#written + budgetBytes, this.#payload.length);
    writer.out.writeBytes(this.#payload, this.#written, end);
    this.#written = end;
    return end < this.#payload.length;
  }
}

/**
 * Writes kept values. They have one form whatever the version; a server without the module refuses
 * it.
 */
export const moduleWriter: ValueWriter = {
  typeOf(db, entry) {
    switch (valueOf(db, entry).module) {
      case ARRAY_TYPE:
        return Type.ARRAY;
      case GCRA_TYPE:
        return Type.GCRA;
      default:
        return Type.MODULE_2;
    }
  },
  write(writer, db, entry) {
    return writeBeginning(writer, new PayloadRest(payloadOf(db, entry)));
  },
};

/** The bytes of a value: whoever writes one has asked whether they are known. */
function payloadOf(db: Database, entry: Entry): Uint8Array {
  const { payload } = valueOf(db, entry);
  assert(payload !== undefined, "the bytes of the value are known");
  return payload;
}

function valueOf(db: Database, entry: Entry): ModuleValue {
  const value = db.objectOf(entry);
  assert(value instanceof ModuleValue, "a module's value is an object");
  return value;
}
