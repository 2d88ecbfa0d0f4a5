/**
 * Live values: what a function of the data gives, kept right as the data changes.
 *
 * ```text
 *  value read ---> run the function, with a tracker at its readers ---> value, and a ReadSet of what it read
 *
 *  subscribed      commit touches the set ---> dirty ---> a later turn runs it again; told if the value is another
 *                  first of the set expires -^    \-----> value read: runs at once
 *  not subscribed  nothing is registered; value read ---> RecentTouches: has the set changed since? runs at once
 * ```
 *
 * A live value whose function reads another one depends on that one: it runs again only when the inner value has
 * become another, not whenever the inner function has run.
 *
 * @module
 */

import { messageOf } from "../base/errors.ts";
import type { Clock } from "../base/clock.ts";
import { type Logger, settle } from "../base/logger.ts";
import { Slice } from "../base/slices.ts";
import type { Commit, CommitListener, Commits } from "../commands/engine/commit.ts";
import type { ReadTracker } from "../read/tracker.ts";
import type { Keyspace } from "../store/keyspace/keyspace.ts";
import { ExpiryQueue } from "./expiry_queue.ts";
import { type KeyHash, keyHashOf, ReadIndex, ReadSet, RecentTouches, type Topic } from "./reads.ts";
import { sameData } from "./same.ts";

/** Commits seen without a subscriber or a look at a value, after which no further ones are listened to. */
const IDLE_COMMITS = 10_000;
/** Most characters of an application's own error text in a message. */
const MAX_ERROR_TEXT = 200;

/**
 * Gets the new value; or, where the function threw, no value and what it threw. May be async: nobody waits
 * for it. What it throws is logged.
 */
export type LiveListener<T> = (value: T | undefined, error: unknown) => void;

/** Options of `Replica.live`. */
export interface LiveOptions<T> {
  /**
   * Whether a new value is the same as the one before, which is then kept and nobody is told. Unless given,
   * arrays, plain objects, maps, sets, dates and bytes are the same when they hold the same.
   */
  readonly isEqual?: (before: T, after: T) => boolean;
}

/** What a function of the data gives, kept right as the data changes. Made by `Replica.live`. */
export interface Live<T> {
  /**
   * The value for the data at this moment: the same object as long as nothing has changed.
   *
   * @throws {unknown} What the function throws, such as a `CommandError` LOADING before there is data.
   */
  readonly value: T;
  /**
   * Calls `listener` each time the value has become another one, in a later turn of the event loop and at most
   * once a turn, however many commits there were. Needs no `this`.
   *
   * @returns Removes the listener. With the last one the live value stands nowhere but in its owner's hands.
   * @throws {Error} When the live value was disposed.
   */
  readonly subscribe: (listener: LiveListener<T>) => () => void;
  /** Removes every listener; later ones are refused. `value` may still be read. */
  [Symbol.dispose](): void;
}

/** What live values read from: the source of the readers, whose tracker they set while a function runs. */
export interface LiveSource {
  /** The keyspace with every database. */
  readonly keyspace: Keyspace;
  /** Clock that expiry is judged by. */
  readonly clock: Clock;
  /** Makes the error that every read throws; undefined while reads are answered. */
  readonly refusal?: (() => Error) | undefined;
  /** Is told what reads look at. */
  tracker?: ReadTracker | undefined;
}

/** What a {@linkcode LiveValues} is made from. */
export interface LiveParts {
  /** What the functions read from. */
  readonly source: LiveSource;
  /** Tells of the commits. */
  readonly commits: Pick<Commits, "subscribe">;
  /** Gets what listeners throw. */
  readonly logger: Logger;
}

/** How up to date a live value is. */
const State = {
  /** The value is that of the data. */
  CLEAN: 0,
  /** A live value that it reads may have become another. */
  CHECK: 1,
  /** What it has read may have changed. */
  DIRTY: 2,
} as const;
type State = typeof State[keyof typeof State];

/** All live values of one replica. Listens to commits only while somebody is interested. */
export class LiveValues implements CommitListener {
  /** Grows when anything may have changed, beyond what commits tell key by key. */
  epoch: number = 0;
  /** When keys were touched, for live values without subscribers. */
  readonly recent: RecentTouches = new RecentTouches();
  readonly #parts: LiveParts;
  readonly #hashOf: KeyHash;
  readonly #index: ReadIndex<LiveNode<unknown>>;
  readonly #expiries: ExpiryQueue<LiveNode<unknown>>;
  readonly #registered: Set<LiveNode<unknown>> = new Set();
  readonly #mark: (node: LiveNode<unknown>) => void = (node) => node.mark();
  readonly #closing: Set<() => void> = new Set();
  #running: LiveNode<unknown> | undefined = undefined;
  #reads: ReadSet | undefined = undefined;
  #queue: LiveNode<unknown>[] = [];
  #scheduled: boolean = false;
  #unsubscribe: (() => void) | undefined = undefined;
  #idleCommits: number = 0;
  #closed: boolean = false;

  /** Listens to nothing yet. */
  constructor(parts: LiveParts) {
    const { keyspace, clock } = parts.source;
    this.#parts = parts;
    this.#hashOf = keyHashOf(keyspace);
    this.#index = new ReadIndex(keyspace, this.#hashOf);
    this.#expiries = new ExpiryQueue(clock, this.#mark);
  }

  /** Makes a live value; its function does not run before somebody wants the value. */
  live<T>(fn: () => T, options: LiveOptions<T> = {}): Live<T> {
    if (typeof fn !== "function") throw new TypeError("live() takes a function");
    if (options.isEqual !== undefined && typeof options.isEqual !== "function") {
      throw new TypeError("isEqual must be a function");
    }
    return new LiveHandle(new LiveNode(this, fn, options.isEqual ?? sameData));
  }

  /** How many live values are registered: those with subscribers, and those that they read. */
  get size(): number {
    return this.#registered.size;
  }

  /** True while commits are listened to. */
  get listening(): boolean {
    return this.#unsubscribe !== undefined;
  }

  committed(commit: Commit): void {
    this.#index.touched(commit, this.recent, this.#mark);
    if (commit.events.length > 0) return this.changedAll();
    if (this.#registered.size > 0 || ++this.#idleCommits < IDLE_COMMITS) return;
    this.#stopListening();
  }

  replaced(): void {
    this.changedAll();
  }

  /** Anything may have changed, whether reads are refused included: every live value is worked out again. */
  changedAll(): void {
    this.epoch++;
    this.#index.replaced();
    for (const node of this.#registered) node.mark();
  }

  /** Ends all subscriptions and timers. Values can still be read. */
  close(): void {
    this.#closed = true;
    this.#stopListening();
    this.#expiries.clear();
    for (const node of this.#registered) node.end();
    for (const callback of this.#closing) callback();
    this.#closing.clear();
  }

  /** True once no value will change any more. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Calls back when the replica is closed. Returns what takes that back. */
  onClose(callback: () => void): () => void {
    this.#closing.add(callback);
    return () => void this.#closing.delete(callback);
  }

  /** Somebody wants to know of commits from now on: for a while at least, and longer while there are subscribers. */
  listen(): void {
    this.#idleCommits = 0;
    if (this.#closed || this.#unsubscribe !== undefined) return;
    this.epoch++;
    this.#unsubscribe = this.#parts.commits.subscribe(this, true);
  }

  /** The live value whose function runs now. */
  get running(): LiveNode<unknown> | undefined {
    return this.#running;
  }

  /** The function that runs, if one does, depends on this. */
  depend(topic: () => Topic): void {
    this.#reads?.about(topic());
  }

  /** Runs a live value's function and records what it reads. */
  record<T>(node: LiveNode<T>, fn: () => T): ReadSet {
    const { source } = this.#parts;
    const reads = new ReadSet(this.#hashOf, source.clock.now());
    const { tracker } = source;
    const outer = this.#running;
    const outerReads = this.#reads;
    source.tracker = reads;
    this.#reads = reads;
    this.#running = node as LiveNode<unknown>;
    try {
      fn();
    } finally {
      source.tracker = tracker;
      this.#reads = outerReads;
      this.#running = outer;
    }
    return reads;
  }

  /** Counts a node among those that commits are told of. */
  register(node: LiveNode<unknown>): void {
    this.#registered.add(node);
    this.listen();
  }

  /** Forgets a node: what it has read is taken out by `unwatch`. */
  unregister(node: LiveNode<unknown>): void {
    this.#registered.delete(node);
    this.#expiries.set(node, Infinity);
  }

  /** What a registered node has read from now on, in place of what it had read before. */
  watch(node: LiveNode<unknown>, before: ReadSet | undefined, reads: ReadSet): void {
    if (before !== undefined) this.#index.remove(node, before);
    this.#index.add(node, reads);
    this.#expiries.set(node, reads.expireAtMs);
  }

  /** A registered node has read the same again, which expires at another time perhaps. */
  rewatch(node: LiveNode<unknown>, reads: ReadSet): void {
    this.#expiries.set(node, reads.expireAtMs);
  }

  /** Takes out what a node has read. */
  unwatch(node: LiveNode<unknown>, reads: ReadSet): void {
    this.#index.remove(node, reads);
  }

  /** Whether something that was read until `atMs` is hidden now. */
  hasPassed(atMs: number): boolean {
    return atMs !== Infinity && atMs < this.#parts.source.clock.now();
  }

  /** Looks at a node in a later turn. */
  enqueue(node: LiveNode<unknown>): void {
    this.#queue.push(node);
    if (this.#scheduled || this.#closed) return;
    this.#scheduled = true;
    this.#parts.source.clock.soon(() => this.#flush());
  }

  /** Tells a listener, and the log of what it throws. */
  tell(call: () => unknown, what: string = "A listener of a live value"): void {
    settle(call, (error) => {
      this.#parts.logger.error(`${what} failed: ${messageOf(error).slice(0, MAX_ERROR_TEXT)}`, {
        event: "listener_failed",
      });
    });
  }

  /** Works out what is dirty, in slices: ten thousand at once hold up nobody. */
  #flush(): void {
    this.#scheduled = false;
    const slice = new Slice(this.#parts.source.clock);
    slice.start();
    const queue = this.#queue;
    this.#queue = [];
    for (let i = 0; i < queue.length; i++) {
      queue[i].settle();
      if (!slice.over()) continue;
      const rest = queue.slice(i + 1);
      const added = this.#queue;
      this.#queue = [];
      for (const node of rest) this.enqueue(node);
      for (const node of added) this.enqueue(node);
      return;
    }
  }

  #stopListening(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
    this.#idleCommits = 0;
    this.epoch++;
  }
}

/** A live value that another one has read, and which of its values that was. */
interface InnerRead {
  readonly node: LiveNode<unknown>;
  version: number;
}

/** One live value, whoever holds it; {@linkcode LiveValues} and the nodes know each other. */
export class LiveNode<T> {
  /** Who is told of changes, an object for each subscription. */
  readonly listeners: Set<{ readonly listener: LiveListener<T> }> = new Set();
  /** Registered live values that have read this one. */
  readonly dependents: Set<LiveNode<unknown>> = new Set();
  /** Grows when the value becomes another. */
  version: number = 0;
  readonly #all: LiveValues;
  readonly #fn: () => T;
  readonly #isEqual: (before: T, after: T) => boolean;
  #value: T | undefined = undefined;
  #error: unknown = undefined;
  #failed: boolean = false;
  #state: State = State.DIRTY;
  #reads: ReadSet | undefined = undefined;
  #inners: InnerRead[] = [];
  #read: InnerRead[] = [];
  #runs: boolean = false;
  #registered: boolean = false;
  #queued: boolean = false;
  #told: number = 0;
  #epoch: number = -1;
  #sequence: number = 0;

  /** Has not run yet. @param all Whose it is. @param fn Gives the value. @param isEqual Compares two. */
  constructor(all: LiveValues, fn: () => T, isEqual: (before: T, after: T) => boolean) {
    this.#all = all;
    this.#fn = fn;
    this.#isEqual = isEqual;
  }

  /** The value, worked out now if it must be, and told to the live value whose function asks. */
  read(): T {
    const { running } = this.#all;
    this.pull();
    running?.hasRead(this as LiveNode<unknown>);
    if (this.#failed) throw this.#error;
    return this.#value as T;
  }

  /** Brings the value up to date. */
  pull(): void {
    if (this.#runs) throw new Error("A live value reads itself");
    if (!this.#registered) this.#all.listen();
    if (this.#isCurrent()) return;
    this.#run();
  }

  /** Another live value was read by this one's function. */
  hasRead(node: LiveNode<unknown>): void {
    this.#read.push({ node, version: node.version });
  }

  /** What this has read may have changed. */
  mark(): void {
    if (this.#state === State.DIRTY) return;
    const told = this.#state === State.CHECK;
    this.#state = State.DIRTY;
    if (!told) this.#spread();
  }

  /** A live value that this one has read may have become another. */
  check(): void {
    if (this.#state !== State.CLEAN) return;
    this.#state = State.CHECK;
    this.#spread();
  }

  /** Brings a registered node up to date, and tells its listeners if the value has become another. */
  settle(): void {
    if (this.#registered) this.pull();
    this.#queued = false;
    // What it has read may have changed while it ran, by time alone.
    if (this.#registered && this.#state !== State.CLEAN) this.#spread();
    if (!this.#registered || this.#told === this.version) return;
    this.#told = this.version;
    const value = this.#failed ? undefined : this.#value;
    const error = this.#error;
    for (const each of [...this.listeners]) {
      if (this.listeners.has(each)) this.#all.tell(() => each.listener(value, error));
    }
  }

  /** Adds a listener; the value is worked out, as what is read must be known. */
  add(listener: LiveListener<T>): () => void {
    const entry = { listener };
    this.listeners.add(entry);
    this.#attend();
    return () => {
      if (this.listeners.delete(entry)) this.release();
    };
  }

  /** A registered node depends on this one. */
  addDependent(node: LiveNode<unknown>): void {
    this.dependents.add(node);
    this.#attend();
  }

  /** A registered node depends on this one no more. */
  removeDependent(node: LiveNode<unknown>): void {
    this.dependents.delete(node);
    this.release();
  }

  /** Takes the node out of the registers if nobody wants it any more. */
  release(): void {
    if (!this.#registered || this.listeners.size > 0 || this.dependents.size > 0) return;
    this.end();
  }

  /** Takes the node out of the registers. */
  end(): void {
    if (!this.#registered) return;
    this.#registered = false;
    this.listeners.clear();
    const self = this as LiveNode<unknown>;
    this.#all.unregister(self);
    if (this.#reads !== undefined) this.#all.unwatch(self, this.#reads);
    for (const { node } of this.#inners) node.removeDependent(self);
    // What happened to it from now on is not known.
    if (this.#state !== State.CLEAN) this.#epoch = -1;
    else this.#stamp();
  }

  #attend(): void {
    if (this.#registered || this.#all.closed) return;
    const self = this as LiveNode<unknown>;
    this.#all.register(self);
    this.#registered = true;
    const current = this.#isUnchanged();
    this.#state = current ? State.CLEAN : State.DIRTY;
    if (current) {
      this.#all.watch(self, undefined, this.#reads!);
      for (const { node } of this.#inners) node.addDependent(self);
    } else {
      this.#reads = undefined;
      this.#inners = [];
      this.pull();
    }
    this.#told = this.version;
  }

  #spread(): void {
    if (!this.#queued) {
      this.#queued = true;
      this.#all.enqueue(this as LiveNode<unknown>);
    }
    for (const node of this.dependents) node.check();
  }

  /** Whether the value is that of the data. */
  #isCurrent(): boolean {
    if (this.#reads === undefined) return false;
    if (!this.#registered) return this.#isUnchanged();
    if (this.#state === State.DIRTY || this.#all.hasPassed(this.#reads.expireAtMs)) return false;
    if (!this.#innersHold()) return false;
    this.#state = State.CLEAN;
    return true;
  }

  /** Whether nothing can have changed since the last run, for a node that nobody tells of changes. */
  #isUnchanged(): boolean {
    const reads = this.#reads;
    if (reads === undefined || this.#all.closed || this.#epoch !== this.#all.epoch) return false;
    if (this.#all.hasPassed(reads.expireAtMs)) return false;
    if (this.#all.recent.changedSince(reads, this.#sequence) || !this.#innersHold()) return false;
    this.#stamp();
    return true;
  }

  /** Whether the live values that were read are still the ones they were. */
  #innersHold(): boolean {
    for (const { node, version } of this.#inners) {
      node.pull();
      if (node.version !== version) return false;
    }
    return true;
  }

  /** Notes up to which commit the value is known to be right. */
  #stamp(): void {
    this.#epoch = this.#all.epoch;
    this.#sequence = this.#all.recent.sequence;
  }

  #run(): void {
    const first = this.#reads === undefined && this.version === 0;
    let value: T | undefined;
    let error: unknown;
    let failed = false;
    this.#runs = true;
    this.#read = [];
    this.#stamp();
    this.#state = State.CLEAN;
    const reads = this.#all.record(this, () => {
      try {
        value = this.#fn();
        checkSynchronous(value);
      } catch (thrown) {
        failed = true;
        error = thrown;
      }
      return value as T;
    });
    this.#runs = false;
    this.#keepReads(reads);
    // Live values that were worked out because they were read have asked for a look at this one.
    if (this.#inners.every(({ node, version }) => node.version === version)) {
      this.#state = State.CLEAN;
    }
    if (!first && this.#isSame(value, failed, error)) return;
    this.#value = failed ? undefined : value;
    this.#failed = failed;
    this.#error = error;
    this.version++;
    // Whoever asks before the timer of an expiry has run finds the new value; subscribers are told all the same.
    if (this.#registered) this.#spread();
  }

  #isSame(value: T | undefined, failed: boolean, error: unknown): boolean {
    if (failed !== this.#failed) return false;
    if (failed) return sameError(this.#error, error);
    let same = false;
    this.#all.tell(
      () => void (same = this.#isEqual(this.#value as T, value as T)),
      "isEqual of a live value",
    );
    return same;
  }

  #keepReads(reads: ReadSet): void {
    const before = this.#reads;
    const inners = this.#inners;
    this.#reads = reads;
    this.#inners = this.#read;
    this.#read = [];
    if (!this.#registered) return;
    const self = this as LiveNode<unknown>;
    if (before?.equals(reads)) this.#all.rewatch(self, reads);
    else this.#all.watch(self, before, reads);
    const kept = new Set(this.#inners.map(({ node }) => node));
    for (const node of kept) node.addDependent(self);
    for (const { node } of inners) if (!kept.has(node)) node.removeDependent(self);
  }
}

/** A live value in its owner's hands. */
class LiveHandle<T> implements Live<T> {
  readonly subscribe: (listener: LiveListener<T>) => () => void;
  readonly #node: LiveNode<T>;
  #disposed: boolean = false;

  constructor(node: LiveNode<T>) {
    this.#node = node;
    this.subscribe = (listener) => {
      if (typeof listener !== "function") throw new TypeError("subscribe() takes a function");
      if (this.#disposed) throw new Error("The live value is disposed");
      return node.add(listener);
    };
  }

  get value(): T {
    return this.#node.read();
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#node.listeners.clear();
    this.#node.release();
  }
}

/** @throws {TypeError} For the promise of an async function: what it reads later is not recorded. */
function checkSynchronous(value: unknown): void {
  if (typeof (value as { then?: unknown } | null | undefined)?.then !== "function") return;
  // Nobody waits for it: its rejection is no unhandled one.
  Promise.resolve(value).catch(() => undefined);
  throw new TypeError("live() takes a synchronous function: reads after an await are not recorded");
}

function sameError(a: unknown, b: unknown): boolean {
  if (a instanceof Error && b instanceof Error) {
    return a.constructor === b.constructor && a.message === b.message;
  }
  return Object.is(a, b);
}
