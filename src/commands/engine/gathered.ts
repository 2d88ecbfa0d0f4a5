/**
 * Bulk strings that are found before it is known how many there are: kept in blocks, so that none is moved as
 * they become many, and replied block by block.
 *
 * @module
 */

import { ByteBuffer } from "../../base/byte_buffer.ts";
import { ReplyWriter } from "../../resp/writer.ts";
import type { Context } from "./context.ts";
import type { Steps } from "./long_read.ts";

/** Bytes after which another block is begun. */
const BLOCK_BYTES = 1 << 16;

/** Replies in the order they were written, without the header that counts them. */
export class Gathered {
  /** Writes one of them; {@linkcode Gathered.next} is called behind each. */
  readonly writer: ReplyWriter;
  /** How many there are. */
  count: number = 0;
  readonly #blocks: ByteBuffer[] = [];

  /** Begins without any, in the protocol of the caller. */
  constructor(ctx: Context) {
    this.writer = new ReplyWriter(new ByteBuffer());
    this.writer.protocol = ctx.reply.protocol;
  }

  /** Counts one that was written. */
  next(): void {
    this.count++;
    if (this.writer.out.length < BLOCK_BYTES) return;
    this.#blocks.push(this.writer.out);
    this.writer.out = new ByteBuffer(BLOCK_BYTES + BLOCK_BYTES / 8);
  }

  /** Appends all that was gathered to the reply, a block a step; the header is the caller's. */
  *reply(ctx: Context): Steps {
    this.#blocks.push(this.writer.out);
    for (const block of this.#blocks) {
      ctx.reply.bulks(block.bytes, 0, block.length);
      yield;
    }
  }
}
