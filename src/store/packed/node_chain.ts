/**
 * The nodes of a quicklist in order: found by an element's index, put in and taken out anywhere.
 *
 * ```
 *  chain    [ block | block | block | ... ]                      an array
 *  block    count of elements, [ node | node | node | ... ]      1 to 256 nodes
 * ```
 *
 * Redis links its nodes and walks them to an index, which costs a cache miss a node: LINDEX amid a list
 * of 20,000 nodes visits half of them. Here whole blocks are passed over by their counts, and a node that
 * is put in or taken out moves no more than a block's worth of pointers. Which nodes there are is
 * `quicklist.ts`'s business: it must be Redis's, and is not touched by the blocks.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import type { ByteBuffer } from "../../base/byte_buffer.ts";
import { lpSplice } from "./listpack.ts";
import type { QuicklistNode } from "./quicklist_node.ts";

/** A block with more nodes is cut in two. */
const MAX_BLOCK = 256;
/** Fewer blocks than this are not worth filling anew. */
const MIN_REGROUP = 8;

/** Neighbouring nodes and how many elements they have together. */
interface Block {
  readonly nodes: QuicklistNode[];
  count: number;
}

/** Where a node stands in its chain, and perhaps which of its elements is meant. */
export class NodePlace {
  /** Index of the block. */
  block: number = 0;
  /** Index of the node in its block. */
  node: number = 0;
  /** Index of an element in its node. */
  offset: number = 0;

  /** Makes this the place of another's node; the element stays. */
  setNode(other: NodePlace): void {
    this.block = other.block;
    this.node = other.node;
  }
}

/** Nodes in blocks; see the drawing at the top. Places are valid until nodes are put in or taken out. */
export class NodeChain {
  #blocks: Block[] = [];
  #count: number = 0;
  #nodeCount: number = 0;
  #nodeBytes: number = 0;

  /** Elements of all nodes. */
  get count(): number {
    return this.#count;
  }

  /** How many nodes there are. */
  get nodeCount(): number {
    return this.#nodeCount;
  }

  /** Bytes of the nodes' memory, spare bytes included. */
  get nodeBytes(): number {
    return this.#nodeBytes;
  }

  /** The node at a place, which there must be. */
  nodeAt(place: NodePlace): QuicklistNode {
    return this.#blocks[place.block].nodes[place.node];
  }

  /**
   * Finds the element at `index`, which is there. O(blocks + nodes of a block), from the nearer end of the
   * chain.
   */
  seek(index: number, place: NodePlace): void {
    assert(index >= 0 && index < this.#count, "the index lies in the list");
    const blocks = this.#blocks;
    let at = 0;
    let first = 0;
    if (index < this.#count >>> 1) {
      while (index >= first + blocks[at].count) first += blocks[at++].count;
    } else {
      at = blocks.length - 1;
      first = this.#count - blocks[at].count;
      while (index < first) first -= blocks[--at].count;
    }
    const { nodes } = blocks[at];
    let node = 0;
    while (index >= first + nodes[node].count) first += nodes[node++].count;
    place.block = at;
    place.node = node;
    place.offset = index - first;
  }

  /** Points at the first node; at the place where it would be put when there is none. */
  seekFirst(place: NodePlace): void {
    place.block = 0;
    place.node = 0;
  }

  /** Points at the last node; at the place where it would be put when there is none. */
  seekLast(place: NodePlace): void {
    place.block = Math.max(this.#blocks.length - 1, 0);
    place.node = this.#nodeCount === 0 ? 0 : this.#blocks[place.block].nodes.length - 1;
  }

  /** Moves to the next node's first element; false, and nothing changed, at the last node. */
  next(place: NodePlace): boolean {
    if (place.node + 1 < this.#blocks[place.block].nodes.length) {
      place.node++;
    } else {
      if (place.block + 1 === this.#blocks.length) return false;
      place.block++;
      place.node = 0;
    }
    place.offset = 0;
    return true;
  }

  /** Moves to the previous node's last element; false, and nothing changed, at the first node. */
  previous(place: NodePlace): boolean {
    if (place.node > 0) {
      place.node--;
    } else {
      if (place.block === 0) return false;
      place.block--;
      place.node = this.#blocks[place.block].nodes.length - 1;
    }
    place.offset = this.nodeAt(place).count - 1;
    return true;
  }

  /**
   * Looks a node up that has stood at `place`, from two blocks before that one on: since then a block may
   * have been cut in two, and up to two blocks before it may have gone with their last node.
   */
  find(node: QuicklistNode, place: NodePlace): void {
    const blocks = this.#blocks;
    for (let at = Math.max(place.block - 2, 0); at < blocks.length; at++) {
      const index = blocks[at].nodes.indexOf(node);
      if (index < 0) continue;
      place.block = at;
      place.node = index;
      return;
    }
    assert(false, "a node stands near where it was");
  }

  /** Puts a node before or after the one at `place`; where that stands afterwards {@linkcode find} tells. */
  insert(node: QuicklistNode, place: NodePlace, after: boolean): void {
    assert(node.count > 0, "no node is empty");
    const blocks = this.#blocks;
    if (blocks.length === 0) blocks.push({ nodes: [], count: 0 });
    const block = blocks[place.block];
    assert(place.node <= block.nodes.length, "a node is put beside another one");
    block.nodes.splice(after ? place.node + 1 : place.node, 0, node);
    block.count += node.count;
    this.#count += node.count;
    this.#nodeCount++;
    this.#nodeBytes += node.region.memoryBytes;
    if (block.nodes.length > MAX_BLOCK) this.#splitBlock(place.block, after);
  }

  /** Drops the node at `place`, where the next one then stands once {@linkcode settle} was called. */
  remove(place: NodePlace): void {
    const block = this.#blocks[place.block];
    assert(place.node < block.nodes.length, "a node that is removed is there");
    const [node] = block.nodes.splice(place.node, 1);
    block.count -= node.count;
    this.#count -= node.count;
    this.#nodeCount--;
    this.#nodeBytes -= node.region.memoryBytes;
    node.region.release();
    if (block.nodes.length === 0) this.#blocks.splice(place.block, 1);
    assert(block.count >= 0 && this.#count >= 0, "no more elements go than there were");
  }

  /**
   * After a removal: a place just behind its block's last node becomes that of the next block's first.
   *
   * @returns False when no node follows.
   */
  settle(place: NodePlace): boolean {
    const block = this.#blocks[place.block];
    if (block !== undefined && place.node === block.nodes.length) {
      place.block++;
      place.node = 0;
    }
    place.offset = 0;
    return place.block < this.#blocks.length;
  }

  /**
   * Replaces entries of the packed node at `place`, as `lpSplice` does, and counts. The node may be empty
   * afterwards: it is then to be removed.
   */
  splice(
    place: NodePlace,
    from: number,
    to: number,
    removed: number,
    added: ByteBuffer | undefined,
    addedCount: number,
  ): void {
    const block = this.#blocks[place.block];
    const node = block.nodes[place.node];
    const { region } = node;
    assert(!node.plain && removed <= node.count, "a packed node loses no more than it has");
    const before = region.memoryBytes;
    lpSplice(region, from, to, removed, added, addedCount);
    this.#nodeBytes += region.memoryBytes - before;
    const change = addedCount - removed;
    node.count += change;
    block.count += change;
    this.#count += change;
  }

  /** Makes room in a packed node for `length` bytes in all, as it is about to grow further. */
  reserve(node: QuicklistNode, length: number): void {
    const { region } = node;
    const before = region.memoryBytes;
    region.reserve(length);
    this.#nodeBytes += region.memoryBytes - before;
  }

  /** Gives back a node's spare memory: it grows no more. */
  trim(node: QuicklistNode): void {
    const { region } = node;
    const before = region.memoryBytes;
    region.trim();
    this.#nodeBytes += region.memoryBytes - before;
  }

  /** Puts another element's bytes into a plain node. */
  rewrite(node: QuicklistNode, bytes: Uint8Array, start: number, end: number): void {
    assert(node.plain, "a plain node is written over");
    const { region } = node;
    const before = region.memoryBytes;
    region.resize(end - start);
    region.bytes.set(bytes.subarray(start, end));
    this.#nodeBytes += region.memoryBytes - before;
  }

  /**
   * Fills the blocks anew when they are an eighth full on average or less, so that a search does not pass
   * over many blocks of few nodes. After removals all over the chain.
   */
  regroup(): void {
    const blocks = this.#blocks;
    if (blocks.length < MIN_REGROUP || this.#nodeCount * 8 > blocks.length * MAX_BLOCK) return;
    const nodes = blocks.flatMap((block) => block.nodes);
    const grouped: Block[] = [];
    for (let i = 0; i < nodes.length; i += MAX_BLOCK) {
      const part = nodes.slice(i, i + MAX_BLOCK);
      grouped.push({ nodes: part, count: part.reduce((sum, { count }) => sum + count, 0) });
    }
    this.#blocks = grouped;
  }

  /**
   * Cuts a block that is over its limit. Amid the chain in halves; at the end that has just grown all but
   * the new node stay, as a list grows at its ends mostly and so fills its blocks.
   */
  #splitBlock(index: number, after: boolean): void {
    const blocks = this.#blocks;
    const { nodes } = blocks[index];
    const isEnd = after ? index === blocks.length - 1 : index === 0;
    const seam = !isEnd ? nodes.length >>> 1 : after ? nodes.length - 1 : 1;
    const moved = nodes.splice(seam);
    let count = 0;
    for (const node of moved) count += node.count;
    blocks[index].count -= count;
    blocks.splice(index + 1, 0, { nodes: moved, count });
  }
}
