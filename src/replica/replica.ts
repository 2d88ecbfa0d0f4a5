/**
 * A live copy of a Redis or Valkey dataset in this process: the public class, which wires link, keyspace,
 * server and snapshots together.
 *
 * ```text
 *  start()   load the snapshot on disk -> listen -> connect          close()  link -> sentinels -> last
 *            all of it optional but the last                                  snapshot -> clients
 *
 *  link events -> engine (what clients may be answered), staleness bound, the owner's listeners
 * ```
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { hostClock } from "../net/host_clock.ts";
import { type Logger, SILENT, unfailing } from "../base/logger.ts";
import { type Address, formatAddress, type Net } from "../net/socket.ts";
import { loadFileStorage, loadNet } from "../net/runtime.ts";
import { HistoryChain } from "../replication/history.ts";
import { ReplicationLink } from "../replication/link.ts";
import type { SentinelWatch } from "../replication/sentinel.ts";
import { timeoutsWithDefaults } from "../replication/shared.ts";
import type { LinkEvent } from "../replication/types.ts";
import type { FilterOptions } from "../store/keyspace/key_filter.ts";
import { Keyspace } from "../store/keyspace/keyspace.ts";
import { Collections } from "../feed/collections.ts";
import { LiveValues } from "../feed/live.ts";
import type { Feed } from "../feed/changes/feed.ts";
import { FeedReader } from "../feed/feed_reader.ts";
import type { Metric } from "../observe/metric.ts";
import { ReplicaEngine } from "./engine.ts";
import type { Listener, ReplicaEvents } from "./events.ts";
import type { ReplicaMemory } from "./memory.ts";
import type { ReplicaHttp } from "./http.ts";
import type { ReplicaMetrics } from "./metrics.ts";
import { checkMemory, checkOptions, checkWait } from "./option_rules.ts";
import {
  checkReaders,
  type MasterTarget,
  parseListen,
  parseMaster,
  type ReplicaOptions,
  type SentinelTarget,
} from "./options.ts";
import { PartialCopy } from "./partial.ts";
import { textCodec } from "../read/codec.ts";
import { ReadCore } from "../read/core.ts";
import { type Reader, textReader } from "../read/reader.ts";
import type { CallArgument } from "../read/reply.ts";
import { Master } from "../write/master.ts";
import type { WriteOptions, WriteResult } from "../write/types.ts";
import type { MasterWriter } from "../write/writer.ts";
import type { MasterProbe } from "./probe.ts";
import { type RestoredPlace, Snapshots } from "./snapshot.ts";
import { StalenessBound } from "./staleness.ts";
import { describeStatus, type ReplicaStatus } from "./status.ts";
import { OwnData } from "./own_data.ts";
import { Teller } from "./teller.ts";
import { checkDatabase, Storage } from "./storage.ts";
import {
  lateError,
  linkOptionsOf,
  makeFeed,
  makeHttp,
  makeMemory,
  makeMetrics,
  makeProbe,
  makeSentinel,
  portOf,
  positionOf,
  READERS,
  secureRandom,
  toCredentials,
  WARNINGS,
} from "./wiring.ts";
import { certainEnd, makeWriter, splitOptions } from "./writes.ts";
import { Verifier } from "./verifying.ts";
import type { VerifyOptions, VerifyReport } from "../verify/types.ts";
import { type WaitOptions, within } from "../replication/waiting.ts";

/**
 * A replica of a master's dataset, read synchronously.
 *
 * Its reads are those of a {@linkcode Reader}: everything read in one synchronous turn is one state of the master's data.
 * Before the first data is whole reads throw a {@linkcode CommandError} LOADING, unless `beforeReady` is `"empty"`. Reads
 * after the link broke find what was last known, and `status()` says since when it is stale; `maxStalenessMs` bounds how
 * old it may be. The replica's own
 * reads are those of the chosen database: the one that the master's URL names, 0 unless it does.
 *
 * @example Follow a master and read
 * ```ts
 * import { Replica } from "@rimr/replica";
 * import { TestMaster } from "@rimr/replica/testing";
 *
 * await using master = await TestMaster.start(); // or a Redis or Valkey server of yours
 * master.call("SET", "user:1", "Ada");
 *
 * await using replica = new Replica({ master: master.url });
 * await replica.start();
 * await replica.ready();
 * console.log(replica.get("user:1")); // Ada
 * ```
 */
export class Replica extends FeedReader {
  readonly #options: ReplicaOptions;
  readonly #target: MasterTarget | undefined;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #logger: Logger;
  readonly #teller: Teller;
  readonly #keyspace: Keyspace;
  readonly #engine: ReplicaEngine;
  readonly #readers: Map<number, Reader> = new Map();
  readonly #storage: Storage;
  readonly #own: OwnData | undefined;
  readonly #live: LiveValues;
  readonly #feed: Feed;
  readonly #collections: Collections;
  readonly #writer: MasterWriter;
  readonly #master: Master;
  readonly #verifier: Verifier;
  readonly #metrics: ReplicaMetrics;
  readonly #http: ReplicaHttp;
  readonly #partial: PartialCopy;
  readonly #memory: ReplicaMemory;
  readonly #staleness: StalenessBound | undefined;
  #link: ReplicationLink | undefined;
  #net: Net | undefined;
  #probe: MasterProbe | undefined;
  #sentinel: SentinelWatch | undefined;
  #snapshots: Snapshots | undefined;
  #restored: RestoredPlace | undefined;
  #opening: Promise<void> | undefined;
  #starting: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #listening: string | undefined;

  /**
   * Checks the options and connects nothing.
   *
   * @param options Which master to follow, where to serve clients, and how.
   * @throws {TypeError} When an option is unknown or makes no sense; the message names it.
   */
  constructor(options: ReplicaOptions = {}) {
    checkOptions(options);
    const target = parseMaster(options);
    const clock = options.clock ?? hostClock();
    const random = options.random ?? secureRandom();
    const logger = options.logger === false ? SILENT : unfailing(options.logger ?? WARNINGS);
    const keyspace = new Keyspace({ random });
    const engine = new ReplicaEngine({
      keyspace,
      clock,
      random,
      logger,
      server: options.server ?? {},
      target,
      follow: (host, port) => this.#follow({ transport: "tcp", host, port }),
      onUnsupported: options.onUnsupported,
      beforeReady: options.beforeReady,
      decodeCache: options.decodeCache,
      maxMemory: () => this.#memory.watch.maxBytes,
      linkStatus: () => this.#link?.status(),
    });
    const { commits, messages } = engine;
    const live = new LiveValues({ source: engine, commits, logger });
    const db = (index: number) => this.db(index);
    const collections = new Collections({ source: engine, commits, live, logger });
    const chain = new HistoryChain();
    const isOpen = () => target === undefined || this.#link !== undefined;
    const feed = makeFeed(engine, chain, logger, isOpen);
    const parts = { live, collections, db, feed, messages };
    super(new ReadCore(engine, target?.database ?? 0, textCodec()), parts);
    this.#feed = feed;
    this.#live = live;
    this.#collections = collections;
    this.#options = options;
    this.#target = target;
    this.#clock = clock;
    this.#random = random;
    this.#logger = logger;
    this.#keyspace = keyspace;
    this.#engine = engine;
    this.#teller = new Teller(logger, () => this.status());
    const { emitter } = this.#teller;
    this.#partial = new PartialCopy(options.filter, engine);
    this.#memory = makeMemory(options, engine, collections, feed, emitter);
    engine.refusalChanged = () => this.#live.changedAll();
    this.#writer = this.#makeWriter(chain);
    this.#master = new Master(this.#writer);
    this.#verifier = new Verifier(engine, this.#partial.filter, () => this.#link);
    engine.moved = () => (this.#writer.moved(), this.#verifier.moved());
    if (options.writes === "forward") {
      engine.forward(this.#writer.forwards(options.forwarding ?? {}), this.#partial);
    }
    if (options.onSync !== undefined) emitter.on("sync", options.onSync);
    this.#staleness = this.#boundStaleness(target && options.maxStalenessMs);
    this.#own = target === undefined ? new OwnData(engine) : undefined;
    this.#storage = new Storage(this, engine, this.#own, () => this.close());
    this.#metrics = makeMetrics(engine, options, logger, emitter, () => this.status());
    this.#http = this.#makeHttp();
  }

  /**
   * Begins to serve, when `listen` is given, and to follow the master. A second call joins the first; after a
   * failure it tries again.
   *
   * @param options How long to try; for ever when left out. What ends the attempt ends the link, too.
   * @returns Resolves once the master has agreed to replicate, however many attempts that takes. From then on
   * the link reconnects for ever.
   * @throws {ReplicationError} For what no further attempt can mend: a wrong password, missing rights, a master
   * without PSYNC, a certificate that does not verify; or with code STOPPED after `close()` or `signal`.
   * @throws {TimeoutError} When it took longer than `timeoutMs`; its cause is the last failure.
   * @throws {SocketError} When the address of `listen` cannot be listened on.
   * @throws {Error} When no snapshot could be written at `snapshot.path`.
   *
   * @example Give up when there is no master within five seconds
   * ```ts
   * import { Replica } from "@rimr/replica";
   * import { TestMaster } from "@rimr/replica/testing";
   *
   * await using master = await TestMaster.start();
   * await using replica = new Replica({ master: master.url });
   * await replica.start({ timeoutMs: 5000 });
   * ```
   */
  start(options: WaitOptions = {}): Promise<void> {
    if (this.#closing !== undefined) return Promise.reject(new Error("The replica is closed"));
    checkWait(options, "start");
    const opening = this.#opening ??= this.#open();
    return this.#starting ??= within(
      this.#clock,
      options,
      (signal) => this.#start(opening, signal),
      () => lateError("No master agreed to replicate", options.timeoutMs, this.#link?.status()),
    ).catch((error) => {
      this.#opening = undefined;
      this.#starting = undefined;
      throw error;
    });
  }

  /**
   * Waits until the data is whole and the master's stream is followed.
   *
   * @param options How long to wait; for ever when left out. What ends the wait ends nothing else.
   * @returns Resolves at once when that is so already, or when no master is followed.
   * @throws {ReplicationError} When the link gave up or was stopped; or with code UNSUPPORTED, when the snapshot
   * holds what is not understood (the link tries again, after long pauses).
   * @throws {TimeoutError} When it took longer than `timeoutMs`; the replica goes on trying.
   */
  async ready(options: WaitOptions = {}): Promise<void> {
    if (this.#target === undefined) return;
    checkWait(options, "ready");
    await within(
      this.#clock,
      options,
      (signal) => this.#synced(signal),
      () => lateError("Not synchronised", options.timeoutMs, this.#link?.status()),
    );
  }

  /**
   * Ends link and server, and writes the last snapshot where one is configured. The data stays readable.
   *
   * @returns Resolves when no timer, socket or file handle is left.
   */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  /** Closes the replica at the end of its scope, for `await using`: as {@linkcode Replica.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** True while the data is whole and the master's stream is followed. */
  get connected(): boolean {
    return this.#link?.status().state === "connected";
  }

  /** How the replica stands at this moment: state, offset, lag, counters; a copy. */
  status(): ReplicaStatus {
    return describeStatus({
      keyspace: this.#keyspace,
      link: this.#link?.status(),
      follows: this.#target !== undefined,
      listening: this.#listening,
      closed: this.#closing !== undefined,
      snapshot: this.#snapshots?.status(),
      decodeCache: this.#engine.decoded.status(),
      tooStale: this.#staleness !== undefined && this.#engine.tooStale,
      nowMs: this.#clock.now(),
      collections: this.#collections.status(),
      feed: this.#feed.status(),
      writes: this.#writer.forwarded,
      filter: this.#partial.status(this.#link?.status()),
      memory: this.#memory.status(this.#link?.status().heldBytes ?? 0),
    });
  }

  /**
   * Changes the limit on memory, undefined for none, and what follows at it, as before unless told. Where it had been
   * reached, the master is tried again at once.
   *
   * @throws {TypeError} When what is given is no `maxMemory` or `onMaxMemory`.
   */
  limitMemory(maxMemory: number | string | undefined, onMaxMemory?: "stop" | "flush"): void {
    checkMemory(maxMemory, onMaxMemory);
    const { watch } = this.#memory;
    this.#memory.limit(maxMemory, onMaxMemory ?? watch.policy);
    if (watch.level === "reached") this.#link?.retryNow();
  }

  /** Running totals since the replica was made; `status().counters`. */
  get stats(): ReplicaStatus["counters"] {
    return this.status().counters;
  }

  /** Every metric at this moment, those without values included; always the same ones in the same order. */
  metrics(): Metric[] {
    return this.#metrics.list();
  }

  /**
   * Every metric as text, to be scraped by Prometheus. All names begin with `rimr_`; each sample has the master as a
   * label, and the name that the option `metrics.name` gives.
   *
   * @param options `openMetrics: true` for the format OpenMetrics 1.0 in place of Prometheus's own.
   */
  prometheus(options: { readonly openMetrics?: boolean } = {}): string {
    return this.#metrics.text(options.openMetrics === true);
  }

  /**
   * Answers requests over HTTP, to be mounted in a server: `/livez`, `/readyz`, `/metrics`, `/status`, `/events`, and
   * at `/` a page for people. It only reads; the option `http` says where it is mounted and who may ask.
   *
   * @example Mount it in a server of Deno's
   * ```ts
   * import { Replica } from "@rimr/replica";
   *
   * await using replica = new Replica();
   * const response = await replica.handler(new Request("http://localhost/livez"));
   * console.log(response.status); // 200
   * // Deno.serve(replica.handler), Bun.serve({ fetch: replica.handler })
   * ```
   */
  get handler(): (request: Request) => Promise<Response> {
    return (request) => this.#http.handle(request);
  }

  /**
   * The text of `INFO`, as Redis clients see it.
   *
   * @param sections Which sections; the default ones when left out.
   */
  info(...sections: string[]): string {
    return String(this.call("INFO", ...sections));
  }

  /**
   * Calls `listener` at each event of that name, synchronously. A listener that throws is logged and stops
   * nothing.
   *
   * @param name Which event.
   * @param listener Gets the event.
   * @returns A function that removes the listener.
   *
   * @example Log each synchronisation
   * ```ts
   * import { Replica } from "@rimr/replica";
   *
   * await using replica = new Replica();
   * const off = replica.on("sync", ({ kind }) => console.log(`${kind} resync`));
   * off();
   * ```
   */
  on<Name extends keyof ReplicaEvents>(name: Name, listener: Listener<Name>): () => void {
    return this.#teller.emitter.on(name, listener);
  }

  /**
   * Sends a write to the master, and waits until it is readable here. Any command on data, script or PUBLISH, as
   * the master spells it; {@linkcode Replica.master} has the commonest as methods, and transactions.
   *
   * @param args The command's name and its arguments; then, where wanted, an object with options.
   * @throws {TypeError} For a command about a connection or about the server itself, as SELECT or CONFIG.
   * @throws {WriteError} FAILED when the master did not do it, UNKNOWN when it may have.
   *
   * @example Read what was written
   * ```ts
   * import { Replica } from "@rimr/replica";
   * import { TestMaster } from "@rimr/replica/testing";
   *
   * await using master = await TestMaster.start();
   * await using replica = new Replica({ master: master.url });
   * await replica.start();
   * await replica.ready();
   * await replica.write("SET", "user:1", "Ada");
   * console.log(replica.get("user:1")); // Ada
   * ```
   */
  write(...args: [...CallArgument[], WriteOptions] | CallArgument[]): Promise<WriteResult> {
    const { words, options } = splitOptions(args);
    return this.#writer.write(words, options);
  }

  /** The commonest writes to the master as methods, and transactions. */
  get master(): Master {
    return this.#master;
  }

  /**
   * Where the data stands, as text for a cookie or a header: `waitFor` of it waits until another replica of this
   * master shows at least what this one shows now. Undefined before there is data.
   */
  get token(): string | undefined {
    return this.#writer.token;
  }

  /**
   * Waits until everything up to a token is readable here: one of `write`, or another replica's `token`.
   *
   * @param options How long to wait; for ever when left out.
   * @throws {TypeError} When it is no token.
   * @throws {WriteError} HISTORY_LOST when a failover has lost it, so that it will never be here.
   * @throws {TimeoutError} When it took longer than `timeoutMs`.
   */
  async waitFor(token: string, options: WaitOptions = {}): Promise<void> {
    checkWait(options, "waitFor");
    await this.#writer.waitFor(token, options);
  }

  /**
   * Keeps only what passes this filter as well as the option `filter`, from now on. What it leaves out is deleted in
   * slices; changes, live values and watches see that. There is no way back: a wider filter is a full sync of a new
   * replica.
   *
   * @returns How many keys were deleted, once the last one is.
   * @throws {TypeError} When the filter is none.
   */
  async narrow(filter: FilterOptions): Promise<number> {
    const deleted = await this.#partial.narrow(filter, this.#link?.status());
    if (this.#memory.watch.fitsAgain()) this.#link?.retryNow();
    return deleted;
  }

  /**
   * Compares the data with the master's, which goes on writing meanwhile: key counts, then a sample of the keys, or
   * all with `full`, by value and expiry as of one offset. Costs the master a DUMP a key, at a pace that is bounded.
   *
   * @returns What differs; nothing is changed unless `repair` is true.
   * @throws {VerifyError} When there is nothing to compare, or the master cannot be asked.
   */
  verify(options: VerifyOptions = {}): Promise<VerifyReport> {
    return this.#verifier.verify(options);
  }

  /** The data as a plain store, with the method names of the Go library `redis-inmemory-replica`. */
  get storage(): Storage {
    return this.#storage;
  }

  /**
   * The reads of one database; the replica's own are those of the chosen database.
   *
   * @param index Database number, 0 to 2^31 - 1; one that holds no key reads as empty.
   * @returns The same reader at each call.
   * @throws {RangeError} When `index` is no database number.
   */
  db(index: number): Reader {
    checkDatabase(index);
    let reader = this.#readers.get(index);
    if (reader === undefined) {
      reader = textReader(this.#engine, index);
      this.#readers.set(index, reader);
    }
    return reader;
  }

  /** Loads the snapshot on disk, begins to serve, and makes the link without starting it. */
  async #open(): Promise<void> {
    const net = this.#net ??= this.#options.net ?? await loadNet(this.#clock);
    const place = await this.#restore();
    const port = await this.#listen(net);
    if (this.#target === undefined || this.#link !== undefined) return;
    this.#link = this.#makeLink(net, this.#target, port);
    this.#engine.commits.place = this.#link.place;
    this.#partial.follow(this.#link.filter);
    if (place !== undefined) {
      this.#link.restore(place, place.asOfMs);
      this.#writer.restore(place);
      this.#teller.restored(place.replid);
      if (place.feedLog !== undefined) this.#feed.restoreLog(place.feedLog);
    }
    this.#probe = makeProbe(
      { net, clock: this.#clock, logger: this.#logger },
      this.#options,
      this.#target,
    );
    this.#staleness?.judge();
    this.#snapshots?.start();
    this.#metrics.start();
  }

  /** Loads the snapshot that an earlier process wrote, once. Returns where its data stands. */
  async #restore(): Promise<RestoredPlace | undefined> {
    const { snapshot } = this.#options;
    if (snapshot === undefined || this.#target === undefined) return undefined;
    if (this.#snapshots !== undefined) return this.#restored;
    const storage = snapshot.storage ?? await loadFileStorage(snapshot.path ?? "");
    await storage.check?.();
    const source = {
      keyspace: this.#keyspace,
      filter: this.#partial.filter,
      clock: this.#clock,
      memory: this.#memory.watch,
      logger: this.#logger,
      position: () => positionOf(this.#link?.status(), this.#writer.histories),
      feedLog: () => this.#feed.logBytes(),
    };
    this.#snapshots = new Snapshots(source, storage, snapshot);
    this.#restored = await this.#snapshots.load();
    if (this.#restored !== undefined) {
      this.#engine.replaced();
      this.#engine.commits.replaced();
      this.#engine.dataIsWhole();
    }
    return this.#restored;
  }

  async #start(opening: Promise<void>, signal: AbortSignal): Promise<void> {
    await opening;
    if (this.#closing !== undefined) return;
    await this.#link?.start({ signal });
  }

  async #synced(signal: AbortSignal): Promise<void> {
    await this.#opening;
    if (this.#link === undefined) {
      throw new Error("The replica was not started: call start() first");
    }
    await this.#link.synced({ signal });
  }

  /** Begins to serve, when `listen` is given. Returns the TCP port clients find us at. */
  async #listen(net: Net): Promise<number | undefined> {
    const { listen, server } = this.#options;
    if (listen === undefined || server?.enabled === false) return undefined;
    // The server may stand since an earlier start() whose link failed.
    if (this.#engine.address !== undefined) return portOf(this.#engine.address);
    const address = await this.#engine.listen(net, parseListen(listen));
    this.#listening = formatAddress(address);
    const readers = READERS[checkReaders(address, server ?? {})];
    this.#logger.info(`serving RESP on ${this.#listening}: ${readers}`, {
      event: "listening",
      address: this.#listening,
    });
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
      ...linkOptionsOf(options, target, port),
      locate: this.#sentinel && ((signal) => this.#sentinel!.locate(signal)),
      filter: this.#partial.filter,
      memory: this.#memory.watch,
      logger: this.#logger,
      onEvent: (event) => this.#observe(event),
    });
  }

  #makeWriter(chain: HistoryChain): MasterWriter {
    return makeWriter({
      clock: this.#clock,
      chain,
      commits: this.#engine.commits,
      target: this.#target,
      credentials: this.#target && toCredentials(this.#target),
      timeouts: timeoutsWithDefaults(this.#options.timeouts ?? {}),
      net: () => this.#net,
      address: () => this.#link?.address,
      outside: (db, commands, isDone) => this.#partial.outside(db, commands, isDone),
    });
  }

  #boundStaleness(maxMs: number | undefined): StalenessBound | undefined {
    if (maxMs === undefined) return undefined;
    return new StalenessBound({
      clock: this.#clock,
      maxMs,
      linkStatus: () => this.#link?.status(),
      ask: (status) => this.#probe?.isFresh(status) ?? Promise.resolve(false),
      tell: (tooStale) => {
        const isNew = tooStale !== this.#engine.tooStale;
        this.#engine.tooStale = tooStale;
        if (isNew) this.#teller.state();
      },
    });
  }

  #makeHttp(): ReplicaHttp {
    return makeHttp(this.#engine, this.#options, this.#logger, this.#teller.emitter, {
      status: () => this.status(),
      prometheus: (openMetrics) => this.#metrics.text(openMetrics),
      db: (index) => this.db(index),
    });
  }

  #makeSentinel(net: Net, target: MasterTarget, sentinel: SentinelTarget): SentinelWatch {
    const parts = { net, clock: this.#clock, logger: this.#logger };
    return makeSentinel(parts, this.#options, target, sentinel, (to) => {
      this.#link?.relocate(`Sentinel: the master is ${formatAddress(to)} now`, to);
    });
  }

  /** Does what a client asked by REPLICAOF. */
  #follow(to: Address): void {
    this.#link?.follow(to, `REPLICAOF: the master is ${formatAddress(to)} now`);
  }

  /** Passes an event of the link on to the engine, the staleness bound and the owner's listeners. */
  #observe(event: LinkEvent): void {
    if (event.type === "state") {
      const status = this.#link!.status();
      this.#engine.linkChanged(status);
      if (event.state !== "connected") this.#probe?.close();
      this.#writer.relocated();
      this.#staleness?.judge();
      this.#teller.state();
    } else if (event.type === "synced") {
      if (event.kind === "full") {
        this.#replaced();
        this.#partial.replaced();
      }
      this.#engine.dataIsWhole();
      this.#writer.followed(certainEnd(event.kind, this.#link!.status()));
    } else if (event.type === "emptied") {
      this.#engine.linkChanged(this.#link!.status());
      this.#replaced();
    }
    this.#teller.link(event);
  }

  /** All data was replaced by a snapshot, or emptied for one. */
  #replaced(): void {
    this.#engine.replaced();
    this.#verifier.replaced();
  }

  /** Ends the link before the last snapshot is written: its offset must not move meanwhile. */
  async #close(): Promise<void> {
    this.#verifier.close();
    await this.#http.close();
    await this.#opening?.catch(() => undefined);
    await this.#link?.stop();
    await this.#sentinel?.stop();
    await this.#starting?.catch(() => undefined);
    this.#partial.close();
    await this.#snapshots?.close();
    this.#metrics.close();
    this.#writer.close();
    this.#own?.close();
    this.#staleness?.stop();
    this.#probe?.close();
    this.#feed.close();
    this.#live.close();
    this.#collections.close();
    await this.#engine.close();
    this.#listening = undefined;
    this.#teller.state();
    this.#teller.emitter.emit("close", {});
  }
}
