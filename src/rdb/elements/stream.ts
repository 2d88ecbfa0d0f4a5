/**
 * Streams, read: nodes, counters and, in `stream_groups.ts`, consumer groups.
 *
 * @module
 */

import { ByteBuffer } from "../../base/byte_buffer.ts";
import { Encoding, ValueType } from "../../store/memory/record.ts";
import { bounded, StreamId } from "../../store/packed/stream_id.ts";
import { Stream } from "../../store/types/stream.ts";
import { checkNode, liveEntries } from "../../store/packed/stream_node.ts";
import { packStreamOf } from "../../store/types/stream_pack.ts";
import type { DecodeContext, Element, ElementRow } from "../format/context.ts";
import { NONE } from "../format/context.ts";
import { Type } from "../format/opcodes.ts";
import type { StringSlot } from "../format/chunk_reader.ts";
import { storeBlob, storeObject } from "./store.ts";
import { StreamGroups } from "./stream_groups.ts";
import { StreamProducers } from "./stream_producers.ts";

const ID_BYTES = 16;
const MAX_WORD = 0xffffffff;
/** Memory that is kept between two streams. */
const KEPT_BYTES = 1 << 16;

/** What a reader is doing; in the order of the format. */
const Part = { NODES: 0, COUNTERS: 1, GROUPS: 2, PRODUCERS: 3 } as const;
type Part = typeof Part[keyof typeof Part];

/** A stream of any of the five types. `generation` is 1 for STREAM_LISTPACKS, 5 for STREAM_LISTPACKS_5. */
class StreamValue implements Element {
  readonly #context: DecodeContext;
  readonly #generation: number;
  readonly #blob: StringSlot;
  readonly #groups: StreamGroups;
  readonly #producers: StreamProducers;
  #part: Part = Part.NODES;
  #stream: Stream = new Stream();
  #left: number = NONE;
  #hasId: boolean = false;
  readonly #id: StreamId = new StreamId();
  readonly #last: StreamId = new StreamId();
  readonly #current: StreamId = new StreamId();
  /** High and low word of each counter read. */
  readonly #counters: number[] = [];
  #entries: number = 0;
  /** The first node, until it is known whether the stream is a small one. */
  readonly #node: ByteBuffer = new ByteBuffer();
  readonly #nodeId: StreamId = new StreamId();
  readonly #packed: ByteBuffer = new ByteBuffer();

  constructor(context: DecodeContext, generation: number) {
    this.#context = context;
    this.#generation = generation;
    this.#blob = context.newSlot();
    this.#groups = new StreamGroups(context, generation);
    this.#producers = new StreamProducers(context);
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
        if (blob.length !== ID_BYTES) reader.fail("Id of a stream node is not 16 bytes");
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
    const wrong = checkNode(bytes, start, end, this.#id, this.#last, this.#current);
    if (wrong !== undefined) reader.fail(wrong);
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

  /** Length and last id; from the second generation on first id, largest deleted id and entries added. */
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
    // Streams of 5.0's release candidates may say more than they hold: servers believe what is said.
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
      stream.entriesAdded = bounded(at[14] * 4294967296 + at[15]);
    } else {
      this.#addFirst();
      stream.refreshFirstId();
      // rdb.c: streamGetEdgeID finds no first entry and answers the largest id.
      if (isEmpty) stream.firstId.setWords(MAX_WORD, MAX_WORD, MAX_WORD, MAX_WORD);
      stream.entriesAdded = stream.length;
    }
    at.length = 0;
  }

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
      // The stream holds nothing but counters, which are read anew.
      const { bytes, length } = packed;
      return storeBlob(context, ValueType.STREAM, Encoding.STREAM, bytes, 0, length);
    }
    this.#addFirst();
    this.#stream = new Stream();
    stream.isHeld = true;
    storeObject(context, ValueType.STREAM, Encoding.STREAM, stream);
  }
}

/** Types that both dialects know. */
export const streamRows: readonly ElementRow[] = [
  { number: Type.STREAM_LISTPACKS, name: "STREAM_LISTPACKS", create: (f) => new StreamValue(f, 1) },
  {
    number: Type.STREAM_LISTPACKS_2,
    name: "STREAM_LISTPACKS_2",
    create: (f) => new StreamValue(f, 2),
  },
  {
    number: Type.STREAM_LISTPACKS_3,
    name: "STREAM_LISTPACKS_3",
    create: (f) => new StreamValue(f, 3),
  },
];

/** Types of Redis alone. */
export const redisStreamRows: readonly ElementRow[] = [
  {
    number: Type.STREAM_LISTPACKS_4,
    name: "STREAM_LISTPACKS_4",
    create: (f) => new StreamValue(f, 4),
  },
  {
    number: Type.STREAM_LISTPACKS_5,
    name: "STREAM_LISTPACKS_5",
    create: (f) => new StreamValue(f, 5),
  },
];
