/**
 * What a `Repair` is made from, and what it tells of itself.
 *
 * @module
 */

import type { Clock } from "../../base/clock.ts";
import type { LogFields, LogLevel } from "../../base/logger.ts";
import type { ClientLogin } from "../../client/connection.ts";
import type { Address, Net, TlsClientOptions } from "../../net/socket.ts";
import type { Argv } from "../../resp/argv.ts";

/** Why a key is awaited. */
export type RepairReason =
  /** A command changed it that our command table does not know. */
  | "unknown"
  /** A command that changed it on the master failed here. */
  | "failed"
  /** A command computed it from a key that was awaited itself. */
  | "derived"
  /** A command took an element, perhaps the last one, out of a value that is not read here: is the key there? */
  | "doubted"
  /** A command computed it from a key that the filter leaves out, or from one that is awaited for that. */
  | "border"
  /** It was compared with the master's and differed. */
  | "differs";

/** What became of a key that was awaited. */
export type RepairResult =
  /** The master's value was put in place. */
  | "fetched"
  /** A command of the stream replaced or removed the whole value: there was nothing left to fetch. */
  | "replaced"
  /** A flush, a full sync, or the end of its cluster slot here came first. */
  | "cleared"
  /** The master's value could not be had: `onDivergence` and the log say what followed. */
  | "refused"
  /** The value is of a type, or a size, that the filter leaves out. */
  | "leftOut"
  /** The master refused the value of a key at the filter's border: it is not held any more. */
  | "dropped";

/** The border of a partial copy, as repairs see it. */
export interface Border {
  /** False while everything is kept: nothing else is asked then. */
  readonly active: boolean;
  /** Whether a key is awaited at all: not one that is left out. */
  awaits(db: number, key: Uint8Array): boolean;
  /**
   * Whether the value that was put in place may stay; else it is removed.
   *
   * @param isRight Whether it is the key's value, which is then remembered as left out, and not an older one.
   */
  admits(db: number, key: Uint8Array, isRight: boolean): boolean;
  /** Removes a key whose value cannot be had, and remembers that it is not held. */
  drop(db: number, key: Uint8Array): void;
  /** The master has this key, of a database in doubt. */
  found(db: number, key: Uint8Array): void;
}

/** Applies a command to the data. */
export interface RepairExecutor {
  /** Applies `argv` to database `dbIndex`. Returns undefined, or the error it met. */
  execute(dbIndex: number, argv: Argv): string | undefined;
  /** Forgets the bytes of a value that is not read here. Returns false for a key without one. */
  forget?(dbIndex: number, key: Uint8Array): boolean;
  /**
   * Puts a key in place whose value is not read: the name of its type as TYPE told it, and when it expires,
   * milliseconds since 1970 or "0". Returns false for a type that is read here, of which the value is needed.
   */
  keepUnread?(dbIndex: number, key: Uint8Array, type: string, expireAtMs: string): boolean;
}

/** Which byte of which history the data stands at; `ReplicationOffset` has it. */
export interface Place {
  /** The history's id, 40 hex digits. */
  readonly replid: string;
  /** The id before the last failover, or "". */
  readonly replid2: string;
  /** First offset that `replid2` does not cover, or -1. */
  readonly secondOffset: number;
  /** Offset of the last stream byte that the data shows. */
  readonly applied: number;
}

/** Options of `Repair`. */
export interface RepairOptions {
  /** Makes the connection on which the master is asked. */
  readonly net: Net;
  /** Measures timeouts and the rate of fetches. */
  readonly clock: Clock;
  /** TLS to the master; without it the connection is plain. */
  readonly tls: TlsClientOptions | undefined;
  /** Puts fetched values in place, and applies the commands that were kept. */
  readonly executor: RepairExecutor;
  /** Moves as commands are applied. */
  readonly place: Place;
  /** Milliseconds until the connection stands; 0 waits forever. */
  readonly connectMs: number;
  /** Milliseconds until each reply; 0 waits forever. */
  readonly replyMs: number;
  /** What is kept, where the copy is a part of the master's data. */
  readonly border?: Border;
  /** Where the master is now. */
  address(): Address;
  /** What AUTH is sent with; called before each connection. */
  login(signal: AbortSignal): Promise<ClientLogin | undefined>;
  /** A value was put in place between two commands of the stream. */
  installed(): void;
  /** Gets one line for each kind of thing that happens. */
  log(level: LogLevel, message: string, fields: LogFields): void;
  /** A key, or what a command without keys changed, cannot be had from the master: only a full sync helps. */
  unmendable(reason: string): void;
}

/** An awaited key as the status shows it. */
export interface AwaitedKeyStatus {
  /** Number of its database. */
  readonly db: number;
  /** A copy of the key's bytes. */
  readonly key: Uint8Array;
  /** Why it is awaited. */
  readonly reason: RepairReason;
  /** Since when, milliseconds since 1970. */
  readonly sinceMs: number;
}

/** How many keys were awaited for each reason and came to each result. */
export type RepairOutcomes = Readonly<Record<RepairReason, Readonly<Record<RepairResult, number>>>>;

/** How repairs stand at one moment. */
export interface RepairStatus {
  /** How many keys are awaited: they read as what was last known of them. */
  readonly awaited: number;
  /** The first 100 of them, in the order they began to be awaited. */
  readonly keys: readonly AwaitedKeyStatus[];
  /** Bytes of commands that wait for a value. */
  readonly keptBytes: number;
  /** Up to here every key is what the stream made of it; the applied offset while no key is awaited. */
  readonly settledOffset: number;
  /** Keys that began to be awaited, by reason. */
  readonly begun: Readonly<Record<RepairReason, number>>;
  /** Keys that are awaited no more, by why they were and what became of them. */
  readonly ended: RepairOutcomes;
  /** How often a value was asked for, repetitions included. */
  readonly fetches: number;
  /** How often it was asked whether a key is there and of which type, repetitions included. */
  readonly looks: number;
  /** Commands of the stream that our table does not know, by name in lower case; at most 100 names. */
  readonly unknownCommands: Readonly<Record<string, number>>;
  /** Commands of the stream that failed here, by name in lower case; at most 100 names. */
  readonly failedCommands: Readonly<Record<string, number>>;
  /** Databases whose keys are being searched for, or were not told: SWAPDB put them in place of others. */
  readonly doubtedDatabases: number;
  /** Rights that our user lacks at the master, as ACL SETUSER takes them: `+dump`. */
  readonly missingRights: readonly string[];
}
