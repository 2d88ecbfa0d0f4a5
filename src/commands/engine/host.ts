/**
 * What commands may ask of the server they run in: declared here, filled by the server, so that a
 * command never knows a socket.
 *
 * @module
 */

import type { Socket } from "../../net/socket.ts";
import type { Argv } from "../../resp/argv.ts";

/** What becomes of a client's replies: `CLIENT REPLY`. SKIP means the next one. */
export const ReplyMode = { ON: 0, OFF: 1, SKIP: 2 } as const;
/** One of {@linkcode ReplyMode}'s. */
export type ReplyMode = typeof ReplyMode[keyof typeof ReplyMode];

/** Which of the three separate name spaces of `SUBSCRIBE`. */
export type SubscriptionKind = "channel" | "pattern" | "shard";

/** What is known of a command without running it: a row of the command table but for its handler. */
export interface CommandRow {
  /** Lower case; a subcommand is `container|sub`. */
  readonly name: string;
  /** Redis's sign rule: 2 is exactly two arguments with the name, -3 at least three. */
  readonly arity: number;
  /** An or of the flags in `command.ts`. */
  readonly flags: number;
  /** Its key specs as text, "" for none: the notation is documented in `key_specs.ts`. */
  readonly keys: string;
}

/** Commands queued between MULTI and EXEC. */
export interface Transaction {
  /** How many there are. */
  readonly length: number;
  /** A command was refused when it should have been queued: EXEC is refused, too. */
  readonly failed: boolean;
}

/** One client's state. */
export interface Session {
  /** Unique, ascending. */
  readonly id: number;
  /** The peer as `CLIENT LIST` spells it. */
  readonly address: string;
  /** Our end. */
  readonly localAddress: string;
  /** `CLIENT SETNAME`. */
  name: string;
  /** `CLIENT SETINFO lib-name`. */
  libraryName: string;
  /** `CLIENT SETINFO lib-ver`. */
  libraryVersion: string;
  /** 2 or 3. */
  protocol: 2 | 3;
  /** Whether it may do more than AUTH, HELLO and QUIT. */
  authenticated: boolean;
  /** ACL user. */
  user: string;
  /** Selected database. */
  dbIndex: number;
  /** Between MULTI and EXEC. */
  transaction: Transaction | undefined;
  /** Whether a watched key was changed since `WATCH`. */
  watchBroken: boolean;
  /** Channels, patterns and shard channels it is subscribed to. */
  readonly subscriptionCount: number;
  /** `CLIENT REPLY`. */
  replies: ReplyMode;
  /** `CLIENT NO-EVICT`. */
  noEvict: boolean;
  /** `CLIENT NO-TOUCH`. */
  noTouch: boolean;
  /** `MONITOR`. */
  monitors: boolean;
  /** Set it to close the connection once what has been replied is sent. */
  closing: boolean;
  /** Whether replies may reach it at any time: a call in process cannot be pushed to. */
  readonly connected: boolean;
  /** Takes the socket away from the server, for a protocol of its own (PSYNC). What was replied is sent. */
  detach?(): Socket;
}

/** Which clients `CLIENT LIST` or `CLIENT KILL` means; what is left out fits all. */
export interface ClientFilter {
  /** Any of these ids. */
  readonly ids?: readonly number[];
  /** ACL user. */
  readonly user?: string;
  /** Peer. */
  readonly address?: string;
  /** Our end. */
  readonly localAddress?: string;
  /** "normal", "pubsub", "master" or "replica". */
  readonly type?: string;
  /** Not this one. */
  readonly except?: number;
  /** Connected for at least so many seconds. */
  readonly maxAgeSeconds?: number;
}

/** Subscriptions and messages. */
export interface PubSubHost {
  /** Adds one; false when it was there. */
  subscribe(session: Session, kind: SubscriptionKind, name: Uint8Array): boolean;
  /** Takes one away; false when it was not there. */
  unsubscribe(session: Session, kind: SubscriptionKind, name: Uint8Array): boolean;
  /** What a session is subscribed to, in order. */
  subscriptions(session: Session, kind: SubscriptionKind): Uint8Array[];
  /** How many a session has: shard channels, or channels and patterns together. */
  count(session: Session, kind: SubscriptionKind): number;
  /** Sends a message on; tells how many got it. The bytes are borrowed. */
  publish(
    channel: Uint8Array,
    message: Uint8Array,
    sharded: boolean,
  ): number;
  /** Channels anyone is subscribed to. */
  channels(kind: "channel" | "shard"): Uint8Array[];
  /** How many are subscribed to a channel. */
  subscribers(kind: "channel" | "shard", name: Uint8Array): number;
  /** How many patterns there are. */
  readonly patternCount: number;
}

/** One entry of the slow log. */
export interface SlowEntry {
  /** Unique, ascending. */
  readonly id: number;
  /** Seconds since 1970. */
  readonly atSeconds: number;
  /** Microseconds it took. */
  readonly micros: number;
  /** Its arguments, shortened. */
  readonly args: readonly Uint8Array[];
  /** The peer. */
  readonly address: string;
  /** `CLIENT SETNAME`. */
  readonly clientName: string;
}

/** An ACL user as `ACL GETUSER` describes it. */
export interface UserView {
  /** Its name. */
  readonly name: string;
  /** Whether it needs no password. */
  readonly withoutPassword: boolean;
  /** What it may run, as in "+@all" or "-@all +@read". */
  readonly commands: string;
}

/** What a replica knows of its master, and a master of its replicas: `ROLE`. */
export interface RoleView {
  /** Master's name or address; "" where nobody is followed. */
  readonly masterHost: string;
  /** Master's port. */
  readonly masterPort: number;
  /** As `ROLE` says: none, connect, connecting, handshake, sync, connected. */
  readonly linkState: string;
  /** Stream bytes applied, or -1 while unknown; a master's own offset. */
  readonly offset: number;
  /** A master's replicas. */
  readonly replicas: readonly ReplicaView[];
}

/** One replica as its master sees it. */
export interface ReplicaView {
  /** What it announced, or its peer address. */
  readonly host: string;
  /** What it announced, or 0. */
  readonly port: number;
  /** wait_bgsave, send_bulk, online. */
  readonly state: string;
  /** What it acknowledged. */
  readonly offset: number;
  /** Seconds since it did. */
  readonly lagSeconds: number;
}

/** The server as commands see it. */
export interface Host {
  /** "master" for a stand-alone TestMaster, else "slave", as the wire says. */
  readonly role: "master" | "slave";
  /** How many databases clients may name; a master's stream may name any. */
  readonly databases: number;
  /** The Redis version it behaves as. */
  readonly version: string;
  /** Every row it answers to, containers and subcommands included. */
  readonly commands: readonly CommandRow[];
  /** The row a request means, or undefined. */
  lookup(argv: Argv): CommandRow | undefined;
  /** Whether the default user gets in without a password. */
  readonly open: boolean;
  /** Logs a session in; false for a wrong name or password. */
  login(session: Session, user: string, password: Uint8Array): boolean;
  /** Makes a session as it was when it connected. */
  reset(session: Session): void;
  /** Every ACL user. */
  users(): readonly UserView[];
  /** Queues for MULTI. */
  transactions: TransactionHost;
  /** Publish and subscribe. */
  pubsub: PubSubHost;
  /** Connections. */
  clients: ClientHost;
  /** Clients that wait for keys. */
  blocking: BlockingHost;
  /** Numbers and texts about the server. */
  about: AboutHost;
}

/** What MULTI, EXEC and WATCH ask of the server. */
export interface TransactionHost {
  /** Gives a session an empty queue: dispatch adds what it sends from now on. */
  begin(session: Session): void;
  /** Watches a key of the session's database; one that has expired by `nowMs` is as good as absent. */
  watch(session: Session, nowMs: number, bytes: Uint8Array, start: number, end: number): void;
  /** Forgets what a session watches. */
  unwatch(session: Session): void;
  /** Whether a watched key was changed since WATCH, or has expired by `nowMs`. */
  isBroken(session: Session, nowMs: number): boolean;
  /** Runs one queued command of the session that calls EXEC; its reply or error goes to that session. */
  run(transaction: Transaction, index: number): void;
}

/** What CLIENT asks of the server. */
export interface ClientHost {
  /** Those that fit, oldest first. */
  list(filter: ClientFilter): Session[];
  /** One line of `CLIENT LIST`. */
  describe(session: Session): string;
  /** Ends those that fit; tells how many. The one that asks ends after its reply. */
  kill(filter: ClientFilter, asking: Session): number;
  /** Holds back commands until a time: all, or only writes. */
  pause(untilMs: number, mode: "all" | "write"): void;
  /** Ends a pause. */
  unpause(): void;
}

/** What ends a client's waiting besides a key: its time, or CLIENT UNBLOCK. */
export type Unblocked = "timeout" | "error";

/** One client that waits for keys. */
export interface WaitingClient {
  /** One of its keys was changed. */
  wake(): void;
  /** It is to wait no longer. It has been removed before. */
  end(how: Unblocked): void;
}

/** Clients that wait for keys. */
export interface BlockingHost {
  /** A client begins to wait, until a time in absolute milliseconds, 0 for ever. */
  add(
    session: Session,
    dbIndex: number,
    keys: readonly Uint8Array[],
    untilMs: number,
    client: WaitingClient,
  ): void;
  /** A client has been served, or is gone. */
  remove(session: Session): void;
  /** `CLIENT UNBLOCK`; false when that client does not wait. */
  unblock(id: number, how: Unblocked): boolean;
}

/** What INFO, CONFIG, SLOWLOG and their like ask of the server. */
export interface AboutHost {
  /** `INFO`'s text for these sections, in lower case; none means the default ones. */
  info(sections: readonly string[]): string;
  /** `ROLE`. */
  role(): RoleView;
  /** Every parameter `CONFIG GET` knows, with its value now. */
  config(): ReadonlyMap<string, string>;
  /** Changes a parameter; the answer is undefined, or what was wrong. */
  setConfig(name: string, value: string): string | undefined;
  /** `CONFIG RESETSTAT`. */
  resetStatistics(): void;
  /** Newest first. */
  slowEntries(): readonly SlowEntry[];
  /** Empties the slow log. */
  resetSlowLog(): void;
  /** Seconds since 1970 of the last snapshot loaded, or of the start. */
  readonly lastSaveSeconds: number;
}
