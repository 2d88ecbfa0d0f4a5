/**
 * 32-bit integers in bytes, little endian, at any offset: four byte reads need no alignment and no
 * `DataView` over a buffer that a caller has only borrowed.
 *
 * @module
 */

/** The four bytes at `offset` as a signed 32-bit integer; `>>> 0` makes it unsigned. */
export function readInt32(bytes: Uint8Array, offset: number): number {
  return bytes[offset] | (bytes[offset + 1] << 8) | (bytes[offset + 2] << 16) |
    (bytes[offset + 3] << 24);
}

/** Writes the low 32 bits of `value`, signed or unsigned, to four bytes at `offset`. */
export function writeInt32(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value;
  bytes[offset + 1] = value >>> 8;
  bytes[offset + 2] = value >>> 16;
  bytes[offset + 3] = value >>> 24;
}
