/**
 * Small streams, held in their record: one node at most, no groups. A {@linkcode Stream} takes some two
 * kilobytes of JavaScript objects, so those of a few entries, which come by the million, are made one
 * only while a command looks at them.
 *
 * ```
 *  f64 LE   length                f64 LE   entries added
 *  16 BE    last id               16 BE    first id
 *  16 BE    largest deleted id    16 BE    the node's id
 *  the node's listpack, nothing when there is no node
 * ```
 *
 * @module
 */

import { ByteBuffer, BytesRef } from "../base/byte_buffer.ts";
import type { Database } from "./database.ts";
import { Encoding, type Entry, NO_EXPIRY, ValueType } from "./record.ts";
import { NodeRegion } from "./region.ts";
import { IdPlace, Stream, StreamId } from "./stream.ts";

/** Bytes of a node from which on it is worth an object: copying it would cost more than finding it. */
const MOST_NODE_BYTES = 1024;
const LENGTH = 0;
const ENTRIES_ADDED = 8;
const LAST_ID = 16;
const FIRST_ID = 32;
const MAX_DELETED_ID = 48;
const NODE_ID = 64;
const NODE = 80;

const header = new Uint8Array(NODE);
const headerView = new DataView(header.buffer);
const packed = new ByteBuffer();
const value = new BytesRef();
const nodeId = new StreamId();
const place = new IdPlace();

/**
 * The stream of an entry of that type. Unless `isHeld` says that the database holds this very object,
 * {@linkcode keepStream} is to be told when it was changed.
 */
export function streamOf(db: Database, entry: Entry): Stream {
  const object = db.objectOf(entry);
  if (object !== undefined) return object as Stream;
  db.valueRef(entry, value);
  return unpackStream(value.bytes, value.start, value.end);
}

/** Stores a stream that was made or changed under its key, whose expiry stays. */
export function keepStream(
  db: Database,
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
export function packStream(stream: Stream, out: ByteBuffer): boolean {
  if (stream.groupCount > 0 || stream.nodes.size > 1) return false;
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

/** Appends the packed form of a stream whose only node is still to be added to it. */
export function packStreamOf(
  stream: Stream,
  id: StreamId,
  node: Uint8Array,
  start: number,
  end: number,
  out: ByteBuffer,
): boolean {
  if (stream.groupCount > 0 || stream.nodes.size > 0 || end - start > MOST_NODE_BYTES) return false;
  writeHeader(stream, id, out);
  out.writeBytes(node, start, end);
  return true;
}

function writeHeader(stream: Stream, id: StreamId, out: ByteBuffer): void {
  headerView.setFloat64(LENGTH, stream.length, true);
  headerView.setFloat64(ENTRIES_ADDED, stream.entriesAdded, true);
  stream.lastId.writeBytes(header, LAST_ID);
  stream.firstId.writeBytes(header, FIRST_ID);
  stream.maxDeletedId.writeBytes(header, MAX_DELETED_ID);
  id.writeBytes(header, NODE_ID);
  out.writeBytes(header);
}

function unpackStream(bytes: Uint8Array, start: number, end: number): Stream {
  const stream = new Stream();
  for (let i = 0; i < ENTRIES_ADDED + 8; i++) header[i] = bytes[start + i];
  stream.length = headerView.getFloat64(LENGTH, true);
  stream.entriesAdded = headerView.getFloat64(ENTRIES_ADDED, true);
  stream.lastId.setBytes(bytes, start + LAST_ID);
  stream.firstId.setBytes(bytes, start + FIRST_ID);
  stream.maxDeletedId.setBytes(bytes, start + MAX_DELETED_ID);
  nodeId.setBytes(bytes, start + NODE_ID);
  if (end - start > NODE) stream.addNode(nodeId, new NodeRegion(bytes, start + NODE, end));
  return stream;
}
