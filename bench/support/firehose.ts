/**
 * A master that only sends: agrees to a full sync with a snapshot that was made before, or an empty one,
 * then sends commands that were encoded before, as fast as the replica takes them. So a replica's own
 * speed shows, not that of a real master.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createServer, type Server, type Socket } from "node:net";
import { encodeCommand, plain, readReply } from "../../tests/support/resp.ts";

const REPLID = "f".repeat(40);
/** Magic, version 9, end, checksum off. */
const EMPTY_SNAPSHOT = new Uint8Array([
  ...new TextEncoder().encode("REDIS0009"),
  0xff,
  ...new Uint8Array(8),
]);
const LF = 10;
/** Of a snapshot, written at once. */
const PIECE_BYTES = 1 << 20;
const GETACK = encodeCommand(["REPLCONF", "GETACK", "*"]);

/** What is sent: blocks of whole commands, repeated in turn. */
export interface Load {
  readonly blocks: readonly Uint8Array[];
  /** How many blocks to send in all. */
  readonly count: number;
}

/** Waits for one replica at a time and floods it. */
export class Firehose {
  readonly #server: Server;
  #port = 0;
  #onReplica: (replica: Replica) => void = () => {};

  private constructor(snapshot: Uint8Array) {
    this.#server = createServer((socket) => {
      const replica = new Replica(socket, snapshot, () => this.#onReplica(replica));
    });
  }

  /** Listens on a free loopback port. */
  static async start(snapshot: Uint8Array = EMPTY_SNAPSHOT): Promise<Firehose> {
    const hose = new Firehose(snapshot);
    await new Promise<void>((resolve) => hose.#server.listen(0, "127.0.0.1", resolve));
    const address = hose.#server.address();
    if (address !== null && typeof address === "object") hose.#port = address.port;
    return hose;
  }

  /** Where. */
  get port(): number {
    return this.#port;
  }

  /** The next replica that has its snapshot and has acknowledged it. */
  replica(): Promise<Replica> {
    return new Promise((resolve) => this.#onReplica = resolve);
  }

  /** Stops listening. */
  close(): void {
    this.#server.close();
  }
}

/** One replica that follows. */
export class Replica {
  readonly #socket: Socket;
  readonly #snapshot: Uint8Array;
  readonly #onReady: () => void;
  #buffer: Uint8Array = new Uint8Array(0);
  #sent = 0;
  #acked = -1;
  #waiting: { offset: number; resolve: () => void } | undefined;

  constructor(socket: Socket, snapshot: Uint8Array, onReady: () => void) {
    this.#socket = socket;
    this.#snapshot = snapshot;
    this.#onReady = onReady;
    socket.setNoDelay(true);
    socket.on("error", () => socket.destroy());
    socket.on("data", (chunk) => this.#take(chunk as Uint8Array));
  }

  /** Sends a load; resolves when the replica has acknowledged all of it. */
  async flood({ blocks, count }: Load): Promise<void> {
    for (let i = 0; i < count; i++) {
      const block = blocks[i % blocks.length];
      this.#sent += block.length;
      await this.#write(block);
    }
    await this.acknowledged();
  }

  /** Asks for an acknowledgement and waits until it covers everything before the question. */
  acknowledged(): Promise<void> {
    const offset = this.#sent;
    this.#sent += GETACK.length;
    this.#socket.write(GETACK);
    return new Promise((resolve) => this.#waiting = { offset, resolve });
  }

  /** Ends the connection. */
  close(): void {
    this.#socket.destroy();
  }

  async #write(bytes: Uint8Array): Promise<void> {
    if (this.#socket.write(bytes)) return;
    await new Promise<void>((resolve) => this.#socket.once("drain", resolve));
  }

  #take(chunk: Uint8Array): void {
    this.#buffer = Buffer.concat([this.#buffer, chunk]);
    let pos = 0;
    for (;;) {
      // A sign of life while it loads.
      while (this.#buffer[pos] === LF) pos++;
      const command = readReply(this.#buffer, pos, this.#buffer.length);
      if (command === undefined) break;
      pos = command.end;
      this.#answer((plain(command.value) as unknown[]).map(String));
    }
    this.#buffer = this.#buffer.slice(pos);
  }

  #answer([name, ...args]: string[]): void {
    const word = `${name} ${args[0] ?? ""}`.toUpperCase();
    if (word === "REPLCONF ACK") this.#acknowledge(Number(args[1]));
    else if (name.toUpperCase() === "PING") this.#socket.write("+PONG\r\n");
    else if (name.toUpperCase() === "PSYNC") void this.#sync();
    else this.#socket.write("+OK\r\n");
  }

  async #sync(): Promise<void> {
    const snapshot = this.#snapshot;
    this.#socket.write(`+FULLRESYNC ${REPLID} 0\r\n$${snapshot.length}\r\n`);
    for (let at = 0; at < snapshot.length; at += PIECE_BYTES) {
      await this.#write(snapshot.subarray(at, at + PIECE_BYTES));
    }
    // Acknowledged, this tells that the snapshot is loaded and the stream is being read.
    await this.acknowledged();
    this.#onReady();
  }

  #acknowledge(offset: number): void {
    this.#acked = Math.max(this.#acked, offset);
    const waiting = this.#waiting;
    if (waiting === undefined || this.#acked < waiting.offset) return;
    this.#waiting = undefined;
    waiting.resolve();
  }
}
