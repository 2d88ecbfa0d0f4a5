/**
 * Telling the snapshots that are being taken which keys a command is about to change, so that they write
 * them down as they are. Costs nothing while there are none.
 *
 * @module
 */

import type { Argv } from "../../resp/argv.ts";
import type { Keyspace } from "../../store/keyspace/keyspace.ts";
import type { Command } from "./command.ts";
import { keysOf } from "./key_specs.ts";

/** Commands that write to a database which one of their arguments names. */
const CROSS_DATABASE: readonly string[] = ["copy", "move"];

/**
 * Tells every snapshot of every key of a command that writes and is about to run. What empties or
 * exchanges databases is told by the keyspace itself.
 */
export function announceKeys(
  keyspace: Keyspace,
  dbIndex: number,
  command: Command,
  argv: Argv,
): void {
  const crosses = CROSS_DATABASE.includes(command.name);
  for (const { index } of keysOf(command, argv)) {
    const start = argv.starts[index];
    const end = argv.ends[index];
    announceKey(keyspace, dbIndex, argv.bytes, start, end);
    if (!crosses) continue;
    for (const other of keyspace.indexes()) announceKey(keyspace, other, argv.bytes, start, end);
  }
}

/** Tells every snapshot of one key that is about to change. */
export function announceKey(
  keyspace: Keyspace,
  dbIndex: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  for (const barrier of keyspace.barriers) barrier.beforeKey(dbIndex, bytes, start, end);
}
