/**
 * Key specs as text: what is derived from each, and which arguments are keys.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { command } from "../../../src/commands/engine/command.ts";
import { keysOf, keySpecsOf } from "../../../src/commands/engine/key_specs.ts";
import { Argv } from "../../../src/resp/argv.ts";

const derived: [text: string, first: number, last: number, step: number, isMovable: boolean][] = [
  ["", 0, 0, 0, false],
  ["RO.access@1", 1, 1, 1, false],
  ["RO@2", 2, 2, 1, false],
  ["RM.delete@1:-1", 1, -1, 1, false],
  ["RW.access.delete@1:-2", 1, -2, 1, false],
  ["OW.update@1:-1,2", 1, -1, 2, false],
  ["RO.access@1:1", 1, 2, 1, false],
  // Ranges that follow each other are one.
  ["RW.access.delete@1+RW.insert@2", 1, 2, 1, false],
  ["OW.update@2+RO.access@3:-1", 2, -1, 1, false],
  // What only the arguments tell is no part of it.
  ["RO.access@1:n", 0, 0, 0, true],
  ["OW.update@1+RO.access@2:n", 1, 1, 1, true],
  ["RO.access.incomplete@STREAMS~1:-1,1,2", 0, 0, 0, true],
  ["RO.access@1+OW.update.incomplete@STORE~6", 1, 1, 1, true],
  ["RO.access@1+OW.update@?", 1, 1, 1, true],
];
for (const [text, first, last, step, isMovable] of derived) {
  test(`keySpecsOf() derives positions of "${text}"`, () => {
    const { specs, ...rest } = keySpecsOf(command("test", -1, 0, text, () => {}));
    assert.deepEqual(rest, { first, last, step, isMovable });
    assert.equal(specs.length, text === "" ? 0 : text.split("+").length);
  });
}

const found: [text: string, args: string, keys: string][] = [
  ["", "x a b", ""],
  ["RO.access@1", "x a b", "a:RO.access"],
  ["RO.access@1", "x", ""],
  ["RM.delete@1:-1", "x a b c", "a:RM.delete b:RM.delete c:RM.delete"],
  ["RW@1:-2", "x a b 0", "a:RW b:RW"],
  ["OW@1:-1,2", "x a 1 b 2", "a:OW b:OW"],
  ["RO@1:1", "x a b c", "a:RO b:RO"],
  ["RO@1:n", "x 2 a b c", "a:RO b:RO"],
  ["RO@1:n", "x 0 a", ""],
  // Announced are more keys than there are arguments, or no number of them.
  ["RO@1:n", "x 3 a b", ""],
  ["RO@1:n", "x y a b", ""],
  ["OW@1+RO@2:n", "x d 1 a", "d:OW a:RO"],
  ["OW@1:n0,1,2", "x 2 a 1 b 2 EX 9", "a:OW b:OW"],
  ["RO@KEYS~2:-1", "x a keys b c", "b:RO c:RO"],
  ["RO@KEYS~2:-1", "x KEYS b", ""],
  ["RO@KEYS~-2:-1", "x a KEYS b c", "b:RO c:RO"],
  ["RO@STREAMS~1:-1,1,2", "x STREAMS a b 0 0", "a:RO b:RO"],
  // Channels are told of and are no keys.
  ["not_key@1:-1", "x a", ""],
];
for (const [text, args, keys] of found) {
  test(`keysOf() finds the keys of "${args}" by "${text}"`, () => {
    assert.equal(keysText("x", text, args), keys);
  });
}

const irregular: [name: string, text: string, args: string, keys: string][] = [
  ["sort", "RO@1+RO@?+OW.update@?", "sort k BY STORE STORE a STORE b", "k:RO b:OW.update"],
  ["sort_ro", "RO@1+RO@?", "sort_ro k BY w_*", "k:RO"],
  ["migrate", "RW@3+RW.incomplete@KEYS~-2:-1", "migrate h 1 k 0 10", "k:RW"],
  [
    "georadius",
    "RO@1+OW.incomplete@STORE~6",
    "georadius k 1 2 3 m STORE a STOREDIST b",
    "k:RO b:OW",
  ],
  ["xread", "RO.incomplete@STREAMS~1:-1,1,2", "xread COUNT 1 STREAMS a b 0 0", "a:RO b:RO"],
  // A group may be named STREAMS.
  [
    "xreadgroup",
    "RO.incomplete@STREAMS~4:-1,1,2",
    "xreadgroup GROUP STREAMS c STREAMS a >",
    "a:RO",
  ],
  ["set", "RW.access.update.variable_flags@1", "set k v", "k:OW.update"],
  ["set", "RW.access.update.variable_flags@1", "set k v GET", "k:RW.access.update"],
  ["bitfield", "RW.access.update.variable_flags@1", "bitfield k GET u8 0", "k:RO.access"],
];
for (const [name, text, args, keys] of irregular) {
  test(`keysOf() knows what "${args}" means`, () => {
    assert.equal(keysText(name, text, args), keys);
  });
}

function keysText(name: string, text: string, args: string): string {
  const argv = Argv.of(...args.split(" "));
  const row = command(name, -1, 0, text, () => {});
  const decoder = new TextDecoder();
  return keysOf(row, argv)
    .map(({ index, flags }) => `${decoder.decode(argv.at(index))}:${flags.join(".")}`)
    .join(" ");
}

const malformed = ["RO", "@1", "RO@0", "RO@x", "RO@1:x", "RO@1:-1,0"];
for (const text of malformed) {
  test(`keySpecsOf() does not take "${text}"`, () => {
    assert.throws(() => keySpecsOf(command("test", -1, 0, text, () => {})));
  });
}
