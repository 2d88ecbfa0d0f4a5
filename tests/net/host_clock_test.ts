/**
 * Replica and TestMaster where a test has put fakes in the place of the host's timers.
 *
 * @module
 */

import assert from "node:assert/strict";
import process from "node:process";
import { mock, test } from "node:test";
import { Replica } from "../../mod.ts";
import { hostClock } from "../../src/net/host_clock.ts";
import { TestMaster } from "../../src/testing/test_master.ts";

type Functions = Record<string, unknown>;

const NAMES = ["setTimeout", "setInterval", "setImmediate", "clearTimeout", "queueMicrotask"];
const timers = process.getBuiltinModule("node:timers") as unknown as Functions;
const globals = globalThis as unknown as Functions;

/** Puts functions that never call back into `targets`. Returns what takes them out again. */
function freeze(
  targets: Functions[],
  fakeOf: (name: string, real: unknown) => unknown,
): () => void {
  const saved = targets.map((target) => NAMES.map((name) => [target, name, target[name]] as const));
  for (const [target, name, real] of saved.flat()) {
    if (typeof real === "function") target[name] = fakeOf(name, real);
  }
  const { now } = Date;
  const nowMs = Date.now();
  Date.now = () => nowMs;
  return () => {
    for (const [target, name, real] of saved.flat()) target[name] = real;
    Date.now = now;
  };
}

const never = () => () => ({ ref() {}, unref() {} });
/** As `@sinonjs/fake-timers` marks its fakes, which Jest and Vitest install. */
const marked = (name: string, real: unknown) => {
  return Object.assign(never(), { clock: { [`_${name}`]: real } });
};

const kinds: { name: string; install: () => () => void }[] = [
  { name: "the globals", install: () => freeze([globals], never) },
  { name: "the globals and node:timers", install: () => freeze([globals, timers], never) },
  { name: "both, marked as Sinon's", install: () => freeze([globals, timers], marked) },
  {
    name: "what node:test mocks",
    install: () => {
      mock.timers.enable({ apis: ["setTimeout", "setInterval", "setImmediate", "Date"] });
      return () => mock.timers.reset();
    },
  },
];

for (const { name, install } of kinds) {
  test(`start(), ready() and close() resolve under fakes of ${name}`, async () => {
    const restore = install();
    try {
      const master = await TestMaster.start();
      master.call("SET", "k", "v");
      const replica = new Replica({ master: master.url, listen: 0, logger: false });
      await replica.start({ timeoutMs: 20_000 });
      await replica.ready({ timeoutMs: 20_000 });
      assert.equal(replica.get("k"), "v");
      master.call("DEL", "k");
      assert.equal(await master.wait(1, 20_000), 1);
      assert.equal(replica.get("k"), undefined);
      await replica.close();
      await master.close();
    } finally {
      restore();
    }
  });
}

test("a clock that was made before node:test mocks timers goes on", async () => {
  const clock = hostClock();
  mock.timers.enable({ apis: ["setTimeout", "setInterval", "setImmediate", "Date"] });
  try {
    let called = false;
    clock.clearTimer(clock.setTimer(() => called = true, 1));
    await new Promise<void>((resolve) => void clock.setTimer(resolve, 5));
    await new Promise<void>((resolve) => clock.soon(resolve));
    assert.equal(called, false);
  } finally {
    mock.timers.reset();
  }
  await new Promise<void>((resolve) => void clock.setTimer(resolve, 1));
});

test("hostClock() reads a date that a test has set, and measures time that goes on", async () => {
  const restore = freeze([globals, timers], never);
  try {
    const clock = hostClock();
    const [dateMs, startMs] = [clock.now(), clock.monotonic()];
    await new Promise<void>((resolve) => void clock.setTimer(resolve, 5));
    assert.equal(clock.now(), dateMs);
    assert.ok(clock.monotonic() > startMs);
    let called = false;
    clock.clearTimer(clock.setTimer(() => called = true, 1));
    await new Promise<void>((resolve) => void clock.setTimer(resolve, 5));
    assert.equal(called, false);
  } finally {
    restore();
  }
});
