/**
 * Sentinels: where the master is, and when another server becomes it.
 *
 * ```text
 *  before each connection                     while connected
 *  SENTINEL MASTER name    of each in turn    SUBSCRIBE +switch-master   at one sentinel
 *  SENTINEL SENTINELS name the others         PING every 5 s             is it still there?
 *  ROLE                    of the master      +switch-master             ends the link's connection
 * ```
 *
 * The sentinels are asked in turn, first the one that answered last. Its answer is believed unless another
 * sentinel has reported a later failover, which has a higher configuration epoch: a sentinel cut off together
 * with the old master would send us back to it. The master it names is then asked for its ROLE. Each sentinel
 * that answers is asked for the others it knows, and they are remembered.
 *
 * One sentinel stays subscribed to `+switch-master`, so that a failover is known before the connection to
 * the old master breaks, which may take as long as `timeouts.idleMs`.
 *
 * @module
 */

import { assert } from "../base/assert.ts";
import type { Clock, TimerId } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import type { Logger } from "../base/logger.ts";
import { type Address, formatAddress, type Net, type TlsClientOptions } from "../net/socket.ts";
import { ErrorReply, type RespValue } from "../resp/types.ts";
import { loginOf } from "./login.ts";
import { ReplicationError } from "./errors.ts";
import { ClientConnection, textOf } from "../client/connection.ts";
import type { LinkCredentials } from "./types.ts";

const SWITCH_CHANNEL = "+switch-master";
/** Milliseconds between two checks of the subscription: a PING, or another sentinel when it broke. */
const CHECK_MS = 5000;
/**
 * After this many rounds with lower epochs only, the sentinels count as set up anew: their epochs restart.
 */
const OUTDATED_ROUNDS = 10;
/** Most sentinels remembered, so that a sentinel's answers cannot grow the list without end. */
const MAX_SENTINELS = 64;

/** Options of {@linkcode SentinelWatch}. */
export interface SentinelOptions {
  /** Network that the connections are made on. */
  readonly net: Net;
  /** Measures timeouts and the time between checks. */
  readonly clock: Clock;
  /** Where the sentinels are; at least one. */
  readonly sentinels: readonly Address[];
  /** The master's name in the sentinels' configuration. */
  readonly name: string;
  /** TLS to the sentinels; without it the connections are plain. */
  readonly tls?: TlsClientOptions;
  /** What AUTH is sent with to the sentinels; without it no AUTH is sent. */
  readonly credentials?: LinkCredentials;
  /** How the master is reached when it is asked for its ROLE. */
  readonly master: { readonly tls?: TlsClientOptions; readonly credentials?: LinkCredentials };
  /** Milliseconds that each connection and each reply may take; 0 waits forever. */
  readonly timeouts: { readonly connectMs: number; readonly handshakeMs: number };
  /** Gets a message for each switch and each sentinel found. */
  readonly logger?: Logger;
  /** Called when the master is another server than the one `locate` gave last. */
  readonly onSwitch: (to: Address) => void;
}

/** What one sentinel said: where the master is, as of which failover. */
interface Report {
  readonly address: Address;
  readonly epoch: number;
}

/** Knows where the master is by asking sentinels, and hears of failovers. */
export class SentinelWatch {
  readonly #options: SentinelOptions;
  readonly #sentinels: Address[];
  readonly #abort: AbortController = new AbortController();
  /** Highest configuration epoch that a sentinel has told; -1 before the first. */
  #epoch: number = -1;
  /** Where the last `+switch-master` led, with the epoch known until then. */
  #switched: Report | undefined;
  /** True when a sentinel of this round knew of earlier failovers only. */
  #outdated: boolean = false;
  #outdatedRounds: number = 0;
  #master: Address | undefined;
  #subscription: ClientConnection | undefined;
  #subscribing: Promise<void> | undefined;
  #timer: TimerId | undefined;

  /** Connects to no sentinel yet. @param options Which sentinels, and how they are reached. */
  constructor(options: SentinelOptions) {
    this.#options = options;
    this.#sentinels = [...options.sentinels];
  }

  /**
   * Asks where the master is now, and begins to listen for failovers.
   *
   * @throws {ReplicationError} NO_MASTER when no sentinel knows a master, or the server they name says that
   * it is none.
   */
  async locate(signal: AbortSignal): Promise<Address> {
    const problems: string[] = [];
    this.#outdated = false;
    for (const sentinel of [...this.#sentinels]) {
      if (signal.aborted) break;
      try {
        const report = await this.#inquire(sentinel, signal);
        this.#accept(report);
        this.#prefer(sentinel);
        await this.#checkRole(report.address, signal);
        this.#master = report.address;
        this.#outdatedRounds = 0;
        this.#watchSoon(0);
        return report.address;
      } catch (error) {
        problems.push(`${formatAddress(sentinel)}: ${messageOf(error)}`);
      }
    }
    if (this.#outdated && ++this.#outdatedRounds >= OUTDATED_ROUNDS) {
      this.#epoch = -1;
      this.#switched = undefined;
    }
    throw new ReplicationError(
      "NO_MASTER",
      `No sentinel leads to a master "${this.#options.name}" (${problems.join("; ")})`,
    );
  }

  /** Ends the subscription and every wait. */
  async stop(): Promise<void> {
    this.#abort.abort();
    this.#options.clock.clearTimer(this.#timer);
    this.#subscription?.close();
    await this.#subscribing;
  }

  /** Asks one sentinel for the master, and for the sentinels it knows. */
  async #inquire(sentinel: Address, signal: AbortSignal): Promise<Report> {
    const peer = await this.#openSentinel(sentinel, signal);
    try {
      const report = await this.#ask(peer);
      await this.#learn(peer);
      return report;
    } finally {
      peer.close();
    }
  }

  /** Remembers the other sentinels that this one knows: those configured may be gone one day. */
  async #learn(peer: ClientConnection): Promise<void> {
    const { name } = this.#options;
    try {
      const reply = await peer.ask("SENTINEL", "SENTINELS", name);
      for (const other of Array.isArray(reply) ? reply : []) {
        const address = addressOf(fieldsOf(other));
        if (address === undefined || this.#sentinels.length >= MAX_SENTINELS) continue;
        const text = formatAddress(address);
        if (this.#sentinels.some((known) => formatAddress(known) === text)) continue;
        this.#sentinels.push(address);
        this.#log("debug", `sentinel: ${text} is another one for ${name}`);
      }
    } catch (error) {
      // What it said about the master counts all the same.
      this.#log("debug", `sentinel: it does not name the others: ${messageOf(error)}`);
    }
  }

  async #ask(peer: ClientConnection): Promise<Report> {
    const { name } = this.#options;
    const fields = fieldsOf(await peer.ask("SENTINEL", "MASTER", name));
    const address = addressOf(fields);
    if (address === undefined) throw new Error("it names no address");
    const epoch = Number(fields.get("config-epoch") ?? 0);
    return { address, epoch: Number.isNaN(epoch) ? 0 : epoch };
  }

  /** Takes a sentinel's word, or throws when it knows less than we were told before. */
  #accept({ address, epoch }: Report): void {
    const switched = this.#switched;
    const named = formatAddress(address);
    if (epoch < this.#epoch) {
      this.#outdated = true;
      throw new Error(
        `it names ${named} of configuration epoch ${epoch}, and ${this.#epoch} is known`,
      );
    }
    const missed = switched !== undefined && epoch <= switched.epoch &&
      named !== formatAddress(switched.address);
    if (missed) {
      this.#outdated = true;
      throw new Error(`it names ${named} and has not heard of the failover from it`);
    }
    assert(epoch >= this.#epoch, "the configuration epoch only grows");
    this.#epoch = epoch;
  }

  /** The sentinel that answered is asked first next time. */
  #prefer(sentinel: Address): void {
    const at = this.#sentinels.indexOf(sentinel);
    this.#sentinels.unshift(...this.#sentinels.splice(at, 1));
  }

  /** Throws unless the server is a master. A user without the right to ROLE may still replicate. */
  async #checkRole(address: Address, signal: AbortSignal): Promise<void> {
    const { master } = this.#options;
    const peer = await this.#open(address, master.tls, master.credentials, signal);
    try {
      const reply = await peer.ask("ROLE");
      const role = Array.isArray(reply) ? textOf(reply[0]) : "";
      if (role === "master") return;
      throw new Error(`${formatAddress(address)} says it is a ${role || "stranger"}`);
    } catch (error) {
      if (!(error instanceof ErrorReply)) throw error;
      this.#log("debug", `${formatAddress(address)} does not tell its role: ${error.message}`);
    } finally {
      peer.close();
    }
  }

  #watchSoon(ms: number): void {
    const { clock } = this.#options;
    clock.clearTimer(this.#timer);
    if (this.#abort.signal.aborted) return;
    this.#timer = clock.setTimer(() => this.#check(), ms);
  }

  /** Makes sure that one subscription stands; every failure of it is mended by the next check. */
  #check(): void {
    this.#subscribing ??= this.#keepSubscribed().catch((error) => {
      this.#log("warn", `sentinel subscription: ${messageOf(error)}`);
      this.#subscription?.close();
      this.#subscription = undefined;
    }).finally(() => {
      this.#subscribing = undefined;
      this.#watchSoon(CHECK_MS);
    });
  }

  async #keepSubscribed(): Promise<void> {
    if (this.#subscription !== undefined) {
      await this.#subscription.ask("PING");
      return;
    }
    const [sentinel] = this.#sentinels;
    // If this sentinel fails, the next check tries another one.
    this.#sentinels.push(...this.#sentinels.splice(0, 1));
    const peer = await this.#openSentinel(sentinel, this.#abort.signal);
    this.#subscription = peer;
    peer.onMessage = (message) => this.#onSwitch(textOf(message[2]));
    peer.onClose = () => {
      if (this.#subscription === peer) this.#subscription = undefined;
    };
    await peer.ask("SUBSCRIBE", SWITCH_CHANNEL);
    // A failover may have happened before the subscription stood.
    const report = await this.#inquire(sentinel, this.#abort.signal);
    this.#accept(report);
    this.#prefer(sentinel);
    this.#moveTo(report.address);
  }

  /** Takes a message of `+switch-master`: `<name> <old ip> <old port> <new ip> <new port>`. */
  #onSwitch(text: string): void {
    const [name, , , host = "", port] = text.split(" ");
    if (name !== this.#options.name) return;
    const number = Number(port);
    if (host === "" || !(number > 0 && number < 65536)) return;
    const to: Address = { transport: "tcp", host, port: number };
    // The message does not tell the failover's epoch, and that may be known already: the sentinel that leads
    // a failover counts it up before it names the new master. So the address is remembered, and sentinels of
    // no higher epoch that name another one are not believed.
    if (this.#moveTo(to)) this.#switched = { address: to, epoch: this.#epoch };
  }

  /** The master is at `to`: tells the owner when that is news. */
  #moveTo(to: Address): boolean {
    const from = this.#master;
    if (from === undefined || formatAddress(from) === formatAddress(to)) return false;
    this.#master = to;
    this.#log("info", `sentinel: the master is ${formatAddress(to)} now`);
    this.#options.onSwitch(to);
    return true;
  }

  #openSentinel(address: Address, signal: AbortSignal): Promise<ClientConnection> {
    const { tls, credentials } = this.#options;
    return this.#open(address, tls, credentials, signal);
  }

  async #open(
    address: Address,
    tls: TlsClientOptions | undefined,
    credentials: LinkCredentials | undefined,
    signal: AbortSignal,
  ): Promise<ClientConnection> {
    const { net, clock, timeouts } = this.#options;
    const login = credentials === undefined ? undefined : await loginOf(credentials);
    return await ClientConnection.open({
      net,
      clock,
      address,
      tls,
      login,
      signal,
      connectMs: timeouts.connectMs,
      replyMs: timeouts.handshakeMs,
    });
  }

  #log(level: keyof Logger, message: string): void {
    this.#options.logger?.[level](message);
  }
}

/** Where the server is that a reply describes; undefined when it does not say. */
function addressOf(fields: ReadonlyMap<string, string>): Address | undefined {
  const host = fields.get("ip") ?? "";
  const port = Number(fields.get("port"));
  if (host === "" || !(port > 0 && port < 65536)) return undefined;
  return { transport: "tcp", host, port };
}

/** The fields of a flat array of names and values, which is how RESP2 writes a map. */
function fieldsOf(reply: RespValue): Map<string, string> {
  const fields = new Map<string, string>();
  if (!Array.isArray(reply)) throw new Error("it knows no such master");
  for (let i = 0; i + 1 < reply.length; i += 2) fields.set(textOf(reply[i]), textOf(reply[i + 1]));
  return fields;
}
