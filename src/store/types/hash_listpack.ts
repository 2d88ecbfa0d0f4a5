/**
 * Fields of a small hash in a listpack: pairs of field and value, or triples with an expiry behind.
 *
 * ```
 *  stride 2   field value | field value | ...
 *  stride 3   field value ttl | field value ttl | ...
 * ```
 *
 * A ttl is an integer: absolute milliseconds, 0 for none. Triples are in order of their ttl, the soonest
 * first, those without one behind all others (`t_hash.c listpackExAddInternal`): whether a field has
 * expired is told by the first one alone. A field that is set to expire when others do comes before them.
 *
 * @module
 */

import { type ByteBuffer, BytesRef } from "../../base/byte_buffer.ts";
import { isFar } from "../memory/expiry.ts";
import { NO_EXPIRY } from "../memory/record.ts";
import {
  lpAppendIntegerTo,
  lpAppendTo,
  lpFirst,
  lpInteger,
  lpIsEnd,
  lpNext,
  lpRead,
} from "../packed/listpack.ts";
import type { FieldVisitor } from "./hash_table.ts";

/**
 * The latest expiry of a field in Redis, absolute milliseconds: its snapshots have no room for a later one
 * (`ebuckets.h`, EB_EXPIRE_TIME_MAX). Fields of Valkey may expire later; they are records of a HashTable.
 */
export const MAX_FIELD_EXPIRY = 0xfffffffffffe;

/** The ttl of a field that never expires. */
const NO_TTL = 0;

const field = new BytesRef();
const value = new BytesRef();

/** Visits every field of a listpack that begins at `start`, in order. `visit` must not change it. */
export function eachField(
  bytes: Uint8Array,
  start: number,
  stride: number,
  visit: FieldVisitor,
): void {
  let pos = lpFirst(bytes, start);
  while (!lpIsEnd(bytes, pos)) {
    const next = afterField(bytes, pos, stride);
    visitField(bytes, pos, stride, visit);
    pos = next;
  }
}

/** Visits the field at `pos`. */
export function visitField(
  bytes: Uint8Array,
  pos: number,
  stride: number,
  visit: FieldVisitor,
): void {
  const valuePos = lpNext(bytes, pos);
  const at = stride === 3 ? ttlAt(bytes, lpNext(bytes, valuePos)) : NO_EXPIRY;
  lpRead(bytes, pos, field);
  lpRead(bytes, valuePos, value);
  visit(field.bytes, field.start, field.end, value.bytes, value.start, value.end, at);
}

/** Position after the field at `pos`: the next one's, or the end byte's. */
export function afterField(bytes: Uint8Array, pos: number, stride: number): number {
  const next = lpNext(bytes, lpNext(bytes, pos));
  return stride === 3 ? lpNext(bytes, next) : next;
}

/** When the field of the triple at `pos` expires, NO_EXPIRY for never. */
export function expiryAt(bytes: Uint8Array, pos: number): number {
  return ttlAt(bytes, lpNext(bytes, lpNext(bytes, pos)));
}

/** Whether a triple can hold an expiry: a later one needs a HashTable. */
export function fitsTriple(expireAtMs: number): boolean {
  return expireAtMs <= MAX_FIELD_EXPIRY && !isFar(expireAtMs);
}

/** The expiry that the ttl element at `pos` stands for, NO_EXPIRY for none. */
function ttlAt(bytes: Uint8Array, pos: number): number {
  const ttl = lpInteger(bytes, pos);
  return ttl === NO_TTL ? NO_EXPIRY : ttl;
}

/** Appends a triple's ttl element. */
export function appendTtl(out: ByteBuffer, expireAtMs: number): void {
  lpAppendIntegerTo(out, expireAtMs === NO_EXPIRY ? NO_TTL : expireAtMs);
}

/** Appends the elements of a triple. */
export function appendTriple(
  out: ByteBuffer,
  name: Uint8Array,
  nameStart: number,
  nameEnd: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  expireAtMs: number,
): void {
  lpAppendTo(out, name, nameStart, nameEnd);
  lpAppendTo(out, bytes, start, end);
  appendTtl(out, expireAtMs);
}

/**
 * Position at which a triple belongs that is not there yet: before the first that expires no sooner; at
 * the end, if it never expires.
 */
export function placeFor(bytes: Uint8Array, start: number, expireAtMs: number): number {
  let pos = lpFirst(bytes, start);
  while (!lpIsEnd(bytes, pos)) {
    const ttlPos = lpNext(bytes, lpNext(bytes, pos));
    const at = ttlAt(bytes, ttlPos);
    if (expireAtMs !== NO_EXPIRY && (at === NO_EXPIRY || at >= expireAtMs)) break;
    pos = lpNext(bytes, ttlPos);
  }
  return pos;
}
