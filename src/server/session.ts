/**
 * One client's state: behind a socket, or behind a call in process.
 *
 * @module
 */

import type { Command } from "../commands/engine/command.ts";
import type { Context } from "../commands/engine/context.ts";
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
  /** Bytes of a command that is not whole yet. */
  readonly queryBytes: number;
  /** Something was written outside of a reply: it is sent soon, or the client cut off for taking nothing. */
  pushed(): void;
  /** Ends it now. */
  kill(): void;
  /** Gives the socket away. */
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
  failed: boolean = false;
  /** An or of the flags of every queued command. */
  anyFlags: number = 0;
  /** An and of them. */
  allFlags: number = -1;

  get length(): number {
    return this.commands.length;
  }
}

/** A key under WATCH. */
export interface WatchedKey {
  /** Its database. */
  readonly dbIndex: number;
  /** A copy of its bytes. */
  readonly key: Uint8Array;
  /** Whether it had expired already. */
  readonly expired: boolean;
}

/** Work of a command that goes on in later turns; true once it is done. */
export type Step = (ctx: Context) => boolean;

/** Is handed what to call, once, when a blocked client may go on. */
export type Wait = (wake: () => void) => void;

/** Every field a plain property of one type from the start: dispatch reads them for each command. */
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
  monitors: boolean = false;
  /** What the user may not run; undefined for a user who may run everything. */
  rights: Rights | undefined = undefined;
  /** What it watches, by database and key. */
  readonly watched: Map<string, WatchedKey> = new Map();
  /** Channels, patterns and shard channels, by name as text of a code point a byte. */
  readonly channels: Map<string, Uint8Array> = new Map();
  readonly patterns: Map<string, Uint8Array> = new Map();
  readonly shardChannels: Map<string, Uint8Array> = new Map();
  /** Size of the three together: dispatch asks for each command. */
  subscriptionCount: number = 0;
  /** When it connected, milliseconds since 1970. */
  readonly createdAtMs: number;
  /** When its last command began. */
  lastActiveMs: number;
  /** Its last command. */
  lastCommand: Command | undefined = undefined;
  /** No further command is to be run now: it closes, was detached, or has a step to finish. */
  halted: boolean = false;
  /** What its last command has left to do. */
  step: Step | undefined = undefined;
  /** What the step waits for; undefined when its turn comes by itself. */
  wait: Wait | undefined = undefined;
  /** The connection; undefined for a call in process. */
  readonly link: SessionLink | undefined;
  readonly detach: (() => Socket) | undefined;
  #closing: boolean = false;

  /** @param id Unique. @param nowMs When it connects. @param link Its connection, if it has one. */
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

  get connected(): boolean {
    return this.link !== undefined;
  }

  get closing(): boolean {
    return this.#closing;
  }

  set closing(value: boolean) {
    this.#closing = value;
    if (value) this.halted = true;
  }
}
