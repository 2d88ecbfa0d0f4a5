/**
 * What the searching GEO commands ask: their arguments, read and checked, and the members that lie inside the shape
 * (`geo.c georadiusGeneric`).
 *
 * ```text
 *   shape --coveringCells()--> up to 9 cells --> a range of scores each
 *         --> their members --> those at a distance inside the shape
 * ```
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import {
  boundsAround,
  coveringCells,
  decodePoint,
  decodePointResult,
  distance,
  firstInCell,
  type GeoBounds,
  type GeoCell,
  type GeoShape,
  haversine,
  LATITUDE_LIMIT,
  latitudeDistance,
  LONGITUDE_LIMIT,
} from "../../base/geohash.ts";
import type { Argv } from "../../resp/argv.ts";
import { type Entry, ValueType } from "../../store/memory/record.ts";
import { zsetCountBelow, zsetEachRange, zsetScore } from "../../store/types/zset.ts";
import { isWord, readDouble, readInteger, textOf } from "../engine/args.ts";
import type { Context } from "../engine/context.ts";
import { CommandError, COUNT_ABOVE_ZERO, cString, SYNTAX } from "../engine/errors.ts";
import { STEP_ELEMENTS, type Steps } from "../engine/long_read.ts";
import { lookup } from "../engine/lookup.ts";
import { isRedisBefore } from "../engine/master_version.ts";
import { Polygon } from "./polygon.ts";

/**
 * Units of distance and their metres, as geo.c has them: its mile is 1609.34 metres, not 1609.344.
 */
const UNITS: readonly (readonly [name: string, metres: number])[] = [
  ["M", 1],
  ["KM", 1000],
  ["FT", 0.3048],
  ["MI", 1609.34],
];
const UNKNOWN_UNIT = "ERR unsupported unit provided. please use M, KM, FT, MI";
const NO_SUCH_MEMBER = "ERR could not decode requested zset member";

/**
 * The position that argument `index`, the longitude, and the next one, the latitude, give in
 * degrees.
 *
 * @throws {CommandError} When they are no numbers, or lie outside of the map: near the poles there
 * is none.
 */
export function readPosition(argv: Argv, index: number): { longitude: number; latitude: number } {
  const longitude = readDouble(argv, index);
  const latitude = readDouble(argv, index + 1);
  if (Math.abs(longitude) > LONGITUDE_LIMIT || Math.abs(latitude) > LATITUDE_LIMIT) {
    const pair = `${fixed(longitude)},${fixed(latitude)}`;
    throw new CommandError(`ERR invalid longitude,latitude pair ${pair}`);
  }
  return { longitude, latitude };
}

/** A number as C's `%f` prints it: six digits behind the point, never an exponent. */
function fixed(value: number): string {
  if (Math.abs(value) === Infinity) return value < 0 ? "-inf" : "inf";
  return Math.abs(value) < 1e21 ? value.toFixed(6) : `${BigInt(value)}.000000`;
}

/**
 * The metres of the unit that argument `index` names.
 * @throws {CommandError} When it names none.
 */
export function readUnit(argv: Argv, index: number): number {
  for (const [name, metres] of UNITS) if (isWord(argv, index, name)) return metres;
  throw new CommandError(UNKNOWN_UNIT);
}

/**
 * Writes the position of the member that argument `index` names to {@linkcode decodePointResult};
 * false when the sorted set, or 0 for a missing one, does not have it.
 */
export function findPosition(ctx: Context, entry: Entry, argv: Argv, index: number): boolean {
  const score = entry === 0
    ? NaN
    : zsetScore(ctx.db, entry, argv.bytes, argv.starts[index], argv.ends[index]);
  if (score !== score) return false;
  decodePoint(score);
  return true;
}

/** The four orders of arguments that the searching commands have. */
export const Form = { RADIUS: 0, BY_MEMBER: 1, SEARCH: 2, SEARCH_STORE: 3 } as const;
/** The order of arguments that one command has. */
export type Form = typeof Form[keyof typeof Form];

/** A member inside the shape. */
export interface Found {
  /** The bytes of its name, copied. */
  readonly member: Uint8Array;
  /** Its score in the sorted set, a geohash of 52 bits. */
  readonly score: number;
  /** How far it is from the centre. */
  readonly metres: number;
  /** Degrees east of its position. */
  readonly longitude: number;
  /** Degrees north of its position. */
  readonly latitude: number;
}

/** The arguments of a search, read and checked, and the sorted set to search. */
export class GeoQuery {
  /** The sorted set, 0 when the key is missing: the arguments are checked all the same. */
  readonly entry: Entry;
  /** Index of the key to store the result under, 0 for a reply. */
  storeIndex: number = 0;
  /** Whether distances are stored as scores, instead of geohashes. */
  storeDistance: boolean = false;
  /** Whether WITHDIST asks for each distance. */
  withDistance: boolean = false;
  /** Whether WITHHASH asks for each geohash. */
  withHash: boolean = false;
  /** Whether WITHCOORD asks for each position. */
  withPosition: boolean = false;
  /** The most members to give, 0 for all. */
  count: number = 0;
  /** Whether the first members met will do, instead of the nearest. */
  any: boolean = false;
  /** 1 for the nearest first, -1 for the farthest, 0 for the order in which they are met. */
  order: number = 0;
  /** Metres of the unit in which the shape is given and distances are replied. */
  unit: number = 1;
  readonly #form: Form;
  readonly #mayStore: boolean;
  /** The centre of the shape, in degrees. */
  #longitude: number = 0;
  #latitude: number = 0;
  /** Which options gave the centre and the shape; "" before. */
  #from: "" | "member" | "position" | "polygon" = "";
  #by: "" | "radius" | "box" | "polygon" = "";
  #polygon: Polygon | undefined = undefined;
  /**
   * Whether to find what a master before Redis 6.2 found, or one before 6.2.7: they send the command as it
   * came, and chose and measured otherwise at the border of a shape.
   */
  readonly #isBefore62: boolean;
  readonly #isBefore627: boolean;
  /** How distances are measured: before 7.0 their last digits were others. */
  readonly #measure: typeof distance;
  /** The radius, or the width of a box, and its height, in the unit. */
  #width: number = 0;
  #height: number = 0;

  /**
   * Reads and checks all arguments of a command.
   *
   * @param form Where the arguments are.
   * @param mayStore Whether STORE and STOREDIST are options.
   * @throws {CommandError} WRONGTYPE first, then whatever argument is wrong, in Redis's order.
   */
  constructor(ctx: Context, argv: Argv, form: Form, mayStore: boolean) {
    this.#form = form;
    this.#mayStore = mayStore;
    this.#isBefore62 = isRedisBefore(ctx.keyspace, [6, 2]);
    this.#isBefore627 = isRedisBefore(ctx.keyspace, [6, 2, 7]);
    this.#measure = isRedisBefore(ctx.keyspace, [7]) ? haversine : distance;
    this.storeIndex = form === Form.SEARCH_STORE ? 1 : 0;
    const source = form === Form.SEARCH_STORE ? 2 : 1;
    this.entry = lookup(ctx, argv, source, ValueType.ZSET);
    let first = source + 1;
    if (form === Form.RADIUS) {
      this.#takePosition(argv, 2);
      this.#takeRadius(argv, 4);
      first = 6;
    } else if (form === Form.BY_MEMBER) {
      // As in Redis, a missing key leaves member and radius unread: no error in them is found.
      if (this.entry !== 0) {
        this.#takeMember(ctx, argv, 2);
        this.#takeRadius(argv, 3);
      }
      first = 5;
    }
    for (let i = first; i < argv.count; i++) i += this.#readOption(ctx, argv, i);
    this.#check(argv);
    if (this.count !== 0 && this.order === 0 && !this.any) this.order = 1;
  }

  /**
   * The members inside the shape, in the order in which Redis meets them: cell by cell; with ANY at
   * most `count`. Found in steps of some hundred members.
   *
   * @param entry Finds the sorted set again in each step.
   */
  *find(ctx: Context, entry: () => Entry): Generator<void, Found[], void> {
    const found: Found[] = [];
    const most = this.any ? this.count : Infinity;
    // A centre nearer to a pole than any member may be has no cell: Valkey finds what chance has it.
    if (Math.abs(this.#polygon?.latitude ?? 0) > LATITUDE_LIMIT) return found;
    const cells = coveringCells(this.#shape());
    let last: GeoCell | undefined = undefined;
    for (const [index, cell] of cells.entries()) {
      if (found.length >= most) break;
      // On a coarse grid neighbours may be one cell; Redis skips a cell that equals the one before
      // it.
      if (last !== undefined && last.x === cell.x && last.y === cell.y) continue;
      yield* this.#findInCell(ctx, entry, cell, most, found);
      if (index > 0) last = cell;
    }
    return found;
  }

  /** The shape as the choice of cells sees it. */
  #shape(): GeoShape {
    const measured = this.#isBefore627;
    if (this.#polygon !== undefined) {
      const { longitude, latitude, bounds, reach } = this.#polygon;
      return { longitude, latitude, bounds, reach, measured };
    }
    const isCircle = this.#by !== "box";
    const center = { longitude: this.#longitude, latitude: this.#latitude };
    // The corners of a box are farther away than its sides: they decide how coarse the cells must
    // be.
    const half = [this.#width / 2, this.#height / 2];
    const diagonal = Math.sqrt(half[0] * half[0] + half[1] * half[1]);
    const reach = (isCircle ? this.#width : diagonal) * this.unit;
    return { ...center, bounds: this.#bounds(), reach, measured };
  }

  /** The rectangle of degrees around a circle or a box. */
  #bounds(): GeoBounds {
    const isCircle = this.#by !== "box";
    const halfWidth = (isCircle ? this.#width : this.#width / 2) * this.unit;
    const halfHeight = (isCircle ? this.#width : this.#height / 2) * this.unit;
    const [longitude, latitude] = [this.#longitude, this.#latitude];
    return boundsAround(longitude, latitude, halfWidth, halfHeight, this.#isBefore62);
  }

  /** Appends the members of one cell that lie inside the shape, up to `most` in all. */
  *#findInCell(
    ctx: Context,
    entry: () => Entry,
    cell: GeoCell,
    most: number,
    found: Found[],
  ): Steps {
    assert(this.entry !== 0, "only a sorted set that exists is searched");
    const from = firstInCell(cell);
    const low = zsetCountBelow(ctx.db, entry(), from, false);
    const high = zsetCountBelow(ctx.db, entry(), from + 2 ** (52 - 2 * cell.step), false);
    for (let rank = low; rank < high && found.length < most; rank += STEP_ELEMENTS) {
      if (rank > low) yield;
      const count = Math.min(STEP_ELEMENTS, high - rank);
      zsetEachRange(ctx.db, entry(), rank, count, false, (bytes, start, end, score) => {
        if (found.length >= most) return;
        decodePoint(score);
        const metres = this.#distanceIfWithin();
        if (metres < 0) return;
        const { longitude, latitude } = decodePointResult;
        found.push({ member: bytes.slice(start, end), score, metres, longitude, latitude });
      });
    }
  }

  /**
   * Metres from the centre to {@linkcode decodePointResult}, -1 when that lies outside of the
   * shape. A box is measured along the meridian and along the member's own parallel
   * (`geohashGetDistanceIfInRectangle`).
   */
  #distanceIfWithin(): number {
    const { longitude, latitude } = decodePointResult;
    if (this.#polygon !== undefined) {
      if (!this.#polygon.contains(longitude, latitude)) return -1;
    } else if (this.#by === "box" && !this.#isInBox(longitude, latitude)) return -1;
    const metres = this.#measure(this.#longitude, this.#latitude, longitude, latitude);
    return this.#by === "radius" && metres > this.#width * this.unit ? -1 : metres;
  }

  /** Whether a position lies in the box. */
  #isInBox(longitude: number, latitude: number): boolean {
    const up = latitudeDistance(latitude, this.#latitude);
    if (up > this.#height * this.unit / 2) return false;
    const aside = distance(longitude, latitude, this.#longitude, latitude);
    return aside <= this.#width * this.unit / 2;
  }

  /** Reads the option at argument `i`; returns the number of arguments behind it that it takes. */
  #readOption(ctx: Context, argv: Argv, i: number): number {
    const more = argv.count - i - 1;
    const isSearch = this.#form >= Form.SEARCH;
    if (isWord(argv, i, "WITHDIST")) this.withDistance = true;
    else if (isWord(argv, i, "WITHHASH")) this.withHash = true;
    else if (isWord(argv, i, "WITHCOORD")) this.withPosition = true;
    else if (isWord(argv, i, "ANY")) this.any = true;
    else if (isWord(argv, i, "ASC")) this.order = 1;
    else if (isWord(argv, i, "DESC")) this.order = -1;
    else if (more >= 1 && isWord(argv, i, "COUNT")) return this.#readCount(argv, i + 1);
    else if (isSearch) return this.#readSearchOption(ctx, argv, i);
    else if (this.#mayStore && more >= 1 && isWord(argv, i, "STORE")) {
      return this.#takeStore(i + 1, false);
    } else if (this.#mayStore && more >= 1 && isWord(argv, i, "STOREDIST")) {
      return this.#takeStore(i + 1, true);
    } else throw new CommandError(SYNTAX);
    return 0;
  }

  /**
   * Reads an option that only GEOSEARCH and GEOSEARCHSTORE have; a second centre or shape is a
   * syntax error.
   */
  #readSearchOption(ctx: Context, argv: Argv, i: number): number {
    const more = argv.count - i - 1;
    if (this.#form === Form.SEARCH_STORE && isWord(argv, i, "STOREDIST")) {
      this.storeDistance = true;
      return 0;
    }
    if (more >= 1 && this.#mayCenter("member") && isWord(argv, i, "FROMMEMBER")) {
      this.#from = "member";
      // Without a sorted set there is nothing to find: the member need not exist, either.
      if (this.entry !== 0) this.#takeMember(ctx, argv, i + 1);
      return 1;
    }
    if (more >= 2 && this.#mayCenter("position") && isWord(argv, i, "FROMLONLAT")) {
      this.#from = "position";
      this.#takePosition(argv, i + 1);
      return 2;
    }
    if (more >= 2 && this.#mayShape("radius") && isWord(argv, i, "BYRADIUS")) {
      this.#takeRadius(argv, i + 1);
      return 2;
    }
    if (more >= 3 && this.#mayShape("box") && isWord(argv, i, "BYBOX")) {
      this.#takeBox(argv, i + 1);
      return 3;
    }
    const mayPolygon = this.#mayShape("polygon") && this.#mayCenter("polygon");
    if (more >= 1 && mayPolygon && isWord(argv, i, "BYPOLYGON")) {
      return this.#takePolygon(argv, i + 1);
    }
    throw new CommandError(SYNTAX);
  }

  /** Whether the centre may be given this way: it is given in no other one. */
  #mayCenter(from: "member" | "position" | "polygon"): boolean {
    return this.#from === "" || this.#from === from;
  }

  /** Whether the shape may be this one: it is no other one. */
  #mayShape(by: "radius" | "box" | "polygon"): boolean {
    return this.#by === "" || this.#by === by;
  }

  /** Reads the number behind COUNT, which is one argument. */
  #readCount(argv: Argv, index: number): number {
    this.count = readInteger(argv, index);
    if (this.count <= 0) throw new CommandError(COUNT_ABOVE_ZERO);
    return 1;
  }

  /**
   * Takes the key behind STORE or STOREDIST, which is one argument; of several the last counts, as
   * in Redis.
   */
  #takeStore(index: number, storeDistance: boolean): number {
    this.storeIndex = index;
    this.storeDistance = storeDistance;
    return 1;
  }

  /** Takes the centre from a longitude and a latitude, two arguments from `index` on. */
  #takePosition(argv: Argv, index: number): void {
    const { longitude, latitude } = readPosition(argv, index);
    this.#longitude = longitude;
    this.#latitude = latitude;
  }

  /** Takes the centre from a member; it is an error when the sorted set does not have it. */
  #takeMember(ctx: Context, argv: Argv, index: number): void {
    if (!findPosition(ctx, this.entry, argv, index)) throw new CommandError(NO_SUCH_MEMBER);
    this.#longitude = decodePointResult.longitude;
    this.#latitude = decodePointResult.latitude;
  }

  /** Takes a circle from a radius and a unit, two arguments from `index` on. */
  #takeRadius(argv: Argv, index: number): void {
    const radius = readDouble(argv, index, "ERR need numeric radius");
    if (radius < 0) throw new CommandError("ERR radius cannot be negative");
    this.unit = readUnit(argv, index + 1);
    this.#width = radius;
    this.#by = "radius";
  }

  /** Takes a box from a width, a height and a unit, three arguments from `index` on. */
  #takeBox(argv: Argv, index: number): void {
    const width = readDouble(argv, index, "ERR need numeric width");
    const height = readDouble(argv, index + 1, "ERR need numeric height");
    if (width < 0 || height < 0) {
      throw new CommandError("ERR height or width cannot be negative");
    }
    this.unit = readUnit(argv, index + 2);
    this.#width = width;
    this.#height = height;
    this.#by = "box";
  }

  /**
   * Takes a polygon from the number of its vertices, at `index`, and a longitude and a latitude for each;
   * Valkey's only, which gives the centre too.
   *
   * @returns How many arguments it takes.
   */
  #takePolygon(argv: Argv, index: number): number {
    const count = readInteger(argv, index, "ERR invalid number of vertices");
    const first = index + 1;
    if (count < 3 || first + 2 * count > argv.count) {
      throw new CommandError("ERR GEOSEARCH BYPOLYGON must have at least 3 vertices");
    }
    const vertices: number[] = [];
    for (let i = 0; i < count; i++) {
      const { longitude, latitude } = readPosition(argv, first + 2 * i);
      vertices.push(longitude, latitude);
    }
    this.#polygon = new Polygon(vertices);
    this.#longitude = this.#polygon.longitude;
    this.#latitude = this.#polygon.latitude;
    this.#from = "polygon";
    this.#by = "polygon";
    return 1 + 2 * count;
  }

  /** Refuses options that contradict each other, and a search without a centre or a shape. */
  #check(argv: Argv): void {
    const isSearch = this.#form >= Form.SEARCH;
    if (this.storeIndex !== 0 && (this.withDistance || this.withHash || this.withPosition)) {
      const what = isSearch ? "GEOSEARCHSTORE" : "STORE option in GEORADIUS";
      throw new CommandError(
        `ERR ${what} is not compatible with WITHDIST, WITHHASH and WITHCOORD options`,
      );
    }
    const name = cString(textOf(argv, 0));
    if (isSearch && this.#from === "") {
      throw new CommandError(
        `ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for ${name}`,
      );
    }
    if (isSearch && this.#by === "") {
      throw new CommandError(
        `ERR exactly one of BYRADIUS and BYBOX can be specified for ${name}`,
      );
    }
    if (this.any && this.count === 0) {
      throw new CommandError("ERR the ANY argument requires COUNT argument");
    }
  }
}
