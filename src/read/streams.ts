/**
 * The reads of streams.
 *
 * @module
 */

import { BytesRef } from "../base/byte_buffer.ts";
import { latin1 } from "../base/ascii.ts";
import { CommandError, NO_SUCH_KEY } from "../commands/engine/errors.ts";
import { readRangeEnd, readRangeStart } from "../commands/stream/args.ts";
import { Argv } from "../resp/argv.ts";
import { ValueType } from "../store/memory/record.ts";
import { MAX_ID, MAX_ID_TEXT, MIN_ID, StreamId } from "../store/packed/stream_id.ts";
import { streamOf } from "../store/types/small_stream.ts";
import { StreamCursor } from "../store/types/stream_cursor.ts";
import type { Value } from "./codec.ts";
import { GeoReads } from "./geo.ts";
import { defineField } from "./hashes.ts";
import { Names } from "./names.ts";
import type { BytesReply, CallArgument } from "./reply.ts";
import { type Key, utf8 } from "./text.ts";
import { walk } from "./walk.ts";

/** One entry of a stream. */
export interface StreamMessage<T extends Value> {
  /** Milliseconds and sequence, as "1526919030474-55". */
  readonly id: string;
  /** Its fields and values; of a field that comes twice the last value. */
  readonly message: Record<string, T>;
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

/** A stream's counters and edges, as XINFO STREAM tells them. */
export interface StreamInfo<T extends Value> {
  /** How many entries it has. */
  readonly length: number;
  /** Keys of the radix tree that Redis holds it in. */
  readonly radixTreeKeys: number;
  /** Nodes of that tree. */
  readonly radixTreeNodes: number;
  /** The largest id that was ever given. */
  readonly lastGeneratedId: string;
  /** The largest id that was ever deleted. */
  readonly maxDeletedEntryId: string;
  /** How many entries were ever added. */
  readonly entriesAdded: number;
  /** The smallest id that is there. */
  readonly recordedFirstEntryId: string;
  /** How many groups read it. */
  readonly groups: number;
  /** The oldest entry, undefined where there is none. */
  readonly firstEntry: StreamMessage<T> | undefined;
  /** The newest entry, undefined where there is none. */
  readonly lastEntry: StreamMessage<T> | undefined;
}

/** A group's counters, as XINFO GROUPS tells them. */
export interface GroupInfo<T extends Value> {
  /** The name by which consumers join the group. */
  readonly name: T;
  /** How many consumers it has. */
  readonly consumers: number;
  /** How many entries are pending. */
  readonly pending: number;
  /** The id up to which entries were handed out. */
  readonly lastDeliveredId: string;
  /** How many entries were read, undefined where that is not known. */
  readonly entriesRead: number | undefined;
  /** How many entries it has not read, undefined where that is not known. */
  readonly lag: number | undefined;
}

/** A consumer's counters, as XINFO CONSUMERS tells them. */
export interface ConsumerInfo<T extends Value> {
  /** The name by which the consumer asks for entries. */
  readonly name: T;
  /** How many entries it has to acknowledge. */
  readonly pending: number;
  /** Milliseconds since it last asked for entries. */
  readonly idle: number;
  /** Milliseconds since it last got one, -1 where it never did. */
  readonly inactive: number;
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
    start: string = "-",
    end: string = "+",
    options: { readonly count?: number; readonly rev?: boolean } = {},
  ): StreamMessage<T>[] {
    const { count = Infinity, rev = false } = options;
    readRange(start, end);
    const messages: StreamMessage<T>[] = [];
    const entry = this.core.findType(key, ValueType.STREAM);
    if (entry === 0) return messages;
    cursor.open(streamOf(this.core.db, entry), first, last, rev);
    while (messages.length < count && cursor.next()) messages.push(this.#message());
    return messages;
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
      messages: (messages as BytesReply[]).map((entry) => this.#toMessage(entry)!),
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

  /**
   * A stream's counters and edges, undefined when there is no such key.
   *
   * @throws {CommandError} `WRONGTYPE` when the key holds something else.
   */
  xinfoStream(key: Key): StreamInfo<T> | undefined {
    const reply = this.#info(["XINFO", "STREAM", key]);
    if (reply === undefined) return undefined;
    const fields = toFields(reply);
    return {
      length: Number(fields["length"]),
      radixTreeKeys: Number(fields["radix-tree-keys"]),
      radixTreeNodes: Number(fields["radix-tree-nodes"]),
      lastGeneratedId: textOf(fields["last-generated-id"]),
      maxDeletedEntryId: textOf(fields["max-deleted-entry-id"]),
      entriesAdded: Number(fields["entries-added"]),
      recordedFirstEntryId: textOf(fields["recorded-first-entry-id"]),
      groups: Number(fields["groups"]),
      firstEntry: this.#toMessage(fields["first-entry"]),
      lastEntry: this.#toMessage(fields["last-entry"]),
    };
  }

  /**
   * The counters of a stream's groups, undefined when there is no such key.
   *
   * @throws {CommandError} `WRONGTYPE` when the key holds something else.
   */
  xinfoGroups(key: Key): GroupInfo<T>[] | undefined {
    const reply = this.#info(["XINFO", "GROUPS", key]) as BytesReply[] | undefined;
    return reply?.map(toFields).map((fields) => ({
      name: this.core.valueOf(fields["name"])!,
      consumers: Number(fields["consumers"]),
      pending: Number(fields["pending"]),
      lastDeliveredId: textOf(fields["last-delivered-id"]),
      entriesRead: (fields["entries-read"] ?? undefined) as number | undefined,
      lag: (fields["lag"] ?? undefined) as number | undefined,
    }));
  }

  /**
   * The counters of a group's consumers, undefined when there is no such key.
   *
   * @throws {CommandError} `NOGROUP` when the stream has no such group; `WRONGTYPE`.
   */
  xinfoConsumers(key: Key, group: Key): ConsumerInfo<T>[] | undefined {
    const reply = this.#info(["XINFO", "CONSUMERS", key, group]) as BytesReply[] | undefined;
    return reply?.map(toFields).map((fields) => ({
      name: this.core.valueOf(fields["name"])!,
      pending: Number(fields["pending"]),
      idle: Number(fields["idle"]),
      inactive: Number(fields["inactive"]),
    }));
  }

  /** Runs XINFO; undefined when the key is missing. */
  #info(args: readonly CallArgument[]): BytesReply | undefined {
    try {
      return this.core.run(args);
    } catch (error) {
      if (error instanceof CommandError && error.message === NO_SUCH_KEY) return undefined;
      throw error;
    }
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

  /** An entry as a handler replies it: its id, and fields and values in turn. */
  #toMessage(reply: BytesReply): StreamMessage<T> | undefined {
    if (!Array.isArray(reply)) return undefined;
    const [id, fields] = reply;
    const message: Record<string, T> = {};
    const words = fields as BytesReply[];
    for (let i = 0; i < words.length; i += 2) {
      defineField(message, textOf(words[i]), this.core.valueOf(words[i + 1])!);
    }
    return { id: textOf(id), message };
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

/** Reads two ids into `first` and `last`. @throws {CommandError} When one of them is no id. */
function readRange(start: string, end: string): void {
  if (start === "-") first.set(MIN_ID);
  else readRangeStart(Argv.of(start), 0, first);
  if (end === "+") last.set(MAX_ID);
  else readRangeEnd(Argv.of(end), 0, last);
}

/** A map that a handler replied, by the texts of its keys. */
function toFields(reply: BytesReply): Record<string, BytesReply> {
  const fields: Record<string, BytesReply> = {};
  if (reply instanceof Map) { for (const [name, value] of reply) fields[textOf(name)] = value; }
  return fields;
}

/** A bulk string that a handler replied as text. */
function textOf(reply: BytesReply): string {
  return reply instanceof Uint8Array ? utf8(reply, 0, reply.length) : String(reply);
}
