/**
 * The reads of streams.
 *
 * @module
 */

import { BytesRef } from "../base/byte_buffer.ts";
import { latin1 } from "../base/ascii.ts";
import { readRangeEnd, readRangeStart } from "../commands/stream/args.ts";
import { Argv } from "../resp/argv.ts";
import { ValueType } from "../store/memory/record.ts";
import { MAX_ID, MAX_ID_TEXT, MIN_ID, StreamId } from "../store/packed/stream_id.ts";
import { streamOf } from "../store/types/small_stream.ts";
import { StreamCursor } from "../store/types/stream_cursor.ts";
import type { Value } from "./codec.ts";
import type { ReadCore } from "./core.ts";
import { type Decode, type DecodeOptions, type Schema, validate } from "./decode.ts";
import { textOf } from "./fields.ts";
import { GeoReads } from "./geo.ts";
import { defineField } from "./hashes.ts";
import { Names } from "./names.ts";
import type { BytesReply, CallArgument } from "./reply.ts";
import { type Key, utf8 } from "./text.ts";
import { walk } from "./walk.ts";

/** One entry of a stream. */
export interface StreamMessage<T, M = Record<string, T>> {
  /** Milliseconds and sequence, as "1526919030474-55". */
  readonly id: string;
  /** Its fields and values, of a field that comes twice the last value; or what a schema made of them. */
  readonly message: M;
}

/** Which entries of a range are given. */
export interface XrangeOptions {
  /** The most that are given; all unless told. */
  readonly count?: number;
  /** Whether the newest comes first. */
  readonly rev?: boolean;
}

/** Which entries of a stream: ids as `XRANGE` takes them, `"-"` and `"+"`, `"(id"` for one that is left out. */
export interface EntriesOptions {
  /** The first id, `"-"` unless told. */
  readonly start?: string;
  /** The last id, `"+"` unless told. */
  readonly end?: string;
  /** Whether the newest come first. */
  readonly rev?: boolean;
}

/** The entries of one of several streams. */
export interface StreamMessages<T extends Value> {
  /** The key that holds the stream. */
  readonly name: T;
  /** Its entries, the oldest first. */
  readonly messages: StreamMessage<T>[];
}

/** What a group has handed out and nobody acknowledged. */
export interface PendingSummary<T extends Value> {
  /** How many entries were delivered to a consumer and not acknowledged. */
  readonly pending: number;
  /** The first one's id, undefined where there is none. */
  readonly firstId: string | undefined;
  /** The last one's id, undefined where there is none. */
  readonly lastId: string | undefined;
  /** The consumers that have any, and how many each has. */
  readonly consumers: readonly { readonly name: T; readonly pending: number }[];
}

/** One entry that a consumer got and did not acknowledge. */
export interface PendingMessage<T extends Value> {
  /** Milliseconds and sequence of the entry. */
  readonly id: string;
  /** The consumer that got it last. */
  readonly consumer: T;
  /** Milliseconds since it was delivered last. */
  readonly millisecondsSinceLastDelivery: number;
  /** How often it was delivered. */
  readonly deliveriesCounter: number;
}

/** Which pending entries are listed. */
export interface PendingRange {
  /** The first id, `"-"` unless told. */
  readonly start?: string;
  /** The last id, `"+"` unless told. */
  readonly end?: string;
  /** How many at most. */
  readonly count: number;
  /** Only entries that this consumer got last. */
  readonly consumer?: Key;
  /** Only those delivered so many milliseconds ago, or longer. */
  readonly idle?: number;
}

/** Entries that a walk reads each time it has found its place again. */
const ENTRIES_A_STEP = 16;

const cursor = new StreamCursor();
const first = new StreamId();
const last = new StreamId();
const field = new BytesRef();
const value = new BytesRef();
const idText = new Uint8Array(MAX_ID_TEXT);
const names = new Names();

/** The reads of streams. */
export class StreamReads<T extends Value> extends GeoReads<T> {
  /**
   * How many entries there are, 0 when there is no such key. O(1).
   *
   * @throws {CommandError} `WRONGTYPE` when the key holds something else.
   */
  xlen(key: Key): number {
    const entry = this.core.findType(key, ValueType.STREAM);
    return entry === 0 ? 0 : streamOf(this.core.db, entry).length;
  }

  /**
   * The entries from one id to another, both included, the oldest first, with `rev` the newest.
   *
   * @param start The lower id, as `XRANGE` takes it: `"-"` for the first one there is.
   * @param end The upper id, `"+"` for the last one there is.
   * @throws {CommandError} `WRONGTYPE` when the key holds something else, or when an id is none.
   */
  xrange(
    key: Key,
    start?: string,
    end?: string,
    options?: XrangeOptions,
  ): StreamMessage<T>[];
  /** Entries with what a schema makes of the object of all fields, whose values it gets as text. */
  xrange<V>(
    key: Key,
    start: string,
    end: string,
    options: XrangeOptions & { readonly decode: Schema<V> },
  ): StreamMessage<T, V>[];
  /** Entries with what a decoder makes of each value. */
  xrange<V>(
    key: Key,
    start: string,
    end: string,
    options: XrangeOptions & DecodeOptions<V>,
  ): StreamMessage<V>[];
  xrange<V>(
    key: Key,
    start: string = "-",
    end: string = "+",
    options: XrangeOptions & { readonly decode?: Decode<V> } = {},
  ): StreamMessage<T>[] | StreamMessage<T | V, V | Record<string, V>>[] {
    const { count = Infinity, rev = false, decode } = options;
    readRange(start, end);
    const messages: StreamMessage<T>[] = [];
    const entry = this.core.findType(key, ValueType.STREAM);
    if (entry === 0) return messages;
    cursor.open(streamOf(this.core.db, entry), first, last, rev);
    if (decode !== undefined) return this.#decodeMessages(key, count, decode);
    while (messages.length < count && cursor.next()) messages.push(this.#message());
    return messages;
  }

  #decodeMessages<V>(
    key: Key,
    count: number,
    decode: Decode<V>,
  ): StreamMessage<V, V | Record<string, V>>[] {
    // A decoder is code of the application, which may read: all entries are read before it runs.
    const entries: { readonly id: string; readonly fields: Map<string, Uint8Array> }[] = [];
    while (entries.length < count && cursor.next()) entries.push(fieldsOf());
    return entries.map(({ id, fields }) => ({
      id,
      message: this.#decode(key, id, fields, decode),
    }));
  }

  #decode<V>(
    key: Key,
    id: string,
    fields: ReadonlyMap<string, Uint8Array>,
    decode: Decode<V>,
  ): V | Record<string, V> {
    if (typeof decode === "object") {
      const texts: Record<string, string> = {};
      for (const [name, bytes] of fields) {
        defineField(texts, name, utf8(bytes, 0, bytes.length));
      }
      this.core.decoded.missed();
      return validate(decode, texts, key);
    }
    const message: Record<string, V> = {};
    for (const [name, bytes] of fields) {
      defineField(message, name, this.core.decodeCopy(key, `${id} ${name}`, bytes, decode));
    }
    return message;
  }

  /**
   * Walks the entries and copies no more than a few ahead. It goes by id: an entry that is there throughout is given
   * once, one that is added behind the place reached is given, too. The walk ends at the last entry, or when the key
   * goes.
   *
   * @throws {CommandError} `WRONGTYPE` when the key holds something else, also once the walk has begun.
   */
  xentries(key: Key, options: EntriesOptions = {}): Generator<StreamMessage<T>, void, undefined> {
    const { start = "-", end = "+", rev = false } = options;
    readRange(start, end);
    const from = new StreamId();
    const to = new StreamId();
    from.set(first);
    to.set(last);
    return walk<StreamMessage<T>>((_cursor, out) => {
      const entry = this.core.findType(key, ValueType.STREAM);
      if (entry === 0) return 0;
      cursor.open(streamOf(this.core.db, entry), from, to, rev);
      for (let i = 0; i < ENTRIES_A_STEP; i++) {
        if (!cursor.next()) return 0;
        out.push(this.#message());
      }
      const next = rev ? to : from;
      next.set(cursor.id);
      return (rev ? next.decrement() : next.increment()) ? 1 : 0;
    });
  }

  /**
   * The entries of several streams behind an id of each; undefined when there are none.
   *
   * @param streams Keys and ids: `"0"` for all entries, `"$"` for none, `"+"` for the last one.
   * @param options How many entries of each at most.
   * @throws {CommandError} `WRONGTYPE` when a key holds something else, or when an id is none.
   */
  xread(
    streams: readonly { readonly key: Key; readonly id: string }[],
    options: { readonly count?: number } = {},
  ): StreamMessages<T>[] | undefined {
    const args: CallArgument[] = ["XREAD"];
    if (options.count !== undefined) args.push("COUNT", options.count);
    args.push("STREAMS", ...streams.map(({ key }) => key), ...streams.map(({ id }) => id));
    const reply = this.core.run(args);
    if (!(reply instanceof Map)) return undefined;
    return [...reply].map(([name, messages]) => ({
      name: this.core.valueOf(name)!,
      messages: (messages as BytesReply[]).map((entry) => toMessage(this.core, entry)!),
    }));
  }

  /**
   * What a group has handed out and nobody acknowledged.
   *
   * @throws {CommandError} `NOGROUP` when the key or the group is missing; `WRONGTYPE`.
   */
  xpending(key: Key, group: Key): PendingSummary<T>;
  /** Such entries one by one. */
  xpending(key: Key, group: Key, range: PendingRange): PendingMessage<T>[];
  xpending(
    key: Key,
    group: Key,
    range?: PendingRange,
  ): PendingSummary<T> | PendingMessage<T>[] {
    const args: CallArgument[] = ["XPENDING", key, group];
    if (range === undefined) return this.#toSummary(this.core.run(args) as BytesReply[]);
    const { start = "-", end = "+", count, consumer, idle } = range;
    if (idle !== undefined) args.push("IDLE", idle);
    args.push(start, end, count);
    if (consumer !== undefined) args.push(consumer);
    const rows = this.core.run(args) as [BytesReply, BytesReply, number, number][];
    return rows.map(([id, owner, millisecondsSinceLastDelivery, deliveriesCounter]) => ({
      id: textOf(id),
      consumer: this.core.valueOf(owner)!,
      millisecondsSinceLastDelivery,
      deliveriesCounter,
    }));
  }

  /** The entry that the cursor is at. */
  #message(): StreamMessage<T> {
    const message: Record<string, T> = {};
    const id = latin1(idText, 0, cursor.id.writeText(idText, 0));
    for (let i = cursor.fieldCount; i > 0; i--) {
      cursor.readField(field, value);
      const name = names.text(field.bytes, field.start, field.end);
      const own = this.core.codec.value(value.bytes, value.start, value.end);
      if (name !== "__proto__") message[name] = own;
      else defineField(message, name, own);
    }
    return { id, message };
  }

  #toSummary([pending, firstId, lastId, consumers]: BytesReply[]): PendingSummary<T> {
    const rows = (consumers ?? []) as [BytesReply, BytesReply][];
    return {
      pending: Number(pending),
      firstId: firstId === null ? undefined : textOf(firstId),
      lastId: lastId === null ? undefined : textOf(lastId),
      consumers: rows.map(([name, count]) => ({
        name: this.core.valueOf(name)!,
        pending: Number(textOf(count)),
      })),
    };
  }
}

/** The entry at the cursor, with copies of its values. */
function fieldsOf(): { readonly id: string; readonly fields: Map<string, Uint8Array> } {
  const id = latin1(idText, 0, cursor.id.writeText(idText, 0));
  const fields = new Map<string, Uint8Array>();
  for (let i = cursor.fieldCount; i > 0; i--) {
    cursor.readField(field, value);
    const name = names.text(field.bytes, field.start, field.end);
    fields.set(name, value.view().slice());
  }
  return { id, fields };
}

/** Reads two ids into `first` and `last`. @throws {CommandError} When one of them is no id. */
function readRange(start: string, end: string): void {
  if (start === "-") first.set(MIN_ID);
  else readRangeStart(Argv.of(start), 0, first);
  if (end === "+") last.set(MAX_ID);
  else readRangeEnd(Argv.of(end), 0, last);
}

/** An entry as a handler replies it: its id, and fields and values in turn; undefined for null. */
export function toMessage<T extends Value>(
  core: ReadCore<T>,
  reply: BytesReply,
): StreamMessage<T> | undefined {
  if (!Array.isArray(reply)) return undefined;
  const [id, fields] = reply;
  const message: Record<string, T> = {};
  const words = fields as BytesReply[];
  for (let i = 0; i < words.length; i += 2) {
    defineField(message, textOf(words[i]), core.valueOf(words[i + 1])!);
  }
  return { id: textOf(id), message };
}
