/**
 * A snapshot, pushed in chunks cut anywhere, to calls on a sink. One loop and a table: every opcode
 * and value type is a row of `elements/table.ts`. It owns no socket, waits for nothing and keeps
 * nothing of a chunk it was lent.
 *
 * ```
 * header -> opcode -> element -> opcode ...           an opcode and its payload
 *           opcode -> key -> value -> opcode ...      a type byte, its key and its value
 *           opcode -> trailer -> done                 the end, and eight bytes of checksum
 * ```
 *
 * @module
 */

import { Crc64 } from "../base/crc64.ts";
import { RdbError } from "./format/errors.ts";
import { elementTable } from "./elements/table.ts";
import { readWholeStrings } from "./elements/string.ts";
import { DecodeContext, type Element, type ElementRow } from "./format/context.ts";
import {
  Dialect,
  FIRST_CHECKSUM_VERSION,
  FIRST_OPCODE,
  FIRST_VALKEY_VERSION,
  Opcode,
} from "./format/opcodes.ts";
import { ChunkReader } from "./format/chunk_reader.ts";
import type { RdbSink } from "./format/sink.ts";

const MAGIC_BYTES = 9;
const CHECKSUM_BYTES = 8;
const DEFAULT_MAX_STRING_BYTES = 512 * 1024 * 1024;
const NO_BYTES = new Uint8Array(0);

/** What is read next. */
const State = {
  HEADER: 0,
  OPCODE: 1,
  ELEMENT: 2,
  KEY: 3,
  VALUE: 4,
  TRAILER: 5,
  DONE: 6,
} as const;
type State = typeof State[keyof typeof State];

/** Options of {@linkcode RdbDecoder}. */
export interface RdbDecoderOptions {
  /** Check the trailer; true unless told otherwise. A zero trailer is never checked. */
  readonly verifyChecksum?: boolean;
  /** Longest key, value or other string; 512 MB unless told otherwise. */
  readonly maxStringBytes?: number;
  /**
   * What becomes of keys whose value only a module can read: passed over and told to the sink (as when
   * left out), or the end of the reading, `UNSUPPORTED_TYPE`.
   */
  readonly onUnsupported?: "skip" | "fail";
}

/** Reads one snapshot. */
export class RdbDecoder {
  readonly #reader: ChunkReader;
  readonly #context: DecodeContext;
  readonly #crc: Crc64 = new Crc64();
  readonly #elements: (Element | undefined)[] = new Array(256).fill(undefined);
  #rows: readonly (ElementRow | undefined)[] = elementTable(Dialect.REDIS);
  #row: ElementRow | undefined = undefined;
  #element: Element | undefined = undefined;
  #state: State = State.HEADER;
  #summing: boolean;
  #summedTo: number = 0; // offset in the chunk: what lies before is in the checksum
  #failure: unknown = undefined;

  /** Will tell `sink` of one snapshot. */
  constructor(sink: RdbSink, options: RdbDecoderOptions = {}) {
    this.#reader = new ChunkReader(options.maxStringBytes ?? DEFAULT_MAX_STRING_BYTES);
    this.#context = new DecodeContext(this.#reader, sink);
    this.#context.failsOnModules = options.onUnsupported === "fail";
    this.#summing = options.verifyChecksum ?? true;
  }

  /** True once the last byte of the snapshot has been read and everything was right. */
  get done(): boolean {
    return this.#state === State.DONE;
  }

  /** Bytes read so far. */
  get offset(): number {
    return this.#reader.offset;
  }

  /** Keys read so far, those whose value was passed over among them. */
  get keys(): number {
    return this.#context.keys;
  }

  /**
   * Reads bytes `[start, end)` of `chunk`, which is borrowed: after the call nothing points at it.
   *
   * @returns How many bytes belonged to the snapshot: all of them, unless it ended among them.
   * @throws {RdbError} When the bytes are no snapshot we can read; again on every later call.
   */
  push(chunk: Uint8Array, start: number = 0, end: number = chunk.length): number {
    if (this.#failure !== undefined) throw this.#failure;
    const reader = this.#reader;
    reader.setChunk(chunk, start, end);
    this.#summedTo = start;
    try {
      while (this.#advance());
      this.#sum();
      this.#context.keepSlots();
      return reader.pos - start;
    } catch (error) {
      this.#failure = this.#located(error);
      throw this.#failure;
    } finally {
      reader.setChunk(NO_BYTES, 0, 0);
    }
  }

  /**
   * Says that no more bytes will come.
   *
   * @throws {RdbError} `TRUNCATED` unless the snapshot is whole.
   */
  finish(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.done) return;
    this.#failure = new RdbError("TRUNCATED", "Snapshot ends early", this.offset);
    throw this.#failure;
  }

  /** A sink knows what is wrong, but not where. */
  #located(error: unknown): unknown {
    if (!(error instanceof RdbError) || error.offset >= 0) return error;
    const { code, message, key, type } = error;
    return new RdbError(code, message, this.#context.recordOffset, { key, type });
  }

  #advance(): boolean {
    switch (this.#state) {
      case State.HEADER:
        return this.#readHeader();
      case State.OPCODE:
        return this.#readOpcode();
      case State.ELEMENT:
        return this.#readElement();
      case State.KEY:
        return this.#readKey();
      case State.VALUE:
        return this.#readValue();
      case State.TRAILER:
        return this.#readTrailer();
      default:
        return false;
    }
  }

  #readHeader(): boolean {
    const reader = this.#reader;
    if (!reader.readFixed(MAGIC_BYTES)) return false;
    const text = String.fromCharCode(...reader.fixed.subarray(0, MAGIC_BYTES));
    const dialect = text.startsWith("VALKEY") ? Dialect.VALKEY : Dialect.REDIS;
    if (dialect === Dialect.REDIS && !text.startsWith("REDIS")) {
      throw new RdbError("BAD_MAGIC", `Snapshot begins with ${JSON.stringify(text)}`, 0);
    }
    const digits = text.slice(dialect === Dialect.VALKEY ? 6 : 5);
    const version = /^[0-9]+$/.test(digits) ? Number(digits) : 0;
    const fits = version >= FIRST_VALKEY_VERSION === (dialect === Dialect.VALKEY);
    if (version < 1 || !fits) {
      throw new RdbError("BAD_VERSION", `No server writes version ${JSON.stringify(text)}`, 0);
    }
    this.#context.dialect = dialect;
    this.#context.version = version;
    this.#rows = elementTable(dialect);
    this.#context.sink.header(dialect, version);
    this.#state = State.OPCODE;
    return true;
  }

  #readOpcode(): boolean {
    const reader = this.#reader;
    const context = this.#context;
    if (context.attributesAreClear) context.keys += readWholeStrings(context);
    if (reader.pos === reader.end) return false;
    context.recordOffset = reader.offset;
    const byte = reader.bytes[reader.pos++];
    if (byte === Opcode.EOF) return this.#readEof();
    const row = this.#rows[byte];
    if (row === undefined) return this.#failUnknown(byte);
    this.#row = row;
    this.#element = this.#elements[byte] ??= row.create?.(context);
    if (byte < FIRST_OPCODE) {
      this.#state = State.KEY;
      return true;
    }
    if (this.#element === undefined) {
      const what = `Opcode ${byte} (${row.name}) is not supported`;
      throw new RdbError("UNSUPPORTED_OPCODE", what, context.recordOffset, { type: byte });
    }
    this.#state = State.ELEMENT;
    return true;
  }

  #readElement(): boolean {
    if (!this.#element!.read()) return false;
    this.#state = State.OPCODE;
    return true;
  }

  #readKey(): boolean {
    const context = this.#context;
    if (!this.#reader.readString(context.key)) return false;
    if (this.#element === undefined) {
      const { number, name } = this.#row!;
      const key = context.printableKey();
      const what = `Value type ${number} (${name}) of key ${key} is not supported`;
      throw new RdbError("UNSUPPORTED_TYPE", what, context.recordOffset, { key, type: number });
    }
    this.#state = State.VALUE;
    return true;
  }

  #readValue(): boolean {
    if (!this.#element!.read()) return false;
    this.#context.finishKey();
    this.#state = State.OPCODE;
    return true;
  }

  #readEof(): boolean {
    this.#sum();
    const hasChecksum = this.#context.version >= FIRST_CHECKSUM_VERSION;
    if (!hasChecksum) return this.#end();
    this.#state = State.TRAILER;
    return true;
  }

  #readTrailer(): boolean {
    const reader = this.#reader;
    this.#summedTo = reader.end; // what comes now is not summed
    if (!reader.readFixed(CHECKSUM_BYTES)) return false;
    const low = reader.view.getUint32(0, true);
    const high = reader.view.getUint32(4, true);
    const isOff = low === 0 && high === 0;
    const isRight = low === this.#crc.low && high === this.#crc.high;
    if (this.#summing && !isOff && !isRight) {
      const found = hex64(high, low);
      const expected = hex64(this.#crc.high, this.#crc.low);
      const what = `Checksum is ${found}, the bytes give ${expected}`;
      throw new RdbError("CHECKSUM", what, reader.offset - CHECKSUM_BYTES);
    }
    return this.#end();
  }

  #end(): boolean {
    this.#summedTo = this.#reader.end;
    this.#context.templates.clear();
    this.#context.sink.end();
    this.#state = State.DONE;
    return false;
  }

  /** Adds what has been read of this chunk to the checksum, once a chunk and not once a byte. */
  #sum(): void {
    const { bytes, pos } = this.#reader;
    if (!this.#summing || this.#summedTo >= pos) return;
    this.#crc.update(bytes, this.#summedTo, pos);
    this.#summedTo = pos;
  }

  #failUnknown(byte: number): never {
    const offset = this.#context.recordOffset;
    if (byte < FIRST_OPCODE) {
      throw new RdbError("UNKNOWN_TYPE", `Unknown value type ${byte}`, offset, { type: byte });
    }
    throw new RdbError("UNKNOWN_OPCODE", `Unknown opcode ${byte}`, offset, { type: byte });
  }
}

function hex64(high: number, low: number): string {
  return high.toString(16).padStart(8, "0") + low.toString(16).padStart(8, "0");
}
