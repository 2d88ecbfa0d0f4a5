/**
 * What do those who are told of changes cost the applying of SETs? With nobody nothing measurable is wanted, with one
 * consumer less than 15%.
 *
 *     [COMMANDS=200000] [KEYS=100000] [VALUE=64] [RUNS=15] deno run -A bench/feed/changes.ts
 *
 * The ways are taken in turn, run by run, and each is compared with the plain one of the same run: so noise of the
 * machine that lasts longer than a run falls out.
 *
 * @module
 */

import process from "node:process";
import { BytesRef } from "../../src/base/byte_buffer.ts";
import { systemClock } from "../../src/base/clock.ts";
import type { Host } from "../../src/commands/engine/host.ts";
import { HistoryChain } from "../../src/replication/history.ts";
import { createStreamExecutor } from "../../src/replication/executor.ts";
import type { StreamExecutor, StreamHooks } from "../../src/replication/types.ts";
import { ReplicaEngine } from "../../src/replica/engine.ts";
import { Feed } from "../../src/feed/changes/feed.ts";
import type { ChangesOptions } from "../../src/feed/changes/types.ts";
import { Keyspace } from "../../src/store/keyspace/keyspace.ts";
import { headline, line, median, size, spread, verdict } from "../support/report.ts";
import { applyStream, setStream } from "../support/set_stream.ts";

const count = size("COMMANDS", 200_000);
const keys = size("KEYS", 100_000);
const valueBytes = size("VALUE", 64);
const runs = size("RUNS", 15);

interface Way {
  readonly name: string;
  /** Most that it may take of the plain way's time; undefined where that is only told. */
  readonly atMost?: number;
  readonly executor: StreamExecutor;
  readonly hooks?: StreamHooks;
  readonly speeds: number[];
  readonly shares: number[];
}

const logger = { debug() {}, info() {}, warn() {}, error: console.error };

function newEngine(): ReplicaEngine {
  return new ReplicaEngine({
    keyspace: new Keyspace({ random: Math.random }),
    clock: systemClock,
    random: Math.random,
    logger,
    server: {},
    target: undefined,
    follow() {},
    linkStatus: () => undefined,
  });
}

/** The commands of a server around the keyspace, which counts each, and whoever is told of its commits. */
function replicaWay(name: string, atMost: number, use: (engine: ReplicaEngine) => void): Way {
  const engine = newEngine();
  const { executor, hooks } = engine;
  const place = { replid: "a".repeat(40), applied: 0, settled: 0, hasData: true };
  engine.commits.place = place;
  use(engine);
  // Each run begins at offset 0; the place of the data only grows.
  let [base, last] = [0, 0];
  const committed = (offset: number) => {
    if (offset < last) base += last;
    last = offset;
    place.applied = place.settled = base + offset;
    hooks.committed?.(offset);
  };
  return { name, atMost, executor, hooks: { ...hooks, committed }, speeds: [], shares: [] };
}

/** Reads every key of every commit and keeps nothing: the least that a listener does. */
function readEach(engine: ReplicaEngine): void {
  const ref = new BytesRef();
  engine.commits.subscribe({
    committed(commit) {
      for (let i = 0; i < commit.count; i++) commit.keyAt(i, ref);
    },
    replaced() {},
  });
}

function feedOf({ keyspace, clock, commits }: ReplicaEngine): Feed {
  const chain = new HistoryChain();
  return new Feed({ keyspace, clock, commits, chain, hasData: () => true, report: console.error });
}

/** A consumer that takes each batch in the turn of its commit. */
function listens(options: ChangesOptions): (engine: ReplicaEngine) => void {
  return (engine) => {
    feedOf(engine).onCommit(0, options, ({ changes }) => told += changes.length);
  };
}

/** A consumer whose turn does not come while commands are applied: commits merge behind it. */
function iterates(options: ChangesOptions): (engine: ReplicaEngine) => void {
  return (engine) => {
    const stream = feedOf(engine).changes(0, options);
    void (async () => {
      for await (const { changes } of stream) told += changes.length;
    })();
  };
}

function bare(): Way {
  const random = Math.random;
  const host = { role: "slave", databases: 16 } as Host;
  const executor = createStreamExecutor({ keyspace: new Keyspace({ random }), random, host });
  return { name: "table of commands alone", executor, speeds: [], shares: [] };
}

/** Changes that all consumers were told of. */
let told = 0;
const plain = replicaWay("a replica, nobody listens", 1.02, () => {});
const ways: readonly Way[] = [
  plain,
  bare(),
  replicaWay("a listener that reads each key", 1.15, readEach),
  replicaWay("onCommit, no key fits", 1.15, listens({ match: "user:*" })),
  replicaWay("onCommit, without values", 1.15, listens({ values: "none" })),
  replicaWay("onCommit, with values", 1.15, listens({})),
  replicaWay("changes(), without values", 1.15, iterates({ values: "none" })),
];
const chunks = setStream(count, keys, valueBytes);

headline("What do those who are told of changes cost the applying of SETs?", {
  commands: count,
  keys,
  "value bytes": valueBytes,
  runs,
});
for (let run = 0; run <= runs; run++) {
  await new Promise((resolve) => setTimeout(resolve, 0));
  const times = new Map<Way, number>();
  for (let i = 0; i < ways.length; i++) {
    const way = ways[(i + run) % ways.length];
    const began = performance.now();
    const seen = applyStream(chunks, way.executor, way.hooks);
    times.set(way, performance.now() - began);
    if (seen !== count) throw new Error(`${seen} of ${count} commands were seen`);
  }
  if (run === 0) continue;
  for (const way of ways) {
    const ms = times.get(way)!;
    way.speeds.push(count / ms / 1000);
    way.shares.push(ms / times.get(plain)!);
  }
}
for (const { name, atMost, speeds, shares } of ways) {
  line("SET", name, spread(speeds, "M/s"));
  if (atMost === undefined) line("SET", "  of the plain way's time", median(shares).toFixed(2));
  else verdict("SET", "  of the plain way's time", median(shares), { atLeast: atMost, aim: 1 });
}
if (told === 0) throw new Error("Nobody was told");
process.exit(0);
