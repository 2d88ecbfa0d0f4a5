/**
 * Consumer groups: whose a pending entry is, as it is delivered, claimed, released and acknowledged.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { IdPlace } from "../../../src/store/packed/id_table.ts";
import { StreamId } from "../../../src/store/packed/stream_id.ts";
import { Stream } from "../../../src/store/types/stream.ts";
import { Group, TIME } from "../../../src/store/types/stream_groups.ts";
import { bytesOf } from "../../support/bytes.ts";
import { idOf } from "../stream_ids.ts";

test("what is pending and acknowledged leaves no memory behind", () => {
  const stream = new Stream();
  const name = bytesOf("g");
  const group = stream.addGroup(name, 0, 1)!;
  const consumer = group.addConsumer(name, 0, 1, 0)!;
  const idle = stream.memoryBytes;
  const place = new IdPlace();
  for (let i = 1; i <= 50_000; i++) group.assign(new StreamId(0, i, 0, 0), consumer, place);
  assert.ok(stream.memoryBytes < 50_000 * 64, `${stream.memoryBytes} bytes`);
  for (let i = 1; i <= 50_000; i++) assert.ok(group.forget(new StreamId(0, i, 0, 0), place));
  assert.equal(stream.memoryBytes, idle);
});

/** Steps on the entries 1 to 3, and whose they are then: "1a" is pending for a, "1-" for none. */
const ROWS: { name: string; steps: string[]; pending: string }[] = [
  { name: "an entry is delivered", steps: ["assign 1 a"], pending: "1a" },
  { name: "an entry is delivered twice", steps: ["assign 1 a", "assign 1 a"], pending: "1a" },
  { name: "an entry is claimed", steps: ["assign 1 a", "assign 1 b"], pending: "1b" },
  { name: "an entry is released", steps: ["assign 1 a", "release 1"], pending: "1-" },
  { name: "what is not pending is released", steps: ["!release 1"], pending: "" },
  { name: "an entry is released twice", steps: ["addReleased 1", "release 1"], pending: "1-" },
  { name: "a released entry is claimed", steps: ["addReleased 1", "assign 1 b"], pending: "1b" },
  { name: "an entry is acknowledged", steps: ["assign 1 a", "forget 1", "!forget 1"], pending: "" },
  { name: "a released entry is acknowledged", steps: ["addReleased 1", "forget 1"], pending: "" },
  {
    name: "a consumer goes with what is pending for it",
    steps: ["assign 1 a", "assign 2 b", "assign 3 a", "addReleased 3", "remove a"],
    pending: "2b 3-",
  },
  {
    name: "a slot is used again",
    steps: ["assign 1 a", "assign 2 b", "remove a", "assign 3 c"],
    pending: "2b 3c",
  },
];

/** One step on a group; "!" begins one that must answer false. */
function take(group: Group, step: string): void {
  const [action, target, owner] = step.replace("!", "").split(" ");
  const at = new IdPlace();
  const name = bytesOf(owner ?? target);
  const consumer = group.consumer(name, 0, name.length);
  if (action === "remove") {
    const { size } = consumer!.pending;
    assert.equal(group.removeConsumer(consumer!), size);
    return;
  }
  const id = idOf(BigInt(target));
  if (action === "assign") {
    group.assign(id, consumer ?? group.addConsumer(name, 0, name.length, 0)!, at);
  } else if (action === "addReleased") {
    if (group.pending.find(id, at)) group.release(id, at);
    else group.addReleased(id, at);
  } else {
    const did = action === "release" ? group.release(id, at) : group.forget(id, at);
    assert.equal(did, !step.startsWith("!"));
  }
}

function pendingOf(group: Group): string {
  const at = new IdPlace();
  const id = new StreamId();
  const found: string[] = [];
  let owned = 0;
  for (let more = group.pending.first(at); more; more = group.pending.next(at)) {
    group.pending.readId(at, id);
    const owner = group.ownerAt(at);
    if (owner !== undefined) owned++;
    found.push(`${id.seqLow}${owner === undefined ? "-" : String.fromCharCode(...owner.name)}`);
  }
  assert.equal(group.unowned, found.length - owned);
  for (const consumer of group.consumers()) {
    const own = found.filter((each) => each.endsWith(String.fromCharCode(...consumer.name)));
    assert.equal(consumer.pending.size, own.length);
  }
  return found.join(" ");
}

for (const { name, steps, pending } of ROWS) {
  test(`whose a pending entry is: ${name}`, () => {
    const group = new Group(bytesOf("g"));
    for (const step of steps) take(group, step);
    assert.equal(pendingOf(group), pending);
    const at = new IdPlace();
    if (group.pending.first(at)) group.pending.setNumber(at, TIME, 77);
    const copy = group.copy();
    for (const consumer of group.consumers()) group.removeConsumer(consumer);
    assert.equal(pendingOf(copy), pending);
    if (copy.pending.first(at)) assert.equal(copy.pending.getNumber(at, TIME), 77);
  });
}
