/**
 * Sorted sets and positions against the oracle of `differential.ts`; and ranges of members, whose
 * result is defined only where all scores are equal, on keys of their own.
 *
 * @module
 */

import assert from "node:assert/strict";
import { latin1 } from "../../../src/base/ascii.ts";
import { Prng } from "../../../src/base/prng.ts";
import { serverTest, startServer } from "../../support/servers.ts";
import { COUNT, RUN_MS, runFamily, SEED } from "../differential.ts";
import { Engine } from "../engine.ts";
import { GEO_MAKERS, sameZset, ZSET_DIFFERENCES, ZSET_MAKERS, ZSET_READS } from "./makers.ts";

for (const [name, makers] of [["sorted sets", ZSET_MAKERS], ["positions", GEO_MAKERS]] as const) {
  await serverTest(`our ${name} are a real server's`, async (binary) => {
    await runFamily(binary, {
      makers,

      differences: ZSET_DIFFERENCES,
      same: sameZset,
      reads: ZSET_READS,
    });
  }, { timeoutMs: RUN_MS });
}

const KEYS = ["l1", "l2"];

function member(prng: Prng): string {
  const letters = Array.from({ length: prng.int(4) }, () => "abc\x00\xff"[prng.int(5)]);
  return letters.join("");
}

function bound(prng: Prng): string {
  const chance = prng.int(30);
  if (chance === 0) return ["", "a", "+x", "-\0", "++", "*"][prng.int(6)];
  if (chance < 8) return chance < 4 ? "-" : "+";
  return (prng.oneIn(2) ? "[" : "(") + member(prng);
}

function lexCommand(prng: Prng, small: boolean): string[] {
  const key = KEYS[prng.int(KEYS.length)];
  const range = [key, bound(prng), bound(prng)];
  const limit = prng.oneIn(3) ? ["LIMIT", String(prng.int(9) - 2), String(prng.int(9) - 2)] : [];
  switch (prng.int(small ? 9 : 8)) {
    case 0:
      return ["ZLEXCOUNT", ...range];
    case 1:
      return ["ZRANGEBYLEX", ...range, ...limit];
    case 2:
      return ["ZREVRANGEBYLEX", ...range, ...limit];
    case 3:
      return prng.oneIn(6) ? ["ZREMRANGEBYLEX", ...range] : ["ZCARD", key];
    case 8:
      return ["ZREMRANGEBYRANK", key, "2", "90"];
    default:
      return ["ZADD", key, "0", member(prng)];
  }
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

await serverTest("ranges of members are a real server's", async (binary) => {
  await using server = await startServer(binary);
  const connection = await server.connect();
  const engine = new Engine();
  const prng = new Prng(SEED);
  for (const command of KEYS.map((key) => ["ZADD", key, "0", "m"])) {
    await connection.raw(...command);
    engine.raw(command);
  }
  for (let i = 0; i < Math.min(COUNT >> 3, 20_000); i++) {
    const args = lexCommand(prng, i % 2000 < 1000).map(bytesOf);
    const theirs = latin1(await connection.raw(...args));
    assert.equal(latin1(engine.raw(args)), theirs, args.map((arg) => latin1(arg)).join(" "));
  }
});
