/**
 * What a partial copy must know of a command before it is applied: where its one key is, of which type it leaves the
 * key, and whether its arguments become part of the value. Worked out once for each command.
 *
 * @module
 */

import type { Command } from "../commands/engine/command.ts";
import { factsOf } from "../commands/engine/facts.ts";
import { keySpecsOf } from "../commands/engine/key_specs.ts";
import { VECTOR_SET_TYPE } from "../store/types/module.ts";

/** What is known of a command. */
export interface Shape {
  /** Index of its only key; 0 where it has none, or several. */
  readonly key: number;
  /** The type, as TYPE tells it, that its keys have when it is done; undefined where it works on any. */
  readonly type: string | undefined;
  /** Every argument behind the key that is larger than the bound of values makes the value larger, too. */
  readonly adds: boolean;
}

/** Commands with one key in their specs and another one in their arguments. */
const SEVERAL_KEYS: ReadonlySet<string> = new Set(["move", "sort", "migrate"]);
/** Commands whose long arguments become part of the value. */
const ADDING: ReadonlySet<string> = new Set([
  ..."set setex psetex setnx getset append setrange lpush rpush lpushx rpushx lset".split(" "),
  ..."hset hmset hsetnx sadd zadd".split(" "),
]);
/** Types by the group of a command in the documentation. */
const TYPES: Readonly<Record<string, string>> = {
  string: "string",
  bitmap: "string",
  hyperloglog: "string",
  list: "list",
  set: "set",
  "sorted-set": "zset",
  geo: "zset",
  hash: "hash",
  stream: "stream",
};
/** Commands of the group "generic" that work on one type. */
const TYPED: Readonly<Record<string, string>> = {
  delex: "string",
  xackdel: "stream",
  xdelex: "stream",
  xnack: "stream",
};

const shapes: Map<Command, Shape> = new Map();

/** What is known of a command; worked out when it is asked for the first time. */
export function shapeOf(command: Command): Shape {
  let shape = shapes.get(command);
  if (shape === undefined) shapes.set(command, shape = makeShape(command));
  return shape;
}

function makeShape(command: Command): Shape {
  const { name } = command;
  const { group } = factsOf(command);
  const isVector = group === "module" && /^v[a-z]+$/.test(name);
  return {
    key: keyOf(command),
    type: isVector ? VECTOR_SET_TYPE : TYPED[name] ?? TYPES[group],
    adds: ADDING.has(name),
  };
}

function keyOf(command: Command): number {
  const { specs } = keySpecsOf(command);
  if (specs.length !== 1 || SEVERAL_KEYS.has(command.name)) return 0;
  const [{ begin, find, flags }] = specs;
  const isOne = begin.type === "index" && find.type === "range" && find.lastKey === 0;
  return isOne && !flags.includes("incomplete") && !flags.includes("not_key") ? begin.index : 0;
}
