/**
 * Sets, read.
 *
 * @module
 */

import type { ElementRow } from "../frame.ts";
import { Type } from "../opcodes.ts";

/** Types that both dialects know. */
export const setRows: readonly ElementRow[] = [
  { number: Type.SET, name: "SET" },
  { number: Type.SET_INTSET, name: "SET_INTSET" },
  { number: Type.SET_LISTPACK, name: "SET_LISTPACK" },
];
