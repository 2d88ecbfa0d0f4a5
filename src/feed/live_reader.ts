/**
 * The reads of a replica that stay right as its data changes: live values, watches and collections.
 *
 * @module
 */

import type { ReadCore } from "../read/core.ts";
import type { Decode } from "../read/decode.ts";
import { Reader } from "../read/reader.ts";
import type { Key } from "../read/text.ts";
import type { Collection } from "./collection.ts";
import type { IdOf } from "./collection_shape.ts";
import type { Collections, HashCollectionOptions, StringCollectionOptions } from "./collections.ts";
import type { Live, LiveOptions, LiveValues } from "./live.ts";
import {
  readWatched,
  type Watch,
  type WatchedTypes,
  type WatchedValue,
  type WatchOptions,
  watchValue,
} from "./watch.ts";

/** What a {@linkcode LiveReader} is made from. */
export interface LiveReaderParts {
  /** Makes the live values of this replica. */
  readonly live: LiveValues;
  /** Keeps the indexes of collections. */
  readonly collections: Collections;
  /** The reads of a database. */
  readonly db: (index: number) => Reader;
}

/** The reads of one database, and values that follow it. */
export class LiveReader extends Reader {
  readonly #parts: LiveReaderParts;

  /**
   * Made by the replica, which is one.
   *
   * @ignore
   */
  constructor(core: ReadCore<string>, parts: LiveReaderParts) {
    super(core);
    this.#parts = parts;
  }

  /**
   * A function of the data as a value that stays right: what the function reads is recorded, and it runs again when a
   * commit has touched one of those keys, when a key of a pattern that it listed has come or gone, and when a key or a
   * hash's field that it read expires. Not recorded are times to live, choices at random, and reads after an `await`.
   *
   * @param fn Reads this replica, synchronously.
   * @param options When two values are the same.
   *
   * @example Print a greeting whenever it changes
   * ```ts
   * import { Replica } from "@rimr/replica";
   * import { TestMaster } from "@rimr/replica/testing";
   *
   * await using master = await TestMaster.start();
   * await using replica = new Replica({ master: master.url });
   * await replica.start();
   * await replica.ready();
   *
   * using greeting = replica.live(() => `Hello ${replica.hget("user:1", "name") ?? "stranger"}`);
   * greeting.subscribe((text) => console.log(text));
   * console.log(greeting.value); // Hello stranger
   * master.call("HSET", "user:1", "name", "Ada"); // Hello Ada
   * ```
   */
  live<T>(fn: () => T, options: LiveOptions<T> = {}): Live<T> {
    return this.#parts.live.live(fn, options);
  }

  /**
   * The value of one key, now and each time it has become another; undefined while the key is missing.
   *
   * @param key The key, of any type unless `type` names one.
   * @param options `type` for values of one type, `decode` for strings that stand for something else.
   *
   * @example Follow a flag
   * ```ts
   * import { Replica } from "@rimr/replica";
   * import { TestMaster } from "@rimr/replica/testing";
   *
   * await using master = await TestMaster.start();
   * await using replica = new Replica({ master: master.url });
   * await replica.start();
   * await replica.ready();
   *
   * master.call("SET", "flag:dark", "on");
   * for await (const flag of replica.watch("flag:dark")) {
   *   console.log(flag);
   *   if (flag === "on") break;
   * }
   * ```
   */
  watch<T>(
    key: Key,
    options: WatchOptions & { readonly decode: Decode<T> },
  ): Watch<T | undefined>;
  /** The same for a key that holds values of one type: others are WRONGTYPE. */
  watch<Type extends keyof WatchedTypes>(
    key: Key,
    options: WatchOptions & { readonly type: Type },
  ): Watch<WatchedTypes[Type] | undefined>;
  /** The same for a key of any type. */
  watch(key: Key, options?: WatchOptions): Watch<WatchedValue | undefined>;
  watch(
    key: Key,
    options: WatchOptions & {
      readonly type?: keyof WatchedTypes;
      readonly decode?: Decode<unknown>;
    } = {},
  ): Watch<unknown> {
    const { db, decode, type, signal } = options;
    const reader = this.#readerOf(db);
    const read = decode === undefined
      ? () => readWatched(reader, key, type)
      : () => reader.get(key, { decode });
    const refused = () => this.core.source.refusal !== undefined;
    return watchValue({ live: this.#parts.live, refused }, read, signal);
  }

  /**
   * The keys of a pattern as one map from ids to values, with indexes that find values by what they hold. Indexes are
   * built from the data in slices, and are exact after every commit; the master knows nothing of them.
   *
   * @param pattern Keys with a star where the id stands: `"user:*"`.
   * @param options The type of the values, how they are decoded, and what is indexed.
   * @throws {TypeError} When an option makes no sense; the message names it.
   *
   * @example Find users by what they hold
   * ```ts
   * import { Replica } from "@rimr/replica";
   * import { TestMaster } from "@rimr/replica/testing";
   *
   * await using master = await TestMaster.start();
   * master.call("HSET", "user:1", "email", "ada@example.org", "plan", "pro", "createdAt", "1700000000");
   * await using replica = new Replica({ master: master.url });
   * const users = replica.collection("user:*", {
   *   type: "hash",
   *   index: { email: { unique: true }, "plan,createdAt": {} },
   * });
   * await replica.start();
   * await replica.ready();
   *
   * console.log(users.findOne({ email: "ada@example.org" })?.id); // 1
   * console.log(users.range("createdAt", { where: { plan: "pro" }, gt: 1600000000, limit: 10 }));
   * ```
   */
  collection<T = Record<string, string>, Pattern extends string = string>(
    pattern: Pattern,
    options: HashCollectionOptions<T>,
  ): Collection<T, IdOf<Pattern>>;
  /** The same for keys that hold strings: texts, or what `decode` makes of them. */
  collection<T = string, Pattern extends string = string>(
    pattern: Pattern,
    options: StringCollectionOptions<T>,
  ): Collection<T, IdOf<Pattern>>;
  collection<T, Pattern extends string>(
    pattern: Pattern,
    options: HashCollectionOptions<T> | StringCollectionOptions<T>,
  ): Collection<T, IdOf<Pattern>> {
    const { collections } = this.#parts;
    return collections.collection<T, Pattern>(this.#readerOf(options?.db), pattern, options);
  }

  #readerOf(db: number | undefined): Reader {
    return db === undefined ? this : this.#parts.db(db);
  }
}
