/**
 * The host's own clock, also where a test has put fakes in the place of timers: Jest, Vitest, Sinon and
 * `node:test` replace the global functions, some of them those of `node:timers` too, and their timers do not
 * fire by themselves. A link that waited on those would never connect.
 *
 * ```text
 *  looked for, when a replica or master is made        found where
 *  node:timers as this file was loaded                 fakes came later
 *  node:timers now                                     only the globals are fakes
 *  the globals                                         there is no node:timers: browsers, the edge
 *
 *  fn.clock._name                                      what a fake of Sinon's library, which Jest and Vitest
 *                                                      use, stands in for
 * ```
 *
 * `now` reads `Date` at each call: a test that sets the date means it, and keys expire by it.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { pastMocks, type RealTimers } from "./deno_timers.ts";
import { afterInput } from "./fair_turns.ts";

/** The functions of one source; each may be a fake. */
interface Timers {
  readonly setTimeout: (callback: () => void, ms: number) => unknown;
  readonly clearTimeout: (id: unknown) => void;
  readonly setImmediate?: (callback: () => void) => unknown;
}

/** Node marks its own functions with it, and fakes lack the mark. */
const PROMISIFY = Symbol.for("nodejs.util.promisify.custom");

const atImport: Timers | undefined = copyOf(builtin("node:timers"));

/** A clock over the host's timers as they are before any fake. */
export function hostClock(): Clock {
  const { setTimeout, clearTimeout, soon } = "Deno" in globalThis
    ? pastMocks(realTimers(), atImport ?? {})
    : realTimers();
  const { performance } = builtin("node:perf_hooks") as typeof globalThis ?? globalThis;
  const monotonic = () => performance.now();
  return {
    now: () => Date.now(),
    monotonic,
    setTimer: (callback, ms) => setTimeout(callback, ms),
    clearTimer: (id) => clearTimeout(id),
    soon: (callback) => void soon(callback),
    ...("Deno" in globalThis && { afterInput: afterInput({ soon, setTimeout, monotonic }) }),
  };
}

/** The three functions that a clock is made of. */
function realTimers(): RealTimers {
  const timers = findTimers();
  const setTimeout = original(timers, "setTimeout");
  const soon = findSoon(timers) ?? ((callback: () => void) => setTimeout(callback, 0));
  return { setTimeout, clearTimeout: original(timers, "clearTimeout"), soon };
}

function findTimers(): Timers {
  const sources = [atImport, builtin("node:timers") as Timers | undefined];
  const found = sources.find((source) => {
    return source !== undefined && PROMISIFY in original(source, "setTimeout");
  });
  return found ?? atImport ?? globalThis as unknown as Timers;
}

/** The real `setImmediate`, unless a fake stands in its place: a timer of 0 ms is good enough for a test. */
function findSoon(timers: Timers): Timers["setImmediate"] {
  if (timers.setImmediate === undefined) return undefined;
  const real = original(timers as Required<Timers>, "setImmediate");
  const { setImmediate } = globalThis as { setImmediate?: unknown };
  return setImmediate === real ? real : undefined;
}

/** A function of a source, or the one that it stands in for as a fake of Sinon's library. */
function original<Name extends keyof Timers>(
  timers: { readonly [Key in Name]: Required<Timers>[Key] },
  name: Name,
): Required<Timers>[Name] {
  let found = timers[name];
  for (let depth = 0; depth < 8; depth++) {
    const { clock } = found as { clock?: Readonly<Record<string, unknown>> };
    const hidden = clock?.[`_${name}`];
    if (typeof hidden !== "function" || hidden === found) break;
    found = hidden as Required<Timers>[Name];
  }
  return found;
}

/** The functions as they are now: a fake may be put in their place in the module itself. */
function copyOf(source: unknown): Timers | undefined {
  return source === undefined ? undefined : { ...source as Timers };
}

/** A module of the host by name, without an import that other hosts would refuse. */
function builtin(name: string): unknown {
  const { process } = globalThis as {
    process?: { getBuiltinModule?: (name: string) => unknown };
  };
  return process?.getBuiltinModule?.(name);
}
