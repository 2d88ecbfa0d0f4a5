/**
 * Memory for the nodes of one collection that come one after the other, as out of a snapshot: several
 * share a buffer. A buffer each costs the runtime 3 to 4 microseconds and some 200 bytes a node (Deno,
 * nodes of 4 KB), a share of one a tenth of that.
 *
 * ```
 *  a buffer   [ node | node | node | spare ]      a view on its part is all that a node has
 * ```
 *
 * A node that grows moves out. Once less than a quarter of a buffer is lived in, those that are left move
 * out as well and the buffer goes. So, but for the buffer that is being filled, no more than four times what is
 * lived in is held.
 *
 * @module
 */

import { allocate } from "./allocate.ts";

/** Of a buffer, in a large collection: where the runtime leaves zeroing to the system. */
const MOST_BYTES = 262144;
/** A shorter one would save nothing. */
const LEAST_BYTES = 4096;
/** In a small collection a buffer is this share of what has come, so that little is spare. */
const SHARE_SHIFT = 2;
/** Less than this share lived in, and a buffer is given up. */
const FEW_SHIFT = 2;

/** Who lives in a buffer. */
export interface Tenant {
  /** The part of a buffer, or a buffer of its own. */
  readonly bytes: Uint8Array;
  /** Copies what it holds to memory of its own, of the same length. */
  moveOut(): void;
}

/** One buffer. */
export class SharedBuffer {
  /** All of it. */
  readonly bytes: Uint8Array;
  readonly #shelf: Shelf;
  readonly #tenants: Tenant[] = [];
  #filled: number = 0;
  #live: number = 0;

  /** Empty. */
  constructor(shelf: Shelf, length: number) {
    this.#shelf = shelf;
    this.bytes = new Uint8Array(allocate(length));
    shelf.spareBytes += length;
  }

  /** Whether there is room for a part of `length`. */
  fits(length: number): boolean {
    return this.#filled + length <= this.bytes.length;
  }

  /** The next part, of `length`, which fits. */
  enter(tenant: Tenant, length: number): Uint8Array {
    const start = this.#filled;
    this.#filled += length;
    this.#live += length;
    this.#shelf.spareBytes -= length;
    this.#tenants.push(tenant);
    return this.bytes.subarray(start, start + length);
  }

  /** A tenant of a part of `length` has gone. */
  leave(tenant: Tenant, length: number): void {
    const tenants = this.#tenants;
    const last = tenants.pop()!;
    if (last !== tenant) tenants[tenants.indexOf(tenant)] = last;
    this.#live -= length;
    this.#shelf.spareBytes += length;
    if (this.#shelf.isFilling(this) || this.#live >= this.bytes.length >>> FEW_SHIFT) return;
    this.#shelf.spareBytes -= this.bytes.length - this.#live;
    this.#live = 0;
    for (const left of tenants.splice(0)) left.moveOut();
  }
}

/** See the module's text. */
export class Shelf {
  /** Bytes of buffers that nobody lives in. */
  spareBytes: number = 0;
  #taken: number = 0;
  #filling: SharedBuffer | undefined = undefined;

  /** A buffer with room for a node of `length` bytes; undefined when it should have one of its own. */
  bufferFor(length: number): SharedBuffer | undefined {
    this.#taken += length;
    const filling = this.#filling;
    if (filling !== undefined && filling.fits(length)) return filling;
    const size = Math.min(MOST_BYTES, (this.#taken >>> SHARE_SHIFT) & ~7);
    if (size < LEAST_BYTES || length * 2 > size) return undefined;
    return this.#filling = new SharedBuffer(this, size);
  }

  /** Whether it is the buffer that the next node will go to. */
  isFilling(buffer: SharedBuffer): boolean {
    return this.#filling === buffer;
  }
}
