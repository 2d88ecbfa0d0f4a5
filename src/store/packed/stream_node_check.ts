/**
 * Checks nodes of streams of unknown origin: a snapshot's, which are kept as they came. After a check
 * every function of `stream_node.ts` is safe on the bytes. As `streamValidateListpackIntegrity` of Redis
 * with deep validation, and ids must ascend over the whole stream.
 *
 * @module
 */

import { lpFirst, lpInteger, lpIsInteger, lpStates } from "./listpack.ts";
import { lpCheckedNext, lpCheckFrame, WRONG_COUNT } from "./listpack_check.ts";
import type { StreamId } from "./stream_id.ts";
import { DELETED, MAX_NODE_BYTES, readEntryId, SAME_FIELDS } from "./stream_node.ts";

/** An entry has fewer fields: no node has room for as many, and their doubles stay exact. */
const MAX_FIELDS: number = 1 << 30;

const MASTER_ENTRY = "master entry of a stream node is not whole";
const ENTRY = "entry of a stream node is not whole";

/**
 * Checks the node in `bytes[start, end)` to its last byte: the listpack, the structure of every entry, the
 * counts, and that ids ascend. O(n).
 *
 * @param master The node's id.
 * @param last The last id of the node before; becomes this node's last one.
 * @param current Is written over.
 * @returns What is wrong, undefined when nothing is.
 */
export function checkNode(
  bytes: Uint8Array,
  start: number,
  end: number,
  master: StreamId,
  last: StreamId,
  current: StreamId,
): string | undefined {
  if (end - start > MAX_NODE_BYTES) return "stream node is too large";
  const wrong = lpCheckFrame(bytes, start, end);
  if (wrong !== undefined) return wrong;
  const walk = new Walk(bytes, lpFirst(bytes, start), end - 1);
  const count = walk.integer();
  const deleted = walk.integer();
  const fields = walk.integer();
  if (!(count >= 0 && deleted >= 0 && fields >= 0 && fields < MAX_FIELDS)) return MASTER_ENTRY;
  if (!walk.skip(fields) || walk.integer() !== 0) return MASTER_ENTRY;
  let live = 0;
  let dead = 0;
  while (walk.pos < end - 1) {
    const { pos } = walk;
    const flags = walk.integer();
    // Flags must be one byte, as every server writes them: they are read there, and set there.
    if (flags !== bytes[pos] || flags > (DELETED | SAME_FIELDS)) return ENTRY;
    if (!walk.skipInteger() || !walk.skipInteger()) return ENTRY;
    const same = (flags & SAME_FIELDS) !== 0;
    const own = same ? fields : walk.integer();
    if (!(own >= 0 && own < MAX_FIELDS)) return ENTRY;
    if (!walk.skip(same ? own : 2 * own)) return ENTRY;
    if (walk.integer() !== (same ? own + 3 : 2 * own + 4)) return ENTRY;
    readEntryId(bytes, pos, master, current);
    const ascends = current.compare(last) > 0 && current.compare(master) >= 0;
    if (!ascends) return "ids of stream entries do not ascend";
    last.set(current);
    if ((flags & DELETED) !== 0) dead++;
    else live++;
  }
  if (!lpStates(bytes, start, walk.count)) return WRONG_COUNT;
  if (live !== count || dead !== deleted) return "stream node has other entries than it says";
  // A node of deleted entries alone is sound: trimming by id leaves such nodes, as in t_stream.c.
  return live + dead === 0 ? "stream node has no entries" : undefined;
}

/** A cursor over elements of a listpack, each of which is checked before it is read. */
class Walk {
  readonly #bytes: Uint8Array;
  readonly #last: number;
  /** Position of the next element; of the end byte behind the last. */
  pos: number;
  /** How many elements were passed. */
  count: number = 0;

  constructor(bytes: Uint8Array, pos: number, last: number) {
    this.#bytes = bytes;
    this.#last = last;
    this.pos = pos;
  }

  /** Reads the next element; -1, which no integer here may be, when it is no integer or cut off. */
  integer(): number {
    const bytes = this.#bytes;
    const at = this.pos;
    // Most integers are one byte, followed by the back length 1.
    if (bytes[at] < 0x80 && at + 1 < this.#last && bytes[at + 1] === 1) {
      this.pos = at + 2;
      this.count++;
      return bytes[at];
    }
    return this.skipInteger() ? lpInteger(this.#bytes, at) : -1;
  }

  /** Passes the next element if it is an integer. */
  skipInteger(): boolean {
    return this.pos < this.#last && lpIsInteger(this.#bytes, this.pos) && this.skip(1);
  }

  /** Passes `count` elements; false when there are fewer, or one of them is none. */
  skip(count: number): boolean {
    const bytes = this.#bytes;
    const last = this.#last;
    let { pos } = this;
    for (let left = count; left > 0; left--) {
      if (pos >= last) return false;
      pos = lpCheckedNext(bytes, pos, last);
      if (pos < 0) return false;
    }
    this.pos = pos;
    this.count += count;
    return true;
  }
}
