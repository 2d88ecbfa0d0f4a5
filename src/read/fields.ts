/**
 * Replies of handlers that describe something by names and values, taken apart.
 *
 * @module
 */

import type { BytesReply } from "./reply.ts";
import { utf8 } from "./text.ts";

/** A map that a handler replied, by the texts of its keys. */
export function toFields(reply: BytesReply): Record<string, BytesReply> {
  const fields: Record<string, BytesReply> = {};
  if (reply instanceof Map) { for (const [name, value] of reply) fields[textOf(name)] = value; }
  return fields;
}

/** A bulk string that a handler replied as text. */
export function textOf(reply: BytesReply): string {
  return reply instanceof Uint8Array ? utf8(reply, 0, reply.length) : String(reply);
}
