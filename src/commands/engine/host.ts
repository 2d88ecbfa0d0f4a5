/**
 * What commands may ask of the server they run in, and of the connection they came over. The
 * interfaces are declared here and filled by `src/server/`, so that a command never knows a socket,
 * a timer or an option. A command that concerns keys alone needs none of this.
 *
 * @module
 */

import type { Socket } from "../../net/socket.ts";
import type { Argv } from "../../resp/argv.ts";

/**
 * What is known of a command without running it: a row of the command table but for its handler.
 */
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

/** Which replies a client gets, as CLIENT REPLY sets it. */
export const ReplyMode = {
  /** Every command is answered. */
  ON: 0,
  /** No reply until CLIENT REPLY ON. */
  OFF: 1,
  /** No reply to the next command; then ON again. */
  SKIP: 2,
} as const;
/** One of {@linkcode ReplyMode}'s numbers. */
export type ReplyMode = typeof ReplyMode[keyof typeof ReplyMode];

/** Which of the three name spaces of SUBSCRIBE, PSUBSCRIBE and SSUBSCRIBE. */
export type SubscriptionKind = "channel" | "pattern" | "shard";

/** Commands queued between MULTI and EXEC. */
export interface Transaction {
  /** How many there are. */
  readonly length: number;
  /** A command was refused when it should have been queued: EXEC is refused, too. */
  readonly failed: boolean;
}

/** The state of one client: what `client` holds in `server.h`. */
export interface Session {
  /** Ascending, and never given to a second client. */
  readonly id: number;
  /** The peer's `ip:port`, as CLIENT LIST spells it. */
  readonly address: string;
  /** The `ip:port` the client has connected to. */
  readonly localAddress: string;
  /** What CLIENT SETNAME has set; "" for no name. */
  name: string;
  /** What `CLIENT SETINFO LIB-NAME` has set. */
  libraryName: string;
  /** What `CLIENT SETINFO LIB-VER` has set. */
  libraryVersion: string;
  /** RESP2, or RESP3 after HELLO 3. */
  protocol: 2 | 3;
  /** Whether it may do more than AUTH, HELLO and QUIT. */
  authenticated: boolean;
  /** The ACL user it is logged in as. */
  user: string;
  /** The database SELECT has chosen. */
  dbIndex: number;
  /** The queue between MULTI and EXEC; undefined outside of a transaction. */
  transaction: Transaction | undefined;
  /** Whether a watched key was changed since WATCH. */
  watchBroken: boolean;
  /** How many channels, patterns and shard channels it is subscribed to. */
  readonly subscriptionCount: number;
  /** Which replies it gets. */
  replies: ReplyMode;
  /** What CLIENT NO-EVICT has set. */
  noEvict: boolean;
  /** What CLIENT NO-TOUCH has set. */
  noTouch: boolean;
  /** Whether CLIENT CAPA said that it understands REDIRECT, so that it is sent to the master (Valkey). */
  redirects: boolean;
  /** What READONLY and READWRITE have set: a client that is redirected reads here after the first. */
  readsHere: boolean;
  /** Whether MONITOR feeds it every command. */
  monitors: boolean;
  /** Set to true, it closes the connection once all that was replied is sent. */
  closing: boolean;
  /** Whether messages may be pushed to it at any time; a call in process only gets its reply. */
  readonly connected: boolean;
  /** Takes the socket away from the server, for PSYNC: replies written before it are sent first. */
  detach?(): Socket;
}

/** What CLIENT LIST and CLIENT KILL may ask of a client. */
export interface ClientFacts {
  /** The state of its connection. */
  readonly session: Session;
  /** What TYPE names: "normal", or "pubsub" for one with subscriptions. */
  readonly type: string;
  /** A letter for each flag, as CLIENT LIST shows them; "N" for none. */
  readonly flags: string;
  /** For how many whole seconds it has been connected. */
  readonly ageSeconds: number;
  /** How many whole seconds ago its last command began. */
  readonly idleSeconds: number;
}

/** Says which clients CLIENT LIST or CLIENT KILL means. */
export type ClientTest = (client: ClientFacts) => boolean;

/** What SUBSCRIBE, PUBLISH and PUBSUB ask of the server. */
export interface PubSubHost {
  /** Subscribes a session; false when it was subscribed before. */
  subscribe(session: Session, kind: SubscriptionKind, name: Uint8Array): boolean;
  /** Ends a subscription; false when there was none. */
  unsubscribe(session: Session, kind: SubscriptionKind, name: Uint8Array): boolean;
  /** What a session is subscribed to, oldest first. */
  subscriptions(session: Session, kind: SubscriptionKind): Uint8Array[];
  /** How many a session has: shard channels alone, or channels and patterns together. */
  count(session: Session, kind: SubscriptionKind): number;
  /** Sends a message to every subscriber; returns how many got it. The bytes are borrowed. */
  publish(
    channel: Uint8Array,
    message: Uint8Array,
    sharded: boolean,
  ): number;
  /** Channels with a subscriber at least. */
  channels(kind: "channel" | "shard"): Uint8Array[];
  /** How many sessions are subscribed to a channel, by its name and not by a pattern. */
  subscribers(kind: "channel" | "shard", name: Uint8Array): number;
  /** How many different patterns there are. */
  readonly patternCount: number;
}

/** One entry of the slow log. */
export interface SlowEntry {
  /** Ascending, and never given to a second entry. */
  readonly id: number;
  /** When the command ran, seconds since 1970. */
  readonly atSeconds: number;
  /** How long it ran, in microseconds. */
  readonly micros: number;
  /** Its arguments: at most 32 of at most 128 bytes, as Redis shortens them. */
  readonly args: readonly Uint8Array[];
  /** The client's `ip:port`. */
  readonly address: string;
  /** The client's name, "" for none. */
  readonly clientName: string;
}

/** An ACL user as ACL GETUSER describes it. */
export interface UserView {
  /** The name AUTH takes. */
  readonly name: string;
  /** Whether it needs no password. */
  readonly withoutPassword: boolean;
  /** What it may run, as rules: "+@all" or "-@all +@read". */
  readonly commands: string;
}

/** What ROLE answers: what a replica knows of its master, and a master of its replicas. */
export interface RoleView {
  /** The master's name or address; "" where no master is followed. */
  readonly masterHost: string;
  /** The master's TCP port, 0 where no master is followed. */
  readonly masterPort: number;
  /** The link as ROLE spells it: none, connect, connecting, handshake, sync, connected. */
  readonly linkState: string;
  /** Bytes of the stream applied, -1 while unknown; on a master, bytes written to it. */
  readonly offset: number;
  /** The replicas of a master; none on a replica. */
  readonly replicas: readonly ReplicaView[];
}

/** One replica as its master sees it. */
export interface ReplicaView {
  /** What it announced by REPLCONF ip-address, or its peer's address. */
  readonly host: string;
  /** What it announced by REPLCONF listening-port, or 0. */
  readonly port: number;
  /** As INFO spells it: wait_bgsave, send_bulk, online. */
  readonly state: string;
  /** The replication offset of its last ACK. */
  readonly offset: number;
  /** Seconds since its last ACK. */
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
  /** Whether connections may run DEBUG (`enable-debug-command`); a call in process may always. */
  readonly allowDebug?: boolean;
  /** Logs a session in; false for a wrong name or password. */
  login(session: Session, user: string, password: Uint8Array): boolean;
  /** Makes a session as it was when it connected, for RESET. */
  reset(session: Session): void;
  /** Every ACL user, the default one first. */
  users(): readonly UserView[];
  /**
   * Follows another master from now on, as REPLICAOF asks; undefined where clients may not say whom to follow.
   */
  readonly replicaOf: ((host: string, port: number) => void) | undefined;
  /** What MULTI, EXEC and WATCH ask. */
  transactions: TransactionHost;
  /** What SUBSCRIBE and PUBLISH ask. */
  pubsub: PubSubHost;
  /** What CLIENT asks of it. */
  clients: ClientHost;
  /** Where clients wait that BLPOP and others block. */
  blocking: BlockingHost;
  /** What INFO, CONFIG and SLOWLOG ask. */
  about: AboutHost;
}

/** What MULTI, EXEC and WATCH ask of the server. */
export interface TransactionHost {
  /** Gives a session an empty queue: dispatch adds what it sends from now on. */
  begin(session: Session): void;
  /**
   * Watches a key of the session's database; one that has expired by `nowMs` is as good as absent.
   */
  watch(session: Session, nowMs: number, bytes: Uint8Array, start: number, end: number): void;
  /** Forgets what a session watches. */
  unwatch(session: Session): void;
  /** Whether a watched key was changed since WATCH, or has expired by `nowMs`. */
  isBroken(session: Session, nowMs: number): boolean;
  /**
   * Runs one queued command of the session that calls EXEC; its reply or error goes to that
   * session.
   */
  run(transaction: Transaction, index: number): void;
}

/** What CLIENT asks of the server. */
export interface ClientHost {
  /** Clients that fit, oldest first. */
  list(fits: ClientTest): Session[];
  /** One line of CLIENT LIST, without its line feed. */
  describe(session: Session): string;
  /** Ends the clients that fit; returns how many. The one that asks ends after its reply. */
  kill(fits: ClientTest, asking: Session): number;
  /** Holds back commands until a time: all, or only those that write. */
  pause(untilMs: number, mode: "all" | "write"): void;
  /** Ends a pause: what was held back runs. */
  unpause(): void;
}

/**
 * What ends a client's waiting besides a key: the end of its time, CLIENT UNBLOCK with ERROR, or REPLICAOF another
 * master.
 */
export type Unblocked = "timeout" | "error" | "moved";

/** One client that waits for keys. */
export interface WaitingClient {
  /** One of its keys was changed: it tries again. */
  wake(): void;
  /** It is to wait no longer; the server has taken it out of its lists before. */
  end(how: Unblocked): void;
}

/** Where clients wait that BLPOP and others block. */
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
  /** CLIENT UNBLOCK; false when that client does not wait. */
  unblock(id: number, how: Unblocked): boolean;
  /** REPLICAOF another master: every waiting client is told by an error, and ended. */
  endAll(): void;
}

/** What INFO, CONFIG, SLOWLOG and their like ask of the server. */
export interface AboutHost {
  /** INFO's text for these sections, in lower case; none means the default ones. */
  info(sections: readonly string[]): string;
  /** What ROLE answers now. */
  role(): RoleView;
  /** Every parameter CONFIG GET knows, with its value now. */
  config(): ReadonlyMap<string, string>;
  /** Changes a parameter; undefined on success, else what was wrong. */
  setConfig(name: string, value: string): string | undefined;
  /** CONFIG RESETSTAT: sets the counters of INFO to zero. */
  resetStatistics(): void;
  /** The slow log, newest entry first. */
  slowEntries(): readonly SlowEntry[];
  /** SLOWLOG RESET: empties the slow log. */
  resetSlowLog(): void;
  /** Seconds since 1970 of the last snapshot loaded, or of the start. */
  readonly lastSaveSeconds: number;
}
