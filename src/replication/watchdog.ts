/**
 * The timers of one connection: how long the master may be silent in each state, how long the socket may
 * take nothing of ours, and the tick each second by which ACKs are sent.
 *
 * ```text
 *  state                            silent for     code
 *  receivePingReply ... capa        handshakeMs    HANDSHAKE_TIMEOUT
 *  receivePsyncReply, transfer...   syncMs         SYNC_TIMEOUT        a master forks, or saves a file first
 *  connected                        idleMs         IDLE_TIMEOUT        it pings every 10 s
 *  any, bytes unsent                writeMs        WRITE_TIMEOUT
 * ```
 *
 * @module
 */

import { assert } from "../base/assert.ts";
import type { Clock, TimerId } from "../base/clock.ts";
import { ReplicationError, type ReplicationErrorCode } from "./errors.ts";
import type { LinkState, Timeouts } from "./types.ts";

/** As replicationCron of replication.c: an ACK each second. */
const TICK_MS = 1000;

/** What the watchdog sees of a connection, and does to it. */
export interface Watched {
  /** The state the connection is in. */
  readonly state: LinkState;
  /** Time of the last byte from the master, on the monotonic clock. */
  readonly lastIoMs: number;
  /** True while we do not read the socket ourselves: silence is then no fault of the master. */
  readonly paused: boolean;
  /** Bytes of ours that the socket has not taken yet. */
  readonly unsentBytes: number;
  /** Called once a second while the connection stands. */
  tick(): void;
  /** A limit was passed: ends the connection. */
  fail(error: ReplicationError): void;
}

/** Watches one connection from `start` to `stop`. */
export class Watchdog {
  readonly #clock: Clock;
  readonly #timeouts: Required<Timeouts>;
  readonly #watched: Watched;
  #running: boolean = false;
  #limitMs: number = 0;
  #silenceTimer: TimerId | undefined;
  #tickTimer: TimerId | undefined;
  #unsentBytes: number = 0;
  #unsentSince: number | undefined;

  /** Sets no timer yet. @param timeouts Milliseconds, 0 for never. @param watched The connection. */
  constructor(clock: Clock, timeouts: Required<Timeouts>, watched: Watched) {
    this.#clock = clock;
    this.#timeouts = timeouts;
    this.#watched = watched;
  }

  /** Begins to watch: the socket stands. */
  start(): void {
    assert(!this.#running, "a connection is watched once");
    this.#running = true;
    this.#limitMs = this.#limit().limitMs;
    this.#watch();
    this.#tickTimer = this.#clock.setTimer(() => this.#tick(), TICK_MS);
  }

  /** Ends watching; no timer is left. */
  stop(): void {
    this.#running = false;
    this.#clock.clearTimer(this.#silenceTimer);
    this.#clock.clearTimer(this.#tickTimer);
    this.#silenceTimer = undefined;
    this.#tickTimer = undefined;
  }

  /** The connection has entered another state, for which another limit may hold. */
  entered(): void {
    const { limitMs } = this.#limit();
    if (!this.#running || limitMs === this.#limitMs) return;
    this.#limitMs = limitMs;
    this.#watch();
  }

  /** How long the master may be silent in this state (0 for ever), and the error when it is longer. */
  #limit(): { limitMs: number; name: string; code: ReplicationErrorCode } {
    const { handshakeMs, syncMs, idleMs } = this.#timeouts;
    const { state } = this.#watched;
    if (state === "connected") return { limitMs: idleMs, name: "idleMs", code: "IDLE_TIMEOUT" };
    if (state === "receivePsyncReply" || state.startsWith("transfer")) {
      return { limitMs: syncMs, name: "syncMs", code: "SYNC_TIMEOUT" };
    }
    return { limitMs: handshakeMs, name: "handshakeMs", code: "HANDSHAKE_TIMEOUT" };
  }

  /** Sets a timer for the earliest moment the limit can be reached: reads need not touch any timer. */
  #watch(): void {
    this.#clock.clearTimer(this.#silenceTimer);
    this.#silenceTimer = undefined;
    if (this.#limitMs === 0) return;
    const leftMs = this.#watched.lastIoMs + this.#limitMs - this.#clock.monotonic();
    this.#silenceTimer = this.#clock.setTimer(() => this.#expired(), Math.max(1, leftMs));
  }

  /**
   * Bytes may wait unread when our own host slept: they get one turn of the event loop before the verdict.
   */
  #expired(): void {
    if (!this.#isSilent()) return this.#watch();
    if (this.#watched.paused) {
      this.#silenceTimer = this.#clock.setTimer(() => this.#expired(), TICK_MS);
      return;
    }
    this.#clock.soon(() => {
      if (!this.#running) return;
      if (this.#isSilent()) this.#watched.fail(this.#silence());
      else this.#watch();
    });
  }

  #isSilent(): boolean {
    return this.#clock.monotonic() - this.#watched.lastIoMs >= this.#limitMs;
  }

  #silence(): ReplicationError {
    const { limitMs, name, code } = this.#limit();
    return new ReplicationError(
      code,
      `timeouts.${name}: nothing from the master for ${limitMs} ms in state ${this.#watched.state}`,
    );
  }

  #tick(): void {
    this.#tickTimer = this.#clock.setTimer(() => this.#tick(), TICK_MS);
    // Checked before the tick writes its ACK, which may still be under way for a moment.
    this.#checkUnsent();
    if (this.#running) this.#watched.tick();
  }

  /** Fails the connection when the socket has taken no byte for `writeMs` though some were waiting. */
  #checkUnsent(): void {
    const { writeMs } = this.#timeouts;
    const unsent = this.#watched.unsentBytes;
    const taken = unsent < this.#unsentBytes;
    this.#unsentBytes = unsent;
    if (unsent === 0 || taken) {
      this.#unsentSince = undefined;
      return;
    }
    const now = this.#clock.monotonic();
    this.#unsentSince ??= now;
    if (writeMs === 0 || now - this.#unsentSince < writeMs) return;
    this.#watched.fail(
      new ReplicationError(
        "WRITE_TIMEOUT",
        `timeouts.writeMs: the socket kept ${unsent} bytes back for ${writeMs} ms`,
      ),
    );
  }
}
