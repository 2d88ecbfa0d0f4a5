/**
 * What the databases and large values of one keyspace share: the seeds of their hash tables, and the
 * limits at which a small value becomes a large one.
 *
 * @module
 */

/**
 * Redis's parameters (`redis.conf`) for the encodings of values, by their names there. A replica goes by
 * its own, not by its master's: the encoding is no part of a value.
 */
export interface EncodingLimits {
  /** `hash-max-listpack-entries`: fields of a hash in one listpack. */
  hashMaxListpackEntries: number;
  /** `hash-max-listpack-value`: bytes of the longest field or value in a listpack. */
  hashMaxListpackValue: number;
  /** `list-max-listpack-size`: entries of a quicklist's node, or -1 to -5 for 4 to 64 KB. */
  listMaxListpackSize: number;
  /** `set-max-intset-entries`: members of a set of integers in one intset. */
  setMaxIntsetEntries: number;
  /** `set-max-listpack-entries`: members of a set in one listpack. */
  setMaxListpackEntries: number;
  /** `set-max-listpack-value`: bytes of the longest member in a listpack. */
  setMaxListpackValue: number;
  /** `zset-max-listpack-entries`: members of a sorted set in one listpack. */
  zsetMaxListpackEntries: number;
  /** `zset-max-listpack-value`: bytes of the longest member in a listpack. */
  zsetMaxListpackValue: number;
  /** `hll-sparse-max-bytes`: bytes of a sparse HyperLogLog, its header included. */
  hllSparseMaxBytes: number;
  /** `stream-node-max-entries`: entries of one node of a stream, 0 for no limit. */
  streamNodeMaxEntries: number;
  /** `stream-node-max-bytes`: bytes of one node of a stream, 0 for no limit. */
  streamNodeMaxBytes: number;
}

/** The limits that Redis 8.0 has by default, in a new object that may be changed. */
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

/** Seeds and limits of one keyspace. The seeds are secret: who knows them can make keys that collide. */
export interface StoreSettings {
  /** Low half of the key of every table's hash, an int32. */
  readonly seed0: number;
  /** High half of the key of every table's hash, an int32. */
  readonly seed1: number;
  /** May be changed while values exist: a value is judged by them when it is written next. */
  readonly limits: EncodingLimits;
  /** Most units of 8 bytes by which a slab grows at once, a power of two: 16 MB unless memory is short. */
  segmentUnits: number;
  /** Whether small sorted sets keep a score of -0, as those of Redis before 7.0 do; 0 is in its place else. */
  keepsMinusZero: boolean;
}
