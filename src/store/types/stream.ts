/**
 * Streams: nodes of entries under a table of ids, and consumer groups. Nodes are laid out and cut as
 * Redis does, so that what is written to a snapshot is what Redis would write.
 *
 * ```
 *  nodes    id of the first entry -> listpack of entries (`stream_node.ts`)      rows of a table of ids
 *  groups   name -> Group   pending    id -> time, deliveries, owner             another one
 *                           consumers  name -> Consumer   pending   id           and others
 * ```
 *
 * @module
 */

import { latin1 } from "../../base/ascii.ts";
import type { BytesRef } from "../../base/byte_buffer.ts";
import { lpInteger, lpIsEnd, lpNext, lpRead } from "../packed/listpack.ts";
import type { StoredObject } from "../memory/stored_object.ts";
import { NodeRegion } from "../packed/region.ts";
import type { EncodingLimits } from "../memory/settings.ts";
import { Pool } from "../memory/pool.ts";
import { Group, sorted } from "./stream_groups.ts";
import { IdPlace, IdTable } from "../packed/id_table.ts";
import { StreamId } from "../packed/stream_id.ts";
import {
  appendEntry,
  countDeleted,
  DELETED,
  entryAfter,
  entryBefore,
  type Fields,
  flagDeleted,
  hasRoom,
  MAX_NODE_BYTES,
  newNode,
  nodeCount,
  nodeFieldCountAt,
  nodeFirstEntry,
  nodeLastEntry,
  readEntryId,
  SAME_FIELDS,
} from "../packed/stream_node.ts";

/** What bounds a trimming: by length or by the first id kept. */
export interface Trim {
  /** Entries kept; Infinity when `minId` bounds. */
  readonly maxLength: number;
  /** First id kept. */
  readonly minId: StreamId | undefined;
  /** Whole nodes only. */
  readonly approximate: boolean;
  /** Most entries removed; 0 for any number. */
  readonly limit: number;
}

const ID_BYTES = 16;
/** What a node of the usual limit grows to, made at once: in steps it would move again and again. */
const NODE_ROOM = 4096 + 256;
/** Encoding and back length of an element. */
const MOST_ENTRY_HEADER = 10;

const ZERO = new StreamId();
const MAX = new StreamId();
MAX.setMax();
const place = new IdPlace();
const master = new StreamId();
const current = new StreamId();

/** See the module's text. */
export class Stream implements StoredObject {
  /** Nodes by the id of their first entry. */
  nodes: IdTable<NodeRegion> = new IdTable(0);
  /** Entries that are not deleted. */
  length: number = 0;
  /** The last id ever given. */
  readonly lastId: StreamId = new StreamId();
  /** The first entry's id, 0-0 while there is none. */
  readonly firstId: StreamId = new StreamId();
  /** The largest id that was deleted. */
  readonly maxDeletedId: StreamId = new StreamId();
  /** Entries that were ever added. */
  entriesAdded: number = 0;
  /** Whether a database holds this very object: see `stream_pack.ts`. */
  isHeld: boolean = false;
  readonly #groups: Map<string, Group> = new Map();
  #nodeBytes: number = 0;
  #pool: Pool | undefined = undefined;
  /** The last node, to which most entries go; undefined while it is to be looked up. */
  #tail: NodeRegion | undefined = undefined;
  /** The id of its first entry. */
  readonly #tailId: StreamId = new StreamId();

  /** Bytes of nodes, tables and groups. */
  get memoryBytes(): number {
    let bytes = 300 + this.#nodeBytes + this.spareBytes + this.nodes.memoryBytes;
    for (const group of this.#groups.values()) bytes += group.memoryBytes;
    return bytes;
  }

  /** Bytes that lie between nodes and are given back with them. */
  get spareBytes(): number {
    return this.#pool?.spareBytes ?? 0;
  }

  /** How many groups there are. */
  get groupCount(): number {
    return this.#groups.size;
  }

  /** How many nodes Redis's radix tree of these ids has: XINFO tells. O(n) of our nodes. */
  get radixNodes(): number {
    const depths: number[] = []; // branches above the key at hand
    let count = 1;
    const close = (to: number): void => {
      // A branch that is left: an edge leads to it from what is above it.
      while (depths.length > 0 && depths[depths.length - 1] > to) {
        const depth = depths.pop()!;
        const above = Math.max(depths.length > 0 ? depths[depths.length - 1] : -1, to);
        count += 1 + (depth - above > 1 ? 1 : 0);
      }
    };
    const { nodes } = this;
    let before = -1;
    for (let more = nodes.first(place); more; more = nodes.next(place)) {
      master.set(current);
      nodes.readId(place, current);
      const common = before < 0 ? -1 : commonBytes(master, current);
      if (before >= 0) {
        count += leafNodes(Math.max(common, before - 1));
        close(common);
        if (depths.length === 0 || depths[depths.length - 1] < common) depths.push(common);
      }
      before = common + 1;
    }
    if (before < 0) return count;
    count += leafNodes(before - 1);
    close(-1);
    // The head is the first of them.
    return count - 1;
  }

  /** A group by name. */
  group(bytes: Uint8Array, start: number, end: number): Group | undefined {
    return this.#groups.get(latin1(bytes, start, end));
  }

  /** Groups by name, as Redis lists them. */
  groups(): Group[] {
    return sorted(this.#groups);
  }

  /** A new group; undefined when the name is taken. */
  addGroup(bytes: Uint8Array, start: number, end: number): Group | undefined {
    const key = latin1(bytes, start, end);
    if (this.#groups.has(key)) return undefined;
    const group = new Group(bytes.slice(start, end));
    this.#groups.set(key, group);
    return group;
  }

  /** Removes a group; false when there is none. */
  removeGroup(bytes: Uint8Array, start: number, end: number): boolean {
    return this.#groups.delete(latin1(bytes, start, end));
  }

  /** Adds a copy of a node that was checked, behind the others: for loading. */
  addNode(id: StreamId, bytes: Uint8Array, start: number, end: number): boolean {
    const node = new NodeRegion(bytes, start, end, this.#pool ??= new Pool());
    if (!this.nodes.add(id, place, node)) return false;
    this.#tail = undefined;
    this.#nodeBytes += node.memoryBytes;
    return true;
  }

  /**
   * Adds an entry of fields and values `[first, end)`; `id` is after `lastId`.
   *
   * @returns Whether it is small enough.
   */
  append(
    id: StreamId,
    fields: Fields,
    first: number,
    end: number,
    limits: EncodingLimits,
  ): boolean {
    let bytes = 0;
    for (let i = first; i < end; i++) bytes += fields.ends[i] - fields.starts[i];
    if (bytes > MAX_NODE_BYTES) return false;
    let node = this.#tail ?? this.#lastNode();
    if (node !== undefined && hasRoom(node, bytes, limits)) {
      this.#nodeBytes -= node.memoryBytes;
    } else {
      if (node !== undefined) this.#closeNode(node);
      node = newNode(fields, first, end);
      this.nodes.add(id, place, node);
      this.#tail = node;
      this.#tailId.set(id);
    }
    const needed = node.end + bytes + (end - first + 6) * MOST_ENTRY_HEADER;
    node.reserve(needed, needed < NODE_ROOM ? NODE_ROOM - needed : needed >>> 3);
    appendEntry(node, this.#tailId, id, fields, first, end);
    this.#nodeBytes += node.memoryBytes;
    this.length++;
    this.entriesAdded++;
    this.lastId.set(id);
    if (this.length === 1) this.firstId.set(id);
    return true;
  }

  #lastNode(): NodeRegion | undefined {
    if (!this.nodes.last(place)) return undefined;
    this.nodes.readId(place, this.#tailId);
    return this.#tail = this.nodes.valueAt(place);
  }

  /** Gives back what a node has to spare that gets no further entry. */
  #closeNode(node: NodeRegion): void {
    this.#nodeBytes -= node.memoryBytes;
    node.trim();
    this.#nodeBytes += node.memoryBytes;
  }

  /** Deletes an entry; false when there is none of that id. The caller settles `maxDeletedId`. */
  delete(id: StreamId): boolean {
    const pos = this.#locate(id);
    if (pos < 0) return false;
    const node = this.nodes.valueAt(place);
    if (nodeCount(node) === 1) {
      this.#removeNode(node);
    } else {
      flagDeleted(node, pos);
      const before = node.memoryBytes;
      countDeleted(node, 1);
      this.#nodeBytes += node.memoryBytes - before;
    }
    this.length--;
    return true;
  }

  /** Whether there is an entry of that id. */
  has(id: StreamId): boolean {
    return this.#locate(id) >= 0;
  }

  /** Sets `firstId` to that of the first entry there is. */
  refreshFirstId(): void {
    if (this.length === 0) this.firstId.set(ZERO);
    else this.edgeId(true, this.firstId);
  }

  /** The id of the first or of the last entry there is; false, and 0-0, when there is none. */
  edgeId(first: boolean, out: StreamId): boolean {
    const cursor = new StreamCursor();
    cursor.open(this, ZERO, MAX, !first);
    const found = cursor.next();
    out.set(found ? cursor.id : ZERO);
    return found;
  }

  /** The id of the first entry, be it a deleted one; false, and the largest id, when there is none. */
  physicalFirstId(out: StreamId): boolean {
    out.set(MAX);
    if (!this.nodes.first(place)) return false;
    const { bytes } = this.nodes.valueAt(place);
    this.nodes.readId(place, master);
    readEntryId(bytes, nodeFirstEntry(bytes), master, out);
    return true;
  }

  /** Whether an entry after `start`, itself included, was deleted. */
  hasTombstonesFrom(start: StreamId): boolean {
    if (this.length === 0 || this.maxDeletedId.isZero) return false;
    // The latest tombstone is before the first entry.
    if (this.firstId.compare(this.maxDeletedId) > 0) return false;
    return start.compare(this.maxDeletedId) <= 0;
  }

  /** How many entries were added up to an id, that one included; -1 when it is not known. */
  entriesUpTo(id: StreamId): number {
    const { entriesAdded, lastId, firstId, maxDeletedId, length } = this;
    if (entriesAdded === 0) return 0;
    const toLast = id.compare(lastId);
    if (length === 0 && toLast < 1) return entriesAdded;
    if (!id.isZero && id.compare(maxDeletedId) < 0) return -1;
    if (toLast === 0) return entriesAdded;
    if (toLast > 0) return -1;
    const toFirst = id.compare(firstId);
    if (maxDeletedId.isZero || maxDeletedId.compare(firstId) < 0) {
      if (toFirst < 0) return entriesAdded - length;
      if (toFirst === 0) return entriesAdded - length + 1;
    }
    return -1;
  }

  /** How many entries a group has still to read; NaN when it is not known. */
  lagOf(group: Group): number {
    if (this.entriesAdded === 0 || this.length === 0) return 0;
    const deletedBefore = this.maxDeletedId.isZero || this.maxDeletedId.compare(this.firstId) < 0;
    // All there is lies ahead, and nothing between is gone.
    if (deletedBefore && group.lastId.compare(this.firstId) < 0) return this.length;
    if (group.entriesRead !== -1 && !this.hasTombstonesFrom(group.lastId)) {
      return this.entriesAdded - group.entriesRead;
    }
    const read = this.entriesUpTo(group.lastId);
    return read === -1 ? NaN : this.entriesAdded - read;
  }

  /** Removes entries at the head; returns how many. */
  trim(trim: Trim): number {
    const { nodes } = this;
    let removed = 0;
    while (nodes.first(place)) {
      if (this.length <= trim.maxLength && trim.minId === undefined) break;
      const node = nodes.valueAt(place);
      const entries = nodeCount(node);
      if (trim.limit > 0 && removed + entries > trim.limit) break;
      nodes.readId(place, master);
      if (this.#goesWhole(node, entries, trim)) {
        this.#removeNode(node);
        this.length -= entries;
        removed += entries;
        continue;
      }
      if (!trim.approximate) removed += this.#trimNode(node, trim);
      break;
    }
    if (removed > 0) this.refreshFirstId();
    return removed;
  }

  /** An independent copy. */
  copy(): Stream {
    const copy = new Stream();
    copy.isHeld = this.isHeld;
    const pool = copy.#pool = new Pool();
    copy.nodes = this.nodes.copy((node) => {
      const own = new NodeRegion(node.bytes, 0, node.end, pool);
      copy.#nodeBytes += own.memoryBytes;
      return own;
    });
    copy.length = this.length;
    copy.lastId.set(this.lastId);
    copy.firstId.set(this.firstId);
    copy.maxDeletedId.set(this.maxDeletedId);
    copy.entriesAdded = this.entriesAdded;
    for (const [name, group] of this.#groups) copy.#groups.set(name, group.copy());
    return copy;
  }

  /** Drops the node that `place` points at. */
  #removeNode(node: NodeRegion): void {
    this.#nodeBytes -= node.memoryBytes;
    node.release();
    this.nodes.removeAt(place);
    this.#tail = undefined;
  }

  /** `master` is the node's id. */
  #goesWhole(node: NodeRegion, entries: number, trim: Trim): boolean {
    if (trim.minId === undefined) return this.length - entries >= trim.maxLength;
    readEntryId(node.bytes, nodeLastEntry(node), master, current);
    return current.compare(trim.minId) < 0;
  }

  #trimNode(node: NodeRegion, trim: Trim): number {
    const { bytes } = node;
    const fields = lpInteger(bytes, nodeFieldCountAt(bytes));
    let removed = 0;
    let pos = nodeFirstEntry(bytes);
    for (; !lpIsEnd(bytes, pos); pos = entryAfter(bytes, pos, fields)) {
      readEntryId(bytes, pos, master, current);
      const stops = trim.minId === undefined
        ? this.length <= trim.maxLength
        : current.compare(trim.minId) >= 0;
      if (stops) break;
      if ((bytes[pos] & DELETED) !== 0) continue;
      flagDeleted(node, pos);
      removed++;
      this.length--;
    }
    const before = node.memoryBytes;
    if (removed > 0) countDeleted(node, removed);
    this.#nodeBytes += node.memoryBytes - before;
    return removed;
  }

  /** Position of an entry in the node that `place` then points at; -1 when there is none. */
  #locate(id: StreamId): number {
    if (!this.nodes.seekBack(id, place)) return -1;
    const { bytes } = this.nodes.valueAt(place);
    this.nodes.readId(place, master);
    const fields = lpInteger(bytes, nodeFieldCountAt(bytes));
    let pos = nodeFirstEntry(bytes);
    for (; !lpIsEnd(bytes, pos); pos = entryAfter(bytes, pos, fields)) {
      readEntryId(bytes, pos, master, current);
      const order = current.compare(id);
      if (order > 0) return -1;
      if (order === 0) return (bytes[pos] & DELETED) === 0 ? pos : -1;
    }
    return -1;
  }
}

/** Walks the entries between two ids, in either direction. The stream must not change meanwhile. */
export class StreamCursor {
  /** The entry's id. */
  readonly id: StreamId = new StreamId();
  /** How many fields it has. */
  fieldCount: number = 0;
  readonly #start: StreamId = new StreamId();
  readonly #end: StreamId = new StreamId();
  readonly #master: StreamId = new StreamId();
  readonly #place: IdPlace = new IdPlace();
  #stream: Stream | undefined = undefined;
  #reverse: boolean = false;
  #bytes: Uint8Array = new Uint8Array(0);
  #pos: number = -1; // the next entry's, or reversed the last one's; -1 when the node is over
  #masterFields: number = 0;
  #masterField: number = 0; // position of the next master field
  #value: number = 0; // position of the next field or value
  #same: boolean = false;

  /** Begins at `start`, or at `end` and backwards. */
  open(stream: Stream, start: StreamId, end: StreamId, reverse: boolean): void {
    this.#stream = stream;
    this.#start.set(start);
    this.#end.set(end);
    this.#reverse = reverse;
    const { nodes } = stream;
    const at = this.#place;
    const found = reverse ? nodes.seekBack(end, at) : nodes.seekBack(start, at) || nodes.first(at);
    if (found) this.#enter();
    else this.#stream = undefined;
  }

  /** Goes to the next entry; false after the last. */
  next(): boolean {
    while (this.#stream !== undefined) {
      const pos = this.#step();
      if (pos < 0) continue;
      const bytes = this.#bytes;
      readEntryId(bytes, pos, this.#master, this.id);
      const isPast = this.#reverse
        ? this.id.compare(this.#start) < 0
        : this.id.compare(this.#end) > 0;
      if (isPast) {
        this.#stream = undefined;
        break;
      }
      if ((bytes[pos] & DELETED) !== 0) continue;
      const isBefore = this.#reverse
        ? this.id.compare(this.#end) > 0
        : this.id.compare(this.#start) < 0;
      if (isBefore) continue;
      this.#openEntry(pos);
      return true;
    }
    return false;
  }

  /** Reads the next field and its value, `fieldCount` times. */
  readField(field: BytesRef, value: BytesRef): void {
    const bytes = this.#bytes;
    if (this.#same) {
      lpRead(bytes, this.#masterField, field);
      this.#masterField = lpNext(bytes, this.#masterField);
    } else {
      lpRead(bytes, this.#value, field);
      this.#value = lpNext(bytes, this.#value);
    }
    lpRead(bytes, this.#value, value);
    this.#value = lpNext(bytes, this.#value);
  }

  #openEntry(pos: number): void {
    const bytes = this.#bytes;
    this.#same = (bytes[pos] & SAME_FIELDS) !== 0;
    this.#value = lpNext(bytes, lpNext(bytes, lpNext(bytes, pos)));
    this.#masterField = lpNext(bytes, nodeFieldCountAt(bytes));
    this.fieldCount = this.#masterFields;
    if (this.#same) return;
    this.fieldCount = lpInteger(bytes, this.#value);
    this.#value = lpNext(bytes, this.#value);
  }

  /** Position of the next entry of any kind; -1 when the next node has to be looked at, or none is left. */
  #step(): number {
    const pos = this.#pos;
    const bytes = this.#bytes;
    if (pos < 0 || (!this.#reverse && lpIsEnd(bytes, pos))) {
      this.#leave();
      return -1;
    }
    this.#pos = this.#reverse
      ? entryBefore(bytes, pos)
      : entryAfter(bytes, pos, this.#masterFields);
    return pos;
  }

  #leave(): void {
    const { nodes } = this.#stream!;
    const at = this.#place;
    if (this.#reverse ? nodes.previous(at) : nodes.next(at)) this.#enter();
    else this.#stream = undefined;
  }

  #enter(): void {
    const { nodes } = this.#stream!;
    const node = nodes.valueAt(this.#place);
    nodes.readId(this.#place, this.#master);
    const { bytes } = node;
    this.#bytes = bytes;
    this.#masterFields = lpInteger(bytes, nodeFieldCountAt(bytes));
    this.#pos = this.#reverse ? nodeLastEntry(node) : nodeFirstEntry(bytes);
  }
}

/** A leaf, and the run of bytes before it where there is one, under a branch at a depth; -1: no branch. */
function leafNodes(branch: number): number {
  return branch < ID_BYTES - 1 ? 2 : 1;
}

/** How many bytes two ids, which differ, begin with in common. */
function commonBytes(a: StreamId, b: StreamId): number {
  if (a.msHigh !== b.msHigh) return Math.clz32(a.msHigh ^ b.msHigh) >> 3;
  if (a.msLow !== b.msLow) return 4 + (Math.clz32(a.msLow ^ b.msLow) >> 3);
  if (a.seqHigh !== b.seqHigh) return 8 + (Math.clz32(a.seqHigh ^ b.seqHigh) >> 3);
  return 12 + (Math.clz32(a.seqLow ^ b.seqLow) >> 3);
}

/** The smallest and the largest id. */
export const MIN_ID: StreamId = ZERO;
/** The largest. */
export const MAX_ID: StreamId = MAX;
