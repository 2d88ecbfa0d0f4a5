/**
 * Keys that the stream alone does not keep right: fetched from a TestMaster that has commands which our table
 * does not know.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { keySlot } from "../../../src/base/crc16.ts";
import { command, WRITE } from "../../../src/commands/engine/command.ts";
import type { Command } from "../../../src/commands/engine/command.ts";
import { CommandError } from "../../../src/commands/engine/errors.ts";
import { commandIndex } from "../../../src/commands/table.ts";
import { Argv } from "../../../src/resp/argv.ts";
import { Replica } from "../../../src/replica/replica.ts";
import type { ReplicaOptions } from "../../../src/replica/options.ts";
import { TestMaster, type TestMasterOptions } from "../../../src/testing/mod.ts";
import { NEW_COMMANDS } from "../../support/new_commands.ts";
import { endedAs } from "../../support/repairs.ts";
import { pause, until } from "../../support/waiting.ts";

/** A command that no user may run. */
function forbidden(name: string): Command {
  return command(name, -1, 0, "", () => {
    throw new CommandError(`NOPERM this user has no permissions to run the '${name}' command`);
  });
}

type Call = (...args: string[]) => unknown;

/** Every key with its value and expiry, database by database. */
function readout(replica: Replica): unknown[] {
  return DATABASES.flatMap((db) => readDatabase(db, (...args) => replica.db(db).call(...args)));
}

function readoutOf(master: TestMaster): unknown[] {
  return DATABASES.flatMap((db) => {
    master.call("SELECT", db);
    return readDatabase(db, (...args) => master.call(...args));
  });
}

function readDatabase(db: number, call: Call): unknown[] {
  const keys = (call("KEYS", "*") as string[]).sort();
  return keys.map((key) => {
    const type = String(call("TYPE", key));
    const value = READS[type] === undefined ? type : call(...READS[type](key));
    return [db, key, value, call("PEXPIRETIME", key)];
  });
}

/** How a value is read; other types are only told. */
const READS: Readonly<Record<string, (key: string) => string[]>> = {
  string: (key) => ["GET", key],
  list: (key) => ["LRANGE", key, "0", "-1"],
};

const DATABASES: readonly number[] = [0, 1, 2, 3, 4, 5];

interface Pair {
  readonly master: TestMaster;
  readonly replica: Replica;
  /** Messages of warnings and errors. */
  readonly messages: string[];
  /** Waits until everything is applied and no key is awaited. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

async function pair(
  options: Partial<ReplicaOptions> = {},
  masterOptions: Partial<TestMasterOptions> = {},
): Promise<Pair> {
  const master = await TestMaster.start({ commands: NEW_COMMANDS, ...masterOptions });
  const messages: string[] = [];
  const note = (message: string) => void messages.push(message);
  const replica = new Replica({
    master: master.url,
    logger: { debug() {}, info() {}, warn: note, error: note },
    ...options,
  });
  await replica.start();
  await replica.ready({ timeoutMs: 30_000 });
  return {
    master,
    replica,
    messages,
    settled: async () => {
      // What the master propagates is written in this turn of the event loop's end.
      await pause(0);
      await until("every key to be right", () => {
        return replica.status().settledOffset === master.offset;
      });
    },
    close: async () => {
      await replica.close();
      await master.close();
    },
  };
}

test("ten thousand unknown commands cost a few fetches, one line of log and no resync", async () => {
  const { master, replica, messages, settled, close } = await pair();
  for (let i = 0; i < 10_000; i++) master.call("XAPPEND", `k${i % 3}`, "x");
  await settled();
  const { repairs, counters } = replica.status();
  for (const key of ["k0", "k1", "k2"]) assert.equal(replica.get(key), master.call("GET", key));
  assert.equal(repairs!.unknownCommands["xappend"], 10_000);
  assert.ok(repairs!.fetches < 60, `${repairs!.fetches} fetches`);
  assert.deepEqual([counters.fullSyncs, counters.divergences], [1, 0]);
  assert.equal(messages.length, 1, messages.join("\n"));
  assert.match(messages[0], /"xappend", which is not known here/);
  assert.equal(repairs!.awaited, 0);
  assert.equal(repairs!.keptBytes, 0);
  await close();
});

const CASES: readonly { name: string; calls: readonly (readonly string[])[] }[] = [
  { name: "a key that was not there", calls: [["XAPPEND", "a", "1"]] },
  { name: "an expiry", calls: [["XAPPEND", "a", "1"], ["PEXPIREAT", "a", "99999999999999"]] },
  {
    name: "commands we know behind one we do not",
    calls: [["XAPPEND", "a", "1"], ["APPEND", "a", "2"], ["SETRANGE", "a", "4", "z"]],
  },
  { name: "only the keys that are changed", calls: [["SET", "a", "1"], ["XCOPY", "a", "b"]] },
  { name: "as many keys as the command says", calls: [["XMANY", "2", "a", "b", "v"]] },
  { name: "keys that only the master finds", calls: [["XMOVABLE", "a", "b"], ["XMOVABLE", "b"]] },
  {
    name: "keys computed from an awaited one",
    calls: [
      ["XAPPEND", "a", "1"],
      ["COPY", "a", "b"],
      ["COPY", "a", "c", "DB", "3"],
      ["BITOP", "NOT", "d", "a"],
    ],
  },
  {
    name: "a key that was renamed meanwhile",
    calls: [["SET", "a", "0"], ["XAPPEND", "a", "1"], ["RENAME", "a", "b"], ["APPEND", "b", "2"]],
  },
  {
    name: "a key that was moved meanwhile",
    calls: [["XAPPEND", "a", "1"], ["MOVE", "a", "5"]],
  },
  {
    name: "databases that were swapped meanwhile",
    calls: [["XAPPEND", "a", "1"], ["SWAPDB", "0", "4"], ["SET", "a", "other"]],
  },
  {
    name: "a transaction",
    calls: [
      ["MULTI"],
      ["XAPPEND", "a", "1"],
      ["XMOVABLE", "b", "a"],
      ["COPY", "a", "c"],
      ["EXEC"],
      ["APPEND", "a", "2"],
    ],
  },
  {
    name: "a key that is deleted at once",
    calls: [["XAPPEND", "a", "1"], ["DEL", "a"], ["SET", "b", "1"]],
  },
  { name: "everything flushed", calls: [["XAPPEND", "a", "1"], ["FLUSHALL"], ["SET", "b", "1"]] },
  {
    name: "an unconditional SET, one that keeps the expiry, one with NX",
    calls: [
      ["XAPPEND", "a", "1"],
      ["SET", "a", "2"],
      ["XAPPEND", "b", "1"],
      ["PEXPIREAT", "b", "99999999999999"],
      ["SET", "b", "2", "KEEPTTL"],
      ["SET", "c", "0"],
      ["XAPPEND", "c", "1"],
      ["DEL", "c"],
      ["SET", "c", "2", "NX"],
    ],
  },
  {
    name: "a list moved from an awaited key",
    calls: [["XAPPEND", "a", "1"], ["DEL", "a"], ["RPUSH", "a", "x", "y"], [
      "LMOVE",
      "a",
      "b",
      "LEFT",
      "LEFT",
    ]],
  },
  {
    name: "SORT by keys that only its elements name",
    calls: [["RPUSH", "l", "1", "2"], ["XAPPEND", "w1", "9"], ["XAPPEND", "w2", "3"], [
      "SORT",
      "l",
      "BY",
      "w*",
      "STORE",
      "s",
    ]],
  },
];

const UNREAD: readonly { name: string; calls: readonly (readonly string[])[] }[] = [
  { name: "a key that goes with its last element", calls: [["ARDEL", "u", "last"]] },
  { name: "a key that stays, with its expiry", calls: [["ARDEL", "t", "one"]] },
  {
    name: "a key that is made again, without the expiry it had",
    calls: [["ARDEL", "t", "last"], ["ARSET", "t", "0", "x"]],
  },
  {
    name: "an expiry of a key that stayed",
    calls: [["ARDEL", "u", "one"], ["PEXPIREAT", "u", "99999999999999"], ["PERSIST", "t"]],
  },
  { name: "a key that was deleted", calls: [["ARDEL", "u", "one"], ["DEL", "u"]] },
  {
    name: "a key that was renamed",
    calls: [["ARDEL", "t", "one"], ["RENAME", "t", "v"], ["ARDEL", "v", "one"]],
  },
  {
    name: "a key that was renamed and went",
    calls: [["ARDEL", "t", "one"], ["RENAME", "t", "s"], ["ARDEL", "s", "last"]],
  },
  { name: "a key that was moved", calls: [["ARDEL", "t", "one"], ["MOVE", "t", "3"]] },
  {
    name: "a key that was copied",
    calls: [["ARDEL", "t", "one"], ["COPY", "t", "s", "REPLACE"], ["ARDEL", "t", "last"]],
  },
  {
    name: "databases that were swapped",
    calls: [["ARDEL", "t", "last"], ["SWAPDB", "0", "2"], ["SET", "t", "text"]],
  },
  {
    name: "a transaction",
    calls: [["MULTI"], ["ARDEL", "u", "one"], ["RENAME", "u", "v"], ["ARDEL", "v", "last"], [
      "EXEC",
    ]],
  },
  { name: "a key that became a string", calls: [["ARDEL", "u", "last"], ["SET", "u", "1", "NX"]] },
  { name: "everything flushed", calls: [["ARDEL", "u", "one"], ["FLUSHALL"]] },
  {
    name: "keys of a module that is not known",
    calls: [["FAR.PUT", "f"], ["FAR.PUTS", "g", "h"], ["FAR.TAKE", "g", "last"], [
      "FAR.TAKE",
      "h",
      "one",
    ]],
  },
  {
    name: "a module that is not known writes over another one's value",
    calls: [["FAR.PUT", "t"], ["FAR.TAKE", "u", "last"]],
  },
];

for (const { name, calls } of UNREAD) {
  for (const serverVersion of ["8.0.2", "6.2.16"]) {
    test(`repair looks whether a key is there: ${name} (a master of ${serverVersion})`, async () => {
      const { master, replica, messages, settled, close } = await pair({}, { serverVersion });
      master.call("ARSET", "t", "0", "x");
      master.call("PEXPIREAT", "t", "88888888888888");
      master.call("ARSET", "u", "0", "x");
      master.call("SET", "s", "text");
      for (const args of calls) master.call(...args);
      await settled();
      assert.deepEqual(readout(replica), readoutOf(master));
      const { repairs, counters, modules } = replica.status();
      assert.equal(counters.fullSyncs, 1);
      assert.equal(repairs!.fetches, 0, "no value is fetched");
      assert.ok(Object.values(modules).every(({ doubted }) => doubted === 0));
      assert.deepEqual(messages.filter((text) => !text.includes("not known here")), []);
      await close();
    });
  }
}

test("ten thousand elements taken out of one value cost a few looks and no fetch", async () => {
  const { master, replica, messages, settled, close } = await pair();
  master.call("ARSET", "u", "0", "x");
  for (let i = 0; i < 10_000; i++) master.call("ARDEL", "u", "one");
  await settled();
  const { repairs, counters } = replica.status();
  assert.equal(replica.call("TYPE", "u"), "array");
  assert.ok(repairs!.looks > 0 && repairs!.looks < 60, `${repairs!.looks} looks`);
  assert.ok(repairs!.begun.doubted > 0);
  assert.deepEqual([repairs!.fetches, repairs!.keptBytes, counters.fullSyncs], [0, 0, 1]);
  assert.deepEqual(messages, []);
  await close();
});

test("keys in doubt are looked at together", async () => {
  const { master, replica, settled, close } = await pair();
  for (let i = 0; i < 1000; i++) master.call("ARSET", `u${i}`, "0", "x");
  for (let i = 0; i < 1000; i++) master.call("ARDEL", `u${i}`, i % 3 === 0 ? "last" : "one");
  await settled();
  assert.deepEqual(readout(replica), readoutOf(master));
  const { looks, fetches } = replica.status().repairs!;
  assert.ok(looks >= 1000 && looks < 1200 && fetches === 0, `${looks} looks, ${fetches} fetches`);
  await close();
});

/** The slot of a key, as XTRIMSLOTS takes it. */
function slotOf(key: string): string {
  return String(keySlot(new TextEncoder().encode(key), 0, key.length));
}

/** DUMP and TYPE that answer, and have the key's slot given away right afterwards. */
function leaving(gone: () => void): Command[] {
  return ["dump", "type"].map((name) => {
    const row = commandIndex.lookup(Argv.of(name, "k"))!;
    return command(name, 2, 0, "RO@1", (ctx, argv) => {
      row.run(ctx, argv);
      queueMicrotask(gone);
    });
  });
}

test("a key whose slot is given away while it is awaited is gone, whatever the master had answered", async () => {
  let trims = 0;
  const gone = () => {
    if (trims++ > 0) return;
    master.call("XTRIMSLOTS", slotOf("a"), slotOf("a"));
    master.call("XTRIMSLOTS", slotOf("u"), slotOf("u"));
    master.call("SET", "b", "2");
  };
  const { master, replica, settled, close } = await pair({}, {
    commands: [...NEW_COMMANDS, ...leaving(gone)],
  });
  master.call("ARSET", "u", "0", "x");
  master.call("XAPPEND", "a", "1");
  master.call("ARDEL", "u", "one");
  await until("slots to be given away", () => trims > 0);
  await settled();
  assert.deepEqual(readout(replica), readoutOf(master));
  const { repairs } = replica.status();
  const [cleared, fetched] = [endedAs(repairs, "cleared"), endedAs(repairs, "fetched")];
  // An answer may come before the slot goes.
  assert.equal(cleared + fetched, 2);
  assert.equal(replica.stats.fullSyncs, 1);
  await close();
});

test("a key whose slot is being swept is repaired when the slot has come back", async () => {
  const { master, replica, settled, close } = await pair();
  for (let i = 0; i < 20_000; i++) master.call("SET", `{a}${i}`, "old");
  await settled();
  for (let round = 0; round < 5; round++) {
    master.call("XTRIMSLOTS", slotOf("a"), slotOf("a"));
    master.call("XAPPEND", `{a}${round}`, "new");
    master.call("FAR.PUT", `{a}${round + 100}`);
    for (let i = 1000; i < 2000; i++) master.call("SET", `{a}${i}`, "again");
    await settled();
    assert.deepEqual(readout(replica), readoutOf(master));
  }
  assert.equal(replica.stats.fullSyncs, 1);
  await close();
});

test("a slot that is not the master's yet is asked of again, and costs no full sync", async () => {
  let moves = 0;
  const moved = command("dump", 2, 0, "RO@1", (ctx, argv) => {
    if (moves++ === 0) throw new CommandError("MOVED 15495 127.0.0.1:7000");
    commandIndex.lookup(Argv.of("DUMP", "k"))!.run(ctx, argv);
  });
  const incr = command("incr", 2, WRITE, "RW.access.update@1", (ctx, argv) => {
    commandIndex.lookup(Argv.of("APPEND", "k", "x"))!.run(ctx, Argv.of("APPEND", argv.at(1), "x"));
  });
  const { master, replica, settled, close } = await pair({}, { commands: [incr, moved] });
  master.call("SET", "a", "text");
  master.call("INCR", "a");
  await until("a first question", () => moves > 0);
  await settled();
  assert.deepEqual(readout(replica), readoutOf(master));
  const { repairs } = replica.status();
  assert.deepEqual([endedAs(repairs, "refused"), replica.stats.fullSyncs], [0, 1]);
  await close();
});

test("without the right to TYPE values are fetched all the same", async () => {
  const { master, replica, messages, close } = await pair({}, {
    commands: [...NEW_COMMANDS, forbidden("type")],
  });
  master.call("ARSET", "u", "0", "x");
  master.call("ARDEL", "u", "last");
  master.call("XAPPEND", "a", "1");
  await until("a value", () => replica.get("a") === "1");
  await until("a right", () => replica.status().repairs!.missingRights.length === 1);
  assert.deepEqual(replica.status().repairs!.missingRights, ["+type"]);
  assert.equal(messages.filter((text) => text.includes("lacks +type")).length, 1);
  assert.equal(replica.call("TYPE", "u"), "array", "as last known");
  assert.equal(replica.stats.fullSyncs, 1);
  await close();
});

for (const { name, calls } of CASES) {
  for (const serverVersion of ["8.0.2", "6.2.16"]) {
    test(`repair fetches exactly: ${name} (a master of ${serverVersion})`, async () => {
      const { master, replica, settled, close } = await pair({}, { serverVersion });
      for (const args of calls) master.call(...args);
      await settled();
      assert.deepEqual(readout(replica), readoutOf(master));
      assert.equal(replica.stats.fullSyncs, 1);
      await close();
    });
  }
}

test("an unknown command of a module costs its keys, and nothing where it names none", async () => {
  const { master, replica, settled, close } = await pair();
  master.call("FAR.APPEND", "a", "1");
  master.call("FAR.INDEX");
  await settled();
  assert.equal(replica.get("a"), "1");
  const { repairs, counters } = replica.status();
  assert.deepEqual(repairs!.unknownCommands, { "far.append": 1, "far.index": 1 });
  assert.equal(counters.fullSyncs, 1);
  await close();
});

test("a read that the stream has is passed over, and nothing is fetched", async () => {
  const { master, replica, settled, close } = await pair();
  master.call("SET", "a", "1");
  master.call("XLOOK", "a");
  await settled();
  assert.equal(replica.status().repairs!.fetches, 0);
  await close();
});

test("a command that failed here is repaired, counted by name and told once", async () => {
  const { master, replica, messages, settled, close } = await pair();
  master.call("SET", "a", "text");
  for (let i = 0; i < 100; i++) master.call("INCR", "a");
  await settled();
  assert.deepEqual(readout(replica), readoutOf(master));
  const { repairs, counters } = replica.status();
  // Those behind the first are kept with the key, and dropped when the value has seen them.
  const failed = repairs!.failedCommands["incr"];
  assert.ok(failed >= 1 && failed <= 100, `${failed}`);
  assert.deepEqual([counters.fullSyncs, counters.divergences], [1, failed]);
  assert.equal(messages.length, 1, messages.join("\n"));
  assert.match(messages[0], /"incr" could not be applied: ERR value is not an integer/);
  await close();
});

test("a script that the master sends as it is costs its declared keys", async () => {
  const { master, replica, messages, settled, close } = await pair();
  master.call("EVAL", "return 1", "1", "k", "v");
  await settled();
  assert.equal(replica.get("k"), "v");
  assert.match(messages[0], /lua-replicate-commands no/);
  await close();
});

test("what neither our table nor the master knows is counted and passed over", async () => {
  const { master, replica, messages, settled, close } = await pair();
  master.call("XGHOST", "a");
  master.call("SET", "a", "1");
  await settled();
  const { repairs } = replica.status();
  assert.deepEqual(repairs!.unknownCommands, { ghost: 1 });
  assert.equal(repairs!.fetches, 0);
  assert.equal(messages.length, 1);
  await close();
});

test("an unknown write without keys asks for a full sync, once a minute at most", async () => {
  const { master, replica, settled, close } = await pair({
    backoff: { doomedMs: 20, doomedMaxMs: 20 },
  });
  master.call("XALL");
  await until("a full sync", () => replica.stats.fullSyncs === 2);
  await settled();
  assert.equal(replica.get("all"), "x");
  for (let i = 0; i < 10; i++) master.call("XALL");
  await settled();
  assert.equal(replica.stats.fullSyncs, 2);
  assert.equal(replica.connected, true);
  await close();
});

test("missing rights are named once, and an unknown command causes no full sync", async () => {
  const { master, replica, messages, settled, close } = await pair(
    {},
    { commands: [...NEW_COMMANDS, forbidden("dump"), forbidden("memory|usage")] },
  );
  master.call("XAPPEND", "a", "1");
  await until("two rights", () => replica.status().repairs!.missingRights.length === 2);
  assert.deepEqual([...replica.status().repairs!.missingRights].sort(), ["+dump", "+memory|usage"]);
  const errors = messages.filter((text) => text.includes("lacks"));
  assert.ok(errors.every((text) => text.includes("Repairs need ~* +multi")));
  master.call("DEL", "a");
  await settled();
  assert.equal(replica.stats.fullSyncs, 1);
  await close();
});

for (const onDivergence of ["resync", "continue", "stop"] as const) {
  test(`onDivergence "${onDivergence}" repairs nothing`, async () => {
    const { master, replica, close } = await pair({
      onDivergence,
      backoff: { doomedMs: 20, doomedMaxMs: 20 },
    });
    master.call("XAPPEND", "a", "1");
    const expected = {
      resync: () => replica.stats.fullSyncs === 2,
      continue: () => replica.stats.divergences === 1 && replica.connected,
      stop: () => replica.status().state === "failed",
    };
    await until(onDivergence, expected[onDivergence]);
    assert.equal(replica.status().repairs, undefined);
    await close();
  });
}

test("no snapshot is written while a key is awaited", async () => {
  const commands = [...NEW_COMMANDS, forbidden("dump")];
  const { master, replica, close } = await pair({}, { commands });
  master.call("XAPPEND", "a", "1");
  await until("a key that is awaited", () => replica.status().repairs!.awaited === 1);
  const { keys, settledOffset } = replica.status().repairs!;
  assert.deepEqual(keys.map(({ db, key, reason }) => [db, [...key], reason]), [[
    0,
    [97],
    "unknown",
  ]]);
  assert.ok(settledOffset < replica.status().offset);
  await close();
});

test("a value that is too large stays as last known, and is named once", async () => {
  const huge = command("memory|usage", -2, 0, "", (ctx) => ctx.reply.integer(1e9));
  const { master, replica, messages, close } = await pair({}, {
    commands: [...NEW_COMMANDS, huge],
  });
  master.call("SET", "a", "old");
  for (let i = 0; i < 3; i++) master.call("XAPPEND", "a", "new");
  await until("a refusal", () => endedAs(replica.status().repairs, "refused") > 0);
  const { repairs, counters } = replica.status();
  assert.deepEqual([repairs!.awaited, repairs!.fetches, counters.fullSyncs], [1, 0, 1]);
  assert.equal(replica.get("a"), "old");
  assert.ok(messages.some((text) => text.includes("it takes 1000000000 bytes")));
  await close();
});

test("commands kept for a key that does not come are bounded", async () => {
  const { master, replica, close } = await pair({}, {
    commands: [...NEW_COMMANDS, forbidden("dump")],
  });
  master.call("XAPPEND", "a", "1");
  for (let i = 0; i < 12; i++) master.call("APPEND", "a", "x".repeat(1 << 20));
  await until("everything to be applied", () => replica.status().offset === master.offset);
  const { keptBytes, awaited } = replica.status().repairs!;
  assert.equal(awaited, 1);
  assert.ok(keptBytes < 5 << 20, `${keptBytes} bytes`);
  await close();
});
