/**
 * `CONFIG GET` and `CONFIG SET`: the parameters that clients and tools ask a replica for, under Redis's
 * names (config.c), with the values that are true here. Four of them can be set; writing back to any
 * other the value it has is accepted, and changes nothing.
 *
 * @module
 */

import type { Statistics } from "./statistics.ts";

/** Parameters that come from where the server was configured. */
export interface ConfigFacts {
  /** TCP port without TLS; 0 where none is listened on. */
  readonly port: number;
  /** TCP port with TLS; 0 where none is listened on. */
  readonly tlsPort: number;
  /** Host listened on; "" for none. */
  readonly bind: string;
  /** Path of the Unix socket listened on; "" for none. */
  readonly unixSocket: string;
  /** Most bytes of memory that may be held; 0 for any number. */
  readonly maxMemory: number;
  /** How many databases SELECT may name. */
  readonly databases: number;
  /** Most connections at once. */
  readonly maxClients: number;
  /** Seconds a silent client is kept; 0 for ever. */
  readonly timeoutSeconds: number;
  /** The master as it was configured; "" where nobody is followed. */
  readonly masterHost: string;
  /** The master's port; 0 for a Unix socket. */
  readonly masterPort: number;
  /** Whether the master was told our port. */
  readonly announced: boolean;
  /** Whether clients may only read: on every replica. */
  readonly readOnly: boolean;
  /** Whether clients are answered while the master is down. */
  readonly serveStaleData: boolean;
}

/** Takes a parameter's new value. Returns undefined, or what is wrong with it. */
type Setter = (value: string) => string | undefined;

const NUMBER = "argument couldn't be parsed into an integer";
/** Sentinel never promotes a replica of priority 0: this one cannot become a master. */
const REPLICA_PRIORITY = 0;
/** What Redis answers for a parameter that exists and is not to be changed. */
const IMMUTABLE = "can't set immutable config";

/** The parameters of one server. */
export class Config {
  readonly #facts: () => ConfigFacts;
  readonly #statistics: Statistics;
  readonly #setters: Readonly<Record<string, Setter>>;
  /** What CONFIG SET gave, in place of what was configured; undefined until then. */
  #timeoutSeconds: number | undefined = undefined;
  #maxClients: number | undefined = undefined;

  /**
   * Begins with what was configured.
   *
   * @param facts Tells what was configured, as it is now.
   * @param statistics Holds the slow log, whose limits can be set.
   */
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

  /** Seconds a silent client is kept; 0 for ever. */
  get timeoutSeconds(): number {
    return this.#timeoutSeconds ?? this.#facts().timeoutSeconds;
  }

  /** Most connections at once; further ones are refused. */
  get maxClients(): number {
    return this.#maxClients ?? this.#facts().maxClients;
  }

  /** Every parameter with its present value as text, in alphabetical order. */
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
      ["maxmemory", facts.maxMemory],
      ["maxmemory-policy", "noeviction"],
      ["min-replicas-to-write", 0],
      ["min-slaves-to-write", 0],
      ["notify-keyspace-events", ""],
      ["port", facts.port],
      ["proto-max-bulk-len", 512 * 1024 * 1024],
      ["replica-announced", facts.announced],
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

  /** Changes one parameter. Returns undefined, or what is wrong with name or value. */
  set(name: string, value: string): string | undefined {
    const setter = this.#setters[name];
    if (setter !== undefined) return setter(value);
    // Tools write back what they read, as CONFIG REWRITE would: equal values are no change.
    return this.all().get(name) === value ? undefined : IMMUTABLE;
  }
}

function textOf(value: string | number | boolean): string {
  if (typeof value === "boolean") return value ? "yes" : "no";
  return String(value);
}

/** A setter of whole numbers from `min` on, with Redis's texts (config.c, `numericConfigSet`). */
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
