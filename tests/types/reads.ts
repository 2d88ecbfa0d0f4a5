/**
 * The types of the reads, which `deno check` verifies: what each option makes of the result, and what does not compile.
 * Nothing here runs.
 *
 * @module
 */

import type {
  ChangeStream,
  GeoCoordinates,
  Reader,
  Replica,
  Schema,
  Scored,
  StreamMessage,
  TypeName,
} from "../../mod.ts";

type Same<A, B> = (<X>() => X extends A ? 1 : 2) extends (<X>() => X extends B ? 1 : 2) ? true
  : false;

/** Compiles only where both types are one. */
function same<A, B>(..._: Same<A, B> extends true ? [] : ["the types differ"]): void {}

interface User {
  readonly name: string;
}

declare const replica: Replica;
declare const bytes: Reader<Uint8Array>;
declare const schema: Schema<User>;

/** The results of reads as text. */
export function text(): void {
  const get = replica.get("k");
  same<typeof get, string | undefined>();
  const mget = replica.mget(["a", "b"]);
  same<typeof mget, (string | undefined)[]>();
  const type = replica.type("k");
  same<typeof type, TypeName | undefined>();
  const bit = replica.getbit("k", 7);
  same<typeof bit, 0 | 1>();
  const lcs = replica.lcs("a", "b");
  same<typeof lcs, string>();
  const length = replica.lcs("a", "b", { give: "length" });
  same<typeof length, number>();
  const hgetall = replica.hgetall("k");
  same<typeof hgetall, Record<string, string> | undefined>();
  const hexists = replica.hexists("k", "f");
  same<typeof hexists, boolean>();
  const lpos = replica.lpos("k", "e");
  same<typeof lpos, number | undefined>();
  const positions = replica.lpos("k", "e", { count: 0 });
  same<typeof positions, number[]>();
  const smismember = replica.smismember("k", ["a"]);
  same<typeof smismember, boolean[]>();
  const random = replica.srandmember("k");
  same<typeof random, string | undefined>();
  const several = replica.srandmember("k", 3);
  same<typeof several, string[]>();
  const sorted = replica.sort("k", { desc: true });
  same<typeof sorted, string[]>();
  const led = replica.sort("k", { by: "w_*", get: ["#"] });
  same<typeof led, (string | undefined)[]>();
}

/** Sorted sets, positions and streams. */
export function pairs(): void {
  const members = replica.zrange("k", 0, 9);
  same<typeof members, string[]>();
  const scored = replica.zrange("k", 0, 9, { rev: true, withScores: true });
  same<typeof scored, Scored<string>[]>();
  const byScore = replica.zrange("k", "(1", "+inf", { by: "score", withScores: true });
  same<typeof byScore, Scored<string>[]>();
  const byLex = replica.zrange("k", "[a", "+", { by: "lex" });
  same<typeof byLex, string[]>();
  const rank = replica.zrank("k", "m");
  same<typeof rank, number | undefined>();
  const ranked = replica.zrank("k", "m", { withScore: true });
  same<typeof ranked, { rank: number; score: number } | undefined>();
  const near = replica.geosearch("k", "m", { radius: 1, unit: "km" });
  same<typeof near, string[]>();
  const [place] = replica.geosearch("k", { longitude: 1, latitude: 2 }, {
    width: 1,
    height: 1,
    unit: "mi",
  }, { with: ["coordinates"] });
  const where: GeoCoordinates = place.coordinates;
  same<typeof where, GeoCoordinates>();
  const entries = replica.xrange("k");
  same<typeof entries, StreamMessage<string>[]>();
  const walk = bytes.zscan("k");
  same<typeof walk, Generator<Scored<Uint8Array>, void, undefined>>();
}

/** Reads as bytes, and of another database. */
export function otherReaders(): void {
  const get = replica.bytes.get(new Uint8Array(1));
  same<typeof get, Uint8Array | undefined>();
  const hgetall = replica.db(3).bytes.hgetall("k");
  same<typeof hgetall, Record<string, Uint8Array> | undefined>();
  const text = replica.db(3).get("k");
  same<typeof text, string | undefined>();
}

/** What decoders make. */
export function decoded(): void {
  const json = replica.json<User>("k");
  same<typeof json, User | undefined>();
  const unknown = replica.json("k");
  same<typeof unknown, unknown>();
  const validated = replica.get("k", { decode: schema });
  same<typeof validated, User | undefined>();
  const made = replica.hget("k", "f", { decode: (bytes) => bytes.length });
  same<typeof made, number | undefined>();
  const whole = replica.hgetall("k", { decode: schema });
  same<typeof whole, User | undefined>();
  const each = replica.hgetall("k", { decode: (bytes: Uint8Array) => bytes.length });
  same<typeof each, Record<string, number> | undefined>();
  const members = replica.smembers("k", { decode: schema });
  same<typeof members, User[]>();
  const ranked = replica.zrange("k", 0, -1, { decode: schema });
  same<typeof ranked, User[]>();
  const scored = replica.zrange("k", 0, 9, { by: "score", withScores: true, decode: schema });
  same<typeof scored, Scored<User>[]>();
  const entries = replica.xrange("k", "-", "+", { decode: schema });
  same<typeof entries, StreamMessage<string, User>[]>();
  const fields = replica.xrange("k", "-", "+", { decode: (bytes: Uint8Array) => bytes.length });
  same<typeof fields, StreamMessage<number>[]>();
  const stream = replica.changes({ decode: schema });
  same<typeof stream, ChangeStream<string, User>>();
}

/** What does not compile. */
export function refused(): void {
  // @ts-expect-error keys are one array
  replica.mget("a", "b");
  // @ts-expect-error a rank is a number
  replica.zrange("k", "(1", 9);
  // @ts-expect-error scores of members are those of one score
  replica.zrange("k", "[a", "+", { by: "lex", withScores: true });
  // @ts-expect-error distances were not asked for
  replica.geosearch("k", "m", { radius: 1, unit: "km" }, { with: ["hash"] })[0].distance.toFixed();
  // @ts-expect-error no such unit
  replica.geodist("k", "a", "b", "parsec");
  // @ts-expect-error values are with counts only
  replica.hrandfield("k", { withValues: true });
  // @ts-expect-error it may be missing
  replica.get("k").length;
  // @ts-expect-error what is read cannot be written
  replica.zrange("k", 0, 1, { withScores: true })[0].score = 1;
}
