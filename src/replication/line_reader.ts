/**
 * The lines of the handshake, which may arrive split anywhere.
 *
 * @module
 */

import { latin1 } from "../base/ascii.ts";
import { assert } from "../base/assert.ts";
import { ByteBuffer } from "../base/byte_buffer.ts";
import { ReplicationError } from "./errors.ts";

const LF = 10;
const CR = 13;

/** Collects bytes until a line feed ends the line. */
export class LineReader {
  /** The line that the last `read` completed, without its CR LF; undefined while it goes on. */
  line: string | undefined = undefined;
  readonly #maxBytes: number;
  readonly #bytes: ByteBuffer = new ByteBuffer();

  /** Begins with an empty line. @param maxBytes Longest line accepted, without its LF. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /**
   * Reads bytes `[start, end)` of a borrowed chunk up to the first line feed, and sets `line`.
   *
   * @returns Where it stopped: behind the line feed, or `end`.
   * @throws {ReplicationError} PROTOCOL when the line is longer than allowed.
   */
  read(chunk: Uint8Array, start: number, end: number): number {
    assert(start < end, "there is something to read");
    const index = chunk.subarray(start, end).indexOf(LF);
    const stop = index < 0 ? end : start + index;
    const bytes = this.#bytes;
    if (bytes.length + stop - start > this.#maxBytes) {
      throw new ReplicationError("PROTOCOL", `A line passed ${this.#maxBytes} bytes`);
    }
    bytes.writeBytes(chunk, start, stop);
    this.line = undefined;
    if (index < 0) return end;
    const endsWithCr = bytes.length > 0 && bytes.bytes[bytes.length - 1] === CR;
    this.line = latin1(bytes.bytes, 0, endsWithCr ? bytes.length - 1 : bytes.length);
    bytes.clear();
    return stop + 1;
  }
}
