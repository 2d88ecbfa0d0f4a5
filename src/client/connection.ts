/**
 * A connection on which a server is asked as a client asks it: sentinels for their master, a master for one
 * key. Commands are pipelined, and each has a promise for its reply. Not a general client library: it does not
 * reconnect, and it does not know what a command means, but for those that set a connection up.
 *
 * ```text
 *  open     connect -> HELLO 3 [AUTH user password]   or   AUTH [user] password   -> SELECT n
 *  ask      --> c1 c2 c3 -->                 sent at once, whatever is still unanswered
 *           <-- r1 r2 r3 <--                 settles the oldest question
 *  message  RESP3 pushes; after SUBSCRIBE, the arrays that RESP2 sends in their place
 * ```
 *
 * @module
 */

import { utf8 } from "../base/ascii.ts";
import { assert } from "../base/assert.ts";
import { ByteBuffer } from "../base/byte_buffer.ts";
import type { Clock, TimerId } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import { conceal } from "../base/secrets.ts";
import {
  type Address,
  formatAddress,
  type Net,
  type Socket,
  SocketError,
  type TlsClientOptions,
} from "../net/socket.ts";
import { isTlsRecord, MAY_SPEAK_TLS, SPEAKS_TLS } from "../net/tls_record.ts";
import type { RawReply } from "../resp/raw.ts";
import { ReplyParser } from "../resp/reply_parser.ts";
import { ErrorReply, Push, type RespValue, VerbatimString } from "../resp/types.ts";
import { writeCommand } from "../resp/writer.ts";

/** Longest string accepted in a reply unless told: a sentinel's answers are a few kilobytes. */
const MAX_REPLY_BYTES = 1024 * 1024;
/** Bytes of memory kept for a reply that comes in several chunks. */
const KEPT_BYTES = 64 * 1024;
/** Kinds of message that RESP2 sends as an array of the same form as a reply. */
const MESSAGES: ReadonlySet<string> = new Set(["message", "pmessage", "smessage"]);

/** What AUTH is sent with. */
export interface ClientLogin {
  /** ACL user; left out for `AUTH password`, which every version knows. */
  readonly username?: string;
  /** The password, in plain text. */
  readonly password: string;
}

/** Options of {@linkcode ClientConnection.open}. */
export interface ClientOptions {
  /** Network that the connection is made on. */
  readonly net: Net;
  /** Clock that measures both timeouts. */
  readonly clock: Clock;
  /** Where the server is that is asked. */
  readonly address: Address;
  /** TLS to the server; without it the connection is plain. */
  readonly tls?: TlsClientOptions;
  /** What AUTH is sent with; without it no AUTH is sent. */
  readonly login?: ClientLogin;
  /** 3 says HELLO 3, which servers before 6.0 refuse; 2, the default, says nothing. */
  readonly protocol?: 2 | 3;
  /** Database to select; 0, the default, sends no SELECT. */
  readonly db?: number;
  /** Milliseconds until the connection stands; 0 waits forever. */
  readonly connectMs: number;
  /** Milliseconds until each reply; 0 waits forever. */
  readonly replyMs: number;
  /** Longest string accepted in a reply, in bytes; 1 MB unless told. */
  readonly replyBytes?: number;
  /** Ends the connection, or the way to it, and rejects what is asked. */
  readonly signal: AbortSignal;
}

/** A command that has not been answered. */
interface Question {
  /** Name of the command, for the error when no reply comes. */
  readonly name: string;
  /** When it was sent, on the monotonic clock. */
  readonly askedMs: number;
  /** Whether the reply is wanted as it came, beside its value; it is then no failure when it is an error. */
  readonly raw: boolean;
  resolve(reply: RespValue | RawReply): void;
  reject(error: Error): void;
}

/** A connection to one server; made by {@linkcode ClientConnection.open}. */
export class ClientConnection {
  /** Called with each message of a subscription, as `["message", channel, payload]`, and each push. */
  onMessage: (message: readonly RespValue[]) => void = () => {};
  /** Called once, when the connection has ended, with the reason. */
  onClose: (error: Error) => void = () => {};
  readonly #options: ClientOptions;
  readonly #socket: Socket;
  readonly #parser: ReplyParser;
  readonly #stop: () => void;
  readonly #questions: Question[] = [];
  /** Bytes of the reply that has begun to come, while any question wants them. */
  readonly #begun: ByteBuffer = new ByteBuffer();
  /** How many of the questions want their reply as it came. */
  #raws: number = 0;
  /** Bytes that have come before the chunk at hand. */
  #received: number = 0;
  #timer: TimerId | undefined;
  #subscribes: boolean = false;
  #closed: boolean = false;
  /** Nothing has come from the server yet. */
  #isSilent: boolean = true;
  /** True when it ends with the last reply. */
  #closing: boolean = false;

  private constructor(options: ClientOptions, socket: Socket) {
    this.#options = options;
    this.#socket = socket;
    this.#parser = new ReplyParser({ bulkBytes: options.replyBytes ?? MAX_REPLY_BYTES });
    this.#stop = () => this.close();
    options.signal.addEventListener("abort", this.#stop, { once: true });
    socket.start({
      onData: (chunk) => this.#onData(chunk),
      onClose: (error) => this.#end(this.#closeError(error)),
    });
    if (options.signal.aborted) this.close();
  }

  /**
   * Connects, logs in and selects the database.
   *
   * @throws {SocketError} When the server cannot be reached.
   * @throws {ErrorReply} When the server refuses the login, the protocol or the database.
   * @throws {Error} When the connection ends before that, or `signal` came first.
   */
  static async open(options: ClientOptions): Promise<ClientConnection> {
    const { net, address, tls, connectMs, signal } = options;
    const socket = await net.connect({ address, tls, timeoutMs: connectMs, signal });
    const connection = new ClientConnection(options, socket);
    try {
      await connection.#setUp();
      return connection;
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  /** True once the connection has ended, for whatever reason. */
  get closed(): boolean {
    return this.#closed;
  }

  /** How many commands have not been answered. */
  get unanswered(): number {
    return this.#questions.length;
  }

  /**
   * Sends a command behind those that are not answered yet, and resolves with its reply. Errors inside an
   * array, as EXEC may answer them, are elements of it.
   *
   * @throws {ErrorReply} For an error reply.
   * @throws {Error} When the connection ends first, or no reply comes in time.
   */
  ask(...args: readonly (string | Uint8Array)[]): Promise<RespValue> {
    assert(args.length > 0, "a command has a name");
    const name = typeof args[0] === "string" ? args[0] : utf8(args[0]);
    return new Promise((resolve, reject) => {
      if (!this.#expect({ name, raw: false, resolve: resolve as Question["resolve"], reject })) {
        return;
      }
      if (/^[PS]?SUBSCRIBE$/i.test(name)) this.#subscribes = true;
      writeCommand(this.#socket.out, ...args);
      this.#socket.flush();
    });
  }

  /**
   * Sends a command that is written as RESP already, and resolves with the reply as it came, be it an error.
   *
   * @param name The command's name, for the error when no reply comes.
   * @throws {Error} When the connection ends first, or no reply comes in time.
   */
  askRaw(name: string, request: Uint8Array): Promise<RawReply> {
    return new Promise((resolve, reject) => {
      if (!this.#expect({ name, raw: true, resolve: resolve as Question["resolve"], reject })) {
        return;
      }
      this.#raws++;
      this.#socket.out.writeBytes(request);
      this.#socket.flush();
    });
  }

  /**
   * Sends many commands at once, for one promise: resolves with all replies in their order, an error reply as an
   * {@linkcode ErrorReply} among them.
   *
   * @throws {Error} When the connection ends first, or a reply does not come in time.
   */
  askAll(commands: readonly (readonly (string | Uint8Array)[])[]): Promise<RespValue[]> {
    assert(commands.length > 0, "something is asked");
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(new Error("the connection is closed"));
      const replies: RespValue[] = [];
      const take = (reply: RespValue) => {
        replies.push(reply);
        if (replies.length === commands.length) resolve(replies);
      };
      const question: Question = {
        name: String(commands[0][0]),
        raw: false,
        askedMs: this.#options.clock.monotonic(),
        resolve: take as Question["resolve"],
        reject: (error) => error instanceof ErrorReply ? take(error) : reject(error),
      };
      for (const args of commands) {
        this.#questions.push(question);
        writeCommand(this.#socket.out, ...args);
      }
      this.#watch();
      this.#socket.flush();
    });
  }

  /** Enters a question; false where the connection has ended, and nothing must be sent. */
  #expect(question: Omit<Question, "askedMs">): boolean {
    if (this.#closed) {
      question.reject(new Error("the connection is closed"));
      return false;
    }
    this.#questions.push({ ...question, askedMs: this.#options.clock.monotonic() });
    if (this.#questions.length === 1) this.#watch();
    return true;
  }

  /** Ends the connection once every command has its reply; at once when there is none to wait for. */
  closeWhenAnswered(): void {
    this.#closing = true;
    if (this.#questions.length === 0) this.close();
  }

  /** Ends the connection; what is asked is rejected. */
  close(): void {
    this.#end(new Error("the connection was given up"));
  }

  async #setUp(): Promise<void> {
    const { db } = this.#options;
    await this.#logIn();
    if (db !== undefined && db !== 0) await this.ask("SELECT", String(db));
  }

  /** Sends HELLO or AUTH. A server that does not know the command quotes its arguments, the password too. */
  async #logIn(): Promise<void> {
    const { login, protocol } = this.#options;
    try {
      await this.#sendLogin(login, protocol);
    } catch (error) {
      if (!(error instanceof ErrorReply)) throw error;
      throw new ErrorReply(conceal(error.message, [login?.password]));
    }
  }

  async #sendLogin(
    login: ClientOptions["login"],
    protocol: ClientOptions["protocol"],
  ): Promise<void> {
    if (protocol === 3) {
      const auth = login === undefined ? [] : ["AUTH", login.username ?? "default", login.password];
      await this.ask("HELLO", "3", ...auth);
    } else if (login !== undefined) {
      const name = login.username === undefined ? [] : [login.username];
      await this.ask("AUTH", ...name, login.password);
    }
  }

  /**
   * Has a timer run while anything is asked. It was set for a question that may have been answered since: it looks
   * at the oldest one when it fires, so that a reply sets no timer. Replies come in order: no other one is late first.
   */
  #watch(): void {
    const { clock, replyMs } = this.#options;
    const oldest = this.#questions[0];
    if (oldest === undefined) {
      clock.clearTimer(this.#timer);
      this.#timer = undefined;
    } else if (this.#timer === undefined && replyMs !== 0) {
      const leftMs = oldest.askedMs + replyMs - clock.monotonic();
      this.#timer = clock.setTimer(() => this.#look(), Math.max(1, leftMs));
    }
  }

  /** Ends the connection when the oldest question is late; else looks again when it will be. */
  #look(): void {
    this.#timer = undefined;
    const { address, clock, replyMs } = this.#options;
    const oldest = this.#questions[0];
    if (oldest === undefined || oldest.askedMs + replyMs > clock.monotonic()) return this.#watch();
    const where = formatAddress(address);
    this.#end(new Error(`${where} did not answer ${oldest.name} for ${replyMs} ms`));
  }

  /** Why the connection has ended; where nothing at all came, what may be the reason. */
  #closeError(error: SocketError | undefined): Error {
    if (!this.#isSilent || this.#options.tls !== undefined || this.#questions.length === 0) {
      return error ?? new Error("it closed the connection");
    }
    if (error === undefined) return new Error(MAY_SPEAK_TLS);
    return new SocketError(error.code, `${error.message}; ${MAY_SPEAK_TLS}`, error.cause);
  }

  #onData(chunk: Uint8Array): void {
    if (this.#closed) return;
    const isFirst = this.#isSilent;
    this.#isSilent = false;
    if (isFirst && isTlsRecord(chunk)) return this.#end(new SocketError("TLS", SPEAKS_TLS));
    try {
      this.#readReplies(chunk);
    } catch (error) {
      this.#end(new Error(`its answer is not RESP: ${messageOf(error)}`));
    }
  }

  #readReplies(chunk: Uint8Array): void {
    const parser = this.#parser;
    const chunkStart = this.#received;
    this.#received += chunk.length;
    let start = parser.consumed;
    parser.push(chunk);
    for (let reply = parser.next(); reply !== undefined; reply = parser.next()) {
      const isRaw = this.#questions[0]?.raw === true && !(reply instanceof Push);
      const raw = isRaw ? this.#bytesOf(chunk, chunkStart, start) : undefined;
      start = parser.consumed;
      this.#onReply(reply, raw);
      if (this.#closed) return;
    }
    const isAnew = start >= chunkStart;
    if (isAnew) this.#begun.shrink(KEPT_BYTES);
    if (this.#raws > 0) this.#begun.writeBytes(chunk, isAnew ? start - chunkStart : 0);
  }

  /** The bytes of the reply that has just become whole. @param start Where it began, in bytes of the stream. */
  #bytesOf(chunk: Uint8Array, chunkStart: number, start: number): Uint8Array {
    const end = this.#parser.consumed - chunkStart;
    if (start >= chunkStart) return chunk.slice(start - chunkStart, end);
    assert(this.#begun.length === chunkStart - start, "what came of the reply before is kept");
    this.#begun.writeBytes(chunk, 0, end);
    return this.#begun.toBytes();
  }

  #onReply(reply: RespValue, raw: Uint8Array | undefined): void {
    if (reply instanceof Push) return this.onMessage(reply.items);
    if (this.#subscribes && Array.isArray(reply) && MESSAGES.has(textOf(reply[0]))) {
      return this.onMessage(reply);
    }
    const question = this.#questions.shift();
    if (question === undefined) return this.#end(new Error("it answered without being asked"));
    this.#watch();
    if (raw !== undefined) {
      this.#raws--;
      question.resolve({ bytes: raw, value: reply });
    } else if (reply instanceof ErrorReply) question.reject(reply);
    else question.resolve(reply);
    if (this.#closing && this.#questions.length === 0) this.close();
  }

  #end(error: Error): void {
    if (this.#closed) return;
    this.#closed = true;
    const { clock, signal } = this.#options;
    signal.removeEventListener("abort", this.#stop);
    clock.clearTimer(this.#timer);
    this.#socket.abort();
    for (const question of this.#questions.splice(0)) question.reject(error);
    this.onClose(error);
  }
}

/** A bulk, simple or verbatim string of a reply as UTF-8 text; "" for any other reply. */
export function textOf(value: RespValue | undefined): string {
  if (typeof value === "string") return value;
  if (value instanceof VerbatimString) return value.toString();
  return value instanceof Uint8Array ? utf8(value) : "";
}
