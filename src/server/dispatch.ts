/**
 * From a request to its reply: every check a server makes before a command runs, in Redis's order
 * (server.c, `processCommand`), then the command itself. Knows no socket: serves connections, calls in
 * process and a stand-alone master alike.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import {
  ADMIN,
  type Command,
  FAST,
  NO_AUTH,
  NO_MULTI,
  SKIP_MONITOR,
  SKIP_SLOWLOG,
  WRITE,
} from "../commands/engine/command.ts";
import { CommandError, wrongArity } from "../commands/engine/errors.ts";
import { checkArity, runCommand } from "../commands/engine/execute.ts";
import { ReplyMode } from "../commands/engine/host.ts";
import { allCommands } from "../commands/table.ts";
import { Argv } from "../resp/argv.ts";
import type { ReplyWriter } from "../resp/writer.ts";
import type { Availability } from "./availability.ts";
import type { Clients } from "./clients.ts";
import { ServerContext } from "./context.ts";
import { type HostOptions, ServerHost } from "./host.ts";
import { feedMonitors } from "./monitor.ts";
import { type Propagate, Propagation } from "./propagation.ts";
import type { CommandQueue, ServerSession } from "./session.ts";
import type { CommandStats, Statistics } from "./statistics.ts";

/** Where messages go. */
export interface ServerLogger {
  /** What an operator wants to read once. */
  info(message: string): void;
  /** Something went wrong and is being dealt with. */
  warn(message: string): void;
  /** Something went wrong and stays so. */
  error(message: string): void;
}

/** What a {@linkcode Dispatcher} is made from. */
export interface DispatcherOptions extends HostOptions {
  /** Rows beside the table's; one of a name already there takes its place. */
  readonly extraCommands?: readonly Command[];
  /** A master's stream gets each command here. */
  readonly propagate?: Propagate;
  /** Gets messages. */
  readonly logger?: ServerLogger;
}

const NO_AUTH_TEXT = "NOAUTH Authentication required.";
const READONLY_TEXT = "READONLY You can't write against a read only replica.";
/** A constant-time command is timed one call in so many, and counted for all of them. */
const SAMPLED_CALLS = 64;
/** A step that is done says by `propagateAs` what it changed. */
const NOTHING = Argv.of();
/** What one client may queue between MULTI and EXEC. */
const MAX_QUEUED_BYTES = 1 << 30;
/** Run at once inside MULTI. */
const UNQUEUED: readonly string[] = ["exec", "discard", "multi", "watch", "quit", "reset"];
/** A RESP2 client with subscriptions may only do these: every reply would be taken for a message. */
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
  /** What the sessions share; the server as commands see it. */
  readonly host: ServerHost;
  /** The host's connections. */
  readonly clients: Clients;
  /** The host's totals. */
  readonly statistics: Statistics;
  /** Judges expiry and times commands. */
  readonly clock: Clock;
  readonly #availability: Availability;
  readonly #context: ServerContext;
  readonly #propagation: Propagation;
  readonly #logger: ServerLogger | undefined;
  readonly #readOnly: boolean;
  readonly #unqueued: ReadonlySet<Command>;
  readonly #subscribed: ReadonlySet<Command>;
  #lastCommand: Command | undefined = undefined;
  #lastStats: CommandStats | undefined = undefined;
  #calls: number = 0;
  #inExec: boolean = false;

  /** @param options What it is made from. */
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
    this.#availability = host.availability;
    this.#logger = options.logger;
    this.#readOnly = host.role === "slave";
    this.#unqueued = named(UNQUEUED);
    this.#subscribed = named(SUBSCRIBED);
    this.#propagation = new Propagation(host.role === "master" ? propagate : undefined);
    this.#context = new ServerContext(keyspace, host, random, this.#propagation);
    this.tick();
  }

  /** Reads the clock: before a batch of commands of one chunk, which then share their time. */
  tick(): void {
    this.#context.nowMs = this.clock.now();
  }

  /**
   * Answers one request. Its reply stands in `writer` when this returns, unless `session.step` was set:
   * then {@linkcode Dispatcher.resume} finishes it. `argv` is borrowed. A connection's owner has called
   * {@linkcode Dispatcher.tick} before.
   */
  dispatch(session: ServerSession, argv: Argv, writer: ReplyWriter): void {
    if (session.link === undefined) this.tick();
    const quiet = session.replies !== ReplyMode.ON;
    if (quiet) this.#beQuiet(session, writer);
    writer.protocol = session.protocol;
    const command = this.host.lookup(argv);
    session.lastActiveMs = this.#context.nowMs;
    if (command === undefined) {
      this.#refuse(session, undefined, writer, this.host.unknown(argv));
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

  /** Goes on with `session.step`, once; false when there is still more to do. */
  resume(session: ServerSession, writer: ReplyWriter): boolean {
    const { step } = session;
    if (step === undefined) return true;
    this.tick();
    this.#context.enter(session, writer);
    this.#context.maySlice = true;
    let done = true;
    try {
      done = step(this.#context);
    } catch (error) {
      this.#fail(error, session.lastCommand!, writer, writer.out.length);
    }
    if (this.#propagation.active) {
      this.#propagation.command(this.#context.dbIndex, NOTHING, 0, true);
      this.#propagation.flush();
    }
    if (!done) return false;
    session.step = undefined;
    session.halted = session.closing;
    this.host.blocking.serve();
    return true;
  }

  /** Runs a command EXEC took from the queue; its error is its own reply and ends nothing. */
  #runQueued(command: Command, argv: Argv): void {
    const context = this.#context;
    const session = context.session!;
    const { reply } = context;
    if (session.rights !== undefined && !session.rights.allow(command)) {
      return this.#writeError(reply, noPermission(session, command));
    }
    this.#inExec = true;
    this.#call(session, command, argv, reply);
    this.#propagation.command(context.dbIndex, argv, context.dirty, true);
    // What EXEC itself propagates is what its commands did.
    context.dirty = 0;
  }

  #refusalOf(session: ServerSession, command: Command, argv: Argv): string | undefined {
    if (!checkArity(command, argv)) return wrongArity(command.name);
    const { flags } = command;
    if (!session.authenticated && (flags & NO_AUTH) === 0) return NO_AUTH_TEXT;
    const { transaction } = session;
    if (transaction !== undefined && (flags & NO_MULTI) !== 0) {
      return "ERR Command not allowed inside a transaction";
    }
    if (session.rights !== undefined && !session.rights.allow(command)) {
      return noPermission(session, command);
    }
    const queued = transaction !== undefined && command.name === "exec" ? transaction : undefined;
    if (this.#readOnly && ((flags | (queued?.anyFlags ?? 0)) & WRITE) !== 0) return READONLY_TEXT;
    if (
      session.protocol === 2 && session.subscriptionCount > 0 && !this.#subscribed.has(command)
    ) {
      return `ERR Can't execute '${command.name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING /` +
        " QUIT / RESET are allowed in this context";
    }
    if (!this.#availability.limited) return undefined;
    return this.#availability.refusal(flags & (queued?.allFlags ?? -1));
  }

  #refuse(
    session: ServerSession,
    command: Command | undefined,
    writer: ReplyWriter,
    text: string,
  ): void {
    if (command !== undefined) this.statistics.of(command).rejected++;
    if (session.transaction === undefined) return this.#writeError(writer, text);
    session.transaction.failed = true;
    if (command?.name !== "exec") return this.#writeError(writer, text);
    session.transaction = undefined;
    this.host.watches.unwatch(session);
    const reason = text.startsWith("ERR ") ? text.slice(4) : text;
    this.#writeError(writer, `EXECABORT Transaction discarded because of: ${reason}`);
  }

  #queue(
    session: ServerSession,
    transaction: CommandQueue,
    command: Command,
    argv: Argv,
    writer: ReplyWriter,
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
    writer.queued();
  }

  #run(session: ServerSession, command: Command, argv: Argv, writer: ReplyWriter): void {
    const context = this.#context;
    context.enter(session, writer);
    context.maySlice = session.link !== undefined;
    if (this.clients.monitors > 0 && (command.flags & (SKIP_MONITOR | ADMIN)) === 0) {
      feedMonitors(this.clients, session, argv, context.nowMs);
    }
    this.#call(session, command, argv, writer);
    if (this.#propagation.active) {
      this.#propagation.command(context.dbIndex, argv, context.dirty, false);
      this.#propagation.flush();
    }
    if (session.monitors) this.clients.countMonitors();
    this.#inExec = false;
    this.host.blocking.serve();
  }

  /** The command itself, counted and timed. */
  #call(session: ServerSession, command: Command, argv: Argv, writer: ReplyWriter): void {
    const context = this.#context;
    if (this.#lastCommand !== command) {
      this.#lastCommand = command;
      this.#lastStats = this.statistics.of(command);
    }
    const stats = this.#lastStats!;
    stats.calls++;
    this.statistics.commands++;
    const sampled = (command.flags & FAST) === 0
      ? 1
      : (++this.#calls & (SAMPLED_CALLS - 1)) === 0
      ? SAMPLED_CALLS
      : 0;
    const startMs = sampled === 0 ? 0 : this.clock.monotonic();
    const mark = writer.out.length;
    context.dirty = 0;
    if (this.#inExec) context.maySlice = false;
    try {
      runCommand(context, command, argv);
    } catch (error) {
      stats.failed++;
      this.#fail(error, command, writer, mark);
    }
    if (sampled === 0) return;
    const micros = (this.clock.monotonic() - startMs) * 1000;
    stats.micros += micros * sampled;
    if ((command.flags & SKIP_SLOWLOG) === 0) {
      this.statistics.slow(session, argv, micros, context.nowMs);
    }
  }

  /** What a handler had replied before it threw is taken back. */
  #fail(error: unknown, command: Command, writer: ReplyWriter, mark: number): void {
    writer.out.length = mark;
    if (error instanceof CommandError) return this.#writeError(writer, error.message);
    // A bug, or memory that is not to be had: the client is told, and the others are served on.
    this.#logger?.error(`"${command.name}" failed: ${error}`);
    this.#writeError(writer, `ERR internal error in '${command.name}': ${error}`);
  }

  #writeError(writer: ReplyWriter, text: string): void {
    this.statistics.error(text);
    writer.error(text);
  }

  /** `CLIENT REPLY` asked for silence: for this command, or until it says otherwise. */
  #beQuiet(session: ServerSession, writer: ReplyWriter): void {
    writer.silent = true;
    if (session.replies === ReplyMode.SKIP) session.replies = ReplyMode.ON;
  }
}

function noPermission(session: ServerSession, command: Command): string {
  return `NOPERM User ${session.user} has no permissions to run the '${command.name}' command`;
}

/** The table with further rows; of two of one name the later stays. */
function mergeRows(extra: readonly Command[]): readonly Command[] {
  const rows = new Map<string, Command>();
  for (const row of allCommands) rows.set(row.name, row);
  for (const row of extra) rows.set(row.name, row);
  return [...rows.values()];
}
