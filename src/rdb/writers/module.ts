/**
 * Values of modules as they are written: a vector set with its graph, of all others the bytes they were read from,
 * to the byte.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import type { Database } from "../../store/keyspace/database.ts";
import type { Entry } from "../../store/memory/record.ts";
import { ARRAY_TYPE, GCRA_TYPE, ModuleValue } from "../../store/types/module.ts";
import { VectorSet } from "../../store/types/vector_set.ts";
import { Type } from "../format/opcodes.ts";
import type { RecordWriter } from "../format/record_writer.ts";
import { VectorSetRest } from "./vector_set.ts";
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
    const value = valueOf(db, entry);
    if (value instanceof VectorSet) return Type.MODULE_2;
    switch (value.module) {
      case ARRAY_TYPE:
        return Type.ARRAY;
      case GCRA_TYPE:
        return Type.GCRA;
      default:
        return Type.MODULE_2;
    }
  },
  write(writer, db, entry) {
    return writeBeginning(writer, restOf(valueOf(db, entry)));
  },
};

/** A value that is to be written: whoever writes one has asked whether it is known. */
function restOf(value: ModuleValue | VectorSet): ValueRest {
  if (value instanceof VectorSet) {
    assert(value.hasGraph, "the graph of the vector set is known");
    return new VectorSetRest(value);
  }
  assert(value.payload !== undefined, "the bytes of the value are known");
  return new PayloadRest(value.payload);
}

function valueOf(db: Database, entry: Entry): ModuleValue | VectorSet {
  const value = db.objectOf(entry);
  const isKnown = value instanceof ModuleValue || value instanceof VectorSet;
  assert(isKnown, "a module's value is an object");
  return value;
}
