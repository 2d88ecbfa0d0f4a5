/**
 * The commands between MULTI and EXEC, kept until EXEC says that all of them count: a connection that
 * breaks before leaves nothing half applied. One run of bytes and one of lengths, no object per command,
 * because a transaction may have a million of them.
 *
 * ```text
 * bytes   |SELECT|3|SET|a|1|DEL|b|        arguments end to end, in order
 * lengths |2, 6,1 |3, 3,1,1|2, 3,1|       a command: how many arguments, the length of each
 * ```
 *
 * @module
 */

import { assert } from "../base/assert.ts";
import { ByteBuffer } from "../base/byte_buffer.ts";
import type { Argv } from "../resp/argv.ts";

/** Memory kept from one transaction to the next: 1 MB of bytes, 4,096 lengths (16 KB). */
const KEPT_BYTES = 1 << 20;
const KEPT_LENGTHS = 1 << 12;

/** What an argument is taken to need, however short it is. */
const ARGUMENT_BYTES = 32;

/** A queue of commands that owns their bytes. */
export class TransactionQueue {
  /** How many commands wait. */
  count: number = 0;
  readonly #bytes: ByteBuffer = new ByteBuffer();
  #lengths: Int32Array = new Int32Array(KEPT_LENGTHS);
  #lengthCount: number = 0;

  /** Bytes held, 4 for each length included: what `limits.transactionBytes` bounds. */
  get byteLength(): number {
    return this.#bytes.length + this.#lengthCount * 4;
  }

  /** Bytes of memory set aside for the queue. */
  get heldBytes(): number {
    return this.#bytes.bytes.length + this.#lengths.byteLength;
  }

  /** What the commands need at least when they are applied: their bytes, and something for each argument. */
  get neededBytes(): number {
    return this.#bytes.length + this.#lengthCount * ARGUMENT_BYTES;
  }

  /** Copies a command to the end of the queue. */
  push(argv: Argv): void {
    const count = argv.count;
    assert(count > 0, "a command has a name");
    this.#reserveLengths(count + 1);
    const { bytes, starts, ends } = argv;
    const lengths = this.#lengths;
    let at = this.#lengthCount;
    lengths[at++] = count;
    for (let i = 0; i < count; i++) {
      lengths[at++] = ends[i] - starts[i];
      this.#bytes.writeBytes(bytes, starts[i], ends[i]);
    }
    this.#lengthCount = at;
    this.count++;
    assert(at <= lengths.length, "every length has its place");
  }

  /** Calls `visit` with each command in order, `argv` refilled each time, and empties the queue. */
  drain(argv: Argv, visit: (argv: Argv) => void): void {
    const bytes = this.#bytes.bytes;
    const lengths = this.#lengths;
    let offset = 0;
    let at = 0;
    for (let i = 0; i < this.count; i++) {
      argv.clear();
      argv.bytes = bytes;
      for (let left = lengths[at++]; left > 0; left--) {
        const end = offset + lengths[at++];
        argv.push(offset, end);
        offset = end;
      }
      visit(argv);
    }
    assert(offset === this.#bytes.length, "every byte belonged to a command");
    this.clear();
  }

  /** Drops every command, and gives memory back when more was held than is kept. */
  clear(): void {
    this.count = 0;
    this.#lengthCount = 0;
    this.#bytes.shrink(KEPT_BYTES);
    if (this.#lengths.length > KEPT_LENGTHS) this.#lengths = new Int32Array(KEPT_LENGTHS);
  }

  #reserveLengths(more: number): void {
    const needed = this.#lengthCount + more;
    if (needed <= this.#lengths.length) return;
    let capacity = this.#lengths.length * 2;
    while (capacity < needed) capacity *= 2;
    const grown = new Int32Array(capacity);
    grown.set(this.#lengths);
    this.#lengths = grown;
  }
}
