/**
 * The reads of keys of any type.
 *
 * @module
 */

import { latin1 } from "../base/ascii.ts";
import { BytesRef } from "../base/byte_buffer.ts";
import { globMatch } from "../base/glob.ts";
import { encodingName } from "../commands/keys/object.ts";
import type { Database } from "../store/keyspace/database.ts";
import { approximateExpiry } from "../store/memory/expiry.ts";
import { type Entry, TYPE_NAMES } from "../store/memory/record.ts";
import { moduleTypeOf } from "../store/types/module_types.ts";
import type { Value } from "./codec.ts";
import type { ReadCore } from "./core.ts";
import type { CallArgument } from "./reply.ts";
import { type Key, toBytes } from "./text.ts";
import type { ReadTracker } from "./tracker.ts";

/** What `TYPE` answers, with one word for the values of all modules. */
export type TypeName =
  | "string"
  | "list"
  | "set"
  | "zset"
  | "hash"
  | "stream"
  | "vectorset"
  | "array"
  | "module";

/** Which keys a scan gives. */
export interface ScanOptions {
  /** Glob pattern, as in `SCAN MATCH`. */
  readonly match?: Key;
  /** Only keys whose value has this type. */
  readonly type?: TypeName;
}

/** A part of an ordered result, as LIMIT takes it. */
export interface Limit {
  /** How many elements are passed over. */
  readonly offset: number;
  /** How many are given at most; negative for all. */
  readonly count: number;
}

/** How a value is held, as OBJECT tells it. */
export interface ObjectInfo {
  /** Redis's name of the encoding, as "listpack". */
  readonly encoding: string;
  /** 2^31 - 1 for an integer below 10,000, which Redis shares, else 1. */
  readonly refcount: number;
  /** Always 0 seconds: nothing is evicted here, so that no access time is kept. */
  readonly idletime: number;
}

/** How `sort` orders the elements and what it gives for each. */
export interface SortOptions {
  /** Pattern of the keys, or `key->field`, whose values are the weights; one without `*` leaves the order as it is. */
  readonly by?: Key;
  /** Only this part of the result. */
  readonly limit?: Limit;
  /** Patterns of what is given for each element, in this order; `#` is the element itself. */
  readonly get?: readonly Key[];
  /** Whether the largest comes first. */
  readonly desc?: boolean;
  /** Whether elements are compared as bytes and not as numbers. */
  readonly alpha?: boolean;
}

/** db.c, dbRandomKey: keys looked at before an expired one is given after all. */
const RANDOM_TRIES = 100;

/** The reads of keys of any type, of one database. Expired keys are hidden, as on any replica. */
export class KeyReads<T extends Value> {
  /**
   * What the reads of all families share.
   *
   * @internal
   */
  protected readonly core: ReadCore<T>;

  /**
   * Made by the replica.
   *
   * @ignore
   */
  constructor(core: ReadCore<T>) {
    this.core = core;
  }

  /** Number of the database that is read. */
  get index(): number {
    return this.core.index;
  }

  /** Number of keys, expired ones included that the master still has to delete, as `DBSIZE`. */
  get size(): number {
    const db = this.core.open();
    this.core.source.tracker?.size(this.index);
    return db?.visibleSize ?? 0;
  }

  /** Whether there is such a key. O(1). */
  has(key: Key): boolean {
    return this.core.find(key) !== 0;
  }

  /** How many of `keys` there are; one named twice counts twice. */
  exists(...keys: Key[]): number {
    let count = 0;
    this.core.findAll(keys, (_, entry) => {
      if (entry !== 0) count++;
    });
    return count;
  }

  /** Type of the value at `key`, or undefined when there is none. */
  type(key: Key): TypeName | undefined {
    const entry = this.core.find(key);
    return entry === 0 ? undefined : typeName(this.core.db, entry);
  }

  /** Seconds until `key` expires, rounded as `TTL` does: -1 for never, -2 when there is no such key. */
  ttl(key: Key): number {
    return toSeconds(this.pttl(key));
  }

  /** Milliseconds until `key` expires: -1 for never, -2 when there is no such key. */
  pttl(key: Key): number {
    const at = this.pexpiretime(key);
    return at < 0 ? at : Math.max(0, at - this.core.nowMs);
  }

  /** When `key` expires, in seconds since 1970: -1 for never, -2 when there is no such key. */
  expiretime(key: Key): number {
    return toSeconds(this.pexpiretime(key));
  }

  /**
   * When `key` expires, in milliseconds since 1970: -1 for never, -2 when there is no such key. Beyond 2^53, the
   * year 287396, it is the nearest number; `call("PEXPIRETIME", key)` tells it exactly.
   */
  pexpiretime(key: Key): number {
    const entry = this.core.find(key);
    return entry === 0 ? -2 : approximateExpiry(this.core.db.expireAtMs(entry));
  }

  /** A key at random, or undefined when the database is empty. Gives an expired one when nearly all are. */
  randomKey(): T | undefined {
    const { core } = this;
    const { random, keyspace: { slots } } = core.source;
    const db = core.open();
    core.source.tracker?.size(this.index);
    if (db === undefined || db.visibleSize === 0) return undefined;
    let entry = 0;
    for (let tries = 0; tries < RANDOM_TRIES; tries++) {
      entry = slots.hiding ? slots.randomVisible(db, random) : db.randomEntry(random);
      if (!core.isHidden(db, entry)) break;
    }
    db.keyRef(entry, core.value);
    return core.take();
  }

  /**
   * Every key that the glob pattern `match` fits, at once. Blocks as long as it takes to look at every key
   * (about 50 ns each): prefer `scan` where there are millions.
   */
  keys(match: Key = "*"): T[] {
    const seen = new Set<Entry>();
    const found: T[] = [];
    const visit = (_db: Database, entry: Entry, key: BytesRef) => {
      const { size } = seen;
      if (seen.add(entry).size === size) return;
      found.push(this.core.codec.value(key.bytes, key.start, key.end));
    };
    const walk = new KeyWalk(this.core, { match });
    while (walk.step(visit));
    return found;
  }

  /**
   * Walks the keys, with the guarantee of `SCAN`: a key that is there throughout is given at least once, perhaps
   * twice, whatever is written meanwhile; one that comes or goes may be given or not.
   *
   * @param options Which keys; all of them when left out.
   */
  *scan(options: ScanOptions = {}): Generator<T, void, undefined> {
    const { codec } = this.core;
    const found: T[] = [];
    const walk = new KeyWalk(this.core, options);
    const visit = (_db: Database, _entry: Entry, key: BytesRef) => {
      found.push(codec.value(key.bytes, key.start, key.end));
    };
    for (let more = true; more; found.length = 0) {
      more = walk.step(visit);
      yield* found;
    }
  }

  /** As `scan`, with each key as bytes of its own. */
  *scanBytes(options: ScanOptions = {}): Generator<Uint8Array, void, undefined> {
    const found: Uint8Array[] = [];
    const walk = new KeyWalk(this.core, options);
    const visit = (_db: Database, _entry: Entry, key: BytesRef) => {
      found.push(key.bytes.slice(key.start, key.end));
    };
    for (let more = true; more; found.length = 0) {
      more = walk.step(visit);
      yield* found;
    }
  }

  /** The value at `key` as `DUMP` gives it, for RESTORE; undefined when there is none. O(size of the value). */
  dump(key: Key): Uint8Array | undefined {
    const reply = this.core.run(["DUMP", key]);
    return reply instanceof Uint8Array ? reply : undefined;
  }

  /** How the value at `key` is held, as `OBJECT` tells it; undefined when there is none. */
  object(key: Key): ObjectInfo | undefined {
    const entry = this.core.find(key);
    if (entry === 0) return undefined;
    const encoding = encodingName(this.core.source.keyspace, this.core.db, entry);
    return { encoding, refcount: Number(this.core.run(["OBJECT", "REFCOUNT", key])), idletime: 0 };
  }

  /**
   * The elements of the list, set or sorted set at `key` in order, as `SORT_RO`; empty when there is none.
   *
   * @param options The order and what is given for each element: undefined where a key of `get` is missing.
   * @throws {CommandError} When an element is no number and `alpha` was not asked for.
   */
  sort(key: Key, options?: SortOptions & { readonly get?: undefined }): T[];
  /** The same with patterns: for each element, what each of them leads to. */
  sort(key: Key, options: SortOptions): (T | undefined)[];
  sort(key: Key, options: SortOptions = {}): (T | undefined)[] {
    const args: CallArgument[] = ["SORT_RO", key];
    if (options.by !== undefined) args.push("BY", options.by);
    if (options.limit !== undefined) {
      args.push("LIMIT", options.limit.offset, options.limit.count);
    }
    for (const pattern of options.get ?? []) args.push("GET", pattern);
    if (options.desc) args.push("DESC");
    if (options.alpha) args.push("ALPHA");
    return this.core.values(this.core.run(args));
  }
}

/** A walk over the keys of a database, some buckets a step. */
class KeyWalk<T extends Value> {
  readonly #core: ReadCore<T>;
  readonly #pattern: Uint8Array | undefined;
  readonly #type: TypeName | undefined;
  readonly #key: BytesRef = new BytesRef();
  #cursor: number = 0;

  constructor(core: ReadCore<T>, { match, type }: ScanOptions) {
    const pattern = toBytes(match ?? "*");
    this.#core = core;
    this.#pattern = latin1(pattern) === "*" ? undefined : pattern;
    this.#type = type;
  }

  /** Visits the keys of some buckets; false once it was the last time. `visit` must not write. */
  step(visit: (db: Database, entry: Entry, key: BytesRef) => void): boolean {
    const core = this.#core;
    const pattern = this.#pattern;
    const db = core.open();
    core.source.tracker?.scan(core.index, pattern);
    if (db === undefined) return false;
    this.#cursor = db.scan(this.#cursor, (entry) => {
      if (this.#type !== undefined && typeName(db, entry) !== this.#type) return;
      if (core.isHidden(db, entry)) return;
      db.keyRef(entry, this.#key);
      const { bytes, start, end } = this.#key;
      if (pattern === undefined || globMatch(pattern, bytes, start, end)) {
        if (core.source.tracker !== undefined) tellExpiry(core.source.tracker, db, entry);
        visit(db, entry, this.#key);
      }
    });
    return this.#cursor !== 0;
  }
}

/** Tells whoever records reads when a key that was listed expires. */
function tellExpiry(tracker: ReadTracker, db: Database, entry: Entry): void {
  const at = db.expireAtMs(entry);
  if (at >= 0) tracker.expires(at);
}

function typeName(db: Database, entry: Entry): TypeName {
  const module = moduleTypeOf(db, entry);
  if (module === "vectorset" || module === "array") return module;
  return TYPE_NAMES[db.typeOf(entry)];
}

/** Milliseconds as seconds, rounded as Redis does; -1 and -2 stay. */
function toSeconds(ms: number): number {
  return ms < 0 ? ms : Math.floor((ms + 500) / 1000);
}
