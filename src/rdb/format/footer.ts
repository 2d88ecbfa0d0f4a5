/**
 * The last ten bytes of a DUMP or FUNCTION DUMP payload (`cluster.c createDumpPayload`), which
 * stand in for a snapshot's magic and trailer:
 *
 * ```text
 *   payload  |  version, u16 LE  |  CRC-64, u64 LE, over everything before it
 * ```
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import type { ByteBuffer } from "../../base/byte_buffer.ts";
import { Crc64 } from "../../base/crc64.ts";

/** Length of a footer in bytes. */
export const FOOTER_BYTES = 10;
const VERSION_BYTES = 2;

/** What a footer says. */
export interface Footer {
  /** Version of the format that the payload is written in. */
  readonly version: number;
  /** "omitted" when all zero, as Redis 8.10 sends it in its replication stream. */
  readonly checksum: "right" | "wrong" | "omitted";
}

/** Appends the footer of the payload that begins at offset `from` of `out`. */
export function writeFooter(out: ByteBuffer, from: number, version: number): void {
  assert(from <= out.length, "a payload lies in what was written");
  const crc = new Crc64();
  crc.update(out.bytes, from, out.length);
  endPayload(out, version, crc);
}

/** As {@linkcode writeFooter}, of a payload whose checksum `crc` is so far. */
export function endPayload(out: ByteBuffer, version: number, crc: Crc64): void {
  const from = out.length;
  out.writeByte(version & 255);
  out.writeByte(version >> 8);
  crc.update(out.bytes, from, out.length);
  out.writeBytes(crc.digest());
}

/** The footer of payload `[start, end)`; undefined when that is too short to have one. */
export function readFooter(bytes: Uint8Array, start: number, end: number): Footer | undefined {
  if (end - start < FOOTER_BYTES) return undefined;
  const footer = end - FOOTER_BYTES;
  const version = bytes[footer] | (bytes[footer + 1] << 8);
  const crc = new Crc64();
  crc.update(bytes, start, footer + VERSION_BYTES);
  const digest = crc.digest();
  let isRight = true;
  let isZero = true;
  for (let i = 0; i < digest.length; i++) {
    const byte = bytes[footer + VERSION_BYTES + i];
    if (byte !== digest[i]) isRight = false;
    if (byte !== 0) isZero = false;
  }
  return { version, checksum: isRight ? "right" : isZero ? "omitted" : "wrong" };
}
