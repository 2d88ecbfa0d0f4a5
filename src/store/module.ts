/**
 * Values of modules. What they mean only their module knows: such a value is kept as the bytes a snapshot
 * holds for it, told by its type's name, copied, moved, dumped and written back, never looked into.
 *
 * @module
 */

import type { StoredObject } from "./memory.ts";

/** What one costs beside its bytes: the object itself and the header of its array. */
const OVERHEAD_BYTES = 120;

/** One value; it never changes. */
export class ModuleValue implements StoredObject {
  /** The type's name, nine characters: `vectorset`. `TYPE` answers it. */
  readonly module: string;
  /** All that follows the key in a snapshot: the type's id, tagged values, their end. */
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
