/**
 * What `FUNCTION DUMP` answers and `FUNCTION RESTORE` takes: library sources as a snapshot holds them,
 * then a version and a checksum, as after a `DUMP`.
 *
 * @module
 */

import { ByteBuffer } from "../base/byte_buffer.ts";
import { Crc64 } from "../base/crc64.ts";
import { RdbError } from "./format/errors.ts";
import { FIRST_VALKEY_VERSION, Opcode } from "./format/opcodes.ts";
import { ChunkReader, StringSlot } from "./format/chunk_reader.ts";
import { RecordWriter } from "./format/record_writer.ts";

/** The first version with functions: every server that has them loads it. */
const VERSION = 10;
const VERSION_BYTES = 2;
const FOOTER_BYTES = 10;
const MAX_STRING_BYTES = 512 * 1024 * 1024;

/** Sources to a payload. */
export function encodeFunctions(sources: readonly Uint8Array[]): Uint8Array {
  const out = new ByteBuffer();
  const writer = new RecordWriter(out, false);
  for (const source of sources) {
    out.writeByte(Opcode.FUNCTION2);
    writer.string(source, 0, source.length);
  }
  out.writeByte(VERSION);
  out.writeByte(0);
  const crc = new Crc64();
  crc.update(out.bytes, 0, out.length);
  const digest = crc.digest();
  out.writeBytes(digest, 0, digest.length);
  return out.toBytes();
}

/** Whether a payload's version is one there is, and its checksum is right. */
export function isFunctionPayload(bytes: Uint8Array): boolean {
  if (bytes.length < FOOTER_BYTES) return false;
  const end = bytes.length - FOOTER_BYTES;
  const version = bytes[end] | (bytes[end + 1] << 8);
  if (version < VERSION || version > FIRST_VALKEY_VERSION) return false;
  const crc = new Crc64();
  crc.update(bytes, 0, end + VERSION_BYTES);
  return crc.digest().every((byte, i) => byte === bytes[end + VERSION_BYTES + i]);
}

/**
 * A payload's sources, in order; its footer has been checked.
 *
 * @throws {RdbError} When it holds anything else.
 */
export function decodeFunctions(bytes: Uint8Array): Uint8Array[] {
  const reader = new ChunkReader(MAX_STRING_BYTES);
  const slot = new StringSlot();
  const end = bytes.length - FOOTER_BYTES;
  reader.setChunk(bytes, 0, end);
  const sources: Uint8Array[] = [];
  while (reader.pos < end) {
    if (bytes[reader.pos++] !== Opcode.FUNCTION2) reader.fail("No function library");
    if (!reader.readString(slot)) {
      throw new RdbError("TRUNCATED", "A function library is cut off", reader.offset);
    }
    sources.push(slot.copy());
  }
  return sources;
}
