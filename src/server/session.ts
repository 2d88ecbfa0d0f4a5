/**
 * One client's state as commands and dispatch see it (server.h, `struct client`), whether a socket stands
 * behind it or a call in process.
 *
 * ```text
 *                    AUTH, HELLO                MULTI                 EXEC, DISCARD
 *   connected ──────▶ authenticated ──────────▶ transaction ────────▶ authenticated
 *                        │      ▲  │
 *                        │      │  └─ RESET: as new, default user
 *              step set  ▼      │ step done
 *                      halted: a command goes on in later turns, or waits (`wait`)
 *
 *   closing (QUIT, CLIENT KILL, a protocol error) and a detached socket halt for good.
 * ```
 *
 * Every field is a plain property with a value of its final type from the start: dispatch reads several
 * for each command, and a fixed shape keeps those reads cheap.
 *
 * @module
 */

import type { Command } from "../commands/engine/command.ts";
import type { Context, HeldRead } from "../commands/engine/context.ts";
import { ReplyMode, type Session, type Transaction } from "../commands/engine/host.ts";
import type { Argv } from "../resp/argv.ts";
import type { Socket } from "../net/socket.ts";
import type { ReplyWriter } from "../resp/writer.ts";
import type { Rights } from "./rights.ts";

/** The connection under a session. */
export interface SessionLink {
  /** Where pushed messages go. */
  readonly writer: ReplyWriter;
  /** Bytes the peer has not taken yet. */
  readonly pendingBytes: number;
  /** Bytes of commands that are not whole or not run yet. */
  readonly queryBytes: number;
  /**
   * Called after a message was written outside of a reply: it is sent soon, or the client is cut
   * off.
   */
  pushed(): void;
  /** Ends the connection at once, replies not taken are lost. */
  kill(): void;
  /** Gives the socket to a command's own protocol; the server forgets the client. */
  detach(): Socket;
}

/** The queue between MULTI and EXEC. Dispatch fills it. */
export class CommandQueue implements Transaction {
  /** The rows, in order. */
  readonly commands: Command[] = [];
  /** Their arguments: copies, as long as `commands`. */
  readonly argvs: Argv[] = [];
  /** Bytes of those copies. */
  byteLength: number = 0;
  /** A command was refused instead of queued: EXEC answers EXECABORT. */
  failed: boolean = false;
  /** The flags that any queued command has: EXEC is refused where one of them would be. */
  anyFlags: number = 0;
  /** The flags that all queued commands have: EXEC runs while loading where all of them may. */
  allFlags: number = -1;

  /** How many commands are queued. */
  get length(): number {
    return this.commands.length;
  }
}

/** A key under WATCH. */
export interface WatchedKey {
  /** The number of the database the key is in. */
  readonly dbIndex: number;
  /** A copy of the key's bytes. */
  readonly key: Uint8Array;
  /**
   * True when it had already expired at WATCH: its deletion then breaks nothing (multi.c,
   * `watchForKey`).
   */
  readonly expired: boolean;
}

/** Work of a command that goes on in later turns. Returns true once the reply is whole. */
export type Step = (ctx: Context) => boolean;

/** Stores `wake`, and calls it once when the blocked client may go on. */
export type Wait = (wake: () => void) => void;

/** What a client has at the master, where its writes are forwarded. */
export interface SessionForward {
  /** Whether it has keys under WATCH there: its reads go there, too. */
  readonly pinned: boolean;
  /** Nothing is watched any more. */
  unpin(): void;
  /** The client has gone: what it waits for there is given up. */
  end(): void;
}

/** A command that goes on in later turns, and the time it has worked: waiting does not count. */
export interface Work {
  /** The row of the command, for whose totals its time counts. */
  readonly command: Command;
  /** Its arguments, a copy. */
  readonly argv: Argv;
  /** For how many calls its time counts. */
  readonly weight: number;
  /** Microseconds of its slices so far. */
  micros: number;
}

/** The state of one client. */
export class ServerSession implements Session {
  readonly id: number;
  readonly address: string;
  readonly localAddress: string;
  name: string = "";
  libraryName: string = "";
  libraryVersion: string = "";
  protocol: 2 | 3 = 2;
  authenticated: boolean = false;
  user: string = "default";
  dbIndex: number = 0;
  transaction: CommandQueue | undefined = undefined;
  watchBroken: boolean = false;
  replies: ReplyMode = ReplyMode.ON;
  noEvict: boolean = false;
  noTouch: boolean = false;
  redirects: boolean = false;
  readsHere: boolean = false;
  monitors: boolean = false;
  /** What the user may not run; undefined for a user who may run everything. */
  rights: Rights | undefined = undefined;
  /** Keys under WATCH, by {@linkcode keyName}. {@linkcode Watches} fills it. */
  readonly watched: Map<string, WatchedKey> = new Map();
  /**
   * Channels it is subscribed to, by name as text of a code point a byte. {@linkcode PubSub} fills
   * all three.
   */
  readonly channels: Map<string, Uint8Array> = new Map();
  /** Patterns of PSUBSCRIBE, keyed alike. */
  readonly patterns: Map<string, Uint8Array> = new Map();
  /** Shard channels of SSUBSCRIBE, keyed alike. */
  readonly shardChannels: Map<string, Uint8Array> = new Map();
  /** The three maps' sizes added up: dispatch asks before each command. */
  subscriptionCount: number = 0;
  /** When it connected, milliseconds since 1970. */
  readonly createdAtMs: number;
  /**
   * When its last command began, milliseconds since 1970: `idle` of CLIENT LIST, and the idle
   * timeout.
   */
  lastActiveMs: number;
  /** The row of its last command: `cmd` of CLIENT LIST. */
  lastCommand: Command | undefined = undefined;
  /**
   * True while no further command may run: the client closes, was detached, or has a step to
   * finish.
   */
  halted: boolean = false;
  /** What the last command has left to do; its reply is not whole before. */
  step: Step | undefined = undefined;
  /** How long the command of the step has worked so far; undefined where that is not timed. */
  work: Work | undefined = undefined;
  /** What the step reads; its reply may stand half written in the writer, and nothing else may be written. */
  read: HeldRead | undefined = undefined;
  /** Whether its last command waits for keys or replicas: `blocked_clients`, and b in CLIENT LIST. */
  blocked: boolean = false;
  /** How the step is woken; undefined when it simply goes on in the next turn. */
  wait: Wait | undefined = undefined;
  /** What it has at the master; undefined before its first write that is forwarded. */
  forward: SessionForward | undefined = undefined;
  /** The connection; undefined for a call in process, which cannot be pushed to and never waits. */
  readonly link: SessionLink | undefined;
  readonly detach: (() => Socket) | undefined;
  #closing: boolean = false;

  /**
   * Begins as a new connection does, before anybody has logged in.
   *
   * @param id Unique, ascending.
   * @param nowMs When it connects, milliseconds since 1970.
   * @param link Its connection; left out for a call in process.
   * @param address The peer as CLIENT LIST spells it.
   * @param localAddress Our end, spelled alike.
   */
  constructor(
    id: number,
    nowMs: number,
    link?: SessionLink,
    address: string = "",
    localAddress: string = "",
  ) {
    this.id = id;
    this.createdAtMs = nowMs;
    this.lastActiveMs = nowMs;
    this.link = link;
    this.address = address;
    this.localAddress = localAddress;
    this.detach = link === undefined ? undefined : () => link.detach();
  }

  /** Whether messages can be pushed to it at any time. */
  get connected(): boolean {
    return this.link !== undefined;
  }

  /** Whether the connection ends once what was replied is sent. Setting it halts the session. */
  get closing(): boolean {
    return this.#closing;
  }

  set closing(value: boolean) {
    this.#closing = value;
    if (value) this.halted = true;
  }
}
