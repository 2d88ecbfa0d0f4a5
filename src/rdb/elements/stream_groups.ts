/**
 * A stream's consumer groups: what is pending in each, and which consumer has it. A group lists its
 * pending entries twice, first all of them with their times, then under each consumer the ids of
 * its own:
 *
 * ```text
 *   n groups, each
 *     NAME                a string
 *     COUNTERS            last delivered ms, seq; since generation 2 entries read, 2^64 - 1: unknown
 *     PENDING_COUNT       n, each  PENDING_ID:16, PENDING_TIME:8, PENDING_DELIVERIES
 *     CONSUMER_COUNT      n, each  CONSUMER_NAME, CONSUMER_SEEN:8,
 *                                  since generation 3 CONSUMER_ACTIVE:8,
 *                                  OWN_COUNT, OWN_ID:16 each
 *     FREE_COUNT          since generation 5: n, FREE_ID:16 each, entries without a consumer (XNACK)
 * ```
 *
 * Ids of 16 bytes are raw and big endian, times are little endian milliseconds, all else are
 * lengths.
 *
 * As in `rdb.c`, every entry of the group's list must be claimed exactly once: by one consumer, or
 * by the list of those that are free. An entry is added without an owner, each claim takes it out
 * of those still unclaimed, and a group that ends with unclaimed entries is refused.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { IdPlace } from "../../store/packed/id_table.ts";
import { bounded, StreamId } from "../../store/packed/stream_id.ts";
import type { Stream } from "../../store/types/stream.ts";
import {
  type Consumer,
  DELIVERIES,
  Group,
  OWNER,
  TIME,
  UNKNOWN,
} from "../../store/types/stream_groups.ts";
import { type DecodeContext, NONE } from "../format/context.ts";
import { STREAM_ID_BYTES, TWO_32 } from "../format/opcodes.ts";
import type { StringSlot } from "../format/string_slot.ts";

const TIME_BYTES = 8;
/** The owner of a pending entry that no consumer has claimed. */
const NOBODY = -1;
const MAX_WORD = 0xffffffff;

/** What is read next, in the order of the format. */
const Step = {
  COUNT: 0,
  NAME: 1,
  COUNTERS: 2,
  PENDING_COUNT: 3,
  PENDING_ID: 4,
  PENDING_TIME: 5,
  PENDING_DELIVERIES: 6,
  CONSUMER_COUNT: 7,
  CONSUMER_NAME: 8,
  CONSUMER_SEEN: 9,
  CONSUMER_ACTIVE: 10,
  OWN_COUNT: 11,
  OWN_ID: 12,
  FREE_COUNT: 13,
  FREE_ID: 14,
  GROUP_END: 15,
} as const;
type Step = typeof Step[keyof typeof Step];

/** Reads the groups of one stream after the other. */
export class StreamGroups {
  readonly #context: DecodeContext;
  readonly #generation: number;
  readonly #slot: StringSlot;
  readonly #id: StreamId = new StreamId();
  readonly #place: IdPlace = new IdPlace();
  readonly #ownPlace: IdPlace = new IdPlace();
  readonly #counters: number[] = [];
  #stream: Stream | undefined = undefined;
  #group: Group = new Group(new Uint8Array(0));
  #consumer: Consumer | undefined = undefined;
  #step: Step = Step.COUNT;
  /** Groups still to come, the one at hand included. */
  #groups: number = 0;
  /** Consumers of the group still to come. */
  #consumers: number = 0;
  /** Ids still to come in the list at hand. */
  #left: number = 0;
  /** Pending entries of the group that are still unclaimed. */
  #unclaimed: number = 0;

  /**
   * Makes a reader of groups in one generation of the format.
   *
   * @param generation 1 for STREAM_LISTPACKS, 5 for STREAM_LISTPACKS_5.
   */
  constructor(context: DecodeContext, generation: number) {
    this.#context = context;
    this.#generation = generation;
    this.#slot = context.newSlot();
  }

  /** Begins the groups of `stream`, to which they are added. */
  begin(stream: Stream): void {
    assert(this.#stream === undefined, "the groups of the stream before were read to their end");
    this.#stream = stream;
    this.#step = Step.COUNT;
    this.#groups = NONE;
  }

  /** Reads on; false when the chunk ended first. */
  read(): boolean {
    for (;;) {
      if (this.#groups === 0) {
        this.#stream = undefined;
        return true;
      }
      const step = this.#step;
      const goesOn = step < Step.PENDING_COUNT
        ? this.#readHead(step)
        : step < Step.CONSUMER_COUNT
        ? this.#readPending(step)
        : step < Step.OWN_COUNT
        ? this.#readConsumer(step)
        : this.#readOwned(step);
      if (!goesOn) return false;
    }
  }

  #readHead(step: Step): boolean {
    const { reader } = this.#context;
    if (step === Step.COUNT) {
      if (!reader.readLength()) return false;
      this.#groups = reader.length;
      this.#step = Step.NAME;
      return true;
    }
    if (step === Step.NAME) {
      const slot = this.#slot;
      if (!reader.readString(slot)) return false;
      assert(this.#stream !== undefined, "groups are read between begin and their end");
      const group = this.#stream.addGroup(slot.bytes, slot.start, slot.end);
      if (group === undefined) return reader.fail("Consumer group comes twice");
      this.#group = group;
      this.#step = Step.COUNTERS;
      return true;
    }
    const counters = this.#counters;
    const count = this.#generation >= 2 ? 3 : 2;
    while (counters.length < 2 * count) {
      if (!reader.readLength()) return false;
      counters.push(reader.lengthHigh, reader.lengthLow);
    }
    this.#takeCounters(counters);
    counters.length = 0;
    this.#step = Step.PENDING_COUNT;
    return true;
  }

  /** Before Redis 7.0 nobody counted what a group has read: it is estimated from its last id. */
  #takeCounters(at: readonly number[]): void {
    const group = this.#group;
    group.lastId.setWords(at[0], at[1], at[2], at[3]);
    if (this.#generation < 2) group.entriesRead = this.#stream!.entriesUpTo(group.lastId);
    else if (at[4] === MAX_WORD && at[5] === MAX_WORD) group.entriesRead = UNKNOWN;
    else group.entriesRead = bounded(at[4] * TWO_32 + at[5]);
  }

  #readPending(step: Step): boolean {
    const { reader } = this.#context;
    const { pending } = this.#group;
    if (step === Step.PENDING_COUNT) {
      if (!reader.readLength()) return false;
      this.#left = reader.length;
      this.#unclaimed = reader.length;
      this.#step = this.#left > 0 ? Step.PENDING_ID : Step.CONSUMER_COUNT;
    } else if (step === Step.PENDING_ID) {
      if (!this.#readId()) return false;
      if (!pending.add(this.#id, this.#place)) reader.fail("Pending entry comes twice");
      pending.setNumber(this.#place, OWNER, NOBODY);
      this.#step = Step.PENDING_TIME;
    } else if (step === Step.PENDING_TIME) {
      if (!reader.readFixed(TIME_BYTES)) return false;
      pending.setNumber(this.#place, TIME, bounded(reader.fixedInt64()));
      this.#step = Step.PENDING_DELIVERIES;
    } else {
      if (!reader.readLength()) return false;
      pending.setNumber(this.#place, DELIVERIES, bounded(reader.length));
      this.#step = --this.#left > 0 ? Step.PENDING_ID : Step.CONSUMER_COUNT;
    }
    return true;
  }

  #readConsumer(step: Step): boolean {
    const { reader } = this.#context;
    if (step === Step.CONSUMER_COUNT) {
      if (!reader.readLength()) return false;
      this.#consumers = reader.length;
      this.#nextConsumer();
    } else if (step === Step.CONSUMER_NAME) {
      const slot = this.#slot;
      if (!reader.readString(slot)) return false;
      this.#consumer = this.#group.addConsumer(slot.bytes, slot.start, slot.end, 0);
      if (this.#consumer === undefined) reader.fail("Consumer comes twice");
      this.#step = Step.CONSUMER_SEEN;
    } else if (step === Step.CONSUMER_SEEN) {
      if (!reader.readFixed(TIME_BYTES)) return false;
      const consumer = this.#consumer!;
      consumer.seenMs = bounded(reader.fixedInt64());
      consumer.activeMs = consumer.seenMs;
      this.#step = this.#generation >= 3 ? Step.CONSUMER_ACTIVE : Step.OWN_COUNT;
    } else {
      if (!reader.readFixed(TIME_BYTES)) return false;
      this.#consumer!.activeMs = bounded(reader.fixedInt64());
      this.#step = Step.OWN_COUNT;
    }
    return true;
  }

  #readOwned(step: Step): boolean {
    const { reader } = this.#context;
    if (step === Step.OWN_COUNT || step === Step.FREE_COUNT) {
      if (!reader.readLength()) return false;
      this.#left = reader.length;
      this.#step = step === Step.OWN_COUNT ? Step.OWN_ID : Step.FREE_ID;
      return true;
    }
    if (step === Step.GROUP_END) {
      // Checked here because only the end of the last list shows it.
      if (this.#unclaimed !== 0) reader.fail("Pending entry has no consumer");
      this.#groups--;
      this.#step = Step.NAME;
      return true;
    }
    for (; this.#left > 0; this.#left--) {
      if (!this.#readId()) return false;
      if (step === Step.OWN_ID) this.#claim();
      else if (!this.#findUnclaimed()) reader.fail("Entry without consumer is not pending");
      this.#unclaimed--;
    }
    assert(this.#unclaimed >= 0, "no entry is claimed twice");
    if (step === Step.OWN_ID) this.#nextConsumer();
    else this.#step = Step.GROUP_END;
    return true;
  }

  #nextConsumer(): void {
    if (this.#consumers-- > 0) this.#step = Step.CONSUMER_NAME;
    else this.#step = this.#generation >= 5 ? Step.FREE_COUNT : Step.GROUP_END;
  }

  #claim(): void {
    const consumer = this.#consumer!;
    if (!this.#findUnclaimed()) {
      this.#context.reader.fail("Consumer's pending entry is not the group's, or another's");
    }
    consumer.pending.add(this.#id, this.#ownPlace);
    this.#group.pending.setNumber(this.#place, OWNER, consumer.slot);
  }

  /**
   * Points at the pending entry of the id just read; false when there is none or it has been
   * claimed.
   */
  #findUnclaimed(): boolean {
    const { pending } = this.#group;
    return pending.find(this.#id, this.#place) &&
      pending.getNumber(this.#place, OWNER) === NOBODY;
  }

  #readId(): boolean {
    const { reader } = this.#context;
    if (!reader.readFixed(STREAM_ID_BYTES)) return false;
    this.#id.setBytes(reader.fixed, 0);
    return true;
  }
}
