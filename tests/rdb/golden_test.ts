/**
 * Snapshots of real servers, made by `tests/golden/make_strings.ts`: read whole, byte by byte and cut
 * everywhere, always with the same outcome.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Prng } from "../../src/base/prng.ts";
import { Opcode } from "../../src/rdb/format/opcodes.ts";
import { type ItemJson, sortItems, toJson } from "./support/dataset.ts";
import {
  CollectingSink,
  decodeAtRandomCuts,
  decodeByteByByte,
  decodeCut,
  decodeWhole,
} from "./support/decoding.ts";

const GOLDEN = fileURLToPath(new URL("../golden/", import.meta.url));
const CUT_EVERYWHERE_BYTES = 4096;
const SLOW = { timeout: 60_000 };

interface GoldenJson {
  readonly serverVersion: string;
  readonly functions: readonly string[];
  readonly items: readonly ItemJson[];
}

function auxOf(sink: CollectingSink, name: string): string | undefined {
  return sink.aux_.find(([found]) => found === name)?.[1];
}

for (const file of readdirSync(GOLDEN).filter((name) => /^strings_.*\.rdb$/.test(name))) {
  const bytes = new Uint8Array(readFileSync(join(GOLDEN, file)));
  const json: GoldenJson = JSON.parse(
    readFileSync(join(GOLDEN, file.replace(/rdb$/, "json")), "utf8"),
  );
  const [, variant, server] = file.match(/^strings_(\w+?)_(.*)\.rdb$/)!;

  test(`RdbDecoder reads ${file} whole`, () => {
    const sink = decodeWhole(bytes);
    assert.deepEqual(sortItems(sink.items.map(toJson)), json.items);
    assert.deepEqual(sink.functions, json.functions);
    assert.equal(sink.ended, 1);
    assert.equal(auxOf(sink, "redis-ver") ?? auxOf(sink, "valkey-ver"), json.serverVersion);
    if (variant !== "cluster") assert.match(auxOf(sink, "repl-id") ?? "", /^[0-9a-f]{40}$/);
    assert.equal(
      bytes.filter((byte) => byte === Opcode.FREQ).length >= sink.items.length,
      variant === "lfu" || variant === "empty",
    );
    assert.equal(
      bytes.filter((byte) => byte === Opcode.IDLE).length >= sink.items.length,
      variant === "lru" || variant === "empty",
    );
    assert.equal(sink.dialect, server === "valkey_9" ? 1 : 0);
  });

  test(`RdbDecoder reads ${file} byte by byte and at random cuts`, SLOW, () => {
    const whole = decodeWhole(bytes).summary();
    assert.equal(decodeByteByByte(bytes).summary(), whole);
    const prng = new Prng(1);
    for (let round = 0; round < 25; round++) {
      assert.equal(decodeAtRandomCuts(bytes, prng, 1 + round).summary(), whole);
    }
  });

  if (bytes.length > CUT_EVERYWHERE_BYTES) continue;
  test(`RdbDecoder reads ${file} cut in two at every byte`, SLOW, () => {
    const whole = decodeWhole(bytes).summary();
    for (let cut = 0; cut <= bytes.length; cut++) {
      const sink = new CollectingSink();
      decodeCut(bytes, [cut], sink);
      if (sink.summary() !== whole) assert.fail(`cut at ${cut} reads something else`);
    }
  });
}
