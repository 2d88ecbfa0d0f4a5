/**
 * Hashes of Redis 8.10 that share a list of field names, read as ordinary hashes. A whole snapshot has
 * the lists in records of their own and names them by number; a DUMP payload brings its own list.
 *
 * @module
 */

import { BytesRef } from "../../base/byte_buffer.ts";
import { HashBuilder } from "../../store/types/hash_builder.ts";
import { NO_EXPIRY } from "../../store/memory/record.ts";
import { lpFirst, lpInteger, lpIsEnd, lpIsInteger } from "../../store/packed/listpack.ts";
import { lpCheck } from "../../store/packed/listpack_check.ts";
import { lpLength, lpNext, lpRead } from "../../store/packed/listpack.ts";
import type { DecodeContext, Element } from "../format/context.ts";
import { NONE } from "../format/context.ts";
import type { StringSlot } from "../format/chunk_reader.ts";
import { finishHash } from "./hash_build.ts";

/** How a payload's own list is written. */
const ListForm = { LISTPACK: 0, STRINGS: 1 } as const;

const ref = new BytesRef();

/** A payload's own list of field names. */
class FieldList {
  fields: Uint8Array[] = [];
  readonly #context: DecodeContext;
  readonly #slot: StringSlot;
  #form: number = NONE;
  #left: number = NONE;

  constructor(context: DecodeContext) {
    this.#context = context;
    this.#slot = context.newSlot();
  }

  read(): boolean {
    const { reader } = this.#context;
    if (this.#form === NONE) {
      if (!reader.readLength()) return false;
      if (reader.length > ListForm.STRINGS) {
        reader.fail(`Unknown form of field list ${reader.length}`);
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
    const { reader } = this.#context;
    const slot = this.#slot;
    if (!reader.readString(slot)) return false;
    const { bytes, start, end } = slot;
    const wrong = lpCheck(bytes, start, end, false);
    if (wrong !== undefined) reader.fail(wrong);
    for (let pos = lpFirst(bytes, start); !lpIsEnd(bytes, pos); pos = lpNext(bytes, pos)) {
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
      if (!reader.readString(this.#slot)) return false;
      this.fields.push(this.#slot.copy());
      this.#left--;
    }
    return true;
  }
}

/** Values in one listpack behind a number: types 29 and 30. */
export class TemplateListpack implements Element {
  readonly #context: DecodeContext;
  readonly #isReference: boolean;
  readonly #list: FieldList;
  readonly #blob: StringSlot;
  readonly #builder: HashBuilder = new HashBuilder();
  #listIsRead: boolean = false;

  /** @param isReference The number names a list of the snapshot. */
  constructor(context: DecodeContext, isReference: boolean) {
    this.#context = context;
    this.#isReference = isReference;
    this.#list = new FieldList(context);
    this.#blob = context.newSlot();
  }

  /** Reads on; false when the chunk ended first. */
  read(): boolean {
    const { reader } = this.#context;
    const blob = this.#blob;
    if (!this.#isReference && !this.#listIsRead) {
      if (!this.#list.read()) return false;
      this.#listIsRead = true;
    }
    if (!reader.readString(blob)) return false;
    this.#listIsRead = false;
    const { bytes, start, end } = blob;
    const wrong = lpCheck(bytes, start, end, false);
    if (wrong !== undefined) reader.fail(wrong);
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
      addField(this.#context, builder, field, ref.bytes, ref.start, ref.end);
      pos = lpNext(bytes, pos);
    }
    finishHash(this.#context, builder);
  }
}

/** Values one by one: types 31 and 32. */
export class TemplateArray implements Element {
  readonly #context: DecodeContext;
  readonly #isReference: boolean;
  readonly #list: FieldList;
  readonly #value: StringSlot;
  readonly #builder: HashBuilder = new HashBuilder();
  #fields: readonly Uint8Array[] | undefined = undefined;
  #at: number = 0;

  /** @param isReference A number names a list of the snapshot. */
  constructor(context: DecodeContext, isReference: boolean) {
    this.#context = context;
    this.#isReference = isReference;
    this.#list = new FieldList(context);
    this.#value = context.newSlot();
  }

  /** Reads on; false when the chunk ended first. */
  read(): boolean {
    const context = this.#context;
    const value = this.#value;
    if (this.#fields === undefined && !this.#begin()) return false;
    const fields = this.#fields!;
    while (this.#at < fields.length) {
      if (!context.reader.readString(value)) return false;
      addField(context, this.#builder, fields[this.#at++], value.bytes, value.start, value.end);
    }
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

function addField(
  context: DecodeContext,
  builder: HashBuilder,
  field: Uint8Array,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  if (builder.add(field, 0, field.length, bytes, start, end, NO_EXPIRY)) return;
  context.reader.fail("Hash has a field twice");
}
