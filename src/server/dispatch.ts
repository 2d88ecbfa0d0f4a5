/**
 * From a request to its reply: every check a server makes before a command runs, in Redis's order, then
 * the command itself. It knows no socket and serves connections, calls in process and a stand-alone
 * master alike.
 *
 * The order decides which of several errors a client reads, so it is that of server.c, `processCommand`:
 *
 * ```text
 *   unknown command ▶ arity ▶ NOAUTH ▶ not inside MULTI ▶ NOPERM ▶ not to be queued here ▶ READONLY,
 *     unless it is forwarded ▶ only (un)subscribing in this context ▶ MASTERDOWN ▶ LOADING
 *     ▶ queued, between MULTI and EXEC ▶ MONITOR ▶ the command ▶ the stream ▶ blocked clients
 * ```
 *
 * @module
 */

import { assert } from "../base/assert.ts";
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";
import { isWord } from "../commands/engine/args.ts";
import {
  type Command,
  NO_AUTH,
  NO_MULTI,
  READONLY,
  shownName,
  WRITE,
} from "../commands/engine/command.ts";
import { CommandError, replicaOfRefused } from "../commands/engine/errors.ts";
import { arityError, checkArity, runCommand } from "../commands/engine/execute.ts";
import { moduleCommands } from "../commands/module/writes.ts";
import { ReplyMode } from "../commands/engine/host.ts";
import { allCommands } from "../commands/table.ts";
import { Argv } from "../resp/argv.ts";
import type { ReplyTarget } from "../resp/reply_target.ts";
import type { Availability } from "./availability.ts";
import { Calls } from "./calls.ts";
import type { Clients } from "./clients.ts";
import { ServerContext } from "./context.ts";
import { Forwarder, type ForwarderParts } from "./forwarder.ts";
import { type HostOptions, ServerHost } from "./host.ts";
import { type Propagate, Propagation } from "./propagation.ts";
import type { CommandQueue, ServerSession } from "./session.ts";
import type { Statistics } from "./statistics.ts";

/** What a {@linkcode Dispatcher} is made from. */
export interface DispatcherOptions extends HostOptions {
  /** Rows beside the table's; one of a name already there takes its place. */
  readonly extraCommands?: readonly Command[];
  /** Gets what a stand-alone master adds to its stream. Ignored on a replica. */
  readonly propagate?: Propagate;
  /** Gets messages; without it they are dropped. */
  readonly logger?: Logger;
}

const NO_AUTH_TEXT = "NOAUTH Authentication required.";
const READONLY_TEXT = "READONLY You can't write against a read only replica.";
/** Stands for the command when a step is done: only `propagateAs` says what the step changed. */
const NOTHING = Argv.of();
/**
 * Bytes one client may queue between MULTI and EXEC, 1 GB as for one command: beyond it, it is
 * closed.
 */
const MAX_QUEUED_BYTES = 1 << 30;
/** Milliseconds between two warnings of peers that speak another protocol. */
const FOREIGN_WARNING_MS = 60_000;
/** Commands that run at once inside MULTI instead of being queued (server.c, `processCommand`). */
const UNQUEUED: readonly string[] = ["exec", "discard", "multi", "watch", "quit", "reset"];
/**
 * Commands that must not be queued where clients may not say whom to follow. Sentinel sends them in a
 * transaction with CLIENT KILL, again and again while we do not obey: were they refused by EXEC alone, the
 * rest of the transaction would cut every client each time.
 */
const FOLLOWING: readonly string[] = ["replicaof", "slaveof"];
/**
 * The only commands a RESP2 client with subscriptions may send: any other reply could not be told from a
 * message. RESP3 has pushes for messages, and no such rule.
 */
const SUBSCRIBED: readonly string[] = [
  "ping",
  "subscribe",
  "ssubscribe",
  "sunsubscribe",
  "psubscribe",
  "unsubscribe",
  "punsubscribe",
  "quit",
  "reset",
];

/** Runs requests of every session of one server. */
export class Dispatcher {
  /** What all sessions share; commands reach it as `ctx.host`. */
  readonly host: ServerHost;
  /** The host's connections, kept here because each chunk asks them. */
  readonly clients: Clients;
  /** Counts, times and tells each command that runs, of clients and of the master's stream. */
  readonly calls: Calls;
  /** The host's totals, kept here because each command adds to them. */
  readonly statistics: Statistics;
  /** Judges expiry (wall clock) and times commands (monotonic). */
  readonly clock: Clock;
  readonly #availability: Availability;
  readonly #context: ServerContext;
  readonly #propagation: Propagation;
  readonly #logger: Logger | undefined;
  readonly #readOnly: boolean;
  readonly #unqueued: ReadonlySet<Command>;
  readonly #unqueueable: ReadonlySet<Command>;
  readonly #subscribed: ReadonlySet<Command>;
  /** Sends clients' writes to the master; undefined where they are refused. */
  #forwarder: Forwarder | undefined = undefined;
  /** When the last peer of another protocol was logged, by the monotonic clock. */
  #warnedMs: number = -Infinity;
  /** EXEC is running its queue: no command of it may go on in a later turn. */
  #inExec: boolean = false;

  /**
   * Makes a server that nobody has connected to.
   *
   * @param options Its data, its role and who may log in.
   */
  constructor(options: DispatcherOptions) {
    const { keyspace, clock, random, propagate } = options;
    const commands = mergeRows(options.extraCommands ?? []);
    const named = (names: readonly string[]) =>
      new Set(commands.filter(({ name }) => names.includes(name)));
    const host = new ServerHost(options, commands, (command, argv) => {
      this.#runQueued(command, argv);
    });
    this.host = host;
    this.clients = host.clients;
    this.statistics = host.about.statistics;
    this.clock = clock;
    this.calls = new Calls(this.clients, this.statistics, clock);
    this.#availability = host.availability;
    this.#logger = options.logger;
    this.#readOnly = host.role === "slave";
    this.#unqueued = named(UNQUEUED);
    this.#unqueueable = named(host.replicaOf === undefined ? FOLLOWING : []);
    this.#subscribed = named(SUBSCRIBED);
    this.#propagation = new Propagation(host.role === "master" ? propagate : undefined);
    this.#context = new ServerContext(keyspace, host, random, this.#propagation);
    this.tick();
  }

  /** Clients' writes go to the master from now on, instead of being refused. */
  forward(parts: ForwarderParts): void {
    assert(this.#readOnly, "only a replica has a master");
    const rows = [...moduleCommands, ...this.host.commands];
    this.#forwarder = new Forwarder(parts, this.host, this.calls, rows);
    this.host.about.forwardStatus = () => parts.access.status();
  }

  /**
   * Reads the wall clock for the commands that follow: those of one chunk share their time, as in
   * Redis.
   */
  tick(): void {
    this.#context.nowMs = this.clock.now();
  }

  /**
   * Answers one request. The whole reply stands in `writer` when this returns, unless `session.step` was
   * set: then {@linkcode Dispatcher.resume} finishes it.
   *
   * @param session Who asks. Must not be halted.
   * @param argv The request, borrowed for the call.
   * @param writer Where the reply goes.
   */
  dispatch(session: ServerSession, argv: Argv, writer: ReplyTarget): void {
    // A connection calls `tick` once a chunk; a call in process has no chunk.
    if (session.link === undefined) this.tick();
    const quiet = session.replies !== ReplyMode.ON;
    if (quiet) this.#beQuiet(session, writer);
    writer.protocol = session.protocol;
    const command = this.host.lookup(argv);
    session.lastActiveMs = this.#context.nowMs;
    if (command === undefined) {
      if (session.link !== undefined && isHttp(argv)) this.#endHttp(session);
      else this.#refuse(session, undefined, writer, this.host.unknown(argv));
    } else {
      session.lastCommand = command;
      const refusal = this.#refusalOf(session, command, argv);
      if (refusal !== undefined) this.#refuse(session, command, writer, refusal);
      else if (session.transaction !== undefined && !this.#unqueued.has(command)) {
        this.#queue(session, session.transaction, command, argv, writer);
      } else {
        this.#run(session, command, argv, writer);
      }
    }
    if (quiet) writer.silent = false;
  }

  /**
   * Sends a write together with the one before, which the session waits for.
   *
   * @returns False where it cannot: then it is to be dispatched in its turn.
   */
  join(session: ServerSession, argv: Argv): boolean {
    const forwarder = this.#forwarder;
    if (forwarder === undefined || this.clients.paused) return false;
    if (session.replies !== ReplyMode.ON || session.transaction !== undefined) return false;
    const command = this.host.lookup(argv);
    if (command === undefined || !forwarder.joins(session, command, argv)) return false;
    if (this.#refusalOf(session, command, argv) !== undefined) return false;
    session.lastCommand = command;
    const { nowMs } = this.#context;
    const began = this.calls.begin(command, argv);
    forwarder.join(session, command, argv);
    this.calls.end(command, argv, began, session, nowMs);
    this.calls.show(command, argv, session, session.dbIndex, nowMs);
    return true;
  }

  /**
   * Calls `session.step` once, in a later turn than the one that set it.
   *
   * @returns True when the reply is whole and the next command may run; false when the step has more to do.
   */
  resume(session: ServerSession, writer: ReplyTarget): boolean {
    const { step } = session;
    if (step === undefined) return true;
    this.tick();
    this.#context.enter(session, writer);
    this.#context.maySlice = true;
    let done = true;
    const beganMs = this.calls.beginSlice(session);
    try {
      done = step(this.#context);
    } catch (error) {
      session.blocked = false;
      session.read?.release();
      this.#fail(error, session.lastCommand!, writer, writer.position);
      // Part of the reply may be sent: what a bug left of it would be taken for the next one.
      if (session.read !== undefined && !(error instanceof CommandError)) session.link?.kill();
    }
    this.calls.worked(session, beganMs);
    if (this.#propagation.active) {
      this.#propagation.command(this.#context.dbIndex, NOTHING, 0, true);
      this.#propagation.flush();
    }
    if (!done) return false;
    this.calls.finish(session, this.#context.nowMs);
    session.step = undefined;
    session.read = undefined;
    session.halted = session.closing;
    this.host.blocking.serve();
    return true;
  }

  /**
   * Runs a command that EXEC took from the queue (multi.c, `execCommand`). Its error is one of EXEC's
   * replies, and the queue goes on. Rights are asked again: they may have changed since it was queued.
   */
  #runQueued(command: Command, argv: Argv): void {
    const context = this.#context;
    const session = context.session!;
    assert(session.transaction === undefined, "EXEC has taken the queue from its session");
    const { reply } = context;
    if (session.rights !== undefined && !session.rights.allow(command)) {
      return this.#writeError(reply, noPermission(session, command));
    }
    this.#inExec = true;
    this.#call(session, command, argv, reply);
    this.#propagation.command(context.dbIndex, argv, context.dirty, true);
    // EXEC itself is not sent: what its commands changed is, and has just been collected.
    context.dirty = 0;
  }

  /**
   * The error text of the first check that fails, in Redis's order; undefined when the command may
   * run.
   */
  #refusalOf(session: ServerSession, command: Command, argv: Argv): string | undefined {
    if (!checkArity(command, argv)) return arityError(command);
    const { flags } = command;
    if (!session.authenticated && (flags & NO_AUTH) === 0) return NO_AUTH_TEXT;
    const { transaction } = session;
    if (transaction !== undefined && (flags & NO_MULTI) !== 0) {
      return "ERR Command not allowed inside a transaction";
    }
    if (session.rights !== undefined && !session.rights.allow(command)) {
      return noPermission(session, command);
    }
    if (transaction !== undefined && this.#unqueueable.has(command)) {
      return replicaOfRefused(command.name.toUpperCase());
    }
    const queued = transaction !== undefined && command.name === "exec" ? transaction : undefined;
    // EXEC counts as the commands it would run: the role or the link may have changed since they were queued.
    const redirect = session.redirects ? this.#redirectOf(session, flags) : undefined;
    if (redirect !== undefined) return redirect;
    const forwards = this.#forwards(session, command);
    // Where writes are forwarded none was queued that could not be: EXEC itself says what has failed.
    const queuedFlags = this.#forwarder === undefined ? queued?.anyFlags ?? 0 : 0;
    if (!forwards && this.#readOnly && ((flags | queuedFlags) & WRITE) !== 0) {
      return READONLY_TEXT;
    }
    if (
      session.protocol === 2 && session.subscriptionCount > 0 && !this.#subscribed.has(command)
    ) {
      return `ERR Can't execute '${command.name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING /` +
        " QUIT / RESET are allowed in this context";
    }
    if (!this.#availability.limited) return undefined;
    const refusal = this.#availability.refusal(flags & (queued?.allFlags ?? -1));
    return refusal ?? (forwards ? this.#forwarder!.refusal() : undefined);
  }

  /** Whether the command goes to the master. */
  #forwards(session: ServerSession, command: Command): boolean {
    return this.#forwarder !== undefined && this.#forwarder.takes(session, command);
  }

  /**
   * Where a client that understands REDIRECT is sent for this command (server.c, Valkey 8); undefined where it
   * is answered here, as where no master is known.
   */
  #redirectOf(session: ServerSession, flags: number): string | undefined {
    const isRead = (flags & READONLY) !== 0 && !session.readsHere;
    if (!this.#readOnly || this.#forwarder !== undefined) return undefined;
    if ((flags & WRITE) === 0 && !isRead) return undefined;
    const { masterHost, masterPort } = this.host.about.replication;
    return masterPort === 0 ? undefined : `REDIRECT ${masterHost}:${masterPort}`;
  }

  /**
   * Writes an error and spoils an open transaction with it; a refused EXEC discards the transaction at
   * once and says EXECABORT, be there a transaction or not (server.c, `rejectCommand`).
   */
  #refuse(
    session: ServerSession,
    command: Command | undefined,
    writer: ReplyTarget,
    text: string,
  ): void {
    if (command !== undefined) this.statistics.of(command).rejected++;
    if (session.transaction !== undefined) session.transaction.failed = true;
    if (command?.name !== "exec") return this.#writeError(writer, text);
    session.transaction = undefined;
    this.host.unwatch(session);
    const reason = text.startsWith("ERR ") ? text.slice(4) : text;
    this.#writeError(writer, `EXECABORT Transaction discarded because of: ${reason}`);
  }

  /** Queues a copy of the command for EXEC (multi.c, `queueMultiCommand`). */
  #queue(
    session: ServerSession,
    transaction: CommandQueue,
    command: Command,
    argv: Argv,
    writer: ReplyTarget,
  ): void {
    const copy = argv.copy();
    transaction.byteLength += copy.bytes.length;
    if (transaction.byteLength > MAX_QUEUED_BYTES) {
      transaction.failed = true;
      session.closing = true;
      return this.#writeError(writer, "ERR The transaction is too large");
    }
    transaction.commands.push(command);
    transaction.argvs.push(copy);
    transaction.anyFlags |= command.flags;
    transaction.allFlags &= command.flags;
    assert(transaction.argvs.length === transaction.commands.length, "a queued row has arguments");
    writer.queued();
  }

  /**
   * Runs a command that passed every check, then sends what it changed and serves who waited for
   * it.
   */
  #run(session: ServerSession, command: Command, argv: Argv, writer: ReplyTarget): void {
    const context = this.#context;
    context.enter(session, writer);
    context.maySlice = session.link !== undefined;
    this.#call(session, command, argv, writer);
    if (this.#propagation.active) {
      this.#propagation.command(context.dbIndex, argv, context.dirty, false);
      this.#propagation.flush();
    }
    if (session.monitors) this.clients.countMonitors();
    this.#inExec = false;
    this.host.blocking.serve();
  }

  /** Calls the handler; `calls.ts` counts, times and tells it (server.c, `call`). */
  #call(session: ServerSession, command: Command, argv: Argv, writer: ReplyTarget): void {
    const context = this.#context;
    const { calls } = this;
    const mark = writer.position;
    context.dirty = 0;
    if (this.#inExec) context.maySlice = false;
    const beganMs = calls.begin(command, argv);
    try {
      if (this.#forwards(session, command)) this.#forwarder!.run(context, session, command, argv);
      else runCommand(context, command, argv);
    } catch (error) {
      calls.failed(command);
      this.#fail(error, command, writer, mark);
    }
    if (session.step === undefined) calls.end(command, argv, beganMs, session, context.nowMs);
    else calls.suspend(session, command, argv, beganMs);
    if (this.clients.monitors > 0) {
      calls.show(command, argv, session, session.dbIndex, context.nowMs);
    }
  }

  /**
   * Ends a connection that speaks HTTP, without a reply (server.c, `securityWarningCommand`): a web page can
   * make a browser post commands here, and none of those behind this line may run.
   */
  #endHttp(session: ServerSession): void {
    session.closing = true;
    session.link?.kill();
    this.warnOfForeigner(
      `${session.address} sent an HTTP request to the port for Redis clients and was cut off: a web page` +
        " may be trying to reach it",
    );
  }

  /** Warns of a peer that speaks another protocol: once a minute, as an attacker may open any number of connections. */
  warnOfForeigner(message: string): void {
    const nowMs = this.clock.monotonic();
    if (nowMs - this.#warnedMs < FOREIGN_WARNING_MS) return;
    this.#warnedMs = nowMs;
    this.#logger?.warn(message, { event: "foreign_protocol" });
  }

  /**
   * Takes back what a handler had replied before it threw, from `mark` on, and writes the error
   * instead.
   */
  #fail(error: unknown, command: Command, writer: ReplyTarget, mark: number): void {
    writer.rewind(mark);
    if (error instanceof CommandError) return this.#writeError(writer, error.message);
    // A bug, or memory that cannot be had: this client is told, and the others are served on.
    this.#logger?.error(`"${command.name}" failed: ${error}`, {
      event: "command_failed",
      command: command.name,
    });
    this.#writeError(writer, `ERR internal error in '${command.name}': ${error}`);
  }

  /** Writes an error reply and counts it by its code. */
  #writeError(writer: ReplyTarget, text: string): void {
    this.statistics.error(text);
    writer.error(text);
  }

  /** Drops the reply to this command: CLIENT REPLY OFF until it says ON, SKIP for one command. */
  #beQuiet(session: ServerSession, writer: ReplyTarget): void {
    writer.silent = true;
    if (session.replies === ReplyMode.SKIP) session.replies = ReplyMode.ON;
  }
}

/** Whether a request is a line that HTTP begins with or has in its head: no command has such a name. */
function isHttp(argv: Argv): boolean {
  return isWord(argv, 0, "POST") || isWord(argv, 0, "HOST:");
}

function noPermission(session: ServerSession, command: Command): string {
  return `NOPERM User ${session.user} has no permissions to run the '${
    shownName(command)
  }' command`;
}

/** The command table with further rows; a further row takes the place of one of the same name. */
function mergeRows(extra: readonly Command[]): readonly Command[] {
  const rows = new Map<string, Command>();
  for (const row of allCommands) rows.set(row.name, row);
  for (const row of extra) rows.set(row.name, row);
  return [...rows.values()];
}
