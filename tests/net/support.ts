/**
 * What the network tests share: handlers that record, pairs of sockets, patterns of bytes.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import type {
  Address,
  ConnectOptions,
  Listener,
  ListenOptions,
  Net,
  Socket,
  SocketHandler,
} from "../../src/net/socket.ts";
import { SocketError, type SocketErrorCode } from "../../src/net/socket.ts";
import { until, within } from "../support/waiting.ts";

const DEADLINE_MS = 10_000;

/** Loopback, any free port. */
export const LOOPBACK: Address = { transport: "tcp", host: "127.0.0.1", port: 0 };

/** A handler that keeps what it was told. */
export class Recorder implements SocketHandler {
  readonly chunks: Uint8Array[] = [];
  length: number = 0;
  ended: boolean = false;
  drains: number = 0;
  closes: number = 0;
  error: SocketError | undefined = undefined;
  /** Resolves with onClose. */
  readonly closed: Promise<void>;
  #resolve: () => void = () => {};

  constructor() {
    this.closed = new Promise((resolve) => this.#resolve = resolve);
  }

  onData(chunk: Uint8Array): void {
    assert.equal(this.closes, 0, "no data after onClose");
    assert.equal(this.ended, false, "no data after onEnd");
    this.chunks.push(chunk.slice());
    this.length += chunk.length;
  }

  onDrain(): void {
    assert.equal(this.closes, 0, "no drain after onClose");
    this.drains++;
  }

  onEnd(): void {
    assert.equal(this.ended, false, "onEnd comes once");
    assert.equal(this.closes, 0, "no end after onClose");
    this.ended = true;
  }

  onClose(error?: SocketError): void {
    this.closes++;
    assert.equal(this.closes, 1, "onClose comes once");
    this.error = error;
    this.#resolve();
  }

  /** Everything received, in one piece. */
  bytes(): Uint8Array {
    const all = new Uint8Array(this.length);
    let at = 0;
    for (const chunk of this.chunks) {
      all.set(chunk, at);
      at += chunk.length;
    }
    return all;
  }

  /** Everything received, as text. */
  text(): string {
    return new TextDecoder().decode(this.bytes());
  }

  /** Waits for `length` bytes in all. */
  received(length: number): Promise<void> {
    return until(`${length} bytes`, () => this.length >= length || this.closes > 0);
  }
}

/** Two ends of one connection. Nothing is started. */
export interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  readonly listener: Listener;
  /** Closes everything. */
  done(): Promise<void>;
}

/** How a pair is made. */
export interface PairOptions {
  readonly address?: Address;
  readonly listen?: Partial<ListenOptions>;
  readonly connect?: Partial<ConnectOptions>;
}

/** Listens, connects and accepts. */
export async function makePair(net: Net, options: PairOptions = {}): Promise<Pair> {
  const accepted: Socket[] = [];
  const address = options.address ?? LOOPBACK;
  const listener = await net.listen({ address, ...options.listen }, (socket) => {
    accepted.push(socket);
  });
  const to = { address: listener.address, timeoutMs: DEADLINE_MS, ...options.connect };
  const client = await within(net.connect(to), "a connection");
  await until("the accepted socket", () => accepted.length > 0);
  const server = accepted[0]!;
  return {
    client,
    server,
    listener,
    done: async () => {
      client.abort();
      server.abort();
      await within(listener.close(), "the listener to close");
    },
  };
}

/** Starts both ends with recorders. */
export function record(pair: Pair): { client: Recorder; server: Recorder } {
  const client = new Recorder();
  const server = new Recorder();
  pair.client.start(client);
  pair.server.start(server);
  return { client, server };
}

/** The error a promise must reject with. */
export async function rejection(
  promise: Promise<unknown>,
  code: SocketErrorCode,
  message?: RegExp,
): Promise<SocketError> {
  let error: unknown;
  try {
    await within(promise, `a rejection with ${code}`);
  } catch (caught) {
    error = caught;
  }
  assert.ok(error instanceof SocketError, `rejects with a SocketError, not ${String(error)}`);
  assert.equal(error.code, code, error.message);
  if (message !== undefined) assert.match(error.message, message);
  return error;
}

const PERIOD = 65_521;
const BLOCK = 1 << 16;
const pattern = new Uint8Array(PERIOD + BLOCK);
for (let i = 0, x = 1; i < PERIOD; i++) {
  x = (Math.imul(x, 1664525) + 1013904223) | 0;
  pattern[i] = x >>> 24;
}
pattern.copyWithin(PERIOD, 0, BLOCK);

/** Bytes `[offset, offset + length)` of an endless stream, borrowed; `length` is at most 64 KB. */
export function patternAt(offset: number, length: number): Uint8Array {
  const from = offset % PERIOD;
  return pattern.subarray(from, from + length);
}

/** Whether `chunk` is what the endless stream has at `offset`. */
export function isPattern(chunk: Uint8Array, offset: number): boolean {
  for (let i = 0, at = offset % PERIOD; i < chunk.length; i++) {
    if (chunk[i] !== pattern[at]) return false;
    if (++at === PERIOD) at = 0;
  }
  return true;
}

/** Open file descriptors of this process; undefined where /proc does not tell. */
export function openHandles(): number | undefined {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return undefined;
  }
}
