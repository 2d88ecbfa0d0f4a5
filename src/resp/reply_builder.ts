/**
 * From replies to JavaScript values, for commands that are called in process: what a handler says becomes strings,
 * numbers, arrays, maps and sets at once, without bytes in between.
 *
 * ```text
 *   reply        RESP3 shape      value
 *   bulk         $                text or bytes, as the builder was made
 *   simple       +                text
 *   verbatim     =                text without its format
 *   integer      :                number; bigint outside of +-2^53
 *   double       ,                number
 *   boolean      #                boolean
 *   big number   (                bigint
 *   null         _                null
 *   array, push  * >              array
 *   map          %                Map
 *   set          ~                Set
 *   error        -                the builder's `failure`; inside of an aggregate its text
 * ```
 *
 * Aggregates that are not whole stand on a stack; a value that comes goes to the innermost, which may become whole
 * by it and go to the next one in turn. Maps and sets take their elements at once; one whose count is deferred
 * gathers them in an array, since its kind comes at its end, too.
 *
 * @module
 */

import { encodeUtf8, formatDouble, parseInteger, utf8 } from "../base/ascii.ts";
import { assert } from "../base/assert.ts";
import type { AggregateKind, ReplyTarget } from "./reply_target.ts";
import { withoutLastLineEnds } from "./writer.ts";

/** A reply as values; `T` stands for bulk strings. */
export type ReplyValue<T> =
  | T
  | string
  | number
  | bigint
  | boolean
  | null
  | ReplyValue<T>[]
  | Map<ReplyValue<T>, ReplyValue<T>>
  | Set<ReplyValue<T>>;

/** In which form bulk strings are given. */
export interface BulkForm<T> {
  /** Bytes `[start, end)`, which are borrowed, as a value. */
  ofBytes(bytes: Uint8Array, start: number, end: number): T;
  /** Text that a handler replies, as a value. */
  ofText(text: string): T;
}

/** Bulk strings as text. @param textOf Reads UTF-8 with malformed bytes as U+FFFD. */
export function bulksAsText(
  textOf: (bytes: Uint8Array, start: number, end: number) => string,
): BulkForm<string> {
  return { ofBytes: textOf, ofText: wellFormed };
}

/** Bulk strings as copies of their bytes. */
export function bulksAsBytes(): BulkForm<Uint8Array> {
  return { ofBytes: (bytes, start, end) => bytes.slice(start, end), ofText: encodeUtf8 };
}

/** How an open aggregate takes what comes. */
const ARRAY = 0;
const MAP = 1;
const SET = 2;
/** What an aggregate of unknown length has left: below 0, from where counting down never meets 0. */
const UNKNOWN = -1;
/** A position is a depth and a number of elements in one: `depth * DEPTH + elements`. */
const DEPTH = 2 ** 32;
/** Bytes of a bulk string's header beside its digits: "$", CR and LF; and of what ends it. */
const HEADER_BYTES = 3;
const END_BYTES = 2;
const CR = 13;

/** An aggregate that is not whole yet. Frames are used again, so that a reply allocates only what it gives. */
class Frame {
  kind: number = ARRAY;
  /** Elements still to come, a map's keys and values counted each; below 0 while that is not known. */
  left: number = 0;
  /** The array, map or set, as `kind` says; undefined while the frame is not in use. */
  target: unknown = undefined;
  /** The key whose value comes next. */
  key: unknown = undefined;
}

/** Makes a value of one reply at a time. */
export class ReplyBuilder<T> implements ReplyTarget {
  protocol: 2 | 3 = 3;
  silent: boolean = false;
  readonly #form: BulkForm<T>;
  readonly #frames: Frame[] = [new Frame()];
  /** The innermost open aggregate: `#frames[#depth]`. Frame 0 stands for the reply as a whole. */
  #frame: Frame = this.#frames[0];
  #depth: number = 0;
  #value: ReplyValue<T> = null;
  #isWhole: boolean = false;
  #failure: string | undefined = undefined;

  /** Makes a builder that gives bulk strings in this form. */
  constructor(form: BulkForm<T>) {
    this.#form = form;
  }

  /** The text of an error that is the whole reply; undefined where the reply is none. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /**
   * The reply as a value, null where there was none. The builder forgets it and takes the next one.
   */
  take(): ReplyValue<T> {
    const value = this.#isWhole ? this.#value : null;
    this.clear();
    return value;
  }

  /** Forgets what was replied. */
  clear(): void {
    while (this.#depth > 0) this.#leave();
    this.#value = null;
    this.#isWhole = false;
    this.#failure = undefined;
  }

  ok(): void {
    this.#add("OK");
  }

  queued(): void {
    this.#add("QUEUED");
  }

  pong(): void {
    this.#add("PONG");
  }

  simple(text: string): void {
    this.#add(lineText(text));
  }

  error(text: string): void {
    const message = lineText(withoutLastLineEnds(text));
    if (this.#depth === 0 && !this.#isWhole && !this.silent) this.#failure = message;
    this.#add(message);
  }

  integer(value: number | bigint): void {
    this.#add(typeof value === "bigint" ? narrow(value) : value);
  }

  bulk(bytes: Uint8Array, start: number = 0, end: number = bytes.length): void {
    this.#add(this.#form.ofBytes(bytes, start, end));
  }

  bulkText(text: string): void {
    this.#add(this.#form.ofText(text));
  }

  bulks(bytes: Uint8Array, start: number, end: number): void {
    let pos = start;
    while (pos < end) {
      let digitsEnd = pos + 1;
      while (bytes[digitsEnd] !== CR) digitsEnd++;
      const from = digitsEnd + HEADER_BYTES - 1;
      const to = from + parseInteger(bytes, pos + 1, digitsEnd);
      assert(to + END_BYTES <= end, "the bulk strings are whole");
      this.#add(this.#form.ofBytes(bytes, from, to));
      pos = to + END_BYTES;
    }
  }

  null(): void {
    this.#add(null);
  }

  nullArray(): void {
    this.#add(null);
  }

  array(count: number): void {
    this.#open(ARRAY, [], count);
  }

  map(count: number): void {
    if (this.protocol === 3) this.#open(MAP, new Map(), count * 2);
    else this.#open(ARRAY, [], count * 2);
  }

  set(count: number): void {
    if (this.protocol === 3) this.#open(SET, new Set(), count);
    else this.#open(ARRAY, [], count);
  }

  push(count: number): void {
    this.#open(ARRAY, [], count);
  }

  double(value: number, text?: string): void {
    this.#add(this.protocol === 3 ? value : this.#form.ofText(text ?? formatDouble(value)));
  }

  boolean(value: boolean): void {
    this.#add(this.protocol === 3 ? value : Number(value));
  }

  bigNumber(text: string): void {
    this.#add(this.protocol === 3 ? BigInt(text) : this.#form.ofText(text));
  }

  verbatim(_format: string, text: string): void {
    this.#add(this.protocol === 3 ? wellFormed(text) : this.#form.ofText(text));
  }

  beginDeferred(): number {
    if (!this.silent) this.#enter(ARRAY, [], UNKNOWN);
    return this.#depth;
  }

  endDeferred(mark: number, kind: AggregateKind, count: number): void {
    if (this.silent) return;
    const { target, left } = this.#frame;
    assert(
      mark === this.#depth && left < 0,
      "the aggregate that ends was deferred, and is innermost",
    );
    const items = target as ReplyValue<T>[];
    const isMap = kind === "map";
    assert(items.length === (isMap ? count * 2 : count), "a deferred aggregate has what it counts");
    this.#leave();
    if (this.protocol === 2 || kind === "array" || kind === "push") this.#add(items);
    else this.#add(isMap ? pairs(items) : new Set(items));
  }

  get position(): number {
    const { target } = this.#frame;
    const length = Array.isArray(target) ? target.length : 0;
    return this.#depth * DEPTH + (this.#depth === 0 && this.#isWhole ? 1 : length);
  }

  rewind(position: number): void {
    const depth = Math.floor(position / DEPTH);
    const length = position % DEPTH;
    while (this.#depth > depth) this.#leave();
    assert(depth === this.#depth, "what was replied only grew");
    if (depth === 0) {
      if (length === 0) this.clear();
      return;
    }
    const { target } = this.#frame;
    assert(Array.isArray(target), "what is taken back stands in an array");
    this.#frame.left += target.length - length;
    target.length = length;
  }

  /** Takes a value: it goes to the innermost aggregate, or is the reply. */
  #add(value: ReplyValue<T>): void {
    if (this.silent) return;
    const frame = this.#frame;
    if (this.#depth === 0) {
      if (!this.#isWhole) this.#value = value;
      this.#isWhole = true;
      return;
    }
    if (frame.kind === ARRAY) {
      (frame.target as ReplyValue<T>[]).push(value);
    } else if (frame.kind === SET) {
      (frame.target as Set<ReplyValue<T>>).add(value);
    } else if ((frame.left & 1) === 0) {
      frame.key = value;
    } else {
      (frame.target as Map<unknown, ReplyValue<T>>).set(frame.key, value);
    }
    if (--frame.left === 0) this.#close();
  }

  /** Begins an aggregate; without elements it is whole at once. */
  #open(kind: number, target: ReplyValue<T>, left: number): void {
    if (this.silent) return;
    if (left === 0) this.#add(target);
    else this.#enter(kind, target, left);
  }

  #enter(kind: number, target: unknown, left: number): void {
    const depth = ++this.#depth;
    if (depth === this.#frames.length) this.#frames.push(new Frame());
    const frame = this.#frames[depth];
    frame.kind = kind;
    frame.target = target;
    frame.left = left;
    this.#frame = frame;
  }

  /** The innermost aggregate is whole. */
  #close(): void {
    const value = this.#frame.target as ReplyValue<T>;
    this.#leave();
    this.#add(value);
  }

  /** Leaves the innermost aggregate, and keeps nothing of what it held. */
  #leave(): void {
    const frame = this.#frame;
    frame.target = undefined;
    frame.key = undefined;
    this.#frame = this.#frames[--this.#depth];
  }
}

/** Keys and values in turn as a map; of two pairs with one key the later counts. */
function pairs<T>(items: readonly ReplyValue<T>[]): Map<ReplyValue<T>, ReplyValue<T>> {
  const map = new Map<ReplyValue<T>, ReplyValue<T>>();
  for (let i = 0; i < items.length; i += 2) map.set(items[i], items[i + 1]);
  return map;
}

/** A whole number as a number where one is exact. */
function narrow(value: bigint): number | bigint {
  const isExact = value <= BigInt(Number.MAX_SAFE_INTEGER) &&
    value >= BigInt(Number.MIN_SAFE_INTEGER);
  return isExact ? Number(value) : value;
}

/** What a client would read of a line: its bytes as UTF-8, with spaces for line ends. */
function lineText(text: string): string {
  let isPlain = true;
  let isWide = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || code >= 0x80) isPlain = false;
    if (code > 0xff) isWide = true;
  }
  if (isPlain) return text;
  const line = text.replace(/[\r\n]/g, " ");
  return isWide ? wellFormed(line) : utf8(Uint8Array.from(line, (letter) => letter.charCodeAt(0)));
}

/** Text as it comes back from UTF-8: half of a surrogate pair becomes U+FFFD. */
function wellFormed(text: string): string {
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) >= 0x80) return utf8(encodeUtf8(text));
  }
  return text;
}
