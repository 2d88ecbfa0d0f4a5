/**
 * Small streams, held in their record: one node at most, no groups and no producers. A {@linkcode Stream} takes some two
 * kilobytes of objects, so streams of a few entries, which come by the million, are one only while a
 * command works on them. Redis has one form of streams alone; none of its clients can tell.
 *
 * ```
 *  offset   0  u64 LE  entries that are not deleted      8  u64 LE  entries ever added
 *          16  id      the last id                      32  id      the first id
 *          48  id      the highest deleted id           64  id      the node's id, 0-0 without a node
 *          80  listpack of the node, nothing without a node; an id is 16 bytes as in `stream_id.ts`
 * ```
 *
 * What reads a stream unpacks it ({@linkcode streamOf}), what has changed it packs it again
 * ({@linkcode keepStream}). XADD, by far the commonest write, changes the record itself.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { ByteBuffer, BytesRef } from "../../base/byte_buffer.ts";
import { Encoding, type Entry, NO_EXPIRY, ValueType } from "../memory/record.ts";
import type { Records } from "../memory/records.ts";
import { RecordRegion } from "../packed/record_region.ts";
import { BufferRegion, type NodeRegion, type Region } from "../packed/region.ts";
import { IdPlace } from "../packed/id_table.ts";
import { StreamId } from "../packed/stream_id.ts";
import { Stream } from "./stream.ts";
import { appendEntry, beginNode, type Fields, hasRoom, nodeCount } from "../packed/stream_node.ts";

/** Most bytes of a node: to copy a longer one for each command costs more than the object takes. */
const MOST_NODE_BYTES = 2048;
/** Least room that is left behind an entry that is added, in bytes: another one is likely to come. */
const SPARE_BYTES = 160;
/** Bytes of a count, of which the low 53 bits are used. */
const COUNT_BYTES = 8;
/** Offsets of the drawing at the top. */
const LENGTH = 0;
const ENTRIES_ADDED = 8;
const LAST_ID = 16;
const FIRST_ID = 32;
const MAX_DELETED_ID = 48;
const NODE_ID = 64;
const NODE = 80;

const header = new Uint8Array(NODE);
const packed = new ByteBuffer();
const made = new BufferRegion();
const value = new BytesRef();
const nodeId = new StreamId();
const place = new IdPlace();

/** The node of a packed stream as a region: the record's value behind the header. */
class PackedNode implements Region {
  readonly record: RecordRegion = new RecordRegion();

  get bytes(): Uint8Array {
    return this.record.bytes;
  }

  get start(): number {
    return this.record.start + NODE;
  }

  get end(): number {
    return this.record.end;
  }

  resize(length: number): void {
    const spare = Math.min(length, MOST_NODE_BYTES - length);
    this.record.resize(NODE + length, Math.max(spare, SPARE_BYTES));
  }
}

const packedNode = new PackedNode();

/**
 * The stream of an entry whose type is STREAM. Unless `isHeld` says that the records hold this very object,
 * it is a copy, and a change is lost that {@linkcode keepStream} is not told of.
 */
export function streamOf(db: Records, entry: Entry): Stream {
  const object = db.objectOf(entry);
  if (object !== undefined) return object as Stream;
  db.valueRef(entry, value);
  return unpackStream(value.bytes, value.start, value.end);
}

/** Reads the last id that was ever given in a stream, without unpacking it. */
export function readLastId(db: Records, entry: Entry, out: StreamId): void {
  const object = db.objectOf(entry);
  if (object !== undefined) return out.set((object as Stream).lastId);
  db.valueRef(entry, value);
  out.setBytes(value.bytes, value.start + LAST_ID);
}

/**
 * Adds an entry, as {@linkcode Stream.append} does, to a packed stream that has entries and stays small.
 *
 * @param id Above the stream's last id.
 * @param first Index of the first field; fields and values are those at `[first, end)`.
 * @returns False, and nothing added, when the stream is none of that kind.
 */
export function appendPacked(
  db: Records,
  entry: Entry,
  id: StreamId,
  fields: Fields,
  first: number,
  end: number,
): boolean {
  if (db.objectOf(entry) !== undefined) return false;
  const node = packedNode;
  node.record.open(db, entry, Encoding.STREAM);
  const { record } = node;
  let bytes = 0;
  for (let i = first; i < end; i++) bytes += fields.ends[i] - fields.starts[i];
  if (node.end - node.start + bytes > MOST_NODE_BYTES) return false;
  // In an empty stream the first id changes, and a node may have to be made: Stream.append does that.
  if (readCount(record.bytes, record.start + LENGTH) === 0) return false;
  if (!hasRoom(node, bytes, db.settings.limits)) return false;
  nodeId.setBytes(record.bytes, record.start + NODE_ID);
  appendEntry(node, nodeId, id, fields, first, end);
  countOneMore(record.bytes, record.start + LENGTH);
  countOneMore(record.bytes, record.start + ENTRIES_ADDED);
  id.writeBytes(record.bytes, record.start + LAST_ID);
  assert(nodeCount(node) === readCount(record.bytes, record.start + LENGTH), "entries are counted");
  return true;
}

function readCount(bytes: Uint8Array, pos: number): number {
  let count = 0;
  for (let i = pos + COUNT_BYTES - 1; i >= pos; i--) count = count * 256 + bytes[i];
  return count;
}

function writeCount(bytes: Uint8Array, pos: number, count: number): void {
  for (let i = pos; i < pos + COUNT_BYTES; i++) {
    bytes[i] = count;
    count = Math.floor(count / 256);
  }
}

/** Adds one to the count at `pos`; each byte that wraps carries into the next. */
function countOneMore(bytes: Uint8Array, pos: number): void {
  while (++bytes[pos] > 0xff) pos++;
}

/**
 * Makes a key a stream of one entry, packed.
 *
 * @returns False, and nothing made, when the entry is too long for a small stream.
 */
export function createPacked(
  db: Records,
  keyBytes: Uint8Array,
  keyStart: number,
  keyEnd: number,
  id: StreamId,
  fields: Fields,
  first: number,
  end: number,
): boolean {
  const { buffer } = made;
  // The arguments lie in one run of bytes, with what is between them: a bound from above for the entry.
  if (fields.ends[end - 1] - fields.starts[first] > MOST_NODE_BYTES / 2) return false;
  buffer.clear();
  writeCount(header, LENGTH, 1);
  writeCount(header, ENTRIES_ADDED, 1);
  id.writeBytes(header, LAST_ID);
  id.writeBytes(header, FIRST_ID);
  id.writeBytes(header, NODE_ID);
  header.fill(0, MAX_DELETED_ID, NODE_ID);
  buffer.writeBytes(header);
  beginNode(buffer, fields, first, end);
  made.start = NODE;
  appendEntry(made, id, id, fields, first, end);
  const { bytes, length } = buffer;
  const [type, encoding] = [ValueType.STREAM, Encoding.STREAM];
  db.createBlob(keyBytes, keyStart, keyEnd, type, encoding, bytes, length);
  return true;
}

/**
 * Stores a stream that was made or changed under its key, whose expiry stays: packed if it is small. Does
 * nothing if the records hold it; an object that was held once stays one.
 */
export function keepStream(
  db: Records,
  keyBytes: Uint8Array,
  start: number,
  end: number,
  stream: Stream,
): void {
  if (stream.isHeld) return;
  const entry = db.find(keyBytes, start, end);
  const at = entry === 0 ? NO_EXPIRY : db.expireAtMs(entry);
  const [type, encoding] = [ValueType.STREAM, Encoding.STREAM];
  packed.clear();
  if (packStream(stream, packed)) {
    db.setBlob(keyBytes, start, end, type, encoding, packed.bytes, 0, packed.length, at);
    return;
  }
  stream.isHeld = true;
  db.setObject(keyBytes, start, end, type, encoding, stream, at);
}

/** Appends the packed form of a stream; false, and nothing written, when it is not small. */
function packStream(stream: Stream, out: ByteBuffer): boolean {
  if (!isPlain(stream) || stream.nodes.size > 1) return false;
  let node: NodeRegion | undefined;
  nodeId.setWords(0, 0, 0, 0);
  if (stream.nodes.first(place)) {
    node = stream.nodes.valueAt(place);
    if (node.end > MOST_NODE_BYTES) return false;
    stream.nodes.readId(place, nodeId);
  }
  writeHeader(stream, nodeId, out);
  if (node !== undefined) out.writeBytes(node.bytes, node.start, node.end);
  return true;
}

/**
 * Appends the packed form of a stream whose only node has not been added to it: for loading, where the
 * node's bytes come last.
 *
 * @returns False, and nothing written, when the stream is not small.
 */
export function packStreamOf(
  stream: Stream,
  id: StreamId,
  node: Uint8Array,
  start: number,
  end: number,
  out: ByteBuffer,
): boolean {
  if (!isPlain(stream) || stream.nodes.size > 0 || end - start > MOST_NODE_BYTES) return false;
  writeHeader(stream, id, out);
  out.writeBytes(node, start, end);
  return true;
}

/** Whether a stream is entries and counters alone, which is all that the packed form has a place for. */
function isPlain(stream: Stream): boolean {
  return stream.groupCount === 0 && stream.producers === undefined;
}

/** Appends the header of a stream whose node has this id. */
function writeHeader(stream: Stream, id: StreamId, out: ByteBuffer): void {
  writeCount(header, LENGTH, stream.length);
  writeCount(header, ENTRIES_ADDED, stream.entriesAdded);
  stream.lastId.writeBytes(header, LAST_ID);
  stream.firstId.writeBytes(header, FIRST_ID);
  stream.maxDeletedId.writeBytes(header, MAX_DELETED_ID);
  id.writeBytes(header, NODE_ID);
  out.writeBytes(header);
}

/** Makes an object of a packed stream. */
function unpackStream(bytes: Uint8Array, start: number, end: number): Stream {
  const stream = new Stream();
  stream.length = readCount(bytes, start + LENGTH);
  stream.entriesAdded = readCount(bytes, start + ENTRIES_ADDED);
  stream.lastId.setBytes(bytes, start + LAST_ID);
  stream.firstId.setBytes(bytes, start + FIRST_ID);
  stream.maxDeletedId.setBytes(bytes, start + MAX_DELETED_ID);
  nodeId.setBytes(bytes, start + NODE_ID);
  assert(end - start >= NODE, "a packed stream has a whole header");
  if (end - start > NODE) stream.addNode(nodeId, bytes, start + NODE, end);
  return stream;
}
