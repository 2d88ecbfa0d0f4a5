/**
 * The data of a replica that follows no master: written here, by the same commands that the stream of a master would
 * bring, so that the change feed, live values, collections and WATCH see it. Keys that have expired are deleted here too.
 *
 * @module
 */

import type { Clock, TimerId } from "../base/clock.ts";
import type { CommitPlace, Commits } from "../commands/engine/commit.ts";
import { CommandError } from "../commands/engine/errors.ts";
import type { StreamExecutor, StreamHooks } from "../replication/types.ts";
import { Argv } from "../resp/argv.ts";
import { ActiveExpiry, EXPIRY_ROUND_MS } from "../store/keyspace/active_expiry.ts";
import type { Keyspace } from "../store/keyspace/keyspace.ts";

/** What {@linkcode OwnData} writes with. */
export interface OwnDataParts {
  /** The data that is written. */
  readonly keyspace: Keyspace;
  /** Clock that expiry is judged by. */
  readonly clock: Clock;
  /** Is told where the data stands: its offset counts the commits made here. */
  readonly commits: Commits;
  /** Runs commands as those of a master's stream. */
  readonly executor: StreamExecutor;
  /** Its `committed` ends a commit, and listeners are told. */
  readonly hooks: StreamHooks;
}

/** Writes to data that no master's stream changes. */
export class OwnData {
  readonly #parts: OwnDataParts;
  readonly #expiry: ActiveExpiry;
  #commits: number = 0;
  #timer: TimerId = undefined;
  #closed: boolean = false;

  /** Writes nothing yet. @param parts What it writes with. */
  constructor(parts: OwnDataParts) {
    this.#parts = parts;
    parts.commits.place = this.#place();
    this.#expiry = new ActiveExpiry(
      parts.keyspace,
      (dbIndex, key) => this.#deleteExpired(dbIndex, key),
    );
  }

  /**
   * Runs commands that write as one commit.
   *
   * @param dbIndex Database that is selected.
   * @param commands The commands, each with its name.
   * @throws {CommandError} When one of them fails; those before it stay done.
   */
  change(dbIndex: number, commands: readonly Argv[]): void {
    const { clock, executor, hooks } = this.#parts;
    executor.begin(clock.now());
    try {
      for (const argv of commands) {
        const problem = executor.execute(dbIndex, argv);
        if (problem !== undefined) throw new CommandError(problem);
      }
    } finally {
      hooks.committed?.(++this.#commits);
    }
    this.#watchExpiry();
  }

  /** Stops deleting what has expired: no timer is left. */
  close(): void {
    this.#closed = true;
    this.#parts.clock.clearTimer(this.#timer);
    this.#timer = undefined;
  }

  /** A history without an id, which no token can name. */
  #place(): CommitPlace {
    const commits = () => this.#commits;
    return {
      replid: "",
      get applied() {
        return commits();
      },
      get settled() {
        return commits();
      },
      hasData: true,
    };
  }

  /** Sets the timer of the next round, as long as there are keys that expire. */
  #watchExpiry(): void {
    const { clock, keyspace } = this.#parts;
    if (this.#closed || this.#timer !== undefined) return;
    if (!keyspace.indexes().some((index) => keyspace.db(index).expiresCount > 0)) return;
    this.#timer = clock.setTimer(() => {
      this.#timer = undefined;
      this.#expiry.run(clock.now());
      this.#watchExpiry();
    }, EXPIRY_ROUND_MS);
  }

  /** Each key is a commit of its own, as a master's DEL of it would be. */
  #deleteExpired(dbIndex: number, key: Uint8Array): boolean {
    const { keyspace } = this.#parts;
    if (keyspace.db(dbIndex).find(key, 0, key.length) === 0) return false;
    this.change(dbIndex, [Argv.of("DEL", key)]);
    return true;
  }
}
