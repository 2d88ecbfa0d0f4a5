/**
 * Streams: nodes, counters, consumer groups (`stream_groups.ts`) and producers
 * (`stream_producers.ts`). The format has had five generations, each of which appends to the one
 * before:
 *
 * ```text
 *   15  STREAM_LISTPACKS      1   NODES  LENGTH  LAST_ID          GROUPS                 Redis 5.0
 *   19  STREAM_LISTPACKS_2    2   ... FIRST_ID  MAX_DELETED_ID  ENTRIES_ADDED            Redis 7.0
 *   21  STREAM_LISTPACKS_3    3   ... consumers' active times                            Redis 7.2
 *   26  STREAM_LISTPACKS_4    4   ... PRODUCERS behind the groups                        Redis 8.6
 *   27  STREAM_LISTPACKS_5    5   ... pending entries without a consumer                 Redis 8.8
 *
 *   NODES   n, n * ( string of 16 raw bytes: id of the master entry, string: listpack )
 *   ids     milliseconds and sequence, each a length, 64 bits of them in use
 * ```
 *
 * A stream of one node, without groups, lies packed in its record; any other is an object. Which of
 * the two it is shows only at the end, so the first node is put aside until then. A stream without
 * entries is a key all the same.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { ByteBuffer } from "../../base/byte_buffer.ts";
import { Encoding, ValueType } from "../../store/memory/record.ts";
import { bounded, StreamId } from "../../store/packed/stream_id.ts";
import { Stream } from "../../store/types/stream.ts";
import { liveEntries } from "../../store/packed/stream_node.ts";
import { checkNode } from "../../store/packed/stream_node_check.ts";
import { packStreamOf } from "../../store/types/small_stream.ts";
import { type DecodeContext, NONE } from "../format/context.ts";
import { STREAM_ID_BYTES, TWO_32 } from "../format/opcodes.ts";
import type { StringSlot } from "../format/string_slot.ts";
import { type Element, type ElementRow, typeRow } from "./element.ts";
import { StreamGroups } from "./stream_groups.ts";
import { StreamProducersReader } from "./stream_producers.ts";

const MAX_WORD = 0xffffffff;
/** Memory that is kept for the first node of the next stream. */
const KEPT_BYTES = 1 << 16;

/** Which part of a stream is read, in the order of the format. */
const Part = { NODES: 0, COUNTERS: 1, GROUPS: 2, PRODUCERS: 3 } as const;
type Part = typeof Part[keyof typeof Part];

/**
 * A stream of any of the five types. `generation` is 1 for STREAM_LISTPACKS, 5 for
 * STREAM_LISTPACKS_5.
 */
class StreamValue implements Element {
  readonly #context: DecodeContext;
  readonly #generation: number;
  readonly #blob: StringSlot;
  readonly #groups: StreamGroups;
  readonly #producers: StreamProducersReader;
  #part: Part = Part.NODES;
  #stream: Stream = new Stream();
  /** Nodes still to come. */
  #left: number = NONE;
  /** Whether the id of the node at hand has been read. */
  #hasId: boolean = false;
  readonly #id: StreamId = new StreamId();
  /** Id of the last entry of all nodes so far. */
  readonly #last: StreamId = new StreamId();
  /** Scratch of `checkNode`. */
  readonly #current: StreamId = new StreamId();
  /** High and low word of each counter read. */
  readonly #counters: number[] = [];
  /** Entries in all nodes so far, deleted ones not counted. */
  #entries: number = 0;
  /** The first node, put aside; empty when there is none or it has been added. */
  readonly #node: ByteBuffer = new ByteBuffer();
  readonly #nodeId: StreamId = new StreamId();
  readonly #packed: ByteBuffer = new ByteBuffer();

  constructor(context: DecodeContext, generation: number) {
    this.#context = context;
    this.#generation = generation;
    this.#blob = context.newSlot();
    this.#groups = new StreamGroups(context, generation);
    this.#producers = new StreamProducersReader(context);
  }

  get heldBytes(): number {
    return this.#stream.memoryBytes;
  }

  read(): boolean {
    if (this.#part === Part.NODES) {
      if (!this.#readNodes()) return false;
      this.#part = Part.COUNTERS;
    }
    if (this.#part === Part.COUNTERS) {
      if (!this.#readCounters()) return false;
      this.#takeCounters();
      this.#groups.begin(this.#stream);
      this.#part = Part.GROUPS;
    }
    if (this.#part === Part.GROUPS) {
      if (!this.#groups.read()) return false;
      this.#part = Part.PRODUCERS;
      if (this.#generation >= 4) this.#producers.begin(this.#stream);
    }
    if (this.#generation >= 4 && !this.#producers.read()) return false;
    this.#store();
    return true;
  }

  #readNodes(): boolean {
    const { reader } = this.#context;
    if (this.#left === NONE) {
      if (!reader.readLength()) return false;
      this.#left = reader.length;
    }
    const blob = this.#blob;
    while (this.#left > 0) {
      if (!this.#hasId) {
        if (!reader.readString(blob)) return false;
        if (blob.length !== STREAM_ID_BYTES) reader.fail("Id of a stream node is not 16 bytes");
        this.#id.setBytes(blob.bytes, blob.start);
        this.#hasId = true;
      }
      if (!reader.readString(blob)) return false;
      this.#takeNode(blob);
      this.#hasId = false;
      this.#left--;
    }
    this.#left = NONE;
    return true;
  }

  #takeNode({ bytes, start, end }: StringSlot): void {
    const { reader } = this.#context;
    reader.failIf(checkNode(bytes, start, end, this.#id, this.#last, this.#current));
    const isFirst = this.#node.length === 0 && this.#stream.nodes.size === 0;
    if (isFirst) {
      this.#nodeId.set(this.#id);
      this.#node.writeBytes(bytes, start, end);
    } else {
      this.#addFirst();
      this.#addNode(this.#id, bytes, start, end);
    }
    this.#entries += liveEntries(bytes, start);
  }

  /** Adds the node that was put aside, if there is one. */
  #addFirst(): void {
    const node = this.#node;
    if (node.length === 0) return;
    this.#addNode(this.#nodeId, node.bytes, 0, node.length);
    node.shrink(KEPT_BYTES);
  }

  #addNode(id: StreamId, bytes: Uint8Array, start: number, end: number): void {
    const isNew = this.#stream.addNode(id, bytes, start, end);
    if (!isNew) this.#context.reader.fail("Stream node comes twice");
  }

  /** Three counters, or eight since generation 2, each in two words since ids use all 64 bits. */
  #readCounters(): boolean {
    const { reader } = this.#context;
    const counters = this.#counters;
    const count = this.#generation >= 2 ? 8 : 3;
    while (counters.length < 2 * count) {
      if (!reader.readLength()) return false;
      counters.push(reader.lengthHigh, reader.lengthLow);
    }
    return true;
  }

  #takeCounters(): void {
    const { reader } = this.#context;
    const stream = this.#stream;
    const at = this.#counters;
    // Streams of 5.0's release candidates may say more than they hold, and servers believe what is
    // said.
    const isEmpty = this.#entries === 0;
    if (at[0] !== 0 || at[1] < this.#entries || (isEmpty && at[1] > 0)) {
      reader.fail("Stream has another length than it says");
    }
    stream.length = at[1];
    stream.lastId.setWords(at[2], at[3], at[4], at[5]);
    if (stream.lastId.compare(this.#last) < 0) {
      reader.fail("Last id of a stream is before its entries");
    }
    if (this.#generation >= 2) {
      stream.firstId.setWords(at[6], at[7], at[8], at[9]);
      stream.maxDeletedId.setWords(at[10], at[11], at[12], at[13]);
      stream.entriesAdded = bounded(at[14] * TWO_32 + at[15]);
    } else {
      this.#addFirst();
      stream.refreshFirstId();
      // rdb.c: streamGetEdgeID finds no first entry and answers the largest id.
      if (isEmpty) stream.firstId.setWords(MAX_WORD, MAX_WORD, MAX_WORD, MAX_WORD);
      stream.entriesAdded = stream.length;
    }
    at.length = 0;
    assert(stream.length >= this.#entries, "a stream says at least what it holds");
  }

  /** Hands the stream to the sink and stands ready for the next one. */
  #store(): void {
    const context = this.#context;
    const stream = this.#stream;
    const node = this.#node;
    const packed = this.#packed;
    packed.clear();
    this.#part = Part.NODES;
    this.#entries = 0;
    this.#last.setWords(0, 0, 0, 0);
    if (packStreamOf(stream, this.#nodeId, node.bytes, 0, node.length, packed)) {
      node.shrink(KEPT_BYTES);
      // `#stream` goes on to the next value: it holds nothing but counters, which are all set anew.
      const { bytes, length } = packed;
      return context.storeBlob(ValueType.STREAM, Encoding.STREAM, bytes, 0, length);
    }
    this.#addFirst();
    this.#stream = new Stream();
    stream.isHeld = true;
    context.storeObject(ValueType.STREAM, Encoding.STREAM, stream);
  }
}

/** Types that both dialects know. */
export const streamRows: readonly ElementRow[] = [
  typeRow("STREAM_LISTPACKS", (c) => new StreamValue(c, 1)),
  typeRow("STREAM_LISTPACKS_2", (c) => new StreamValue(c, 2)),
  typeRow("STREAM_LISTPACKS_3", (c) => new StreamValue(c, 3)),
];

/** Types of Redis alone. */
export const redisStreamRows: readonly ElementRow[] = [
  typeRow("STREAM_LISTPACKS_4", (c) => new StreamValue(c, 4)),
  typeRow("STREAM_LISTPACKS_5", (c) => new StreamValue(c, 5)),
];
