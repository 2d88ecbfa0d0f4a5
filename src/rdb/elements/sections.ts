/**
 * Everything in a snapshot that is not a key: databases, attributes of the next key, auxiliary
 * fields, functions, slots, hash templates.
 *
 * ```text
 *   EXPIRETIME     seconds, 32 bits, signed                      of the next key
 *   EXPIRETIME_MS  milliseconds, 64 bits, signed                 of the next key
 *   IDLE           length: seconds since the next key was used   passed over
 *   FREQ           1 byte: LFU counter of the next key           passed over
 *   AUX            name, value
 *   SELECTDB       length: index of the database that follows
 *   RESIZEDB       length: keys, length: keys that expire
 *   FUNCTION2      source of a library
 *   SLOT_INFO      length three times: slot, keys, keys that expire
 *   HASH_TEMPLATE  length: id, length: n, n field names          Redis 8.10
 *   SLOT_IMPORT    job name, length: n, n pairs of slots         Valkey 9
 * ```
 *
 * @module
 */

import { compareBytes, latin1 } from "../../base/ascii.ts";
import { SLOT_COUNT } from "../../base/crc16.ts";
import type { SlotRange } from "../../store/keyspace/slot_ranges.ts";
import { type DecodeContext, NONE } from "../format/context.ts";
import type { StringSlot } from "../format/string_slot.ts";
import { type Element, type ElementRow, Lengths, opcodeRow, RawBytes } from "./element.ts";

/** A database's index is a C int in Redis. */
const MAX_DB_INDEX = 0x7fffffff;
const JOB_NAME_BYTES = 40;

function selectDb({ reader, sink }: DecodeContext, [index]: readonly number[]): void {
  if (index > MAX_DB_INDEX) reader.fail(`Database ${index} is out of range`);
  sink.selectDb(index);
}

function resizeDb({ sink }: DecodeContext, [keys, expires]: readonly number[]): void {
  sink.resizeDb(keys, expires);
}

function slotInfo({ reader, sink }: DecodeContext, numbers: readonly number[]): void {
  const [slot, keys, expires] = numbers;
  if (slot >= SLOT_COUNT) reader.fail(`Slot ${slot} is out of range`);
  sink.slotInfo(slot, keys, expires);
}

function expireSeconds(context: DecodeContext): void {
  context.expireAtMs = Math.max(0, context.reader.view.getInt32(0, true) * 1000);
}

/**
 * Versions up to 8 wrote the milliseconds in the machine's byte order: little endian wherever Redis
 * runs.
 */
function expireMilliseconds(context: DecodeContext): void {
  context.expireAtMs = context.reader.fixedExpiry();
}

/** AUX: a name and a value, each a string. */
class Aux implements Element {
  readonly #context: DecodeContext;
  readonly #name: StringSlot;
  readonly #value: StringSlot;
  #nameIsRead: boolean = false;

  constructor(context: DecodeContext) {
    this.#context = context;
    this.#name = context.newSlot();
    this.#value = context.newSlot();
  }

  read(): boolean {
    const { reader, sink } = this.#context;
    const name = this.#name;
    const value = this.#value;
    if (!this.#nameIsRead) {
      if (!reader.readString(name)) return false;
      this.#nameIsRead = true;
    }
    if (!reader.readString(value)) return false;
    this.#nameIsRead = false;
    sink.aux(name.bytes, name.start, name.end, value.bytes, value.start, value.end);
    return true;
  }
}

/** FUNCTION2: the source of one library. */
class FunctionLibrary implements Element {
  readonly #context: DecodeContext;
  readonly #source: StringSlot;

  constructor(context: DecodeContext) {
    this.#context = context;
    this.#source = context.newSlot();
  }

  read(): boolean {
    const { reader, sink } = this.#context;
    const source = this.#source;
    if (!reader.readString(source)) return false;
    sink.functionLibrary(source.bytes, source.start, source.end);
    return true;
  }
}

/** SLOT_IMPORT: a cluster of Valkey was importing these slots. */
class SlotImport implements Element {
  readonly #context: DecodeContext;
  readonly #job: StringSlot;
  #jobIsRead: boolean = false;
  #boundsLeft: number = NONE; // two a range: first and last slot
  #first: number = 0;
  #ranges: SlotRange[] = [];

  constructor(context: DecodeContext) {
    this.#context = context;
    this.#job = context.newSlot();
  }

  read(): boolean {
    const { reader, sink } = this.#context;
    if (!this.#jobIsRead) {
      if (!reader.readString(this.#job)) return false;
      if (this.#job.length !== JOB_NAME_BYTES) {
        reader.fail(`Name of a slot import has ${this.#job.length} bytes, not ${JOB_NAME_BYTES}`);
      }
      this.#jobIsRead = true;
    }
    if (this.#boundsLeft === NONE) {
      if (!reader.readLength()) return false;
      if (reader.length > SLOT_COUNT) reader.fail(`${reader.length} slot ranges are too many`);
      this.#boundsLeft = reader.length * 2;
    }
    while (this.#boundsLeft > 0) {
      if (!reader.readLength()) return false;
      if (reader.length >= SLOT_COUNT) reader.fail(`Slot ${reader.length} is out of range`);
      this.#addBound(reader.length);
      this.#boundsLeft--;
    }
    const { bytes, start, end } = this.#job;
    sink.slotImport(latin1(bytes, start, end), this.#ranges);
    this.#ranges = [];
    this.#jobIsRead = false;
    this.#boundsLeft = NONE;
    return true;
  }

  /** Takes the first slot of a range, then its last. */
  #addBound(slot: number): void {
    if (this.#boundsLeft % 2 === 0) {
      this.#first = slot;
      return;
    }
    if (slot < this.#first) {
      this.#context.reader.fail(`Slots ${this.#first} to ${slot} are no range`);
    }
    this.#ranges.push([this.#first, slot]);
  }
}

/** HASH_TEMPLATE: a list of field names that hashes of types 30 and 32 refer to by its id. */
class HashTemplate implements Element {
  readonly #context: DecodeContext;
  readonly #field: StringSlot;
  #id: number = NONE;
  #fieldCount: number = NONE;
  #fields: Uint8Array[] = [];

  constructor(context: DecodeContext) {
    this.#context = context;
    this.#field = context.newSlot();
  }

  read(): boolean {
    const { reader, templates } = this.#context;
    if (this.#id === NONE && !this.#readId()) return false;
    if (this.#fieldCount === NONE) {
      if (!reader.readLength()) return false;
      if (reader.length === 0) reader.fail("Hash template has no fields");
      this.#fieldCount = reader.length;
    }
    while (this.#fields.length < this.#fieldCount) {
      if (!reader.readString(this.#field)) return false;
      this.#addField(this.#field.copy());
    }
    templates.set(this.#id, this.#fields);
    this.#id = NONE;
    this.#fieldCount = NONE;
    this.#fields = [];
    return true;
  }

  #readId(): boolean {
    const { reader, templates } = this.#context;
    if (!reader.readLength()) return false;
    const id = reader.length;
    // Above 2^53 two different ids may be the same number here.
    if (id > Number.MAX_SAFE_INTEGER) reader.fail(`Hash template id ${id} is out of range`);
    if (templates.has(id)) reader.fail(`Hash template ${id} comes twice`);
    this.#id = id;
    return true;
  }

  /** Redis sorts the fields of a template by length, then by bytes, and refuses any other order. */
  #addField(field: Uint8Array): void {
    const last = this.#fields.at(-1);
    if (last !== undefined) {
      const order = last.length - field.length ||
        compareBytes(last, 0, last.length, field, 0, field.length);
      if (order >= 0) this.#context.reader.fail("Fields of a hash template are not sorted");
    }
    this.#fields.push(field);
  }
}

/** Opcodes that both dialects know. */
export const sectionRows: readonly ElementRow[] = [
  opcodeRow("SLOT_INFO", (c) => new Lengths(c, 3, slotInfo)),
  opcodeRow("FUNCTION2", (c) => new FunctionLibrary(c)),
  // Only 7.0-rc1 and rc2 wrote it, and every released server refuses it.
  opcodeRow("FUNCTION_PRE_GA"),
  opcodeRow("IDLE", (c) => new Lengths(c, 1)),
  opcodeRow("FREQ", (c) => new RawBytes(c, 1)),
  opcodeRow("AUX", (c) => new Aux(c)),
  opcodeRow("RESIZEDB", (c) => new Lengths(c, 2, resizeDb)),
  opcodeRow("EXPIRETIME_MS", (c) => new RawBytes(c, 8, expireMilliseconds)),
  // Nothing has written it since Redis 2.6.
  opcodeRow("EXPIRETIME", (c) => new RawBytes(c, 4, expireSeconds)),
  opcodeRow("SELECTDB", (c) => new Lengths(c, 1, selectDb)),
];

/** Opcodes of Redis alone. */
export const redisSectionRows: readonly ElementRow[] = [
  opcodeRow("HASH_TEMPLATE", (c) => new HashTemplate(c)),
];

/** Opcodes of Valkey alone. */
export const valkeySectionRows: readonly ElementRow[] = [
  // Valkey 9.2 is in development and has not published the layout.
  opcodeRow("VALKEY_UPDATE"),
  opcodeRow("VALKEY_SLOT_IMPORT", (c) => new SlotImport(c)),
];
