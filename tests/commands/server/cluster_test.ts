/**
 * Slots that move, as the master's stream tells of them, and what clients see meanwhile.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { keySlot } from "../../../src/base/crc16.ts";
import type { Host } from "../../../src/commands/engine/host.ts";
import { createStreamExecutor } from "../../../src/replication/executor.ts";
import type { StreamExecutor } from "../../../src/replication/types.ts";
import { Argv } from "../../../src/resp/argv.ts";
import { Keyspace } from "../../../src/store/keyspace/keyspace.ts";
import { bytesOf } from "../../support/bytes.ts";
import { Engine } from "../engine.ts";

const TASK = "a".repeat(40);
const NODES = `${"b".repeat(40)}:${"c".repeat(40)}`;
const JOB = "d".repeat(40);
/** Slots of the keys `{in}1`, `{in}2`, ... and of `{out}1`, ... */
const IN = slotOf("{in}");
const OUT = slotOf("{out}");

/** A keyspace, its master's stream and a client. */
class Rig {
  readonly keyspace: Keyspace = new Keyspace({ random: () => 0.5 });
  readonly client: Engine = new Engine("replica", Math.random, this.keyspace);
  readonly #executor: StreamExecutor;

  constructor() {
    const host = { role: "slave", databases: 16, version: "8.0.2" } as Host;
    this.#executor = createStreamExecutor({
      keyspace: this.keyspace,
      random: Math.random,
      host,
    });
    this.stream("SET {out}1 v");
    this.stream("SET {out}2 v PXAT 1800000000000");
  }

  /** Applies a command; returns the error. */
  stream(text: string, db: number = 0): string | undefined {
    this.#executor.begin(this.client.nowMs);
    return this.#executor.execute(db, Argv.of(...text.split(" ")));
  }

  /** DBSIZE, KEYS sorted, EXISTS {in}1, and what RANDOMKEY can give. */
  sees(): [string, string[], string] {
    const keys = this.client.call("KEYS", "*").split("\r\n").filter((line) => line[0] === "{")
      .sort();
    const scanned = this.client.call("SCAN", "0", "COUNT", "1000").split("\r\n")
      .filter((line) => line[0] === "{").sort();
    assert.deepEqual(scanned, keys);
    for (let i = 0; i < 50; i++) {
      const drawn = this.client.call("RANDOMKEY").split("\r\n")[1];
      assert.ok(keys.length === 0 ? drawn === undefined || drawn === "" : keys.includes(drawn));
    }
    return [this.client.call("DBSIZE").trim(), keys, this.client.call("EXISTS", "{in}1").trim()];
  }

  /** Sweeps to the end. */
  sweep(): void {
    while (!this.keyspace.slots.sweep(1, () => {}));
  }
}

const BEFORE = [":2", ["{out}1", "{out}2"], ":0"];
const AFTER = [":4", ["{in}1", "{in}2", "{out}1", "{out}2"], ":1"];

const families = [
  {
    name: "Redis",
    begin: `CLUSTER SYNCSLOTS CONF ASM-TASK ${TASK}:${NODES}:import:connecting:${IN}`,
    done: `CLUSTER SYNCSLOTS CONF ASM-TASK ${TASK}:${NODES}:import:completed:${IN}`,
    failed: `CLUSTER SYNCSLOTS CONF ASM-TASK ${TASK}:${NODES}:import:failed:${IN}`,
  },
  {
    name: "Valkey",
    begin: `CLUSTER SYNCSLOTS ESTABLISH SOURCE ${TASK} NAME ${JOB} SLOTSRANGE ${IN} ${IN}`,
    done: `CLUSTER SYNCSLOTS FINISH STATE SUCCESS NAME ${JOB} MESSAGE x`,
    failed: `CLUSTER SYNCSLOTS FINISH STATE FAILED NAME ${JOB} MESSAGE x`,
  },
];

for (const { name, begin, done, failed } of families) {
  test(`${name}: keys of an import are hidden until it succeeds`, () => {
    const rig = new Rig();
    assert.equal(rig.stream(begin), undefined);
    rig.stream("SET {in}1 v");
    rig.stream("SET {in}2 v PXAT 1800000000000");
    assert.equal(rig.stream("INCR {in}3"), undefined);
    assert.equal(rig.stream("DEL {in}3"), undefined);
    assert.deepEqual(rig.sees(), BEFORE);
    assert.equal(rig.client.call("GET", "{in}1"), "$-1\r\n");
    assert.equal(rig.client.call("TTL", "{in}2"), ":-2\r\n");
    assert.equal(rig.stream("CLUSTER SYNCSLOTS ACK"), undefined);
    assert.equal(rig.stream(done), undefined);
    assert.deepEqual(rig.sees(), AFTER);
    assert.equal(rig.keyspace.slots.hiding, false);
  });

  test(`${name}: keys of an import that fails are dropped, and the slots can come again`, () => {
    const rig = new Rig();
    rig.stream(begin);
    rig.stream("SET {in}1 v");
    rig.stream("SET {in}9 v", 3);
    assert.equal(rig.stream(failed), undefined);
    assert.deepEqual(rig.sees(), BEFORE);
    assert.equal(rig.keyspace.slots.sweeping, true);
    rig.stream(begin);
    rig.stream("SET {in}1 v");
    assert.equal(rig.keyspace.slots.sweeping, false, "a command of the slot waits for the sweep");
    assert.deepEqual(rig.sees(), BEFORE);
    rig.stream("SET {in}2 v");
    rig.stream(done);
    assert.deepEqual(rig.sees(), AFTER);
    assert.equal(rig.keyspace.db(3).size, 0);
  });
}

for (const command of [`TRIMSLOTS RANGES 1 ${IN} ${IN}`, `CLUSTER FLUSHSLOT ${IN} ASYNC`]) {
  test(`${command.split(" ")[0]} empties slots at once, in all databases`, () => {
    const rig = new Rig();
    for (const db of [0, 7]) {
      for (let i = 1; i < 100; i++) rig.stream(`SET {in}${i} v`, db);
    }
    assert.equal(rig.client.call("DBSIZE"), ":101\r\n");
    assert.equal(rig.stream(command), undefined);
    assert.deepEqual(rig.sees(), BEFORE);
    rig.client.select(7);
    assert.equal(rig.client.call("DBSIZE"), ":0\r\n");
    assert.equal(rig.keyspace.db(7).size, 99);
    rig.sweep();
    assert.deepEqual([rig.keyspace.db(7).size, rig.keyspace.db(0).size], [0, 2]);
    assert.equal(rig.keyspace.slots.hiding, false);
    rig.client.select(0);
    assert.deepEqual(rig.sees(), BEFORE);
  });
}

test("a key that is written while others of its slot are swept stays", () => {
  const rig = new Rig();
  for (let i = 1; i < 100; i++) rig.stream(`SET {in}${i} v`);
  rig.stream(`TRIMSLOTS RANGES 2 ${OUT} ${OUT} ${IN} ${IN}`);
  assert.equal(rig.client.call("DBSIZE"), ":0\r\n");
  rig.keyspace.slots.sweep(1, () => {});
  assert.equal(rig.stream("APPEND {in}1 new"), undefined);
  rig.sweep();
  assert.equal(rig.client.call("GET", "{in}1"), "$3\r\nnew\r\n");
  assert.equal(rig.client.call("DBSIZE"), ":1\r\n");
});

test("what the two nodes tell each other changes nothing", () => {
  const rig = new Rig();
  for (
    const text of [
      `CLUSTER SETSLOT ${IN} NODE ${TASK}`,
      `CLUSTER SETSLOT ${IN} IMPORTING ${TASK}`,
      `CLUSTER SYNCSLOTS CONF SLOT-INFO ${IN}:10:2`,
      `CLUSTER SYNCSLOTS CONF ASM-TASK ${TASK}:${NODES}:migrate:wait-rdbchannel:${OUT}`,
      `CLUSTER SYNCSLOTS CONF ASM-TASK ${TASK}:${NODES}:migrate:completed:${OUT}`,
      "CLUSTER SYNCSLOTS SNAPSHOT-EOF",
      "CLUSTER SYNCSLOTS PAUSED",
      `CLUSTER SYNCSLOTS FINISH STATE FAILED NAME ${JOB} MESSAGE x`,
    ]
  ) assert.equal(rig.stream(text), undefined, text);
  assert.deepEqual(rig.sees(), BEFORE);
});

test("damaged commands about slots are errors and change nothing", () => {
  const rig = new Rig();
  for (
    const text of [
      "TRIMSLOTS RANGES 1 0",
      "TRIMSLOTS RANGES 2 0 1",
      "TRIMSLOTS RANGES 1 5 4",
      "TRIMSLOTS RANGES 1 0 16384",
      "TRIMSLOTS SLOTS 1 0 1",
      "CLUSTER FLUSHSLOT 16384",
      "CLUSTER FLUSHSLOT -1",
      `CLUSTER FLUSHSLOT ${OUT} NOW`,
      "CLUSTER SYNCSLOTS CONF ASM-TASK a:b:c:import:connecting:5-4",
      "CLUSTER SYNCSLOTS CONF ASM-TASK import",
      `CLUSTER SYNCSLOTS ESTABLISH SOURCE ${TASK} SLOTSRANGE 0 1`,
      `CLUSTER SYNCSLOTS ESTABLISH SOURCE ${TASK} NAME ${JOB} SLOTSRANGE 0`,
    ]
  ) assert.notEqual(rig.stream(text), undefined, text);
  assert.deepEqual(rig.sees(), BEFORE);
});

test("clients are refused: this server is part of no cluster", () => {
  const { client } = new Rig();
  const refusal = "-ERR This instance has cluster support disabled\r\n";
  for (const text of ["CLUSTER INFO", "CLUSTER FLUSHSLOT 1", "TRIMSLOTS RANGES 1 0 1"]) {
    assert.equal(client.call(...text.split(" ")), refusal);
  }
  assert.equal(client.call("CLUSTER", "SYNCSLOTS", "ACK"), refusal);
});

function slotOf(key: string): number {
  const bytes = bytesOf(key);
  return keySlot(bytes, 0, bytes.length);
}
