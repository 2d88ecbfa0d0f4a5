/**
 * What a command that is called in process takes and gives.
 *
 * @module
 */

import type { Key } from "./text.ts";

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
