/**
 * Partial copies as an application sees them: the option, `narrow`, writes outside, restarts from a file under another
 * filter. What is held under random writes of every type: `tests/oracle/filter_test.ts`.
 *
 * @module
 */

import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type FilterOptions, Replica } from "../../mod.ts";
import { TestMaster } from "../../src/testing/mod.ts";
import { until } from "../support/waiting.ts";
import { follow, READY_MS, started } from "./pair.ts";

const WRONG: readonly { readonly filter: unknown; readonly says: RegExp }[] = [
  { filter: {}, says: /^filter has no rule: give one of databases, keys, types/ },
  {
    filter: { database: [0] },
    says: /^Unknown option "filter.database": did you mean "databases"\?/,
  },
  { filter: { databases: 0 }, says: /^filter.databases is the number 0, not numbers of databases/ },
  { filter: { databases: [-1] }, says: /^filter.databases\[0\] is -1, not a whole number/ },
  { filter: { keys: [] }, says: /^filter.keys is empty: it needs glob patterns of keys/ },
  { filter: { keys: ["a*", "!"] }, says: /^filter.keys\[1\] is "!" alone/ },
  { filter: { types: ["hashes"] }, says: /^filter.types\[0\] is no type: did you mean "hash"\?/ },
  { filter: { types: ["module"] }, says: /^filter.types\[0\] is no type/ },
  {
    filter: { maxValueBytes: "1mb" },
    says: /^filter.maxValueBytes is a string, not a whole number/,
  },
  { filter: { commands: ["get"] }, says: /^filter.commands\[0\] is no write command: reads/ },
  {
    filter: { commands: ["hsett"] },
    says: /^filter.commands\[0\] is no write command: did you mean/,
  },
  { filter: { predicate: "x" }, says: /^filter.predicate is a string, not a function/ },
  {
    filter: { predicateId: "x" },
    says: /^filter.predicateId names a predicate, but there is none/,
  },
];

for (const { filter, says } of WRONG) {
  test(`filter ${JSON.stringify(filter)} is a TypeError from the constructor and from narrow()`, async () => {
    const message = says;
    const options = { filter: filter as FilterOptions };
    assert.throws(() => new Replica(options), { name: "TypeError", message });
    await using replica = new Replica();
    const isRefused = { name: "TypeError", message };
    await assert.rejects(replica.narrow(filter as FilterOptions), isRefused);
  });
}

test("a database that reads mean and the filter leaves out is a TypeError", () => {
  assert.throws(
    () => new Replica({ master: "redis://h/3", filter: { databases: [0, 1] } }),
    { name: "TypeError", message: /^filter.databases leaves out database 3, which master names/ },
  );
});

test("types of modules, containers and commands of modules are taken", () => {
  const filter = { types: ["ReJSON-RL", "vectorset"], commands: ["XGROUP", "json.set", "set"] };
  assert.doesNotThrow(() => new Replica({ filter }));
});

test("what is not kept reads as missing, in whatever way it came", async () => {
  await follow(async ({ master, replica }) => {
    master.call("MSET", "user:1", "a", "other", "b");
    await started({ master, replica });
    master.call("MSET", "user:2", "c", "another", "d");
    master.call("RENAME", "other", "user:3");
    master.call("RENAME", "user:1", "gone");
    await settled(master, replica);
    assert.deepEqual(replica.keys("*").sort(), ["user:2", "user:3"]);
    assert.equal(replica.get("user:3"), "b");
    const { filter, counters } = replica.status();
    assert.equal(counters.fullSyncs, 1);
    assert.equal(
      filter!.leftOut.key,
      1,
      "one of the snapshot; MSET and RENAME were applied in part",
    );
    assert.deepEqual(filter!.border, { awaited: 0, begun: 1, dropped: 0, searchedDatabases: 0 });
  }, { filter: { keys: ["user:*"] } });
});

test("a status without a filter says nothing of one", async () => {
  await using replica = new Replica();
  assert.equal(replica.status().filter, undefined);
});

async function settled(master: TestMaster, replica: Replica): Promise<void> {
  await master.wait(1, READY_MS);
  await until("keys are settled", () => replica.status().repairs?.awaited === 0);
}

test("narrow() deletes in slices, and whoever follows changes is told", async () => {
  await follow(async ({ master, replica }) => {
    for (let i = 0; i < 3000; i++) master.call("SET", `${i % 3 === 0 ? "keep" : "drop"}:${i}`, i);
    master.call("HSET", "keep:hash", "f", "v");
    await started({ master, replica });
    await using changes = replica.changes({ from: "now" });
    using watched = replica.live(() => replica.get("drop:1"));
    const values: unknown[] = [];
    watched.subscribe((value) => void values.push(value));
    const narrowing = replica.narrow({ keys: ["keep:*"], types: ["string"] });
    // The stream knows from this moment on.
    master.call("SET", "drop:1", "newer");
    master.call("APPEND", "keep:0", "!");
    // A command of the stream may delete one first.
    assert.ok([2000, 2001].includes(await narrowing));
    await settled(master, replica);
    assert.equal(replica.size, 1000);
    assert.equal(replica.get("keep:0"), "0!");
    const deleted = new Set<string>();
    for await (const { changes: batch } of changes) {
      for (const change of batch) if (change.kind === "delete") deleted.add(change.key);
      if (deleted.size === 2001) break;
    }
    assert.equal(deleted.has("keep:hash"), true);
    assert.equal(values.at(-1), undefined);
    assert.equal(replica.status().filter!.narrowing, false);
    assert.equal(await replica.narrow({ maxValueBytes: 3 }), 666, "those from 1000 on");
  });
});

test("a predicate that fails leaves its key out, is told, and breaks nothing", async () => {
  const messages: string[] = [];
  const tell = (message: string) => void messages.push(message);
  let isBroken = false;
  const predicate = (key: Uint8Array) => {
    if (isBroken && key[0] === 0x62) throw new Error("on purpose");
    return true;
  };
  await follow(async ({ master, replica }) => {
    master.call("MSET", "a", 1, "b", 1);
    await started({ master, replica });
    isBroken = true;
    master.call("INCR", "b");
    await settled(master, replica);
    isBroken = false;
    master.call("INCR", "b");
    master.call("INCR", "a");
    await settled(master, replica);
    assert.deepEqual(replica.mget(["a", "b"]), ["2", undefined], "never a wrong value");
    assert.equal(replica.status().filter!.remembered.predicate, 1);
    master.call("SET", "b", 9);
    await settled(master, replica);
    assert.equal(replica.get("b"), "9");
    assert.equal(messages.filter((text) => text.includes("filter.predicate failed")).length, 1);
    assert.equal(replica.status().state, "live");
  }, {
    filter: { predicate },
    logger: { debug() {}, info() {}, warn: tell, error: tell },
  });
});

test("a value that grows too large goes, and comes back when it is replaced or deleted", async () => {
  await follow(async ({ master, replica }) => {
    await started({ master, replica });
    const hold = async (expected: string | undefined) => {
      await settled(master, replica);
      assert.equal(replica.get("k"), expected);
    };
    master.call("SET", "k", "123456789");
    await hold("123456789");
    master.call("APPEND", "k", "0123456789");
    await hold(undefined);
    master.call("SETRANGE", "k", 0, "x");
    await hold(undefined);
    assert.equal(replica.status().filter!.remembered.size, 1);
    master.call("SET", "k", "short");
    await hold("short");
    master.call("SET", "k", "x".repeat(50));
    await hold(undefined);
    master.call("DEL", "k");
    master.call("APPEND", "k", "new");
    await hold("new");
    assert.equal(replica.status().filter!.remembered.size, 0);
  }, { filter: { maxValueBytes: 10 } });
});

test("large values that are not kept are passed over while they come, inside transactions too", async () => {
  await follow(async ({ master, replica }) => {
    await started({ master, replica });
    const large = "x".repeat(3_000_000);
    master.call("SET", "in:1", "short");
    master.call("SET", "out", large);
    master.call("APPEND", "in:1", large);
    master.call("SET", "in:2", "v");
    master.call("MULTI");
    master.call("SET", "out", large);
    master.call("SET", "in:3", large);
    master.call("SET", "in:4", "v");
    master.call("EXEC");
    await settled(master, replica);
    assert.deepEqual(replica.mget(["in:1", "in:2", "in:3", "in:4"]), [
      undefined,
      "v",
      undefined,
      "v",
    ]);
    assert.equal(replica.status().filter!.remembered.size, 2);
    assert.equal(replica.status().counters.fullSyncs, 1);
    master.call("DEL", "in:1");
    master.call("APPEND", "in:1", "again");
    await settled(master, replica);
    assert.equal(replica.get("in:1"), "again");
  }, { filter: { keys: ["in:*"], maxValueBytes: 1000 } });
});

test("a value of a type that is not kept is replaced by commands that look at it", async () => {
  await follow(async ({ master, replica }) => {
    await started({ master, replica });
    for (const key of ["a", "b", "c"]) master.call("HSET", key, "f", "v");
    master.call("PEXPIREAT", "a", "4102444800000");
    master.call("SET", "a", "1", "KEEPTTL");
    master.call("SET", "b", "2", "XX");
    master.call("MSETEX", "1", "c", "3", "XX");
    master.call("MSETEX", "2", "d", "4", "e", "5", "KEEPTTL");
    await settled(master, replica);
    assert.deepEqual(replica.mget(["a", "b", "c", "d", "e"]), ["1", "2", "3", "4", "5"]);
    assert.equal(replica.call("PEXPIRETIME", "a"), 4102444800000);
    assert.equal(replica.status().counters.fullSyncs, 1);
  }, { filter: { types: ["string"] } });
});

test("a key that is awaited while SWAPDB takes it out and back holds no old value", async () => {
  await follow(async ({ master, replica }) => {
    master.call("MSET", "k1", "old", "x2", "new");
    await started({ master, replica });
    assert.equal(replica.get("k1"), "old");
    master.call("MULTI");
    master.call("COPY", "x2", "k1", "REPLACE");
    master.call("SWAPDB", "0", "1");
    master.call("SWAPDB", "1", "2");
    master.call("EXEC");
    await settled(master, replica);
    await until("the key is found", () => replica.db(2).size === 1 && isFound(replica));
    assert.equal(replica.db(2).get("k1"), "new");
  }, { filter: { predicate: (key, db) => (key[key.length - 1] + db) % 2 === 1 } });
});

function isFound(replica: Replica): boolean {
  return replica.status().filter!.border.searchedDatabases === 0;
}

test("the settled offset waits for every key that is found after SWAPDB", async () => {
  const count = 500;
  await follow(async ({ master, replica }) => {
    master.call("SELECT", "1");
    for (let i = 0; i < count; i++) master.call("SET", `k${i}`, i);
    await started({ master, replica });
    master.call("SWAPDB", "0", "1");
    const isSettled = () => replica.status().settledOffset === replica.status().offset;
    const seen: number[] = [];
    await until("the keys are held", async () => {
      await master.wait(1, READY_MS);
      if (isSettled()) seen.push(replica.size);
      return isSettled() && replica.status().repairs?.awaited === 0;
    });
    assert.ok(seen.length > 0 && seen.every((size) => size === count), `${seen}`);
  }, { filter: { databases: [0] } });
});

test("only the write commands of the filter are applied", async () => {
  await follow(async ({ master, replica }) => {
    await started({ master, replica });
    master.call("SET", "a", 1);
    master.call("HSET", "h", "f", "v");
    master.call("INCR", "a");
    master.call("DEL", "a");
    await master.wait(1, READY_MS);
    assert.deepEqual(replica.keys("*"), ["a"]);
    assert.equal(replica.get("a"), "1");
    assert.equal(replica.status().filter!.leftOut.command, 3);
    assert.equal(replica.status().counters.divergences, 0);
  }, { filter: { commands: ["SET"] } });
});

test("write() says of a key outside the filter that it is never readable here", async () => {
  await follow(async ({ master, replica }) => {
    await started({ master, replica });
    const told = async (...words: string[]) => {
      const { visible, outside, reply } = await replica.write(...words);
      return { visible, outside, reply };
    };
    assert.deepEqual(await told("SET", "in:1", "v"), {
      visible: true,
      outside: false,
      reply: "OK",
    });
    assert.deepEqual(await told("SET", "out", "v"), { visible: false, outside: true, reply: "OK" });
    const large = await told("APPEND", "in:1", "x".repeat(100));
    assert.deepEqual(large, { visible: false, outside: true, reply: 101 });
    const both = await replica.master.multi().set("in:2", "v").set("out", "v").exec();
    assert.deepEqual([both.visible, both.outside], [false, true]);
    assert.equal(replica.get("in:2"), "v", "it was waited for what is kept");
    assert.equal(master.call("GET", "out"), "v");
  }, { filter: { keys: ["in:*"], maxValueBytes: 50 } });
});

const RESTARTS: readonly {
  readonly name: string;
  readonly before: FilterOptions | undefined;
  readonly after: FilterOptions | undefined;
  readonly kind: "full" | "partial";
  readonly keys: readonly string[];
}[] = [
  {
    name: "the same",
    before: { keys: ["a*"], maxValueBytes: 5 },
    after: { keys: ["a*"], maxValueBytes: 5 },
    kind: "partial",
    keys: ["a1"],
  },
  {
    name: "a narrower one",
    before: { keys: ["a*", "b*"] },
    after: { keys: ["b*"], maxValueBytes: 5 },
    kind: "partial",
    keys: ["b1"],
  },
  {
    name: "one after none",
    before: undefined,
    after: { keys: ["b*"] },
    kind: "partial",
    keys: ["b1"],
  },
  {
    name: "a wider one",
    before: { keys: ["a*"] },
    after: { keys: ["a*", "b*"] },
    kind: "full",
    keys: [],
  },
  { name: "none after one", before: { databases: [0] }, after: undefined, kind: "full", keys: [] },
  {
    name: "a predicate of the same name",
    before: { predicate: () => true, predicateId: "all" },
    after: { predicate: (key) => key[0] === 0x61, predicateId: "all" },
    kind: "partial",
    keys: ["a1", "a2"],
  },
  {
    name: "a predicate without a name",
    before: { predicate: () => true },
    after: { predicate: () => true },
    kind: "full",
    keys: [],
  },
];

for (const { name, before, after, kind, keys } of RESTARTS) {
  test(`a file that was written under a filter is loaded under ${name}: ${kind} resync`, async () => {
    const dir = mkdtempSync(join(tmpdir(), "rimr-partial-"));
    try {
      const snapshot = { path: join(dir, "data.rdb"), everyMs: 0 };
      await using master = await TestMaster.start();
      master.call("MSET", "a1", "1", "a2", "a long value", "b1", "2");
      const common = { master: master.url, logger: false, snapshot } as const;
      {
        await using replica = new Replica({ ...common, ...(before && { filter: before }) });
        await started({ master, replica });
      }
      assert.ok(existsSync(snapshot.path));
      await using replica = new Replica({ ...common, ...(after && { filter: after }) });
      const kinds: string[] = [];
      replica.on("sync", (event) => void kinds.push(event.kind));
      await started({ master, replica });
      assert.deepEqual(kinds, [kind]);
      if (kind === "partial") assert.deepEqual(replica.keys("*").sort(), keys);
      // A key that was left out for its size when the file was written is known to be.
      master.call("APPEND", "a2", "!");
      master.call("APPEND", "b1", "!");
      await settled(master, replica);
      const isHeld = (key: string) =>
        replica.get(key) === undefined || replica.get(key) === master.call("GET", key);
      assert.deepEqual(["a1", "a2", "b1"].map(isHeld), [true, true, true]);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
}
