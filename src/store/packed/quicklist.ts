/**
 * Redis's quicklist: a long list as a chain of nodes, each a listpack of a few kilobytes or a set number
 * of elements, or one large element. Between a linked list, which spends more on pointers than on short
 * elements, and one listpack, in which every change moves all that follows.
 *
 * ```
 *  Quicklist    the rules: which node an element goes to, when nodes are cut and merged
 *  NodeChain    the nodes in order, found by index        (node_chain.ts)
 *  node         listpack or plain element, and its limit  (quicklist_node.ts)
 * ```
 *
 * When nodes are cut, merged and removed is `quicklist.c`'s business to the letter (7.2 to 8.0). It shows:
 * a snapshot holds the nodes as they are, and a list that has shrunk becomes a listpack again only when
 * one node is left of it. Inner nodes are not compressed (`list-compress-depth`): a snapshot's are
 * unpacked when they come.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { LISTPACK_HEADER, lpIsEnd, lpNext, lpPrev, lpSeek } from "./listpack.ts";
import type { StoredObject } from "../memory/stored_object.ts";
import { NodeChain, NodePlace } from "./node_chain.ts";
import {
  encodeElement,
  ENTRY_OVERHEAD,
  exceedsFill,
  isLargeElement,
  nodeOf,
  packedNode,
  plainNode,
  QuicklistNode,
  takeEntries,
} from "./quicklist_node.ts";
import { NodeRegion } from "./region.ts";
import { Pool } from "../memory/pool.ts";

/** Header and end byte: two listpacks that become one have them once less. */
const LISTPACK_FRAME = 7;
/** What a node takes beside its bytes, about: the object, its region, the array's slot. */
const NODE_BYTES = 320;

/** Says whether an element goes: the node, the element's position in it (0 if the node is plain). */
export type ElementMatcher = (node: QuicklistNode, pos: number) => boolean;

/** A list in its large form. No place in it is valid after a change. */
export class Quicklist implements StoredObject {
  /** `list-max-listpack-size` as it was when the list was made: Redis keeps it per list, too. */
  readonly fill: number;
  readonly #chain: NodeChain = new NodeChain();
  #pool: Pool | undefined = undefined;
  /** For changes that need only one place. */
  readonly #place: NodePlace = new NodePlace();

  /** Makes a list without nodes. */
  constructor(fill: number) {
    this.fill = fill;
  }

  /** How many elements there are. */
  get count(): number {
    return this.#chain.count;
  }

  /** How many nodes there are. */
  get nodeCount(): number {
    return this.#chain.nodeCount;
  }

  /** Bytes of nodes, spare memory and bookkeeping: an estimate of what the runtime spends. */
  get memoryBytes(): number {
    return this.#chain.nodeBytes + this.spareBytes + this.nodeCount * NODE_BYTES;
  }

  /** Bytes of shared buffers that no node uses. */
  get spareBytes(): number {
    return this.#pool?.spareBytes ?? 0;
  }

  /** An independent copy, node by node. O(n). */
  copy(): Quicklist {
    const copy = new Quicklist(this.fill);
    const place = this.#place;
    this.#chain.seekFirst(place);
    for (let more = this.count > 0; more; more = this.#chain.next(place)) {
      const { region, plain, count } = this.nodeAt(place);
      copy.appendNode(region.bytes, 0, region.end, plain, count);
    }
    return copy;
  }

  /** The node at a place, which there must be. */
  nodeAt(place: NodePlace): QuicklistNode {
    return this.#chain.nodeAt(place);
  }

  /** Finds the element at `index`, which is there (`quicklistGetIteratorAtIdx`). */
  seek(index: number, place: NodePlace): void {
    this.#chain.seek(index, place);
  }

  /** Moves to the next node's first element; false at the last node. */
  nextNode(place: NodePlace): boolean {
    return this.#chain.next(place);
  }

  /** Moves to the previous node's last element; false at the first node. */
  previousNode(place: NodePlace): boolean {
    return this.#chain.previous(place);
  }

  /**
   * Appends a copy of a node as it is (`quicklistAppendListpack`, `quicklistAppendPlainNode`): for loading.
   *
   * @param plain Whether the bytes are one element, and no listpack of `count` elements.
   */
  appendNode(bytes: Uint8Array, start: number, end: number, plain: boolean, count: number): void {
    assert(!plain || count === 1, "a plain node is one element");
    const region = new NodeRegion(bytes, start, end, this.#pool ??= new Pool());
    this.#chain.seekLast(this.#place);
    this.#chain.insert(new QuicklistNode(region, plain, count), this.#place, this.nodeCount > 0);
  }

  /** Adds an element before the first or after the last (`quicklistPush`). */
  push(atHead: boolean, bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    const chain = this.#chain;
    const place = this.#place;
    if (atHead) chain.seekFirst(place);
    else chain.seekLast(place);
    const node = chain.nodeCount === 0 ? undefined : chain.nodeAt(place);
    const isLarge = isLargeElement(this.fill, length);
    if (node !== undefined && !isLarge && this.#allowsInsert(node, length)) {
      const { region } = node;
      const pos = atHead ? LISTPACK_HEADER : region.end - 1;
      // Most pushes are followed by more: the node's memory grows by half, not by an element.
      chain.reserve(node, region.end + length + ENTRY_OVERHEAD);
      chain.splice(place, pos, pos, 0, encodeElement(bytes, start, end), 1);
      return;
    }
    // The node that was at this end takes no more: it keeps no room to grow.
    if (node !== undefined) chain.trim(node);
    const added = isLarge ? plainNode(bytes, start, end) : packedNode(bytes, start, end);
    chain.insert(added, place, !atHead && node !== undefined);
  }

  /** Adds an element before or after the one at `index`, which is there (`_quicklistInsert`). */
  insert(index: number, after: boolean, bytes: Uint8Array, start: number, end: number): void {
    const count = this.count;
    const place = new NodePlace();
    this.seek(index, place);
    this.#insertAt(place, after, bytes, start, end);
    assert(this.count === count + 1, "one element was added");
  }

  /** Puts another element at `index`, which is there (`quicklistReplaceEntry`). */
  replace(index: number, bytes: Uint8Array, start: number, end: number): void {
    const count = this.count;
    const place = new NodePlace();
    this.seek(index, place);
    const node = this.nodeAt(place);
    const isLarge = isLargeElement(this.fill, end - start);
    if (!node.plain && !isLarge) {
      const { region } = node;
      const pos = lpSeek(region.bytes, 0, region.end, place.offset);
      const next = lpNext(region.bytes, pos);
      this.#chain.splice(place, pos, next, 1, encodeElement(bytes, start, end), 1);
    } else if (!node.plain) {
      this.#replaceBySplit(place, bytes, start, end);
    } else if (isLarge) {
      this.#chain.rewrite(node, bytes, start, end);
    } else {
      this.#insertAt(place, true, bytes, start, end);
      this.seek(index, place);
      this.#chain.remove(place);
    }
    assert(this.count === count, "one element is in another's place");
  }

  /** Removes up to `count` elements from `index` on (`quicklistDelRange`). */
  removeRange(index: number, count: number): void {
    const chain = this.#chain;
    const expected = this.count - Math.max(Math.min(count, this.count - index), 0);
    let left = this.count - expected;
    if (left === 0) return;
    const place = this.#place;
    this.seek(index, place);
    let { offset } = place;
    while (left > 0) {
      const node = chain.nodeAt(place);
      const removed = Math.min(left, node.count - offset);
      left -= removed;
      if (removed === node.count) {
        // The next node moves to this place.
        chain.remove(place);
        chain.settle(place);
      } else {
        this.#removeFromNode(place, offset, removed);
        if (left > 0) chain.next(place);
      }
      offset = 0;
    }
    assert(this.count === expected, "as many elements were removed as there are");
  }

  /**
   * Removes up to `limit` elements for which `matches` says so, from the head on or from the tail on.
   *
   * @returns How many there were.
   */
  removeMatching(fromHead: boolean, limit: number, matches: ElementMatcher): number {
    if (this.count === 0) return 0;
    const before = this.count;
    const chain = this.#chain;
    const place = new NodePlace();
    this.seek(fromHead ? 0 : before - 1, place);
    let removed = 0;
    let more = true;
    while (more && removed < limit) {
      const node = chain.nodeAt(place);
      const found = node.plain
        ? Number(matches(node, 0))
        : this.#removeEntries(place, fromHead, limit - removed, matches);
      const isGone = found > 0 && (node.plain || node.count === 0);
      if (isGone) chain.remove(place);
      removed += found;
      if (!fromHead) more = chain.previous(place);
      else more = isGone ? chain.settle(place) : chain.next(place);
    }
    chain.regroup();
    assert(this.count === before - removed, "every element that was removed is counted");
    return removed;
  }

  /** The listpack of the only node, not copied; undefined if there are more nodes or it is plain. */
  get onlyListpack(): NodeRegion | undefined {
    if (this.nodeCount !== 1) return undefined;
    this.#chain.seekFirst(this.#place);
    const node = this.nodeAt(this.#place);
    return node.plain ? undefined : node.region;
  }

  /** `_quicklistInsert`: into the node if it has room, else beside it, else in the midst of its halves. */
  #insertAt(
    place: NodePlace,
    after: boolean,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    const chain = this.#chain;
    const node = this.nodeAt(place);
    const length = end - start;
    const atTail = after && place.offset === node.count - 1;
    const atHead = !after && place.offset === 0;
    if (isLargeElement(this.fill, length)) {
      const added = plainNode(bytes, start, end);
      if (node.plain || atTail || atHead) return chain.insert(added, place, after);
      return this.#insertBetween(place, after, added);
    }
    if (this.#allowsInsert(node, length)) {
      const { region } = node;
      const found = lpSeek(region.bytes, 0, region.end, place.offset);
      const pos = after ? lpNext(region.bytes, found) : found;
      return chain.splice(place, pos, pos, 0, encodeElement(bytes, start, end), 1);
    }
    if (!atTail && !atHead) return this.#splitAndInsert(place, after, bytes, start, end);
    const near = new NodePlace();
    near.setNode(place);
    const hasNear = after ? chain.next(near) : chain.previous(near);
    if (hasNear && this.#allowsInsert(this.nodeAt(near), length)) {
      const pos = after ? LISTPACK_HEADER : this.nodeAt(near).region.end - 1;
      return chain.splice(near, pos, pos, 0, encodeElement(bytes, start, end), 1);
    }
    chain.insert(packedNode(bytes, start, end), place, after);
  }

  /** Puts a plain node amid a listpack's elements, which is cut in two for it and not merged again. */
  #insertBetween(place: NodePlace, after: boolean, added: QuicklistNode): void {
    const cut = this.#split(place, after);
    this.#chain.insert(added, place, after);
    this.#chain.find(added, place);
    this.#chain.insert(cut, place, after);
  }

  /** Puts an element amid those of a full node: that is cut in two, and what has become small is merged. */
  #splitAndInsert(
    place: NodePlace,
    after: boolean,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    const node = this.nodeAt(place);
    const cut = this.#split(place, after);
    this.#chain.insert(cut, place, after);
    this.#chain.find(cut, place);
    const pos = after ? LISTPACK_HEADER : cut.region.end - 1;
    this.#chain.splice(place, pos, pos, 0, encodeElement(bytes, start, end), 1);
    this.#chain.find(node, place);
    this.#mergeAround(place);
  }

  /** Puts a large element in the place of a listpack's: the node is cut behind it, and then merged. */
  #replaceBySplit(place: NodePlace, bytes: Uint8Array, start: number, end: number): void {
    const chain = this.#chain;
    const node = this.nodeAt(place);
    const cut = place.offset === node.count - 1 ? undefined : this.#split(place, true);
    const added = plainNode(bytes, start, end);
    if (cut !== undefined) chain.insert(cut, place, true);
    chain.find(node, place);
    chain.insert(added, place, true);
    chain.find(node, place);
    if (node.count === 1) return chain.remove(place);
    this.#removeFromNode(place, node.count - 1, 1);
    chain.next(place);
    this.#mergeAround(place);
  }

  /**
   * `_quicklistSplitNode`: what comes after the element, or before it, leaves for a node of its own.
   *
   * @returns That node, which is in no chain yet.
   */
  #split(place: NodePlace, after: boolean): QuicklistNode {
    const node = this.nodeAt(place);
    const { region } = node;
    const found = lpSeek(region.bytes, 0, region.end, place.offset);
    const seam = after ? lpNext(region.bytes, found) : found;
    const before = after ? place.offset + 1 : place.offset;
    const moved = after ? node.count - before : before;
    assert(moved > 0 && moved < node.count, "either half has elements");
    const from = after ? seam : LISTPACK_HEADER;
    const to = after ? region.end - 1 : seam;
    const cut = nodeOf(takeEntries(region, from, to), moved);
    this.#chain.splice(place, from, to, moved, undefined, 0);
    return cut;
  }

  /**
   * `_quicklistMergeNodes`: joins the two nodes before this one, the two after it, then this one with the
   * one before and with the one after, each where the limit allows it.
   */
  #mergeAround(place: NodePlace): void {
    const chain = this.#chain;
    const center = this.nodeAt(place);
    const other = new NodePlace();
    other.setNode(place);
    if (chain.previous(other)) this.#mergeWithPrevious(other);
    chain.find(center, place);
    other.setNode(place);
    if (chain.next(other) && chain.next(other)) this.#mergeWithPrevious(other);
    chain.find(center, place);
    other.setNode(place);
    if (this.#mergeWithPrevious(other)) place.setNode(other);
    if (chain.next(place)) this.#mergeWithPrevious(place);
  }

  /**
   * Appends the listpack at `place` to the one before it, if both are one and the limit allows it;
   * `place` is then that of the joined node, else it is as it was.
   */
  #mergeWithPrevious(place: NodePlace): boolean {
    const chain = this.#chain;
    const from = new NodePlace();
    from.setNode(place);
    const second = this.nodeAt(from);
    if (!chain.previous(place)) return false;
    const first = this.nodeAt(place);
    const size = first.size + second.size - LISTPACK_FRAME;
    const fits = !first.plain && !second.plain &&
      !exceedsFill(this.fill, size, first.count + second.count);
    if (!fits) {
      place.setNode(from);
      return false;
    }
    const entries = takeEntries(second.region, LISTPACK_HEADER, second.region.end - 1);
    const { count } = second;
    // If a block goes with its only node, it stood after this place: that stays valid.
    chain.remove(from);
    const pos = first.region.end - 1;
    chain.splice(place, pos, pos, 0, entries, count);
    return true;
  }

  /** `_quicklistNodeAllowInsert`: whether a node takes one more element of so many bytes. */
  #allowsInsert(node: QuicklistNode, length: number): boolean {
    return !node.plain &&
      !exceedsFill(this.fill, node.size + length + ENTRY_OVERHEAD, node.count + 1);
  }

  /** Removes some of a packed node's elements, but not all of them. */
  #removeFromNode(place: NodePlace, offset: number, count: number): void {
    const node = this.nodeAt(place);
    const { region } = node;
    const from = lpSeek(region.bytes, 0, region.end, offset);
    let to = from;
    if (offset + count === node.count) to = region.end - 1;
    else for (let i = 0; i < count; i++) to = lpNext(region.bytes, to);
    this.#chain.splice(place, from, to, count, undefined, 0);
  }

  /** Removes matching entries of a packed node one by one, and leaves it even if it becomes empty. */
  #removeEntries(
    place: NodePlace,
    fromHead: boolean,
    limit: number,
    matches: ElementMatcher,
  ): number {
    const node = this.nodeAt(place);
    const { region } = node;
    let removed = 0;
    let pos = lpSeek(region.bytes, 0, region.end, fromHead ? 0 : -1);
    while (removed < limit && pos >= 0 && !(fromHead && lpIsEnd(region.bytes, pos))) {
      if (matches(node, pos)) {
        this.#chain.splice(place, pos, lpNext(region.bytes, pos), 1, undefined, 0);
        removed++;
      } else if (fromHead) {
        pos = lpNext(region.bytes, pos);
      }
      if (!fromHead) pos = lpPrev(region.bytes, 0, pos);
    }
    return removed;
  }
}
