/**
 * Bytes, cut anywhere, into replies: RESP2 and RESP3, streamed forms included. A push parser: it
 * owns no socket and never waits.
 *
 * @module
 */

import { latin1, parseDouble, parseInteger, utf8 } from "../base/ascii.ts";
import { assert } from "../base/assert.ts";
import { ByteBuffer } from "../base/byte_buffer.ts";
import { reserveTowards } from "./growth.ts";
import {
  ErrorReply,
  Push,
  RespError,
  type RespErrorCode,
  type RespValue,
  TypeByte,
  VerbatimString,
} from "./types.ts";

const CR = 13;
const LF = 10;
const COLON = 0x3a;
const PLUS = 0x2b;
const QUESTION = 0x3f;
/** "txt:" */
const VERBATIM_PREFIX = 4;
const KEPT_CAPACITY = 64 * 1024;

/** What a reply may ask for. */
export interface ReplyLimits {
  /** Longest string, 512 MB unless told. */
  bulkBytes: number;
  /** Longest line (statuses, errors, numbers), 64 KB unless told. */
  lineBytes: number;
  /** Most elements of one aggregate, 2^27 unless told. */
  elementCount: number;
  /** Deepest nesting, 64 unless told. */
  depth: number;
}

/** An aggregate whose elements are still coming. */
interface Aggregate {
  readonly type: number;
  readonly items: RespValue[];
  /** Elements still to come, keys and values counted each; Infinity when streamed. */
  left: number;
}

/** Not a value: the element at hand needs more bytes, or has opened an aggregate. */
const NOTHING: unique symbol = Symbol("nothing");

/** Cuts a stream of replies into values. */
export class ReplyParser {
  /** Stream bytes up to and including the last reply returned. */
  consumed: number = 0;
  /** RESP3 attributes that came before the reply returned last. */
  attributes: Map<RespValue, RespValue> | undefined = undefined;
  readonly #limits: ReplyLimits;
  readonly #open: Aggregate[] = [];
  /** A line that is not whole yet. */
  readonly #line: ByteBuffer = new ByteBuffer();
  /** The line at hand without its type byte and end; borrowed. Fields, since a view costs 50 ns. */
  #bytes: Uint8Array = new Uint8Array(0);
  #start: number = 0;
  #end: number = 0;
  readonly #bulk: ByteBuffer = new ByteBuffer();
  #chunk: Uint8Array | undefined = undefined;
  #pos: number = 0;
  #received: number = 0;
  /** Stream bytes before the element at hand. */
  #elementStart: number = 0;
  /** Type byte of the string whose bytes are coming; 0 when a line comes. */
  #bulkType: number = 0;
  #bulkLength: number = 0;
  /** Pieces of a `$?` string so far; undefined outside one. */
  #pieces: ByteBuffer | undefined = undefined;
  #attributes: Map<RespValue, RespValue> | undefined = undefined;
  #error: RespError | undefined = undefined;

  /** @param limits What differs from the defaults. */
  constructor(limits: Partial<ReplyLimits> = {}) {
    this.#limits = {
      bulkBytes: 512 * 1024 * 1024,
      lineBytes: 64 * 1024,
      elementCount: 2 ** 27,
      depth: 64,
      ...limits,
    };
  }

  /**
   * Lends a chunk. Call `next` until it answers undefined, or `takeRest`, before it is taken back.
   */
  push(chunk: Uint8Array): void {
    assert(this.#chunk === undefined, "the chunk before was used up");
    this.#chunk = chunk;
    this.#pos = 0;
  }

  /**
   * The next reply; undefined when more bytes are needed. Values own their bytes.
   *
   * @throws {RespError} When the bytes are no reply; from then on always.
   */
  next(): RespValue | undefined {
    if (this.#error !== undefined) throw this.#error;
    while (this.#chunk !== undefined) {
      let value: RespValue | typeof NOTHING = this.#bulkType === 0
        ? this.#readElement()
        : this.#readBulk();
      while (value !== NOTHING) {
        const aggregate = this.#open[this.#open.length - 1];
        if (aggregate === undefined) return this.#finish(value);
        value = this.#addTo(aggregate, value);
      }
    }
    return undefined;
  }

  /**
   * The bytes of the chunk behind the last reply returned, copied, when something else than replies
   * follows. Only between two replies.
   */
  takeRest(): Uint8Array {
    assert(this.#open.length === 0 && this.#bulkType === 0, "no reply is half read");
    const chunk = this.#chunk;
    const line = this.#line.toBytes();
    this.#line.clear();
    this.#chunk = undefined;
    if (chunk === undefined) return line;
    return chunk.slice(this.#pos);
  }

  #finish(value: RespValue): RespValue {
    this.consumed = this.#received;
    this.attributes = this.#attributes;
    this.#attributes = undefined;
    return value;
  }

  /** One line of the stream and what it begins. */
  #readElement(): RespValue | typeof NOTHING {
    const type = this.#readLine();
    if (type < 0) return NOTHING;
    if (this.#pieces !== undefined && type !== TypeByte.CHUNK) {
      this.#fail("PROTOCOL", "Streamed string is broken by another element");
    }
    switch (type) {
      case TypeByte.SIMPLE:
        return utf8(this.#bytes, this.#start, this.#end);
      case TypeByte.ERROR:
        return new ErrorReply(utf8(this.#bytes, this.#start, this.#end));
      case TypeByte.INTEGER:
        return this.#integer();
      case TypeByte.NULL:
        if (this.#start < this.#end) this.#fail("PROTOCOL", "Null carries bytes");
        return null;
      case TypeByte.BOOLEAN:
        return this.#boolean();
      case TypeByte.DOUBLE:
        return this.#double();
      case TypeByte.BIG_NUMBER:
        return this.#bigNumber();
      case TypeByte.BULK:
      case TypeByte.BLOB_ERROR:
      case TypeByte.VERBATIM:
      case TypeByte.CHUNK:
        return this.#openBulk(type);
      case TypeByte.END:
        return this.#closeStreamed();
      default:
        return this.#openAggregate(type);
    }
  }

  /** Type byte of the next line, whose rest stands in `#bytes`; -1 when it is not whole yet. */
  #readLine(): number {
    const chunk = this.#chunk!;
    const start = this.#pos;
    const kept = this.#line;
    this.#elementStart = this.#received - kept.length;
    let end = start;
    while (end < chunk.length && chunk[end] !== LF) end++;
    const isWhole = end < chunk.length;
    if (isWhole) end++;
    this.#advance(end);
    if (kept.length + end - start > this.#limits.lineBytes + 2) {
      this.#fail("LIMIT", `Line is longer than ${this.#limits.lineBytes} bytes`);
    }
    if (kept.length > 0 || !isWhole) kept.writeBytes(chunk, start, end);
    if (!isWhole) return -1;
    const isKept = kept.length > 0;
    this.#bytes = isKept ? kept.bytes : chunk;
    this.#start = isKept ? 1 : start + 1;
    this.#end = (isKept ? kept.length : end) - 2;
    kept.clear();
    if (this.#end < this.#start || this.#bytes[this.#end] !== CR) {
      this.#fail("PROTOCOL", "Line does not end in CR LF");
    }
    return this.#bytes[this.#start - 1];
  }

  /** Whether the line announces `?`: no length or count, but an end. */
  #isStreamed(): boolean {
    return this.#end - this.#start === 1 && this.#bytes[this.#start] === QUESTION;
  }

  #integer(): number | bigint {
    const start = this.#bytes[this.#start] === PLUS ? this.#start + 1 : this.#start;
    const value = parseInteger(this.#bytes, start, this.#end);
    if (value !== value) this.#fail("PROTOCOL", "Integer is none");
    if (value === Infinity || value === -Infinity) {
      return BigInt(latin1(this.#bytes, start, this.#end));
    }
    return value;
  }

  #boolean(): boolean {
    const text = latin1(this.#bytes, this.#start, this.#end);
    if (text !== "t" && text !== "f") this.#fail("PROTOCOL", "Boolean is neither t nor f");
    return text === "t";
  }

  #double(): number {
    if (/^[+-]?nan$/i.test(latin1(this.#bytes, this.#start, this.#end))) return NaN;
    const value = parseDouble(this.#bytes, this.#start, this.#end);
    if (value !== value) this.#fail("PROTOCOL", "Double is none");
    return value;
  }

  #bigNumber(): bigint {
    const text = latin1(this.#bytes, this.#start, this.#end);
    if (!/^[+-]?[0-9]+$/.test(text)) this.#fail("PROTOCOL", "Big number is none");
    return text[0] === "+" ? BigInt(text.slice(1)) : BigInt(text);
  }

  #openBulk(type: number): RespValue | typeof NOTHING {
    if (type === TypeByte.BULK && this.#isStreamed()) {
      this.#pieces = new ByteBuffer();
      return NOTHING;
    }
    const length = parseInteger(this.#bytes, this.#start, this.#end);
    if (type === TypeByte.BULK && length === -1) return null;
    const least = type === TypeByte.VERBATIM ? VERBATIM_PREFIX : 0;
    if (length !== length || length < least) this.#fail("PROTOCOL", "String has no valid length");
    if (length > this.#limits.bulkBytes) {
      this.#fail("LIMIT", `String of ${length} bytes is longer than ${this.#limits.bulkBytes}`);
    }
    if (type === TypeByte.CHUNK) return this.#openPiece(length);
    this.#bulkType = type;
    this.#bulkLength = length;
    return NOTHING;
  }

  #openPiece(length: number): RespValue | typeof NOTHING {
    const pieces = this.#pieces;
    if (pieces === undefined) this.#fail("PROTOCOL", "Piece of no streamed string");
    if (length === 0) {
      this.#pieces = undefined;
      return pieces.toBytes();
    }
    if (pieces.length + length > this.#limits.bulkBytes) {
      this.#fail("LIMIT", `Streamed string is longer than ${this.#limits.bulkBytes} bytes`);
    }
    this.#bulkType = TypeByte.CHUNK;
    this.#bulkLength = length;
    return NOTHING;
  }

  /** Bytes of a string and its line end. */
  #readBulk(): RespValue | typeof NOTHING {
    const chunk = this.#chunk!;
    const start = this.#pos;
    const full = this.#bulkLength + 2;
    const held = this.#bulk;
    const end = Math.min(chunk.length, start + full - held.length);
    this.#advance(end);
    if (held.length > 0 || end - start < full) {
      reserveTowards(held, end - start, full);
      held.writeBytes(chunk, start, end);
      if (held.length < full) return NOTHING;
      return this.#closeBulk(held.bytes, 0);
    }
    return this.#closeBulk(chunk, start);
  }

  #closeBulk(bytes: Uint8Array, start: number): RespValue | typeof NOTHING {
    const type = this.#bulkType;
    const end = start + this.#bulkLength;
    if (bytes[end] !== CR || bytes[end + 1] !== LF) {
      this.#fail("PROTOCOL", "String does not end in CR LF");
    }
    this.#bulkType = 0;
    const value = this.#bulkValue(type, bytes, start, end);
    if (this.#bulk.bytes.length > KEPT_CAPACITY) this.#bulk.shrink();
    else this.#bulk.clear();
    return value;
  }

  #bulkValue(
    type: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): RespValue | typeof NOTHING {
    switch (type) {
      case TypeByte.BLOB_ERROR:
        return new ErrorReply(utf8(bytes, start, end));
      case TypeByte.CHUNK:
        this.#pieces!.writeBytes(bytes, start, end);
        return NOTHING;
      case TypeByte.VERBATIM: {
        const text = start + VERBATIM_PREFIX;
        if (bytes[text - 1] !== COLON) this.#fail("PROTOCOL", "Verbatim string has no format");
        return new VerbatimString(latin1(bytes, start, text - 1), bytes.slice(text, end));
      }
      default:
        return bytes.slice(start, end);
    }
  }

  #openAggregate(type: number): RespValue | typeof NOTHING {
    const isMap = type === TypeByte.MAP || type === TypeByte.ATTRIBUTE;
    const isList = type === TypeByte.ARRAY || type === TypeByte.SET || type === TypeByte.PUSH;
    if (!isMap && !isList) {
      const got = String.fromCharCode(type);
      this.#fail("PROTOCOL", `Reply begins with ${JSON.stringify(got)}, which is no type`);
    }
    if (type === TypeByte.PUSH && this.#open.length > 0) {
      this.#fail("PROTOCOL", "Push inside another reply");
    }
    const streamed = this.#isStreamed() && type !== TypeByte.ATTRIBUTE;
    const count = streamed ? Infinity : this.#count(type);
    if (count === -1) return null;
    if (this.#open.length === this.#limits.depth) {
      this.#fail("LIMIT", `Reply is nested deeper than ${this.#limits.depth}`);
    }
    const aggregate: Aggregate = { type, items: [], left: isMap ? count * 2 : count };
    if (aggregate.left === 0) return this.#close(aggregate);
    this.#open.push(aggregate);
    return NOTHING;
  }

  #count(type: number): number {
    const count = parseInteger(this.#bytes, this.#start, this.#end);
    if (type === TypeByte.ARRAY && count === -1) return -1;
    if (count !== count || count < 0) this.#fail("PROTOCOL", "Aggregate has no valid count");
    if (type === TypeByte.PUSH && count === 0) this.#fail("PROTOCOL", "Push has no kind");
    if (count > this.#limits.elementCount) {
      this.#fail("LIMIT", `${count} elements are more than ${this.#limits.elementCount}`);
    }
    return count;
  }

  /** Adds to the innermost aggregate; its value when that made it whole. */
  #addTo(aggregate: Aggregate, value: RespValue): RespValue | typeof NOTHING {
    aggregate.items.push(value);
    aggregate.left--;
    if (aggregate.left === Infinity) this.#checkStreamed(aggregate);
    if (aggregate.left > 0) return NOTHING;
    this.#open.pop();
    return this.#close(aggregate);
  }

  #checkStreamed(aggregate: Aggregate): void {
    const most = this.#limits.elementCount * (aggregate.type === TypeByte.MAP ? 2 : 1);
    if (aggregate.items.length <= most) return;
    this.#fail("LIMIT", `Streamed aggregate has more than ${this.#limits.elementCount} elements`);
  }

  /** The "." after the last element of a streamed aggregate. */
  #closeStreamed(): RespValue | typeof NOTHING {
    const aggregate = this.#open.pop();
    if (this.#start < this.#end || aggregate === undefined || aggregate.left !== Infinity) {
      this.#fail("PROTOCOL", "End of no streamed aggregate");
    }
    if (aggregate.type === TypeByte.MAP && aggregate.items.length % 2 !== 0) {
      this.#fail("PROTOCOL", "Streamed map ends after a key");
    }
    if (aggregate.type === TypeByte.PUSH && aggregate.items.length === 0) {
      this.#fail("PROTOCOL", "Push has no kind");
    }
    return this.#close(aggregate);
  }

  /**
   * Elements into the value they make. Attributes make none: those of a whole reply are put aside.
   */
  #close(aggregate: Aggregate): RespValue | typeof NOTHING {
    switch (aggregate.type) {
      case TypeByte.MAP:
        return pairs(aggregate.items);
      case TypeByte.SET:
        return new Set(aggregate.items);
      case TypeByte.PUSH:
        return new Push(aggregate.items);
      case TypeByte.ATTRIBUTE:
        if (this.#open.length === 0) this.#attributes = pairs(aggregate.items);
        return NOTHING;
      default:
        return aggregate.items;
    }
  }

  #advance(end: number): void {
    const chunk = this.#chunk!;
    this.#received += end - this.#pos;
    this.#pos = end;
    if (end === chunk.length) this.#chunk = undefined;
  }

  #fail(code: RespErrorCode, message: string): never {
    const offset = this.#elementStart;
    this.#error = new RespError(code, `${message} (after ${offset} bytes)`, offset);
    throw this.#error;
  }
}

function pairs(items: readonly RespValue[]): Map<RespValue, RespValue> {
  const map = new Map<RespValue, RespValue>();
  for (let i = 0; i < items.length; i += 2) map.set(items[i], items[i + 1]);
  return map;
}
