/**
 * Geohashes of 52 bits, as Redis keeps them in the scores of a sorted set (`geohash.c`,
 * `geohash_helper.c`), and the cells of their grid that cover a circle or a box.
 *
 * A geohash interleaves two numbers of 26 bits: x, the share of 360 degrees from the west, and y,
 * the share of the map's height from the south. Latitude has the lowest bit:
 *
 *     bit   51  50  49  48  ...   3   2   1   0
 *          x25 y25 x24 y24  ...  x1  y1  x0  y0
 *
 * 52 bits are a whole number that a double holds exactly, so it fits a score. The first `2 * step`
 * bits name a cell of a grid of `2^step` by `2^step`; the geohashes of one cell are one range of
 * scores, which is how a search by distance becomes up to nine range searches. Redis finds the
 * neighbours of a cell by arithmetic on interleaved bits; here a cell is its x and y, and a
 * neighbour is one more or one less.
 *
 * @module
 */

import { assert } from "./assert.ts";

/** Bits of either coordinate in a whole geohash (`GEO_STEP_MAX`). */
const GEO_STEPS = 26;
/** Longitudes lie within +- this many degrees (`GEO_LONG_MAX`). */
export const LONGITUDE_LIMIT = 180;
/**
 * Latitudes lie within +- this many degrees: the square Mercator map ends here (`GEO_LAT_MAX`,
 * EPSG:900913).
 */
export const LATITUDE_LIMIT = 85.05112878;

/** Radians in a degree (`D_R`). */
const RADIANS: number = Math.PI / 180;
/** Metres: the quadratic mean radius of the Earth by WGS-84 (`EARTH_RADIUS_IN_METERS`). */
const EARTH_RADIUS = 6372797.560856;
/**
 * Metres: half the Earth's circumference, the side of a cell of step 1 at the equator
 * (`MERCATOR_MAX`).
 */
const MERCATOR_MAX = 20037726.37;
const TWO_26: number = 2 ** 26;
const TWO_32: number = 2 ** 32;
/** Base 32 as geohash.org writes it: digits and letters without a, i, l and o. */
const ALPHABET = "0123456789bcdefghjkmnpqrstuvwxyz";

/** A cell of the grid of `2^step` by `2^step` over the map. */
export interface GeoCell {
  /** Column, counted from the west; below `2^step`. */
  readonly x: number;
  /** Row, counted from the south; below `2^step`. */
  readonly y: number;
  /** Bits of x and of y: 1 to 26. */
  readonly step: number;
}

/** The result of {@linkcode decodePoint}, in degrees; valid until its next call. */
export const decodePointResult = { longitude: 0, latitude: 0 };

/**
 * The geohash of a position, as a whole number (`geohashEncodeWGS84`). On the eastern or northern
 * edge of the map it has 54 bits, as in Redis.
 *
 * @param longitude Degrees within {@linkcode LONGITUDE_LIMIT}; the caller has checked that.
 * @param latitude Degrees within {@linkcode LATITUDE_LIMIT}; the caller has checked that.
 */
export function encodePoint(longitude: number, latitude: number): number {
  assert(Math.abs(longitude) <= LONGITUDE_LIMIT, "the longitude is on the map");
  assert(Math.abs(latitude) <= LATITUDE_LIMIT, "the latitude is on the map");
  const { x, y } = cellAt(longitude, latitude, LATITUDE_LIMIT, GEO_STEPS);
  return interleave(x, y);
}

/**
 * Fills {@linkcode decodePointResult} with the middle of the cell of step 26 that a score names
 * (`decodeGeohash` in `geo.c`). Any score is accepted, because GEO commands read any sorted set:
 * what is no geohash gives some position, the same one as in Redis.
 */
export function decodePoint(score: number): void {
  const { high, low } = wordsOf(score);
  const y = (squash(high) * 65536 + squash(low)) / TWO_26;
  const x = (squash(high >>> 1) * 65536 + squash(low >>> 1)) / TWO_26;
  const unit = 1 / TWO_26;
  decodePointResult.longitude = middle(x, x + unit, LONGITUDE_LIMIT);
  decodePointResult.latitude = middle(y, y + unit, LATITUDE_LIMIT);
}

/**
 * The eleven letters of a position in the notation of geohash.org (`geohashCommand`). Its latitudes
 * reach from -90 to 90 degrees, so the position is encoded anew, on that grid.
 */
export function geohashText(longitude: number, latitude: number): string {
  const { x, y } = cellAt(longitude, latitude, 90, GEO_STEPS);
  const bits = interleave(x, y);
  let text = "";
  for (let i = 1; i <= 10; i++) text += ALPHABET[Math.floor(bits / 2 ** (52 - 5 * i)) % 32];
  // 52 bits are ten letters of five bits and two bits more: Redis writes the eleventh letter as
  // "0".
  return text + ALPHABET[0];
}

/** The lowest geohash of a cell: the cell has `2^(52 - 2 * step)` of them, in one run. */
export function firstInCell(cell: GeoCell): number {
  return interleave(cell.x, cell.y) * 2 ** (52 - 2 * cell.step);
}

/**
 * Metres between two positions in degrees on the sphere, by the haversine formula
 * (`geohashGetDistance`):
 *
 *     a = sin((lat2 - lat1) / 2)^2 + cos(lat1) * cos(lat2) * sin((lon2 - lon1) / 2)^2
 *     distance = 2 * radius * asin(sqrt(a))
 *
 * The order of the operations is that of Redis: replies show 4 digits behind the point.
 */
export function distance(lon1: number, lat1: number, lon2: number, lat2: number): number {
  if (Math.sin((lon2 * RADIANS - lon1 * RADIANS) / 2) === 0) return latitudeDistance(lat1, lat2);
  return haversine(lon1, lat1, lon2, lat2);
}

/**
 * {@linkcode distance} without its short way for positions on one meridian, as Redis before 7.0 computes it:
 * the last digits differ.
 */
export function haversine(lon1: number, lat1: number, lon2: number, lat2: number): number {
  const lat1r = lat1 * RADIANS;
  const lat2r = lat2 * RADIANS;
  const u = Math.sin((lat2r - lat1r) / 2);
  const v = Math.sin((lon2 * RADIANS - lon1 * RADIANS) / 2);
  const a = u * u + Math.cos(lat1r) * Math.cos(lat2r) * v * v;
  return 2 * EARTH_RADIUS * Math.asin(Math.sqrt(a));
}

/** Metres between two latitudes in degrees, along a meridian (`geohashGetLatDistance`). */
export function latitudeDistance(lat1: number, lat2: number): number {
  return EARTH_RADIUS * Math.abs(lat2 * RADIANS - lat1 * RADIANS);
}

/** A rectangle of the map, in degrees. */
export interface GeoBounds {
  /** Longitude of the western side. */
  readonly west: number;
  /** Latitude of the southern side. */
  readonly south: number;
  /** Longitude of the eastern side. */
  readonly east: number;
  /** Latitude of the northern side. */
  readonly north: number;
}

/** A shape around a position (`GeoShape` in `geohash.h`). */
export interface GeoShape {
  /** Longitude of the centre, degrees. */
  readonly longitude: number;
  /** Latitude of the centre, degrees. */
  readonly latitude: number;
  /** The rectangle of degrees around the shape. */
  readonly bounds: GeoBounds;
  /** Metres from the centre to the farthest point: the radius, or half the diagonal of a box. */
  readonly reach: number;
  /** Whether cells are chosen as by Redis before 7.0, which measured where the outer ones end. */
  readonly measured: boolean;
}

/**
 * One to nine cells that together cover a shape: the cell of its centre first, then neighbours that
 * the shape may reach (`geohashCalculateAreasByShapeWGS84`). On a coarse grid one cell can appear
 * twice, because the map wraps around: the caller must not count its members twice.
 */
export function coveringCells(shape: GeoShape): GeoCell[] {
  assert(shape.reach >= 0, "a shape has an extent that is no less than 0");
  const { longitude, latitude, bounds } = shape;
  let step = stepFor(shape.reach, latitude);
  let center = cellAt(longitude, latitude, LATITUDE_LIMIT, step);
  const isEnough = shape.measured ? measures(center, shape) : reaches(center, bounds);
  if (step > 1 && !isEnough) {
    step--;
    center = cellAt(longitude, latitude, LATITUDE_LIMIT, step);
  }
  const area = areaOf(center);
  // A row or column is left out when the centre's cell already ends beyond the bounds on that side.
  // Redis does so only from step 2 on: of the four cells of step 1 none can be spared.
  const isFine = step >= 2;
  const north = !(isFine && area.north > bounds.north);
  const south = !(isFine && area.south < bounds.south);
  const east = !(isFine && area.east > bounds.east);
  const west = !(isFine && area.west < bounds.west);
  const cells = [center];
  if (north) cells.push(moved(center, 0, 1));
  if (south) cells.push(moved(center, 0, -1));
  if (east) cells.push(moved(center, 1, 0));
  if (west) cells.push(moved(center, -1, 0));
  if (north && east) cells.push(moved(center, 1, 1));
  if (north && west) cells.push(moved(center, -1, 1));
  if (south && east) cells.push(moved(center, 1, -1));
  if (south && west) cells.push(moved(center, -1, -1));
  return cells;
}

/**
 * The rectangle of degrees around a circle or a box (`geohashBoundingBox`). Meridians come together towards
 * a pole, so one width in metres is most degrees on the shape's polar side: that side decides.
 *
 * @param halfWidth Half the width of a box or the radius of a circle, metres.
 * @param halfHeight Half the height of a box or the radius of a circle, metres.
 * @param atCenter Whether the latitude of the centre decides instead, as in Redis before 7.0.
 */
export function boundsAround(
  longitude: number,
  latitude: number,
  halfWidth: number,
  halfHeight: number,
  atCenter: boolean,
): GeoBounds {
  const tall = halfHeight / EARTH_RADIUS / RADIANS;
  const wide = halfWidth / EARTH_RADIUS;
  const polar = latitude < 0 ? latitude - tall : latitude + tall;
  const broad = wide / Math.cos((atCenter ? latitude : polar) * RADIANS) / RADIANS;
  return {
    west: longitude - broad,
    south: latitude - tall,
    east: longitude + broad,
    north: latitude + tall,
  };
}

/**
 * Step of the finest grid of which nine cells cover a circle (`geohashEstimateStepsByRadius`). A
 * cell's side halves with each step; two steps less make it reach from any point of the middle
 * cell. Beyond 66 and beyond 80 degrees a cell is so narrow in metres that one more step is taken
 * back, as in Redis.
 */
function stepFor(metres: number, latitude: number): number {
  if (metres === 0) return GEO_STEPS;
  let step = 1;
  for (let size = metres; size < MERCATOR_MAX; size *= 2) step++;
  step -= 2;
  const far = Math.abs(latitude);
  if (far > 66) step--;
  if (far > 80) step--;
  return Math.min(Math.max(step, 1), GEO_STEPS);
}

/** Whether the eight neighbours of a cell reach as far as the bounds on all four sides. */
function reaches(center: GeoCell, bounds: GeoBounds): boolean {
  return areaOf(moved(center, 0, 1)).north >= bounds.north &&
    areaOf(moved(center, 0, -1)).south <= bounds.south &&
    areaOf(moved(center, 1, 0)).east >= bounds.east &&
    areaOf(moved(center, -1, 0)).west <= bounds.west;
}

/** Whether the eight neighbours of a cell end as far from the centre as the shape does on all four sides. */
function measures(center: GeoCell, { longitude, latitude, reach }: GeoShape): boolean {
  const north = areaOf(moved(center, 0, 1)).north;
  const south = areaOf(moved(center, 0, -1)).south;
  const east = areaOf(moved(center, 1, 0)).east;
  const west = areaOf(moved(center, -1, 0)).west;
  return haversine(longitude, latitude, longitude, north) >= reach &&
    haversine(longitude, latitude, longitude, south) >= reach &&
    haversine(longitude, latitude, east, latitude) >= reach &&
    haversine(longitude, latitude, west, latitude) >= reach;
}

/** The cell of a position on a map whose latitudes end at +- `limit` degrees. */
function cellAt(longitude: number, latitude: number, limit: number, step: number): GeoCell {
  const size = 2 ** step;
  const x = (longitude + LONGITUDE_LIMIT) / (2 * LONGITUDE_LIMIT) * size;
  const y = (latitude + limit) / (2 * limit) * size;
  return { x: Math.floor(x), y: Math.floor(y), step };
}

/**
 * The cell that lies `east` columns and `north` rows away, each -1, 0 or 1. Indices wrap around,
 * also from pole to pole, as the masks of `geohash_move_x` and `geohash_move_y` make them do.
 */
function moved(cell: GeoCell, east: number, north: number): GeoCell {
  const mask = 2 ** cell.step - 1;
  const x = east === 0 ? cell.x : (cell.x + east) & mask;
  const y = north === 0 ? cell.y : (cell.y + north) & mask;
  return { x, y, step: cell.step };
}

/** The degrees between which a cell lies (`geohashDecode`). */
function areaOf(cell: GeoCell): GeoBounds {
  const size = 2 ** cell.step;
  const at = (index: number, limit: number) => -limit + index / size * (2 * limit);
  return {
    west: at(cell.x, LONGITUDE_LIMIT),
    south: at(cell.y, LATITUDE_LIMIT),
    east: at(cell.x + 1, LONGITUDE_LIMIT),
    north: at(cell.y + 1, LATITUDE_LIMIT),
  };
}

/** Degrees half way between two shares of the range from -limit to limit, clamped to that range. */
function middle(from: number, to: number, limit: number): number {
  const low = -limit + from * (2 * limit);
  const high = -limit + to * (2 * limit);
  return Math.min(Math.max((low + high) / 2, -limit), limit);
}

/**
 * `interleave64`: bits of x and y in turn, y's lowest. JavaScript has bit operations on 32 bits
 * only, so the lower 13 bits of each make the lower 26 and the rest, up to 14 bits of each, the
 * upper half.
 */
function interleave(x: number, y: number): number {
  const high = spread(y >>> 13) | (spread(x >>> 13) << 1);
  const low = spread(y & 0x1fff) | (spread(x & 0x1fff) << 1);
  return high * TWO_26 + low;
}

/** Moves bit i of a 16-bit number to bit 2i, in four steps that each halve the runs of bits. */
function spread(value: number): number {
  let v = value;
  v = (v | (v << 8)) & 0x00ff00ff;
  v = (v | (v << 4)) & 0x0f0f0f0f;
  v = (v | (v << 2)) & 0x33333333;
  return (v | (v << 1)) & 0x55555555;
}

/** Moves bit 2i of a 32-bit number to bit i and drops the odd bits: undoes {@linkcode spread}. */
function squash(value: number): number {
  let v = value & 0x55555555;
  v = (v | (v >>> 1)) & 0x33333333;
  v = (v | (v >>> 2)) & 0x0f0f0f0f;
  v = (v | (v >>> 4)) & 0x00ff00ff;
  return (v | (v >>> 8)) & 0x0000ffff;
}

/**
 * The two 32-bit halves of a score converted to `uint64_t`, as compilers for x86-64 do it: the
 * fraction is cut off and a negative number wraps around.
 */
function wordsOf(score: number): { high: number; low: number } {
  const whole = Math.trunc(score);
  if (whole >= 0 && whole < 2 ** 64) {
    return { high: Math.floor(whole / TWO_32) >>> 0, low: whole >>> 0 };
  }
  if (whole < 0 && whole >= -(2 ** 63)) {
    const bits = BigInt.asUintN(64, BigInt(whole));
    return { high: Number(bits >> 32n), low: Number(bits & 0xffffffffn) };
  }
  // C leaves conversions out of range undefined: these are the results of x86-64.
  return { high: whole < 0 ? 0x80000000 : 0, low: 0 };
}
