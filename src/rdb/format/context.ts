/**
 * What the decoder and its elements share while one snapshot, or one DUMP payload, is read: the
 * cursor, the sink, and what the snapshot has said about the key that comes next.
 *
 * ```text
 *   expiry?  type  key  value   expiry?  type  key  value
 *   |------- record --------|   |------- record --------|
 *   ^ recordOffset          ^ finishKey(): the expiry counts for one key only
 * ```
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { type Encoding, NO_EXPIRY, type ValueType } from "../../store/memory/record.ts";
import type { StoredObject } from "../../store/memory/stored_object.ts";
import type { ChunkReader } from "./chunk_reader.ts";
import { printableBytes } from "./errors.ts";
import { Dialect } from "./opcodes.ts";
import type { RdbSink } from "./sink.ts";
import { StringSlot } from "./string_slot.ts";

/** An element's field whose number has not been read yet. */
export const NONE: number = -1;

/** State of one snapshot that is being read. */
export class DecodeContext {
  /** The cursor over the chunks. */
  readonly reader: ChunkReader;
  /** The sink that values are handed to. */
  readonly sink: RdbSink;
  /** Key of the record that is being read. */
  readonly key: StringSlot;
  /** Hash templates by id, each a list of field names; hashes that come later refer to these. */
  readonly templates: Map<number, readonly Uint8Array[]> = new Map();
  /** Whose numbers the snapshot uses. */
  dialect: Dialect = Dialect.REDIS;
  /** The snapshot's version; 0 until its header is read. */
  version: number = 0;
  /** Offset in the snapshot of the byte that began the current record. */
  recordOffset: number = 0;
  /** When the next key expires, in milliseconds since 1970; -1 when nothing has said so. */
  expireAtMs: number = NO_EXPIRY;
  /** Keys read so far, those whose value was passed over among them. */
  keys: number = 0;
  /** Whether a value that only a module can read ends the reading; else its key is kept. */
  failsOnModules: boolean = false;

  /** Whether the current key's value is dropped when it is whole: it is not wanted, and only who reads it finds its end. */
  discards: boolean = false;

  readonly #slots: StringSlot[] = [];

  /** Makes the state of a snapshot that `reader` reads and `sink` receives. */
  constructor(reader: ChunkReader, sink: RdbSink) {
    this.reader = reader;
    this.sink = sink;
    this.key = this.newSlot();
  }

  /** A slot for a string that must survive the end of a chunk: {@linkcode keepSlots} sees to it. */
  newSlot(): StringSlot {
    const slot = new StringSlot();
    this.#slots.push(slot);
    return slot;
  }

  /**
   * Copies what slots have borrowed of the chunk. Called once a push, when the chunk is about to
   * go.
   */
  keepSlots(): void {
    for (const slot of this.#slots) slot.keep();
  }

  /** Bytes of memory that the slots hold, what they have borrowed not counted. */
  get slotBytes(): number {
    let bytes = 0;
    for (const slot of this.#slots) bytes += slot.ownBytes;
    return bytes;
  }

  /** Ends a record: the expiry it began with counts no longer. */
  finishKey(): void {
    this.expireAtMs = NO_EXPIRY;
    this.discards = false;
    this.keys++;
  }

  /** Hands the string in `value` to the sink, under the current key. */
  storeString(value: StringSlot): void {
    if (this.discards) return;
    const { key, sink } = this;
    const { bytes, start, end } = key;
    sink.string(bytes, start, end, value.bytes, value.start, value.end, this.expireAtMs);
  }

  /** Hands a value of one run of bytes to the sink, under the current key. */
  storeBlob(
    type: ValueType,
    encoding: Encoding,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    assert(start <= end && end <= bytes.length, "a value lies inside its buffer");
    if (this.discards) return;
    const { key, sink, expireAtMs } = this;
    sink.blob(key.bytes, key.start, key.end, type, encoding, bytes, start, end, expireAtMs);
  }

  /** Hands a value in its large form to the sink, under the current key. */
  storeObject(type: ValueType, encoding: Encoding, object: StoredObject): void {
    if (this.discards) return;
    const { key, sink } = this;
    sink.object(key.bytes, key.start, key.end, type, encoding, object, this.expireAtMs);
  }

  /** The current key as messages spell it. */
  printableKey(): string {
    return printableBytes(this.key.bytes, this.key.start, this.key.end);
  }
}
