/**
 * One replica as its master sees it, from PSYNC to the end of its connection.
 *
 * ```text
 *   waitSnapshot --> sendSnapshot --> waitAck --> online     full sync; waitAck only after $EOF: framing
 *   online                                                   partial sync
 * ```
 *
 * What the stream brings before `online` is kept for it, up to a limit.
 *
 * @module
 */

import { latin1, parseInteger } from "../base/ascii.ts";
import { ByteBuffer } from "../base/byte_buffer.ts";
import type { Clock, TimerId } from "../base/clock.ts";
import { isWord } from "../commands/engine/args.ts";
import { type Socket, SocketError } from "../net/socket.ts";
import type { Argv } from "../resp/argv.ts";
import { CommandParser } from "../resp/command_parser.ts";
import { RespError } from "../resp/types.ts";

/** How far a replica has come. */
export type AttachedState = "waitSnapshot" | "sendSnapshot" | "waitAck" | "online";

/** What a replica said of itself before PSYNC. */
export interface Announcement {
  /** `REPLCONF listening-port`, 0 when it did not say. */
  port: number;
  /** `REPLCONF ip-address`, "" when it did not say. */
  host: string;
  /** `REPLCONF capa`, in lower case. */
  readonly capabilities: Set<string>;
  /** `REPLCONF rdb-only 1`: the connection ends with the snapshot. */
  rdbOnly: boolean;
}

/** Options of {@linkcode AttachedReplica}. */
export interface AttachedReplicaOptions {
  /** Its connection, taken over from the server. */
  readonly socket: Socket;
  /** What it said of itself. */
  readonly announcement: Announcement;
  /** Time. */
  readonly clock: Clock;
  /** Bytes it may owe, snapshot excluded, before it is cut off. */
  readonly outputLimitBytes: number;
  /** It acknowledged an offset. */
  readonly onAck: (replica: AttachedReplica) => void;
  /** Its connection is over; `why` says so when it was this side that ended it. */
  readonly onClose: (replica: AttachedReplica, why?: string) => void;
}

/** A snapshot as it will be sent. */
export interface SnapshotImage {
  /** Chunks in order. */
  readonly chunks: readonly Uint8Array[];
  /** Their bytes. */
  readonly byteLength: number;
}

/** See the module's text. */
export class AttachedReplica {
  /** What it said of itself. */
  readonly announcement: Announcement;
  /** Its connection. */
  readonly socket: Socket;
  /** How far it has come. */
  state: AttachedState = "waitSnapshot";
  /** Highest offset it acknowledged. */
  ackOffset: number = 0;
  /** When anything came from it last, on the monotonic clock. */
  lastHeardMs: number;
  readonly #options: AttachedReplicaOptions;
  readonly #parser: CommandParser = new CommandParser();
  readonly #pending: ByteBuffer = new ByteBuffer();
  #keepalive: TimerId | undefined = undefined;
  #chunks: readonly Uint8Array[] = [];
  #nextChunk: number = 0;
  #trailer: string = "";
  #closed: boolean = false;
  #counts: boolean = false;

  /** Takes the connection over. */
  constructor(options: AttachedReplicaOptions) {
    this.#options = options;
    this.announcement = options.announcement;
    this.socket = options.socket;
    this.lastHeardMs = options.clock.monotonic();
    this.socket.start({
      onData: (chunk) => this.#onData(chunk),
      onDrain: () => this.#sendChunks(),
      onEnd: () => this.close(),
      onClose: () => this.#onClosed(),
    });
  }

  /** Its address, as `ROLE` and `INFO` show it. */
  get host(): string {
    const { host } = this.announcement;
    if (host !== "") return host;
    const { remote } = this.socket;
    return remote.transport === "tcp" ? remote.host : remote.path;
  }

  /** Bytes it owes: the stream's share of what is not sent yet. */
  get owedBytes(): number {
    return this.#pending.length + this.socket.pendingBytes;
  }

  /** True once its connection is over. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Sends a line of the handshake. */
  sendLine(line: string): void {
    this.socket.out.writeLatin1(`${line}\r\n`);
    this.socket.flush();
  }

  /** Sends a bare newline now and then until the snapshot begins, as a master does that is busy saving. */
  keepAlive(intervalMs: number): void {
    const { clock } = this.#options;
    this.#keepalive = clock.setTimer(() => {
      if (this.#closed || this.state !== "waitSnapshot") return;
      this.socket.out.writeLatin1("\n");
      this.socket.flush();
      this.keepAlive(intervalMs);
    }, intervalMs);
  }

  /** The snapshot is of this moment: stream bytes are for this replica from here on. */
  beginStream(): void {
    this.#counts = true;
  }

  /**
   * Sends a snapshot, then the stream.
   *
   * @param mark 40 characters for `$EOF:` framing; undefined for `$<length>`.
   */
  sendSnapshot(image: SnapshotImage, mark: string | undefined): void {
    if (this.#closed) return;
    this.#stopKeepalive();
    this.state = "sendSnapshot";
    this.#chunks = image.chunks;
    this.#nextChunk = 0;
    this.#trailer = mark ?? "";
    const header = mark === undefined ? String(image.byteLength) : `EOF:${mark}`;
    this.sendLine(`$${header}`);
    this.#sendChunks();
  }

  /** The stream goes on from here: bytes the replica missed. */
  resume(missed: ByteBuffer): void {
    this.state = "online";
    this.#counts = true;
    this.feed(missed.bytes, 0, missed.length);
    this.socket.flush();
  }

  /** New bytes of the stream; sent with the next `flush`. */
  feed(bytes: Uint8Array, start: number, end: number): void {
    if (this.#closed || !this.#counts) return;
    if (this.state === "online") this.socket.out.writeBytes(bytes, start, end);
    else this.#pending.writeBytes(bytes, start, end);
    const streams = this.state !== "sendSnapshot";
    const owed = streams ? this.owedBytes : this.#pending.length;
    if (owed > this.#options.outputLimitBytes) this.cut("output buffer limit");
  }

  /** Hands what was fed to the network. */
  flush(): void {
    if (!this.#closed && this.state === "online") this.socket.flush();
  }

  /** Ends the connection at once. */
  cut(why: string): void {
    if (this.#closed) return;
    this.socket.abort(new SocketError("ABORTED", `The master cut this replica: ${why}`));
    this.#onClosed(why);
  }

  /** Ends the connection once what is pending has been sent. */
  close(): void {
    this.socket.close();
  }

  #sendChunks(): void {
    if (this.state !== "sendSnapshot" || this.#closed) return;
    while (this.#nextChunk < this.#chunks.length) {
      if (!this.socket.write(this.#chunks[this.#nextChunk++]) && !this.#closed) return;
    }
    this.#chunks = [];
    if (this.#trailer !== "") this.socket.out.writeLatin1(this.#trailer);
    this.socket.flush();
    if (this.announcement.rdbOnly) return this.close();
    if (this.#trailer === "") this.#goOnline();
    else this.state = "waitAck";
  }

  #goOnline(): void {
    this.state = "online";
    this.socket.out.writeBytes(this.#pending.bytes, 0, this.#pending.length);
    this.#pending.shrink();
    this.socket.flush();
  }

  #onData(chunk: Uint8Array): void {
    this.lastHeardMs = this.#options.clock.monotonic();
    try {
      this.#parser.push(chunk);
      for (;;) {
        const argv = this.#parser.next();
        if (argv === undefined || this.#closed) return;
        this.#onCommand(argv);
      }
    } catch (error) {
      if (!(error instanceof RespError)) throw error;
      this.cut(error.message);
    }
  }

  /** A replica says nothing but REPLCONF; PSYNC again is ignored, anything with a reply ends the link. */
  #onCommand(argv: Argv): void {
    if (isWord(argv, 0, "PSYNC") || isWord(argv, 0, "SYNC")) return;
    const isConf = isWord(argv, 0, "REPLCONF") && argv.count >= 3;
    if (isConf && isWord(argv, 1, "GETACK")) return;
    if (!isConf || !isWord(argv, 1, "ACK")) {
      return this.cut(`it sent ${latin1(argv.at(0)).slice(0, 32)}, which has a reply`);
    }
    const offset = parseInteger(argv.bytes, argv.starts[2], argv.ends[2]);
    if (offset > this.ackOffset && offset < Infinity) this.ackOffset = offset;
    if (this.state === "waitAck") this.#goOnline();
    this.#options.onAck(this);
  }

  #stopKeepalive(): void {
    if (this.#keepalive !== undefined) this.#options.clock.clearTimer(this.#keepalive);
    this.#keepalive = undefined;
  }

  #onClosed(why?: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stopKeepalive();
    this.#chunks = [];
    this.#pending.shrink();
    this.#options.onClose(this, why);
  }
}
