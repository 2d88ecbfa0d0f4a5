/**
 * Damaged snapshots: seeded flips, cuts, insertions and grown lengths, checksum fixed and not, in pushes
 * cut at random. They load or end in an RdbError, never in anything else, and never take memory out of
 * proportion to what came. `SEED=n` repeats a run.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join as joinPath } from "node:path";
import { env } from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Prng } from "../../src/base/prng.ts";
import { RdbDecoder } from "../../src/rdb/decoder.ts";
import { KeyspaceLoader } from "../../src/rdb/load.ts";
import { newKeyspace } from "./support/keyspaces.ts";
import { mutations } from "./support/mutations.ts";
import { be, join, le, withChecksum } from "./support/parts.ts";
import { CollectingSink, decodeCut, errorOf } from "./support/decoding.ts";

const GOLDEN = fileURLToPath(new URL("../golden/", import.meta.url));
const MAX_BYTES = 4096;
const ROUNDS = 150;
const SEED = Number(env.SEED ?? 1);
const CHECKSUM_BYTES = 8;
const SLOW = { timeout: 60_000 };

/** Decodes into a keyspace at random cuts; what it ends in, or "loaded". */
function outcome(bytes: Uint8Array, prng: Prng): string {
  const cuts = Array.from({ length: prng.uint32() % 5 }, () => prng.uint32() % (bytes.length + 1));
  const loader = new KeyspaceLoader(newKeyspace());
  const error = errorOf(() => decodeCut(bytes, cuts.sort((a, b) => a - b), loader));
  assert.equal(loader.complete, error === undefined);
  if (error === undefined) return "loaded";
  assert.ok(error.offset >= 0 && error.offset <= bytes.length, `offset ${error.offset}`);
  return error.code;
}

const goldens = readdirSync(GOLDEN).filter((name) => /^strings_.*\.rdb$/.test(name))
  .map((name) => ({ name, bytes: new Uint8Array(readFileSync(joinPath(GOLDEN, name))) }))
  .filter(({ bytes }) => bytes.length <= MAX_BYTES);

for (const [name, mutate] of Object.entries(mutations)) {
  test(`RdbDecoder survives ${name} (SEED=${SEED})`, SLOW, () => {
    const seen = new Map<string, number>();
    for (const [index, golden] of goldens.entries()) {
      const prng = new Prng(SEED * 1000 + index);
      for (let round = 0; round < ROUNDS; round++) {
        const damaged = mutate(golden.bytes, prng);
        const fix = round % 2 === 0 && damaged.length > CHECKSUM_BYTES;
        const bytes = fix ? withChecksum(damaged.subarray(0, -CHECKSUM_BYTES)) : damaged;
        const end = outcome(bytes, prng);
        seen.set(end, (seen.get(end) ?? 0) + 1);
      }
    }
    // Damage without a fitting checksum must not load: only zero trailers and fixed ones do.
    assert.ok((seen.get("loaded") ?? 0) < goldens.length * ROUNDS * 0.7, JSON.stringify([...seen]));
    assert.ok(seen.size >= 2, JSON.stringify([...seen]));
  });
}

test("RdbDecoder finds every single flipped bit by its checksum, or otherwise", () => {
  const { bytes } = goldens.find(({ name }) => name.startsWith("strings_empty"))!;
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const damaged = bytes.slice();
    damaged[bit >> 3] ^= 1 << (bit & 7);
    const decoder = new RdbDecoder(new CollectingSink());
    const error = errorOf(() => {
      decoder.push(damaged);
      decoder.finish();
    });
    // A version below 5 has no checksum: such a snapshot ends before its carrier does.
    const endsEarly = decoder.done && decoder.offset === bytes.length - CHECKSUM_BYTES;
    assert.ok(error !== undefined || endsEarly, `bit ${bit} went unnoticed`);
  }
});

/** Most bytes that one `new Uint8Array` took while `run` ran. */
function largestAllocation(run: () => void): number {
  const original = globalThis.Uint8Array;
  let largest = 0;
  globalThis.Uint8Array = new Proxy(original, {
    construct(target, args) {
      if (typeof args[0] === "number") largest = Math.max(largest, args[0]);
      return Reflect.construct(target, args);
    },
  });
  try {
    run();
  } finally {
    globalThis.Uint8Array = original;
  }
  return largest;
}

const HUGE = 400_000_000; // below the limit on strings
const promises: { name: string; bytes: Uint8Array }[] = [
  { name: "a key", bytes: join(0, 0x80, be(HUGE, 4), "few") },
  { name: "a value", bytes: join(0, 1, "k", 0x80, be(HUGE, 4), "few") },
  {
    name: "a compressed value",
    bytes: join(0, 1, "k", 0xc3, 0x80, be(HUGE, 4), 0x80, be(HUGE, 4), "few"),
  },
  { name: "an auxiliary field", bytes: join(0xfa, 0x80, be(HUGE, 4), "few") },
  { name: "a function", bytes: join(0xf5, 0x80, be(HUGE, 4), "few") },
  { name: "a hash template", bytes: join(0xf2, 1, 0x80, be(HUGE, 4), 1, "f") },
  { name: "key metadata", bytes: join(0xf3, 0x80, be(HUGE, 4), le(0, 4)) },
  { name: "a database's size", bytes: join(0xfb, 0x80, be(HUGE, 4), 0x80, be(HUGE, 4)) },
];

for (const { name, bytes } of promises) {
  test(`RdbDecoder takes no memory for the length that ${name} announces`, () => {
    for (const cut of [[], [10, 12, bytes.length + 8]]) {
      const largest = largestAllocation(() => {
        const error = errorOf(() =>
          decodeCut(join("REDIS0015", bytes), cut, new KeyspaceLoader(newKeyspace()))
        );
        assert.equal(error?.code, "TRUNCATED");
      });
      assert.ok(largest <= 65536, `${largest} bytes at once`);
    }
  });
}

test("RdbDecoder's storage for a long value grows with what came", () => {
  const decoder = new RdbDecoder(new CollectingSink());
  decoder.push(join("REDIS0011", 0, 1, "k", 0x80, be(HUGE, 4)));
  const chunk = new Uint8Array(10_000);
  let came = 0;
  for (let i = 0; i < 100; i++) {
    came += chunk.length;
    const largest = largestAllocation(() => decoder.push(chunk));
    assert.ok(largest <= 2 * came, `${largest} bytes after ${came}`);
  }
});
