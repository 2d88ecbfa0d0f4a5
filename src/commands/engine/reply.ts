/**
 * Shapes of replies that several commands share, on top of the writer's elements.
 *
 * @module
 */

import type { ReplyTarget } from "../../resp/reply_target.ts";

/**
 * Writes one field of a map: its name as a bulk string, then its value as an integer or a bulk
 * string. The caller has begun the map by `reply.map`.
 */
export function replyField(reply: ReplyTarget, name: string, value: number | string): void {
  reply.bulkText(name);
  if (typeof value === "number") reply.integer(value);
  else reply.bulkText(value);
}

/** Replies an array of bulk strings. */
export function replyTexts(reply: ReplyTarget, texts: readonly string[]): void {
  reply.array(texts.length);
  for (const text of texts) reply.bulkText(text);
}
