/**
 * Asks the master for what the stream does not tell: values of keys as of an offset, and what its commands
 * are. One ordinary connection, made when something is to be asked and closed a while after the last answer.
 *
 * ```text
 *  once a connection   INFO server           its version and run id; CLIENT NO-TOUCH, READONLY in a cluster
 *  a key               SELECT db             MEMORY USAGE key: how much it would be
 *                      MULTI                 DUMP, expiry and offset are of one moment
 *                      SELECT db
 *                      DUMP key
 *                      PEXPIRETIME key       before 7.0: TIME, PTTL, TIME
 *                      INFO replication      replid and offset
 *                      EXEC
 *  keys, at once       the same with TYPE in the place of each DUMP: are they there?
 *  a command           COMMAND INFO name     once per run id
 *                      COMMAND GETKEYS ...   for each one whose keys only the master can find
 * ```
 *
 * @module
 */

import type { TimerId } from "../../base/clock.ts";
import { ClientConnection, textOf } from "../../client/connection.ts";
import { fieldOf } from "../../client/info.ts";
import type { Argv } from "../../resp/argv.ts";
import { ErrorReply, type RespValue } from "../../resp/types.ts";
import { type ForeignCommand, readForeignCommand } from "./foreign.ts";
import type { Place, RepairOptions } from "./types.ts";

/** Longest payload accepted: the largest value that is asked for, with room for what DUMP adds. */
const MAX_PAYLOAD_BYTES = 128 * 1024 * 1024;
/** Milliseconds without a question after which the connection is closed. */
const IDLE_MS = 30_000;
/** A key that need not exist, for a look at what we may do. */
const PROBED_KEY = "rimr:probe";
/** Most commands remembered of one master. */
const MAX_COMMANDS = 1000;

/** A moment of the master's, as an offset and the history that the offset counts in. */
export interface MasterPlace {
  /** Id of the master's history. */
  readonly replid: string;
  /** Its id before the last failover, or 40 zeros. */
  readonly replid2: string;
  /** First offset that `replid2` does not cover, or -1. */
  readonly secondOffset: number;
  /** Offset of the last byte of the stream that what was read at that moment has seen. */
  readonly offset: number;
}

/** A value as of a moment of the master's. */
export interface MasterValue extends MasterPlace {
  /** What DUMP answered; null when there is no such key, and where only its type was asked. */
  readonly payload: Uint8Array | null;
  /** What TYPE answered where that was asked in place of DUMP and there is such a key; else undefined. */
  readonly type: string | undefined;
  /** When it expires, decimal milliseconds since 1970; "0" for never. */
  readonly expireAtMs: string;
}

/** Some keys of a database. */
export interface MasterPage {
  /** Id of the process that answered: its cursors mean nothing to another one. */
  readonly runId: string;
  /** Where the next page begins; "0" where this was the last one. */
  readonly cursor: string;
  /** The keys, each owned by the caller. */
  readonly keys: readonly Uint8Array[];
  /** Offset of the stream behind which the page was made. */
  readonly place: number;
}

/** True when a value's offset counts in the history that is followed. */
export function isOfHistory(value: MasterPlace, place: Place): boolean {
  if (value.replid === place.replid) return true;
  if (value.replid2 === place.replid && value.offset < value.secondOffset) return true;
  return value.replid === place.replid2 && value.offset < place.secondOffset;
}

/** The master refuses commands to our user. */
export class MissingRights extends Error {
  /** What would allow them, as ACL SETUSER takes it: `+dump`, or `~*` for keys. */
  readonly rights: readonly string[];

  /** Takes the rights that are missing. */
  constructor(rights: readonly string[]) {
    super(`The user lacks ${rights.join(" ")} at the master`);
    this.rights = rights;
  }
}

/** How the master is reached: what a {@linkcode MasterDesk} needs of the options of repairs. */
export type DeskOptions = Pick<
  RepairOptions,
  "net" | "clock" | "tls" | "place" | "connectMs" | "replyMs" | "address" | "login"
>;

/** What {@linkcode MasterDesk.atOnce} answers. */
export interface AnswersAtOnce {
  /** The replies in the order of the questions; none is an error. */
  readonly replies: readonly RespValue[];
  /** Where the moment is that all of them are of. */
  readonly place: MasterPlace;
}

/** A command, and the right that it needs. */
export type Question = readonly [args: readonly (string | Uint8Array)[], right: string];

/** How it is asked when a key expires. */
const EXPIRE_TIME: readonly ((key: Uint8Array) => Question)[] = [
  (key) => [["PEXPIRETIME", key], "+pexpiretime"],
];
/** The same of servers before 7.0. */
const TIME_TO_LIVE: readonly ((key: Uint8Array) => Question)[] = [
  () => [["TIME"], "+time"],
  (key) => [["PTTL", key], "+pttl"],
  () => [["TIME"], "+time"],
];

/** The master as a client sees it. */
export class MasterDesk {
  readonly #options: DeskOptions;
  #abort: AbortController = new AbortController();
  readonly #commands: Map<string, ForeignCommand | null> = new Map();
  #connection: ClientConnection | undefined;
  #opening: Promise<ClientConnection> | undefined;
  #idleTimer: TimerId | undefined;
  #address: string = "";
  #runId: string = "";
  #knowsExpireTime: boolean = true;
  #isCluster: boolean = false;

  /** Asks nothing yet. @param options Where the master is, and how it is reached. */
  constructor(options: DeskOptions) {
    this.#options = options;
  }

  /** Ends the connection, or the way to it; a later question makes another one. */
  stop(): void {
    this.#abort.abort();
    this.#abort = new AbortController();
    this.#disconnect();
  }

  /** What is known of a command by its name in lower case: null that the master has none, undefined nothing. */
  known(name: string): ForeignCommand | null | undefined {
    return this.#commands.get(name);
  }

  /**
   * Asks what a command of the master's is; null when it has none of that name.
   *
   * @throws {MissingRights} When our user may not ask.
   * @throws {Error} When the master cannot be reached.
   */
  async describe(name: string): Promise<ForeignCommand | null> {
    const connection = await this.#open();
    const reply = await this.#ask(connection, ["COMMAND", "INFO", name], "+command");
    const found = readForeignCommand(Array.isArray(reply) ? reply[0] : undefined) ?? null;
    if (this.#commands.size >= MAX_COMMANDS) this.#commands.clear();
    this.#commands.set(name, found);
    return found;
  }

  /**
   * Asks for the keys among the arguments of one command; empty when it has none.
   *
   * @throws {MissingRights} When our user may not ask.
   * @throws {Error} When the master cannot be reached.
   */
  async keysOf(argv: Argv): Promise<Uint8Array[]> {
    const connection = await this.#open();
    const args = Array.from({ length: argv.count }, (_, i) => argv.at(i).slice());
    try {
      const reply = await this.#ask(connection, ["COMMAND", "GETKEYS", ...args], "+command");
      return Array.isArray(reply) ? reply.filter((key) => key instanceof Uint8Array) : [];
    } catch (error) {
      // "The command has no key arguments", or arguments that it does not take.
      if (error instanceof ErrorReply) return [];
      throw error;
    }
  }

  /**
   * Asks how many bytes a value takes at the master; 0 for no such key.
   *
   * @throws {MissingRights} When our user may not ask.
   * @throws {Error} When the master cannot be reached.
   */
  async sizeOf(db: number, key: Uint8Array): Promise<number> {
    const connection = await this.#open();
    const selected = this.#ask(connection, ["SELECT", String(db)], "+select");
    const size = this.#ask(connection, ["MEMORY", "USAGE", key, "SAMPLES", "5"], "+memory|usage");
    const [, reply] = await both(selected, size);
    return typeof reply === "number" ? reply : 0;
  }

  /**
   * Asks for some keys of a database, and for the offset behind that answer.
   *
   * @param cursor As SCAN takes it: "0" to begin, then what the last answer said.
   * @throws {MissingRights} When our user may not ask.
   * @throws {Error} When the master cannot be reached, or is of another history.
   */
  async scan(db: number, cursor: string, count: number): Promise<MasterPage> {
    const connection = await this.#open();
    const runId = this.#runId;
    const asked = [
      this.#ask(connection, ["SELECT", String(db)], "+select"),
      this.#ask(connection, ["SCAN", cursor, "COUNT", String(count)], "+scan"),
      this.#ask(connection, ["INFO", "replication"], "+info"),
    ];
    const [, page, info] = (await Promise.allSettled(asked)).map((outcome) => {
      if (outcome.status === "rejected") throw outcome.reason;
      return outcome.value;
    });
    const keys = Array.isArray(page) ? page[1] : undefined;
    if (!Array.isArray(page) || !Array.isArray(keys)) throw new Error("SCAN answered no page");
    const text = textOf(info);
    const { replid, replid2 } = this.#options.place;
    if (![replid, replid2].includes(fieldOf(text, "master_replid"))) {
      throw new Error("The master is of another history");
    }
    const place = Number(fieldOf(text, "master_repl_offset") || NaN);
    if (!Number.isSafeInteger(place)) throw new Error("INFO replication names no offset");
    return {
      runId,
      cursor: textOf(page[0]),
      keys: keys.filter((key) => key instanceof Uint8Array),
      place,
    };
  }

  /**
   * Asks for a value, its expiry and the offset they are as of.
   *
   * @returns Undefined when the expiry could not be told to the millisecond (before 7.0): ask again.
   * @throws {MissingRights} When our user may not ask.
   * @throws {ErrorReply} When the master refuses for another reason.
   * @throws {Error} When the master cannot be reached.
   */
  async fetch(db: number, key: Uint8Array): Promise<MasterValue | undefined> {
    return (await this.#readKeys("DUMP", db, [key]))[0];
  }

  /**
   * Whether the master is a node of a cluster: it takes no transaction about keys of two slots.
   *
   * @throws {Error} When the master cannot be reached.
   */
  async isCluster(): Promise<boolean> {
    await this.#open();
    return this.#isCluster;
  }

  /**
   * Asks which of several keys are there, of which types, when they expire, and the offset that is as of.
   *
   * @returns In the order of the keys; undefined as `fetch` does, and it throws the same.
   */
  look(db: number, keys: readonly Uint8Array[]): Promise<(MasterValue | undefined)[]> {
    return this.#readKeys("TYPE", db, keys);
  }

  /**
   * Asks for the values of several keys of one database, all as of one offset. In a cluster they are of one slot.
   *
   * @returns In the order of the keys; undefined as `fetch` does, and it throws the same.
   */
  fetchAll(db: number, keys: readonly Uint8Array[]): Promise<(MasterValue | undefined)[]> {
    return this.#readKeys("DUMP", db, keys);
  }

  /** Asks DUMP or TYPE, and the expiry, of each key, all of one moment. */
  async #readKeys(
    name: "DUMP" | "TYPE",
    db: number,
    keys: readonly Uint8Array[],
  ): Promise<(MasterValue | undefined)[]> {
    await this.#open();
    const expiry = this.expiryQuestions.length;
    const questions = keys.flatMap((key): Question[] => [
      [[name, key], `+${name.toLowerCase()}`],
      ...this.expiryQuestions.map((ask) => ask(key)),
    ]);
    const { replies, place } = await this.atOnce(db, questions);
    return keys.map((_, i) => {
      const from = i * (1 + expiry);
      const expireAtMs = readExpiry(replies.slice(from + 1, from + 1 + expiry));
      if (expireAtMs === undefined) return undefined;
      return { ...place, ...readHeld(replies[from]), expireAtMs };
    });
  }

  /** The commands that tell when a key expires; {@linkcode readExpiry} reads their replies. */
  get expiryQuestions(): readonly ((key: Uint8Array) => Question)[] {
    return this.#knowsExpireTime ? EXPIRE_TIME : TIME_TO_LIVE;
  }

  /**
   * Asks commands that only read, of one database and one moment, and where that moment is in the stream.
   *
   * @throws {MissingRights} When our user may not ask one of them.
   * @throws {ErrorReply} When the master refuses one of them for another reason.
   * @throws {Error} When the master cannot be reached.
   */
  async atOnce(db: number, questions: readonly Question[]): Promise<AnswersAtOnce> {
    const connection = await this.#open();
    const all: Question[] = [
      [["MULTI"], "+multi"],
      [["SELECT", String(db)], "+select"],
      ...questions,
      [["INFO", "replication"], "+info"],
      [["EXEC"], "+exec"],
    ];
    const replies = await this.#askAll(connection, all);
    // EXECABORT comes last and says nothing of its own: the first failure is the reason.
    throwFailures(replies, all);
    const executed = replies.at(-1);
    if (!Array.isArray(executed)) throw new Error("EXEC was not answered by an array");
    const inside = all.slice(1, -1);
    if (executed.length !== inside.length) throw new Error("EXEC did not answer each command");
    throwFailures(executed, inside);
    return { replies: executed.slice(1, -1), place: readPlace(textOf(executed.at(-1))) };
  }

  /**
   * Asks commands that only read, of one database, one behind the other and each of a moment of its own.
   *
   * @returns Their replies, an {@linkcode ErrorReply} where the master refuses one for another reason than rights.
   * @throws {MissingRights} When our user may not ask one of them.
   * @throws {Error} When the master cannot be reached.
   */
  async inTurn(db: number, questions: readonly Question[]): Promise<RespValue[]> {
    const connection = await this.#open();
    const all: Question[] = [[["SELECT", String(db)], "+select"], ...questions];
    const replies = await this.#askAll(connection, all);
    const rights = missingRights(replies, all);
    if (rights.length > 0) throw new MissingRights(rights);
    if (replies[0] instanceof ErrorReply) throw replies[0];
    return replies.slice(1);
  }

  /**
   * Tries each command that repairs need on a key that need not exist. Returns the rights that are missing.
   *
   * @throws {Error} When the master cannot be reached.
   */
  async probeRights(): Promise<string[]> {
    const connection = await this.#open();
    const expiry: [string[], string][] = this.#knowsExpireTime
      ? [[["PEXPIRETIME", PROBED_KEY], "+pexpiretime"]]
      : [[["PTTL", PROBED_KEY], "+pttl"], [["TIME"], "+time"]];
    const questions: [string[], string][] = [
      [["MULTI"], "+multi"],
      [["EXEC"], "+exec"],
      [["SELECT", "0"], "+select"],
      [["DUMP", PROBED_KEY], "+dump"],
      [["TYPE", PROBED_KEY], "+type"],
      ...expiry,
      [["COMMAND", "INFO", "ping"], "+command"],
      [["MEMORY", "USAGE", PROBED_KEY], "+memory|usage"],
    ];
    const asked = questions.map(([args, right]) => this.#ask(connection, args, right));
    const missing = new Set<string>();
    for (const outcome of await Promise.allSettled(asked)) {
      if (outcome.status === "fulfilled") continue;
      if (!(outcome.reason instanceof MissingRights)) continue;
      for (const right of outcome.reason.rights) missing.add(right);
    }
    return [...missing];
  }

  /** Sends one command. NOPERM becomes the right that is missing; "~*" where keys are forbidden. */
  async #ask(
    connection: ClientConnection,
    args: readonly (string | Uint8Array)[],
    right: string,
  ): Promise<RespValue> {
    try {
      return await connection.ask(...args);
    } catch (error) {
      throw error instanceof ErrorReply ? asMissingRights(error, right) : error;
    } finally {
      this.#watchIdle();
    }
  }

  /** Sends commands one behind the other, for all their replies. */
  async #askAll(
    connection: ClientConnection,
    questions: readonly Question[],
  ): Promise<RespValue[]> {
    try {
      return await connection.askAll(questions.map(([args]) => args));
    } finally {
      this.#watchIdle();
    }
  }

  /** The connection to where the master is now. */
  #open(): Promise<ClientConnection> {
    const address = JSON.stringify(this.#options.address());
    if (address !== this.#address) this.#disconnect();
    this.#address = address;
    if (this.#connection !== undefined && !this.#connection.closed) {
      return Promise.resolve(this.#connection);
    }
    return this.#opening ??= this.#connect().finally(() => this.#opening = undefined);
  }

  async #connect(): Promise<ClientConnection> {
    const { net, clock, tls, connectMs, replyMs, login, address } = this.#options;
    const { signal } = this.#abort;
    const connection = await ClientConnection.open({
      net,
      clock,
      address: address(),
      tls,
      login: await login(signal),
      connectMs,
      replyMs,
      replyBytes: MAX_PAYLOAD_BYTES,
      signal,
    });
    try {
      await this.#meet(connection);
    } catch (error) {
      connection.close();
      throw error;
    }
    this.#connection = connection;
    this.#watchIdle();
    return connection;
  }

  /** Learns who answers: another process may have other commands. */
  async #meet(connection: ClientConnection): Promise<void> {
    const info = textOf(await this.#ask(connection, ["INFO", "server"], "+info"));
    const runId = fieldOf(info, "run_id");
    if (runId !== this.#runId) this.#commands.clear();
    this.#runId = runId;
    const major = parseInt(fieldOf(info, "redis_version"), 10);
    this.#knowsExpireTime = !(major < 7);
    // Reading for a copy is no use of a key. Servers before 7.2 do not know the word.
    await ignoreRefusal(connection.ask("CLIENT", "NO-TOUCH", "ON"));
    this.#isCluster = fieldOf(info, "redis_mode") === "cluster";
    if (this.#isCluster) await ignoreRefusal(connection.ask("READONLY"));
  }

  #watchIdle(): void {
    const { clock } = this.#options;
    clock.clearTimer(this.#idleTimer);
    this.#idleTimer = undefined;
    if (this.#connection === undefined || this.#connection.closed) return;
    this.#idleTimer = clock.setTimer(() => {
      if (this.#connection?.unanswered === 0) this.#disconnect();
      else this.#watchIdle();
    }, IDLE_MS);
  }

  #disconnect(): void {
    this.#options.clock.clearTimer(this.#idleTimer);
    this.#idleTimer = undefined;
    this.#connection?.close();
    this.#connection = undefined;
  }
}

/** A refusal of a command that is only a courtesy changes nothing; a connection that broke is still told. */
async function ignoreRefusal(asked: Promise<RespValue>): Promise<void> {
  try {
    await asked;
  } catch (error) {
    if (!(error instanceof ErrorReply)) throw error;
  }
}

/** Waits for both, and throws what the first of them threw. */
async function both<A, B>(first: Promise<A>, second: Promise<B>): Promise<[A, B]> {
  const outcomes = await Promise.allSettled([first, second]);
  for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
  return [await first, await second];
}

/** NOPERM as the right that is missing, "~*" where keys are forbidden; another error as it is. */
function asMissingRights(error: ErrorReply, right: string): Error {
  if (error.code !== "NOPERM") return error;
  return new MissingRights([/\bkeys?\b/.test(error.message) ? "~*" : right]);
}

/** The rights that are missing by what the master answered. */
function missingRights(replies: readonly RespValue[], questions: readonly Question[]): string[] {
  const rights = new Set<string>();
  for (const [i, reply] of replies.entries()) {
    const error = reply instanceof ErrorReply ? asMissingRights(reply, questions[i][1]) : undefined;
    if (error instanceof MissingRights) { for (const right of error.rights) rights.add(right); }
  }
  return [...rights];
}

/** Throws all rights that are missing, or the first error. */
function throwFailures(replies: readonly RespValue[], questions: readonly Question[]): void {
  const rights = missingRights(replies, questions);
  if (rights.length > 0) throw new MissingRights(rights);
  const failure = replies.find((reply) => reply instanceof ErrorReply);
  if (failure !== undefined) throw failure;
}

/** Reads where a moment is from what INFO replication tells. */
function readPlace(info: string): MasterPlace {
  const offset = Number(fieldOf(info, "master_repl_offset") || NaN);
  if (!Number.isSafeInteger(offset)) throw new Error("INFO replication names no offset");
  return {
    replid: fieldOf(info, "master_replid"),
    replid2: fieldOf(info, "master_replid2"),
    secondOffset: Number(fieldOf(info, "second_repl_offset") || -1),
    offset,
  };
}

/** When a key expires, as RESTORE takes it; undefined when that cannot be told to the millisecond: ask again. */
export function readExpiry(replies: readonly RespValue[]): string | undefined {
  if (replies.length === EXPIRE_TIME.length) return absoluteExpiry(replies[0]);
  return relativeExpiry(replies[0], replies[1], replies[2]);
}

/** What DUMP answered, bytes or null, or TYPE, a simple string. */
function readHeld(reply: RespValue): Pick<MasterValue, "payload" | "type"> {
  if (reply instanceof Uint8Array) return { payload: reply, type: undefined };
  return { payload: null, type: typeof reply === "string" && reply !== "none" ? reply : undefined };
}

/** What RESTORE takes for what PEXPIRETIME answered. */
function absoluteExpiry(reply: RespValue): string {
  const isTime = (typeof reply === "number" || typeof reply === "bigint") && reply > 0;
  return isTime ? String(reply) : "0";
}

/** The moment from PTTL and the time before and after it; undefined when the two times differ. */
function relativeExpiry(
  before: RespValue,
  ttl: RespValue,
  after: RespValue,
): string | undefined {
  if ((typeof ttl !== "number" && typeof ttl !== "bigint") || ttl < 0) return "0";
  const [first, second] = [millisOf(before), millisOf(after)];
  return first === second ? String(BigInt(first) + BigInt(ttl)) : undefined;
}

/** Milliseconds since 1970 of a reply to TIME. */
function millisOf(reply: RespValue): number {
  if (!Array.isArray(reply)) return NaN;
  return Number(textOf(reply[0])) * 1000 + Math.floor(Number(textOf(reply[1])) / 1000);
}
