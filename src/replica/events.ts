/**
 * What a {@linkcode Replica} tells its owner, and the small emitter that tells it.
 *
 * @module
 */

import type { Logger } from "../base/logger.ts";

/** Name of each event with what its listeners get. */
export interface ReplicaEvents {
  /** The data is whole again: after a full or a partial synchronisation. */
  readonly sync: { readonly kind: "full" | "partial" };
  /** The link changed its state. */
  readonly state: { readonly state: string };
  /** The link broke or an attempt failed; it goes on trying. */
  readonly disconnect: { readonly error: Error | undefined };
  /** Closed for good: no event follows. */
  readonly close: Record<string, never>;
}

/** A listener of one event. */
export type Listener<Name extends keyof ReplicaEvents> = (event: ReplicaEvents[Name]) => void;

type AnyListener = (event: ReplicaEvents[keyof ReplicaEvents]) => void;

/** Calls listeners in the order they came; one that throws is reported and stops nobody. */
export class Emitter {
  readonly #listeners: Map<keyof ReplicaEvents, Set<AnyListener>> = new Map();
  readonly #logger: Logger;

  /** @param logger Hears of listeners that throw. */
  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Adds a listener; the answer takes it away. */
  on<Name extends keyof ReplicaEvents>(name: Name, listener: Listener<Name>): () => void {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners);
    listeners.add(listener as AnyListener);
    return () => void listeners.delete(listener as AnyListener);
  }

  /** Calls every listener of `name`. */
  emit<Name extends keyof ReplicaEvents>(name: Name, event: ReplicaEvents[Name]): void {
    for (const listener of [...this.#listeners.get(name) ?? []]) {
      try {
        listener(event);
      } catch (error) {
        this.#logger.error(`A listener of "${name}" threw: ${error}`);
      }
    }
  }
}
