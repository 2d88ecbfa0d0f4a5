/**
 * Handing a value that was read to the sink, under the frame's key.
 *
 * @module
 */

import type { Encoding, ValueType } from "../../store/memory/record.ts";
import type { StoredObject } from "../../store/memory/stored_object.ts";
import type { Frame } from "../format/context.ts";

/** A value of one run of bytes. */
export function storeBlob(
  frame: Frame,
  type: ValueType,
  encoding: Encoding,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  const { key, sink } = frame;
  const taken = sink.blob(
    key.bytes,
    key.start,
    key.end,
    type,
    encoding,
    bytes,
    start,
    end,
    frame.expireAtMs,
    frame.idleSeconds,
    frame.frequency,
  );
  if (!taken) frame.failDuplicate();
}

/** A value in its large form. */
export function storeObject(
  frame: Frame,
  type: ValueType,
  encoding: Encoding,
  object: StoredObject,
): void {
  const { key, sink } = frame;
  const taken = sink.object(
    key.bytes,
    key.start,
    key.end,
    type,
    encoding,
    object,
    frame.expireAtMs,
    frame.idleSeconds,
    frame.frequency,
  );
  if (!taken) frame.failDuplicate();
}
