/**
 * What DEBUG DIGEST computes: 20 bytes that are equal for two servers that hold the same dataset,
 * and the ones `debug.c computeDatasetDigest` computes. By them tests compare a replica of ours
 * with its master.
 *
 * Two operations build it. `xor` adds what has no order: SHA-1 of the element, xored in, so that
 * members of a set or keys of a database may come in any order. `mix` adds what has order: it xors
 * likewise and then replaces the digest by its own SHA-1, so that a list with two elements
 * exchanged has another digest.
 *
 *     dataset  mix(number of each database), xor(digest of each key)
 *     key      mix(name), mix(type), value, xor("!!expire!!") when it has an expiry
 *     string   mix(bytes)                    list    mix(element) ...
 *     set      xor(member) ...               zset    xor(digest of mix(member), mix(score)) ...
 *     hash     xor(digest of mix(field), mix(value), xor("!!hexpire!!") with an expiry) ...
 *     stream   mix(id), then mix(field), mix(value) ...; groups are no part of it
 *     vectors  xor(all of: xor(digest of mix(size), mix(dimensions)),
 *                          xor(digest of mix(vector), mix(name), mix(attribute)) ...)
 *
 * @module
 */

import { encodeUtf8, formatDouble17, formatShortest } from "../../base/ascii.ts";
import { assert } from "../../base/assert.ts";
import { BytesRef } from "../../base/byte_buffer.ts";
import { hexOf, LongSha1, sha1, SHA1_BYTES } from "../../base/sha1.ts";
import { FrozenKeyspace, isKey, type WriteEntry } from "../../rdb/frozen.ts";
import { FIRST_VALKEY_VERSION } from "../../rdb/format/version.ts";
import type { Database } from "../../store/keyspace/database.ts";
import type { Keyspace, SnapshotHook } from "../../store/keyspace/keyspace.ts";
import { type Entry, NO_EXPIRY, ValueType } from "../../store/memory/record.ts";
import { hashSome } from "../../store/types/hash.ts";
import type { FieldVisitor } from "../../store/types/hash_table.ts";
import { ListCursor } from "../../store/types/list_cursor.ts";
import { MAX_ID, MIN_ID } from "../../store/packed/stream_id.ts";
import { StreamCursor } from "../../store/types/stream_cursor.ts";
import { streamOf } from "../../store/types/small_stream.ts";
import { setSome } from "../../store/types/set.ts";
import { Stream } from "../../store/types/stream.ts";
import { readString } from "../../store/types/string.ts";
import { vectorSetOf } from "../../store/types/vector_set.ts";
import { NO_SLOT } from "../../store/types/vector_slots.ts";
import { zsetEachRange, zsetLength } from "../../store/types/zset.ts";
import type { MemberVisitor } from "../../store/types/zset_table.ts";
import type { HeldRead } from "../engine/context.ts";
import { drain, type Steps } from "../engine/long_read.ts";

/** RDB version of Redis 7.2, which began to print scores with the fewest digits instead of 17. */
const SHORTEST_SCORES_SINCE = 11;
/** RDB version of Valkey, in whose digest the expiry of a field is no part. */
const NO_FIELD_MARKS_SINCE = FIRST_VALKEY_VERSION;
const NO_BYTES: Uint8Array = new Uint8Array(0);
/** Stands for the expiry of a field: that there is one counts, not when it is. */
const FIELD_MARK = encodeUtf8("!!hexpire!!");
/** Stands for the expiry of a key, likewise. */
const EXPIRE_MARK = encodeUtf8("!!expire!!");

/**
 * One digest of 20 bytes that is being computed. Reused for every key: nothing is allocated a key.
 */
export class Digest {
  /** The digest of all that was added since {@linkcode Digest.clear}. */
  readonly bytes: Uint8Array = new Uint8Array(SHA1_BYTES);
  readonly #hash: Uint8Array = new Uint8Array(SHA1_BYTES);
  readonly #word: Uint8Array = new Uint8Array(4);

  /** Begins anew: the digest of nothing is 20 zeros. */
  clear(): void {
    this.bytes.fill(0);
  }

  /** Adds what has no order: the SHA-1 of bytes `[start, end)` is xored in. */
  xor(bytes: Uint8Array, start: number, end: number): void {
    const hash = this.#hash;
    sha1(bytes, start, end, hash, 0);
    for (let i = 0; i < SHA1_BYTES; i++) this.bytes[i] ^= hash[i];
  }

  /**
   * Adds what comes after all that was added before: {@linkcode Digest.xor}, then SHA-1 of the
   * digest.
   */
  mix(bytes: Uint8Array, start: number, end: number): void {
    this.xor(bytes, start, end);
    sha1(this.bytes, 0, SHA1_BYTES, this.bytes, 0);
  }

  /** {@linkcode Digest.mix} of a message whose last bytes are given, the others having been hashed. */
  mixHash(hash: LongSha1, bytes: Uint8Array, start: number, end: number): void {
    hash.end(bytes, start, end, this.#hash, 0);
    for (let i = 0; i < SHA1_BYTES; i++) this.bytes[i] ^= this.#hash[i];
    sha1(this.bytes, 0, SHA1_BYTES, this.bytes, 0);
  }

  /** {@linkcode Digest.xor} of another digest's bytes. */
  xorHash(other: Digest): void {
    this.xor(other.bytes, 0, SHA1_BYTES);
  }

  /** Adds what other digests had xored in. */
  xorDigest(other: Digest): void {
    for (let i = 0; i < SHA1_BYTES; i++) this.bytes[i] ^= other.bytes[i];
  }

  /** Mixes in an uint32 as `htonl` lays it out, most significant byte first. */
  mixNumber(value: number): void {
    const word = this.#word;
    for (let i = 0; i < 4; i++) word[i] = value >>> (24 - 8 * i);
    this.mix(word, 0, 4);
  }

  /** Mixes in text as its ASCII bytes. */
  mixText(text: string): void {
    const bytes = encodeUtf8(text);
    this.mix(bytes, 0, bytes.length);
  }

  /** The digest as 40 hexadecimal digits. */
  toString(): string {
    return hexOf(this.bytes);
  }
}

const ref: BytesRef = new BytesRef();

/** The digest of one element of a sorted set, a hash or a vector set; used within one visit. */
const element: Digest = new Digest();

/** Elements that one step adds, and bytes of a string: some hundred microseconds of hashing. */
const STEP_ELEMENTS = 32;
const STEP_BYTES = 1 << 14;

/** Where the value lies that is being added; whoever runs the steps renews it between two of them. */
export interface Place {
  /** The database that holds it. */
  db: Database;
  /** Where its record is in that database. */
  entry: Entry;
}

/** Adds a value to a digest in steps; by its keyspace it knows which version's digest to compute. */
type MixValue = (digest: Digest, keyspace: Keyspace, at: Place) => Steps;

/** A string as its bytes, an integer as its digits. */
function* mixString(digest: Digest, _keyspace: Keyspace, at: Place): Steps {
  readString(at.db, at.entry, ref);
  const length = ref.end - ref.start;
  if (length <= STEP_BYTES) return digest.mix(ref.bytes, ref.start, ref.end);
  const hash = new LongSha1();
  let done = 0;
  for (; length - done > STEP_BYTES; done += STEP_BYTES) {
    hash.add(ref.bytes, ref.start + done, ref.start + done + STEP_BYTES);
    yield;
    readString(at.db, at.entry, ref);
  }
  const whole = length - length % 64;
  hash.add(ref.bytes, ref.start + done, ref.start + whole);
  digest.mixHash(hash, ref.bytes, ref.start + whole, ref.end);
}

/** A list from head to tail. */
function* mixList(digest: Digest, _keyspace: Keyspace, at: Place): Steps {
  const cursor = new ListCursor();
  cursor.open(at.db, at.entry);
  const { length } = cursor;
  for (let index = 0; index < length;) {
    cursor.open(at.db, at.entry);
    cursor.seek(index);
    const end = Math.min(index + STEP_ELEMENTS, length);
    for (; index < end; index++) {
      cursor.read(ref);
      digest.mix(ref.bytes, ref.start, ref.end);
      cursor.next();
    }
    yield;
  }
}

/** The members of a set in any order. */
function* mixSet(digest: Digest, _keyspace: Keyspace, at: Place): Steps {
  let cursor = 0;
  do {
    cursor = setSome(at.db, at.entry, cursor, STEP_ELEMENTS, (bytes, start, end) => {
      digest.xor(bytes, start, end);
    });
    yield;
  } while (cursor !== 0);
}

/** Members and scores, each pair by itself. A score is text, as the master's version prints it. */
function* mixZset(digest: Digest, keyspace: Keyspace, at: Place): Steps {
  const format = keyspace.snapshotVersion < SHORTEST_SCORES_SINCE ? formatDouble17 : formatShortest;
  const visit: MemberVisitor = (bytes, start, end, score) => {
    element.clear();
    element.mix(bytes, start, end);
    element.mixText(format(score));
    digest.xor(element.bytes, 0, SHA1_BYTES);
  };
  const length = zsetLength(at.db, at.entry);
  for (let rank = 0; rank < length; rank += STEP_ELEMENTS) {
    const count = Math.min(STEP_ELEMENTS, length - rank);
    zsetEachRange(at.db, at.entry, rank, count, false, visit);
    yield;
  }
}

/** Fields and values, each pair by itself, with a mark for a field that has an expiry. */
function* mixHash(digest: Digest, keyspace: Keyspace, at: Place): Steps {
  const marks = keyspace.snapshotVersion < NO_FIELD_MARKS_SINCE;
  const visit: FieldVisitor = (field, fieldStart, fieldEnd, value, start, end, expireAtMs) => {
    element.clear();
    element.mix(field, fieldStart, fieldEnd);
    element.mix(value, start, end);
    if (marks && expireAtMs !== NO_EXPIRY) element.xor(FIELD_MARK, 0, FIELD_MARK.length);
    digest.xor(element.bytes, 0, SHA1_BYTES);
  };
  let cursor = 0;
  do {
    cursor = hashSome(at.db, at.entry, cursor, STEP_ELEMENTS, visit);
    yield;
  } while (cursor !== 0);
}

/**
 * A stream's entries in order. An id is mixed as text with a dot, unlike anywhere else on the wire.
 */
function* mixStream(digest: Digest, _keyspace: Keyspace, at: Place): Steps {
  const stream = streamOf(at.db, at.entry);
  const cursor = new StreamCursor();
  const value = new BytesRef();
  cursor.open(stream, MIN_ID, MAX_ID, false);
  for (let count = 1; cursor.next(); count++) {
    const { msHigh, msLow, seqHigh, seqLow } = cursor.id;
    digest.mixText(`${wide(msHigh, msLow)}.${wide(seqHigh, seqLow)}`);
    for (let left = cursor.fieldCount; left > 0; left--) {
      cursor.readField(ref, value);
      digest.mix(ref.bytes, ref.start, ref.end);
      digest.mix(value.bytes, value.start, value.end);
    }
    // A small stream is read where its record lies, which another write may move.
    if (stream instanceof Stream && count % STEP_ELEMENTS === 0) yield;
  }
}

/**
 * A vector set: how many elements and dimensions, then vector, name and attribute of each, in any order
 * (`vset.c VectorSetDigest`). Of other values only their module knows what they hold.
 */
function* mixModule(digest: Digest, _keyspace: Keyspace, at: Place): Steps {
  const set = vectorSetOf(at.db, at.entry);
  if (set === undefined) return;
  const whole = new Digest();
  element.clear();
  element.mixText(String(set.size));
  element.mixText(String(set.form.dim));
  whole.xor(element.bytes, 0, SHA1_BYTES);
  const { slots } = set;
  let count = 0;
  for (let slot = slots.first; slot !== NO_SLOT; slot = slots.next(slot)) {
    element.clear();
    set.vectorRef(slot, ref);
    element.mix(ref.bytes, ref.start, ref.end);
    set.nameRef(slot, ref);
    element.mix(ref.bytes, ref.start, ref.end);
    if (set.attributeRef(slot, ref)) element.mix(ref.bytes, ref.start, ref.end);
    whole.xor(element.bytes, 0, SHA1_BYTES);
    if (++count % STEP_ELEMENTS === 0) yield;
  }
  digest.xor(whole.bytes, 0, SHA1_BYTES);
}

/** Two halves of an uint64 as one bigint. */
function wide(high: number, low: number): bigint {
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}

/**
 * Adds a value in steps: its type, its elements and whether it has an expiry. DEBUG DIGEST-VALUE is this
 * alone.
 */
export function* addValue(digest: Digest, keyspace: Keyspace, at: Place): Steps {
  const isExpiring = at.db.expireAtMs(at.entry) !== NO_EXPIRY;
  yield* addContent(digest, keyspace, at);
  if (isExpiring) digest.xor(EXPIRE_MARK, 0, EXPIRE_MARK.length);
}

/** Adds a value in steps: its type and its elements. */
export function* addContent(digest: Digest, keyspace: Keyspace, at: Place): Steps {
  const type = at.db.typeOf(at.entry);
  digest.mixNumber(type);
  const mixer = MIXERS[type];
  assert(mixer !== undefined, `a value of type ${type} has a digest`);
  yield* mixer(digest, keyspace, at);
}

/** How the values of each {@linkcode ValueType} are added. */
const MIXERS: Readonly<Partial<Record<ValueType, MixValue>>> = {
  [ValueType.STRING]: mixString,
  [ValueType.LIST]: mixList,
  [ValueType.SET]: mixSet,
  [ValueType.ZSET]: mixZset,
  [ValueType.HASH]: mixHash,
  [ValueType.STREAM]: mixStream,
  [ValueType.MODULE]: mixModule,
};

/** A value that is half added, and the digest of its key. */
interface Half {
  /** Which of the databases it is in. */
  readonly at: number;
  readonly key: Uint8Array;
  readonly digest: Digest;
  readonly place: Place;
  readonly steps: Steps;
}

/**
 * The digest of a whole keyspace as it was when it began, some keys at a time. Where it is held, keys that are
 * about to change are added first; one that is half added then is finished at once.
 */
export class DatasetDigest implements HeldRead, SnapshotHook {
  readonly db: Database;
  readonly dbIndex: number = 0;
  readonly nowMs: number = 0;
  readonly #keyspace: Keyspace;
  readonly #frozen: FrozenKeyspace;
  /** Of each database the digests of its keys, xored. */
  readonly #sums: readonly Digest[];
  readonly #one: Digest = new Digest();
  readonly #write: WriteEntry;
  #at: number = 0;
  #seen: number = 0;
  #half: Half | undefined = undefined;

  /**
   * Begins at the first key of the first database.
   *
   * @param keyspace Its databases that hold keys now are looked at.
   */
  constructor(keyspace: Keyspace) {
    this.#keyspace = keyspace;
    this.db = keyspace.db(0);
    const indexes = keyspace.indexes().filter((index) => {
      const db = keyspace.db(index);
      return db.size > (db.slots?.absentKeys ?? 0);
    });
    this.#frozen = new FrozenKeyspace(keyspace, indexes);
    this.#sums = indexes.map(() => new Digest());
    this.#write = (entry) => this.#begin(this.#at, entry);
  }

  /**
   * Looks at some more keys, or at a part of a large value.
   *
   * @param keys About how many: a bucket of the table is never left half looked at.
   * @returns True when there are no more.
   */
  step(keys: number): boolean {
    this.#seen = 0;
    const { databases } = this.#frozen;
    while (this.#at < databases.length && this.#seen < keys) {
      if (this.#half !== undefined) {
        if (!this.#goOn(this.#half)) return false;
        continue;
      }
      databases[this.#at].step(this.#write);
      if (databases[this.#at].done) this.#at++;
    }
    if (this.#at < databases.length) return false;
    this.release();
    return true;
  }

  /** The digest of the keys looked at so far as 40 hexadecimal digits. */
  toString(): string {
    const digest = new Digest();
    for (const [i, { index }] of this.#frozen.databases.entries()) {
      digest.mixNumber(index);
      digest.xorDigest(this.#sums[i]);
    }
    return digest.toString();
  }

  hold(): void {
    this.#keyspace.snapshotHooks.add(this);
  }

  release(): void {
    this.#keyspace.snapshotHooks.delete(this);
    this.#frozen.finish();
  }

  beforeKeyWrite(dbIndex: number, bytes: Uint8Array, start: number, end: number): void {
    const frozen = this.#frozen.at(dbIndex);
    if (frozen === undefined) return;
    const at = this.#frozen.databases.indexOf(frozen);
    const half = this.#half;
    if (half !== undefined && at === this.#at && isKey(half.key, bytes, start, end)) {
      this.#finish(half);
      return;
    }
    const entry = frozen.take(bytes, start, end);
    if (entry === 0) return;
    this.#half = undefined;
    if (!this.#begin(at, entry)) this.#finish(this.#half!);
    this.#half = half;
  }

  afterClear(dbIndex: number, kept: Database): void {
    this.#frozen.afterClear(dbIndex, kept);
  }

  beforeSwap(a: number, b: number): void {
    this.#frozen.beforeSwap(a, b);
  }

  /** Adds a key: its name, then its value; false when a part of a large value is left. */
  #begin(at: number, entry: Entry): boolean {
    const { db } = this.#frozen.databases[at];
    this.#seen++;
    if (this.#keyspace.slots.isAbsent(db, entry)) return true;
    const isLarge = db.objectOf(entry) !== undefined;
    const digest = isLarge ? new Digest() : this.#one;
    digest.clear();
    db.keyRef(entry, ref);
    digest.mix(ref.bytes, ref.start, ref.end);
    const key = isLarge ? ref.view().slice() : NO_BYTES;
    const place = { db, entry };
    const steps = addValue(digest, this.#keyspace, place);
    if (isLarge) {
      this.#half = { at, key, digest, place, steps };
      return false;
    }
    drain(steps);
    this.#sums[at].xorHash(digest);
    return true;
  }

  /** Adds a part of the large value; true when it was the last. */
  #goOn(half: Half): boolean {
    this.#renew(half);
    if (half.steps.next().done !== true) return false;
    this.#end(half);
    return true;
  }

  /** Adds all that is left of a large value, which is about to change. */
  #finish(half: Half): void {
    this.#renew(half);
    drain(half.steps);
    this.#end(half);
  }

  #end(half: Half): void {
    this.#sums[half.at].xorHash(half.digest);
    this.#half = undefined;
  }

  #renew({ at, key, place }: Half): void {
    place.db = this.#frozen.databases[at].db;
    place.entry = place.db.find(key, 0, key.length);
  }
}
