/**
 * What a master propagates of set commands: draws as the SREM they came to, and nothing of a
 * command that changed nothing. The same steps are asked of our engine and of real servers.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { latin1 } from "../../../src/base/ascii.ts";
import { Prng } from "../../../src/base/prng.ts";
import { serverTest, sinceRedis, startServer } from "../../support/servers.ts";
import { Engine } from "../engine.ts";
import { listen } from "../listener.ts";

interface Step {
  readonly command: readonly string[];
  /** The propagated commands, each in the form of {@linkcode shape}. */
  readonly sent: readonly string[];
  /** What OBJECT ENCODING says of the key afterwards. */
  readonly encoding?: string;
}

function run(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${prefix}${i}`);
}

/** A command without its members where they are many or drawn: "SREM key of 3". */
function shape(words: readonly string[]): string {
  if (words[0] === "UNLINK") return ["DEL", ...words.slice(1)].join(" ");
  if (words[0] !== "SREM" && words.length < 9) return words.join(" ");
  return `${words[0]} ${words[1]} of ${words.length - 2}`;
}

function step(text: string, sent: readonly string[], encoding?: string): Step {
  return { command: text.split(" "), sent, encoding };
}

/**
 * Two steps: a set is filled, and `count` of its members are popped in SREMs of `batches` members.
 */
function pop(
  members: readonly string[],
  count: number,
  batches: readonly number[],
  encoding: string,
): Step[] {
  const key = `pop:${members[0]}:${members.length}:${count}`;
  return [
    { command: ["SADD", key, ...members], sent: [`SADD ${key} of ${members.length}`] },
    {
      command: ["SPOP", key, String(count)],
      sent: batches.map((size) => `SREM ${key} of ${size}`),
      encoding,
    },
  ];
}

const steps: readonly Step[] = [
  step("SADD one x", ["SADD one x"]),
  step("SPOP one", ["SREM one of 1"]),
  step("SPOP one", []),
  step("SADD one x y", ["SADD one x y"]),
  step("SPOP one 0", []),
  step("SPOP one 2", ["DEL one"]),
  step("SPOP one 2", []),
  step("SADD one 1", ["SADD one 1"]),
  step("SADD one 1", []),
  step("SMOVE one two 1", ["SMOVE one two 1"]),
  step("SMOVE one two 1", []),
  step("SADD one 1", ["SADD one 1"]),
  step("SMOVE one two 1", ["SMOVE one two 1"]),
  step("SMOVE two two 1", []),
  step("SINTERSTORE two none two", ["SINTERSTORE two none two"]),
  step("SINTERSTORE two none two", []),
  step("SADD one 1 2 3", ["SADD one 1 2 3"]),
  step("SDIFFSTORE one one one", ["SDIFFSTORE one one one"]),
  step("SDIFFSTORE one one one", []),
  step("SUNIONSTORE one one", []),
  step("SADD one 3 1 2", ["SADD one 3 1 2"]),
  step("SUNIONSTORE one one", ["SUNIONSTORE one one"], "intset"),
  step("SREM one 7", []),
  step("SORT one BY nosort STORE out", ["SORT one BY nosort STORE out"]),
  step("SORT none STORE out", ["SORT none STORE out"]),
  step("SORT none STORE out", []),
  step("SADD one b a", ["SADD one b a"]),
  ...pop(run("a", 90).concat("longer"), 40, [40], "listpack"),
  ...pop(run("b", 100), 95, [95], "listpack"),
  ...pop(run("", 500), 490, [490], "intset"),
  // When at least five times as many are popped as are left, those left become a new set.
  ...pop(run("c", 600), 499, [499], "hashtable"),
  ...pop(run("d", 600), 500, [500], "listpack"),
  ...pop(run("e", 900), 750, [750], "hashtable"),
  ...pop(run("l".repeat(65), 300), 295, [295], "hashtable"),
  ...pop(run("", 3000), 2990, [1024, 1024, 942], "listpack"),
  ...pop(run("f", 3000), 1024, [1024], "hashtable"),
  ...pop(run("g", 3000), 1025, [1024, 1], "hashtable"),
];

function bytesOf(words: readonly string[]): Uint8Array[] {
  return words.map((text) => Uint8Array.from(text, (letter) => letter.charCodeAt(0)));
}

test("our master propagates what each set command came to", () => {
  const prng = new Prng(1);
  const engine = new Engine("master", () => prng.next());
  const follower = new Engine("stream");
  for (const { command, sent, encoding } of steps) {
    engine.raw(command);
    const lines = engine.propagated.splice(0).map((line) => line.split(" "));
    assert.deepEqual(lines.map(shape), sent, command.slice(0, 4).join(" "));
    for (const words of lines) follower.raw(words);
    assert.equal(follower.call("DEBUG", "DIGEST"), engine.call("DEBUG", "DIGEST"));
    if (encoding === undefined) continue;
    assert.match(engine.call("OBJECT", "ENCODING", command[1]), new RegExp(encoding), command[1]);
  }
});

await serverTest("a real master propagates what ours does", async (binary) => {
  // Servers before 7.2 send an SREM for each member.
  await using server = await startServer(binary);
  const client = await server.connect();
  const listener = await listen(await server.connect());
  const marks = () => listener.commands.includes("SET mark 1");
  for (let tries = 0; !marks() && tries < 1000; tries++) {
    listener.acknowledge();
    await client.call("SET", "mark", "1");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  listener.commands.length = 0;
  for (const { command, encoding } of steps) {
    await client.raw(...bytesOf(command));
    if (encoding === undefined) continue;
    const there = latin1(await client.raw("OBJECT", "ENCODING", command[1]));
    assert.match(there, new RegExp(encoding), command[1]);
  }
  await client.call("SET", "end", "1");
  for (let tries = 0; !listener.commands.includes("SET end 1") && tries < 1000; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const lines = listener.commands.filter((line) => !/^SET (mark|end)/.test(line));
  const expected = steps.flatMap(({ sent }) => sent);
  assert.deepEqual(lines.map((line) => shape(line.split(" "))), expected);
}, { isFor: sinceRedis("7.2") });
