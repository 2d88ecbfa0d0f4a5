/**
 * A master that only streams: agrees to a full sync with an empty snapshot, then sends commands that
 * were encoded before, as fast as the replica takes them. So a replica's own speed shows, not that of
 * a real master.
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

  private constructor() {
    this.#server = createServer((socket) => {
      const replica = new Replica(socket, () => this.#onReplica(replica));
    });
  }

  /** Listens on a free loopback port. */
  static async start(): Promise<Firehose> {
    const hose = new Firehose();
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
  readonly #onReady: () => void;
  #buffer: Uint8Array = new Uint8Array(0);
  #sent = 0;
  #acked = -1;
  #waiting: { offset: number; resolve: () => void } | undefined;

  constructor(socket: Socket, onReady: () => void) {
    this.#socket = socket;
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
      if (!this.#socket.write(block)) {
        await new Promise<void>((resolve) => this.#socket.once("drain", resolve));
      }
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

  #take(chunk: Uint8Array): void {
    this.#buffer = Buffer.concat([this.#buffer, chunk]);
    let pos = 0;
    for (;;) {
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
    else if (name.toUpperCase() === "PSYNC") this.#sync();
    else this.#socket.write("+OK\r\n");
  }

  #sync(): void {
    this.#socket.write(`+FULLRESYNC ${REPLID} 0\r\n$${EMPTY_SNAPSHOT.length}\r\n`);
    this.#socket.write(EMPTY_SNAPSHOT);
    // Acknowledged at once, this tells that the snapshot is loaded and the stream is being read.
    void this.acknowledged().then(this.#onReady);
  }

  #acknowledge(offset: number): void {
    this.#acked = Math.max(this.#acked, offset);
    const waiting = this.#waiting;
    if (waiting === undefined || this.#acked < waiting.offset) return;
    this.#waiting = undefined;
    waiting.resolve();
  }
}
