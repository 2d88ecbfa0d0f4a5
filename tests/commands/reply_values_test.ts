/**
 * What a call in process gives of a command is what a client reads of the same command's reply: seeded random
 * commands of every family, each answered as bytes and as values at once. `COUNT=n` commands of a family,
 * `SEED=n` repeats a run.
 *
 * @module
 */

import { env } from "node:process";
import { test } from "node:test";
import { Prng } from "../../src/base/prng.ts";
import { BothReplies } from "../support/both_replies.ts";
import { Engine } from "./engine.ts";
import { Generator, type Maker, STRING_MAKERS } from "./generator.ts";
import { HASH_MAKERS } from "./hash/makers.ts";
import { LIST_MAKERS } from "./list/makers.ts";
import { setFamily } from "./set/makers.ts";
import { STREAM_MAKERS } from "./stream/makers.ts";
import { GEO_MAKERS, ZSET_MAKERS } from "./zset/makers.ts";

const COUNT = Number(env.COUNT ?? 1000);
const SEED = Number(env.SEED ?? 20_260_730);

const families: Readonly<Record<string, readonly Maker[]>> = {
  strings: STRING_MAKERS,
  hashes: HASH_MAKERS,
  lists: LIST_MAKERS,
  sets: setFamily(true).makers,
  "sorted sets": ZSET_MAKERS,
  places: GEO_MAKERS,
  streams: STREAM_MAKERS,
};

for (const [name, makers] of Object.entries(families)) {
  test(`commands on ${name} give in process what a client reads`, () => {
    const prng = new Prng(SEED);
    const generator = new Generator(prng, { product: "redis", version: "8.6.0" }, makers);
    const engine = new Engine("master", () => prng.next());
    const both = new BothReplies(engine.writer);
    engine.reply = both;
    for (let i = 0; i < COUNT; i++) {
      if (i % 100 === 0) both.protocol = prng.oneIn(4) ? 2 : 3;
      const args = generator.next();
      const written = engine.raw(
        args.map((arg) => Uint8Array.from(arg, (letter) => letter.charCodeAt(0))),
      );
      both.check(written, `command ${i} of seed ${SEED}: ${JSON.stringify(args)}`);
    }
  });
}
