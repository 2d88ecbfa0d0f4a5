/**
 * A network whose far end is the test, and snapshots made by hand: what a scripted master needs.
 *
 * @module
 */

import assert from "node:assert/strict";
import { ByteBuffer } from "../../src/base/byte_buffer.ts";
import {
  type Address,
  type ConnectOptions,
  type Listener,
  type Net,
  type Socket,
  SocketError,
  type SocketHandler,
} from "../../src/net/socket.ts";
import { bytesOf, textOf } from "../support/bytes.ts";

/** The test's end of a connection. */
export class FakeSocket implements Socket {
  readonly remote: Address;
  readonly local: Address = { transport: "tcp", host: "127.0.0.1", port: 50000 };
  readonly out: ByteBuffer = new ByteBuffer();
  closed: boolean = false;
  /** True: nothing we flush is taken. */
  stuck: boolean = false;
  paused: boolean = false;
  /** The event loop is kept awake for it. */
  polled: boolean = false;
  /** How often it was paused. */
  pauses: number = 0;
  /** Set when we aborted or closed it. */
  abortedWith: SocketError | undefined;
  #handler: SocketHandler | undefined;
  #sent: string = "";
  #waiting: Uint8Array[] = [];

  constructor(remote: Address) {
    this.remote = remote;
  }

  get pendingBytes(): number {
    return this.out.length;
  }

  start(handler: SocketHandler): void {
    this.#handler = handler;
  }

  flush(): boolean {
    if (this.closed) {
      this.out.clear();
      return false;
    }
    if (this.stuck) return false;
    for (const byte of this.out.view()) this.#sent += String.fromCharCode(byte);
    this.out.clear();
    return true;
  }

  write(bytes: Uint8Array): boolean {
    this.out.writeBytes(bytes);
    return this.flush();
  }

  pause(): void {
    this.paused = true;
    this.pauses++;
  }

  resume(): void {
    this.paused = false;
    while (!this.paused && !this.closed && this.#waiting.length > 0) {
      this.#deliver(this.#waiting.shift()!);
    }
  }

  busyPoll(on: boolean): void {
    this.polled = on;
  }

  end(): void {}

  close(): void {
    this.#end(undefined);
  }

  abort(error?: SocketError): void {
    this.abortedWith = error;
    this.#end(error);
  }

  /** Everything we sent since the last call. */
  take(): string {
    const sent = this.#sent;
    this.#sent = "";
    return sent;
  }

  /** The master sends; a paused socket keeps it. The chunk is wiped after the call: it is borrowed. */
  send(data: string | Uint8Array): void {
    const bytes = typeof data === "string" ? bytesOf(data) : data.slice();
    if (this.closed) return;
    if (this.paused) this.#waiting.push(bytes);
    else this.#deliver(bytes);
  }

  /** The master closes. */
  hangUp(error?: SocketError): void {
    this.#end(error);
  }

  #deliver(bytes: Uint8Array): void {
    this.#handler!.onData(bytes);
    bytes.fill(0xee);
  }

  #end(error: SocketError | undefined): void {
    if (this.closed) return;
    this.closed = true;
    this.#waiting = [];
    queueMicrotask(() => this.#handler?.onClose(error));
  }
}

/** Every connection is the test's to answer. */
export class FakeNet implements Net {
  readonly sockets: FakeSocket[] = [];
  readonly connects: ConnectOptions[] = [];
  /** Thrown in place of the next connections, in order; "hang" never answers. */
  readonly failures: (SocketError | "hang")[] = [];

  async connect(options: ConnectOptions): Promise<Socket> {
    this.connects.push(options);
    const failure = this.failures.shift();
    if (failure === "hang") await hang(options.signal);
    if (failure instanceof SocketError) throw failure;
    const socket = new FakeSocket(options.address);
    this.sockets.push(socket);
    return socket;
  }

  listen(): Promise<Listener> {
    return Promise.reject(new SocketError("IO", "A fake network has no listeners"));
  }
}

function hang(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    signal?.addEventListener("abort", () => reject(new SocketError("ABORTED", "aborted")));
  });
}

/** A command as masters send it. */
export function command(...args: readonly string[]): string {
  return `*${args.length}\r\n${args.map((arg) => `$${arg.length}\r\n${arg}\r\n`).join("")}`;
}

/** A key of a hand-made snapshot. */
export interface SnapshotKey {
  readonly db?: number;
  readonly key: string;
  readonly value: string;
  readonly expireAtMs?: number;
  /** RDB type byte; 0, a string, when left out. */
  readonly type?: number;
}

/** A snapshot, its checksum switched off. */
export function snapshot(keys: readonly SnapshotKey[], version = "0011"): Uint8Array {
  const out = new ByteBuffer();
  out.writeLatin1(`REDIS${version}`);
  let db = -1;
  for (const entry of keys) {
    if ((entry.db ?? 0) !== db) {
      db = entry.db ?? 0;
      out.writeByte(0xfe);
      out.writeByte(db);
    }
    if (entry.expireAtMs !== undefined) {
      out.writeByte(0xfc);
      let left = BigInt(entry.expireAtMs);
      for (let i = 0; i < 8; i++, left >>= 8n) out.writeByte(Number(left & 0xffn));
    }
    out.writeByte(entry.type ?? 0);
    for (const text of [entry.key, entry.value]) {
      assert.ok(text.length < 64);
      out.writeByte(text.length);
      out.writeLatin1(text);
    }
  }
  out.writeByte(0xff);
  for (let i = 0; i < 8; i++) out.writeByte(0);
  return out.toBytes();
}

/** A replication id. */
export const REPLID: string = "9253d8ed842854986342de8068760042c439e138";
/** Another one. */
export const OTHER_REPLID: string = "0123456789abcdef0123456789abcdef01234567";
/** What a streamed snapshot ends with. */
export const MARK: string = "381f8f9af4a2dfdeb86322b388a53f369f9b1a27";

/** Snapshot with its `$EOF:` frame. */
export function eofFrame(rdb: Uint8Array, mark: string = MARK): string {
  return `$EOF:${mark}\r\n${textOf(rdb)}${mark}`;
}

/** Snapshot with its `$<length>` frame. */
export function lengthFrame(rdb: Uint8Array): string {
  return `$${rdb.length}\r\n${textOf(rdb)}`;
}
