/**
 * From pushed chunks, cut anywhere, to calls on a sink. The decoder owns no socket, waits for
 * nothing and keeps nothing of a chunk it was lent. One loop drives a table: every opcode and value
 * type is a row of `elements/table.ts`.
 *
 * ```text
 *   HEADER   magic:9                                  -> OPCODE
 *   OPCODE   an opcode of the table                   -> ELEMENT
 *            a value type of the table                -> KEY
 *            FF, version 5 and later                  -> TRAILER
 *            FF, versions below                       -> DONE
 *   ELEMENT  the opcode's payload                     -> OPCODE
 *   KEY      the key                                  -> VALUE
 *   VALUE    the value, then the sink is told         -> OPCODE
 *   TRAILER  CRC-64:8, zero: not computed             -> DONE
 * ```
 *
 * A state answers false when the chunk ends inside it, and is entered again with the next chunk. It
 * may be: what it read so far lies in the cursor, in the context's slots and in the fields of its
 * element, and the sink is called only when a record is whole.
 *
 * @module
 */

import { assert } from "../base/assert.ts";
import { Crc64 } from "../base/crc64.ts";
import { NO_EXPIRY } from "../store/memory/record.ts";
import type { Element, ElementRow } from "./elements/element.ts";
import { BoundedValue, PassedOver, typeNameOfNumber } from "./elements/passed_over.ts";
import { readWholeStrings } from "./elements/string.ts";
import { elementTable } from "./elements/table.ts";
import { ChunkReader, DEFAULT_MAX_STRING_BYTES } from "./format/chunk_reader.ts";
import { DecodeContext } from "./format/context.ts";
import { RdbError } from "./format/errors.ts";
import { Dialect, FIRST_OPCODE, Opcode } from "./format/opcodes.ts";
import type { RdbSink, ValueGate } from "./format/sink.ts";
import { dialectOfVersion, FIRST_CHECKSUM_VERSION } from "./format/version.ts";

const MAGIC_BYTES = 9;
const CHECKSUM_BYTES = 8;
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
  /** Whether the trailer is checked, as it is unless told otherwise; a zero trailer never is. */
  readonly verifyChecksum?: boolean;
  /** Longest key, value or other string in bytes; 2 GB unless told otherwise. */
  readonly maxStringBytes?: number;
  /**
   * What becomes of a key whose value only a module can read: "keep" (the default) stores it with
   * the bytes as they came, "fail" ends the reading with `UNSUPPORTED_TYPE`.
   */
  readonly onUnsupported?: "keep" | "fail";
  /** Length from which on strings are asked for by `onLong` before they are kept; none unless told. */
  readonly longBytes?: number;
  /** Called with the length of such a string; what it throws ends the reading. */
  readonly onLong?: (bytes: number) => void;
}

/** Reads one snapshot; made for it, and of no use after it. */
export class RdbDecoder {
  readonly #reader: ChunkReader;
  readonly #context: DecodeContext;
  readonly #crc: Crc64 = new Crc64();
  /** The element of each opcode and type that has come so far, by its number. */
  readonly #elements: (Element | undefined)[] = new Array(256).fill(undefined);
  #rows: readonly (ElementRow | undefined)[] = elementTable(Dialect.REDIS);
  /** Row and element of the record at hand. */
  #row: ElementRow | undefined = undefined;
  #element: Element | undefined = undefined;
  readonly #passedOver: PassedOver;
  readonly #bounded: BoundedValue | undefined;
  #state: State = State.HEADER;
  #summing: boolean;
  #summedTo: number = 0; // offset in the chunk up to which bytes are in the checksum
  #failure: unknown = undefined;

  /** Makes a decoder that tells `sink` of one snapshot. */
  constructor(sink: RdbSink, options: RdbDecoderOptions = {}) {
    this.#reader = new ChunkReader(options.maxStringBytes ?? DEFAULT_MAX_STRING_BYTES);
    this.#reader.longBytes = options.longBytes ?? Infinity;
    if (options.onLong !== undefined) this.#reader.onLong = options.onLong;
    this.#context = new DecodeContext(this.#reader, sink);
    this.#passedOver = new PassedOver(this.#context);
    this.#bounded = sink.gate && new BoundedValue(this.#context, sink.gate);
    this.#context.failsOnModules = options.onUnsupported === "fail";
    this.#summing = options.verifyChecksum ?? true;
  }

  /** True once the last byte of the snapshot has been read, and everything was right. */
  get done(): boolean {
    return this.#state === State.DONE;
  }

  /** Bytes of the snapshot read so far. */
  get offset(): number {
    return this.#reader.offset;
  }

  /** Bytes of the value in its large form that is being put together and has not been handed to the sink yet. */
  get heldBytes(): number {
    return this.#state === State.VALUE ? this.#element?.heldBytes ?? 0 : 0;
  }

  /** Bytes of strings that are being read, or were read last. */
  get passingBytes(): number {
    return this.#context.slotBytes;
  }

  /** Keys read so far. */
  get keys(): number {
    return this.#context.keys;
  }

  /**
   * Reads bytes `[start, end)` of `chunk`, which is borrowed: after the call nothing points at it.
   *
   * @returns How many bytes belonged to the snapshot: all of them, unless it ended before the chunk
   *   did.
   * @throws {RdbError} When the bytes are no snapshot that can be read; the same error on every
   *   later call.
   */
  push(chunk: Uint8Array, start: number = 0, end: number = chunk.length): number {
    if (this.#failure !== undefined) throw this.#failure;
    const reader = this.#reader;
    reader.setChunk(chunk, start, end);
    this.#summedTo = start;
    try {
      while (this.#advance());
      assert(reader.pos <= end, "nothing is read beyond the chunk");
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
   * Ends the reading: the caller has no more bytes.
   *
   * @throws {RdbError} `TRUNCATED` unless the snapshot is whole.
   */
  finish(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.done) return;
    this.#failure = new RdbError("TRUNCATED", "Snapshot ends early", this.offset);
    throw this.#failure;
  }

  /**
   * Adds the record's offset to an error of a sink, which knows what is wrong but not where. In the
   * run of whole strings the cursor itself stands at the record.
   */
  #located(error: unknown): unknown {
    if (!(error instanceof RdbError) || error.offset >= 0) return error;
    const { code, message, key, type } = error;
    const isInRun = this.#state === State.OPCODE;
    const offset = isInRun ? this.#reader.offset : this.#context.recordOffset;
    return new RdbError(code, message, offset, { key, type });
  }

  /** Does what the state asks for; false when the chunk ended first, or the snapshot did. */
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

  /**
   * `REDIS` and four digits, or `VALKEY` and three. Any version is read: unknown types are refused
   * when they come.
   */
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
    if (version < 1 || dialectOfVersion(version) !== dialect) {
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
    if (context.expireAtMs === NO_EXPIRY) context.keys += readWholeStrings(context);
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
    assert(this.#element !== undefined, "an opcode without a reader was refused");
    if (!this.#element.read()) return false;
    this.#state = State.OPCODE;
    return true;
  }

  /** A type that cannot be read is refused only here, so that the error can name the key. */
  #readKey(): boolean {
    const context = this.#context;
    if (!this.#reader.readString(context.key)) return false;
    if (context.sink.gate !== undefined && this.#passes(context.sink.gate)) {
      this.#state = State.VALUE;
      return true;
    }
    if (this.#element === undefined) {
      const { number, name } = this.#row!;
      const key = context.printableKey();
      const what = `Value type ${number} (${name}) of key ${key} is not supported`;
      throw new RdbError("UNSUPPORTED_TYPE", what, context.recordOffset, { key, type: number });
    }
    this.#state = State.VALUE;
    return true;
  }

  /**
   * Whether the value of the key at hand is passed over, or read by a reader that watches its size. A type that cannot
   * be read may be passed over all the same where its end is known.
   */
  #passes(gate: ValueGate): boolean {
    const { key } = this.#context;
    const { number } = this.#row!;
    const isWanted = gate.wants(key.bytes, key.start, key.end, typeNameOfNumber(number));
    if (!isWanted && this.#passedOver.begin(number)) {
      this.#element = this.#passedOver;
      return true;
    }
    this.#context.discards = !isWanted;
    const bounded = this.#bounded!;
    if (!isWanted || this.#element === undefined || gate.maxValueBytes === Infinity) return false;
    if (!bounded.begin(number, this.#element)) return false;
    this.#element = bounded;
    return true;
  }

  #readValue(): boolean {
    assert(this.#element !== undefined, "a type without a reader was refused with its key");
    if (!this.#element.read()) return false;
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
    this.#summedTo = reader.end; // the trailer itself is not in the checksum
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
    assert(this.#state !== State.DONE, "a snapshot ends once");
    this.#summedTo = this.#reader.end;
    this.#context.templates.clear();
    this.#context.sink.end();
    this.#state = State.DONE;
    return false;
  }

  /**
   * Adds what has been read of the chunk to the checksum: once a chunk, since a call for each
   * record would cost more.
   */
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
