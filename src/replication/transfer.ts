/**
 * The transfer of a snapshot: bytes go to the decoder, keys to a keyspace of their own. A snapshot that is
 * damaged or cut off never touches the data that is being served.
 *
 * ```text
 *  $EOF:<mark>\r\n  | RDB, as long as its decoder says | the mark again | the stream
 *  $<length>\r\n    | RDB, exactly that long           |                | the stream
 * ```
 *
 * A real replica finds the end of a streamed snapshot by comparing the last 40 bytes it read with the mark
 * (replication.c, readSyncBulkPayload). Our decoder knows the end by opcode 0xFF and the checksum, so that a
 * value which holds the mark ends nothing; the mark is then compared once.
 *
 * @module
 */

import { assert } from "../base/assert.ts";
import { RdbDecoder } from "../rdb/decoder.ts";
import { RdbError } from "../rdb/format/errors.ts";
import { KeyspaceLoader } from "../rdb/load.ts";
import type { KeyFilter } from "../store/keyspace/key_filter.ts";
import type { Keyspace } from "../store/keyspace/keyspace.ts";
import { ReplicationError } from "./errors.ts";
import type { LoadMemory } from "./load_memory.ts";

/** Most bytes decoded between two looks at the clock: about a millisecond's work. */
const BYTES_PER_LOOK = 64 * 1024;

/** How a snapshot is taken in. */
export interface TransferOptions {
  /** What becomes of values that only a module can read. */
  readonly onUnsupported: "keep" | "fail";
  /** Which keys are kept; all unless told. */
  readonly filter?: KeyFilter | undefined;
  /** Holds what is loaded within a limit. */
  readonly memory?: LoadMemory | undefined;
}

/** One snapshot, from its first byte to the last byte of its mark. */
export class SnapshotTransfer {
  /** The keyspace it is loaded into, which is not read before it is whole. */
  readonly staging: Keyspace;
  /** Its length in bytes as announced; undefined where a mark follows it. */
  readonly length: number | undefined;
  /** How many of its bytes were decoded. */
  bytesRead: number = 0;
  /** True when it is whole: decoded to its end, checksum and length right. */
  done: boolean = false;
  readonly #mark: string | undefined;
  readonly #memory: LoadMemory | undefined;
  readonly #loader: KeyspaceLoader;
  readonly #decoder: RdbDecoder;
  #markRead: number = 0;

  /**
   * Begins with its first byte.
   *
   * @param length Bytes as announced. @param mark The mark announced, where there is no length.
   * @param staging The keyspace it is loaded into: empty, and not read before it is whole.
   * @param options What becomes of module values, which keys are kept (all unless told), and what holds it within a limit.
   * @throws {ReplicationError} SNAPSHOT when the length is 0, which no master sends.
   */
  constructor(
    length: number | undefined,
    mark: string | undefined,
    staging: Keyspace,
    options: TransferOptions,
  ) {
    assert((length === undefined) !== (mark === undefined), "a length or a mark is announced");
    this.length = length;
    this.#mark = mark;
    this.staging = staging;
    const { onUnsupported, filter, memory } = options;
    this.#memory = memory;
    this.#loader = new KeyspaceLoader(this.staging, filter, memory?.mostExpectedKeys);
    const { longBytes, need: onLong } = memory ?? {};
    this.#decoder = new RdbDecoder(this.#loader, { onUnsupported, longBytes, onLong });
    memory?.attach(this.#decoder, this.#loader, length);
    if (length === 0) throw new ReplicationError("SNAPSHOT", "The snapshot is empty");
  }

  /** Keys loaded into the staging keyspace. */
  get keys(): number {
    return this.#loader.stats.keys;
  }

  /** Keys that the snapshot says are in the databases begun so far; 0 where it does not say. */
  get announcedKeys(): number {
    return this.#loader.stats.announced;
  }

  /** True when a mark follows the snapshot. */
  get endsWithMark(): boolean {
    return this.#mark !== undefined;
  }

  /**
   * Decodes bytes `[start, end)` of a borrowed chunk, at most 64 KB (about a millisecond of work) and never
   * past the snapshot's end.
   *
   * @returns Where it stopped.
   * @throws {ReplicationError} SNAPSHOT when it is damaged or has another length than announced,
   * UNSUPPORTED when it holds what this version does not understand, LIMIT when more than fits here, MEMORY when more
   * than the limit on memory allows.
   */
  push(chunk: Uint8Array, start: number, end: number): number {
    assert(!this.done, "nothing is decoded behind the end of the snapshot");
    const left = this.length === undefined ? Infinity : this.length - this.bytesRead;
    const stop = Math.min(end, start + BYTES_PER_LOOK, start + left);
    const consumed = this.#decode(chunk, start, stop);
    this.bytesRead += consumed;
    assert(this.bytesRead <= (this.length ?? Infinity), "no byte of the stream is decoded");
    const allRead = this.bytesRead === this.length;
    if (this.#decoder.done) {
      if (this.length !== undefined && !allRead) {
        throw new ReplicationError(
          "SNAPSHOT",
          `The snapshot ended ${this.length - this.bytesRead} bytes before its announced length`,
        );
      }
      this.done = true;
    } else if (allRead) {
      throw new ReplicationError("SNAPSHOT", `The snapshot goes on past its ${this.length} bytes`);
    }
    return start + consumed;
  }

  /**
   * Compares bytes `[start, end)` with the mark behind the snapshot.
   *
   * @returns Where it stopped.
   * @throws {ReplicationError} SNAPSHOT when they differ.
   */
  pushMark(chunk: Uint8Array, start: number, end: number): number {
    const mark = this.#mark ?? "";
    let pos = start;
    while (pos < end && this.#markRead < mark.length) {
      if (chunk[pos++] !== mark.charCodeAt(this.#markRead++)) {
        throw new ReplicationError(
          "SNAPSHOT",
          "The mark after the snapshot differs from the one announced",
        );
      }
    }
    return pos;
  }

  /** True when the whole mark was read and is right, or when none follows. */
  get markDone(): boolean {
    return this.#markRead === (this.#mark ?? "").length;
  }

  #decode(chunk: Uint8Array, start: number, stop: number): number {
    const memory = this.#memory;
    try {
      if (memory === undefined) return this.#decoder.push(chunk, start, stop);
      return memory.take(() => this.#decoder.push(chunk, start, stop));
    } catch (error) {
      if (!(error instanceof RdbError)) throw error;
      throw new ReplicationError(
        codeOf(error),
        `The snapshot cannot be loaded: ${error.message}`,
        error,
      );
    }
  }
}

/**
 * UNSUPPORTED for a snapshot that is sound but newer than this decoder, LIMIT for one that holds more than
 * we can: the next one would be refused as well. SNAPSHOT for one that is damaged.
 */
function codeOf({ code }: RdbError): "UNSUPPORTED" | "LIMIT" | "SNAPSHOT" {
  if (code.startsWith("UNSUPPORTED") || code.startsWith("UNKNOWN")) return "UNSUPPORTED";
  return code === "TOO_LARGE" ? "LIMIT" : "SNAPSHOT";
}
