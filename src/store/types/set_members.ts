/**
 * Members of a small set, which are an intset or a listpack: what is the same for both.
 *
 * ```
 *  INTSET     integers alone, ascending         (packed/intset.ts)
 *  LISTPACK   any members, in the order they came
 * ```
 *
 * @module
 */

import { BytesRef } from "../../base/byte_buffer.ts";
import { Encoding } from "../memory/record.ts";
import { INTSET_EMPTY, intsetLength, intsetRead } from "../packed/intset.ts";
import { LISTPACK_EMPTY, lpFirst, lpIsEnd, lpNext, lpRead } from "../packed/listpack.ts";
import type { SetVisitor } from "./set_table.ts";

const member = new BytesRef();

/** The bytes of a set without members, in an encoding that is one run of bytes. */
export function emptySet(encoding: Encoding): Uint8Array {
  return encoding === Encoding.INTSET ? INTSET_EMPTY : LISTPACK_EMPTY;
}

/** Visits every member of the intset or listpack that begins at `start`, in order. */
export function eachMember(
  bytes: Uint8Array,
  start: number,
  encoding: Encoding,
  visit: SetVisitor,
): void {
  if (encoding === Encoding.INTSET) {
    const count = intsetLength(bytes, start);
    for (let i = 0; i < count; i++) {
      intsetRead(bytes, start, i, member);
      visit(member.bytes, member.start, member.end);
    }
    return;
  }
  for (let pos = lpFirst(bytes, start); !lpIsEnd(bytes, pos); pos = lpNext(bytes, pos)) {
    lpRead(bytes, pos, member);
    visit(member.bytes, member.start, member.end);
  }
}
