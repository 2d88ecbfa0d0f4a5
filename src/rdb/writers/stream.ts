/**
 * Streams, written: their nodes as they are, and around them what each version knows.
 *
 * @module
 */

import type { Database } from "../../store/keyspace/database.ts";
import type { Entry } from "../../store/memory/record.ts";
import { IdPlace } from "../../store/packed/id_table.ts";
import { StreamId } from "../../store/packed/stream_id.ts";
import type { Stream } from "../../store/types/stream.ts";
import { type Consumer, DELIVERIES, type Group, TIME } from "../../store/types/stream_groups.ts";
import { streamOf } from "../../store/types/stream_pack.ts";
import type { RecordWriter } from "../format/record_writer.ts";
import { Type } from "../format/opcodes.ts";
import type { SnapshotVersion, ValueRest, ValueWriter } from "./writer.ts";

/** What is written at once before the rest of a stream is left for later. */
const FIRST_BYTES = 64 * 1024;
const PRODUCER_SECONDS = 100;
const PRODUCER_ENTRIES = 100;
const TWO_32 = 4294967296;

const id = new StreamId();
const bytes = new Uint8Array(16);
const view = new DataView(bytes.buffer);

/** Which of STREAM_LISTPACKS, _2 and _3 a version has. */
function generationOf(db: Database, entry: Entry, version: SnapshotVersion): number {
  if (version < 10) return 1;
  if (version < 11) return 2;
  // Only a master that reads it has released entries (XNACK, Redis 8.8): they are worth its form.
  if (version !== 12) return 3;
  // What lies packed in its record has no groups.
  const stream = db.objectOf(entry) as Stream | undefined;
  return stream?.groups().some(({ unowned }) => unowned > 0) ? 5 : 3;
}

/** Where the next piece goes. */
interface Target {
  writer: RecordWriter;
}

/** What is still to be written; pieces one after the other, as many at a time as the budget allows. */
class StreamRest implements ValueRest {
  readonly #pieces: Iterator<void>;
  readonly #target: Target;

  constructor(stream: Stream, generation: number, writer: RecordWriter) {
    this.#target = { writer };
    this.#pieces = pieces(this.#target, stream, generation);
  }

  writeOn(writer: RecordWriter, budgetBytes: number): boolean {
    this.#target.writer = writer;
    const enough = writer.out.length + budgetBytes;
    do {
      if (this.#pieces.next().done === true) return false;
    } while (writer.out.length < enough);
    return true;
  }
}

function* pieces(target: Target, stream: Stream, generation: number): Iterator<void> {
  const { nodes } = stream;
  const at = new IdPlace();
  target.writer.length(nodes.size);
  for (let more = nodes.first(at); more; more = nodes.next(at)) {
    nodes.readId(at, id);
    id.writeBytes(bytes, 0);
    target.writer.length(16);
    target.writer.out.writeBytes(bytes, 0, 16);
    const node = nodes.valueAt(at);
    target.writer.string(node.bytes, 0, node.end);
    yield;
  }
  target.writer.length(stream.length);
  writeId(target.writer, stream.lastId);
  if (generation >= 2) {
    writeId(target.writer, stream.firstId);
    writeId(target.writer, stream.maxDeletedId);
    target.writer.length(stream.entriesAdded);
  }
  target.writer.length(stream.groupCount);
  for (const group of stream.groups()) {
    writeString(target.writer, group.name);
    writeId(target.writer, group.lastId);
    if (generation >= 2) writeCount(target.writer, group.entriesRead);
    yield* pending(target, group, generation);
    target.writer.length(group.consumerCount);
    for (const consumer of group.consumers()) yield* consumerPieces(target, consumer, generation);
    if (generation >= 5) yield* released(target, group);
  }
  if (generation < 5) return;
  // Nothing is kept of producers: Redis's defaults, and none.
  for (const number of [PRODUCER_SECONDS, PRODUCER_ENTRIES, 0, 0, 0]) target.writer.length(number);
}

/** Entries that nobody has are left out where there is no form for them: servers would refuse the rest. */
function* pending(target: Target, group: Group, generation: number): Iterable<void> {
  const table = group.pending;
  const at = new IdPlace();
  target.writer.length(generation >= 5 ? table.size : table.size - group.unowned);
  for (let more = table.first(at); more; more = table.next(at)) {
    if (generation < 5 && group.ownerAt(at) === undefined) continue;
    table.readId(at, id);
    id.writeBytes(bytes, 0);
    target.writer.out.writeBytes(bytes, 0, 16);
    writeMillis(target.writer, table.getNumber(at, TIME));
    target.writer.length(table.getNumber(at, DELIVERIES));
    yield;
  }
}

function* consumerPieces(
  target: Target,
  consumer: Consumer,
  generation: number,
): Iterable<void> {
  writeString(target.writer, consumer.name);
  writeMillis(target.writer, consumer.seenMs);
  if (generation >= 3) writeMillis(target.writer, consumer.activeMs);
  const table = consumer.pending;
  const at = new IdPlace();
  target.writer.length(table.size);
  for (let more = table.first(at); more; more = table.next(at)) {
    table.readId(at, id);
    id.writeBytes(bytes, 0);
    target.writer.out.writeBytes(bytes, 0, 16);
    yield;
  }
}

/** Ids of the entries that nobody has. */
function* released(target: Target, group: Group): Iterable<void> {
  const table = group.pending;
  const at = new IdPlace();
  target.writer.length(group.unowned);
  for (let more = table.first(at); more; more = table.next(at)) {
    if (group.ownerAt(at) !== undefined) continue;
    table.readId(at, id);
    id.writeBytes(bytes, 0);
    target.writer.out.writeBytes(bytes, 0, 16);
    yield;
  }
}

function writeString(writer: RecordWriter, name: Uint8Array): void {
  writer.string(name, 0, name.length);
}

function writeId(writer: RecordWriter, { msHigh, msLow, seqHigh, seqLow }: StreamId): void {
  writeWords(writer, msHigh, msLow);
  writeWords(writer, seqHigh, seqLow);
}

/** A length of 64 bits, all of them used; -1 is 2^64 - 1. */
function writeCount(writer: RecordWriter, count: number): void {
  if (count >= 0) writer.length(count);
  else writeWords(writer, 0xffffffff, 0xffffffff);
}

function writeWords(writer: RecordWriter, high: number, low: number): void {
  if (high < 0x200000) return writer.length(high * TWO_32 + low);
  writer.out.writeByte(0x81);
  view.setUint32(0, high);
  view.setUint32(4, low);
  writer.out.writeBytes(bytes, 0, 8);
}

function writeMillis(writer: RecordWriter, ms: number): void {
  view.setUint32(0, ms >>> 0, true);
  view.setInt32(4, Math.floor(ms / TWO_32), true);
  writer.out.writeBytes(bytes, 0, 8);
}

/** Every stream. */
export const streamWriter: ValueWriter = {
  typeOf(db, entry, version) {
    const generation = generationOf(db, entry, version);
    if (generation === 1) return Type.STREAM_LISTPACKS;
    if (generation === 5) return Type.STREAM_LISTPACKS_5;
    return generation === 2 ? Type.STREAM_LISTPACKS_2 : Type.STREAM_LISTPACKS_3;
  },
  write(writer, db, entry, version) {
    const stream = streamOf(db, entry);
    const rest = new StreamRest(stream, generationOf(db, entry, version), writer);
    return rest.writeOn(writer, FIRST_BYTES) ? rest : undefined;
  },
};
