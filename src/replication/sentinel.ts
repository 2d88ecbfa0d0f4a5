/**
 * Sentinels: where the master is, and when it becomes another one.
 *
 * Before each attempt the sentinels are asked in turn, the one that answered last first. What one says is
 * believed unless another has told of a later failover (its configuration epoch is higher): a sentinel cut
 * off together with the old master would send us back to it. The master named is then asked for its ROLE.
 * Each that answers is asked for the others it knows, which are remembered as well.
 * One sentinel stays subscribed to `+switch-master`, so that a failover is known before the old connection
 * breaks.
 *
 * @module
 */

import type { Clock, TimerId } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import type { Logger } from "../base/logger.ts";
import { type Address, formatAddress, type Net, type TlsClientOptions } from "../net/socket.ts";
import { ErrorReply, type RespValue } from "../resp/types.ts";
import { ReplicationError } from "./errors.ts";
import { Peer, type PeerOptions, textOf } from "./peer.ts";
import type { LinkCredentials, LinkLogin } from "./types.ts";

const SWITCH_CHANNEL = "+switch-master";
/** A subscription that says nothing is asked whether it lives this often; one that broke is made anew. */
const CHECK_MS = 5000;
/** So many rounds in which sentinels knew only of earlier failovers, and they must have been set up anew. */
const OUTDATED_ROUNDS = 10;
/** Most sentinels remembered: what one tells is not to grow without end. */
const MAX_SENTINELS = 64;

/** Options of {@linkcode SentinelWatch}. */
export interface SentinelOptions {
  /** The network. */
  readonly net: Net;
  /** The clock. */
  readonly clock: Clock;
  /** Where sentinels are, one at least. */
  readonly sentinels: readonly Address[];
  /** The master's name in their configuration. */
  readonly name: string;
  /** TLS to the sentinels, when given. */
  readonly tls?: TlsClientOptions;
  /** AUTH at the sentinels, when given. */
  readonly credentials?: LinkCredentials;
  /** How the master is reached for its ROLE. */
  readonly master: { readonly tls?: TlsClientOptions; readonly credentials?: LinkCredentials };
  /** Limits of each connection and each reply, milliseconds; 0 waits forever. */
  readonly timeouts: { readonly connectMs: number; readonly handshakeMs: number };
  /** Gets messages. */
  readonly logger?: Logger;
  /** The master is another one than `locate` answered last. */
  readonly onSwitch: (to: Address) => void;
}

/** What a sentinel told. */
interface Report {
  readonly address: Address;
  readonly epoch: number;
}

/** See the module's text. */
export class SentinelWatch {
  readonly #options: SentinelOptions;
  readonly #sentinels: Address[];
  readonly #abort: AbortController = new AbortController();
  #epoch: number = -1;
  /** Where the failover we were told of last has led, with the epoch known until then. */
  #switched: Report | undefined;
  #outdated: boolean = false;
  #outdatedRounds: number = 0;
  #master: Address | undefined;
  #subscription: Peer | undefined;
  #subscribing: Promise<void> | undefined;
  #timer: TimerId | undefined;

  /** Asks nobody yet. */
  constructor(options: SentinelOptions) {
    this.#options = options;
    this.#sentinels = [...options.sentinels];
  }

  /**
   * The master of now.
   *
   * @throws {ReplicationError} NO_MASTER when no sentinel knows one or the one they name says it is none.
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

  /** Ends the subscription and all waiting. */
  async stop(): Promise<void> {
    this.#abort.abort();
    this.#options.clock.clearTimer(this.#timer);
    this.#subscription?.close();
    await this.#subscribing;
  }

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

  /** Remembers the other sentinels this one knows: those configured may be gone one day. */
  async #learn(peer: Peer): Promise<void> {
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
      // Its word about the master counts all the same.
      this.#log("debug", `sentinel: others won't be told of: ${messageOf(error)}`);
    }
  }

  async #ask(peer: Peer): Promise<Report> {
    const { name } = this.#options;
    const fields = fieldsOf(await peer.ask("SENTINEL", "MASTER", name));
    const address = addressOf(fields);
    if (address === undefined) throw new Error("it names no address");
    const epoch = Number(fields.get("config-epoch") ?? 0);
    return { address, epoch: Number.isNaN(epoch) ? 0 : epoch };
  }

  /** Refuses what is older than what is known. */
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
    this.#epoch = epoch;
  }

  #prefer(sentinel: Address): void {
    const at = this.#sentinels.indexOf(sentinel);
    this.#sentinels.unshift(...this.#sentinels.splice(at, 1));
  }

  /** A user whose rights don't cover ROLE may still replicate: then the sentinel's word must do. */
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
      this.#log("debug", `${formatAddress(address)} won't tell its role: ${error.message}`);
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

  /** Sees that one subscription lives, and that no switch was missed. */
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
    // The next check, if this one fails, is another sentinel's.
    this.#sentinels.push(...this.#sentinels.splice(0, 1));
    const peer = await this.#openSentinel(sentinel, this.#abort.signal);
    this.#subscription = peer;
    peer.onMessage = (message) => this.#onSwitch(textOf(message[2]));
    peer.onClose = () => {
      if (this.#subscription === peer) this.#subscription = undefined;
    };
    await peer.ask("SUBSCRIBE", SWITCH_CHANNEL);
    // What was said while nobody listened.
    const report = await this.#inquire(sentinel, this.#abort.signal);
    this.#accept(report);
    this.#prefer(sentinel);
    this.#moveTo(report.address);
  }

  /** `<name> <old ip> <old port> <new ip> <new port>` */
  #onSwitch(text: string): void {
    const [name, , , host = "", port] = text.split(" ");
    if (name !== this.#options.name) return;
    const number = Number(port);
    if (host === "" || !(number > 0 && number < 65536)) return;
    const to: Address = { transport: "tcp", host, port: number };
    // Sentinels that have not heard of this failover are not believed. Its epoch is not told here, and may
    // be known already: who leads a failover counts up before it names the new master.
    if (this.#moveTo(to)) this.#switched = { address: to, epoch: this.#epoch };
  }

  #moveTo(to: Address): boolean {
    const from = this.#master;
    if (from === undefined || formatAddress(from) === formatAddress(to)) return false;
    this.#master = to;
    this.#log("info", `sentinel: the master is ${formatAddress(to)} now`);
    this.#options.onSwitch(to);
    return true;
  }

  #openSentinel(address: Address, signal: AbortSignal): Promise<Peer> {
    const { tls, credentials } = this.#options;
    return this.#open(address, tls, credentials, signal);
  }

  async #open(
    address: Address,
    tls: TlsClientOptions | undefined,
    credentials: LinkCredentials | undefined,
    signal: AbortSignal,
  ): Promise<Peer> {
    const { net, clock, timeouts } = this.#options;
    const login = await loginOf(credentials);
    const options: PeerOptions = {
      net,
      clock,
      address,
      signal,
      connectMs: timeouts.connectMs,
      replyMs: timeouts.handshakeMs,
      ...(tls === undefined ? {} : { tls }),
      ...(login === undefined ? {} : { login }),
    };
    return await Peer.open(options);
  }

  #log(level: keyof Logger, message: string): void {
    this.#options.logger?.[level](message);
  }
}

async function loginOf(credentials: LinkCredentials | undefined): Promise<LinkLogin | undefined> {
  if (credentials === undefined) return undefined;
  const { username, password } = credentials;
  const answer = typeof password === "string" ? password : await password();
  return typeof answer === "string" ? { username, password: answer } : { username, ...answer };
}

/** Where the instance is whose fields these are; undefined when they do not say. */
function addressOf(fields: ReadonlyMap<string, string>): Address | undefined {
  const host = fields.get("ip") ?? "";
  const port = Number(fields.get("port"));
  if (host === "" || !(port > 0 && port < 65536)) return undefined;
  return { transport: "tcp", host, port };
}

/** The pairs of a flat array, as RESP2 has maps. */
function fieldsOf(reply: RespValue): Map<string, string> {
  const fields = new Map<string, string>();
  if (!Array.isArray(reply)) throw new Error("it knows no such master");
  for (let i = 0; i + 1 < reply.length; i += 2) fields.set(textOf(reply[i]), textOf(reply[i + 1]));
  return fields;
}
