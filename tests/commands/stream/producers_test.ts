/**
 * What `src/commands/stream/producers.ts` answers: `tests/golden/commands/stream/producers.json`; and what a
 * replica makes of a master's XADD with IDMP.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { latin1 } from "../../../src/base/ascii.ts";
import { specification } from "../../support/specification.ts";
import { atLeast, serverTest, startServer } from "../../support/servers.ts";
import { Engine } from "../engine.ts";

await specification("stream/producers");

const FIELDS = ["iids-tracked", "pids-tracked", "iids-added", "iids-duplicates"];

/** What XINFO STREAM tells of a stream's producers. */
function told(engine: Engine, key: string): Record<string, number> {
  const words = engine.call("XINFO", "STREAM", key).split("\r\n");
  const found: Record<string, number> = {};
  for (const name of FIELDS) {
    const at = words.indexOf(name);
    if (at >= 0) found[name] = Number(words[at + 1].slice(1));
  }
  return found;
}

function replica(): Engine {
  const engine = new Engine("stream");
  engine.keyspace.snapshotVersion = 13;
  return engine;
}

test("XADD IDMP with an id is added, with * it is a repeated one and changes nothing", () => {
  const engine = replica();
  engine.call("XADD", "s", "IDMP", "p", "a", "1700000000000-1", "f", "v");
  engine.call("XADD", "s", "IDMP", "p", "a", "*", "f", "v");
  engine.call("XADD", "s", "IDMP", "p", "a", "MAXLEN", "0", "*", "f", "v");
  engine.call("XADD", "s", "IDMPAUTO", "p", "*", "f", "v");
  engine.call("XADD", "none", "IDMP", "p", "a", "*", "f", "v");
  assert.equal(engine.call("XLEN", "s"), ":1\r\n");
  assert.equal(engine.call("EXISTS", "none"), ":0\r\n");
  assert.deepEqual(told(engine, "s"), {
    "pids-tracked": 1,
    "iids-tracked": 1,
    "iids-added": 1,
    "iids-duplicates": 3,
  });
});

test("XADD IDMP with an id is added although the id of the producer's is known", () => {
  const engine = replica();
  engine.call("XADD", "s", "IDMP", "p", "a", "1700000000000-1", "f", "v");
  // The master's clock is ahead of ours: it has forgotten the first.
  engine.call("XADD", "s", "IDMP", "p", "a", "1700000000009-1", "f", "v");
  assert.equal(engine.call("XLEN", "s"), ":2\r\n");
  assert.equal(told(engine, "s")["iids-tracked"], 1);
});

test("ids of producers are forgotten by number, by age and by XCFGSET", () => {
  const engine = replica();
  engine.call("XADD", "s", "1-1", "f", "v");
  engine.call("XCFGSET", "s", "IDMP-MAXSIZE", "2", "IDMP-DURATION", "10");
  for (const [i, id] of ["a", "b", "c"].entries()) {
    engine.call("XADD", "s", "IDMP", "p", id, `170000000000${i}-1`, "f", "v");
  }
  engine.call("XADD", "s", "IDMPAUTO", "q", "1700000009000-1", "f", "v");
  assert.equal(told(engine, "s")["iids-tracked"], 3);
  engine.at(1_700_000_010_002);
  assert.deepEqual([told(engine, "s")["pids-tracked"], told(engine, "s")["iids-tracked"]], [1, 1]);
  engine.call("XCFGSET", "s", "IDMP-DURATION", "10");
  assert.equal(told(engine, "s")["iids-tracked"], 1, "the same numbers forget nothing");
  engine.call("XCFGSET", "s", "IDMP-DURATION", "11");
  assert.deepEqual(told(engine, "s"), {
    "pids-tracked": 0,
    "iids-tracked": 0,
    "iids-added": 4,
    "iids-duplicates": 0,
  });
});

test("DUMP leaves out ids of producers that are too old", () => {
  const engine = replica();
  engine.call("XADD", "s", "1-1", "f", "v");
  engine.call("XCFGSET", "s", "IDMP-DURATION", "10");
  const without = engine.raw(["DUMP", "s"]).length;
  engine.call("XADD", "s", "IDMP", "p", "a", "1700000000000-1", "f", "v");
  const known = engine.raw(["DUMP", "s"]).length;
  engine.at(1_700_000_010_001);
  const old = engine.raw(["DUMP", "s"]).length;
  assert.ok(without < old && old < known, `${without} ${old} ${known} bytes`);
});

test("producers are in DUMP and COPY", () => {
  const engine = replica();
  engine.call("XADD", "s", "IDMP", "p", "a", "1700000000000-1", "f", "v");
  engine.call("XADD", "s", "IDMPAUTO", "q", "1700000000001-1", "a", "b", "c", "d");
  engine.call("XADD", "s", "IDMP", "p", "a", "*", "f", "v");
  const dump = engine.raw(["DUMP", "s"]);
  const payload = dump.subarray(dump.indexOf(10) + 1, -2);
  assert.equal(engine.call("RESTORE", "t", "0", payload), "+OK\r\n");
  engine.call("COPY", "s", "u");
  engine.call("XADD", "s", "IDMP", "p", "b", "1700000000002-1", "f", "v");
  for (const key of ["t", "u"]) {
    assert.deepEqual(engine.raw(["DUMP", key]), dump);
    assert.deepEqual(told(engine, key), {
      "pids-tracked": 2,
      "iids-tracked": 2,
      "iids-added": 2,
      "iids-duplicates": 1,
    });
  }
});

test("a stand-alone master answers a repeated entry with the first one's id and sends it as it came", () => {
  const engine = new Engine("master");
  const first = engine.call("XADD", "s", "IDMPAUTO", "p", "*", "a", "b", "c", "d");
  engine.at(engine.nowMs + 500);
  assert.equal(engine.call("XADD", "s", "IDMPAUTO", "p", "*", "c", "d", "a", "b"), first);
  assert.notEqual(engine.call("XADD", "s", "IDMPAUTO", "p", "*", "a", "bc", "d", ""), first);
  assert.deepEqual(engine.propagated, [
    "XADD s IDMPAUTO p 1700000000000-0 a b c d",
    "XADD s IDMPAUTO p * c d a b",
    "XADD s IDMPAUTO p 1700000000500-0 a bc d ",
  ]);
});

test("IDMPAUTO reckons the id that Redis 8.6.2 reckons", () => {
  const rows: readonly (readonly [words: string[], id: string])[] = [
    [["f", "v"], "6e95729ee727f0814aedffba55730079"],
    [["a", "1", "b", "2"], "c5b282935f77a53123e1ff7a302a11f2"],
    [["b", "2", "a", "1"], "c5b282935f77a53123e1ff7a302a11f2"],
    [["a", "1", "a", "1"], "7cd8847868842eaf3c2706c3f301a55b"],
    [["", ""], "1a9f7ebbaea1d61d30b6b8daa3e38da7"],
  ];
  for (const [words, id] of rows) {
    const engine = replica();
    engine.call("XADD", "s", "IDMPAUTO", "p", "1700000000000-1", ...words);
    const dump = Buffer.from(engine.raw(["DUMP", "s"])).toString("hex");
    // In a dump: one id of sixteen bytes.
    assert.match(dump, new RegExp(`01700110${id}81`), words.join(" "));
  }
});

await serverTest(
  "an entry of IDMPAUTO that RESTORE brings is known as a repeated one",
  async (binary) => {
    await using server = await startServer(binary);
    const engine = new Engine("master");
    engine.becomeDataOf(binary);
    engine.at(Date.now());
    for (const length of [0, 1, 3, 8, 16, 17, 100, 128, 129, 240, 241, 1000, 5000]) {
      const words = ["field", "x".repeat(length), "y".repeat(length), "", "\xff", "1"];
      const there = await server.call("XADD", "s", "IDMPAUTO", "p", "*", ...words);
      const payload = await server.call("DUMP", "s") as Uint8Array;
      const restored = engine.call("RESTORE", "s", "0", payload, "REPLACE");
      assert.equal(restored, "+OK\r\n", `${length} bytes`);
      const here = engine.call("XADD", "s", "IDMPAUTO", "p", "*", ...words);
      assert.equal(here.split("\r\n")[1], latin1(there as Uint8Array), `${length} bytes`);
    }
  },
  { isFor: ({ product, version }) => product === "redis" && atLeast(version, "8.6") },
);
