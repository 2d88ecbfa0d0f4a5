/**
 * What INFO, ROLE, CONFIG and SLOWLOG are answered from.
 *
 * @module
 */

import type { AboutHost, RoleView, SlowEntry } from "../commands/engine/host.ts";
import type { Address } from "../net/socket.ts";
import { Config, type ConfigFacts } from "./config.ts";
import type { HostParts, ServerHost } from "./host.ts";
import { describeServer } from "./info.ts";
import { NO_REPLICATION, type ReplicationView } from "./view.ts";

/** What the runtime tells of the process; whatever is left out is left out of INFO as well. */
export interface ProcessFacts {
  /** As in "Linux 6.1 x86_64". */
  readonly os?: string;
  /** As in "deno 2.9.6". */
  readonly runtime?: string;
  /** Process number. */
  readonly pid?: number;
  /** Resident bytes, now. */
  residentBytes?(): number;
  /** Seconds of processor time used. */
  cpuSeconds?(): { readonly user: number; readonly system: number };
}

/** What a server says of itself. */
export interface AboutOptions {
  /** The Redis version it behaves as; 7.0.15 unless told. */
  readonly version?: string;
  /** The package's own version. */
  readonly packageVersion?: string;
  /** 40 hex digits that name this run; drawn at random when left out. */
  readonly runId?: string;
  /** About the process. */
  readonly process?: ProcessFacts;
  /** About replication, asked for anew each time. */
  readonly view?: () => ReplicationView;
  /** When the last snapshot was loaded, milliseconds since 1970. */
  readonly lastLoadMs?: () => number;
  /** Bytes the data may take; 0 or left out for no limit. */
  readonly maxMemory?: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** Where a server listens and what it lets in: filled by it when it does. */
export interface Listening {
  address: Address | undefined;
  tls: boolean;
  maxClients: number;
  timeoutSeconds: number;
}

/** See the module's text. */
export class About implements AboutHost {
  /** 40 hex digits that name this run. */
  readonly runId: string;
  /** Filled by the server. */
  readonly listening: Listening = {
    address: undefined,
    tls: false,
    maxClients: 10_000,
    timeoutSeconds: 0,
  };
  /** Parameters. */
  readonly parameters: Config;
  readonly #parts: HostParts;
  readonly #host: ServerHost;

  /** @param parts What the host is made from. @param host It itself. */
  constructor(parts: HostParts, host: ServerHost) {
    this.#parts = parts;
    this.#host = host;
    this.runId = parts.options.runId ?? drawId(parts.options.random);
    this.parameters = new Config(() => this.#facts(), parts.statistics);
  }

  /** About replication, now. */
  get replication(): ReplicationView {
    return this.#parts.options.view?.() ?? NO_REPLICATION;
  }

  get lastSaveSeconds(): number {
    const { options, dispatcher } = this.#parts;
    return Math.floor((options.lastLoadMs?.() ?? dispatcher.startedAtMs) / 1000);
  }

  info(sections: readonly string[]): string {
    return describeServer(this.#parts, this.#host, sections);
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
    this.#parts.statistics.reset();
  }

  slowEntries(): readonly SlowEntry[] {
    return this.#parts.statistics.slowEntries;
  }

  resetSlowLog(): void {
    this.#parts.statistics.resetSlow();
  }

  #facts(): ConfigFacts {
    const { address, tls, maxClients, timeoutSeconds } = this.listening;
    const port = address?.transport === "tcp" ? address.port : 0;
    const { masterHost, masterPort } = this.replication;
    return {
      port: tls ? 0 : port,
      tlsPort: tls ? port : 0,
      bind: address?.transport === "tcp" ? address.host : "",
      unixSocket: address?.transport === "unix" ? address.path : "",
      databases: this.#host.databases,
      maxClients,
      timeoutSeconds,
      maxMemory: this.#parts.options.maxMemory ?? 0,
      masterHost,
      masterPort,
      readOnly: this.#host.role === "slave",
      serveStaleData: this.#parts.dispatcher.servesStale,
      // Sentinel never promotes a replica of priority 0: this one cannot become a master.
      replicaPriority: 0,
    };
  }
}

function drawId(random: () => number): string {
  let id = "";
  for (let i = 0; i < 40; i++) id += Math.floor(random() * 16).toString(16);
  return id;
}
