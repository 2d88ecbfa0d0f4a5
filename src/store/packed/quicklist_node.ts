/**
 * One node of a quicklist, and how much goes into one (`quicklist.c`: `list-max-listpack-size`, which it
 * calls fill).
 *
 * ```
 *  packed   a listpack of elements (`QUICKLIST_NODE_CONTAINER_PACKED`)
 *  plain    the bytes of one element, as they are (`QUICKLIST_NODE_CONTAINER_PLAIN`)
 * ```
 *
 * A fill below 0 bounds the bytes of a listpack, one above the number of its elements:
 *
 * ```
 *  fill         -1     -2     -3      -4      -5 and below    0 or 1      n > 1
 *  bytes        4096   8192   16384   32768   65536           8192        8192
 *  elements     any    any    any     any     any             1           n
 * ```
 *
 * The 8192 bytes of the last two are `SIZE_SAFETY_LIMIT`. An element that is longer than a listpack may
 * be gets a plain node. Limits count a listpack's bytes together with an estimate of what is added, and
 * are Redis's to the byte: they decide where nodes are cut, which a snapshot and OBJECT ENCODING show.
 *
 * @module
 */

import { ByteBuffer } from "../../base/byte_buffer.ts";
import { LISTPACK_EMPTY, LISTPACK_HEADER, lpAppendTo, lpSplice } from "./listpack.ts";
import { NodeRegion } from "./region.ts";

/** `SIZE_SAFETY_LIMIT`: most bytes of a listpack whose limit is a number of elements. */
const SAFETY_BYTES = 8192;
/** `SIZE_ESTIMATE_OVERHEAD`: what an element is taken to cost beside its own bytes. */
export const ENTRY_OVERHEAD = 8;
/** `optimization_level`: most bytes of a listpack at a fill of -1 to -5. */
const SIZE_LIMITS: readonly number[] = [4096, 8192, 16384, 32768, 65536];
/** Bytes of memory that the buffer keeps between two uses. */
const KEPT_BYTES = 1 << 17;

/** The entries that {@linkcode encodeElement} or {@linkcode takeEntries} put there last. */
const encoded = new ByteBuffer();

/** A run of a list's elements. */
export class QuicklistNode {
  /** Memory of the listpack, or of the one element; the node's own. */
  readonly region: NodeRegion;
  /** Whether the node is the bytes of one element, and no listpack. */
  readonly plain: boolean;
  /** How many elements the node has: 1 if it is plain, and never 0 while it is part of a list. */
  count: number;

  /** Takes the region over: it is released with the node. */
  constructor(region: NodeRegion, plain: boolean, count: number) {
    this.region = region;
    this.plain = plain;
    this.count = count;
  }

  /** Bytes of the listpack or element, without spare memory. */
  get size(): number {
    return this.region.end;
  }
}

/** Most bytes of a listpack under a fill below 0; Infinity under any other, which bounds elements. */
export function fillBytes(fill: number): number {
  if (fill >= 0) return Infinity;
  return SIZE_LIMITS[Math.min(-fill, SIZE_LIMITS.length) - 1];
}

/** Most elements of a listpack under a fill of 0 or more; Infinity under one that bounds bytes. */
export function fillCount(fill: number): number {
  return fill < 0 ? Infinity : Math.max(fill, 1);
}

/** Whether a listpack of so many bytes and elements is over the limit (`quicklistNodeExceedsLimit`). */
export function exceedsFill(fill: number, bytes: number, count: number): boolean {
  if (fill < 0) return bytes > fillBytes(fill);
  return bytes > SAFETY_BYTES || count > fillCount(fill);
}

/** Whether an element of so many bytes gets a plain node (`isLargeElement`). */
export function isLargeElement(fill: number, bytes: number): boolean {
  return bytes > (fill < 0 ? fillBytes(fill) : SAFETY_BYTES);
}

/** A node of one large element, which is copied. */
export function plainNode(bytes: Uint8Array, start: number, end: number): QuicklistNode {
  return new QuicklistNode(new NodeRegion(bytes, start, end), true, 1);
}

/** A node of a listpack of one element. */
export function packedNode(bytes: Uint8Array, start: number, end: number): QuicklistNode {
  return nodeOf(encodeElement(bytes, start, end), 1);
}

/** A node of a listpack of `count` encoded entries. */
export function nodeOf(entries: ByteBuffer, count: number): QuicklistNode {
  const region = new NodeRegion(LISTPACK_EMPTY, 0, LISTPACK_EMPTY.length);
  lpSplice(region, LISTPACK_HEADER, LISTPACK_HEADER, 0, entries, count);
  return new QuicklistNode(region, false, count);
}

/** The listpack entry of an element, in a buffer that the next call of this or of takeEntries overwrites. */
export function encodeElement(bytes: Uint8Array, start: number, end: number): ByteBuffer {
  encoded.shrink(KEPT_BYTES);
  lpAppendTo(encoded, bytes, start, end);
  return encoded;
}

/** A copy of a listpack's entries at `[from, to)`, in the buffer of {@linkcode encodeElement}. */
export function takeEntries(region: NodeRegion, from: number, to: number): ByteBuffer {
  encoded.shrink(KEPT_BYTES);
  encoded.writeBytes(region.bytes, from, to);
  return encoded;
}
