/**
 * What every form of a hash ends in: fields go into a builder, and the builder's hash goes to the
 * sink.
 *
 * @module
 */

import { BytesRef } from "../../base/byte_buffer.ts";
import { Encoding, NO_EXPIRY, ValueType } from "../../store/memory/record.ts";
import { lpFirst, lpInteger, lpIsEnd, lpNext, lpRead } from "../../store/packed/listpack.ts";
import type { HashBuilder } from "../../store/types/hash_builder.ts";
import type { DecodeContext } from "../format/context.ts";

/** The message that refuses a hash two of whose fields have one name, as Redis does. */
export const DUPLICATE_FIELD = "Hash has a field twice";

const field = new BytesRef();
const value = new BytesRef();

/** Adds one field that never expires. Refuses a name that is there already. */
export function addField(
  context: DecodeContext,
  builder: HashBuilder,
  field: Uint8Array,
  fieldStart: number,
  fieldEnd: number,
  value: Uint8Array,
  start: number,
  end: number,
): void {
  if (builder.add(field, fieldStart, fieldEnd, value, start, end, NO_EXPIRY)) return;
  context.reader.fail(DUPLICATE_FIELD);
}

/**
 * Adds every field of a checked listpack, whose fields are `stride` entries each: 3 with an expiry.
 */
export function addListpack(
  context: DecodeContext,
  builder: HashBuilder,
  bytes: Uint8Array,
  start: number,
  stride: 2 | 3,
): void {
  for (let pos = lpFirst(bytes, start); !lpIsEnd(bytes, pos);) {
    const valuePos = lpNext(bytes, pos);
    let next = lpNext(bytes, valuePos);
    lpRead(bytes, pos, field);
    lpRead(bytes, valuePos, value);
    // 0 stands for "never" in a listpack.
    const at = stride === 3 ? lpInteger(bytes, next) || NO_EXPIRY : NO_EXPIRY;
    if (stride === 3) next = lpNext(bytes, next);
    const { bytes: f, start: fs, end: fe } = field;
    const isNew = builder.add(f, fs, fe, value.bytes, value.start, value.end, at);
    if (!isNew) context.reader.fail(DUPLICATE_FIELD);
    pos = next;
  }
}

/**
 * Hands a built hash to the sink; a hash without fields is no key (`rdb.c rdbLoadObject`,
 * `emptykey`).
 */
export function finishHash(context: DecodeContext, builder: HashBuilder): void {
  if (builder.size === 0) return;
  const large = builder.finish();
  if (large !== undefined) {
    return context.storeObject(ValueType.HASH, Encoding.HASHTABLE, large);
  }
  const { listpack, encoding } = builder;
  context.storeBlob(ValueType.HASH, encoding, listpack.bytes, 0, listpack.length);
}
