/**
 * One consumer of a feed: what waits for it, and what it is given next.
 *
 * ```text
 *  waiting ---- first data ----> walk ---- every key told ----> live <---- every difference told ---- diff
 *                                 ^  ^                          |  |                                   ^
 *                                 |  +--- lagged, SWAPDB, ------+  +------------ full resync ----------+
 *                                 |       no old data                                                 |
 *                                 +---- full resync ------------- too many differences ---------------+
 * ```
 *
 * Commits are merged into `pending` while the consumer is not live, and by the policy `coalesce`: keys, whose
 * values are read when they are taken. With the other policies each commit becomes a batch at once.
 *
 * What is to be merged stays in the feed's log at first. The consumer remembers the address behind which it has
 * merged nothing, and reads on from there when it is asked for a batch, or when that has become much.
 *
 * @module
 */

import { BytesRef } from "../../base/byte_buffer.ts";
import type { Slice } from "../../base/slices.ts";
import type { Commit, CommitPlace, OnlyKey } from "../../commands/engine/commit.ts";
import { TouchedKeys, type WholeChange } from "../../commands/engine/touched_keys.ts";
import type { Value } from "../../read/codec.ts";
import type { Database } from "../../store/keyspace/database.ts";
import type { Keyspace } from "../../store/keyspace/keyspace.ts";
import type { Entry } from "../../store/memory/record.ts";
import { Choice, type ChoiceOptions, type KeyList } from "./choice.ts";
import type { LatestKeys } from "./latest_keys.ts";
import { type FeedLog, TokenText } from "./log.ts";
import { keyName, type OldState, type OldStates } from "./old_states.ts";
import {
  type Batch,
  type Change,
  type ChangesBatch,
  FeedError,
  type FeedPolicy,
  type SnapshotReason,
} from "./types.ts";
import { visibleEntry } from "./values.ts";

/** Keys of one batch inside a snapshot. */
const KEYS_A_BATCH = 256;
/** Places of the hash table that are walked between two looks at the clock. */
const PLACES_A_LOOK = 64;
/** Most bytes of keys that wait for a consumer, whatever `maxKeys` allows. */
const MAX_BYTES = 64 * 1024 * 1024;

const ref = new BytesRef();

/** Answered by `take` when there is more to look at, in a later turn of the event loop. */
export const AGAIN: unique symbol = Symbol("again");

/** What a consumer wants. */
export interface ConsumerOptions<T extends Value> extends ChoiceOptions<T> {
  /** What happens at the bound. */
  readonly policy: FeedPolicy;
  /** Most keys that wait. */
  readonly maxKeys: number;
  /** Whether a commit is handed over in its own turn, where nothing waits. */
  readonly isListener: boolean;
}

/** What the feed has for all of its consumers. */
export interface ConsumerHost {
  /** The data that values are read from. */
  readonly keyspace: Keyspace;
  /** What keys were before the commit that is told. */
  readonly olds: OldStates;
  /** Which keys the latest commits touched. */
  readonly log: FeedLog;
  /** Where keys are taken from it, by one consumer after the other. */
  readonly latest: LatestKeys;
  /** Running totals of changes handed out, commits merged and changes dropped. */
  readonly totals: { changes: number; coalesced: number; dropped: number };
  /** Where the data stands. */
  place(): CommitPlace;
  /** Whether there is any data to tell. */
  hasData(): boolean;
  /** A consumer wants to be told of the next commit, which it may not have before. */
  attend(): void;
}

/** An iterator or a listener, as the feed sees it. */
export class Consumer<T extends Value> {
  /** Called when there is something to take. */
  onNews: () => void = () => {};
  /** Gets the batch of a commit of one key in its turn; undefined where batches are always taken. */
  handOver: ((batch: Batch<T>) => void) | undefined = undefined;
  /** True while whoever takes has found nothing, so that a commit may be handed over as it is. */
  hungry: boolean = false;
  /** Address in the log behind which nothing was merged; -1 when everything was. */
  unmerged: number = -1;
  readonly #choice: Choice<T>;
  readonly #host: ConsumerHost;
  readonly #options: ConsumerOptions<T>;
  readonly #tokens: TokenText = new TokenText();
  #mode: "waiting" | "live" | "walk" | "diff" = "waiting";
  /** What `waiting` waits for: all keys, or nothing but the first data. */
  #wantsFirst: boolean = false;
  #begin: { readonly reason: SnapshotReason; readonly whole: boolean } | undefined = undefined;
  /** Databases that are still to be walked, and the place in the first of them. */
  #databases: number[] = [];
  #cursor: number = 0;
  readonly #found: Uint8Array[] = [];
  /** Keys that a full resync has changed, and how many of them were told. */
  #diff: TouchedKeys | undefined = undefined;
  #diffAt: number = 0;
  #collected: TouchedKeys | undefined = undefined;
  #overflowed: boolean = false;
  readonly #pending: TouchedKeys;
  #pendingCommits: number = 0;
  /** Whether commits may stay in the log: which types their keys had need not be known. */
  readonly #leaves: boolean;
  /** States before the first change that waits, by name; only where they are wanted. */
  readonly #olds: Map<string, OldState> = new Map();
  readonly #queue: Batch<T>[] = [];
  #queuedKeys: number = 0;
  #dropped: number = 0;
  /** Commits up to here the consumer has seen in an earlier life. */
  #seenReplid: string = "";
  #seenOffset: number = 0;
  #ended: boolean = false;
  #error: FeedError | undefined = undefined;

  /** Wants nothing before one of the `start` methods is called. */
  constructor(host: ConsumerHost, options: ConsumerOptions<T>) {
    this.#host = host;
    this.#options = options;
    this.#choice = new Choice(options, host.keyspace, host.olds, this.#olds);
    this.#pending = new TouchedKeys(host.keyspace.settings);
    this.#leaves = options.policy === "coalesce" && !this.wantsOld;
  }

  /** Whether states before a commit are needed: old values, or old types. */
  get wantsOld(): boolean {
    return this.#choice.wantsOld;
  }

  /** In which form old values are wanted; undefined for none. */
  get oldForm(): "text" | "bytes" | undefined {
    if (this.#options.values !== "both") return undefined;
    return this.#options.oldAsBytes ? "bytes" : "text";
  }

  /** How many keys wait to be taken. */
  get queued(): number {
    this.gather();
    return this.#queuedKeys + this.#pending.count +
      (this.#diff === undefined ? 0 : this.#diff.count - this.#diffAt);
  }

  /** True while a small commit need not be told: it is not wanted, or will be read in the log. */
  get isQuiet(): boolean {
    return this.unmerged >= 0 || this.#ended ||
      (this.#begin !== undefined && this.#mode === "walk");
  }

  /** True when the commit that is told has become one batch, which is all that waits. */
  get direct(): boolean {
    return this.#queue.length === 1 && this.#pending.isEmpty && this.#mode === "live";
  }

  /** Why it ended by itself. */
  get error(): FeedError | undefined {
    return this.#error;
  }

  /** True when nothing more will come than what waits. */
  get ended(): boolean {
    return this.#ended;
  }

  /** True while a full resync should collect differences for it. */
  get wantsDifferences(): boolean {
    return this.#mode === "live" || this.#mode === "diff";
  }

  // How it begins and ends.

  /** Begins with the next commit, or with the first data. */
  startNow(): void {
    this.#mode = this.#host.hasData() ? "live" : "waiting";
  }

  /** Begins with every key. */
  startSnapshot(reason: SnapshotReason): void {
    this.#wantsFirst = true;
    if (this.#host.hasData()) this.#startWalk(reason);
  }

  /** Begins behind a token: `keys` were touched since. */
  startAt(replay: (keys: TouchedKeys) => void): void {
    const all = new TouchedKeys(this.#host.keyspace.settings);
    replay(all);
    this.#mode = "live";
    if (this.#isFull(all.count, all.byteLength)) return this.#startWalk("token");
    if (this.#mustWalk(all.events)) return this.#startWalk("swap");
    this.#merge(all);
    if (this.#pending.isEmpty) this.#pendingCommits = 0;
  }

  /** Begins behind a place that the data has not reached yet: commits up to it are passed over. */
  startAhead(replid: string, offset: number): void {
    this.#mode = "live";
    this.#seenReplid = replid;
    this.#seenOffset = offset;
  }

  /** Nothing more is told. @param drops What waits goes, too. */
  end(drops: boolean): void {
    this.#ended = true;
    if (drops) {
      this.#forgetAll();
      // Nothing of a snapshot is told any more, not even its end.
      this.#mode = "live";
    }
    this.onNews();
  }

  // What the feed tells.

  /** A commit was applied. @param at Its address in the log; -1 where it is not all there, or is no small one. */
  committed(commit: Commit, at: number): void {
    if (this.unmerged >= 0 && at >= 0) return;
    if (this.hungry && this.#leaves && commit.only !== undefined && this.#isDirect) {
      return this.#handOver(commit, commit.only);
    }
    if (this.#ended || this.#mode === "waiting") return;
    if (commit.offset <= this.#seenOffset && commit.replid === this.#seenReplid) return;
    // A walk that nobody has begun to take finds everything as it is then.
    if (this.#begin !== undefined && this.#mode === "walk") return;
    if (commit.events.length > 0 && this.#mustWalk(commit.events)) {
      this.#startWalk("swap");
      return this.onNews();
    }
    // Behind keys that wait, as those of a log, a batch of its own would come too early.
    const { policy, isListener } = this.#options;
    const isDirect = this.#mode === "live" && this.#pending.isEmpty &&
      (policy !== "coalesce" || (this.hungry && (isListener || !this.#leaves)));
    if (!isDirect && this.#leaves && at >= 0) {
      this.unmerged = at;
      return this.onNews();
    }
    const isNews = isDirect ? this.#enqueue(commit) : this.#merge(commit);
    if (isNews) this.onNews();
  }

  /** Whether a commit may be handed over by itself: the listener has everything before it. */
  get #isDirect(): boolean {
    return this.handOver !== undefined && this.#mode === "live" && !this.#ended &&
      this.#pending.isEmpty && this.#seenReplid === "";
  }

  /** A commit of one key, most of all there are, becomes a batch without being queued. */
  #handOver({ replid, offset, settled }: Commit, only: OnlyKey): void {
    const change = this.#choice.only(only);
    if (change === undefined) return;
    const token = this.#tokenAt(replid, settled);
    this.#host.totals.changes++;
    this.handOver!({ replid, offset, token, commits: 1, changes: [change], control: undefined });
  }

  /** Merges what was left in the log. The bound is looked at here: what is left there costs the consumer nothing. */
  gather(): void {
    const from = this.unmerged;
    if (from < 0) return;
    this.unmerged = -1;
    this.#host.attend();
    const { latest, log } = this.#host;
    latest.read(log, this.#options.filter, from);
    this.#pendingCommits += latest.commits;
    for (let i = 0; i < latest.count; i++) {
      latest.keyAt(i, ref);
      const command = latest.commandAt(i);
      this.#pending.add(latest.dbAt(i), ref.bytes, ref.start, ref.end, command);
    }
    if (latest.commits > 0) this.#checkBound();
  }

  /** A full resync begins to collect differences. */
  beginDifferences(): void {
    this.#collected = new TouchedKeys(this.#host.keyspace.settings);
    this.#overflowed = false;
  }

  /** A key differs in the new data; `oldEntry` is 0 where it is new, `type` -1 where it is gone. */
  differs(
    dbIndex: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    old: { readonly db: Database; readonly entry: Entry } | undefined,
    type: number,
  ): void {
    const { filter } = this.#options;
    if (this.#overflowed || !filter.hasKey(dbIndex, bytes, start, end)) return;
    const wasType = old === undefined ? -1 : old.db.typeOf(old.entry);
    if (!filter.hasType(wasType) && !filter.hasType(type)) return;
    const collected = this.#collected as TouchedKeys;
    collected.add(dbIndex, bytes, start, end, "");
    this.#overflowed = this.#isFull(collected.count, collected.byteLength);
    if (this.wantsOld) this.#keepOld(dbIndex, bytes.slice(start, end), wasType);
  }

  /** The new data did not come. */
  abandoned(): void {
    this.#collected = undefined;
  }

  /** The new data is in place. @param compared Whether it was compared with the old one. */
  replaced(compared: boolean): void {
    const collected = this.#collected;
    this.#collected = undefined;
    this.#seenReplid = "";
    if (this.#ended) return;
    if (this.#mode === "waiting") {
      if (this.#wantsFirst) this.#startWalk("first");
      else this.#mode = "live";
    } else if (this.#mode === "walk") {
      this.#startWalk("resync");
    } else if (!compared || collected === undefined) {
      this.#startWalk("flush");
    } else if (this.#overflowed) {
      this.#startWalk("resync");
    } else {
      this.#startDifferences(collected);
    }
    this.onNews();
  }

  // What whoever consumes takes.

  /**
   * The next batch. Undefined when there is none now, AGAIN when the slice is over before one was found.
   *
   * @param slice Its budget is looked at while a snapshot is walked.
   */
  take(slice: Slice): Batch<T> | undefined | typeof AGAIN {
    // What was dropped came before what waits.
    if (this.#dropped > 0) return this.#takeLagged();
    const queued = this.#queue.shift();
    if (queued !== undefined) {
      this.#queuedKeys -= queued.changes.length;
      return this.#count(queued);
    }
    if (this.#mode === "waiting") return undefined;
    this.#host.attend();
    const latest = this.#takeLatest();
    if (latest !== undefined) return latest;
    this.gather();
    if (this.#begin !== undefined) return this.#takeBegin(this.#begin);
    if (!this.#pending.isEmpty) {
      const batch = this.#takePending();
      // Keys that came and went may leave nothing to tell.
      if (batch.changes.length > 0) return this.#count(batch);
    }
    if (this.#mode === "walk") return this.#takeWalked(slice);
    if (this.#mode === "diff") return this.#takeDifferences();
    return undefined;
  }

  /** The batch that has just been made of a commit, while nothing else waits. */
  takeDirect(): Batch<T> {
    const batch = this.#queue.pop() as Batch<T>;
    this.#queuedKeys = 0;
    this.hungry = true;
    return this.#count(batch);
  }

  #count(batch: Batch<T>): Batch<T> {
    this.#host.totals.changes += batch.changes.length;
    return batch;
  }

  #takeLagged(): Batch<T> {
    const dropped = this.#dropped;
    this.#dropped = 0;
    return { ...this.#base(0, [], true), control: "lagged", dropped };
  }

  #takeBegin(begin: { readonly reason: SnapshotReason; readonly whole: boolean }): Batch<T> {
    this.#begin = undefined;
    if (this.#mode === "walk") this.#beginWalk();
    return { ...this.#base(0, [], false), control: "snapshot-begin", ...begin };
  }

  /** What a consumer that keeps up has left in the log becomes a batch without being merged first. */
  #takeLatest(): Batch<T> | undefined {
    const from = this.unmerged;
    if (from < 0 || this.#mode !== "live" || !this.#pending.isEmpty) return undefined;
    // A decoder may ask for the status, for which other consumers read the log.
    if (this.#options.reads.decodes) return undefined;
    const { latest, log, totals } = this.#host;
    latest.read(log, this.#options.filter, from);
    // At the bound what waits is merged, and dropped.
    if (this.#isFull(latest.count, 0)) return undefined;
    this.unmerged = -1;
    const { commits } = latest;
    if (commits === 0) return undefined;
    totals.coalesced += commits - 1;
    const changes = this.#choice.hashed(latest);
    return this.#count({ ...this.#base(commits, changes, true), control: undefined });
  }

  #takePending(): ChangesBatch<T> {
    const pending = this.#pending;
    const isHashed = this.#leaves && pending.hasHashes && pending.events.length === 0;
    const changes = isHashed
      ? this.#choice.hashed(pending)
      : this.#choice.changesOf(pending, this.#olds);
    const commits = this.#pendingCommits;
    this.#host.totals.coalesced += Math.max(0, commits - 1);
    this.#forgetPending();
    return { ...this.#base(commits, changes, this.#mode === "live"), control: undefined };
  }

  /** Walks on, up to a batch of keys or the end of the snapshot. */
  #takeWalked(slice: Slice): Batch<T> | typeof AGAIN {
    const changes: Change<T>[] = [];
    while (this.#databases.length > 0 && changes.length < KEYS_A_BATCH) {
      for (let i = PLACES_A_LOOK; i > 0 && changes.length < KEYS_A_BATCH; i--) {
        this.#walkPlace(changes);
        if (this.#databases.length === 0) break;
      }
      if (!slice.over()) continue;
      if (changes.length === 0) return AGAIN;
      break;
    }
    if (changes.length > 0) {
      return this.#count({ ...this.#base(0, changes, false), control: undefined });
    }
    return this.#takeEnd();
  }

  #walkPlace(changes: Change<T>[]): void {
    const { keyspace } = this.#host;
    const { filter, values, reads } = this.#options;
    const index = this.#databases[0];
    const db = keyspace.db(index);
    this.#cursor = db.scan(this.#cursor, (entry) => {
      if (!filter.hasType(db.typeOf(entry))) return;
      db.keyRef(entry, ref);
      if (filter.hasKey(index, ref.bytes, ref.start, ref.end)) this.#found.push(ref.view().slice());
    });
    for (const key of this.#found) {
      const entry = visibleEntry(keyspace, db, key, 0, key.length);
      if (entry !== 0) changes.push(reads.present(index, db, entry, "", values !== "none"));
    }
    this.#found.length = 0;
    if (this.#cursor === 0) this.#databases.shift();
  }

  #takeDifferences(): Batch<T> {
    const diff = this.#diff as TouchedKeys;
    const changes: Change<T>[] = [];
    while (this.#diffAt < diff.count && changes.length < KEYS_A_BATCH) {
      const change = this.#choice.describe(diff, this.#diffAt++, this.#olds);
      if (change !== undefined) changes.push(change);
    }
    if (changes.length > 0) {
      return this.#count({ ...this.#base(0, changes, false), control: undefined });
    }
    return this.#takeEnd();
  }

  #takeEnd(): Batch<T> {
    this.#mode = "live";
    this.#diff = undefined;
    this.#olds.clear();
    return { ...this.#base(0, [], true), control: "snapshot-end" };
  }

  // What waits.

  /** A commit becomes a batch of its own, with the values as they are now. Returns false when it tells nothing. */
  #enqueue(commit: Commit): boolean {
    const changes = this.#choice.changesOf(commit, this.#host.olds);
    if (changes.length === 0) return false;
    this.#queue.push({
      replid: commit.replid,
      offset: commit.offset,
      token: this.#tokenAt(commit.replid, commit.settled),
      commits: 1,
      changes,
      control: undefined,
    });
    this.#queuedKeys += changes.length;
    // A consumer that waits takes a commit of any size: it is no slow one.
    if (!this.hungry && this.#isFull(this.#queuedKeys, 0)) this.#overflow(this.#queuedKeys);
    this.hungry = false;
    return true;
  }

  /**
   * Commits are merged: keys wait, and their values are read when they are taken. Returns false for a commit with
   * nothing that is followed.
   */
  #merge(keys: KeyList): boolean {
    const pending = this.#pending;
    let isFollowed = keys.events.length > 0 && this.#mergeEvents(keys.events);
    const { count } = keys;
    for (let i = 0; i < count; i++) {
      keys.keyAt(i, ref);
      const db = keys.dbAt(i);
      if (!this.#choice.follows(db, ref.bytes, ref.start, ref.end)) continue;
      isFollowed = true;
      pending.add(db, ref.bytes, ref.start, ref.end, keys.commandAt(i));
      if (this.wantsOld) this.#noteOld(keyName(db, ref.bytes, ref.start, ref.end));
    }
    if (!isFollowed) return false;
    this.#pendingCommits++;
    this.#checkBound();
    return true;
  }

  /** At the bound what was merged is dropped. */
  #checkBound(): void {
    const { count, byteLength } = this.#pending;
    if (!this.#isFull(count, byteLength)) return;
    if (this.#mode === "live" || this.#mode === "diff") this.#overflow(count);
    else this.#restartWalk();
  }

  #mergeEvents(events: readonly WholeChange[]): boolean {
    let isFollowed = false;
    for (const event of events) {
      if (!this.#choice.followsEvent(event)) continue;
      isFollowed = true;
      this.#mergeEvent(event);
    }
    return isFollowed;
  }

  #mergeEvent(event: WholeChange): void {
    this.#pending.addEvent(event);
    if (event.kind === "flush") {
      for (const name of [...this.#olds.keys()]) {
        if (event.db < 0 || name.startsWith(`${event.db}:`)) this.#olds.delete(name);
      }
    } else if (event.kind === "swap") {
      const all = [...this.#olds];
      this.#olds.clear();
      for (const [name, state] of all) this.#olds.set(swapName(name, event.a, event.b), state);
    }
  }

  /** The state before the first change that waits is the one to tell. */
  #noteOld(name: string): void {
    if (this.#olds.has(name)) return;
    const state = this.#host.olds.get(name);
    if (state !== undefined) this.#olds.set(name, state);
  }

  #keepOld(db: number, key: Uint8Array, type: number): void {
    const name = keyName(db, key, 0, key.length);
    if (this.#olds.has(name)) return;
    const { values, reads, oldAsBytes } = this.#options;
    const value = values === "both" && type >= 0 ? reads.readOld(db, key, type as 0) : undefined;
    this.#olds.set(name, {
      type: type as OldState["type"],
      text: oldAsBytes ? undefined : value as OldState["text"],
      bytes: oldAsBytes ? value as OldState["bytes"] : undefined,
    });
  }

  /** The consumer does not keep up. */
  #overflow(keys: number): void {
    this.#host.totals.dropped += keys;
    const { policy, maxKeys } = this.#options;
    if (policy === "mark" && this.#mode === "live") {
      this.#dropped += keys;
      this.#forgetWaiting();
      return;
    }
    if (policy === "close") {
      this.#error = new FeedError("LAGGED", `More than ${maxKeys} keys waited for a consumer`);
      return this.end(true);
    }
    this.#startWalk("lagged");
  }

  #restartWalk(): void {
    this.#host.totals.dropped += this.#pending.count;
    this.#startWalk("lagged");
  }

  #isFull(keys: number, bytes: number): boolean {
    return keys > this.#options.maxKeys || bytes > MAX_BYTES;
  }

  #startWalk(reason: SnapshotReason): void {
    this.#forgetAll();
    this.#mode = "walk";
    this.#begin = { reason, whole: true };
  }

  /** From here on what changes is told beside what is walked. */
  #beginWalk(): void {
    const { filter } = this.#options;
    this.#databases = this.#host.keyspace.indexes().filter((index) => filter.hasDb(index));
    this.#cursor = 0;
  }

  #startDifferences(collected: TouchedKeys): void {
    const left = this.#diff;
    if (left !== undefined) {
      for (let i = this.#diffAt; i < left.count; i++) {
        left.keyAt(i, ref);
        collected.add(left.dbAt(i), ref.bytes, ref.start, ref.end, "");
      }
    }
    this.#diff = collected;
    this.#diffAt = 0;
    this.#mode = "diff";
    this.#begin = { reason: "resync", whole: false };
  }

  #forgetPending(): void {
    this.unmerged = -1;
    this.#pending.clear();
    this.#pendingCommits = 0;
    if (this.#mode !== "diff") this.#olds.clear();
  }

  #forgetWaiting(): void {
    this.#queue.length = 0;
    this.#queuedKeys = 0;
    this.#forgetPending();
  }

  #forgetAll(): void {
    this.#forgetWaiting();
    this.#olds.clear();
    this.#dropped = 0;
    this.#diff = undefined;
    this.#begin = undefined;
    this.#databases = [];
    this.#found.length = 0;
  }

  // Batches.

  /** A swap brings keys that are not known, or mixes up what a snapshot has told and what it has not. */
  #mustWalk(events: readonly WholeChange[]): boolean {
    const { filter } = this.#options;
    return events.some((event) => {
      if (event.kind !== "swap") return false;
      const a = filter.hasDb(event.a);
      const b = filter.hasDb(event.b);
      return a !== b || (a && this.#mode !== "live");
    });
  }

  #base(
    commits: number,
    changes: readonly Change<T>[],
    hasToken: boolean,
  ): Omit<ChangesBatch<T>, "control"> {
    const { replid, applied, settled } = this.#host.place();
    return {
      replid,
      offset: applied,
      token: hasToken ? this.#tokenAt(replid, settled) : undefined,
      commits,
      changes,
    };
  }

  #tokenAt(replid: string, offset: number): string | undefined {
    return this.#host.hasData() ? this.#tokens.of(replid, offset) : undefined;
  }
}

function swapName(name: string, a: number, b: number): string {
  const colon = name.indexOf(":");
  const db = Number(name.slice(0, colon));
  return `${db === a ? b : db === b ? a : db}${name.slice(colon)}`;
}
