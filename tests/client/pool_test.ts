import assert from "node:assert/strict";
import { test } from "node:test";
import { hostClock } from "../../src/net/host_clock.ts";
import { loadNet } from "../../src/net/runtime.ts";
import { ClientPool } from "../../src/client/pool.ts";
import { TestMaster } from "../../src/testing/mod.ts";
import { until } from "../support/waiting.ts";

async function poolOf(
  master: TestMaster,
  bounds: { shared?: number; exclusive?: number; idleMs?: number } = {},
): Promise<ClientPool> {
  const clock = hostClock();
  const net = await loadNet(clock);
  const address = {
    transport: "tcp",
    host: "127.0.0.1",
    port: Number(new URL(master.url).port),
  } as const;
  return new ClientPool({
    clock,
    shared: 2,
    exclusive: 2,
    idleMs: 60_000,
    ...bounds,
    connect: () => Promise.resolve({ net, clock, address, connectMs: 5000, replyMs: 5000 }),
  });
}

test("a shared connection is made once for each database and used by all", async () => {
  await using master = await TestMaster.start();
  const pool = await poolOf(master);
  const [a, b, c] = await Promise.all([
    pool.shared({ db: 0 }),
    pool.shared({ db: 0 }),
    pool.shared({ db: 3 }),
  ]);
  assert.equal(a, b);
  assert.notEqual(a, c);
  await Promise.all([a.ask("SET", "k", "zero"), c.ask("SET", "k", "three")]);
  assert.equal(master.call("GET", "k"), "zero");
  assert.equal(pool.size, 2);
  pool.close();
});

test("a busy connection is relieved by another one, and no more than are allowed are made", async () => {
  await using master = await TestMaster.start();
  const pool = await poolOf(master);
  const first = await pool.shared({ db: 0 });
  const asked = Array.from({ length: 200 }, () => first.ask("PING"));
  assert.equal(await pool.shared({ db: 0 }), first, "nobody waits for the new one");
  await until("another stands", () => pool.size === 2);
  const more = Array.from({ length: 100 }, () => first.ask("PING"));
  assert.notEqual(await pool.shared({ db: 0 }), first, "the one with the fewest");
  await Promise.all([...asked, ...more]);
  pool.close();
  assert.equal(pool.size, 0);
});

test("an exclusive connection is given to one user at a time, and kept", async () => {
  await using master = await TestMaster.start();
  const pool = await poolOf(master, { exclusive: 1 });
  const first = await pool.exclusive({ db: 0 });
  let second: Awaited<ReturnType<ClientPool["exclusive"]>> | undefined;
  const waiting = pool.exclusive({ db: 0 }).then((lease) => second = lease);
  const given = new AbortController();
  const abandoned = pool.exclusive({ db: 0 }, given.signal);
  given.abort();
  await assert.rejects(abandoned, /given up/);
  await first.connection.ask("PING");
  assert.equal(second, undefined);
  first.release(true);
  first.release(true);
  await waiting;
  assert.equal(second!.connection, first.connection, "the same one");
  second!.release(false);
  assert.equal(second!.connection.closed, true);
  const third = await pool.exclusive({ db: 0 });
  assert.notEqual(third.connection, first.connection);
  third.release(true);
  pool.close();
});

test("what is idle is closed, and what is drained answers what it was asked", async () => {
  await using master = await TestMaster.start();
  const pool = await poolOf(master, { idleMs: 30 });
  await (await pool.shared({ db: 0 })).ask("PING");
  await until("it is closed", () => pool.size === 0);
  const again = await pool.shared({ db: 0 });
  const asked = again.ask("PING");
  pool.drain();
  await asked;
  assert.equal(again.closed, true);
  await assert.rejects(pool.shared({ db: 0 }), /closed/);
  await assert.rejects(pool.exclusive({ db: 0 }), /closed/);
  pool.close();
});

test("a server that cannot be reached is told to everybody who asks, and asked again later", async () => {
  const master = await TestMaster.start();
  const pool = await poolOf(master);
  await master.close();
  const both = await Promise.allSettled([
    pool.shared({ db: 0 }),
    pool.shared({ db: 0 }),
    pool.exclusive({ db: 0 }),
  ]);
  assert.deepEqual(both.map(({ status }) => status), ["rejected", "rejected", "rejected"]);
  assert.equal(pool.size, 0);
  pool.close();
});
