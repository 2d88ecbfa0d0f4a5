/**
 * Turns what happens to the link and to the data into the events of a replica, each told once.
 *
 * @module
 */

import type { Logger } from "../base/logger.ts";
import type { LinkEvent } from "../replication/types.ts";
import { Emitter } from "./events.ts";
import type { ReplicaState, ReplicaStatus } from "./status.ts";

/** Remembers what was told last, so that only what is new is told. */
export class Teller {
  /** Calls the listeners of each event. */
  readonly emitter: Emitter;
  readonly #status: () => ReplicaStatus;
  #state: ReplicaState = "idle";
  #isStale: boolean = false;
  #replid: string = "";

  /** Has told nothing. @param logger Gets what listeners throw. @param status How the replica stands. */
  constructor(logger: Logger, status: () => ReplicaStatus) {
    this.emitter = new Emitter(logger);
    this.#status = status;
  }

  /** A warm restart goes on with a history, which is then no failover. */
  restored(replid: string): void {
    this.#replid = replid;
  }

  /** Tells that the replica stands otherwise, and whether its data has become old or is fresh again. */
  state(): void {
    const { state: to, staleSinceMs, error: reason } = this.#status();
    const from = this.#state;
    this.#state = to;
    if (to !== from) this.emitter.emit("state", { from, to, reason });
    const isStale = staleSinceMs !== undefined;
    if (isStale === this.#isStale) return;
    this.#isStale = isStale;
    if (isStale) this.emitter.emit("stale", { sinceMs: staleSinceMs });
    else this.emitter.emit("fresh", {});
  }

  /** Tells of an event of the link that is one of the replica's, too. */
  link(event: LinkEvent): void {
    if (event.type === "synced") this.#synced(event);
    else if (event.type === "syncProgress") this.emitter.emit("progress", event.progress);
    else if (event.type === "diverged") this.emitter.emit("divergence", event.divergence);
    else if (event.type === "disconnected" || event.type === "failed") {
      this.emitter.emit("disconnect", { error: event.error });
      if (event.error.code === "UNSUPPORTED") {
        this.emitter.emit("unsupported", { error: event.error });
      }
      this.state();
    }
  }

  #synced({ kind, replid, offset, tookMs, bytes }: LinkEvent & { type: "synced" }): void {
    const from = this.#replid;
    this.#replid = replid;
    if (kind === "partial" && from !== "" && replid !== from) {
      this.emitter.emit("failover", { from, to: replid, offset });
    }
    const { keys } = this.#status();
    this.emitter.emit("sync", { kind, durationMs: tookMs, bytes, keys });
  }
}
