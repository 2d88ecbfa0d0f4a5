/**
 * One life of a replica in a simulation: link, executor and snapshots, and the checks that every event of the
 * link is legal.
 *
 * @module
 */

import type { Clock } from "../../src/base/clock.ts";
import type { Prng } from "../../src/base/prng.ts";
import type { Host } from "../../src/commands/engine/host.ts";
import type { Address, Net } from "../../src/net/socket.ts";
import { createStreamExecutor } from "../../src/replication/executor.ts";
import { ReplicationLink } from "../../src/replication/link.ts";
import type {
  LinkEvent,
  LinkOptions,
  LinkState,
  LinkStatus,
  StreamExecutor,
} from "../../src/replication/types.ts";
import { Snapshots } from "../../src/replica/snapshot.ts";
import { Keyspace } from "../../src/store/keyspace/keyspace.ts";
import type { SimStorage } from "./storage.ts";

/** Where a bug can be planted in a replica: simulations must notice each that `bugs.ts` has. */
export interface Planted {
  /** Between link and network. */
  net?(net: Net): Net;
  /** Between link and commands. */
  executor?(executor: StreamExecutor): StreamExecutor;
  /** Gets a way to see how the link stands. */
  watch?(status: () => LinkStatus): void;
  /** Sees the link's events, before the judge. */
  observe?(event: LinkEvent): void;
}

/** Which states may follow each state, besides "connect" and "none", which may follow any. */
const LEGAL: Readonly<Record<LinkState, readonly LinkState[]>> = {
  none: ["connecting"],
  connect: ["connecting"],
  connecting: ["receivePingReply"],
  receivePingReply: ["receiveAuthReply", "receivePortReply", "receiveIpReply", "receiveCapaReply"],
  receiveAuthReply: ["receivePortReply", "receiveIpReply", "receiveCapaReply"],
  receivePortReply: ["receiveIpReply", "receiveCapaReply"],
  receiveIpReply: ["receiveCapaReply"],
  receiveCapaReply: ["receiveVersionReply"],
  receiveVersionReply: ["receivePsyncReply"],
  receivePsyncReply: ["transferHeader", "connected"],
  transferHeader: ["transfer"],
  transfer: ["transferMark", "connected"],
  transferMark: ["connected"],
  connected: [],
};

/** Errors that a bad network or a sick master can cause; any other is a fault of the link. */
const INNOCENT: ReadonlySet<string> = new Set([
  "CONNECT",
  "DISCONNECTED",
  "OVERRUN",
  "HANDSHAKE_TIMEOUT",
  "SYNC_TIMEOUT",
  "IDLE_TIMEOUT",
  "WRITE_TIMEOUT",
  "LOADING",
  "BUSY",
  "MASTERDOWN",
  "NOMASTERLINK",
  "MAXCLIENTS",
  "MASTER_ERROR",
]);

/** Options of a {@linkcode Life}. */
export interface LifeOptions {
  readonly clock: Clock;
  readonly prng: Prng;
  readonly net: Net;
  readonly storage: SimStorage;
  readonly locate: () => Promise<Address>;
  /** Number of this life: announced as the port, so that its master knows it from the one before. */
  readonly port: number;
  readonly planted: Planted;
  readonly snapshotEveryMs: number;
  readonly link: Partial<LinkOptions>;
}

/** A replica from its start to the death of its process. */
export class Life {
  readonly keyspace: Keyspace;
  readonly link: ReplicationLink;
  readonly snapshots: Snapshots;
  readonly port: number;
  /** What broke a rule, in order. */
  readonly faults: string[] = [];
  /** Full resyncs in this life that were announced. */
  fullSyncs: number = 0;
  #state: LinkState = "none";
  #told: string = "";
  #started: Promise<void> = Promise.resolve();

  constructor(options: LifeOptions) {
    const { clock, prng, planted } = options;
    const random = () => prng.next();
    this.port = options.port;
    this.keyspace = new Keyspace({ random });
    const executor = createStreamExecutor({
      keyspace: this.keyspace,
      random,
      host: { role: "slave", databases: 0x7fffffff } as Host,
    });
    this.link = new ReplicationLink({
      net: planted.net?.(options.net) ?? options.net,
      clock,
      random,
      keyspace: this.keyspace,
      executor: planted.executor?.(executor) ?? executor,
      address: { transport: "tcp", host: "127.0.0.1", port: 6379 },
      locate: options.locate,
      announce: { port: options.port },
      onEvent: (event) => {
        planted.observe?.(event);
        this.#judge(event);
      },
      ...options.link,
    });
    planted.watch?.(() => this.link.status());
    this.snapshots = new Snapshots(
      {
        keyspace: this.keyspace,
        clock,
        logger: { debug() {}, info() {}, warn() {}, error() {} },
        position: () => {
          const { resumable, replid, appliedOffset, db, repairs } = this.link.status();
          return resumable && repairs?.awaited === 0
            ? { replid, offset: appliedOffset, streamDb: db }
            : undefined;
        },
      },
      options.storage,
      { storage: options.storage, everyMs: options.snapshotEveryMs },
    );
  }

  /** Loads what an earlier life kept, and begins. */
  start(): Promise<void> {
    return this.#started = this.#start();
  }

  async #start(): Promise<void> {
    const place = await this.snapshots.load();
    if (place !== undefined) this.link.restore(place, place.asOfMs);
    this.snapshots.start();
    this.link.start().catch(() => {});
  }

  /** Ends in order, with a last snapshot. */
  async stop(): Promise<void> {
    await this.#started;
    await this.link.stop();
    await this.snapshots.close();
  }

  #judge(event: LinkEvent): void {
    const told = this.#told;
    this.#told = event.type;
    switch (event.type) {
      case "state":
        this.#judgeState(event.previous, event.state);
        return;
      case "syncStart":
        if (this.#state !== "receivePsyncReply") this.#fault(`syncStart in ${this.#state}`);
        return;
      case "synced":
        if (event.kind === "full") this.fullSyncs++;
        if (told !== "state" || this.#state !== "connected") this.#fault(`synced after ${told}`);
        return;
      case "disconnected":
        if (!INNOCENT.has(event.error.code)) this.#fault(`error ${event.error}`);
        if (told !== "state" || this.#state !== "connect") {
          this.#fault(`disconnected after ${told}`);
        }
        return;
      case "diverged":
      case "failed":
        this.#fault(JSON.stringify(event));
    }
  }

  #judgeState(previous: LinkState, state: LinkState): void {
    if (previous !== this.#state) this.#fault(`${state} after ${previous}, which it was not in`);
    const always = state === "connect" || state === "none";
    if (!always && !LEGAL[previous].includes(state)) this.#fault(`${previous} -> ${state}`);
    this.#state = state;
  }

  #fault(text: string): void {
    this.faults.push(text);
  }
}
