import assert from "node:assert/strict";
import test from "node:test";
import { Prng } from "../../src/base/prng.ts";
import { Output } from "../../src/net/output.ts";

function taken(output: Output, count: number): number[] {
  const run = [...output.sending.bytes.subarray(output.start, output.start + count)];
  output.advance(count);
  return run;
}

test("next() brings nothing before commit()", () => {
  const output = new Output();
  assert.equal(output.next(), false);
  output.filling.writeByte(1);
  assert.equal(output.next(), false);
  assert.equal(output.length, 1);
  output.commit();
  assert.equal(output.next(), true);
  assert.deepEqual(taken(output, 1), [1]);
  assert.equal(output.length, 0);
  assert.equal(output.next(), false);
});

test("next() leaves a tail that is not committed at its offset", () => {
  const output = new Output();
  output.filling.writeBytes(Uint8Array.of(1, 2, 3));
  output.commit();
  const { filling } = output;
  filling.writeBytes(Uint8Array.of(0, 5));
  assert.equal(output.next(), true);
  assert.equal(output.filling, filling);
  filling.bytes[3] = 4;
  assert.deepEqual(taken(output, 3), [1, 2, 3]);
  assert.equal(output.length, 2);
  assert.equal(output.next(), false);
  output.commit();
  assert.equal(output.next(), true);
  assert.deepEqual(taken(output, 2), [4, 5]);
  assert.notEqual(output.filling, filling, "with nothing behind it the buffer is swapped");
});

test("advance() gives back a great buffer's memory", () => {
  const output = new Output();
  output.filling.writeBytes(new Uint8Array(8 << 20));
  output.commit();
  assert.equal(output.next(), true);
  output.advance(8 << 20);
  assert.ok(output.sending.bytes.length < 1 << 20);
});

test("drop() forgets everything and lets go of the run that is being written", () => {
  const output = new Output();
  output.filling.writeByte(1);
  output.commit();
  output.next();
  const inFlight = output.sending;
  output.filling.writeByte(2);
  output.drop();
  assert.equal(output.length, 0);
  assert.equal(output.next(), false);
  assert.notEqual(output.sending, inFlight);
});

test("any order of appends, commits and partial writes keeps every byte in order", () => {
  const prng = new Prng(20_261_122);
  for (let round = 0; round < 200; round++) {
    const output = new Output();
    const appended: number[] = [];
    const written: number[] = [];
    let committed = 0;
    for (let step = 0; step < 300; step++) {
      const kind = prng.int(4);
      if (kind === 0) {
        for (let left = prng.int(50); left > 0; left--) {
          appended.push(appended.length & 255);
          output.filling.writeByte(appended.at(-1)!);
        }
      } else if (kind === 1) {
        output.commit();
        committed = appended.length;
      } else if (output.next()) {
        const most = output.sending.length - output.start;
        written.push(...taken(output, 1 + prng.int(most)));
      } else {
        assert.equal(written.length, committed);
      }
      assert.equal(output.length, appended.length - written.length);
    }
    assert.deepEqual(written, appended.slice(0, written.length));
  }
});
