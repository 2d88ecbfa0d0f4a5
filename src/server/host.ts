/**
 * The server as commands see it: answers each of their questions from the part that knows.
 *
 * @module
 */

import type { Command, Context } from "../commands/engine/command.ts";
import type { CommandIndex } from "../commands/engine/command_index.ts";
import {
  type Host,
  ReplyMode,
  type Session,
  type TransactionHost,
  type UserView,
} from "../commands/engine/host.ts";
import type { Argv } from "../resp/argv.ts";
import { About, type AboutOptions } from "./about.ts";
import type { Blocked } from "./blocked.ts";
import type { Clients } from "./clients.ts";
import type { Dispatcher } from "./dispatch.ts";
import type { PubSub } from "./pubsub.ts";
import type { ServerSession } from "./session.ts";
import type { Statistics } from "./statistics.ts";
import type { Users } from "./users.ts";
import type { Keyspace } from "../store/keyspace/keyspace.ts";
import type { Watches } from "./watches.ts";

/** What clients may SELECT at least, as in Redis. */
const DEFAULT_DATABASES = 16;
/** What it behaves as: error texts, COMMAND and INFO follow this release unless another is told. */
const VERSION = "7.0.15";

/** What a host is made from. */
export interface HostParts {
  readonly options: AboutOptions & {
    readonly keyspace: Keyspace;
    readonly databases?: number;
  };
  readonly role: "master" | "slave";
  readonly commands: readonly Command[];
  readonly index: CommandIndex;
  readonly users: Users;
  readonly clients: Clients;
  readonly pubsub: PubSub;
  readonly watches: Watches;
  readonly blocking: Blocked;
  readonly statistics: Statistics;
  readonly dispatcher: Dispatcher;
}

/** See the module's text. */
export class ServerHost implements Host {
  readonly role: "master" | "slave";
  readonly commands: readonly Command[];
  readonly clients: Clients;
  readonly pubsub: PubSub;
  readonly about: About;
  readonly version: string;
  readonly transactions: TransactionHost;
  readonly blocking: Blocked;
  readonly #parts: HostParts;

  /** @param parts What it is made from. */
  constructor(parts: HostParts) {
    this.#parts = parts;
    this.role = parts.role;
    this.commands = parts.commands;
    this.clients = parts.clients;
    this.pubsub = parts.pubsub;
    this.blocking = parts.blocking;
    this.version = parts.options.version ?? VERSION;
    this.about = new About(parts, this);
    this.transactions = makeTransactions(parts);
  }

  get databases(): number {
    const { databases, keyspace } = this.#parts.options;
    if (databases !== undefined) return databases;
    const highest = this.role === "slave" ? keyspace.indexes().at(-1) ?? 0 : 0;
    return Math.max(DEFAULT_DATABASES, highest + 1);
  }

  get open(): boolean {
    return this.#parts.users.open;
  }

  lookup(argv: Argv): Command | undefined {
    return this.#parts.index.lookup(argv);
  }

  login(session: Session, user: string, password: Uint8Array): boolean {
    return this.#parts.users.login(session as ServerSession, user, password);
  }

  reset(session: Session): void {
    const own = session as ServerSession;
    this.#parts.dispatcher.endSession(own);
    this.#parts.users.enter(own);
    own.name = "";
    own.protocol = 2;
    own.dbIndex = 0;
    own.replies = ReplyMode.ON;
    own.noEvict = false;
    own.noTouch = false;
  }

  users(): readonly UserView[] {
    return this.#parts.users.views();
  }
}

function makeTransactions(parts: HostParts): TransactionHost {
  const { watches, dispatcher } = parts;
  return {
    watch(ctx: Context, bytes: Uint8Array, start: number, end: number): void {
      watches.watch(ctx, ctx.session as ServerSession, bytes, start, end);
    },
    unwatch(session: Session): void {
      watches.unwatch(session as ServerSession);
    },
    broken(ctx: Context, session: Session): boolean {
      return watches.broken(session as ServerSession, ctx.keyspace, ctx.nowMs);
    },
    run(_ctx: Context, command: Command, argv: Argv): void {
      dispatcher.runQueued(command, argv);
    },
  };
}
