/**
 * Streams, read.
 *
 * @module
 */

import type { ElementRow } from "../frame.ts";
import { Type } from "../opcodes.ts";

/** Types that both dialects know. */
export const streamRows: readonly ElementRow[] = [
  { number: Type.STREAM_LISTPACKS, name: "STREAM_LISTPACKS" },
  { number: Type.STREAM_LISTPACKS_2, name: "STREAM_LISTPACKS_2" },
  { number: Type.STREAM_LISTPACKS_3, name: "STREAM_LISTPACKS_3" },
];

/** Types of Redis alone. */
export const redisStreamRows: readonly ElementRow[] = [
  { number: Type.STREAM_LISTPACKS_4, name: "STREAM_LISTPACKS_4" },
  { number: Type.STREAM_LISTPACKS_5, name: "STREAM_LISTPACKS_5" },
];
