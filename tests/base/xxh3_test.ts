/**
 * `src/base/xxh3.ts` against the reference implementation, and DIGEST of Redis 8.6.3, which agree.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { xxh128, xxh3 } from "../../src/base/xxh3.ts";

/** A text of any length that differs in every byte from its neighbours. */
function textOf(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => 33 + (i * 7 + (i >> 3) * 5 + length) % 90);
}

/** Lengths at which the formula changes, and both hashes of such a text. */
const ROWS: readonly (readonly [length: number, hash64: string, hash128: string])[] = [
  [0, "2d06800538d394c2", "99aa06d3014798d86001c324468d497f"],
  [1, "277b1946ac9655b6", "748c656f86fdad7e277b1946ac9655b6"],
  [2, "add77555b51b69dc", "2a4ae9b385625d25add77555b51b69dc"],
  [3, "b384690dcfa4667b", "4e638ea22599651fb384690dcfa4667b"],
  [4, "f97dc161205b3457", "c40131849aac353242a6abb857f73015"],
  [8, "16409bc2fb04831e", "3b59cccbc0850f853a6d468531a36672"],
  [9, "ddc68702cb680a18", "1c877e2509a1f90da63d1e700cc42a5e"],
  [16, "f69aae76bcb6f37d", "772ae8ffeb823690d6ab5bb4487db6f2"],
  [17, "f8ef8fea637288a7", "9c5023ed9eeace38e1246641f4d7eb8d"],
  [32, "33e43f73ffbe45d2", "ecc050c1ec703cc41dc46b060d2168be"],
  [33, "9aa07e5d592c88d7", "b7d10c888b3f6b5e9246a5e6dff68389"],
  [64, "8b92b30b12e1956c", "487fe50c2ba43bc683b54bc8b92b1fab"],
  [65, "8ae06f67a87b8dce", "172002694387367ec4067d49bb631320"],
  [96, "bb39c16b4e19cf7d", "3f517ca35ccc97d6895b5bfe39e1ccab"],
  [97, "e2507f5514671b51", "e69dadb9bc9fd31da96d2eb0b18581ee"],
  [128, "cd5f00a74869a560", "4abd470f71abc8494db44b08cc142cf1"],
  [129, "a13e92c39e8f3ce5", "2fbe0d542a65095b72e0a09a9f19e62e"],
  [130, "32e256d5e1850b9c", "9fd00348726e87d0bf5229014b5e9890"],
  [159, "e60f5eda82b5b01f", "0a2453dca933431449673c6e38f31843"],
  [160, "f22ec9d0a6ad2817", "a01018bc0e5fa6f41a5b91ffe6fe2f32"],
  [192, "cff270513308c379", "d250a46321d22513ea9802f03af5e181"],
  [239, "252c050dc9ba1f79", "e774fb2b1ef5f3d3de5d5c88530aa256"],
  [240, "2fb96aaf2e654a87", "c9b81fff655b687d3210715d72357d47"],
  [241, "c9d6883ea5b16f67", "f537abf6cde67c99c9d6883ea5b16f67"],
  [256, "6e77d170390f1a45", "785d68d858d5d7616e77d170390f1a45"],
  [512, "aa707383afb863a7", "40164c27fcbe3ca3aa707383afb863a7"],
  [1023, "599434106cd80aa9", "5163c10dcda15538599434106cd80aa9"],
  [1024, "4154391d99603597", "352c2d48ab117bab4154391d99603597"],
  [1025, "c225705b0d4f78a3", "be9938caf5ef8855c225705b0d4f78a3"],
  [1088, "79009152929be050", "a58f776068cefdb279009152929be050"],
  [1089, "a40685727b1cb3d1", "d749659149abd571a40685727b1cb3d1"],
  [2048, "570f184ec68f9559", "3514e79b6f55bd26570f184ec68f9559"],
  [5000, "5b0b7e13e8ce1241", "41586ab8c2e8d9435b0b7e13e8ce1241"],
];

function hex(value: bigint): string {
  return value.toString(16).padStart(16, "0");
}

for (const [length, hash64, hash128] of ROWS) {
  test(`xxh3() and xxh128() of ${length} bytes`, () => {
    const padded = new Uint8Array(length + 7);
    padded.set(textOf(length), 3);
    assert.equal(hex(xxh3(padded, 3, 3 + length)), hash64);
    const { low, high } = xxh128(padded, 3, 3 + length);
    assert.equal(hex(high) + hex(low), hash128);
  });
}
