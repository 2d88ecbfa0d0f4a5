/**
 * A plain connection to a real server: commands in order, replies as values and as the exact bytes
 * that came.
 *
 * @module
 */

import { connect, type Socket } from "node:net";
import { encodeCommand, readReply, type Reply } from "./resp.ts";

/** One argument of a command. */
export type Argument = string | number | Uint8Array;

interface Waiter {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

/** One reply. */
export interface Answer {
  /** What it says. */
  readonly value: Reply;
  /** The bytes it came in. */
  readonly raw: Uint8Array;
}

/** A connection; made by {@linkcode open}. */
export class Connection {
  readonly #socket: Socket;
  readonly #waiters: Waiter[] = [];
  #buffer: Uint8Array = new Uint8Array(64 * 1024);
  #start = 0;
  #end = 0;
  #failure: Error | undefined;
  /** Called with what nobody asked for: pushes, and everything after {@linkcode Connection.takeOver}. */
  onUnasked: (answer: Answer) => void = () => {};
  #onBytes: ((chunk: Uint8Array) => void) | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (chunk) => this.#take(chunk as Uint8Array));
    socket.on("error", (error) => this.#fail(error));
    socket.on("close", () => this.#fail(new Error("The server closed the connection")));
  }

  /** Sends a command and gives its reply; error replies are values. */
  async call(...args: Argument[]): Promise<Reply> {
    return (await this.exchange(encodeCommand(args))).value;
  }

  /** Sends a command and gives its reply's exact bytes. */
  async raw(...args: Argument[]): Promise<Uint8Array> {
    return (await this.exchange(encodeCommand(args))).raw;
  }

  /** Sends the bytes of one command, whatever they are, and gives the next reply. */
  exchange(bytes: Uint8Array): Promise<Answer> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
      this.#socket.write(bytes);
    });
  }

  /** Sends many commands at once and gives all replies. */
  pipeline(commands: readonly (readonly Argument[])[]): Promise<Reply[]> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const parts = commands.map(encodeCommand);
    const replies = parts.map(() =>
      new Promise<Answer>((resolve, reject) => this.#waiters.push({ resolve, reject }))
    );
    this.#socket.cork();
    for (const part of parts) this.#socket.write(part);
    this.#socket.uncork();
    return Promise.all(replies).then((answers) => answers.map((answer) => answer.value));
  }

  /** Sends bytes and expects nothing. */
  send(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** From now on all bytes go to `onBytes` as they come, first those that are already here. */
  takeOver(onBytes: (chunk: Uint8Array) => void): void {
    this.#onBytes = onBytes;
    const rest = this.#buffer.slice(this.#start, this.#end);
    this.#start = this.#end = 0;
    if (rest.length > 0) onBytes(rest);
  }

  /** Closes it; what still waits for a reply is rejected. */
  close(): void {
    this.#fail(new Error("The connection was closed here"));
    this.#socket.destroy();
  }

  #take(chunk: Uint8Array): void {
    if (this.#onBytes !== undefined) return this.#onBytes(chunk);
    this.#append(chunk);
    try {
      let reply = readReply(this.#buffer, this.#start, this.#end);
      while (reply !== undefined) {
        const answer = { value: reply.value, raw: this.#buffer.slice(this.#start, reply.end) };
        this.#start = reply.end;
        const waiter = answer.raw[0] === 62 ? undefined : this.#waiters.shift();
        if (waiter === undefined) this.onUnasked(answer);
        else waiter.resolve(answer);
        if (this.#onBytes !== undefined) return;
        reply = readReply(this.#buffer, this.#start, this.#end);
      }
    } catch (error) {
      this.#fail(error as Error);
      this.#socket.destroy();
    }
  }

  #append(chunk: Uint8Array): void {
    if (this.#start === this.#end) this.#start = this.#end = 0;
    if (this.#end + chunk.length > this.#buffer.length) {
      const held = this.#buffer.subarray(this.#start, this.#end);
      const grown = new Uint8Array(Math.max(this.#buffer.length, 2 * (held.length + chunk.length)));
      grown.set(held);
      this.#buffer = grown;
      this.#start = 0;
      this.#end = held.length;
    }
    this.#buffer.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error);
  }
}

/** Connects to `host:port`. */
export function open(port: number, host = "127.0.0.1"): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host });
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject);
      resolve(new Connection(socket));
    });
  });
}
