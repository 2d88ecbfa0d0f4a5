/**
 * A full sync, from `+FULLRESYNC` to the moment in which the snapshot takes the place of the old data.
 *
 * ```text
 *  +FULLRESYNC     $EOF: or $n        last byte decoded,     mark compared
 *      |               |              checksum right             |
 *      |  expect()     |  the RDB into a keyspace of its own     |  finish()
 *      v               v                                         v
 *  transferHeader ---> transfer -------------------------> transferMark ---> connected
 *                      |                                  ($EOF: only)
 *                      +- resync "flush": the old data goes here; with "swap" it is read until finish()
 * ```
 *
 * Who keeps something that is worked out from the data works it out from the new data first, in slices, while the
 * stream waits in the inbox: `prepare`.
 *
 * Replication offset, replid and data change together in `finish`, in one turn of the event loop: no
 * reader and no later PSYNC ever sees one without the others.
 *
 * @module
 */

import { assert } from "../base/assert.ts";
import { LoadMemory } from "./load_memory.ts";
import type { LinkShared } from "./shared.ts";
import { SnapshotTransfer } from "./transfer.ts";
import type { SyncProgress } from "./types.ts";

/** Milliseconds between two `syncProgress` events. */
const PROGRESS_MS = 100;

/** One full sync of one connection. */
export class FullSync {
  readonly #shared: LinkShared;
  readonly #replid: string;
  readonly #offset: number;
  readonly #startedAtMs: number;
  readonly #beganMs: number;
  #transfer: SnapshotTransfer | undefined = undefined;
  #memory: LoadMemory | undefined = undefined;
  #reportedMs: number = 0;

  /**
   * Begins at the master's answer; the snapshot is announced later.
   *
   * @param shared Options, keyspace and offset of the link.
   * @param replid Id of the new history, or "" when it cannot be resumed from.
   * @param offset Stream offset that the snapshot stands at.
   */
  constructor(shared: LinkShared, replid: string, offset: number) {
    assert(!shared.replOffset.resumable, "a full sync ends the history before it");
    this.#shared = shared;
    this.#replid = replid;
    this.#offset = offset;
    this.#startedAtMs = shared.clock.now();
    this.#beganMs = shared.clock.monotonic();
  }

  /** The snapshot that is being read; the header has announced it. */
  get transfer(): SnapshotTransfer {
    assert(this.#transfer !== undefined, "a snapshot was announced");
    return this.#transfer;
  }

  /** How far it has come; 0 bytes while the master has not announced its snapshot. */
  get progress(): SyncProgress {
    const transfer = this.#transfer;
    return {
      startedAtMs: this.#startedAtMs,
      bytesRead: transfer?.bytesRead ?? 0,
      bytesTotal: transfer?.length,
      keys: transfer?.keys ?? 0,
      fraction: transfer === undefined ? 0 : fractionOf(transfer),
    };
  }

  /** Makes room for the snapshot that the header announced: `length` bytes, or up to `mark`. */
  expect(length: number | undefined, mark: string | undefined): void {
    assert(this.#transfer === undefined, "a full sync has one snapshot");
    const { keyspace, resync, onUnsupported, filter, memory } = this.#shared.settings;
    if (resync === "flush") this.#shared.emptyData();
    const staging = keyspace.sibling();
    if (memory !== undefined) {
      this.#memory = new LoadMemory(memory, staging, keyspace, () => this.#shared.emptyData());
    }
    const options = { onUnsupported, filter, memory: this.#memory };
    this.#transfer = new SnapshotTransfer(length, mark, staging, options);
  }

  /** Emits `syncProgress`, at most ten times a second. @param nowMs On the monotonic clock. */
  report(nowMs: number): void {
    if (nowMs - this.#reportedMs < PROGRESS_MS) return;
    this.#reportedMs = nowMs;
    this.#shared.emit({ type: "syncProgress", progress: this.progress });
  }

  /**
   * The snapshot is whole and verified. Returns what must be done before it may replace the data, to be called
   * in slices until it answers true; undefined for nothing.
   */
  prepare(): (() => boolean) | undefined {
    return this.#shared.settings.hooks.replacing?.(this.transfer.staging);
  }

  /** The connection has failed before `finish`: what was prepared is of no use. */
  abandon(): void {
    this.#memory?.end();
    this.#shared.settings.hooks.abandoned?.();
  }

  /**
   * Puts the snapshot, which is whole and verified, in the place of the old data, and moves the offset.
   *
   * @returns Milliseconds since `+FULLRESYNC`.
   */
  finish(): number {
    const { settings, replOffset, counters, clock } = this.#shared;
    const { transfer } = this;
    assert(transfer.done && transfer.markDone, "only a whole snapshot replaces the data");
    settings.keyspace.replaceWith(transfer.staging);
    this.#memory?.end();
    replOffset.replace(this.#replid, this.#offset);
    counters.fullSyncs++;
    this.#shared.syncedAtMs = clock.now();
    settings.hooks.replaced?.();
    return clock.monotonic() - this.#beganMs;
  }
}

/** How much of a snapshot has come: by its bytes or, where the master streams without a size, by its keys. */
function fractionOf({ bytesRead, length, keys, announcedKeys }: SnapshotTransfer): number {
  if (length !== undefined) return length === 0 ? 1 : Math.min(1, bytesRead / length);
  return announcedKeys === 0 ? 0 : Math.min(1, keys / announcedKeys);
}
