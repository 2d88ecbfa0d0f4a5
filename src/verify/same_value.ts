/**
 * Whether two values are equal by what they mean: members of sets and fields of hashes may come in any order, and
 * encodings may differ. A hash's fields expire at equal times; a stream has equal entries, groups and pending entries.
 *
 * What a master does not tell its replicas, or tells them late, is no part of it: consumers without pending entries and
 * when one was last seen, when and how often a pending entry was delivered (reading it again counts and is not told),
 * pending entries that were deleted from the stream, how many entries a group has read, how often a producer repeated
 * itself, and before Redis 7.0 a stream's counters. Nor are an empty attribute in a vector set, which no DUMP holds, and
 * the graph over its elements, which is made by chance.
 *
 * @module
 */

import { BytesRef } from "../base/byte_buffer.ts";
import { isExpired } from "../store/memory/expiry.ts";
import { Encoding, ValueType } from "../store/memory/record.ts";
import { IdPlace } from "../store/packed/id_table.ts";
import { MAX_ID, MIN_ID, StreamId } from "../store/packed/stream_id.ts";
import { FieldCursor, hashFind, hashLength, hashSome } from "../store/types/hash.ts";
import { ListCursor } from "../store/types/list_cursor.ts";
import { moduleValueOf } from "../store/types/module.ts";
import { setHas, setLength, setSome } from "../store/types/set.ts";
import { streamOf } from "../store/types/small_stream.ts";
import type { Stream } from "../store/types/stream.ts";
import { StreamCursor } from "../store/types/stream_cursor.ts";
import type { Group } from "../store/types/stream_groups.ts";
import { readString } from "../store/types/string.ts";
import { Quant } from "../store/types/vector_quant.ts";
import { type VectorSet, vectorSetOf } from "../store/types/vector_set.ts";
import { NO_SLOT } from "../store/types/vector_slots.ts";
import { zsetEachRange, zsetLength, zsetScore } from "../store/types/zset.ts";
import type { Spot } from "./past.ts";

/** Elements that one step compares: some hundred microseconds. */
const STEP_ELEMENTS = 256;

/** Two values that are compared. Whoever runs the steps renews where they lie between two of them. */
export interface Two {
  /** The value that the replica had. */
  readonly one: Spot;
  /** The value that the master told. */
  readonly other: Spot;
  /** Whether the master's value carries a stream's counters: servers before 7.0 keep none. */
  readonly counters: boolean;
  /** Fields of hashes that expire before then do not count: reads hide them before they are deleted. 0 for none. */
  readonly fieldsFromMs: number;
}

/** A comparison in steps; undefined where the bytes of one value are not known. */
export type Comparison = Generator<void, boolean | undefined, void>;

const a = new BytesRef();
const b = new BytesRef();
const valueA = new BytesRef();
const valueB = new BytesRef();
const found = new FieldCursor();

/** Compares two values of one type. */
export function* sameValue(two: Two): Comparison {
  const { one, other } = two;
  const type = one.db.typeOf(one.entry);
  if (type === ValueType.STRING) return sameString(one, other);
  if (type === ValueType.MODULE) return yield* sameModule(one, other);
  const isPacked = one.db.objectOf(one.entry) === undefined &&
    other.db.objectOf(other.entry) === undefined &&
    one.db.encodingOf(one.entry) === other.db.encodingOf(other.entry);
  if (isPacked && sameBytes(one, other)) return true;
  switch (type) {
    case ValueType.LIST:
      return yield* sameList(one, other);
    case ValueType.SET:
      return yield* sameSet(one, other);
    case ValueType.ZSET:
      return yield* sameZset(one, other);
    case ValueType.HASH:
      return yield* sameHash(one, other, two.fieldsFromMs);
    default:
      return yield* sameStream(
        streamOf(one.db, one.entry),
        streamOf(other.db, other.entry),
        two.counters,
      );
  }
}

function sameString(one: Spot, other: Spot): boolean {
  readString(one.db, one.entry, a);
  // The text of an integer lies in a buffer that the next one overwrites.
  if (one.db.encodingOf(one.entry) === Encoding.INT) a.set(a.view().slice(), 0, a.end - a.start);
  readString(other.db, other.entry, b);
  return isEqual(a, b);
}

/** Whether two records hold equal runs of bytes: for packed values that means that they are equal. */
function sameBytes(one: Spot, other: Spot): boolean {
  one.db.valueRef(one.entry, a);
  other.db.valueRef(other.entry, b);
  return isEqual(a, b);
}

/** The bytes of a module's value; of vector sets what the elements are. */
function* sameModule(one: Spot, other: Spot): Comparison {
  const mine = vectorSetOf(one.db, one.entry);
  const others = vectorSetOf(other.db, other.entry);
  if (mine !== undefined && others !== undefined) return yield* sameVectors(mine, others);
  const value = moduleValueOf(one.db, one.entry);
  const theirs = moduleValueOf(other.db, other.entry);
  if (value?.payload === undefined || theirs?.payload === undefined) return undefined;
  a.set(value.payload, 0, value.payload.length);
  b.set(theirs.payload, 0, theirs.payload.length);
  return isEqual(a, b);
}

/** Whether vector sets have equal elements; the graph over them is made by chance. */
function* sameVectors(one: VectorSet, other: VectorSet): Comparison {
  const [form, theirs] = [one.form, other.form];
  if (one.size !== other.size || form.dim !== theirs.dim || form.quant !== theirs.quant) {
    return false;
  }
  let count = 0;
  for (let slot = one.slots.first; slot !== NO_SLOT; slot = one.slots.next(slot)) {
    one.nameRef(slot, a);
    const theirSlot = other.find(a.bytes, a.start, a.end);
    if (theirSlot === NO_SLOT || !sameElement(one, slot, other, theirSlot)) return false;
    if (++count % STEP_ELEMENTS === 0) yield;
  }
  return true;
}

/** Whether two elements have equal vectors, as VEMB RAW shows them, and equal attributes. */
function sameElement(one: VectorSet, slot: number, other: VectorSet, theirs: number): boolean {
  const [length, range] = one.slots.scaleWords(slot);
  const [theirLength, theirRange] = other.slots.scaleWords(theirs);
  if (length !== theirLength) return false;
  if (one.form.quant === Quant.Q8 && range !== theirRange) return false;
  one.vectorRef(slot, a);
  other.vectorRef(theirs, b);
  if (!isEqual(a, b)) return false;
  // An empty attribute is none in what DUMP answers.
  if (!one.attributeRef(slot, a)) a.end = a.start;
  if (!other.attributeRef(theirs, b)) b.end = b.start;
  return isEqual(a, b);
}

function* sameList(one: Spot, other: Spot): Comparison {
  const mine = new ListCursor();
  const theirs = new ListCursor();
  mine.open(one.db, one.entry);
  theirs.open(other.db, other.entry);
  const { length } = mine;
  if (theirs.length !== length) return false;
  for (let index = 0; index < length;) {
    mine.open(one.db, one.entry);
    mine.seek(index);
    theirs.open(other.db, other.entry);
    theirs.seek(index);
    const end = Math.min(index + STEP_ELEMENTS, length);
    for (; index < end; index++) {
      mine.read(a);
      theirs.read(b);
      if (!isEqual(a, b)) return false;
      mine.next();
      theirs.next();
    }
    yield;
  }
  return true;
}

function* sameSet(one: Spot, other: Spot): Comparison {
  if (setLength(one.db, one.entry) !== setLength(other.db, other.entry)) return false;
  let same = true;
  let cursor = 0;
  do {
    cursor = setSome(one.db, one.entry, cursor, STEP_ELEMENTS, (bytes, start, end) => {
      same &&= setHas(other.db, other.entry, bytes, start, end);
    });
    yield;
  } while (same && cursor !== 0);
  return same;
}

function* sameZset(one: Spot, other: Spot): Comparison {
  const length = zsetLength(one.db, one.entry);
  if (zsetLength(other.db, other.entry) !== length) return false;
  let same = true;
  for (let rank = 0; same && rank < length; rank += STEP_ELEMENTS) {
    const count = Math.min(STEP_ELEMENTS, length - rank);
    zsetEachRange(one.db, one.entry, rank, count, false, (bytes, start, end, score) => {
      same &&= zsetScore(other.db, other.entry, bytes, start, end) === score;
    });
    yield;
  }
  return same;
}

/** @param fromMs Fields that expire before then count as if they were gone. */
function* sameHash(one: Spot, other: Spot, fromMs: number): Comparison {
  if (fromMs === 0 && hashLength(one.db, one.entry) !== hashLength(other.db, other.entry)) {
    return false;
  }
  // Where all fields count equal lengths make the way back needless.
  return (yield* hasFieldsOf(one, other, fromMs)) &&
    (fromMs === 0 || (yield* hasFieldsOf(other, one, fromMs)));
}

/** Whether every field of one hash that counts is in another, with equal value and expiry. */
function* hasFieldsOf(one: Spot, other: Spot, fromMs: number): Generator<void, boolean, void> {
  let same = true;
  let cursor = 0;
  do {
    cursor = hashSome(
      one.db,
      one.entry,
      cursor,
      STEP_ELEMENTS,
      (field, fieldStart, fieldEnd, value, start, end, expireAtMs) => {
        if (!same || isExpired(expireAtMs, fromMs)) return;
        valueA.set(value, start, end);
        same = hashFind(other.db, other.entry, field, fieldStart, fieldEnd, found) &&
          found.expireAtMs === expireAtMs && isEqual(valueA, found.value);
      },
    );
    yield;
  } while (same && cursor !== 0);
  return same;
}

function* sameStream(one: Stream, other: Stream, counters: boolean): Comparison {
  if (one.length !== other.length || one.lastId.compare(other.lastId) !== 0) return false;
  if (counters && one.entriesAdded !== other.entriesAdded) return false;
  if (counters && one.maxDeletedId.compare(other.maxDeletedId) !== 0) return false;
  const mine = new StreamCursor();
  const theirs = new StreamCursor();
  mine.open(one, MIN_ID, MAX_ID, false);
  theirs.open(other, MIN_ID, MAX_ID, false);
  for (let count = 1; mine.next(); count++) {
    if (!theirs.next() || !sameEntry(mine, theirs)) return false;
    if (count % STEP_ELEMENTS === 0) yield;
  }
  const [groups, theirGroups] = [one.groups(), other.groups()];
  if (groups.length !== theirGroups.length) return false;
  for (const [i, group] of groups.entries()) {
    yield;
    if (!sameGroup(one, group, other, theirGroups[i])) return false;
  }
  const [producers, theirProducers] = [one.producers, other.producers];
  if (producers === undefined || theirProducers === undefined) return true;
  return producers.durationSeconds === theirProducers.durationSeconds &&
    producers.maxEntries === theirProducers.maxEntries;
}

function sameEntry(one: StreamCursor, other: StreamCursor): boolean {
  if (one.id.compare(other.id) !== 0 || one.fieldCount !== other.fieldCount) return false;
  for (let left = one.fieldCount; left > 0; left--) {
    one.readField(a, valueA);
    other.readField(b, valueB);
    if (!isEqual(a, b) || !isEqual(valueA, valueB)) return false;
  }
  return true;
}

function sameGroup(one: Stream, mine: Group, other: Stream, theirs: Group): boolean {
  if (!sameArray(mine.name, theirs.name) || mine.lastId.compare(theirs.lastId) !== 0) return false;
  return hasPendingOf(one, mine, theirs) && hasPendingOf(other, theirs, mine);
}

/** Whether what is pending in one group, and is still in the stream, is pending in another for the same consumer. */
function hasPendingOf(stream: Stream, group: Group, other: Group): boolean {
  const [at, theirs, id] = [new IdPlace(), new IdPlace(), new StreamId()];
  const { pending } = group;
  for (let more = pending.first(at); more; more = pending.next(at)) {
    pending.readId(at, id);
    if (!stream.has(id)) continue;
    if (!other.pending.find(id, theirs)) return false;
    const [owner, theirOwner] = [group.ownerAt(at), other.ownerAt(theirs)];
    if (owner === undefined || theirOwner === undefined) {
      if (owner !== theirOwner) return false;
    } else if (!sameArray(owner.name, theirOwner.name)) return false;
  }
  return true;
}

function sameArray(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, i) => byte === other[i]);
}

function isEqual(one: BytesRef, other: BytesRef): boolean {
  const length = one.end - one.start;
  if (length !== other.end - other.start) return false;
  const { bytes, start } = one;
  const { bytes: others, start: otherStart } = other;
  for (let i = 0; i < length; i++) if (bytes[start + i] !== others[otherStart + i]) return false;
  return true;
}
