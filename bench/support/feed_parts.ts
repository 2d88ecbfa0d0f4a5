/**
 * What live values and collections stand on, without a replica around it: a keyspace, its commits, a reader, and a clock
 * that times what it calls.
 *
 * @module
 */

import { type Clock, systemClock } from "../../src/base/clock.ts";
import type { Logger } from "../../src/base/logger.ts";
import { Prng } from "../../src/base/prng.ts";
import { Commits } from "../../src/commands/engine/commit.ts";
import { LiveValues } from "../../src/feed/live.ts";
import type { ReaderSource } from "../../src/read/core.ts";
import { type Reader, textReader } from "../../src/read/reader.ts";
import { Keyspace } from "../../src/store/keyspace/keyspace.ts";

/** The parts, all over one keyspace. */
export interface FeedParts {
  readonly prng: Prng;
  readonly keyspace: Keyspace;
  readonly commits: Commits;
  readonly source: ReaderSource;
  readonly reader: Reader;
  readonly live: LiveValues;
  readonly logger: Logger;
}

const SILENT: Logger = { debug() {}, info() {}, warn() {}, error: console.error };

/** Makes them. @param timed Runs each callback that the clock has put off to a later turn. */
export function feedParts(timed: (run: () => void) => void): FeedParts {
  const prng = new Prng(1);
  const clock: Clock = {
    ...systemClock,
    soon: (callback) => systemClock.soon(() => timed(callback)),
  };
  const keyspace = new Keyspace({ random: () => prng.next() });
  const commits = new Commits(keyspace, (error) => {
    throw error;
  });
  const source = {
    keyspace,
    clock,
    random: () => prng.next(),
    call: () => null,
    callText: () => null,
  };
  const live = new LiveValues({ source, commits, logger: SILENT });
  const reader = textReader(source, 0);
  return { prng, keyspace, commits, source, reader, live, logger: SILENT };
}
