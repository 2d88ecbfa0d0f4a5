/**
 * Function libraries: what is read from their headers, and what names they may take.
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
  assert.deepEqual([libraries.has("a"), libraries.has("f")], [true, false]);
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
