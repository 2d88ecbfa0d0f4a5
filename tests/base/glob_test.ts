/**
 * Globs against what real servers answer, and against regular expressions.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeUtf8 } from "../../src/base/ascii.ts";
import { globMatch, isLiteral } from "../../src/base/glob.ts";
import { Prng } from "../../src/base/prng.ts";

/** Text, pattern, what `KEYS` of redis-server 7.0, 8.0 and valkey 9 says to them. */
const GLOBS: readonly (readonly [string, string, boolean])[] = [
  ["", "", true],
  ["", "*", true],
  ["", "**", false],
  ["", "?", false],
  ["", "*?", false],
  ["abc", "", false],
  ["abc", "abc", true],
  ["abc", "ab", false],
  ["abc", "abcd", false],
  ["abc", "a*", true],
  ["abc", "a**c", true],
  ["abc", "abc*", true],
  ["abc", "*c", true],
  ["abc", "*b", false],
  ["abc", "**", true],
  ["abc", "?**?", true],
  ["abc", "????", false],
  ["abc", "[^x]bc", true],
  ["abc", "[^a]bc", false],
  ["abc", "[a-]bc", false],
  ["abc", "[c-a]bc", true],
  ["abc", "[abc", false],
  ["abc", "ab[abc", true],
  ["abc", "abc[", false],
  ["abc", "ab[^", true],
  ["abc", "a\\bc", true],
  ["abc", "abc\\", false],
  ["abc", "ab[\\c]", true],
  ["abc", "ab[]c]", false],
  ["a]c", "a[]c", false],
  ["a]c", "a[\\]]c", true],
  ["a-c", "a[a-]c", false],
  ["a-c", "a[-]c", true],
  ["a-c", "a[+--]c", true],
  ["a\\", "a\\\\", true],
  ["a\\", "a\\", true],
  ["a\\", "a[\\", true],
  ["a*c", "a\\*c", true],
  ["abc", "a\\*c", false],
  ["mississippi", "m*iss*ppi", true],
  ["mississippi", "m*iss*pxi", false],
];

for (const [text, pattern, expected] of GLOBS) {
  test(`globMatch() of ${JSON.stringify(text)} and ${JSON.stringify(pattern)}`, () => {
    const bytes = encodeUtf8(`#${text}#`);
    assert.equal(globMatch(encodeUtf8(pattern), bytes, 1, bytes.length - 1), expected);
  });
}

test("globMatch() folds case when asked, ranges included", () => {
  const bytes = encodeUtf8("MaxMemory");
  assert.ok(globMatch(encodeUtf8("maxmem*"), bytes, 0, bytes.length, true));
  assert.ok(globMatch(encodeUtf8("[k-n]ax?EMORY"), bytes, 0, bytes.length, true));
  assert.ok(!globMatch(encodeUtf8("maxmem*"), bytes, 0, bytes.length));
});

test("globMatch() takes time in proportion to both lengths, not to their power", () => {
  // To the power of fifty this would never end.
  const pattern = encodeUtf8("*a".repeat(50) + "b");
  const bytes = encodeUtf8("a".repeat(20_000));
  assert.ok(!globMatch(pattern, bytes, 0, bytes.length));
});

test("globMatch() agrees with plain backtracking on every small pattern", () => {
  const prng = new Prng(17);
  for (let round = 0; round < 20_000; round++) {
    const pattern = Array.from({ length: prng.int(6) }, () => prng.pick([..."ab*?"])).join("");
    const text = Array.from({ length: 1 + prng.int(5) }, () => prng.pick([..."ab"])).join("");
    const expected = new RegExp(`^${pattern.replaceAll("*", ".*").replaceAll("?", ".")}$`);
    const bytes = encodeUtf8(text);
    assert.equal(
      globMatch(encodeUtf8(pattern), bytes, 0, bytes.length),
      expected.test(text),
      `${pattern} ${text}`,
    );
  }
});

test("isLiteral() knows a pattern that fits only itself", () => {
  assert.ok(isLiteral(encodeUtf8("user:1]-^")));
  for (const pattern of ["*", "a?", "[a", "a\\"]) assert.ok(!isLiteral(encodeUtf8(pattern)));
});
