/**
 * One connection to the master, from connect to close: owns its socket and what is half read,
 * and runs the state machine over the bytes. What outlives it lies in {@linkcode LinkShared}.
 *
 * @module
 */

import { latin1 } from "../base/ascii.ts";
import { ByteBuffer } from "../base/byte_buffer.ts";
import { Slice } from "../base/slices.ts";
import { formatAddress, type Socket, type SocketError } from "../net/socket.ts";
import { writeCommand } from "../resp/writer.ts";
import { askLogin, connect } from "./connect.ts";
import { asReplicationError, ReplicationError } from "./errors.ts";
import { Inbox } from "./inbox.ts";
import {
  type HandshakeStep,
  handshakeSteps,
  receiveAuthReply,
  receiveCapaReply,
  receiveIpReply,
  receivePingReply,
  receivePortReply,
  receiveVersionReply,
} from "./handshake.ts";
import { receivePsyncReply, receiveTransferHeader } from "./psync.ts";
import type { LinkShared } from "./shared.ts";
import { MasterStream } from "./stream.ts";
import { SnapshotTransfer } from "./transfer.ts";
import type { LinkLogger, LinkLogin, LinkState, SyncProgress } from "./types.ts";
import { Watchdog, type Watched } from "./watchdog.ts";

const PROGRESS_MS = 100;
const LF = 10;
const CR = 13;
/**
 * Bytes that may wait while a snapshot is loaded. More would only be memory on top of the data: a master
 * counts the stream against us, not the snapshot.
 */
const SNAPSHOT_INBOX_BYTES = 4 * 1024 * 1024;
/** More than this unsent, and another ACK would only make the heap of them higher. */
const MAX_UNSENT_ACKS = 64 * 1024;
const NEWLINE: Uint8Array = Uint8Array.of(LF);

type LineState = (attempt: Attempt, line: string) => LinkState;

/** States that read lines; the others read bytes. */
const LINE_STATES: Readonly<Partial<Record<LinkState, LineState>>> = {
  receivePingReply,
  receiveAuthReply,
  receivePortReply,
  receiveIpReply,
  receiveCapaReply,
  receiveVersionReply,
  receivePsyncReply,
  transferHeader: receiveTransferHeader,
};

/** One connection. `run` it once. */
export class Attempt implements Watched {
  /** What outlives the connection. */
  readonly shared: LinkShared;
  /** Name and password used for this connection. */
  login: LinkLogin | undefined;
  /** Time of the last byte from the master on the monotonic clock; -1 before the connection stands. */
  lastIoMs: number = -1;
  #state: LinkState = "connecting";
  /** Ends the way to a socket. */
  readonly #connecting: AbortController = new AbortController();
  #socket: Socket | undefined;
  #finish: ((error: ReplicationError) => void) | undefined;
  #error: ReplicationError | undefined;
  #steps: HandshakeStep[] = [];
  readonly #line: ByteBuffer = new ByteBuffer();
  readonly #slice: Slice;
  readonly #inbox: Inbox = new Inbox();
  /** The stream keeps commands that had no place in their slice. */
  #streamHeld: boolean = false;
  /** A turn in which work goes on has been asked for. */
  #turnDue: boolean = false;
  #paused: boolean = false;
  /** Set when the inbox was full since it was last empty. */
  #overran: boolean = false;
  /** The socket is gone, and what it brought is still being worked off. */
  #ending: ReplicationError | undefined;
  /** The server knows SYNC only: it counts no offsets and wants no acknowledgement. */
  #preSync: boolean = false;
  #sync: { replid: string; offset: number; startedAtMs: number; began: number } | undefined;
  #transfer: SnapshotTransfer | undefined;
  #stream: MasterStream | undefined;
  readonly #watchdog: Watchdog;
  #progressAt: number = 0;

  /** @param shared What outlives the connection. */
  constructor(shared: LinkShared) {
    this.shared = shared;
    this.#slice = new Slice(shared.clock, shared.sliceMs);
    this.#watchdog = new Watchdog(shared.clock, shared.timeouts, this);
  }

  /** The master's name for PSYNC. */
  get psyncCommand(): string {
    return this.shared.psyncCommand;
  }

  /** Where it stands. */
  get state(): LinkState {
    return this.#state;
  }

  /** Offset of the last stream byte received, while there is a stream. */
  get readOffset(): number | undefined {
    return this.#stream === undefined
      ? undefined
      : this.#stream.readOffset + this.#inbox.byteLength;
  }

  /** Bytes drained from the socket that wait for their turn. */
  get inboxBytes(): number {
    return this.#inbox.byteLength;
  }

  /** True while the socket is not read, because enough waits already. */
  get paused(): boolean {
    return this.#paused;
  }

  /** How far the snapshot has come. */
  get progress(): SyncProgress | undefined {
    if (this.#sync === undefined) return undefined;
    return {
      startedAtMs: this.#sync.startedAtMs,
      bytesRead: this.#transfer?.bytesRead ?? 0,
      bytesTotal: this.#transfer?.length,
      keys: this.#transfer?.keys ?? 0,
    };
  }

  /**
   * Connects and stays until the link breaks; never rejects. When the answer is there, no timer and no
   * socket of the attempt is left.
   */
  async run(signal: AbortSignal): Promise<ReplicationError> {
    this.shared.entered("connecting");
    const stop = () => this.fail(new ReplicationError("STOPPED", "The link was stopped"));
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    const error = await this.#connect() ?? await this.#stay();
    signal.removeEventListener("abort", stop);
    return error;
  }

  /** Ends the connection, or the way to it, with `error`, once; `run` answers when the socket is closed. */
  fail(error: ReplicationError): void {
    if (this.#error !== undefined) return;
    this.#error = error;
    this.#watchdog.stop();
    this.#inbox.clear();
    this.#streamHeld = false;
    if (this.#ending !== undefined) return this.#settle(error);
    if (this.#socket === undefined) this.#connecting.abort();
    else if (!this.#socket.closed) this.#socket.abort();
  }

  /** Bytes the socket has not taken yet. */
  get unsentBytes(): number {
    return this.#socket?.pendingBytes ?? 0;
  }

  /** Each second: an ACK while following, a sign of life while loading. */
  tick(): void {
    if (this.#state === "connected") {
      if (!this.#preSync) this.acknowledge();
      return;
    }
    const loads = this.#state === "transfer" || this.#state === "transferMark";
    if (loads && this.unsentBytes === 0) this.#socket?.write(NEWLINE);
  }

  /** Tells the logger, with the master's name in front. */
  log(level: keyof LinkLogger, message: string): void {
    this.shared.log(level, message);
  }

  // What state functions do.

  /** Sends everything between PING and PSYNC in one write; the answer is the first reply's state. */
  sendHandshake(): LinkState {
    this.#steps = handshakeSteps(this.login, this.shared.announce);
    for (const step of this.#steps) this.#queue(...step.args);
    this.#socket?.flush();
    return this.#steps[0].state;
  }

  /** The state of the next reply; after the last one PSYNC is sent. */
  nextStep(): LinkState {
    this.#steps.shift();
    return this.#steps.length > 0 ? this.#steps[0].state : this.sendPsync();
  }

  /** Asks for the next byte of our history, or for everything. */
  sendPsync(): LinkState {
    this.#queue(this.psyncCommand, ...this.shared.position.psyncArguments());
    this.#socket?.flush();
    return "receivePsyncReply";
  }

  /**
   * The server knows no PSYNC, as before 2.8 and behind some proxies: SYNC has it send everything, and what
   * follows can't be resumed.
   */
  sendSync(): LinkState {
    this.#preSync = true;
    this.log("warn", `The master knows no ${this.psyncCommand}: SYNC, with a full sync each time`);
    this.#queue("SYNC");
    this.#socket?.flush();
    return "transferHeader";
  }

  /** True when SYNC was sent in place of PSYNC. */
  get preSync(): boolean {
    return this.#preSync;
  }

  /** The master will send a snapshot as of `offset`: what we had can't be resumed any more. */
  beginFullSync(replid: string, offset: number): void {
    const { clock, position } = this.shared;
    position.resumable = false;
    this.#sync = { replid, offset, startedAtMs: clock.now(), began: clock.monotonic() };
    this.shared.accepted();
    this.shared.emit({ type: "syncStart", replid, offset });
    this.log("info", `Full synchronisation begins at offset ${offset}`);
  }

  /** The snapshot's bytes are next. */
  beginTransfer(length: number | undefined, mark: string | undefined): void {
    const { keyspace, position, resync, onUnsupported } = this.shared;
    if (resync === "flush") {
      keyspace.clear();
      position.hasData = false;
      position.emptied = true;
      this.shared.emit({ type: "emptied" });
    }
    this.#transfer = new SnapshotTransfer(length, mark, keyspace.sibling(), onUnsupported);
    this.#socket?.busyPoll(true);
  }

  /** The stream goes on at the byte after the last one applied. */
  beginStream(): void {
    const { position, counters } = this.shared;
    counters.partialSyncs++;
    this.shared.accepted();
    this.shared.synced("partial");
    this.#openStream(true);
    this.#enter("connected");
    this.log("info", `Resumed at offset ${position.applied}`);
    this.#emitSynced("partial", 0);
  }

  /** Tells the master what we have applied. */
  acknowledge(): void {
    const socket = this.#socket;
    if (socket === undefined || socket.closed || socket.pendingBytes > MAX_UNSENT_ACKS) return;
    this.#queue("REPLCONF", "ACK", String(this.shared.position.applied));
    socket.flush();
  }

  // Events.

  /** The answer is what kept it from connecting. */
  async #connect(): Promise<ReplicationError | undefined> {
    const { signal } = this.#connecting;
    try {
      this.login = await askLogin(this.shared, signal);
      this.#socket = await connect(this.shared, signal);
      return undefined;
    } catch (error) {
      return this.#error ?? error as ReplicationError;
    }
  }

  #stay(): Promise<ReplicationError> {
    const finished = new Promise<ReplicationError>((resolve) => this.#finish = resolve);
    const socket = this.#socket as Socket;
    this.lastIoMs = this.shared.clock.monotonic();
    socket.start({
      onData: (chunk) => this.#onData(chunk),
      onClose: (error) => this.#onClose(error),
    });
    // It may have failed after the socket was there and before we were told.
    if (this.#error === undefined) this.#begin();
    else socket.abort();
    return finished;
  }

  #begin(): void {
    this.log("debug", "Connected");
    this.#enter("receivePingReply");
    this.#watchdog.start();
    this.#queue("PING");
    this.#socket?.flush();
  }

  #onData(chunk: Uint8Array): void {
    if (this.#error !== undefined) return;
    this.lastIoMs = this.#slice.resume();
    this.shared.counters.bytesRead += chunk.length;
    if (this.#turnDue) {
      this.#inbox.push(chunk);
      this.#bound();
      this.#slice.pause();
      return;
    }
    this.#work(chunk);
  }

  /** What the socket brought is worked off before the link counts as broken: it need not be sent again. */
  #onClose(error: SocketError | undefined): void {
    this.#watchdog.stop();
    const broken = this.#broken(error);
    if (this.#error === undefined && this.#turnDue) {
      this.#ending = broken;
      return;
    }
    this.#end(broken);
  }

  #broken(error: SocketError | undefined): ReplicationError {
    // TLS 1.3 refuses a client's certificate when the client thinks its handshake done.
    if (error?.code === "TLS" && this.#state === "receivePingReply") {
      const where = formatAddress(this.shared.address);
      return new ReplicationError("CONNECT", `No connection to ${where}: ${error.message}`, error);
    }
    return new ReplicationError(
      this.#overran ? "OVERRUN" : "DISCONNECTED",
      `The connection ended in state ${this.#state}${error ? `: ${error.message}` : ""}${
        this.#overran ? `; ${this.#inbox.byteLength} bytes waited, see limits.inboxBytes` : ""
      }`,
      error,
    );
  }

  #end(error: ReplicationError): void {
    this.#ending = undefined;
    this.fail(error);
    this.#settle(this.#error as ReplicationError);
  }

  #settle(error: ReplicationError): void {
    if (this.#sync !== undefined) this.shared.counters.failedSyncs++;
    this.#sync = undefined;
    this.#finish?.(error);
  }

  /** After a slice: goes on with what was kept, then lets the socket deliver again. */
  #proceed(): void {
    this.#turnDue = false;
    if (this.#error !== undefined) return;
    this.#slice.start();
    this.#work(undefined);
    if (this.#error !== undefined || this.#turnDue) return;
    if (this.#ending !== undefined) return this.#end(this.#ending);
    this.#overran = false;
  }

  /** Runs the state machine over what is kept, or else `chunk`; any exception ends the link. */
  #work(chunk: Uint8Array | undefined): void {
    try {
      if (this.#streamHeld) this.#streamHeld = !this.#applyHeld();
      if (chunk === undefined) this.#workOff();
      else this.#consume(chunk, true);
      this.#reportProgress();
    } catch (error) {
      this.fail(asReplicationError(error));
    }
    this.#bound();
    this.#slice.pause();
  }

  /** What waits, until the slice is over. */
  #workOff(): void {
    while (!this.#turnDue && this.#error === undefined) {
      const block = this.#inbox.peek();
      if (block === undefined) return;
      this.#inbox.advance(this.#consume(block, false));
    }
  }

  /** The answer is how much was dealt with; the rest of a borrowed chunk goes to the inbox. */
  #consume(chunk: Uint8Array, borrowed: boolean): number {
    const end = chunk.length;
    let pos = 0;
    while (pos < end && this.#error === undefined) {
      if (this.#state === "connected") {
        this.#streamHeld = !this.#pushStream(chunk, pos, end);
        // Many small chunks may come in one turn of the event loop: each of them counts.
        if (this.#streamHeld || this.#slice.over()) this.#askTurn();
        return end;
      }
      pos = this.#step(chunk, pos, end);
      const goesOn = pos < end || this.#state === "transfer";
      if (!goesOn || !this.#slice.over()) continue;
      if (borrowed) this.#inbox.push(chunk, pos, end);
      this.#askTurn();
      break;
    }
    return pos;
  }

  /** Past its bound the inbox stops the socket, and far below it starts it again. */
  #bound(): void {
    const waiting = this.#inbox.byteLength;
    const follows = this.#state === "connected";
    const most = follows
      ? this.shared.inboxBytes
      : Math.min(SNAPSHOT_INBOX_BYTES, this.shared.inboxBytes);
    if (!this.#paused && waiting > most) {
      this.#paused = true;
      this.#socket?.pause();
      if (!follows || this.#overran) return;
      this.#overran = true;
      this.log("warn", `${waiting} bytes wait to be applied (limits.inboxBytes): reading stops`);
    } else if (this.#paused && waiting <= most / 2) {
      this.#paused = false;
      this.lastIoMs = this.shared.clock.monotonic();
      this.#socket?.resume();
    }
  }

  /** One line, one piece of the snapshot, or the mark. */
  #step(chunk: Uint8Array, pos: number, end: number): number {
    if (this.#state === "transfer") return this.#readSnapshot(chunk, pos, end);
    if (this.#state === "transferMark") return this.#readMark(chunk, pos, end);
    return this.#readLine(chunk, pos, end);
  }

  #readLine(chunk: Uint8Array, start: number, end: number): number {
    const at = chunk.subarray(start, end).indexOf(LF);
    const stop = at < 0 ? end : start + at;
    const line = this.#line;
    if (line.length + stop - start > this.shared.lineBytes) {
      throw new ReplicationError("PROTOCOL", `A line passed ${this.shared.lineBytes} bytes`);
    }
    line.writeBytes(chunk, start, stop);
    if (at < 0) return end;
    const length = line.length > 0 && line.bytes[line.length - 1] === CR
      ? line.length - 1
      : line.length;
    const text = latin1(line.bytes, 0, length);
    line.clear();
    // A master that makes us wait sends empty lines: alive, and nothing more.
    if (text !== "") this.#enter(this.#lineState()(this, text));
    return stop + 1;
  }

  #lineState(): LineState {
    const state = LINE_STATES[this.#state];
    if (state === undefined) throw new Error(`State ${this.#state} reads no lines`);
    return state;
  }

  #readSnapshot(chunk: Uint8Array, start: number, end: number): number {
    const transfer = this.#transfer as SnapshotTransfer;
    const pos = transfer.push(chunk, start, end);
    if (!transfer.done) return pos;
    if (transfer.endsWithMark) this.#enter("transferMark");
    else this.#finishSync();
    return pos;
  }

  #readMark(chunk: Uint8Array, start: number, end: number): number {
    const transfer = this.#transfer as SnapshotTransfer;
    const pos = transfer.pushMark(chunk, start, end);
    if (transfer.markDone) this.#finishSync();
    return pos;
  }

  /** The snapshot is whole and verified: it takes the place of the old data in one step. */
  #finishSync(): void {
    const { keyspace, position, counters, clock } = this.shared;
    const transfer = this.#transfer as SnapshotTransfer;
    const sync = this.#sync!;
    const acknowledges = transfer.endsWithMark || !this.#preSync;
    keyspace.replaceWith(transfer.staging);
    position.replace(sync.replid, sync.offset);
    counters.fullSyncs++;
    counters.moduleValuesSkipped = transfer.moduleValuesSkipped;
    counters.modulesSkipped = transfer.modulesSkipped;
    const tookMs = clock.monotonic() - sync.began;
    this.#transfer = undefined;
    this.#sync = undefined;
    this.#socket?.busyPoll(false);
    this.shared.synced("full");
    this.#openStream(acknowledges);
    this.#enter("connected");
    this.log("info", `Synchronised: ${keyspace.keyCount} keys in ${Math.round(tookMs)} ms`);
    this.#emitSynced("full", tookMs);
  }

  /** The stream is next. A streamed snapshot's master is silent until it gets this ACK. */
  #openStream(acknowledges: boolean): void {
    const { shared } = this;
    const options = {
      position: shared.position,
      counters: shared.counters,
      executor: shared.executor,
      hooks: shared.hooks,
      onDivergence: shared.onDivergence,
      transactionBytes: shared.transactionBytes,
      acknowledge: () => this.acknowledge(),
      diverged: shared.diverged,
    };
    this.#stream = new MasterStream(options, shared.limits, this.#slice);
    if (acknowledges) this.acknowledge();
  }

  #pushStream(chunk: Uint8Array, start: number, end: number): boolean {
    const stream = this.#stream as MasterStream;
    return stream.push(chunk, start, end, this.shared.clock.now());
  }

  #applyHeld(): boolean {
    const done = (this.#stream as MasterStream).proceed(this.shared.clock.now());
    if (!done) this.#askTurn();
    return done;
  }

  #emitSynced(kind: "full" | "partial", tookMs: number): void {
    const { replid, applied } = this.shared.position;
    this.shared.emit({ type: "synced", kind, replid, offset: applied, tookMs });
  }

  #reportProgress(): void {
    if (this.#sync === undefined) return;
    const now = this.lastIoMs;
    if (now - this.#progressAt < PROGRESS_MS) return;
    this.#progressAt = now;
    const progress = this.progress;
    if (progress !== undefined) this.shared.emit({ type: "syncProgress", progress });
  }

  #enter(state: LinkState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.shared.entered(state);
    this.#watchdog.entered();
  }

  #askTurn(): void {
    if (this.#turnDue) return;
    this.#turnDue = true;
    this.shared.clock.soon(() => this.#proceed());
  }

  #queue(...args: readonly string[]): void {
    if (this.#socket !== undefined) writeCommand(this.#socket.out, ...args);
  }
}
