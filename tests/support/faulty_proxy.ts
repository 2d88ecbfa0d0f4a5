/**
 * A TCP proxy that does to a connection what networks do: splits, stalls, cuts, and, where told to, one
 * corrupted byte.
 *
 * @module
 */

import { connect, createServer, type Server, type Socket } from "node:net";
import type { Prng } from "../../src/base/prng.ts";

/** About as many as one chunk is split into at most. */
const MAX_PARTS = 1000;

/** A proxy before one target on loopback, whose faults are fields that a test sets while connections run. */
export class FaultyProxy implements AsyncDisposable {
  /** Where connections are led; a change counts for those to come. */
  targetPort: number;
  /** Most bytes of a small chunk handed on at once towards the client; 0: as they come. */
  maxChunkBytes: number = 0;
  /** Connections beyond this downstream offset (bytes from the server) get one bit turned there, once. */
  corruptAt: number = -1;
  /** How often a byte was corrupted. */
  corrupted: number = 0;
  /** New connections are refused while true. */
  refuses: boolean = false;
  readonly #prng: Prng;
  readonly #server: Server;
  readonly #pairs: Set<Pair> = new Set();
  #stalled: boolean = false;

  private constructor(targetPort: number, prng: Prng, server: Server) {
    this.targetPort = targetPort;
    this.#prng = prng;
    this.#server = server;
  }

  /** Listens on a free loopback port. */
  static start(targetPort: number, prng: Prng): Promise<FaultyProxy> {
    return new Promise((resolve, reject) => {
      const server = createServer({ pauseOnConnect: true });
      const proxy = new FaultyProxy(targetPort, prng, server);
      server.on("connection", (client) => proxy.#accept(client));
      server.once("error", reject);
      server.listen(0, "127.0.0.1", () => resolve(proxy));
    });
  }

  /** Where it listens. */
  get port(): number {
    const address = this.#server.address();
    return address !== null && typeof address === "object" ? address.port : 0;
  }

  /** Connections that live. */
  get connections(): number {
    return this.#pairs.size;
  }

  /** Resets every connection; how many there were. */
  cut(): number {
    const count = this.#pairs.size;
    for (const pair of [...this.#pairs]) pair.end();
    return count;
  }

  /** Nothing passes from here on. */
  stall(): void {
    this.#stalled = true;
    for (const pair of this.#pairs) pair.pause();
  }

  /** Everything passes again. */
  unstall(): void {
    this.#stalled = false;
    for (const pair of this.#pairs) pair.resume();
  }

  /** Ends everything. */
  [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  #accept(client: Socket): void {
    if (this.refuses) return void client.destroy();
    const upstream = connect(this.targetPort, "127.0.0.1");
    const pair: Pair = new Pair(
      client,
      upstream,
      (chunk, offset) => this.#pass(chunk, offset),
      () => {
        this.#pairs.delete(pair);
      },
    );
    this.#pairs.add(pair);
    if (!this.#stalled) pair.resume();
  }

  /** What becomes of bytes from the server. */
  #pass(chunk: Uint8Array, offset: number): Uint8Array[] {
    const at = this.corruptAt - offset;
    if (at >= 0 && at < chunk.length) {
      chunk[at] ^= 1 << this.#prng.int(8);
      this.corruptAt = -1;
      this.corrupted++;
    }
    if (this.maxChunkBytes === 0) return [chunk];
    // Byte by byte a large one would take this process longer than its replica waits.
    const most = Math.max(this.maxChunkBytes, Math.ceil(chunk.length / MAX_PARTS));
    const parts: Uint8Array[] = [];
    for (let pos = 0; pos < chunk.length;) {
      const count = 1 + this.#prng.int(most);
      parts.push(chunk.subarray(pos, pos + count));
      pos += count;
    }
    return parts;
  }
}

/** One connection through the proxy. */
class Pair {
  readonly #client: Socket;
  readonly #upstream: Socket;
  readonly #ended: () => void;
  #offset: number = 0;
  #over: boolean = false;

  constructor(
    client: Socket,
    upstream: Socket,
    pass: (chunk: Uint8Array, offset: number) => Uint8Array[],
    ended: () => void,
  ) {
    this.#client = client;
    this.#upstream = upstream;
    this.#ended = ended;
    client.setNoDelay(true);
    upstream.setNoDelay(true);
    upstream.pause();
    client.on("data", (chunk) => void upstream.write(chunk));
    upstream.on("data", (chunk) => {
      const bytes = new Uint8Array(chunk);
      let free = true;
      for (const part of pass(bytes, this.#offset)) free = client.write(part);
      this.#offset += bytes.length;
      if (free) return;
      upstream.pause();
      client.once("drain", () => upstream.resume());
    });
    for (const socket of [client, upstream]) {
      socket.on("error", () => this.end());
      socket.on("close", () => this.end());
    }
  }

  pause(): void {
    this.#client.pause();
    this.#upstream.pause();
  }

  resume(): void {
    this.#client.resume();
    this.#upstream.resume();
  }

  end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#client.destroy();
    this.#upstream.destroy();
    this.#ended();
  }
}
