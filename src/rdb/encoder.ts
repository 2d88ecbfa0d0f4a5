/**
 * From a keyspace to a snapshot that Redis and Valkey load: in slices, and of one point in time,
 * the moment the encoder was made. Between two slices the keyspace may change as it likes.
 *
 * ```text
 *   HEADER     magic, auxiliary fields, functions
 *   DATABASES  each step writes the first of these that there is:
 *                1  the tail of a value that had to be finished before it changed
 *                2  more of the value that is half written
 *                3  keys that were written aside, each with a SELECTDB of its own
 *                4  the next keys of the current database
 *                5  SELECTDB and RESIZEDB of the next database
 *                6  EOF and the checksum                                          -> DONE
 * ```
 *
 * The order of 1 to 3 is what keeps the bytes sound: nothing may stand inside a value but the
 * value.
 *
 * Whoever runs a command that writes calls the {@linkcode SnapshotHook} first: a key that has not
 * had its turn is written aside, ahead of it, and a value that is half written is finished before
 * it changes. FLUSHDB and FLUSHALL leave their content to the snapshot, which lets go of it when it
 * is done; SWAPDB moves it. What is written aside waits in memory for the next slice:
 * `waitingBytes` tells how much.
 *
 * @module
 */

import { assert } from "../base/assert.ts";
import { ByteBuffer, BytesRef } from "../base/byte_buffer.ts";
import { Crc64 } from "../base/crc64.ts";
import type { Database } from "../store/keyspace/database.ts";
import type { Keyspace, SnapshotHook } from "../store/keyspace/keyspace.ts";
import { rangesText } from "../store/keyspace/slot_ranges.ts";
import type { SlotImport } from "../store/keyspace/slots.ts";
import { type Entry, NO_EXPIRY } from "../store/memory/record.ts";
import { SlotState } from "../store/memory/slot_counts.ts";
import { moduleValueOf, VECTOR_SET_TYPE } from "../store/types/module.ts";
import { vectorSetOf } from "../store/types/vector_set.ts";
import { type FrozenDatabase, FrozenKeyspace, isKey } from "./frozen.ts";
import { Opcode } from "./format/opcodes.ts";
import { FILTER_AUX, LEFT_OUT_AUX } from "./format/filter_aux.ts";
import { FEED_LOG_AUX, HISTORY_AUX } from "./format/history_aux.ts";
import { MASTER_FORMAT_AUX, MASTER_VERSION_AUX } from "./format/master_aux.ts";
import { SLOT_IMPORT_AUX, SLOTS_AUX } from "./format/slots_aux.ts";
import { RecordWriter } from "./format/record_writer.ts";
import {
  FIRST_FUNCTION_VERSION,
  FIRST_VALKEY_VERSION,
  type SnapshotVersion,
} from "./format/version.ts";
import { UNKNOWN_VALUE_AUX, writeUnknownValue } from "./format/unknown_value.ts";
import { VECTOR_SET_AUX } from "./format/vector_layout.ts";
import { valueWriterOf } from "./writers/table.ts";
import { VectorSetParts } from "./writers/vector_set.ts";
import { type ValueRest, writeAll, writeBeginning } from "./writers/writer.ts";

export type { SnapshotVersion } from "./format/version.ts";

const DEFAULT_SLICE_BYTES = 64 * 1024;
const CHECKSUM_BYTES = 8;
const NO_BYTES = new Uint8Array(0);
/** Zero says that no checksum was computed. */
const NO_CHECKSUM = new Uint8Array(CHECKSUM_BYTES);

/** What is written next. */
const Step = { HEADER: 0, DATABASES: 1, DONE: 2 } as const;
type Step = typeof Step[keyof typeof Step];

/** Where in a replication stream the data of a snapshot stands. */
export interface SnapshotPosition {
  /** Replication id, 40 hexadecimal characters. */
  readonly replid: string;
  /** Offset of the last byte of the stream whose effect the data contains. */
  readonly offset: number;
  /** Index of the database that is selected in the stream at that offset. */
  readonly streamDb: number;
  /** Earlier histories, one text each, the oldest first; none when left out. */
  readonly histories?: readonly string[];
}

/** Options of {@linkcode SnapshotEncoder}. */
export interface SnapshotOptions {
  /** Version of the format; 80 writes Valkey's magic. */
  readonly version: SnapshotVersion;
  /** Version of the server we pass for, written as `redis-ver` or `valkey-ver`. */
  readonly serverVersion: string;
  /** Time of the snapshot in milliseconds since 1970, written as `ctime`. */
  readonly nowMs: number;
  /** What the change feed has kept of the latest commits, for our own loader. */
  readonly feedLog?: Uint8Array | undefined;
  /** The filter that the data has passed, for our own loader; "" or left out where all of it is there. */
  readonly filter?: string;
  /** Written as `repl-id`, `repl-offset` and `repl-stream-db`, where given. */
  readonly position?: SnapshotPosition;
  /**
   * The master that the data came from, written for our own loader: what depends on its version goes on to
   * do so after a restart.
   */
  readonly master?: { readonly snapshotVersion: number; readonly serverVersion: string };
  /**
   * Whether strings that LZF makes at least 4 bytes shorter are compressed; false unless told
   * otherwise.
   */
  readonly compress?: boolean;
  /** Whether the checksum is computed; true unless told otherwise. */
  readonly checksum?: boolean;
  /**
   * Sources of function libraries, the keyspace's own unless given; version 9 has no form for them.
   */
  readonly functions?: readonly Uint8Array[];
}

/**
 * One snapshot that is being written. Once made, it must be asked for bytes until it is done, or
 * closed.
 */
export class SnapshotEncoder implements SnapshotHook {
  /** Keys written so far, those written aside included. */
  keys: number = 0;
  /** Bytes appended to the owner's buffers so far. */
  bytes: number = 0;
  readonly #keyspace: Keyspace;
  readonly #options: SnapshotOptions;
  readonly #functions: readonly Uint8Array[];
  readonly #writer: RecordWriter;
  readonly #aside: RecordWriter;
  readonly #crc: Crc64 = new Crc64();
  readonly #ref: BytesRef = new BytesRef();
  readonly #visit: (entry: Entry) => boolean;
  readonly #frozen: FrozenKeyspace;
  #step: Step = Step.HEADER;
  #nextIndex: number = 0; // among the databases, of the next to begin
  #current: FrozenDatabase | undefined = undefined;
  #selected: number = -1; // the database that whoever loads what is written so far has selected
  /** The rest of the value that is half written, and its key. */
  #rest: ValueRest | undefined = undefined;
  #restKey: Uint8Array = NO_BYTES;
  /**
   * The end of a value that was finished early: it was about to change while it was half written.
   */
  readonly #tail: ByteBuffer = new ByteBuffer();
  #failure: unknown = undefined;
  /** Keys that were left out when it began. */
  readonly #leftOut: Uint8Array | undefined;
  /** What was known of cluster slots when it began. */
  readonly #isOfCluster: boolean;
  readonly #imports: readonly SlotImport[];
  /** States of slots, while keys of emptied ones are in the tables, which are no part of the snapshot. */
  readonly #emptied: Uint8Array | undefined;

  /** Begins a snapshot of all that `keyspace` holds now. */
  constructor(keyspace: Keyspace, options: SnapshotOptions) {
    this.#keyspace = keyspace;
    this.#options = options;
    this.#functions = options.functions ?? keyspace.functions.sources();
    this.#writer = new RecordWriter(new ByteBuffer(), options.compress ?? false);
    this.#aside = new RecordWriter(new ByteBuffer(), options.compress ?? false);
    this.#visit = (entry) => this.#writeOwn(entry);
    this.#frozen = new FrozenKeyspace(keyspace, keyspace.indexes());
    const { slots, leftOut } = keyspace;
    if (leftOut.size > 0) this.#leftOut = leftOut.toBytes();
    this.#isOfCluster = slots.followed;
    this.#imports = slots.imports();
    this.#emptied = slots.sweeping ? slots.states.slice() : undefined;
    keyspace.snapshotHooks.add(this);
  }

  /** True when the last byte has been written. */
  get done(): boolean {
    return this.#step === Step.DONE;
  }

  /**
   * Bytes that wait in memory, since their keys were about to change; the next slices begin with
   * them.
   */
  get waitingBytes(): number {
    return this.#aside.out.length + this.#tail.length;
  }

  /**
   * Appends about `budgetBytes` to `out`: a slice ends with the first step that reaches the budget,
   * which may overshoot by a few keys, and begins with all that was written aside.
   *
   * @returns False once the snapshot is whole.
   * @throws Whatever made the snapshot fail, also when that happened in the hook; again on every
   *   later call.
   */
  next(out: ByteBuffer, budgetBytes: number): boolean {
    if (this.#failure !== undefined) throw this.#failure;
    assert(out !== this.#aside.out && out !== this.#tail, "the owner's buffer is another one");
    const from = out.length;
    this.#writer.out = out;
    try {
      while (!this.done && out.length - from < budgetBytes) {
        this.#advance(budgetBytes - (out.length - from));
      }
    } catch (error) {
      this.#fail(error);
      throw error;
    }
    const end = this.done ? out.length - CHECKSUM_BYTES : out.length;
    if (end > from) this.#crc.update(out.bytes, from, end);
    if (this.done) this.#setChecksum(out, end);
    this.bytes += out.length - from;
    return !this.done;
  }

  /**
   * Ends the snapshot, whole or not: its hook is taken out and the tables may grow again. May be
   * called again.
   */
  close(): void {
    this.#keyspace.snapshotHooks.delete(this);
    this.#frozen.finish();
    this.#rest = undefined;
  }

  /**
   * Writes a key aside that belongs to the snapshot and is not written yet. Part of {@linkcode
   * SnapshotHook}: called before a key of database `dbIndex` is made, changed or deleted.
   */
  beforeKeyWrite(dbIndex: number, bytes: Uint8Array, start: number, end: number): void {
    const frozen = this.#frozen.at(dbIndex);
    if (frozen === undefined || this.#failure !== undefined) return;
    try {
      if (frozen === this.#current && this.#rest !== undefined) {
        if (isKey(this.#restKey, bytes, start, end)) return this.#finishRest();
      }
      const entry = frozen.take(bytes, start, end);
      if (entry !== 0 && !this.#isEmptied(frozen.db, entry)) this.#writeAside(frozen, entry);
    } catch (error) {
      // The snapshot fails, not the command that was about to run: `next` throws the error.
      this.#fail(error);
    }
  }

  /** Follows the content of an emptied database into `kept`. Part of {@linkcode SnapshotHook}. */
  afterClear(dbIndex: number, kept: Database): void {
    this.#frozen.afterClear(dbIndex, kept);
  }

  /** Follows the contents of two databases that change places. Part of {@linkcode SnapshotHook}. */
  beforeSwap(a: number, b: number): void {
    this.#frozen.beforeSwap(a, b);
  }

  /** Gives the snapshot up; `next` throws the error from now on. */
  #fail(error: unknown): void {
    this.#failure = error;
    this.close();
  }

  /** Writes the first of what there is to write, in the order of the module's table. */
  #advance(budgetBytes: number): void {
    if (this.#step === Step.HEADER) {
      this.#writeHeader();
      this.#step = Step.DATABASES;
    } else if (this.#tail.length > 0) {
      move(this.#tail, this.#writer.out);
    } else if (this.#rest !== undefined) {
      assert(this.#current !== undefined, "a half written value belongs to the current database");
      if (!this.#rest.writeOn(this.#writer, Math.max(budgetBytes, 1))) this.#rest = undefined;
    } else if (this.#aside.out.length > 0) {
      move(this.#aside.out, this.#writer.out);
      this.#selected = -1;
    } else if (this.#current !== undefined) {
      this.#current.step(this.#visit);
      if (this.#current.done) this.#current = undefined;
    } else if (this.#nextIndex < this.#frozen.databases.length) {
      this.#beginDb(this.#frozen.databases[this.#nextIndex++]);
    } else {
      this.#writeEnd();
    }
  }

  /** Writes EOF and room for the checksum, which `next` fills in when it has summed the slice. */
  #writeEnd(): void {
    assert(this.waitingBytes === 0, "all that was written aside has its place");
    this.#writer.out.writeByte(Opcode.EOF);
    this.#writer.out.writeBytes(NO_CHECKSUM);
    this.#step = Step.DONE;
    this.close();
  }

  #writeHeader(): void {
    const { version, serverVersion, nowMs, position } = this.#options;
    const writer = this.#writer;
    const isValkey = version >= FIRST_VALKEY_VERSION;
    writer.out.writeLatin1(
      isValkey ? `VALKEY${pad(version, 3)}` : `REDIS${pad(version, 4)}`,
    );
    writer.aux(isValkey ? "valkey-ver" : "redis-ver", serverVersion);
    writer.aux("redis-bits", 64);
    writer.aux("ctime", Math.floor(nowMs / 1000));
    writer.aux("used-mem", this.#keyspace.heldBytes);
    if (position !== undefined) {
      writer.aux("repl-stream-db", position.streamDb);
      writer.aux("repl-id", position.replid);
      writer.aux("repl-offset", position.offset);
      for (const history of position.histories ?? []) writer.aux(HISTORY_AUX, history);
    }
    if (this.#options.master !== undefined) {
      writer.aux(MASTER_FORMAT_AUX, this.#options.master.snapshotVersion);
      writer.aux(MASTER_VERSION_AUX, this.#options.master.serverVersion);
    }
    if (this.#isOfCluster) writer.aux(SLOTS_AUX, "");
    for (const { state, name, ranges } of this.#imports) {
      writer.aux(SLOT_IMPORT_AUX, `${state} ${name} ${rangesText(ranges)}`);
    }
    const { feedLog, filter = "" } = this.#options;
    if (filter !== "") writer.auxBytes(FILTER_AUX, new TextEncoder().encode(filter));
    if (this.#leftOut !== undefined) writer.auxBytes(LEFT_OUT_AUX, this.#leftOut);
    if (feedLog !== undefined) writer.auxBytes(FEED_LOG_AUX, feedLog);
    writer.aux(version < 10 ? "aof-preamble" : "aof-base", 0);
    if (version < FIRST_FUNCTION_VERSION) return;
    for (const source of this.#functions) {
      writer.out.writeByte(Opcode.FUNCTION2);
      writer.string(source, 0, source.length);
    }
  }

  #beginDb(frozen: FrozenDatabase): void {
    this.#select(this.#writer, frozen.index);
    this.#selected = frozen.index;
    const writer = this.#writer;
    writer.out.writeByte(Opcode.RESIZEDB);
    writer.length(frozen.size);
    writer.length(frozen.expiresCount);
    this.#current = frozen;
  }

  #select(writer: RecordWriter, index: number): void {
    writer.out.writeByte(Opcode.SELECTDB);
    writer.length(index);
  }

  /** Writes a key whose turn it is; false when a part of its value remains to be written. */
  #writeOwn(entry: Entry): boolean {
    const frozen = this.#current!;
    if (this.#isEmptied(frozen.db, entry)) return true;
    if (this.#selected !== frozen.index) {
      this.#select(this.#writer, frozen.index);
      this.#selected = frozen.index;
    }
    this.#rest = this.#writeKey(this.#writer, frozen.db, entry);
    if (this.#rest === undefined) return true;
    frozen.db.keyRef(entry, this.#ref);
    this.#restKey = this.#ref.view().slice();
    return false;
  }

  /** Whether a key was as good as removed when the snapshot began. */
  #isEmptied(db: Database, entry: Entry): boolean {
    if (this.#emptied === undefined) return false;
    return (this.#emptied[db.slotOf(entry)] & SlotState.EMPTIED) !== 0;
  }

  /**
   * Writes a key that is about to change, whole. It stands between other keys, so it selects its
   * database itself.
   */
  #writeAside(frozen: FrozenDatabase, entry: Entry): void {
    const writer = this.#aside;
    this.#select(writer, frozen.index);
    writeAll(writer, this.#writeKey(writer, frozen.db, entry));
  }

  /** Writes all that is left of the half written value, which is about to change, to the tail. */
  #finishRest(): void {
    assert(this.#tail.length === 0, "one value at a time is half written");
    const rest = this.#rest;
    const owners = this.#writer.out;
    this.#rest = undefined;
    this.#writer.out = this.#tail;
    writeAll(this.#writer, rest);
    this.#writer.out = owners;
  }

  /** Writes a key and its value, or the beginning of that: then the rest is returned. */
  #writeKey(writer: RecordWriter, db: Database, entry: Entry): ValueRest | undefined {
    const { version } = this.#options;
    const ref = this.#ref;
    const expireAtMs = db.expireAtMs(entry);
    const value = moduleValueOf(db, entry);
    if (value !== undefined && value.payload === undefined) {
      this.#writeAux(writer, UNKNOWN_VALUE_AUX, value, db, entry);
      return undefined;
    }
    const vectors = vectorSetOf(db, entry);
    if (vectors !== undefined && !vectors.hasGraph) {
      this.#writeAux(
        writer,
        VECTOR_SET_AUX,
        { module: VECTOR_SET_TYPE, doubted: false },
        db,
        entry,
      );
      return writeBeginning(writer, new VectorSetParts(vectors));
    }
    const row = valueWriterOf(db.typeOf(entry));
    if (expireAtMs !== NO_EXPIRY) writer.expiry(expireAtMs);
    writer.out.writeByte(row.typeOf(db, entry, version));
    db.keyRef(entry, ref);
    writer.string(ref.bytes, ref.start, ref.end);
    this.keys++;
    return row.write(writer, db, entry, version);
  }

  /** Writes an auxiliary field that names a key for which servers have no record. */
  #writeAux(
    writer: RecordWriter,
    name: string,
    value: { readonly module: string; readonly doubted: boolean },
    db: Database,
    entry: Entry,
  ): void {
    const ref = this.#ref;
    db.keyRef(entry, ref);
    const { bytes, start, end } = ref;
    writer.auxBytes(name, writeUnknownValue(value, db.expireAtMs(entry), bytes, start, end));
    this.keys++;
  }

  #setChecksum(out: ByteBuffer, offset: number): void {
    assert(offset + CHECKSUM_BYTES === out.length, "the checksum is the last of a snapshot");
    if (this.#options.checksum ?? true) out.bytes.set(this.#crc.digest(), offset);
  }
}

/**
 * A whole snapshot in chunks of about `sliceBytes`, each valid until the next is asked for. A loop
 * over it that is left early closes the snapshot.
 */
export function* encodeSnapshot(
  keyspace: Keyspace,
  options: SnapshotOptions,
  sliceBytes: number = DEFAULT_SLICE_BYTES,
): Generator<Uint8Array, void, void> {
  const encoder = new SnapshotEncoder(keyspace, options);
  const out = new ByteBuffer(sliceBytes * 2);
  try {
    let more = true;
    while (more) {
      more = encoder.next(out, sliceBytes);
      yield out.view();
      out.clear();
    }
  } finally {
    encoder.close();
  }
}

/** Moves all of a buffer to the end of another, and gives back memory that a large value needed. */
function move(source: ByteBuffer, target: ByteBuffer): void {
  target.writeBytes(source.bytes, 0, source.length);
  source.shrink(DEFAULT_SLICE_BYTES);
}

function pad(version: number, digits: number): string {
  return String(version).padStart(digits, "0");
}
