/**
 * String values (type 0): the general reader, and the kernel for runs of whole records, which most
 * of a snapshot consists of.
 *
 * @module
 */

import { expiryFromHalves } from "../../store/memory/expiry.ts";
import { NO_EXPIRY } from "../../store/memory/record.ts";
import type { DecodeContext } from "../format/context.ts";
import { Opcode, Type } from "../format/opcodes.ts";
import type { ValueGate } from "../format/sink.ts";
import type { StringSlot } from "../format/string_slot.ts";
import { type Element, type ElementRow, typeRow } from "./element.ts";

/** One string value in any encoding, wherever the chunks end. */
class StringValue implements Element {
  readonly #context: DecodeContext;
  readonly #value: StringSlot;

  constructor(context: DecodeContext) {
    this.#context = context;
    this.#value = context.newSlot();
  }

  read(): boolean {
    if (!this.#context.reader.readString(this.#value)) return false;
    this.#context.storeString(this.#value);
    return true;
  }
}

/**
 * Reads string records that lie whole in the chunk straight to the sink, and stops before the first
 * record that is anything else: another type or opcode, an encoded string, a length of more than
 * two bytes, a record that crosses the chunk's end. The general way reads that one, so this way
 * never fails.
 *
 * ```text
 *   [FC expiry:8]  00  length:1-2 key  length:1-2 value
 * ```
 *
 * The reader moves only over whole records: while the sink runs, it stands at the record's first
 * byte. Called between two records, when no expiry is pending; the caller counts the keys.
 *
 * A byte kernel: 15 ns for a key of 16 bytes with a value of 200, against 120 through the general
 * reader (Deno; 44 against 160 on Bun).
 *
 * @returns How many records it read.
 */
export function readWholeStrings(context: DecodeContext): number {
  const { reader, sink } = context;
  const { bytes, end } = reader;
  const { gate } = sink;
  let pos = reader.pos;
  let count = 0;
  // The shortest record: type, key length, value length.
  while (pos + 3 <= end) {
    let at = pos;
    let expireAtMs = NO_EXPIRY;
    if (bytes[at] === Opcode.EXPIRETIME_MS) {
      if (at + 12 > end) break;
      const low = bytes[at + 1] | (bytes[at + 2] << 8) | (bytes[at + 3] << 16) |
        (bytes[at + 4] << 24);
      const high = bytes[at + 5] | (bytes[at + 6] << 8) | (bytes[at + 7] << 16) |
        (bytes[at + 8] << 24);
      expireAtMs = expiryFromHalves(high, low);
      at += 9;
    }
    if (bytes[at++] !== Type.STRING) break;
    let length = bytes[at++];
    if (length >= 64) {
      if (length >= 128) break;
      length = ((length & 63) << 8) | bytes[at++]; // at < end: the record's three bytes are there
    }
    const keyStart = at;
    const keyEnd = at + length;
    if (keyEnd >= end) break;
    at = keyEnd;
    length = bytes[at++];
    if (length >= 64) {
      if (length >= 128 || at === end) break;
      length = ((length & 63) << 8) | bytes[at++];
    }
    if (at + length > end) break;
    pos = at + length;
    if (gate === undefined || admits(gate, bytes, keyStart, keyEnd, length)) {
      sink.string(bytes, keyStart, keyEnd, bytes, at, pos, expireAtMs);
    }
    count++;
    reader.pos = pos;
  }
  return count;
}

/** Whether a string that lies whole in the chunk is wanted. */
function admits(
  gate: ValueGate,
  bytes: Uint8Array,
  start: number,
  end: number,
  length: number,
): boolean {
  if (!gate.wants(bytes, start, end, "string")) return false;
  if (length <= gate.maxValueBytes) return true;
  gate.tooLarge(bytes, start, end);
  return false;
}

/** The type that both dialects know. */
export const stringRows: readonly ElementRow[] = [
  typeRow("STRING", (context) => new StringValue(context)),
];
