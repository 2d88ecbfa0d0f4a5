/**
 * What clients of the port write, brought to the master: each command once, its reply as it came, given back when
 * its effect is readable here.
 *
 * ```text
 *  send       a connection that many share, for each database and protocol
 *  transact   one of its own from MULTI to EXEC
 *  own        one of its own until it is released: what blocks, and from WATCH to EXEC
 *
 *  reply, and the offset behind it --> wait until that is settled here --> the client
 *
 *  not sent              MASTERDOWN        the master cannot be reached, or too much waits for it
 *  sent, not answered    UNKNOWN           it may be done; it is not sent again
 *  answered, lost        HISTORY_LOST      a failover went on without it
 *  answered, not here in `visibleMs`       the reply all the same, and `late` counts it
 * ```
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import type { ClientConnection } from "../client/connection.ts";
import type { ClientPool, Lease } from "../client/pool.ts";
import type { MasterHistory } from "../replication/history.ts";
import { TimeoutError, within } from "../replication/waiting.ts";
import { errorReply, type RawReply, requestOfWords } from "../resp/raw.ts";
import { ErrorReply, type RespValue } from "../resp/types.ts";
import type {
  ForwardStatus,
  MasterAccess,
  OwnConnection,
  Request,
  Route,
} from "../server/master_access.ts";
import { WriteError } from "./errors.ts";
import { MasterPool, type MasterPoolOptions, OffsetBehind } from "./master_pool.ts";

/** Bytes of commands and transactions that may wait for the master at once. */
const MAX_WAITING_BYTES = 256 * 1024 * 1024;
const POOL = { shared: 4, exclusive: 64, idleMs: 30_000 } as const;
const UNREACHABLE = "MASTERDOWN The master cannot be reached, the command was not sent: ";
const UNKNOWN =
  "UNKNOWN The connection to the master ended before the reply, the command may be done or not: ";
const DEMOTED =
  "UNKNOWN The server answered, and is no master any more: a failover may have lost the write";
const LOST = "HISTORY_LOST The master did it, and a failover has lost it";

const MULTI: Request = { name: "MULTI", bytes: requestOfWords("MULTI") };
const EXEC: Request = { name: "EXEC", bytes: requestOfWords("EXEC") };

/** How writes of the port are forwarded. */
export interface ForwardingOptions {
  /**
   * False to give a client the master's reply at once. With the default, true, it is held until the write is
   * readable here, so that a client never reads older data than it has written.
   */
  readonly readYourWrites?: boolean;
  /** Milliseconds that a reply is held at most; 10,000 unless told. */
  readonly visibleMs?: number;
  /** Milliseconds without a reply after which a connection to the master counts as dead; 30,000 unless told. */
  readonly replyMs?: number;
  /** Most connections for clients that block or watch; 1,000 unless told. Further ones get an error. */
  readonly connections?: number;
}

/** What {@linkcode Forwards} works with. */
export interface ForwardsParts extends Omit<MasterPoolOptions, "pool"> {
  /** How writes are forwarded. */
  readonly options: ForwardingOptions;
  /** Waits until a place is readable here. @throws {WriteError} HISTORY_LOST. @throws {TimeoutError} */
  visible(place: MasterHistory, timeoutMs: number): Promise<void>;
}

/** Forwards what clients write. */
export class Forwards implements MasterAccess {
  readonly #parts: ForwardsParts;
  readonly #clock: Clock;
  readonly #options: Required<ForwardingOptions>;
  readonly #pool: MasterPool;
  /** Connections that clients have to themselves for as long as they want. */
  readonly #owns: MasterPool;
  readonly #behind: OffsetBehind;
  readonly #totals: Record<Exclude<keyof ForwardStatus, "connections">, number> = {
    forwarded: 0,
    inFlight: 0,
    failed: 0,
    refused: 0,
    unknown: 0,
    late: 0,
    lost: 0,
  };
  /** How many of them are given to clients, or are about to be. */
  #owned: number = 0;
  #waitingBytes: number = 0;
  #closed: boolean = false;

  /** Connects nothing before the first command. */
  constructor(parts: ForwardsParts) {
    this.#parts = parts;
    this.#clock = parts.clock;
    this.#options = {
      readYourWrites: true,
      visibleMs: 10_000,
      replyMs: 30_000,
      connections: 1000,
      ...parts.options,
    };
    const { connections, replyMs } = this.#options;
    const access = {
      clock: parts.clock,
      address: () => parts.address(),
      connect: async (...args: Parameters<ForwardsParts["connect"]>) => {
        return { ...await parts.connect(...args), replyMs };
      },
    };
    this.#pool = new MasterPool({ ...access, pool: POOL });
    this.#owns = new MasterPool({ ...access, pool: { ...POOL, exclusive: connections } });
    this.#behind = new OffsetBehind(parts.clock);
  }

  status(): ForwardStatus {
    return { ...this.#totals, connections: this.#pool.size + this.#owns.size };
  }

  refused(): void {
    this.#totals.refused++;
  }

  async send(
    requests: readonly Request[],
    route: Route,
    waits: boolean,
  ): Promise<readonly RawReply[]> {
    // While a connection is made, others may share it: what follows is sent in one piece in any case.
    const made = this.#shared(route).catch((error) => error);
    const bounds = requests.map(({ bytes }) => this.#admit(bytes.length));
    const connection: ClientConnection | Error = await made;
    return await Promise.all(requests.map((request, index) => {
      return this.#finish(bounds[index], (sent) => {
        if (connection instanceof Error) throw connection;
        sent();
        return this.sendOn(connection, request, waits, false);
      });
    }));
  }

  transact(requests: readonly Request[], route: Route): Promise<RawReply> {
    return this.#bounded(bytesOf(requests), async (sent) => {
      const { replyMs } = this.#options;
      const pool = this.#poolNow(this.#pool);
      const lease = await within(
        this.#clock,
        { timeoutMs: replyMs },
        (signal) => pool.exclusive(route, signal),
        () => new Error("no connection was free"),
      );
      const own = new Own(this, lease, route, () => {});
      try {
        return await own.run(requests, route, sent);
      } finally {
        own.release(false);
      }
    });
  }

  async own(route: Route): Promise<OwnConnection | RawReply> {
    if (this.#owned >= this.#options.connections) {
      this.#totals.refused++;
      return errorReply("MASTERDOWN Too many clients have a connection to the master of their own");
    }
    this.#owned++;
    try {
      const lease = await this.#poolNow(this.#owns).exclusive(route);
      return new Own(this, lease, route, () => this.#owned--);
    } catch (error) {
      this.#owned--;
      return this.#unreachable(error);
    }
  }

  /** The master may be elsewhere now: what blocks at the old one is over. */
  relocated(): void {
    this.#pool.relocated();
    this.#owns.relocated(true);
  }

  /** Ends every connection at once. */
  close(): void {
    this.#closed = true;
    this.#pool.close();
    this.#owns.close();
  }

  /** Sends a command of a client on its own connection. */
  forward(
    bytes: number,
    work: (sent: () => void) => Promise<RawReply>,
  ): Promise<RawReply> {
    return this.#bounded(bytes, work);
  }

  /**
   * Sends on a connection that stands, and holds the reply until its effect is readable here.
   *
   * @param isTimed Whether the reply must come in time, where the connection itself has no bound on that.
   */
  async sendOn(
    connection: ClientConnection,
    { name, bytes }: Request,
    waits: boolean,
    isTimed: boolean,
  ): Promise<RawReply> {
    const asked = connection.askRaw(name, bytes);
    const behind = waits ? this.#behind.of(connection) : undefined;
    return await this.#held(await (isTimed ? this.#inTime(connection, asked) : asked), behind);
  }

  /** Sends MULTI, and once that was agreed to, everything else. */
  async transactOn(
    connection: ClientConnection,
    requests: readonly Request[],
    sent: () => void,
  ): Promise<RawReply> {
    const begun = await this.#inTime(connection, connection.askRaw(MULTI.name, MULTI.bytes));
    if (begun.value instanceof ErrorReply) return aborted(begun.value);
    sent();
    const queued = requests.map(({ name, bytes }) => connection.askRaw(name, bytes));
    for (const reply of queued) reply.catch(() => undefined);
    const executed = connection.askRaw(EXEC.name, EXEC.bytes);
    const behind = this.#behind.of(connection);
    const reply = await this.#inTime(connection, executed);
    const refusal = (await Promise.all(queued)).find(({ value }) => value instanceof ErrorReply);
    // The client was told QUEUED for what the master has refused: it learns why.
    if (reply.value instanceof ErrorReply && refusal !== undefined) {
      return aborted(refusal.value as ErrorReply);
    }
    return await this.#held(reply, behind);
  }

  /** Asks the master on any connection. */
  async ask(route: Route, ...words: string[]): Promise<RespValue> {
    return await (await this.#poolNow(this.#pool).shared(route)).ask(...words);
  }

  #poolNow(pool: MasterPool): ClientPool {
    if (this.#closed) throw new Error("the replica is closed");
    return pool.now();
  }

  /** A connection that many share. */
  async #shared(route: Route): Promise<ClientConnection> {
    const connection = await this.#poolNow(this.#pool).shared(route);
    if (connection.closed) throw new Error("the connection has ended");
    return connection;
  }

  /** Counts a command from its beginning to its end, and makes an error reply of what goes wrong. */
  #bounded(bytes: number, work: (sent: () => void) => Promise<RawReply>): Promise<RawReply> {
    return this.#finish(this.#admit(bytes), work);
  }

  /** Begins to count a command of so many bytes; -1 when too many wait, so that it must not be sent. */
  #admit(bytes: number): number {
    if (this.#waitingBytes + bytes > MAX_WAITING_BYTES) return -1;
    this.#waitingBytes += bytes;
    this.#totals.inFlight++;
    return bytes;
  }

  async #finish(
    bytes: number,
    work: (sent: () => void) => Promise<RawReply>,
  ): Promise<RawReply> {
    const totals = this.#totals;
    if (bytes < 0) {
      totals.refused++;
      return errorReply("MASTERDOWN The master is too slow, the command was not sent");
    }
    let isSent = false;
    try {
      const reply = await work(() => {
        isSent = true;
        totals.forwarded++;
      });
      if (reply.value instanceof ErrorReply) totals.failed++;
      return reply;
    } catch (error) {
      if (!isSent) return this.#unreachable(error);
      if (error instanceof WriteError) {
        totals[error.code === "HISTORY_LOST" ? "lost" : "unknown"]++;
        return errorReply(error.message);
      }
      totals.unknown++;
      return errorReply(UNKNOWN + messageOf(error));
    } finally {
      totals.inFlight--;
      this.#waitingBytes -= bytes;
    }
  }

  /** What has a connection to itself ends with it when no reply comes. */
  async #inTime<T>(connection: ClientConnection, reply: Promise<T>): Promise<T> {
    const { replyMs } = this.#options;
    if (replyMs === 0) return await reply;
    const late = () => new Error(`no reply came within ${replyMs} ms`);
    try {
      return await within(this.#clock, { timeoutMs: replyMs }, () => reply, late);
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  #unreachable(error: unknown): RawReply {
    this.#totals.refused++;
    // It was reached, and has no such database.
    if (error instanceof ErrorReply && error.code === "ERR") return errorReply(error.message);
    return errorReply(UNREACHABLE + messageOf(error));
  }

  /** Holds a reply until what it tells of is readable here, or the wait for that is over. */
  async #held(
    reply: RawReply,
    behind: Promise<MasterHistory | undefined> | undefined,
  ): Promise<RawReply> {
    if (behind === undefined) return reply;
    // Where in the stream it stands cannot be told when the connection ends right now: the master has done it.
    const place = await behind.catch(() => undefined);
    if (place === undefined) return reply;
    if (place.role !== "master") {
      // A replica has refused it by itself.
      if (reply.value instanceof ErrorReply) return reply;
      throw new WriteError("UNKNOWN", DEMOTED);
    }
    const { readYourWrites, visibleMs } = this.#options;
    if (!readYourWrites) return reply;
    try {
      await this.#parts.visible(place, visibleMs);
    } catch (error) {
      if (error instanceof WriteError && error.code === "HISTORY_LOST") {
        throw new WriteError("HISTORY_LOST", LOST, error);
      }
      if (error instanceof TimeoutError) this.#totals.late++;
    }
    return reply;
  }
}

/** One client's own connection. */
class Own implements OwnConnection {
  readonly #forwards: Forwards;
  readonly #lease: Lease;
  readonly #made: Route;
  readonly #onRelease: () => void;
  /** What is selected on it now. */
  #db: number;
  #protocol: 2 | 3;
  /** Its id at the master, once it was told. */
  #id: number | undefined = undefined;
  #released: boolean = false;

  constructor(forwards: Forwards, lease: Lease, made: Route, onRelease: () => void) {
    this.#onRelease = onRelease;
    this.#forwards = forwards;
    this.#lease = lease;
    this.#made = { db: made.db, protocol: made.protocol };
    this.#db = made.db;
    this.#protocol = made.protocol;
  }

  get closed(): boolean {
    return this.#lease.connection.closed;
  }

  send(
    request: Request,
    route: Route,
    { blocks, waits }: { readonly blocks: boolean; readonly waits: boolean },
  ): Promise<RawReply> {
    const { connection } = this.#lease;
    return this.#forwards.forward(request.bytes.length, async (sent) => {
      const refusal = await this.#align(route);
      if (refusal !== undefined) return refusal;
      if (blocks) await this.#learnId();
      if (this.closed) throw new Error("the connection has ended");
      sent();
      return await this.#forwards.sendOn(connection, request, waits, !blocks);
    });
  }

  transact(requests: readonly Request[], route: Route): Promise<RawReply> {
    return this.#forwards.forward(bytesOf(requests), (sent) => this.run(requests, route, sent));
  }

  /** A transaction, without being counted. */
  async run(
    requests: readonly Request[],
    route: Route,
    sent: () => void,
  ): Promise<RawReply> {
    const { connection } = this.#lease;
    const refusal = await this.#align(route);
    if (refusal !== undefined) return refusal;
    const reply = await this.#forwards.transactOn(connection, requests, sent);
    if (requests.some(({ name }) => name === "select")) this.#db = -1;
    return reply;
  }

  unblock(how: "timeout" | "error"): boolean {
    if (this.#id === undefined) return false;
    const words = ["CLIENT", "UNBLOCK", String(this.#id), how.toUpperCase()];
    this.#forwards.ask(this.#made, ...words).catch(() => this.release(true));
    return true;
  }

  release(ends: boolean): void {
    if (this.#released) return;
    this.#released = true;
    this.#onRelease();
    const { connection, release } = this.#lease;
    const isAsMade = this.#db === this.#made.db && this.#protocol === this.#made.protocol;
    if (ends || !isAsMade || connection.unanswered > 0) return release(false);
    // Nothing may stay watched for who gets it next.
    connection.ask("UNWATCH").then(() => release(true), () => release(false));
  }

  /** Makes the connection what the client is: it may have chosen another database or protocol meanwhile. */
  async #align({ db, protocol }: Route): Promise<RawReply | undefined> {
    const { connection } = this.#lease;
    const changes: string[][] = [];
    if (protocol !== this.#protocol) changes.push(["HELLO", String(protocol)]);
    if (db !== this.#db) changes.push(["SELECT", String(db)]);
    for (const words of changes) {
      const { value } = await connection.askRaw(words[0], requestOfWords(...words));
      if (value instanceof ErrorReply) return errorReply(value.message);
    }
    this.#db = db;
    this.#protocol = protocol;
    return undefined;
  }

  /** Its id is what CLIENT UNBLOCK names; a user without the right cannot be unblocked that way. */
  async #learnId(): Promise<void> {
    if (this.#id !== undefined) return;
    const { value } = await this.#lease.connection.askRaw("CLIENT", requestOfWords("CLIENT", "ID"));
    if (typeof value === "number") this.#id = value;
  }
}

function bytesOf(requests: readonly Request[]): number {
  return requests.reduce((sum, { bytes }) => sum + bytes.length, 0);
}

/** The reply to EXEC when a command could not be queued. */
function aborted({ message }: ErrorReply): RawReply {
  const reason = message.startsWith("ERR ") ? message.slice(4) : message;
  return errorReply(`EXECABORT Transaction discarded because of: ${reason}`);
}
