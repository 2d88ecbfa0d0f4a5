/**
 * What a stream consists of, by the command it is made of: blocks of whole commands over random keys.
 *
 * @module
 */

import { encodeCommand } from "../../tests/support/resp.ts";
import type { Load } from "./firehose.ts";

/** Commands of a block. */
export const BLOCK_COMMANDS = 2000;
const MAX_BLOCKS = 500;
const ELEMENTS = 50;

/** Sizes of a load. */
export interface LoadSizes {
  /** Blocks to send. */
  readonly blocks: number;
  /** Keys that are named. */
  readonly keys: number;
  /** Bytes of a value. */
  readonly valueBytes: number;
}

type Make = (key: string, number: number, value: string) => string[];

/** Each command's arguments for one key, a number that grows, and a value. */
const MAKERS: Readonly<Record<string, Make>> = {
  SET: (key, _n, value) => ["SET", key, value],
  INCR: (key) => ["INCR", `n:${key}`],
  EXPIRE: (key, n) => n % 2 === 0 ? ["SET", key, "x"] : ["PEXPIREAT", key, "4102444800000"],
  HSET: (key, n, value) => ["HSET", `h:${key}`, `field:${n % ELEMENTS}`, value.slice(0, 60)],
  SADD: (key, n) => ["SADD", `s:${key}`, `member:${n % ELEMENTS}`],
  ZADD: (key, n) => ["ZADD", `z:${key}`, String(n % 1000), `member:${n % ELEMENTS}`],
  LPUSH: (key, n, value) => n % 2 === 0 ? ["LPUSH", `l:${key}`, value] : ["LPOP", `l:${key}`],
  XADD: (key, n, value) => ["XADD", `x:${key}`, `${n + 1}-1`, "field", value],
};

/** The names of all loads; SET first, which the others are measured by. */
export const LOADS: readonly string[] = Object.keys(MAKERS);

/** A load made of one command. */
export function makeLoad(name: string, { blocks: count, keys, valueBytes }: LoadSizes): Load {
  const make = MAKERS[name];
  const value = "v".repeat(valueBytes);
  let seed = 42;
  const next = () => seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  let number = 0;
  const blocks: Uint8Array[] = [];
  // An XADD cannot be sent twice: every block is another one.
  const distinct = name === "XADD" ? count : Math.min(count, MAX_BLOCKS);
  for (let i = 0; i < distinct; i++) {
    const commands = Array.from({ length: BLOCK_COMMANDS }, () => {
      const key = `key:${String(next() % keys).padStart(8, "0")}`;
      return encodeCommand(make(key, number++, value));
    });
    blocks.push(join(commands));
  }
  return { blocks, count };
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let pos = 0;
  for (const part of parts) {
    whole.set(part, pos);
    pos += part.length;
  }
  return whole;
}
