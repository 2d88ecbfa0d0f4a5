/**
 * Values that are held beside the slab, and how the memory of all values is counted.
 *
 * @module
 */

/** A value too large for one record: a table, an index or a chain of nodes. Its record holds an id of it. */
export interface StoredObject {
  /** Bytes that the object holds, counted in constant time where it can be. */
  readonly memoryBytes: number;
  /** Makes a copy that shares nothing that can change, for COPY. O(size). */
  copy(): StoredObject;
}

/** Bytes that a database or a keyspace holds, counted and not estimated: for INFO and MEMORY. */
export interface StoreMemory {
  /** Bytes of live records, slack included. */
  used: number;
  /** Bytes of segments: used, wasted, and not handed out yet. */
  reserved: number;
  /** Bytes of segments that were freed and are not used again yet. */
  wasted: number;
  /** Bytes of the tables from keys to records. */
  table: number;
  /** Bytes of objects beside the slab. */
  objects: number;
  /** Bytes used or wasted for each byte used, `(used + wasted) / used`; 1 when nothing is used. */
  fragmentation: number;
}

/** Bytes held for each byte in use, not counting what was never handed out; 1 when nothing is used. */
export function fragmentationOf(used: number, wasted: number): number {
  return used === 0 ? 1 : (used + wasted) / used;
}
