import assert from "node:assert/strict";
import { test } from "node:test";
import { bitfieldCommands } from "../../src/commands/string/bitfield.ts";
import { bitmapCommands } from "../../src/commands/string/bitmap.ts";
import * as rows from "../../src/commands/engine/command.ts";
import { CommandIndex } from "../../src/commands/engine/command_index.ts";
import { keySpecsOf } from "../../src/commands/engine/key_specs.ts";
import { expireCommands } from "../../src/commands/keys/expire.ts";
import { genericCommands } from "../../src/commands/keys/generic.ts";
import { lcsCommands } from "../../src/commands/string/lcs.ts";
import { objectCommands } from "../../src/commands/keys/object.ts";
import { numberCommands } from "../../src/commands/string/number.ts";
import { stringCommands } from "../../src/commands/string/string.ts";
import { allCommands, commandIndex } from "../../src/commands/table.ts";
import { Argv } from "../../src/resp/argv.ts";
import { newestServer, startServer } from "../support/servers.ts";

function spell(name: string, upper: boolean): Argv {
  const words = name.split("|").map((word) => upper ? word.toUpperCase() : word);
  return Argv.of(...words);
}

test("every row is found by its name in any case", () => {
  for (const row of allCommands) {
    assert.equal(commandIndex.lookup(spell(row.name, false)), row, row.name);
    assert.equal(commandIndex.lookup(spell(row.name, true)), row, row.name);
  }
});

test("every name is there once", () => {
  assert.equal(new Set(allCommands.map((row) => row.name)).size, allCommands.length);
});

test("a subcommand is found under its container alone", () => {
  assert.equal(commandIndex.lookup(Argv.of("object|encoding", "k")), undefined);
  assert.equal(commandIndex.lookup(Argv.of("OBJECT"))?.name, "object");
  assert.equal(commandIndex.lookup(Argv.of("object", "EnCoDiNg", "k"))?.name, "object|encoding");
  assert.equal(commandIndex.lookup(Argv.of("object", "nosuch", "k")), undefined);
});

const unknown: [string, string[], string][] = [
  ["a name", ["foo"], "ERR unknown command 'foo', with args beginning with: "],
  [
    "arguments",
    ["foo", "a", "b c"],
    "ERR unknown command 'foo', with args beginning with: 'a' 'b c' ",
  ],
  ["an empty name", [""], "ERR unknown command '', with args beginning with: "],
  ["a zero byte", ["a\0b", "c\0d"], "ERR unknown command 'a', with args beginning with: 'c' "],
  ["a subcommand", ["object", "Foo"], "ERR unknown subcommand 'Foo'. Try OBJECT HELP."],
  [
    "a long name",
    ["x".repeat(500)],
    `ERR unknown command '${"x".repeat(128)}', with args beginning with: `,
  ],
  [
    "long arguments",
    ["foo", "y".repeat(100), "z".repeat(100), "w"],
    `ERR unknown command 'foo', with args beginning with: '${"y".repeat(100)}' '${
      "z".repeat(25)
    }' `,
  ],
];
for (const [name, args, expected] of unknown) {
  test(`commandIndex.unknown() quotes ${name}`, () => {
    assert.equal(commandIndex.unknown(Argv.of(...args)), expected);
  });
}

test("a later row of the same name takes the place of the earlier", () => {
  const own = { ...stringCommands[0] };
  const index = new CommandIndex([...allCommands, own]);
  assert.equal(index.lookup(Argv.of("GET", "k")), own);
});

const FLAGS: [number, string][] = [
  [rows.WRITE, "write"],
  [rows.READONLY, "readonly"],
  [rows.DENYOOM, "denyoom"],
  [rows.FAST, "fast"],
  [rows.LOADING, "loading"],
  [rows.STALE, "stale"],
];
const families = [
  ...stringCommands,
  ...numberCommands,
  ...lcsCommands,
  ...bitmapCommands,
  ...bitfieldCommands,
  ...genericCommands,
  ...objectCommands,
  ...expireCommands,
];

/** Rows that only other servers have: what they say is in their own documents. */
const ELSEWHERE = ["msetex", "delifeq", "delex", "digest"];

for (const product of ["redis", "valkey"] as const) {
  const binary = await newestServer(product);
  const skip = binary === undefined ? `there is no ${product}-server here` : false;
  test(`arity, flags and keys are those of ${binary?.name ?? product}`, { skip }, async () => {
    const server = await startServer(binary!);
    try {
      for (const row of families) {
        const [info] = await server.call("COMMAND", "INFO", row.name) as unknown[][];
        if (info === null && ELSEWHERE.includes(row.name)) continue;
        assert.ok(info !== null, `${row.name} is known`);
        const [name, arity, flags, first, last, step] = info as [
          Uint8Array,
          number,
          string[],
          number,
          number,
          number,
        ];
        assert.equal(new TextDecoder().decode(name), row.name);
        const ours = FLAGS.filter(([flag]) => (row.flags & flag) !== 0).map(([, text]) => text);
        const specs = keySpecsOf(row);
        const keys = [specs.first, specs.last, specs.step];
        if (specs.isMovable) ours.push("movablekeys");
        assert.deepEqual([arity, ...flags.slice().sort()], [row.arity, ...ours.sort()], row.name);
        assert.deepEqual([first, last, step], keys, row.name);
      }
    } finally {
      await server.stop();
    }
  });
}
