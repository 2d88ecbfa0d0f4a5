/**
 * What the master replied, as values: as `call()` gives them.
 *
 * @module
 */

import { CommandError } from "../commands/engine/errors.ts";
import type { BytesReply, Reply } from "../read/reply.ts";
import { utf8 } from "../read/text.ts";
import { ErrorReply, Push, type RespValue, VerbatimString } from "../resp/types.ts";

/** Gives a bulk string its form. */
type BulkOf<T> = (bytes: Uint8Array) => T;

/** A reply with its bulk strings as UTF-8 text. */
export function textReply(value: RespValue): Reply {
  return toValue<string>(value, (bytes) => utf8(bytes, 0, bytes.length)) as Reply;
}

/** A reply with its bulk strings as bytes of their own. */
export function bytesReply(value: RespValue): BytesReply {
  return toValue<Uint8Array>(value, (bytes) => bytes.slice()) as BytesReply;
}

/** Replies of a transaction: an error is an element. */
export function textReplies(values: readonly RespValue[]): (Reply | CommandError)[] {
  return values.map((value) =>
    value instanceof ErrorReply ? new CommandError(value.message) : textReply(value)
  );
}

function toValue<T>(value: RespValue, bulk: BulkOf<T>): unknown {
  if (value instanceof Uint8Array) return bulk(value);
  if (value instanceof ErrorReply) return value.message;
  if (value instanceof VerbatimString) return value.toString();
  const items = value instanceof Push ? value.items : value;
  if (Array.isArray(items)) return items.map((item) => toValue(item, bulk));
  if (items instanceof Map) {
    return new Map([...items].map(([key, item]) => [toValue(key, bulk), toValue(item, bulk)]));
  }
  if (items instanceof Set) return new Set([...items].map((item) => toValue(item, bulk)));
  return items;
}
