/**
 * What a command that is called in process takes and gives.
 *
 * @module
 */

import { type Key, utf8 } from "./text.ts";

/** An argument of `call`: text, bytes, or a number that is sent as its decimal text. */
export type CallArgument = Key | number | bigint;

/** A reply as `call` gives it, with bulk strings as text. */
export type Reply =
  | string
  | number
  | bigint
  | boolean
  | null
  | Reply[]
  | Map<Reply, Reply>
  | Set<Reply>;

/** A reply as `callBytes` gives it, with bulk strings as bytes. */
export type BytesReply =
  | Uint8Array
  | string
  | number
  | bigint
  | boolean
  | null
  | BytesReply[]
  | Map<BytesReply, BytesReply>
  | Set<BytesReply>;

/** The same reply with its bulk strings as UTF-8 text. */
export function toText(reply: BytesReply): Reply {
  if (reply instanceof Uint8Array) return utf8(reply, 0, reply.length);
  if (Array.isArray(reply)) return reply.map(toText);
  if (reply instanceof Map) {
    return new Map([...reply].map(([key, value]) => [toText(key), toText(value)]));
  }
  if (reply instanceof Set) return new Set([...reply].map(toText));
  return reply;
}
