/**
 * Streams in their large form: nodes of entries under a table of ids, and consumer groups. A stream of few
 * entries and no groups is held in its record instead (`small_stream.ts`), and is one of these only while
 * a command works on it.
 *
 * ```
 *  nodes     id of the first entry -> listpack of entries (`stream_node.ts`)       an IdTable
 *  groups    name -> Group    pending     id -> time, deliveries, owner            an IdTable
 *                             consumers   name -> Consumer    pending   id         an IdTable each
 * ```
 *
 * Nodes are laid out, filled and cut as `t_stream.c` does, so that what is written to a snapshot is what
 * Redis would write, and an approximate trimming, which removes whole nodes, removes the same entries.
 * Counters and edge ids are kept as they are in Redis (`streamID first_id, max_deleted_entry_id`,
 * `entries_added`): XINFO tells them, and the lag of a group is reckoned from them.
 *
 * @module
 */

import { latin1 } from "../../base/ascii.ts";
import { assert } from "../../base/assert.ts";
import { lpInteger, lpIsEnd } from "../packed/listpack.ts";
import type { StoredObject } from "../memory/stored_object.ts";
import { NodeRegion } from "../packed/region.ts";
import type { EncodingLimits } from "../memory/settings.ts";
import { Pool } from "../memory/pool.ts";
import { Group, sorted } from "./stream_groups.ts";
import type { StreamProducers } from "./stream_producers.ts";
import { IdPlace, IdTable } from "../packed/id_table.ts";
import { MAX_ID, MIN_ID, StreamId } from "../packed/stream_id.ts";
import {
  appendEntry,
  countDeleted,
  DELETED,
  entryAfter,
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
} from "../packed/stream_node.ts";
import { StreamCursor } from "./stream_cursor.ts";

/** What a trimming goes by: the length that is kept (MAXLEN) or the first id that is (MINID). */
export interface Trim {
  /** How many entries are kept; Infinity when `minId` says which. */
  readonly maxLength: number;
  /** Entries below this id go; undefined when `maxLength` says how many. */
  readonly minId: StreamId | undefined;
  /** Whether only whole nodes go (`~`): entries that share one with what is kept stay. */
  readonly approximate: boolean;
  /** Most entries that may go (LIMIT); 0 for any number. */
  readonly limit: number;
}

/** Memory that a node gets at once, what one of 4096 bytes grows to: in steps it would move each time. */
const NODE_ROOM = 4096 + 256;
/** Most bytes that encoding and back length of a listpack element take. */
const MAX_ELEMENT_OVERHEAD = 10;
/** Elements of an entry beside fields and values, at most, and the master entry's change. */
const ENTRY_ELEMENTS = 6;
/** What the objects of a stream take, about. */
const STREAM_BYTES = 300;

/** Where a search of the nodes ended, and ids that are compared: for one call each. */
const place = new IdPlace();
const master = new StreamId();
const current = new StreamId();

/** How a group's lag is reckoned. */
export const LagRule = {
  /** As Redis since 7.4. */
  REDIS_7_4: 0,
  /** As Redis 7.0 and 7.2: a group that is behind the first entry counts what was trimmed, too. */
  REDIS_7_0: 1,
  /** As Valkey since 8: so, and what was deleted before the first entry counts as deleted ahead. */
  VALKEY_8: 2,
} as const;
/** One of {@linkcode LagRule}. */
export type LagRule = typeof LagRule[keyof typeof LagRule];

/** A stream's entries and groups; see the drawing at the top. */
export class Stream implements StoredObject {
  /** The nodes, each under the id of its first entry, deleted or not. */
  nodes: IdTable<NodeRegion> = new IdTable(0);
  /** How many entries are not deleted. */
  length: number = 0;
  /** The highest id that was ever given, also if its entry is gone: the next one is above it. */
  readonly lastId: StreamId = new StreamId();
  /** The id of the first entry that is not deleted, 0-0 while there is none. */
  readonly firstId: StreamId = new StreamId();
  /** The highest id that XDEL or the like has deleted; trimming does not count. */
  readonly maxDeletedId: StreamId = new StreamId();
  /** How many entries were ever added, or what XSETID said. */
  entriesAdded: number = 0;
  /** What is known of idempotent producers; undefined for a stream that never had any. */
  producers: StreamProducers | undefined = undefined;
  /** Whether records hold this very object: see `small_stream.ts`. */
  isHeld: boolean = false;
  readonly #groups: Map<string, Group> = new Map();
  #nodeBytes: number = 0;
  #pool: Pool | undefined = undefined;
  /** The last node, to which entries are added; undefined while it has to be looked up. */
  #tail: NodeRegion | undefined = undefined;
  /** The id that the last node is under. */
  readonly #tailId: StreamId = new StreamId();

  /** Bytes of nodes, tables and groups, and about what their objects take. O(groups and consumers). */
  get memoryBytes(): number {
    let bytes = STREAM_BYTES + this.#nodeBytes + this.spareBytes + this.nodes.memoryBytes;
    for (const group of this.#groups.values()) bytes += group.memoryBytes;
    return bytes + (this.producers?.memoryBytes ?? 0);
  }

  /** Bytes of shared buffers that no node uses. */
  get spareBytes(): number {
    return this.#pool?.spareBytes ?? 0;
  }

  /** How many groups there are. */
  get groupCount(): number {
    return this.#groups.size;
  }

  /** The group of that name, undefined when there is none. */
  group(bytes: Uint8Array, start: number, end: number): Group | undefined {
    return this.#groups.get(latin1(bytes, start, end));
  }

  /** All groups in the order of their names as bytes, as Redis lists them. */
  groups(): Group[] {
    return sorted(this.#groups);
  }

  /** Makes a group of a copy of the name (`streamCreateCG`); undefined when there is one already. */
  addGroup(bytes: Uint8Array, start: number, end: number): Group | undefined {
    const key = latin1(bytes, start, end);
    if (this.#groups.has(key)) return undefined;
    const group = new Group(bytes.slice(start, end));
    this.#groups.set(key, group);
    return group;
  }

  /** Removes the group of that name and all it knows; false when there is none. */
  removeGroup(bytes: Uint8Array, start: number, end: number): boolean {
    return this.#groups.delete(latin1(bytes, start, end));
  }

  /**
   * Adds a copy of a node that was checked, behind the others: for loading. Counters are the caller's.
   *
   * @returns False, and nothing added, when there is a node of that id.
   */
  addNode(id: StreamId, bytes: Uint8Array, start: number, end: number): boolean {
    const node = new NodeRegion(bytes, start, end, this.#pool ??= new Pool());
    if (!this.nodes.add(id, place, node)) return false;
    this.#tail = undefined;
    this.#nodeBytes += node.memoryBytes;
    return true;
  }

  /**
   * Adds an entry (`streamAppendItem`). A node is opened when the last one is full.
   *
   * @param id Above `lastId`, which it becomes.
   * @param first Index of the first field; fields and values are those at `[first, end)`.
   * @returns False, and nothing added, when fields and values are too long for any node.
   */
  append(
    id: StreamId,
    fields: Fields,
    first: number,
    end: number,
    limits: EncodingLimits,
  ): boolean {
    assert(id.compare(this.lastId) > 0, "ids of a stream ascend");
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
    const needed = node.end + bytes + (end - first + ENTRY_ELEMENTS) * MAX_ELEMENT_OVERHEAD;
    node.reserve(needed, needed < NODE_ROOM ? NODE_ROOM - needed : needed >>> 3);
    appendEntry(node, this.#tailId, id, fields, first, end);
    this.#nodeBytes += node.memoryBytes;
    assert(node.end <= needed, "a node has room for the entry");
    this.length++;
    this.entriesAdded++;
    this.lastId.set(id);
    if (this.length === 1) this.firstId.set(id);
    return true;
  }

  /** Looks up the last node and the id it is under. */
  #lastNode(): NodeRegion | undefined {
    if (!this.nodes.last(place)) return undefined;
    this.nodes.readId(place, this.#tailId);
    return this.#tail = this.nodes.valueAt(place);
  }

  /** Gives back the spare memory of a node that gets no further entry. */
  #closeNode(node: NodeRegion): void {
    this.#nodeBytes -= node.memoryBytes;
    node.trim();
    this.#nodeBytes += node.memoryBytes;
  }

  /**
   * Deletes an entry (`streamDeleteItem`): it is flagged, or its node goes if it was the last one there.
   * `maxDeletedId` and `firstId` are the caller's to change, once for many ids.
   *
   * @returns False when there is no entry of that id, or it is deleted.
   */
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
    assert(this.length >= 0, "no more entries are deleted than there are");
    return true;
  }

  /** Whether there is an entry of that id which is not deleted. */
  has(id: StreamId): boolean {
    return this.#locate(id) >= 0;
  }

  /** Makes `firstId` the id of the first entry that is not deleted, after entries were removed. */
  refreshFirstId(): void {
    if (this.length === 0) this.firstId.set(MIN_ID);
    else this.edgeId(true, this.firstId);
  }

  /** Reads the id of the first or last entry that is not deleted; false, and 0-0, when there is none. */
  edgeId(first: boolean, out: StreamId): boolean {
    const cursor = new StreamCursor();
    cursor.open(this, MIN_ID, MAX_ID, !first);
    const found = cursor.next();
    out.set(found ? cursor.id : MIN_ID);
    return found;
  }

  /** Reads the id of the first entry, deleted or not; false, and the largest id, when there is none. */
  physicalFirstId(out: StreamId): boolean {
    out.set(MAX_ID);
    if (!this.nodes.first(place)) return false;
    const { bytes } = this.nodes.valueAt(place);
    this.nodes.readId(place, master);
    readEntryId(bytes, nodeFirstEntry(bytes), master, out);
    return true;
  }

  /**
   * Whether an entry at or after `start` may have been deleted (`streamRangeHasTombstones` up to the end):
   * then entries cannot be counted from there on.
   */
  hasTombstonesFrom(start: StreamId): boolean {
    if (this.length === 0 || this.maxDeletedId.isZero) return false;
    // All that is deleted lies before the first entry.
    if (this.firstId.compare(this.maxDeletedId) > 0) return false;
    return start.compare(this.maxDeletedId) <= 0;
  }

  /**
   * How many entries were ever added up to an id, that one included
   * (`streamEstimateDistanceFromFirstEverEntry`); -1 when that cannot be told.
   *
   * @param seesDeleted Whether it cannot be told of an id before one that was deleted, as since Redis 7.4.
   */
  entriesUpTo(id: StreamId, seesDeleted: boolean = true): number {
    const { entriesAdded, lastId, firstId, maxDeletedId, length } = this;
    if (entriesAdded === 0) return 0;
    // In an empty stream all that was added lies before an id, unless it is one to come.
    const toLast = id.compare(lastId);
    if (length === 0 && toLast < 1) return entriesAdded;
    if (seesDeleted && !id.isZero && id.compare(maxDeletedId) < 0) return -1;
    if (toLast === 0) return entriesAdded;
    if (toLast > 0) return -1;
    // If nothing was deleted amid the entries, they are the last `length` that were added.
    const toFirst = id.compare(firstId);
    if (maxDeletedId.isZero || maxDeletedId.compare(firstId) < 0) {
      if (toFirst < 0) return entriesAdded - length;
      if (toFirst === 0) return entriesAdded - length + 1;
    }
    return -1;
  }

  /**
   * How many entries a group has still to read, as XINFO GROUPS tells (`lag`); NaN when that cannot be told.
   *
   * @param rule Whose reckoning: they differ where entries were deleted or trimmed.
   */
  lagOf({ entriesRead, lastId }: Group, rule: LagRule = LagRule.REDIS_7_4): number {
    const { entriesAdded, maxDeletedId, firstId, length } = this;
    if (entriesAdded === 0) return 0;
    if (rule === LagRule.REDIS_7_4) {
      if (length === 0) return 0;
      // The group has read none of the entries, and none of them was deleted: all lie ahead.
      const deletedBefore = maxDeletedId.isZero || maxDeletedId.compare(firstId) < 0;
      if (deletedBefore && lastId.compare(firstId) < 0) return length;
    }
    const mayLack = rule === LagRule.VALKEY_8
      ? length > 0 && !maxDeletedId.isZero && lastId.compare(maxDeletedId) <= 0
      : this.hasTombstonesFrom(lastId);
    if (entriesRead !== -1 && !mayLack) return entriesAdded - entriesRead;
    const read = this.entriesUpTo(lastId, rule !== LagRule.REDIS_7_0);
    return read === -1 ? NaN : entriesAdded - read;
  }

  /**
   * Removes entries from the head on (`streamTrim`): whole nodes while they go altogether, then, unless
   * the trimming is approximate, single entries, which are flagged. `firstId` follows.
   *
   * @returns How many entries were removed.
   */
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
    assert(this.length >= 0, "no more entries are removed than there are");
    if (removed > 0) this.refreshFirstId();
    return removed;
  }

  /** An independent copy, groups included. O(n). */
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
    copy.producers = this.producers?.copy();
    return copy;
  }

  /** Removes the node that `place` is at, with its memory; the counters are the caller's. */
  #removeNode(node: NodeRegion): void {
    this.#nodeBytes -= node.memoryBytes;
    node.release();
    this.nodes.removeAt(place);
    this.#tail = undefined;
  }

  /** Whether all entries of the first node go; `entries` are not deleted, `master` is the node's id. */
  #goesWhole(node: NodeRegion, entries: number, trim: Trim): boolean {
    if (trim.minId === undefined) return this.length - entries >= trim.maxLength;
    readEntryId(node.bytes, nodeLastEntry(node), master, current);
    return current.compare(trim.minId) < 0;
  }

  /** Flags entries of the first node from its head on as deleted; returns how many. */
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

  /** Position of an entry in its node, which `place` then is at; -1 when there is none, or it is deleted. */
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
