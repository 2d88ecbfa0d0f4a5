/**
 * The reads of sorted sets whose members are positions on the Earth.
 *
 * @module
 */

import { decodePoint, decodePointResult, geohashText } from "../base/geohash.ts";
import { type Entry, ValueType } from "../store/memory/record.ts";
import { zsetScore } from "../store/types/zset.ts";
import type { Value } from "./codec.ts";
import type { BytesReply, CallArgument } from "./reply.ts";
import type { Key } from "./text.ts";
import { ZsetReads } from "./zsets.ts";

/** A unit of distance; a mile is 1609.34 metres, as in Redis. */
export type GeoUnit = "m" | "km" | "ft" | "mi";

/** A position on the Earth in degrees. */
export interface GeoCoordinates {
  /** Degrees east, -180 to 180. */
  readonly longitude: number;
  /** Degrees north, -85.05112878 to 85.05112878. */
  readonly latitude: number;
}

/** The centre of a search: a member or a position. */
export type GeoFrom = Key | GeoCoordinates;

/** The shape that is searched. */
export type GeoBy =
  | { readonly radius: number; readonly unit: GeoUnit }
  | { readonly width: number; readonly height: number; readonly unit: GeoUnit };

/** A polygon that is searched: of Valkey 9. Distances are metres from its own centre. */
export interface GeoPolygon {
  /** Its corners in turn, three at least; the last is joined to the first. */
  readonly polygon: readonly GeoCoordinates[];
}

/** What is told of each member that was found. */
export type GeoWith = "distance" | "hash" | "coordinates";

/** Which members of a shape, and in which order. */
export interface GeoSearchOptions {
  /** The nearest or the farthest first; in no order unless told. */
  readonly sort?: "asc" | "desc";
  /** How many at most; with `any` the first that are met, else the nearest. */
  readonly count?: number | { readonly value: number; readonly any?: boolean };
}

/** A member that was found, with what was asked for. */
export interface GeoMember<T extends Value> {
  /** The member's bytes or text. */
  readonly member: T;
  /** How far it is from the centre in the shape's unit, to four digits. */
  readonly distance?: number;
  /** Its geohash of 52 bits. */
  readonly hash?: number;
  /** Where it lies, to the geohash's precision. */
  readonly coordinates?: GeoCoordinates;
}

/** The reads of positions. */
export class GeoReads<T extends Value> extends ZsetReads<T> {
  /**
   * Where members lie, in order; undefined for those that are missing.
   *
   * @throws {CommandError} `WRONGTYPE` when the key holds something else.
   */
  geopos(key: Key, members: readonly Key[]): (GeoCoordinates | undefined)[] {
    const entry = this.core.findType(key, ValueType.ZSET);
    return members.map((member) => {
      if (!this.#locate(entry, member)) return undefined;
      const { longitude, latitude } = decodePointResult;
      return { longitude, latitude };
    });
  }

  /**
   * How far two members are apart, to four digits; undefined when either is missing.
   *
   * @param unit Metres unless told.
   * @throws {CommandError} `WRONGTYPE` when the key holds something else.
   */
  geodist(key: Key, a: Key, b: Key, unit: GeoUnit = "m"): number | undefined {
    const reply = this.core.valueOf(this.core.run(["GEODIST", key, a, b, unit]));
    return reply === undefined ? undefined : toNumber(reply);
  }

  /**
   * The geohashes of members as eleven letters, in order; undefined for those that are missing.
   *
   * @throws {CommandError} `WRONGTYPE` when the key holds something else.
   */
  geohash(key: Key, members: readonly Key[]): (string | undefined)[] {
    const entry = this.core.findType(key, ValueType.ZSET);
    return members.map((member) => {
      if (!this.#locate(entry, member)) return undefined;
      return geohashText(decodePointResult.longitude, decodePointResult.latitude);
    });
  }

  /**
   * The members inside a circle or a box; empty when there is no such key.
   *
   * @param from The centre: a member, or a position.
   * @throws {CommandError} `WRONGTYPE` when the key holds something else, or when there is no such member.
   */
  geosearch(
    key: Key,
    from: GeoFrom,
    by: GeoBy,
    options?: GeoSearchOptions & { readonly with?: undefined },
  ): T[];
  /** The same with their distances, geohashes or coordinates. */
  geosearch<W extends GeoWith>(
    key: Key,
    from: GeoFrom,
    by: GeoBy,
    options: GeoSearchOptions & { readonly with: readonly W[] },
  ): (GeoMember<T> & Required<Pick<GeoMember<T>, W>>)[];
  /** The members inside a polygon, which has a centre of its own. */
  geosearch(
    key: Key,
    from: undefined,
    by: GeoPolygon,
    options?: GeoSearchOptions & { readonly with?: undefined },
  ): T[];
  /** The same with their distances, geohashes or coordinates. */
  geosearch<W extends GeoWith>(
    key: Key,
    from: undefined,
    by: GeoPolygon,
    options: GeoSearchOptions & { readonly with: readonly W[] },
  ): (GeoMember<T> & Required<Pick<GeoMember<T>, W>>)[];
  geosearch(
    key: Key,
    from: GeoFrom | undefined,
    by: GeoBy | GeoPolygon,
    options: GeoSearchOptions & { readonly with?: readonly GeoWith[] } = {},
  ): T[] | GeoMember<T>[] {
    const { core } = this;
    const extras = options.with ?? [];
    const reply = core.run(searchArguments(key, from, by, options, extras));
    if (options.with === undefined) return core.values(reply) as T[];
    return (reply as BytesReply[]).map((row) => this.#toMember(row, extras));
  }

  #toMember(row: BytesReply, extras: readonly GeoWith[]): GeoMember<T> {
    const { core } = this;
    if (!Array.isArray(row)) return { member: core.valueOf(row)! };
    const [member, ...rest] = row;
    const found: { -readonly [Name in keyof GeoMember<T>]: GeoMember<T>[Name] } = {
      member: core.valueOf(member)!,
    };
    if (extras.includes("distance")) found.distance = toNumber(core.valueOf(rest.shift()!)!);
    if (extras.includes("hash")) found.hash = Number(rest.shift());
    if (extras.includes("coordinates")) {
      const [longitude, latitude] = rest.shift() as [number, number];
      found.coordinates = { longitude, latitude };
    }
    return found;
  }

  /** Writes a member's position to `decodePointResult`; false when it is missing. */
  #locate(entry: Entry, member: Key): boolean {
    if (entry === 0) return false;
    const { core } = this;
    core.arg.set(member);
    const score = zsetScore(core.db, entry, core.arg.bytes, 0, core.arg.end);
    if (score !== score) return false;
    decodePoint(score);
    return true;
  }
}

function searchArguments(
  key: Key,
  from: GeoFrom | undefined,
  by: GeoBy | GeoPolygon,
  { sort, count }: GeoSearchOptions,
  extras: readonly GeoWith[],
): CallArgument[] {
  const args: CallArgument[] = ["GEOSEARCH", key];
  if (typeof from === "string" || from instanceof Uint8Array) args.push("FROMMEMBER", from);
  else if (from !== undefined) args.push("FROMLONLAT", from.longitude, from.latitude);
  if ("radius" in by) args.push("BYRADIUS", by.radius, by.unit);
  else if ("width" in by) args.push("BYBOX", by.width, by.height, by.unit);
  else {
    args.push("BYPOLYGON", by.polygon.length);
    for (const { longitude, latitude } of by.polygon) args.push(longitude, latitude);
  }
  if (sort !== undefined) args.push(sort);
  if (count !== undefined) {
    args.push("COUNT", typeof count === "number" ? count : count.value);
    if (typeof count === "object" && count.any) args.push("ANY");
  }
  if (extras.includes("distance")) args.push("WITHDIST");
  if (extras.includes("hash")) args.push("WITHHASH");
  if (extras.includes("coordinates")) args.push("WITHCOORD");
  return args;
}

/** A number that a handler replies as text. */
function toNumber(text: Value): number {
  return Number(typeof text === "string" ? text : new TextDecoder().decode(text));
}
