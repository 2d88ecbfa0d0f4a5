/**
 * Copy on write for snapshots: while one is being written, slice by slice, each command that writes
 * first lets it write down the keys the command is about to change. It costs a comparison while
 * there is none.
 *
 * @module
 */

import type { Argv } from "../../resp/argv.ts";
import type { Keyspace } from "../../store/keyspace/keyspace.ts";
import type { CommandRow } from "./host.ts";
import { keysOf } from "./key_specs.ts";

/** Commands that write to a database which one of their arguments names. */
const CROSS_DATABASE: readonly string[] = ["copy", "move"];

/**
 * Calls every snapshot's hook for every key of a command that writes and is about to run. What
 * empties or exchanges databases calls them in the keyspace itself.
 */
export function beforeWrite(
  keyspace: Keyspace,
  dbIndex: number,
  command: CommandRow,
  argv: Argv,
): void {
  const crosses = CROSS_DATABASE.includes(command.name);
  for (const { index } of keysOf(command, argv)) {
    const start = argv.starts[index];
    const end = argv.ends[index];
    beforeKeyWrite(keyspace, dbIndex, argv.bytes, start, end);
    if (!crosses) continue;
    for (const other of keyspace.indexes()) beforeKeyWrite(keyspace, other, argv.bytes, start, end);
  }
}

/** Calls every snapshot's hook for one key that is about to change. */
export function beforeKeyWrite(
  keyspace: Keyspace,
  dbIndex: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  for (const hook of keyspace.snapshotHooks) hook.beforeKeyWrite(dbIndex, bytes, start, end);
}
