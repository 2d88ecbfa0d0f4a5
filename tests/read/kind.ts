/**
 * What a typed read beside the command it stands for is made of: random arguments, and what a reply of RESP3 (as `call`
 * gives it) or of RESP2 (as ioredis gives it) is as the typed read's value. The reads themselves are in `kinds.ts`.
 *
 * @module
 */

import type { Prng } from "../../src/base/prng.ts";
import type { Reader } from "../../mod.ts";
import { ELEMENTS, KEYS } from "./dataset.ts";

/** An argument of a command. */
export type Word = string | number;

/** What a reply means: by it a reply of either protocol becomes the value of a typed read. */
export type Shape = (reply: unknown) => unknown;

/** One read. */
export interface Kind {
  /** Random arguments, the command's name first. */
  readonly args: (draw: Draw) => Word[];
  /** The typed read of the same. */
  readonly read: (reader: Reader, args: Word[]) => unknown;
  /** What the reply means. */
  readonly shape: Shape;
  /** The same from node-redis, as it gives it; left out where it has no such method. */
  readonly node?: (client: NodeRedis, args: Word[]) => Promise<unknown>;
  /** The order of the answer is no promise: it is compared sorted. */
  readonly unordered?: boolean;
}

/** node-redis, as far as it is called here. */
export type NodeRedis = Record<string, (...args: unknown[]) => Promise<unknown>>;

/** Draws arguments. */
export class Draw {
  /** The dice; what is drawn follows from their seed. */
  readonly prng: Prng;

  constructor(prng: Prng) {
    this.prng = prng;
  }

  /** A key of this type most of the time, else one of another or none. */
  key(type: string): string {
    const kind = this.prng.int(12) === 0 ? this.prng.pick(Object.keys(KEYS)) : type;
    return this.prng.int(12) === 0 ? "none" : this.prng.pick(KEYS[kind]);
  }

  /** A field, a member or an element that some values have. */
  element(): string {
    const { prng } = this;
    if (prng.int(3) === 0) {
      return prng.pick(["field:", "member:", "element:", ""]) + prng.int(120);
    }
    return prng.pick(ELEMENTS);
  }

  /** An index from either end. */
  index(): number {
    return this.prng.pick([0, -1, 1, -2, 5, 9, -10, 100, -3000, this.prng.int(2000)]);
  }

  /** A score, as a bound of a range. */
  bound(): Word {
    const { prng } = this;
    const text = ["-inf", "+inf", "(1", "(2.5", "(0", "inf"];
    return prng.int(2) === 0 ? prng.pick(text) : prng.int(400) / 4 - 10;
  }

  /** True once in so many times. */
  once(of: number): boolean {
    return this.prng.int(of) === 0;
  }
}

export const missing: Shape = (reply) => reply === null ? undefined : reply;
export const same: Shape = missing;
export const list: Shape = (reply) => (reply as unknown[]).map(missing);
export const members: Shape = (reply) => reply instanceof Set ? [...reply] : list(reply);
export const number: Shape = (reply) => reply === null ? undefined : toNumber(reply);
export const numbers: Shape = (reply) => (reply as unknown[]).map(number);
export const bool: Shape = (reply) => Boolean(Number(reply));
export const bools: Shape = (reply) => (reply as unknown[]).map(bool);

export function toNumber(reply: unknown): number | bigint {
  if (typeof reply === "bigint") return reply;
  if (reply === "inf" || reply === "+inf") return Infinity;
  if (reply === "-inf") return -Infinity;
  return Number(reply);
}

/** Pairs of either protocol: nested, flat, or a map. */
export function pairsOf(reply: unknown): [unknown, unknown][] {
  if (reply instanceof Map) return [...reply];
  const flat = reply as unknown[];
  if (flat.length > 0 && Array.isArray(flat[0])) return flat as [unknown, unknown][];
  return Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i], flat[2 * i + 1]]);
}

export function object(pairs: [unknown, unknown][]): Record<string, unknown> {
  const made: Record<string, unknown> = {};
  for (const [name, value] of pairs) {
    Object.defineProperty(made, String(name), {
      value,
      enumerable: true,
      writable: true,
      configurable: true,
    });
  }
  return made;
}

export const map: Shape = (reply) => {
  const pairs = pairsOf(reply);
  return pairs.length === 0 ? undefined : object(pairs);
};
export const scored: Shape = (reply) =>
  pairsOf(reply).map(([value, score]) => ({ value, score: toNumber(score) }));
export const messages: Shape = (reply) =>
  ((reply ?? []) as [string, unknown[]][]).map(([id, fields]) => ({
    id,
    message: object(pairsOf(fields)),
  }));
export const streams: Shape = (reply) => {
  if (reply === null) return undefined;
  return pairsOf(reply).map(([name, rows]) => ({ name, messages: messages(rows) }));
};
export const coordinates: Shape = (reply) =>
  (reply as ([unknown, unknown] | null)[]).map((pair) =>
    pair === null ? undefined : { longitude: toNumber(pair[0]), latitude: toNumber(pair[1]) }
  );

export const text: (word: Word) => string = (word) => String(word);
export const int: (word: Word) => number = (word) => Number(word);
export const rest: (args: Word[], from: number) => string[] = (args, from) =>
  args.slice(from).map(String);
export const some: (d: Draw) => string[] = (d) =>
  Array.from({ length: 1 + d.prng.int(4) }, () => d.element());
export const keysOf: (d: Draw, type: string) => string[] = (d, type) =>
  Array.from({ length: 1 + d.prng.int(3) }, () => d.key(type));

/** A read of one key: name, type, typed read, node-redis's name. */
export function ofKey(
  command: string,
  type: string,
  read: (reader: Reader, key: string) => unknown,
  shape: Shape,
  node?: string,
  unordered: boolean = false,
): Kind {
  return {
    args: (d) => [command, d.key(type)],
    read: (r, a) => read(r, text(a[1])),
    shape,
    node: node === undefined ? undefined : (c, a) => c[node](a[1]),
    unordered,
  };
}

/** A read of one element of a key. */
export function ofElement(
  command: string,
  type: string,
  read: (reader: Reader, key: string, element: string) => unknown,
  shape: Shape,
  node?: string,
): Kind {
  return {
    args: (d) => [command, d.key(type), d.element()],
    read: (r, a) => read(r, text(a[1]), text(a[2])),
    shape,
    node: node === undefined ? undefined : (c, a) => c[node](a[1], a[2]),
  };
}

/** A read of several elements of a key. */
export function ofElements(
  command: string,
  type: string,
  read: (reader: Reader, key: string, elements: string[]) => unknown,
  shape: Shape,
  node?: string,
): Kind {
  return {
    args: (d) => [command, d.key(type), ...some(d)],
    read: (r, a) => read(r, text(a[1]), rest(a, 2)),
    shape,
    node: node === undefined ? undefined : (c, a) => c[node](a[1], a.slice(2)),
  };
}

/** A read of several keys. */
export function ofKeys(
  command: string,
  type: string,
  read: (reader: Reader, keys: string[]) => unknown,
  shape: Shape,
  node?: string,
  unordered: boolean = false,
): Kind {
  return {
    args: (d) => [command, ...keysOf(d, type)],
    read: (r, a) => read(r, rest(a, 1)),
    shape,
    node: node === undefined ? undefined : (c, a) => c[node](a.slice(1)),
    unordered,
  };
}

/** A read of several keys behind their number. */
export function counted(
  command: string,
  type: string,
  read: (reader: Reader, keys: string[]) => unknown,
  shape: Shape,
  node?: string,
  tail: Word[] = [],
): Kind {
  return {
    args: (d) => {
      const keys = keysOf(d, type);
      return [command, keys.length, ...keys, ...tail];
    },
    read: (r, a) => read(r, rest(a, 2).slice(0, int(a[1]))),
    shape,
    node: node === undefined ? undefined : (c, a) => c[node](a.slice(2, 2 + int(a[1]))),
  };
}
