/**
 * Values that nothing here looks into: those of modules, whose meaning only the module knows, and those of
 * types whose commands are not run here. Such a value is kept as the bytes that a snapshot holds for it.
 * TYPE tells its type's name; it is copied, renamed, dumped and written to a snapshot as it came.
 *
 * @module
 */

import type { StoredObject } from "../memory/stored_object.ts";

/** What TYPE calls the arrays of Redis 8.8. */
export const ARRAY_TYPE = "array";
/** What TYPE calls the rate limits that some builds of Redis 8.8 have. */
export const GCRA_TYPE = "gcra";

/** Bytes that a value takes beside its payload, about: the object, and the header of the array. */
const OVERHEAD_BYTES = 120;

/** One value, which never changes. */
export class ModuleValue implements StoredObject {
  /** The type's name, as `TYPE` answers it: of a module nine characters, as `vectorset`. */
  readonly module: string;
  /** All bytes behind the key in a snapshot: of a module the type's id, tagged values and an end mark. */
  readonly payload: Uint8Array;

  /** Makes a value of bytes that are kept, not copied, and must not change. */
  constructor(module: string, payload: Uint8Array) {
    this.module = module;
    this.payload = payload;
  }

  /** Bytes of the payload, and about what the object takes. */
  get memoryBytes(): number {
    return OVERHEAD_BYTES + this.payload.length;
  }

  /** The value itself: as it never changes, two keys can share it. */
  copy(): ModuleValue {
    return this;
  }
}
