/**
 * What `DUMP` answers and `RESTORE` takes (`cluster.c createDumpPayload`): one value as a snapshot
 * holds it, without its key and expiry.
 *
 * ```text
 *   [F3 metadata of modules]  type  value  |  footer: version, checksum
 * ```
 *
 * There is no magic: the footer's version tells whose numbers the types are.
 *
 * @module
 */

import { assert } from "../base/assert.ts";
import type { ByteBuffer } from "../base/byte_buffer.ts";
import { Crc64 } from "../base/crc64.ts";
import type { Database } from "../store/keyspace/database.ts";
import { Encoding, type Entry, ValueType } from "../store/memory/record.ts";
import type { StoreSettings } from "../store/memory/settings.ts";
import type { StoredObject } from "../store/memory/stored_object.ts";
import { ModuleValue, OWN_TYPES } from "../store/types/module.ts";
import { setString } from "../store/types/string.ts";
import type { Element } from "./elements/element.ts";
import { elementTable } from "./elements/table.ts";
import { ChunkReader, DEFAULT_MAX_STRING_BYTES } from "./format/chunk_reader.ts";
import { DecodeContext } from "./format/context.ts";
import { RdbError } from "./format/errors.ts";
import { endPayload, FOOTER_BYTES } from "./format/footer.ts";
import { FIRST_OPCODE, Opcode } from "./format/opcodes.ts";
import { RecordWriter } from "./format/record_writer.ts";
import type { RdbSink } from "./format/sink.ts";
import { dialectOfVersion, writableVersion } from "./format/version.ts";
import { valueWriterOf } from "./writers/table.ts";
import type { ValueRest } from "./writers/writer.ts";

const NO_BYTES = new Uint8Array(0);
/** Bytes of a payload that one step reads, or writes and sums: some hundred microseconds. */
const STEP_BYTES = 1 << 16;

/**
 * Appends an entry's value as a payload.
 *
 * @param version RDB version of the server that the payload is for: it stands in the footer, and the value
 * has the newest form that this server reads and we can write.
 * @param compress Strings that LZF makes at least 4 bytes shorter are compressed.
 */
export function encodeDump(
  out: ByteBuffer,
  db: Database,
  entry: Entry,
  version: number,
  compress: boolean,
): void {
  const encoder = new DumpEncoder(out, db, entry, version, compress);
  while (!encoder.step());
}

/** A payload that is written in steps; the value must not change meanwhile. */
export class DumpEncoder {
  readonly #writer: RecordWriter;
  readonly #version: number;
  readonly #crc: Crc64 = new Crc64();
  #summed: number; // where the checksum stands in the buffer
  #rest: ValueRest | undefined;

  /** Appends the beginning of the payload to `out`. The parameters are those of {@linkcode encodeDump}. */
  constructor(
    out: ByteBuffer,
    db: Database,
    entry: Entry,
    version: number,
    compress: boolean,
  ) {
    const format = writableVersion(version);
    const row = valueWriterOf(db.typeOf(entry));
    this.#summed = out.length;
    this.#version = Math.max(version, format);
    this.#writer = new RecordWriter(out, compress);
    out.writeByte(row.typeOf(db, entry, format));
    this.#rest = row.write(this.#writer, db, entry, format);
  }

  /** Whether the whole value is there: the next step ends the payload. */
  get isWhole(): boolean {
    return this.#rest === undefined;
  }

  /** Goes on in another buffer, which has all that was written. */
  moveTo(out: ByteBuffer): void {
    assert(out.length === this.#writer.out.length, "all that was written has moved");
    this.#writer.out = out;
  }

  /** Writes some ten kilobytes more, or the footer. Returns true when the payload is whole. */
  step(): boolean {
    const { out } = this.#writer;
    if (this.#rest?.writeOn(this.#writer, STEP_BYTES) === false) this.#rest = undefined;
    else if (this.#rest === undefined) {
      this.#sum(out);
      endPayload(out, this.#version, this.#crc);
      return true;
    }
    this.#sum(out);
    return false;
  }

  #sum(out: ByteBuffer): void {
    this.#crc.update(out.bytes, this.#summed, out.length);
    this.#summed = out.length;
  }
}

/**
 * Reads payload `[start, end)`, whose footer the caller has checked.
 *
 * @param settings Of the database the value is for.
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
  const steps = decodeDumpInSteps(bytes, start, end, settings, version);
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

/** The same as {@linkcode decodeDump}, in steps of {@linkcode STEP_BYTES} of the payload, which stays as it is. */
export function* decodeDumpInSteps(
  bytes: Uint8Array,
  start: number,
  end: number,
  settings: StoreSettings,
  version: number,
): Generator<void, DumpedValue, void> {
  const reader = new ChunkReader(DEFAULT_MAX_STRING_BYTES);
  const sink = new DumpedValue(settings);
  const context = new DecodeContext(reader, sink);
  context.dialect = dialectOfVersion(version);
  context.version = version;
  const payloadEnd = end - FOOTER_BYTES;
  reader.setChunk(bytes, start, Math.min(start + STEP_BYTES, payloadEnd));
  let row = beginRow(context, true);
  for (;;) {
    if (row.element.read()) {
      if (!row.isMetadata) break;
      row = beginRow(context, false);
    } else {
      if (reader.end === payloadEnd) failShort(reader);
      reader.setChunk(bytes, reader.end, Math.min(reader.end + STEP_BYTES, payloadEnd));
      yield;
    }
  }
  if (reader.pos !== payloadEnd) reader.fail("Payload goes on after its value");
  if (!sink.isFilled) reader.fail("Payload is an empty collection");
  return sink;
}

/** Begins to read what a type byte announces; where `maybeMetadata`, metadata of modules may stand before the value. */
function beginRow(
  context: DecodeContext,
  maybeMetadata: boolean,
): { readonly element: Element; readonly isMetadata: boolean } {
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
  return { element, isMetadata };
}

function failShort(reader: ChunkReader): never {
  throw new RdbError("TRUNCATED", "Payload ends early", reader.offset);
}

/** The value of a payload, before it has a key: a sink that keeps the one value it is told. */
export class DumpedValue implements RdbSink {
  /** Settings of the database the value is for. */
  readonly settings: StoreSettings;
  #type: ValueType = ValueType.STRING;
  #encoding: Encoding = Encoding.RAW;
  #bytes: Uint8Array = NO_BYTES;
  #object: StoredObject | undefined = undefined;
  #isFilled: boolean = false;

  /** Makes an empty one for a database of these settings. */
  constructor(settings: StoreSettings) {
    this.settings = settings;
  }

  /** The name of the type if only a module can read the value; "" when it is one of Redis's own. */
  get module(): string {
    const object = this.#object;
    if (!(object instanceof ModuleValue) || OWN_TYPES.includes(object.module)) return "";
    return object.module;
  }

  /** Whether the payload held a value. */
  get isFilled(): boolean {
    return this.#isFilled;
  }

  /** Sets a key to the value. Call it once: the key takes the value over. */
  store(
    db: Database,
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    expireAtMs: number,
  ): void {
    assert(this.#isFilled, "the payload held a value");
    const bytes = this.#bytes;
    const type = this.#type;
    const encoding = this.#encoding;
    if (this.#object !== undefined) {
      db.setObject(key, keyStart, keyEnd, type, encoding, this.#object, expireAtMs);
    } else if (type === ValueType.STRING) {
      setString(db, key, keyStart, keyEnd, bytes, 0, bytes.length, expireAtMs);
    } else {
      db.setBlob(key, keyStart, keyEnd, type, encoding, bytes, 0, bytes.length, expireAtMs);
    }
  }

  /** Keeps a copy of a string. */
  string(
    _key: Uint8Array,
    _keyStart: number,
    _keyEnd: number,
    value: Uint8Array,
    start: number,
    end: number,
  ): void {
    this.#fill();
    this.#bytes = value.slice(start, end);
  }

  /** Keeps a copy of a value of one run of bytes. */
  blob(
    _key: Uint8Array,
    _keyStart: number,
    _keyEnd: number,
    type: ValueType,
    encoding: Encoding,
    value: Uint8Array,
    start: number,
    end: number,
  ): void {
    this.#fill();
    this.#type = type;
    this.#encoding = encoding;
    this.#bytes = value.slice(start, end);
  }

  /** Keeps a value in its large form. */
  object(
    _key: Uint8Array,
    _keyStart: number,
    _keyEnd: number,
    type: ValueType,
    encoding: Encoding,
    value: StoredObject,
  ): void {
    this.#fill();
    this.#type = type;
    this.#encoding = encoding;
    this.#object = value;
  }

  /** Not called: a payload has no header. */
  header(): void {}
  /** Not called: a payload has no auxiliary fields. */
  aux(): void {}
  /** Not called: a payload has no databases. */
  selectDb(): void {}
  /** Not called: a payload has no databases. */
  resizeDb(): void {}
  /** Not called: a payload has no slots. */
  slotInfo(): void {}
  /** Not called: a payload has no slots. */
  slotImport(): void {}
  /** Not called: a payload has no functions. */
  functionLibrary(): void {}
  /** Not called: a payload has no module data beside its key. */
  moduleAux(): void {}
  /** Not called: a payload ends with its footer. */
  end(): void {}

  #fill(): void {
    assert(!this.#isFilled, "a payload holds one value");
    this.#isFilled = true;
  }
}
