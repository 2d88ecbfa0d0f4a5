/**
 * A connection on which commands are asked one after the other: of a sentinel, or of a master before it is
 * followed. No client library: no pool, no pipelining, no reconnecting.
 *
 * @module
 */

import { utf8 } from "../base/ascii.ts";
import { assert } from "../base/assert.ts";
import type { Clock, TimerId } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import {
  type Address,
  formatAddress,
  type Net,
  type Socket,
  type TlsClientOptions,
} from "../net/socket.ts";
import { ReplyParser } from "../resp/reply_parser.ts";
import { ErrorReply, type RespValue } from "../resp/types.ts";
import { writeCommand } from "../resp/writer.ts";
import type { LinkLogin } from "./types.ts";

/** Longest reply accepted: a sentinel's answers are a few kilobytes. */
const MAX_REPLY_BYTES = 1024 * 1024;

/** Options of {@linkcode Peer.open}. */
export interface PeerOptions {
  /** Network that the connection is made on. */
  readonly net: Net;
  /** Clock that measures both timeouts. */
  readonly clock: Clock;
  /** Where the server is that is asked. */
  readonly address: Address;
  /** TLS to the server; without it the connection is plain. */
  readonly tls?: TlsClientOptions;
  /** What AUTH is sent with; without it no AUTH is sent. */
  readonly login?: LinkLogin;
  /** Milliseconds until the connection stands; 0 waits forever. */
  readonly connectMs: number;
  /** Milliseconds until each reply; 0 waits forever. */
  readonly replyMs: number;
  /** Ends the connection, or the way to it, and rejects what is asked. */
  readonly signal: AbortSignal;
}

/** The two ends of the promise for the reply that is awaited. */
interface Question {
  resolve(reply: RespValue): void;
  reject(error: Error): void;
}

/** A connection to one server, for one command at a time. */
export class Peer {
  /** Called with each message of a subscription: `["message", channel, payload]`. */
  onMessage: (message: readonly RespValue[]) => void = () => {};
  /** Called once, when the connection has ended, with the reason. */
  onClose: (error: Error) => void = () => {};
  readonly #options: PeerOptions;
  readonly #socket: Socket;
  readonly #parser: ReplyParser = new ReplyParser({ bulkBytes: MAX_REPLY_BYTES });
  readonly #stop: () => void;
  #question: Question | undefined;
  #timer: TimerId | undefined;
  #closed: boolean = false;

  private constructor(options: PeerOptions, socket: Socket) {
    this.#options = options;
    this.#socket = socket;
    this.#stop = () => this.close();
    options.signal.addEventListener("abort", this.#stop, { once: true });
    socket.start({
      onData: (chunk) => this.#onData(chunk),
      onClose: (error) => this.#end(error ?? new Error("it closed the connection")),
    });
    if (options.signal.aborted) this.close();
  }

  /**
   * Connects and logs in.
   *
   * @throws {Error} When the server cannot be reached, refuses the login, or `signal` came first.
   */
  static async open(options: PeerOptions): Promise<Peer> {
    const { net, address, tls, login, connectMs, signal } = options;
    const socket = await net.connect({ address, tls, timeoutMs: connectMs, signal });
    const peer = new Peer(options, socket);
    if (login === undefined) return peer;
    try {
      const name = login.username === undefined ? [] : [login.username];
      await peer.ask("AUTH", ...name, login.password);
    } catch (error) {
      peer.close();
      throw error;
    }
    return peer;
  }

  /**
   * Sends a command and resolves with its reply. The one before must have been answered.
   *
   * @throws {ErrorReply} For an error reply.
   * @throws {Error} When the connection ends first, or no reply comes in time.
   */
  ask(...args: readonly string[]): Promise<RespValue> {
    assert(this.#question === undefined, "one command at a time");
    const { clock, replyMs } = this.#options;
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(new Error("the connection is closed"));
      this.#question = { resolve, reject };
      if (replyMs > 0) this.#timer = clock.setTimer(() => this.#late(args[0]), replyMs);
      writeCommand(this.#socket.out, ...args);
      this.#socket.flush();
    });
  }

  /** Ends the connection; what is asked is rejected. */
  close(): void {
    this.#end(new Error("the connection was given up"));
  }

  #late(command: string): void {
    const { address, replyMs } = this.#options;
    this.#end(new Error(`${formatAddress(address)} did not answer ${command} for ${replyMs} ms`));
  }

  #onData(chunk: Uint8Array): void {
    if (this.#closed) return;
    try {
      this.#parser.push(chunk);
      for (let reply = this.#parser.next(); reply !== undefined; reply = this.#parser.next()) {
        this.#onReply(reply);
        if (this.#closed) return;
      }
    } catch (error) {
      this.#end(new Error(`its answer is not RESP: ${messageOf(error)}`));
    }
  }

  #onReply(reply: RespValue): void {
    if (Array.isArray(reply) && reply.length === 3 && textOf(reply[0]) === "message") {
      return this.onMessage(reply);
    }
    const question = this.#question;
    if (question === undefined) return this.#end(new Error("it answered without being asked"));
    this.#question = undefined;
    this.#options.clock.clearTimer(this.#timer);
    if (reply instanceof ErrorReply) question.reject(reply);
    else question.resolve(reply);
  }

  #end(error: Error): void {
    if (this.#closed) return;
    this.#closed = true;
    const { clock, signal } = this.#options;
    signal.removeEventListener("abort", this.#stop);
    clock.clearTimer(this.#timer);
    this.#socket.abort();
    const question = this.#question;
    this.#question = undefined;
    question?.reject(error);
    this.onClose(error);
  }
}

/** A bulk or simple string of a reply as UTF-8 text; "" for any other reply. */
export function textOf(value: RespValue | undefined): string {
  if (typeof value === "string") return value;
  return value instanceof Uint8Array ? utf8(value) : "";
}
