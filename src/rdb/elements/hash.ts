/**
 * Hashes, read.
 *
 * @module
 */

import type { ElementRow } from "../frame.ts";
import { Type } from "../opcodes.ts";

/** Types that both dialects know. */
export const hashRows: readonly ElementRow[] = [
  { number: Type.HASH, name: "HASH" },
  { number: Type.HASH_ZIPMAP, name: "HASH_ZIPMAP" },
  { number: Type.HASH_ZIPLIST, name: "HASH_ZIPLIST" },
  { number: Type.HASH_LISTPACK, name: "HASH_LISTPACK" },
];

/** Types of Redis alone. */
export const redisHashRows: readonly ElementRow[] = [
  { number: Type.HASH_METADATA_PRE_GA, name: "HASH_METADATA_PRE_GA" },
  { number: Type.HASH_LISTPACK_EX_PRE_GA, name: "HASH_LISTPACK_EX_PRE_GA" },
  { number: Type.HASH_METADATA, name: "HASH_METADATA" },
  { number: Type.HASH_LISTPACK_EX, name: "HASH_LISTPACK_EX" },
  { number: Type.HASH_TMPL_LP, name: "HASH_TMPL_LP" },
  { number: Type.HASH_TMPL_LP_REF, name: "HASH_TMPL_LP_REF" },
  { number: Type.HASH_TMPL_ARRAY, name: "HASH_TMPL_ARRAY" },
  { number: Type.HASH_TMPL_ARRAY_REF, name: "HASH_TMPL_ARRAY_REF" },
];

/** Types of Valkey alone. */
export const valkeyHashRows: readonly ElementRow[] = [
  { number: Type.VALKEY_HASH_2, name: "HASH_2" },
  { number: Type.VALKEY_PATH_HASH, name: "PATH_HASH" },
];
