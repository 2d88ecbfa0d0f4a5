/**
 * Scores as text, as a client and as a master's stream give them.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Caller, type Context } from "../../../src/commands/engine/context.ts";
import { parseScore } from "../../../src/commands/engine/score.ts";
import { Argv } from "../../../src/resp/argv.ts";

const scores: [text: string, client: number, stream: number][] = [
  ["", 0, 0],
  ["7", 7, 7],
  ["-1.5e3", -1500, -1500],
  [".5", 0.5, 0.5],
  ["inf", Infinity, Infinity],
  ["-inf", -Infinity, -Infinity],
  ["1e400", Infinity, Infinity],
  // A zero byte ends it.
  ["3\0junk", 3, 3],
  ["\0", 0, 0],
  // Before 8.0 Redis read these by `strtod`.
  ["0x10", NaN, 16],
  [" 4", NaN, 4],
  ["nan", NaN, NaN],
  ["four", NaN, NaN],
  ["4 ", NaN, NaN],
];
for (const [text, client, stream] of scores) {
  test(`parseScore() reads ${JSON.stringify(text)}`, () => {
    assert.equal(scoreOf(text, Caller.REPLICA_CLIENT), client);
    assert.equal(scoreOf(text, Caller.MASTER_CLIENT), client);
    assert.equal(scoreOf(text, Caller.MASTER_STREAM), stream);
  });
}

function scoreOf(text: string, caller: Caller): number {
  const argv = Argv.of(text);
  return parseScore({ caller } as Context, argv.bytes, argv.starts[0], argv.ends[0]);
}
