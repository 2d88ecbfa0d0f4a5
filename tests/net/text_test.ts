/**
 * Bytes to text by the fastest way of this runtime: what a decoder gives, at every length.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Prng } from "../../src/base/prng.ts";
import { loadTextOf } from "../../src/net/text.ts";

const textOf = loadTextOf();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

function check(bytes: Uint8Array): void {
  const around = new Uint8Array(bytes.length + 6).fill(0xc3);
  around.set(bytes, 3);
  assert.equal(textOf(around, 3, 3 + bytes.length), decoder.decode(bytes), String(bytes));
}

test("loadTextOf() reads texts of every length up to 40, ASCII and with one byte that is not", () => {
  for (let length = 0; length <= 40; length++) {
    const bytes = Uint8Array.from({ length }, (_, i) => 0x41 + i);
    check(bytes);
    for (let at = 0; at < length; at++) {
      for (const other of [0, 0x80, 0xff]) check(bytes.with(at, other));
    }
  }
});

test("loadTextOf() reads multi-byte characters, byte order marks and what is malformed as a decoder", () => {
  const encoder = new TextEncoder();
  for (
    const text of ["é", "aé", "€uro", "😀", "\ufeff", "\ufeffab", "naïve café", "日本語のテキスト"]
  ) {
    const bytes = encoder.encode(text);
    check(bytes);
    for (let cut = 1; cut < bytes.length; cut++) {
      check(bytes.subarray(0, cut));
      check(bytes.subarray(cut));
    }
  }
});

test("loadTextOf() reads random bytes as a decoder", () => {
  const prng = new Prng(7);
  for (let i = 0; i < 2000; i++) {
    check(Uint8Array.from({ length: prng.int(20) }, () => prng.oneIn(3) ? prng.int(256) : 97));
  }
});
