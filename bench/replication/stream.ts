/**
 * What does the way from the stream's bytes to the keyspace cost a command? Prints millions of
 * commands per second for the bare parser, the link's counting and control around it, and all of it
 * with SETs really applied.
 *
 *     [COMMANDS=1000000] [KEYS=100000] [VALUE=64] [RUNS=5] deno run -A bench/replication/stream.ts
 *
 * @module
 */

import { systemClock } from "../../src/base/clock.ts";
import { Slice } from "../../src/base/slices.ts";
import type { Host } from "../../src/commands/engine/host.ts";
import { createStreamExecutor } from "../../src/replication/executor.ts";
import { NameCounts } from "../../src/replication/repair/name_counts.ts";
import { ReplicationOffset } from "../../src/replication/offset.ts";
import { limitsWithDefaults, newCounters } from "../../src/replication/shared.ts";
import { MasterStream } from "../../src/replication/stream.ts";
import type { StreamExecutor } from "../../src/replication/types.ts";
import { CommandParser } from "../../src/resp/command_parser.ts";
import { Keyspace } from "../../src/store/keyspace/keyspace.ts";
import { headline, line, size, spread } from "../support/report.ts";

const CHUNK_BYTES = 64 * 1024;
const count = size("COMMANDS", 1_000_000);
const keys = size("KEYS", 100_000);
const valueBytes = size("VALUE", 64);
const runs = size("RUNS", 5);

/** The stream as sockets bring it: chunks that end in the middle of a command. */
function makeChunks(): Uint8Array[] {
  const encoder = new TextEncoder();
  const value = "x".repeat(valueBytes);
  const chunks: Uint8Array[] = [];
  let text = "";
  for (let i = 0; i < count; i++) {
    const key = `key:${(Math.imul(i, 2654435761) >>> 0) % keys}`;
    text += `*3\r\n$3\r\nSET\r\n$${key.length}\r\n${key}\r\n$${value.length}\r\n${value}\r\n`;
    if (text.length < CHUNK_BYTES) continue;
    chunks.push(encoder.encode(text.slice(0, CHUNK_BYTES)));
    text = text.slice(CHUNK_BYTES);
  }
  chunks.push(encoder.encode(text));
  return chunks;
}

function parse(chunks: readonly Uint8Array[]): number {
  const parser = new CommandParser();
  let seen = 0;
  for (const chunk of chunks) {
    parser.push(chunk);
    while (parser.next() !== undefined) seen++;
  }
  return seen;
}

function stream(chunks: readonly Uint8Array[], executor: StreamExecutor): number {
  const slice = new Slice(systemClock);
  const counters = newCounters();
  const owner = {
    settings: {
      executor,
      hooks: {},
      onDivergence: "stop" as const,
      limits: limitsWithDefaults({}),
    },
    replOffset: new ReplicationOffset(),
    counters,
    ignored: new NameCounts(),
    repair: undefined,
    diverged: () => {},
  };
  const master = new MasterStream(owner, () => {}, slice);
  for (const chunk of chunks) {
    slice.resume();
    master.push(chunk, 0, chunk.length, Date.now());
    while (master.holds) {
      slice.start();
      master.proceed(Date.now());
    }
    slice.pause();
  }
  return counters.commands;
}

const chunks = makeChunks();
const random = Math.random;
const keyspace = new Keyspace({ random });
const host = { role: "slave", databases: 16 } as Host;
const nothing: StreamExecutor = { begin() {}, execute: () => undefined };
const table = createStreamExecutor({ keyspace, random, host });
const rows: [string, () => number][] = [
  ["parser alone", () => parse(chunks)],
  ["with offsets, control and slices", () => stream(chunks, nothing)],
  [`applied to ${keys} keys`, () => stream(chunks, table)],
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
