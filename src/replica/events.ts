/**
 * The events of a `Replica`, and the emitter that calls their listeners.
 *
 * @module
 */

import { messageOf } from "../base/errors.ts";
import { type Logger, settle } from "../base/logger.ts";
import { diagnostics, type Publish } from "../net/diagnostics.ts";
import type { Divergence, SyncProgress } from "../replication/types.ts";
import type { MemoryEvent } from "./memory.ts";
import type { ReplicaState } from "./status.ts";

/** Each event by its name, with what its listeners get. */
export interface ReplicaEvents {
  /** The data is whole and the stream is followed, after a full or a partial resync. */
  readonly sync: SyncEvent;
  /** The replica stands otherwise, in the words of `status().state`. */
  readonly state: StateEvent;
  /** A snapshot is being loaded; at most ten times a second. */
  readonly progress: SyncProgress;
  /** The data may be old: the master is out of reach, or silent beyond `maxStalenessMs`. */
  readonly stale: { readonly sinceMs: number };
  /** The data is the master's again. */
  readonly fresh: Record<string, never>;
  /** The master's history goes on under another id, as after a failover, and was resumed. */
  readonly failover: {
    /** The id until now, 40 hex digits. */
    readonly from: string;
    /** The id from now on. */
    readonly to: string;
    /** Offset of the last byte under the old id that was applied. */
    readonly offset: number;
  };
  /** A command of the stream could not be applied: `onDivergence` says what follows. */
  readonly divergence: Divergence;
  /** The master sends what is not understood; the link tries again after long pauses. */
  readonly unsupported: { readonly error: Error };
  /** What is held has come near `maxMemory`, has reached it, or is beneath it again. */
  readonly memory: MemoryEvent;
  /** The link broke or an attempt failed; unless it gave up, it tries again. */
  readonly disconnect: { readonly error: Error | undefined };
  /** The replica is closed for good; no event follows. */
  readonly close: Record<string, never>;
}

/** A synchronisation that has ended well. */
export interface SyncEvent {
  /** Whether a snapshot was loaded, or the stream resumed. */
  readonly kind: "full" | "partial";
  /** Milliseconds from the master's agreement on; 0 for a partial one. */
  readonly durationMs: number;
  /** Bytes of the snapshot; 0 for a partial one. */
  readonly bytes: number;
  /** Keys that all databases have now. */
  readonly keys: number;
}

/** A change of how a replica stands. */
export interface StateEvent {
  /** How the replica stood until now. */
  readonly from: ReplicaState;
  /** How it stands now. */
  readonly to: ReplicaState;
  /** Why the last connection failed; undefined where none did. */
  readonly reason: Error | undefined;
}

/** A function that gets one kind of event; it may be async, and nobody waits for it. */
export type Listener<Name extends keyof ReplicaEvents> = (event: ReplicaEvents[Name]) => void;

type AnyListener = (event: ReplicaEvents[keyof ReplicaEvents]) => void;

/** Most characters of a listener's own error text in a message. */
const MAX_ERROR_TEXT = 200;

/**
 * Calls listeners in the order they were added; tools get the same event on the diagnostics channel
 * `rimr.replica.` and the event's name, where the runtime has such channels. An exception of one, or the rejection of the promise it
 * returns, is logged and does not stop the others.
 */
export class Emitter {
  readonly #listeners: Map<keyof ReplicaEvents, Set<AnyListener>> = new Map();
  readonly #anyListeners: Set<(name: string, event: object) => void> = new Set();
  readonly #logger: Logger;
  readonly #publish: Publish = diagnostics();

  /** Begins without listeners. @param logger Gets a message when a listener throws. */
  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Adds a listener. Returns a function that removes it. */
  on<Name extends keyof ReplicaEvents>(name: Name, listener: Listener<Name>): () => void {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners);
    listeners.add(listener as AnyListener);
    return () => void listeners.delete(listener as AnyListener);
  }

  /** Adds a listener to every event, which gets its name, too. Returns a function that removes it. */
  onAny(listener: (name: string, event: object) => void): () => void {
    this.#anyListeners.add(listener);
    return () => void this.#anyListeners.delete(listener);
  }

  /** Calls every listener of `name` there is at this moment. */
  emit<Name extends keyof ReplicaEvents>(name: Name, event: ReplicaEvents[Name]): void {
    settle(() => this.#publish(`rimr.replica.${name}`, event), () => {});
    const own = [...this.#listeners.get(name) ?? []];
    for (const listener of own) this.#tell(name, () => listener(event));
    for (const listener of [...this.#anyListeners]) this.#tell(name, () => listener(name, event));
  }

  #tell(name: string, call: () => unknown): void {
    settle(call, (error) => {
      this.#logger.error(`A listener of "${name}" failed: ${cut(messageOf(error))}`, {
        event: "listener_failed",
      });
    });
  }
}

function cut(text: string): string {
  return text.length > MAX_ERROR_TEXT ? `${text.slice(0, MAX_ERROR_TEXT)}...` : text;
}
