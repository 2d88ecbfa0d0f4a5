/**
 * What a change feed is asked for, and what it gives.
 *
 * @module
 */

import type { Value } from "../../read/codec.ts";
import type { Decode, DecodeError } from "../../read/decode.ts";
import type { StreamMessage } from "../../read/streams.ts";
import type { Key } from "../../read/text.ts";
import type { Scored } from "../../read/zsets.ts";

/** Type of a value, as `TYPE` names it, with one word for those of all modules. */
export type FeedType = "string" | "list" | "set" | "zset" | "hash" | "stream" | "module";

/**
 * A value as the typed reads give it: of a module, which is not read, undefined. With `decode` each `T` is what the
 * decoder made, and a schema's is the whole object of a hash, or of one entry of a stream.
 */
export type FeedValue<T = string> =
  | T
  | T[]
  | Record<string, T>
  | Scored<T>[]
  | StreamMessage<T, FeedMessage<T>>[]
  | undefined;

/** The fields of a stream's entry: text or bytes, or what a decoder made of each, or a schema of all of them. */
export type FeedMessage<T> = [T] extends [Value] ? Record<string, T> : T | Record<string, T>;

/** What becomes of a consumer that has `maxKeys` keys waiting. */
export type FeedPolicy =
  /** Commits not yet taken merge into one batch with the latest state of each key; at the bound a snapshot follows. */
  | "coalesce"
  /** Each commit is a batch of its own; at the bound those that wait are dropped, and a batch says how many. */
  | "mark"
  /** Each commit is a batch of its own; at the bound the feed ends with a `FeedError`. */
  | "close";

/** Options of `replica.changes` and `replica.onCommit`. */
export interface ChangesOptions {
  /** Keys that fit one of these glob patterns, as in `KEYS`; every key unless told. */
  readonly match?: Key | readonly Key[];
  /** Numbers of the databases; the reader's own database unless told, `"all"` for every one. */
  readonly databases?: readonly number[] | "all";
  /** Only keys whose value has, or had, one of these types. */
  readonly types?: readonly FeedType[];
  /** Where to begin: `"now"` unless told. A string that is neither word is a token. */
  readonly from?: "now" | "snapshot" | (string & Record<never, never>);
  /** Whether changes carry values: `"new"` ones, `"both"` the new and the old, `"none"`. `"new"` unless told. */
  readonly values?: "none" | "new" | "both";
  /** What becomes of a consumer that does not keep up: `"coalesce"` unless told. */
  readonly policy?: FeedPolicy;
  /** Most keys that wait for the consumer: 10,000 unless told. */
  readonly maxKeys?: number;
  /** Ends the feed when it is aborted. */
  readonly signal?: AbortSignal;
  /** Whether keys and values are bytes instead of text; false unless told. */
  readonly bytes?: boolean;
  /**
   * What becomes of each value, field's value, element and member: `"json"`, a function of bytes, or a Standard Schema,
   * as in the reads. A value that cannot be decoded is undefined, and its change has an `error`.
   */
  readonly decode?: Decode<unknown>;
}

/** A key that got a value, or another one. */
export interface SetChange<T extends Value = string, V = T> {
  /** Says that the key has this value now. */
  readonly kind: "set";
  /** Number of the database. */
  readonly db: number;
  /** Name of the key, as text or bytes. */
  readonly key: T;
  /** Type of its value. */
  readonly type: FeedType;
  /** Lower-case name of the command that changed it last; "" inside a snapshot. */
  readonly command: string;
  /** When it expires, milliseconds since 1970; undefined for never. */
  readonly expireAtMs: number | undefined;
  /** Its value; undefined with `values: "none"` and for values of modules. */
  readonly value?: FeedValue<V>;
  /** Why the value could not be decoded; undefined when it could, and without `decode`. */
  readonly error?: DecodeError;
  /** The value before, with `values: "both"`; undefined where there was none or it is not known. */
  readonly old?: FeedValue<V>;
}

/** A key that is gone. */
export interface DeleteChange<T extends Value = string, V = T> {
  /** Says that there is no such key any more, or none of the types asked for. */
  readonly kind: "delete";
  /** Number of the database. */
  readonly db: number;
  /** Name of the key, as text or bytes. */
  readonly key: T;
  /** Lower-case name of the command that removed it; "" after a full resync. */
  readonly command: string;
  /** The value before, with `values: "both"`; undefined where it is not known. */
  readonly old?: FeedValue<V>;
}

/** A key of which only the expiry changed, or that of some fields of a hash. */
export interface ExpireChange<T extends Value = string, V = T> {
  /** Says that nothing but times to live changed. */
  readonly kind: "expire";
  /** Number of the database. */
  readonly db: number;
  /** Name of the key, as text or bytes. */
  readonly key: T;
  /** Type of its value. */
  readonly type: FeedType;
  /** Lower-case name of the command, as "pexpireat". */
  readonly command: string;
  /** When the key expires, milliseconds since 1970; undefined for never. */
  readonly expireAtMs: number | undefined;
  /** Of a hash: when each field expires that does, milliseconds since 1970. */
  readonly fields?: Record<string, number>;
  /** Its value, which is as before; undefined with `values: "none"` and for values of modules. */
  readonly value?: FeedValue<V>;
  /** Why the value could not be decoded; undefined when it could, and without `decode`. */
  readonly error?: DecodeError;
  /** The value before, with `values: "both"`. */
  readonly old?: FeedValue<V>;
}

/** Every key of a database is gone. */
export interface FlushChange {
  /** FLUSHDB, FLUSHALL, or the old data was emptied for a snapshot. */
  readonly kind: "flush";
  /** Number of the database; undefined for every database. */
  readonly db: number | undefined;
}

/** Two databases have exchanged their contents. */
export interface SwapChange {
  /** SWAPDB: what was told of one database is true of the other now. */
  readonly kind: "swap";
  /** Number of one database. */
  readonly db: number;
  /** Number of the other one. */
  readonly with: number;
}

/** What changed. In a batch flushes and swaps come first. */
export type Change<T extends Value = string, V = T> =
  | SetChange<T, V>
  | DeleteChange<T, V>
  | ExpireChange<T, V>
  | FlushChange
  | SwapChange;

/** Why a snapshot is told. */
export type SnapshotReason =
  /** It was asked for: `from: "snapshot"`. */
  | "first"
  /** The token is of another history, or older than what is remembered. */
  | "token"
  /** The data was replaced by a full resync. */
  | "resync"
  /** The data was emptied for a full resync, and is there again. */
  | "flush"
  /** The consumer did not keep up, and what waited for it was dropped. */
  | "lagged"
  /** SWAPDB brought the content of a database that is not followed, or came amid a snapshot. */
  | "swap";

/** What every batch has: where it stands, and what changed. */
export interface BatchPlace<T extends Value, V = T> {
  /** Id of the master's history that `offset` counts in; "" where no master is followed. */
  readonly replid: string;
  /** Offset of the master's stream that the batch stands at. */
  readonly offset: number;
  /** Gives a later feed everything behind this batch; undefined inside a snapshot. */
  readonly token: string | undefined;
  /** How many commits it stands for; 0 in a snapshot. */
  readonly commits: number;
  /** What changed, in order; nothing in a control batch. */
  readonly changes: readonly Change<T, V>[];
}

/** The changes of a commit, of several that were merged, or some keys of a snapshot. */
export interface ChangesBatch<T extends Value = string, V = T> extends BatchPlace<T, V> {
  /** This batch holds changes. */
  readonly control: undefined;
}

/** Keys follow that do not come from a commit, up to `snapshot-end`. */
export interface SnapshotBeginBatch<T extends Value = string, V = T> extends BatchPlace<T, V> {
  /** A snapshot, or the differences to one, begin. */
  readonly control: "snapshot-begin";
  /** What made it necessary. */
  readonly reason: SnapshotReason;
  /** True: all keys follow, what was told before is void. False: only differences follow. */
  readonly whole: boolean;
}

/** What has been told is the whole state now, as of `offset`. */
export interface SnapshotEndBatch<T extends Value = string, V = T> extends BatchPlace<T, V> {
  /** The snapshot is complete. */
  readonly control: "snapshot-end";
}

/** Batches that waited were dropped; `policy: "mark"` alone. */
export interface LaggedBatch<T extends Value = string, V = T> extends BatchPlace<T, V> {
  /** Something is missing before this batch. */
  readonly control: "lagged";
  /** How many changes were dropped. */
  readonly dropped: number;
}

/** One batch of a feed. */
export type Batch<T extends Value = string, V = T> =
  | ChangesBatch<T, V>
  | SnapshotBeginBatch<T, V>
  | SnapshotEndBatch<T, V>
  | LaggedBatch<T, V>;

/** A feed as an async iterator. It takes part from the call of `changes` on, and ends with the loop. */
export interface ChangeStream<T extends Value = string, V = T>
  extends AsyncIterableIterator<Batch<T, V>>, AsyncDisposable {}

/** How the feeds of a replica stand. */
export interface FeedStatus {
  /** Consumers there are: iterators and listeners. */
  readonly subscribers: number;
  /** Changes handed out since the start. */
  readonly changes: number;
  /** Commits that were merged into the batch of a later one. */
  readonly coalesced: number;
  /** Changes that were dropped because a consumer did not keep up. */
  readonly dropped: number;
  /** Keys that wait for consumers. */
  readonly queued: number;
  /** Bytes of the log that tokens are served from. */
  readonly logBytes: number;
}

/** A feed that has ended by itself. */
export class FeedError extends Error {
  /** LAGGED: `policy: "close"` and the consumer did not keep up. */
  readonly code: "LAGGED";
  /** The name that stack traces show. */
  override readonly name: string = "FeedError";

  /** Made by a feed that ends. @param code Why. @param message The same as a sentence. */
  constructor(code: "LAGGED", message: string) {
    super(message);
    this.code = code;
  }
}
