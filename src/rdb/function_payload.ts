/**
 * What `FUNCTION DUMP` answers and `FUNCTION RESTORE` takes (`functions.c functionDumpCommand`):
 * the sources of all libraries, each as a snapshot holds it, and a footer.
 *
 * ```text
 *   n * (F5, source)  |  footer: version, checksum
 * ```
 *
 * @module
 */

import { ByteBuffer } from "../base/byte_buffer.ts";
import { ChunkReader, DEFAULT_MAX_STRING_BYTES } from "./format/chunk_reader.ts";
import { RdbError } from "./format/errors.ts";
import { FOOTER_BYTES, readFooter, writeFooter } from "./format/footer.ts";
import { Opcode } from "./format/opcodes.ts";
import { RecordWriter } from "./format/record_writer.ts";
import { StringSlot } from "./format/string_slot.ts";
import { FIRST_FUNCTION_VERSION, FIRST_VALKEY_VERSION } from "./format/version.ts";

/**
 * Writes sources to a payload of the first version with functions, which every server that has them
 * loads.
 */
export function encodeFunctions(sources: readonly Uint8Array[]): Uint8Array {
  const out = new ByteBuffer();
  const writer = new RecordWriter(out, false);
  for (const source of sources) {
    out.writeByte(Opcode.FUNCTION2);
    writer.string(source, 0, source.length);
  }
  writeFooter(out, 0, FIRST_FUNCTION_VERSION);
  return out.toBytes();
}

/** Whether a payload has a footer whose version has functions and whose checksum is right. */
export function isFunctionPayload(bytes: Uint8Array): boolean {
  const footer = readFooter(bytes, 0, bytes.length);
  if (footer === undefined || footer.checksum !== "right") return false;
  return footer.version >= FIRST_FUNCTION_VERSION && footer.version <= FIRST_VALKEY_VERSION;
}

/**
 * The sources in a payload, in order.
 *
 * @param bytes A payload that {@linkcode isFunctionPayload} accepted.
 * @throws {RdbError} When anything but function libraries stands in it.
 */
export function decodeFunctions(bytes: Uint8Array): Uint8Array[] {
  const reader = new ChunkReader(DEFAULT_MAX_STRING_BYTES);
  const slot = new StringSlot();
  const end = bytes.length - FOOTER_BYTES;
  reader.setChunk(bytes, 0, end);
  const sources: Uint8Array[] = [];
  while (reader.pos < end) {
    if (bytes[reader.pos++] !== Opcode.FUNCTION2) reader.fail("Payload holds no function library");
    if (!reader.readString(slot)) {
      throw new RdbError("TRUNCATED", "Function library ends early", reader.offset);
    }
    sources.push(slot.copy());
  }
  return sources;
}
