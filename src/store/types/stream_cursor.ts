/**
 * Reading a stream: entries in order of their ids, forwards or backwards, each with its fields and values,
 * which are read where they lie.
 *
 * @module
 */

import type { BytesRef } from "../../base/byte_buffer.ts";
import { IdPlace, type IdTable } from "../packed/id_table.ts";
import { lpInteger, lpIsEnd, lpNext, lpRead } from "../packed/listpack.ts";
import type { NodeRegion } from "../packed/region.ts";
import { StreamId } from "../packed/stream_id.ts";
import {
  DELETED,
  entryAfter,
  entryBefore,
  nodeFieldCountAt,
  nodeFirstEntry,
  nodeLastEntry,
  readEntryId,
  SAME_FIELDS,
} from "../packed/stream_node.ts";

/** What a stream is to a cursor: its nodes, by the ids of their first entries. */
export interface StreamNodes {
  /** The table; a row's object is its node. */
  readonly nodes: IdTable<NodeRegion>;
}

/**
 * A walk over the entries between two ids, in either direction (`streamIterator`). Deleted entries are
 * passed over. The stream must not change while the walk lasts.
 */
export class StreamCursor {
  /** The id of the entry that the cursor is at. */
  readonly id: StreamId = new StreamId();
  /** How many fields that entry has. */
  fieldCount: number = 0;
  readonly #start: StreamId = new StreamId();
  readonly #end: StreamId = new StreamId();
  readonly #master: StreamId = new StreamId();
  readonly #place: IdPlace = new IdPlace();
  /** Undefined once the walk is over. */
  #stream: StreamNodes | undefined = undefined;
  #reverse: boolean = false;
  #bytes: Uint8Array = new Uint8Array(0);
  /** Position of the entry to be looked at next; -1, or the end byte's, when the node is over. */
  #pos: number = -1;
  /** How many fields the master entry has. */
  #masterFields: number = 0;
  /** Position of the next field in the master entry. */
  #masterField: number = 0;
  /** Position of the next field or value in the entry. */
  #value: number = 0;
  /** Whether the entry's fields are the master entry's. */
  #same: boolean = false;

  /**
   * Begins a walk from `start` to `end`, or with `reverse` from `end` to `start`, both included. The cursor
   * is before the first entry: {@linkcode StreamCursor.next} comes first.
   */
  open(stream: StreamNodes, start: StreamId, end: StreamId, reverse: boolean): void {
    this.#stream = stream;
    this.#start.set(start);
    this.#end.set(end);
    this.#reverse = reverse;
    const { nodes } = stream;
    const at = this.#place;
    // The node that `start` lies in begins at or before it; if none does, all entries come after it.
    const found = reverse ? nodes.seekBack(end, at) : nodes.seekBack(start, at) || nodes.first(at);
    if (found) this.#enter();
    else this.#stream = undefined;
  }

  /** Goes to the next entry; false, from then on, behind the last. */
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
      // The first node holds entries on the other side of where the walk begins.
      const isBefore = this.#reverse
        ? this.id.compare(this.#end) > 0
        : this.id.compare(this.#start) < 0;
      if (isBefore) continue;
      this.#openEntry(pos);
      return true;
    }
    return false;
  }

  /**
   * Points `field` and `value` at the next field of the entry and its value: to be called up to
   * `fieldCount` times. Texts of integers are valid until the fourth read of one after them.
   */
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

  /** Points at the first field and value of the entry at `pos`. */
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

  /**
   * Position of the next entry of any kind, which is passed; -1 when the node is over: the next node is
   * then entered, if one is left.
   */
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

  /** Goes to the next node, or ends the walk. */
  #leave(): void {
    const { nodes } = this.#stream!;
    const at = this.#place;
    if (this.#reverse ? nodes.previous(at) : nodes.next(at)) this.#enter();
    else this.#stream = undefined;
  }

  /** Begins with the node that the place is at. */
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
