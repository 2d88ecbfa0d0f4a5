/** Walks a structure of the store whole and checks that what it counts and what it leads to is there. */

import assert from "node:assert/strict";
import { BytesRef } from "../../src/base/byte_buffer.ts";
import {
  blockUnitsAt,
  type Entry,
  FREE,
  NO_EXPIRY,
  SEGMENT_SHIFT,
  TYPE_MASK,
} from "../../src/store/memory/record.ts";
import type { Dict } from "../../src/store/memory/dict.ts";
import type { Records } from "../../src/store/memory/records.ts";
import type { Slab } from "../../src/store/memory/slab.ts";
import { lpLength } from "../../src/store/packed/listpack.ts";
import { lpCheck } from "../../src/store/packed/listpack_check.ts";
import { NodePlace } from "../../src/store/packed/node_chain.ts";
import type { Quicklist } from "../../src/store/packed/quicklist.ts";
import type { ScoreIndex } from "../../src/store/types/score_index.ts";
import type { ZsetTable } from "../../src/store/types/zset_table.ts";

/** What a node costs beside its memory, as `quicklist.ts` estimates it. */
const NODE_BYTES = 320;
const MAX_BLOCK = 256;

/** Ranks are checked for every member of a small sorted set, for about this many of a large one. */
const RANKS = 5000;

const key = new BytesRef();

/** Every live block of a slab with its units; checks that blocks lie end to end in their segments. */
export function liveBlocks(slab: Slab): Map<Entry, number> {
  const live = new Map<Entry, number>();
  let used = 0;
  for (let slot = 0; slot < slab.words.length; slot++) {
    const words = slab.words[slot];
    const end = slab.filledUnits(slot);
    let unit = slot === slab.victim ? slab.victimUnit : slot === 0 ? 1 : 0;
    while (unit < end) {
      const units = blockUnitsAt(words, unit << 1);
      assert.ok(units > 0 && unit + units <= end, "a block ends inside its segment");
      if ((words[unit << 1] & TYPE_MASK) !== FREE) {
        live.set(((slot << SEGMENT_SHIFT) | unit) >>> 0, units);
        used += units;
      }
      unit += units;
    }
  }
  assert.equal(used * 8, slab.usedBytes, "used bytes are those of the live blocks");
  return live;
}

/** Every entry of a table; checks that a SCAN meets each once. */
export function entriesOf(table: Dict): Set<Entry> {
  const entries = new Set<Entry>();
  let cursor = 0;
  do {
    cursor = table.scan(cursor, (entry) => {
      assert.ok(!entries.has(entry), "an entry is in the table once");
      entries.add(entry);
    });
  } while (cursor !== 0);
  assert.equal(entries.size, table.size, "size counts the entries");
  return entries;
}

/** Checks the memory, the table and the counts of records against each other. */
export function auditRecords(records: Records): void {
  const live = liveBlocks(records.slab);
  const entries = entriesOf(records.table);
  assert.equal(live.size, entries.size, "there is a key for every live block");
  let expires = 0;
  for (const entry of entries) {
    assert.ok(live.has(entry), "an entry is a live block");
    assert.equal(records.recordBytes(entry), live.get(entry)! * 8);
    records.keyRef(entry, key);
    assert.equal(records.find(key.bytes, key.start, key.end), entry, "a key leads to its entry");
    if (records.expireAtMs(entry) !== NO_EXPIRY) expires++;
  }
  assert.equal(records.expiresCount, expires, "expiries are counted");
}

/** Checks that table and index of a large sorted set hold the same members, and in order. */
export function auditZset(set: ZsetTable): void {
  const { size } = set;
  const seen = new Set<Entry>();
  const step = Math.ceil(Math.max(size, 1) / RANKS);
  let lastScore = -Infinity;
  let last = new Uint8Array(0);
  let rank = 0;
  set.each(0, size, false, (bytes, start, end, score) => {
    const member = bytes.slice(start, end);
    const inOrder = rank === 0 || lastScore < score ||
      (lastScore === score && isLess(last, member));
    assert.ok(inOrder, "members are in order");
    [last, lastScore] = [member, score];
    const entry = set.find(member, 0, member.length);
    assert.notEqual(entry, 0, "a member of the index is in the table");
    assert.ok(Object.is(set.scoreOf(entry), score), "index and record have the same score");
    if (rank % step === 0) assert.equal(set.rankOf(entry), rank, "counts add up to the rank");
    seen.add(entry);
    rank++;
  });
  assert.equal(seen.size, size, "size counts the members");
  let cursor = 0;
  let inTable = 0;
  do {
    cursor = set.scan(cursor, (entry) => {
      assert.ok(seen.has(entry), "an entry of the table is in the index");
      inTable++;
    });
  } while (cursor !== 0);
  assert.equal(inTable, size, "every member is in the table once");
}

/** Checks an index: the ranks of its elements, which its counts and totals add up to, and its bounds. */
export function auditIndex(index: ScoreIndex): void {
  const { size } = index;
  const step = Math.ceil(Math.max(size, 1) / RANKS);
  let rank = 0;
  let lastScore = -Infinity;
  let lastFirst = 0;
  index.each(0, size, false, (score, entry) => {
    assert.ok(score >= lastScore, "scores ascend");
    if (score !== lastScore) lastFirst = rank;
    if (rank % step === 0) {
      assert.equal(index.rankOf(score, entry), rank, "counts add up to the rank");
      assert.equal(index.countBelow(score, false), lastFirst, "a bound is found");
    }
    lastScore = score;
    rank++;
  });
  assert.equal(rank, size, "size counts the elements");
  let left = size;
  index.each(size - 1, size, true, () => left--);
  assert.equal(left, 0, "downwards there are as many");
}

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

function isLess(a: Uint8Array, b: Uint8Array): boolean {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return a[i] < b[i];
  return a.length < b.length;
}
