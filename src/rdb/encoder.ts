/**
 * A keyspace to a snapshot that Redis and Valkey load, in slices.
 *
 * The caller holds the keyspace still from the first slice to the last: no write, no expiry, no
 * compaction between them. A slice is what one step of SCAN visits, and a database that changes may
 * show a key twice or in neither state.
 *
 * @module
 */

import { parseInteger } from "../base/ascii.ts";
import { ByteBuffer, BytesRef } from "../base/byte_buffer.ts";
import { Crc64 } from "../base/crc64.ts";
import { lzfCompress } from "../base/lzf.ts";
import { type Database, type Entry, type Keyspace, ValueType } from "../store/keyspace.ts";
import { printableBytes, RdbError } from "./errors.ts";
import { Dialect, FIRST_VALKEY_VERSION, Length, Opcode, StringEncoding, Type } from "./opcodes.ts";

const TWO_32 = 4294967296;
const MAX_INTEGER_TEXT = 11; // "-2147483648"
const LZF_MIN_LENGTH = 20; // shorter strings, and this one, are not tried
const LZF_MIN_SAVED = 4;
const DEFAULT_SLICE_BYTES = 64 * 1024;
const CHECKSUM_BYTES = 8;

/** Versions that can be written, all of them with checksum and auxiliary fields. */
export type SnapshotVersion = 9 | 10 | 11 | 12 | 80;

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
  /** Sources of function libraries; left out below version 10, which has no place for them. */
  readonly functions?: readonly Uint8Array[];
}

/** Writes lengths, strings and whatever else records consist of. */
export class RecordWriter {
  /** Where to. */
  out: ByteBuffer;
  readonly #compress: boolean;
  readonly #scratch: Uint8Array = new Uint8Array(8);
  readonly #view: DataView = new DataView(this.#scratch.buffer);

  /** Writes to `out`; with `compress`, strings are tried with LZF. */
  constructor(out: ByteBuffer, compress: boolean) {
    this.out = out;
    this.#compress = compress;
  }

  /** A length, in the shortest form. */
  length(value: number): void {
    const { out } = this;
    if (value < 64) {
      out.writeByte(value);
    } else if (value < 16384) {
      out.writeByte((Length.BITS_14 << 6) | (value >> 8));
      out.writeByte(value & 255);
    } else if (value < TWO_32) {
      out.writeByte(Length.BITS_32);
      this.#view.setUint32(0, value);
      out.writeBytes(this.#scratch, 0, 4);
    } else {
      out.writeByte(Length.BITS_64);
      this.#view.setUint32(0, Math.floor(value / TWO_32));
      this.#view.setUint32(4, value >>> 0);
      out.writeBytes(this.#scratch, 0, 8);
    }
  }

  /** A string: as an integer where it is one, compressed where that pays, else as it is. */
  string(bytes: Uint8Array, start: number, end: number): void {
    const count = end - start;
    if (count <= MAX_INTEGER_TEXT && this.#integer(parseInteger(bytes, start, end))) return;
    if (this.#compress && count > LZF_MIN_LENGTH && this.#compressed(bytes, start, end)) return;
    this.length(count);
    this.out.writeBytes(bytes, start, end);
  }

  /** A string of ASCII. */
  text(text: string): void {
    const bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
    this.string(bytes, 0, bytes.length);
  }

  /** An auxiliary field. */
  aux(name: string, value: string | number): void {
    this.out.writeByte(Opcode.AUX);
    this.text(name);
    this.text(String(value));
  }

  /** The expiry of the next key. */
  expiry(expireAtMs: number): void {
    this.out.writeByte(Opcode.EXPIRETIME_MS);
    this.#view.setUint32(0, expireAtMs >>> 0, true);
    this.#view.setInt32(4, Math.floor(expireAtMs / TWO_32), true);
    this.out.writeBytes(this.#scratch, 0, 8);
  }

  #integer(value: number): boolean {
    const width = value === value << 24 >> 24
      ? 1
      : value === value << 16 >> 16
      ? 2
      : value === (value | 0)
      ? 4
      : 0;
    if (width === 0) return false;
    const encoding = width === 1
      ? StringEncoding.INT8
      : width === 2
      ? StringEncoding.INT16
      : StringEncoding.INT32;
    this.out.writeByte((Length.ENCODED << 6) | encoding);
    this.#view.setInt32(0, value, true);
    this.out.writeBytes(this.#scratch, 0, width);
    return true;
  }

  /** The lengths come before the bytes, so the bytes are compressed aside and copied after them. */
  #compressed(bytes: Uint8Array, start: number, end: number): boolean {
    const count = end - start;
    const room = count - LZF_MIN_SAVED;
    const target = new Uint8Array(room);
    const length = lzfCompress(bytes, start, end, target, 0, room);
    if (length === 0) return false;
    this.out.writeByte((Length.ENCODED << 6) | StringEncoding.LZF);
    this.length(length);
    this.length(count);
    this.out.writeBytes(target, 0, length);
    return true;
  }
}

/** Writes the value of one type; the row's number comes before the key. */
interface ValueRow {
  readonly type: number;
  write(writer: RecordWriter, db: Database, entry: Entry, ref: BytesRef): void;
}

const valueRows: readonly (ValueRow | undefined)[] = valueTable();

function valueTable(): (ValueRow | undefined)[] {
  const table: (ValueRow | undefined)[] = [];
  table[ValueType.STRING] = {
    type: Type.STRING,
    write(writer, db, entry, ref) {
      db.readString(entry, ref);
      writer.string(ref.bytes, ref.start, ref.end);
    },
  };
  return table;
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
      for (const source of functions ?? []) this.#writeFunction(source);
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
    const row = valueRows[type];
    db.keyRef(entry, ref);
    if (row === undefined) {
      const key = printableBytes(ref.bytes, ref.start, ref.end);
      const what = `Value type ${type} of key ${key} cannot be written`;
      throw new RdbError("UNSUPPORTED_TYPE", what, -1, { key, type });
    }
    const expireAtMs = db.expireAtMs(entry);
    if (expireAtMs >= 0) writer.expiry(expireAtMs);
    writer.out.writeByte(row.type);
    writer.string(ref.bytes, ref.start, ref.end);
    row.write(writer, db, entry, ref);
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
