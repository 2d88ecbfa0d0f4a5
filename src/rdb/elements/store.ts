/**
 * Handing a value that was read to the sink, under the context's key.
 *
 * @module
 */

import type { Encoding, ValueType } from "../../store/memory/record.ts";
import type { StoredObject } from "../../store/memory/stored_object.ts";
import type { DecodeContext } from "../format/context.ts";

/** A value of one run of bytes. */
export function storeBlob(
  context: DecodeContext,
  type: ValueType,
  encoding: Encoding,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  const { key, sink } = context;
  const taken = sink.blob(
    key.bytes,
    key.start,
    key.end,
    type,
    encoding,
    bytes,
    start,
    end,
    context.expireAtMs,
    context.idleSeconds,
    context.frequency,
  );
  if (!taken) context.failDuplicate();
}

/** A value in its large form. */
export function storeObject(
  context: DecodeContext,
  type: ValueType,
  encoding: Encoding,
  object: StoredObject,
): void {
  const { key, sink } = context;
  const taken = sink.object(
    key.bytes,
    key.start,
    key.end,
    type,
    encoding,
    object,
    context.expireAtMs,
    context.idleSeconds,
    context.frequency,
  );
  if (!taken) context.failDuplicate();
}
