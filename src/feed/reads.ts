/**
 * What one run of a live value's function has read, and who of all live values has read what.
 *
 * ```text
 *  a run ---> ReadSet      keys, lists of keys, sizes; when the first of it expires
 *                |
 *                v  while anybody is subscribed
 *             ReadIndex    key -> readers     glob pattern -> readers     database -> size, readers
 *                ^
 *             a commit     marks the readers of what it touched, and no others
 * ```
 *
 * @module
 */

import { equalBytes, latin1 } from "../base/ascii.ts";
import { BytesRef } from "../base/byte_buffer.ts";
import { Glob } from "../base/glob.ts";
import { hash32 } from "../base/hash.ts";
import type { Commit } from "../commands/engine/commit.ts";
import type { ReadTracker } from "../read/tracker.ts";
import type { Keyspace } from "../store/keyspace/keyspace.ts";

/** Keys that one run remembers one by one; a run that reads more depends on their whole databases. */
const MAX_KEYS = 1 << 16;
/** Up to so many keys are compared one by one to see whether a key was read before; more are looked up. */
const LINEAR_KEYS = 8;

/** A key that was read, be it there or missing. */
export interface KeyRead {
  /** Number of its database. */
  readonly db: number;
  /** Hash of its bytes and its database. */
  readonly hash: number;
  /** Its bytes, a copy. */
  readonly bytes: Uint8Array;
}

/** Keys that were listed: those that fit a pattern, or all of a database. */
export interface ListRead {
  /** Number of the database. */
  readonly db: number;
  /** The glob pattern; undefined for every key. */
  readonly pattern: Uint8Array | undefined;
  /** Names database and pattern. */
  readonly name: string;
}

/** Who is told that something it has read may have changed. */
export interface Marked {
  /** What this has read may have changed. */
  mark(): void;
}

/** Something beside keys that a function may read. */
export interface Topic {
  /** Names it, among those of the same kind and owner. */
  readonly name: string;
  /** Grows when it may have changed. */
  readonly version: number;
  /** Tells a reader of changes from now on. */
  add(reader: Marked): void;
  /** Tells a reader no more. */
  remove(reader: Marked): void;
}

/** A topic that was read, and its version then. */
export interface TopicRead {
  /** The topic that was read. */
  readonly topic: Topic;
  /** Its version when it was read. */
  readonly version: number;
}

/** The hash by which a key that was read is found again. Any two seeds do that stay the same. */
export type KeyHash = (db: number, bytes: Uint8Array, start: number, end: number) => number;

/** Hashes keys with the seeds of a keyspace: nobody can choose keys that collide. */
export function keyHashOf(keyspace: Keyspace): KeyHash {
  const { seed0, seed1 } = keyspace.settings;
  return (db, bytes, start, end) => hash32(bytes, start, end, seed0 ^ db, seed1);
}

/** Collects what a function reads, as the tracker of its readers. */
export class ReadSet implements ReadTracker {
  /** The keys that were read, each once. */
  readonly keys: KeyRead[] = [];
  /** Lists of keys, each once. */
  readonly lists: ListRead[] = [];
  /** Numbers of the databases whose size was read. */
  readonly sizes: number[] = [];
  /** Topics that were read, each once. */
  readonly topics: TopicRead[] = [];
  /** The first time at which something that was read expires, milliseconds since 1970; Infinity for never. */
  expireAtMs: number = Infinity;
  readonly #hashOf: KeyHash;
  readonly #nowMs: number;
  #byHash: Map<number, KeyRead> | undefined = undefined;

  /** Has read nothing. @param hashOf Hashes keys. @param nowMs Milliseconds since 1970, at which is read. */
  constructor(hashOf: KeyHash, nowMs: number) {
    this.#hashOf = hashOf;
    this.#nowMs = nowMs;
  }

  /** A key was looked up. */
  key(db: number, bytes: Uint8Array, start: number, end: number): void {
    const hash = this.#hashOf(db, bytes, start, end);
    if (this.#has(db, hash, bytes, start, end)) return;
    if (this.keys.length === MAX_KEYS) return this.scan(db, undefined);
    const read: KeyRead = { db, hash, bytes: bytes.slice(start, end) };
    this.keys.push(read);
    if (this.#byHash !== undefined) this.#byHash.set(hash, read);
    else if (this.keys.length > LINEAR_KEYS) {
      this.#byHash = new Map(this.keys.map((each) => [each.hash, each]));
    }
  }

  /** Something that was read is hidden after this time; what is hidden already stays so. */
  expires(atMs: number): void {
    if (atMs >= this.#nowMs && atMs < this.expireAtMs) this.expireAtMs = atMs;
  }

  /** Keys were listed: any key that fits counts from now on. */
  scan(db: number, pattern: Uint8Array | undefined): void {
    const name = pattern === undefined ? `${db}` : `${db}:${latin1(pattern)}`;
    if (this.lists.some((list) => list.name === name)) return;
    this.lists.push({ db, pattern: pattern?.slice(), name });
  }

  /** The number of keys was read. */
  size(db: number): void {
    if (!this.sizes.includes(db)) this.sizes.push(db);
  }

  /** A topic was read. */
  about(topic: Topic): void {
    const known = this.topics.some((read) => read.topic === topic);
    if (!known) this.topics.push({ topic, version: topic.version });
  }

  /** Whether another run has read the same keys, lists, sizes and topics. */
  equals(other: ReadSet): boolean {
    const { keys, lists, sizes, topics } = this;
    if (topics.length !== other.topics.length) return false;
    if (!topics.every(({ topic }, i) => topic === other.topics[i].topic)) return false;
    if (keys.length !== other.keys.length || lists.length !== other.lists.length) return false;
    if (sizes.length !== other.sizes.length) return false;
    return keys.every((key, i) => sameKey(key, other.keys[i])) &&
      lists.every((list, i) => list.name === other.lists[i].name) &&
      sizes.every((db, i) => db === other.sizes[i]);
  }

  #has(db: number, hash: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#byHash === undefined) {
      return this.keys.some((read) => isKey(read, db, hash, bytes, start, end));
    }
    const read = this.#byHash.get(hash);
    return read !== undefined && isKey(read, db, hash, bytes, start, end);
  }
}

function isKey(
  read: KeyRead,
  db: number,
  hash: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): boolean {
  return read.hash === hash && read.db === db &&
    equalBytes(read.bytes, 0, read.bytes.length, bytes, start, end);
}

function sameKey(a: KeyRead, b: KeyRead): boolean {
  return isKey(a, b.db, b.hash, b.bytes, 0, b.bytes.length);
}

/** A key with those who have read it; keys of one hash form a chain. */
interface ReadKey<Reader> {
  readonly read: KeyRead;
  readonly readers: Set<Reader>;
  next: ReadKey<Reader> | undefined;
}

interface ReadList<Reader> {
  readonly read: ListRead;
  readonly glob: Glob | undefined;
  readonly readers: Set<Reader>;
}

interface ReadSize<Reader> {
  size: number;
  readonly readers: Set<Reader>;
}

/** Finds who has read what a commit touched. */
export class ReadIndex<Reader extends Marked> {
  readonly #keyspace: Keyspace;
  readonly #hashOf: KeyHash;
  readonly #keys: Map<number, ReadKey<Reader>> = new Map();
  readonly #lists: Map<string, ReadList<Reader>> = new Map();
  readonly #sizes: Map<number, ReadSize<Reader>> = new Map();
  readonly #ref: BytesRef = new BytesRef();

  /** Knows of no reader. @param keyspace Whose databases are read. @param hashOf As that of the read sets. */
  constructor(keyspace: Keyspace, hashOf: KeyHash) {
    this.#keyspace = keyspace;
    this.#hashOf = hashOf;
  }

  /** True when nobody has read anything. */
  get isEmpty(): boolean {
    return this.#keys.size === 0 && this.#lists.size === 0 && this.#sizes.size === 0;
  }

  /** Remembers who has read a set. */
  add(reader: Reader, reads: ReadSet): void {
    for (const read of reads.keys) this.#readKey(read).readers.add(reader);
    for (const { topic } of reads.topics) topic.add(reader);
    for (const read of reads.lists) {
      let list = this.#lists.get(read.name);
      if (list === undefined) {
        const glob = read.pattern === undefined ? undefined : new Glob(read.pattern);
        this.#lists.set(read.name, list = { read, glob, readers: new Set() });
      }
      list.readers.add(reader);
    }
    for (const db of reads.sizes) {
      const known = this.#sizes.get(db);
      if (known !== undefined) known.readers.add(reader);
      else this.#sizes.set(db, { size: this.#sizeOf(db), readers: new Set([reader]) });
    }
  }

  /** Forgets what was added with `add`. */
  remove(reader: Reader, reads: ReadSet): void {
    for (const read of reads.keys) this.#forgetKey(reader, read);
    for (const { topic } of reads.topics) topic.remove(reader);
    for (const { name } of reads.lists) forget(this.#lists, name, reader);
    for (const db of reads.sizes) forget(this.#sizes, db, reader);
  }

  /**
   * Calls back with everyone who has read what a commit touched; with some of them more than once.
   *
   * @param recent Takes note of the keys, for those who are not in the index.
   */
  touched(commit: Commit, recent: RecentTouches, visit: (reader: Reader) => void): void {
    const ref = this.#ref;
    const { count } = commit;
    recent.sequence++;
    for (let i = 0; i < count; i++) {
      commit.keyAt(i, ref);
      const db = commit.dbAt(i);
      const hash = this.#hashOf(db, ref.bytes, ref.start, ref.end);
      recent.note(db, hash);
      for (let key = this.#keys.get(hash); key !== undefined; key = key.next) {
        if (!isKey(key.read, db, hash, ref.bytes, ref.start, ref.end)) continue;
        for (const reader of key.readers) visit(reader);
      }
      for (const list of this.#lists.values()) {
        if (list.read.db === db && this.#fits(list)) {
          for (const reader of list.readers) visit(reader);
        }
      }
    }
    this.#lookAtSizes(visit);
  }

  /** All data may be other data: the sizes of now are those that the next commit is compared with. */
  replaced(): void {
    for (const [db, known] of this.#sizes) known.size = this.#sizeOf(db);
  }

  #fits({ glob }: ReadList<Reader>): boolean {
    const { bytes, start, end } = this.#ref;
    return glob === undefined || glob.matches(bytes, start, end);
  }

  #lookAtSizes(visit: (reader: Reader) => void): void {
    for (const [db, known] of this.#sizes) {
      const size = this.#sizeOf(db);
      if (size === known.size) continue;
      known.size = size;
      for (const reader of known.readers) visit(reader);
    }
  }

  #sizeOf(db: number): number {
    return this.#keyspace.peek(db)?.visibleSize ?? 0;
  }

  #readKey(read: KeyRead): ReadKey<Reader> {
    const first = this.#keys.get(read.hash);
    for (let key = first; key !== undefined; key = key.next) {
      if (sameKey(key.read, read)) return key;
    }
    const made = { read, readers: new Set<Reader>(), next: first };
    this.#keys.set(read.hash, made);
    return made;
  }

  #forgetKey(reader: Reader, read: KeyRead): void {
    let before: ReadKey<Reader> | undefined;
    let key = this.#keys.get(read.hash);
    while (key !== undefined && !sameKey(key.read, read)) {
      before = key;
      key = key.next;
    }
    if (key === undefined) return;
    key.readers.delete(reader);
    if (key.readers.size > 0) return;
    if (before !== undefined) before.next = key.next;
    else if (key.next !== undefined) this.#keys.set(read.hash, key.next);
    else this.#keys.delete(read.hash);
  }
}

function forget<Name, Reader>(
  map: Map<Name, { readonly readers: Set<Reader> }>,
  name: Name,
  reader: Reader,
): void {
  const readers = map.get(name)?.readers;
  readers?.delete(reader);
  if (readers?.size === 0) map.delete(name);
}

/** Numbers of commits kept by hash: keys whose hashes agree in so many low bits count as one. */
const RECENT = 1 << 12;
/** Databases that most masters have. */
const FIRST_DATABASES = 16;

/**
 * When keys were touched last, roughly: a key counts as touched also when another one of the same low hash bits
 * was. Tells those who are not in the index whether what they have read may have changed.
 */
export class RecentTouches {
  /** Number of the last commit. */
  sequence: number = 0;
  readonly #keys: Float64Array = new Float64Array(RECENT);
  /** The last commit that touched each of the first databases, and of the others. */
  readonly #first: Float64Array = new Float64Array(FIRST_DATABASES);
  readonly #others: Map<number, number> = new Map();

  /** A key was touched by the last commit. */
  note(db: number, hash: number): void {
    const { sequence } = this;
    this.#keys[hash & (RECENT - 1)] = sequence;
    if (db < FIRST_DATABASES) this.#first[db] = sequence;
    else this.#others.set(db, sequence);
  }

  /** Whether any of this may have changed after commit number `sequence`. */
  changedSince(reads: ReadSet, sequence: number): boolean {
    if (reads.topics.some(({ topic, version }) => topic.version !== version)) return true;
    if (sequence === this.sequence) return false;
    return reads.keys.some(({ hash }) => this.#keys[hash & (RECENT - 1)] > sequence) ||
      reads.lists.some(({ db }) => this.#lastIn(db) > sequence) ||
      reads.sizes.some((db) => this.#lastIn(db) > sequence);
  }

  #lastIn(db: number): number {
    return db < FIRST_DATABASES ? this.#first[db] : this.#others.get(db) ?? 0;
  }
}
