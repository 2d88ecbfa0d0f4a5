/**
 * Consumer groups: how far each has read, and what was delivered and not acknowledged, for the group and
 * for each consumer. A pending entry is a row in either table and no object.
 *
 * @module
 */

import { latin1 } from "../../base/ascii.ts";
import { IdPlace, IdTable } from "../packed/id_table.ts";
import { StreamId } from "../packed/stream_id.ts";

/** Column of a group's pending entries: delivery time, milliseconds since 1970. */
export const TIME = 0;
/** Column: how often it was delivered. */
export const DELIVERIES = 1;
/** Column: {@linkcode Consumer.slot}; -1 where nobody has it (`XNACK`). */
export const OWNER = 2;
/** `entriesRead` of a group that does not know. */
export const UNKNOWN = -1;

const NOBODY = -1;

const place = new IdPlace();

/** One consumer of a group. */
export class Consumer {
  /** Its name. */
  readonly name: Uint8Array;
  /** Its number in the group. */
  readonly slot: number;
  /** When it last tried something, milliseconds since 1970. */
  seenMs: number;
  /** When it last was given something; -1 for never. */
  activeMs: number = -1;
  /** Ids it has pending. */
  readonly pending: IdTable = new IdTable(0);

  /** @param name Kept. */
  constructor(name: Uint8Array, slot: number, seenMs: number) {
    this.name = name;
    this.slot = slot;
    this.seenMs = seenMs;
  }
}

/** One consumer group. */
export class Group {
  /** Its name. */
  readonly name: Uint8Array;
  /** The last entry delivered. */
  readonly lastId: StreamId = new StreamId();
  /** How many entries were, counted from the stream's first ever; {@linkcode UNKNOWN}. */
  entriesRead: number = UNKNOWN;
  /** Everything pending. */
  pending: IdTable = new IdTable(3);
  readonly #bySlot: (Consumer | undefined)[] = [];
  readonly #byName: Map<string, Consumer> = new Map();

  /** @param name Kept. */
  constructor(name: Uint8Array) {
    this.name = name;
  }

  /** How many consumers there are. */
  get consumerCount(): number {
    return this.#byName.size;
  }

  /** A consumer by name. */
  consumer(bytes: Uint8Array, start: number, end: number): Consumer | undefined {
    return this.#byName.get(latin1(bytes, start, end));
  }

  /** A new consumer; undefined when the name is taken. */
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

  /** Removes a consumer and forgets what it has pending; returns how much that was. */
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

  /** Consumers by name, as Redis lists them. */
  consumers(): Consumer[] {
    return sorted(this.#byName);
  }

  /** The consumer that has a pending entry; undefined where nobody has. */
  ownerAt(at: IdPlace): Consumer | undefined {
    const slot = this.pending.getNumber(at, OWNER);
    return slot < 0 ? undefined : this.#bySlot[slot];
  }

  /** How many pending entries nobody has. O(consumers). */
  get unowned(): number {
    let owned = 0;
    for (const { pending } of this.#byName.values()) owned += pending.size;
    return this.pending.size - owned;
  }

  /** Gives an entry to a consumer, whoever had it, and points `at` at it in the group's table. */
  assign(id: StreamId, consumer: Consumer, at: IdPlace): void {
    const isNew = this.pending.add(id, at);
    const owner = isNew ? undefined : this.ownerAt(at);
    if (owner === consumer) return;
    owner?.pending.remove(id, place);
    consumer.pending.add(id, place);
    this.pending.setNumber(at, OWNER, consumer.slot);
  }

  /** Takes a pending entry from who has it and points `at` at it; false when it is none. */
  release(id: StreamId, at: IdPlace): boolean {
    if (!this.pending.find(id, at)) return false;
    this.ownerAt(at)?.pending.remove(id, place);
    this.pending.setNumber(at, OWNER, NOBODY);
    return true;
  }

  /** Makes an entry pending that nobody has, and points `at` at it. */
  addReleased(id: StreamId, at: IdPlace): void {
    this.pending.add(id, at);
    this.pending.setNumber(at, OWNER, NOBODY);
  }

  /** Forgets a pending entry; false when it is none. */
  forget(id: StreamId, at: IdPlace): boolean {
    if (!this.pending.find(id, at)) return false;
    this.ownerAt(at)?.pending.remove(id, place);
    this.pending.removeAt(at);
    return true;
  }

  /** Bytes of it. */
  get memoryBytes(): number {
    let bytes = this.name.length + 200 + this.pending.memoryBytes;
    for (const consumer of this.#byName.values()) {
      bytes += consumer.name.length + 150 + consumer.pending.memoryBytes;
    }
    return bytes;
  }

  /** An independent copy. */
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
      if (owner === undefined) copy.pending.setNumber(own, OWNER, -1);
      copy.pending.setNumber(own, TIME, this.pending.getNumber(at, TIME));
      copy.pending.setNumber(own, DELIVERIES, this.pending.getNumber(at, DELIVERIES));
    }
    return copy;
  }
}

/** Values by their names as bytes compare. */
export function sorted<T>(map: ReadonlyMap<string, T>): T[] {
  const names = [...map.keys()].sort((a, b) => (a < b ? -1 : 1));
  return names.map((name) => map.get(name)!);
}
