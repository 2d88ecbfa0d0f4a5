/**
 * How a snapshot holds a vector set of Redis 8 (`vset.c VectorSetRdbSave`, encoding version 0), as a stream of
 * tagged values of its module: U a whole number, S a string.
 *
 * ```text
 *   set      U dim, U elements, U quant | M << 8, U flags, [U input dim, S matrix], element ...
 *   element  S name, [S attribute, "" for none], S vector, U params, U ... params of them
 *   params   id, level | version << 24, layer ... from 0 to level, length bits | range bits << 32
 *   layer    links, most links, id ... of each link, [worst link | bits of its distance << 32]   version 1
 *
 *   flags    1 a projection matrix     2 attributes
 * ```
 *
 * A set whose graph is not known has no place in that. Our own snapshots, and nobody else, hold it as auxiliary
 * fields, which servers pass over: one that names the key as `unknown_value.ts` does, then the parts of the
 * stream below, cut anywhere. Elements come from the oldest to the youngest in both forms.
 *
 * ```text
 *   AUX  "rimr-vector-set"       "vectorset", space, expiry, space, 0, space, key
 *   AUX  "rimr-vector-set-part"  a part of the stream, up to 64 KB                 any number of them
 *
 *   set      as above with flag 128, and behind the matrix U last id, U highest level
 *   element  S name, U 1 with an attribute or 0, [S attribute], S vector, U length bits | range bits << 32
 * ```
 *
 * @module
 */

/** Name of the auxiliary field that names the key of a vector set. */
export const VECTOR_SET_AUX = "rimr-vector-set";
/** Name of the auxiliary fields with the parts of its value. */
export const VECTOR_SET_PART_AUX = "rimr-vector-set-part";

/** Bits of the flags. */
export const VectorFlag = { PROJECTION: 1, ATTRIBUTES: 2, WITHOUT_GRAPH: 128 } as const;

/** Newest version of a node that is understood: `HNSW_SERIALIZATION_VERSION`. */
export const NODE_VERSION = 1;
/** Highest level of a node: `HNSW_MAX_LEVEL`. */
export const MAX_LEVEL = 16;
