/**
 * One connection to the master, from connect to close: owns its socket, and runs the state machine over the
 * bytes that {@linkcode Turns} hands it. What outlives a connection lies in {@linkcode LinkShared}.
 *
 * ```text
 *  connecting          credentials, sentinels, socket                                connect.ts
 *      v
 *  receivePingReply .. receiveVersionReply      a line each                          handshake.ts
 *      v
 *  receivePsyncReply ---------- +CONTINUE -----------------------+                   psync.ts
 *      |  +FULLRESYNC                                            |
 *      v                                                         |
 *  transferHeader --> transfer --> transferMark                  |                   full_sync.ts
 *                        |  $n         |  $EOF:                  |
 *                        +------+------+                         |
 *                               v                                v
 *                           connected: the stream, until the connection breaks       stream.ts
 * ```
 *
 * A state function takes a line or bytes and gives the next state; states only go forward. A connection that
 * breaks is not mended: the link makes another one, which begins at the top and asks for what is missing.
 *
 * @module
 */

import { assert } from "../base/assert.ts";
import { formatAddress, type Socket, SocketError } from "../net/socket.ts";
import { isTlsRecord, MAY_SPEAK_TLS, SPEAKS_TLS } from "../net/tls_record.ts";
import { writeCommand } from "../resp/writer.ts";
import { connect, noConnection } from "./connect.ts";
import { ReplicationError, stopped } from "./errors.ts";
import { FullSync } from "./full_sync.ts";
import { Handshake, receiveHandshakeReply } from "./handshake.ts";
import { LineReader } from "./line_reader.ts";
import { askLogin } from "./login.ts";
import { type PsyncLink, receivePsyncReply, receiveTransferHeader } from "./psync.ts";
import type { LinkShared } from "./shared.ts";
import { MasterStream } from "./stream.ts";
import { Turns, type TurnWork } from "./turns.ts";
import { LINK_STATES, type LinkLogin, type LinkState, type SyncProgress } from "./types.ts";
import { Watchdog, type Watched } from "./watchdog.ts";

/** No further ACK is queued above this many unsent bytes: the master is not reading. */
const MAX_UNSENT_ACKS = 64 * 1024;
const NEWLINE: Uint8Array = Uint8Array.of(10);

/** One connection to the master. `run` it once. */
export class MasterConnection implements Watched, PsyncLink {
  /** Options, offset and counters of the link, which outlive the connection. */
  readonly shared: LinkShared;
  #saysThatItWaits: boolean = false;
  #state: LinkState = "connecting";
  /** Nothing has come from the master yet. */
  #isSilent: boolean = true;
  /** Aborts the way to a socket: the function for credentials, the sentinels, the connect itself. */
  readonly #connecting: AbortController = new AbortController();
  #login: LinkLogin | undefined;
  #socket: Socket | undefined;
  #handshake: Handshake | undefined;
  readonly #lines: LineReader;
  readonly #turns: Turns;
  readonly #watchdog: Watchdog;
  #sync: FullSync | undefined;
  /** What is done, step by step, before a whole snapshot replaces the data. */
  #preparing: (() => boolean) | undefined;
  #stream: MasterStream | undefined;
  #tookSnapshot: boolean = false;
  /** Why it failed, the first reason. No byte is handled once it is set. */
  #error: ReplicationError | undefined;
  /** Why the socket closed, while bytes it brought still wait for their turn. */
  #closedBy: ReplicationError | undefined;
  #resolveRun: ((error: ReplicationError) => void) | undefined;

  /** Connects nothing before `run`. @param shared What outlives the connection. */
  constructor(shared: LinkShared) {
    this.shared = shared;
    this.#lines = new LineReader(shared.settings.limits.lineBytes);
    this.#turns = new Turns(shared, this.#turnWork());
    this.#watchdog = new Watchdog(shared.clock, shared.settings.timeouts, this);
  }

  /** The state it is in, never `none` nor `connect`, which are the link's between two connections. */
  get state(): LinkState {
    return this.#state;
  }

  /** When the last byte came from the master, on the monotonic clock; -1 before the connection stands. */
  get lastIoMs(): number {
    return this.#turns.lastIoMs;
  }

  /** Offset of the last stream byte received, waiting ones included; undefined before the stream. */
  get readOffset(): number | undefined {
    return this.#stream === undefined
      ? undefined
      : this.#stream.readOffset + this.#turns.waitingBytes;
  }

  /** Bytes drained from the socket that wait for their turn. */
  get inboxBytes(): number {
    return this.#turns.waitingBytes;
  }

  /** True while the socket is not read, because enough waits already. */
  get paused(): boolean {
    return this.#turns.paused;
  }

  /** Bytes of ours that the socket has not taken yet. */
  get unsentBytes(): number {
    return this.#socket?.pendingBytes ?? 0;
  }

  /** How far a full sync has come; undefined while there is none. */
  get progress(): SyncProgress | undefined {
    return this.#sync?.progress;
  }

  /** Bytes held of what came from the master and is not data yet: it waits, or is half a command or transaction. */
  get heldBytes(): number {
    return this.#turns.waitingBytes + (this.#stream?.heldBytes ?? 0);
  }

  /** True where the stream went on without a snapshot. */
  get resumed(): boolean {
    return this.#stream !== undefined && !this.#tookSnapshot;
  }

  /** True once the master began a snapshot for this connection, which costs it a fork. */
  get tookSnapshot(): boolean {
    return this.#tookSnapshot;
  }

  /** The handshake, from the moment the socket stands. */
  get handshake(): Handshake {
    assert(this.#handshake !== undefined, "the socket stands");
    return this.#handshake;
  }

  /**
   * Connects and stays until the link breaks; never rejects.
   *
   * @returns Why it ended. No timer and no socket of the connection is left by then.
   */
  async run(signal: AbortSignal): Promise<ReplicationError> {
    this.shared.observer.entered("connecting");
    const stop = () => this.fail(stopped());
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    const error = await this.#connect() ?? await this.#converse();
    signal.removeEventListener("abort", stop);
    return error;
  }

  /** Ends the connection, or the way to it, with `error`, once; `run` resolves when the socket is closed. */
  fail(error: ReplicationError): void {
    if (this.#error !== undefined) return;
    this.#error = error;
    this.#watchdog.stop();
    this.#turns.stop();
    if (this.#stream !== undefined) this.#forgetStream();
    if (this.#closedBy !== undefined) return this.#finishRun(error);
    if (this.#socket === undefined) this.#connecting.abort();
    else if (!this.#socket.closed) this.#socket.abort();
  }

  /** Called each second: sends an ACK while following, a newline as a sign of life while loading. */
  tick(): void {
    if (this.#state === "connected") {
      if (!this.handshake.preSync) this.acknowledge();
      return;
    }
    const loads = this.#state === "transfer" || this.#state === "transferMark";
    if (loads && this.unsentBytes === 0) this.#socket?.write(NEWLINE);
  }

  /** Sends `REPLCONF ACK` with the offset applied. */
  acknowledge(): void {
    const socket = this.#socket;
    if (socket === undefined || socket.closed || socket.pendingBytes > MAX_UNSENT_ACKS) return;
    writeCommand(socket.out, "REPLCONF", "ACK", String(this.shared.replOffset.applied));
    socket.flush();
  }

  // What the answers to PSYNC set going.

  /** The master will send a snapshot as of `offset`: what we had cannot be resumed any more. */
  beginFullSync(replid: string, offset: number): void {
    assert(this.#sync === undefined, "one full sync a connection");
    this.#tookSnapshot = true;
    this.shared.replOffset.endHistory();
    this.#sync = new FullSync(this.shared, replid, offset);
    this.shared.observer.accepted();
    this.shared.emit({ type: "syncStart", replid, offset });
    this.shared.log("info", `Full synchronisation begins at offset ${offset}`, {
      event: "sync_begins",
      offset,
    });
  }

  /** The snapshot's bytes are next. Polls the socket meanwhile: it is read as fast as it comes. */
  beginTransfer(length: number | undefined, mark: string | undefined): void {
    assert(this.#sync !== undefined, "a snapshot belongs to a full sync");
    this.#sync.expect(length, mark);
    this.#socket?.busyPoll(true);
  }

  /** The stream goes on at the byte after the last one applied. */
  resumeStream(): void {
    assert(this.#sync === undefined, "a partial resync sends no snapshot");
    const { replOffset, counters } = this.shared;
    counters.partialSyncs++;
    this.shared.syncedAtMs = this.shared.clock.now();
    this.shared.border.renamed();
    this.shared.observer.accepted();
    this.shared.observer.synced("partial");
    this.#openStream(true);
    this.#enter("connected");
    this.shared.log("info", `Resumed at offset ${replOffset.applied}`, {
      event: "resumed",
      offset: replOffset.applied,
    });
    this.#emitSynced("partial", 0, 0);
  }

  // The way to a socket, and its end.

  /** Connects; what kept it from connecting is returned. */
  async #connect(): Promise<ReplicationError | undefined> {
    const { signal } = this.#connecting;
    try {
      this.#login = await askLogin(this.shared.settings, signal);
      this.#socket = await connect(this.shared, signal);
      return undefined;
    } catch (error) {
      return this.#error ?? error as ReplicationError;
    }
  }

  /** Talks to the master until the connection ends, and returns why it did. */
  #converse(): Promise<ReplicationError> {
    const ended = new Promise<ReplicationError>((resolve) => this.#resolveRun = resolve);
    const socket = this.#socket as Socket;
    this.#turns.lastIoMs = this.shared.clock.monotonic();
    this.#handshake = new Handshake(this.shared, this.#login, socket);
    socket.start({
      onData: (chunk) => this.#onData(chunk),
      onClose: (error) => this.#onClose(error),
    });
    // The connection may have failed while the socket was on its way to us.
    if (this.#error === undefined) this.#beginHandshake();
    else socket.abort();
    return ended;
  }

  #beginHandshake(): void {
    this.shared.log("debug", "Connected", { event: "connected" });
    this.#enter("receivePingReply");
    this.#watchdog.start();
    this.handshake.sendPing();
  }

  #onData(chunk: Uint8Array): void {
    if (this.#error !== undefined) return;
    const isFirst = this.#isSilent;
    this.#isSilent = false;
    this.shared.counters.bytesRead += chunk.length;
    if (isFirst && isTlsRecord(chunk)) this.fail(this.#speaksTls());
    else this.#turns.receive(chunk);
  }

  /** What the socket brought is handled before the link counts as broken: it need not be sent again. */
  #onClose(error: SocketError | undefined): void {
    this.#watchdog.stop();
    const closedBy = this.#closeError(error);
    if (this.#error === undefined && this.#turns.due) this.#closedBy = closedBy;
    else this.#end(closedBy);
  }

  /** The master answered PING by TLS: no plain connection will ever do. */
  #speaksTls(): ReplicationError {
    const text = `No connection to ${formatAddress(this.shared.address)}: ${SPEAKS_TLS}`;
    return new ReplicationError("CONNECT", text, new SocketError("TLS", text));
  }

  #closeError(error: SocketError | undefined): ReplicationError {
    // TLS 1.3 refuses a client's certificate after the client has done its part of the TLS handshake.
    if (error?.code === "TLS" && this.#state === "receivePingReply") {
      return noConnection(this.shared.address, error);
    }
    const { overran, waitingBytes } = this.#turns;
    const mayBeTls = this.#isSilent && this.shared.settings.tls === undefined;
    return new ReplicationError(
      overran ? "OVERRUN" : "DISCONNECTED",
      `The connection ended in state ${this.#state}${error ? `: ${error.message}` : ""}${
        mayBeTls ? `; ${MAY_SPEAK_TLS}` : ""
      }${overran ? `; ${waitingBytes} bytes waited, see limits.inboxBytes` : ""}`,
      error,
    );
  }

  /** The socket is closed and nothing of it waits: the first error there was is what `run` returns. */
  #end(error: ReplicationError): void {
    this.#closedBy = undefined;
    this.fail(error);
    this.#finishRun(this.#error as ReplicationError);
  }

  #finishRun(error: ReplicationError): void {
    if (this.#sync !== undefined) this.shared.counters.failedSyncs++;
    this.#sync?.abandon();
    this.#sync = undefined;
    this.#preparing = undefined;
    this.#resolveRun?.(error);
  }

  // The state machine, run over bytes by the turns.

  #turnWork(): TurnWork {
    return {
      // The stream begins while the snapshot is prepared: the master counts what is not read of it.
      following: () => this.#state === "connected" || this.#preparing !== undefined,
      applyHeld: () => this.#preparing === undefined ? this.#applyHeld() : this.#prepare(),
      handle: (chunk) => this.#handle(chunk),
      sliceEnded: () => this.#sync?.report(this.#turns.lastIoMs),
      caughtUp: () => {
        if (this.#closedBy !== undefined) this.#end(this.#closedBy);
      },
      fail: (error) => this.fail(error),
      setReading: (reads) => reads ? this.#socket?.resume() : this.#socket?.pause(),
    };
  }

  /** Runs the states over a chunk; returns how much of it was handled. */
  #handle(chunk: Uint8Array): number {
    const end = chunk.length;
    let pos = 0;
    while (pos < end && this.#error === undefined && this.#preparing === undefined) {
      if (this.#state === "connected") {
        this.#followStream(chunk, pos, end);
        return end;
      }
      pos = this.#step(chunk, pos, end);
      const goesOn = pos < end || this.#state === "transfer";
      if (!goesOn || !this.#turns.slice.over()) continue;
      this.#turns.yield();
      break;
    }
    return pos;
  }

  /** Handles one line, one piece of the snapshot, or the mark; returns where it stopped. */
  #step(chunk: Uint8Array, pos: number, end: number): number {
    if (this.#state === "transfer") return this.#readSnapshot(chunk, pos, end);
    if (this.#state === "transferMark") return this.#readMark(chunk, pos, end);
    return this.#readLine(chunk, pos, end);
  }

  #readLine(chunk: Uint8Array, start: number, end: number): number {
    const stop = this.#lines.read(chunk, start, end);
    const { line } = this.#lines;
    // A master that makes us wait sends empty lines: they show that it lives, and nothing more.
    if (line === "") this.#waits();
    else if (line !== undefined) this.#enter(this.#receiveLine(line));
    return stop;
  }

  /** Says once why nothing comes. */
  #waits(): void {
    if (this.#saysThatItWaits) return;
    this.#saysThatItWaits = true;
    const why = this.#state === "receivePsyncReply"
      ? "it begins after its repl-diskless-sync-delay, or when another one has ended"
      : "it is being saved";
    this.shared.log("info", `Waiting for the master's snapshot: ${why}`, { event: "sync_awaited" });
  }

  #receiveLine(line: string): LinkState {
    if (this.#state === "receivePsyncReply") return receivePsyncReply(this, line);
    if (this.#state === "transferHeader") return receiveTransferHeader(this, line);
    return receiveHandshakeReply(this.handshake, this.#state, line);
  }

  #readSnapshot(chunk: Uint8Array, start: number, end: number): number {
    const { transfer } = this.#sync as FullSync;
    const pos = transfer.push(chunk, start, end);
    if (!transfer.done) return pos;
    if (transfer.endsWithMark) this.#enter("transferMark");
    else this.#beginFinish();
    return pos;
  }

  #readMark(chunk: Uint8Array, start: number, end: number): number {
    const { transfer } = this.#sync as FullSync;
    const pos = transfer.pushMark(chunk, start, end);
    if (transfer.markDone) this.#beginFinish();
    return pos;
  }

  /** The snapshot is whole: it replaces the data now, or when what depends on the data is prepared. */
  #beginFinish(): void {
    this.#preparing = (this.#sync as FullSync).prepare();
    if (this.#preparing === undefined) return this.#finishSync();
    // The rest of the chunk, and what comes, waits behind it.
    this.#turns.yield();
  }

  /** Prepares in this slice, and in later ones; then the snapshot replaces the data. */
  #prepare(): void {
    const step = this.#preparing as () => boolean;
    while (!step()) {
      if (this.#turns.slice.over()) return this.#turns.yield();
    }
    this.#preparing = undefined;
    this.#finishSync();
  }

  /** The snapshot is whole and verified: it takes the place of the old data, and the stream is next. */
  #finishSync(): void {
    const { keyspace } = this.shared.settings;
    const sync = this.#sync as FullSync;
    // The master of a streamed snapshot stays silent until it gets this ACK.
    const acknowledges = sync.transfer.endsWithMark || !this.handshake.preSync;
    const bytes = sync.transfer.bytesRead;
    const tookMs = sync.finish();
    this.shared.border.clear();
    this.shared.forgetResync();
    this.#sync = undefined;
    this.#socket?.busyPoll(false);
    this.shared.observer.synced("full");
    this.#openStream(acknowledges);
    this.#enter("connected");
    this.shared.log(
      "info",
      `Synchronised: ${keyspace.keyCount} keys in ${Math.round(tookMs)} ms`,
      { event: "synced", keys: keyspace.keyCount, tookMs: Math.round(tookMs), bytes },
    );
    this.#emitSynced("full", tookMs, bytes);
  }

  #openStream(acknowledges: boolean): void {
    assert(this.#stream === undefined, "one stream a connection");
    const { border } = this.shared;
    border.following = true;
    border.lookup.onReady = () => this.#turns.release();
    this.#stream = new MasterStream(this.shared, () => this.acknowledge(), this.#turns.slice);
    if (acknowledges) this.acknowledge();
  }

  /** Values that come from now on would have no place in the stream. */
  #forgetStream(): void {
    const { border } = this.shared;
    border.following = false;
    border.lookup.onReady = () => {};
  }

  #followStream(chunk: Uint8Array, start: number, end: number): void {
    const stream = this.#stream as MasterStream;
    stream.push(chunk, start, end, this.shared.clock.now());
    // Many small chunks may come in one turn of the event loop: each of them counts.
    if (stream.waits) this.#turns.hold();
    else if (stream.holds || this.#turns.slice.over()) this.#turns.yield();
  }

  #applyHeld(): void {
    const stream = this.#stream;
    if (stream === undefined || !stream.holds) return;
    stream.proceed(this.shared.clock.now());
    if (stream.waits) this.#turns.hold();
    else if (stream.holds) this.#turns.yield();
  }

  #emitSynced(kind: "full" | "partial", tookMs: number, bytes: number): void {
    const { replid, applied } = this.shared.replOffset;
    this.shared.emit({ type: "synced", kind, replid, offset: applied, tookMs, bytes });
  }

  #enter(state: LinkState): void {
    if (state === this.#state) return;
    assert(
      LINK_STATES.indexOf(state) > LINK_STATES.indexOf(this.#state),
      "the states of a connection only go forward",
    );
    this.#state = state;
    this.shared.observer.entered(state);
    this.#watchdog.entered();
  }
}
