/**
 * Hashes, read: plain ones, with and without expiries of their fields, zipmaps up to Redis 2.4, ziplists
 * up to 6.2, listpacks since. What fits a listpack becomes one, whatever form it came in.
 *
 * @module
 */

import { ByteBuffer } from "../../base/byte_buffer.ts";
import { MAX_FIELD_EXPIRY } from "../../store/types/hash.ts";
import { HashBuilder } from "../../store/types/hash_builder.ts";
import { Encoding, NO_EXPIRY, ValueType } from "../../store/memory/record.ts";
import { lpFirst, lpInteger, lpIsEnd, lpIsInteger } from "../../store/packed/listpack.ts";
import { lpCheck } from "../../store/packed/listpack_check.ts";
import { lpLength, lpNext } from "../../store/packed/listpack.ts";
import type { DecodeContext, Element, ElementRow } from "../format/context.ts";
import { NONE } from "../format/context.ts";
import { Type } from "../format/opcodes.ts";
import type { StringSlot } from "../format/chunk_reader.ts";
import { addListpack, finishHash } from "./hash_build.ts";
import { TemplateArray, TemplateListpack } from "./hash_templates.ts";
import { storeBlob } from "./store.ts";
import { hasDuplicates } from "./duplicates.ts";
import { ziplistToListpack } from "./ziplist.ts";
import { readZipmap } from "./zipmap.ts";

/** Where a plain hash has the expiries of its fields, and from when they count. */
const Layout = { NONE: 0, METADATA: 1, METADATA_PRE_GA: 2, VALKEY: 3 } as const;
type Layout = typeof Layout[keyof typeof Layout];

/** Memory that is kept between two hashes. */
const KEPT_BYTES = 1 << 17;

/** What of a field comes next. */
const Step = { TTL: 0, FIELD: 1, VALUE: 2, EXPIRY: 3 } as const;
type Step = typeof Step[keyof typeof Step];

/** Field by field: type 4, and those with expiries but no listpack. */
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
        reader.fail("Hash's least expiry is out of range");
      }
      this.#base = base;
    }
    if (!reader.readLength()) return false;
    this.#left = reader.length;
    this.#builder.begin(sink.settings);
    // Valkey holds what may expire in a table, however few the fields.
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

  /** Redis's, before the field: 0 for none, else counted from the least of all or absolute. */
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

  /** Valkey's, after the value: -1 for none. */
  #readExpiry(): boolean {
    const { reader } = this.#context;
    if (this.#layout !== Layout.VALKEY) return true;
    if (!reader.readFixed(8)) return false;
    const at = reader.fixedInt64();
    // Valkey has times beyond all others: as far away as there is a form for.
    if (at !== NO_EXPIRY) this.#setExpiry(Math.min(at, MAX_FIELD_EXPIRY));
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
    if (!isNew) this.#context.reader.fail("Hash has a field twice");
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
    const { reader, sink } = this.#context;
    const blob = this.#blob;
    if (!reader.readString(blob)) return false;
    const builder = this.#builder;
    builder.begin(sink.settings);
    readZipmap(blob.bytes, blob.start, blob.end, (message) => reader.fail(message), (...pair) => {
      if (!builder.add(...pair, NO_EXPIRY)) reader.fail("Hash has a field twice");
    });
    finishHash(this.#context, builder);
    return true;
  }
}

/** Fields and values in one blob: types 13 and 16. */
class PackedHash implements Element {
  readonly #context: DecodeContext;
  readonly #isZiplist: boolean;
  readonly #blob: StringSlot;
  readonly #listpack: ByteBuffer = new ByteBuffer();

  constructor(context: DecodeContext, isZiplist: boolean) {
    this.#context = context;
    this.#isZiplist = isZiplist;
    this.#blob = context.newSlot();
  }

  read(): boolean {
    const { reader } = this.#context;
    const blob = this.#blob;
    if (!reader.readString(blob)) return false;
    if (!this.#isZiplist) {
      const wrong = lpCheck(blob.bytes, blob.start, blob.end, true);
      if (wrong !== undefined) reader.fail(wrong);
      this.#store(blob.bytes, blob.start, blob.end);
      return true;
    }
    const listpack = this.#listpack;
    const fail = (message: string) => reader.fail(message);
    ziplistToListpack(blob.bytes, blob.start, blob.end, listpack, true, fail);
    this.#store(listpack.bytes, 0, listpack.length);
    listpack.shrink(KEPT_BYTES);
    return true;
  }

  #store(bytes: Uint8Array, start: number, end: number): void {
    const context = this.#context;
    storePacked(context, bytes, start, end, 2, Encoding.LISTPACK);
  }
}

/** Fields, values and expiries in one listpack: type 25, and what came before it. */
class ExpiringHash implements Element {
  readonly #context: DecodeContext;
  readonly #hasMinimum: boolean;
  readonly #blob: StringSlot;
  #minimumIsRead: boolean = false;

  constructor(context: DecodeContext, hasMinimum: boolean) {
    this.#context = context;
    this.#hasMinimum = hasMinimum;
    this.#blob = context.newSlot();
  }

  read(): boolean {
    const { reader } = this.#context;
    const blob = this.#blob;
    // A hint that may be stale: the listpack itself is ordered.
    if (this.#hasMinimum && !this.#minimumIsRead) {
      if (!reader.readFixed(8)) return false;
      this.#minimumIsRead = true;
    }
    if (!reader.readString(blob)) return false;
    this.#minimumIsRead = false;
    const { bytes, start, end } = blob;
    const wrong = lpCheck(bytes, start, end, false) ?? checkTriples(bytes, start, end);
    if (wrong !== undefined) reader.fail(wrong);
    storePacked(this.#context, bytes, start, end, 3, Encoding.LISTPACK_EX);
    return true;
  }
}

/** A checked listpack of fields to the sink, or into a table when it is beyond the limits. */
function storePacked(
  context: DecodeContext,
  bytes: Uint8Array,
  start: number,
  end: number,
  stride: 2 | 3,
  encoding: Encoding,
): void {
  const { reader, sink } = context;
  const count = lpLength(bytes, start, end) / stride;
  // rdb.c, empty keys: a hash without fields is no key.
  if (count === 0) return;
  if (count > sink.settings.limits.hashMaxListpackEntries) {
    const builder = new HashBuilder();
    builder.begin(sink.settings);
    builder.makeTable();
    if (!addListpack(builder, bytes, start, stride)) reader.fail("Hash has a field twice");
    return finishHash(context, builder);
  }
  if (hasDuplicates(bytes, start, count, stride)) reader.fail("Hash has a field twice");
  storeBlob(context, ValueType.HASH, encoding, bytes, start, end);
}

/** What is wrong with a sound listpack as one of fields, values and expiries. */
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
  { number: Type.HASH, name: "HASH", create: (context) => new PlainHash(context, Layout.NONE) },
  { number: Type.HASH_ZIPMAP, name: "HASH_ZIPMAP", create: (context) => new ZipmapHash(context) },
  { number: Type.HASH_ZIPLIST, name: "HASH_ZIPLIST", create: (f) => new PackedHash(f, true) },
  { number: Type.HASH_LISTPACK, name: "HASH_LISTPACK", create: (f) => new PackedHash(f, false) },
];

/** Types of Redis alone. */
export const redisHashRows: readonly ElementRow[] = [
  {
    number: Type.HASH_METADATA_PRE_GA,
    name: "HASH_METADATA_PRE_GA",
    create: (context) => new PlainHash(context, Layout.METADATA_PRE_GA),
  },
  {
    number: Type.HASH_LISTPACK_EX_PRE_GA,
    name: "HASH_LISTPACK_EX_PRE_GA",
    create: (context) => new ExpiringHash(context, false),
  },
  {
    number: Type.HASH_METADATA,
    name: "HASH_METADATA",
    create: (context) => new PlainHash(context, Layout.METADATA),
  },
  {
    number: Type.HASH_LISTPACK_EX,
    name: "HASH_LISTPACK_EX",
    create: (context) => new ExpiringHash(context, true),
  },
  {
    number: Type.HASH_TMPL_LP,
    name: "HASH_TMPL_LP",
    create: (context) => new TemplateListpack(context, false),
  },
  {
    number: Type.HASH_TMPL_LP_REF,
    name: "HASH_TMPL_LP_REF",
    create: (context) => new TemplateListpack(context, true),
  },
  {
    number: Type.HASH_TMPL_ARRAY,
    name: "HASH_TMPL_ARRAY",
    create: (context) => new TemplateArray(context, false),
  },
  {
    number: Type.HASH_TMPL_ARRAY_REF,
    name: "HASH_TMPL_ARRAY_REF",
    create: (context) => new TemplateArray(context, true),
  },
];

/** Types of Valkey alone. */
export const valkeyHashRows: readonly ElementRow[] = [
  {
    number: Type.VALKEY_HASH_2,
    name: "HASH_2",
    create: (context) => new PlainHash(context, Layout.VALKEY),
  },
  // In development: its layout is not published.
  { number: Type.VALKEY_PATH_HASH, name: "PATH_HASH" },
];
