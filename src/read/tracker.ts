/**
 * How a read is recorded: while a {@linkcode ReadTracker} stands at a reader's source, every read tells it what it
 * looked at, so that whoever ran the read can be told when the answer may have changed.
 *
 * @module
 */

import type { Command } from "../commands/engine/command.ts";
import { isWord } from "../commands/engine/args.ts";
import { keysOf } from "../commands/engine/key_specs.ts";
import type { Argv } from "../resp/argv.ts";
import type { Keyspace } from "../store/keyspace/keyspace.ts";

/** Gets what reads look at. Bytes are borrowed: they are valid during the call only. */
export interface ReadTracker {
  /** A key was looked up, whether it is there or not. */
  key(dbIndex: number, bytes: Uint8Array, start: number, end: number): void;
  /** What was just read is hidden after this time, in milliseconds since 1970: a key's or a hash field's. */
  expires(atMs: number): void;
  /** Keys were listed that fit a glob pattern, or all of them; any change of such a key counts. */
  scan(dbIndex: number, pattern: Uint8Array | undefined): void;
  /** The number of keys was read, or a key at random. */
  size(dbIndex: number): void;
}

/** Commands that read keys which their arguments only describe, with the index of the pattern; -1 for none. */
const LISTING: Readonly<Record<string, number>> = { keys: 1, scan: -1, sort: -1, sort_ro: -1 };

/** Tells a tracker what a command reads that is called in process: its keys, and when they expire. */
export function trackCall(
  tracker: ReadTracker,
  keyspace: Keyspace,
  dbIndex: number,
  command: Command,
  argv: Argv,
): void {
  const { bytes, starts, ends } = argv;
  const db = keyspace.peek(dbIndex);
  for (const { index } of keysOf(command, argv)) {
    if (index >= argv.count) continue;
    tracker.key(dbIndex, bytes, starts[index], ends[index]);
    const entry = db?.find(bytes, starts[index], ends[index]) ?? 0;
    if (db === undefined || entry === 0) continue;
    const at = db.expireAtMs(entry);
    if (at >= 0) tracker.expires(at);
  }
  const { name } = command;
  if (name === "dbsize" || name === "randomkey") tracker.size(dbIndex);
  else if (Object.hasOwn(LISTING, name) && (!name.startsWith("sort") || hasPattern(argv))) {
    const pattern = LISTING[name];
    tracker.scan(dbIndex, pattern > 0 && argv.count > pattern ? argv.at(pattern) : undefined);
  }
}

/** Whether a SORT looks at the keys that BY or GET describe. */
function hasPattern(argv: Argv): boolean {
  for (let i = 2; i < argv.count - 1; i++) {
    if (isWord(argv, i, "BY") || isWord(argv, i, "GET")) return true;
  }
  return false;
}
