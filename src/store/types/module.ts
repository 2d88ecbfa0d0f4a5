/**
 * Values that are not looked into: a module's, whose meaning only it knows, and those of types whose
 * commands are not run here. Such a value is kept as the bytes a snapshot holds for it, told by its type's
 * name, copied, moved, dumped and written back.
 *
 * @module
 */

import type { StoredObject } from "../memory/stored_object.ts";

/** Name of the type of Redis 8.8's arrays. */
export const ARRAY_TYPE = "array";
/** Name of the type of the rate limits that some builds of Redis 8.8 have. */
export const GCRA_TYPE = "gcra";

/** What one costs beside its bytes: the object itself and the header of its array. */
const OVERHEAD_BYTES = 120;

/** One value; it never changes. */
export class ModuleValue implements StoredObject {
  /** The type's name, as `TYPE` answers it: of a module nine characters, as `vectorset`. */
  readonly module: string;
  /** All that follows the key in a snapshot: of a module the type's id, tagged values, their end. */
  readonly payload: Uint8Array;

  /** @param payload Kept, not copied: must not change. */
  constructor(module: string, payload: Uint8Array) {
    this.module = module;
    this.payload = payload;
  }

  /** Bytes it holds. */
  get memoryBytes(): number {
    return OVERHEAD_BYTES + this.payload.length;
  }

  /** Itself: what never changes may be shared. */
  copy(): ModuleValue {
    return this;
  }
}
