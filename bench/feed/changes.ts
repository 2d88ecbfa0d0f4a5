/**
 * What do those who are told of changes cost the applying of SETs? With nobody nothing measurable is wanted, with one
 * consumer less than 15%.
 *
 *     [SECONDS=40] [KEYS=100000] [VALUE=64] [COMMANDS=600] deno run -A bench/feed/changes.ts
 *
 * One replica applies one stream. The ways take turns by some chunks of it, in random order: who belongs to a way
 * listens during its chunks alone, so that memory, caches and noise are the same for all. The processor's time counts,
 * that of collecting garbage too.
 *
 * @module
 */

import process from "node:process";
import { BytesRef } from "../../src/base/byte_buffer.ts";
import { systemClock } from "../../src/base/clock.ts";
import { Slice } from "../../src/base/slices.ts";
import type { CommitListener, Commits } from "../../src/commands/engine/commit.ts";
import { Feed } from "../../src/feed/changes/feed.ts";
import type { ChangesOptions } from "../../src/feed/changes/types.ts";
import { ReplicaEngine } from "../../src/replica/engine.ts";
import { HistoryChain } from "../../src/replication/history.ts";
import { ReplicationOffset } from "../../src/replication/offset.ts";
import { NameCounts } from "../../src/base/name_counts.ts";
import { limitsWithDefaults, newCounters } from "../../src/replication/shared.ts";
import { MasterStream } from "../../src/replication/stream.ts";
import { Keyspace } from "../../src/store/keyspace/keyspace.ts";
import { headline, line, median, size, spread, verdict } from "../support/report.ts";
import { setStream } from "../support/set_stream.ts";

const seconds = size("SECONDS", 40);
const keys = size("KEYS", 100_000);
const valueBytes = size("VALUE", 64);
const commands = size("COMMANDS", 600);

/** Chunks that a way has in one go: the turns between them are those in which consumers read. */
const CHUNKS = 3;
/** Rounds before times count. */
const WARM_UP = 15;

/** Changes that all consumers were told of. */
let told = 0;

const place = { replid: "a".repeat(40), applied: 0, settled: 0, hasData: true };
const engine = new ReplicaEngine({
  keyspace: new Keyspace({ random: Math.random }),
  clock: systemClock,
  random: Math.random,
  logger: { debug() {}, info() {}, warn() {}, error: console.error },
  server: {},
  target: undefined,
  follow() {},
  linkStatus: () => undefined,
});
engine.commits.place = place;
const { keyspace, clock, commits, executor, hooks } = engine;

/** Listeners that take part while it is their turn. Stands for the commits before its own feed. */
class Way {
  readonly name: string;
  readonly atMost: number | undefined;
  readonly nanos: number[] = [];
  readonly #listeners: CommitListener[] = [];
  #off: (() => void)[] = [];

  constructor(name: string, atMost: number | undefined, use: (way: Way) => void) {
    this.name = name;
    this.atMost = atMost;
    use(this);
  }

  get place(): Commits["place"] {
    return place;
  }

  subscribe(listener: CommitListener): () => void {
    this.#listeners.push(listener);
    return () => {};
  }

  offerSink: Commits["offerSink"] = (listener, sink) => commits.offerSink(listener, sink);

  feed(): Feed {
    return new Feed({
      keyspace,
      clock,
      commits: this as unknown as Commits,
      chain: new HistoryChain(),
      hasData: () => true,
      report: console.error,
    });
  }

  begin(): void {
    this.#off = this.#listeners.map((listener) => commits.subscribe(listener));
  }

  end(): void {
    for (const off of this.#off) off();
  }
}

/** Reads every key of every commit and keeps nothing: the least that a listener does. */
function readEach(way: Way): void {
  const ref = new BytesRef();
  way.subscribe({
    committed(commit) {
      for (let i = 0; i < commit.count; i++) commit.keyAt(i, ref);
    },
    replaced() {},
  });
}

/** A consumer that takes each batch in the turn of its commit. */
function listens(options: ChangesOptions): (way: Way) => void {
  return (way) => {
    way.feed().onCommit(0, options, ({ changes }) => told += changes.length);
  };
}

/** A consumer that takes what there is after each chunk. */
function iterates(options: ChangesOptions): (way: Way) => void {
  return (way) => {
    const stream = way.feed().changes(0, options);
    void (async () => {
      for await (const { changes } of stream) told += changes.length;
    })();
  };
}

/** A consumer that never reads. */
function waits(options: ChangesOptions): (way: Way) => void {
  return (way) => void way.feed().changes(0, options);
}

const plain = new Way("nobody listens", undefined, () => {});
const ways: readonly Way[] = [
  plain,
  new Way("nobody listens, again", 1.02, () => {}),
  new Way("a listener that reads each key", undefined, readEach),
  new Way("changes(), not read", 1.15, waits({})),
  new Way("changes(), no key fits", 1.15, iterates({ match: "user:*" })),
  new Way("changes(), read, without values", 1.15, iterates({ values: "none" })),
  new Way("changes(), read, with values", 1.15, iterates({})),
  new Way("onCommit, no key fits", 1.15, listens({ match: "user:*" })),
  new Way("onCommit, without values", 1.15, listens({ values: "none" })),
  new Way("onCommit, with values", 1.15, listens({})),
];

const slice = new Slice(systemClock);
const counters = newCounters();
const committed = (offset: number) => {
  place.applied = place.settled = offset;
  hooks.committed?.(offset);
};
const master = new MasterStream(
  {
    settings: {
      executor,
      hooks: { ...hooks, committed },
      onDivergence: "stop",
      limits: limitsWithDefaults({}),
    },
    replOffset: new ReplicationOffset(),
    counters,
    ignored: new NameCounts(),
    repair: undefined,
    diverged: () => {},
  },
  () => {},
  slice,
);

function apply(chunk: Uint8Array): void {
  slice.start();
  master.push(chunk, 0, chunk.length, Date.now());
  while (master.holds) {
    slice.start();
    master.proceed(Date.now());
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

function processorMicros(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** Bytes of a whole number of commands each. */
const chunks = Array.from({ length: 400 }, (_, i) => {
  return joined(setStream(commands, keys, valueBytes, i * commands));
});

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let length = 0;
  for (const part of parts) {
    bytes.set(part, length);
    length += part.length;
  }
  return bytes;
}

headline("What do those who are told of changes cost the applying of SETs?", {
  seconds,
  keys,
  "value bytes": valueBytes,
  "commands a chunk": commands,
});
for (const chunk of chunks) apply(chunk);
const end = performance.now() + seconds * 1000;
let next = 0;
let rounds = 0;
for (; performance.now() < end || rounds <= WARM_UP; rounds++) {
  const order = ways.map((way) => ({ way, at: Math.random() })).sort((a, b) => a.at - b.at);
  for (const { way } of order) {
    way.begin();
    await turn();
    const began = processorMicros();
    for (let i = 0; i < CHUNKS; i++) {
      apply(chunks[next++ % chunks.length]);
      await turn();
    }
    const micros = processorMicros() - began;
    way.end();
    if (rounds >= WARM_UP) way.nanos.push(micros / CHUNKS / commands * 1000);
  }
}
for (const { name, atMost, nanos } of ways) {
  line("SET", name, spread(nanos, "ns", 0));
  const share = median(nanos.map((value, i) => value / plain.nanos[i]));
  if (atMost === undefined) line("SET", "  of the time with nobody", share.toFixed(2));
  else verdict("SET", "  of the time with nobody", share, { atLeast: atMost, aim: 1.05 });
}
if (counters.commands !== (chunks.length + rounds * ways.length * CHUNKS) * commands) {
  throw new Error(`${counters.commands} commands were seen`);
}
if (told === 0) throw new Error("Nobody was told");
process.exit(0);
