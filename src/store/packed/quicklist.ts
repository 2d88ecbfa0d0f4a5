/**
 * Redis's quicklist: a long list as a chain of listpacks, each of a few kilobytes or a set number of
 * entries, with elements too large for that in nodes of their own.
 *
 * ```
 *  blocks    [ block | block | block ... ]        an array
 *  a block   count of elements, [ node | node | ... ]   at most MAX_BLOCK nodes
 *  a node    a listpack (packed), or the bytes of one element (plain)
 * ```
 *
 * Redis links its nodes; here they stand in blocks, so that an index is found by passing over whole
 * blocks, and nothing moves more than a block's worth of pointers. When nodes are split, merged and
 * given up is Redis's business to the letter (`quicklist.c`, 7.2 to 8.0): whether a list that shrank is
 * a listpack again depends on how many nodes it has.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { ByteBuffer } from "../../base/byte_buffer.ts";
import {
  LISTPACK_EMPTY,
  LISTPACK_HEADER,
  lpAppendTo,
  lpIsEnd,
  lpLength,
  lpNext,
  lpPrev,
  lpSeek,
  lpSplice,
} from "./listpack.ts";
import { lpCheck } from "./listpack_check.ts";
import type { StoredObject } from "../memory/stored_object.ts";
import { NodeRegion } from "./region.ts";
import { Pool } from "../memory/pool.ts";

/** A block with more nodes is cut in two. */
const MAX_BLOCK = 256;
/** `SIZE_SAFETY_LIMIT`: the most bytes of a node whose limit is a number of entries. */
const SAFETY_BYTES = 8192;
/** `SIZE_ESTIMATE_OVERHEAD`: what an entry may take beside its text. */
const ENTRY_OVERHEAD = 8;
/** Header and end byte, of which a merged listpack has one pair. */
const LISTPACK_FRAME = 7;
/** `optimization_level`: bytes of a node for a fill of -1 to -5. */
const SIZE_LIMITS: readonly number[] = [4096, 8192, 16384, 32768, 65536];
/** Memory that is kept between two uses of the buffer. */
const KEPT_BYTES = 1 << 17;
/** What a node takes beside its bytes, about: the object, its region, the array's slot. */
const NODE_BYTES = 320;

/** One entry encoded, to be spliced in. */
const encoded = new ByteBuffer();

/** A part of the list. */
export class QuicklistNode {
  /** The listpack, or the one element's bytes. */
  readonly region: NodeRegion;
  /** Whether it is one element and no listpack. */
  readonly plain: boolean;
  /** Elements. */
  count: number;

  /** Takes over the region. */
  constructor(region: NodeRegion, plain: boolean, count: number) {
    this.region = region;
    this.plain = plain;
    this.count = count;
  }

  /** Bytes of the listpack or element. */
  get size(): number {
    return this.region.end;
  }
}

/** Neighbouring nodes. */
interface Block {
  readonly nodes: QuicklistNode[];
  count: number;
}

/** Where a node stands. */
export class NodePlace {
  /** Which block. */
  block: number = 0;
  /** Which of its nodes. */
  node: number = 0;
  /** Which of the node's elements, when an element is meant. */
  offset: number = 0;
}

/** The most bytes of a node by `list-max-listpack-size`; Infinity where entries are limited. */
export function fillBytes(fill: number): number {
  if (fill >= 0) return Infinity;
  return SIZE_LIMITS[Math.min(-fill, SIZE_LIMITS.length) - 1];
}

/** The most entries of a node by `list-max-listpack-size`; Infinity where bytes are limited. */
export function fillCount(fill: number): number {
  return fill < 0 ? Infinity : Math.max(fill, 1);
}

/** `quicklistNodeExceedsLimit`. */
export function exceedsFill(fill: number, bytes: number, count: number): boolean {
  if (fill < 0) return bytes > fillBytes(fill);
  return bytes > SAFETY_BYTES || count > fillCount(fill);
}

/** `isLargeElement`: whether an element of so many bytes gets a node of its own. */
export function isLargeElement(fill: number, bytes: number): boolean {
  return bytes > (fill < 0 ? fillBytes(fill) : SAFETY_BYTES);
}

/** See the module's text. */
export class Quicklist implements StoredObject {
  /** `list-max-listpack-size` as it was when the list was made. */
  readonly fill: number;
  #blocks: Block[] = [];
  #count: number = 0;
  #nodes: number = 0;
  #bytes: number = 0;
  #pool: Pool | undefined = undefined;
  readonly #place: NodePlace = new NodePlace();

  /** Empty. */
  constructor(fill: number) {
    this.fill = fill;
  }

  /** Elements. */
  get count(): number {
    return this.#count;
  }

  /** Nodes. */
  get nodeCount(): number {
    return this.#nodes;
  }

  /** What it holds, bookkeeping included. */
  get memoryBytes(): number {
    return this.#bytes + (this.#pool?.spareBytes ?? 0) + this.#nodes * NODE_BYTES;
  }

  /** An independent copy. */
  copy(): Quicklist {
    const copy = new Quicklist(this.fill);
    for (const block of this.#blocks) {
      for (const { region, plain, count } of block.nodes) {
        copy.appendNode(region.bytes, 0, region.end, plain, count);
      }
    }
    return copy;
  }

  /** The first node, undefined when there is none. */
  get head(): QuicklistNode | undefined {
    return this.#blocks[0]?.nodes[0];
  }

  /** The last node, undefined when there is none. */
  get tail(): QuicklistNode | undefined {
    return this.#blocks[this.#blocks.length - 1]?.nodes.at(-1);
  }

  /** The node at a place. */
  nodeAt(place: NodePlace): QuicklistNode {
    return this.#blocks[place.block].nodes[place.node];
  }

  /** Finds the element at `index`, which is there. */
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

  /** Moves to the next node's first element; false at the last node. */
  nextNode(place: NodePlace): boolean {
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

  /** Moves to the previous node's last element; false at the first node. */
  previousNode(place: NodePlace): boolean {
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

  /** Appends a copy of a node as it is; `quicklistAppendListpack` and `quicklistAppendPlainNode`. */
  appendNode(bytes: Uint8Array, start: number, end: number, plain: boolean, count: number): void {
    const region = new NodeRegion(bytes, start, end, this.#pool ??= new Pool());
    this.#tailPlace();
    this.#insertNode(new QuicklistNode(region, plain, count), this.#place, this.#nodes > 0);
  }

  /** Adds an element before the first or after the last. */
  push(atHead: boolean, bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    const place = this.#place;
    if (atHead) {
      place.block = 0;
      place.node = 0;
    } else this.#tailPlace();
    const node = this.#nodes === 0 ? undefined : this.nodeAt(place);
    if (isLargeElement(this.fill, length)) {
      if (node !== undefined) this.#trim(node);
      this.#insertNode(plainNode(bytes, start, end), place, !atHead && node !== undefined);
    } else if (node !== undefined && this.#allowsInsert(node, length)) {
      const region = node.region;
      const pos = atHead ? LISTPACK_HEADER : region.end - 1;
      this.#bytes -= region.memoryBytes;
      region.reserve(region.end + length + ENTRY_OVERHEAD);
      this.#bytes += region.memoryBytes;
      this.#splice(place, pos, pos, 0, bytes, start, end);
    } else {
      // The node that was at this end is full: it grows no more.
      if (node !== undefined) this.#trim(node);
      this.#insertNode(packedNode(bytes, start, end), place, !atHead && node !== undefined);
    }
  }

  /** Adds an element before or after the one at `index`; `_quicklistInsert`. */
  insert(index: number, after: boolean, bytes: Uint8Array, start: number, end: number): void {
    const place = new NodePlace();
    this.seek(index, place);
    this.#insertAt(place, after, bytes, start, end);
  }

  /** Puts another element at `index`; `quicklistReplaceEntry`. */
  replace(index: number, bytes: Uint8Array, start: number, end: number): void {
    const place = new NodePlace();
    this.seek(index, place);
    const node = this.nodeAt(place);
    const isLarge = isLargeElement(this.fill, end - start);
    if (!node.plain && !isLarge) {
      const { region } = node;
      const pos = lpSeek(region.bytes, 0, region.end, place.offset);
      this.#splice(place, pos, lpNext(region.bytes, pos), 1, bytes, start, end);
    } else if (!node.plain) {
      this.#replaceBySplit(place, bytes, start, end);
    } else if (isLarge) {
      const { region } = node;
      this.#bytes -= region.memoryBytes;
      region.resize(end - start);
      region.bytes.set(bytes.subarray(start, end));
      this.#bytes += region.memoryBytes;
    } else {
      this.#insertAt(place, true, bytes, start, end);
      this.seek(index, place);
      this.#removeNode(place);
    }
  }

  /** Takes elements out; `quicklistDelRange`. */
  removeRange(index: number, count: number): void {
    let left = Math.min(count, this.#count - index);
    if (left <= 0) return;
    const place = this.#place;
    this.seek(index, place);
    let offset = place.offset;
    while (left > 0) {
      const node = this.nodeAt(place);
      const removed = Math.min(left, node.count - offset);
      left -= removed;
      if (removed === node.count) {
        // The next node moves to this place.
        this.#removeNode(place);
        this.#settle(place);
      } else {
        this.#removeFromNode(place, offset, removed);
        if (left > 0) this.nextNode(place);
      }
      offset = 0;
    }
  }

  /**
   * Removes up to `limit` elements for which `matches` says so, from the head or the tail on.
   *
   * @param matches Called with what the element lies in, its position there, and whether that is a node
   * of one plain element.
   * @returns How many there were.
   */
  removeMatching(
    fromHead: boolean,
    limit: number,
    matches: (node: QuicklistNode, pos: number) => boolean,
  ): number {
    if (this.#count === 0) return 0;
    const place = new NodePlace();
    this.seek(fromHead ? 0 : this.#count - 1, place);
    let removed = 0;
    let more = true;
    while (more && removed < limit) {
      const node = this.nodeAt(place);
      const found = this.#removeInNode(place, fromHead, limit - removed, matches);
      removed += found;
      if (!fromHead) more = this.previousNode(place);
      else more = node.count > 0 ? this.nextNode(place) : this.#settle(place);
    }
    this.#regroup();
    return removed;
  }

  /** The only node's listpack, if there is but one node and it is one; as is. */
  get onlyListpack(): NodeRegion | undefined {
    if (this.#nodes !== 1) return undefined;
    const node = this.#blocks[0].nodes[0];
    return node.plain ? undefined : node.region;
  }

  /**
   * Walks everything and checks that what is counted is what is there: for tests.
   *
   * @throws {AssertionError} When it is not.
   */
  audit(): void {
    let count = 0;
    let nodes = 0;
    let bytes = 0;
    for (const block of this.#blocks) {
      assert(block.nodes.length > 0 && block.nodes.length <= MAX_BLOCK, "a block is well filled");
      let inBlock = 0;
      for (const node of block.nodes) {
        const { region } = node;
        bytes += region.memoryBytes;
        inBlock += node.count;
        if (node.plain) {
          assert(node.count === 1, "a plain node is one element");
          continue;
        }
        const wrong = lpCheck(region.bytes, 0, region.end, false);
        assert(wrong === undefined, `a node is a sound listpack: ${wrong}`);
        assert(lpLength(region.bytes, 0, region.end) === node.count, "a node counts its entries");
        assert(node.count > 0, "no node is empty");
      }
      assert(inBlock === block.count, "a block counts its elements");
      nodes += block.nodes.length;
      count += inBlock;
    }
    assert(count === this.#count, "elements are counted");
    assert(nodes === this.#nodes, "nodes are counted");
    assert(bytes === this.#bytes, "bytes are counted");
  }

  #insertAt(
    place: NodePlace,
    after: boolean,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    const node = this.nodeAt(place);
    const length = end - start;
    const atTail = after && place.offset === node.count - 1;
    const atHead = !after && place.offset === 0;
    if (isLargeElement(this.fill, length)) {
      const added = plainNode(bytes, start, end);
      if (node.plain || atTail || atHead) return this.#insertNode(added, place, after);
      return this.#insertBetween(place, after, added);
    }
    if (this.#allowsInsert(node, length)) {
      const { region } = node;
      const found = lpSeek(region.bytes, 0, region.end, place.offset);
      const pos = after ? lpNext(region.bytes, found) : found;
      return this.#splice(place, pos, pos, 0, bytes, start, end);
    }
    if (!atTail && !atHead) return this.#splitAndInsert(place, after, bytes, start, end);
    const near = new NodePlace();
    near.block = place.block;
    near.node = place.node;
    const hasNear = after ? this.nextNode(near) : this.previousNode(near);
    if (hasNear && this.#allowsInsert(this.nodeAt(near), length)) {
      const pos = after ? LISTPACK_HEADER : this.nodeAt(near).region.end - 1;
      return this.#splice(near, pos, pos, 0, bytes, start, end);
    }
    this.#insertNode(packedNode(bytes, start, end), place, after);
  }

  /** A large element amid a listpack's entries. */
  #insertBetween(place: NodePlace, after: boolean, added: QuicklistNode): void {
    const cut = this.#split(place, after);
    this.#insertNode(added, place, after);
    this.#find(added, place);
    this.#insertNode(cut, place, after);
  }

  /** Into a node that is full: it is cut in two, and what has become small is merged. */
  #splitAndInsert(
    place: NodePlace,
    after: boolean,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    const node = this.nodeAt(place);
    const cut = this.#split(place, after);
    const pos = after ? LISTPACK_HEADER : cut.region.end - 1;
    encode(bytes, start, end);
    lpSplice(cut.region, pos, pos, 0, encoded, 1);
    cut.count++;
    this.#insertNode(cut, place, after);
    this.#find(node, place);
    this.#mergeAround(place);
  }

  #replaceBySplit(place: NodePlace, bytes: Uint8Array, start: number, end: number): void {
    const node = this.nodeAt(place);
    const cut = place.offset === node.count - 1 ? undefined : this.#split(place, true);
    const added = plainNode(bytes, start, end);
    if (cut !== undefined) this.#insertNode(cut, place, true);
    this.#find(node, place);
    this.#insertNode(added, place, true);
    this.#find(node, place);
    if (node.count === 1) return this.#removeNode(place);
    this.#removeFromNode(place, node.count - 1, 1);
    this.nextNode(place);
    this.#mergeAround(place);
  }

  /** `_quicklistSplitNode`: what comes after the element (or before it) leaves for a node of its own. */
  #split(place: NodePlace, after: boolean): QuicklistNode {
    const node = this.nodeAt(place);
    const { region } = node;
    const found = lpSeek(region.bytes, 0, region.end, place.offset);
    const seam = after ? lpNext(region.bytes, found) : found;
    const before = after ? place.offset + 1 : place.offset;
    const moved = after ? node.count - before : before;
    const from = after ? seam : LISTPACK_HEADER;
    const to = after ? region.end - 1 : seam;
    const cut = new NodeRegion(LISTPACK_EMPTY, 0, LISTPACK_EMPTY.length);
    encoded.shrink(KEPT_BYTES);
    encoded.writeBytes(region.bytes, from, to);
    lpSplice(cut, LISTPACK_HEADER, LISTPACK_HEADER, 0, encoded, moved);
    this.#bytes -= region.memoryBytes;
    lpSplice(region, from, to, moved, undefined, 0);
    this.#bytes += region.memoryBytes;
    this.#addCount(place, -moved);
    return new QuicklistNode(cut, false, moved);
  }

  /** `_quicklistMergeNodes`: joins the neighbours of a node, and it with them, where that fits. */
  #mergeAround(place: NodePlace): void {
    const center = this.nodeAt(place);
    const other = new NodePlace();
    this.#copyPlace(place, other);
    if (this.previousNode(other)) this.#mergeWithPrevious(other);
    this.#find(center, place);
    this.#copyPlace(place, other);
    if (this.nextNode(other) && this.nextNode(other)) this.#mergeWithPrevious(other);
    this.#find(center, place);
    this.#copyPlace(place, other);
    if (this.#mergeWithPrevious(other)) this.#copyPlace(other, place);
    if (this.nextNode(place)) this.#mergeWithPrevious(place);
  }

  /** Appends the node at `place` to the one before it; `place` is then where that stands. */
  #mergeWithPrevious(place: NodePlace): boolean {
    const second = this.nodeAt(place);
    const block = place.block;
    const index = place.node;
    if (!this.previousNode(place)) return false;
    const first = this.nodeAt(place);
    const size = first.size + second.size - LISTPACK_FRAME;
    const fits = !first.plain && !second.plain &&
      !exceedsFill(this.fill, size, first.count + second.count);
    if (!fits) {
      place.block = block;
      place.node = index;
      return false;
    }
    encoded.shrink(KEPT_BYTES);
    encoded.writeBytes(second.region.bytes, LISTPACK_HEADER, second.region.end - 1);
    const { count } = second;
    const from = new NodePlace();
    from.block = block;
    from.node = index;
    this.#removeNode(from);
    // A block that became empty goes, but it stood after this place.
    this.#bytes -= first.region.memoryBytes;
    const pos = first.region.end - 1;
    lpSplice(first.region, pos, pos, 0, encoded, count);
    this.#bytes += first.region.memoryBytes;
    this.#addCount(place, count);
    return true;
  }

  /** `_quicklistNodeAllowInsert`: whether a node takes one more element of so many bytes. */
  #allowsInsert(node: QuicklistNode, length: number): boolean {
    return !node.plain &&
      !exceedsFill(this.fill, node.size + length + ENTRY_OVERHEAD, node.count + 1);
  }

  /** Replaces the entries at `[from, to)` of a node's listpack by one element. */
  #splice(
    place: NodePlace,
    from: number,
    to: number,
    removed: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    encode(bytes, start, end);
    const { region } = this.nodeAt(place);
    this.#bytes -= region.memoryBytes;
    lpSplice(region, from, to, removed, encoded, 1);
    this.#bytes += region.memoryBytes;
    this.#addCount(place, 1 - removed);
  }

  /** Takes entries out of a node's listpack, but not all of them. */
  #removeFromNode(place: NodePlace, offset: number, count: number): void {
    const { region } = this.nodeAt(place);
    const bytes = region.bytes;
    const from = lpSeek(bytes, 0, region.end, offset);
    let to = from;
    if (offset + count === this.nodeAt(place).count) to = region.end - 1;
    else for (let i = 0; i < count; i++) to = lpNext(bytes, to);
    this.#bytes -= region.memoryBytes;
    lpSplice(region, from, to, count, undefined, 0);
    this.#bytes += region.memoryBytes;
    this.#addCount(place, -count);
  }

  /** `removeMatching` in one node, which goes when it becomes empty. */
  #removeInNode(
    place: NodePlace,
    fromHead: boolean,
    limit: number,
    matches: (node: QuicklistNode, pos: number) => boolean,
  ): number {
    const node = this.nodeAt(place);
    if (node.plain) {
      if (!matches(node, 0)) return 0;
      this.#removeNode(place);
      node.count = 0;
      return 1;
    }
    this.#bytes -= node.region.memoryBytes;
    const removed = removeEntries(node, fromHead, limit, matches);
    this.#bytes += node.region.memoryBytes;
    this.#count -= removed;
    this.#blocks[place.block].count -= removed;
    node.count -= removed;
    if (node.count === 0) this.#removeNode(place);
    return removed;
  }

  #trim(node: QuicklistNode): void {
    this.#bytes -= node.region.memoryBytes;
    node.region.trim();
    this.#bytes += node.region.memoryBytes;
  }

  #addCount(place: NodePlace, more: number): void {
    const block = this.#blocks[place.block];
    block.nodes[place.node].count += more;
    block.count += more;
    this.#count += more;
  }

  /** Puts a node before or after the one at `place`, which may then have moved. */
  #insertNode(node: QuicklistNode, place: NodePlace, after: boolean): void {
    const blocks = this.#blocks;
    if (blocks.length === 0) blocks.push({ nodes: [], count: 0 });
    const block = blocks[place.block];
    block.nodes.splice(after ? place.node + 1 : place.node, 0, node);
    block.count += node.count;
    this.#count += node.count;
    this.#nodes++;
    this.#bytes += node.region.memoryBytes;
    if (block.nodes.length > MAX_BLOCK) this.#splitBlock(place.block, after);
  }

  /** Lists grow at their ends mostly: the block there keeps all but what was just added. */
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

  /** Drops the node at `place`, where the next one then stands: see `settle`. */
  #removeNode(place: NodePlace): void {
    const block = this.#blocks[place.block];
    const [node] = block.nodes.splice(place.node, 1);
    block.count -= node.count;
    this.#count -= node.count;
    this.#nodes--;
    this.#bytes -= node.region.memoryBytes;
    node.region.release();
    if (block.nodes.length === 0) this.#blocks.splice(place.block, 1);
  }

  /** A place just behind its block's last node becomes the next block's first; false behind the last. */
  #settle(place: NodePlace): boolean {
    const block = this.#blocks[place.block];
    if (block !== undefined && place.node === block.nodes.length) {
      place.block++;
      place.node = 0;
    }
    place.offset = 0;
    return place.block < this.#blocks.length;
  }

  /** Fills blocks anew when many have become almost empty, so that passing over them stays quick. */
  #regroup(): void {
    const blocks = this.#blocks;
    if (blocks.length < 8 || this.#nodes * 8 > blocks.length * MAX_BLOCK) return;
    const grouped: Block[] = [];
    let last: Block = { nodes: [], count: 0 };
    for (const { nodes } of blocks) {
      for (const node of nodes) {
        if (last.nodes.length === MAX_BLOCK || grouped.length === 0) {
          last = { nodes: [], count: 0 };
          grouped.push(last);
        }
        last.nodes.push(node);
        last.count += node.count;
      }
    }
    this.#blocks = grouped;
  }

  /** Looks a node up around where it was: an insertion may have cut its block in two. */
  #find(node: QuicklistNode, place: NodePlace): void {
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

  #copyPlace(source: NodePlace, target: NodePlace): void {
    target.block = source.block;
    target.node = source.node;
  }

  #tailPlace(): void {
    const place = this.#place;
    place.block = Math.max(this.#blocks.length - 1, 0);
    place.node = this.#nodes === 0 ? 0 : this.#blocks[place.block].nodes.length - 1;
  }
}

/** Removes matching entries of a listpack one by one; its node's count is left to the caller. */
function removeEntries(
  node: QuicklistNode,
  fromHead: boolean,
  limit: number,
  matches: (node: QuicklistNode, pos: number) => boolean,
): number {
  const { region } = node;
  let removed = 0;
  let pos = lpSeek(region.bytes, 0, region.end, fromHead ? 0 : -1);
  while (removed < limit && pos >= 0 && !(fromHead && lpIsEnd(region.bytes, pos))) {
    if (matches(node, pos)) {
      lpSplice(region, pos, lpNext(region.bytes, pos), 1, undefined, 0);
      removed++;
    } else if (fromHead) {
      pos = lpNext(region.bytes, pos);
    }
    if (!fromHead) pos = lpPrev(region.bytes, 0, pos);
  }
  return removed;
}

function plainNode(bytes: Uint8Array, start: number, end: number): QuicklistNode {
  return new QuicklistNode(new NodeRegion(bytes, start, end), true, 1);
}

function packedNode(bytes: Uint8Array, start: number, end: number): QuicklistNode {
  const region = new NodeRegion(LISTPACK_EMPTY, 0, LISTPACK_EMPTY.length);
  encode(bytes, start, end);
  lpSplice(region, LISTPACK_HEADER, LISTPACK_HEADER, 0, encoded, 1);
  return new QuicklistNode(region, false, 1);
}

function encode(bytes: Uint8Array, start: number, end: number): void {
  encoded.shrink(KEPT_BYTES);
  lpAppendTo(encoded, bytes, start, end);
}
