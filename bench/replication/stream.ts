/**
 * What does the way from the stream's bytes to the keyspace cost a command? Prints millions of
 * commands per second for the bare parser, the link's counting and control around it, and all of it
 * with SETs really applied.
 *
 *     [COMMANDS=1000000] [KEYS=100000] [VALUE=64] [RUNS=5] deno run -A bench/replication/stream.ts
 *
 * @module
 */

import type { Host } from "../../src/commands/engine/host.ts";
import { createStreamExecutor } from "../../src/replication/executor.ts";
import { StreamFilter } from "../../src/replication/filter.ts";
import { MemoryWatch } from "../../src/replication/memory.ts";
import type { Repair } from "../../src/replication/repair/repair.ts";
import type { StreamExecutor } from "../../src/replication/types.ts";
import { CommandParser } from "../../src/resp/command_parser.ts";
import { KeyFilter } from "../../src/store/keyspace/key_filter.ts";
import { Keyspace } from "../../src/store/keyspace/keyspace.ts";
import { headline, line, size, spread } from "../support/report.ts";
import { applyStream, setStream } from "../support/set_stream.ts";

const count = size("COMMANDS", 1_000_000);
const keys = size("KEYS", 100_000);
const valueBytes = size("VALUE", 64);
const runs = size("RUNS", 5);

function parse(chunks: readonly Uint8Array[]): number {
  const parser = new CommandParser();
  let seen = 0;
  for (const chunk of chunks) {
    parser.push(chunk);
    while (parser.next() !== undefined) seen++;
  }
  return seen;
}

const chunks = setStream(count, keys, valueBytes);
const random = Math.random;
const keyspace = new Keyspace({ random });
const host = { role: "slave", databases: 16 } as Host;
const nothing: StreamExecutor = { begin() {}, execute: () => undefined };
const table = createStreamExecutor({ keyspace, random, host });
/** What a filter costs that keeps all keys, or one in a thousand. */
function part(...patterns: string[]): StreamFilter {
  const filter = new KeyFilter({ keys: patterns });
  const place = { replid: "", replid2: "", secondOffset: -1, applied: 0 };
  const streamFilter = new StreamFilter({ filter, keyspace, executor: table, place });
  // No key is awaited, and no database is searched.
  streamFilter.repair = { doubts: { size: 0 }, awaited: 0 } as Repair;
  return streamFilter;
}

/** What a limit on memory costs that is not reached. */
const memory = new MemoryWatch({ keyspace, others: () => 0, shed() {}, changed() {} });
const limited = (): number => {
  memory.limit(1 << 30, "stop");
  const seen = applyStream(chunks, table, {}, undefined, memory);
  memory.limit(Infinity, "stop");
  return seen;
};

const rows: [string, () => number][] = [
  ["parser alone", () => parse(chunks)],
  ["with offsets, control and slices", () => applyStream(chunks, nothing)],
  [`applied to ${keys} keys`, () => applyStream(chunks, table)],
  ["the same, within a limit on memory", limited],
  ["the same, a filter keeps all", () => applyStream(chunks, table, {}, part("key:*"))],
  ["a filter keeps one in a thousand", () => applyStream(chunks, table, {}, part("key:*777"))],
];

headline("What does the way from the stream's bytes to the keyspace cost a command?", {
  commands: count,
  keys,
  "value bytes": valueBytes,
});
for (const [name, run] of rows) {
  const speeds: number[] = [];
  for (let i = 0; i <= runs; i++) {
    const began = performance.now();
    const seen = run();
    if (seen !== count) throw new Error(`${seen} of ${count} commands were seen`);
    if (i > 0) speeds.push(count / (performance.now() - began) / 1000);
  }
  line("SET", name, spread(speeds, "M/s"));
}
