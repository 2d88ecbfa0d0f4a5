/**
 * Commits: each key once, events before keys, listeners that fail; and for every write there is, that what
 * it changed is what is told. `COUNT` and `SEED` set the random run.
 *
 * @module
 */

import assert from "node:assert/strict";
import { env } from "node:process";
import { test } from "node:test";
import { latin1 } from "../../../src/base/ascii.ts";
import { ByteBuffer, BytesRef } from "../../../src/base/byte_buffer.ts";
import { type Commit, type CommitListener, Commits } from "../../../src/commands/engine/commit.ts";
import { drain } from "../../../src/commands/engine/long_read.ts";
import { addValue, Digest } from "../../../src/commands/server/digest.ts";
import type { Host } from "../../../src/commands/engine/host.ts";
import { encodeDump } from "../../../src/rdb/dump.ts";
import { createStreamExecutor } from "../../../src/replication/executor.ts";
import type { StreamExecutor } from "../../../src/replication/types.ts";
import { Argv } from "../../../src/resp/argv.ts";
import type { Database } from "../../../src/store/keyspace/database.ts";
import { Keyspace } from "../../../src/store/keyspace/keyspace.ts";
import { type Entry, ValueType } from "../../../src/store/memory/record.ts";
import { hashEach } from "../../../src/store/types/hash.ts";
import { ROWS, SWEEPING } from "../../oracle/rows.ts";
import { toBytes, Vocabulary } from "../../oracle/vocabulary.ts";
import type { ServerBinary } from "../../support/servers.ts";
import { eachKey } from "../../support/entries.ts";

const COUNT = Number(env.COUNT ?? 1500);
const SEED = Number(env.SEED ?? 5);
const DATABASES = 3;
/** Messages are handed on by the link; in place of the others a master sends XCLAIM and XGROUP. */
const NOT_STREAMED = /PUBLISH|XAUTOCLAIM|XREADGROUP/;
/** Transactions between two looks at every key: an untold change stays to be seen. */
const EVERY = 75;

/** What a commit told, as text. */
function describeCommit(commit: Commit): string {
  const ref = new BytesRef();
  const parts = commit.events.map((event) => {
    if (event.kind === "flush") return `flush ${event.db}`;
    return event.kind === "swap" ? `swap ${event.a} ${event.b}` : event.kind;
  });
  for (let i = 0; i < commit.count; i++) {
    commit.keyAt(i, ref);
    parts.push(`${commit.commandAt(i)} ${commit.dbAt(i)}:${latin1(ref.view())}`);
  }
  return parts.join(", ");
}

/** A keyspace with a stream into it. */
class Rig {
  readonly keyspace: Keyspace = new Keyspace({ random: () => 0.5 });
  readonly reports: unknown[] = [];
  readonly commits: Commits = new Commits(this.keyspace, (error) => this.reports.push(error));
  readonly told: string[] = [];
  readonly executor: StreamExecutor;
  db: number = 0;

  constructor() {
    this.executor = createStreamExecutor({
      keyspace: this.keyspace,
      random: () => 0.5,
      host: { role: "slave", databases: DATABASES, version: "8.6.0" } as Host,
      commits: this.commits,
      modified: (db, bytes, start, end) => this.commits.touched(db, bytes, start, end),
      modifiedAll: (change) => this.commits.changed(change),
    });
    this.executor.begin(Date.now());
  }

  listen(
    committed: CommitListener["committed"] = (commit) => this.told.push(describeCommit(commit)),
  ) {
    return this.commits.subscribe({ committed, replaced: () => this.told.push("replaced") });
  }

  /** Applies commands as one transaction. */
  commit(...texts: string[]): void {
    for (const text of texts) {
      const words = text.split(" ");
      if (words[0] === "SELECT") this.db = Number(words[1]);
      else this.executor.execute(this.db, Argv.of(...words));
    }
    this.commits.end();
  }
}

const ROWS_OF_TEXT: readonly { name: string; given: string[]; told: string }[] = [
  { name: "one key", given: ["SET a 1"], told: "set 0:a" },
  {
    name: "a key once, by its last command",
    given: ["SET a 1", "SET b 1", "APPEND a 2"],
    told: "append 0:a, set 0:b",
  },
  {
    name: "the last command but for one that changes an expiry only",
    given: [
      "SET a 1",
      "EXPIRE a 100",
      "PERSIST b",
      "SET b 1",
      "EXPIRE c 9",
      "SET c 1",
      "PEXPIRE c 9",
    ],
    told: "set 0:a, set 0:b, set 0:c",
  },
  {
    name: "the same name in two databases",
    given: ["SET a 1", "SELECT 2", "SET a 1"],
    told: "set 0:a, set 2:a",
  },
  { name: "every key of one command", given: ["MSET a 1 b 2 a 3"], told: "mset 0:a, mset 0:b" },
  { name: "RENAME names both", given: ["SET a 1", "RENAME a b"], told: "rename 0:a, rename 0:b" },
  { name: "MOVE names both databases", given: ["SET a 1", "MOVE a 2"], told: "move 0:a, move 2:a" },
  { name: "COPY names the target", given: ["SET a 1", "COPY a b DB 1"], told: "set 0:a, copy 1:b" },
  {
    name: "a flush takes what was before",
    given: ["SET a 1", "SELECT 1", "SET b 1", "FLUSHDB", "SET c 1"],
    told: "flush 1, set 0:a, set 1:c",
  },
  {
    name: "FLUSHALL takes all of it",
    given: ["SET a 1", "SELECT 1", "SET b 1", "FLUSHALL"],
    told: "flush -1",
  },
  {
    name: "a swap takes keys along",
    given: ["SET a 1", "SELECT 1", "SET a 2", "SET b 2", "SWAPDB 0 1", "SET a 3"],
    told: "swap 0 1, set 1:a, set 0:a, set 0:b",
  },
  { name: "a swap with itself is none", given: ["SWAPDB 1 1"], told: "" },
];

for (const { name, given, told } of ROWS_OF_TEXT) {
  test(`a commit tells ${name}`, () => {
    const rig = new Rig();
    rig.listen();
    rig.commit(...given);
    assert.deepEqual(rig.told, told === "" ? [] : [told]);
  });
}

for (const { name, given, told } of ROWS_OF_TEXT) {
  test(`commands whose bytes last tell ${name}`, () => {
    const rig = new Rig();
    rig.listen();
    const argvs = given.map((text) => Argv.of(...text.split(" ")));
    let db = 0;
    for (const [i, argv] of argvs.entries()) {
      if (given[i].startsWith("SELECT")) db = Number(given[i].split(" ")[1]);
      else rig.executor.execute(db, argv, true);
    }
    rig.commits.end();
    assert.deepEqual(rig.told, told === "" ? [] : [told]);
  });
}

test("a key of a command that failed is told as it was, whatever becomes of the command's bytes", () => {
  const rig = new Rig();
  rig.listen();
  const argv = Argv.of("SET", "one", "1");
  rig.executor.execute(0, argv, true);
  rig.commits.keep();
  argv.bytes.fill(0x78);
  const next = Argv.of("SET", "two", "2");
  rig.executor.execute(0, next, true);
  // Bytes that are not the command's own do not last.
  const own = Argv.of("three").bytes;
  rig.commits.touched(0, own, 0, 5);
  own.fill(0x78);
  rig.commits.end();
  // Those of a command that does not last until the end of its commit.
  const last = Argv.of("SET", "four", "4");
  rig.executor.execute(0, last);
  last.bytes.fill(0x78);
  rig.commits.end();
  // And those of one that failed.
  const wrong = Argv.of("LPUSH", "four", "4");
  rig.executor.execute(0, Argv.of("SET", "five", "5"), true);
  rig.executor.execute(0, wrong, true);
  wrong.bytes.fill(0x78);
  rig.commits.end();
  assert.deepEqual(rig.told, ["set 0:one, set 0:two, set 0:three", "set 0:four", "set 0:five"]);
});

test("a commit of thousands of keys has each once, in order", () => {
  const rig = new Rig();
  rig.listen();
  for (const round of [1, 2]) {
    rig.told.length = 0;
    const keys = Array.from({ length: 1000 }, (_, i) => `key:${i * round}`);
    rig.commit(...[...keys, ...keys].map((key) => `SET ${key} ${round}`));
    assert.deepEqual(rig.told, [keys.map((key) => `set 0:${key}`).join(", ")]);
  }
});

test("nothing is collected while nobody listens", () => {
  const rig = new Rig();
  rig.commit("SET a 1");
  const stop = rig.listen();
  rig.commit("SET b 1");
  stop();
  stop();
  rig.commit("SET c 1");
  rig.listen();
  rig.commit("SET d 1");
  assert.deepEqual(rig.told, ["set 0:b", "set 0:d"]);
});

test("a listener that throws is reported and stops nobody", () => {
  const rig = new Rig();
  const failure = new Error("mine");
  rig.listen(() => {
    throw failure;
  });
  rig.listen();
  rig.commit("SET a 1");
  assert.deepEqual(rig.told, ["set 0:a"]);
  assert.deepEqual(rig.reports, [failure]);
});

test("what a listener changes is a commit that follows", () => {
  const rig = new Rig();
  rig.listen((commit) => {
    rig.told.push(`first ${describeCommit(commit)}`);
    if (rig.told.length === 1) rig.commit("SET b 1");
  });
  rig.listen();
  rig.commit("SET a 1");
  assert.deepEqual(rig.told, ["first set 0:a", "set 0:a", "first set 0:b", "set 0:b"]);
});

test("a listener added or removed during a commit takes part from the next one on", () => {
  const rig = new Rig();
  let stop = () => {};
  stop = rig.listen(() => {
    rig.listen();
    stop();
  });
  rig.commit("SET a 1");
  rig.commit("SET b 1");
  assert.deepEqual(rig.told, ["set 0:b"]);
});

test("replacing() joins the work of listeners, past one that fails", () => {
  const rig = new Rig();
  const fresh = rig.keyspace.sibling();
  const done: string[] = [];
  const work = (name: string, steps: number) => (): boolean => {
    done.push(name);
    if (name === "bad") throw new Error(name);
    return --steps === 0;
  };
  for (const [name, steps] of [["a", 2], ["bad", 9], ["b", 1]] as const) {
    rig.commits.subscribe({
      committed: () => {},
      replaced: () => done.push(`${name} replaced`),
      replacing: (old, given) => {
        assert.equal(old, rig.keyspace);
        assert.equal(given, fresh);
        return work(name, steps);
      },
    });
  }
  const step = rig.commits.replacing(fresh);
  assert.ok(step !== undefined);
  let calls = 1;
  while (!step()) calls++;
  rig.commits.replaced();
  assert.deepEqual(done, ["a", "a", "bad", "b", "a replaced", "bad replaced", "b replaced"]);
  assert.equal(calls, 4);
  assert.equal(rig.reports.length, 1);
});

test("abandoned() is told only of a snapshot that was announced", () => {
  const rig = new Rig();
  let abandoned = 0;
  rig.commits.subscribe({ committed: () => {}, replaced: () => {}, abandoned: () => abandoned++ });
  rig.commits.abandoned();
  assert.equal(rig.commits.replacing(rig.keyspace.sibling()), undefined);
  rig.commits.abandoned();
  rig.commits.abandoned();
  assert.equal(abandoned, 1);
});

/** All that a master would tell of a key, but for its encoding, which may change by itself. */
function dumpOne(keyspace: Keyspace, db: Database, entry: Entry): string {
  const expiry = db.expireAtMs(entry);
  if (db.typeOf(entry) === ValueType.HASH) {
    const fields: string[] = [];
    hashEach(db, entry, (field, start, end, value, from, to, at) => {
      fields.push(`${latin1(field, start, end)} ${latin1(value, from, to)} ${at}`);
    });
    return `${expiry} ${fields.sort().join()}`;
  }
  const type = db.typeOf(entry);
  if (type !== ValueType.STREAM) {
    const digest = new Digest();
    drain(addValue(digest, keyspace, { db, entry }));
    return `${expiry} ${digest}`;
  }
  const out = new ByteBuffer();
  encodeDump(out, db, entry, 13, false);
  return `${expiry} ${latin1(out.view())}`;
}

/** Every key with all that a master would tell of it. */
function dumpAll(keyspace: Keyspace): Map<string, string> {
  const all = new Map<string, string>();
  eachKey(keyspace, ({ index, db, entry, key }) => {
    all.set(`${index}:${latin1(key.view())}`, dumpOne(keyspace, db, entry));
  });
  return all;
}

/** Carries out the events of a commit on a copy of what there was. */
function performEvents(before: Map<string, string>, commit: Commit): Map<string, string> {
  let data = before;
  for (const event of commit.events) {
    const moved = new Map<string, string>();
    for (const [name, value] of data) {
      const db = Number(name.slice(0, name.indexOf(":")));
      if (event.kind === "flush" && (event.db < 0 || event.db === db)) continue;
      const to = event.kind !== "swap"
        ? db
        : db === event.a
        ? event.b
        : db === event.b
        ? event.a
        : db;
      moved.set(to + name.slice(name.indexOf(":")), value);
    }
    data = moved;
  }
  return data;
}

for (const product of ["redis", "valkey"] as const) {
  test(`what ${COUNT} random transactions of ${product} change is what is told (SEED=${SEED})`, () => {
    const rig = new Rig();
    const words = new Vocabulary(SEED, { product } as ServerBinary);
    const rows = [...ROWS, ...SWEEPING];
    const weights = rows.reduce((sum, row) => sum + row.weight, 0);
    const pick = () => {
      let at = words.prng.int(weights);
      return rows.find((row) => (at -= row.weight) < 0)!.make(words);
    };
    let before = dumpAll(rig.keyspace);
    let history: string[] = [];
    const changed = new Set<string>();
    let superfluous = 0;
    const ref = new BytesRef();
    rig.listen((commit) => {
      before = performEvents(before, commit);
      for (let i = 0; i < commit.count; i++) {
        commit.keyAt(i, ref);
        const name = `${commit.dbAt(i)}:${latin1(ref.view())}`;
        changed.add(commit.commandAt(i));
        const db = rig.keyspace.peek(commit.dbAt(i));
        const entry = db?.find(ref.bytes, ref.start, ref.end) ?? 0;
        const was = before.get(name);
        before.delete(name);
        if (db === undefined || entry === 0) {
          if (was === undefined) superfluous++;
          continue;
        }
        const is = dumpOne(rig.keyspace, db, entry);
        if (was === is) superfluous++;
        before.set(name, is);
      }
    });
    for (let i = 1; i <= COUNT; i++) {
      let sent = new Argv();
      const length = words.prng.oneIn(4) ? words.prng.between(2, 5) : 1;
      for (let left = length; left > 0; left--) {
        if (words.prng.oneIn(8)) rig.db = words.prng.int(DATABASES);
        const command = pick();
        if (NOT_STREAMED.test(command[0])) continue;
        history.push(`[${rig.db}] ${command.join(" ").slice(0, 300)}`);
        sent = Argv.of(...command.map(toBytes));
        rig.executor.execute(rig.db, sent, length === 1);
        // Bytes of a transaction may be written again at once, those of a command alone behind it.
        if (length > 1) sent.bytes.fill(0xff);
      }
      rig.commits.end();
      sent.bytes.fill(0xff);
      if (i % EVERY !== 0) continue;
      const after = dumpAll(rig.keyspace);
      const untold = [...new Set([...before.keys(), ...after.keys()])]
        .filter((name) => before.get(name) !== after.get(name));
      assert.deepEqual(untold, [], `after ${i} transactions, one of\n${history.join("\n")}`);
      history = [];
    }
    assert.ok(changed.size > 50, `${changed.size} commands changed something`);
    assert.ok(superfluous < COUNT, `${superfluous} keys were told unchanged`);
  });
}
