/**
 * Turns that let input in (fair_turns.ts): when a timer is taken instead of `setImmediate`, and in what order callbacks
 * come; and on the runtime at hand, that long turns do not keep a socket waiting.
 *
 * @module
 */

import assert from "node:assert/strict";
import net from "node:net";
import { test } from "node:test";
import { nextSlice } from "../../src/base/slices.ts";
import { afterInput } from "../../src/net/fair_turns.ts";
import { hostClock } from "../../src/net/host_clock.ts";

/** A loop that is turned by hand. */
class Loop {
  nowMs: number = 1000;
  readonly kinds: string[] = [];
  readonly callbacks: (() => void)[] = [];
  readonly later: (callback: () => void) => void = afterInput({
    soon: (callback) => this.#add("soon", callback),
    setTimeout: (callback) => this.#add("timer", callback),
    monotonic: () => this.nowMs,
  });

  /** Runs what waits now. */
  turn(): void {
    for (const callback of this.callbacks.splice(0)) callback();
  }

  #add(kind: string, callback: () => void): void {
    this.kinds.push(kind);
    this.callbacks.push(callback);
  }
}

test("afterInput() takes a timer whenever eight milliseconds have passed", () => {
  for (
    const [ms, expected] of [[4, "timer soon timer soon"], [20, "timer timer timer timer"]] as const
  ) {
    const loop = new Loop();
    for (let i = 0; i < 4; i++) {
      loop.later(() => loop.nowMs += ms);
      loop.turn();
    }
    assert.equal(loop.kinds.join(" "), expected);
  }
});

test("afterInput() keeps the order, and one callback that throws does not lose the others", () => {
  const loop = new Loop();
  const seen: string[] = [];
  loop.later(() => {
    seen.push("a");
    throw new Error("a bug");
  });
  loop.later(() => seen.push("b"));
  loop.later(() => seen.push("c"));
  assert.deepEqual(loop.kinds, ["timer"], "one timer for all that wait");
  assert.throws(() => loop.turn(), /a bug/);
  loop.turn();
  assert.deepEqual(seen, ["a", "b", "c"]);
});

test("nextSlice() of the host's clock lets a socket in between long turns", async () => {
  const clock = hostClock();
  const server = net.createServer((socket) => socket.pipe(socket));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as net.AddressInfo;
  let turnsTaken = 0;
  let goesOn = true;
  const work = () => {
    const until = clock.monotonic() + 4;
    while (clock.monotonic() < until);
    turnsTaken++;
    if (goesOn) nextSlice(clock, work);
  };
  const socket = net.connect(port, "127.0.0.1");
  await new Promise((resolve) => socket.once("connect", resolve));
  nextSlice(clock, work);
  const before = turnsTaken;
  for (let i = 0; i < 5; i++) {
    socket.write("x");
    await new Promise((resolve) => socket.once("data", resolve));
  }
  goesOn = false;
  socket.destroy();
  server.close();
  // Each way takes a few turns; where no input is let in, each round trip takes more than sixty.
  assert.ok(turnsTaken - before < 5 * 30, `${turnsTaken - before} turns for five round trips`);
});
