/**
 * Commands that make a dataset of every type in every encoding, the same for a real server and for ours:
 * on both sides of each threshold, with binary and large elements, expiries of keys and fields, several
 * databases and functions. Seeded.
 *
 * @module
 */

import { Prng } from "../../../src/base/prng.ts";
import { atLeast, type ServerBinary } from "../../support/servers.ts";
import { noise } from "./dataset.ts";
import { bytesOf } from "../../support/bytes.ts";

/** One command. */
export type Args = readonly (string | Uint8Array)[];

/** What the server that is to run them knows. */
export interface Capabilities {
  /** FUNCTION: Redis 7.0, Valkey. */
  readonly functions: boolean;
  /** HPEXPIREAT: Redis 7.4, Valkey 9. */
  readonly fieldExpiry: boolean;
}

/** What a server knows. */
export function capabilitiesOf({ product, version }: ServerBinary): Capabilities {
  return {
    functions: atLeast(version, "7.0.0"),
    fieldExpiry: atLeast(version, product === "redis" ? "7.4.0" : "9.0.0"),
  };
}

interface Sizes {
  readonly counts: readonly number[];
  readonly integers: readonly number[];
  readonly bytes: readonly number[];
  readonly long: number;
  readonly stream: number;
}

/** Value types that {@linkcode everything} can make. */
export const TYPES = ["string", "list", "set", "zset", "hash", "stream"] as const;
/** One of {@linkcode TYPES}. */
export type TypeName = typeof TYPES[number];

const FAR_MS = 4102444800123;
const AT_ONCE = 500;
/** Redis's defaults: 128 listpack entries of up to 64 bytes, 512 integers, 8 KB nodes. */
const FULL: Sizes = {
  counts: [1, 2, 127, 128, 129, 600],
  integers: [1, 511, 512, 513],
  bytes: [0, 1, 63, 64, 65, 300, 9000],
  long: 5000,
  stream: 450,
};
const SMALL: Sizes = {
  counts: [1, 128, 129],
  integers: [1, 512, 513],
  bytes: [0, 64, 65, 9000],
  long: 600,
  stream: 120,
};
const LIBRARY = "#!lua name=lib\nredis.register_function('one', function() return 1 end)\n";

/** The commands, of some types; `small` ones make some ten kilobytes a type. */
export function everything(
  seed: number,
  can: Capabilities,
  types: readonly TypeName[] = TYPES,
  small: boolean = false,
): Args[] {
  const sizes = small ? SMALL : FULL;
  const prng = new Prng(seed);
  const commands: Args[] = [];
  const makers: Record<TypeName, () => Args[]> = {
    string: () => strings(prng),
    list: () => lists(prng, sizes),
    set: () => sets(prng, sizes),
    zset: () => zsets(prng, sizes),
    hash: () => hashes(prng, can, sizes),
    stream: () => streams(prng, sizes),
  };
  for (const type of types) {
    commands.push(["SELECT", "0"], ...makers[type]());
    commands.push(["SELECT", "3"], ...makers[type]().slice(0, 12));
  }
  commands.push(["SELECT", "0"]);
  if (can.functions) commands.push(["FUNCTION", "LOAD", "REPLACE", LIBRARY]);
  return commands;
}

/** Elements that must stay as they are: numbers, almost numbers, every byte, noise. */
function items(prng: Prng, count: number): (string | Uint8Array)[] {
  const strange: (string | Uint8Array)[] = ["0", "-1", "127", "128", "-129", "32768", "8388608"];
  strange.push("2147483648", "9223372036854775807", "-9223372036854775808", "007", "+1", "1.5");
  strange.push(Uint8Array.from({ length: 256 }, (_, i) => i), "a".repeat(60));
  return Array.from({ length: count }, (_, i) => {
    if (count > 20 && i < strange.length) return strange[i];
    return prng.uint32() % 3 === 0 ? String(i * 7919 - 50000) : `item:${i}:${prng.uint32() % 1000}`;
  });
}

/** Noise; long ones repeat themselves, so that snapshots stay small. */
function chunk(prng: Prng, length: number): Uint8Array {
  const bytes = noise(prng, Math.min(length, 400));
  return Uint8Array.from({ length }, (_, i) => bytes[i % bytes.length]);
}

/** A command with many arguments, in parts. */
function inParts(name: string, key: string, args: Args, group = 1): Args[] {
  const parts: Args[] = [];
  const step = AT_ONCE * group;
  for (let from = 0; from < args.length; from += step) {
    parts.push([name, key, ...args.slice(from, from + step)]);
  }
  return parts;
}

function strings(prng: Prng): Args[] {
  const values: (string | Uint8Array)[] = ["", "1", "-1", "12345678901", "007", "x".repeat(44)];
  values.push("x".repeat(45), noise(prng, 300), chunk(prng, 20000), "words ".repeat(3000));
  const commands: Args[] = values.map((value, i) => ["SET", `string:${i}`, value]);
  commands.push(["SET", "string:expires", "v"], ["PEXPIREAT", "string:expires", String(FAR_MS)]);
  commands.push(["SETBIT", "string:bits", "100000", "1"], ["INCRBY", "string:count", "77"]);
  commands.push(["SET", noise(prng, 40), "a key of noise"], ["SET", "", "the empty key"]);
  return commands;
}

function lists(prng: Prng, sizes: Sizes): Args[] {
  const commands: Args[] = [];
  for (const count of [...sizes.counts, sizes.long]) {
    commands.push(...inParts("RPUSH", `list:${count}`, items(prng, count)));
  }
  for (const bytes of sizes.bytes) {
    commands.push(["RPUSH", `list:bytes:${bytes}`, "a", chunk(prng, bytes), "z"]);
  }
  commands.push(["PEXPIREAT", "list:1", String(FAR_MS)]);
  return commands;
}

function sets(prng: Prng, sizes: Sizes): Args[] {
  const commands: Args[] = [];
  for (const count of sizes.counts) {
    const members = items(prng, count).map((item, i) =>
      item instanceof Uint8Array ? item : `${item}/${i}`
    );
    commands.push(...inParts("SADD", `set:${count}`, members));
  }
  for (const count of sizes.integers) {
    for (const scale of [1, 70000, 2 ** 33]) {
      const members = Array.from({ length: count }, (_, i) => String((i - 5) * scale));
      commands.push(...inParts("SADD", `set:int:${scale}:${count}`, members));
    }
  }
  for (const bytes of sizes.bytes) {
    commands.push(["SADD", `set:bytes:${bytes}`, "a", chunk(prng, bytes), "z"]);
  }
  return commands;
}

function zsets(prng: Prng, sizes: Sizes): Args[] {
  const scores = ["0", "-0", "1", "1.5", "-inf", "+inf", "1e100", "-2.5e-7", "3.14159265358979"];
  scores.push("9007199254740993", "-17179869184", "0.1");
  const commands: Args[] = [];
  for (const count of [...sizes.counts, sizes.long]) {
    const args = Array.from(
      { length: count },
      (_, i) => [scores[prng.uint32() % (i % 3 + 1) * 4 % scores.length + i % 3], `member:${i}`],
    );
    commands.push(...inParts("ZADD", `zset:${count}`, args.flat(), 2));
  }
  for (const bytes of sizes.bytes) {
    commands.push(["ZADD", `zset:bytes:${bytes}`, "1", "a", "2.25", chunk(prng, bytes)]);
  }
  commands.push(["ZADD", "zset:scores", ...scores.flatMap((score, i) => [score, String(i)])]);
  commands.push(
    ["GEOADD", "zset:geo", "13.361389", "38.115556", "Palermo", "15.087269", "37.502669"]
      .concat("Catania"),
  );
  return commands;
}

function hashes(prng: Prng, can: Capabilities, sizes: Sizes): Args[] {
  const commands: Args[] = [];
  for (const count of [...sizes.counts, ...sizes.integers]) {
    const pairs = items(prng, count).flatMap((item, i) => [`field:${i}`, item]);
    commands.push(...inParts("HSET", `hash:${count}`, pairs, 2));
  }
  for (const bytes of sizes.bytes) {
    commands.push([
      "HSET",
      `hash:bytes:${bytes}`,
      "f",
      chunk(prng, bytes),
      chunk(prng, bytes),
      "v",
    ]);
  }
  if (!can.fieldExpiry) return commands;
  for (const count of [3, 100, 600]) {
    const key = `hash:expiring:${count}`;
    const pairs = Array.from({ length: count }, (_, i) => [`field:${i}`, String(i)]);
    commands.push(...inParts("HSET", key, pairs.flat(), 2));
    for (let i = 0; i < count; i += 2) {
      commands.push(["HPEXPIREAT", key, String(FAR_MS + i), "FIELDS", "1", `field:${i}`]);
    }
  }
  return commands;
}

function streams(prng: Prng, sizes: Sizes): Args[] {
  const commands: Args[] = [];
  for (const count of [1, 99, 101, sizes.stream]) {
    const key = `stream:${count}`;
    for (let i = 1; i <= count; i++) {
      const fields = i % 5 === 0 ? ["other", String(i), "b", noise(prng, 10)] : ["f", String(i)];
      commands.push(["XADD", key, `${1000 + i * 3}-${i % 4}`, ...fields]);
    }
    for (let i = 1; i <= count; i += 4) commands.push(["XDEL", key, `${1000 + i * 3}-${i % 4}`]);
  }
  const large = `stream:${sizes.stream}`;
  commands.push(["XGROUP", "CREATE", large, "group", "0"]);
  commands.push(["XGROUP", "CREATE", large, "idle", "$", "MKSTREAM"]);
  const read = ["XREADGROUP", "GROUP", "group"];
  commands.push([...read, "alice", "COUNT", "20", "STREAMS", large, ">"]);
  commands.push([...read, "bob", "COUNT", "5", "STREAMS", large, ">"]);
  commands.push(["XACK", large, "group", "1006-2", "1009-3"]);
  commands.push(["XCLAIM", large, "group", "carol", "0", "1012-0"]);
  commands.push(["XADD", "stream:empty", "5-5", "f", "v"], ["XDEL", "stream:empty", "5-5"]);
  return commands;
}

/** As bytes. */
export function bytesOfArgs(args: Args): Uint8Array[] {
  return args.map((arg) => typeof arg === "string" ? bytesOf(arg) : arg);
}
