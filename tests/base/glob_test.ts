/**
 * Globs against what real servers answer, and against regular expressions.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeUtf8 } from "../../src/base/ascii.ts";
import { Glob, globMatch, isLiteral } from "../../src/base/glob.ts";
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

/** A pattern of classes, ranges, escapes and stars, well formed or not. */
function drawPattern(prng: Prng): Uint8Array {
  const letters = prng.oneIn(4) ? "aB-^]\\[*?\u00ff" : "aBc-^]\\[";
  const inside = Array.from(
    { length: prng.int(prng.oneIn(5) ? 90 : 8) },
    () => prng.pick([...letters]),
  );
  const pattern = `${prng.pick(["", "*", "?"])}[${inside.join("")}${
    prng.pick(["]", "", "]*", "]b"])
  }`;
  return Uint8Array.from(pattern, (letter) => letter.charCodeAt(0));
}

/** Whether a class of redis-server's `stringmatchlen` holds a byte: the loop of util.c, byte by byte. */
function classFits(
  pattern: Uint8Array,
  open: number,
  byte: number,
  ignoreCase: boolean,
): [boolean, number] {
  const lower = (one: number) => one >= 65 && one <= 90 && ignoreCase ? one + 32 : one;
  let at = open + 1;
  const not = pattern[at] === 94;
  if (not) at++;
  let match = false;
  for (;;) {
    if (pattern[at] === 92 && pattern.length - at >= 2) {
      at++;
      if (pattern[at] === byte) match = true;
    } else if (at >= pattern.length) {
      return [match !== not, at];
    } else if (pattern[at] === 93) {
      return [match !== not, at + 1];
    } else if (pattern.length - at >= 3 && pattern[at + 1] === 45) {
      const ends = [pattern[at], pattern[at + 2]].sort((a, b) => a - b).map(lower);
      at += 2;
      if (lower(byte) >= ends[0] && lower(byte) <= ends[1]) match = true;
    } else if (lower(pattern[at]) === lower(byte)) {
      match = true;
    }
    at++;
  }
}

test("a class holds what util.c's loop says, for each of 256 bytes, both cases", () => {
  const prng = new Prng(23);
  for (let round = 0; round < 600; round++) {
    const pattern = drawPattern(prng);
    const open = pattern.indexOf(0x5b);
    const alone = pattern.subarray(open, classFits(pattern, open, 0, false)[1]);
    for (const ignoreCase of [false, true]) {
      const glob = new Glob(alone, ignoreCase);
      for (let byte = 0; byte < 256; byte++) {
        const [expected] = classFits(alone, 0, byte, ignoreCase);
        const what = `${[...alone]} with ${byte}`;
        assert.equal(glob.matches(Uint8Array.of(byte), 0, 1), expected, what);
      }
    }
  }
});

test("a match in pieces of any size answers as one at once, and says when it is not done", () => {
  const prng = new Prng(29);
  for (let round = 0; round < 3000; round++) {
    const pattern = drawPattern(prng);
    const glob = new Glob(pattern);
    const text = Uint8Array.from(
      { length: prng.int(40) },
      () => prng.pick([0x61, 0x62, 0x63, 0x5d, 0x2d]),
    );
    const expected = globMatch(pattern, text, 0, text.length);
    let verdict: boolean | undefined;
    let runs = 0;
    glob.begin(text, 0, text.length);
    do verdict = glob.run(1 + prng.int(3)); while (verdict === undefined && ++runs < 100_000);
    assert.equal(verdict, expected, `${[...pattern]} and ${[...text]}`);
  }
  const slow = new Glob(encodeUtf8("*aaaaaaab"));
  slow.begin(encodeUtf8("a".repeat(1000)), 0, 1000);
  assert.equal(slow.run(100), undefined);
});

test("a class of 100,000 bytes is read once, not for each byte of the text", () => {
  const pattern = encodeUtf8(`*[${"y".repeat(100_000)}]`);
  const glob = new Glob(pattern);
  // Reading it for each byte would compare 20 billion bytes.
  const text = encodeUtf8("z".repeat(200_000));
  assert.ok(!glob.matches(text, 0, text.length));
});

test("a pattern of more than a thousand stars matches nothing, as in Redis", () => {
  const matches = (pattern: string, text: string) => {
    const bytes = new TextEncoder().encode(text);
    return new Glob(new TextEncoder().encode(pattern)).matches(bytes, 0, bytes.length);
  };
  assert.equal(matches("*?".repeat(1000), "a".repeat(1000)), true);
  assert.equal(matches("*?".repeat(1000) + "*", "a".repeat(1000)), true);
  assert.equal(matches("*?".repeat(1001), "a".repeat(1001)), false);
  assert.equal(matches("*".repeat(5000) + "a", "a"), true);
});
