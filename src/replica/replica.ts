/**
 * A live copy of a Redis or Valkey dataset in this process: wires link, keyspace and server together.
 *
 * @module
 */

import { type Clock, systemClock, type TimerId } from "../base/clock.ts";
import { type Logger, SILENT } from "../base/logger.ts";
import { Prng } from "../base/prng.ts";
import { type Address, formatAddress, type Net } from "../net/socket.ts";
import { loadFileStorage, loadNet } from "../net/runtime.ts";
import { ReplicationLink } from "../replication/link.ts";
import { SentinelWatch } from "../replication/sentinel.ts";
import { timeoutsWithDefaults } from "../replication/shared.ts";
import type { LinkCredentials, LinkEvent, LinkStatus } from "../replication/types.ts";
import { Keyspace } from "../store/keyspace/keyspace.ts";
import { ReplicaEngine } from "./engine.ts";
import { Emitter, type Listener, type ReplicaEvents } from "./events.ts";
import {
  checkOptions,
  type MasterTarget,
  parseListen,
  parseMaster,
  type Password,
  type ReplicaOptions,
  type SentinelTarget,
} from "./options.ts";
import {
  type BytesReply,
  type Key,
  Reader,
  type Reply,
  type ScanOptions,
  type TypeName,
} from "./reader.ts";
import { type RestoredPlace, Snapshots } from "./snapshot.ts";
import { StalenessBound } from "./staleness.ts";
import { describeStatus, type ReplicaStatus } from "./status.ts";
import { Storage } from "./storage.ts";

const WARNINGS: Logger = {
  debug() {},
  info() {},
  warn: (message) => console.warn(`replica: ${message}`),
  error: (message) => console.error(`replica: ${message}`),
};

/** How long {@linkcode Replica.ready} waits. */
export interface ReadyOptions {
  /** Gives up waiting, and only waiting. */
  readonly signal?: AbortSignal;
  /** Milliseconds until it rejects with a `TimeoutError`; forever when left out. */
  readonly timeoutMs?: number;
}

/** A wait took longer than it was allowed to. */
export class TimeoutError extends Error {
  /** Always "TimeoutError". */
  override readonly name: string = "TimeoutError";
  /** Always "TIMEOUT". */
  readonly code: string = "TIMEOUT";
}

/**
 * A replica of a master's dataset, read synchronously.
 *
 * Reads before the first synchronisation find nothing; reads after the link broke find what was last
 * known, and `status()` says since when it is stale.
 *
 * @example Follow a master and read
 * ```ts no-eval
 * import { Replica } from "jsr:@rimr/replica";
 *
 * await using replica = new Replica({ master: "redis://127.0.0.1:6379" });
 * await replica.start();
 * await replica.ready();
 * console.log(replica.get("user:1"));
 * ```
 */
export class Replica {
  readonly #options: ReplicaOptions;
  readonly #target: MasterTarget | undefined;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #logger: Logger;
  readonly #emitter: Emitter;
  readonly #keyspace: Keyspace;
  readonly #engine: ReplicaEngine;
  readonly #readers: Map<number, Reader> = new Map();
  readonly #reader: Reader;
  readonly #storage: Storage;
  readonly #staleness: StalenessBound | undefined;
  #link: ReplicationLink | undefined;
  #sentinel: SentinelWatch | undefined;
  #snapshots: Snapshots | undefined;
  #restored: RestoredPlace | undefined;
  #opening: Promise<void> | undefined;
  #starting: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #listening: string | undefined;

  /**
   * Connects nothing yet.
   *
   * @param options Which master, whom to serve, and how.
   * @throws {TypeError} An option that is unknown or makes no sense.
   */
  constructor(options: ReplicaOptions = {}) {
    checkOptions(options);
    this.#options = options;
    this.#target = parseMaster(options);
    if (options.listen !== undefined) parseListen(options.listen);
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? secureRandom();
    this.#logger = options.logger === false ? SILENT : options.logger ?? WARNINGS;
    this.#emitter = new Emitter(this.#logger);
    if (options.onSync !== undefined) this.#emitter.on("sync", options.onSync);
    this.#keyspace = new Keyspace({ random: this.#random });
    this.#engine = new ReplicaEngine({
      keyspace: this.#keyspace,
      clock: this.#clock,
      random: this.#random,
      logger: this.#logger,
      server: options.server ?? {},
      target: this.#target,
      linkStatus: () => this.#link?.status(),
    });
    this.#reader = this.db(0);
    const follows = this.#target !== undefined;
    this.#staleness = options.maxStalenessMs === undefined || !follows
      ? undefined
      : new StalenessBound(
        this.#clock,
        options.maxStalenessMs,
        (tooStale) => this.#engine.tooStale = tooStale,
      );
    this.#storage = new Storage(this.#engine, follows, () => this.close());
  }

  /**
   * Begins to serve, when `listen` is given, and to follow. Resolves once the master agreed to replicate,
   * however many attempts that takes; from then on the link reconnects for ever.
   *
   * @param options `signal` ends the attempt and the replica's link.
   * @throws {ReplicationError} What no further attempt can mend: a wrong password, missing rights, a master
   * without PSYNC, a certificate that does not verify; or code STOPPED.
   * @throws {SocketError} The address of `listen` can't be had.
   */
  start(options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    if (this.#closing !== undefined) return Promise.reject(new Error("The replica is closed"));
    this.#opening ??= this.#open();
    return this.#starting ??= this.#start(this.#opening, options.signal).catch((error) => {
      this.#opening = undefined;
      this.#starting = undefined;
      throw error;
    });
  }

  /**
   * Resolves when the data is whole and followed.
   *
   * @param options How long to wait.
   * @throws {ReplicationError} The link gave up or was stopped; or UNSUPPORTED, when the snapshot holds what
   * is not understood (it is tried again, after long pauses).
   * @throws {TimeoutError} It took too long; the replica goes on trying.
   */
  async ready(options: ReadyOptions = {}): Promise<void> {
    await this.#opening;
    if (this.#target === undefined) return;
    if (this.#link === undefined) {
      throw new Error("The replica was not started: call start() first");
    }
    const { signal, timeoutMs } = options;
    const abort = new AbortController();
    const onAbort = () => abort.abort();
    let timer: TimerId | undefined;
    let timedOut = false;
    if (signal?.aborted) abort.abort();
    signal?.addEventListener("abort", onAbort, { once: true });
    if (timeoutMs !== undefined) {
      timer = this.#clock.setTimer(() => {
        timedOut = true;
        abort.abort();
      }, timeoutMs);
    }
    try {
      await this.#link.synced({ signal: abort.signal });
    } catch (error) {
      if (!timedOut) throw error;
      throw new TimeoutError(`Not synchronised within ${timeoutMs} ms: ${this.#whyNot()}`);
    } finally {
      this.#clock.clearTimer(timer);
      signal?.removeEventListener("abort", onAbort);
    }
  }

  /** Ends link and server. Resolves when no timer, socket or handle is left; the data stays readable. */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  /** {@linkcode Replica.close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** True while the master is followed and the data whole. */
  get connected(): boolean {
    return this.#link?.status().state === "connected";
  }

  /** How it stands. */
  status(): ReplicaStatus {
    return describeStatus(
      this.#keyspace,
      this.#link?.status(),
      this.#listening,
      this.#closing !== undefined,
      this.#snapshots?.status(),
    );
  }

  /** Running totals. */
  get stats(): ReplicaStatus["counters"] {
    return this.status().counters;
  }

  /** The text of `INFO`, whole or of the sections named. */
  info(...sections: string[]): string {
    return String(this.call("INFO", ...sections));
  }

  /** Calls `listener` at each event of that name; the answer takes it away again. */
  on<Name extends keyof ReplicaEvents>(name: Name, listener: Listener<Name>): () => void {
    return this.#emitter.on(name, listener);
  }

  /** The data as a plain store, with the names of the Go library. */
  get storage(): Storage {
    return this.#storage;
  }

  /** The reads of database `index`. */
  db(index: number): Reader {
    if (!Number.isInteger(index) || index < 0 || index > 0x7fffffff) {
      throw new RangeError(`${index} is not a database number`);
    }
    let reader = this.#readers.get(index);
    if (reader === undefined) {
      reader = new Reader(this.#engine, index);
      this.#readers.set(index, reader);
    }
    return reader;
  }

  /** How many keys database 0 has. */
  get size(): number {
    return this.#reader.size;
  }

  /** {@linkcode Reader.get} of database 0. */
  get(key: Key): string | undefined {
    return this.#reader.get(key);
  }

  /** {@linkcode Reader.getBytes} of database 0. */
  getBytes(key: Key): Uint8Array | undefined {
    return this.#reader.getBytes(key);
  }

  /** {@linkcode Reader.mget} of database 0. */
  mget(...keys: Key[]): (string | null)[] {
    return this.#reader.mget(...keys);
  }

  /** {@linkcode Reader.strlen} of database 0. */
  strlen(key: Key): number {
    return this.#reader.strlen(key);
  }

  /** {@linkcode Reader.has} of database 0. */
  has(key: Key): boolean {
    return this.#reader.has(key);
  }

  /** {@linkcode Reader.exists} of database 0. */
  exists(...keys: Key[]): number {
    return this.#reader.exists(...keys);
  }

  /** {@linkcode Reader.type} of database 0. */
  type(key: Key): TypeName | undefined {
    return this.#reader.type(key);
  }

  /** {@linkcode Reader.ttl} of database 0. */
  ttl(key: Key): number {
    return this.#reader.ttl(key);
  }

  /** {@linkcode Reader.pttl} of database 0. */
  pttl(key: Key): number {
    return this.#reader.pttl(key);
  }

  /** {@linkcode Reader.expireTime} of database 0. */
  expireTime(key: Key): number {
    return this.#reader.expireTime(key);
  }

  /** {@linkcode Reader.randomKey} of database 0. */
  randomKey(): string | undefined {
    return this.#reader.randomKey();
  }

  /** {@linkcode Reader.keys} of database 0. */
  keys(match?: Key): string[] {
    return this.#reader.keys(match);
  }

  /** {@linkcode Reader.scan} of database 0. */
  scan(options?: ScanOptions): Generator<string, void, undefined> {
    return this.#reader.scan(options);
  }

  /** {@linkcode Reader.scanBytes} of database 0. */
  scanBytes(options?: ScanOptions): Generator<Uint8Array, void, undefined> {
    return this.#reader.scanBytes(options);
  }

  /** {@linkcode Reader.call} on database 0. */
  call(...args: Key[]): Reply {
    return this.#reader.call(...args);
  }

  /** {@linkcode Reader.callBytes} on database 0. */
  callBytes(...args: Key[]): BytesReply {
    return this.#reader.callBytes(...args);
  }

  /** Loads what was kept, serves, and makes the link without starting it. */
  async #open(): Promise<void> {
    const net = this.#options.net ?? await loadNet(this.#options.clock);
    const place = await this.#restore();
    const port = await this.#listen(net);
    if (this.#target === undefined || this.#link !== undefined) return;
    this.#link = this.#makeLink(net, this.#target, port);
    if (place !== undefined) this.#link.restore(place, place.asOfMs);
    this.#staleness?.linkChanged(this.#link.status());
    this.#snapshots?.start();
  }

  /** Loads the snapshot of an earlier life, once. */
  async #restore(): Promise<RestoredPlace | undefined> {
    const { snapshot } = this.#options;
    if (snapshot === undefined || this.#target === undefined) return undefined;
    if (this.#snapshots !== undefined) return this.#restored;
    const storage = snapshot.storage ?? await loadFileStorage(snapshot.path ?? "");
    const source = {
      keyspace: this.#keyspace,
      clock: this.#clock,
      logger: this.#logger,
      position: () => positionOf(this.#link?.status()),
    };
    this.#snapshots = new Snapshots(source, storage, snapshot);
    this.#restored = await this.#snapshots.load();
    if (this.#restored !== undefined) this.#engine.replaced();
    return this.#restored;
  }

  async #start(opening: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
    await opening;
    if (this.#closing !== undefined) return;
    await this.#link?.start(signal === undefined ? {} : { signal });
  }

  /** Begins to serve; the port clients find us at, when it is a port. */
  async #listen(net: Net): Promise<number | undefined> {
    const { listen, server } = this.#options;
    if (listen === undefined || server?.enabled === false) return undefined;
    // A second start() after one that failed finds the server standing.
    if (this.#engine.address !== undefined) return portOf(this.#engine.address);
    const address = await this.#engine.listen(net, parseListen(listen));
    this.#listening = formatAddress(address);
    this.#logger.info(`serving RESP on ${this.#listening}`);
    return portOf(address);
  }

  #makeLink(net: Net, target: MasterTarget, port: number | undefined): ReplicationLink {
    const options = this.#options;
    const { sentinel } = target;
    if (sentinel !== undefined) this.#sentinel = this.#makeSentinel(net, target, sentinel);
    return new ReplicationLink({
      net,
      clock: this.#clock,
      random: this.#random,
      keyspace: this.#keyspace,
      executor: this.#engine.executor,
      hooks: this.#engine.hooks,
      address: target.address,
      locate: this.#sentinel && ((signal) => this.#sentinel!.locate(signal)),
      tls: target.tls,
      credentials: toCredentials(target),
      announce: { ...(port === undefined ? {} : { port }), ...options.announce },
      timeouts: options.timeouts,
      backoff: options.backoff,
      limits: options.limits,
      resync: options.resync,
      psyncCommand: options.psyncCommand,
      onDivergence: options.onDivergence,
      onUnsupported: options.onUnsupported,
      logger: this.#logger,
      onEvent: (event) => this.#observe(event),
    });
  }

  #makeSentinel(net: Net, target: MasterTarget, sentinel: SentinelTarget): SentinelWatch {
    return new SentinelWatch({
      net,
      clock: this.#clock,
      sentinels: sentinel.addresses,
      name: sentinel.name,
      tls: sentinel.tls,
      credentials: toCredentials(sentinel),
      master: { tls: target.tls, credentials: toCredentials(target) },
      timeouts: timeoutsWithDefaults(this.#options.timeouts ?? {}),
      logger: this.#logger,
      onSwitch: (to) => {
        this.#link?.relocate(`Sentinel: the master is ${formatAddress(to)} now`);
      },
    });
  }

  #observe(event: LinkEvent): void {
    if (event.type === "state") {
      const status = this.#link!.status();
      this.#engine.linkChanged(status);
      this.#staleness?.linkChanged(status);
      this.#emitter.emit("state", { state: event.state });
    } else if (event.type === "synced") {
      if (event.kind === "full") this.#engine.replaced();
      this.#emitter.emit("sync", { kind: event.kind });
    } else if (event.type === "emptied") {
      this.#engine.linkChanged(this.#link!.status());
      this.#engine.replaced();
    } else if (event.type === "disconnected" || event.type === "failed") {
      this.#emitter.emit("disconnect", { error: event.error });
    }
  }

  async #close(): Promise<void> {
    await this.#opening?.catch(() => undefined);
    await this.#link?.stop();
    await this.#sentinel?.stop();
    await this.#starting?.catch(() => undefined);
    await this.#snapshots?.close();
    this.#staleness?.stop();
    await this.#engine.close();
    this.#listening = undefined;
    this.#emitter.emit("close", {});
  }

  #whyNot(): string {
    const status: LinkStatus | undefined = this.#link?.status();
    return status?.lastError?.message ?? `the link is in state ${status?.state}`;
  }
}

function toCredentials(
  { username, password }: { username: string | undefined; password: Password | undefined },
): LinkCredentials | undefined {
  if (password === undefined) return undefined;
  return username === undefined ? { password } : { username, password };
}

/** Where the data stands, when it can be gone on from. */
function positionOf(
  link: LinkStatus | undefined,
): { replid: string; offset: number; streamDb: number } | undefined {
  if (link === undefined || !link.resumable) return undefined;
  return { replid: link.replid, offset: link.appliedOffset, streamDb: link.db };
}

function portOf(address: Address): number | undefined {
  return address.transport === "tcp" ? address.port : undefined;
}

/** Numbers that nobody can foresee cheaply: they seed the hash of the keyspace. */
function secureRandom(): () => number {
  const [low, high] = crypto.getRandomValues(new Uint32Array(2));
  const prng = new Prng((high >>> 11) * 2 ** 32 + low);
  return () => prng.next();
}
