/**
 * One replica as its master sees it, from PSYNC to the end of its connection.
 *
 * ```text
 *   waitSnapshot --> sendSnapshot --> waitAck --> online     full resync; waitAck only after $EOF: framing
 *   online                                                   partial resync
 *
 *   stream bytes    before `online`: kept in `pending`, up to the output buffer limit
 *                   online: written to the socket
 * ```
 *
 * The states are server.h's SLAVE_STATE_WAIT_BGSAVE_END, SEND_BULK and ONLINE; waitAck is ONLINE there, with
 * the flag `repl_start_cmd_stream_on_ack`.
 *
 * @module
 */

import { latin1, parseInteger } from "../base/ascii.ts";
import { assert } from "../base/assert.ts";
import { ByteBuffer } from "../base/byte_buffer.ts";
import type { Clock, TimerId } from "../base/clock.ts";
import { isWord } from "../commands/engine/args.ts";
import { type Socket, SocketError } from "../net/socket.ts";
import type { Argv } from "../resp/argv.ts";
import { CommandParser } from "../resp/command_parser.ts";
import { RespError } from "../resp/types.ts";

/** How far the sync of a replica has come. */
export type AttachedState = "waitSnapshot" | "sendSnapshot" | "waitAck" | "online";

/** What a replica said about itself by REPLCONF, before PSYNC. */
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
  /** The replica's connection, taken over from the server. */
  readonly socket: Socket;
  /** What the replica said about itself. */
  readonly announcement: Announcement;
  /** Clock for keepalives, and for when the replica was heard. */
  readonly clock: Clock;
  /** Most bytes of the stream that may wait for it before it is cut off. */
  readonly outputLimitBytes: number;
  /** Called when the replica has acknowledged an offset. */
  readonly onAck: (replica: AttachedReplica) => void;
  /** Called when its connection has ended; `why` is given when this side ended it. */
  readonly onClose: (replica: AttachedReplica, why?: string) => void;
}

/** A snapshot in memory, as it will be sent. */
export interface SnapshotImage {
  /** The snapshot's bytes in order, in chunks. */
  readonly chunks: readonly Uint8Array[];
  /** Bytes of all chunks together. */
  readonly byteLength: number;
}

/** The master's side of one connection to a replica. */
export class AttachedReplica {
  /** What the replica said about itself. */
  readonly announcement: Announcement;
  /** The replica's connection, which this object reads. */
  readonly socket: Socket;
  /** How far its sync has come. */
  state: AttachedState = "waitSnapshot";
  /** Highest offset it acknowledged; a lower one that comes later is ignored, as in Redis. */
  ackOffset: number = 0;
  /** When the last byte came from it, on the monotonic clock. */
  lastHeardMs: number;
  readonly #options: AttachedReplicaOptions;
  readonly #parser: CommandParser = new CommandParser();
  readonly #pending: ByteBuffer = new ByteBuffer();
  #keepalive: TimerId | undefined = undefined;
  #delay: TimerId | undefined = undefined;
  #chunks: readonly Uint8Array[] = [];
  #nextChunk: number = 0;
  #trailer: string = "";
  #closed: boolean = false;
  /** Whether what the master sends now belongs to the replication stream and counts in its offset. */
  #takesStream: boolean = false;

  /** Takes the connection over and begins to read it. */
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

  /** Its host as `ROLE` and `INFO` show it: what it announced, else the peer's address. */
  get host(): string {
    const { host } = this.announcement;
    if (host !== "") return host;
    const { remote } = this.socket;
    return remote.transport === "tcp" ? remote.host : remote.path;
  }

  /** Bytes that wait to be sent to it: the stream's, and what the socket has not taken. */
  get unsentBytes(): number {
    return this.#pending.length + this.socket.pendingBytes;
  }

  /** True once its connection has ended. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Sends a line of the handshake, without its CR LF. */
  sendLine(line: string): void {
    this.socket.out.writeLatin1(`${line}\r\n`);
    this.socket.flush();
  }

  /** Sends a bare newline every `intervalMs` until the snapshot begins, as a master that is busy saving. */
  keepAlive(intervalMs: number): void {
    const { clock } = this.#options;
    this.#keepalive = clock.setTimer(() => {
      if (this.#closed || this.state !== "waitSnapshot") return;
      this.socket.out.writeLatin1("\n");
      this.socket.flush();
      this.keepAlive(intervalMs);
    }, intervalMs);
  }

  /** Calls `begin` after `ms`, unless the connection has ended by then: the snapshot of a master that forks. */
  delaySnapshot(ms: number, begin: () => void): void {
    this.#delay = this.#options.clock.setTimer(begin, ms);
  }

  /** The snapshot shows this moment: from here on stream bytes are kept for this replica. */
  beginStream(): void {
    this.#takesStream = true;
  }

  /**
   * Sends a snapshot, then what the stream brought meanwhile.
   *
   * @param mark 40 characters for `$EOF:` framing; undefined for `$<length>`.
   */
  sendSnapshot(image: SnapshotImage, mark: string | undefined): void {
    if (this.#closed) return;
    this.#stopKeepalive();
    assert(this.state === "waitSnapshot", "a snapshot is sent once, before the stream");
    this.state = "sendSnapshot";
    this.#chunks = image.chunks;
    this.#nextChunk = 0;
    this.#trailer = mark ?? "";
    const header = mark === undefined ? String(image.byteLength) : `EOF:${mark}`;
    this.sendLine(`$${header}`);
    this.#sendChunks();
  }

  /** A partial resync: sends the bytes it missed; the stream goes on behind them. */
  resume(missed: ByteBuffer): void {
    assert(this.#pending.length === 0, "nothing was kept for a replica that needs no snapshot");
    this.state = "online";
    this.#takesStream = true;
    this.feed(missed.bytes, 0, missed.length);
    this.socket.flush();
  }

  /** Takes bytes `[start, end)` of the stream; they are sent with the next `flush`. */
  feed(bytes: Uint8Array, start: number, end: number): void {
    if (this.#closed || !this.#takesStream) return;
    if (this.state === "online") this.socket.out.writeBytes(bytes, start, end);
    else this.#pending.writeBytes(bytes, start, end);
    const streams = this.state !== "sendSnapshot";
    const unsent = streams ? this.unsentBytes : this.#pending.length;
    if (unsent > this.#options.outputLimitBytes) this.cut("output buffer limit");
  }

  /** Hands to the network what was fed. */
  flush(): void {
    if (!this.#closed && this.state === "online") this.socket.flush();
  }

  /** Ends the connection at once. */
  cut(why: string): void {
    if (this.#closed) return;
    this.socket.abort(new SocketError("ABORTED", `The master cut this replica: ${why}`));
    this.#onClosed(why);
  }

  /** Ends the connection once everything unsent has been sent. */
  close(): void {
    this.socket.close();
  }

  /** Sends chunks until the socket is full; goes on at its drain, and behind the last one with the stream. */
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
    assert(this.state !== "online", "a replica goes online once");
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

  /**
   * After PSYNC a replica may send REPLCONF ACK and GETACK only. PSYNC again is ignored; anything that has a
   * reply would put it between the bytes of the stream, and ends the connection, as since Redis 7.0.
   */
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
    if (this.#delay !== undefined) this.#options.clock.clearTimer(this.#delay);
    this.#chunks = [];
    this.#pending.shrink();
    this.#options.onClose(this, why);
  }
}
