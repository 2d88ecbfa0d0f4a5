/**
 * Nodes in blocks, as a list of one element a node makes them: blocks are cut, emptied and filled anew.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { latin1 } from "../../../src/base/ascii.ts";
import { BytesRef } from "../../../src/base/byte_buffer.ts";
import { lpRead } from "../../../src/store/packed/listpack.ts";
import { NodePlace } from "../../../src/store/packed/node_chain.ts";
import { Quicklist } from "../../../src/store/packed/quicklist.ts";
import { bytesOf } from "../../support/bytes.ts";
import { auditQuicklist } from "../audit.ts";

function push(list: Quicklist, text: string, atHead: boolean): void {
  const bytes = bytesOf(text);
  list.push(atHead, bytes, 0, bytes.length);
}

test("blocks of nodes are cut, emptied and filled anew", () => {
  const list = new Quicklist(1);
  for (let i = 0; i < 3000; i++) push(list, String(i), i % 2 === 0);
  auditQuicklist(list);
  assert.equal(list.nodeCount, 3000);
  // All but every twenty-fifth goes, from all over the chain: its blocks are filled anew.
  const ref = new BytesRef();
  const removed = list.removeMatching(true, Infinity, ({ region }, pos) => {
    lpRead(region.bytes, pos, ref);
    return Number(latin1(ref.bytes, ref.start, ref.end)) % 25 !== 0;
  });
  assert.equal(removed, 2880);
  auditQuicklist(list);
  const place = new NodePlace();
  list.seek(119, place);
  assert.equal(place.block, 0);
  list.removeRange(0, 120);
  assert.equal(list.nodeCount, 0);
  auditQuicklist(list);
  push(list, "again", false);
  assert.equal(list.nodeCount, 1);
  auditQuicklist(list);
});
