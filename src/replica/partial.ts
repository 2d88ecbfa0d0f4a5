/**
 * The filter of a replica: what it keeps, how it becomes narrower, and what is told of it.
 *
 * @module
 */

import { shape } from "../base/shape.ts";
import { checkArity } from "../commands/engine/execute.ts";
import { commandIndex } from "../commands/table.ts";
import { shapeOf } from "../replication/filter_shapes.ts";
import { usesOf } from "../replication/repair/roles.ts";
import { Argv } from "../resp/argv.ts";
import type { Words } from "../write/words.ts";
import type { StreamFilter } from "../replication/filter.ts";
import type { LinkStatus } from "../replication/types.ts";
import { type FilterOptions, KeyFilter, Refusal } from "../store/keyspace/key_filter.ts";
import { LeftOutReason } from "../store/keyspace/left_out.ts";
import type { KeepsKey } from "../server/forwarder.ts";
import type { ReplicaEngine } from "./engine.ts";
import { filterRule } from "./filter_rules.ts";
import type { FilterStatus } from "./filter_status.ts";
import { Narrowing } from "./narrowing.ts";

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

  /** Whether a key is kept by its name; undefined while every key is. */
  get keeps(): KeepsKey | undefined {
    return this.filter.active ? this.#keeps : undefined;
  }

  readonly #keeps: KeepsKey = (db, bytes, start, end) => {
    return this.filter.refusalOf(db, bytes, start, end) === Refusal.NONE;
  };

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

  /**
   * How many of the keys that commands write are never readable here.
   *
   * @param isDone Whether the data shows what they did: a key counts by its name alone before.
   */
  outside(db: number, commands: readonly Words[], isDone: boolean): "none" | "some" | "all" {
    if (!this.filter.active) return "none";
    let held = 0;
    let count = 0;
    for (const words of commands) {
      const argv = Argv.of(...words);
      const row = commandIndex.lookup(argv);
      if (row === undefined || !checkArity(row, argv)) continue;
      const { type } = shapeOf(row);
      const mayStay = this.filter.keepsCommand(row.name) &&
        (type === undefined || this.filter.keepsType(type));
      for (const use of usesOf(row, db, argv)) {
        if (use.role === "reads") continue;
        count++;
        if (mayStay && this.#holds(use.db, argv.at(use.index), isDone)) held++;
      }
    }
    return held === count ? "none" : held > 0 ? "some" : "all";
  }

  #holds(db: number, key: Uint8Array, isDone: boolean): boolean {
    if (this.filter.refusalOf(db, key, 0, key.length) !== Refusal.NONE) return false;
    return !isDone || !this.#engine.keyspace.leftOut.has(db, key, 0, key.length);
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
