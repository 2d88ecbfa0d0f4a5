import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Crc64 } from "../../src/base/crc64.ts";
import { Kernel, kernel, kernelModule } from "../../src/base/kernel.ts";
import { lzfCompress, lzfDecompress, lzfDecompressPlainly } from "../../src/base/lzf.ts";
import { Prng } from "../../src/base/prng.ts";
import { tryPackage } from "../support/packages.ts";

/** What of the assembler is used. */
type Wabt = () => Promise<{
  parseWat(name: string, text: string): { toBinary(options: object): { buffer: Uint8Array } };
}>;

const WAT = new URL("../../src/base/kernel.wat", import.meta.url);
const wabt = await tryPackage("wabt");

test("the kernel is what its source is assembled to", { skip: wabt.reason }, async () => {
  const { parseWat } = await (("exports" in wabt ? wabt.exports : undefined) as unknown as Wabt)();
  const { buffer } = parseWat("kernel.wat", readFileSync(WAT, "utf8")).toBinary({});
  assert.deepEqual(kernelModule(), Uint8Array.from(buffer));
});

test("this runtime has the kernel", () => {
  assert.ok(kernel() instanceof Kernel);
});

test("Crc64 is the same with and without the kernel", () => {
  const prng = new Prng(21);
  const all = prng.bytes(300_000);
  for (let round = 0; round < 40; round++) {
    const [quick, plain] = [new Crc64(), new Crc64(false)];
    for (let pos = prng.int(9); pos < all.length;) {
      const end = Math.min(all.length, pos + prng.int(prng.pick([40, 700, 20_000, 200_000])));
      quick.update(all, pos, end);
      plain.update(all, pos, end);
      pos = end;
    }
    assert.deepEqual(quick.digest(), plain.digest());
  }
});

/** What both make of it, into a target with room on either side. */
function unpackBoth(source: Uint8Array, start: number, end: number, size: number): Uint8Array[] {
  return [lzfDecompress, lzfDecompressPlainly].map((unpack) => {
    const target = new Uint8Array(size + 20).fill(0xee);
    const done = unpack(source, start, end, target, 10, 10 + size);
    assert.ok(target.subarray(0, 10).every((byte) => byte === 0xee));
    assert.ok(target.subarray(10 + size).every((byte) => byte === 0xee));
    return done ? target : Uint8Array.of(0);
  });
}

test("LZF is unpacked alike with and without the kernel, from any distance", () => {
  for (let distance = 1; distance <= 40; distance++) {
    for (let length = 3; length <= 264; length += 1 + (length >> 3)) {
      // Literals of that many bytes, then runs until there is enough for the kernel.
      const source = [...Array.from({ length: distance }, (_, i) => [0, i + 1]).flat()];
      let size = distance;
      for (; size < 600; size += length) {
        const more = length - 2;
        source.push(...(more < 7 ? [more << 5] : [7 << 5, more - 7]), distance - 1);
      }
      const bytes = Uint8Array.from(source);
      const [quick, plain] = unpackBoth(bytes, 0, bytes.length, size);
      assert.equal(plain.length, size + 20);
      assert.deepEqual(quick, plain, `distance ${distance}, length ${length}`);
    }
  }
});

test("LZF is unpacked or refused alike with and without the kernel, damaged or not", () => {
  const prng = new Prng(22);
  let refused = 0;
  for (let round = 0; round < 3000; round++) {
    const size = 512 + prng.int(prng.oneIn(20) ? 300_000 : 3000);
    const symbols = prng.pick([1, 2, 4, 16]);
    const plain = Uint8Array.from({ length: size }, () => prng.int(symbols));
    for (let i = 0; i < 4; i++) {
      const from = prng.int(size);
      plain.copyWithin(prng.int(size), from, from + prng.int(size));
    }
    const room = new Uint8Array(size + 10);
    const length = lzfCompress(plain, 0, size, room, 3, room.length);
    if (length === 0) continue;
    for (let i = prng.int(3); i > 0; i--) room[3 + prng.int(length)] = prng.int(256);
    const cut = prng.oneIn(4) ? prng.int(length) : 0;
    const wrong = prng.oneIn(8) ? prng.int(3) - 1 : 0;
    const [quick, slow] = unpackBoth(room, 3, 3 + length - cut, size + wrong);
    assert.deepEqual(quick, slow);
    if (slow.length === 1) refused++;
  }
  assert.ok(refused > 300, `${refused} were refused`);
});
