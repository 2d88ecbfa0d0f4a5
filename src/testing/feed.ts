/**
 * The master's side of replication: ids and offsets, the backlog, the replicas attached, and who gets which
 * answer to PSYNC.
 *
 * ```text
 *  command --> StreamEncoder --> backlog              for partial resyncs
 *                           \--> each replica         pending or socket; flushed once a turn
 *
 *  PSYNC id n   id is replid, or replid2 and n <= secondOffset, and the backlog holds byte n:  +CONTINUE
 *               otherwise:                                            +FULLRESYNC, snapshot, stream
 * ```
 *
 * Until the first replica comes there is no backlog, nothing is counted, and the offset stays 0, as with a
 * real master.
 *
 * @module
 */

import { assert } from "../base/assert.ts";
import { ByteBuffer } from "../base/byte_buffer.ts";
import type { Clock } from "../base/clock.ts";
import type { Socket } from "../net/socket.ts";
import { encodeSnapshot, type SnapshotVersion } from "../rdb/encoder.ts";
import type { Argv } from "../resp/argv.ts";
import { Backlog } from "../replication/backlog.ts";
import type { Keyspace } from "../store/keyspace/keyspace.ts";
import { type Announcement, AttachedReplica, type SnapshotImage } from "./attached_replica.ts";
import { StreamEncoder } from "./stream_encoder.ts";

/** Hex digits of a replication id, and of the mark behind a snapshot. */
const ID_LENGTH = 40;
const HEX = "0123456789abcdef";

/** How a master replicates, every option with its value. */
export interface FeedOptions {
  /** Clock for PINGs, timeouts, delays and turns. */
  readonly clock: Clock;
  /** Uniform in [0, 1): replication ids and the mark are drawn from it. */
  readonly random: () => number;
  /** The data that snapshots are made of. */
  readonly keyspace: Keyspace;
  /** Bytes of stream kept for partial resyncs. */
  readonly backlogBytes: number;
  /** Milliseconds between two PINGs. */
  readonly pingIntervalMs: number;
  /** Milliseconds after which a silent replica is cut off. */
  readonly timeoutMs: number;
  /** Most bytes that may wait for a replica before it is cut off. */
  readonly outputLimitBytes: number;
  /** Milliseconds from PSYNC to the snapshot; newlines are sent meanwhile. */
  readonly snapshotDelayMs: number;
  /** Milliseconds between two of these newlines. */
  readonly newlineIntervalMs: number;
  /** `$EOF:` framing for replicas that announce `eof`; false is `$<length>` for all. */
  readonly diskless: boolean;
  /** RDB version of its snapshots. */
  readonly rdbVersion: SnapshotVersion;
  /** Version of the server it passes for. */
  readonly serverVersion: string;
  /** Whether SET with an expiry goes out as two commands, as Redis 6.0 needs it. */
  readonly splitsExpiry: boolean;
}

/** A call of WAIT: `count` replicas are to acknowledge `offset`. */
interface Waiter {
  readonly offset: number;
  readonly count: number;
  readonly done: () => void;
}

/** The stream of one master and the replicas that follow it. */
export class ReplicationFeed {
  /** Replication id, 40 hex digits. */
  replid: string;
  /** The id before the last failover; "" for none. */
  replid2: string = "";
  /** First byte that `replid2` does not cover, `second_repl_offset`; -1 for none. */
  secondOffset: number = -1;
  /** Bytes of the stream so far: `master_repl_offset`. */
  offset: number = 0;
  /** Offset behind the last command of a client: what WAIT waits for, which are no PING and GETACK. */
  writtenOffset: number = 0;
  /** Full resyncs that were answered. */
  fullSyncs: number = 0;
  /** Partial resyncs that were answered. */
  partialSyncs: number = 0;
  /** Makes bytes of the stream from commands. */
  readonly stream: StreamEncoder;
  /** The replicas attached, in the order they came. */
  readonly replicas: Set<AttachedReplica> = new Set();
  readonly #options: FeedOptions;
  readonly #mark: string;
  readonly #waiters: Set<Waiter> = new Set();
  #backlog: Backlog | undefined = undefined;
  #flushes: boolean = false;
  #asksForAcks: boolean = false;
  #nextPingMs: number;
  #closed: boolean = false;

  /** Begins at offset 0 with a new id, and without replicas. */
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

  /** The stream's last bytes; undefined until the first replica has come. */
  get backlog(): Backlog | undefined {
    return this.#backlog;
  }

  /** Adds a borrowed command to the stream. @param dbIndex Its database; -1 when it has none, as MULTI. */
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
   * @param replid Id of the history the replica knows, "?" for none.
   * @param offset Number of the first byte it lacks.
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
      this.#syncInFull(replica);
    }
    return replica;
  }

  /**
   * Calls `done` once `count` replicas have acknowledged `writtenOffset`. Returns a function that forgets
   * it.
   */
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

  /** Sends GETACK at the end of this turn: any number of askers in it cost 37 bytes of the stream. */
  askForAcks(): void {
    this.#asksForAcks = true;
    this.#flushSoon();
  }

  /** Sends a PING that is due, and cuts off silent replicas. Called ten times a second. */
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

  /** Takes a new id, as after a failover: the old one stays valid for what was written so far. */
  changeId(): void {
    this.replid2 = this.replid;
    this.secondOffset = this.offset + 1;
    this.replid = this.#drawId();
  }

  /** Takes a new id and offset 0, as after a restart without a snapshot: no replica can resume. */
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

  /** Ends every replica's connection once it has what is unsent, and every WAIT. */
  close(): void {
    this.#closed = true;
    for (const replica of [...this.replicas]) {
      replica.flush();
      replica.close();
    }
    for (const waiter of [...this.#waiters]) waiter.done();
    this.#waiters.clear();
  }

  /** masterTryPartialResync: whether `replid` names our history up to byte `offset`. */
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

  /** Sends `+FULLRESYNC`, snapshot and stream, at once or after the delay of a master that forks. */
  #syncInFull(replica: AttachedReplica): void {
    this.fullSyncs++;
    const { snapshotDelayMs, newlineIntervalMs, diskless } = this.#options;
    const byMark = diskless && replica.announcement.capabilities.has("eof");
    if (snapshotDelayMs <= 0) return this.#beginSync(replica, byMark);
    replica.keepAlive(newlineIntervalMs);
    replica.delaySnapshot(snapshotDelayMs, () => {
      if (!this.#closed) this.#beginSync(replica, byMark);
    });
  }

  #beginSync(replica: AttachedReplica, byMark: boolean): void {
    if (this.#backlog === undefined) {
      // The stream was not counted until now, so an id from before says nothing about any offset.
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

  /** Encodes the whole keyspace in one go, whatever its size: simple, and enough for tests. */
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
    // A master without replicas counts nothing: its offset stays 0.
    if (this.#backlog === undefined) return;
    this.#backlog.append(bytes, start, end);
    this.offset += end - start;
    assert(this.#backlog.nextOffset === this.offset + 1, "the backlog ends where the stream does");
    for (const replica of this.replicas) replica.feed(bytes, start, end);
    this.#flushSoon();
  }

  /** Flushes once for all that is written in this turn of the event loop. */
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
