/**
 * All indexed collections of one replica: one listener of commits, which keeps their indexes and builds them in slices.
 *
 * @module
 */

import type { Logger } from "../base/logger.ts";
import { toError } from "../base/errors.ts";
import { unknownName } from "../base/shape.ts";
import { Slice } from "../base/slices.ts";
import type { Commit, CommitListener, Commits } from "../commands/engine/commit.ts";
import type { Keyspace } from "../store/keyspace/keyspace.ts";
import { Collection } from "./collection.ts";
import type { CollectionOwner, CollectionStatus } from "./collection_owner.ts";
import { IndexKeeper } from "./index_keeper.ts";
import { type Decode, decodeBytes, type Schema } from "../read/decode.ts";
import type { Reader } from "../read/reader.ts";
import type { Key } from "../read/text.ts";
import {
  type IdOf,
  type IndexOptions,
  type IndexShape,
  indexShapes,
  KeyPattern,
} from "./collection_shape.ts";
import { DecodedSource, HashSource } from "./index_source.ts";
import type { Live, LiveOptions, LiveSource, LiveValues } from "./live.ts";
import type { Topic } from "./reads.ts";

/** Milliseconds of building in one turn of the event loop: with a garbage collection it stays below five. */
const BUILD_MS = 1;
/** Steps between two looks at the clock: each looks at some seven keys. */
const STEPS = 2;

const OPTIONS = ["type", "decode", "db", "index"];

/**
 * What makes a value of a hash's fields: a function, which is called at each read, or a schema for the object of texts,
 * whose result is kept until the hash changes.
 */
export type DecodeFields<T> = ((fields: Record<string, string>) => T) | Schema<T>;

/** Options of a collection of hashes. */
export interface HashCollectionOptions<T> {
  /** The type of the values. */
  readonly type: "hash";
  /** Makes a value of a hash's fields; unless given, values are objects of texts. */
  readonly decode?: DecodeFields<T>;
  /** Number of the database, the chosen one unless given. */
  readonly db?: number;
  /** Indexes by the fields that they sort by: `{ email: { unique: true }, "plan,createdAt": {} }`. */
  readonly index?: Readonly<Record<string, IndexOptions>>;
}

/** Options of a collection of strings. */
export interface StringCollectionOptions<T> {
  /** The type of the values. */
  readonly type: "string";
  /** Makes a value of a string, once until it changes; unless given, values are texts. */
  readonly decode?: Decode<T>;
  /** Number of the database, the chosen one unless given. */
  readonly db?: number;
  /** Indexes by properties of the decoded values. */
  readonly index?: Readonly<Record<string, IndexOptions>>;
}

/** What a {@linkcode Collections} is made from. */
export interface CollectionsParts {
  /** What reads are answered from. */
  readonly source: LiveSource;
  /** Tells of the commits. */
  readonly commits: Pick<Commits, "subscribe">;
  /** Makes the live values of collections. */
  readonly live: LiveValues;
  /** Gets a warning when a value of a unique index belongs to several keys. */
  readonly logger: Logger;
}

type AnyCollection = Collection<unknown, string | readonly string[]>;

/** Who waits for a keeper's rows to be complete. */
interface Waiting {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
}

/** Keeps the indexes of every collection. Listens to commits only while there is one. */
export class Collections implements CommitListener, CollectionOwner {
  readonly #parts: CollectionsParts;
  readonly #kept: Map<IndexKeeper, AnyCollection> = new Map();
  readonly #waiting: Map<IndexKeeper, Waiting> = new Map();
  readonly #warned: Set<IndexKeeper> = new Set();
  #unsubscribe: (() => void) | undefined = undefined;
  #scheduled: boolean = false;
  #closed: boolean = false;

  /** Listens to nothing before there is a collection with indexes. */
  constructor(parts: CollectionsParts) {
    this.#parts = parts;
  }

  /** True once the replica is closed. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Makes a collection, and builds its indexes: what takes no longer than a slice is done at once.
   *
   * @param reader The reads of its database.
   * @throws {TypeError} When an option makes no sense; the message names it.
   */
  collection<T, Pattern extends string>(
    reader: Reader,
    pattern: Pattern,
    options: HashCollectionOptions<T> | StringCollectionOptions<T>,
  ): Collection<T, IdOf<Pattern>> {
    checkOptions(options);
    const keys = new KeyPattern(pattern);
    const indexes = indexShapes(options.index);
    const { source } = this.#parts;
    const { rows, read } = options.type === "hash"
      ? hashReads(reader, indexes, options)
      : stringReads(reader, indexes, options);
    const keeper = indexes.length === 0 ? undefined : new IndexKeeper({
      keyspace: source.keyspace,
      db: reader.index,
      pattern: keys,
      indexes,
      source: rows,
    });
    const { type } = options;
    const collection = new Collection<T, IdOf<Pattern>>({
      owner: this,
      source,
      reader,
      pattern: keys,
      type,
      read,
      indexes,
      rows,
      keeper,
    });
    if (keeper !== undefined) this.#keep(collection as unknown as AnyCollection, keeper);
    return collection;
  }

  #keep(collection: AnyCollection, keeper: IndexKeeper): void {
    if (this.#closed) return;
    this.#kept.set(keeper, collection);
    this.#unsubscribe ??= this.#parts.commits.subscribe(this, true);
    this.#work();
  }

  /** Forgets the indexes of a collection that was disposed. */
  forget(keeper: IndexKeeper): void {
    this.#kept.delete(keeper);
    this.#warned.delete(keeper);
    this.#resolve(keeper);
    keeper.clear();
    if (this.#kept.size > 0) return;
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
  }

  /** Resolves when a keeper's rows are complete. */
  built(keeper: IndexKeeper): Promise<void> {
    if (!keeper.building || !this.#kept.has(keeper)) return Promise.resolve();
    let waiting = this.#waiting.get(keeper);
    if (waiting === undefined) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.set(keeper, waiting = { promise, resolve });
    }
    return waiting.promise;
  }

  depend(topic: () => Topic): void {
    this.#parts.live.depend(topic);
  }

  /** Makes a live value. */
  live<T>(fn: () => T, options?: LiveOptions<T>): Live<T> {
    return this.#parts.live.live(fn, options);
  }

  /** Bytes of the rows and indexes of all collections. */
  get bytes(): number {
    let bytes = 0;
    for (const collection of this.#kept.values()) bytes += collection.status().bytes;
    return bytes;
  }

  /** How each collection's indexes stand. */
  status(): CollectionStatus[] {
    return [...this.#kept.values()].map((collection) => collection.status());
  }

  committed(commit: Commit): void {
    let rebuilds = false;
    for (const keeper of this.#kept.keys()) {
      this.#guard(keeper, () => {
        if (keeper.committed(commit)) rebuilds = true;
      });
      this.#lookAtDuplicates(keeper);
    }
    if (rebuilds) this.#work();
  }

  hidden(commit: Commit): void {
    for (const keeper of this.#kept.keys()) {
      this.#guard(keeper, () => keeper.hidden(commit));
      this.#lookAtDuplicates(keeper);
    }
  }

  replacing(_old: Keyspace, fresh: Keyspace): (() => boolean) | undefined {
    const steps = [...this.#kept.keys()].map((keeper) => keeper.prepare(fresh));
    if (steps.length === 0) return undefined;
    return () => {
      if (steps.length > 0 && steps[0]()) steps.shift();
      return steps.length === 0;
    };
  }

  abandoned(): void {
    for (const keeper of this.#kept.keys()) keeper.abandoned();
  }

  replaced(): void {
    for (const keeper of this.#kept.keys()) {
      keeper.replaced();
      this.#lookAtDuplicates(keeper);
    }
    this.#work();
  }

  /** Lets go of every index. */
  close(): void {
    this.#closed = true;
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
    for (const keeper of this.#kept.keys()) {
      this.#resolve(keeper);
      keeper.clear();
    }
    this.#kept.clear();
  }

  /** Follows the data with a keeper; one that cannot is told so, and is logged. */
  #guard(keeper: IndexKeeper, follow: () => void): void {
    try {
      follow();
    } catch (thrown) {
      const error = toError(thrown);
      keeper.fail(error);
      const { pattern } = this.#kept.get(keeper)!.status();
      this.#parts.logger.error(`The indexes of "${pattern}" cannot be kept: ${error.message}`, {
        event: "index_failed",
        pattern,
      });
      this.#parts.live.changedAll();
    }
  }

  /** Builds for a slice, and goes on in a later turn when that was not enough. */
  #work(): void {
    if (this.#scheduled || this.#closed) return;
    const slice = new Slice(this.#parts.source.clock, BUILD_MS);
    slice.start();
    for (const keeper of this.#kept.keys()) {
      if (!keeper.building) continue;
      while (keeper.building) {
        this.#guard(keeper, () => {
          for (let i = 0; i < STEPS && !keeper.step(); i++);
        });
        if (keeper.building && slice.over()) return this.#later();
      }
      this.#resolve(keeper);
      this.#lookAtDuplicates(keeper);
      // What was refused before is answered now.
      this.#parts.live.changedAll();
    }
  }

  #later(): void {
    this.#scheduled = true;
    this.#parts.source.clock.soon(() => {
      this.#scheduled = false;
      this.#work();
    });
  }

  #resolve(keeper: IndexKeeper): void {
    this.#waiting.get(keeper)?.resolve();
    this.#waiting.delete(keeper);
  }

  /** Warns when a unique index has become one that is not, once until it is unique again. */
  #lookAtDuplicates(keeper: IndexKeeper): void {
    if (!keeper.hasDuplicates) return void this.#warned.delete(keeper);
    if (this.#warned.has(keeper) || keeper.building) return;
    this.#warned.add(keeper);
    const status = this.#kept.get(keeper)!.status();
    const names = Object.entries(status.indexes).filter(([, { duplicates }]) => duplicates > 0)
      .map(([name]) => `"${name}"`).join(", ");
    this.#parts.logger.warn(
      `Several keys of "${status.pattern}" have the same value of a unique index: ${names}`,
      { event: "index_not_unique", pattern: status.pattern },
    );
  }
}

/** How the values of a collection are read, whole and by their indexed fields. */
interface Reads<T> {
  readonly rows: HashSource | DecodedSource;
  readonly read: (key: Key) => T | undefined;
}

function hashReads<T>(
  reader: Reader,
  indexes: readonly IndexShape[],
  { decode }: HashCollectionOptions<T>,
): Reads<T> {
  const rows = new HashSource(indexes);
  if (typeof decode === "object") {
    return { rows, read: (key) => reader.hgetall(key, { decode }) };
  }
  const read = (key: Key): T | undefined => {
    const fields = reader.hgetall(key);
    return fields === undefined || decode === undefined ? fields as T | undefined : decode(fields);
  };
  return { rows, read };
}

function stringReads<T>(
  reader: Reader,
  indexes: readonly IndexShape[],
  { decode }: StringCollectionOptions<T>,
): Reads<T> {
  if (decode === undefined) {
    if (indexes.length > 0) throw new TypeError("Strings are indexed by what decode makes of them");
    const rows = new DecodedSource(indexes, () => undefined);
    return { rows, read: (key) => reader.get(key) as T | undefined };
  }
  const rows = new DecodedSource(
    indexes,
    (bytes, start, end) => decodeBytes(decode, bytes, start, end, ""),
  );
  return { rows, read: (key) => reader.get(key, { decode }) };
}

/** @throws {TypeError} When it is no decoder for values of this type. */
function checkDecoder(type: string, decode: unknown): void {
  if (decode === undefined || typeof decode === "function") return;
  if (type === "string" && decode === "json") return;
  const standard = (decode as Partial<Schema<unknown>> | null)?.["~standard"];
  if (typeof standard?.validate === "function") return;
  throw new TypeError('decode must be a function, a Standard Schema or, for strings, "json"');
}

function checkOptions(options: { readonly type?: unknown; readonly decode?: unknown }): void {
  if (typeof options !== "object" || options === null) {
    throw new TypeError("collection() takes a pattern and options");
  }
  for (const name of Object.keys(options)) {
    if (!OPTIONS.includes(name)) throw new TypeError(unknownName("option", name, name, OPTIONS));
  }
  if (options.type !== "hash" && options.type !== "string") {
    throw new TypeError('The option type of a collection must be "hash" or "string"');
  }
  checkDecoder(options.type, options.decode);
}
