/**
 * What a stand-alone master of ours sends on is what a real one sends its replica: the same seeded
 * random commands to both, the two streams compared command by command. `SEED=n` repeats a run.
 *
 * @module
 */

import assert from "node:assert/strict";
import { env } from "node:process";
import { Prng } from "../../src/base/prng.ts";
import { type RunningServer, serverTest, sinceRedis, startServer } from "../support/servers.ts";
import { Engine } from "./engine.ts";
import { Generator, type Maker, STRING_MAKERS } from "./generator.ts";
import { HASH_MAKERS } from "./hash/makers.ts";
import { listen } from "./listener.ts";
import { setFamily } from "./set/makers.ts";
import { STREAM_MAKERS } from "./stream/makers.ts";

const COUNT = Math.min(Number(env.COUNT ?? 5_000), 200_000);
const SEED = Number(env.SEED ?? 7);
const BATCH = 200;
const TIMES = /\b[0-9]{12,19}\b/g;

/** Long past, so that both delete it the next time they meet it. */
const PAST = String(1_000_000_000_000);

function toBytes(text: string): Uint8Array {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

/** Commands, and after some of them a key whose time is long past. */
function* traffic(generator: Generator, count: number): Iterable<string[]> {
  for (let i = 0; i < count; i++) {
    // Valkey deletes at once what is set to be long past.
    if (generator.dialect.product === "redis" && generator.prng.oneIn(20)) {
      const key = generator.key();
      yield ["SET", key, "gone", "PXAT", PAST];
      const again = generator.pick([["GET", key], ["INCR", key], ["SET", key, "1"], ["DEL", key]]);
      yield again;
    }
    yield generator.next();
  }
}

/**
 * Times are from two clocks: only that there is one is compared. With PXAT 7.0 leaves out what has been
 * decided, later versions send the command as it came.
 */
function comparable(command: string): string {
  // 8.0.2 and before forgot that HINCRBYFLOAT keeps the field's expiry, later ones always say so.
  const text = command.replace(TIMES, "<ms>")
    .replace(/^HSETEX (.*) KEEPTTL FIELDS 1 (.*)/s, "HSET $1 $2");
  if (!/^set .* pxat(\0|\0[x1])? /is.test(text)) return text;
  // A word may have a zero byte and more at its end.
  const plain = text.replace(/\0[x1]?(?= |$)/g, "");
  return plain.replace(/ (nx|xx|get)\b/gi, "").replace(/ pxat /i, " PXAT ");
}

async function compareStreams(server: RunningServer, makers: readonly Maker[]): Promise<void> {
  const { product, version } = server.binary;
  const connection = await server.connect();
  await connection.call("DEBUG", "SET-ACTIVE-EXPIRE", "0");
  const listener = await listen(await server.connect());
  const engine = new Engine("master");
  engine.becomeDataOf(server.binary);
  const generator = new Generator(new Prng(SEED), { product, version }, makers);
  const all = [...traffic(generator, COUNT)].filter((args) => !isChance(args));
  let compared = 0;
  for (let at = 0; at < all.length; at += BATCH) {
    const batch = all.slice(at, at + BATCH);
    await Promise.all(batch.map((args) => connection.raw(...args.map(toBytes))));
    engine.at(Date.now());
    for (const args of batch) {
      engine.raw(args.map(toBytes));
    }
    await connection.call("SET", "marker", String(at));
    engine.raw(["SET", "marker", String(at)]);
    for (let tries = 0; !listener.commands.includes(`SET marker ${at}`) && tries < 2000; tries++) {
      if (tries % 20 === 0) listener.acknowledge();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const ours = engine.propagated.splice(0).map((line) => line.replace(/^\[\d+\] /, ""));
    const theirs = listener.commands.splice(0);
    for (let i = 0; i < Math.max(ours.length, theirs.length); i++) {
      compared++;
      if (comparable(ours[i] ?? "") === comparable(theirs[i] ?? "")) continue;
      assert.fail(
        `${server.name}, SEED=${SEED}, line ${i} after ${at} commands:\n` +
          ` theirs ${JSON.stringify(theirs.slice(Math.max(0, i - 2), i + 3))}\n` +
          `   ours ${JSON.stringify(ours.slice(Math.max(0, i - 2), i + 3))}\n` +
          batch.map((args) => JSON.stringify(args)).filter((line) =>
            line.includes(JSON.stringify((ours[i] ?? theirs[i]).split(" ")[1]))
          ).join("\n"),
      );
    }
  }
  assert.ok(compared > COUNT / 4, "much was propagated");
}

/** Which expired key these meet and delete is a matter of chance. */
function isChance(args: string[]): boolean {
  return /^(randomkey|scan)$/i.test(args[0]);
}

const FAMILIES: readonly (readonly [string, readonly Maker[], from: string])[] = [
  // Before 7.0 times were sent on as they came.
  ["strings", STRING_MAKERS, "7.0"],
  // And until 8.0, as Valkey does still, deliveries of groups in other words.
  ["streams", STREAM_MAKERS, "8.0"],
  ["hashes", HASH_MAKERS, "7.0"],
  ["sets", setFamily(true).makers, "7.0"],
];

for (const [name, makers, from] of FAMILIES) {
  await serverTest(`our master sends on of ${name} what a real one does`, async (binary) => {
    // As Redis does by default: DEL and not UNLINK.
    const lazy = ["--lazyfree-lazy-expire", "no", "--lazyfree-lazy-server-del", "no"];
    const server = await startServer(binary, lazy);
    try {
      await compareStreams(server, makers);
    } finally {
      await server.stop();
    }
  }, {
    timeoutMs: 600_000,
    isFor: (binary) =>
      sinceRedis(from)(binary) && !(binary.product === "valkey" && name === "streams"),
  });
}
