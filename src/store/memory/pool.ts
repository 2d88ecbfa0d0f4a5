/**
 * Shared memory for the nodes of one collection. Quicklists and streams are made of many nodes, and a
 * snapshot brings them one after the other; a buffer for each costs the runtime 3 to 4 microseconds and
 * some 200 bytes a node (Deno, nodes of 4 KB), a slice of a shared buffer a tenth of that.
 *
 * ```
 *  buffer   [ slice | slice | slice |      free      ]     each slice is one node's memory
 *                                    ^ #filled: slices are handed out from the start, never reused
 * ```
 *
 * A node that outgrows its slice takes a buffer of its own, and the slice is lost until the whole buffer
 * goes: once less than a quarter of a buffer is in use, the nodes left in it move out and the runtime
 * collects it. So a collection holds at most four times the bytes in use, apart from the one buffer that
 * is still being filled.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { allocate } from "./allocate.ts";

/** Longest shared buffer, 256 KB: from here on the runtimes leave zeroing to the operating system. */
const MAX_BUFFER_BYTES = 262144;
/** Shortest shared buffer: a shorter one holds too few nodes to save anything. */
const MIN_BUFFER_BYTES = 4096;
/** A new buffer has a quarter (2^-2) of the bytes pooled so far, so that small collections waste little. */
const SIZE_SHIFT = 2;
/** A buffer of which less than a quarter (2^-2) is in use is given up. */
const USED_SHIFT = 2;

/** The node that a slice belongs to. */
export interface SliceOwner {
  /** Copies the content to a buffer of the same length that belongs to the node alone. */
  moveOut(): void;
}

/** One buffer shared by several nodes. */
export class PoolBuffer {
  /** The buffer as a whole; its slices are views of the same memory. */
  readonly bytes: Uint8Array;
  readonly #pool: Pool;
  readonly #owners: SliceOwner[] = [];
  #filled: number = 0;
  #used: number = 0;

  /** Makes a buffer of `length` zero bytes without slices. */
  constructor(pool: Pool, length: number) {
    this.#pool = pool;
    this.bytes = new Uint8Array(allocate(length));
    pool.spareBytes += length;
  }

  /** Whether a slice of `length` bytes fits behind those handed out already. */
  fits(length: number): boolean {
    return this.#filled + length <= this.bytes.length;
  }

  /** Hands out the next `length` bytes to `owner`; {@linkcode PoolBuffer.fits} has said they are there. */
  addSlice(owner: SliceOwner, length: number): Uint8Array {
    assert(this.fits(length), "a slice fits its buffer");
    const start = this.#filled;
    this.#filled += length;
    this.#used += length;
    this.#pool.spareBytes -= length;
    this.#owners.push(owner);
    return this.bytes.subarray(start, start + length);
  }

  /** Takes back a slice of `length` bytes; may move all other owners out to give up the buffer. */
  freeSlice(owner: SliceOwner, length: number): void {
    const owners = this.#owners;
    const last = owners.pop();
    assert(last !== undefined && length <= this.#used, "a slice is given back once");
    if (last !== owner) owners[owners.indexOf(owner)] = last;
    this.#used -= length;
    this.#pool.spareBytes += length;
    if (this.#pool.isFilling(this) || this.#used >= this.bytes.length >>> USED_SHIFT) return;
    this.#pool.spareBytes -= this.bytes.length - this.#used;
    this.#used = 0;
    for (const left of owners.splice(0)) left.moveOut();
  }
}

/** The shared buffers of one collection. */
export class Pool {
  /** Bytes of shared buffers that no node uses, for the collection's `memoryBytes`. */
  spareBytes: number = 0;
  #requested: number = 0;
  #filling: PoolBuffer | undefined = undefined;

  /**
   * The buffer in which a node of `length` bytes should get a slice; undefined when it should have a
   * buffer of its own, because it is long or the collection is still small.
   */
  bufferFor(length: number): PoolBuffer | undefined {
    this.#requested += length;
    const filling = this.#filling;
    if (filling !== undefined && filling.fits(length)) return filling;
    const size = Math.min(MAX_BUFFER_BYTES, (this.#requested >>> SIZE_SHIFT) & ~7);
    if (size < MIN_BUFFER_BYTES || length * 2 > size) return undefined;
    return this.#filling = new PoolBuffer(this, size);
  }

  /** Whether `buffer` is the one that the next slice comes from; that one is never given up. */
  isFilling(buffer: PoolBuffer): boolean {
    return this.#filling === buffer;
  }
}
