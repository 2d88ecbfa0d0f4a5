/**
 * Functions of a library, found by reading its source.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { scanFunctions } from "../../../src/store/keyspace/function_scan.ts";
import { bytesOf } from "../../support/bytes.ts";

const plain = (name: string) => ({ name, description: undefined, flags: [] });

const SOURCES: readonly (readonly [name: string, body: string, expected: unknown[]])[] = [
  ["a call by position", "redis.register_function('f', function() end)", [plain("f")]],
  ["Valkey's name for it", 'server.register_function("f", g)', [plain("f")]],
  [
    "a call by name",
    "redis.register_function{function_name='f', callback=function(k, a) return {1} end, " +
    "flags={'no-writes', \"allow-oom\"}, description='what it does'}",
    [{ name: "f", description: "what it does", flags: ["no-writes", "allow-oom"] }],
  ],
  [
    "a table in parentheses, its fields in another order",
    "redis.register_function({callback = f, flags = {}, function_name = [[f]]})",
    [plain("f")],
  ],
  [
    "names within the callback",
    "redis.register_function{callback=function() local function_name = 'no' return {flags={'x'}} end," +
    " function_name='f'}",
    [plain("f")],
  ],
  ["two in order", "local r = redis r.register_function('b', x) r.register_function('a', x)", [
    plain("b"),
    plain("a"),
  ]],
  ["a line comment", "-- redis.register_function('f', x)\nreturn", []],
  ["a long comment", "--[==[ redis.register_function('f', x) ]] ]==] return", []],
  ["a string", "local s = \"redis.register_function('f', x)\"", []],
  ["escapes", "redis.register_function('a\\'\\65\\n', x)", [plain("a'A\n")]],
  ["a name put together", "redis.register_function('a' .. b, x)", []],
  ["a name from elsewhere", "redis.register_function(name, x)", []],
  ["the end too soon", "redis.register_function{function_name='f', flags={", [plain("f")]],
];
for (const [name, body, expected] of SOURCES) {
  test(`scanFunctions() finds: ${name}`, () => {
    assert.deepEqual(scanFunctions(bytesOf(body), 0), expected);
  });
}

test("scanFunctions() begins at the offset it is given and keeps the first of two with one name", () => {
  const source =
    "r.register_function('a', f) r.register_function('b', f) r.register_function('b', f)";
  assert.deepEqual(scanFunctions(bytesOf(source), 27), [plain("b")]);
});
