import assert from "node:assert/strict";
import { test } from "node:test";
import { Replica, VerifyError, type VerifyOptions, type VerifyProgress } from "../../mod.ts";
import { follow, started } from "../replica/pair.ts";

/** Is the error that a comparison ends with. */
function code(expected: string): (error: Error & { code?: string }) => boolean {
  return ({ code }) => code === expected;
}

test("verify() compares values of every type, and tells how far it is", async () => {
  await follow(async (pair) => {
    const { master, replica } = pair;
    master.call("SET", "string", "1", "PX", "99999999");
    master.call("RPUSH", "list", "a", "b");
    master.call("SADD", "set", "1", "2", "x");
    master.call("ZADD", "zset", "1", "a", "2.5", "b");
    master.call("HSET", "hash", "a", "1", "b", "2");
    master.call("HPEXPIRE", "hash", "99999999", "FIELDS", "1", "a");
    master.call("XADD", "stream", "1-1", "a", "1");
    master.call("XGROUP", "CREATE", "stream", "group", "0");
    for (let i = 0; i < 1000; i++) master.call("SADD", "large set", `member ${i}`);
    for (let i = 0; i < 1000; i++) master.call("SET", `key ${i}`, `${i}`);
    await started(pair);
    const told: VerifyProgress[] = [];
    const report = await replica.verify({
      full: true,
      onProgress: (progress) => told.push(progress),
    });
    assert.equal(report.equal, true);
    assert.equal(report.compared, 1007);
    assert.deepEqual(report.databases, [{ db: 0, keys: 1007, masterKeys: 1007 }]);
    assert.deepEqual(report.different, []);
    const last = told.at(-1)!;
    assert.equal(last.done, last.total);
    assert.equal(last.compared, 1007);
  });
});

test("verify() compares a sample", async () => {
  await follow(async (pair) => {
    for (let i = 0; i < 2000; i++) pair.master.call("SET", `key ${i}`, `${i}`);
    await started(pair);
    const { compared, equal } = await pair.replica.verify({ sample: 100 });
    assert.ok(compared > 50 && compared <= 100, `${compared}`);
    assert.equal(equal, true);
  });
});

test("verify() ends at a signal, at its time, and when the replica is closed", async () => {
  await follow(async (pair) => {
    for (let i = 0; i < 500; i++) pair.master.call("SET", `key ${i}`, `${i}`);
    await started(pair);
    const slow = { full: true, keysPerSecond: 10 };
    const abort = new AbortController();
    const ended = assert.rejects(
      pair.replica.verify({ ...slow, signal: abort.signal }),
      code("STOPPED"),
    );
    abort.abort();
    await ended;
    await assert.rejects(pair.replica.verify({ ...slow, timeoutMs: 20 }), code("TIMEOUT"));
    const closed = assert.rejects(pair.replica.verify(slow), code("CLOSED"));
    await pair.replica.close();
    await closed;
  });
});

test("verify() needs data", async () => {
  await using replica = new Replica({ logger: false });
  await assert.rejects(replica.verify(), (error: Error) => {
    assert.ok(error instanceof VerifyError);
    assert.equal(error.code, "NOT_READY");
    return true;
  });
});

const wrong: readonly [VerifyOptions, RegExp][] = [
  [{ full: true, sample: 5 }, /exclude each other/],
  [{ sample: 0 }, /verify\.sample is 0/],
  [{ keysPerSecond: 0.5 }, /verify\.keysPerSecond/],
  [{ ful: true } as VerifyOptions, /did you mean "full"/],
];
for (const [options, message] of wrong) {
  test(`verify() refuses ${JSON.stringify(options)}`, async () => {
    await using replica = new Replica({ logger: false });
    await assert.rejects(replica.verify(options), (error: Error) => {
      assert.ok(error instanceof TypeError);
      assert.match(error.message, message);
      return true;
    });
  });
}
