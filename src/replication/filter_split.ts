/**
 * Commands of which each key is for itself, cut down to some of their keys.
 *
 * @module
 */

import { Argv } from "../resp/argv.ts";
import type { KeyUse } from "./repair/roles.ts";

/** Commands whose keys have nothing to do with each other, and how many arguments belong to each of them. */
const SPLIT: ReadonlyMap<string, number> = new Map([
  ["del", 1],
  ["unlink", 1],
  ["mset", 2],
  ["msetnx", 2],
  ["msetex", 2],
]);

/** The same command about the keys of `kept` alone; undefined for one whose keys depend on each other. */
export function splitKept(name: string, argv: Argv, kept: readonly KeyUse[]): Argv | undefined {
  const each = SPLIT.get(name);
  if (each === undefined) return undefined;
  const words: (string | Uint8Array)[] = [name];
  if (name === "msetex") words.push(String(kept.length));
  for (const { index } of kept) {
    for (let i = 0; i < each; i++) words.push(argv.at(index + i));
  }
  if (name === "msetex") {
    // Its options stand behind the keys, which it counts.
    const count = Number(new TextDecoder().decode(argv.at(1)));
    for (let i = 2 + count * each; i < argv.count; i++) words.push(argv.at(i));
  }
  return Argv.of(...words);
}
