/**
 * The number of nodes that Redis's radix tree (`rax.c`) of a stream's nodes has, which XINFO STREAM tells
 * as `radix-tree-nodes`. We have no such tree, but its shape follows from its keys: the 16 bytes of the id
 * that each node of the stream begins with.
 *
 * ```
 *  ids 00..01 aa, 00..01 bb        [ 00 .. 01 ]      the bytes in common, compressed into one node
 *                                   [ a | b ]        a branch: one byte leads to each child
 *                               [ a... ]  [ b... ]   the rest of each key, compressed
 *                                 leaf      leaf     an empty node, which is the key's end
 * ```
 *
 * Below a branch at depth d, which tells keys apart by byte d, d + 1 bytes are consumed. So a key adds its
 * leaf and, unless its last byte is the branch's, a compressed node; a branch adds itself and, unless it
 * is right below another one, a compressed node above it.
 *
 * @module
 */

import { IdPlace, type IdTable } from "../packed/id_table.ts";
import { StreamId } from "../packed/stream_id.ts";

const ID_BYTES = 16;

/** Counts the tree's nodes: 1, the head, for no ids. O(n). */
export function countRadixNodes(ids: IdTable<unknown>): number {
  const place = new IdPlace();
  const last = new StreamId();
  const id = new StreamId();
  // Depths of the branches on the way to the last id. In order of ids, a branch is left for good.
  const branches: number[] = [];
  let count = 1;
  let branch = -1;
  let more = ids.first(place);
  if (!more) return count;
  ids.readId(place, id);
  while ((more = ids.next(place))) {
    last.set(id);
    ids.readId(place, id);
    const common = commonBytes(last, id);
    // The deeper of the branches to the id before the last one and to this one has the last one's leaf.
    count += leafNodes(Math.max(common, branch)) + closeBranches(branches, common);
    if (branches.length === 0 || branches[branches.length - 1] < common) branches.push(common);
    branch = common;
  }
  count += leafNodes(branch) + closeBranches(branches, -1);
  // The head is the topmost of the nodes that were counted.
  return count - 1;
}

/** Takes branches off the way that are deeper than `depth`; returns how many nodes they are. */
function closeBranches(branches: number[], depth: number): number {
  let count = 0;
  while (branches.length > 0 && branches[branches.length - 1] > depth) {
    const closed = branches.pop()!;
    const above = Math.max(branches[branches.length - 1] ?? -1, depth);
    count += closed - above > 1 ? 2 : 1;
  }
  return count;
}

/** A leaf, and the compressed bytes before it if there are any, under a branch at a depth; -1 for none. */
function leafNodes(branch: number): number {
  return branch < ID_BYTES - 1 ? 2 : 1;
}

/** How many bytes two ids, which differ, begin with in common. */
function commonBytes(a: StreamId, b: StreamId): number {
  if (a.msHigh !== b.msHigh) return Math.clz32(a.msHigh ^ b.msHigh) >> 3;
  if (a.msLow !== b.msLow) return 4 + (Math.clz32(a.msLow ^ b.msLow) >> 3);
  if (a.seqHigh !== b.seqHigh) return 8 + (Math.clz32(a.seqHigh ^ b.seqHigh) >> 3);
  return 12 + (Math.clz32(a.seqLow ^ b.seqLow) >> 3);
}
