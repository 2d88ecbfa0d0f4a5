/**
 * Nodes of streams: the elements that entries are laid out as, the walk in both directions, and what a
 * check of a foreign node refuses.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { latin1 } from "../../../src/base/ascii.ts";
import { ByteBuffer, BytesRef } from "../../../src/base/byte_buffer.ts";
import { defaultLimits } from "../../../src/store/memory/settings.ts";
import * as lp from "../../../src/store/packed/listpack.ts";
import type { NodeRegion } from "../../../src/store/packed/region.ts";
import { StreamId } from "../../../src/store/packed/stream_id.ts";
import {
  appendEntry,
  countDeleted,
  DELETED,
  entryAfter,
  entryBefore,
  type Fields,
  flagDeleted,
  hasRoom,
  newNode,
  nodeCount,
  nodeDeleted,
  nodeFieldCountAt,
  nodeFirstEntry,
  nodeLastEntry,
  readEntryId,
} from "../../../src/store/packed/stream_node.ts";
import { checkNode } from "../../../src/store/packed/stream_node_check.ts";
import { idOf, valueOf } from "../stream_ids.ts";
import { bytesOf } from "../../support/bytes.ts";

/** "ms-seq" as an id. */
function parseId(text: string): StreamId {
  const [ms, seq] = text.split("-").map(BigInt);
  return idOf((ms << 64n) | seq);
}

function fieldsOf(texts: readonly string[]): Fields {
  const starts: number[] = [];
  const ends: number[] = [];
  for (const text of texts) {
    starts.push(ends.at(-1) ?? 0);
    ends.push(starts.at(-1)! + text.length);
  }
  return { bytes: bytesOf(texts.join("")), starts, ends };
}

/** A node of entries "ms-seq field value ...", the first of which gives the node its id and fields. */
function nodeOf(entries: readonly string[]): NodeRegion {
  const master = parseId(entries[0].split(" ")[0]);
  const first = entries[0].split(" ").slice(1);
  const node = newNode(fieldsOf(first), 0, first.length);
  for (const entry of entries) {
    const [id, ...texts] = entry.split(" ");
    appendEntry(node, master, parseId(id), fieldsOf(texts), 0, texts.length);
  }
  return node;
}

/** Elements of a listpack as text. */
function elementsOf(node: NodeRegion): string {
  const ref = new BytesRef();
  const texts: string[] = [];
  let pos = lp.lpFirst(node.bytes, 0);
  for (; !lp.lpIsEnd(node.bytes, pos); pos = lp.lpNext(node.bytes, pos)) {
    lp.lpRead(node.bytes, pos, ref);
    texts.push(latin1(ref.bytes, ref.start, ref.end));
  }
  return texts.join(" ");
}

const MAX = "18446744073709551615";

const LAYOUTS: { name: string; entries: string[]; elements: string }[] = [
  { name: "one entry", entries: ["1-1 f v"], elements: "1 0 1 f 0 2 0 0 v 4" },
  {
    name: "the same fields again",
    entries: ["1-1 f v g w", "1-2 f x g y"],
    elements: "2 0 2 f g 0 2 0 0 v w 5 2 0 1 x y 5",
  },
  {
    name: "other fields",
    entries: ["1-1 f v", "1-2 g w", "1-3 f x g y"],
    elements: "3 0 1 f 0 2 0 0 v 4 0 0 1 1 g w 6 0 0 2 2 f x g y 8",
  },
  {
    name: "the same fields in another order",
    entries: ["1-1 f v g w", "1-2 g w f v"],
    elements: "2 0 2 f g 0 2 0 0 v w 5 0 0 1 2 g w f v 8",
  },
  {
    name: "a sequence below the node's, in a later millisecond",
    entries: ["1-1 f v", "3-0 f v"],
    elements: "2 0 1 f 0 2 0 0 v 4 2 2 -1 v 4",
  },
  {
    name: "the largest id, whose differences wrap",
    entries: ["1-1 f v", `${MAX}-18446744073709551614 f v`],
    elements: "2 0 1 f 0 2 0 0 v 4 2 -2 -3 v 4",
  },
  {
    name: "differences of 32 and 64 bits",
    entries: ["0-1 f v", "4294967296-0 f v", "9223372036854775808-7 f v"],
    elements: "3 0 1 f 0 2 0 0 v 4 2 4294967296 -1 v 4 2 -9223372036854775808 6 v 4",
  },
  {
    name: "fields and values that are integers",
    entries: ["1-1 7 8", "1-2 7 -9"],
    elements: "2 0 1 7 0 2 0 0 8 4 2 0 1 -9 4",
  },
];

for (const { name, entries, elements } of LAYOUTS) {
  test(`appendEntry() lays out ${name} as Redis does`, () => {
    const node = nodeOf(entries);
    assert.equal(elementsOf(node), elements);
    const ids = entries.map((entry) => parseId(entry.split(" ")[0]));
    const last = new StreamId();
    const current = new StreamId();
    assert.equal(checkNode(node.bytes, 0, node.end, ids[0], last, current), undefined);
    assert.equal(valueOf(last), valueOf(ids.at(-1)!));
    // Forwards, and the same positions backwards.
    const fields = lp.lpInteger(node.bytes, nodeFieldCountAt(node.bytes));
    const positions: number[] = [];
    let pos = nodeFirstEntry(node.bytes);
    for (const id of ids) {
      readEntryId(node.bytes, pos, ids[0], current);
      assert.equal(valueOf(current), valueOf(id));
      positions.push(pos);
      pos = entryAfter(node.bytes, pos, fields);
    }
    assert.ok(lp.lpIsEnd(node.bytes, pos));
    assert.equal(nodeLastEntry(node), positions.at(-1));
    let end = node.end - 1;
    for (const position of positions.reverse()) {
      assert.equal(entryBefore(node.bytes, end), position);
      end = position;
    }
    assert.equal(entryBefore(node.bytes, end), -1);
  });
}

test("a node of one entry is to the byte what Redis 7.0 dumps of XADD x 1-1 f v", () => {
  const hex = "1d0000000a0001010001010181660200010201000100018176020401ff";
  const expected = (hex.match(/../g) ?? []).map((pair) => parseInt(pair, 16));
  const node = nodeOf(["1-1 f v"]);
  assert.deepEqual([...node.bytes.subarray(0, node.end)], expected);
});

test("the count takes a second byte from the 128th entry on", () => {
  const entries = Array.from({ length: 300 }, (_, i) => `1-${i + 1} f v`);
  const node = nodeOf(entries);
  assert.equal(nodeCount(node), 300);
  assert.ok(elementsOf(node).startsWith("300 0 1 f 0 2 0 0 v 4 2 0 1 v 4"));
  const [last, current] = [new StreamId(), new StreamId()];
  assert.equal(checkNode(node.bytes, 0, node.end, parseId("1-1"), last, current), undefined);
});

test("flagDeleted() and countDeleted() leave the entry where it is", () => {
  const node = nodeOf(["1-1 f v", "1-2 g w", "1-3 f x"]);
  const first = nodeFirstEntry(node.bytes);
  flagDeleted(node, first);
  flagDeleted(node, entryAfter(node.bytes, first, 1));
  countDeleted(node, 2);
  assert.deepEqual([nodeCount(node), nodeDeleted(node)], [1, 2]);
  assert.equal(elementsOf(node), "1 2 1 f 0 3 0 0 v 4 1 0 1 1 g w 6 2 0 2 x 4");
  assert.equal(node.bytes[first] & DELETED, DELETED);
  const [last, current] = [new StreamId(), new StreamId()];
  assert.equal(checkNode(node.bytes, 0, node.end, parseId("1-1"), last, current), undefined);
});

/** Limits, and how many bytes of fields and values one more entry may have at most, -1 for no entry. */
const ROOM: { bytes: number; entries: number; most: number }[] = [
  { bytes: 0, entries: 0, most: (1 << 30) - 29 - 1 },
  { bytes: 4096, entries: 0, most: 4096 - 29 - 1 },
  { bytes: 4096, entries: 2, most: 4096 - 29 - 1 },
  { bytes: 4096, entries: 1, most: -1 },
  { bytes: 0, entries: 1, most: -1 },
  { bytes: 29, entries: 0, most: -1 },
  { bytes: 2 ** 40, entries: 0, most: (1 << 30) - 29 - 1 },
];

for (const { bytes, entries, most } of ROOM) {
  test(`hasRoom() goes by ${bytes} bytes and ${entries} entries`, () => {
    const node = nodeOf(["1-1 f v"]);
    assert.equal(node.end, 29);
    const limits = { ...defaultLimits(), streamNodeMaxBytes: bytes, streamNodeMaxEntries: entries };
    if (most >= 0) assert.ok(hasRoom(node, most, limits));
    assert.ok(!hasRoom(node, most + 1, limits));
  });
}

/** A listpack of elements given as text; "'7" is the string "7", which no writer holds as one. */
function listpackOf(elements: string): Uint8Array {
  const out = new ByteBuffer();
  lp.lpBegin(out);
  const texts = elements === "" ? [] : elements.split(" ");
  for (const text of texts) {
    if (text.startsWith("'")) {
      for (const byte of [0x81, text.charCodeAt(1), 2]) out.writeByte(byte);
    } else lp.lpAppendTo(out, bytesOf(text), 0, text.length);
  }
  lp.lpFinish(out, 0, texts.length);
  return out.toBytes();
}

const MASTER = "master entry of a stream node is not whole";
const ENTRY = "entry of a stream node is not whole";
const REFUSED: { name: string; elements: string; wrong: string; last?: string }[] = [
  { name: "nothing at all", elements: "", wrong: MASTER },
  { name: "half a master entry", elements: "1 0 1", wrong: MASTER },
  { name: "fewer fields than it says", elements: "1 0 2 f", wrong: MASTER },
  { name: "a negative number of fields", elements: "1 0 -1 0", wrong: MASTER },
  { name: "more fields than fit any node", elements: "1 0 1073741824 f 0", wrong: MASTER },
  { name: "a count that is a text", elements: "x 0 1 f 0", wrong: MASTER },
  { name: "a master entry without its 0", elements: "1 0 1 f 1 2 0 0 v 4", wrong: MASTER },
  { name: "no entry", elements: "0 0 1 f 0", wrong: "stream node has no entries" },
  { name: "unknown flags", elements: "1 0 1 f 0 4 0 0 v 4", wrong: ENTRY },
  { name: "flags of two bytes", elements: "1 0 1 f 0 200 0 0 v 4", wrong: ENTRY },
  { name: "flags that are a text", elements: "1 0 1 f 0 '2 0 0 v 4", wrong: ENTRY },
  { name: "an id that is a text", elements: "1 0 1 f 0 2 x 0 v 4", wrong: ENTRY },
  { name: "half an entry", elements: "1 0 1 f 0 2 0 0", wrong: ENTRY },
  { name: "a wrong count of elements", elements: "1 0 1 f 0 2 0 0 v 5", wrong: ENTRY },
  {
    name: "a negative number of an entry's fields",
    elements: "1 0 1 f 0 0 0 0 -1 2",
    wrong: ENTRY,
  },
  {
    name: "fewer of an entry's fields than it says",
    elements: "1 0 1 f 0 0 0 0 2 f v 8",
    wrong: ENTRY,
  },
  {
    name: "an id before the node's",
    elements: "1 0 1 f 0 2 0 -1 v 4",
    wrong: "ids of stream entries do not ascend",
  },
  {
    name: "an id twice",
    elements: "2 0 1 f 0 2 0 0 v 4 2 0 0 v 4",
    wrong: "ids of stream entries do not ascend",
  },
  {
    name: "an id that the node before has reached",
    elements: "1 0 1 f 0 2 0 0 v 4",
    last: "1-1",
    wrong: "ids of stream entries do not ascend",
  },
  {
    name: "a count that is too large",
    elements: "2 0 1 f 0 2 0 0 v 4",
    wrong: "stream node has other entries than it says",
  },
  {
    name: "a deleted entry that is not counted",
    elements: "1 0 1 f 0 3 0 0 v 4",
    wrong: "stream node has other entries than it says",
  },
];

for (const { name, elements, wrong, last } of REFUSED) {
  test(`checkNode() refuses ${name}`, () => {
    const bytes = listpackOf(elements);
    const before = parseId(last ?? "0-0");
    const found = checkNode(bytes, 0, bytes.length, parseId("1-1"), before, new StreamId());
    assert.equal(found, wrong);
  });
}

test("checkNode() lets pass a node of deleted entries alone, which trimming by id leaves", () => {
  const bytes = listpackOf("0 1 1 f 0 3 0 0 v 4");
  const [last, current] = [new StreamId(), new StreamId()];
  assert.equal(checkNode(bytes, 0, bytes.length, parseId("1-1"), last, current), undefined);
});
