/**
 * Which commands of clients go to the master, and how a client waits for them. How they get there is behind
 * {@linkcode MasterAccess}.
 *
 * ```text
 *  write, script, PUBLISH    a shared connection; one that blocks: a connection of its own until it is served
 *  MULTI ... EXEC            queued here as ever; with a write in it, EXEC sends all of it on a connection of its
 *                            own, and of reads only it is run here
 *  WATCH                     a connection of its own until EXEC, DISCARD or UNWATCH: reads go there, too, since
 *                            an older value under a fresh WATCH would lose updates
 *  anything else             here
 * ```
 *
 * While a client waits none of its commands runs, so that its replies come in order; other clients go on. Writes
 * that come in one chunk are sent together. All checks that dispatch makes have been made: the rights at this port come before those at the master.
 *
 * @module
 */

import { assert } from "../base/assert.ts";
import { ADMIN, type Command, READONLY, shownName, WRITE } from "../commands/engine/command.ts";
import type { Context } from "../commands/engine/context.ts";
import { CommandError, UNBLOCKED, UNBLOCKED_BY_MOVE } from "../commands/engine/errors.ts";
import { mayBlock } from "../commands/engine/may_block.ts";
import type { Argv } from "../resp/argv.ts";
import { errorReply, type RawReply, requestOf } from "../resp/raw.ts";
import { ErrorReply } from "../resp/types.ts";
import { keysOf } from "../commands/engine/key_specs.ts";
import type { Calls } from "./calls.ts";
import type { ServerHost } from "./host.ts";
import type { MasterAccess, OwnConnection, Request, Route } from "./master_access.ts";
import type { CommandQueue, ServerSession, SessionForward } from "./session.ts";

/** Writes that are never sent: MIGRATE makes the master connect to whoever a client names. */
const NEVER: ReadonlySet<string> = new Set(["migrate"]);
/** What is sent although it is not flagged as a write: scripts run at the master only. */
const SENT: ReadonlySet<string> = new Set([
  "eval",
  "eval_ro",
  "evalsha",
  "evalsha_ro",
  "fcall",
  "fcall_ro",
  // A message reaches the subscribers of every server from the master alone.
  "publish",
  "spublish",
  "script|exists",
  "script|flush",
  "script|load",
  "script|show",
]);
/** What else may stand in a transaction that goes to the master: it tells nothing of that connection. */
const QUEUEABLE: ReadonlySet<string> = new Set(["echo", "ping", "select", "time", "unwatch"]);
/**
 * They wait for the writes of one connection at the master, and a client's writes share theirs with others: a number
 * that the master gave there would be of other writes, and none of a connection that wrote nothing (replication.c,
 * `waitCommand`: `woff`).
 */
const WAITS: ReadonlySet<string> = new Set(["wait", "waitaof"]);
/** Most commands of one client that are sent together. */
const MAX_GROUP = 256;
const DOWN = "MASTERDOWN Link with MASTER is down, the command was not sent";
const UNKNOWN_UNBLOCK =
  "UNKNOWN The wait was ended without the master, which may have served the command";

/** Whether a key is part of the copy. The bytes are borrowed. */
export type KeepsKey = (dbIndex: number, bytes: Uint8Array, start: number, end: number) => boolean;

/** What a {@linkcode Forwarder} works with. */
export interface ForwarderParts {
  /** The way to the master. */
  readonly access: MasterAccess;
  /**
   * Which keys the copy holds at this moment; undefined for all of them. The effect of a command on others is not
   * waited for.
   */
  readonly keeps?: KeepsKey | undefined;
}

/** Sends commands of clients to the master. */
export class Forwarder {
  /** The way to the master. */
  readonly access: MasterAccess;
  readonly #parts: ForwarderParts;
  readonly #host: ServerHost;
  readonly #calls: Calls;
  readonly #sent: ReadonlySet<Command>;

  /**
   * Sends nothing yet.
   *
   * @param rows Every row that a client may name.
   */
  constructor(parts: ForwarderParts, host: ServerHost, calls: Calls, rows: readonly Command[]) {
    this.access = parts.access;
    this.#parts = parts;
    this.#host = host;
    this.#calls = calls;
    this.#sent = new Set(rows.filter(isSent));
  }

  /** Whether this command of the client goes to the master. Those of a call in process never do. */
  takes(session: ServerSession, command: Command): boolean {
    if (session.link === undefined) return false;
    if (this.#sent.has(command)) return true;
    const pinned = session.forward?.pinned === true;
    if (pinned && (command.flags & (READONLY | ADMIN)) === READONLY) return true;
    const { transaction } = session;
    if (command.name === "watch" || WAITS.has(command.name)) return transaction === undefined;
    if (command.name !== "exec" || transaction === undefined || transaction.failed) return false;
    return pinned || transaction.commands.some((queued) => this.#sent.has(queued));
  }

  /** Error text while no command can be sent, and is therefore refused; undefined otherwise. */
  refusal(): string | undefined {
    if (!this.#host.availability.masterDown) return undefined;
    this.access.refused();
    return DOWN;
  }

  /**
   * Sends a command and lets the client wait for its reply.
   *
   * @throws {CommandError} For a transaction that cannot be sent whole, and for WAIT.
   */
  run(ctx: Context, session: ServerSession, command: Command, argv: Argv): void {
    if (WAITS.has(command.name)) throw new CommandError(waitRefused(command));
    const forward = forwardOf(session);
    if (command.name === "exec") return this.#exec(ctx, session, forward);
    const route = routeOf(session);
    const request = { name: command.name, bytes: requestOf(argv) };
    if (command.name === "watch") {
      return this.#hold(ctx, session, command, this.#watch(forward, request, route));
    }
    if (mayBlock(command, argv)) {
      return this.#block(ctx, session, command, forward, request, route);
    }
    const waits = this.#waits(session, command, argv);
    if (forward.pin !== undefined) {
      const answer = forward.pin.send(request, route, { blocks: false, waits });
      return this.#hold(ctx, session, command, answer);
    }
    const group: Group = { requests: [request], commands: [command], waits };
    // CLIENT REPLY SKIP drops the reply of this one alone.
    forward.group = ctx.reply.silent ? undefined : group;
    // What is pipelined behind it joins in this turn.
    const answers = Promise.resolve().then(() => {
      forward.group = undefined;
      return this.access.send(group.requests, route, group.waits);
    });
    this.#holdAll(ctx, session, group.commands, answers);
  }

  /**
   * Whether a command may be sent together with the one before, in the same order, so that a pipeline of writes does not
   * wait for each of them.
   */
  joins({ forward }: ServerSession, command: Command, argv: Argv): boolean {
    const group = (forward as ClientForward | undefined)?.group;
    if (group === undefined || !this.#sent.has(command) || mayBlock(command, argv)) return false;
    return group.requests.length < MAX_GROUP && !this.#host.availability.masterDown;
  }

  /** Sends a command that `joins` with those before it; the client waits for all of them. */
  join(session: ServerSession, command: Command, argv: Argv): void {
    const group = forwardOf(session).group!;
    group.requests.push({ name: command.name, bytes: requestOf(argv) });
    group.commands.push(command);
    group.waits ||= this.#waits(session, command, argv);
  }

  /** Whether the effect of a command will be seen here. */
  #waits({ dbIndex }: ServerSession, command: Command, argv: Argv): boolean {
    if ((command.flags & READONLY) !== 0) return false;
    const { keeps } = this.#parts;
    if (keeps === undefined) return true;
    const keys = keysOf(command, argv);
    return keys.length === 0 || keys.some(({ index }) => {
      return keeps(dbIndex, argv.bytes, argv.starts[index], argv.ends[index]);
    });
  }

  /** Gives the client a connection of its own, unless it has one, and watches there. */
  async #watch(forward: ClientForward, request: Request, route: Route): Promise<RawReply> {
    const pin = forward.pin ?? await this.access.own(route);
    if (!("send" in pin)) return pin;
    const reply = await pin.send(request, route, { blocks: false, waits: false });
    // A key that could not be watched leaves the client with what it watched before, be it nothing.
    if (forward.pin === pin) return reply;
    if (forward.ended || reply.value instanceof ErrorReply) pin.release(forward.ended);
    else forward.pin = pin;
    return reply;
  }

  /** A command that may wait at the master, with a connection to itself. */
  #block(
    ctx: Context,
    session: ServerSession,
    command: Command,
    forward: ClientForward,
    request: Request,
    route: Route,
  ): void {
    const { blocking } = this.#host;
    const wait = { isOver: false, waits: (command.flags & READONLY) === 0 };
    let end: (reply: RawReply) => void = () => {};
    const ended = new Promise<RawReply>((resolve) => end = resolve);
    const answer = this.#onOwn(forward, request, route, wait);
    const done = Promise.race([answer, ended]).finally(() => blocking.remove(session));
    this.#hold(ctx, session, command, done);
    session.blocked = true;
    blocking.add(session, session.dbIndex, [], 0, {
      wake() {},
      end(how) {
        const { current } = forward;
        wait.isOver = true;
        if (how !== "moved" && current?.unblock(how) === true) return;
        current?.release(true);
        if (how === "moved") session.closing = true;
        const text = how === "moved" ? UNBLOCKED_BY_MOVE : UNBLOCKED;
        end(errorReply(how === "timeout" ? UNKNOWN_UNBLOCK : text));
      },
    });
  }

  async #onOwn(
    forward: ClientForward,
    request: Request,
    route: Route,
    wait: { readonly isOver: boolean; readonly waits: boolean },
  ): Promise<RawReply> {
    const own = forward.pin ?? await this.access.own(route);
    if (!("send" in own)) return own;
    // The client has gone meanwhile, or was unblocked: nothing may be taken from a list for it.
    if (forward.ended || wait.isOver) {
      if (own !== forward.pin) own.release(false);
      return errorReply(DOWN);
    }
    forward.current = own;
    const reply = await own.send(request, route, { blocks: true, waits: wait.waits });
    forward.current = undefined;
    if (own !== forward.pin) own.release(false);
    return reply;
  }

  /** Sends the queue between MULTI and EXEC (multi.c, `execCommand`). */
  #exec(ctx: Context, session: ServerSession, forward: ClientForward): void {
    const transaction = session.transaction!;
    const { commands, argvs } = transaction;
    assert(!transaction.failed, "a transaction that failed is refused before it is sent");
    const pin = forward.pin;
    forward.pin = undefined;
    session.transaction = undefined;
    this.#host.watches.unwatch(session);
    const refusal = this.#refusalOf(session, transaction);
    if (refusal !== undefined) {
      pin?.release(false);
      throw new CommandError(`EXECABORT Transaction discarded because of: ${refusal}`);
    }
    // What was watched is not watched any more: it may have changed, which is what null says.
    if (pin?.closed === true) {
      pin.release(true);
      return ctx.reply.nullArray();
    }
    commands.forEach((command, index) => this.#count(ctx, session, command, argvs[index]));
    const requests = commands.map(({ name }, index) => {
      return { name, bytes: requestOf(argvs[index]) };
    });
    const route = routeOf(session);
    const answer = pin === undefined
      ? this.access.transact(requests, route)
      : pin.transact(requests, route).finally(() => pin.release(false));
    const command = session.lastCommand!;
    this.#hold(ctx, session, command, answer.then((reply) => follow(session, transaction, reply)));
  }

  /** Why a transaction cannot be sent whole; undefined where it can. */
  #refusalOf({ rights }: ServerSession, { commands }: CommandQueue): string | undefined {
    for (const command of commands) {
      const { name, flags } = command;
      const isRead = (flags & (READONLY | ADMIN)) === READONLY;
      if (!isRead && !this.#sent.has(command) && !QUEUEABLE.has(name)) {
        return `'${shownName(command)}' is answered here, the transaction is sent to the master`;
      }
      if (rights !== undefined && !rights.allow(command)) {
        return `no permissions to run the '${shownName(command)}' command`;
      }
    }
    return undefined;
  }

  /** Counts and tells a command that EXEC takes from the queue. */
  #count({ nowMs }: Context, session: ServerSession, command: Command, argv: Argv): void {
    const began = this.#calls.begin(command, argv);
    this.#calls.end(command, argv, began, session, nowMs);
    this.#calls.show(command, argv, session, session.dbIndex, nowMs);
  }

  /** Lets the client wait for a reply. */
  #hold(ctx: Context, session: ServerSession, command: Command, answer: Promise<RawReply>): void {
    this.#holdAll(ctx, session, [command], answer.then((reply) => [reply]));
  }

  /** Lets the client wait for replies, one for each command. */
  #holdAll(
    ctx: Context,
    session: ServerSession,
    commands: readonly Command[],
    answers: Promise<readonly RawReply[]>,
  ): void {
    let replies: readonly RawReply[] | undefined;
    let wake: (() => void) | undefined;
    answers.then((came) => {
      replies = came;
      wake?.();
    });
    const suspended = ctx.suspend?.(
      (call) => {
        wake = call;
        if (replies !== undefined) call();
      },
      () => replies!.forEach((reply, index) => this.#reply(session, commands[index], reply)),
    );
    assert(suspended === true, "a client behind a connection can wait");
    // Blocked is who waits for keys: CLIENT LIST, INFO and CLIENT UNBLOCK mean those.
    session.blocked = false;
  }

  #reply(session: ServerSession, command: Command, { bytes, value }: RawReply): void {
    if (value instanceof ErrorReply) {
      this.#calls.failed(command);
      this.#host.about.statistics.error(value.message);
    }
    session.link!.writer.raw(bytes);
  }
}

/** Writes of one client that are sent together. */
interface Group {
  readonly requests: Request[];
  readonly commands: Command[];
  /** Whether the effect of any of them will be seen here. */
  waits: boolean;
}

/** One client's connection to the master, while it has one. */
class ClientForward implements SessionForward {
  /** From WATCH to EXEC, DISCARD or UNWATCH. */
  pin: OwnConnection | undefined = undefined;
  /** What is sent in this turn, while more of it may come. */
  group: Group | undefined = undefined;
  /** While a command blocks. */
  current: OwnConnection | undefined = undefined;
  /** The client has gone. */
  ended: boolean = false;

  get pinned(): boolean {
    return this.pin !== undefined;
  }

  unpin(): void {
    this.pin?.release(false);
    this.pin = undefined;
  }

  end(): void {
    this.ended = true;
    this.current?.release(true);
    this.pin?.release(true);
    this.pin = undefined;
  }
}

function forwardOf(session: ServerSession): ClientForward {
  const forward = (session.forward as ClientForward | undefined) ?? new ClientForward();
  session.forward = forward;
  return forward;
}

function routeOf({ dbIndex, protocol }: ServerSession): Route {
  return { db: dbIndex, protocol };
}

function waitRefused({ name }: Command): string {
  return `ERR ${name.toUpperCase()} is answered by the master alone. A write that was forwarded is at this replica ` +
    "when its reply comes";
}

function isSent({ name, flags }: Command): boolean {
  if ((flags & ADMIN) !== 0 || NEVER.has(name)) return false;
  return (flags & WRITE) !== 0 || SENT.has(name);
}

/** SELECT in a transaction is a client's own, too, once the master has done it. */
function follow(
  session: ServerSession,
  { commands, argvs }: CommandQueue,
  reply: RawReply,
): RawReply {
  const { value } = reply;
  if (!Array.isArray(value)) return reply;
  commands.forEach(({ name }, index) => {
    if (name !== "select" || value[index] !== "OK") return;
    session.dbIndex = Number(String.fromCharCode(...argvs[index].at(1)));
  });
  return reply;
}
