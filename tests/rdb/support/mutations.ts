/**
 * Ways to damage a snapshot or a payload, seeded: flipped bits, cuts, missing, repeated and longer runs.
 *
 * @module
 */

import type { Prng } from "../../../src/base/prng.ts";
import { be, join } from "./parts.ts";

/** Damages a copy. */
export type Mutation = (bytes: Uint8Array, prng: Prng) => Uint8Array;

const LENGTHS = [
  join(0x3f),
  join(0x7f, 0xff),
  join(0x80, be(0x7fffffff, 4)),
  join(0x80, be(0xffffffff, 4)),
  join(0x81, be(2n ** 32n, 8)),
  join(0x81, be(2n ** 63n, 8)),
  join(0x81, be(-1, 8)),
  join(0xc3, 0x80, be(100, 4), 0x80, be(0x7fffffff, 4)),
  join(0xc3, 0x40, 0xff, 0x80, be(20000, 4)),
];

/** Ways to damage, by name. */
export const mutations: Record<string, Mutation> = {
  flips(bytes, prng) {
    const damaged = bytes.slice();
    for (let i = prng.uint32() % 8; i >= 0; i--) {
      damaged[prng.uint32() % damaged.length] ^= 1 << (prng.uint32() % 8);
    }
    return damaged;
  },
  "other bytes"(bytes, prng) {
    const damaged = bytes.slice();
    for (let i = prng.uint32() % 4; i >= 0; i--) {
      damaged[prng.uint32() % damaged.length] = prng.uint32() & 255;
    }
    return damaged;
  },
  cuts: (bytes, prng) => bytes.slice(0, prng.uint32() % bytes.length),
  "missing runs"(bytes, prng) {
    const at = prng.uint32() % bytes.length;
    return join(bytes.subarray(0, at), bytes.subarray(at + 1 + prng.uint32() % 16));
  },
  "other lengths"(bytes, prng) {
    const at = prng.uint32() % bytes.length;
    const length = LENGTHS[prng.uint32() % LENGTHS.length];
    return join(bytes.subarray(0, at), length, bytes.subarray(at + 1));
  },
  "repeated runs"(bytes, prng) {
    const at = prng.uint32() % bytes.length;
    const from = prng.uint32() % bytes.length;
    const run = bytes.subarray(from, from + prng.uint32() % 64);
    return join(bytes.subarray(0, at), run, bytes.subarray(at));
  },
};
