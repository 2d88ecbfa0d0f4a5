/**
 * What is held beside the slab, and how all that is held is counted.
 *
 * @module
 */

/** A value too large for one record: it lives beside the slab, under an id. */
export interface StoredObject {
  /** Bytes it holds. */
  readonly memoryBytes: number;
  /** An independent copy. */
  copy(): StoredObject;
}

/** What a database or keyspace holds, in bytes, counted and not estimated. */
export interface StoreMemory {
  /** In live records, slack included. */
  used: number;
  /** In segments. */
  reserved: number;
  /** Of `reserved`: freed and not reused yet. */
  wasted: number;
  /** In tables. */
  table: number;
  /** In objects beside the slab. */
  objects: number;
  /** `(used + wasted) / used`; 1 when nothing is used. */
  fragmentation: number;
}

/** Bytes held for each byte in use, not counting what was never handed out; 1 when nothing is used. */
export function fragmentationOf(used: number, wasted: number): number {
  return used === 0 ? 1 : (used + wasted) / used;
}
