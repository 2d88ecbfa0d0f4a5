/**
 * From bytes, cut anywhere, to replies: RESP2 and RESP3, streamed forms included. A push parser: it
 * owns no socket and never waits. Connections to other servers use it.
 *
 * Two kinds of things are read: lines, and the bytes of a string whose line announced them. An
 * unfinished one is copied, into `#line` or `#bulk`, and completed from the next chunk. Aggregates
 * that are not whole yet stand on a stack:
 *
 * ```text
 *   *2\r\n  :1\r\n  %1\r\n  +k\r\n  ...
 *   open:  [array, 1 left: 1]  [map, 1 left: "k"]      the next value goes to the innermost
 * ```
 *
 * @module
 */

import { latin1, parseDouble, parseInteger, utf8 } from "../base/ascii.ts";
import { assert } from "../base/assert.ts";
import { ByteBuffer } from "../base/byte_buffer.ts";
import { release, reserveTowards } from "./growth.ts";
import {
  ErrorReply,
  Push,
  RespError,
  type RespErrorCode,
  type RespValue,
  TypeByte,
  VerbatimString,
} from "./types.ts";

// Literals here as in command_parser.ts, for speed.
const CR = 13;
const LF = 10;
const COLON = 0x3a;
const PLUS = 0x2b;
const QUESTION = 0x3f;
/** Bytes of a verbatim string's format and colon: "txt:". */
const VERBATIM_PREFIX = 4;

/** How large a reply may be. */
export interface ReplyLimits {
  /** Longest string in bytes; 512 MB unless told. */
  bulkBytes: number;
  /** Longest line (a status, an error, a number) in bytes; 64 KB unless told. */
  lineBytes: number;
  /** Most elements of one aggregate, pairs of a map; 2^27 unless told. */
  elementCount: number;
  /** Deepest nesting of aggregates; 64 unless told. */
  depth: number;
}

/** An aggregate whose elements are still coming. */
interface Aggregate {
  /** Type byte of the line that opened it. */
  readonly type: number;
  /** Elements that have come so far. */
  readonly items: RespValue[];
  /** Elements still to come, keys and values counted each; Infinity when streamed. */
  left: number;
}

/** No value yet: the element at hand needs more bytes, or has opened an aggregate. */
const NOTHING: unique symbol = Symbol("nothing");

/** Cuts one connection's stream of replies into values. */
export class ReplyParser {
  /** Bytes of the stream up to and including the last reply returned. */
  consumed: number = 0;
  /** RESP3 attributes that stood before the reply returned last; undefined when there were none. */
  attributes: Map<RespValue, RespValue> | undefined = undefined;
  readonly #limits: ReplyLimits;
  /** Aggregates that are not whole yet, the outermost first. */
  readonly #open: Aggregate[] = [];
  /** A line that is not whole yet. */
  readonly #line: ByteBuffer = new ByteBuffer();
  /** The line at hand without its type byte and end; borrowed. Fields, since a view costs 50 ns. */
  #bytes: Uint8Array = new Uint8Array(0);
  #start: number = 0;
  #end: number = 0;
  /** The bytes so far of a string that is not whole yet. */
  readonly #bulk: ByteBuffer = new ByteBuffer();
  /** The chunk at hand until it is used up, and the offset of its first unread byte. */
  #chunk: Uint8Array | undefined = undefined;
  #pos: number = 0;
  /** Bytes of the stream read so far. */
  #received: number = 0;
  /** Bytes of the stream before the element at hand. */
  #elementStart: number = 0;
  /** Type byte of the string whose bytes come next, and its length; 0 while a line comes next. */
  #bulkType: number = 0;
  #bulkLength: number = 0;
  /** Pieces of a `$?` string so far; undefined outside one. */
  #pieces: ByteBuffer | undefined = undefined;
  /** Attributes of the reply that is still coming. */
  #attributes: Map<RespValue, RespValue> | undefined = undefined;
  #error: RespError | undefined = undefined;

  /**
   * Makes a parser at the start of a stream.
   *
   * @param limits What differs from the defaults.
   */
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
   * Lends the parser a chunk. Call `next` until it answers undefined before the chunk is taken
   * back. After an error it does nothing.
   */
  push(chunk: Uint8Array): void {
    if (this.#error !== undefined) return;
    assert(this.#chunk === undefined, "the chunk before was used up");
    this.#chunk = chunk;
    this.#pos = 0;
  }

  /**
   * The next reply, or undefined when more bytes are needed. Values own their bytes.
   *
   * @throws {RespError} When the bytes are no reply or break a limit; the same error from then on.
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

  /** Hands a whole reply out. */
  #finish(value: RespValue): RespValue {
    assert(this.#open.length === 0 && this.#bulkType === 0, "no reply is half read");
    this.consumed = this.#received;
    this.attributes = this.#attributes;
    this.#attributes = undefined;
    return value;
  }

  /** Reads one line: its value, or what it opens. */
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

  /** Reads a line into `#bytes`: its type byte, or -1 while it is not whole. */
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

  /** Whether `?` stands for the length or count: elements come until an end, which says so. */
  #isStreamed(): boolean {
    return this.#end - this.#start === 1 && this.#bytes[this.#start] === QUESTION;
  }

  #integer(): number | bigint {
    const start = this.#bytes[this.#start] === PLUS ? this.#start + 1 : this.#start;
    const value = parseInteger(this.#bytes, start, this.#end);
    if (value !== value) this.#fail("PROTOCOL", "Integer is not a number");
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
    if (value !== value) this.#fail("PROTOCOL", "Double is not a number");
    return value;
  }

  #bigNumber(): bigint {
    const text = latin1(this.#bytes, this.#start, this.#end);
    if (!/^[+-]?[0-9]+$/.test(text)) this.#fail("PROTOCOL", "Big number is not a number");
    return text[0] === "+" ? BigInt(text.slice(1)) : BigInt(text);
  }

  /** Takes the length of a string; the bytes come next. */
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

  /** Takes the length of a piece of a streamed string; 0 ends the string. */
  #openPiece(length: number): RespValue | typeof NOTHING {
    const pieces = this.#pieces;
    if (pieces === undefined) this.#fail("PROTOCOL", "Piece of a string that was not begun");
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

  /** Reads bytes of a string and its line end, without copying them when they lie in one chunk. */
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
    release(this.#bulk);
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

  /** Takes the count of an aggregate; its elements come next, unless there are none. */
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

  /** Adds a value to the innermost aggregate: that one's own value when it is whole now. */
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

  /** Takes the "." behind the last element of a streamed aggregate. */
  #closeStreamed(): RespValue | typeof NOTHING {
    const aggregate = this.#open.pop();
    if (this.#start < this.#end || aggregate === undefined || aggregate.left !== Infinity) {
      this.#fail("PROTOCOL", "End of an aggregate that was not begun");
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
   * The value of a whole aggregate. Attributes are none: those of the reply itself are put aside.
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

  /** Moves to offset `end` of the chunk, and lets go of the chunk when that is its end. */
  #advance(end: number): void {
    const chunk = this.#chunk!;
    assert(end >= this.#pos && end <= chunk.length, "the cursor moves on inside the chunk");
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

/** A map of elements that came as key, value, key, value. */
function pairs(items: readonly RespValue[]): Map<RespValue, RespValue> {
  const map = new Map<RespValue, RespValue>();
  for (let i = 0; i < items.length; i += 2) map.set(items[i], items[i + 1]);
  return map;
}
