/**
 * Lists, read.
 *
 * @module
 */

import type { ElementRow } from "../frame.ts";
import { Type } from "../opcodes.ts";

/** Types that both dialects know. */
export const listRows: readonly ElementRow[] = [
  { number: Type.LIST, name: "LIST" },
  { number: Type.LIST_ZIPLIST, name: "LIST_ZIPLIST" },
  { number: Type.LIST_QUICKLIST, name: "LIST_QUICKLIST" },
  { number: Type.LIST_QUICKLIST_2, name: "LIST_QUICKLIST_2" },
];
