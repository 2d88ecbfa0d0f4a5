/**
 * The clock over one connection: how long the master may be silent in each state, how long the socket
 * may take nothing, and the second's beat.
 *
 * @module
 */

import type { Clock, TimerId } from "../base/clock.ts";
import { ReplicationError, type ReplicationErrorCode } from "./errors.ts";
import type { LinkState, Timeouts } from "./types.ts";

const TICK_MS = 1000;

/** What is watched. */
export interface Watched {
  /** Where the connection stands. */
  readonly state: LinkState;
  /** Time of the last byte from the master, on the monotonic clock. */
  readonly lastIoMs: number;
  /** True while it is us who do not read. */
  readonly paused: boolean;
  /** Bytes the socket has not taken yet. */
  readonly unsentBytes: number;
  /** A second has passed. */
  tick(): void;
  /** A limit was passed. */
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

  /** @param clock The clock. @param timeouts Every limit. @param watched What is watched. */
  constructor(clock: Clock, timeouts: Required<Timeouts>, watched: Watched) {
    this.#clock = clock;
    this.#timeouts = timeouts;
    this.#watched = watched;
  }

  /** Begins. */
  start(): void {
    this.#running = true;
    this.#limitMs = this.#limit().limitMs;
    this.#watch();
    this.#tickTimer = this.#clock.setTimer(() => this.#tick(), TICK_MS);
  }

  /** Ends: no timer is left. */
  stop(): void {
    this.#running = false;
    this.#clock.clearTimer(this.#silenceTimer);
    this.#clock.clearTimer(this.#tickTimer);
    this.#silenceTimer = undefined;
    this.#tickTimer = undefined;
  }

  /** Another state was entered: another limit may hold. */
  entered(): void {
    const { limitMs } = this.#limit();
    if (!this.#running || limitMs === this.#limitMs) return;
    this.#limitMs = limitMs;
    this.#watch();
  }

  /** How long the master may be silent in this state, 0 for ever, and what it is called when it is. */
  #limit(): { limitMs: number; name: string; code: ReplicationErrorCode } {
    const { handshakeMs, syncMs, idleMs } = this.#timeouts;
    const { state } = this.#watched;
    if (state === "connected") return { limitMs: idleMs, name: "idleMs", code: "IDLE_TIMEOUT" };
    if (state === "receivePsyncReply" || state.startsWith("transfer")) {
      return { limitMs: syncMs, name: "syncMs", code: "SYNC_TIMEOUT" };
    }
    return { limitMs: handshakeMs, name: "handshakeMs", code: "HANDSHAKE_TIMEOUT" };
  }

  /** Looks again when the limit could be reached at the earliest: no timer is touched by a read. */
  #watch(): void {
    this.#clock.clearTimer(this.#silenceTimer);
    this.#silenceTimer = undefined;
    if (this.#limitMs === 0) return;
    const leftMs = this.#watched.lastIoMs + this.#limitMs - this.#clock.monotonic();
    this.#silenceTimer = this.#clock.setTimer(() => this.#expired(), Math.max(1, leftMs));
  }

  /** Bytes may wait unread when it was our host that slept: one turn for them, then the verdict. */
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
    // First what the last second left: this one's ACK, just written, may still be under way.
    this.#checkUnsent();
    if (this.#running) this.#watched.tick();
  }

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
