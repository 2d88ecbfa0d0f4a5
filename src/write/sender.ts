/**
 * Brings a command to the master, whichever server that is at the moment, and back what it replied and where
 * its stream stood behind it.
 *
 * ```text
 *  --> SET k v                 and whatever else is written in this turn of the event loop
 *  --> INFO replication        once for all of them
 *  <-- OK
 *  <-- role, id and offset     the token: at this offset the write is in the stream
 *
 *  no connection, READONLY, LOADING...   not done: tried again while there is time, at where the master is then
 *  any other error reply                 not done: FAILED
 *  the connection ends behind the command, or the server is no master any more      UNKNOWN, not tried again
 * ```
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import type { ClientConnection } from "../client/connection.ts";
import { ErrorReply, type RespValue } from "../resp/types.ts";
import { within } from "../replication/waiting.ts";
import { WriteError } from "./errors.ts";
import type { MasterHistory } from "../replication/history.ts";
import {
  askHistory,
  MasterPool,
  type MasterPoolOptions,
  OffsetBehind,
  PASSING,
} from "./master_pool.ts";
import type { Words } from "./words.ts";

const FIRST_PAUSE_MS = 20;
const MAX_PAUSE_MS = 1000;

/** Where and how one command, or one transaction, is sent. */
export interface Sending {
  /** What is sent, in one piece: nothing of anybody else comes in between. */
  readonly commands: readonly Words[];
  /** MULTI: the rest is sent only after it was agreed to, as it would be done without it. */
  readonly opening?: Words;
  /** Database it is sent to. */
  readonly db: number;
  /** Whether it needs a connection of its own because it may wait there. */
  readonly alone: boolean;
  /** Milliseconds until it is given up. */
  readonly timeoutMs: number;
  /** Gives the write up when it fires. */
  readonly signal?: AbortSignal;
}

/** What the master has answered. */
export interface Sent {
  /** A reply for each command; error replies of a transaction's members are values. */
  readonly replies: readonly RespValue[];
  /** What the master said of its stream behind it; undefined when our user may not ask. */
  readonly history: MasterHistory | undefined;
}

/** Sends commands to wherever the master is. */
export class Sender {
  readonly #clock: Clock;
  readonly #pool: MasterPool;
  readonly #behind: OffsetBehind;
  #closed: boolean = false;

  /** Connects nothing before the first command. @param options Where the master is, and how it is reached. */
  constructor(options: MasterPoolOptions) {
    this.#clock = options.clock;
    this.#pool = new MasterPool(options);
    this.#behind = new OffsetBehind(options.clock);
  }

  /**
   * Sends, and resolves with the replies.
   *
   * @throws {WriteError} FAILED when it was not done, UNKNOWN when that cannot be told.
   */
  async send(sending: Sending): Promise<Sent> {
    const clock = this.#clock;
    const endsMs = clock.monotonic() + sending.timeoutMs;
    for (let pauseMs = FIRST_PAUSE_MS;; pauseMs = Math.min(MAX_PAUSE_MS, pauseMs * 2)) {
      const outcome = await this.#try(sending, endsMs);
      if (!(outcome instanceof NotDone)) return outcome;
      const leftMs = endsMs - clock.monotonic();
      if (this.#closed || sending.signal?.aborted || leftMs <= 0 || outcome.lasts) {
        throw new WriteError("FAILED", outcome.message, outcome.cause);
      }
      await this.#pause(Math.min(pauseMs, leftMs), sending.signal);
    }
  }

  /** What the master says of its histories. @throws {Error} When it cannot be asked. */
  async history(): Promise<MasterHistory | undefined> {
    return await askHistory(await this.#pool.now().shared({ db: 0 }));
  }

  /** The master is another one now: what is asked of the old one is answered, or not, by that one. */
  relocated(): void {
    this.#pool.relocated();
  }

  /** Ends every connection at once; what is not answered is UNKNOWN. */
  close(): void {
    this.#closed = true;
    this.#pool.close();
  }

  /** One attempt. @throws {WriteError} UNKNOWN, and FAILED for an error reply that is about the command. */
  async #try(sending: Sending, endsMs: number): Promise<Sent | NotDone> {
    if (this.#closed) return new NotDone("The replica is closed", undefined, true);
    let place: Place;
    try {
      place = await this.#connection(sending, endsMs);
    } catch (error) {
      const lasts = error instanceof ErrorReply && !PASSING.has(error.code);
      return new NotDone(`The master cannot be reached: ${messageOf(error)}`, error, lasts);
    }
    const { connection, release } = place;
    // Given up before it was sent: then it must not be.
    if (sending.signal?.aborted || connection.closed) {
      release(true);
      return new NotDone(
        "It was given up before it was sent",
        undefined,
        sending.signal?.aborted === true,
      );
    }
    let reusable = false;
    try {
      const sent = await this.#openedFor(connection, sending, endsMs) ??
        await this.#on(connection, sending, endsMs);
      reusable = !(sent instanceof NotDone);
      return sent;
    } finally {
      release(reusable);
    }
  }

  async #connection(sending: Sending, endsMs: number): Promise<Place> {
    const pool = this.#pool.now();
    const { db, alone, signal } = sending;
    const within = <T>(promise: Promise<T>) => this.#before(endsMs, signal, promise);
    if (!alone) return { connection: await within(pool.shared({ db })), release: () => {} };
    const abort = new AbortController();
    const lease = pool.exclusive({ db }, abort.signal);
    try {
      const { connection, release } = await within(lease);
      return { connection, release };
    } catch (error) {
      abort.abort();
      lease.then(({ release }) => release(true), () => undefined);
      throw error;
    }
  }

  /** Sends what has to be agreed to first; undefined when it was. */
  async #openedFor(
    connection: ClientConnection,
    { opening, signal }: Sending,
    endsMs: number,
  ): Promise<NotDone | undefined> {
    if (opening === undefined) return undefined;
    try {
      await this.#before(endsMs, signal, connection.ask(...opening));
      return undefined;
    } catch (error) {
      const lasts = error instanceof ErrorReply && !PASSING.has(error.code);
      return new NotDone(messageOf(error), error, lasts);
    }
  }

  /** Sends on a connection that stands, all in this turn, and waits for what is answered. */
  async #on(
    connection: ClientConnection,
    { commands, signal }: Sending,
    endsMs: number,
  ): Promise<Sent | NotDone> {
    const asked = commands.map((words) => connection.ask(...words));
    const behind = this.#behind.of(connection);
    for (const reply of asked) reply.catch(() => undefined);
    let replies: RespValue[];
    try {
      const all = Promise.all(asked.map((reply) => reply.catch(errorAsValue)));
      replies = await this.#before(endsMs, signal, all);
    } catch (error) {
      throw new WriteError("UNKNOWN", unknownText(error), error);
    }
    const refusal = replies.find((reply) => reply instanceof ErrorReply) as ErrorReply | undefined;
    const last = replies.at(-1);
    if (last instanceof ErrorReply) {
      const reason = refusal ?? last;
      if (PASSING.has(reason.code)) return new NotDone(reason.message, reason, false);
      throw new WriteError("FAILED", reason.message, reason);
    }
    return { replies, history: await this.#judge(behind) };
  }

  /** The offset behind a write that was answered. @throws {WriteError} UNKNOWN from a master that was demoted. */
  async #judge(behind: Promise<MasterHistory | undefined>): Promise<MasterHistory | undefined> {
    // It was done; where in the stream cannot be told when the connection ends right now.
    const history = await behind.catch(() => undefined);
    if (history === undefined || history.role === "master") return history;
    throw new WriteError(
      "UNKNOWN",
      "The server answered, and is no master any more: a failover may have lost the write",
    );
  }

  /** Settles as `promise` does, unless the time or the signal comes first. */
  #before<T>(endsMs: number, signal: AbortSignal | undefined, promise: Promise<T>): Promise<T> {
    const timeoutMs = Math.max(0, endsMs - this.#clock.monotonic());
    return within(this.#clock, { signal, timeoutMs }, () => promise, timeIsOver, givenUp);
  }

  #pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
    const forever = new Promise<never>(() => {});
    return this.#before(this.#clock.monotonic() + ms, signal, forever).catch(() => undefined);
  }
}

interface Place {
  readonly connection: ClientConnection;
  release(reuse: boolean): void;
}

/** It was not done, and may be tried again unless the reason lasts. */
class NotDone {
  readonly message: string;
  readonly cause: unknown;
  readonly lasts: boolean;

  constructor(message: string, cause: unknown, lasts: boolean) {
    this.message = message;
    this.cause = cause;
    this.lasts = lasts;
  }
}

function timeIsOver(): Error {
  return new Error("timeoutMs is over");
}

function givenUp(): Error {
  return new Error("it was given up");
}

/** An error reply is a value here: the commands behind it may have been done. */
function errorAsValue(error: unknown): ErrorReply {
  if (error instanceof ErrorReply) return error;
  throw error;
}

function unknownText(error: unknown): string {
  return `It was sent and not answered, so that the master may have done it or not: ${
    messageOf(error)
  }`;
}
