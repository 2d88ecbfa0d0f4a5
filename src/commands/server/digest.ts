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
import { hexOf, sha1, SHA1_BYTES } from "../../base/sha1.ts";
import { FIRST_VALKEY_VERSION } from "../../rdb/format/version.ts";
import type { Database } from "../../store/keyspace/database.ts";
import type { Keyspace } from "../../store/keyspace/keyspace.ts";
import { type Entry, NO_EXPIRY, ValueType } from "../../store/memory/record.ts";
import { hashEach } from "../../store/types/hash.ts";
import { listEach } from "../../store/types/list.ts";
import { MAX_ID, MIN_ID } from "../../store/packed/stream_id.ts";
import { StreamCursor } from "../../store/types/stream_cursor.ts";
import { streamOf } from "../../store/types/small_stream.ts";
import { setEach } from "../../store/types/set.ts";
import { readString } from "../../store/types/string.ts";
import { vectorSetOf } from "../../store/types/vector_set.ts";
import { NO_SLOT } from "../../store/types/vector_slots.ts";
import { zsetEach } from "../../store/types/zset.ts";

/** RDB version of Redis 7.2, which began to print scores with the fewest digits instead of 17. */
const SHORTEST_SCORES_SINCE = 11;
/** RDB version of Valkey, in whose digest the expiry of a field is no part. */
const NO_FIELD_MARKS_SINCE = FIRST_VALKEY_VERSION;
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

/** The digest of one element of a sorted set, a hash or a vector set. */
const element: Digest = new Digest();
/** The digest of the elements of a vector set. */
const whole: Digest = new Digest();

/** Adds a value to a digest; by its keyspace it knows which version's digest to compute. */
type MixValue = (digest: Digest, keyspace: Keyspace, db: Database, entry: Entry) => void;

/** A string as its bytes, an integer as its digits. */
function mixString(digest: Digest, _keyspace: Keyspace, db: Database, entry: Entry): void {
  readString(db, entry, ref);
  digest.mix(ref.bytes, ref.start, ref.end);
}

/** A list from head to tail. */
function mixList(digest: Digest, _keyspace: Keyspace, db: Database, entry: Entry): void {
  listEach(db, entry, (bytes, start, end) => digest.mix(bytes, start, end));
}

/** The members of a set in any order. */
function mixSet(digest: Digest, _keyspace: Keyspace, db: Database, entry: Entry): void {
  setEach(db, entry, (bytes, start, end) => digest.xor(bytes, start, end));
}

/** Members and scores, each pair by itself. A score is text, as the master's version prints it. */
function mixZset(digest: Digest, keyspace: Keyspace, db: Database, entry: Entry): void {
  const format = keyspace.snapshotVersion < SHORTEST_SCORES_SINCE ? formatDouble17 : formatShortest;
  zsetEach(db, entry, (bytes, start, end, score) => {
    element.clear();
    element.mix(bytes, start, end);
    element.mixText(format(score));
    digest.xor(element.bytes, 0, SHA1_BYTES);
  });
}

/** Fields and values, each pair by itself, with a mark for a field that has an expiry. */
function mixHash(digest: Digest, keyspace: Keyspace, db: Database, entry: Entry): void {
  const marks = keyspace.snapshotVersion < NO_FIELD_MARKS_SINCE;
  hashEach(db, entry, (field, fieldStart, fieldEnd, value, start, end, expireAtMs) => {
    element.clear();
    element.mix(field, fieldStart, fieldEnd);
    element.mix(value, start, end);
    if (marks && expireAtMs !== NO_EXPIRY) element.xor(FIELD_MARK, 0, FIELD_MARK.length);
    digest.xor(element.bytes, 0, SHA1_BYTES);
  });
}

/**
 * A stream's entries in order. An id is mixed as text with a dot, unlike anywhere else on the wire.
 */
function mixStream(digest: Digest, _keyspace: Keyspace, db: Database, entry: Entry): void {
  const cursor = new StreamCursor();
  const value = new BytesRef();
  cursor.open(streamOf(db, entry), MIN_ID, MAX_ID, false);
  while (cursor.next()) {
    const { msHigh, msLow, seqHigh, seqLow } = cursor.id;
    digest.mixText(`${wide(msHigh, msLow)}.${wide(seqHigh, seqLow)}`);
    for (let left = cursor.fieldCount; left > 0; left--) {
      cursor.readField(ref, value);
      digest.mix(ref.bytes, ref.start, ref.end);
      digest.mix(value.bytes, value.start, value.end);
    }
  }
}

/**
 * A vector set: how many elements and dimensions, then vector, name and attribute of each, in any order
 * (`vset.c VectorSetDigest`). Of other values only their module knows what they hold.
 */
function mixModule(digest: Digest, _keyspace: Keyspace, db: Database, entry: Entry): void {
  const set = vectorSetOf(db, entry);
  if (set === undefined) return;
  whole.clear();
  element.clear();
  element.mixText(String(set.size));
  element.mixText(String(set.form.dim));
  whole.xor(element.bytes, 0, SHA1_BYTES);
  const { slots } = set;
  for (let slot = slots.first; slot !== NO_SLOT; slot = slots.next(slot)) {
    element.clear();
    set.vectorRef(slot, ref);
    element.mix(ref.bytes, ref.start, ref.end);
    set.nameRef(slot, ref);
    element.mix(ref.bytes, ref.start, ref.end);
    if (set.attributeRef(slot, ref)) element.mix(ref.bytes, ref.start, ref.end);
    whole.xor(element.bytes, 0, SHA1_BYTES);
  }
  digest.xor(whole.bytes, 0, SHA1_BYTES);
}

/** Two halves of an uint64 as one bigint. */
function wide(high: number, low: number): bigint {
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}

/**
 * Adds a value: its type, its elements and whether it has an expiry. DEBUG DIGEST-VALUE is this
 * alone.
 */
export function addValue(digest: Digest, keyspace: Keyspace, db: Database, entry: Entry): void {
  const type = db.typeOf(entry);
  digest.mixNumber(type);
  const mixer = MIXERS[type];
  assert(mixer !== undefined, `a value of type ${type} has a digest`);
  mixer(digest, keyspace, db, entry);
  if (db.expireAtMs(entry) !== NO_EXPIRY) digest.xor(EXPIRE_MARK, 0, EXPIRE_MARK.length);
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

/** The digest of a whole keyspace, some keys at a time. */
export class DatasetDigest {
  readonly #keyspace: Keyspace;
  readonly #digest: Digest = new Digest();
  readonly #one: Digest = new Digest();
  readonly #look: (entry: Entry) => void;
  readonly #indexes: readonly number[];
  #at: number = 0;
  #cursor: number = 0;
  #began: boolean = false;
  #seen: number = 0;

  /**
   * Begins at the first key of the first database.
   *
   * @param keyspace Its databases that hold keys now are looked at; one that is filled later is
   * not.
   */
  constructor(keyspace: Keyspace) {
    this.#keyspace = keyspace;
    this.#indexes = keyspace.indexes().filter((index) => {
      const db = keyspace.db(index);
      return db.size > (db.slots?.absentKeys ?? 0);
    });
    this.#look = (entry) => this.#add(entry);
  }

  /**
   * Looks at some more keys. What clients write between two steps may be counted or not, as SCAN
   * has it.
   *
   * @param keys About how many: a bucket of the table is never left half looked at.
   * @returns True when there are no more.
   */
  step(keys: number): boolean {
    this.#seen = 0;
    while (this.#at < this.#indexes.length && this.#seen < keys) {
      const index = this.#indexes[this.#at];
      if (!this.#began) this.#digest.mixNumber(index);
      this.#began = true;
      this.#cursor = this.#keyspace.db(index).scan(this.#cursor, this.#look);
      if (this.#cursor !== 0) continue;
      this.#began = false;
      this.#at++;
    }
    return this.#at === this.#indexes.length;
  }

  /** The digest of the keys looked at so far as 40 hexadecimal digits. */
  toString(): string {
    return this.#digest.toString();
  }

  /** Xors in one key: its name, then its value. */
  #add(entry: Entry): void {
    const db = this.#keyspace.db(this.#indexes[this.#at]);
    this.#seen++;
    if (this.#keyspace.slots.isAbsent(db, entry)) return;
    const one = this.#one;
    one.clear();
    db.keyRef(entry, ref);
    one.mix(ref.bytes, ref.start, ref.end);
    addValue(one, this.#keyspace, db, entry);
    this.#digest.xor(one.bytes, 0, SHA1_BYTES);
  }
}
