/**
 * What a link's connections have in common: options with their defaults, the position in the master's
 * history, totals, and the ways to tell the world.
 *
 * @module
 */

import { latin1 } from "../base/ascii.ts";
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";
import { SLICE_MS } from "../base/slices.ts";
import { type Address, formatAddress, type Net, type TlsClientOptions } from "../net/socket.ts";
import type { Keyspace } from "../store/keyspace/keyspace.ts";
import { clip } from "./errors.ts";
import { ReplicationOffset } from "./offset.ts";
import type {
  Divergence,
  DivergencePolicy,
  LinkCounters,
  LinkCredentials,
  LinkEvent,
  LinkLimits,
  LinkOptions,
  LinkState,
  StreamExecutor,
  StreamHooks,
  Timeouts,
} from "./types.ts";

const DEFAULT_LINE_BYTES = 16 * 1024;
const DEFAULT_TRANSACTION_BYTES = 1024 * 1024 * 1024;
const DEFAULT_INBOX_BYTES = 64 * 1024 * 1024;
/** Divergences logged one by one; past it only every thousandth. */
const DIVERGENCES_LOGGED = 20;

/** Where connections tell the link that something came to pass. */
export interface LinkObserver {
  /** A state was entered. */
  entered(state: LinkState): void;
  /** The master agreed to replicate. */
  accepted(): void;
  /** A synchronisation is complete, the stream follows. */
  synced(kind: "full" | "partial"): void;
}

/** One link's common ground. */
export class LinkShared {
  readonly net: Net;
  readonly clock: Clock;
  readonly random: () => number;
  readonly keyspace: Keyspace;
  readonly executor: StreamExecutor;
  /** The master, as far as it is known; a locator may find another one before each attempt. */
  address: Address;
  readonly locate: LinkOptions["locate"];
  readonly tls: TlsClientOptions | undefined;
  readonly credentials: LinkCredentials | undefined;
  readonly announce: { readonly host?: string; readonly port?: number };
  readonly timeouts: Required<Timeouts>;
  readonly limits: LinkLimits;
  readonly lineBytes: number;
  readonly transactionBytes: number;
  readonly inboxBytes: number;
  readonly resync: "swap" | "flush";
  /** The master's name for PSYNC. */
  readonly psyncCommand: string;
  /** True when the name was configured: then there is one, and SYNC is no way out. */
  readonly psyncRenamed: boolean;
  readonly onDivergence: DivergencePolicy;
  readonly onUnsupported: "skip" | "fail";
  readonly sliceMs: number;
  readonly hooks: StreamHooks;
  /** Which byte of whose history the keyspace stands at. */
  readonly replOffset: ReplicationOffset = new ReplicationOffset();
  /** Totals. */
  readonly counters: LinkCounters = newCounters();
  /** Counts and logs a command that could not be applied. */
  readonly diverged: (divergence: Divergence) => void;
  readonly #logger: Logger | undefined;
  readonly #onEvent: ((event: LinkEvent) => void) | undefined;
  readonly #observer: LinkObserver;

  /** @param options The link's. @param observer The link. */
  constructor(options: LinkOptions, observer: LinkObserver) {
    this.net = options.net;
    this.clock = options.clock;
    this.random = options.random;
    this.keyspace = options.keyspace;
    this.executor = options.executor;
    this.address = options.address;
    this.locate = options.locate;
    this.tls = options.tls;
    this.credentials = options.credentials;
    this.announce = options.announce ?? {};
    this.timeouts = timeoutsWithDefaults(options.timeouts ?? {});
    this.limits = options.limits ?? {};
    this.lineBytes = this.limits.lineBytes ?? DEFAULT_LINE_BYTES;
    this.transactionBytes = this.limits.transactionBytes ?? DEFAULT_TRANSACTION_BYTES;
    this.inboxBytes = this.limits.inboxBytes ?? DEFAULT_INBOX_BYTES;
    this.resync = options.resync ?? "swap";
    this.psyncCommand = options.psyncCommand ?? "PSYNC";
    this.psyncRenamed = options.psyncCommand !== undefined;
    this.onDivergence = options.onDivergence ?? "resync";
    this.onUnsupported = options.onUnsupported ?? "skip";
    this.sliceMs = options.sliceMs ?? SLICE_MS;
    this.hooks = options.hooks ?? {};
    this.diverged = (divergence) => this.#diverged(divergence);
    this.#logger = options.logger;
    this.#onEvent = options.onEvent;
    this.#observer = observer;
  }

  /** A state was entered. */
  entered(state: LinkState): void {
    this.#observer.entered(state);
  }

  /** The master agreed to replicate. */
  accepted(): void {
    this.#observer.accepted();
  }

  /** A synchronisation is complete, the stream follows. */
  synced(kind: "full" | "partial"): void {
    this.#observer.synced(kind);
  }

  /** Hands an event to the owner, whose exceptions are his own and stop nothing here. */
  emit(event: LinkEvent): void {
    try {
      this.#onEvent?.(event);
    } catch (error) {
      this.log("error", `A listener of "${event.type}" threw: ${error}`);
    }
  }

  /** Tells the logger, with the master's name in front. */
  log(level: keyof Logger, message: string): void {
    this.#logger?.[level](`master ${formatAddress(this.address)}: ${message}`);
  }

  #diverged(divergence: Divergence): void {
    const seen = this.counters.divergences;
    if (seen <= DIVERGENCES_LOGGED || seen % 1000 === 0) {
      const key = divergence.key === undefined ? "" : ` of key "${printable(divergence.key)}"`;
      this.log(
        "error",
        `"${divergence.command}"${key} in database ${divergence.db} at offset ${divergence.offset} ` +
          `could not be applied: ${divergence.message} (${seen} so far)`,
      );
    }
    this.emit({ type: "diverged", divergence });
  }
}

/** Totals, all 0. */
export function newCounters(): LinkCounters {
  return {
    fullSyncs: 0,
    partialSyncs: 0,
    failedSyncs: 0,
    attempts: 0,
    commands: 0,
    transactions: 0,
    ignoredCommands: 0,
    divergences: 0,
    moduleCommandsSkipped: 0,
    moduleValuesSkipped: 0,
    modulesSkipped: {},
    bytesRead: 0,
  };
}

/** Every limit with its value. */
export function timeoutsWithDefaults(timeouts: Timeouts): Required<Timeouts> {
  return {
    connectMs: timeouts.connectMs ?? 10_000,
    handshakeMs: timeouts.handshakeMs ?? 5_000,
    syncMs: timeouts.syncMs ?? 60_000,
    idleMs: timeouts.idleMs ?? 60_000,
    writeMs: timeouts.writeMs ?? 60_000,
  };
}

function printable(bytes: Uint8Array): string {
  return clip(latin1(bytes));
}
