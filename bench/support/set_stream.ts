/**
 * A master's stream of SETs in process: the bytes as sockets bring them, and the link's way from there to an executor.
 *
 * @module
 */

import { systemClock } from "../../src/base/clock.ts";
import { Slice } from "../../src/base/slices.ts";
import type { StreamFilter } from "../../src/replication/filter.ts";
import type { MemoryWatch } from "../../src/replication/memory.ts";
import { ReplicationOffset } from "../../src/replication/offset.ts";
import { NameCounts } from "../../src/base/name_counts.ts";
import { limitsWithDefaults, newCounters } from "../../src/replication/shared.ts";
import { MasterStream } from "../../src/replication/stream.ts";
import type { StreamExecutor, StreamHooks } from "../../src/replication/types.ts";

const CHUNK_BYTES = 64 * 1024;

/** `count` SETs over `keys` keys, the `first`th and on, in chunks that end in the middle of a command. */
export function setStream(
  count: number,
  keys: number,
  valueBytes: number,
  first: number = 0,
): Uint8Array[] {
  const encoder = new TextEncoder();
  const value = "x".repeat(valueBytes);
  const chunks: Uint8Array[] = [];
  let text = "";
  for (let i = first; i < first + count; i++) {
    const key = `key:${(Math.imul(i, 2654435761) >>> 0) % keys}`;
    text += `*3\r\n$3\r\nSET\r\n$${key.length}\r\n${key}\r\n$${value.length}\r\n${value}\r\n`;
    if (text.length < CHUNK_BYTES) continue;
    chunks.push(encoder.encode(text.slice(0, CHUNK_BYTES)));
    text = text.slice(CHUNK_BYTES);
  }
  chunks.push(encoder.encode(text));
  return chunks;
}

/** Takes the chunks as the link does. Returns how many commands it has seen. */
export function applyStream(
  chunks: readonly Uint8Array[],
  executor: StreamExecutor,
  hooks: StreamHooks = {},
  filter?: StreamFilter,
  memory?: MemoryWatch,
): number {
  const slice = new Slice(systemClock);
  const counters = newCounters();
  const owner = {
    settings: {
      executor,
      hooks,
      onDivergence: "stop" as const,
      limits: limitsWithDefaults({}),
      ...(memory && { memory }),
    },
    replOffset: new ReplicationOffset(),
    counters,
    ignored: new NameCounts(),
    repair: undefined,
    ...(filter && { filter }),
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
