/**
 * Streams as they are written: their nodes as they are, and around them what each version knows.
 * The layouts are drawn in `elements/stream.ts` and `elements/stream_groups.ts`.
 *
 * @module
 */

import type { Database } from "../../store/keyspace/database.ts";
import type { Entry } from "../../store/memory/record.ts";
import { IdPlace } from "../../store/packed/id_table.ts";
import { StreamId } from "../../store/packed/stream_id.ts";
import type { Stream } from "../../store/types/stream.ts";
import { type Consumer, DELIVERIES, type Group, TIME } from "../../store/types/stream_groups.ts";
import { readEntry, StreamProducers } from "../../store/types/stream_producers.ts";
import { streamOf } from "../../store/types/small_stream.ts";
import { STREAM_ID_BYTES, Type } from "../format/opcodes.ts";
import type { RecordWriter } from "../format/record_writer.ts";
import type { SnapshotVersion } from "../format/version.ts";
import { type ValueRest, type ValueWriter, writeBeginning } from "./writer.ts";

/** What is written of a stream that never had a producer. */
const NO_PRODUCERS = new StreamProducers();
const MAX_WORD = 0xffffffff;

const id = new StreamId();
const idBytes = new Uint8Array(STREAM_ID_BYTES);

/** Which of the five generations of the format a stream is written in. */
function generationOf(db: Database, entry: Entry, version: SnapshotVersion): number {
  if (version < 10) return 1;
  if (version < 11) return 2;
  if (version !== 12 && version !== 13) return 3;
  // Only a master of Redis 8.8 or later has entries without a consumer (XNACK), and it reads
  // generation 5; only one of 8.6 or later has producers, and it reads generation 4.
  // A stream that lies packed in its record has neither.
  const stream = db.objectOf(entry) as Stream | undefined;
  if (stream?.groups().some(({ unowned }) => unowned > 0)) return 5;
  return version === 13 || stream?.producers !== undefined ? 4 : 3;
}

/** The writer that the next piece goes to: it may be another one in every slice. */
interface Target {
  writer: RecordWriter;
}

/**
 * A stream that is still to be written, piece by piece: a node, a pending entry or a consumer's id
 * each.
 */
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

/** Writes a stream; yields after every piece of which there may be many. */
function* pieces(target: Target, stream: Stream, generation: number): Iterator<void> {
  const { nodes } = stream;
  const at = new IdPlace();
  target.writer.length(nodes.size);
  for (let more = nodes.first(at); more; more = nodes.next(at)) {
    nodes.readId(at, id);
    target.writer.length(STREAM_ID_BYTES);
    writeRawId(target.writer);
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
    target.writer.string(group.name, 0, group.name.length);
    writeId(target.writer, group.lastId);
    if (generation >= 2) writeEntriesRead(target.writer, group.entriesRead);
    yield* pending(target, group, generation);
    target.writer.length(group.consumerCount);
    for (const consumer of group.consumers()) yield* consumerPieces(target, consumer, generation);
    if (generation >= 5) yield* unowned(target, group);
  }
  if (generation >= 4) yield* producers(target, stream.producers ?? NO_PRODUCERS);
}

/** Writes what is known of idempotent producers; layout: `elements/stream_producers.ts`. */
function* producers(target: Target, known: StreamProducers): Iterable<void> {
  target.writer.length(known.durationSeconds);
  target.writer.length(known.maxEntries);
  target.writer.length(known.size);
  for (const [producer, entries] of known.each()) {
    writeText(target.writer, producer);
    target.writer.length(entries.size);
    for (const [name, entry] of entries) {
      writeText(target.writer, name);
      readEntry(entry, id);
      writeId(target.writer, id);
      yield;
    }
  }
  target.writer.length(known.added);
  target.writer.length(known.duplicates);
}

/** Writes a text of one code unit for each byte. */
function writeText(writer: RecordWriter, text: string): void {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  writer.string(bytes, 0, bytes.length);
}

/**
 * Writes the pending entries of a group. Those without a consumer are left out where the generation
 * has no form for them: a server refuses a group whose entries are not all claimed.
 */
function* pending(target: Target, group: Group, generation: number): Iterable<void> {
  const table = group.pending;
  const at = new IdPlace();
  target.writer.length(generation >= 5 ? table.size : table.size - group.unowned);
  for (let more = table.first(at); more; more = table.next(at)) {
    if (generation < 5 && group.ownerAt(at) === undefined) continue;
    table.readId(at, id);
    writeRawId(target.writer);
    target.writer.int64(table.getNumber(at, TIME));
    target.writer.length(table.getNumber(at, DELIVERIES));
    yield;
  }
}

/** Writes a consumer and the ids of its pending entries. */
function* consumerPieces(
  target: Target,
  consumer: Consumer,
  generation: number,
): Iterable<void> {
  target.writer.string(consumer.name, 0, consumer.name.length);
  target.writer.int64(consumer.seenMs);
  if (generation >= 3) target.writer.int64(consumer.activeMs);
  const table = consumer.pending;
  const at = new IdPlace();
  target.writer.length(table.size);
  for (let more = table.first(at); more; more = table.next(at)) {
    table.readId(at, id);
    writeRawId(target.writer);
    yield;
  }
}

/** Writes the ids of the pending entries that no consumer has. */
function* unowned(target: Target, group: Group): Iterable<void> {
  const table = group.pending;
  const at = new IdPlace();
  target.writer.length(group.unowned);
  for (let more = table.first(at); more; more = table.next(at)) {
    if (group.ownerAt(at) !== undefined) continue;
    table.readId(at, id);
    writeRawId(target.writer);
    yield;
  }
}

/** Writes the id in `id` as 16 raw bytes, big endian. */
function writeRawId(writer: RecordWriter): void {
  id.writeBytes(idBytes, 0);
  writer.out.writeBytes(idBytes, 0, STREAM_ID_BYTES);
}

/** Writes an id as two lengths. */
function writeId(writer: RecordWriter, { msHigh, msLow, seqHigh, seqLow }: StreamId): void {
  writer.lengthWords(msHigh, msLow);
  writer.lengthWords(seqHigh, seqLow);
}

/** Writes how many entries a group has read; -1, unknown, is 2^64 - 1. */
function writeEntriesRead(writer: RecordWriter, count: number): void {
  if (count >= 0) writer.length(count);
  else writer.lengthWords(MAX_WORD, MAX_WORD);
}

/** Writes streams, packed ones and objects alike: a packed one is made a stream for the time. */
export const streamWriter: ValueWriter = {
  typeOf(db, entry, version) {
    const generation = generationOf(db, entry, version);
    if (generation === 1) return Type.STREAM_LISTPACKS;
    if (generation === 5) return Type.STREAM_LISTPACKS_5;
    if (generation === 4) return Type.STREAM_LISTPACKS_4;
    return generation === 2 ? Type.STREAM_LISTPACKS_2 : Type.STREAM_LISTPACKS_3;
  },
  write(writer, db, entry, version) {
    const stream = streamOf(db, entry);
    const generation = generationOf(db, entry, version);
    return writeBeginning(writer, new StreamRest(stream, generation, writer));
  },
};
