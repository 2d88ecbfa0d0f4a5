/**
 * The filter of a replica: what it keeps, how it becomes narrower, and what is told of it.
 *
 * @module
 */

import { shape } from "../base/shape.ts";
import type { StreamFilter } from "../replication/filter.ts";
import type { LinkStatus } from "../replication/types.ts";
import {
  type FilterOptions,
  KeyFilter,
  type LeftOutCounts,
  Refusal,
} from "../store/keyspace/key_filter.ts";
import { LeftOutReason } from "../store/keyspace/left_out.ts";
import type { ReplicaEngine } from "./engine.ts";
import { filterRule } from "./filter_rules.ts";
import { Narrowing } from "./narrowing.ts";

/** How a filter stands at one moment. */
export interface FilterStatus {
  /** What was left out since the replica was made, by the rule that did it: keys of snapshots, commands of the stream. */
  readonly leftOut: Readonly<LeftOutCounts>;
  /** Commands of the stream that were passed over whole. */
  readonly commandsPassedOver: number;
  /** Keys that are kept by name and not held, by why: they return when they are deleted or replaced whole. */
  readonly remembered: {
    /** The value is too large. */
    readonly size: number;
    /** The master refused the value. */
    readonly dropped: number;
    /** `predicate` failed. */
    readonly predicate: number;
  };
  /** Keys that are computed from what is left out, and fetched from the master. */
  readonly border: {
    /** So many are awaited now. */
    readonly awaited: number;
    /** So many were awaited in all. */
    readonly begun: number;
    /** So many were lost, as the master refused their values. */
    readonly dropped: number;
    /** Databases whose keys are searched for: SWAPDB put them in place of one that is held. */
    readonly searchedDatabases: number;
  };
  /** How often `predicate` threw or answered no boolean. */
  readonly predicateErrors: number;
  /** True while `narrow` deletes keys. */
  readonly narrowing: boolean;
}

const narrowRule = shape({ filter: filterRule }, { required: ["filter"] });

/** The filter of one replica. */
export class PartialCopy {
  /** Decides what is kept. */
  readonly filter: KeyFilter;
  readonly #engine: ReplicaEngine;
  readonly #narrowing: Narrowing;
  /** What the link has of it; undefined before there is a link. */
  stream: StreamFilter | undefined = undefined;
  /** The filter became narrower while a snapshot was loaded that holds what it leaves out. */
  #isBehind: boolean = false;

  /** Keeps what `options` say, everything without. @param engine Deletes keys. */
  constructor(options: FilterOptions | undefined, engine: ReplicaEngine) {
    this.filter = new KeyFilter(options);
    this.#engine = engine;
    this.#narrowing = new Narrowing({
      keyspace: engine.keyspace,
      clock: engine.clock,
      filter: this.filter,
      executor: engine.executor,
      committed: () => engine.hooks.committed?.(engine.commits.place.applied),
      sweeping: (isSweeping) => {
        if (this.stream !== undefined) this.stream.sweeping = isSweeping;
      },
    });
  }

  /** Takes over what the link has. */
  follow(stream: StreamFilter): void {
    this.stream = stream;
    stream.sweeping = this.#narrowing.running;
    stream.onMixed = () => void this.#narrowing.run();
  }

  /** Keeps only what passes `options` as well. Resolves with how many keys were deleted. */
  narrow(options: FilterOptions, link: LinkStatus | undefined): Promise<number> {
    narrowRule({ filter: options }, "");
    this.filter.narrow(options);
    this.#isBehind ||= link?.sync !== undefined;
    this.stream?.narrowed();
    return this.#narrowing.run();
  }

  /** A snapshot has taken the place of the data. */
  replaced(): void {
    if (!this.#isBehind) return;
    this.#isBehind = false;
    void this.#narrowing.run();
  }

  /** Whether a key may be read here once the stream has come so far. */
  holds(db: number, key: Uint8Array): boolean {
    if (!this.filter.active) return true;
    if (this.filter.refusalOf(db, key, 0, key.length) !== Refusal.NONE) return false;
    return !this.#engine.keyspace.leftOut.has(db, key, 0, key.length);
  }

  /** How the filter stands; undefined while there is none. */
  status(link: LinkStatus | undefined): FilterStatus | undefined {
    const { filter } = this;
    if (!filter.active) return undefined;
    const { leftOut } = this.#engine.keyspace;
    const repairs = link?.repairs;
    return {
      leftOut: { ...filter.leftOut },
      commandsPassedOver: this.stream?.passedOver ?? 0,
      remembered: {
        size: leftOut.count(LeftOutReason.SIZE),
        dropped: leftOut.count(LeftOutReason.REFUSED),
        predicate: leftOut.count(LeftOutReason.PREDICATE),
      },
      border: {
        awaited: this.stream?.awaitedAtBorder ?? 0,
        begun: repairs?.begun.border ?? 0,
        dropped: repairs?.ended.border.dropped ?? 0,
        searchedDatabases: repairs?.doubtedDatabases ?? 0,
      },
      predicateErrors: filter.predicateErrors,
      narrowing: this.#narrowing.running,
    };
  }

  /** Deletes no further key. */
  close(): void {
    this.#narrowing.close();
  }
}
