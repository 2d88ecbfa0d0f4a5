/**
 * Sorted sets, read.
 *
 * @module
 */

import type { ElementRow } from "../frame.ts";
import { Type } from "../opcodes.ts";

/** Types that both dialects know. */
export const zsetRows: readonly ElementRow[] = [
  { number: Type.ZSET, name: "ZSET" },
  { number: Type.ZSET_2, name: "ZSET_2" },
  { number: Type.ZSET_ZIPLIST, name: "ZSET_ZIPLIST" },
  { number: Type.ZSET_LISTPACK, name: "ZSET_LISTPACK" },
];
