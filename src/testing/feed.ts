/**
 * The master's side of replication: ids and offsets, the backlog, every replica attached, and who gets
 * which answer to PSYNC.
 *
 * @module
 */

import { ByteBuffer } from "../base/byte_buffer.ts";
import { type Clock, sleep } from "../base/clock.ts";
import type { Socket } from "../net/socket.ts";
import { encodeSnapshot, type SnapshotVersion } from "../rdb/encoder.ts";
import type { Argv } from "../resp/argv.ts";
import { Backlog } from "../replication/backlog.ts";
import type { Keyspace } from "../store/keyspace/keyspace.ts";
import { type Announcement, AttachedReplica, type SnapshotImage } from "./attached_replica.ts";
import { StreamEncoder } from "./stream_encoder.ts";

const ID_LENGTH = 40;
const HEX = "0123456789abcdef";

/** How a master replicates. */
export interface FeedOptions {
  /** Time. */
  readonly clock: Clock;
  /** Uniform in [0, 1): replication ids and marks are drawn from it. */
  readonly random: () => number;
  /** The dataset. */
  readonly keyspace: Keyspace;
  /** Bytes of stream kept for partial resyncs. */
  readonly backlogBytes: number;
  /** Milliseconds between two PINGs. */
  readonly pingIntervalMs: number;
  /** A replica that says nothing for so long is cut off. */
  readonly timeoutMs: number;
  /** Bytes a replica may owe before it is cut off. */
  readonly outputLimitBytes: number;
  /** Milliseconds from PSYNC to the snapshot, with newlines sent meanwhile. */
  readonly snapshotDelayMs: number;
  /** Milliseconds between two of these newlines. */
  readonly newlineIntervalMs: number;
  /** `$EOF:` framing for those who know it; else everybody gets `$<length>`. */
  readonly diskless: boolean;
  /** Version of the snapshot's format. */
  readonly rdbVersion: SnapshotVersion;
  /** Version of the server we pass for. */
  readonly serverVersion: string;
  /** Whether SET with an expiry goes out as two commands, as Redis 6.0 needs it. */
  readonly splitsExpiry: boolean;
}

/** A client that waits for replicas. */
interface Waiter {
  readonly offset: number;
  readonly count: number;
  readonly done: () => void;
}

/** See the module's text. */
export class ReplicationFeed {
  /** Replication id of the history. */
  replid: string;
  /** The id before the last promotion; "" for none. */
  replid2: string = "";
  /** Up to where `replid2` is valid; -1 for none. */
  secondOffset: number = -1;
  /** Bytes of the stream so far: `master_repl_offset`. */
  offset: number = 0;
  /**
   * The offset after the last command that was propagated: what WAIT waits for. PING and GETACK come after
   * it, and nobody waits for those.
   */
  writtenOffset: number = 0;
  /** Full resyncs granted. */
  fullSyncs: number = 0;
  /** Partial resyncs granted. */
  partialSyncs: number = 0;
  /** Partial resyncs asked for and refused. */
  partialRefusals: number = 0;
  /** Commands into bytes of the stream. */
  readonly stream: StreamEncoder;
  /** Who follows, in the order they came. */
  readonly replicas: Set<AttachedReplica> = new Set();
  readonly #options: FeedOptions;
  readonly #mark: string;
  readonly #waiters: Set<Waiter> = new Set();
  #backlog: Backlog | undefined = undefined;
  #flushes: boolean = false;
  #asksForAcks: boolean = false;
  #nextPingMs: number;
  #closed: boolean = false;

  /** Nothing is written, nobody attached. */
  constructor(options: FeedOptions) {
    this.#options = options;
    this.replid = this.#drawId();
    this.#mark = this.#drawId();
    this.stream = new StreamEncoder(
      (bytes, start, end) => this.#write(bytes, start, end),
      options.splitsExpiry,
    );
    this.#nextPingMs = options.clock.monotonic() + options.pingIntervalMs;
  }

  /** The stream's last bytes; undefined until the first replica came. */
  get backlog(): Backlog | undefined {
    return this.#backlog;
  }

  /** Adds a command to the stream. `argv` is borrowed. @param dbIndex -1 where any database does. */
  propagate(dbIndex: number, argv: Argv): void {
    this.stream.command(dbIndex, argv);
    this.writtenOffset = this.offset;
  }

  /** How many online replicas have acknowledged `offset`. */
  acknowledged(offset: number): number {
    let count = 0;
    for (const replica of this.replicas) {
      if (replica.state === "online" && replica.ackOffset >= offset) count++;
    }
    return count;
  }

  /**
   * Answers PSYNC and takes the connection over.
   *
   * @param replid What it asks for, "?" for everything. @param offset Its next byte.
   */
  attach(
    socket: Socket,
    announcement: Announcement,
    replid: string,
    offset: number,
  ): AttachedReplica {
    const replica = new AttachedReplica({
      socket,
      announcement,
      clock: this.#options.clock,
      outputLimitBytes: this.#options.outputLimitBytes,
      onAck: () => this.#onAck(),
      onClose: (closed) => this.#onClose(closed),
    });
    this.replicas.add(replica);
    const backlog = this.#backlog;
    const isKnown = this.#knows(replid, offset);
    if (backlog !== undefined && isKnown && backlog.covers(offset) && !announcement.rdbOnly) {
      this.#resume(replica, backlog, offset);
    } else {
      if (replid !== "?") this.partialRefusals++;
      this.#syncInFull(replica);
    }
    return replica;
  }

  /** Calls `done` once `count` replicas have acknowledged all that was written until now. */
  whenAcknowledged(count: number, done: () => void): () => void {
    const waiter: Waiter = { offset: this.writtenOffset, count, done };
    if (this.acknowledged(waiter.offset) >= count) {
      done();
      return () => {};
    }
    this.#waiters.add(waiter);
    this.askForAcks();
    return () => void this.#waiters.delete(waiter);
  }

  /** Has every replica say how far it is, at the end of this turn: any number of askers cost 37 bytes. */
  askForAcks(): void {
    this.#asksForAcks = true;
    this.#flushSoon();
  }

  /** PINGs that are due, replicas that have gone silent. Called a few times a second. */
  tick(): void {
    const { clock, pingIntervalMs, timeoutMs } = this.#options;
    const now = clock.monotonic();
    if (now >= this.#nextPingMs) {
      this.#nextPingMs = now + pingIntervalMs;
      if (this.replicas.size > 0) this.stream.control("ping");
    }
    for (const replica of this.replicas) {
      if (now - replica.lastHeardMs > timeoutMs) replica.cut("it has been silent for too long");
    }
  }

  /** Ends every replica's connection at once. */
  dropReplicas(): void {
    for (const replica of [...this.replicas]) replica.cut("asked to");
  }

  /** A new history from here on, as after a failover: the old id stays good for what was written so far. */
  changeId(): void {
    this.replid2 = this.replid;
    this.secondOffset = this.offset + 1;
    this.replid = this.#drawId();
  }

  /** A new history of which nobody knows, as after a restart without a snapshot. */
  forgetHistory(): void {
    this.dropReplicas();
    this.replid = this.#drawId();
    this.replid2 = "";
    this.secondOffset = -1;
    this.offset = 0;
    this.writtenOffset = 0;
    this.#backlog = undefined;
    this.stream.forgetDb();
  }

  /** Ends everything: replicas get what is pending. */
  close(): void {
    this.#closed = true;
    for (const replica of [...this.replicas]) {
      replica.flush();
      replica.close();
    }
    for (const waiter of [...this.#waiters]) waiter.done();
    this.#waiters.clear();
  }

  #knows(replid: string, offset: number): boolean {
    const id = replid.toLowerCase();
    if (id === this.replid) return true;
    return this.replid2 !== "" && id === this.replid2 && offset <= this.secondOffset;
  }

  #resume(replica: AttachedReplica, backlog: Backlog, offset: number): void {
    this.partialSyncs++;
    const named = replica.announcement.capabilities.has("psync2");
    replica.sendLine(named ? `+CONTINUE ${this.replid}` : "+CONTINUE");
    const missed = new ByteBuffer();
    backlog.copyFrom(offset, missed);
    replica.resume(missed);
  }

  /** `+FULLRESYNC`, snapshot, stream: at once, or after a delay like a master's that forks. */
  #syncInFull(replica: AttachedReplica): void {
    this.fullSyncs++;
    const { clock, snapshotDelayMs, newlineIntervalMs, diskless } = this.#options;
    const byMark = diskless && replica.announcement.capabilities.has("eof");
    if (snapshotDelayMs <= 0) return this.#beginSync(replica, byMark);
    replica.keepAlive(newlineIntervalMs);
    void sleep(clock, snapshotDelayMs).then(() => {
      if (!replica.closed && !this.#closed) this.#beginSync(replica, byMark);
    });
  }

  #beginSync(replica: AttachedReplica, byMark: boolean): void {
    if (this.#backlog === undefined) {
      // Nobody has counted the stream yet: an id from before says nothing about any offset.
      this.replid = this.#drawId();
      this.replid2 = "";
      this.secondOffset = -1;
      this.#backlog = new Backlog(this.#options.backlogBytes, this.offset);
    }
    this.stream.forgetDb();
    replica.beginStream();
    replica.sendLine(`+FULLRESYNC ${this.replid} ${this.offset}`);
    replica.sendSnapshot(this.#snapshot(), byMark ? this.#mark : undefined);
  }

  /** The whole dataset, encoded in one go: the keyspace must not change between two of its slices. */
  #snapshot(): SnapshotImage {
    const { keyspace, rdbVersion, serverVersion, clock } = this.#options;
    const chunks: Uint8Array[] = [];
    let byteLength = 0;
    const snapshot = encodeSnapshot(keyspace, {
      version: rdbVersion,
      serverVersion,
      nowMs: clock.now(),
      position: {
        replid: this.replid,
        offset: this.offset,
        streamDb: this.stream.db,
      },
    });
    for (const chunk of snapshot) {
      chunks.push(chunk.slice());
      byteLength += chunk.length;
    }
    return { chunks, byteLength };
  }

  #write(bytes: Uint8Array, start: number, end: number): void {
    // Before the first replica nothing is counted: an idle server's offset stays 0.
    if (this.#backlog === undefined) return;
    this.#backlog.append(bytes, start, end);
    this.offset += end - start;
    for (const replica of this.replicas) replica.feed(bytes, start, end);
    this.#flushSoon();
  }

  /** One flush for all that a turn of the event loop writes. */
  #flushSoon(): void {
    if (this.#flushes) return;
    this.#flushes = true;
    this.#options.clock.soon(() => this.#flush());
  }

  #flush(): void {
    if (this.#asksForAcks && this.replicas.size > 0 && !this.#closed) {
      this.stream.control("REPLCONF", "GETACK", "*");
    }
    this.#asksForAcks = false;
    this.#flushes = false;
    for (const replica of this.replicas) replica.flush();
  }

  #onAck(): void {
    for (const waiter of [...this.#waiters]) {
      if (this.acknowledged(waiter.offset) < waiter.count) continue;
      this.#waiters.delete(waiter);
      waiter.done();
    }
  }

  #onClose(replica: AttachedReplica): void {
    this.replicas.delete(replica);
  }

  #drawId(): string {
    let id = "";
    for (let i = 0; i < ID_LENGTH; i++) id += HEX[Math.floor(this.#options.random() * HEX.length)];
    return id;
  }
}
