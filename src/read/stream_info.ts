/**
 * What streams tell of themselves, their groups and consumers: XINFO.
 *
 * @module
 */

import { CommandError, NO_SUCH_KEY } from "../commands/engine/errors.ts";
import { checkInteger } from "./arguments.ts";
import type { Value } from "./codec.ts";
import type { ReadCore } from "./core.ts";
import { textOf, toFields } from "./fields.ts";
import type { BytesReply, CallArgument } from "./reply.ts";
import { type StreamMessage, StreamReads, toMessage } from "./streams.ts";
import type { Key } from "./text.ts";

/** A stream's counters, which both forms of XINFO STREAM begin with. */
export interface StreamCounters {
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
  /** What is known of producers that add each entry once; undefined of masters before Redis 8.6. */
  readonly producers: ProducersInfo | undefined;
}

/** What a stream of Redis 8.6 knows of producers that add each entry once (`XADD IDMP`). */
export interface ProducersInfo {
  /** Seconds for which the id of an entry's addition is remembered. */
  readonly durationSeconds: number;
  /** How many such ids of one producer are remembered at most. */
  readonly maxSize: number;
  /** Producers of which an id is remembered. */
  readonly pidsTracked: number;
  /** Ids that are remembered, of all producers. */
  readonly iidsTracked: number;
  /** Entries that were ever added with such an id. */
  readonly iidsAdded: number;
  /** Additions that were left out as their id was known. */
  readonly iidsDuplicates: number;
}

/** A stream's counters and edges, as XINFO STREAM tells them. */
export interface StreamInfo<T extends Value> extends StreamCounters {
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

/** A stream with its entries, groups and consumers, as XINFO STREAM FULL tells them. */
export interface FullStreamInfo<T extends Value> extends StreamCounters {
  /** Its entries, the oldest first, up to the count. */
  readonly entries: StreamMessage<T>[];
  /** Every group that reads it. */
  readonly groups: FullGroupInfo<T>[];
}

/** A group with its pending entries and consumers. */
export interface FullGroupInfo<T extends Value> {
  /** The name by which consumers join the group. */
  readonly name: T;
  /** The id up to which entries were handed out. */
  readonly lastDeliveredId: string;
  /** How many entries were read, undefined where that is not known. */
  readonly entriesRead: number | undefined;
  /** How many entries it has not read, undefined where that is not known. */
  readonly lag: number | undefined;
  /** How many entries are pending. */
  readonly pelCount: number;
  /** Pending entries in the order of their ids, up to the count. */
  readonly pending: (PendingDelivery & { readonly consumer: T })[];
  /** Every consumer of the group. */
  readonly consumers: FullConsumerInfo<T>[];
}

/** A consumer with its pending entries. */
export interface FullConsumerInfo<T extends Value> {
  /** The name by which the consumer asks for entries. */
  readonly name: T;
  /** When it last asked for entries, in milliseconds since 1970. */
  readonly seenTime: number;
  /** When it last got one, in milliseconds since 1970; -1 where it never did. */
  readonly activeTime: number;
  /** How many entries it has to acknowledge. */
  readonly pelCount: number;
  /** Those entries in the order of their ids, up to the count. */
  readonly pending: PendingDelivery[];
}

/** One entry that was delivered and not acknowledged. */
export interface PendingDelivery {
  /** Milliseconds and sequence of the entry. */
  readonly id: string;
  /** When it was delivered last, in milliseconds since 1970. */
  readonly deliveryTime: number;
  /** How often it was delivered. */
  readonly deliveriesCounter: number;
}

/** How much of a stream XINFO STREAM FULL tells. */
export interface FullInfoOptions {
  /** Asks for entries, groups and consumers, too. */
  readonly full: true;
  /** Entries, and pending entries of each group and consumer, at most: 10 unless told, 0 for all. */
  readonly count?: number;
}

/** The reads that describe streams. */
export class StreamInfoReads<T extends Value> extends StreamReads<T> {
  /**
   * A stream's counters and edges, undefined when there is no such key.
   *
   * @throws {CommandError} `WRONGTYPE` when the key holds something else.
   */
  xinfoStream(key: Key, options?: { readonly full?: false }): StreamInfo<T> | undefined;
  /** The same with its entries, groups and consumers. O(entries told). */
  xinfoStream(key: Key, options: FullInfoOptions): FullStreamInfo<T> | undefined;
  xinfoStream(
    key: Key,
    options: { readonly full?: boolean; readonly count?: number } = {},
  ): StreamInfo<T> | FullStreamInfo<T> | undefined {
    const { core } = this;
    const args: CallArgument[] = ["XINFO", "STREAM", key];
    if (options.full) args.push("FULL");
    if (options.full && options.count !== undefined) {
      checkInteger(options.count, "count", 0);
      args.push("COUNT", options.count);
    }
    const reply = this.#info(args);
    if (reply === undefined) return undefined;
    const fields = toFields(reply);
    const counters = toCounters(fields);
    if (options.full) {
      return {
        ...counters,
        entries: (fields["entries"] as BytesReply[]).map((entry) => toMessage(core, entry)!),
        groups: (fields["groups"] as BytesReply[]).map((group) => toFullGroup(core, group)),
      };
    }
    return {
      ...counters,
      groups: Number(fields["groups"]),
      firstEntry: toMessage(core, fields["first-entry"]),
      lastEntry: toMessage(core, fields["last-entry"]),
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
      entriesRead: knownOf(fields["entries-read"]),
      lag: knownOf(fields["lag"]),
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
}

/** The fields of a map that describes something, by their names. */
type Fields = Record<string, BytesReply>;

function toCounters(fields: Fields): StreamCounters {
  return {
    length: Number(fields["length"]),
    radixTreeKeys: Number(fields["radix-tree-keys"]),
    radixTreeNodes: Number(fields["radix-tree-nodes"]),
    lastGeneratedId: textOf(fields["last-generated-id"]),
    maxDeletedEntryId: textOf(fields["max-deleted-entry-id"]),
    entriesAdded: Number(fields["entries-added"]),
    recordedFirstEntryId: textOf(fields["recorded-first-entry-id"]),
    producers: fields["idmp-duration"] === undefined ? undefined : {
      durationSeconds: Number(fields["idmp-duration"]),
      maxSize: Number(fields["idmp-maxsize"]),
      pidsTracked: Number(fields["pids-tracked"]),
      iidsTracked: Number(fields["iids-tracked"]),
      iidsAdded: Number(fields["iids-added"]),
      iidsDuplicates: Number(fields["iids-duplicates"]),
    },
  };
}

function toFullGroup<T extends Value>(core: ReadCore<T>, reply: BytesReply): FullGroupInfo<T> {
  const fields = toFields(reply);
  return {
    name: core.valueOf(fields["name"])!,
    lastDeliveredId: textOf(fields["last-delivered-id"]),
    entriesRead: knownOf(fields["entries-read"]),
    lag: knownOf(fields["lag"]),
    pelCount: Number(fields["pel-count"]),
    pending: (fields["pending"] as BytesReply[][]).map(([id, consumer, time, deliveries]) => ({
      ...toDelivery([id, time, deliveries]),
      consumer: core.valueOf(consumer)!,
    })),
    consumers: (fields["consumers"] as BytesReply[]).map((one) => toFullConsumer(core, one)),
  };
}

function toFullConsumer<T extends Value>(
  core: ReadCore<T>,
  reply: BytesReply,
): FullConsumerInfo<T> {
  const fields = toFields(reply);
  return {
    name: core.valueOf(fields["name"])!,
    seenTime: Number(fields["seen-time"]),
    activeTime: Number(fields["active-time"]),
    pelCount: Number(fields["pel-count"]),
    pending: (fields["pending"] as BytesReply[][]).map(toDelivery),
  };
}

function toDelivery([id, time, deliveries]: readonly BytesReply[]): PendingDelivery {
  return {
    id: textOf(id),
    deliveryTime: Number(time),
    deliveriesCounter: Number(deliveries),
  };
}

/** A counter that may not be known. */
function knownOf(reply: BytesReply): number | undefined {
  return (reply ?? undefined) as number | undefined;
}
