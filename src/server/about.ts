/**
 * What INFO, ROLE, CONFIG and SLOWLOG are answered from. It only gathers: the texts of INFO are written
 * in info.ts, the parameters of CONFIG in config.ts, the totals are counted in statistics.ts.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import type { AboutHost, RoleView, SlowEntry } from "../commands/engine/host.ts";
import type { Keyspace } from "../store/keyspace/keyspace.ts";
import type { Availability } from "./availability.ts";
import type { Blocked } from "./blocked.ts";
import type { Clients } from "./clients.ts";
import { Config, type ConfigFacts } from "./config.ts";
import { describeServer, type InfoSource, type Listening, type ProcessFacts } from "./info.ts";
import type { ForwardStatus } from "./master_access.ts";
import type { PubSub } from "./pubsub.ts";
import { Statistics } from "./statistics.ts";
import { NO_REPLICATION, type ReplicationView } from "./view.ts";

/** `databases` of redis.conf where nothing else is told. */
const DEFAULT_DATABASES = 16;
/** The release of Redis that error texts, COMMAND and INFO follow where no other is told. */
const DEFAULT_VERSION = "7.0.15";

/** What a server is and what it says of itself. */
export interface AboutOptions {
  /** The data that clients read and, on a stand-alone master, write. */
  readonly keyspace: Keyspace;
  /** Judges expiry, ages of clients and uptime. */
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /**
   * "slave" unless told: clients only read. On a "master" they write, and expired keys are deleted.
   */
  readonly role?: "master" | "slave";
  /**
   * How many databases SELECT may name; 16, and on a replica as many as the master uses, when left
   * out.
   */
  readonly databases?: number;
  /** The Redis version it behaves as; 7.0.15 unless told. */
  readonly version?: string;
  /** The package's own version; `rimr_version` of INFO. */
  readonly packageVersion?: string;
  /** Most bytes of memory that may be held, Infinity for any number; none are bounded unless told. */
  readonly maxMemory?: () => number;
  /** What the runtime tells of the process, for INFO. */
  readonly process?: ProcessFacts;
  /** Tells the state of replication; called for each INFO and ROLE. */
  readonly view?: () => ReplicationView;
  /**
   * When the last snapshot was loaded, milliseconds since 1970; the server's start when left out.
   */
  readonly lastLoadMs?: () => number;
}

/** Answers INFO, ROLE, CONFIG and SLOWLOG, and holds the totals they tell. */
export class About implements AboutHost, InfoSource {
  /** False for a stand-alone master. */
  readonly isReplica: boolean;
  readonly version: string;
  readonly packageVersion: string | undefined;
  readonly process: ProcessFacts | undefined;
  readonly runId: string;
  readonly keyspace: Keyspace;
  readonly clock: Clock;
  readonly startedAtMs: number;
  readonly clients: Clients;
  readonly pubsub: PubSub;
  readonly availability: Availability;
  readonly statistics: Statistics = new Statistics();
  readonly listening: Listening = {
    address: undefined,
    tls: false,
    maxClients: 10_000,
    timeoutSeconds: 0,
  };
  /** What CONFIG GET and CONFIG SET see. */
  readonly parameters: Config;
  /** Tells what was forwarded; the dispatcher sets it where anything is. */
  forwardStatus: (() => ForwardStatus) | undefined = undefined;
  readonly #options: AboutOptions;
  readonly #blocked: Blocked;

  /**
   * Draws the run id and begins to count.
   *
   * @param options What the server is.
   * @param clients Its connections, counted by INFO.
   * @param pubsub Its subscriptions, counted by INFO.
   * @param availability Whether its data is loading or stale, told by INFO and CONFIG.
   * @param blocked Its clients that wait for keys, counted by INFO.
   */
  constructor(
    options: AboutOptions,
    clients: Clients,
    pubsub: PubSub,
    availability: Availability,
    blocked: Blocked,
  ) {
    this.isReplica = options.role !== "master";
    this.version = options.version ?? DEFAULT_VERSION;
    this.packageVersion = options.packageVersion;
    this.process = options.process;
    this.runId = drawRunId(options.random);
    this.keyspace = options.keyspace;
    this.clock = options.clock;
    this.startedAtMs = options.clock.now();
    this.clients = clients;
    this.pubsub = pubsub;
    this.availability = availability;
    this.parameters = new Config(() => this.#facts(), this.statistics);
    this.#options = options;
    this.#blocked = blocked;
  }

  get blockedWithTimeout(): number {
    return this.#blocked.countWithTimeout;
  }

  /**
   * How many databases clients may name: 16 at least, as in Redis, and on a replica all the
   * master's.
   */
  get databases(): number {
    const { databases } = this.#options;
    if (databases !== undefined) return databases;
    const highest = this.isReplica ? this.keyspace.indexes().at(-1) ?? 0 : 0;
    return Math.max(DEFAULT_DATABASES, highest + 1);
  }

  /** Most bytes of memory that may be held; 0 for any number, as Redis has it. */
  get maxMemory(): number {
    const bytes = this.#options.maxMemory?.() ?? Infinity;
    return bytes === Infinity ? 0 : bytes;
  }

  get maxClients(): number {
    return this.parameters.maxClients;
  }

  get replication(): ReplicationView {
    return this.#options.view?.() ?? NO_REPLICATION;
  }

  get forwarded(): ForwardStatus | undefined {
    return this.forwardStatus?.();
  }

  get lastSaveSeconds(): number {
    return Math.floor((this.#options.lastLoadMs?.() ?? this.startedAtMs) / 1000);
  }

  info(sections: readonly string[]): string {
    return describeServer(this, sections);
  }

  role(): RoleView {
    return this.replication;
  }

  config(): ReadonlyMap<string, string> {
    return this.parameters.all();
  }

  setConfig(name: string, value: string): string | undefined {
    return this.parameters.set(name, value);
  }

  resetStatistics(): void {
    this.statistics.reset();
  }

  slowEntries(): readonly SlowEntry[] {
    return this.statistics.slowEntries;
  }

  resetSlowLog(): void {
    this.statistics.resetSlow();
  }

  #facts(): ConfigFacts {
    const { address, tls, maxClients, timeoutSeconds } = this.listening;
    const port = address?.transport === "tcp" ? address.port : 0;
    const { masterHost, masterPort, announced } = this.replication;
    return {
      port: tls ? 0 : port,
      tlsPort: tls ? port : 0,
      bind: address?.transport === "tcp" ? address.host : "",
      unixSocket: address?.transport === "unix" ? address.path : "",
      databases: this.databases,
      maxMemory: this.maxMemory,
      maxClients,
      timeoutSeconds,
      masterHost,
      masterPort,
      announced,
      readOnly: this.isReplica,
      serveStaleData: this.availability.servesStale,
    };
  }
}

function drawRunId(random: () => number): string {
  let id = "";
  for (let i = 0; i < 40; i++) id += Math.floor(random() * 16).toString(16);
  return id;
}
