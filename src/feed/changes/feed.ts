/**
 * The change feeds of a replica: hands commits to consumers, keeps the log that tokens are served from, and
 * compares the data with the one that takes its place at a full resync.
 *
 * ```text
 *  Commits --committed--> Feed --+--> log                      tokens
 *                                +--> consumer --take--> iterator
 *                                +--> consumer --take--> listener, in the commit or in slices behind it
 * ```
 *
 * Nothing is done before the first consumer, or the first log that was loaded.
 *
 * @module
 */

import type { Clock } from "../../base/clock.ts";
import { Slice } from "../../base/slices.ts";
import type {
  Commit,
  CommitListener,
  CommitPlace,
  Commits,
  KeySink,
} from "../../commands/engine/commit.ts";
import { bytesCodec, textCodec, type Value } from "../../read/codec.ts";
import type { Decode } from "../../read/decode.ts";
import type { DecodeCache } from "../../read/decode_cache.ts";
import type { Key } from "../../read/text.ts";
import type { Keyspace } from "../../store/keyspace/keyspace.ts";
import { AGAIN, Consumer, type ConsumerHost } from "./consumer.ts";
import { Differences } from "./diff.ts";
import { FeedFilter } from "./filter.ts";
import { ChangeIterator } from "./iterator.ts";
import type { HistoryChain } from "../../replication/history.ts";
import { parseToken } from "../../replication/token.ts";
import { LatestKeys } from "./latest_keys.ts";
import { FeedLog } from "./log.ts";
import { OldStates } from "./old_states.ts";
import type { Batch, ChangesOptions, ChangeStream, FeedStatus } from "./types.ts";
import { FeedReads } from "./values.ts";

/** Most keys that wait for a consumer, unless told. */
const MAX_KEYS = 10_000;
/** Commits of so many keys at most are left in the log until they are taken. */
const SMALL_COMMIT = 8;
/** Bytes of the log that consumers leave there: some two thousand commits, merged in a tenth of a millisecond. */
const MOST_UNMERGED = 64 * 1024;

/** What a {@linkcode Feed} is made from. */
export interface FeedParts {
  /** The data that values are read from. */
  readonly keyspace: Keyspace;
  /** Tells what each commit touched. */
  readonly commits: Commits;
  /** Judges tokens of earlier ids: each failover adds one. */
  readonly chain: HistoryChain;
  /** Measures slices, and gives the event loop back between them. */
  readonly clock: Clock;
  /** Keeps decoded values for reads and feeds; each feed with a decoder keeps its own where there is none. */
  readonly decoded?: DecodeCache;
  /** Whether there is any data: false before the first synchronisation, and while it was emptied for one. */
  hasData(): boolean;
  /** Gets what a listener throws; must not throw. */
  report(error: unknown): void;
}

/** Every feed of one replica. */
export class Feed implements CommitListener, ConsumerHost {
  /** Writes keys to the log while no consumer has to be told of them. */
  readonly #sink: KeySink;
  /** The data that values are read from. */
  readonly keyspace: Keyspace;
  /** Which keys the latest commits touched. */
  readonly log: FeedLog;
  /** Where consumers take keys from the log, one after the other. */
  readonly latest: LatestKeys;
  /** What keys were before the commit that is told, while anybody asks. */
  readonly olds: OldStates;
  /** Running totals of changes handed out, commits merged and changes dropped. */
  readonly totals: { changes: number; coalesced: number; dropped: number } = {
    changes: 0,
    coalesced: 0,
    dropped: 0,
  };
  readonly #parts: FeedParts;

  readonly #text: FeedReads<string>;
  readonly #bytes: FeedReads<Uint8Array>;
  #consumers: readonly Consumer<Value>[] = [];
  /** True while no consumer needs to be told of a small commit: what it touched is in the log. */
  #quiet: boolean = false;
  /** Address in the log that every consumer has merged up to, while quiet. */
  #unmerged: number = 0;
  #runs: boolean = false;
  #compared: boolean = false;
  #closed: boolean = false;

  /** Listens to nothing yet. @param parts What it is made from. */
  constructor(parts: FeedParts) {
    this.#parts = parts;
    this.log = new FeedLog(parts.chain);
    this.latest = new LatestKeys(parts.keyspace.settings);
    this.#sink = {
      write: (db, bytes, start, end, command) => {
        this.log.write(db, bytes, start, end, command);
      },
      committed: (place) => {
        const at = this.log.settle(place);
        if (at - this.#unmerged > MOST_UNMERGED) this.#gather();
      },
      takeBack: (to) => this.log.takeBack(to),
    };
    this.keyspace = parts.keyspace;
    this.olds = new OldStates(parts.keyspace, () => parts.commits.place);
    this.#text = new FeedReads(parts.keyspace, textCodec());
    this.#bytes = new FeedReads(parts.keyspace, bytesCodec());
  }

  /** Where the data stands: id, offset, and up to where every key is settled. */
  place(): CommitPlace {
    return this.#parts.commits.place;
  }

  /** Whether there is any data to tell. */
  hasData(): boolean {
    return this.#parts.hasData();
  }

  /** How the feeds stand at this moment. */
  status(): FeedStatus {
    return {
      subscribers: this.#consumers.length,
      ...this.totals,
      queued: this.#consumers.reduce((sum, consumer) => sum + consumer.queued, 0),
      logBytes: this.log.byteLength,
    };
  }

  /** A feed as an async iterator. @param dbIndex Database that is followed unless the options name others. */
  changes(dbIndex: number, options: ChangesOptions): ChangeStream<Value> {
    const consumer = this.#subscribe(dbIndex, options, false);
    return new ChangeIterator(consumer, this.#parts.clock, options.signal, () => {
      this.#unsubscribe(consumer);
    });
  }

  /**
   * A feed as calls of `listener`: in the turn of each commit, behind it, as long as nothing waits.
   *
   * @returns Ends the feed.
   */
  onCommit(
    dbIndex: number,
    options: ChangesOptions,
    listener: (batch: Batch<Value>) => void,
  ): () => void {
    const { clock, report } = this.#parts;
    const consumer = this.#subscribe(dbIndex, options, true);
    const slice = new Slice(clock);
    let due = false;
    const stop = () => {
      consumer.end(true);
      this.#unsubscribe(consumer);
      options.signal?.removeEventListener("abort", stop);
    };
    const pump = () => {
      due = false;
      slice.start();
      for (;;) {
        const batch = consumer.take(slice);
        if (batch === undefined) break;
        if (batch !== AGAIN) callListener(listener, batch, report);
        if (batch !== AGAIN && !slice.over()) continue;
        return later();
      }
      consumer.hungry = true;
      if (!consumer.ended) return;
      if (consumer.error !== undefined) report(consumer.error);
      this.#unsubscribe(consumer);
    };
    const later = () => {
      if (due) return;
      due = true;
      clock.soon(pump);
    };
    consumer.handOver = (batch) => callListener(listener, batch, report);
    consumer.onNews = () => {
      // What is taken in the commit itself is one batch, and nothing waits behind it.
      if (!due && consumer.direct) callListener(listener, consumer.takeDirect(), report);
      else later();
    };
    // Nothing waits for who begins now: the next commit is handed over as it is.
    if (consumer.ended || (options.from ?? "now") !== "now") later();
    else consumer.hungry = true;
    options.signal?.addEventListener("abort", stop);
    return stop;
  }

  /** Every feed ends behind what waits for it. */
  close(): void {
    this.#closed = true;
    for (const consumer of this.#consumers) consumer.end(false);
  }

  /** The log as bytes, for a snapshot of the data that is taken now; undefined where nothing was recorded. */
  logBytes(): Uint8Array | undefined {
    return this.#runs ? this.log.toBytes() : undefined;
  }

  /** Takes over the log of an earlier process, whose data was loaded. */
  restoreLog(bytes: Uint8Array): void {
    this.#run();
    const { replid, applied } = this.place();
    this.log.restore(bytes, { replid, offset: applied });
  }

  // What the commits tell.

  committed(commit: Commit): void {
    // What is large, or about databases, is given to consumers as it is.
    const isSmall = commit.only !== undefined ||
      (commit.count <= SMALL_COMMIT && commit.events.length === 0);
    if (!isSmall) this.#gather();
    const added = this.log.add(commit);
    const at = isSmall ? added : -1;
    // Everybody has something to merge from the log already.
    if (this.#quiet && at >= 0) {
      if (at - this.#unmerged > MOST_UNMERGED) this.#gather();
      else this.#parts.commits.offerSink(this, this.#sink);
      return;
    }
    const consumers = this.#consumers;
    let quiet = true;
    let unmerged = Infinity;
    for (let i = 0; i < consumers.length; i++) {
      const consumer = consumers[i];
      consumer.committed(commit, at);
      quiet &&= consumer.isQuiet;
      if (consumer.unmerged >= 0) unmerged = Math.min(unmerged, consumer.unmerged);
    }
    this.#quiet = quiet;
    this.#unmerged = unmerged;
    if (quiet) this.#parts.commits.offerSink(this, this.#sink);
    this.olds.clear();
  }

  /** Somebody does not wait any more: the next commit is told to everybody. */
  attend(): void {
    if (!this.#quiet) return;
    this.#quiet = false;
    this.#parts.commits.offerSink(this, undefined);
  }

  /** Consumers merge what they have left in the log. */
  #gather(): void {
    for (const consumer of this.#consumers) consumer.gather();
    this.attend();
    this.log.forgetCommands();
  }

  replacing(old: Keyspace, fresh: Keyspace): (() => boolean) | undefined {
    this.#compared = false;
    const interested = this.#consumers.filter((consumer) => consumer.wantsDifferences);
    // Data that was emptied is told again from the beginning.
    if (interested.length === 0 || !this.hasData() || old.keyCount === 0) return undefined;
    for (const consumer of interested) consumer.beginDifferences();
    const differences = new Differences(old, fresh, (...difference) => {
      for (const consumer of interested) consumer.differs(...difference);
    });
    return () => this.#compared = differences.step();
  }

  abandoned(): void {
    for (const consumer of this.#consumers) consumer.abandoned();
  }

  replaced(): void {
    const { replid, applied } = this.place();
    this.#gather();
    this.log.restart({ replid, offset: applied });
    for (const consumer of this.#consumers) consumer.replaced(this.#compared);
    this.#compared = false;
  }

  // Who is told.

  #subscribe(dbIndex: number, options: ChangesOptions, isListener: boolean): Consumer<Value> {
    this.#run();
    this.attend();
    const { databases = [dbIndex], match, types, policy = "coalesce", values = "new" } = options;
    const patterns = match === undefined || isList(match) ? match : [match];
    const filter = new FeedFilter(
      databases === "all" ? undefined : databases as readonly number[],
      patterns as readonly Key[] | undefined,
      types,
    );
    const asBytes = options.bytes === true;
    const consumer = new Consumer<Value>(this, {
      filter,
      reads: this.#readsOf(asBytes, options.decode),
      oldAsBytes: asBytes || options.decode !== undefined,
      values,
      policy,
      isListener,
      maxKeys: options.maxKeys ?? MAX_KEYS,
    });
    this.#consumers = [...this.#consumers, consumer];
    this.#watchOld();
    this.#start(consumer, options.from ?? "now");
    if (this.#closed || options.signal?.aborted) consumer.end(this.#closed === false);
    return consumer;
  }

  #readsOf(asBytes: boolean, decode: Decode<unknown> | undefined): FeedReads<Value> {
    if (decode === undefined) return (asBytes ? this.#bytes : this.#text) as FeedReads<Value>;
    const decoding = { decode, decoded: this.#parts.decoded, bytes: this.#bytes };
    return asBytes
      ? new FeedReads<Value>(this.keyspace, bytesCodec(), decoding)
      : new FeedReads<Value>(this.keyspace, textCodec(), decoding);
  }

  #start(consumer: Consumer<Value>, from: string): void {
    if (from === "now") return consumer.startNow();
    if (from === "snapshot") return consumer.startSnapshot("first");
    const place = parseToken(from);
    if (place === undefined) throw new TypeError(`"${from}" is no token of a batch`);
    const { replid } = this.place();
    const verdict = this.hasData() ? this.log.judge(place, replid) : "unknown";
    if (verdict === "known") consumer.startAt((keys) => this.log.replay(place.offset, keys));
    else if (verdict === "ahead") consumer.startAhead(replid, place.offset);
    else consumer.startSnapshot("token");
  }

  #unsubscribe(consumer: Consumer<Value>): void {
    this.#consumers = this.#consumers.filter((other) => other !== consumer);
    this.#watchOld();
  }

  /** Keeps states from before each commit while anybody asks for them. */
  #watchOld(): void {
    const { snapshotHooks } = this.keyspace;
    const forms = this.#consumers.map(({ oldForm }) => oldForm);
    this.olds.wishes = {
      text: forms.includes("text") ? this.#text : undefined,
      bytes: forms.includes("bytes") ? this.#bytes : undefined,
    };
    if (this.#consumers.some(({ wantsOld }) => wantsOld)) snapshotHooks.add(this.olds);
    else if (snapshotHooks.delete(this.olds)) this.olds.clear();
  }

  /** Listens to commits from now on, for good: the log serves who comes back. */
  #run(): void {
    if (this.#runs) return;
    this.#runs = true;
    const { replid, applied } = this.place();
    this.log.restart({ replid, offset: applied });
    this.#parts.commits.subscribe(this);
  }
}

function isList(match: Key | readonly Key[]): match is readonly Key[] {
  return Array.isArray(match);
}

function callListener(
  listener: (batch: Batch<Value>) => void,
  batch: Batch<Value>,
  report: (error: unknown) => void,
): void {
  try {
    listener(batch);
  } catch (error) {
    report(error);
  }
}
