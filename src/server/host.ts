/**
 * The server as commands see it: holds what its sessions share (connections, subscriptions, watched and
 * awaited keys, users) and begins, resets and ends sessions.
 *
 * @module
 */

import { textOf } from "../commands/engine/args.ts";
import { refuseModuleRead } from "../commands/module/names.ts";
import { moduleCommands } from "../commands/module/writes.ts";
import type { Command } from "../commands/engine/command.ts";
import type { WholeChange } from "../commands/engine/commit.ts";
import { CommandIndex } from "../commands/engine/command_index.ts";
import {
  type Host,
  ReplyMode,
  type Session,
  type Transaction,
  type TransactionHost,
  type UserView,
} from "../commands/engine/host.ts";
import type { Argv } from "../resp/argv.ts";
import { isRedisSince } from "../commands/engine/master_version.ts";
import type { Keyspace } from "../store/keyspace/keyspace.ts";
import { About, type AboutOptions } from "./about.ts";
import { Availability } from "./availability.ts";
import { Blocked } from "./blocked.ts";
import { Clients } from "./clients.ts";
import { PubSub } from "./pubsub.ts";
import { CommandQueue, ServerSession, type SessionLink } from "./session.ts";
import { type UserOptions, Users } from "./users.ts";
import { Watches } from "./watches.ts";

/** What a {@linkcode ServerHost} is made from. */
export interface HostOptions extends AboutOptions {
  /** What the default user must AUTH with (`requirepass`); left out, everybody is let in. */
  readonly password?: string;
  /** Further users by name: a password, or passwords and rules. */
  readonly users?: Readonly<Record<string, UserOptions | string>>;
  /** `replica-serve-stale-data`; false answers MASTERDOWN while the master is out of reach. */
  readonly serveStaleData?: boolean;
  /** Whether clients may run DEBUG; on a replica not unless told, on a stand-alone master always. */
  readonly allowDebug?: boolean;
  /** Follows another master, as clients ask by REPLICAOF; left out, they are refused. */
  readonly replicaOf?: (host: string, port: number) => void;
}

/** Runs one command that EXEC takes from the queue; dispatch passes it in. */
export type RunQueued = (command: Command, argv: Argv) => void;

/** What all sessions of one server share. */
export class ServerHost implements Host {
  readonly role: "master" | "slave";
  readonly commands: readonly Command[];
  readonly clients: Clients;
  readonly pubsub: PubSub = new PubSub();
  /** The keys that sessions have under WATCH. */
  readonly watches: Watches = new Watches();
  readonly blocking: Blocked;
  /** Whether the data is loading or stale. The replica sets it. */
  readonly availability: Availability;
  readonly about: About;
  readonly version: string;
  readonly replicaOf: ((host: string, port: number) => void) | undefined;
  readonly allowDebug: boolean;
  readonly transactions: TransactionHost;
  readonly #keyspace: Keyspace;
  readonly #index: CommandIndex;
  readonly #users: Users;

  /**
   * Makes the state of a server without sessions.
   *
   * @param options Its data, its role and who may log in.
   * @param commands Every row it answers to, each name once.
   * @param runQueued Runs what EXEC takes from the queue.
   */
  constructor(options: HostOptions, commands: readonly Command[], runQueued: RunQueued) {
    this.role = options.role ?? "slave";
    this.#keyspace = options.keyspace;
    this.commands = commands;
    this.clients = new Clients(options.clock);
    this.blocking = new Blocked(options.clock);
    this.availability = new Availability(options.serveStaleData ?? true);
    this.about = new About(options, this.clients, this.pubsub, this.availability, this.blocking);
    this.version = this.about.version;
    this.replicaOf = options.replicaOf;
    this.allowDebug = this.role === "master" || options.allowDebug === true;
    this.transactions = makeTransactions(this, options.keyspace, runQueued);
    // A replica refuses the writes of modules as the master's: COMMAND does not list them.
    const others = this.role === "slave" ? moduleCommands : [];
    this.#index = new CommandIndex([...others, ...commands]);
    this.#users = new Users(options.password, options.users);
  }

  get databases(): number {
    return this.about.databases;
  }

  get open(): boolean {
    return this.#users.open;
  }

  lookup(argv: Argv): Command | undefined {
    return this.#index.lookup(argv);
  }

  /** The error text for a request that `lookup` found no row for. */
  unknown(argv: Argv): string {
    const isReplica = this.role === "slave";
    const refusal = isReplica ? refuseModuleRead(textOf(argv, 0)) : undefined;
    if (refusal !== undefined) return refusal;
    const text = this.#index.unknown(argv);
    // Since 8.6 what has no arguments is not said to begin with them.
    if (argv.count > 1 || !isRedisSince(this.#keyspace, [8, 6])) return text;
    return text.slice(0, text.indexOf(", with args"));
  }

  login(session: Session, user: string, password: Uint8Array): boolean {
    return this.#users.login(session as ServerSession, user, password);
  }

  users(): readonly UserView[] {
    return this.#users.views();
  }

  /**
   * Begins a session of the default user.
   *
   * @param link Its connection; left out for a call in process.
   * @param address The peer as CLIENT LIST spells it.
   * @param localAddress Our end, spelled alike.
   * @param trusted Needs no password and may run everything; true for a call in process unless told.
   */
  createSession(
    link?: SessionLink,
    address: string = "",
    localAddress: string = "",
    trusted: boolean = link === undefined,
  ): ServerSession {
    const nowMs = this.about.clock.now();
    const session = new ServerSession(this.clients.nextId(), nowMs, link, address, localAddress);
    this.#users.enter(session);
    if (trusted) {
      session.authenticated = true;
      session.rights = undefined;
    }
    return session;
  }

  reset(session: Session): void {
    const own = session as ServerSession;
    this.endSession(own);
    this.#users.enter(own);
    own.name = "";
    own.protocol = 2;
    own.dbIndex = 0;
    own.replies = ReplyMode.ON;
    own.noEvict = false;
    own.noTouch = false;
    own.readsHere = false;
  }

  /**
   * Forgets everything a session watched, waited for, queued and was subscribed to (networking.c,
   * `freeClient`, without the socket). Harmless when called twice.
   */
  endSession(session: ServerSession): void {
    this.watches.unwatch(session);
    session.forward?.end();
    session.forward = undefined;
    this.blocking.remove(session);
    this.pubsub.forget(session);
    session.transaction = undefined;
    session.step = undefined;
    session.blocked = false;
    session.monitors = false;
    this.clients.countMonitors();
  }

  /** Forgets what a session watches, here and at the master. */
  unwatch(session: ServerSession): void {
    this.watches.unwatch(session);
    session.forward?.unpin();
  }

  /**
   * Tells WATCH and blocked clients that a key was changed, by a client or by the master's stream (db.c,
   * `signalModifiedKey`). The bytes are borrowed.
   */
  touch(dbIndex: number, bytes: Uint8Array, start: number, end: number): void {
    this.watches.touch(dbIndex, bytes, start, end);
    this.blocking.touch(dbIndex, bytes, start, end);
  }

  /** The same for what more than single keys: FLUSHALL, SWAPDB, cluster slots that move. */
  changed(change: WholeChange): void {
    if (change.kind === "flush") return this.touchAll(change.db);
    if (change.kind === "slots") return this.touchAll(-1);
    this.touchAll(change.a);
    this.touchAll(change.b);
  }

  /** The same for every key of a database, or with -1 of all. */
  touchAll(dbIndex: number): void {
    this.watches.touchAll(dbIndex);
    this.blocking.touchAll(dbIndex);
  }
}

function makeTransactions(
  host: ServerHost,
  keyspace: Keyspace,
  runQueued: RunQueued,
): TransactionHost {
  const { watches } = host;
  return {
    begin(session: Session): void {
      (session as ServerSession).transaction = new CommandQueue();
    },
    watch(session: Session, nowMs: number, bytes: Uint8Array, start: number, end: number): void {
      watches.watch(session as ServerSession, keyspace, nowMs, bytes, start, end);
    },
    unwatch(session: Session): void {
      host.unwatch(session as ServerSession);
    },
    isBroken(session: Session, nowMs: number): boolean {
      return watches.isBroken(session as ServerSession, keyspace, nowMs);
    },
    run(transaction: Transaction, index: number): void {
      const { commands, argvs } = transaction as CommandQueue;
      runQueued(commands[index], argvs[index]);
    },
  };
}
