/**
 * Watches: the value of one key now, and each time it has become another one. A live value of a single read, handed out
 * one value after the other.
 *
 * @module
 */

import type { Reader } from "../read/reader.ts";
import type { StreamMessage } from "../read/streams.ts";
import type { Key } from "../read/text.ts";
import type { Scored } from "../read/zsets.ts";
import type { Live, LiveValues } from "./live.ts";
import { sameData } from "./same.ts";

/** What a key of each type is read as. */
export interface WatchedTypes {
  /** A string as UTF-8 text. */
  readonly string: string;
  /** A hash's fields and values. */
  readonly hash: Record<string, string>;
  /** A list's elements in order. */
  readonly list: string[];
  /** A set's members in no order. */
  readonly set: string[];
  /** A sorted set's members with their scores, the lowest first. */
  readonly zset: Scored<string>[];
  /** A stream's entries, the oldest first. */
  readonly stream: StreamMessage<string>[];
}

/** What a watched key holds, whatever its type. */
export type WatchedValue = WatchedTypes[keyof WatchedTypes];

/** Options of a watch. */
export interface WatchOptions {
  /** Number of the database, the chosen one unless given. */
  readonly db?: number;
  /** Ends the watch: no listener is called any more, and iterations end. */
  readonly signal?: AbortSignal;
}

/** The value of one key, now and at each change. Made by `Replica.watch`. */
export interface Watch<T> extends AsyncIterable<T> {
  /**
   * The value at this moment, undefined when the key is missing.
   *
   * @throws {CommandError} LOADING or MASTERDOWN while reads are refused, WRONGTYPE for another type.
   */
  readonly value: T;
  /**
   * Calls `listener` with the value at once, and each time it has become another, at most once a turn of the event
   * loop. While reads are refused nobody is called: what was told last is then the last value known. Needs no `this`.
   *
   * @param onError Gets what a value cannot be read for, as one that does not decode; unless given, it is logged.
   * @returns Removes the listener.
   */
  readonly subscribe: (
    listener: (value: T) => void,
    onError?: (error: unknown) => void,
  ) => () => void;
  /**
   * The value now, then each one that follows. Whoever is slow gets the latest: nothing is queued. Waits while reads are
   * refused; ends when the watch or the replica does, and fails when a value cannot be read.
   */
  [Symbol.asyncIterator](): AsyncIterator<T, undefined>;
  /** Ends the watch with all its listeners and iterations. */
  [Symbol.dispose](): void;
}

/** What a {@linkcode watchValue} needs. */
export interface WatchParts {
  /** Makes the live value. */
  readonly live: LiveValues;
  /** True while every read is refused, as before there is data. */
  readonly refused: () => boolean;
}

/** Makes a watch of what `read` gives. */
export function watchValue<T>(parts: WatchParts, read: () => T, signal?: AbortSignal): Watch<T> {
  return new ValueWatch(parts, read, signal);
}

/** What a key holds, by the type that it has or is to have; undefined when it is missing. */
export function readWatched(
  reader: Reader,
  key: Key,
  type: keyof WatchedTypes | undefined,
): WatchedValue | undefined {
  if (!reader.has(key)) return undefined;
  switch (type ?? reader.type(key)) {
    case "hash":
      return reader.hgetall(key);
    case "list":
      return reader.lrange(key, 0, -1);
    case "set":
      return reader.smembers(key);
    case "zset":
      return reader.zrange(key, 0, -1, { withScores: true });
    case "stream":
      return reader.xrange(key, "-", "+");
    default:
      return reader.get(key);
  }
}

class ValueWatch<T> implements Watch<T> {
  readonly subscribe: Watch<T>["subscribe"];
  readonly #parts: WatchParts;
  readonly #live: Live<T>;
  readonly #ends: Set<() => void> = new Set();
  #ended: boolean = false;

  constructor(parts: WatchParts, read: () => T, signal: AbortSignal | undefined) {
    this.#parts = parts;
    this.#live = parts.live.live(read);
    this.subscribe = (listener, onError) => this.#subscribe(listener, onError);
    if (signal?.aborted) this[Symbol.dispose]();
    else if (signal !== undefined) {
      const abort = () => this[Symbol.dispose]();
      signal.addEventListener("abort", abort, { once: true });
      this.#ends.add(() => signal.removeEventListener("abort", abort));
    }
  }

  get value(): T {
    return this.#live.value;
  }

  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    return new WatchIterator(this.#parts, this.#live, this.#ended, (end) => {
      this.#ends.add(end);
      const forget = this.#parts.live.onClose(end);
      return () => {
        this.#ends.delete(end);
        forget();
      };
    });
  }

  [Symbol.dispose](): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#live[Symbol.dispose]();
    for (const end of [...this.#ends]) end();
    this.#ends.clear();
  }

  #subscribe(listener: (value: T) => void, onError?: (error: unknown) => void): () => void {
    if (typeof listener !== "function") throw new TypeError("subscribe() takes a function");
    const { live, refused } = this.#parts;
    // Refused reads between two equal values are no change.
    let last: readonly unknown[] = [];
    const tell = (value: T | undefined, error: unknown): unknown => {
      if (error !== undefined) {
        if (refused()) return undefined;
        if (onError === undefined) throw error;
        return onError(error);
      }
      if (sameData(last, [value])) return undefined;
      last = [value];
      return listener(value as T);
    };
    const off = this.#live.subscribe(tell);
    // The first call is as the later ones: what it throws is reported.
    live.tell(() => {
      let value: T | undefined;
      let error: unknown;
      try {
        value = this.#live.value;
      } catch (thrown) {
        error = thrown;
      }
      return tell(value, error);
    });
    return off;
  }
}

/** One iteration of a watch: holds at most one value that was not taken. */
class WatchIterator<T> implements AsyncIterator<T, undefined> {
  readonly #parts: WatchParts;
  readonly #live: Live<T>;
  readonly #leave: () => void;
  #off: (() => void) | undefined;
  #fresh: boolean = true;
  /** The value that was given last, alone in an array; an empty one before the first. */
  #last: readonly unknown[] = [];
  #ended: boolean;
  #waiting: { resolve(result: IteratorResult<T, undefined>): void; reject(error: unknown): void }[];

  constructor(
    parts: WatchParts,
    live: Live<T>,
    ended: boolean,
    join: (end: () => void) => () => void,
  ) {
    this.#parts = parts;
    this.#live = live;
    this.#ended = ended || parts.live.closed;
    this.#waiting = [];
    this.#leave = this.#ended ? () => {} : join(() => this.#end());
    this.#off = this.#ended ? undefined : live.subscribe(() => {
      this.#fresh = true;
      this.#give();
    });
  }

  next(): Promise<IteratorResult<T, undefined>> {
    if (this.#ended) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#give();
    });
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.#end();
    return Promise.resolve({ done: true, value: undefined });
  }

  /** Hands the latest value to who waits, once. */
  #give(): void {
    if (!this.#fresh || this.#waiting.length === 0) return;
    if (this.#parts.refused()) return;
    this.#fresh = false;
    let value: T;
    try {
      value = this.#live.value;
    } catch (error) {
      this.#waiting.shift()!.reject(error);
      return this.#end();
    }
    // Refused reads between two equal values are no change.
    if (sameData(this.#last, [value])) return;
    this.#last = [value];
    this.#waiting.shift()!.resolve({ done: false, value });
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#off?.();
    this.#leave();
    for (const { resolve } of this.#waiting) resolve({ done: true, value: undefined });
    this.#waiting = [];
  }
}
