/**
 * Geohashes against positions and letters that Redis and geohash.org publish, and cells against the
 * definition: every point of a shape lies in one of the cells that cover it.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  boundsAround,
  coveringCells,
  decodePoint,
  decodePointResult,
  distance,
  encodePoint,
  firstInCell,
  geohashText,
  LATITUDE_LIMIT,
  latitudeDistance,
  LONGITUDE_LIMIT,
} from "../../src/base/geohash.ts";
import { Prng } from "../../src/base/prng.ts";

/**
 * Positions of Redis's documentation, the scores that GEOADD stores and the letters that GEOHASH
 * replies.
 */
const POSITIONS: readonly (readonly [
  longitude: number,
  latitude: number,
  score: number | undefined,
  letters: string,
])[] = [
  [13.361389, 38.115556, 3479099956230698, "sqc8b49rny0"],
  [15.087269, 37.502669, 3479447370796909, "sqdtr74hyu0"],
  [-5.6, 42.6, undefined, "ezs42e44yx0"],
  [0, 0, 3377699720527872, "s0000000000"],
];

for (const [longitude, latitude, score, letters] of POSITIONS) {
  test(`encodePoint() and geohashText() of ${longitude}, ${latitude}`, () => {
    const encoded = encodePoint(longitude, latitude);
    if (score !== undefined) assert.equal(encoded, score);
    assert.equal(geohashText(longitude, latitude), letters);
    decodePoint(encoded);
    assert.ok(Math.abs(decodePointResult.longitude - longitude) < 1e-5);
    assert.ok(Math.abs(decodePointResult.latitude - latitude) < 1e-5);
  });
}

test("distance() is the one between Palermo and Catania that Redis documents", () => {
  const apart = distance(13.361389, 38.115556, 15.087269, 37.502669);
  assert.ok(Math.abs(apart - 166274.1516) < 1, `${apart}`);
  assert.equal(distance(10, 20, 10, 30), latitudeDistance(20, 30));
  assert.equal(distance(10, 20, 10, 20), 0);
});

test("decodePoint() takes any score, and stays on the map", () => {
  for (const score of [0, 1.5, -5, 2 ** 52, 2 ** 63, -(2 ** 63), 2 ** 70, Infinity, -Infinity]) {
    decodePoint(score);
    assert.ok(Math.abs(decodePointResult.longitude) <= LONGITUDE_LIMIT, `${score}`);
    assert.ok(Math.abs(decodePointResult.latitude) <= LATITUDE_LIMIT, `${score}`);
  }
});

test("coveringCells() has every point of a circle in one of its cells", () => {
  const prng = new Prng(9);
  for (let round = 0; round < 300; round++) {
    const longitude = prng.next() * 300 - 150;
    const latitude = prng.next() * 140 - 70;
    const reach = 10 ** (prng.next() * 5);
    const bounds = boundsAround(longitude, latitude, reach, reach, false);
    const shape = { longitude, latitude, bounds, reach, measured: false };
    const ranges = coveringCells(shape).map((cell) => {
      const first = firstInCell(cell);
      return [first, first + 2 ** (52 - 2 * cell.step)];
    });
    assert.ok(ranges.length >= 1 && ranges.length <= 9);
    for (let i = 0; i < 30; i++) {
      const degrees = 2 * reach / 111_000;
      const x = longitude + (prng.next() - 0.5) * 2 * degrees / Math.cos(latitude * Math.PI / 180);
      const y = latitude + (prng.next() - 0.5) * 2 * degrees;
      if (distance(longitude, latitude, x, y) > reach) continue;
      const score = encodePoint(x, y);
      assert.ok(
        ranges.some(([first, end]) => score >= first && score < end),
        `${x}, ${y} within ${reach} m of ${longitude}, ${latitude}`,
      );
    }
  }
});
