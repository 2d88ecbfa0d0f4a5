/**
 * Function libraries: what is read from their headers and their source.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  FunctionLibraries,
  LibraryError,
  readLibrary,
} from "../../../src/store/keyspace/functions.ts";

function bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

function read(body: string) {
  return readLibrary(bytes(`#!lua name=lib\n${body}`));
}

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
  test(`readLibrary() finds functions: ${name}`, () => {
    assert.deepEqual(read(body).functions, expected);
  });
}

const HEADERS: readonly (readonly [source: string, problem: RegExp])[] = [
  ["return 1", /^Missing library metadata$/],
  ["#!lua name=a", /^Invalid library metadata$/],
  ["#!lua\nx", /^Library name was not given$/],
  ["#!lua name=a name=b\nx", /^Invalid metadata value, name argument was given multiple times$/],
  ["#!lua name=a b=c\nx", /^Invalid metadata value given: b=c$/],
  ["#!  lua name=a\nx", /^Invalid metadata value given: lua$/],
  ["#!lua name=a-b\nx", /^Library names can only contain letters/],
  ["#!lua name=\nx", /^Library names can only contain letters/],
  ['#!lua name="a\nx', /^Invalid library metadata$/],
  [`#!lua name=${"a".repeat(5000)}\nx`, /^Invalid library metadata$/],
];
for (const [source, problem] of HEADERS) {
  test(`readLibrary() refuses ${JSON.stringify(source.slice(0, 30))}`, () => {
    assert.throws(() => readLibrary(bytes(source)), (error) => {
      assert.ok(error instanceof LibraryError);
      assert.match(error.message, problem);
      return true;
    });
  });
}

test("FunctionLibraries refuse a name twice and a function of another library", () => {
  const libraries = new FunctionLibraries();
  const source = (name: string, called: string) =>
    readLibrary(bytes(`#!LUA name=${name}\nredis.register_function('${called}', f)`));
  libraries.add(source("a", "f"), false);
  assert.throws(() => libraries.add(source("a", "g"), false), /^LibraryError: Library 'a' already/);
  assert.throws(() => libraries.add(source("b", "f"), true), /^LibraryError: Function f already/);
  libraries.add(source("b", "h"), false);
  libraries.add(source("a", "g"), true);
  assert.deepEqual(libraries.all().map(({ name }) => name), ["b", "a"]);
  assert.equal(libraries.functionCount, 2);
  assert.equal(libraries.hasFunction("f"), false);
  const copy = libraries.copy();
  assert.equal(libraries.delete("b"), true);
  assert.equal(libraries.delete("b"), false);
  assert.equal(copy.size, 2);
  libraries.replaceWith(copy);
  assert.deepEqual([libraries.size, copy.size], [2, 0]);
  libraries.clear();
  assert.deepEqual([libraries.size, libraries.functionCount], [0, 0]);
});
