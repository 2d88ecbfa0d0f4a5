/**
 * The events of a `Replica`, and the emitter that calls their listeners.
 *
 * @module
 */

import { messageOf } from "../base/errors.ts";
import { type Logger, settle } from "../base/logger.ts";

/** Each event by its name, with what its listeners get. */
export interface ReplicaEvents {
  /** The data is whole and the stream is followed, after a full or a partial resync. */
  readonly sync: { readonly kind: "full" | "partial" };
  /** The link has entered another state; the names are those of `LinkState`. */
  readonly state: { readonly state: string };
  /** The link broke or an attempt failed; unless it gave up, it tries again. */
  readonly disconnect: { readonly error: Error | undefined };
  /** The replica is closed for good; no event follows. */
  readonly close: Record<string, never>;
}

/** A function that gets one kind of event; it may be async, and nobody waits for it. */
export type Listener<Name extends keyof ReplicaEvents> = (event: ReplicaEvents[Name]) => void;

type AnyListener = (event: ReplicaEvents[keyof ReplicaEvents]) => void;

/** Most characters of a listener's own error text in a message. */
const MAX_ERROR_TEXT = 200;

/**
 * Calls listeners in the order they were added. An exception of one, or the rejection of the promise it
 * returns, is logged and does not stop the others.
 */
export class Emitter {
  readonly #listeners: Map<keyof ReplicaEvents, Set<AnyListener>> = new Map();
  readonly #logger: Logger;

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

  /** Calls every listener of `name` there is at this moment. */
  emit<Name extends keyof ReplicaEvents>(name: Name, event: ReplicaEvents[Name]): void {
    for (const listener of [...this.#listeners.get(name) ?? []]) {
      settle(() => listener(event), (error) => {
        this.#logger.error(`A listener of "${name}" failed: ${cut(messageOf(error))}`);
      });
    }
  }
}

function cut(text: string): string {
  return text.length > MAX_ERROR_TEXT ? `${text.slice(0, MAX_ERROR_TEXT)}...` : text;
}
