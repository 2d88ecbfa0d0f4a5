/**
 * Snapshots on disk: the data is written now and then, with the replication offset it stands at, and loaded at
 * the next start, so that the master is asked only for what was missed.
 *
 * ```text
 *  save    every 5 minutes, and at close(): encoder -> 256 KB at a time -> storage -> commit
 *          aux fields repl-id, repl-offset, repl-stream-db      as a real replica writes them
 *  load    storage -> decoder -> a keyspace of its own -> takes the place of the empty one
 *          PSYNC repl-id repl-offset+1, with repl-stream-db selected
 * ```
 *
 * A new snapshot takes the old one's place only when all of it is safe. One that cannot be read is set aside
 * and reported, and the replica starts empty. Both ways work in slices.
 *
 * @module
 */

import { assert } from "../base/assert.ts";
import { ByteBuffer } from "../base/byte_buffer.ts";
import type { Clock, TimerId } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import type { Logger } from "../base/logger.ts";
import { Slice } from "../base/slices.ts";
import { RdbDecoder } from "../rdb/decoder.ts";
import { SnapshotEncoder, type SnapshotPosition } from "../rdb/encoder.ts";
import { KeyspaceLoader } from "../rdb/load.ts";
import { filterText, isWithin } from "../store/keyspace/filter_text.ts";
import { KeyFilter } from "../store/keyspace/key_filter.ts";
import { LoadMemory } from "../replication/load_memory.ts";
import type { MemoryWatch } from "../replication/memory.ts";
import type { Keyspace } from "../store/keyspace/keyspace.ts";

/** Bytes handed to the storage in one call. */
const WRITE_BYTES = 256 * 1024;
/** Most bytes encoded or decoded between two looks at the clock: about a millisecond of work. */
const STEP_BYTES = 64 * 1024;
const DEFAULT_EVERY_MS = 300_000;
/** Redis 7.4's format: the oldest that holds everything a Redis of today replicates. */
const FORMAT_VERSION = 12;
const FORMAT_SERVER = "7.4.0";
const REPLID = /^[0-9a-f]{40}$/;

/**
 * Where a snapshot is kept. Any method may reject: the replica goes on without it, and `status()` has the
 * error.
 */
export interface SnapshotStorage {
  /** The snapshot committed last, in pieces of any size; undefined when there is none. */
  read(): Promise<AsyncIterable<Uint8Array> | undefined>;
  /** Begins a new snapshot. Until its `commit` the one before stays what `read` gives. */
  create(): Promise<SnapshotSink>;
  /** Called before the replica follows a master: rejects, with the reason, where no snapshot could be written. */
  check?(): Promise<void>;
  /** Moves what `read` gives out of the way, for an operator to look at. Returns where to. */
  setAside(): Promise<string>;
}

/** A snapshot being written. */
export interface SnapshotSink {
  /** Appends bytes, which are borrowed until the promise resolves. */
  write(bytes: Uint8Array): Promise<void>;
  /** The snapshot is whole: makes it safe, then puts it in the place of the one before, in one step. */
  commit(): Promise<void>;
  /** Deletes what was written; the snapshot before stays. */
  abort(): Promise<void>;
}

/** Options for keeping the data over a restart: `path` or `storage`, one of the two. */
export interface SnapshotOptions {
  /** Path of the file. It belongs to one replica of one master; `<path>.part` beside it is used as well. */
  readonly path?: string;
  /** Where the snapshot is kept, instead of in a file. */
  readonly storage?: SnapshotStorage;
  /** Milliseconds from one snapshot to the next; 0 for none but the last; 300,000 unless told. */
  readonly everyMs?: number;
  /** Whether `close()` writes a last snapshot. True unless told. */
  readonly onClose?: boolean;
}

/** How a replica's snapshot on disk stands. */
export interface SnapshotStatus {
  /** How many keys were loaded at the start; undefined when nothing was. */
  readonly loadedKeys: number | undefined;
  /** Why the snapshot found at the start was refused, and where it is now. */
  readonly refused: string | undefined;
  /** True while a snapshot is written. */
  readonly saving: boolean;
  /** When the last snapshot was committed, milliseconds since 1970; undefined before. */
  readonly savedAtMs: number | undefined;
  /** Bytes of the last snapshot committed, 0 before. */
  readonly savedBytes: number;
  /** Milliseconds that writing it took, 0 before. */
  readonly savedTookMs: number;
  /** How often a snapshot could not be written. */
  readonly failures: number;
  /** Why reading or writing failed the last time; undefined once a snapshot was committed. */
  readonly error: string | undefined;
}

/** Where loaded data stands in the master's stream, and as of when. */
export interface RestoredPlace {
  /** Replication id, 40 lower-case hex digits. */
  readonly replid: string;
  /** Replication offset: stream bytes applied. */
  readonly offset: number;
  /** Database the stream had selected. */
  readonly db: number;
  /** When it was written, milliseconds since 1970. */
  readonly asOfMs: number;
  /** Earlier histories of the data, as they were given with its position. */
  readonly histories: readonly string[];
  /** What the change feed had kept of the latest commits; undefined where there is nothing. */
  readonly feedLog: Uint8Array | undefined;
}

/** The data that is saved, and what else saving needs of the replica. */
export interface SnapshotSource {
  /** What the change feed has kept of the latest commits; called in the turn of `position`. */
  feedLog?(): Uint8Array | undefined;
  /** What is kept of the data; everything where it is left out. */
  readonly filter?: KeyFilter;
  /** The keyspace that is saved, and that a snapshot is loaded into. */
  readonly keyspace: Keyspace;
  /** Clock for the time between snapshots, slices, and the field `ctime`. */
  readonly clock: Clock;
  /** Gets a message for each snapshot, and for each failure. */
  readonly logger: Logger;
  /** Holds what is loaded within a limit; without it there is none. */
  readonly memory?: MemoryWatch;
  /** Where the data stands in the stream; undefined while PSYNC could not resume from there. */
  position(): SnapshotPosition | undefined;
}

/** Writes and reads the snapshots of one replica. */
export class Snapshots {
  readonly #source: SnapshotSource;
  readonly #storage: SnapshotStorage;
  readonly #everyMs: number;
  readonly #onClose: boolean;
  #timer: TimerId | undefined;
  #saving: Promise<void> | undefined;
  #closed: boolean = false;
  #savedOffset: number = -1;
  #savedReplid: string = "";
  #loadedKeys: number | undefined;
  #refused: string | undefined;
  #savedAtMs: number | undefined;
  #savedBytes: number = 0;
  #savedTookMs: number = 0;
  #failures: number = 0;
  #error: string | undefined;

  /** Reads and writes nothing yet. @param source The data. @param storage Where snapshots are kept. */
  constructor(source: SnapshotSource, storage: SnapshotStorage, options: SnapshotOptions) {
    this.#source = source;
    this.#storage = storage;
    this.#everyMs = options.everyMs ?? DEFAULT_EVERY_MS;
    this.#onClose = options.onClose ?? true;
  }

  /** How the snapshot on disk stands at this moment. */
  status(): SnapshotStatus {
    return {
      loadedKeys: this.#loadedKeys,
      refused: this.#refused,
      saving: this.#saving !== undefined,
      savedAtMs: this.#savedAtMs,
      savedBytes: this.#savedBytes,
      savedTookMs: this.#savedTookMs,
      failures: this.#failures,
      error: this.#error,
    };
  }

  /**
   * Loads the stored snapshot into the keyspace, whole or not at all; never rejects.
   *
   * @returns Where its data stands; undefined when nothing was loaded.
   */
  async load(): Promise<RestoredPlace | undefined> {
    const { logger, keyspace } = this.#source;
    assert(keyspace.keyCount === 0, "a snapshot is loaded before anything is followed");
    try {
      const pieces = await this.#storage.read();
      if (pieces === undefined) return undefined;
      const staging = keyspace.sibling();
      const place = await this.#decode(pieces, staging);
      if (place === "wider") {
        logger.warn(
          "snapshot: it was written under a filter that may leave out what is kept now, so that all is asked for again",
          { event: "snapshot_refused" },
        );
        return undefined;
      }
      if (typeof place === "string") {
        await this.#refuse(place);
        return undefined;
      }
      keyspace.replaceWith(staging);
      this.#loadedKeys = keyspace.keyCount;
      this.#savedOffset = place.offset;
      this.#savedReplid = place.replid;
      logger.info(`snapshot: ${keyspace.keyCount} keys as of offset ${place.offset}`, {
        event: "snapshot_loaded",
        keys: keyspace.keyCount,
        offset: place.offset,
      });
      return place;
    } catch (error) {
      this.#error = messageOf(error);
      logger.error(`snapshot: it cannot be read: ${this.#error}`, { event: "snapshot_unreadable" });
      return undefined;
    } finally {
      this.#source.memory?.loads(0);
    }
  }

  /** Begins to save every `everyMs` milliseconds. */
  start(): void {
    this.#schedule();
  }

  /**
   * Writes a snapshot, unless the offset has not moved since the last. Never rejects: `status().error` has what
   * went wrong. A second call meanwhile waits for the first.
   */
  save(): Promise<void> {
    return this.#saving ??= this.#save().finally(() => this.#saving = undefined);
  }

  /** Waits for a save under way and writes the last snapshot, as configured. The link must have stopped. */
  async close(): Promise<void> {
    assert(!this.#closed, "snapshots are closed once");
    this.#closed = true;
    this.#source.clock.clearTimer(this.#timer);
    await this.#saving;
    if (this.#onClose) await this.save();
  }

  #schedule(): void {
    if (this.#everyMs === 0 || this.#closed) return;
    this.#timer = this.#source.clock.setTimer(() => {
      void this.save().then(() => this.#schedule());
    }, this.#everyMs);
  }

  async #save(): Promise<void> {
    const { clock, logger } = this.#source;
    if (!this.#hasChanged(this.#source.position())) return;
    const began = clock.monotonic();
    let sink: SnapshotSink | undefined;
    try {
      sink = await this.#storage.create();
      // Read in the turn in which the encoder takes its point in time, so that both say the same.
      const position = this.#source.position();
      if (!this.#hasChanged(position)) return await sink.abort();
      const bytes = await this.#encode(sink, position);
      assert(bytes > 0, "a snapshot has a header at least");
      await sink.commit();
      sink = undefined;
      this.#savedOffset = position.offset;
      this.#savedReplid = position.replid;
      this.#savedAtMs = clock.now();
      this.#savedBytes = bytes;
      this.#savedTookMs = Math.round(clock.monotonic() - began);
      this.#error = undefined;
      const tookMs = this.#savedTookMs;
      logger.info(`snapshot: ${bytes} bytes as of offset ${position.offset} in ${tookMs} ms`, {
        event: "snapshot_saved",
        bytes,
        offset: position.offset,
        tookMs,
      });
    } catch (error) {
      this.#failures++;
      this.#error = messageOf(error);
      logger.error(`snapshot: it cannot be written: ${this.#error}`, { event: "snapshot_failed" });
      await sink?.abort().catch((late) =>
        logger.warn(`snapshot: ${messageOf(late)}`, { event: "snapshot_failed" })
      );
    }
  }

  /** True when there is something to save that the last snapshot does not have. */
  #hasChanged(position: SnapshotPosition | undefined): position is SnapshotPosition {
    if (position === undefined) return false;
    return position.offset !== this.#savedOffset || position.replid !== this.#savedReplid;
  }

  /** Writes the keyspace as it is at this moment, in pieces. Returns how many bytes there were. */
  async #encode(sink: SnapshotSink, position: SnapshotPosition): Promise<number> {
    const { keyspace, clock, filter } = this.#source;
    const encoder = new SnapshotEncoder(keyspace, {
      version: FORMAT_VERSION,
      serverVersion: FORMAT_SERVER,
      nowMs: clock.now(),
      position,
      feedLog: this.#source.feedLog?.(),
      filter: filter === undefined ? "" : filterText(filter),
      master: this.#source.keyspace,
    });
    const out = new ByteBuffer(WRITE_BYTES * 2);
    const slice = new Slice(clock);
    try {
      slice.start();
      for (let more = true; more;) {
        while (more && out.length < WRITE_BYTES && !slice.over()) {
          more = encoder.next(out, STEP_BYTES);
        }
        if (!more || out.length >= WRITE_BYTES) {
          await sink.write(out.view());
          out.clear();
        }
        await slice.yield();
      }
    } finally {
      encoder.close();
    }
    return encoder.bytes;
  }

  /**
   * Decodes into `staging` what the filter keeps. Returns where the data stands, or a text that says what is wrong;
   * "wider" where it was written under another filter, and may lack what this one keeps.
   */
  async #decode(
    pieces: AsyncIterable<Uint8Array>,
    staging: Keyspace,
  ): Promise<RestoredPlace | string> {
    const { clock, keyspace, filter = new KeyFilter() } = this.#source;
    const memory = this.#source.memory && new LoadMemory(this.#source.memory, staging, keyspace);
    const loader = new KeyspaceLoader(staging, filter, memory?.mostExpectedKeys);
    const { longBytes, need: onLong } = memory ?? {};
    const decoder = new RdbDecoder(loader, { longBytes, onLong });
    memory?.attach(decoder, loader, undefined);
    const take = (piece: Uint8Array, pos: number, end: number): number => {
      if (memory === undefined) return decoder.push(piece, pos, end);
      return memory.take(() => decoder.push(piece, pos, end));
    };
    const slice = new Slice(clock);
    slice.start();
    for await (const piece of pieces) {
      for (let pos = 0; pos < piece.length;) {
        const end = Math.min(piece.length, pos + STEP_BYTES);
        try {
          const consumed = take(piece, pos, end);
          if (decoder.keys > 0 && !isWithin(filter, loader.filter)) return "wider";
          if (decoder.done && pos + consumed < piece.length) return "bytes come after its end";
        } catch (error) {
          return messageOf(error);
        }
        pos = end;
        if (slice.over()) await slice.yield();
      }
    }
    if (!loader.complete) return "it ends before it is whole";
    if (!isWithin(filter, loader.filter)) return "wider";
    const { replid, offset, streamDb, createdSeconds, histories, feedLog } = loader;
    if (!REPLID.test(replid) || offset < 0 || streamDb < 0) {
      return "it does not say where in the stream it stands";
    }
    return {
      replid,
      offset,
      db: streamDb,
      asOfMs: Math.max(0, createdSeconds) * 1000,
      histories,
      feedLog,
    };
  }

  /** Sets a snapshot aside that cannot be loaded: the next save must not destroy the only copy. */
  async #refuse(reason: string): Promise<void> {
    const where = await this.#storage.setAside();
    this.#refused = `${reason}; kept as ${where}`;
    this.#source.logger.error(`snapshot: refused, ${this.#refused}`, { event: "snapshot_refused" });
  }
}
