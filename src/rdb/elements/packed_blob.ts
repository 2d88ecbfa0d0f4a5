/**
 * A collection in one string: a listpack since Redis 7.0, a ziplist up to 6.2. The store holds
 * listpacks alone, so a ziplist is converted here, once, and its family sees no difference.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { ByteBuffer } from "../../base/byte_buffer.ts";
import { lpCheck } from "../../store/packed/listpack_check.ts";
import type { ChunkReader } from "../format/chunk_reader.ts";
import type { DecodeContext } from "../format/context.ts";
import type { StringSlot } from "../format/string_slot.ts";
import { type Fail, ziplistToListpack } from "./ziplist.ts";

/** Memory that is kept for the next ziplist; a larger one's is given back. */
const KEPT_BYTES = 1 << 17;

/** One packed collection after the other; bytes are valid until the next `read` or `release`. */
export class PackedBlob {
  /** The buffer that holds the listpack: the string's own, or the one it was converted into. */
  bytes: Uint8Array = new Uint8Array(0);
  /** Offset of the listpack's first byte. */
  start: number = 0;
  /** Offset after the listpack's last byte. */
  end: number = 0;
  readonly #reader: ChunkReader;
  readonly #isZiplist: boolean;
  readonly #pairs: boolean;
  readonly #slot: StringSlot;
  readonly #converted: ByteBuffer = new ByteBuffer();
  readonly #fail: Fail;

  /**
   * Reads packed collections of one kind.
   *
   * @param isZiplist They are ziplists.
   * @param pairs Their entries come in pairs: fields and values, or members and scores.
   */
  constructor(context: DecodeContext, isZiplist: boolean, pairs: boolean) {
    this.#reader = context.reader;
    this.#isZiplist = isZiplist;
    this.#pairs = pairs;
    this.#slot = context.newSlot();
    this.#fail = (message) => this.#reader.fail(message);
  }

  /** Reads one collection; false when the chunk ended first. A ziplist is checked on the way. */
  read(): boolean {
    const slot = this.#slot;
    if (!this.#reader.readString(slot)) return false;
    this.bytes = slot.bytes;
    this.start = slot.start;
    this.end = slot.end;
    if (this.#isZiplist) this.#convert();
    return true;
  }

  /** Refuses a listpack that is not sound to its last byte; a ziplist has been checked already. */
  check(): void {
    if (this.#isZiplist) return;
    this.#reader.failIf(lpCheck(this.bytes, this.start, this.end, this.#pairs));
  }

  /** Ends the use of the bytes. */
  release(): void {
    this.#converted.shrink(KEPT_BYTES);
  }

  #convert(): void {
    const out = this.#converted;
    assert(out.length === 0, "the collection before was released");
    ziplistToListpack(this.bytes, this.start, this.end, out, this.#pairs, this.#fail);
    this.bytes = out.bytes;
    this.start = 0;
    this.end = out.length;
  }
}
