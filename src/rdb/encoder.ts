/**
 * A keyspace to a snapshot that Redis and Valkey load, in slices.
 *
 * The caller holds the keyspace still from the first slice to the last: no write, no expiry, no
 * compaction between them. A slice is what one step of SCAN visits, and a database that changes may
 * show a key twice or in neither state.
 *
 * @module
 */

import { ByteBuffer, BytesRef } from "../base/byte_buffer.ts";
import { Crc64 } from "../base/crc64.ts";
import type { Database, Entry, Keyspace } from "../store/keyspace.ts";
import { printableBytes, RdbError } from "./errors.ts";
import { Dialect, FIRST_VALKEY_VERSION, Opcode } from "./opcodes.ts";
import { RecordWriter } from "./record_writer.ts";
import { valueWriterOf } from "./writers/table.ts";
import type { SnapshotVersion, ValueRest } from "./writers/writer.ts";

export type { SnapshotVersion } from "./writers/writer.ts";

const DEFAULT_SLICE_BYTES = 64 * 1024;
const CHECKSUM_BYTES = 8;

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

/** One snapshot being written. */
export class SnapshotEncoder {
  /** Keys written so far. */
  keys: number = 0;
  /** Bytes written so far. */
  bytes: number = 0;
  readonly #keyspace: Keyspace;
  readonly #options: SnapshotOptions;
  readonly #writer: RecordWriter;
  readonly #crc: Crc64 = new Crc64();
  readonly #ref: BytesRef = new BytesRef();
  readonly #visit: (entry: Entry) => void;
  #indexes: readonly number[] = [];
  #nextIndex: number = -1; // -1: the header is due
  #db: Database | undefined = undefined; // the database being written
  #cursor: number = 0;
  #done: boolean = false;

  /** Will write all of `keyspace`. */
  constructor(keyspace: Keyspace, options: SnapshotOptions) {
    this.#keyspace = keyspace;
    this.#options = options;
    this.#writer = new RecordWriter(new ByteBuffer(), options.compress ?? false);
    this.#visit = (entry) => this.#writeKey(entry);
  }

  /** True when the last byte has been written. */
  get done(): boolean {
    return this.#done;
  }

  /**
   * Appends about `budgetBytes` to `out`: a slice ends with the first step of SCAN that reaches it,
   * which may overshoot by a few keys, each as long as it is.
   *
   * @returns False once the snapshot is whole.
   * @throws {RdbError} `UNSUPPORTED_TYPE` for a value that cannot be written.
   */
  next(out: ByteBuffer, budgetBytes: number): boolean {
    const from = out.length;
    this.#writer.out = out;
    while (!this.#done && out.length - from < budgetBytes) this.#step();
    const end = this.#done ? out.length - CHECKSUM_BYTES : out.length;
    if (end > from) this.#crc.update(out.bytes, from, end);
    if (this.#done) this.#writeChecksum(end);
    this.bytes += out.length - from;
    return !this.#done;
  }

  #step(): void {
    if (this.#nextIndex < 0) {
      this.#writeHeader();
    } else if (this.#db !== undefined) {
      this.#cursor = this.#db.scan(this.#cursor, this.#visit);
      if (this.#cursor === 0) this.#db = undefined;
    } else if (this.#nextIndex < this.#indexes.length) {
      this.#beginDb(this.#indexes[this.#nextIndex++]);
    } else {
      this.#writer.out.writeByte(Opcode.EOF);
      for (let i = 0; i < CHECKSUM_BYTES; i++) this.#writer.out.writeByte(0);
      this.#done = true;
    }
  }

  #writeHeader(): void {
    const { version, serverVersion, nowMs, position, functions } = this.#options;
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
    if (version >= 10) {
      for (const source of functions ?? this.#keyspace.functions.sources()) {
        this.#writeFunction(source);
      }
    }
    this.#indexes = this.#keyspace.indexes();
    this.#nextIndex = 0;
  }

  #writeFunction(source: Uint8Array): void {
    this.#writer.out.writeByte(Opcode.FUNCTION2);
    this.#writer.string(source, 0, source.length);
  }

  #beginDb(index: number): void {
    const writer = this.#writer;
    const db = this.#keyspace.db(index);
    writer.out.writeByte(Opcode.SELECTDB);
    writer.length(index);
    writer.out.writeByte(Opcode.RESIZEDB);
    writer.length(db.size);
    writer.length(db.expiresCount);
    this.#db = db;
    this.#cursor = 0;
  }

  #writeKey(entry: Entry): void {
    const db = this.#db!;
    const writer = this.#writer;
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
    const rest: ValueRest | undefined = row.write(writer, db, entry, version);
    while (rest?.writeOn(writer, DEFAULT_SLICE_BYTES));
    this.keys++;
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
  let more = true;
  while (more) {
    more = encoder.next(out, sliceBytes);
    yield out.view();
    out.clear();
  }
}

function usedMemory(keyspace: Keyspace): number {
  const { reserved, table, objects } = keyspace.memory();
  return reserved + table + objects;
}

function pad(version: number, digits: number): string {
  return String(version).padStart(digits, "0");
}
