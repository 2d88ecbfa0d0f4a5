/**
 * The Bun adapter gives long chunks back when the call they were lent for is over: its collector would leave tens of
 * megabytes of them behind.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../../src/base/clock.ts";
import { makeBunNet } from "../../src/net/bun.ts";
import { isPattern, makePair, patternAt, Recorder } from "./support.ts";

const LONG_BYTES: number = 64 * 1024;
const TOTAL_BYTES: number = 8 * 1024 * 1024;
const PIECE_BYTES: number = 64 * 1024;

/** Keeps every chunk beyond the call, which no handler may. */
class Keeper extends Recorder {
  readonly kept: Uint8Array[] = [];
  long: number = 0;

  override onData(chunk: Uint8Array): void {
    assert.ok(isPattern(chunk, this.length), "the bytes are there during the call");
    super.onData(chunk);
    this.kept.push(chunk);
    if (chunk.length >= LONG_BYTES) this.long++;
  }
}

test("Bun's long chunks are freed once they were handled", {
  skip: !("Bun" in globalThis),
}, async () => {
  const pair = await makePair(makeBunNet(systemClock));
  try {
    const keeper = new Keeper();
    pair.server.start(keeper);
    pair.client.start(new Recorder());
    for (let at = 0; at < TOTAL_BYTES; at += PIECE_BYTES) {
      pair.client.write(patternAt(at, PIECE_BYTES));
    }
    await keeper.received(TOTAL_BYTES);
    assert.equal(keeper.length, TOTAL_BYTES);
    assert.ok(keeper.long > 0, "some chunks were long");
    const lengths = keeper.kept.map(({ length }) => length);
    assert.ok(lengths.every((length) => length < LONG_BYTES), `kept: ${lengths}`);
  } finally {
    await pair.done();
  }
});
