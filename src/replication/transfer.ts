/**
 * The snapshot: bytes into the decoder, keys into a keyspace of its own. What is broken never touches
 * the data that is being served.
 *
 * ```text
 *  $EOF:<mark>\r\n  | RDB, as long as its decoder says | the mark again | the stream
 *  $<length>\r\n    | RDB, exactly that long           |                | the stream
 * ```
 *
 * @module
 */

import { RdbDecoder } from "../rdb/decoder.ts";
import { RdbError } from "../rdb/format/errors.ts";
import { KeyspaceLoader } from "../rdb/load.ts";
import type { Keyspace } from "../store/keyspace/keyspace.ts";
import { ReplicationError } from "./errors.ts";

/** Most bytes decoded between two looks at the clock: about a millisecond's work. */
const BYTES_PER_LOOK = 64 * 1024;

/** One snapshot on its way. */
export class SnapshotTransfer {
  /** Where it is loaded. */
  readonly staging: Keyspace;
  /** Its length as announced; undefined where a mark ends it. */
  readonly length: number | undefined;
  /** Bytes of it read. */
  bytesRead: number = 0;
  /** True when it is whole: decoded to its end, checksum and length right. */
  done: boolean = false;
  readonly #mark: string | undefined;
  readonly #loader: KeyspaceLoader;
  readonly #decoder: RdbDecoder;
  #markRead: number = 0;

  /**
   * @param length As announced. @param mark As announced, where there is no length.
   * @param staging Where it is loaded: empty, and read by nobody.
   * @param onUnsupported What becomes of module values.
   */
  constructor(
    length: number | undefined,
    mark: string | undefined,
    staging: Keyspace,
    onUnsupported: "skip" | "fail",
  ) {
    this.length = length;
    this.#mark = mark;
    this.staging = staging;
    this.#loader = new KeyspaceLoader(this.staging);
    this.#decoder = new RdbDecoder(this.#loader, { onUnsupported });
    if (length === 0) throw new ReplicationError("SNAPSHOT", "The snapshot is empty");
  }

  /** Keys loaded. */
  get keys(): number {
    return this.#loader.stats.keys;
  }

  /** Module values left out. */
  get moduleValuesSkipped(): number {
    return this.#loader.stats.moduleValues;
  }

  /** The same by the module's name. */
  get modulesSkipped(): Record<string, number> {
    return Object.fromEntries(this.#loader.stats.moduleNames);
  }

  /** True when a mark follows the snapshot. */
  get endsWithMark(): boolean {
    return this.#mark !== undefined;
  }

  /**
   * Decodes from `start`, at most about a millisecond's worth and never past the snapshot's end; the
   * answer is where it stopped.
   *
   * @throws {ReplicationError} SNAPSHOT or UNSUPPORTED.
   */
  push(chunk: Uint8Array, start: number, end: number): number {
    const left = this.length === undefined ? Infinity : this.length - this.bytesRead;
    const stop = Math.min(end, start + BYTES_PER_LOOK, start + left);
    const consumed = this.#decode(chunk, start, stop);
    this.bytesRead += consumed;
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

  /** Compares the mark after the snapshot; the answer is where it stopped. */
  pushMark(chunk: Uint8Array, start: number, end: number): number {
    const mark = this.#mark ?? "";
    let pos = start;
    while (pos < end && this.#markRead < mark.length) {
      if (chunk[pos++] !== mark.charCodeAt(this.#markRead++)) {
        throw new ReplicationError("SNAPSHOT", "The mark after the snapshot is another one");
      }
    }
    return pos;
  }

  /** True when the whole mark was read. */
  get markDone(): boolean {
    return this.#markRead === (this.#mark ?? "").length;
  }

  #decode(chunk: Uint8Array, start: number, stop: number): number {
    try {
      return this.#decoder.push(chunk, start, stop);
    } catch (error) {
      if (!(error instanceof RdbError)) throw error;
      const code = isUnsupported(error) ? "UNSUPPORTED" : "SNAPSHOT";
      throw new ReplicationError(code, `The snapshot can't be loaded: ${error.message}`, error);
    }
  }
}

/** True for what is sound but not known here, as against what is damaged. */
function isUnsupported(error: RdbError): boolean {
  return error.code.startsWith("UNSUPPORTED") || error.code.startsWith("UNKNOWN");
}
