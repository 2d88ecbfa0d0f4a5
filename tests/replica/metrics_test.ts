/**
 * The metrics of a replica: each one is in the list that users read, moves with what it measures, and reaches a collector and a
 * meter.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Replica } from "../../src/replica/replica.ts";
import type { Metric } from "../../src/observe/metric.ts";
import type { Meter, MeterInstrument, MeterOptions, MeterResult } from "../../src/observe/meter.ts";
import { until } from "../support/waiting.ts";
import { follow, started } from "./pair.ts";

/** The value of a metric's sample with those labels; undefined where there is none. */
function valueOf(
  metrics: readonly Metric[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const metric = metrics.find((candidate) => candidate.name === name);
  assert.ok(metric !== undefined, `there is a metric ${name}`);
  for (const sample of metric.samples) {
    const fits = Object.entries(labels).every(([label, text]) => sample.labels[label] === text);
    if (fits) return "value" in sample ? sample.value : sample.count;
  }
  return undefined;
}

test("the list that users read names every metric with its kind, and no other", () => {
  const text = readFileSync(new URL("../../src/observe/README.md", import.meta.url), "utf8");
  const listed = [...text.matchAll(/^\| `(rimr_\w+)(?:\{[\w,]+\})?` \| (\w+) \|/gm)];
  const metrics = new Replica({ logger: false }).metrics();
  assert.deepEqual(
    listed.map(([, name, kind]) => `${name} ${kind}`),
    metrics.map(({ name, kind }) => `${name} ${kind}`),
  );
  const names = metrics.map(({ name }) => name);
  assert.deepEqual(names, [...new Set(names)], "no name comes twice");
});

test("metrics move with what they measure", async () => {
  await follow(async (pair) => {
    const { master, replica } = pair;
    assert.equal(valueOf(replica.metrics(), "rimr_ready"), 0);
    master.call("SET", "a", "1");
    await started(pair);
    master.call("SET", "b", "2", "EX", "100");
    master.call("SELECT", "0");
    await master.wait(1);
    const metrics = replica.metrics();
    const count = (name: string, labels = {}) => valueOf(metrics, name, labels);
    assert.equal(count("rimr_link_up"), 1);
    assert.equal(count("rimr_link_state", { state: "connected" }), 1);
    assert.equal(count("rimr_link_state", { state: "transfer" }), 0);
    assert.equal(count("rimr_ready"), 1);
    assert.equal(count("rimr_syncs_total", { kind: "full", result: "ok" }), 1);
    assert.equal(count("rimr_sync_duration_seconds", { kind: "full" }), 1);
    assert.equal(count("rimr_keys", { db: "0" }), 2);
    assert.equal(count("rimr_keys_expiring", { db: "0" }), 1);
    assert.equal(count("rimr_replication_offset_bytes"), replica.status().offset);
    assert.equal(count("rimr_server_commands_total", { command: "set" }), 1);
    assert.ok(count("rimr_stream_bytes_total")! > 0);
    assert.ok(count("rimr_memory_reserved_bytes")! >= count("rimr_memory_used_bytes")!);
  });
});

test("failures of the link are counted by their code", async () => {
  await using replica = new Replica({
    master: "127.0.0.1:1",
    logger: false,
    backoff: { minMs: 10 },
  });
  replica.start().catch(() => {});
  await until("two refusals", () => {
    return (valueOf(replica.metrics(), "rimr_link_failures_total", { code: "CONNECT" }) ?? 0) >= 2;
  });
  assert.equal(valueOf(replica.metrics(), "rimr_link_up"), 0);
});

test("the text has the master and the name as labels, in both formats", async () => {
  await follow(async (pair) => {
    await started(pair);
    const { replica } = pair;
    const { master } = replica.status();
    assert.match(
      replica.prometheus(),
      new RegExp(`^rimr_ready\\{master="${master}",name="shop"\\} 1$`, "m"),
    );
    assert.doesNotMatch(replica.prometheus(), /# EOF/);
    assert.match(replica.prometheus({ openMetrics: true }), /# EOF\n$/);
  }, { metrics: { name: "shop" } });
});

test("a collector is told of events, and once a second of commands; one that throws stops nothing", async () => {
  const told: string[] = [];
  const commands = new Map<string, number>();
  let keys = 0;
  const errors: string[] = [];
  const collector = {
    recordSyncDuration: (ms: number) => void told.push(ms >= 0 ? "sync" : "never"),
    recordCommandProcessed(command: string, durationMs: number, count: number) {
      assert.ok(durationMs >= 0);
      commands.set(command, (commands.get(command) ?? 0) + count);
    },
    recordNetworkBytes: (bytes: number) => assert.ok(bytes > 0),
    recordKeyCount: (count: number) => void (keys = count),
    recordMemoryUsage(): void {
      throw new Error("a collector's own fault");
    },
    recordReconnection: () => void told.push("reconnected"),
    recordError: (code: string) => void told.push(code),
  };
  const error = (message: string) => void errors.push(message);
  const logger = { debug() {}, info() {}, warn() {}, error };
  await follow(async (pair) => {
    const { master, replica } = pair;
    await started(pair);
    for (let i = 0; i < 50; i++) master.call("SET", `k${i}`, "v");
    await master.wait(1);
    master.dropReplicas();
    await until("it is back", () => told.includes("reconnected"));
    await until("totals were told", () => commands.get("set") === 50);
    assert.equal(replica.size, 50);
  }, { logger, backoff: { minMs: 10 }, metrics: { collector } });
  assert.deepEqual([told[0], told.at(-1), keys], ["sync", "reconnected", 50]);
  assert.ok(told.length >= 3, "the cut was told, too");
  assert.match(errors[0], /^A metrics collector failed: a collector's own fault/);
});

test("a meter gets an instrument for each metric, which is asked at each collection", async () => {
  const made = new Map<
    string,
    { readonly options: MeterOptions; readonly ask: Set<(r: MeterResult) => void> }
  >();
  const make = (name: string, options: MeterOptions): MeterInstrument => {
    const ask = new Set<(result: MeterResult) => void>();
    made.set(name, { options, ask });
    return {
      addCallback: (call) => void ask.add(call),
      removeCallback: (call) => void ask.delete(call),
    };
  };
  const meter: Meter = { createObservableGauge: make, createObservableCounter: make };
  const collect = (name: string) => {
    const values: [number, unknown][] = [];
    for (const ask of made.get(name)!.ask) {
      ask({ observe: (value, labels) => values.push([value, labels]) });
    }
    return values;
  };
  await follow(async (pair) => {
    await started(pair);
    pair.master.call("SET", "a", "1");
    await pair.master.wait(1);
    assert.deepEqual(made.get("rimr.memory_reserved_bytes")!.options.unit, "By");
    assert.deepEqual(collect("rimr.keys"), [[1, { db: "0" }]]);
    assert.deepEqual(collect("rimr.sync_duration_seconds.count"), [[1, { kind: "full" }]]);
  }, { metrics: { meter } });
  assert.deepEqual(collect("rimr.keys"), [], "a closed replica is not asked");
});

test("options for metrics are checked", () => {
  const refused = (metrics: unknown, pattern: RegExp) => {
    assert.throws(() => new Replica({ metrics: metrics as never }), pattern);
  };
  refused({ colector: {} }, /metrics\.colector/);
  refused({ name: 1 }, /metrics\.name is the number 1, not a text/);
  refused({ collector: {} }, /metrics\.collector has none of the methods recordSyncDuration/);
  refused({ collector: { recordError: 1 } }, /metrics\.collector has no method recordError/);
  refused({ meter: {} }, /metrics\.meter has no method createObservableGauge/);
});
