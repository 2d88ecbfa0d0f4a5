/**
 * One node of a stream: entries in a listpack as `t_stream.c` lays them out.
 *
 * ```
 *  count  deleted  nfields  field ... field  0                      the master entry
 *  flags  ms  seq  nfields  field value ... field value  elements   an entry
 *  flags  ms  seq  value ... value  elements                        an entry with the master's fields
 * ```
 *
 * `ms` and `seq` are differences to the node's id, modulo 2^64; `elements` counts those of the entry
 * before it, so that entries can be walked backwards. What is deleted stays, with a flag, until the whole
 * node goes.
 *
 * @module
 */

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
  lpIsInteger,
  lpNext,
  lpPrev,
  lpSplice,
  lpStates,
  lpWrite,
  lpWriteInteger,
} from "./listpack.ts";
import { lpCheckedNext, lpCheckFrame, WRONG_COUNT } from "./listpack_check.ts";
import { NodeRegion, type Region } from "./region.ts";
import type { EncodingLimits } from "../memory/settings.ts";
import type { StreamId } from "./stream_id.ts";

/** Flag of an entry that is deleted. */
export const DELETED = 1;
/** Flag of an entry whose fields are the master entry's. */
export const SAME_FIELDS = 2;

/** Nothing in a stream is larger: `STREAM_LISTPACK_MAX_SIZE`. */
export const MAX_NODE_BYTES: number = 1 << 30;
/** Most elements of an entry, far beyond what fits. */
const MAX_ELEMENTS: number = 1 << 30;

/** The largest integer that is its own encoding in a listpack. */
const SMALL_MAX = 127;

const scratch = new ByteBuffer();
/** A 64-bit difference: two's complement halves. */
let diffLow = 0;
let diffHigh = 0;

/** A list of byte strings inside of one run of bytes: fields and values, one after the other. */
export interface Fields {
  readonly bytes: Uint8Array;
  readonly starts: ArrayLike<number>;
  readonly ends: ArrayLike<number>;
}

/** Live entries of a node. */
export function nodeCount(node: Region): number {
  return liveEntries(node.bytes, node.start);
}

/** Live entries of a node that begins at `start`. */
export function liveEntries(bytes: Uint8Array, start: number): number {
  return lpInteger(bytes, lpFirst(bytes, start));
}

/** Entries of a node that are deleted. */
export function nodeDeleted(node: Region): number {
  const { bytes, start } = node;
  return lpInteger(bytes, lpNext(bytes, lpFirst(bytes, start)));
}

/** Position of the number of the master entry's fields; the fields come after it. */
export function nodeFieldCountAt(bytes: Uint8Array, start: number = 0): number {
  return lpNext(bytes, lpNext(bytes, lpFirst(bytes, start)));
}

/** Position of a node's first entry, or of its end. */
export function nodeFirstEntry(bytes: Uint8Array): number {
  let pos = nodeFieldCountAt(bytes);
  for (let left = lpInteger(bytes, pos) + 2; left > 0; left--) pos = lpNext(bytes, pos);
  return pos;
}

/** Position of a node's last entry; -1 when it has none. */
export function nodeLastEntry(node: NodeRegion): number {
  return entryBefore(node.bytes, node.end - 1);
}

/** Position of the entry that ends at `pos`; -1 when the master entry does. */
export function entryBefore(bytes: Uint8Array, pos: number): number {
  let at = lpPrev(bytes, 0, pos);
  const elements = lpInteger(bytes, at);
  if (elements === 0) return -1;
  for (let left = elements; left > 0; left--) at = lpPrev(bytes, 0, at);
  return at;
}

/** Reads the id of the entry at `pos`. */
export function readEntryId(bytes: Uint8Array, pos: number, master: StreamId, out: StreamId): void {
  const ms = lpNext(bytes, pos);
  readDifference(bytes, ms);
  let low = master.msLow + (diffLow >>> 0);
  out.msLow = low >>> 0;
  out.msHigh = (master.msHigh + (diffHigh >>> 0) + (low > 0xffffffff ? 1 : 0)) >>> 0;
  readDifference(bytes, lpNext(bytes, ms));
  low = master.seqLow + (diffLow >>> 0);
  out.seqLow = low >>> 0;
  out.seqHigh = (master.seqHigh + (diffHigh >>> 0) + (low > 0xffffffff ? 1 : 0)) >>> 0;
}

/** Position after the entry at `pos`. */
export function entryAfter(bytes: Uint8Array, pos: number, masterFields: number): number {
  let at = lpNext(bytes, lpNext(bytes, lpNext(bytes, pos)));
  let left = masterFields + 1;
  if ((bytes[pos] & SAME_FIELDS) === 0) left = 2 * lpInteger(bytes, at) + 2;
  for (; left > 0; left--) at = lpNext(bytes, at);
  return at;
}

/** A node without entries, whose fields are those of the entry to come. */
export function newNode(fields: Fields, first: number, end: number): NodeRegion {
  scratch.clear();
  beginNode(scratch, fields, first, end);
  return new NodeRegion(scratch.bytes, 0, scratch.length);
}

/** Writes such a node to `out`. */
export function beginNode(out: ByteBuffer, fields: Fields, first: number, end: number): void {
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

/** Adds an entry of fields and values `[first, end)` behind the others. */
export function appendEntry(
  node: Region,
  master: StreamId,
  id: StreamId,
  fields: Fields,
  first: number,
  end: number,
): void {
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
  let pos = lpExtend(node, size, elements + 1);
  const own = node.bytes;
  copyBytes(own, pos, scratch.bytes, 0, scratch.length);
  pos += scratch.length;
  for (let i = from; i < end; i += step) pos = lpWrite(own, pos, bytes, starts[i], ends[i]);
  lpWriteInteger(own, pos, elements);
  const count = lpFirst(node.bytes, node.start);
  // As one byte is how most are written.
  if (node.bytes[count] < SMALL_MAX) node.bytes[count]++;
  else replaceInteger(node, count, nodeCount(node) + 1);
}

/** Flags entries as deleted, whose flags the caller has set already, in the master entry. */
export function countDeleted(node: NodeRegion, deleted: number): void {
  replaceInteger(node, lpFirst(node.bytes, 0), nodeCount(node) - deleted);
  const second = lpNext(node.bytes, lpFirst(node.bytes, 0));
  replaceInteger(node, second, nodeDeleted(node) + deleted);
}

/** Flags one entry as deleted; every flag takes a byte. */
export function flagDeleted(node: NodeRegion, pos: number): void {
  node.bytes[pos] |= DELETED;
}

/**
 * Checks a node of unknown origin to its last byte: the listpack, the structure of every entry, the
 * counts, and that ids ascend.
 *
 * @param last The last id before the node; becomes the node's last one.
 * @returns What is wrong, undefined when nothing is.
 */
export function checkNode(
  bytes: Uint8Array,
  start: number,
  end: number,
  master: StreamId,
  last: StreamId,
  current: StreamId,
): string | undefined {
  if (end - start > MAX_NODE_BYTES) return "stream node is too large";
  const wrong = lpCheckFrame(bytes, start, end);
  if (wrong !== undefined) return wrong;
  const walk = new Walk(bytes, lpFirst(bytes, start), end - 1);
  const count = walk.integer();
  const deleted = walk.integer();
  const fields = walk.integer();
  if (!(count >= 0 && deleted >= 0 && fields >= 0 && fields < MAX_ELEMENTS)) return MASTER_ENTRY;
  if (!walk.skip(fields) || walk.integer() !== 0) return MASTER_ENTRY;
  let live = 0;
  let dead = 0;
  while (walk.pos < end - 1) {
    const { pos } = walk;
    const flags = walk.integer();
    // In one byte, as every server writes them: they are looked at there.
    if (flags !== bytes[pos] || flags > (DELETED | SAME_FIELDS)) return ENTRY;
    if (!walk.isInteger() || !walk.isInteger()) return ENTRY;
    const same = (flags & SAME_FIELDS) !== 0;
    const own = same ? fields : walk.integer();
    if (!(own >= 0 && own < MAX_ELEMENTS)) return ENTRY;
    if (!walk.skip(same ? own : 2 * own)) return ENTRY;
    if (walk.integer() !== (same ? own + 3 : 2 * own + 4)) return ENTRY;
    readEntryId(bytes, pos, master, current);
    const ascends = current.compare(last) > 0 && current.compare(master) >= 0;
    if (!ascends) return "ids of stream entries do not ascend";
    last.set(current);
    if ((flags & DELETED) !== 0) dead++;
    else live++;
  }
  if (!lpStates(bytes, start, walk.count)) return WRONG_COUNT;
  if (live !== count || dead !== deleted) return "stream node has other entries than it says";
  // Trimming by id leaves nodes of deleted entries alone, as in t_stream.c.
  return live + dead === 0 ? "stream node has no entries" : undefined;
}

const MASTER_ENTRY = "master entry of a stream node is not whole";
const ENTRY = "entry of a stream node is not whole";

/** Steps over elements of a listpack, each checked before it is read. */
class Walk {
  readonly #bytes: Uint8Array;
  readonly #last: number;
  pos: number;
  /** Elements passed. */
  count: number = 0;

  constructor(bytes: Uint8Array, pos: number, last: number) {
    this.#bytes = bytes;
    this.#last = last;
    this.pos = pos;
  }

  /** The next element, an integer; -1 when it is none. */
  integer(): number {
    const bytes = this.#bytes;
    const at = this.pos;
    // Most are a byte with its length of 1 behind it.
    if (bytes[at] < 0x80 && at + 1 < this.#last && bytes[at + 1] === 1) {
      this.pos = at + 2;
      this.count++;
      return bytes[at];
    }
    return this.isInteger() ? lpInteger(this.#bytes, at) : -1;
  }

  isInteger(): boolean {
    return this.pos < this.#last && lpIsInteger(this.#bytes, this.pos) && this.skip(1);
  }

  skip(count: number): boolean {
    const bytes = this.#bytes;
    const last = this.#last;
    let { pos } = this;
    for (let left = count; left > 0; left--) {
      if (pos >= last) return false;
      pos = lpCheckedNext(bytes, pos, last);
      if (pos < 0) return false;
    }
    this.pos = pos;
    this.count += count;
    return true;
  }
}

/** Whether the master entry has these fields in this order. */
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

function appendDifference(high: number, low: number, fromHigh: number, fromLow: number): void {
  const lowDiff = (low - fromLow) | 0;
  const highDiff = (high - fromHigh - (low < fromLow ? 1 : 0)) | 0;
  if (highDiff === lowDiff >> 31) return lpAppendIntegerTo(scratch, lowDiff);
  lpAppendIntegerTo(scratch, (BigInt(highDiff) << 32n) | BigInt(lowDiff >>> 0));
}

function readDifference(bytes: Uint8Array, pos: number): void {
  const value = lpInteger(bytes, pos);
  if (value === (value | 0)) {
    diffLow = value;
    diffHigh = value >> 31;
    return;
  }
  const exact = lpBigInteger(bytes, pos);
  diffLow = Number(BigInt.asIntN(32, exact));
  diffHigh = Number(BigInt.asIntN(32, exact >> 32n));
}

function replaceInteger(node: Region, pos: number, value: number): void {
  scratch.clear();
  lpAppendIntegerTo(scratch, value);
  const end = lpNext(node.bytes, pos);
  lpSplice(node, pos, end, 1, scratch, 1);
}

/** Whether an entry of so many bytes of fields and values still goes into a node. */
export function hasRoom(node: Region, bytes: number, limits: EncodingLimits): boolean {
  const { streamNodeMaxBytes, streamNodeMaxEntries } = limits;
  const most = streamNodeMaxBytes === 0 || streamNodeMaxBytes > MAX_NODE_BYTES
    ? MAX_NODE_BYTES
    : streamNodeMaxBytes;
  if (node.end - node.start + bytes >= most) return false;
  if (streamNodeMaxEntries === 0) return true;
  return nodeCount(node) + nodeDeleted(node) < streamNodeMaxEntries;
}
