/**
 * Records `tests/golden/vector_sets.json`: payloads of vector sets as each server of Redis 8 at hand dumps them, and
 * what a server that restored one answers about it. Nothing here runs in the tests:
 *
 *     RIMR_SERVERS=all deno run -A tests/golden/make_vectors.ts
 *
 * @module
 */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Prng } from "../../src/base/prng.ts";
import type { Argument } from "../support/connection.ts";
import { ROOT } from "../support/paths.ts";
import { replyText } from "../support/reply_text.ts";
import { atLeast, servers, startServer } from "../support/servers.ts";
import { questionsOf, type VectorPayload, wordBytes } from "../rdb/support/vector_sets.ts";

/** How many elements each set has, and what follows the element of its VADDs. */
const SETS: readonly { key: string; size: number; dim: number; reduce: number; more: string[] }[] = [
  { key: "q8", size: 12, dim: 3, reduce: 0, more: [] },
  { key: "floats", size: 14, dim: 20, reduce: 0, more: ["NOQUANT", "M", "4"] },
  { key: "signs", size: 10, dim: 70, reduce: 0, more: ["BIN"] },
  { key: "projected", size: 5, dim: 9, reduce: 4, more: ["NOQUANT"] },
  { key: "one", size: 1, dim: 2, reduce: 0, more: [] },
];

/** Names of every form that a snapshot has for strings. */
const NAMES: readonly string[] = ["", "123", "-70000", "x".repeat(80), "\xff\0"];
const ATTRIBUTES: readonly string[] = ["", '{"n":1}', "12", `{"text":"${"la ".repeat(40)}"}`];

function vadd(prng: Prng, at: number, { key, dim, reduce, more }: typeof SETS[number]): Argument[] {
  const numbers = Array.from({ length: dim }, () => (prng.int(2001) - 1000) / 100);
  const name = Uint8Array.from(NAMES[at] ?? `e${at}`, (letter) => letter.charCodeAt(0));
  const reduced = reduce === 0 ? [] : ["REDUCE", reduce];
  const attribute = prng.pick(ATTRIBUTES);
  const attributes = key === "signs" || attribute === "" ? [] : ["SETATTR", attribute];
  return ["VADD", key, ...reduced, "VALUES", dim, ...numbers, name, ...more, ...attributes];
}

const payloads: VectorPayload[] = [];
for (const binary of await servers()) {
  if (binary.product !== "redis" || !atLeast(binary.version, "8.0.0")) continue;
  await using source = await startServer(binary);
  await using taker = await startServer(binary);
  const prng = new Prng(8);
  for (const set of SETS) {
    for (let i = 0; i < set.size; i++) await source.call(...vadd(prng, i, set));
    const payload = await source.call("DUMP", set.key) as Uint8Array;
    await taker.call("RESTORE", set.key, 0, payload);
    const client = await taker.connect();
    const elements = await client.call("VRANDMEMBER", set.key, 1000) as Uint8Array[];
    const rows: [question: string[], reply: string][] = [];
    for (const question of questionsOf(set.key, elements.map((name) => hexOf(name)).sort())) {
      rows.push([question, replyText(await client.raw(...question.map(wordBytes)))]);
    }
    client.close();
    payloads.push({ server: binary.name, key: set.key, payload: hexOf(payload), rows });
  }
}
writeFileSync(
  join(ROOT, "tests", "golden", "vector_sets.json"),
  `[\n${payloads.map((one) => JSON.stringify(one)).join(",\n")}\n]\n`,
);

function hexOf(bytes: Uint8Array): string {
  return "hex:" + Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
