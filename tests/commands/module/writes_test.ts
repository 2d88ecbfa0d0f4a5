/**
 * What a master's stream does to keys of modules: rows of commands, and what TYPE, the expiry and DUMP say of
 * their keys afterwards. As seen on Redis Stack 7.4 and Redis 8.6.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { NO_SUCH_KEY, NOTHING_HELD, WRONG_TYPE } from "../../../src/commands/engine/errors.ts";
import { moduleCommands } from "../../../src/commands/module/writes.ts";
import { createStreamExecutor } from "../../../src/replication/executor.ts";
import type { Host } from "../../../src/commands/engine/host.ts";
import { Argv } from "../../../src/resp/argv.ts";
import { countModuleKeys } from "../../../src/store/types/module.ts";
import { newKeyspace } from "../../rdb/support/keyspaces.ts";

import { Engine } from "../engine.ts";

const AT = "4000000000000";
/** DUMP of a value of the type "test___dt". */
const PAYLOAD_DIGITS = "0781b5eb2dffffddb40102050505776f726c64000c0064e48963abccd160";
const PAYLOAD: Uint8Array = new Uint8Array(
  (PAYLOAD_DIGITS.match(/../g) ?? []).map((digits) => parseInt(digits, 16)),
);

/** A stream that has a module's value with its bytes and an expiry under "m", and a string under "s". */
function stream(): Engine {
  const engine = new Engine("stream");
  engine.call("RESTORE", "m", AT, PAYLOAD, "ABSTTL");
  engine.call("SET", "s", "text");
  return engine;
}

function typeOf(engine: Engine, key: string): string {
  return engine.call("TYPE", key).slice(1, -2);
}

const MAKES: readonly (readonly [command: string, type: string])[] = [
  ["JSON.SET k $ 1", "ReJSON-RL"],
  ["JSON.SET k . 1 NX", "ReJSON-RL"],
  ["JSON.MERGE k $ 1", "ReJSON-RL"],
  ["JSON.MSET x $ 1 k $ 2", "ReJSON-RL"],
  ["BF.ADD k a", "MBbloom--"],
  ["BF.MADD k a b", "MBbloom--"],
  ["BF.INSERT k ITEMS SEED", "MBbloom--"],
  ["BF.INSERT k CAPACITY 9 SEED x ITEMS a", "bloomfltr"],
  ["BF.LOAD k x", "bloomfltr"],
  ["CF.ADDNX k a", "MBbloomCF"],
  ["CMS.INITBYDIM k 10 2", "CMSk-TYPE"],
  ["TOPK.RESERVE k 3", "TopK-TYPE"],
  ["TDIGEST.CREATE k", "TDIS-TYPE"],
  ["TDIGEST.MERGE k 1 m", "TDIS-TYPE"],
  ["TS.ADD k 1 2", "TSDB-TYPE"],
  ["ts.incrby k 2", "TSDB-TYPE"],
  ["FT.SUGADD k a 1", "trietype0"],
  ["ARSET k 0 x", "array"],
];
for (const [text, type] of MAKES) {
  test(`"${text}" makes a key of type ${type}, and changes one that is there`, () => {
    const engine = stream();
    engine.call(...text.split(" "));
    assert.equal(typeOf(engine, "k"), type);
    assert.equal(engine.call("PEXPIRETIME", "k"), ":-1\r\n");
    assert.match(engine.call("DUMP", "k"), new RegExp(`^-ERR .* ${type},`));
    engine.call(...text.replace("k", "m").replace(" k ", " m ").split(" "));
    assert.equal(engine.call("EXISTS", "m"), ":1\r\n");
    assert.equal(engine.call("GET", "s"), "$4\r\ntext\r\n");
  });
}

const CHANGES: readonly string[] = [
  "JSON.SET m $ 1",
  "JSON.DEL m $.a",
  "JSON.DEL m .$",
  "JSON.ARRPOP m",
  "BF.ADD m a",
  "CF.DEL m a",
  "CF.COMPACT m",
  "CMS.MERGE m 1 m",
  "TOPK.ADD m a",
  "TDIGEST.RESET m",
  "TS.MADD m 1 1",
  "TS.CREATERULE m m AGGREGATION avg 1",
  "FT.SUGDEL m a",
  "ARDEL m 0",
];
for (const text of CHANGES) {
  test(`"${text}" leaves the key its type and expiry, and not its bytes`, () => {
    const engine = stream();
    assert.match(engine.call("DUMP", "m"), /world/);
    engine.changes.length = 0;
    engine.call(...text.split(" "));
    assert.ok(engine.changes.includes("0:m"));
    assert.equal(typeOf(engine, "m"), "test___dt");
    assert.equal(engine.call("PEXPIRETIME", "m"), `:${AT}\r\n`);
    assert.match(engine.call("DUMP", "m"), /^-ERR .*test___dt/);
  });
}

for (const path of [[], ["$"], ["."]]) {
  test(`JSON.DEL and JSON.FORGET of the root delete the key: path ${path}`, () => {
    for (const name of ["JSON.DEL", "json.forget"]) {
      const engine = stream();
      engine.call(name, "m", ...path);
      assert.equal(engine.call("EXISTS", "m"), ":0\r\n");
      assert.equal(engine.call(name, "m", ...path), `-${NO_SUCH_KEY}\r\n`);
      assert.equal(engine.call(name, "s", ...path), `-${WRONG_TYPE}\r\n`);
    }
  });
}

test("TDIGEST.MERGE takes the expiry away, no other write does", () => {
  const engine = stream();
  engine.call("TDIGEST.MERGE", "m", "1", "x");
  assert.equal(engine.call("PEXPIRETIME", "m"), ":-1\r\n");
  assert.equal(typeOf(engine, "m"), "TDIS-TYPE");
});

test("a write of a module fails at a plain value, and changes nothing before all its keys are checked", () => {
  const engine = stream();
  for (
    const text of ["JSON.SET s $ 1", "JSON.MSET a $ 1 s $ 1", "TS.MADD m 1 1 s 1 1", "VREM s e"]
  ) {
    assert.equal(engine.call(...text.split(" ")), `-${WRONG_TYPE}\r\n`, text);
  }
  for (
    const text of ["JSON.CLEAR none", "TS.CREATERULE m none AGGREGATION avg 1", "CF.DEL none a"]
  ) {
    assert.equal(engine.call(...text.split(" ")), `-${NO_SUCH_KEY}\r\n`, text);
  }
  engine.call("FT.SUGDEL", "none", "a");
  engine.call("FT.SUGDEL", "s", "a");
  assert.equal(engine.call("DBSIZE"), ":2\r\n");
  assert.match(engine.call("DUMP", "m"), /world/);
  assert.equal(engine.call("FT._CREATEIFNX", "index"), `-${NOTHING_HELD}\r\n`);
});

test("ARDEL leaves it in doubt whether the key exists, until a command shows it", () => {
  const engine = stream();
  const doubted = () => {
    const counts: Parameters<typeof countModuleKeys>[1] = {};
    countModuleKeys(engine.db, counts);
    return counts["array"].doubted;
  };
  engine.call("ARSET", "v", "0", "e");
  assert.equal(doubted(), 0);
  engine.call("ARDEL", "v", "0");
  assert.equal(doubted(), 1);
  engine.call("COPY", "v", "w");
  assert.equal(doubted(), 2);
  engine.call("ARSET", "v", "0", "e");
  assert.equal(doubted(), 1);
});

const PLAIN_WRITES: readonly (readonly [command: string, expected: string])[] = [
  ["RENAME m s", "test___dt"],
  ["COPY m s REPLACE", "test___dt"],
  ["SET m x XX KEEPTTL", "string"],
  ["SET m x", "string"],
  ["RENAME s m", "none"],
];
for (const [text, expected] of PLAIN_WRITES) {
  test(`"${text}" treats a module's key as any other`, () => {
    const engine = stream();
    engine.call(...text.split(" "));
    assert.equal(typeOf(engine, text.startsWith("SET") ? "m" : "s"), expected);
  });
}

test("where the owner asks to fail at modules, their writes and values are refused, vector sets are not", () => {
  const keyspace = newKeyspace();
  const executor = createStreamExecutor({
    keyspace,
    random: () => 0.5,
    host: { role: "slave", databases: 16, version: "8.0.2" } as Host,
    failsOnModules: true,
  });
  assert.match(executor.execute(0, Argv.of("JSON.SET", "k", "$", "1")) ?? "", /^UNSUPPORTED/);
  assert.match(executor.execute(0, Argv.of("RESTORE", "k", "0", PAYLOAD)) ?? "", /^UNSUPPORTED/);
  assert.equal(executor.execute(0, Argv.of("VADD", "v", "VALUES", "1", "1", "e")), undefined);
});

test("every row is a write and has a name of its own", () => {
  assert.equal(new Set(moduleCommands.map(({ name }) => name)).size, moduleCommands.length);
});
