/**
 * What the decoder and its elements share while they read one snapshot.
 *
 * @module
 */

import { printableBytes, RdbError } from "./errors.ts";
import { Dialect } from "./opcodes.ts";
import { type ChunkReader, StringSlot } from "./chunk_reader.ts";
import type { RdbSink } from "./sink.ts";

/** Where a number of a record has no value. */
export const NONE: number = -1;

/** One snapshot being read. */
export class DecodeContext {
  /** The cursor. */
  readonly reader: ChunkReader;
  /** Who is told. */
  readonly sink: RdbSink;
  /** Key of the record being read. */
  readonly key: StringSlot;
  /** Hash templates by id, each a list of field names; hashes after them refer to these. */
  readonly templates: Map<number, readonly Uint8Array[]> = new Map();
  /** Whose numbers. */
  dialect: Dialect = Dialect.REDIS;
  /** The snapshot's version. */
  version: number = 0;
  /** Offset of the byte that began the current record. */
  recordOffset: number = 0;
  /** When the next key expires. */
  expireAtMs: number = NONE;
  /** How long the next key has been idle. */
  idleSeconds: number = NONE;
  /** How often the next key is used. */
  frequency: number = NONE;
  /** Keys read so far, those whose value was passed over among them. */
  keys: number = 0;
  /** Whether a module's value that is not kept ends the reading. */
  failsOnModules: boolean = false;

  readonly #slots: StringSlot[] = [];

  /** A snapshot read by `reader` and told to `sink`. */
  constructor(reader: ChunkReader, sink: RdbSink) {
    this.reader = reader;
    this.sink = sink;
    this.key = this.newSlot();
  }

  /** Room for a string that must survive the end of a chunk. */
  newSlot(): StringSlot {
    const slot = new StringSlot();
    this.#slots.push(slot);
    return slot;
  }

  /** Called when the chunk is about to go: what elements hold of it is copied. */
  keepSlots(): void {
    for (const slot of this.#slots) slot.keep();
  }

  /** True when nothing has been said about the next key. */
  get attributesAreClear(): boolean {
    return this.expireAtMs === NONE && this.idleSeconds === NONE && this.frequency === NONE;
  }

  /** A key has been read: what was said about it holds no longer. */
  finishKey(): void {
    this.expireAtMs = NONE;
    this.idleSeconds = NONE;
    this.frequency = NONE;
    this.keys++;
  }

  /** Refuses the current key: its database has it already. */
  failDuplicate(): never {
    const key = this.printableKey();
    throw new RdbError("DUPLICATE_KEY", `Key ${key} comes twice`, this.recordOffset, { key });
  }

  /** The current key for messages. */
  printableKey(): string {
    return printableBytes(this.key.bytes, this.key.start, this.key.end);
  }
}

/** Reads one kind of thing. Its fields say where it stopped; complete, it is ready for the next. */
export interface Element {
  /** Reads on; false when the chunk ended first. */
  read(): boolean;
}

/** A row of the decoder's table. */
export interface ElementRow {
  /** The opcode or type byte. */
  readonly number: number;
  /** Its name, as messages spell it. */
  readonly name: string;
  /** Makes its reader, once per snapshot; left out where we know the name and cannot read it. */
  readonly create?: (context: DecodeContext) => Element;
}
