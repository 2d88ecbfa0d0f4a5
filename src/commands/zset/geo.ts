/**
 * The GEO commands (`geo.c`): sorted sets whose scores are geohashes, so that a member is a
 * position on the Earth. To every other command they are plain sorted sets, and these commands read
 * any sorted set.
 *
 * GEORADIUS and GEORADIUSBYMEMBER are the older spellings of GEOSEARCH with the shape in fixed
 * places; all of them are read into one `GeoQuery` (`geo_query.ts`). Arithmetic is that of
 * `base/geohash.ts`, in metres and degrees.
 *
 * @module
 */

import { Best } from "../../base/best.ts";
import { decodePointResult, distance, encodePoint, geohashText } from "../../base/geohash.ts";
import { Argv } from "../../resp/argv.ts";
import { ValueType } from "../../store/memory/record.ts";
import { zsetLength, zsetStore } from "../../store/types/zset.ts";
import { ZsetTable } from "../../store/types/zset_table.ts";
import { isWord } from "../engine/args.ts";
import { type Command, command, DENYOOM, READONLY, WRITE } from "../engine/command.ts";
import type { Context } from "../engine/context.ts";
import { storeNothing } from "../engine/destination.ts";
import { CommandError, SYNTAX } from "../engine/errors.ts";
import {
  AT_ONCE,
  findAgain,
  inPortions,
  readInSlices,
  STEP_ELEMENTS,
  type Steps,
} from "../engine/long_read.ts";
import { lookup } from "../engine/lookup.ts";
import { isRedisBefore, isValkey } from "../engine/master_version.ts";
import { findPosition, Form, type Found, GeoQuery, readPosition, readUnit } from "./geo_query.ts";
import { zadd } from "./zset.ts";

/** Distances are replied with four digits behind the point. */
const DISTANCE_SCALE = 10000;

/**
 * A distance with four digits behind the point, rounded half to even (`fixedpoint_d2string`,
 * `llrint`).
 */
function distanceText(value: number): string {
  const scaled = value * DISTANCE_SCALE;
  const floor = Math.floor(scaled);
  const rest = scaled - floor;
  const isUp = rest > 0.5 || (rest === 0.5 && floor % 2 !== 0);
  const digits = String(isUp ? floor + 1 : floor).padStart(5, "0");
  return `${digits.slice(0, -4)}.${digits.slice(-4)}`;
}

/**
 * `GEOADD key [NX|XX] [CH] longitude latitude member [...]`: the reply of ZADD. O(m log n). As in
 * Redis, the arguments are rewritten to those of a ZADD with geohashes as scores, which runs and is
 * propagated in its place.
 */
const geoadd = command("geoadd", -5, WRITE | DENYOOM, "RW.update@1", (ctx, argv) => {
  let first = 2;
  let nx = false;
  let xx = false;
  for (; first < argv.count; first++) {
    if (isWord(argv, first, "NX")) nx = true;
    else if (isWord(argv, first, "XX")) xx = true;
    else if (!isWord(argv, first, "CH")) break;
  }
  if ((argv.count - first) % 3 !== 0 || (nx && xx)) throw new CommandError(SYNTAX);
  const args: (string | Uint8Array)[] = ["zadd"];
  for (let i = 1; i < first; i++) args.push(argv.at(i));
  for (let i = first; i < argv.count; i += 3) {
    const { longitude, latitude } = readPosition(argv, i);
    args.push(String(encodePoint(longitude, latitude)), argv.at(i + 2));
  }
  // Scores are valid by now: of the errors of ZADD only WRONGTYPE can come.
  zadd.run(ctx, Argv.of(...args));
  ctx.propagateAs(...args);
});

/**
 * `GEODIST key member1 member2 [M|KM|FT|MI]`: the distance between two members, or null without
 * either. O(1).
 */
const geodist = command("geodist", -4, READONLY, "RO.access@1", (ctx, argv) => {
  const metres = argv.count === 5 ? readUnit(argv, 4) : 1;
  if (argv.count > 5) throw new CommandError(SYNTAX);
  const entry = lookup(ctx, argv, 1, ValueType.ZSET);
  if (!findPosition(ctx, entry, argv, 2)) return ctx.reply.null();
  const { longitude, latitude } = decodePointResult;
  if (!findPosition(ctx, entry, argv, 3)) return ctx.reply.null();
  const apart = distance(
    longitude,
    latitude,
    decodePointResult.longitude,
    decodePointResult.latitude,
  );
  ctx.reply.bulkText(distanceText(apart / metres));
});

/**
 * `GEOHASH key [member ...]`: an array of the geohash of each member in eleven letters, or null.
 * O(m).
 */
const geohash = command("geohash", -2, READONLY, "RO.access@1", (ctx, argv) => {
  const entry = lookup(ctx, argv, 1, ValueType.ZSET);
  ctx.reply.array(argv.count - 2);
  for (let i = 2; i < argv.count; i++) {
    if (!findPosition(ctx, entry, argv, i)) ctx.reply.null();
    else ctx.reply.bulkText(geohashText(decodePointResult.longitude, decodePointResult.latitude));
  }
});

/**
 * `GEOPOS key [member ...]`: an array of the longitude and latitude of each member, or null. O(m).
 */
const geopos = command("geopos", -2, READONLY, "RO.access@1", (ctx, argv) => {
  const { reply } = ctx;
  const entry = lookup(ctx, argv, 1, ValueType.ZSET);
  reply.array(argv.count - 2);
  for (let i = 2; i < argv.count; i++) {
    if (!findPosition(ctx, entry, argv, i)) {
      reply.nullArray();
      continue;
    }
    reply.array(2);
    const { longitude, latitude } = decodePointResult;
    replyPosition(ctx, longitude, latitude);
  }
});

/** Replies with both numbers of a position: the shortest text of each since Redis 8.0, else 17 decimals. */
function replyPosition({ reply, keyspace }: Context, longitude: number, latitude: number): void {
  const isLong = isValkey(keyspace) || isRedisBefore(keyspace, [8]);
  for (const degrees of [longitude, latitude]) {
    // As `ld2string` prints a long double for people.
    reply.double(degrees, isLong ? degrees.toFixed(17).replace(/\.?0+$/, "") : undefined);
  }
}

/** Members found that are put in order in one step. */
const SORTED_A_STEP = 64;

/**
 * All commands that search (`georadiusGeneric`). COUNT without ANY implies that the nearest come
 * first.
 */
function searchGeneric(ctx: Context, argv: Argv, form: Form, mayStore: boolean): void {
  const query = new GeoQuery(ctx, argv, form, mayStore);
  const { storeIndex } = query;
  if (query.entry === 0) {
    return storeIndex === 0 ? ctx.reply.array(0) : storeNothing(ctx, argv, storeIndex);
  }
  if (storeIndex === 0 && zsetLength(ctx.db, query.entry) > AT_ONCE) {
    return readInSlices(ctx, argv, 1, 2, (own) => searchInSteps(ctx, own, query));
  }
  const found = atOnce(query.find(ctx, () => query.entry));
  const { order } = query;
  if (order !== 0) found.sort((a, b) => order * (a.metres - b.metres));
  if (query.count !== 0 && found.length > query.count) found.length = query.count;
  if (storeIndex !== 0) return storeFound(ctx, argv, query, found);
  ctx.reply.array(found.length);
  for (const one of found) replyOne(ctx, query, one);
}

/** A search of a large sorted set, in steps. */
function* searchInSteps(ctx: Context, argv: Argv, query: GeoQuery): Steps {
  const entry = () => findAgain(ctx, argv, 1, 1);
  const found = yield* query.find(ctx, entry);
  let told: readonly Found[] = found;
  const { order, count } = query;
  const most = count === 0 ? Infinity : count;
  if (order !== 0) {
    // Of members that are equally far those that were met first stand first, as a stable sort has them.
    const places = new Best<number>(
      (a, b) => order * (found[a].metres - found[b].metres) || a - b,
      most,
    );
    for (let i = 0; i < found.length; i++) {
      places.offer(i);
      if (i % STEP_ELEMENTS === STEP_ELEMENTS - 1) yield;
    }
    while (!places.sort(SORTED_A_STEP)) yield;
    told = places.items.map((place) => found[place]);
    yield;
  }
  const length = Math.min(told.length, most);
  ctx.reply.array(length);
  yield* inPortions(ctx, length, (i) => replyOne(ctx, query, told[i]));
}

/** Does all steps at once; gives what they give. */
function atOnce<T>(steps: Generator<void, T, void>): T {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** Replies with a member; with options as an array: member, distance, geohash, position. */
function replyOne(ctx: Context, query: GeoQuery, found: Found): void {
  const { reply } = ctx;
  const { member, score, metres, longitude, latitude } = found;
  // The number of elements comes first, so the options are counted; their order is fixed, whatever
  // was written.
  const options = [query.withDistance, query.withHash, query.withPosition];
  const extras = options.filter((asked) => asked).length;
  if (extras > 0) reply.array(extras + 1);
  reply.bulk(member);
  if (query.withDistance) reply.bulkText(distanceText(metres / query.unit));
  if (query.withHash) {
    const hash = Math.trunc(score);
    reply.integer(Number.isSafeInteger(hash) ? hash : int64(hash));
  }
  if (query.withPosition) {
    reply.array(2);
    replyPosition(ctx, longitude, latitude);
  }
}

/**
 * A whole double as x86-64 converts it to `long long`: what does not fit becomes the smallest
 * int64.
 */
function int64(value: number): bigint {
  return Math.abs(value) < 2 ** 63 ? BigInt(value) : -(2n ** 63n);
}

/**
 * Stores the members found with their geohashes or distances as scores, and replies with their
 * number.
 */
function storeFound(ctx: Context, argv: Argv, query: GeoQuery, found: readonly Found[]): void {
  const { storeIndex } = query;
  if (found.length === 0) return storeNothing(ctx, argv, storeIndex);
  const result = new ZsetTable(ctx.db.settings);
  for (const { member, score, metres } of found) {
    result.set(member, 0, member.length, query.storeDistance ? metres / query.unit : score);
  }
  zsetStore(ctx.db, argv.bytes, argv.starts[storeIndex], argv.ends[storeIndex], result);
  ctx.changed(argv, storeIndex, found.length);
  ctx.reply.integer(found.length);
}

/**
 * `GEORADIUS key longitude latitude radius unit [...] [STORE|STOREDIST key]`: the members inside a
 * circle; deprecated since 6.2. O(n + log m), n members in the cells, m in the sorted set.
 */
const georadius = command(
  "georadius",
  -6,
  WRITE | DENYOOM,
  "RO.access@1+OW.update.incomplete@STORE~6+OW.update.incomplete@STOREDIST~6",
  (ctx, argv) => searchGeneric(ctx, argv, Form.RADIUS, true),
);

/**
 * `GEORADIUS_RO key longitude latitude radius unit [...]`: GEORADIUS that cannot store, for
 * replicas. O(n + log m).
 */
const georadiusRo = command("georadius_ro", -6, READONLY, "RO.access@1", (ctx, argv) => {
  searchGeneric(ctx, argv, Form.RADIUS, false);
});

/**
 * `GEORADIUSBYMEMBER key member radius unit [...] [STORE|STOREDIST key]`: around a member. O(n +
 * log m).
 */
const georadiusbymember = command(
  "georadiusbymember",
  -5,
  WRITE | DENYOOM,
  "RO.access@1+OW.update.incomplete@STORE~5+OW.update.incomplete@STOREDIST~5",
  (ctx, argv) => searchGeneric(ctx, argv, Form.BY_MEMBER, true),
);

/**
 * `GEORADIUSBYMEMBER_RO key member radius unit [...]`: GEORADIUSBYMEMBER that cannot store. O(n +
 * log m).
 */
const georadiusbymemberRo = command(
  "georadiusbymember_ro",
  -5,
  READONLY,
  "RO.access@1",
  (ctx, argv) => searchGeneric(ctx, argv, Form.BY_MEMBER, false),
);

/**
 * `GEOSEARCH key FROMMEMBER m|FROMLONLAT x y BYRADIUS r unit|BYBOX w h unit [...]`: the members
 * inside a circle or a box, with the options of {@linkcode GeoQuery}. O(n + log m).
 */
const geosearch = command("geosearch", -7, READONLY, "RO.access@1", (ctx, argv) => {
  searchGeneric(ctx, argv, Form.SEARCH, false);
});

/**
 * `GEOSEARCHSTORE destination source ... [STOREDIST]`: GEOSEARCH that stores; the number of
 * members. O(n + log m).
 */
const geosearchstore = command(
  "geosearchstore",
  -8,
  WRITE | DENYOOM,
  "OW.update@1+RO.access@2",
  (ctx, argv) => searchGeneric(ctx, argv, Form.SEARCH_STORE, true),
);

/** The rows of the GEO commands. */
export const geoCommands: readonly Command[] = [
  geoadd,
  geodist,
  geohash,
  geopos,
  georadius,
  georadiusRo,
  georadiusbymember,
  georadiusbymemberRo,
  geosearch,
  geosearchstore,
];
