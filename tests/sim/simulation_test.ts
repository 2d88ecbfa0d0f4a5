/** Seeded simulations: `SEED=n` replays one, `SEEDS=n` runs n of them. */

import assert from "node:assert/strict";
import { env } from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { run } from "../support/process.ts";
import { installedRuntime, RUNTIMES, scriptArguments } from "../support/runtimes.ts";
import { BUGS } from "./bugs.ts";
import { simulate } from "./simulation.ts";

const FIRST = Number(env.SEED ?? env.FIRST ?? 1);
const COUNT = env.SEED === undefined ? Number(env.SEEDS ?? 100) : 1;
/** A failure is looked for in a group, so that ten thousand are not ten thousand tests. */
const GROUP = 100;

for (let first = FIRST; first < FIRST + COUNT; first += GROUP) {
  const last = Math.min(first + GROUP, FIRST + COUNT) - 1;
  test(
    `simulations ${first} to ${last} end where their masters are`,
    { timeout: 600_000 },
    async () => {
      for (let seed = first; seed <= last; seed++) {
        const { faults } = await simulate(seed);
        assert.deepEqual(faults, [], `SEED=${seed}`);
      }
    },
  );
}

/** Far more than any of them needs: which seed is the first to notice is printed. */
const MOST_SEEDS = 60;

for (const [name, plant] of Object.entries(BUGS)) {
  test(`a simulation notices that ${name}`, { timeout: 120_000 }, async (t) => {
    for (let seed = 1; seed <= MOST_SEEDS; seed++) {
      const { faults } = await simulate(seed, plant());
      if (faults.length === 0) continue;
      t.diagnostic(`SEED=${seed}: ${faults[0]}`);
      return;
    }
    assert.fail(`none of ${MOST_SEEDS} seeds noticed`);
  });
}

test("equal seeds have equal outcomes, to the last event, on every runtime at hand", async () => {
  const script = fileURLToPath(new URL("./replay.ts", import.meta.url));
  const outputs = new Map<string, string>();
  for (const name of RUNTIMES) {
    const runtime = await installedRuntime(name);
    if (runtime === undefined) continue;
    const { code, stdout, stderr } = await run(runtime.path, [...scriptArguments(name), script]);
    assert.equal(code, 0, stderr);
    outputs.set(name, stdout);
  }
  const [first] = outputs.values();
  assert.equal(first.trim().split("\n").length, 10);
  for (const [name, output] of outputs) assert.equal(output, first, name);
});
