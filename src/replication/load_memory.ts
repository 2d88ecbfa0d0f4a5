/**
 * The limit on memory while a snapshot is loaded: what is loaded counts with what is there already. Past the limit
 * older data goes, where the policy says `flush`; else the snapshot is refused.
 *
 * @module
 */

import { memorySizeText } from "../base/memory_size.ts";
import type { RdbDecoder } from "../rdb/decoder.ts";
import type { KeyspaceLoader } from "../rdb/load.ts";
import { grantBytes, OverGrantError } from "../store/memory/allocate.ts";
import type { Keyspace } from "../store/keyspace/keyspace.ts";
import { MemoryError } from "./errors.ts";
import { type DatasetSize, type MemoryWatch, PASSING_BYTES, saidOf } from "./memory.ts";

/** Part of the limit that tables for announced keys may take before the keys come. */
const TABLE_SHARE = 8;
/** Bytes of a table for each key. */
const TABLE_BYTES = 13;
/** What is added to an estimate of all data, for what is not data. */
const MARGIN = 1.1;

/** One snapshot that is being loaded. */
export class LoadMemory {
  /** Bytes from which on a string is asked for before it is kept. */
  readonly longBytes: number;
  /** Most keys that tables are made for before they come; undefined for as many as usual. */
  readonly mostExpectedKeys: number | undefined;
  readonly #watch: MemoryWatch;
  readonly #staging: Keyspace;
  readonly #old: Keyspace;
  readonly #empty: (() => void) | undefined;
  #decoder: RdbDecoder | undefined;
  #loader: KeyspaceLoader | undefined;
  #length: number | undefined;

  /**
   * Begins with nothing loaded.
   *
   * @param watch The limit. @param staging The keyspace that is filled. @param old The data that is there.
   * @param empty Empties the old data; undefined where that must not be.
   */
  constructor(watch: MemoryWatch, staging: Keyspace, old: Keyspace, empty?: () => void) {
    this.#watch = watch;
    this.#staging = staging;
    this.#old = old;
    this.#empty = empty;
    this.longBytes = watch.longBytes;
    this.mostExpectedKeys = watch.isLimited
      ? Math.floor(watch.maxBytes / TABLE_SHARE / TABLE_BYTES)
      : undefined;
  }

  /** Names who decodes, and the snapshot's length where it was announced. */
  attach(decoder: RdbDecoder, loader: KeyspaceLoader, length: number | undefined): void {
    this.#decoder = decoder;
    this.#loader = loader;
    this.#length = length;
  }

  /**
   * Runs `decode`, which takes in a small piece of the snapshot.
   *
   * @throws {MemoryError} When more is held than the limit allows, or a single value would be too much.
   */
  take(decode: () => number): number {
    const watch = this.#watch;
    if (!watch.isLimited) return decode();
    // Older data may still be given up for the new: that is decided between two pieces.
    if (!this.#mayEmpty()) watch.begin();
    try {
      const consumed = decode();
      this.#check();
      return consumed;
    } catch (error) {
      if (!(error instanceof OverGrantError)) throw error;
      throw this.#exceeded(error.bytes);
    } finally {
      grantBytes(Infinity);
      watch.end();
    }
  }

  /** Asks for a string of `bytes` before it is kept. */
  readonly need = (bytes: number): void => {
    const watch = this.#watch;
    watch.loads(this.#held());
    if (watch.fits(bytes)) return;
    if (this.#mayEmpty()) this.#empty?.();
    if (!watch.fits(bytes)) throw this.#exceeded(bytes);
  };

  /** The snapshot has replaced the data, or is dropped. */
  end(): void {
    this.#watch.loads(0);
  }

  #mayEmpty(): boolean {
    return this.#watch.policy === "flush" && this.#empty !== undefined && this.#old.keyCount > 0;
  }

  #held(): number {
    const { heldBytes = 0, passingBytes = 0 } = this.#decoder ?? {};
    return this.#staging.heldBytes + heldBytes + Math.max(0, passingBytes - PASSING_BYTES);
  }

  #check(): void {
    const watch = this.#watch;
    watch.loads(this.#held());
    if (watch.fits(0)) return;
    if (this.#mayEmpty()) this.#empty?.();
    if (!watch.fits(0)) throw this.#exceeded(0);
  }

  /** What the snapshot has said of the data so far. */
  #dataset(): DatasetSize {
    const { usedMemory = -1, stats } = this.#loader ?? {};
    const announced = stats?.announced ?? 0;
    return { bytes: usedMemory, keys: announced === 0 ? -1 : announced };
  }

  /** What all of the data would take here, judged by what has come; undefined where nothing tells. */
  #estimate(held: number): number | undefined {
    const { bytes, keys } = this.#dataset();
    const loaded = this.#loader?.stats.keys ?? 0;
    const read = this.#decoder?.offset ?? 0;
    if (this.#length !== undefined && read > 0) return held * this.#length / read;
    if (keys > loaded && loaded > 0) return held * keys / loaded;
    return bytes > held ? bytes : undefined;
  }

  #exceeded(asked: number): MemoryError {
    const { maxBytes } = this.#watch;
    const held = this.#held();
    const used = this.#watch.count();
    const dataset = this.#dataset();
    this.#watch.dataset = dataset;
    const all = this.#estimate(held);
    const loaded = this.#loader?.stats.keys ?? 0;
    const older = used - held;
    const beside = this.#old.keyCount === 0
      ? ""
      : ` beside ${memorySizeText(older)} of older data, which stays`;
    const one = asked === 0 ? "" : `, and one value of ${memorySizeText(asked)} comes`;
    const advice = all === undefined || all * MARGIN <= maxBytes - older
      ? "Raise maxMemory, or keep less by a filter"
      : `All of it would take about ${memorySizeText(all)} here: raise maxMemory to ` +
        `${memorySizeText(older + all * MARGIN)}, or keep ` +
        `${Math.max(1, Math.floor(100 * (maxBytes - older) / (all * MARGIN)))}% of it by a filter`;
    return new MemoryError({
      usedBytes: used,
      maxBytes,
      askedBytes: asked,
      dataset,
      estimatedBytes: all,
      isTorn: false,
      message:
        `maxMemory of ${memorySizeText(maxBytes)} is reached by a snapshot: ${loaded} keys ` +
        `of it take ${memorySizeText(held)}${beside}${one}${saidOf(dataset)}. ${advice}`,
    });
  }
}
