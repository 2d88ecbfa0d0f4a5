/**
 * What every database and every large value of one keyspace share: the seeds of their tables, and when
 * a small value becomes a large one.
 *
 * @module
 */

/** Redis's `*-max-*` parameters, with its own defaults; a replica goes by its own, not its master's. */
export interface EncodingLimits {
  /** `hash-max-listpack-entries`. */
  hashMaxListpackEntries: number;
  /** `hash-max-listpack-value`, bytes. */
  hashMaxListpackValue: number;
  /** `list-max-listpack-size`: entries of a node, or -1 to -5 for 4 to 64 KB. */
  listMaxListpackSize: number;
  /** `set-max-intset-entries`. */
  setMaxIntsetEntries: number;
  /** `set-max-listpack-entries`. */
  setMaxListpackEntries: number;
  /** `set-max-listpack-value`, bytes. */
  setMaxListpackValue: number;
  /** `zset-max-listpack-entries`. */
  zsetMaxListpackEntries: number;
  /** `zset-max-listpack-value`, bytes. */
  zsetMaxListpackValue: number;
  /** `hll-sparse-max-bytes`, header included. */
  hllSparseMaxBytes: number;
  /** `stream-node-max-entries`. */
  streamNodeMaxEntries: number;
  /** `stream-node-max-bytes`. */
  streamNodeMaxBytes: number;
}

/** Limits as Redis 8.0 starts with them. */
export function defaultLimits(): EncodingLimits {
  return {
    hashMaxListpackEntries: 512,
    hashMaxListpackValue: 64,
    listMaxListpackSize: -2,
    setMaxIntsetEntries: 512,
    setMaxListpackEntries: 128,
    setMaxListpackValue: 64,
    zsetMaxListpackEntries: 128,
    zsetMaxListpackValue: 64,
    hllSparseMaxBytes: 3000,
    streamNodeMaxEntries: 100,
    streamNodeMaxBytes: 4096,
  };
}

/** Seeds and limits. The seeds are secret, so that keys cannot be made to collide. */
export interface StoreSettings {
  /** Of every table's hash. */
  readonly seed0: number;
  /** Of every table's hash. */
  readonly seed1: number;
  /** May be changed at any time; what is stored already stays as it is. */
  readonly limits: EncodingLimits;
}
