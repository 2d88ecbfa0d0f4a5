/**
 * Tests of `src/store/memory/expiry.ts`: every int64 comes back, those beyond 2^53 too, and is in the order of time.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Prng } from "../../../src/base/prng.ts";
import {
  approximateExpiry,
  exactExpiry,
  expiryFromBigInt,
  expiryFromHalves,
  expiryText,
  hasCome,
  isExpired,
  isFar,
  isLater,
} from "../../../src/store/memory/expiry.ts";
import { NO_EXPIRY } from "../../../src/store/memory/record.ts";

const NEAR_END = 2n ** 53n;
const LAST = 2n ** 63n - 1n;
/** The time whose 63 bits would be those of -1. */
const LIKE_NO_EXPIRY = (0x3ff00000n << 32n) + NEAR_END;

/** Times at which something begins: of the near ones, of the far ones, of those past the bits of -1. */
const EDGES: readonly bigint[] = [0n, 1n, 2n ** 32n, NEAR_END, LIKE_NO_EXPIRY, 2n ** 62n, LAST];

/** Times in order: around every edge, and of every size. */
function times(): bigint[] {
  const prng = new Prng(20_261_130);
  const found = new Set<bigint>();
  for (const edge of EDGES) for (let by = -3n; by <= 3n; by++) found.add(edge + by);
  for (let i = 0; i < 5000; i++) {
    const bits = BigInt(prng.uint32()) << 32n | BigInt(prng.uint32());
    found.add(BigInt.asUintN(1 + prng.int(63), bits));
  }
  return [...found].filter((ms) => ms >= 0n && ms <= LAST).sort((a, b) => a < b ? -1 : 1);
}

const TIMES = times();

/** The number as a record holds it: a float64 in an array. */
function stored(ms: bigint): number {
  const slot = new Float64Array([expiryFromBigInt(ms)]);
  return new Float64Array(slot)[0];
}

test("expiryFromBigInt() and exactExpiry() hold every time of 63 bits", () => {
  for (const ms of TIMES) {
    const at = stored(ms);
    assert.equal(exactExpiry(at), ms);
    assert.equal(expiryText(at), String(ms));
    assert.equal(approximateExpiry(at), Number(ms));
    assert.equal(isFar(at), ms > NEAR_END);
    assert.notEqual(at, NO_EXPIRY);
    assert.ok(Number.isFinite(at) && !Object.is(at, -0), `${ms}`);
    assert.equal(expiryFromHalves(Number(ms >> 32n), Number(BigInt.asIntN(32, ms))), at);
  }
});

test("isLater() is the order of time", () => {
  for (let i = 1; i < TIMES.length; i++) {
    const [before, after] = [stored(TIMES[i - 1]), stored(TIMES[i])];
    assert.ok(isLater(after, before) && !isLater(before, after), `${TIMES[i]}`);
    assert.ok(!isLater(after, after), `${TIMES[i]}`);
  }
});

test("far times and NO_EXPIRY never pass", () => {
  const now = 1_700_000_000_000;
  for (const ms of TIMES) {
    assert.equal(isExpired(stored(ms), now), ms < now);
    assert.equal(hasCome(stored(ms), now), ms <= now);
  }
  for (const clock of [now, 2 ** 53]) {
    assert.ok(!isExpired(NO_EXPIRY, clock) && !hasCome(NO_EXPIRY, clock));
    assert.ok(!isExpired(stored(LAST), clock) && !hasCome(stored(LAST), clock));
  }
  assert.ok(!isExpired(now, now) && hasCome(now, now), "a key lives through its last millisecond");
});

test("what is no time of 63 bits", () => {
  assert.equal(expiryFromHalves(-1, -1), NO_EXPIRY);
  assert.equal(expiryFromHalves(-1, -2), 0);
  assert.equal(expiryFromHalves(-0x80000000, 0), 0);
  assert.equal(expiryFromBigInt(-1n), 0);
  assert.equal(expiryFromBigInt(2n ** 63n), 0, "as C overflows");
  assert.equal(exactExpiry(NO_EXPIRY), -1n);
  assert.equal(expiryText(NO_EXPIRY), "-1");
});
