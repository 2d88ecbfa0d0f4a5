/**
 * Why a link to a master could not be made, or broke, and what that means for the next attempt.
 *
 * ```text
 *  code is      before the link first ran    later
 *  fatal        the link ends                waits longer each time
 *  doomed       waits a minute or more       the same: each try costs the master a fork
 *  others       waits about a second         the same; longer each time where a full sync broke
 *
 *  losesOffset, besides: the next PSYNC asks for everything
 * ```
 *
 * @module
 */

import { messageOf } from "../base/errors.ts";
import { SocketError } from "../net/socket.ts";
import { StoreFullError } from "../store/memory/allocate.ts";

/** What kind of failure it is. Codes are stable: compare these, not messages. */
export type ReplicationErrorCode =
  /** No connection could be made; `cause` is the `SocketError`. */
  | "CONNECT"
  /** No sentinel could say where the master is; the message has what each of them answered. */
  | "NO_MASTER"
  /** The connection broke or the master closed it; `cause` is the `SocketError`, when there is one. */
  | "DISCONNECTED"
  /**
   * The connection broke after `limits.inboxBytes` was reached: the host left us too little time to keep
   * up.
   */
  | "OVERRUN"
  /** Sentinels, or a client by REPLICAOF, say that another server is the master now. */
  | "SWITCHED"
  /** The handshake had no reply within `timeouts.handshakeMs`. */
  | "HANDSHAKE_TIMEOUT"
  /** No byte came within `timeouts.syncMs` while a snapshot was awaited or loaded. */
  | "SYNC_TIMEOUT"
  /** No byte came within `timeouts.idleMs` from a master that was followed. */
  | "IDLE_TIMEOUT"
  /** The socket took nothing of ours within `timeouts.writeMs`. */
  | "WRITE_TIMEOUT"
  /** The function asked for credentials threw; `cause` is what it threw. */
  | "CREDENTIALS"
  /** The master refused our AUTH. */
  | "WRONGPASS"
  /** The master wants AUTH and no credentials are configured. */
  | "NOAUTH"
  /** The ACL user may not replicate. */
  | "NOPERM"
  /** The master does not know PSYNC: renamed, blocked by a service, or no Redis at all. */
  | "PSYNC_UNAVAILABLE"
  /** The master is in protected mode and lets only its own machine in. */
  | "PROTECTED_MODE"
  /** The master has as many clients as its `maxclients` allows. */
  | "MAXCLIENTS"
  /** The master is loading its own data. */
  | "LOADING"
  /** The master is busy with a long script. */
  | "BUSY"
  /** The master is itself a replica that lost its master. */
  | "MASTERDOWN"
  /** The master is itself a replica that lost its master, as PSYNC puts it. */
  | "NOMASTERLINK"
  /** The master answered an error that has no code of its own here. */
  | "MASTER_ERROR"
  /** The master answered something that is no reply of this protocol. */
  | "PROTOCOL"
  /** The snapshot is damaged or was cut off; `cause` is the `RdbError`, when there is one. */
  | "SNAPSHOT"
  /** The snapshot holds what this version does not understand; `cause` is the `RdbError`. */
  | "UNSUPPORTED"
  /** The stream of commands is not RESP: what follows cannot be trusted. */
  | "STREAM"
  /** A command of the stream could not be applied and `onDivergence` says to act on it. */
  | "DIVERGED"
  /** A limit was passed: one of `limits`, or the memory there is. */
  | "LIMIT"
  /** `maxMemory` was reached: a {@linkcode MemoryError}, which has the numbers. */
  | "MEMORY"
  /** A bug of this library; `cause` is the exception. */
  | "INTERNAL"
  /** `stop()` was called, or the signal given to `start()` fired. */
  | "STOPPED";

/** The link to the master failed. `cause` is the error underneath, when there is one. */
export class ReplicationError extends Error {
  /** Always "ReplicationError", on every runtime and after minifying. */
  override readonly name: string = "ReplicationError";
  /** What kind of failure it is; decides what the link does next. */
  readonly code: ReplicationErrorCode;

  /** Takes the kind, what happened and where, and the error underneath. */
  constructor(code: ReplicationErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }

  /**
   * True when trying again cannot help until somebody changes the configuration of one side. Before the
   * link has run for the first time such an error ends it; later the link tries again all the same, because
   * an operator's mistake must not end a running replica.
   */
  get fatal(): boolean {
    if (FATAL.has(this.code)) return true;
    return this.code === "CONNECT" && this.cause instanceof SocketError &&
      (this.cause.code === "TLS" || this.cause.code === "PERMISSION");
  }

  /**
   * True when the next full synchronisation is bound to end as this one did. Each costs the master a
   * fork, so the link waits long before it asks for another.
   */
  get doomed(): boolean {
    return DOOMED.has(this.code);
  }

  /** True when the master is sound and asks for a moment only: it says nothing about our configuration. */
  get brief(): boolean {
    return BRIEF.has(this.code);
  }

  /** True when the data may not be what the offset says: only a full resync helps. */
  get losesOffset(): boolean {
    return LOSES_OFFSET.has(this.code);
  }
}

/** What a {@linkcode MemoryError} tells. */
export interface MemoryFacts {
  /** What happened and what would help, as a sentence. */
  readonly message: string;
  /** Bytes that were held. */
  readonly usedBytes: number;
  /** Bytes that may be held. */
  readonly maxBytes: number;
  /** Bytes that one value or command asked for at once; 0 where the sum was too much. */
  readonly askedBytes: number;
  /** What the master has said of its data; -1 for what it has not. */
  readonly dataset: { readonly bytes: number; readonly keys: number };
  /** What all of the master's data would take here, judged by what has come; undefined where nothing tells. */
  readonly estimatedBytes: number | undefined;
  /** Whether a transaction or command was given up in its middle, so that the data is no state of the master's. */
  readonly isTorn: boolean;
}

/** `maxMemory` was reached. Its code is MEMORY. */
export class MemoryError extends ReplicationError {
  /** Always "MemoryError", on every runtime and after minifying. */
  override readonly name: string = "MemoryError";
  /** Bytes that were held. */
  readonly usedBytes: number;
  /** Bytes that may be held. */
  readonly maxBytes: number;
  /** Bytes that one value or command asked for at once; 0 where the sum was too much. */
  readonly askedBytes: number;
  /** Bytes of memory that the master's data takes there, as its snapshot said; undefined where it did not. */
  readonly datasetBytes: number | undefined;
  /** Keys that the master has announced, of the databases that have come; undefined where it did not. */
  readonly datasetKeys: number | undefined;
  /** What all of the master's data would take here, judged by what has come; undefined where nothing tells. */
  readonly estimatedBytes: number | undefined;
  /** Whether a transaction or command was given up in its middle: the data was emptied then. */
  readonly isTorn: boolean;

  /** Takes what is told. */
  constructor(facts: MemoryFacts) {
    super("MEMORY", facts.message);
    this.usedBytes = facts.usedBytes;
    this.maxBytes = facts.maxBytes;
    this.askedBytes = facts.askedBytes;
    this.datasetBytes = known(facts.dataset.bytes);
    this.datasetKeys = known(facts.dataset.keys);
    this.estimatedBytes = facts.estimatedBytes;
    this.isTorn = facts.isTorn;
  }
}

function known(count: number): number | undefined {
  return count < 0 ? undefined : count;
}

/** The error of whatever `stop()` ended. */
export function stopped(): ReplicationError {
  return new ReplicationError("STOPPED", "The link was stopped");
}

/** The error of a reply that no master gives. @param what The command that was answered. */
export function unexpectedReply(what: string, line: string): ReplicationError {
  return new ReplicationError("PROTOCOL", `${what} was answered "${clip(line)}"`);
}

type Codes = ReadonlySet<ReplicationErrorCode>;

const FATAL: Codes = new Set<ReplicationErrorCode>([
  "WRONGPASS",
  "NOAUTH",
  "NOPERM",
  "PSYNC_UNAVAILABLE",
  "PROTECTED_MODE",
  "UNSUPPORTED",
]);
const DOOMED: Codes = new Set<ReplicationErrorCode>([
  "UNSUPPORTED",
  "LIMIT",
  "MEMORY",
  "DIVERGED",
  "INTERNAL",
]);
const BRIEF: Codes = new Set<ReplicationErrorCode>([
  "LOADING",
  "BUSY",
  "MASTERDOWN",
  "NOMASTERLINK",
  "MAXCLIENTS",
]);
const LOSES_OFFSET: Codes = new Set<ReplicationErrorCode>([
  "STREAM",
  "DIVERGED",
  "LIMIT",
  "INTERNAL",
]);

/**
 * Turns a master's `-...` line into a typed error, in any state of the handshake. Only the first word is
 * compared, because Valkey and Redis word the rest differently.
 *
 * @param line The line, with or without its `-`.
 * @param doing What was asked, for the message.
 */
export function errorFromReply(line: string, doing: string): ReplicationError {
  const text = line.startsWith("-") ? line.slice(1) : line;
  const word = /^[A-Z]+/.exec(text)?.[0] ?? "";
  const code = BY_FIRST_WORD[word] ?? codeFromWording(text);
  return new ReplicationError(code, `${doing}: the master answered "${clip(text)}"`);
}

const BY_FIRST_WORD: Readonly<Record<string, ReplicationErrorCode>> = {
  LOADING: "LOADING",
  BUSY: "BUSY",
  MASTERDOWN: "MASTERDOWN",
  NOMASTERLINK: "NOMASTERLINK",
  NOPERM: "NOPERM",
  NOAUTH: "NOAUTH",
  WRONGPASS: "WRONGPASS",
  DENIED: "PROTECTED_MODE",
};

function codeFromWording(text: string): ReplicationErrorCode {
  if (/^ERR max number of clients/.test(text)) return "MAXCLIENTS";
  if (/^ERR operation not permitted/.test(text)) return "NOAUTH";
  return "MASTER_ERROR";
}

const MAX_QUOTED = 200;

/** Cuts text from the other side to 200 characters, with what is not printable ASCII as `\\xNN`. */
export function clip(text: string): string {
  const cut = text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}...` : text;
  // deno-lint-ignore no-control-regex
  return cut.replace(/[\x00-\x1f\x7f-\xff]/g, (char) => {
    return `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
}

/**
 * Any exception as a typed error: LIMIT when memory ran out, INTERNAL for what else is no ReplicationError.
 */
export function asReplicationError(error: unknown): ReplicationError {
  if (error instanceof ReplicationError) return error;
  const text = messageOf(error);
  const full = error instanceof StoreFullError ||
    (error instanceof RangeError && /allocation|out of memory/i.test(text));
  if (full) return new ReplicationError("LIMIT", `No memory for the master's data: ${text}`, error);
  return new ReplicationError("INTERNAL", `Unexpected: ${text}`, error);
}
