/**
 * What moves the replication offset, and what PSYNC asks for then.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { AssertionError } from "../../src/base/assert.ts";
import { ReplicationOffset } from "../../src/replication/offset.ts";
import { OTHER_REPLID, REPLID } from "./support.ts";

const rows: { name: string; moves: (offset: ReplicationOffset) => void; psync: string[] }[] = [
  { name: "nothing has been loaded", moves: () => {}, psync: ["?", "-1"] },
  {
    name: "a snapshot was loaded",
    moves: (offset) => offset.replace(REPLID, 100),
    psync: [REPLID, "101"],
  },
  {
    name: "a snapshot without an id was loaded",
    moves: (offset) => offset.replace("", 0),
    psync: ["?", "-1"],
  },
  {
    name: "kept data was loaded",
    moves: (offset) => offset.restore(REPLID, 7, 3),
    psync: [REPLID, "8"],
  },
  {
    name: "commands were applied",
    moves: (offset) => (offset.replace(REPLID, 100), offset.advance(127), offset.advance(150)),
    psync: [REPLID, "151"],
  },
  {
    name: "the master goes on under another id",
    moves: (offset) => (offset.replace(REPLID, 100), offset.rename(OTHER_REPLID)),
    psync: [OTHER_REPLID, "101"],
  },
  {
    name: "a full sync has begun",
    moves: (offset) => (offset.replace(REPLID, 100), offset.endHistory()),
    psync: ["?", "-1"],
  },
];
for (const { name, moves, psync } of rows) {
  test(`PSYNC asks for ${psync.join(" ")} when ${name}`, () => {
    const offset = new ReplicationOffset();
    moves(offset);
    assert.deepEqual(offset.psyncArguments(), psync);
  });
}

test("rename() keeps the old id for the bytes before, and a snapshot forgets it", () => {
  const offset = new ReplicationOffset();
  offset.replace(REPLID, 100);
  offset.rename(REPLID);
  assert.equal(offset.replid2, "", "the same id is no change");
  offset.rename(OTHER_REPLID);
  assert.deepEqual([offset.replid2, offset.secondOffset], [REPLID, 101]);
  offset.replace(REPLID, 5);
  assert.deepEqual([offset.replid2, offset.secondOffset, offset.db], ["", -1, 0]);
});

test("empty() tells that there is no data until a snapshot is whole", () => {
  const offset = new ReplicationOffset();
  offset.replace(REPLID, 100);
  offset.endHistory();
  offset.empty();
  assert.deepEqual([offset.hasData, offset.emptied], [false, true]);
  offset.replace(REPLID, 200);
  assert.deepEqual([offset.hasData, offset.emptied], [true, false]);
});

const bugs: { name: string; moves: (offset: ReplicationOffset) => void }[] = [
  { name: "going back", moves: (offset) => (offset.replace(REPLID, 9), offset.advance(8)) },
  { name: "a negative offset", moves: (offset) => offset.replace(REPLID, -1) },
  { name: "kept data without an id", moves: (offset) => offset.restore("", 1, 0) },
  { name: "a new id for no history", moves: (offset) => offset.rename(REPLID) },
  {
    name: "emptying what can be resumed",
    moves: (offset) => (offset.replace(REPLID, 9), offset.empty()),
  },
];
for (const { name, moves } of bugs) {
  test(`${name} is a bug that is asserted`, () => {
    assert.throws(() => moves(new ReplicationOffset()), AssertionError);
  });
}
