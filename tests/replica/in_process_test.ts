import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { CommandError, Replica } from "../../mod.ts";
import { allCommands } from "../../src/commands/table.ts";
import { ROOT } from "../support/paths.ts";
import { commandWords } from "../support/reply_text.ts";

const refused = [
  "MULTI",
  "EXEC",
  "DISCARD",
  "WATCH k",
  "UNWATCH",
  "SELECT 1",
  "select 1",
  "AUTH x",
  "HELLO 2",
  "RESET",
  "QUIT",
  "CLIENT REPLY OFF",
  "client reply skip",
  "CLIENT SETNAME x",
  "CLIENT SETINFO LIB-NAME x",
  "CLIENT NO-TOUCH ON",
  "CLIENT NO-EVICT ON",
  "SUBSCRIBE c",
  "SSUBSCRIBE c",
  "UNSUBSCRIBE",
  "MONITOR",
  "XREAD BLOCK 1000 STREAMS s $",
  "xread count 1 block 0 streams s 0",
  "BLPOP k 0",
  "WAIT 0 0",
];

for (const line of refused) {
  test(`${line} cannot be called in process`, () => {
    const replica = new Replica();
    replica.storage.set("k", "value");
    assert.throws(() => replica.call(...line.split(" ")), CommandError);
    assert.equal(replica.call("GET", "k"), "value");
  });
}

test("a stream whose name is BLOCK is read in process", () => {
  const replica = new Replica();
  assert.equal(replica.call("XREAD", "STREAMS", "BLOCK", "0"), null);
});

test("numbers are arguments of a call, what is neither text, bytes nor a number is a TypeError", () => {
  const replica = new Replica();
  replica.storage.set("n", "0123456789");
  assert.equal(replica.call("GETRANGE", "n", 2, -3), "234567");
  assert.equal(replica.call("GETRANGE", "n", 1n, 1n), "1");
  assert.equal(replica.db(0).callBytes("EXISTS", "n", 12), 1);
  for (const wrong of [undefined, null, NaN, true, {}]) {
    assert.throws(() => replica.call("GET", wrong as unknown as string), {
      name: "TypeError",
      message: /Argument 1 of a call is/,
    });
  }
});

/** Every command of the recorded tables, and each row with so many arguments that its arity is met. */
function everyCommand(): (string | Uint8Array)[][] {
  const calls: (string | Uint8Array)[][] = [];
  const folder = join(ROOT, "tests/golden/commands");
  for (const room of readdirSync(folder)) {
    for (const file of readdirSync(join(folder, room))) {
      const cases = JSON.parse(readFileSync(join(folder, room, file), "utf8"));
      for (const { rows } of cases as { rows: [string][] }[]) {
        for (const [line] of rows) if (!line.startsWith("(")) calls.push(commandWords(line));
      }
    }
  }
  for (const { name, arity } of allCommands) {
    const words = name.split("|");
    for (const filler of ["1", "ON", "OFF", "SKIP", "k"]) {
      for (let more = 0; more < 3; more++) {
        const count = Math.max(0, Math.abs(arity) - words.length) + (arity < 0 ? more : 0);
        calls.push([...words, ...Array<string>(count).fill(filler)]);
      }
    }
  }
  return calls;
}

test("no call changes what later calls answer, whichever command it is", () => {
  const replica = new Replica();
  replica.storage.set("k", "value");
  const state = () => {
    const line = String(replica.call("CLIENT", "INFO"));
    const changing = /^(age|idle|qbuf|qbuf-free|tot-net-in|tot-net-out|tot-cmds|cmd)=/;
    return line.split(" ").filter((field) => !changing.test(field)).join(" ");
  };
  const before = state();
  let answered = 0;
  for (const words of everyCommand()) {
    const shown = words.map(String).join(" ");
    try {
      replica.call(...words);
      answered++;
    } catch (error) {
      assert.ok(error instanceof CommandError, `${shown}: ${error}`);
    }
    assert.equal(replica.call("GET", "k"), "value", shown);
    assert.equal(state(), before, shown);
  }
  assert.ok(answered > 1000, `${answered} commands were answered`);
});
