/**
 * Keys of every type in every encoding, for tests that read: small and large, integers and binary members, fields that
 * expire, keys that have expired and are still there.
 *
 * @module
 */

import { Prng } from "../../src/base/prng.ts";
import type { TestMaster } from "../../src/testing/mod.ts";

type Word = string | Uint8Array | number;

/** Names of keys: every one of a type, and names that no key has. */
export const KEYS: Readonly<Record<string, readonly string[]>> = {
  string: ["s:int", "s:text", "s:long", "s:binary", "s:gone", "s:soon", "s:bits", "s:utf"],
  hash: ["h:small", "h:ints", "h:ttl", "h:table", "h:large", "h:names"],
  list: ["l:small", "l:ints", "l:large", "l:plain"],
  set: ["st:ints", "st:bigints", "st:pack", "st:large", "st:one"],
  zset: ["z:small", "z:large", "z:lex", "z:inf", "z:geo"],
  stream: ["x:small", "x:large", "x:groups", "x:mixed"],
  hll: ["p:one", "p:two"],
  vectorset: ["v:small", "v:floats", "v:bits", "v:reduced"],
  none: ["none", "none:2"],
};

/** Fields, members and elements that some of the values have. */
export const ELEMENTS: readonly string[] = [
  "a",
  "b",
  "name",
  "0",
  "1",
  "7",
  "-3",
  "42",
  "99999999999999999999",
  "field:7",
  "field:99",
  "member:12",
  "element:5",
  "grüße",
  "",
  "__proto__",
  "Palermo",
  "Catania",
  "x".repeat(100),
];

/** Writes the whole set to a master whose own expiry is off. */
export function fillEverything(master: TestMaster, seed: number): void {
  const prng = new Prng(seed);
  const call = (...words: Word[]) => void master.call(...words);
  fillStrings(call, prng);
  fillHashes(call, prng);
  fillLists(call);
  fillSets(call);
  fillSortedSets(call, prng);
  fillStreams(call);
  fillVectors(call, prng);
}

type Call = (...words: Word[]) => void;

function fillStrings(call: Call, prng: Prng): void {
  call("SET", "s:int", 12345);
  call("SET", "s:text", "ohmytext");
  call("SET", "s:long", "mynewtext ".repeat(12));
  call("SET", "s:binary", Uint8Array.from({ length: 256 }, (_, i) => i));
  call("SET", "s:gone", "x", "PXAT", 1);
  call("SET", "s:soon", "y", "PX", 3_600_000);
  call("SET", "s:utf", "grüße, 世界 🌍");
  for (let i = 0; i < 40; i++) call("SETBIT", "s:bits", prng.int(3000), 1);
  call("PFADD", "p:one", ...Array.from({ length: 50 }, (_, i) => `e${i}`));
  call("PFADD", "p:two", ...Array.from({ length: 5000 }, (_, i) => `f${i}`));
  for (let i = 0; i < 20; i++) call("SET", `w_${i}`, prng.int(100));
}

function fillHashes(call: Call, prng: Prng): void {
  call("HSET", "h:small", "name", "Ada", "a", "1", "b", "grüße");
  call("HSET", "h:ints", "0", "1", "7", "-3", "42", "99999999999999999999");
  call("HSET", "h:ttl", "a", "1", "b", "2", "name", "x", "0", "y");
  call("HPEXPIRE", "h:ttl", 3_600_000, "FIELDS", 2, "a", "b");
  call("HSET", "h:names", "__proto__", "p", "constructor", "c", "", "empty", "grüße", "g");
  for (let i = 0; i < 100; i++) call("HSET", "h:table", `field:${i}`, "v".repeat(prng.int(100)));
  for (let i = 0; i < 600; i++) call("HSET", "h:large", `field:${i}`, `value ${i}`);
  call("HPEXPIRE", "h:large", 3_600_000, "FIELDS", 2, "field:7", "field:8");
}

function fillLists(call: Call): void {
  call("RPUSH", "l:small", "a", "b", "a", "grüße", "", "a");
  call("RPUSH", "l:ints", ...Array.from({ length: 50 }, (_, i) => i - 5));
  for (let i = 0; i < 1200; i++) call("RPUSH", "l:large", `element:${i % 500}`);
  call("RPUSH", "l:plain", "x".repeat(20_000), "a", "y".repeat(9000), "b");
}

function fillSets(call: Call): void {
  call("SADD", "st:ints", 0, 1, 7, -3, 42);
  call("SADD", "st:bigints", 1, 70_000, "9007199254740993", -3);
  call("SADD", "st:pack", "a", "b", "name", "7", "grüße", "");
  call("SADD", "st:one", "a");
  for (let i = 0; i < 300; i++) call("SADD", "st:large", `member:${i}`, i);
}

function fillSortedSets(call: Call, prng: Prng): void {
  call("ZADD", "z:small", 1, "a", 2.5, "b", -7, "name", 3, "42", 1e300, "grüße");
  call("ZADD", "z:inf", "-inf", "a", "+inf", "b", 0, "name", 0.1, "7");
  for (const letter of "abcdefghij") call("ZADD", "z:lex", 0, letter, 0, `${letter}${letter}`);
  for (let i = 0; i < 300; i++) call("ZADD", "z:large", prng.int(500) / 4, `member:${i}`);
  call("GEOADD", "z:geo", 13.361389, 38.115556, "Palermo", 15.087269, 37.502669, "Catania");
  for (let i = 0; i < 200; i++) {
    call("GEOADD", "z:geo", 13 + prng.int(300) / 100, 37 + prng.int(200) / 100, `member:${i}`);
  }
}

function fillStreams(call: Call): void {
  call("XADD", "x:small", "1-1", "a", "1", "b", "2");
  call("XADD", "x:small", "1-2", "a", "3", "b", "grüße");
  for (let i = 1; i <= 300; i++) call("XADD", "x:large", `${i}-0`, "n", i, "name", `v${i}`);
  call("XADD", "x:one", "5-1", "a", "1");
  call("XADD", "x:mixed", "5-1", "a", "1");
  call("XADD", "x:mixed", "5-2", "b", "2", "__proto__", "3", "a", "4");
  for (let i = 1; i <= 20; i++) call("XADD", "x:groups", `${i}-0`, "n", i);
  call("XDEL", "x:groups", "3-0");
  call("XGROUP", "CREATE", "x:groups", "g1", "0");
  call("XGROUP", "CREATE", "x:groups", "g2", "$");
  call("XREADGROUP", "GROUP", "g1", "c1", "COUNT", 5, "STREAMS", "x:groups", ">");
  call("XREADGROUP", "GROUP", "g1", "c2", "COUNT", 3, "STREAMS", "x:groups", ">");
}

function fillVectors(call: Call, prng: Prng): void {
  const sets: readonly (readonly [key: string, dim: number, size: number, form: Word[]])[] = [
    ["v:small", 3, 6, []],
    ["v:floats", 8, 60, ["NOQUANT"]],
    ["v:bits", 16, 40, ["BIN"]],
    ["v:reduced", 10, 20, ["Q8"]],
  ];
  // Integers would come first in the objects that clients make, and __proto__ would be lost in them.
  const names = ELEMENTS.filter((name) => !/^-?\d+$|^__/.test(name));
  for (const [key, dim, size, form] of sets) {
    const reduce = key === "v:reduced" ? ["REDUCE", 4] : [];
    for (let i = 0; i < size; i++) {
      const vector = Array.from({ length: dim }, () => prng.int(2000) / 1000 - 1);
      const attributes = JSON.stringify({ n: i % 7, kind: "xyz"[i % 3] });
      const element = i < names.length ? names[i] : `member:${i}`;
      const attribute = i % 4 === 0 ? [] : ["SETATTR", attributes];
      call("VADD", key, ...reduce, "VALUES", dim, ...vector, element, ...form, ...attribute);
    }
  }
}
