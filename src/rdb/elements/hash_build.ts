/**
 * From a builder of hashes to the sink, and from listpacks to a builder.
 *
 * @module
 */

import { BytesRef } from "../../base/byte_buffer.ts";
import type { HashBuilder } from "../../store/types/hash_builder.ts";
import { Encoding, NO_EXPIRY, ValueType } from "../../store/memory/record.ts";
import { lpFirst, lpInteger, lpIsEnd, lpNext, lpRead } from "../../store/packed/listpack.ts";
import type { DecodeContext } from "../format/context.ts";
import { storeBlob, storeObject } from "./store.ts";

const field = new BytesRef();
const value = new BytesRef();

/** Stores what was built; nothing when there is no field, as rdb.c drops empty keys. */
export function finishHash(context: DecodeContext, builder: HashBuilder): void {
  if (builder.size === 0) return;
  const large = builder.finish();
  if (large !== undefined) {
    return storeObject(context, ValueType.HASH, Encoding.HASHTABLE, large);
  }
  const { listpack, encoding } = builder;
  storeBlob(context, ValueType.HASH, encoding, listpack.bytes, 0, listpack.length);
}

/** Adds every field of a checked listpack; false when one was there already. */
export function addListpack(
  builder: HashBuilder,
  bytes: Uint8Array,
  start: number,
  stride: 2 | 3,
): boolean {
  for (let pos = lpFirst(bytes, start); !lpIsEnd(bytes, pos);) {
    const valuePos = lpNext(bytes, pos);
    let next = lpNext(bytes, valuePos);
    lpRead(bytes, pos, field);
    lpRead(bytes, valuePos, value);
    const at = stride === 3 ? lpInteger(bytes, next) || NO_EXPIRY : NO_EXPIRY;
    if (stride === 3) next = lpNext(bytes, next);
    const { bytes: f, start: fs, end: fe } = field;
    if (!builder.add(f, fs, fe, value.bytes, value.start, value.end, at)) return false;
    pos = next;
  }
  return true;
}
