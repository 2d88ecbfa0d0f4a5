/**
 * The one context a server's commands run in. Dispatch refills it before each command, so nothing is
 * allocated for a command; a handler must not keep it.
 *
 * @module
 */

import { ByteBuffer } from "../base/byte_buffer.ts";
import { nextSlice, Slice } from "../base/slices.ts";
import type { WholeChange } from "../commands/engine/commit.ts";
import { Caller, type Context, type HeldRead } from "../commands/engine/context.ts";
import { runAtOnce } from "../commands/engine/execute.ts";
import type { Argv } from "../resp/argv.ts";
import type { ReplyTarget } from "../resp/reply_target.ts";
import { ReplyWriter } from "../resp/writer.ts";
import type { Database } from "../store/keyspace/database.ts";
import type { Keyspace } from "../store/keyspace/keyspace.ts";
import type { ServerHost } from "./host.ts";
import type { Propagation } from "./propagation.ts";
import type { ServerSession, Step, Wait } from "./session.ts";

/** Bytes of reply after which a slice ends, so that the peer can take them. */
const SLICE_BYTES = 1 << 20;

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
  /** The slice of this turn has begun. */
  #isBegun: boolean = false;

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

  inSlices(step: Step, read?: HeldRead): void {
    const { session, reply } = this;
    if (!this.maySlice || session === undefined) return runAtOnce(this, step);
    if (this.#runSlice(step)) return;
    // CLIENT REPLY SKIP is over when the command's first slice is.
    const { silent } = reply;
    session.step = () => {
      reply.silent = silent;
      const done = this.#as(read, () => this.#runSlice(step));
      reply.silent = false;
      if (done) read?.release();
      return done;
    };
    session.halted = true;
    if (read === undefined) return;
    session.read = read;
    read.hold(() => this.#finish(session, reply, silent, step, read));
  }

  /** Does all that is left of a read whose keys are about to change. Another command may be under way. */
  #finish(
    session: ServerSession,
    reply: ReplyTarget,
    silent: boolean,
    step: Step,
    read: HeldRead,
  ): void {
    const { session: otherSession, reply: otherReply } = this;
    const { clock } = this.host.about;
    const beganMs = clock.monotonic();
    this.session = session;
    this.reply = reply;
    reply.silent = silent;
    try {
      this.#as(read, () => runAtOnce(this, step));
      session.step = () => true;
    } catch (error) {
      session.step = () => {
        throw error;
      };
    } finally {
      if (session.work !== undefined) {
        session.work.micros += (clock.monotonic() - beganMs) * 1000;
      }
      reply.silent = false;
      this.session = otherSession;
      this.reply = otherReply;
    }
  }

  /** Does work in the database and at the time of a read. */
  #as<T>(read: HeldRead | undefined, work: () => T): T {
    if (read === undefined) return work();
    const { db, dbIndex, nowMs } = this;
    this.db = read.db;
    this.dbIndex = read.dbIndex;
    this.nowMs = read.nowMs;
    try {
      return work();
    } finally {
      this.db = db;
      this.dbIndex = dbIndex;
      this.nowMs = nowMs;
    }
  }

  /**
   * Repeats a step until the work is done, the slice is over, or the reply has grown enough to be sent. All
   * clients share the slice of a turn: together they hold the loop no longer than one of them.
   */
  #runSlice(step: Step): boolean {
    const slice = this.#slice;
    if (this.#isBegun) slice.resume();
    else this.#beginSlice();
    const most = this.reply.position + SLICE_BYTES;
    try {
      for (;;) {
        if (step(this)) return true;
        if (slice.over() || this.reply.position > most) return false;
      }
    } finally {
      slice.pause();
    }
  }

  /** Begins the slice of this turn; the next turn has one of its own. */
  #beginSlice(): void {
    this.#isBegun = true;
    nextSlice(this.host.about.clock, () => {
      this.#isBegun = false;
    });
    this.#slice.start();
  }

  suspend(wait: Wait, finish: (ctx: Context) => boolean | void): boolean {
    const { session } = this;
    if (!this.maySlice || session === undefined) return false;
    // CLIENT REPLY SKIP is over when the command has been read.
    const { silent } = this.reply;
    session.wait = wait;
    session.step = (ctx) => {
      ctx.reply.silent = silent;
      try {
        session.blocked = finish(ctx) === false;
      } finally {
        ctx.reply.silent = false;
      }
      if (session.blocked) session.wait = wait;
      return !session.blocked;
    };
    session.blocked = true;
    session.halted = true;
    return true;
  }
}
