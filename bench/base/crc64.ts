/**
 * How fast is the snapshot's checksum, next to one table and a byte at a time? Each iteration is 1 MB, so
 * a millisecond means 1 GB/s; the aim is at most two.
 *
 *     deno run -A bench/base/crc64.ts
 *
 * @module
 */

import { Crc64 } from "../../src/base/crc64.ts";
import { Prng } from "../../src/base/prng.ts";
import { loadMitata } from "../support/mitata.ts";
import { headline } from "../support/report.ts";

const { bench, run, do_not_optimize } = await loadMitata();
const BYTES = 1_000_000;
const bytes = new Prng(1).bytes(BYTES);
/** Below the length from which slices are used. */
const SHORT = 32;

headline("How fast is the checksum?", { bytes: BYTES });
for (const length of [BYTES, 65_536, 1024, 128]) {
  const crc = new Crc64();
  bench(`Crc64, pieces of ${length}`, () => {
    for (let at = 0; at < BYTES; at += length) crc.update(bytes, at, Math.min(at + length, BYTES));
    do_not_optimize(crc.low);
  });
}
const crc = new Crc64();
bench("Crc64, a byte at a time", () => {
  for (let at = 0; at < BYTES; at += SHORT) crc.update(bytes, at, Math.min(at + SHORT, BYTES));
  do_not_optimize(crc.low);
});
await run();
