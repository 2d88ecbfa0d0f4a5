/**
 * What clients of the simulated master do. INCR and APPEND show at once when something is applied twice or
 * not at all, and several databases show when a SELECT is missed.
 *
 * @module
 */

import type { Prng } from "../../src/base/prng.ts";
import type { TestMaster } from "../../src/testing/test_master.ts";

/** A burst of commands. */
export function burst(master: TestMaster, prng: Prng, largest: number): void {
  for (let left = 1 + prng.int(30); left > 0; left--) write(master, prng, largest);
}

function write(master: TestMaster, prng: Prng, largest: number): void {
  const kind = prng.int(14);
  if (kind === 0) {
    master.call("SELECT", prng.int(4));
  } else if (kind === 1) {
    master.call("MULTI");
    for (let left = prng.int(5); left > 0; left--) change(master, prng, largest);
    if (prng.oneIn(3)) master.call("SELECT", prng.int(4));
    change(master, prng, largest);
    master.call("EXEC");
  } else if (kind === 2 && prng.oneIn(8)) {
    master.call("SWAPDB", prng.int(4), prng.int(4));
  } else if (kind === 3 && prng.oneIn(20)) {
    master.call(prng.oneIn(4) ? "FLUSHALL" : "FLUSHDB");
  } else {
    change(master, prng, largest);
  }
}

function change(master: TestMaster, prng: Prng, largest: number): void {
  const id = prng.int(12);
  switch (prng.int(9)) {
    case 0:
      return void master.call("DEL", `n${id}`, `a${id}`, `s${id}`);
    case 1:
      return void master.call("APPEND", `a${id}`, "\r\n*1\r\n$4\r\n".repeat(1 + prng.int(3)));
    case 2:
      return void master.call("PEXPIRE", `${prng.pick(["n", "a", "s"])}${id}`, prng.int(5000));
    case 3:
      return void master.call(
        "SET",
        `s${id}`,
        "v".repeat(prng.int(largest)),
        "PX",
        1 + prng.int(9000),
      );
    case 4:
      return void master.call("PUBLISH", "news", `item ${id}`);
    case 5:
      return void master.call("SETRANGE", `a${id}`, prng.int(40), "<->");
    case 6:
      return void master.call("SET", `s${id}`, prng.bytes(prng.int(largest)));
    default:
      return void master.call("INCR", `n${id}`);
  }
}
