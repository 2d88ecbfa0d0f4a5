/**
 * What the connections of one link share, and what outlives each of them: options with their defaults, the
 * replication offset, counters, and the ways to the logger, the listeners and the link itself.
 *
 * @module
 */

import { latin1 } from "../base/ascii.ts";
import type { Clock, TimerId } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import type { LogFields, LogLevel } from "../base/logger.ts";
import { SLICE_MS } from "../base/slices.ts";
import { NameCounts } from "../base/name_counts.ts";
import { type Address, formatAddress } from "../net/socket.ts";
import { KeyFilter } from "../store/keyspace/key_filter.ts";
import { MAX_VALUE_BYTES } from "../store/memory/record.ts";
import { clip, ReplicationError } from "./errors.ts";
import { StreamFilter } from "./filter.ts";
import { askLogin } from "./login.ts";
import { ReplicationOffset } from "./offset.ts";
import type { DeskOptions } from "./repair/master.ts";
import { Repair } from "./repair/repair.ts";
import type {
  Divergence,
  LinkCounters,
  LinkEvent,
  LinkLimits,
  LinkOptions,
  LinkState,
  Timeouts,
} from "./types.ts";

/** Divergences logged one by one; beyond them only every thousandth, so that a log is not flooded. */
const DIVERGENCES_LOGGED = 20;

/** Milliseconds between two full syncs that are demanded because keys cannot be repaired. */
const RESYNC_MS = 60_000;

/** What a connection tells the link it belongs to. */
export interface LinkObserver {
  /** The connection has entered `state`. */
  entered(state: LinkState): void;
  /** The master agreed to replicate: it answered FULLRESYNC, CONTINUE, or announced a snapshot. */
  accepted(): void;
  /** The data is whole and the stream follows. */
  synced(kind: "full" | "partial"): void;
  /** The connection there is must end with `error`. */
  failed(error: ReplicationError): void;
}

/** The options of a link with every default filled in, but for `psyncCommand`: see `Handshake`. */
export type LinkSettings =
  & LinkOptions
  & Required<
    Pick<
      LinkOptions,
      "announce" | "resync" | "onDivergence" | "onUnsupported" | "sliceMs" | "hooks"
    >
  >
  & { readonly timeouts: Required<Timeouts>; readonly limits: Required<LinkLimits> };

/** What the connections of one link share. */
export class LinkShared {
  /** The link's options, with defaults for those left out. */
  readonly settings: LinkSettings;
  /** Clock that measures every timeout, pause and slice. */
  readonly clock: Clock;
  /** The link itself, which a connection tells of its states. */
  readonly observer: LinkObserver;
  /** The master, as far as it is known; `settings.locate` may find another one before each connection. */
  address: Address;
  /** A master that somebody named: the next connection leads there, whatever `settings.locate` would say. */
  told: Address | undefined = undefined;
  /** Which byte of which history the keyspace stands at. */
  readonly replOffset: ReplicationOffset = new ReplicationOffset();
  /** Running totals over all connections. */
  readonly counters: LinkCounters = newCounters();
  /** When the last synchronisation ended, milliseconds since 1970; undefined before the first. */
  syncedAtMs: number | undefined = undefined;
  /** Commands of the stream that were passed over, by name. */
  readonly ignored: NameCounts = new NameCounts();
  /** Fetches keys that the stream alone does not keep right; undefined unless `onDivergence` says `repair`. */
  readonly repair: Repair | undefined;
  /** The same, there whatever `onDivergence` says: it fetches what a filter's border asks for. */
  readonly border: Repair;
  /** Lets through what is kept of the stream. */
  readonly filter: StreamFilter;
  #resyncTimer: TimerId | undefined;
  /** When a full sync was last demanded, on the monotonic clock. */
  #resyncAtMs: number = -Infinity;

  /** Fills in the defaults. @param options The link's. @param observer The link. */
  constructor(options: LinkOptions, observer: LinkObserver) {
    this.settings = {
      ...options,
      announce: options.announce ?? {},
      timeouts: timeoutsWithDefaults(options.timeouts ?? {}),
      limits: limitsWithDefaults(options.limits ?? {}),
      resync: options.resync ?? "swap",
      onDivergence: options.onDivergence ?? "repair",
      onUnsupported: options.onUnsupported ?? "keep",
      sliceMs: options.sliceMs ?? SLICE_MS,
      hooks: options.hooks ?? {},
    };
    this.clock = options.clock;
    this.address = options.address;
    this.observer = observer;
    const { keyspace, executor, filter = new KeyFilter() } = this.settings;
    this.filter = new StreamFilter({ filter, keyspace, executor, place: this.replOffset });
    this.border = this.filter.repair = this.#makeRepair();
    this.repair = this.settings.onDivergence === "repair" ? this.border : undefined;
    filter.onPredicateError = (error) =>
      this.log("error", `filter.predicate failed, so that a key is left out: ${messageOf(error)}`, {
        event: "predicate_failed",
      });
  }

  /** How the master is asked as a client asks it. */
  get desk(): DeskOptions {
    const { net, clock, tls, timeouts } = this.settings;
    return {
      net,
      clock,
      tls,
      place: this.replOffset,
      connectMs: timeouts.connectMs,
      replyMs: timeouts.handshakeMs,
      address: () => this.address,
      login: (signal) => askLogin(this.settings, signal),
    };
  }

  #makeRepair(): Repair {
    const { executor, keyspace } = this.settings;
    const repair = new Repair({
      ...this.desk,
      executor,
      border: this.filter,
      installed: () => this.settings.hooks.committed?.(this.replOffset.applied),
      log: (level, message, fields) => this.log(level, message, fields),
      unmendable: (reason) => this.#demandResync(reason),
    });
    keyspace.slots.onDropped = (ranges) => {
      repair.dropped(ranges);
      if (keyspace.leftOut.size > 0) keyspace.leftOut.clearSlots(ranges);
    };
    return repair;
  }

  /** Forgets all data, to make room: it cannot be resumed from, and readers are refused until there is new. */
  emptyData(): void {
    const { keyspace, hooks } = this.settings;
    keyspace.clear();
    this.replOffset.endHistory();
    this.replOffset.empty();
    this.border.clear();
    hooks.emptied?.();
    this.emit({ type: "emptied" });
  }

  /** Asks for a full sync, at most once in `RESYNC_MS`, in a turn of its own. */
  #demandResync(reason: string): void {
    if (this.#resyncTimer !== undefined) return;
    const now = this.clock.monotonic();
    const waitMs = Math.max(0, this.#resyncAtMs + RESYNC_MS - now);
    this.log(
      "error",
      `${reason}: a full synchronisation is due${waitMs > 0 ? ` in ${waitMs} ms` : ""}`,
      { event: "resync_due", waitMs },
    );
    this.#resyncTimer = this.clock.setTimer(() => {
      this.#resyncTimer = undefined;
      this.#resyncAtMs = this.clock.monotonic();
      this.observer.failed(new ReplicationError("DIVERGED", reason));
    }, waitMs);
  }

  /** The link ends: no timer and no connection of repairs is left. */
  endRepair(): void {
    this.forgetResync();
    this.border.stop();
  }

  /** A full sync has made good what one was demanded for, or the link ends. */
  forgetResync(): void {
    this.clock.clearTimer(this.#resyncTimer);
    this.#resyncTimer = undefined;
  }

  /**
   * Hands an event to the owner's listener; an exception of the listener is logged and stops nothing here.
   */
  emit(event: LinkEvent): void {
    try {
      this.settings.onEvent?.(event);
    } catch (error) {
      this.log("error", `A listener of "${event.type}" threw: ${error}`, {
        event: "listener_failed",
      });
    }
  }

  /** Tells the logger, with the master's address in front of what does not say it. */
  log(level: LogLevel, message: string, fields: LogFields): void {
    const master = formatAddress(this.address);
    const text = message.includes(master) ? message : `master ${master}: ${message}`;
    this.settings.logger?.[level](text, { master, ...fields });
  }

  /** Logs a command that could not be applied and was counted, unless a repair tells of it, and emits `diverged`. */
  diverged(divergence: Divergence): void {
    const seen = this.counters.divergences;
    const { command, db, offset } = divergence;
    const fields: LogFields = { event: "divergence", command, db, offset };
    if (this.repair !== undefined) {
      this.log(
        "debug",
        `"${divergence.command}" at offset ${divergence.offset}: ${divergence.message}`,
        fields,
      );
    } else if (seen <= DIVERGENCES_LOGGED || seen % 1000 === 0) {
      const key = divergence.key === undefined ? "" : ` of key "${printable(divergence.key)}"`;
      this.log(
        "error",
        `"${divergence.command}"${key} in database ${divergence.db} at offset ${divergence.offset} ` +
          `could not be applied: ${divergence.message} (${seen} so far)`,
        fields,
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

/** Every bound with its value, the default where none is given. */
export function limitsWithDefaults(limits: LinkLimits): Required<LinkLimits> {
  return {
    bulkBytes: limits.bulkBytes ?? MAX_VALUE_BYTES,
    argumentCount: limits.argumentCount ?? 0x7fffffff,
    transactionBytes: limits.transactionBytes ?? 1024 * 1024 * 1024,
    lineBytes: limits.lineBytes ?? 16 * 1024,
    inboxBytes: limits.inboxBytes ?? 64 * 1024 * 1024,
  };
}

function printable(bytes: Uint8Array): string {
  return clip(latin1(bytes));
}
