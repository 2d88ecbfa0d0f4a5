/**
 * Consumer groups of a stream: how far each has read, and which entries were delivered and not yet
 * acknowledged, for the group and for each consumer (`stream.h streamCG`, `streamConsumer`, `streamNACK`).
 *
 * ```
 *  group.pending       id | delivery time | deliveries | owner's slot      every pending entry
 *  consumer.pending    id                                                  those of one consumer
 * ```
 *
 * A pending entry is a row in both tables and no object: Redis shares one `streamNACK` between two radix
 * trees, here the group's row says whose it is and the consumer's only that it is. A slot is the number of
 * a consumer in its group, as a column holds numbers.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { latin1 } from "../../base/ascii.ts";
import { IdPlace, IdTable } from "../packed/id_table.ts";
import { StreamId } from "../packed/stream_id.ts";

/** Column of a group's pending entries: when one was delivered last, milliseconds since 1970. */
export const TIME = 0;
/** Column of a group's pending entries: how often one was delivered. */
export const DELIVERIES = 1;
/** Column of a group's pending entries: {@linkcode Consumer.slot}; -1 for none, after XNACK. */
export const OWNER = 2;
/** `entriesRead` of a group that cannot tell (`SCG_INVALID_ENTRIES_READ`). */
export const UNKNOWN: number = -1;

/** The slot of no consumer. */
const NOBODY = -1;
/** What the objects of a group and of a consumer take, about. */
const GROUP_BYTES = 200;
const CONSUMER_BYTES = 150;

/** A row of a consumer's table, within one call. */
const place = new IdPlace();

/** One consumer of a group (`streamConsumer`). */
export class Consumer {
  /** The name, any bytes. */
  readonly name: Uint8Array;
  /** The consumer's number in its group: that of one that was removed is used again. */
  readonly slot: number;
  /** When the consumer last tried to read or claim, milliseconds since 1970. */
  seenMs: number;
  /** When the consumer last was given an entry, milliseconds since 1970; -1 for never. */
  activeMs: number = -1;
  /** The ids that are pending for the consumer. */
  readonly pending: IdTable = new IdTable(0);

  /** Makes a consumer without pending entries; `name` is kept and must not change. */
  constructor(name: Uint8Array, slot: number, seenMs: number) {
    this.name = name;
    this.slot = slot;
    this.seenMs = seenMs;
  }
}

/** One consumer group (`streamCG`). */
export class Group {
  /** The name, any bytes. */
  readonly name: Uint8Array;
  /** The id up to which entries were delivered. */
  readonly lastId: StreamId = new StreamId();
  /** How many entries were ever added up to `lastId`; {@linkcode UNKNOWN} if that cannot be told. */
  entriesRead: number = UNKNOWN;
  /** Every pending entry: columns TIME, DELIVERIES and OWNER. */
  pending: IdTable = new IdTable(3);
  readonly #bySlot: (Consumer | undefined)[] = [];
  readonly #byName: Map<string, Consumer> = new Map();

  /** Makes a group without consumers; `name` is kept and must not change. */
  constructor(name: Uint8Array) {
    this.name = name;
  }

  /** How many consumers there are. */
  get consumerCount(): number {
    return this.#byName.size;
  }

  /** The consumer of that name, undefined when there is none. */
  consumer(bytes: Uint8Array, start: number, end: number): Consumer | undefined {
    return this.#byName.get(latin1(bytes, start, end));
  }

  /** Makes a consumer of a copy of the name (`streamCreateConsumer`); undefined when there is one already. */
  addConsumer(
    bytes: Uint8Array,
    start: number,
    end: number,
    seenMs: number,
  ): Consumer | undefined {
    const key = latin1(bytes, start, end);
    if (this.#byName.has(key)) return undefined;
    const free = this.#bySlot.indexOf(undefined);
    const slot = free < 0 ? this.#bySlot.length : free;
    const consumer = new Consumer(bytes.slice(start, end), slot, seenMs);
    this.#byName.set(key, consumer);
    this.#bySlot[slot] = consumer;
    return consumer;
  }

  /** Removes a consumer and its pending entries (`streamDelConsumer`); returns how many those were. */
  removeConsumer(consumer: Consumer): number {
    const id = new StreamId();
    const at = new IdPlace();
    for (let more = consumer.pending.first(at); more; more = consumer.pending.next(at)) {
      consumer.pending.readId(at, id);
      this.pending.remove(id, place);
    }
    this.#byName.delete(latin1(consumer.name));
    this.#bySlot[consumer.slot] = undefined;
    return consumer.pending.size;
  }

  /** All consumers in the order of their names as bytes, as Redis lists them. */
  consumers(): Consumer[] {
    return sorted(this.#byName);
  }

  /** The consumer that a pending entry belongs to; undefined for none. */
  ownerAt(at: IdPlace): Consumer | undefined {
    const slot = this.pending.getNumber(at, OWNER);
    return slot < 0 ? undefined : this.#bySlot[slot];
  }

  /** How many pending entries belong to no consumer. O(consumers). */
  get unowned(): number {
    let owned = 0;
    for (const { pending } of this.#byName.values()) owned += pending.size;
    return this.pending.size - owned;
  }

  /**
   * Makes an entry pending for a consumer, whether it was for another one, for none or not at all, and
   * points `at` at its row in the group's table. Time and deliveries are the caller's to set.
   */
  assign(id: StreamId, consumer: Consumer, at: IdPlace): void {
    const isNew = this.pending.add(id, at);
    const owner = isNew ? undefined : this.ownerAt(at);
    if (owner === consumer) return;
    assert(this.#bySlot[consumer.slot] === consumer, "the consumer is the group's");
    owner?.pending.remove(id, place);
    consumer.pending.add(id, place);
    this.pending.setNumber(at, OWNER, consumer.slot);
  }

  /** Takes a pending entry from its consumer and points `at` at it; false when it is not pending. */
  release(id: StreamId, at: IdPlace): boolean {
    if (!this.pending.find(id, at)) return false;
    this.ownerAt(at)?.pending.remove(id, place);
    this.pending.setNumber(at, OWNER, NOBODY);
    return true;
  }

  /** Makes an entry pending for no consumer, and points `at` at it. */
  addReleased(id: StreamId, at: IdPlace): void {
    this.pending.add(id, at);
    this.pending.setNumber(at, OWNER, NOBODY);
  }

  /** Makes an entry no longer pending (XACK); false when it was not. */
  forget(id: StreamId, at: IdPlace): boolean {
    if (!this.pending.find(id, at)) return false;
    this.ownerAt(at)?.pending.remove(id, place);
    this.pending.removeAt(at);
    return true;
  }

  /** Bytes of the tables and names, and about what their objects take. O(consumers). */
  get memoryBytes(): number {
    let bytes = this.name.length + GROUP_BYTES + this.pending.memoryBytes;
    for (const consumer of this.#byName.values()) {
      bytes += consumer.name.length + CONSUMER_BYTES + consumer.pending.memoryBytes;
    }
    return bytes;
  }

  /** An independent copy. O(n). */
  copy(): Group {
    const copy = new Group(this.name);
    copy.lastId.set(this.lastId);
    copy.entriesRead = this.entriesRead;
    for (const consumer of this.consumers()) {
      const { name, seenMs } = consumer;
      copy.addConsumer(name, 0, name.length, seenMs)!.activeMs = consumer.activeMs;
    }
    const id = new StreamId();
    const at = new IdPlace();
    const own = new IdPlace();
    for (let more = this.pending.first(at); more; more = this.pending.next(at)) {
      this.pending.readId(at, id);
      const owner = this.ownerAt(at);
      if (owner === undefined) copy.pending.add(id, own);
      else copy.assign(id, copy.consumer(owner.name, 0, owner.name.length)!, own);
      if (owner === undefined) copy.pending.setNumber(own, OWNER, NOBODY);
      copy.pending.setNumber(own, TIME, this.pending.getNumber(at, TIME));
      copy.pending.setNumber(own, DELIVERIES, this.pending.getNumber(at, DELIVERIES));
    }
    return copy;
  }
}

/** The values of a map in the order of their names, each character of which is a byte. */
export function sorted<T>(map: ReadonlyMap<string, T>): T[] {
  const names = [...map.keys()].sort((a, b) => (a < b ? -1 : 1));
  return names.map((name) => map.get(name)!);
}
