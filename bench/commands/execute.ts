/**
 * How many commands of each kind does one core take from raw stream bytes into the keyspace: parser,
 * lookup, handler, store, and nothing else? No socket, no link: measure 4 (`bench/apply.ts`) has those, too.
 *
 *     [KEYS=1000000] [COMMANDS=200000] [VALUE=64] [RUNS=7] deno run -A bench/commands/execute.ts
 *
 * Keys come in random order. Time is the process's own, all its threads; the median and the best of
 * all runs are shown.
 *
 * @module
 */

import { cpuUsage } from "node:process";
import { ByteBuffer } from "../../src/base/byte_buffer.ts";
import { Prng } from "../../src/base/prng.ts";
import { commandIndex } from "../../src/commands/table.ts";
import { checkArity, executeCommand } from "../../src/commands/engine/execute.ts";
import { CommandParser } from "../../src/resp/command_parser.ts";
import { writeCommand } from "../../src/resp/writer.ts";
import { Engine } from "../../tests/commands/engine.ts";
import { headline, line, median, size } from "../support/report.ts";

const CHUNK = 64 * 1024;
const keys = size("KEYS", 1_000_000);
const commands = size("COMMANDS", 200_000);
const valueBytes = size("VALUE", 64);
const runs = size("RUNS", 7);
const prng = new Prng(1);
const value = "v".repeat(valueBytes);
const FAR_MS = "4000000000000";

function key(): string {
  return `key:${String(prng.int(keys)).padStart(8, "0")}`;
}

function encode(count: number, make: (i: number) => string[]): Uint8Array {
  const out = new ByteBuffer(count * (valueBytes + 64));
  for (let i = 0; i < count; i++) writeCommand(out, ...make(i));
  return out.toBytes();
}

const engine = new Engine("stream");
engine.reply.silent = true;
const parser = new CommandParser();

/** What the link does with a chunk, without the link. */
function apply(chunk: Uint8Array): void {
  parser.push(chunk);
  for (let argv = parser.next(); argv !== undefined; argv = parser.next()) {
    const command = commandIndex.lookup(argv);
    if (command === undefined || !checkArity(command, argv)) throw new Error("No such command");
    if (executeCommand(engine, command, argv) !== undefined) throw new Error("Refused");
    engine.changes.length = 0;
  }
}

/** Milliseconds of processor time: the machine may be busy with others. */
function applyAll(bytes: Uint8Array): number {
  const before = cpuUsage();
  for (let pos = 0; pos < bytes.length; pos += CHUNK) {
    apply(bytes.subarray(pos, Math.min(pos + CHUNK, bytes.length)));
  }
  const used = cpuUsage(before);
  return (used.user + used.system) / 1000;
}

const kinds: readonly [string, (i: number) => string[]][] = [
  ["SET k v, one key", () => ["SET", "key", value]],
  ["SET k v", () => ["SET", key(), value]],
  ["SET k v PXAT ms", () => ["SET", key(), value, "PXAT", FAR_MS]],
  ["PEXPIREAT k ms", () => ["PEXPIREAT", key(), FAR_MS]],
  ["INCR k", () => ["INCR", `n${key()}`]],
  ["APPEND k v", () => ["APPEND", `a${prng.int(1000)}`, "0123456789"]],
  ["SETRANGE k n v", () => ["SETRANGE", key(), "10", "0123456789"]],
  ["DEL k", () => ["DEL", key()]],
  ["MSET of 10", () => ["MSET", ...Array.from({ length: 20 }, (_, i) => i % 2 ? value : key())]],
];

headline("Applying commands from raw stream bytes", {
  keys,
  commands,
  "value bytes": valueBytes,
  runs,
});
// Changes are not gathered: a link without a feed gathers none.
engine.modified = () => {};
applyAll(encode(keys, (i) => ["SET", `key:${String(i).padStart(8, "0")}`, value]));
for (const [name, make] of kinds) {
  const bytes = encode(commands, make);
  const rates = Array.from({ length: runs }, () => commands / applyAll(bytes) / 1000);
  const best = Math.max(...rates);
  line("here", name, `${median(rates).toFixed(2)} M/s, best ${best.toFixed(2)} M/s`);
}
