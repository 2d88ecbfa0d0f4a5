/**
 * What `DUMP` answers and `RESTORE` takes: one value as a snapshot holds it, without its key.
 *
 * ```
 * [key metadata]  type  value  |  version, u16 LE  |  checksum, u64 LE, over all before it
 * ```
 *
 * There is no magic: the version tells whose numbers the types are.
 *
 * @module
 */

import { assert } from "../base/assert.ts";
import type { ByteBuffer } from "../base/byte_buffer.ts";
import { Crc64 } from "../base/crc64.ts";
import type { Database } from "../store/keyspace/database.ts";
import {
  type Encoding,
  Encoding as Encodings,
  type Entry,
  type ValueType,
  ValueType as ValueTypes,
} from "../store/memory/record.ts";
import type { StoreSettings } from "../store/memory/settings.ts";
import type { StoredObject } from "../store/memory/stored_object.ts";
import { setString } from "../store/types/string.ts";
import { elementTable } from "./elements/table.ts";
import { RdbError } from "./format/errors.ts";
import { DecodeContext } from "./format/context.ts";
import { dialectOfVersion, FIRST_OPCODE, Opcode } from "./format/opcodes.ts";
import { ChunkReader } from "./format/chunk_reader.ts";
import { RecordWriter } from "./format/record_writer.ts";
import type { RdbSink } from "./format/sink.ts";
import { valueWriterOf } from "./writers/table.ts";
import type { SnapshotVersion } from "./writers/writer.ts";

const FOOTER_BYTES = 10;
const VERSION_BYTES = 2;
const MAX_STRING_BYTES = 512 * 1024 * 1024;
const SLICE_BYTES = 1 << 20;
const NO_BYTES = new Uint8Array(0);

/** What a payload's last ten bytes say. */
export interface DumpFooter {
  /** Of the format. */
  readonly version: number;
  /** "omitted": all zero, as Redis 8.10 sends it in its stream. */
  readonly checksum: "right" | "wrong" | "omitted";
}

/**
 * Writes an entry's value as a payload.
 *
 * @throws {RdbError} `UNSUPPORTED_TYPE` for a value that cannot be written.
 */
export function encodeDump(
  out: ByteBuffer,
  db: Database,
  entry: Entry,
  version: SnapshotVersion,
  compress: boolean,
): void {
  const from = out.length;
  const type = db.typeOf(entry);
  const row = valueWriterOf(type);
  if (row === undefined) {
    throw new RdbError("UNSUPPORTED_TYPE", `Value type ${type} cannot be written`, -1, { type });
  }
  const writer = new RecordWriter(out, compress);
  out.writeByte(row.typeOf(db, entry, version));
  const rest = row.write(writer, db, entry, version);
  while (rest?.writeOn(writer, SLICE_BYTES));
  out.writeByte(version & 255);
  out.writeByte(version >> 8);
  const crc = new Crc64();
  crc.update(out.bytes, from, out.length);
  out.writeBytes(crc.digest());
}

/** The footer of payload `[start, end)`; undefined when it is too short to have one. */
export function readDumpFooter(
  bytes: Uint8Array,
  start: number,
  end: number,
): DumpFooter | undefined {
  if (end - start < FOOTER_BYTES) return undefined;
  const footer = end - FOOTER_BYTES;
  const version = bytes[footer] | (bytes[footer + 1] << 8);
  const crc = new Crc64();
  crc.update(bytes, start, footer + VERSION_BYTES);
  const digest = crc.digest();
  let isRight = true;
  let isZero = true;
  for (let i = 0; i < digest.length; i++) {
    const byte = bytes[footer + VERSION_BYTES + i];
    if (byte !== digest[i]) isRight = false;
    if (byte !== 0) isZero = false;
  }
  return { version, checksum: isRight ? "right" : isZero ? "omitted" : "wrong" };
}

/**
 * Reads payload `[start, end)`, whose footer has been looked at.
 *
 * @param settings Of the database it is for.
 * @param version From the footer: it decides whose types these are.
 * @throws {RdbError} When it is no value, an empty collection, or goes on after its value.
 */
export function decodeDump(
  bytes: Uint8Array,
  start: number,
  end: number,
  settings: StoreSettings,
  version: number,
): DumpedValue {
  const reader = new ChunkReader(MAX_STRING_BYTES);
  const sink = new DumpedValue(settings);
  const context = new DecodeContext(reader, sink);
  context.dialect = dialectOfVersion(version);
  context.version = version;
  reader.setChunk(bytes, start, end - FOOTER_BYTES);
  readRow(context, true);
  if (reader.pos !== reader.end) reader.fail("Payload goes on after its value");
  if (!sink.isFilled) reader.fail("Payload is an empty collection");
  return sink;
}

/** One value, and its metadata before it if it has any. */
function readRow(context: DecodeContext, maybeMetadata: boolean): void {
  const { reader } = context;
  if (reader.pos === reader.end) failShort(reader);
  context.recordOffset = reader.offset;
  const byte = reader.bytes[reader.pos++];
  const row = elementTable(context.dialect)[byte];
  const isMetadata = maybeMetadata && byte === Opcode.KEY_META && row?.name === "KEY_META";
  if (row === undefined || (byte >= FIRST_OPCODE && !isMetadata)) {
    throw new RdbError("UNKNOWN_TYPE", `Unknown value type ${byte}`, context.recordOffset, {
      type: byte,
    });
  }
  const element = row.create?.(context);
  if (element === undefined) {
    const what = `Value type ${byte} (${row.name}) is not supported`;
    throw new RdbError("UNSUPPORTED_TYPE", what, context.recordOffset, { type: byte });
  }
  if (!element.read()) failShort(reader);
  if (isMetadata) readRow(context, false);
}

function failShort(reader: ChunkReader): never {
  throw new RdbError("TRUNCATED", "Payload ends early", reader.offset);
}

/** A value that belongs to no key yet. */
export class DumpedValue implements RdbSink {
  /** See {@linkcode RdbSink}. */
  readonly settings: StoreSettings;
  /** Module whose value it is, when that was passed over: "" when there is a value. */
  module: string = "";
  #type: ValueType = ValueTypes.STRING;
  #encoding: Encoding = Encodings.RAW;
  #bytes: Uint8Array = NO_BYTES;
  #object: StoredObject | undefined = undefined;
  #filled: boolean = false;

  /** Nothing yet. */
  constructor(settings: StoreSettings) {
    this.settings = settings;
  }

  /** Whether a value has been read, passed over ones among them. */
  get isFilled(): boolean {
    return this.#filled;
  }

  /** Sets a key to the value, which may be done once: the key takes it over. */
  store(
    db: Database,
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    expireAtMs: number,
  ): void {
    assert(this.#filled && this.module === "", "there is a value");
    const bytes = this.#bytes;
    const type = this.#type;
    const encoding = this.#encoding;
    if (this.#object !== undefined) {
      db.setObject(key, keyStart, keyEnd, type, encoding, this.#object, expireAtMs);
    } else if (type === ValueTypes.STRING) {
      setString(db, key, keyStart, keyEnd, bytes, 0, bytes.length, expireAtMs);
    } else {
      db.setBlob(key, keyStart, keyEnd, type, encoding, bytes, 0, bytes.length, expireAtMs);
    }
  }

  /** See {@linkcode RdbSink}. */
  string(
    _key: Uint8Array,
    _keyStart: number,
    _keyEnd: number,
    value: Uint8Array,
    start: number,
    end: number,
  ): boolean {
    this.#filled = true;
    this.#bytes = value.slice(start, end);
    return true;
  }

  /** See {@linkcode RdbSink}. */
  blob(
    _key: Uint8Array,
    _keyStart: number,
    _keyEnd: number,
    type: ValueType,
    encoding: Encoding,
    value: Uint8Array,
    start: number,
    end: number,
  ): boolean {
    this.#filled = true;
    this.#type = type;
    this.#encoding = encoding;
    this.#bytes = value.slice(start, end);
    return true;
  }

  /** See {@linkcode RdbSink}. */
  object(
    _key: Uint8Array,
    _keyStart: number,
    _keyEnd: number,
    type: ValueType,
    encoding: Encoding,
    value: StoredObject,
  ): boolean {
    this.#filled = true;
    this.#type = type;
    this.#encoding = encoding;
    this.#object = value;
    return true;
  }

  /** See {@linkcode RdbSink}. */
  moduleValue(module: string): void {
    this.#filled = true;
    this.module = module;
  }

  /** A payload has none. */
  header(): void {}
  /** A payload has none. */
  aux(): void {}
  /** A payload has none. */
  selectDb(): void {}
  /** A payload has none. */
  resizeDb(): void {}
  /** A payload has none. */
  functionLibrary(): void {}
  /** A payload has none. */
  moduleAux(): void {}
  /** A payload has none. */
  end(): void {}
}
