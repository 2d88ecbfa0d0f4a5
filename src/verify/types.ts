/**
 * What a comparison with the master is asked for, and what it reports.
 *
 * @module
 */

/** What is asked of `Replica.verify`. */
export interface VerifyOptions {
  /** Compares about so many keys, chosen at random here and at the master; 10,000 unless told. Not with `full`. */
  readonly sample?: number;
  /** True compares every key. */
  readonly full?: boolean;
  /** True fetches each key that differs from the master, and looks at it again. */
  readonly repair?: boolean;
  /** Keys a second that the master is asked for, at most: 20,000 unless told. */
  readonly keysPerSecond?: number;
  /** Bytes a second that the master is asked for, at most and about: 64 MB unless told. */
  readonly bytesPerSecond?: number;
  /** How many differing keys the report lists, at most: 100 unless told. All of them are counted. */
  readonly listed?: number;
  /** Is told how far it has come, a few times a second. What it throws ends the comparison. */
  readonly onProgress?: (progress: VerifyProgress) => void;
  /** Ends the comparison, which then rejects with STOPPED. */
  readonly signal?: AbortSignal;
  /** Milliseconds until it rejects with a `TimeoutError`; for ever when left out. */
  readonly timeoutMs?: number;
}

/** How far a comparison has come. */
export interface VerifyProgress {
  /** What it does: counts keys, compares, compares again what differed, or waits for repairs. */
  readonly phase: "counting" | "comparing" | "rechecking" | "repairing";
  /** Keys looked at, here and in the master's list of keys. */
  readonly done: number;
  /** Keys to be looked at, about. */
  readonly total: number;
  /** Keys whose values were compared. */
  readonly compared: number;
  /** Keys that differ for sure. */
  readonly differences: number;
  /** Milliseconds since it began. */
  readonly elapsedMs: number;
}

/** In which way a key differs. */
export type DifferenceKind =
  /** The master has the key, and it is not here. */
  | "missing"
  /** The key is here, and the master does not have it. */
  | "extra"
  /** Both have it, with values of two types. */
  | "type"
  /** Both have it, with two values of one type. */
  | "value"
  /** The values are equal and expire at two times. */
  | "expiry";

/** A key that differs. */
export interface KeyDifference {
  /** Number of its database. */
  readonly db: number;
  /** The key as UTF-8 text. */
  readonly key: string;
  /** The bytes of the key. */
  readonly keyBytes: Uint8Array;
  /** In which way it differs. */
  readonly kind: DifferenceKind;
  /** Type of the master's value as TYPE names it; undefined where there is none, or it cannot be told. */
  readonly masterType: string | undefined;
  /** Type of the value here; undefined where there is none. */
  readonly replicaType: string | undefined;
  /** True once it was fetched from the master, and compared equal. */
  readonly repaired: boolean;
}

/** Keys of one database. */
export interface DatabaseCount {
  /** Number of the database. */
  readonly db: number;
  /** Keys here, expired ones included that the master still has to delete. */
  readonly keys: number;
  /** Keys of the master at the same offset. */
  readonly masterKeys: number;
}

/** Keys that could not be compared, by the reason. */
export interface SkippedKeys {
  /** They were being fetched from the master, or changed too fast for their size. */
  readonly busy: number;
  /** Their values take more than 64 MB. */
  readonly large: number;
  /** Their values are of modules, and not known here byte by byte, or the master gives none. */
  readonly unread: number;
  /** Their cluster slot is on its way from or to the master. */
  readonly moving: number;
}

/** What a comparison with the master has found. */
export interface VerifyReport {
  /** True when no key differs, or each one that did was repaired, and the counts agree. */
  readonly equal: boolean;
  /** Keys that were compared. */
  readonly compared: number;
  /** Keys of the master that are not here; they count in `differences`. */
  readonly missing: number;
  /** Keys here that the master does not have; they count in `differences`. */
  readonly extra: number;
  /** Keys that differ in whatever way. */
  readonly differences: number;
  /** The first keys that differ, as many as `listed` says. */
  readonly different: readonly KeyDifference[];
  /** Keys that differed, were fetched from the master, and compared equal then. */
  readonly repaired: number;
  /** Keys that could not be compared. */
  readonly skipped: SkippedKeys;
  /** Keys of each database, counted at one offset; empty where a filter leaves keys out, or the master refuses it. */
  readonly databases: readonly DatabaseCount[];
  /** True when the master refused DUMP, so that values were compared by reading them. */
  readonly byReads: boolean;
  /** How often it began again, because all data was replaced meanwhile. */
  readonly restarts: number;
  /** Replication id of the history that was compared last. */
  readonly replid: string;
  /** Offset that the data stood at when it ended. */
  readonly offset: number;
  /** How many milliseconds it took. */
  readonly tookMs: number;
}
