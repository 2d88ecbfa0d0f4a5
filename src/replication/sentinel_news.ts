/**
 * What sentinels publish about one master: a subscription to each of them, so that the first one that knows of
 * a failover tells it, whichever of them has gone with the old master.
 *
 * ```text
 *  +promoted-slave   slave NAME IP PORT @ MASTER IP PORT      the sentinel that leads a failover, as soon as
 *                                                             the new master is one
 *  +switch-master    MASTER IP PORT IP PORT                   the others, a second later at most; the leader
 *                                                             only when the other replicas have moved
 * ```
 *
 * A message is a reason to ask the sentinel, and no more: several of them tell of each failover, and one that
 * comes late must not lead back.
 *
 * @module
 */

import { assert } from "../base/assert.ts";
import type { Clock, TimerId } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import type { LogLevel } from "../base/logger.ts";
import { type ClientConnection, textOf } from "../client/connection.ts";
import { type Address, formatAddress } from "../net/socket.ts";

const SWITCH_CHANNEL = "+switch-master";
const PROMOTED_CHANNEL = "+promoted-slave";
/** Milliseconds between two checks: a PING on each subscription, or a new one where it broke. */
const CHECK_MS = 5000;

/** What {@linkcode SentinelNews} is made from. */
export interface SentinelNewsOptions {
  /** Sets the time of the checks. */
  readonly clock: Clock;
  /** The master's name in the sentinels' configuration. */
  readonly name: string;
  /** Gets a message when a sentinel cannot be subscribed to. */
  log(level: LogLevel, message: string): void;
  /** The sentinels there are now; the list may grow. */
  sentinels(): readonly Address[];
  /** Connects to a sentinel. */
  open(sentinel: Address, signal: AbortSignal): Promise<ClientConnection>;
  /**
   * Asks a sentinel where the master is now: it has published that it moved, or may have done so before the
   * subscription stood. Never called for a sentinel that is being asked.
   */
  inquire(sentinel: Address, signal: AbortSignal): Promise<void>;
}

/** Keeps a subscription at each sentinel. */
export class SentinelNews {
  readonly #options: SentinelNewsOptions;
  readonly #abort: AbortController = new AbortController();
  /** Subscriptions that stand, by the sentinel's address. */
  readonly #standing: Map<string, ClientConnection> = new Map();
  /** Attempts and PINGs under way, by the sentinel's address. */
  readonly #busy: Map<string, Promise<void>> = new Map();
  /** Questions under way, by the sentinel's address. */
  readonly #asked: Map<string, Promise<void>> = new Map();
  /** Sentinels that published something while they were asked: the answer may be older. */
  readonly #again: Set<string> = new Set();
  /** Sentinels whose failure was warned of, until they answer again. */
  readonly #warned: Set<string> = new Set();
  #timer: TimerId | undefined;

  /** Subscribes to nothing before `check`. @param options Which sentinels, and whom to tell. */
  constructor(options: SentinelNewsOptions) {
    this.#options = options;
  }

  /** Checks every subscription now, and again each {@linkcode CHECK_MS}, until `stop`. */
  check(): void {
    const { clock, sentinels } = this.#options;
    clock.clearTimer(this.#timer);
    if (this.#abort.signal.aborted) return;
    for (const sentinel of sentinels()) this.#checkOne(sentinel);
    this.#timer = clock.setTimer(() => this.check(), CHECK_MS);
  }

  /** Ends every subscription and every attempt. */
  async stop(): Promise<void> {
    this.#abort.abort();
    this.#options.clock.clearTimer(this.#timer);
    await Promise.all([...this.#busy.values(), ...this.#asked.values()]);
    assert(this.#standing.size === 0, "the signal has closed every connection");
  }

  #checkOne(sentinel: Address): void {
    const key = formatAddress(sentinel);
    if (this.#busy.has(key)) return;
    const standing = this.#standing.get(key);
    const work = standing === undefined ? this.#subscribe(sentinel, key) : ping(standing);
    const done = work.then(
      () => void this.#warned.delete(key),
      (error) => this.#failed(key, error),
    );
    this.#busy.set(key, done.finally(() => this.#busy.delete(key)));
  }

  #failed(key: string, error: unknown): void {
    this.#standing.get(key)?.close();
    this.#standing.delete(key);
    if (this.#abort.signal.aborted) return;
    const level = this.#warned.has(key) ? "debug" : "warn";
    this.#warned.add(key);
    this.#options.log(level, `sentinel ${key}: no subscription: ${messageOf(error)}`);
  }

  async #subscribe(sentinel: Address, key: string): Promise<void> {
    const { signal } = this.#abort;
    const peer = await this.#options.open(sentinel, signal);
    this.#standing.set(key, peer);
    peer.onClose = () => {
      if (this.#standing.get(key) === peer) this.#standing.delete(key);
    };
    peer.onMessage = (message) => {
      if (this.#isOurs(textOf(message[1]), textOf(message[2]))) this.#ask(sentinel, key);
    };
    // One channel a command: each name has a reply of its own.
    await Promise.all([
      peer.ask("SUBSCRIBE", SWITCH_CHANNEL),
      peer.ask("SUBSCRIBE", PROMOTED_CHANNEL),
    ]);
    this.#ask(sentinel, key);
  }

  /** Asks a sentinel, and once more when it publishes something meanwhile: one question at a time. */
  #ask(sentinel: Address, key: string): void {
    if (this.#asked.has(key)) {
      this.#again.add(key);
      return;
    }
    const { signal } = this.#abort;
    const done = this.#options.inquire(sentinel, signal).catch((error) => this.#failed(key, error));
    this.#asked.set(
      key,
      done.finally(() => {
        this.#asked.delete(key);
        if (this.#again.delete(key) && !signal.aborted) this.#ask(sentinel, key);
      }),
    );
  }

  /** True when a message is about our master. */
  #isOurs(channel: string, text: string): boolean {
    const words = text.split(" ");
    return words[channel === PROMOTED_CHANNEL ? 5 : 0] === this.#options.name;
  }
}

async function ping(peer: ClientConnection): Promise<void> {
  await peer.ask("PING");
}
