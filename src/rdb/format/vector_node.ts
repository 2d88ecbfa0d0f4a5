/**
 * A node of a vector set's graph as it is kept: the lengths of a snapshot one behind the other, their number first.
 * What they mean is drawn in `vector_layout.ts`.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { Length } from "./opcodes.ts";

const BITS_6 = 0x3f;
const LEVEL_MASK = 0xffn;
const VERSION_SHIFT = 24n;

/** Whole numbers one behind the other, in the form that a snapshot has for lengths. */
export class LengthRun {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #pos: number;

  /** Begins at offset `start` of bytes that were checked when they came. */
  constructor(bytes: Uint8Array, start: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#pos = start;
  }

  /** Reads the next number: there must be one. */
  next(): bigint {
    const at = this.#pos;
    const first = this.#bytes[at];
    this.#pos += lengthWidth(first);
    if (first < Length.BITS_32) {
      return BigInt(
        first >>> 6 === 0 ? first & BITS_6 : (first & BITS_6) << 8 | this.#bytes[at + 1],
      );
    }
    if (first === Length.BITS_32) return BigInt(this.#view.getUint32(at + 1));
    return this.#view.getBigUint64(at + 1);
  }
}

/** How many bytes a length has that begins with this one. */
export function lengthWidth(first: number): number {
  if (first < Length.BITS_32) return first >>> 6 === 0 ? 1 : 2;
  return first === Length.BITS_32 ? 5 : 9;
}

/** The id of a node that begins at `start`. */
export function nodeId(bytes: Uint8Array, start: number): bigint {
  const run = new LengthRun(bytes, start);
  run.next();
  return run.next();
}

/** The ids of a node's neighbours on each level, level 0 first. */
export function nodeLinks(bytes: Uint8Array, start: number): bigint[][] {
  const run = new LengthRun(bytes, start);
  run.next();
  run.next();
  const head = run.next();
  const levels: bigint[][] = [];
  for (let left = head & LEVEL_MASK; left >= 0n; left--) {
    const count = Number(run.next());
    run.next();
    levels.push(Array.from({ length: count }, () => run.next()));
    if (head >> VERSION_SHIFT > 0n) run.next();
  }
  assert(levels.length > 0, "a node has a level");
  return levels;
}
