import assert from "node:assert/strict";
import { test } from "node:test";
import { main, type Terminal } from "../../src/cli/main.ts";
import { formatVerify, textOf } from "../../src/cli/verify.ts";
import { TestMaster } from "../../src/testing/mod.ts";
import type { VerifyReport } from "../../mod.ts";

const REPORT: VerifyReport = {
  equal: false,
  compared: 1000,
  missing: 1,
  extra: 0,
  differences: 3,
  different: [{
    db: 1,
    key: "a\u001b[31m",
    keyBytes: new Uint8Array(1),
    kind: "missing",
    masterType: "string",
    replicaType: undefined,
    repaired: true,
  }, {
    db: 0,
    key: "b",
    keyBytes: new Uint8Array(1),
    kind: "type",
    masterType: "set",
    replicaType: "list",
    repaired: false,
  }],
  repaired: 1,
  skipped: { busy: 0, large: 2, unread: 0, moving: 0 },
  databases: [{ db: 0, keys: 5, masterKeys: 6 }],
  byReads: false,
  restarts: 0,
  replid: "",
  offset: 0,
  tookMs: 1200,
};

test("a report is told in lines that no key can colour", () => {
  assert.equal(
    textOf(REPORT),
    [
      '  db 1  "a\\u001b[31m"  is missing here; repaired',
      '  db 0  "b"  has another type (list here, set at the master)',
      "  and 1 more",
      "  db 0 had 5 keys here, 6 there",
      "  2 not compared: large",
      "1,000 keys compared in 1.2 s: 3 differ, 1 repaired",
    ].join("\n"),
  );
});

test("the bar says how far a comparison is, and how long it will take", () => {
  const at = { total: 1000, done: 250, compared: 250, differences: 0, elapsedMs: 1000 };
  assert.equal(
    formatVerify({ ...at, phase: "comparing" }),
    "comparing ██████░░░░░░░░░░░░░░░░░░ 25%  250 compared  none differs  250 keys/s  3.0 s left",
  );
  assert.equal(formatVerify(undefined), "comparing: counting keys");
});

test("verify compares a master's data, and its exit code says whether it is equal", async () => {
  await using master = await TestMaster.start();
  for (let i = 0; i < 100; i++) master.call("SET", `key ${i}`, "value");
  let output = "";
  const terminal: Terminal = {
    program: "cli",
    isTerminal: false,
    isColored: false,
    columns: () => 80,
    write: (text) => void (output += text),
    writeError: (text) => void (output += text),
  };
  const never = new Promise<void>(() => {});
  const words = ["verify", "--full", "--json"];
  const code = await main(words, terminal, never, { VALKEY_URL: master.url });
  assert.equal(code, 0, output);
  const { report } = JSON.parse(output.trim().split("\n").at(-1) ?? "");
  assert.equal(report.compared, 100);
  const stopped = await main([...words, "--keys-per-second", "1"], terminal, Promise.resolve(), {
    VALKEY_URL: master.url,
  });
  assert.equal(stopped, 1);
  assert.match(output, /Stopped before the comparison had ended/);
});
