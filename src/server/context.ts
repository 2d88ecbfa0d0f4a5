/**
 * The one context a server's commands run in. Dispatch refills it before each command, so nothing is
 * allocated for a command; a handler must not keep it.
 *
 * @module
 */

import { ByteBuffer } from "../base/byte_buffer.ts";
import { Slice } from "../base/slices.ts";
import type { WholeChange } from "../commands/engine/commit.ts";
import { Caller, type Context } from "../commands/engine/context.ts";
import type { Argv } from "../resp/argv.ts";
import type { ReplyTarget } from "../resp/reply_target.ts";
import { ReplyWriter } from "../resp/writer.ts";
import type { Database } from "../store/keyspace/database.ts";
import type { Keyspace } from "../store/keyspace/keyspace.ts";
import type { ServerHost } from "./host.ts";
import type { Propagation } from "./propagation.ts";
import type { ServerSession, Step, Wait } from "./session.ts";

/** What handlers get from a server, for clients of a replica and of a stand-alone master alike. */
export class ServerContext implements Context {
  readonly keyspace: Keyspace;
  readonly host: ServerHost;
  readonly random: () => number;
  readonly caller: Caller;
  db: Database;
  dbIndex: number = 0;
  reply: ReplyTarget = new ReplyWriter(new ByteBuffer());
  nowMs: number = 0;
  dirty: number = 0;
  session: ServerSession | undefined = undefined;
  /**
   * Whether the command may go on in later turns. False for a call in process, which answers at once, and
   * inside EXEC, whose commands see one state.
   */
  maySlice: boolean = false;
  readonly #propagation: Propagation;
  readonly #slice: Slice;

  /**
   * Begins in database 0, for no session.
   *
   * @param keyspace What commands read and write.
   * @param host The server around them.
   * @param random Uniform in [0, 1).
   * @param propagation Gets what a master's commands add to its stream.
   */
  constructor(
    keyspace: Keyspace,
    host: ServerHost,
    random: () => number,
    propagation: Propagation,
  ) {
    this.keyspace = keyspace;
    this.host = host;
    this.random = random;
    this.caller = host.role === "master" ? Caller.MASTER_CLIENT : Caller.REPLICA_CLIENT;
    this.db = keyspace.db(0);
    this.#propagation = propagation;
    this.#slice = new Slice(host.about.clock);
  }

  /** Refills the context for the next command of `session`, whose reply goes to `reply`. */
  enter(session: ServerSession, reply: ReplyTarget): void {
    this.session = session;
    this.reply = reply;
    this.dirty = 0;
    // A Database object stays that of its number, also over SWAPDB and a full sync: looked up once a SELECT.
    if (this.dbIndex !== session.dbIndex) {
      this.dbIndex = session.dbIndex;
      this.db = this.keyspace.db(session.dbIndex);
    }
  }

  propagateAs(...args: readonly (string | Uint8Array)[]): void {
    this.#propagation.replace(args);
  }

  preventPropagation(): void {
    this.#propagation.prevent();
  }

  expired(
    dbIndex: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    field?: Uint8Array,
  ): void {
    this.#propagation.expired(dbIndex, bytes, start, end, field);
  }

  changed(argv: Argv, index: number, count: number = 1): void {
    this.dirty += count;
    this.modified(this.dbIndex, argv.bytes, argv.starts[index], argv.ends[index]);
  }

  modified(dbIndex: number, bytes: Uint8Array, start: number, end: number): void {
    this.host.touch(dbIndex, bytes, start, end);
  }

  modifiedAll(change: WholeChange): void {
    this.host.changed(change);
  }

  inSlices(step: Step): void {
    if (this.maySlice && this.session !== undefined) {
      if (this.#runSlice(step)) return;
      this.session.step = () => this.#runSlice(step);
      this.session.halted = true;
      return;
    }
    let done = false;
    while (!done) done = step(this);
  }

  /**
   * Repeats a step until the work is done or the slice is over. All clients share its milliseconds: those of
   * one turn together hold the loop no longer than one of them.
   */
  #runSlice(step: Step): boolean {
    const slice = this.#slice;
    slice.resume();
    try {
      for (;;) {
        if (step(this)) return true;
        if (slice.over()) return false;
      }
    } finally {
      slice.pause();
    }
  }

  suspend(wait: Wait, finish: (ctx: Context) => boolean | void): boolean {
    const { session } = this;
    if (!this.maySlice || session === undefined) return false;
    session.wait = wait;
    session.step = (ctx) => {
      session.blocked = finish(ctx) === false;
      if (session.blocked) session.wait = wait;
      return !session.blocked;
    };
    session.blocked = true;
    session.halted = true;
    return true;
  }
}
