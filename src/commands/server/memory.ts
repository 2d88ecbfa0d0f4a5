/**
 * MEMORY: what the store counts of itself, to the byte. It is not what Redis would need for the
 * same data, nor what the process takes, which the runtime's heap and the application add to.
 *
 * Numbers are exact and need no sampling: records know their length, and a large value keeps the
 * sum of its bytes.
 *
 * @module
 */

import { compact } from "../../store/keyspace/database.ts";
import { isWord, readInteger } from "../engine/args.ts";
import { type Command, command, READONLY } from "../engine/command.ts";
import type { Context } from "../engine/context.ts";
import { CommandError, SYNTAX } from "../engine/errors.ts";
import { container } from "../engine/container.ts";
import { lookup } from "../engine/lookup.ts";
import { replyField } from "../engine/reply.ts";

/** How many bytes one PURGE moves at most, over all databases: some 10 milliseconds. */
const PURGE_BYTES = 16 * 1024 * 1024;
/** Bytes held for each byte used above which DOCTOR complains, as Redis does. */
const MUCH_FRAGMENTATION = 1.4;

const HELP: readonly string[] = [
  "DOCTOR",
  "    Return memory problems reports.",
  "MALLOC-STATS",
  "    Return internal statistics report from the memory allocator.",
  "PURGE",
  "    Attempt to purge dirty pages for reclamation by the allocator.",
  "STATS",
  "    Return information about the memory usage of the server.",
  "USAGE <key> [SAMPLES <count>]",
  "    Return memory in bytes used by <key> and its value. Nested values are",
  "    sampled up to <count> times (default: 5, 0 means sample all).",
];

/**
 * `MEMORY USAGE key [SAMPLES n]`: bytes of key and value, or null when the key is missing. SAMPLES
 * is checked and has no effect, as nothing is sampled. O(1).
 */
const memoryUsage = command("memory|usage", -3, READONLY, "RO@2", (ctx, argv) => {
  for (let i = 3; i < argv.count; i += 2) {
    if (!isWord(argv, i, "SAMPLES") || i + 1 === argv.count) throw new CommandError(SYNTAX);
    if (readInteger(argv, i + 1) < 0) throw new CommandError(SYNTAX);
  }
  const entry = lookup(ctx, argv, 2);
  if (entry === 0) return ctx.reply.null();
  const object = ctx.db.objectOf(entry);
  ctx.reply.integer(ctx.db.recordBytes(entry) + (object?.memoryBytes ?? 0));
});

/**
 * `MEMORY STATS`: bytes held in all, for tables and for values, and how well they are used. O(large
 * values).
 */
const memoryStats = command("memory|stats", 2, 0, "", replyStats);

/** `MEMORY DOCTOR`: a sentence on whether freed space inside the store is high. O(databases). */
const memoryDoctor = command("memory|doctor", 2, 0, "", (ctx) => {
  const { fragmentation } = ctx.keyspace.memory();
  const text = fragmentation > MUCH_FRAGMENTATION
    ? `Freed space inside the store is high: ${fragmentation.toFixed(2)} bytes held for each used.`
    : "No memory problem was found.";
  ctx.reply.verbatim("txt", text + "\n");
});

/**
 * `MEMORY PURGE`: moves records together, so that pages freed between them can be given back. O(16
 * MB).
 */
const memoryPurge = command("memory|purge", 2, 0, "", (ctx) => {
  let left = PURGE_BYTES;
  for (const index of ctx.keyspace.indexes()) {
    if (left > 0) left -= compact(ctx.keyspace.db(index), left);
  }
  ctx.reply.ok();
});

/** `MEMORY MALLOC-STATS`: what Redis answers where its allocator keeps no statistics. O(1). */
const memoryMallocStats = command("memory|malloc-stats", 2, 0, "", (ctx) => {
  ctx.reply.bulkText("Stats not supported for the current allocator");
});

/** The fields of MEMORY STATS that have a meaning here, by the names Redis gives them. */
function replyStats(ctx: Context): void {
  const { reply, keyspace } = ctx;
  const { used, reserved, table, objects, fragmentation } = keyspace.memory();
  const total = reserved + table + objects;
  const dataset = used + objects;
  const keys = keyspace.keyCount;
  const numbers: readonly [string, number][] = [
    ["total.allocated", total],
    ["overhead.total", table],
    ["keys.count", keys],
    ["keys.bytes-per-key", keys === 0 ? 0 : Math.floor(total / keys)],
    ["dataset.bytes", dataset],
  ];
  reply.map(numbers.length + 2);
  for (const [name, value] of numbers) {
    replyField(reply, name, value);
  }
  reply.bulkText("dataset.percentage");
  reply.double(total === 0 ? 0 : dataset * 100 / total);
  reply.bulkText("fragmentation");
  reply.double(fragmentation);
}

/** The container and its subcommands. */
export const memoryCommands: readonly Command[] = container("memory", [
  memoryDoctor,
  memoryMallocStats,
  memoryPurge,
  memoryStats,
  memoryUsage,
], HELP);
