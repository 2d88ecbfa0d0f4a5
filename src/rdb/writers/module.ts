/**
 * Values that are not looked into, written: as they were read.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import type { Database } from "../../store/keyspace/database.ts";
import type { Entry } from "../../store/memory/record.ts";
import { ARRAY_TYPE, GCRA_TYPE, ModuleValue } from "../../store/types/module.ts";
import { Type } from "../format/opcodes.ts";
import type { RecordWriter } from "../format/record_writer.ts";
import type { ValueRest, ValueWriter } from "./writer.ts";

/** Longer payloads are written in pieces. */
const MAX_AT_ONCE = 64 * 1024;

/** Every version has the same form. */
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
    const rest = new PayloadRest(valueOf(db, entry).payload);
    return rest.writeOn(writer, MAX_AT_ONCE) ? rest : undefined;
  },
};

function valueOf(db: Database, entry: Entry): ModuleValue {
  const value = db.objectOf(entry);
  assert(value instanceof ModuleValue, "a module's value is an object");
  return value;
}

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
