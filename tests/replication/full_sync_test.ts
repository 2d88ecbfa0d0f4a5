/**
 * The moment in which a snapshot takes the place of the old data: what is worked out before it, in slices,
 * while the stream waits.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { LinkOptions, StreamHooks } from "../../src/replication/types.ts";
import { settle } from "../support/clock.ts";
import { Rig } from "./rig.ts";
import { command, eofFrame, REPLID, snapshot } from "./support.ts";

const OLD = { key: "a", value: "old" };
const NEW = [{ key: "a", value: "new" }, { key: "b", value: "new" }];
const OTHER_ID = "b".repeat(40);

/** A link that prepares each snapshot in `steps` steps, of which each lets time pass; what was told is noted. */
class Prepared {
  readonly told: string[] = [];
  readonly rig: Rig;

  constructor(steps: number, options: Partial<LinkOptions> = {}) {
    const hooks: StreamHooks = {
      replacing: (fresh) => {
        this.told.push(`replacing ${this.rig.keyspace.keyCount} by ${fresh.keyCount}`);
        let left = steps;
        return steps === 0 ? undefined : () => {
          this.rig.clock.time += 1;
          return --left === 0;
        };
      },
      abandoned: () => this.told.push("abandoned"),
      replaced: () => this.told.push(`replaced ${this.rig.keyspace.keyCount}`),
      emptied: () => this.told.push("emptied"),
      committed: (offset) => this.told.push(`committed ${offset}`),
    };
    this.rig = new Rig({ hooks, ...options });
  }

  /** Loads one key by a first full sync, then begins a second one with two. */
  async secondSync(): Promise<void> {
    const { rig } = this;
    await rig.start();
    rig.handshake();
    rig.socket.send(`+FULLRESYNC ${REPLID} 0\r\n${eofFrame(snapshot([OLD]))}`);
    for (let i = 0; i < 20 && rig.state !== "connected"; i++) await rig.clock.turn();
    const socket = await rig.reconnect();
    rig.handshake(socket);
    this.told.length = 0;
    socket.send(`+FULLRESYNC ${OTHER_ID} 100\r\n`);
    socket.send(eofFrame(snapshot(NEW)) + command("SET", "c", "1"));
    await settle();
  }
}

test("a snapshot is prepared in slices, and the stream waits until it is in place", async () => {
  const prepared = new Prepared(10);
  const { rig, told } = prepared;
  await prepared.secondSync();
  assert.deepEqual(told, ["replacing 1 by 2"]);
  let turns = 0;
  while (rig.state !== "connected" && turns < 20) {
    assert.equal(rig.get("a"), "old");
    assert.equal(rig.get("c"), undefined);
    rig.clock.turns.shift()?.();
    await settle();
    turns++;
  }
  assert.ok(turns >= 2, `${turns} turns`);
  await rig.clock.turn();
  const end = 100 + command("SET", "c", "1").length;
  assert.deepEqual(told, ["replacing 1 by 2", "replaced 2", `committed ${end}`]);
  assert.equal(rig.get("a"), "new");
  assert.equal(rig.get("c"), "1");
  assert.equal(rig.link.status().appliedOffset, end);
  await rig.link.stop();
});

test("a snapshot takes the old data's place at once when nothing is prepared", async () => {
  const prepared = new Prepared(0);
  await prepared.secondSync();
  await prepared.rig.clock.turn();
  assert.deepEqual(prepared.told.slice(0, 2), ["replacing 1 by 2", "replaced 2"]);
  await prepared.rig.link.stop();
});

test("a connection that ends while a snapshot is prepared has handed it over first", async () => {
  const prepared = new Prepared(10);
  await prepared.secondSync();
  prepared.rig.socket.hangUp();
  for (let i = 0; i < 10; i++) await prepared.rig.clock.turn();
  assert.deepEqual(prepared.told.slice(0, 2), ["replacing 1 by 2", "replaced 2"]);
  assert.equal(prepared.rig.get("c"), "1");
  await prepared.rig.link.stop();
});

test("a link that is stopped while a snapshot is prepared says so and keeps the old data", async () => {
  const prepared = new Prepared(1000);
  await prepared.secondSync();
  await prepared.rig.link.stop();
  assert.deepEqual(prepared.told, ["replacing 1 by 2", "abandoned"]);
  assert.equal(prepared.rig.get("a"), "old");
});

test("resync flush tells that the data is gone before the snapshot comes", async () => {
  const prepared = new Prepared(0, { resync: "flush" });
  await prepared.secondSync();
  await prepared.rig.clock.turn();
  assert.deepEqual(prepared.told.slice(0, 3), ["emptied", "replacing 0 by 2", "replaced 2"]);
  await prepared.rig.link.stop();
});
