/**
 * What a command's handler works with: the keyspace, the reply, the time, and on whose behalf it
 * runs. The same handlers serve clients and the master's stream; what differs between them lies
 * here.
 *
 * @module
 */

import type { Argv } from "../../resp/argv.ts";
import type { ReplyTarget } from "../../resp/reply_target.ts";
import type { Database } from "../../store/keyspace/database.ts";
import type { Keyspace } from "../../store/keyspace/keyspace.ts";
import type { WholeChange } from "./commit.ts";
import type { Host, Session } from "./host.ts";

/** On whose behalf a command runs. */
export const Caller = {
  /**
   * A client of a replica: it reads. A key that has expired is hidden from it and stays, until the
   * master sends its DEL.
   */
  REPLICA_CLIENT: 0,
  /**
   * The master's stream: it sees keys that have expired, as the master has judged them, and what
   * the master accepted is done even where our own limits are narrower (Redis's `mustObeyClient`).
   */
  MASTER_STREAM: 1,
  /**
   * A client of a stand-alone master such as `TestMaster`: a key that has expired is deleted when a
   * command meets it, a time in the past deletes at once, and both are propagated.
   */
  MASTER_CLIENT: 2,
} as const;
/** One of {@linkcode Caller}'s numbers. */
export type Caller = typeof Caller[keyof typeof Caller];

/** What work in slices that reads keys holds, so that it sees one state of the data: `long_read.ts` makes it. */
export interface HeldRead {
  /** The database that holds what is read, under whatever number it is found now. */
  readonly db: Database;
  /** The number of the database when the read began. */
  readonly dbIndex: number;
  /** The time by which expiry is judged, milliseconds since 1970. */
  readonly nowMs: number;
  /**
   * Holds the keys from now on: `finish` is called once, before one of them changes, and does all that is
   * left to do.
   */
  hold(finish: () => void): void;
  /** Lets go of the keys: they may change. May be called at any time, and again. */
  release(): void;
}

/**
 * What a handler works with. There is one for a server and one for a stream, refilled before each
 * command.
 */
export interface Context {
  /** All databases, and the function libraries. */
  readonly keyspace: Keyspace;
  /** The database SELECT has chosen. */
  db: Database;
  /** The number of the selected database. */
  dbIndex: number;
  /** Where the reply goes; for the master's stream a writer that drops everything. */
  reply: ReplyTarget;
  /** Milliseconds since 1970, read once for a batch of commands: relative times count from here. */
  nowMs: number;
  /** On whose behalf the command runs. */
  readonly caller: Caller;
  /**
   * How much this command has changed, 0 before it runs: Redis's `server.dirty`. A command that
   * leaves it 0 is not propagated. What changes no key, as FUNCTION LOAD and PUBLISH, adds to it by
   * itself.
   */
  dirty: number;
  /**
   * What a master sends in place of the command as it came: each call adds one command. Without a
   * call the command is sent verbatim when `dirty` grew. On a replica it does nothing.
   */
  propagateAs(...args: readonly (string | Uint8Array)[]): void;
  /** Nothing of this command is propagated, whatever `dirty` says. */
  preventPropagation(): void;
  /**
   * A key has expired and is about to be deleted; only for {@linkcode Caller.MASTER_CLIENT}. A
   * master sends `DEL key` ahead of what the command itself propagates, whatever `dirty` and
   * {@linkcode Context.preventPropagation} say, all of it inside MULTI and EXEC when it is more
   * than one command. The bytes are borrowed. A call of {@linkcode Context.modified} follows.
   *
   * @param field A field of that hash has expired, not the key: `HDEL key field` is sent.
   */
  expired(
    dbIndex: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    field?: Uint8Array,
  ): void;
  /**
   * The key at argument `index`, in the selected database, was changed: adds `count` to
   * {@linkcode Context.dirty} and calls {@linkcode Context.modified}. Called after the change.
   *
   * @param count How much was changed, 1 unless given.
   */
  changed(argv: Argv, index: number, count?: number): void;
  /**
   * A key of any database was changed: tells WATCH, blocked clients and change feeds. Called after
   * the change; counts nothing in {@linkcode Context.dirty}. The bytes are borrowed.
   */
  modified(dbIndex: number, bytes: Uint8Array, start: number, end: number): void;
  /** More than single keys changed, as by FLUSHDB or SWAPDB. Called after the change. */
  modifiedAll(change: WholeChange): void;
  /**
   * For work longer than one turn of the event loop should be: calls `step` again and again, at
   * once while this turn has milliseconds left, then in later turns and with a context refilled for
   * this client, until it answers true; then the reply is whole and the client's next command runs.
   * Where nothing can wait, as inside EXEC, it calls `step` until done at once. Undefined for the
   * master's stream; `runInSlices` in `execute.ts` knows both cases.
   *
   * @param read Holds the keys that the work reads; `step` then sees its database and its time.
   */
  readonly inSlices?: (step: (ctx: Context) => boolean, read?: HeldRead) => void;
  /**
   * For a command that blocks its client. `wait` is handed what to call, once, to let the client go
   * on; then `finish` writes the reply, with a context refilled for this client, or answers false
   * to wait once more: `wait` is then called again. What `finish` changes it propagates by
   * `propagateAs`.
   *
   * False, with nothing called, where nothing can wait, as in a call in process and inside EXEC;
   * undefined for the master's stream. In both cases the handler replies as if the time were over.
   */
  readonly suspend?: (
    wait: (wake: () => void) => void,
    finish: (ctx: Context) => boolean | void,
  ) => boolean;
  /**
   * Whether the key at argument `index`, in the selected database, still exists is known to the master
   * alone: a command may have deleted it with the last element of a value that is not read here. Only for
   * the master's stream. The bytes are borrowed.
   */
  readonly doubted?: (argv: Argv, index: number) => void;
  /** Uniform in [0, 1): injected, so that a run can be repeated. */
  random(): number;
  /** The connection the command came over; undefined for the master's stream. */
  readonly session: Session | undefined;
  /** The server around it, for what concerns no single key. */
  readonly host: Host;
}
