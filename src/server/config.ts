/**
 * `CONFIG GET` and `CONFIG SET`: the parameters clients and tools ask a replica for, with what is true
 * here, under the names Redis gives them.
 *
 * @module
 */

import type { Statistics } from "./statistics.ts";

/** Parameters that come from where the server was configured. */
export interface ConfigFacts {
  readonly port: number;
  readonly tlsPort: number;
  readonly bind: string;
  readonly unixSocket: string;
  readonly databases: number;
  readonly maxClients: number;
  readonly timeoutSeconds: number;
  readonly masterHost: string;
  readonly masterPort: number;
  readonly readOnly: boolean;
  readonly serveStaleData: boolean;
}

/** A parameter that may be set: takes the value, or says what is wrong with it. */
type Setter = (value: string) => string | undefined;

const NUMBER = "argument couldn't be parsed into an integer";
/** Sentinel never promotes a replica of priority 0: this one cannot become a master. */
const REPLICA_PRIORITY = 0;
/** What Redis answers for a parameter that exists and is not to be changed. */
const IMMUTABLE = "can't set immutable config";

/** Parameters by name, in alphabetical order. */
export class Config {
  readonly #facts: () => ConfigFacts;
  readonly #statistics: Statistics;
  readonly #setters: Readonly<Record<string, Setter>>;
  #timeoutSeconds: number | undefined = undefined;
  #maxClients: number | undefined = undefined;

  /** @param facts What was configured. @param statistics Has the slow log's limits. */
  constructor(facts: () => ConfigFacts, statistics: Statistics) {
    this.#facts = facts;
    this.#statistics = statistics;
    this.#setters = {
      "slowlog-log-slower-than": integer(-1, (value) => statistics.slowerThanMicros = value),
      "slowlog-max-len": integer(0, (value) => statistics.slowLogLength = value),
      "timeout": integer(0, (value) => this.#timeoutSeconds = value),
      "maxclients": integer(1, (value) => this.#maxClients = value),
    };
  }

  /** Seconds a silent client is kept; 0 forever. */
  get timeoutSeconds(): number {
    return this.#timeoutSeconds ?? this.#facts().timeoutSeconds;
  }

  /** Most connections. */
  get maxClients(): number {
    return this.#maxClients ?? this.#facts().maxClients;
  }

  /** Every parameter with its value now. */
  all(): ReadonlyMap<string, string> {
    const facts = this.#facts();
    const rows: readonly (readonly [string, string | number | boolean])[] = [
      ["appendfsync", "no"],
      ["appendonly", false],
      ["bind", facts.bind],
      ["client-output-buffer-limit", "normal 0 0 0 slave 0 0 0 pubsub 33554432 8388608 60"],
      ["client-query-buffer-limit", 1 << 30],
      ["cluster-enabled", false],
      ["databases", facts.databases],
      ["dir", ""],
      ["hz", 1],
      ["io-threads", 1],
      ["latency-monitor-threshold", 0],
      ["lazyfree-lazy-expire", false],
      ["loglevel", "notice"],
      ["maxclients", this.maxClients],
      ["maxmemory", 0],
      ["maxmemory-policy", "noeviction"],
      ["min-replicas-to-write", 0],
      ["min-slaves-to-write", 0],
      ["notify-keyspace-events", ""],
      ["port", facts.port],
      ["proto-max-bulk-len", 512 * 1024 * 1024],
      ["replica-announced", true],
      ["replica-priority", REPLICA_PRIORITY],
      ["replica-read-only", facts.readOnly],
      ["replica-serve-stale-data", facts.serveStaleData],
      ["replicaof", facts.masterHost === "" ? "" : `${facts.masterHost} ${facts.masterPort}`],
      ["save", ""],
      ["slave-priority", REPLICA_PRIORITY],
      ["slave-read-only", facts.readOnly],
      ["slave-serve-stale-data", facts.serveStaleData],
      ["slaveof", facts.masterHost === "" ? "" : `${facts.masterHost} ${facts.masterPort}`],
      ["slowlog-log-slower-than", this.#statistics.slowerThanMicros],
      ["slowlog-max-len", this.#statistics.slowLogLength],
      ["timeout", this.timeoutSeconds],
      ["tls-port", facts.tlsPort],
      ["unixsocket", facts.unixSocket],
    ];
    return new Map(rows.map(([name, value]) => [name, textOf(value)]));
  }

  /** Changes one; the answer is undefined, or what was wrong. */
  set(name: string, value: string): string | undefined {
    const setter = this.#setters[name];
    if (setter !== undefined) return setter(value);
    // A tool that writes back what it read has nothing to be told off for.
    return this.all().get(name) === value ? undefined : IMMUTABLE;
  }
}

function textOf(value: string | number | boolean): string {
  if (typeof value === "boolean") return value ? "yes" : "no";
  return String(value);
}

function integer(min: number, set: (value: number) => void): Setter {
  return (text) => {
    const value = /^-?\d{1,15}$/.test(text) ? Number(text) : NaN;
    if (!(value >= min)) {
      return value !== value
        ? NUMBER
        : `argument must be between ${min} and 9007199254740991 inclusive`;
    }
    set(value);
    return undefined;
  };
}
