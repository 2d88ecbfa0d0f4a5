/**
 * Live values: when their functions run, what they depend on, and who is told.
 *
 * @module
 */

import assert from "node:assert/strict";
import test from "node:test";
import { MAX_TIMER_MS } from "../../src/base/shape.ts";
import { LiveValues } from "../../src/feed/live.ts";
import { Rig } from "./rig.ts";

class LiveRig extends Rig {
  readonly live: LiveValues = new LiveValues({
    source: this.source,
    commits: this.commits,
    logger: this.logger,
  });
}

/** A function that counts its runs. */
function counted<T>(fn: () => T): { (): T; runs: number } {
  const run = () => {
    run.runs++;
    return fn();
  };
  run.runs = 0;
  return run;
}

test("live() runs its function when the value is wanted, and keeps it while nothing changed", () => {
  const rig = new LiveRig();
  const body = counted(() => ({ text: rig.get("a") }));
  const live = rig.live.live(body);
  assert.equal(body.runs, 0);
  const first = live.value;
  assert.deepEqual(first, { text: undefined });
  assert.equal(live.value, first);
  assert.equal(body.runs, 1);
  rig.set("b", "x");
  assert.equal(live.value, first, "another key");
  assert.equal(body.runs, 1, "what was read did not change, so nothing was run");
  rig.set("a", "1");
  assert.deepEqual(live.value, { text: "1" });
  assert.equal(rig.live.size, 0, "without subscribers nothing is registered");
});

test("a subscriber is told once a turn, of the last state", async () => {
  const rig = new LiveRig();
  const body = counted(() => rig.get("a"));
  const live = rig.live.live(body);
  const told: unknown[] = [];
  const off = live.subscribe((value) => told.push(value));
  assert.equal(body.runs, 1);
  rig.set("a", "1");
  rig.set("a", "2");
  rig.set("b", "2");
  assert.deepEqual(told, [], "never inside a commit");
  assert.equal(body.runs, 1);
  await rig.clock.turn();
  assert.deepEqual(told, ["2"]);
  assert.equal(body.runs, 2);
  rig.set("a", "2");
  await rig.clock.turn();
  assert.deepEqual(told, ["2"], "the same value is no change");
  off();
  off();
  rig.set("a", "3");
  await rig.clock.turn();
  assert.deepEqual(told, ["2"]);
  assert.equal(rig.live.size, 0);
  assert.equal(live.value, "3");
});

test("a value read before the run is that of the data, and is told once", async () => {
  const rig = new LiveRig();
  const body = counted(() => rig.get("a"));
  const live = rig.live.live(body);
  const told: unknown[] = [];
  live.subscribe((value) => told.push(value));
  rig.set("a", "1");
  assert.equal(live.value, "1");
  assert.equal(live.value, rig.get("a"));
  assert.equal(body.runs, 2);
  await rig.clock.turn();
  assert.equal(body.runs, 2);
  assert.deepEqual(told, ["1"]);
});

test("half a transaction is never seen", async () => {
  const rig = new LiveRig();
  rig.set("a", "1");
  rig.set("b", "1");
  const seen: string[] = [];
  const live = rig.live.live(() => `${rig.get("a")}${rig.get("b")}`);
  live.subscribe((value) => seen.push(value!));
  for (let i = 2; i < 6; i++) {
    rig.commit(() => {
      rig.set("a", `${i}`);
      rig.set("b", `${i}`);
    });
    if (i % 2 === 0) await rig.clock.turn();
  }
  await rig.clock.turn();
  assert.deepEqual(seen, ["22", "44", "55"]);
});

test("missing keys, patterns, sizes and other databases count", async () => {
  const rig = new LiveRig();
  const missing = counted(() => rig.get("later"));
  const listed = counted(() => rig.db(0).keys("user:*").sort());
  const size = counted(() => rig.db(0).size);
  const other = counted(() => rig.db(3).get("k"));
  const bodies = [missing, listed, size, other];
  const lives = bodies.map((body) => rig.live.live<unknown>(body));
  for (const live of lives) live.subscribe(() => {});
  const runs = () => bodies.map((body) => body.runs).join(" ");
  assert.equal(runs(), "1 1 1 1");
  rig.set("later", "x");
  await rig.clock.turn();
  assert.equal(runs(), "2 1 2 1");
  rig.set("user:1", "x");
  await rig.clock.turn();
  assert.equal(runs(), "2 2 3 1");
  rig.set("k", "in database 0");
  rig.set("k", "in database 3", { db: 3 });
  await rig.clock.turn();
  assert.equal(runs(), "2 2 4 2");
  rig.del("user:1");
  await rig.clock.turn();
  assert.equal(runs(), "2 3 5 2");
  assert.deepEqual(lives.map((live) => live.value), ["x", [], 2, "in database 3"]);
});

test("what is read may differ from run to run", async () => {
  const rig = new LiveRig();
  rig.set("which", "a");
  const body = counted(() => rig.get(rig.get("which")!));
  const live = rig.live.live(body);
  live.subscribe(() => {});
  rig.set("which", "b");
  await rig.clock.turn();
  assert.equal(body.runs, 2);
  rig.set("a", "no longer read");
  await rig.clock.turn();
  assert.equal(body.runs, 2);
  rig.set("b", "1");
  await rig.clock.turn();
  assert.equal(live.value, "1");
  assert.equal(body.runs, 3);
});

test("a key that expires by time is a change", async () => {
  const rig = new LiveRig();
  const { clock } = rig;
  rig.set("a", "1", { expireAtMs: clock.now() + 100 });
  const told: unknown[] = [];
  const live = rig.live.live(() => rig.get("a"));
  const off = live.subscribe((value) => told.push(value));
  await clock.advance(100);
  assert.deepEqual(told, []);
  await clock.advance(1);
  assert.deepEqual(told, [undefined]);
  // Later, and earlier than it was.
  rig.set("a", "2", { expireAtMs: clock.now() + 1000 });
  await clock.turn();
  rig.set("a", "3", { expireAtMs: clock.now() + 10 });
  await clock.advance(11);
  assert.deepEqual(told, [undefined, "2", "3", undefined]);
  // Asked after the time and before the timer: subscribers are told all the same.
  rig.set("a", "4", { expireAtMs: clock.now() + 10 });
  await clock.turn();
  clock.time += 11;
  assert.equal(live.value, undefined);
  await clock.turn();
  assert.deepEqual(told.slice(4), ["4", undefined]);
  rig.set("a", "5", { expireAtMs: clock.now() + 10 });
  await clock.turn();
  off();
  assert.equal(clock.timers.size, 0, "no timer stays behind");
  clock.time += 11;
  assert.equal(live.value, undefined, "nobody is subscribed, and time counts");
});

test("a time beyond the longest timer, and a clock that is set back", async () => {
  const rig = new LiveRig();
  const { clock } = rig;
  rig.set("a", "1", { expireAtMs: clock.now() + 2 * MAX_TIMER_MS });
  const body = counted(() => rig.get("a"));
  const live = rig.live.live(body);
  live.subscribe(() => {});
  await clock.advance(MAX_TIMER_MS + 10);
  assert.equal(body.runs, 1);
  assert.equal(live.value, "1");
  const [[, timer]] = clock.timers;
  clock.time -= 1000;
  clock.timers.clear();
  timer.callback();
  await clock.turn();
  assert.equal(body.runs, 1);
  await clock.advance(MAX_TIMER_MS + 1000);
  assert.equal(live.value, undefined);
  assert.equal(body.runs, 2);
});

test("of ten thousand live values one runs when one key is touched", async () => {
  const rig = new LiveRig();
  let runs = 0;
  const lives = Array.from({ length: 10_000 }, (_, i) =>
    rig.live.live(() => {
      runs++;
      return rig.get(`key:${i}`);
    }));
  let told = 0;
  const offs = lives.map((live) => live.subscribe(() => told++));
  await rig.clock.turn();
  assert.equal(runs, 10_000);
  rig.set("key:4711", "x");
  await rig.clock.turn();
  assert.equal(runs, 10_001);
  assert.equal(told, 1);
  rig.flush(-1);
  rig.clock.costMs = 0.05;
  await rig.clock.turn();
  assert.equal(runs, 20_001, "a flush touches all, in slices");
  for (const off of offs) off();
  assert.equal(rig.live.size, 0);
});

test("values that nobody subscribes to leave nothing behind", () => {
  const rig = new LiveRig();
  for (let i = 0; i < 1000; i++) assert.equal(rig.live.live(() => rig.get("a")).value, undefined);
  assert.equal(rig.live.size, 0);
  assert.equal(rig.clock.timers.size, 0);
  assert.equal(rig.live.listening, true);
  const live = rig.live.live(() => rig.get("a"));
  assert.equal(live.value, undefined);
  for (let i = 0; i < 20_000; i++) rig.set("b", "x");
  assert.equal(rig.live.listening, false, "commits are listened to for a while only");
  rig.set("a", "unheard");
  assert.equal(live.value, "unheard");
});

test("what the function throws is thrown by the value, until it is right again", async () => {
  const rig = new LiveRig();
  rig.refused = new Error("LOADING");
  const told: unknown[] = [];
  const live = rig.live.live(() => {
    if (rig.get("bad") !== undefined) throw new RangeError("bad");
    return rig.get("a");
  });
  live.subscribe((value, error) => told.push([value, error instanceof Error && error.message]));
  assert.throws(() => live.value, { message: "LOADING" });
  rig.refused = undefined;
  rig.live.changedAll();
  await rig.clock.turn();
  assert.equal(live.value, undefined);
  rig.set("bad", "x");
  await rig.clock.turn();
  assert.throws(() => live.value, RangeError);
  rig.del("bad");
  rig.set("a", "1");
  assert.equal(live.value, "1");
  await rig.clock.turn();
  assert.deepEqual(told, [[undefined, false], [undefined, "bad"], ["1", false]]);
});

test("databases that are flushed, swapped or replaced", async () => {
  const rig = new LiveRig();
  rig.set("a", "zero");
  rig.set("a", "one", { db: 1 });
  const live = rig.live.live(() => rig.get("a"));
  const unheard = rig.live.live(() => rig.get("a"));
  assert.equal(unheard.value, "zero");
  const told: unknown[] = [];
  live.subscribe((value) => told.push(value));
  rig.swap(0, 1);
  assert.equal(unheard.value, "one");
  await rig.clock.turn();
  rig.flush(0);
  assert.equal(unheard.value, undefined);
  await rig.clock.turn();
  const fresh = new Rig();
  fresh.set("a", "fresh");
  rig.keyspace.replaceWith(fresh.keyspace);
  rig.commits.replaced();
  assert.equal(unheard.value, "fresh");
  await rig.clock.turn();
  assert.deepEqual(told, ["one", undefined, "fresh"]);
});

test("the number of keys after all data was replaced", async () => {
  const rig = new LiveRig();
  rig.set("a", "1");
  const live = rig.live.live(() => rig.db(0).size);
  live.subscribe(() => {});
  const fresh = new Rig();
  for (const key of ["a", "b"]) fresh.set(key, "fresh");
  rig.keyspace.replaceWith(fresh.keyspace);
  rig.commits.replaced();
  await rig.clock.turn();
  assert.equal(live.value, 2);
  rig.del("b");
  assert.equal(live.value, 1, "as many as before it was replaced");
});

test("a live value that reads another runs when that one has become another", async () => {
  const rig = new LiveRig();
  rig.set("n", "1");
  const parity = counted(() => Number(rig.get("n")) % 2);
  const inner = rig.live.live(parity);
  const words = counted(() => inner.value === 0 ? "even" : "odd");
  const outer = rig.live.live(words);
  assert.equal(outer.value, "odd");
  const told: unknown[] = [];
  const off = outer.subscribe((value) => told.push(value));
  assert.equal(rig.live.size, 2);
  rig.set("n", "3");
  await rig.clock.turn();
  assert.equal(parity.runs, 2);
  assert.equal(words.runs, 1, "the inner value stayed the same");
  rig.set("n", "4");
  assert.equal(outer.value, "even");
  await rig.clock.turn();
  assert.deepEqual(told, ["even"]);
  inner[Symbol.dispose]();
  rig.set("n", "5");
  await rig.clock.turn();
  assert.deepEqual(told, ["even", "odd"], "others that read it go on");
  off();
  assert.equal(rig.live.size, 0);
  rig.set("n", "6");
  assert.equal(outer.value, "even");
  const loop: { value: number } = rig.live.live((): number => loop.value);
  assert.throws(() => loop.value, /reads itself/);
});

test("a live value that reads another is told of each of its changes", async () => {
  const rig = new LiveRig();
  const inner = rig.live.live(() => rig.get("a"));
  const outer = rig.live.live(() => [inner.value, rig.get("b")]);
  const told: unknown[] = [];
  outer.subscribe((value) => told.push(value));
  for (let i = 1; i < 4; i++) {
    // Both are dirty: the outer one runs first, and works the inner one out.
    rig.commit(() => {
      rig.set("b", `${i}`);
      rig.set("a", `${i}`);
    });
    await rig.clock.turn();
    rig.set("a", `${i}+`);
    await rig.clock.turn();
  }
  assert.deepEqual(told, [["1", "1"], ["1+", "1"], ["2", "2"], ["2+", "2"], ["3", "3"], [
    "3+",
    "3",
  ]]);
});

test("isEqual decides what is another value; unless told, data is compared", async () => {
  const rig = new LiveRig();
  const plain = rig.live.live(() => [rig.get("a")?.length]);
  const strict = rig.live.live(() => [rig.get("a")?.length], { isEqual: Object.is });
  let plainly = 0;
  let strictly = 0;
  plain.subscribe(() => plainly++);
  strict.subscribe(() => strictly++);
  const before = plain.value;
  rig.set("a", "x");
  await rig.clock.turn();
  const after = plain.value;
  assert.notEqual(before, after);
  rig.set("a", "y");
  await rig.clock.turn();
  assert.equal(plain.value, after);
  assert.deepEqual([plainly, strictly], [1, 2]);
  const broken = rig.live.live(() => [rig.get("a")], {
    isEqual: () => {
      throw new Error("no");
    },
  });
  broken.subscribe(() => plainly++);
  rig.set("a", "z");
  await rig.clock.turn();
  assert.equal(plainly, 2);
  assert.match(rig.errors.join(), /isEqual of a live value failed: no/);
});

test("a listener that throws is reported and stops nobody", async () => {
  const rig = new LiveRig();
  const live = rig.live.live(() => rig.get("a"));
  const told: unknown[] = [];
  live.subscribe(() => {
    throw new Error("mine");
  });
  live.subscribe(() => Promise.reject(new Error("later")) as unknown as void);
  const same = () => void told.push("same");
  const off = live.subscribe(same);
  live.subscribe(same);
  rig.set("a", "1");
  await rig.clock.turn();
  assert.deepEqual(told, ["same", "same"]);
  assert.match(rig.errors.join(), /mine.*later/);
  off();
  rig.set("a", "2");
  await rig.clock.turn();
  assert.equal(told.length, 3, "each subscription is its own");
});

test("async functions and what is no function are refused", async () => {
  const rig = new LiveRig();
  const live = rig.live.live(() => Promise.reject(new Error("unhandled")));
  assert.throws(() => live.value, /synchronous/);
  assert.throws(() => rig.live.live("x" as unknown as () => void), TypeError);
  assert.throws(() => live.subscribe(undefined as never), TypeError);
  await rig.clock.turn();
});

test("disposed values tell nobody, and a closed replica neither", async () => {
  const rig = new LiveRig();
  const told: unknown[] = [];
  const live = rig.live.live(() => rig.get("a"));
  live.subscribe((value) => told.push(value));
  live[Symbol.dispose]();
  rig.set("a", "1");
  await rig.clock.turn();
  assert.equal(told.length, 0);
  assert.equal(live.value, "1");
  assert.throws(() => live.subscribe(() => {}), /disposed/);
  const other = rig.live.live(() => rig.get("a"));
  rig.set("a", "1", { expireAtMs: rig.clock.now() + 100 });
  other.subscribe((value) => told.push(value));
  rig.live.close();
  assert.equal(rig.clock.timers.size, 0);
  rig.set("a", "2");
  await rig.clock.turn();
  assert.deepEqual(told, []);
  assert.equal(other.value, "2");
});
