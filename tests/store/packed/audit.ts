/**
 * Walks a whole structure and compares what it counts with what is there.
 *
 * @module
 */

import assert from "node:assert/strict";
import { lpLength } from "../../../src/store/packed/listpack.ts";
import { lpCheck } from "../../../src/store/packed/listpack_check.ts";
import { NodePlace } from "../../../src/store/packed/node_chain.ts";
import type { Quicklist } from "../../../src/store/packed/quicklist.ts";

/** What a node costs beside its memory, as `quicklist.ts` estimates it. */
const NODE_BYTES = 320;
const MAX_BLOCK = 256;

/** Checks every node of a quicklist, the counts of elements, nodes and bytes, and that each node is found. */
export function auditQuicklist(quicklist: Quicklist): void {
  const place = new NodePlace();
  const found = new NodePlace();
  const inBlock = new Map<number, number>();
  let count = 0;
  let nodes = 0;
  let bytes = 0;
  for (let more = quicklist.count > 0; more; more = quicklist.nextNode(place)) {
    const { region, plain, count: own } = quicklist.nodeAt(place);
    if (plain) {
      assert.equal(own, 1, "a plain node is one element");
    } else {
      assert.equal(lpCheck(region.bytes, 0, region.end, false), undefined);
      assert.equal(lpLength(region.bytes, 0, region.end), own, "a node counts its entries");
      assert.ok(own > 0, "no node is empty");
    }
    // Found by the counts of the blocks before it.
    for (const offset of new Set([0, own - 1])) {
      quicklist.seek(count + offset, found);
      assert.deepEqual({ ...found }, { ...place, offset });
    }
    inBlock.set(place.block, (inBlock.get(place.block) ?? 0) + 1);
    count += own;
    nodes++;
    bytes += region.memoryBytes;
  }
  assert.deepEqual([...inBlock.keys()], [...inBlock].map((_, index) => index), "no block is empty");
  for (const filled of inBlock.values()) {
    assert.ok(filled <= MAX_BLOCK, "a block is within its limit");
  }
  assert.equal(count, quicklist.count, "elements are counted");
  assert.equal(nodes, quicklist.nodeCount, "nodes are counted");
  const held = quicklist.memoryBytes - quicklist.spareBytes - NODE_BYTES * nodes;
  assert.equal(bytes, held, "bytes are counted");
}
