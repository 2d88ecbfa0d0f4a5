/**
 * A keyspace to a snapshot that Redis and Valkey load, in slices, of one point in time: the moment the
 * encoder was made. Between two slices the keyspace may change as it likes.
 *
 * What is about to change is written first, through the {@linkcode SnapshotHook}: a key that has not
 * had its turn is written aside, ahead of it, and the first write to a large value waits until all of it
 * is encoded. FLUSHDB and FLUSHALL leave their content to the snapshot, which lets go of it when it is
 * done; SWAPDB changes nothing for it. What is written aside waits in memory for the next slice.
 *
 * ```
 * header -> functions -> [what was written aside] -> database -> its keys -> ... -> end, checksum
 * ```
 *
 * @module
 */

import { ByteBuffer, BytesRef } from "../base/byte_buffer.ts";
import { Crc64 } from "../base/crc64.ts";
import type { Database } from "../store/keyspace/database.ts";
import type { Keyspace, SnapshotHook } from "../store/keyspace/keyspace.ts";
import type { Entry } from "../store/memory/record.ts";
import { printableBytes, RdbError } from "./format/errors.ts";
import { FrozenDatabase, isKey } from "./frozen.ts";
import { Dialect, FIRST_VALKEY_VERSION, Opcode } from "./format/opcodes.ts";
import { RecordWriter } from "./format/record_writer.ts";
import { valueWriterOf } from "./writers/table.ts";
import type { SnapshotVersion, ValueRest } from "./writers/writer.ts";

export type { SnapshotVersion } from "./writers/writer.ts";

const DEFAULT_SLICE_BYTES = 64 * 1024;
const REST_BYTES = 1 << 20;
const CHECKSUM_BYTES = 8;
const NO_BYTES = new Uint8Array(0);

/** What is written next. */
const Step = { HEADER: 0, DATABASES: 1, DONE: 2 } as const;
type Step = typeof Step[keyof typeof Step];

/** Where in the replication stream a snapshot stands. */
export interface SnapshotPosition {
  /** Replication id, 40 characters. */
  readonly replid: string;
  /** Offset of the last byte of the stream that the data contains. */
  readonly offset: number;
  /** Database the stream after it begins in. */
  readonly streamDb: number;
}

/** Options of {@linkcode SnapshotEncoder}. */
export interface SnapshotOptions {
  /** Format: 80 writes Valkey's magic. */
  readonly version: SnapshotVersion;
  /** Version of the server we pass for, as `redis-ver` or `valkey-ver` says it. */
  readonly serverVersion: string;
  /** Now, in milliseconds since 1970. */
  readonly nowMs: number;
  /** Written as `repl-id`, `repl-offset`, `repl-stream-db`, when given. */
  readonly position?: SnapshotPosition;
  /** Compress strings that become at least 4 bytes shorter; false unless told otherwise. */
  readonly compress?: boolean;
  /** End with a checksum; true unless told otherwise. */
  readonly checksum?: boolean;
  /** Sources of function libraries, the keyspace's own unless given; version 9 has no place for them. */
  readonly functions?: readonly Uint8Array[];
}

/** One snapshot being written; once made, it must be read to its end or closed. */
export class SnapshotEncoder implements SnapshotHook {
  /** Keys written so far. */
  keys: number = 0;
  /** Bytes written so far. */
  bytes: number = 0;
  readonly #keyspace: Keyspace;
  readonly #options: SnapshotOptions;
  readonly #functions: readonly Uint8Array[];
  readonly #writer: RecordWriter;
  readonly #aside: RecordWriter;
  readonly #crc: Crc64 = new Crc64();
  readonly #ref: BytesRef = new BytesRef();
  readonly #visit: (entry: Entry) => boolean;
  readonly #databases: FrozenDatabase[];
  /** By the number under which their content is found now. */
  readonly #places: Map<number, FrozenDatabase> = new Map();
  #step: Step = Step.HEADER;
  #nextIndex: number = 0; // of #databases
  #current: FrozenDatabase | undefined = undefined;
  #selected: number = -1; // the database that the loader of what is written so far has selected
  /** Of the value that is half written. */
  #rest: ValueRest | undefined = undefined;
  #restKey: Uint8Array = NO_BYTES;
  /** The end of a value that was about to change while it was half written. */
  readonly #tail: ByteBuffer = new ByteBuffer();
  #failure: unknown = undefined;

  /** Will write all that `keyspace` holds now. */
  constructor(keyspace: Keyspace, options: SnapshotOptions) {
    this.#keyspace = keyspace;
    this.#options = options;
    this.#functions = options.functions ?? keyspace.functions.sources();
    this.#writer = new RecordWriter(new ByteBuffer(), options.compress ?? false);
    this.#aside = new RecordWriter(new ByteBuffer(), options.compress ?? false);
    this.#visit = (entry) => this.#writeOwn(entry);
    this.#databases = keyspace.indexes().map((i) => new FrozenDatabase(i, keyspace.db(i)));
    for (const frozen of this.#databases) this.#places.set(frozen.index, frozen);
    keyspace.snapshotHooks.add(this);
  }

  /** True when the last byte has been written. */
  get done(): boolean {
    return this.#step === Step.DONE;
  }

  /** Bytes that wait in memory because their keys were about to change: the next slice has them. */
  get waitingBytes(): number {
    return this.#aside.out.length + this.#tail.length;
  }

  /**
   * Appends about `budgetBytes` to `out`: a slice ends with the first step that reaches it, which may
   * overshoot by a few keys, and begins with all that was written aside.
   *
   * @returns False once the snapshot is whole.
   * @throws {RdbError} `UNSUPPORTED_TYPE` for a value that cannot be written.
   */
  next(out: ByteBuffer, budgetBytes: number): boolean {
    if (this.#failure !== undefined) throw this.#failure;
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
    if (this.done) this.#writeChecksum(end);
    this.bytes += out.length - from;
    return !this.done;
  }

  /** Lets the keyspace go, whether the snapshot is whole or not. */
  close(): void {
    this.#keyspace.snapshotHooks.delete(this);
    for (const frozen of this.#databases) frozen.finish();
    this.#places.clear();
    this.#rest = undefined;
  }

  /** See {@linkcode SnapshotHook}. */
  beforeKeyWrite(dbIndex: number, bytes: Uint8Array, start: number, end: number): void {
    const frozen = this.#places.get(dbIndex);
    if (frozen === undefined || this.#failure !== undefined) return;
    try {
      if (frozen === this.#current && this.#rest !== undefined) {
        if (isKey(this.#restKey, bytes, start, end)) return this.#finishRest();
      }
      const entry = frozen.take(bytes, start, end);
      if (entry !== 0) this.#writeAside(frozen, entry);
    } catch (error) {
      // It is the snapshot that fails, not the command that was about to run.
      this.#fail(error);
    }
  }

  /** See {@linkcode SnapshotHook}. */
  afterClear(dbIndex: number, kept: Database): void {
    const frozen = this.#places.get(dbIndex);
    if (frozen === undefined) return;
    this.#places.delete(dbIndex);
    frozen.db = kept;
  }

  /** See {@linkcode SnapshotHook}. */
  beforeSwap(a: number, b: number): void {
    const ofA = this.#places.get(a);
    const ofB = this.#places.get(b);
    this.#place(a, ofB);
    this.#place(b, ofA);
  }

  #place(index: number, frozen: FrozenDatabase | undefined): void {
    if (frozen === undefined) {
      this.#places.delete(index);
      return;
    }
    this.#places.set(index, frozen);
    frozen.db = this.#keyspace.db(index);
  }

  #fail(error: unknown): void {
    this.#failure = error;
    this.close();
  }

  #advance(budgetBytes: number): void {
    if (this.#step === Step.HEADER) {
      this.#writeHeader();
      this.#step = Step.DATABASES;
    } else if (this.#tail.length > 0) {
      move(this.#tail, this.#writer.out);
    } else if (this.#rest !== undefined) {
      if (!this.#rest.writeOn(this.#writer, Math.max(budgetBytes, 1))) this.#rest = undefined;
    } else if (this.#aside.out.length > 0) {
      move(this.#aside.out, this.#writer.out);
      this.#selected = -1;
    } else if (this.#current !== undefined) {
      this.#current.step(this.#visit);
      if (this.#current.done) this.#current = undefined;
    } else if (this.#nextIndex < this.#databases.length) {
      this.#beginDb(this.#databases[this.#nextIndex++]);
    } else {
      this.#writer.out.writeByte(Opcode.EOF);
      for (let i = 0; i < CHECKSUM_BYTES; i++) this.#writer.out.writeByte(0);
      this.#step = Step.DONE;
      this.close();
    }
  }

  #writeHeader(): void {
    const { version, serverVersion, nowMs, position } = this.#options;
    const writer = this.#writer;
    const dialect = version >= FIRST_VALKEY_VERSION ? Dialect.VALKEY : Dialect.REDIS;
    const isValkey = dialect === Dialect.VALKEY;
    writer.out.writeLatin1(
      isValkey ? `VALKEY${pad(version, 3)}` : `REDIS${pad(version, 4)}`,
    );
    writer.aux(isValkey ? "valkey-ver" : "redis-ver", serverVersion);
    writer.aux("redis-bits", 64);
    writer.aux("ctime", Math.floor(nowMs / 1000));
    writer.aux("used-mem", usedMemory(this.#keyspace));
    if (position !== undefined) {
      writer.aux("repl-stream-db", position.streamDb);
      writer.aux("repl-id", position.replid);
      writer.aux("repl-offset", position.offset);
    }
    writer.aux(version < 10 ? "aof-preamble" : "aof-base", 0);
    if (version < 10) return;
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

  /** A key whose turn it is; false when a part of its value remains to be written. */
  #writeOwn(entry: Entry): boolean {
    const frozen = this.#current!;
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

  /** A key that is about to change, whole. */
  #writeAside(frozen: FrozenDatabase, entry: Entry): void {
    const writer = this.#aside;
    this.#select(writer, frozen.index);
    const rest = this.#writeKey(writer, frozen.db, entry);
    while (rest?.writeOn(writer, REST_BYTES));
  }

  #finishRest(): void {
    const rest = this.#rest;
    const own = this.#writer.out;
    this.#rest = undefined;
    this.#writer.out = this.#tail;
    while (rest?.writeOn(this.#writer, REST_BYTES));
    this.#writer.out = own;
  }

  #writeKey(writer: RecordWriter, db: Database, entry: Entry): ValueRest | undefined {
    const ref = this.#ref;
    const type = db.typeOf(entry);
    const row = valueWriterOf(type);
    db.keyRef(entry, ref);
    if (row === undefined) {
      const key = printableBytes(ref.bytes, ref.start, ref.end);
      const what = `Value type ${type} of key ${key} cannot be written`;
      throw new RdbError("UNSUPPORTED_TYPE", what, -1, { key, type });
    }
    const expireAtMs = db.expireAtMs(entry);
    if (expireAtMs >= 0) writer.expiry(expireAtMs);
    const { version } = this.#options;
    writer.out.writeByte(row.typeOf(db, entry, version));
    writer.string(ref.bytes, ref.start, ref.end);
    this.keys++;
    return row.write(writer, db, entry, version);
  }

  #writeChecksum(offset: number): void {
    if (this.#options.checksum ?? true) this.#writer.out.bytes.set(this.#crc.digest(), offset);
  }
}

/** The whole snapshot in chunks, each valid until the next is asked for. */
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

/** All of one buffer to the end of another; memory that a large value needed is given back. */
function move(source: ByteBuffer, target: ByteBuffer): void {
  target.writeBytes(source.bytes, 0, source.length);
  source.shrink(DEFAULT_SLICE_BYTES);
}

function usedMemory(keyspace: Keyspace): number {
  const { reserved, table, objects } = keyspace.memory();
  return reserved + table + objects;
}

function pad(version: number, digits: number): string {
  return String(version).padStart(digits, "0");
}
