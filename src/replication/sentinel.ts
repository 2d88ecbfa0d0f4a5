/**
 * Sentinels: where the master is, and when another server becomes it.
 *
 * ```text
 *  before each connection                              while connected
 *  SENTINEL MASTER name     epoch, of each in turn     subscriptions to all of them    sentinel_news.ts
 *  SENTINEL GET-MASTER-ADDR-BY-NAME name   address     a message ends the link's connection
 *  SENTINEL SENTINELS name  the others
 *  ROLE                     of the master
 * ```
 *
 * The sentinels are asked in turn, first the one that answered or told news last. Its answer is believed unless
 * another sentinel has reported a later failover, which has a higher configuration epoch: a sentinel cut off
 * together with the old master would send us back to it. The master it names is then asked for its ROLE. Each
 * sentinel that answers is asked for the others it knows, and they are remembered.
 *
 * SENTINEL MASTER names the old master until the failover is over, which it is when all replicas have moved:
 * only its epoch is read. GET-MASTER-ADDR-BY-NAME names the new one from the promotion on, which is when the
 * epoch grows (sentinel.c, `sentinelGetCurrentMasterAddress`).
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import type { LogFields, Logger, LogLevel } from "../base/logger.ts";
import { type Address, formatAddress, type Net, type TlsClientOptions } from "../net/socket.ts";
import { ErrorReply, type RespValue } from "../resp/types.ts";
import { loginOf } from "./login.ts";
import { ReplicationError } from "./errors.ts";
import { ClientConnection, textOf } from "../client/connection.ts";
import { SentinelNews } from "./sentinel_news.ts";
import type { LinkCredentials } from "./types.ts";

/**
 * After so many milliseconds in which sentinels told lower epochs only, they count as set up anew: their epochs
 * restart. As long as a failover may take unless `failover-timeout` says otherwise.
 */
const OUTDATED_MS = 180_000;
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
  /** Highest configuration epoch that a sentinel has told; -1 before the first. */
  #epoch: number = -1;
  /** True when a sentinel of this round knew of earlier failovers only. */
  #outdated: boolean = false;
  /** When the first of several such rounds ended, on the monotonic clock; undefined after a better one. */
  #outdatedSince: number | undefined;
  #master: Address | undefined;
  readonly #news: SentinelNews;

  /** Connects to no sentinel yet. @param options Which sentinels, and how they are reached. */
  constructor(options: SentinelOptions) {
    this.#options = options;
    this.#sentinels = [...options.sentinels];
    this.#news = new SentinelNews({
      clock: options.clock,
      name: options.name,
      log: (level, message) => this.#log(level, message),
      sentinels: () => this.#sentinels,
      open: (sentinel, signal) => this.#openSentinel(sentinel, signal),
      inquire: (sentinel, signal) => this.#catchUp(sentinel, signal),
    });
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
        if (!this.#accept(report)) {
          this.#outdated = true;
          throw new Error(`it has not heard of the last failover, ${this.#describe(report)}`);
        }
        this.#prefer(sentinel);
        await this.#checkRole(report.address, signal);
        this.#master = report.address;
        this.#outdatedSince = undefined;
        this.#news.check();
        return report.address;
      } catch (error) {
        problems.push(`${formatAddress(sentinel)}: ${messageOf(error)}`);
      }
    }
    if (this.#outdated) this.#doubtEpochs();
    throw new ReplicationError(
      "NO_MASTER",
      `No sentinel leads to a master "${this.#options.name}" (${problems.join("; ")})`,
    );
  }

  /** Ends the subscriptions and every wait. */
  stop(): Promise<void> {
    return this.#news.stop();
  }

  /** Forgets the epoch when no sentinel has known it for long. */
  #doubtEpochs(): void {
    const nowMs = this.#options.clock.monotonic();
    this.#outdatedSince ??= nowMs;
    if (nowMs - this.#outdatedSince < OUTDATED_MS) return;
    this.#outdatedSince = undefined;
    this.#epoch = -1;
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
    // Both are sent at once, the epoch first: should a failover come between the answers, the new address comes
    // with the old epoch, which is believed; the old address with the new epoch would be believed for ever.
    const [master, named] = await Promise.all([
      peer.ask("SENTINEL", "MASTER", name),
      peer.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", name),
    ]);
    const [host, port] = Array.isArray(named) ? named : [];
    const address = toAddress(textOf(host), textOf(port));
    if (address === undefined) throw new Error("it names no address");
    const epoch = Number(fieldsOf(master).get("config-epoch") ?? 0);
    return { address, epoch: Number.isNaN(epoch) ? 0 : epoch };
  }

  /** Takes a sentinel's word. Returns false when it knows less than we were told before. */
  #accept({ epoch }: Report): boolean {
    if (epoch < this.#epoch) return false;
    this.#epoch = epoch;
    return true;
  }

  #describe({ address, epoch }: Report): string {
    return `it names ${formatAddress(address)} of configuration epoch ${epoch}, and ` +
      `${this.#epoch} is known`;
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

  /** Asks a sentinel that has published something, or was just subscribed to. */
  async #catchUp(sentinel: Address, signal: AbortSignal): Promise<void> {
    const before = this.#epoch;
    const report = await this.#inquire(sentinel, signal);
    if (!this.#accept(report)) {
      return this.#log("debug", `sentinel ${formatAddress(sentinel)}: ${this.#describe(report)}`);
    }
    if (report.epoch === before) return;
    this.#prefer(sentinel);
    this.#moveTo(report.address);
  }

  /** The master is at `to`: tells the owner when that is news. */
  #moveTo(to: Address): void {
    const from = this.#master;
    if (from === undefined || formatAddress(from) === formatAddress(to)) return;
    this.#master = to;
    this.#log("info", `sentinel: the master is ${formatAddress(to)} now`, {
      event: "master_moved",
      to: formatAddress(to),
    });
    this.#options.onSwitch(to);
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

  #log(level: LogLevel, message: string, fields: LogFields = { event: "sentinel" }): void {
    this.#options.logger?.[level](message, { name: this.#options.name, ...fields });
  }
}

/** Where the server is that a reply describes; undefined when it does not say. */
function addressOf(fields: ReadonlyMap<string, string>): Address | undefined {
  return toAddress(fields.get("ip") ?? "", fields.get("port") ?? "");
}

function toAddress(host: string, portText: string): Address | undefined {
  const port = Number(portText);
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
