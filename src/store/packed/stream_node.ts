/**
 * One node of a stream: neighbouring entries in a listpack, as `t_stream.c` lays them out
 * (`streamAppendItem`). Entries of one stream mostly have the same fields and ids that differ little, so a
 * node says both once, in its master entry, and an entry holds what is its own.
 *
 * ```
 *  master entry     count  deleted  nfields  field ... field  0
 *  entry            flags  ms  seq  nfields  field value ... field value  elements
 *  same fields      flags  ms  seq  value ... value  elements
 * ```
 *
 * Every word is a listpack element, all but fields and values are integers:
 *
 * ```
 *  count      entries that are not deleted             deleted    entries that are
 *  nfields    how many fields follow                   0          end of the master entry
 *  flags      1: deleted, 2: fields are the master's
 *  ms, seq    the entry's id less the node's id, which is that of its first entry; the table of nodes
 *             holds it. Modulo 2^64 each: seq is negative where ms has grown
 *  elements   elements of the entry before this one: an entry is found from its end with it, and the
 *             master entry's 0 says that none is before
 * ```
 *
 * `XADD x 1-1 f v` in a new stream is `1 0 1 f 0 | 2 0 0 v 4`. A deleted entry stays where it is, with a
 * flag, until all entries of its node are deleted and the node goes: to move what follows it would cost
 * more than its bytes. Redis compacts no node either.
 *
 * Positions are offsets into the node's bytes, as in `listpack.ts`. The functions trust the bytes; those
 * of a snapshot are for `stream_node_check.ts`.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { ByteBuffer } from "../../base/byte_buffer.ts";
import { copyBytes } from "../../base/copy.ts";
import {
  lpAppendIntegerTo,
  lpAppendTo,
  lpBegin,
  lpBigInteger,
  lpEntryBytes,
  lpEquals,
  lpExtend,
  lpFinish,
  lpFirst,
  lpInteger,
  lpIntegerEntryBytes,
  lpNext,
  lpPrev,
  lpSplice,
  lpWrite,
  lpWriteInteger,
} from "./listpack.ts";
import { NodeRegion, type Region } from "./region.ts";
import type { EncodingLimits } from "../memory/settings.ts";
import type { StreamId } from "./stream_id.ts";

/** Flag of an entry that is deleted (`STREAM_ITEM_FLAG_DELETED`). */
export const DELETED = 1;
/** Flag of an entry whose fields are the master entry's (`STREAM_ITEM_FLAG_SAMEFIELDS`). */
export const SAME_FIELDS = 2;

/** Most bytes of a node, and so of an entry (`STREAM_LISTPACK_MAX_SIZE`). */
export const MAX_NODE_BYTES: number = 1 << 30;

/** The largest integer that is one byte of a listpack, the value itself. */
const SMALL_MAX = 127;

/** What is put together for one call: an entry's head, a new node, an integer. */
const scratch = new ByteBuffer();

/** The difference that {@linkcode readDifference} read last: halves of 32 bits, two's complement. */
let diffLow = 0;
let diffHigh = 0;

/** Byte strings in one run of bytes, as a command's arguments are: fields and values in turn. */
export interface Fields {
  /** What all of them lie in. */
  readonly bytes: Uint8Array;
  /** Offset of each one's first byte. */
  readonly starts: ArrayLike<number>;
  /** Offset after each one's last byte. */
  readonly ends: ArrayLike<number>;
}

/** How many entries of a node are not deleted. */
export function nodeCount(node: Region): number {
  return liveEntries(node.bytes, node.start);
}

/** How many entries are not deleted in the node that begins at `start`. */
export function liveEntries(bytes: Uint8Array, start: number): number {
  return lpInteger(bytes, lpFirst(bytes, start));
}

/** How many entries of a node are deleted. */
export function nodeDeleted(node: Region): number {
  const { bytes, start } = node;
  return lpInteger(bytes, lpNext(bytes, lpFirst(bytes, start)));
}

/** Position of `nfields` in the master entry; the fields come right after it. */
export function nodeFieldCountAt(bytes: Uint8Array, start: number = 0): number {
  return lpNext(bytes, lpNext(bytes, lpFirst(bytes, start)));
}

/** Position of a node's first entry, deleted or not; of the end byte when there is none. */
export function nodeFirstEntry(bytes: Uint8Array): number {
  let pos = nodeFieldCountAt(bytes);
  // `nfields` itself, the fields and the 0 behind them.
  for (let left = lpInteger(bytes, pos) + 2; left > 0; left--) pos = lpNext(bytes, pos);
  return pos;
}

/** Position of a node's last entry, deleted or not; -1 when there is none. */
export function nodeLastEntry(node: NodeRegion): number {
  return entryBefore(node.bytes, node.end - 1);
}

/** Position of the entry that ends at `pos`; -1 when it is the master entry that ends there. */
export function entryBefore(bytes: Uint8Array, pos: number): number {
  let at = lpPrev(bytes, 0, pos);
  const elements = lpInteger(bytes, at);
  if (elements === 0) return -1;
  for (let left = elements; left > 0; left--) at = lpPrev(bytes, 0, at);
  return at;
}

/** Reads the id of the entry at `pos` into `out`; `master` is the node's id. */
export function readEntryId(bytes: Uint8Array, pos: number, master: StreamId, out: StreamId): void {
  const ms = lpNext(bytes, pos);
  // Two additions of 64 bits, each in halves with a carry.
  readDifference(bytes, ms);
  let low = master.msLow + (diffLow >>> 0);
  out.msLow = low >>> 0;
  out.msHigh = (master.msHigh + (diffHigh >>> 0) + (low > 0xffffffff ? 1 : 0)) >>> 0;
  readDifference(bytes, lpNext(bytes, ms));
  low = master.seqLow + (diffLow >>> 0);
  out.seqLow = low >>> 0;
  out.seqHigh = (master.seqHigh + (diffHigh >>> 0) + (low > 0xffffffff ? 1 : 0)) >>> 0;
}

/** Position after the entry at `pos`; `masterFields` is the `nfields` of the master entry. */
export function entryAfter(bytes: Uint8Array, pos: number, masterFields: number): number {
  let at = lpNext(bytes, lpNext(bytes, lpNext(bytes, pos)));
  // Behind flags, ms and seq: the values and `elements`, or `nfields`, fields, values and `elements`.
  let left = masterFields + 1;
  if ((bytes[pos] & SAME_FIELDS) === 0) left = 2 * lpInteger(bytes, at) + 2;
  for (; left > 0; left--) at = lpNext(bytes, at);
  return at;
}

/**
 * A node without entries, whose master entry has the fields of the entry to come.
 *
 * @param first Index of that entry's first field; `end` is that after its last value.
 */
export function newNode(fields: Fields, first: number, end: number): NodeRegion {
  scratch.clear();
  beginNode(scratch, fields, first, end);
  return new NodeRegion(scratch.bytes, 0, scratch.length);
}

/** Appends a node without entries to `out`, as {@linkcode newNode} makes it. */
export function beginNode(out: ByteBuffer, fields: Fields, first: number, end: number): void {
  assert(end > first && ((end - first) & 1) === 0, "an entry has fields and values in pairs");
  const start = out.length;
  lpBegin(out);
  lpAppendIntegerTo(out, 0);
  lpAppendIntegerTo(out, 0);
  lpAppendIntegerTo(out, (end - first) >> 1);
  const { bytes, starts, ends } = fields;
  for (let i = first; i < end; i += 2) lpAppendTo(out, bytes, starts[i], ends[i]);
  lpAppendIntegerTo(out, 0);
  lpFinish(out, start, 4 + ((end - first) >> 1));
}

/**
 * Adds an entry behind the others (the second half of `streamAppendItem`).
 *
 * @param master The node's id.
 * @param id The entry's, after that of every other.
 * @param first Index of its first field; fields and values are those at `[first, end)`.
 */
export function appendEntry(
  node: Region,
  master: StreamId,
  id: StreamId,
  fields: Fields,
  first: number,
  end: number,
): void {
  assert(id.compare(master) >= 0, "no entry comes before its node");
  const before = nodeCount(node);
  const same = hasFields(node, fields, first, end);
  const { bytes, starts, ends } = fields;
  const pairs = (end - first) >> 1;
  scratch.clear();
  lpAppendIntegerTo(scratch, same ? SAME_FIELDS : 0);
  appendDifference(id.msHigh, id.msLow, master.msHigh, master.msLow);
  appendDifference(id.seqHigh, id.seqLow, master.seqHigh, master.seqLow);
  if (!same) lpAppendIntegerTo(scratch, pairs);
  const elements = same ? pairs + 3 : 2 * pairs + 4;
  const [from, step] = same ? [first + 1, 2] : [first, 1];
  let size = scratch.length + lpIntegerEntryBytes(elements);
  for (let i = from; i < end; i += step) size += lpEntryBytes(bytes, starts[i], ends[i]);
  // Fields and values are written straight into the node: they may be long, and are copied once.
  let pos = lpExtend(node, size, elements + 1);
  const own = node.bytes;
  copyBytes(own, pos, scratch.bytes, 0, scratch.length);
  pos += scratch.length;
  for (let i = from; i < end; i += step) pos = lpWrite(own, pos, bytes, starts[i], ends[i]);
  pos = lpWriteInteger(own, pos, elements);
  assert(pos === node.end - 1, "an entry ends where the room made for it ends");
  const count = lpFirst(own, node.start);
  // A count below 127 is one byte, which stays one: nothing moves.
  if (own[count] < SMALL_MAX) own[count]++;
  else replaceInteger(node, count, before + 1);
}

/** Counts entries as deleted in the master entry; {@linkcode flagDeleted} has flagged each already. */
export function countDeleted(node: NodeRegion, deleted: number): void {
  const live = nodeCount(node);
  assert(deleted > 0 && deleted <= live, "no more entries are deleted than there are");
  replaceInteger(node, lpFirst(node.bytes, 0), live - deleted);
  const second = lpNext(node.bytes, lpFirst(node.bytes, 0));
  replaceInteger(node, second, nodeDeleted(node) + deleted);
}

/** Flags the entry at `pos` as deleted, in place: flags are a small integer, one byte. */
export function flagDeleted(node: NodeRegion, pos: number): void {
  assert((node.bytes[pos] & ~SAME_FIELDS) === 0, "an entry is deleted once");
  node.bytes[pos] |= DELETED;
}

/** Whether the master entry has the fields at `[first, end)`, in this order. */
function hasFields(node: Region, fields: Fields, first: number, end: number): boolean {
  const { bytes, starts, ends } = fields;
  const own = node.bytes;
  let pos = nodeFieldCountAt(own, node.start);
  if (lpInteger(own, pos) !== (end - first) >> 1) return false;
  for (let i = first; i < end; i += 2) {
    pos = lpNext(own, pos);
    if (!lpEquals(own, pos, bytes, starts[i], ends[i])) return false;
  }
  return true;
}

/** Appends a 64-bit difference to the scratch: as a number where it fits 32 bits, which is nearly always. */
function appendDifference(high: number, low: number, fromHigh: number, fromLow: number): void {
  const lowDiff = (low - fromLow) | 0;
  const highDiff = (high - fromHigh - (low < fromLow ? 1 : 0)) | 0;
  if (highDiff === lowDiff >> 31) return lpAppendIntegerTo(scratch, lowDiff);
  lpAppendIntegerTo(scratch, (BigInt(highDiff) << 32n) | BigInt(lowDiff >>> 0));
}

/** Reads the difference at `pos` into `diffLow` and `diffHigh`. */
function readDifference(bytes: Uint8Array, pos: number): void {
  const value = lpInteger(bytes, pos);
  if (value === (value | 0)) {
    diffLow = value;
    diffHigh = value >> 31;
    return;
  }
  // Beyond 32 bits: ids that lie weeks apart, or were given by hand.
  const exact = lpBigInteger(bytes, pos);
  diffLow = Number(BigInt.asIntN(32, exact));
  diffHigh = Number(BigInt.asIntN(32, exact >> 32n));
}

/** Writes another integer in the place of the one at `pos`; what follows moves if its length differs. */
function replaceInteger(node: Region, pos: number, value: number): void {
  scratch.clear();
  lpAppendIntegerTo(scratch, value);
  const end = lpNext(node.bytes, pos);
  lpSplice(node, pos, end, 1, scratch, 1);
}

/**
 * Whether an entry of so many bytes of fields and values still goes into a node, by the limits
 * `stream-node-max-bytes` and `stream-node-max-entries`: 0 is none. Deleted entries are counted in,
 * as Redis does.
 */
export function hasRoom(node: Region, bytes: number, limits: EncodingLimits): boolean {
  const { streamNodeMaxBytes, streamNodeMaxEntries } = limits;
  const most = streamNodeMaxBytes === 0 || streamNodeMaxBytes > MAX_NODE_BYTES
    ? MAX_NODE_BYTES
    : streamNodeMaxBytes;
  if (node.end - node.start + bytes >= most) return false;
  if (streamNodeMaxEntries === 0) return true;
  return nodeCount(node) + nodeDeleted(node) < streamNodeMaxEntries;
}
