/**
 * Hashes of Redis 8.10 that share a list of field names (a template), read as ordinary hashes. A
 * snapshot has its templates in records of their own, which `sections.ts` reads and keeps by id
 * until the end; a DUMP payload brings its list along.
 *
 * ```text
 *   29  HASH_TMPL_LP         list, listpack of 0, values                DUMP payloads
 *   30  HASH_TMPL_LP_REF     listpack of template id, values            snapshots
 *   31  HASH_TMPL_ARRAY      list, n values                             DUMP payloads
 *   32  HASH_TMPL_ARRAY_REF  template id, n values                      snapshots
 *
 *   list                     0, listpack of names   or   1, n, n names
 * ```
 *
 * Values stand in the order of the names and are as many. A payload has no templates, so that 30
 * and 32 in one are refused as naming an unknown id.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { BytesRef } from "../../base/byte_buffer.ts";
import {
  lpFirst,
  lpInteger,
  lpIsEnd,
  lpIsInteger,
  lpLength,
  lpNext,
  lpRead,
} from "../../store/packed/listpack.ts";
import { HashBuilder } from "../../store/types/hash_builder.ts";
import { type DecodeContext, NONE } from "../format/context.ts";
import type { StringSlot } from "../format/string_slot.ts";
import { type Element, type ElementRow, typeRow } from "./element.ts";
import { addField, finishHash } from "./hash_build.ts";
import { PackedBlob } from "./packed_blob.ts";

/** How the list of names in a payload is written. */
const ListForm = { LISTPACK: 0, STRINGS: 1 } as const;

const ref = new BytesRef();

/** Reads the list of names that a payload brings along. */
class FieldList {
  /** The names, once `read` has answered true. */
  fields: Uint8Array[] = [];
  readonly #context: DecodeContext;
  readonly #name: StringSlot;
  readonly #blob: PackedBlob;
  #form: number = NONE;
  #left: number = NONE;

  constructor(context: DecodeContext) {
    this.#context = context;
    this.#name = context.newSlot();
    this.#blob = new PackedBlob(context, false, false);
  }

  read(): boolean {
    const { reader } = this.#context;
    if (this.#form === NONE) {
      if (!reader.readLength()) return false;
      if (reader.length > ListForm.STRINGS) {
        reader.fail(`Field list has the unknown form ${reader.length}`);
      }
      this.#form = reader.length;
      this.fields = [];
    }
    if (!(this.#form === ListForm.LISTPACK ? this.#readListpack() : this.#readStrings())) {
      return false;
    }
    if (this.fields.length === 0) reader.fail("Field list is empty");
    this.#form = NONE;
    this.#left = NONE;
    return true;
  }

  #readListpack(): boolean {
    const blob = this.#blob;
    if (!blob.read()) return false;
    blob.check();
    const { bytes } = blob;
    for (let pos = lpFirst(bytes, blob.start); !lpIsEnd(bytes, pos); pos = lpNext(bytes, pos)) {
      lpRead(bytes, pos, ref);
      this.fields.push(ref.bytes.slice(ref.start, ref.end));
    }
    return true;
  }

  #readStrings(): boolean {
    const { reader } = this.#context;
    if (this.#left === NONE) {
      if (!reader.readLength()) return false;
      this.#left = reader.length;
    }
    while (this.#left > 0) {
      if (!reader.readString(this.#name)) return false;
      this.fields.push(this.#name.copy());
      this.#left--;
    }
    return true;
  }
}

/** Values in one listpack, behind an integer: types 29 and 30. */
class TemplateListpack implements Element {
  readonly #context: DecodeContext;
  readonly #isReference: boolean;
  readonly #list: FieldList;
  readonly #blob: PackedBlob;
  readonly #builder: HashBuilder = new HashBuilder();
  #listIsRead: boolean = false;

  /**
   * @param isReference The integer is a template's id; else the list stands before the listpack.
   */
  constructor(context: DecodeContext, isReference: boolean) {
    this.#context = context;
    this.#isReference = isReference;
    this.#list = new FieldList(context);
    this.#blob = new PackedBlob(context, false, false);
  }

  get heldBytes(): number {
    return this.#builder.heldBytes;
  }

  read(): boolean {
    const { reader } = this.#context;
    const blob = this.#blob;
    if (!this.#isReference && !this.#listIsRead) {
      if (!this.#list.read()) return false;
      this.#listIsRead = true;
    }
    if (!blob.read()) return false;
    this.#listIsRead = false;
    blob.check();
    const { bytes, start, end } = blob;
    const first = lpFirst(bytes, start);
    if (lpIsEnd(bytes, first) || !lpIsInteger(bytes, first)) {
      reader.fail("Hash of a template does not begin with its number");
    }
    const fields = this.#isReference
      ? templateOf(this.#context, lpInteger(bytes, first))
      : this.#list.fields;
    if (lpLength(bytes, start, end) !== fields.length + 1) {
      reader.fail("Hash has another number of values than its template of fields");
    }
    this.#build(fields, bytes, lpNext(bytes, first));
    return true;
  }

  #build(fields: readonly Uint8Array[], bytes: Uint8Array, first: number): void {
    const builder = this.#builder;
    builder.begin(this.#context.sink.settings);
    let pos = first;
    for (const field of fields) {
      lpRead(bytes, pos, ref);
      const { bytes: value, start, end } = ref;
      addField(this.#context, builder, field, 0, field.length, value, start, end);
      pos = lpNext(bytes, pos);
    }
    finishHash(this.#context, builder);
  }
}

/** Values one by one: types 31 and 32. */
class TemplateArray implements Element {
  readonly #context: DecodeContext;
  readonly #isReference: boolean;
  readonly #list: FieldList;
  readonly #value: StringSlot;
  readonly #builder: HashBuilder = new HashBuilder();
  #fields: readonly Uint8Array[] | undefined = undefined;
  #at: number = 0; // index of the field whose value is read next

  /** @param isReference A template's id stands before the values; else the list does. */
  constructor(context: DecodeContext, isReference: boolean) {
    this.#context = context;
    this.#isReference = isReference;
    this.#list = new FieldList(context);
    this.#value = context.newSlot();
  }

  get heldBytes(): number {
    return this.#builder.heldBytes;
  }

  read(): boolean {
    const context = this.#context;
    const value = this.#value;
    if (this.#fields === undefined && !this.#begin()) return false;
    const fields = this.#fields!;
    while (this.#at < fields.length) {
      if (!context.reader.readString(value)) return false;
      const field = fields[this.#at++];
      const { bytes, start, end } = value;
      addField(context, this.#builder, field, 0, field.length, bytes, start, end);
    }
    assert(this.#at === fields.length, "a value was read for every field");
    this.#fields = undefined;
    finishHash(context, this.#builder);
    return true;
  }

  #begin(): boolean {
    const { reader, sink } = this.#context;
    if (this.#isReference) {
      if (!reader.readLength()) return false;
      this.#fields = templateOf(this.#context, reader.length);
    } else {
      if (!this.#list.read()) return false;
      this.#fields = this.#list.fields;
    }
    this.#at = 0;
    this.#builder.begin(sink.settings);
    return true;
  }
}

function templateOf(context: DecodeContext, id: number): readonly Uint8Array[] {
  return context.templates.get(id) ?? context.reader.fail(`Hash template ${id} is not there`);
}

/** Types of Redis alone. */
export const redisHashTemplateRows: readonly ElementRow[] = [
  typeRow("HASH_TMPL_LP", (c) => new TemplateListpack(c, false)),
  typeRow("HASH_TMPL_LP_REF", (c) => new TemplateListpack(c, true)),
  typeRow("HASH_TMPL_ARRAY", (c) => new TemplateArray(c, false)),
  typeRow("HASH_TMPL_ARRAY_REF", (c) => new TemplateArray(c, true)),
];
