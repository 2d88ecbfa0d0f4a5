/**
 * Geohashes of 52 bits: longitude and latitude, each as a number of 26 bits within its range, their bits
 * in turn, latitude's the lowest. Such a number is a whole double, and near ones are often near places.
 *
 * A cell is what the first `2 * step` bits name. Here it is kept as its two indices, which makes its
 * neighbours a matter of adding one.
 *
 * @module
 */

/** Bits of either coordinate in a whole geohash. */
export const GEO_STEPS = 26;
/** Longitudes lie within +- this. */
export const LONGITUDE_LIMIT = 180;
/** Latitudes lie within +- this: the square Mercator map ends here (EPSG:900913). */
export const LATITUDE_LIMIT = 85.05112878;

const RADIANS: number = Math.PI / 180;
/** Quadratic mean radius of the Earth by WGS-84. */
const EARTH_RADIUS = 6372797.560856;
const MERCATOR_MAX = 20037726.37;
const TWO_26: number = 2 ** 26;
const TWO_32: number = 2 ** 32;
const ALPHABET = "0123456789bcdefghjkmnpqrstuvwxyz";

/** A cell of the grid of `2^step` by `2^step`. */
export interface GeoCell {
  /** Index from the west. */
  readonly x: number;
  /** Index from the south. */
  readonly y: number;
  /** Bits of either. */
  readonly step: number;
}

/** The point that the last {@linkcode decodePoint} found, in degrees. */
export const decodePointResult = { longitude: 0, latitude: 0 };

/** The geohash of a place within the limits, as a whole double. */
export function encodePoint(longitude: number, latitude: number): number {
  const { x, y } = cellAt(longitude, latitude, LATITUDE_LIMIT, GEO_STEPS);
  return interleave(x, y);
}

/** Writes the middle of the cell that a score names to {@linkcode decodePointResult}; any number will do. */
export function decodePoint(score: number): void {
  const { high, low } = wordsOf(score);
  const y = (squash(high) * 65536 + squash(low)) / TWO_26;
  const x = (squash(high >>> 1) * 65536 + squash(low >>> 1)) / TWO_26;
  const unit = 1 / TWO_26;
  decodePointResult.longitude = middle(x, x + unit, LONGITUDE_LIMIT);
  decodePointResult.latitude = middle(y, y + unit, LATITUDE_LIMIT);
}

/** The eleven letters of a place in the common notation, whose latitudes reach the poles. */
export function geohashText(longitude: number, latitude: number): string {
  const { x, y } = cellAt(longitude, latitude, 90, GEO_STEPS);
  const bits = interleave(x, y);
  let text = "";
  for (let i = 1; i <= 10; i++) text += ALPHABET[Math.floor(bits / 2 ** (52 - 5 * i)) % 32];
  // 52 bits are two letters and a half short of eleven: the last is made up.
  return text + ALPHABET[0];
}

/** The lowest geohash of a cell; that of its successor is `2^(52 - 2 * step)` higher. */
export function firstInCell(cell: GeoCell): number {
  return interleave(cell.x, cell.y) * 2 ** (52 - 2 * cell.step);
}

/** Metres between two places on the sphere, by the haversine formula. */
export function distance(lon1: number, lat1: number, lon2: number, lat2: number): number {
  const v = Math.sin((lon2 * RADIANS - lon1 * RADIANS) / 2);
  if (v === 0) return latitudeDistance(lat1, lat2);
  const lat1r = lat1 * RADIANS;
  const lat2r = lat2 * RADIANS;
  const u = Math.sin((lat2r - lat1r) / 2);
  const a = u * u + Math.cos(lat1r) * Math.cos(lat2r) * v * v;
  return 2 * EARTH_RADIUS * Math.asin(Math.sqrt(a));
}

/** Metres between two places on one meridian. */
export function latitudeDistance(lat1: number, lat2: number): number {
  return EARTH_RADIUS * Math.abs(lat2 * RADIANS - lat1 * RADIANS);
}

/** A circle or box on the map, in metres. */
export interface GeoShape {
  /** Of its centre. */
  readonly longitude: number;
  /** Of its centre. */
  readonly latitude: number;
  /** Half the width of a box; a circle's radius. */
  readonly halfWidth: number;
  /** Half the height of a box; a circle's radius. */
  readonly halfHeight: number;
  /** How far its farthest point is. */
  readonly reach: number;
}

/** Up to nine cells that cover a shape, the middle one first. */
export function coveringCells(shape: GeoShape): GeoCell[] {
  const { longitude, latitude } = shape;
  const bounds = boundsOf(shape);
  let step = stepFor(shape.reach, latitude);
  let center = cellAt(longitude, latitude, LATITUDE_LIMIT, step);
  if (step > 1 && !reaches(center, bounds)) {
    step--;
    center = cellAt(longitude, latitude, LATITUDE_LIMIT, step);
  }
  const area = areaOf(center);
  // Whole rows and columns of cells outside of the bounds are left out.
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

/** Where something ends, in degrees. */
interface Bounds {
  readonly west: number;
  readonly south: number;
  readonly east: number;
  readonly north: number;
}

/** A shape is wider in degrees on its side towards the pole. */
function boundsOf(shape: GeoShape): Bounds {
  const { longitude, latitude } = shape;
  const tall = shape.halfHeight / EARTH_RADIUS / RADIANS;
  const wide = shape.halfWidth / EARTH_RADIUS;
  const polar = latitude < 0 ? latitude - tall : latitude + tall;
  const broad = wide / Math.cos(polar * RADIANS) / RADIANS;
  return {
    west: longitude - broad,
    south: latitude - tall,
    east: longitude + broad,
    north: latitude + tall,
  };
}

/** The finest grid of which nine cells cover a circle, coarser towards the poles. */
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

/** Whether the cells around one reach as far as the bounds. */
function reaches(center: GeoCell, bounds: Bounds): boolean {
  return areaOf(moved(center, 0, 1)).north >= bounds.north &&
    areaOf(moved(center, 0, -1)).south <= bounds.south &&
    areaOf(moved(center, 1, 0)).east >= bounds.east &&
    areaOf(moved(center, -1, 0)).west <= bounds.west;
}

function cellAt(longitude: number, latitude: number, limit: number, step: number): GeoCell {
  const size = 2 ** step;
  const x = (longitude + LONGITUDE_LIMIT) / (2 * LONGITUDE_LIMIT) * size;
  const y = (latitude + limit) / (2 * limit) * size;
  return { x: Math.floor(x), y: Math.floor(y), step };
}

/** The map wraps around, also from pole to pole. */
function moved(cell: GeoCell, east: number, north: number): GeoCell {
  const mask = 2 ** cell.step - 1;
  const x = east === 0 ? cell.x : (cell.x + east) & mask;
  const y = north === 0 ? cell.y : (cell.y + north) & mask;
  return { x, y, step: cell.step };
}

function areaOf(cell: GeoCell): Bounds {
  const size = 2 ** cell.step;
  const at = (index: number, limit: number) => -limit + index / size * (2 * limit);
  return {
    west: at(cell.x, LONGITUDE_LIMIT),
    south: at(cell.y, LATITUDE_LIMIT),
    east: at(cell.x + 1, LONGITUDE_LIMIT),
    north: at(cell.y + 1, LATITUDE_LIMIT),
  };
}

/** Between two shares of a range, clamped to it. */
function middle(from: number, to: number, limit: number): number {
  const low = -limit + from * (2 * limit);
  const high = -limit + to * (2 * limit);
  return Math.min(Math.max((low + high) / 2, -limit), limit);
}

/** Bits of x and y in turn, y's lowest: up to 54 of them. */
function interleave(x: number, y: number): number {
  const high = spread(y >>> 13) | (spread(x >>> 13) << 1);
  const low = spread(y & 0x1fff) | (spread(x & 0x1fff) << 1);
  return high * TWO_26 + low;
}

/** 16 bits to every other one of 32. */
function spread(value: number): number {
  let v = value;
  v = (v | (v << 8)) & 0x00ff00ff;
  v = (v | (v << 4)) & 0x0f0f0f0f;
  v = (v | (v << 2)) & 0x33333333;
  return (v | (v << 1)) & 0x55555555;
}

/** Every other one of 32 bits to 16. */
function squash(value: number): number {
  let v = value & 0x55555555;
  v = (v | (v >>> 1)) & 0x33333333;
  v = (v | (v >>> 2)) & 0x0f0f0f0f;
  v = (v | (v >>> 4)) & 0x00ff00ff;
  return (v | (v >>> 8)) & 0x0000ffff;
}

/** A double as C converts it to 64 bits: cut off, and wrapped where it is negative. */
function wordsOf(score: number): { high: number; low: number } {
  const whole = Math.trunc(score);
  if (whole >= 0 && whole < 2 ** 64) {
    return { high: Math.floor(whole / TWO_32) >>> 0, low: whole >>> 0 };
  }
  if (whole < 0 && whole >= -(2 ** 63)) {
    const bits = BigInt.asUintN(64, BigInt(whole));
    return { high: Number(bits >> 32n), low: Number(bits & 0xffffffffn) };
  }
  // What x86 makes of a number out of range.
  return { high: whole < 0 ? 0x80000000 : 0, low: 0 };
}
