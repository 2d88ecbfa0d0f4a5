import assert from "node:assert/strict";
import { test } from "node:test";
import { commandWords, replyText } from "./reply_text.ts";

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

function bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

const commands: [line: string, words: string[]][] = [
  ["GET k", ["GET", "k"]],
  ["  SET  k   v  ", ["SET", "k", "v"]],
  [`SET "a b" 'c d' ""`, ["SET", "a b", "c d", ""]],
  [String.raw`SET "\x00\xfF\n\r\t\a\b\\\"" '\'\x00'`, [
    "SET",
    '\0\xff\n\r\t\x07\b\\"',
    "'\\x00",
  ]],
  ["SET k ü", ["SET", "k", "\xc3\xbc"]],
];
for (const [line, words] of commands) {
  test(`commandWords() reads ${line}`, () => {
    assert.deepEqual(commandWords(line).map(latin1), words);
  });
}

for (const line of [`SET "a`, `SET 'a`, `SET "a"b`, `SET a"b"`]) {
  test(`commandWords() refuses ${line}`, () => {
    assert.throws(() => commandWords(line), SyntaxError);
  });
}

const replies: [bytes: string, text: string, sorted?: string][] = [
  ["+OK\r\n", "+OK"],
  ["-ERR 'a\\b'\r\n", "-ERR 'a\\\\b'"],
  [":-5\r\n", ":-5"],
  ["$0\r\n\r\n", "''"],
  ["$5\r\n'\0\xff\r\n\r\n", "'\\'\\x00\\xff\\r\\n'"],
  ["$-1\r\n", "(nil)"],
  ["*-1\r\n", "(nil array)"],
  ["*0\r\n", "[]"],
  [
    "*3\r\n$1\r\nb\r\n:2\r\n*2\r\n$1\r\nd\r\n$1\r\nc\r\n",
    "['b', :2, ['d', 'c']]",
    "['b', :2, ['c', 'd']]",
  ],
  ["_\r\n", "(null)"],
  [",1.5\r\n", ",1.5"],
  ["#t\r\n", "#t"],
  ["(12\r\n", "(12"],
  ["=6\r\ntxt:ab\r\n", "=txt:'ab'"],
  ["%2\r\n+b\r\n:1\r\n+a\r\n:2\r\n", "{+b: :1, +a: :2}", "{+a: :2, +b: :1}"],
  ["~2\r\n:2\r\n:1\r\n", "~[:2, :1]", "~[:1, :2]"],
  [">1\r\n:2\r\n", ">[:2]"],
];
for (const [input, text, sorted = text] of replies) {
  test(`replyText() writes ${text}`, () => {
    assert.equal(replyText(bytes(input)), text);
    assert.equal(replyText(bytes(input), true), sorted);
  });
}

for (const input of ["", "+OK", "$3\r\nab\r\n", "*2\r\n:1\r\n", ":1\r\n:2\r\n", "?\r\n"]) {
  test(`replyText() refuses ${JSON.stringify(input)}`, () => {
    assert.throws(() => replyText(bytes(input)), Error);
  });
}
