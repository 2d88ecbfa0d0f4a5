/**
 * What the connections of one link share, and what outlives each of them: options with their defaults, the
 * replication offset, counters, and the ways to the logger, the listeners and the link itself.
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
/** Divergences logged one by one; beyond them only every thousandth, so that a log is not flooded. */
const DIVERGENCES_LOGGED = 20;

/** What a connection tells the link it belongs to. */
export interface LinkObserver {
  /** The connection has entered `state`. */
  entered(state: LinkState): void;
  /** The master agreed to replicate: it answered FULLRESYNC, CONTINUE, or announced a snapshot. */
  accepted(): void;
  /** The data is whole and the stream follows. */
  synced(kind: "full" | "partial"): void;
}

/** What the connections of one link share. */
export class LinkShared {
  /** Network that the connections are made on. */
  readonly net: Net;
  /** Clock that measures every timeout, pause and slice. */
  readonly clock: Clock;
  /** The data that is served; a full sync loads into a sibling of it. */
  readonly keyspace: Keyspace;
  /** Executes the commands that carry data. */
  readonly executor: StreamExecutor;
  /** The master, as far as it is known; `locate` may find another one before each connection. */
  address: Address;
  /** Asks sentinels where the master is; undefined when the address is fixed. */
  readonly locate: LinkOptions["locate"];
  /** TLS to the master; undefined for a plain connection. */
  readonly tls: TlsClientOptions | undefined;
  /** What AUTH is sent with; undefined for no AUTH. */
  readonly credentials: LinkCredentials | undefined;
  /** What the master shows of us. */
  readonly announce: { readonly host?: string; readonly port?: number };
  /** How long each kind of waiting may take, milliseconds. */
  readonly timeouts: Required<Timeouts>;
  /** Bounds on the stream's commands. */
  readonly limits: LinkLimits;
  /** Longest line of the handshake, bytes. */
  readonly lineBytes: number;
  /** Most bytes of the commands between MULTI and EXEC. */
  readonly transactionBytes: number;
  /** Most bytes of the stream that wait for their turn. */
  readonly inboxBytes: number;
  /** Whether a full sync keeps the old data until the new is whole, or empties first. */
  readonly resync: "swap" | "flush";
  /** The master's name for PSYNC. */
  readonly psyncCommand: string;
  /** True when the name was configured: an unknown command is then a mistake, and no reason for SYNC. */
  readonly psyncRenamed: boolean;
  /** What follows when a command cannot be applied. */
  readonly onDivergence: DivergencePolicy;
  /** What becomes of module values in a snapshot. */
  readonly onUnsupported: "skip" | "fail";
  /** Milliseconds of work in one slice. */
  readonly sliceMs: number;
  /** Listeners on the stream. */
  readonly hooks: StreamHooks;
  /** Which byte of which history the keyspace stands at. */
  readonly replOffset: ReplicationOffset = new ReplicationOffset();
  /** Running totals over all connections. */
  readonly counters: LinkCounters = newCounters();
  /** Logs a command that could not be applied, and emits `diverged`. */
  readonly diverged: (divergence: Divergence) => void;
  readonly #logger: Logger | undefined;
  readonly #onEvent: ((event: LinkEvent) => void) | undefined;
  readonly #observer: LinkObserver;

  /** Fills in the defaults. @param options The link's. @param observer The link. */
  constructor(options: LinkOptions, observer: LinkObserver) {
    this.net = options.net;
    this.clock = options.clock;
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

  /** Tells the link that its connection has entered `state`. */
  entered(state: LinkState): void {
    this.#observer.entered(state);
  }

  /** Tells the link that the master agreed to replicate. */
  accepted(): void {
    this.#observer.accepted();
  }

  /** Tells the link that the data is whole and the stream follows. */
  synced(kind: "full" | "partial"): void {
    this.#observer.synced(kind);
  }

  /** Hands an event to the owner's listener; an exception of the listener is logged and stops nothing here. */
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

/** Running totals that start at 0. */
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

/** Every timeout with its value in milliseconds, the default where none is given. */
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
