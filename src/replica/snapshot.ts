/**
 * The data kept over a restart: written now and then as a snapshot that says where in the master's stream
 * it stands, loaded at the start, so that the master is asked only for what was missed.
 *
 * A new snapshot takes the old one's place only when all of it is safe; what can't be read is kept aside
 * and told of, and the replica starts empty.
 *
 * @module
 */

import { ByteBuffer } from "../base/byte_buffer.ts";
import type { Clock, TimerId } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import type { Logger } from "../base/logger.ts";
import { Slice } from "../base/slices.ts";
import { RdbDecoder } from "../rdb/decoder.ts";
import { SnapshotEncoder, type SnapshotPosition } from "../rdb/encoder.ts";
import { KeyspaceLoader } from "../rdb/load.ts";
import type { Keyspace } from "../store/keyspace/keyspace.ts";

/** Written at once: one call of the storage each. */
const WRITE_BYTES = 256 * 1024;
const READ_BYTES = 64 * 1024;
const DEFAULT_EVERY_MS = 300_000;
/** Redis 7.4's format: the oldest that holds everything a Redis of today replicates. */
const FORMAT_VERSION = 12;
const FORMAT_SERVER = "7.4.0";
const REPLID = /^[0-9a-f]{40}$/;

/** Where a snapshot is kept. Any method may reject: the replica goes on without, and tells of it. */
export interface SnapshotStorage {
  /** What was committed last, in pieces; undefined when nothing was. */
  read(): Promise<AsyncIterable<Uint8Array> | undefined>;
  /** Begins a new one. Until its `commit` the one before stays what `read` gives. */
  create(): Promise<SnapshotSink>;
  /** Puts what `read` gives out of the way, for somebody to look at; the answer says where. */
  setAside(): Promise<string>;
}

/** A snapshot being written. */
export interface SnapshotSink {
  /** Adds bytes, borrowed until the promise resolves. */
  write(bytes: Uint8Array): Promise<void>;
  /** All of it is there: makes it safe, then puts it in the place of the one before, in one step. */
  commit(): Promise<void>;
  /** Forgets what was written. */
  abort(): Promise<void>;
}

/** Options of a replica that keeps its data over a restart. */
export interface SnapshotOptions {
  /** A file. It belongs to one replica of one master; `<path>.part` beside it is used as well. */
  readonly path?: string;
  /** Another place, instead of a file. */
  readonly storage?: SnapshotStorage;
  /** Milliseconds from one snapshot to the next; 0 for none. 300,000. */
  readonly everyMs?: number;
  /** Whether `close()` writes one. True. */
  readonly onClose?: boolean;
}

/** How the snapshots of a replica stand. */
export interface SnapshotStatus {
  /** Keys that were there at the start; undefined when nothing was loaded. */
  readonly loadedKeys: number | undefined;
  /** Why the snapshot found at the start was refused, and where it is now. */
  readonly refused: string | undefined;
  /** True while one is written. */
  readonly saving: boolean;
  /** When the last one was committed, milliseconds since 1970. */
  readonly savedAtMs: number | undefined;
  /** Its bytes. */
  readonly savedBytes: number;
  /** Why the last attempt failed; undefined once one succeeds. */
  readonly error: string | undefined;
}

/** A place in a master's history and the time when it was the present. */
export interface RestoredPlace {
  readonly replid: string;
  readonly offset: number;
  readonly db: number;
  readonly asOfMs: number;
}

/** What is saved. */
export interface SnapshotSource {
  /** The data. */
  readonly keyspace: Keyspace;
  /** Time. */
  readonly clock: Clock;
  /** Gets messages. */
  readonly logger: Logger;
  /** Where the data stands; undefined while it can't be gone on from. */
  position(): SnapshotPosition | undefined;
}

/** Refuses what makes no sense. @throws {TypeError} @throws {RangeError} */
export function checkSnapshotOptions(options: SnapshotOptions): void {
  const { path, storage, everyMs } = options;
  if ((path === undefined) === (storage === undefined)) {
    throw new TypeError("snapshot needs a path or a storage, one of them");
  }
  if (path === "") throw new TypeError("snapshot.path is empty");
  if (everyMs !== undefined && !(everyMs >= 0)) {
    throw new RangeError(`snapshot.everyMs is ${everyMs}, below 0`);
  }
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
  #error: string | undefined;

  /** Nothing is read or written yet. */
  constructor(source: SnapshotSource, storage: SnapshotStorage, options: SnapshotOptions) {
    this.#source = source;
    this.#storage = storage;
    this.#everyMs = options.everyMs ?? DEFAULT_EVERY_MS;
    this.#onClose = options.onClose ?? true;
  }

  /** How it stands. */
  status(): SnapshotStatus {
    return {
      loadedKeys: this.#loadedKeys,
      refused: this.#refused,
      saving: this.#saving !== undefined,
      savedAtMs: this.#savedAtMs,
      savedBytes: this.#savedBytes,
      error: this.#error,
    };
  }

  /**
   * Loads what is stored into the keyspace, whole or not at all; never rejects. Undefined: nothing there,
   * or nothing that can be gone on from.
   */
  async load(): Promise<RestoredPlace | undefined> {
    const { logger, keyspace } = this.#source;
    try {
      const pieces = await this.#storage.read();
      if (pieces === undefined) return undefined;
      const staging = keyspace.sibling();
      const place = await this.#decode(pieces, staging);
      if (typeof place === "string") {
        await this.#refuse(place);
        return undefined;
      }
      keyspace.replaceWith(staging);
      this.#loadedKeys = keyspace.keyCount;
      this.#savedOffset = place.offset;
      this.#savedReplid = place.replid;
      logger.info(`snapshot: ${keyspace.keyCount} keys as of offset ${place.offset}`);
      return place;
    } catch (error) {
      this.#error = messageOf(error);
      logger.error(`snapshot: it can't be read: ${this.#error}`);
      return undefined;
    }
  }

  /** Begins to write one now and then. */
  start(): void {
    this.#schedule();
  }

  /**
   * Writes one, unless nothing has changed since the last. Never rejects: see `status().error`. A second
   * call waits for the first.
   */
  save(): Promise<void> {
    return this.#saving ??= this.#save().finally(() => this.#saving = undefined);
  }

  /** Waits for what is being written, and writes the last one, as configured. The link is stopped. */
  async close(): Promise<void> {
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
      // Read with the encoder's first look at the data: in the same turn.
      const position = this.#source.position();
      if (!this.#hasChanged(position)) return await sink.abort();
      const bytes = await this.#encode(sink, position);
      await sink.commit();
      sink = undefined;
      this.#savedOffset = position.offset;
      this.#savedReplid = position.replid;
      this.#savedAtMs = clock.now();
      this.#savedBytes = bytes;
      this.#error = undefined;
      const tookMs = Math.round(clock.monotonic() - began);
      logger.info(`snapshot: ${bytes} bytes as of offset ${position.offset} in ${tookMs} ms`);
    } catch (error) {
      this.#error = messageOf(error);
      logger.error(`snapshot: it can't be written: ${this.#error}`);
      await sink?.abort().catch((late) => logger.warn(`snapshot: ${messageOf(late)}`));
    }
  }

  #hasChanged(position: SnapshotPosition | undefined): position is SnapshotPosition {
    if (position === undefined) return false;
    return position.offset !== this.#savedOffset || position.replid !== this.#savedReplid;
  }

  /** The whole keyspace as it is now, in pieces; the answer is how many bytes. */
  async #encode(sink: SnapshotSink, position: SnapshotPosition): Promise<number> {
    const { keyspace, clock } = this.#source;
    const encoder = new SnapshotEncoder(keyspace, {
      version: FORMAT_VERSION,
      serverVersion: FORMAT_SERVER,
      nowMs: clock.now(),
      position,
    });
    const out = new ByteBuffer(WRITE_BYTES * 2);
    const slice = new Slice(clock);
    try {
      slice.start();
      for (let more = true; more;) {
        while (more && out.length < WRITE_BYTES && !slice.over()) {
          more = encoder.next(out, READ_BYTES);
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

  /** A string says what is wrong. */
  async #decode(
    pieces: AsyncIterable<Uint8Array>,
    staging: Keyspace,
  ): Promise<RestoredPlace | string> {
    const { clock } = this.#source;
    const loader = new KeyspaceLoader(staging);
    const decoder = new RdbDecoder(loader);
    const slice = new Slice(clock);
    slice.start();
    for await (const piece of pieces) {
      for (let pos = 0; pos < piece.length;) {
        const end = Math.min(piece.length, pos + READ_BYTES);
        try {
          const consumed = decoder.push(piece, pos, end);
          if (decoder.done && pos + consumed < piece.length) return "it goes on after its end";
        } catch (error) {
          return messageOf(error);
        }
        pos = end;
        if (slice.over()) await slice.yield();
      }
    }
    if (!loader.complete) return "it ends before its end";
    const { replid, offset, streamDb, createdSeconds } = loader;
    if (!REPLID.test(replid) || offset < 0 || streamDb < 0) {
      return "it does not say where it stands";
    }
    return { replid, offset, db: streamDb, asOfMs: Math.max(0, createdSeconds) * 1000 };
  }

  async #refuse(reason: string): Promise<void> {
    const where = await this.#storage.setAside();
    this.#refused = `${reason}; kept as ${where}`;
    this.#source.logger.error(`snapshot: refused, ${this.#refused}`);
  }
}
