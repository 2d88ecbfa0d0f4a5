/**
 * What every form of a hash ends in: fields go into a builder, and the builder's hash goes to the
 * sink.
 *
 * @module
 */

import { Encoding, NO_EXPIRY, ValueType } from "../../store/memory/record.ts";
import type { HashBuilder } from "../../store/types/hash_builder.ts";
import { eachField } from "../../store/types/hash_listpack.ts";
import type { DecodeContext } from "../format/context.ts";

/** The message that refuses a hash two of whose fields have one name, as Redis does. */
export const DUPLICATE_FIELD = "Hash has a field twice";

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
  eachField(bytes, start, stride, (field, fieldStart, fieldEnd, value, from, to, at) => {
    const isNew = builder.add(field, fieldStart, fieldEnd, value, from, to, at);
    if (!isNew) context.reader.fail(DUPLICATE_FIELD);
  });
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
