/**
 * The accept loop of the Deno adapter, over a listener that fails as Deno's does: what ends a connection in the
 * queue must not keep those behind it waiting.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../../src/base/clock.ts";
import { makeDenoNet } from "../../src/net/deno.ts";
import type { Socket } from "../../src/net/socket.ts";

const ADDRESS = { transport: "tcp", hostname: "127.0.0.1", port: 4 } as const;

/** What `accept` does, one call after the other: throws an error of this code, or gives a connection. */
type Outcome = string | undefined;

/** Lets a listener of the adapter meet `outcomes`; returns how long it asked to sleep, in milliseconds. */
async function acceptAll(outcomes: readonly Outcome[]): Promise<number[]> {
  const sleeps: number[] = [];
  const clock = {
    ...systemClock,
    setTimer(callback: () => void, ms: number) {
      sleeps.push(ms);
      return systemClock.setTimer(callback, 0);
    },
  };
  const { promise: stopped, reject: stop } = Promise.withResolvers<never>();
  const left = [...outcomes];
  const listener = {
    addr: ADDRESS,
    accept() {
      if (left.length === 0) return stopped;
      const outcome = left.shift();
      if (outcome === undefined) return Promise.resolve(connection());
      return Promise.reject(Object.assign(new Error(outcome), { code: outcome }));
    },
    close: () => stop(Object.assign(new Error("closed"), { name: "BadResource" })),
  };
  const wanted = outcomes.filter((outcome) => outcome === undefined).length;
  await withListener(listener, async () => {
    const sockets: Socket[] = [];
    const { promise: all, resolve } = Promise.withResolvers<void>();
    const net = makeDenoNet(clock);
    const listening = await net.listen(
      { address: { transport: "tcp", host: "h", port: 0 } },
      (socket) => {
        sockets.push(socket);
        if (sockets.length === wanted) resolve();
      },
    );
    await all;
    for (const socket of sockets) socket.abort();
    await listening.close();
  });
  return sleeps.filter((ms) => ms > 0);
}

/** A connection on which nothing comes. */
function connection(): unknown {
  const nothing = new Promise<never>(() => {});
  return {
    localAddr: ADDRESS,
    remoteAddr: ADDRESS,
    read: () => nothing,
    write: () => nothing,
    closeWrite: () => nothing,
    close() {},
  };
}

/** Runs `work` while `Deno.listen`, the runtime's own or one made for it, answers `listener`. */
async function withListener(listener: unknown, work: () => Promise<void>): Promise<void> {
  const holder = globalThis as { Deno?: { listen?: unknown } };
  const isMade = holder.Deno === undefined;
  const host = holder.Deno ??= {};
  const own = Object.getOwnPropertyDescriptor(host, "listen");
  Object.defineProperty(host, "listen", { value: () => listener, configurable: true });
  try {
    await work();
  } finally {
    if (isMade) delete holder.Deno;
    else Object.defineProperty(host, "listen", own!);
  }
}

test("peers that are gone before they are accepted do not hold up the next one", async () => {
  for (const code of ["ENOTCONN", "ECONNABORTED", "ECONNRESET"]) {
    const resets: Outcome[] = Array.from({ length: 400 }, () => code);
    assert.deepEqual(await acceptAll([...resets, undefined, code, undefined]), [], code);
  }
});

test("without file descriptors the loop waits before it tries again", async () => {
  const sleeps = await acceptAll(["EMFILE", "ENFILE", undefined]);
  assert.deepEqual(sleeps, [20, 20]);
});
