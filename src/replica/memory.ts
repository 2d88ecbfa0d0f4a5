/**
 * What a replica holds in memory, by what it is for, and the limit on it: `maxMemory`, `status().memory` and the event
 * `memory`. The limit is held where memory is taken, in `replication/memory.ts`; here it is counted what that is.
 *
 * @module
 */

import { parseMemorySize } from "../base/memory_size.ts";
import type { DecodeCache } from "../read/decode_cache.ts";
import type { HotTexts } from "../read/hot_texts.ts";
import type { Value } from "../read/codec.ts";
import type { MemoryError } from "../replication/errors.ts";
import { type MemoryLevel, type MemoryPolicy, MemoryWatch } from "../replication/memory.ts";
import type { Keyspace } from "../store/keyspace/keyspace.ts";
import { fragmentationOf } from "../store/memory/stored_object.ts";

/** Least `maxMemory`, 1 MB: with less not even the pieces that memory comes in could be told apart. */
export const LEAST_MEMORY_BYTES: number = 1024 * 1024;
/** What a key that waits for a consumer of the change feed is counted as. */
const QUEUED_KEY_BYTES = 128;

/** What a key that a filter has left out is counted as: its eight bytes, in a table that is half full. */
const LEFT_OUT_BYTES = 16;

/** What one database holds. */
export interface DatabaseMemory {
  /** Keys, expired ones included that the master still has to delete. */
  readonly keys: number;
  /** Keys with an expiry. */
  readonly expiring: number;
  /** Bytes of records in use: keys, and values that are small. */
  readonly used: number;
  /** Bytes set aside for records: in use, free, and not used yet. */
  readonly reserved: number;
  /** Bytes of the table from keys to records. */
  readonly table: number;
  /** Bytes of large values. */
  readonly objects: number;
}

/** What a replica holds. */
export interface MemoryStatus {
  /** Bytes held in all, which `maxMemory` bounds: the sum of the parts below. */
  readonly total: number;
  /** Most bytes that may be held; undefined without `maxMemory`. */
  readonly limit: number | undefined;
  /** What follows when they are. */
  readonly onMaxMemory: MemoryPolicy;
  /** `ample`; `scarce` from 90% of the limit on; `reached` until the master is followed with less again. */
  readonly level: MemoryLevel;
  /** Bytes of the data: reserved, tables and large values of all databases. */
  readonly data: number;
  /** Bytes of a snapshot that is being loaded beside it. */
  readonly loading: number;
  /** Bytes of decoded values and texts that are kept. */
  readonly caches: number;
  /** Bytes of rows and indexes of collections. */
  readonly indexes: number;
  /** Bytes of what a filter remembers of keys that it leaves out. */
  readonly leftOut: number;
  /** Bytes of the log of the change feed, and about what waits for its consumers. */
  readonly feed: number;
  /** Bytes from the master that are not data yet: they wait, or are half a command or transaction. */
  readonly incoming: number;
  /** Bytes used or wasted for each byte used by records; 1 when nothing is used. */
  readonly fragmentation: number;
  /** Each database that holds keys, by its number. */
  readonly databases: Readonly<Record<string, DatabaseMemory>>;
}

/** How what is held stands to `maxMemory` now. */
export interface MemoryEvent {
  /**
   * `warning`: 90% are held. `reached`: the data is stale from now on, or was emptied. `recovered`: the master is
   * followed, and less is held.
   */
  readonly level: "warning" | "reached" | "recovered";
  /** Bytes that are held now, as `status().memory.total` counts them. */
  readonly usedBytes: number;
  /** Most bytes that may be held. */
  readonly maxBytes: number;
  /** With `reached`: what happened, in numbers. */
  readonly error: MemoryError | undefined;
}

/** What is counted beside the data. */
export interface MemorySources {
  /** The data that is read. */
  readonly keyspace: Keyspace;
  /** Decoded values that are kept. */
  readonly decoded: DecodeCache;
  /** Texts of hot keys, of every reader there is. */
  readonly hot: readonly HotTexts<Value>[];
  /** Bytes of rows and indexes. */
  indexBytes(): number;
  /** Bytes of the feed's log, and keys that wait. */
  feed(): { readonly logBytes: number; readonly queued: number };
  /** Is told of what the event `memory` tells. */
  tell(event: MemoryEvent): void;
}

/** Counts the memory of one replica and holds its limit. */
export class ReplicaMemory {
  /** Holds the limit where memory is taken. */
  readonly watch: MemoryWatch;
  readonly #sources: MemorySources;
  #told: MemoryLevel = "ample";

  /** Begins without a limit. @param sources What is counted. */
  constructor(sources: MemorySources) {
    this.#sources = sources;
    this.watch = new MemoryWatch({
      keyspace: sources.keyspace,
      others: () => this.#caches() + sources.indexBytes() + this.#leftOut() + this.#feed(),
      shed: () => this.#shed(),
      changed: (level, usedBytes, error) => this.#changed(level, usedBytes, error),
    });
  }

  /** Sets the limit. @param most As the option `maxMemory`; undefined for none. */
  limit(most: number | string | undefined, policy: MemoryPolicy): void {
    this.watch.limit(most === undefined ? Infinity : bytesOf(most), policy);
  }

  /** What is held at this moment. @param incoming Bytes that came from the master and are not data yet. */
  status(incoming: number): MemoryStatus {
    const { watch } = this;
    const { keyspace, indexBytes } = this.#sources;
    const databases: Record<string, DatabaseMemory> = {};
    let [data, used, wasted] = [0, 0, 0];
    for (const index of keyspace.indexes()) {
      const db = keyspace.db(index);
      const held = db.memory();
      used += held.used;
      wasted += held.wasted;
      databases[index] = {
        keys: db.visibleSize,
        expiring: db.presentExpires,
        used: held.used,
        reserved: held.reserved,
        table: held.table,
        objects: held.objects,
      };
    }
    data = keyspace.heldBytes;
    const parts = {
      data,
      loading: watch.loadingBytes,
      caches: this.#caches(),
      indexes: indexBytes(),
      leftOut: this.#leftOut(),
      feed: this.#feed(),
      incoming,
    };
    const total = Object.values(parts).reduce((sum, bytes) => sum + bytes, 0);
    return {
      total,
      limit: watch.isLimited ? watch.maxBytes : undefined,
      onMaxMemory: watch.policy,
      level: watch.level,
      ...parts,
      fragmentation: fragmentationOf(used, wasted),
      databases,
    };
  }

  #caches(): number {
    let bytes = this.#sources.decoded.status().bytes;
    for (const { bytes: kept } of this.#sources.hot) bytes += kept;
    return bytes;
  }

  #leftOut(): number {
    return this.#sources.keyspace.leftOut.size * LEFT_OUT_BYTES;
  }

  #feed(): number {
    const { logBytes, queued } = this.#sources.feed();
    return logBytes + queued * QUEUED_KEY_BYTES;
  }

  /** Gives up what reads have left behind; it is made again by later ones. */
  #shed(): void {
    this.#sources.decoded.clear();
    for (const hot of this.#sources.hot) hot.clear();
  }

  #changed(level: MemoryLevel, usedBytes: number, error: MemoryError | undefined): void {
    const before = this.#told;
    this.#told = level;
    if (level === "ample" && before !== "reached") return;
    this.#sources.tell({
      level: before === "reached" ? "recovered" : level === "scarce" ? "warning" : "reached",
      usedBytes,
      maxBytes: this.watch.maxBytes,
      error,
    });
  }
}

/** The bytes that `maxMemory` says; its rule has checked it. */
function bytesOf(most: number | string): number {
  return typeof most === "number" ? most : parseMemorySize(most)!;
}
