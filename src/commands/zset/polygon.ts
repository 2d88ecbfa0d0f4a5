/**
 * A polygon that GEOSEARCH BYPOLYGON of Valkey 9 searches. Its sides are straight on a map of degrees
 * (`geohash_helper.c geohashGetDistanceIfInPolygon`), its centre is that of its vertices on the sphere.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { distance, type GeoBounds, LATITUDE_LIMIT, LONGITUDE_LIMIT } from "../../base/geohash.ts";

const RADIANS = Math.PI / 180;

/** A polygon of at least three vertices. */
export class Polygon {
  /** Longitude of the centre, degrees. */
  readonly longitude: number;
  /** Latitude of the centre, degrees. */
  readonly latitude: number;
  /** The rectangle of degrees around the vertices. */
  readonly bounds: GeoBounds;
  /** Longitude and latitude of each vertex in turn, degrees. */
  readonly #vertices: readonly number[];

  /** Takes longitude and latitude of each vertex in turn, in degrees. */
  constructor(vertices: readonly number[]) {
    assert(vertices.length >= 6 && vertices.length % 2 === 0, "a polygon has three vertices");
    this.#vertices = vertices;
    let [x, y, z] = [0, 0, 0];
    let [west, east] = [LONGITUDE_LIMIT, -LONGITUDE_LIMIT];
    let [south, north] = [LATITUDE_LIMIT, -LATITUDE_LIMIT];
    for (let i = 0; i < vertices.length; i += 2) {
      const [longitude, latitude] = [vertices[i], vertices[i + 1]];
      west = Math.min(west, longitude);
      east = Math.max(east, longitude);
      south = Math.min(south, latitude);
      north = Math.max(north, latitude);
      // The sum of unit vectors points where their mean does.
      x += Math.cos(latitude * RADIANS) * Math.cos(longitude * RADIANS);
      y += Math.cos(latitude * RADIANS) * Math.sin(longitude * RADIANS);
      z += Math.sin(latitude * RADIANS);
    }
    this.longitude = Math.atan2(y, x) / RADIANS;
    this.latitude = Math.atan2(z, Math.sqrt(x * x + y * y)) / RADIANS;
    this.bounds = { west, south, east, north };
  }

  /** Metres from the centre to the farthest corner of the bounds. */
  get reach(): number {
    const { longitude, latitude } = this;
    const { west, south, east, north } = this.bounds;
    return Math.max(
      distance(longitude, latitude, west, north),
      distance(longitude, latitude, east, north),
      distance(longitude, latitude, west, south),
      distance(longitude, latitude, east, south),
    );
  }

  /**
   * Whether a position lies inside: a ray to the east crosses an odd number of sides (PNPOLY by W. Randolph
   * Franklin).
   */
  contains(longitude: number, latitude: number): boolean {
    const at = this.#vertices;
    let inside = false;
    for (let i = 0, j = at.length - 2; i < at.length; j = i, i += 2) {
      if ((at[i + 1] > latitude) === (at[j + 1] > latitude)) continue;
      const share = (at[j] - at[i]) * (latitude - at[i + 1]) / (at[j + 1] - at[i + 1]);
      if (longitude < share + at[i]) inside = !inside;
    }
    return inside;
  }
}
