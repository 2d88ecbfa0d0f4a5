/**
 * Hashes. What fits a listpack becomes one, whatever form it came in; what exceeds the limits
 * becomes a table.
 *
 * ```text
 *    4  HASH                n, n * (field, value)
 *    9  HASH_ZIPMAP         zipmap                                        up to Redis 2.4
 *   13  HASH_ZIPLIST        ziplist of field, value                       2.6 to 6.2
 *   16  HASH_LISTPACK       listpack of field, value                      since 7.0
 *   24  HASH_METADATA       base:8, n, n * (ttl, field, value)            since 7.4
 *   25  HASH_LISTPACK_EX    base:8, listpack of field, value, expiry      since 7.4
 *   22  HASH_METADATA_PRE_GA, 23 HASH_LISTPACK_EX_PRE_GA                  7.4-rc: no base
 *   22  VALKEY_HASH_2       n, n * (field, value, expiry:8)               Valkey 9
 * ```
 *
 * All expiries are milliseconds since 1970, at most 2^48 - 1. In METADATA 0 stands for "never" and
 * any other ttl for the expiry base + ttl - 1; in its PRE_GA form the ttl is the expiry itself. In
 * a listpack 0 stands for "never", and the base there is a hint that servers let go stale: it is
 * read and ignored. In Valkey's form -1 stands for "never". Fields that have expired are kept: a
 * master deletes them, a replica hides them.
 *
 * @module
 */

import { Encoding, NO_EXPIRY, ValueType } from "../../store/memory/record.ts";
import {
  lpFirst,
  lpInteger,
  lpIsEnd,
  lpIsInteger,
  lpLength,
  lpNext,
} from "../../store/packed/listpack.ts";
import { MAX_FIELD_EXPIRY } from "../../store/types/hash_listpack.ts";
import { HashBuilder } from "../../store/types/hash_builder.ts";
import { type DecodeContext, NONE } from "../format/context.ts";
import type { StringSlot } from "../format/string_slot.ts";
import { hasDuplicates } from "./duplicates.ts";
import { type Element, type ElementRow, typeRow } from "./element.ts";
import { addField, addListpack, DUPLICATE_FIELD, finishHash } from "./hash_build.ts";
import { PackedBlob } from "./packed_blob.ts";
import { readZipmap } from "./zipmap.ts";

/** Where a plain hash holds the expiries of its fields, and from when they count. */
const Layout = { NONE: 0, METADATA: 1, METADATA_PRE_GA: 2, VALKEY: 3 } as const;
type Layout = typeof Layout[keyof typeof Layout];

/** What of a field is read next; a layout skips the steps it does not have. */
const Step = { TTL: 0, FIELD: 1, VALUE: 2, EXPIRY: 3 } as const;
type Step = typeof Step[keyof typeof Step];

/** A hash field by field: types 4, 24 and both of number 22. */
class PlainHash implements Element {
  readonly #context: DecodeContext;
  readonly #layout: Layout;
  readonly #field: StringSlot;
  readonly #value: StringSlot;
  readonly #builder: HashBuilder = new HashBuilder();
  #base: number = NONE;
  #left: number = NONE;
  #step: Step = Step.TTL;
  #expireAtMs: number = NO_EXPIRY;

  constructor(context: DecodeContext, layout: Layout) {
    this.#context = context;
    this.#layout = layout;
    this.#field = context.newSlot();
    this.#value = context.newSlot();
  }

  get heldBytes(): number {
    return this.#builder.heldBytes;
  }

  read(): boolean {
    if (this.#left === NONE && !this.#begin()) return false;
    while (this.#left > 0) {
      if (!this.#readField()) return false;
      this.#add();
      this.#step = Step.TTL;
      this.#left--;
    }
    this.#left = NONE;
    this.#base = NONE;
    finishHash(this.#context, this.#builder);
    return true;
  }

  #begin(): boolean {
    const { reader, sink } = this.#context;
    if (this.#layout === Layout.METADATA && this.#base === NONE) {
      if (!reader.readFixed(8)) return false;
      const base = reader.fixedInt64();
      if (!(base >= 0 && base <= MAX_FIELD_EXPIRY)) {
        reader.fail("Hash's earliest expiry is out of range");
      }
      this.#base = base;
    }
    if (!reader.readLength()) return false;
    this.#left = reader.length;
    this.#builder.begin(sink.settings);
    // Valkey holds fields that may expire in a table, however few they are.
    if (this.#layout === Layout.VALKEY) this.#builder.makeTable();
    return true;
  }

  #readField(): boolean {
    const { reader } = this.#context;
    if (this.#step === Step.TTL) {
      if (!this.#readTtl()) return false;
      this.#step = Step.FIELD;
    }
    if (this.#step === Step.FIELD) {
      if (!reader.readString(this.#field)) return false;
      this.#step = Step.VALUE;
    }
    if (this.#step === Step.VALUE) {
      if (!reader.readString(this.#value)) return false;
      this.#step = Step.EXPIRY;
    }
    return this.#readExpiry();
  }

  /** Redis writes a ttl before the field. */
  #readTtl(): boolean {
    const { reader } = this.#context;
    this.#expireAtMs = NO_EXPIRY;
    if (this.#layout !== Layout.METADATA && this.#layout !== Layout.METADATA_PRE_GA) return true;
    if (!reader.readLength()) return false;
    const ttl = reader.length;
    if (ttl === 0) return true;
    this.#setExpiry(this.#layout === Layout.METADATA ? this.#base + ttl - 1 : ttl);
    return true;
  }

  /** Valkey writes an expiry after the value. */
  #readExpiry(): boolean {
    const { reader } = this.#context;
    if (this.#layout !== Layout.VALKEY) return true;
    if (!reader.readFixed(8)) return false;
    this.#expireAtMs = reader.fixedExpiry();
    const isNegative = reader.view.getInt32(4, true) < 0;
    if (isNegative && this.#expireAtMs !== NO_EXPIRY) reader.fail("Field's expiry is out of range");
    return true;
  }

  #setExpiry(at: number): void {
    if (!(at >= 0 && at <= MAX_FIELD_EXPIRY)) {
      this.#context.reader.fail("Field's expiry is out of range");
    }
    this.#expireAtMs = at;
  }

  #add(): void {
    const field = this.#field;
    const value = this.#value;
    const isNew = this.#builder.add(
      field.bytes,
      field.start,
      field.end,
      value.bytes,
      value.start,
      value.end,
      this.#expireAtMs,
    );
    if (!isNew) this.#context.reader.fail(DUPLICATE_FIELD);
  }
}

/** Fields and values in one zipmap: type 9. */
class ZipmapHash implements Element {
  readonly #context: DecodeContext;
  readonly #blob: StringSlot;
  readonly #builder: HashBuilder = new HashBuilder();

  constructor(context: DecodeContext) {
    this.#context = context;
    this.#blob = context.newSlot();
  }

  read(): boolean {
    const context = this.#context;
    const { reader, sink } = context;
    if (!reader.readString(this.#blob)) return false;
    const { bytes, start, end } = this.#blob;
    const builder = this.#builder;
    builder.begin(sink.settings);
    const fail = (message: string) => reader.fail(message);
    readZipmap(bytes, start, end, fail, (...pair) => addField(context, builder, ...pair));
    finishHash(context, builder);
    return true;
  }
}

/** Fields and values in one listpack or ziplist: types 13 and 16. */
class PackedHash implements Element {
  readonly #context: DecodeContext;
  readonly #blob: PackedBlob;

  constructor(context: DecodeContext, isZiplist: boolean) {
    this.#context = context;
    this.#blob = new PackedBlob(context, isZiplist, true);
  }

  read(): boolean {
    const blob = this.#blob;
    if (!blob.read()) return false;
    blob.check();
    storePacked(this.#context, blob, 2, Encoding.LISTPACK);
    blob.release();
    return true;
  }
}

/** Fields, values and expiries in one listpack: types 25 and 23. */
class ExpiringHash implements Element {
  readonly #context: DecodeContext;
  readonly #hasBase: boolean;
  readonly #blob: PackedBlob;
  #baseIsRead: boolean = false;

  constructor(context: DecodeContext, hasBase: boolean) {
    this.#context = context;
    this.#hasBase = hasBase;
    this.#blob = new PackedBlob(context, false, false);
  }

  read(): boolean {
    const { reader } = this.#context;
    const blob = this.#blob;
    if (this.#hasBase && !this.#baseIsRead) {
      if (!reader.readFixed(8)) return false;
      this.#baseIsRead = true;
    }
    if (!blob.read()) return false;
    this.#baseIsRead = false;
    blob.check();
    reader.failIf(checkTriples(blob.bytes, blob.start, blob.end));
    storePacked(this.#context, blob, 3, Encoding.LISTPACK_EX);
    return true;
  }
}

/**
 * Hands a checked listpack of fields to the sink, or a table of them where they exceed the limits.
 */
function storePacked(
  context: DecodeContext,
  { bytes, start, end }: PackedBlob,
  stride: 2 | 3,
  encoding: Encoding,
): void {
  const { reader, sink } = context;
  const count = lpLength(bytes, start, end) / stride;
  // rdb.c rdbLoadObject, emptykey: a hash without fields is no key.
  if (count === 0) return;
  if (count > sink.settings.limits.hashMaxListpackEntries) {
    const builder = new HashBuilder();
    builder.begin(sink.settings);
    builder.makeTable();
    addListpack(context, builder, bytes, start, stride);
    return finishHash(context, builder);
  }
  if (hasDuplicates(bytes, start, count, stride)) reader.fail(DUPLICATE_FIELD);
  context.storeBlob(ValueType.HASH, encoding, bytes, start, end);
}

/**
 * What is wrong with a sound listpack as one of triples. Redis keeps them in the order of their
 * expiries, fields that never expire last, and looks only at the first one for the earliest
 * (`t_hash.c`).
 */
function checkTriples(bytes: Uint8Array, start: number, end: number): string | undefined {
  if (lpLength(bytes, start, end) % 3 !== 0) return "listpack of triples has entries left over";
  let last = 0;
  for (let pos = lpFirst(bytes, start); !lpIsEnd(bytes, pos);) {
    const ttlPos = lpNext(bytes, lpNext(bytes, pos));
    if (!lpIsInteger(bytes, ttlPos)) return "field's expiry is no integer";
    const ttl = lpInteger(bytes, ttlPos);
    if (ttl < 0 || ttl > MAX_FIELD_EXPIRY) return "field's expiry is out of range";
    const at = ttl === 0 ? Infinity : ttl;
    if (at < last) return "fields are not in the order of their expiries";
    last = at;
    pos = lpNext(bytes, ttlPos);
  }
  return undefined;
}

/** Types that both dialects know. */
export const hashRows: readonly ElementRow[] = [
  typeRow("HASH", (c) => new PlainHash(c, Layout.NONE)),
  typeRow("HASH_ZIPMAP", (c) => new ZipmapHash(c)),
  typeRow("HASH_ZIPLIST", (c) => new PackedHash(c, true)),
  typeRow("HASH_LISTPACK", (c) => new PackedHash(c, false)),
];

/** Types of Redis alone. */
export const redisHashRows: readonly ElementRow[] = [
  typeRow("HASH_METADATA_PRE_GA", (c) => new PlainHash(c, Layout.METADATA_PRE_GA)),
  typeRow("HASH_LISTPACK_EX_PRE_GA", (c) => new ExpiringHash(c, false)),
  typeRow("HASH_METADATA", (c) => new PlainHash(c, Layout.METADATA)),
  typeRow("HASH_LISTPACK_EX", (c) => new ExpiringHash(c, true)),
];

/** Types of Valkey alone. */
export const valkeyHashRows: readonly ElementRow[] = [
  typeRow("VALKEY_HASH_2", (c) => new PlainHash(c, Layout.VALKEY)),
  // Valkey 9.2 is in development and has not published the layout.
  typeRow("VALKEY_PATH_HASH"),
];
