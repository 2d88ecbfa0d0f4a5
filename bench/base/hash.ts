/**
 * What does the keyed hash cost next to FNV-1a, which anybody can flood? Each iteration hashes a
 * thousand keys of 8, 20 and 64 bytes: divide by that.
 *
 *     deno run -A bench/base/hash.ts
 *
 * @module
 */

import { hash32 } from "../../src/base/hash.ts";
import { Prng } from "../../src/base/prng.ts";
import { loadMitata } from "../support/mitata.ts";
import { headline } from "../support/report.ts";

const { bench, group, run, do_not_optimize } = await loadMitata();
const KEYS = 1000;

function fnv1a(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let pos = start; pos < end; pos++) hash = Math.imul(hash ^ bytes[pos], 0x01000193);
  return hash >>> 0;
}

headline("What does a keyed hash cost?", { keys: KEYS });
for (const length of [8, 20, 64]) {
  const bytes = new Prng(1).bytes(KEYS * length);
  group(`${KEYS} keys of ${length} bytes`, () => {
    bench("hash32 (HalfSipHash-1-3)", () => {
      let sum = 0;
      for (let at = 0; at < bytes.length; at += length) {
        sum ^= hash32(bytes, at, at + length, 0x01234567, 0x76543210);
      }
      do_not_optimize(sum);
    });
    bench("FNV-1a", () => {
      let sum = 0;
      for (let at = 0; at < bytes.length; at += length) sum ^= fnv1a(bytes, at, at + length);
      do_not_optimize(sum);
    });
  });
}
await run();
