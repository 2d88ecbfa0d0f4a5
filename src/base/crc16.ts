/**
 * CRC16/XMODEM (polynomial 0x1021, start 0, nothing reflected) and the cluster slot made of it.
 *
 * @module
 */

/** How many slots a cluster has: `CLUSTER_SLOTS` of Redis. */
export const SLOT_COUNT = 16384;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

const TABLE: Uint16Array = makeTable();

/** The CRC of `[start, end)`. */
export function crc16(bytes: Uint8Array, start: number, end: number): number {
  let crc = 0;
  for (let pos = start; pos < end; pos++) {
    crc = ((crc << 8) ^ TABLE[((crc >>> 8) ^ bytes[pos]) & 0xff]) & 0xffff;
  }
  return crc;
}

/**
 * The slot of a key: of what stands between its first "{" and the next "}", when that is not empty,
 * else of the whole key.
 */
export function keySlot(bytes: Uint8Array, start: number, end: number): number {
  let open = start;
  while (open < end && bytes[open] !== OPEN_BRACE) open++;
  if (open < end) {
    let close = open + 1;
    while (close < end && bytes[close] !== CLOSE_BRACE) close++;
    if (close < end && close > open + 1) return crc16(bytes, open + 1, close) % SLOT_COUNT;
  }
  return crc16(bytes, start, end) % SLOT_COUNT;
}

function makeTable(): Uint16Array {
  const table = new Uint16Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
    table[byte] = crc;
  }
  return table;
}
