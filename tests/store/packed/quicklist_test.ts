/**
 * Quicklists: the nodes that each operation leaves, as `quicklist.c` leaves them.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { latin1 } from "../../../src/base/ascii.ts";
import { BytesRef } from "../../../src/base/byte_buffer.ts";
import { lpNext, lpRead, lpSeek } from "../../../src/store/packed/listpack.ts";
import { NodePlace } from "../../../src/store/packed/node_chain.ts";
import { Quicklist } from "../../../src/store/packed/quicklist.ts";
import { auditQuicklist } from "../audit.ts";
import { bytesOf } from "../../support/bytes.ts";

/** Nodes as text: "a b" for a listpack, "[L]" for a plain one. */
function nodesOf(list: Quicklist): string {
  const nodes: string[] = [];
  const place = new NodePlace();
  const ref = new BytesRef();
  for (let more = list.count > 0; more; more = list.nextNode(place)) {
    const { region, plain, count } = list.nodeAt(place);
    const texts: string[] = [];
    let pos = plain ? 0 : lpSeek(region.bytes, 0, region.end, 0);
    for (let i = 0; i < count; i++) {
      if (plain) ref.set(region.bytes, 0, region.end);
      else lpRead(region.bytes, pos, ref);
      const text = latin1(ref.bytes, ref.start, ref.end);
      texts.push(text.startsWith("L") ? "L" : text);
      if (!plain) pos = lpNext(region.bytes, pos);
    }
    nodes.push(plain ? `[${texts.join()}]` : texts.join(" "));
  }
  return nodes.join(" | ");
}

/** A large element's text is shown as "L"; it gets a node of its own under every fill here. */
function push(list: Quicklist, text: string, atHead: boolean = false): void {
  const bytes = bytesOf(text === "L" ? "L".repeat(9000) : text);
  list.push(atHead, bytes, 0, bytes.length);
}

function listOf(fill: number, texts: string): Quicklist {
  const list = new Quicklist(fill);
  for (const text of texts.split(" ")) if (text !== "") push(list, text);
  return list;
}

type Change = (list: Quicklist) => void;

function inserts(index: number, after: boolean, text: string): Change {
  const bytes = bytesOf(text === "L" ? "L".repeat(9000) : text);
  return (list) => list.insert(index, after, bytes, 0, bytes.length);
}

function replaces(index: number, text: string): Change {
  const bytes = bytesOf(text === "L" ? "L".repeat(9000) : text);
  return (list) => list.replace(index, bytes, 0, bytes.length);
}

function removes(text: string, fromHead: boolean, limit: number): Change {
  return (list) => {
    const ref = new BytesRef();
    list.removeMatching(fromHead, limit, ({ region, plain }, pos) => {
      if (plain) return text === "L";
      lpRead(region.bytes, pos, ref);
      return latin1(ref.bytes, ref.start, ref.end) === text;
    });
  };
}

/** Fill 3 unless told: nodes of three elements. */
const ROWS: { name: string; from: string; change: Change; to: string; fill?: number }[] = [
  { name: "push() fills the last node", from: "a b", change: (l) => push(l, "c"), to: "a b c" },
  { name: "push() opens a node", from: "a b c", change: (l) => push(l, "d"), to: "a b c | d" },
  {
    name: "push() at the head fills the first node",
    from: "a b",
    change: (l) => push(l, "c", true),
    to: "c a b",
  },
  {
    name: "push() at the head opens a node",
    from: "a b c d",
    change: (l) => push(l, "e", true),
    to: "e | a b c | d",
  },
  {
    name: "push() gives a large element a plain node, and the next one another",
    from: "a L b",
    change: (l) => push(l, "c"),
    to: "a | [L] | b c",
  },
  {
    name: "push() opens a node a listpack's limit of bytes short",
    from: "a",
    change: (l) => push(l, "x".repeat(4077)),
    to: `a ${"x".repeat(4077)}`,
    fill: -1,
  },
  {
    name: "push() counts 8 bytes beside an element's own",
    from: "a",
    change: (l) => push(l, "x".repeat(4079)),
    to: `a | ${"x".repeat(4079)}`,
    fill: -1,
  },
  {
    name: "insert() goes into a node that has room",
    from: "a b",
    change: inserts(0, true, "x"),
    to: "a x b",
  },
  {
    name: "insert() before the first of a full node goes to the end of the one before",
    from: "a b c d e f g",
    change: (l) => {
      l.removeRange(0, 1);
      inserts(2, false, "x")(l);
    },
    to: "b c x | d e f | g",
  },
  {
    name: "insert() beside a full node uses the neighbour's room",
    from: "a b c d",
    change: inserts(2, true, "x"),
    to: "a b c | x d",
  },
  {
    name: "insert() at the end of full nodes opens a node between them",
    from: "a b c d e f",
    change: inserts(2, true, "x"),
    to: "a b c | x | d e f",
  },
  {
    name: "insert() amid a full node cuts it and merges what fits",
    from: "a b c",
    change: inserts(0, true, "x"),
    to: "a | x b c",
  },
  {
    name: "insert() before amid a full node cuts it the other way",
    from: "a b c",
    change: inserts(2, false, "x"),
    to: "a b x | c",
  },
  {
    name: "insert() puts a large element amid a listpack and leaves the halves alone",
    from: "a b c",
    change: inserts(1, true, "L"),
    to: "a b | [L] | c",
  },
  {
    name: "insert() puts a large element beside a plain one",
    from: "L",
    change: inserts(0, false, "L"),
    to: "[L] | [L]",
  },
  { name: "replace() stays in its node", from: "a b c", change: replaces(1, "x"), to: "a x c" },
  {
    name: "replace() by a large element cuts the node",
    from: "a b c",
    change: replaces(1, "L"),
    to: "a | [L] | c",
  },
  {
    name: "replace() of the only element by a large one",
    from: "a",
    change: replaces(0, "L"),
    to: "[L]",
  },
  {
    name: "replace() of a plain node by a plain one",
    from: "L",
    change: replaces(0, "L"),
    to: "[L]",
  },
  {
    name: "replace() of a large element by a short one opens a listpack",
    from: "a L",
    change: replaces(1, "x"),
    to: "a | x",
  },
  {
    name: "removeRange() within a node",
    from: "a b c d",
    change: (l) => l.removeRange(1, 1),
    to: "a c | d",
  },
  {
    name: "removeRange() over nodes merges nothing",
    from: "a b c d e f g",
    change: (l) => l.removeRange(2, 3),
    to: "a b | f | g",
  },
  {
    name: "removeRange() goes no further than the end",
    from: "a b c d",
    change: (l) => l.removeRange(1, 99),
    to: "a",
  },
  { name: "removeRange() of all", from: "a L b", change: (l) => l.removeRange(0, 3), to: "" },
  {
    name: "removeMatching() from the head",
    from: "x a x x b x",
    change: removes("x", true, 2),
    to: "a | x b x",
  },
  {
    name: "removeMatching() from the tail",
    from: "x a x x b x",
    change: removes("x", false, 2),
    to: "x a x | b",
  },
  {
    name: "removeMatching() drops nodes that become empty",
    from: "x x x a L x x x",
    change: removes("x", true, Infinity),
    to: "a | [L]",
  },
  {
    name: "removeMatching() drops plain nodes",
    from: "a L L b",
    change: removes("L", false, Infinity),
    to: "a | b",
  },
];

for (const { name, from, change, to, fill } of ROWS) {
  test(name, () => {
    const list = listOf(fill ?? 3, from);
    const copy = list.copy();
    const before = nodesOf(copy);
    change(list);
    assert.equal(nodesOf(list), to);
    auditQuicklist(list);
    assert.equal(nodesOf(copy), before, "a copy does not change");
    auditQuicklist(copy);
  });
}
