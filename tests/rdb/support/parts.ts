/**
 * Parts of snapshots, and whole ones, made of numbers, texts and bytes: how tests write down a wire format.
 *
 * @module
 */

import { ByteBuffer } from "../../../src/base/byte_buffer.ts";
import { Crc64 } from "../../../src/base/crc64.ts";
import {
  lpAppendIntegerTo,
  lpAppendTo,
  lpBegin,
  lpFinish,
} from "../../../src/store/packed/listpack.ts";
import { bytesOf } from "../../support/bytes.ts";

/** Bytes from numbers, latin-1 texts and byte arrays. */
export function join(...parts: readonly (number | string | Uint8Array)[]): Uint8Array {
  const arrays = parts.map((part) =>
    typeof part === "number" ? Uint8Array.of(part) : typeof part === "string" ? bytesOf(part) : part
  );
  const bytes = new Uint8Array(arrays.reduce((sum, array) => sum + array.length, 0));
  let offset = 0;
  for (const array of arrays) {
    bytes.set(array, offset);
    offset += array.length;
  }
  return bytes;
}

/** A plain string of up to 63 bytes, length first. */
export function str(text: string): Uint8Array {
  return join(text.length, text);
}

/** The same of any bytes. */
export function blob(bytes: Uint8Array | string): Uint8Array {
  const { length } = bytes;
  const isShort = length < 1 << 14;
  return join(isShort ? be(0x4000 | length, 2) : join(0x80, be(length, 4)), bytes);
}

/** A listpack of integers and texts. */
export function listpack(...elements: readonly (number | string)[]): Uint8Array {
  const out = new ByteBuffer();
  lpBegin(out);
  for (const element of elements) {
    if (typeof element === "number") lpAppendIntegerTo(out, element);
    else lpAppendTo(out, bytesOf(element), 0, element.length);
  }
  lpFinish(out, 0, elements.length);
  return out.toBytes();
}

/** `count` bytes of a whole number, least significant first. */
export function le(value: bigint | number, count: number): Uint8Array {
  let rest = BigInt.asUintN(64, BigInt(value));
  return Uint8Array.from({ length: count }, () => {
    const byte = Number(rest & 255n);
    rest >>= 8n;
    return byte;
  });
}

/** `count` bytes of a whole number, most significant first. */
export function be(value: bigint | number, count: number): Uint8Array {
  return le(value, count).reverse();
}

/** A snapshot: magic, the parts, the end and its right checksum. */
export function snapshot(
  magic: string,
  ...parts: readonly (number | string | Uint8Array)[]
): Uint8Array {
  return withChecksum(join(magic, ...parts, 0xff));
}

/** The bytes and their checksum. */
export function withChecksum(bytes: Uint8Array): Uint8Array {
  const crc = new Crc64();
  crc.update(bytes, 0, bytes.length);
  return join(bytes, crc.digest());
}
