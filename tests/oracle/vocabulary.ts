/**
 * The words that random writes are made of: few keys, so that types clash and values grow past their limits
 * and shrink again; times that pass soon or never; values of every shape.
 *
 * @module
 */

import { Prng } from "../../src/base/prng.ts";
import { xxh3 } from "../../src/base/xxh3.ts";
import { keySlot } from "../../src/base/crc16.ts";
import type { ServerBinary } from "../support/servers.ts";

/** One command. */
export type Words = string[];

/** The bytes of latin1 text. */
export function toBytes(text: string): Uint8Array {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

const FAR_MS = 9_000_000;
/** Hash tags of a cluster's keys: what one command names must be of one slot. */
const TAGS = ["{a}", "{b}", "{c}"];

/** Seeded words; `tag` is before every key. */
export class Vocabulary {
  readonly prng: Prng;
  readonly #isValkey: boolean;
  /** What every key begins with: nothing, or a hash tag of a cluster's keys. */
  tag = "";
  #ticks = 0;

  /** @param seed Repeats the same ones. @param binary For whose commands. */
  constructor(seed: number, { product }: ServerBinary) {
    this.prng = new Prng(seed);
    this.#isValkey = product === "valkey";
  }

  /** From here on the keys of another slot. */
  changeTag(): void {
    this.tag = this.pick(TAGS);
  }

  pick<T>(list: readonly T[]): T {
    return this.prng.pick(list);
  }

  /** Mostly of its own type, sometimes of another's. */
  key(prefix: string): string {
    const { prng } = this;
    if (prng.oneIn(25)) return this.anyKey();
    return this.tag + (prng.oneIn(50) ? `${prefix}\0\xff\r\n` : `${prefix}:${prng.int(12)}`);
  }

  /** A hash whose fields never expire. */
  plainKey(): string {
    return `${this.tag}plain:${this.prng.int(4)}`;
  }

  /** A sorted set of one score. */
  levelKey(): string {
    return `${this.tag}level:${this.prng.int(4)}`;
  }

  /** A stream whose ids are counted. */
  numberedKey(): string {
    return `${this.tag}y:${this.prng.int(4)}`;
  }

  /** Larger than every one before. */
  nextId(): string {
    return `${++this.#ticks}-1`;
  }

  /** Some of the latest. */
  recentIds(): string[] {
    return Array.from(
      { length: this.prng.between(1, 6) },
      () => `${Math.max(1, this.#ticks - this.prng.int(200))}-1`,
    );
  }

  /** One of them. */
  recentId(): string {
    return this.recentIds()[0];
  }

  /** How many ids follow, and the ids. */
  counted(): string[] {
    const ids = this.recentIds();
    return ["IDS", String(ids.length), ...ids];
  }

  /** Milliseconds since 1970: soon, or not while the run lasts. */
  momentMs(): string {
    return String(Date.now() + Number(this.ttl()));
  }

  /** Seconds since 1970, not while the run lasts. */
  momentSeconds(): string {
    return String(Math.floor((Date.now() + FAR_MS) / 1000) + this.prng.int(1000));
  }

  /** An expiry, milliseconds since 1970: as {@linkcode momentMs}, or beyond 2^53, where a server still tells two apart. */
  expiryMs(): string {
    return this.prng.oneIn(4) ? String(this.#farMs()) : this.momentMs();
  }

  /** An expiry, seconds since 1970: not while the run lasts, and beyond 2^53 ms as well. */
  expirySeconds(): string {
    return this.prng.oneIn(4) ? String(this.#farMs() / 1000n) : this.momentSeconds();
  }

  /** When a field expires, seconds since 1970; Redis refuses one beyond 2^46 ms. */
  fieldSeconds(): string {
    return this.#isValkey ? this.expirySeconds() : this.momentSeconds();
  }

  /** A time of 54 to 63 bits. */
  #farMs(): bigint {
    const { prng } = this;
    const bits = BigInt(prng.between(53, 62));
    return (1n << bits) +
      BigInt.asUintN(Number(bits), BigInt(prng.uint32()) << 31n | BigInt(prng.uint32()));
  }

  anyKey(): string {
    return `${this.tag}${this.pick([..."slhtzgxypv"])}:${this.prng.int(12)}`;
  }

  /** A vector set, and the form that its vectors have: by the number in its name. */
  vectorKey(): { key: string; dim: number; options: string[]; reduce: string[] } {
    const at = this.prng.int(12);
    const options = [["Q8"], ["BIN"], ["NOQUANT"], ["M", "6", "EF", "20"]][at % 4];
    // Short ones: those that SIMD compares, one build of a server compares otherwise than another.
    const dim = 2 + at;
    const reduce = at % 5 === 4 ? ["REDUCE", String(dim - 2)] : [];
    return { key: `${this.tag}v:${at}`, dim, options, reduce };
  }

  /** The vector of a VADD. */
  vector(dim: number): string[] {
    const numbers = Float32Array.from({ length: dim }, () => this.prng.int(400) / 16 - 12);
    if (this.prng.oneIn(2)) return ["VALUES", String(dim), ...[...numbers].map(String)];
    return ["FP32", String.fromCharCode(...new Uint8Array(numbers.buffer))];
  }

  /** An element that no set has had: what replaces a vector a master does not tell its replicas. */
  newVectorElement(): string {
    return `e${++this.#ticks}`;
  }

  /** One of the latest of them, most of which are in some set. */
  vectorElement(): string {
    return `e${Math.max(1, this.#ticks - this.prng.int(300))}`;
  }

  /** What may be an attribute. */
  attribute(): string {
    return this.pick(["", "x", '{"n":1}', `{"n":${this.prng.int(99)},"s":"text of some length"}`]);
  }

  number(below: number): string {
    return String(this.prng.int(below));
  }

  signed(around: number): string {
    return String(this.prng.int(2 * around) - around);
  }

  integer(): string {
    const { prng } = this;
    if (prng.oneIn(9)) {
      return this.pick(["9007199254740993", "-9223372036854775808", "32768", "70000"]);
    }
    return String(prng.int(2000) - 1000);
  }

  score(): string {
    return this.pick([
      this.integer(),
      "0.1",
      "-2.5",
      "1e10",
      "3.14159265358979",
      "inf",
      "1e-7",
    ]);
  }

  degrees(most: number): string {
    return String((this.prng.next() * 2 - 1) * most);
  }

  /** Soon, or not while the run lasts. */
  ttl(): string {
    return String(this.prng.oneIn(2) ? this.prng.between(1, 1500) : 10_000_000);
  }

  /** As {@linkcode ttl}; on Valkey far away: its digest leaves out fields that are past their time. */
  fieldTtl(): string {
    return this.#isValkey ? String(FAR_MS) : this.ttl();
  }

  element(): string {
    const { prng } = this;
    if (prng.oneIn(4)) return this.number(50);
    return prng.oneIn(30) ? "long".repeat(prng.between(15, 40)) : `e${prng.int(60)}`;
  }

  value(): string {
    const { prng } = this;
    switch (prng.int(8)) {
      case 0:
        return this.integer();
      case 1:
        return "x".repeat(prng.pick([0, 43, 44, 45, 63, 64, 65, 200]));
      case 2:
        return String.fromCharCode(...prng.bytes(prng.int(20)));
      case 3:
        return prng.oneIn(10) ? "abcd".repeat(prng.between(200, 4000)) : "y";
      default:
        return `v${prng.int(100_000)}`;
    }
  }

  /** The XXH3 digest of a value, as DIGEST prints it. */
  digest(): string {
    const bytes = toBytes(this.value());
    return xxh3(bytes, 0, bytes.length).toString(16).padStart(16, "0");
  }

  /** The slot of the keys that are written now. */
  slot(): string {
    const bytes = toBytes(this.tag);
    return String(keySlot(bytes, 0, bytes.length));
  }

  many(most: number): string[] {
    return Array.from({ length: this.prng.between(1, most) }, () => this.element());
  }

  /** So many that limits are crossed. */
  crowd(): string[] {
    const from = this.prng.int(500);
    const prefix = this.pick(["", "e", "member:"]);
    return Array.from({ length: this.prng.between(50, 300) }, (_, i) => `${prefix}${from + i}`);
  }

  pairs(most: number): string[] {
    return this.many(most).flatMap((field) => [field, this.value()]);
  }

  /** Two different fields with values: Redis 8.6.3 ends by an assertion at HSETEX that names one twice, now and then. */
  twoPairs(): string[] {
    const field = this.element();
    let other = this.element();
    while (other === field) other = this.element();
    return [field, this.value(), other, this.value()];
  }

  fields(): string[] {
    const names = [...new Set(this.many(3))];
    return ["FIELDS", String(names.length), ...names];
  }

  end(): string {
    return this.pick(["LEFT", "RIGHT"]);
  }

  group(): string {
    return `group${this.prng.int(3)}`;
  }

  consumer(): string {
    return `consumer${this.prng.int(4)}`;
  }
}
