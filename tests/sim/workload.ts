/**
 * What clients of the simulated master do. INCR and APPEND show at once when something is applied twice or
 * not at all, and several databases show when a SELECT is missed.
 *
 * @module
 */

import type { Command } from "../../src/commands/engine/command.ts";
import type { Prng } from "../../src/base/prng.ts";
import type { TestMaster } from "../../src/testing/test_master.ts";
import { NEW_COMMANDS } from "../support/new_commands.ts";

/** Commands that only the master knows: INCR stays what it is, and no script fails at the replica. */
export const UNKNOWN_COMMANDS: readonly Command[] = NEW_COMMANDS.filter(({ name }) => {
  return name !== "incr" && name !== "eval";
});

/** A burst of commands, of which one in `unknownOneIn` is unknown to the replica; 0: none is. */
export function burst(
  master: TestMaster,
  prng: Prng,
  largest: number,
  unknownOneIn: number,
): void {
  for (let left = 1 + prng.int(30); left > 0; left--) write(master, prng, largest, unknownOneIn);
}

function write(master: TestMaster, prng: Prng, largest: number, unknownOneIn: number): void {
  const kind = prng.int(14);
  if (kind === 0) {
    master.call("SELECT", prng.int(4));
  } else if (kind === 1) {
    master.call("MULTI");
    for (let left = prng.int(5); left > 0; left--) change(master, prng, largest, unknownOneIn);
    if (prng.oneIn(3)) master.call("SELECT", prng.int(4));
    change(master, prng, largest, unknownOneIn);
    master.call("EXEC");
  } else if (kind === 2 && prng.oneIn(8)) {
    master.call("SWAPDB", prng.int(4), prng.int(4));
  } else if (kind === 4 && prng.oneIn(8)) {
    const first = prng.int(16_384);
    master.call("XTRIMSLOTS", first, Math.min(16_383, first + prng.int(8000)));
  } else if (kind === 3 && prng.oneIn(20)) {
    master.call(prng.oneIn(4) ? "FLUSHALL" : "FLUSHDB");
  } else {
    change(master, prng, largest, unknownOneIn);
  }
}

/** A write that the replica does not know, or one that computes a key from others. */
function changeUnknown(master: TestMaster, prng: Prng): void {
  const [a, b] = [`a${prng.int(12)}`, `a${prng.int(12)}`];
  if (prng.oneIn(3)) return changeUnread(master, prng);
  switch (prng.int(10)) {
    case 0:
      return void master.call("XCOPY", a, b);
    case 1:
      return void master.call("XMANY", 2, a, b, "many");
    case 2:
      return void master.call("XMOVABLE", a, b);
    case 3:
      return void master.call("XGHOST", a);
    case 4:
      return void master.call("XLOOK", a);
    case 5:
      return void master.call("COPY", a, `${b}:copy`, "DB", prng.int(4), "REPLACE");
    case 6:
      return void (master.call("EXISTS", a) === 1 && master.call("RENAME", a, b));
    case 7:
      return void master.call("BITOP", "OR", a, a, b);
    default:
      return void master.call("XAPPEND", a, "unknown");
  }
}

/** A write to values that are not read here: with their last element the keys go, and come back. */
function changeUnread(master: TestMaster, prng: Prng): void {
  const [u, v] = [`u${prng.int(6)}`, `v${prng.int(6)}`];
  const what = prng.oneIn(2) ? "last" : "one";
  switch (prng.int(9)) {
    case 0:
      return void master.call("FAR.PUT", `far${u}`);
    case 1:
      return void master.call("FAR.PUTS", `far${u}`, `far${v}`);
    case 2:
      return void master.call("FAR.TAKE", `far${u}`, what);
    case 3:
      return void master.call("PEXPIRE", u, 1 + prng.int(9000));
    case 4:
      return void (master.call("EXISTS", u) === 1 && master.call("RENAME", u, v));
    case 5:
      return void master.call("COPY", v, u, "DB", prng.int(4), "REPLACE");
    case 6:
      return void master.call("ARSET", u, 0, "x");
    default:
      return void master.call("ARDEL", u, what);
  }
}

function change(master: TestMaster, prng: Prng, largest: number, unknownOneIn: number): void {
  if (unknownOneIn > 0 && prng.oneIn(unknownOneIn)) return changeUnknown(master, prng);
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
