/**
 * Commands that make a dataset of every type in every encoding, on both sides of each threshold, binary
 * and large elements, expiries of keys and fields, several databases and functions: seeded, the same for
 * a real server and for ours.
 *
 * @module
 */

import { Prng } from "../../src/base/prng.ts";
import { bytesOf, noise } from "./dataset.ts";

/** One command. */
export type Args = readonly (string | Uint8Array)[];

/** What the server that is to run them knows. */
export interface Capabilities {
  /** FUNCTION: Redis 7.0, Valkey. */
  readonly functions: boolean;
  /** HPEXPIREAT: Redis 7.4, Valkey 9. */
  readonly fieldExpiry: boolean;
}

/** Value types that {@linkcode everything} can make. */
export const TYPES = ["string", "list", "set", "zset", "hash", "stream"] as const;
/** One of {@linkcode TYPES}. */
export type TypeName = typeof TYPES[number];

const FAR_MS = 4102444800123;
const AT_ONCE = 500;
/** Redis's defaults: 128 listpack entries of up to 64 bytes, 512 integers, 8 KB nodes. */
const COUNTS = [1, 2, 127, 128, 129, 600];
const ITEM_BYTES = [0, 1, 63, 64, 65, 300, 9000];
const LIBRARY = "#!lua name=lib\nredis.register_function('one', function() return 1 end)\n";

/** The commands, of some types. */
export function everything(
  seed: number,
  can: Capabilities,
  types: readonly TypeName[] = TYPES,
): Args[] {
  const prng = new Prng(seed);
  const commands: Args[] = [];
  const makers: Record<TypeName, () => Args[]> = {
    string: () => strings(prng),
    list: () => lists(prng),
    set: () => sets(prng),
    zset: () => zsets(prng),
    hash: () => hashes(prng, can),
    stream: () => streams(prng),
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
  values.push("x".repeat(45), noise(prng, 300), noise(prng, 20000), "words ".repeat(3000));
  const commands: Args[] = values.map((value, i) => ["SET", `string:${i}`, value]);
  commands.push(["SET", "string:expires", "v"], ["PEXPIREAT", "string:expires", String(FAR_MS)]);
  commands.push(["SETBIT", "string:bits", "100000", "1"], ["INCRBY", "string:count", "77"]);
  commands.push(["SET", noise(prng, 40), "a key of noise"], ["SET", "", "the empty key"]);
  return commands;
}

function lists(prng: Prng): Args[] {
  const commands: Args[] = [];
  for (const count of [...COUNTS, 5000]) {
    commands.push(...inParts("RPUSH", `list:${count}`, items(prng, count)));
  }
  for (const bytes of ITEM_BYTES) {
    commands.push(["RPUSH", `list:bytes:${bytes}`, "a", noise(prng, bytes), "z"]);
  }
  commands.push(["PEXPIREAT", "list:1", String(FAR_MS)]);
  return commands;
}

function sets(prng: Prng): Args[] {
  const commands: Args[] = [];
  for (const count of COUNTS) {
    const members = items(prng, count).map((item, i) =>
      item instanceof Uint8Array ? item : `${item}/${i}`
    );
    commands.push(...inParts("SADD", `set:${count}`, members));
  }
  for (const count of [1, 511, 512, 513]) {
    for (const scale of [1, 70000, 2 ** 33]) {
      const members = Array.from({ length: count }, (_, i) => String((i - 5) * scale));
      commands.push(...inParts("SADD", `set:int:${scale}:${count}`, members));
    }
  }
  for (const bytes of ITEM_BYTES) {
    commands.push(["SADD", `set:bytes:${bytes}`, "a", noise(prng, bytes), "z"]);
  }
  return commands;
}

function zsets(prng: Prng): Args[] {
  const scores = ["0", "-0", "1", "1.5", "-inf", "+inf", "1e100", "-2.5e-7", "3.14159265358979"];
  scores.push("9007199254740993", "-17179869184", "0.1");
  const commands: Args[] = [];
  for (const count of [...COUNTS, 3000]) {
    const args = Array.from(
      { length: count },
      (_, i) => [scores[prng.uint32() % (i % 3 + 1) * 4 % scores.length + i % 3], `member:${i}`],
    );
    commands.push(...inParts("ZADD", `zset:${count}`, args.flat(), 2));
  }
  for (const bytes of ITEM_BYTES) {
    commands.push(["ZADD", `zset:bytes:${bytes}`, "1", "a", "2.25", noise(prng, bytes)]);
  }
  commands.push(["ZADD", "zset:scores", ...scores.flatMap((score, i) => [score, String(i)])]);
  commands.push(
    ["GEOADD", "zset:geo", "13.361389", "38.115556", "Palermo", "15.087269", "37.502669"]
      .concat("Catania"),
  );
  return commands;
}

function hashes(prng: Prng, can: Capabilities): Args[] {
  const commands: Args[] = [];
  for (const count of [...COUNTS, 511, 512, 513]) {
    const pairs = items(prng, count).flatMap((item, i) => [`field:${i}`, item]);
    commands.push(...inParts("HSET", `hash:${count}`, pairs, 2));
  }
  for (const bytes of ITEM_BYTES) {
    commands.push([
      "HSET",
      `hash:bytes:${bytes}`,
      "f",
      noise(prng, bytes),
      noise(prng, bytes),
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

function streams(prng: Prng): Args[] {
  const commands: Args[] = [];
  for (const count of [1, 99, 101, 450]) {
    const key = `stream:${count}`;
    for (let i = 1; i <= count; i++) {
      const fields = i % 5 === 0 ? ["other", String(i), "b", noise(prng, 10)] : ["f", String(i)];
      commands.push(["XADD", key, `${1000 + i * 3}-${i % 4}`, ...fields]);
    }
    for (let i = 1; i <= count; i += 4) commands.push(["XDEL", key, `${1000 + i * 3}-${i % 4}`]);
  }
  commands.push(["XGROUP", "CREATE", "stream:450", "group", "0"]);
  commands.push(["XGROUP", "CREATE", "stream:450", "idle", "$", "MKSTREAM"]);
  const read = ["XREADGROUP", "GROUP", "group"];
  commands.push([...read, "alice", "COUNT", "20", "STREAMS", "stream:450", ">"]);
  commands.push([...read, "bob", "COUNT", "5", "STREAMS", "stream:450", ">"]);
  commands.push(["XACK", "stream:450", "group", "1006-2", "1009-3"]);
  commands.push(["XCLAIM", "stream:450", "group", "carol", "0", "1012-0"]);
  commands.push(["XADD", "stream:empty", "5-5", "f", "v"], ["XDEL", "stream:empty", "5-5"]);
  return commands;
}

/** As bytes. */
export function bytesOfArgs(args: Args): Uint8Array[] {
  return args.map((arg) => typeof arg === "string" ? bytesOf(arg) : arg);
}
