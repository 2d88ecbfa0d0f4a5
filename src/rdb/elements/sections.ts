/**
 * Everything in a snapshot that is not a key: databases, attributes of the next key, auxiliary
 * fields, functions, slots, hash templates.
 *
 * @module
 */

import { compareBytes } from "../../base/ascii.ts";
import type { DecodeContext, Element } from "../format/context.ts";
import type { StringSlot } from "../format/chunk_reader.ts";
import { expiryFromInt64 } from "./string.ts";

const MAX_DB_INDEX = 0x7fffffff; // a C int, as in redis.h
const JOB_NAME_BYTES = 40;
const CLUSTER_SLOTS = 16384;

/** SELECTDB: keys that follow belong to this database. */
export class SelectDb implements Element {
  readonly #context: DecodeContext;

  /** An element of `context`. */
  constructor(context: DecodeContext) {
    this.#context = context;
  }

  /** Reads on; false when the chunk ended first. */
  read(): boolean {
    const { reader, sink } = this.#context;
    if (!reader.readLength()) return false;
    if (reader.length > MAX_DB_INDEX) reader.fail(`Database ${reader.length} is out of range`);
    sink.selectDb(reader.length);
    return true;
  }
}

/** RESIZEDB: how many keys are to come, as the writer claims. */
export class ResizeDb implements Element {
  readonly #context: DecodeContext;
  #keys: number = -1; // -1: due

  /** An element of `context`. */
  constructor(context: DecodeContext) {
    this.#context = context;
  }

  /** Reads on; false when the chunk ended first. */
  read(): boolean {
    const { reader, sink } = this.#context;
    if (this.#keys < 0) {
      if (!reader.readLength()) return false;
      this.#keys = reader.length;
    }
    if (!reader.readLength()) return false;
    const keys = this.#keys;
    this.#keys = -1;
    sink.resizeDb(keys, reader.length);
    return true;
  }
}

/** EXPIRETIME: seconds, 32 bits signed. Nothing has written it since Redis 2.6. */
export class ExpireTime implements Element {
  readonly #context: DecodeContext;

  /** An element of `context`. */
  constructor(context: DecodeContext) {
    this.#context = context;
  }

  /** Reads on; false when the chunk ended first. */
  read(): boolean {
    const { reader } = this.#context;
    if (!reader.readFixed(4)) return false;
    this.#context.expireAtMs = expiryFromInt64(reader.view.getInt32(0, true) * 1000);
    return true;
  }
}

/** EXPIRETIME_MS: milliseconds, 64 bits signed, little endian on every machine we may meet. */
export class ExpireTimeMs implements Element {
  readonly #context: DecodeContext;

  /** An element of `context`. */
  constructor(context: DecodeContext) {
    this.#context = context;
  }

  /** Reads on; false when the chunk ended first. */
  read(): boolean {
    const { reader } = this.#context;
    if (!reader.readFixed(8)) return false;
    this.#context.expireAtMs = expiryFromInt64(reader.fixedInt64());
    return true;
  }
}

/** FREQ: the next key's LFU counter. */
export class Frequency implements Element {
  readonly #context: DecodeContext;

  /** An element of `context`. */
  constructor(context: DecodeContext) {
    this.#context = context;
  }

  /** Reads on; false when the chunk ended first. */
  read(): boolean {
    const { reader } = this.#context;
    if (!reader.readFixed(1)) return false;
    this.#context.frequency = reader.fixed[0];
    return true;
  }
}

/** IDLE: seconds since the next key was used. */
export class Idle implements Element {
  readonly #context: DecodeContext;

  /** An element of `context`. */
  constructor(context: DecodeContext) {
    this.#context = context;
  }

  /** Reads on; false when the chunk ended first. */
  read(): boolean {
    const { reader } = this.#context;
    if (!reader.readLength()) return false;
    this.#context.idleSeconds = reader.length;
    return true;
  }
}

/** AUX: a name and a value. */
export class Aux implements Element {
  readonly #context: DecodeContext;
  readonly #name: StringSlot;
  readonly #value: StringSlot;
  #nameIsRead: boolean = false;

  /** An element of `context`. */
  constructor(context: DecodeContext) {
    this.#context = context;
    this.#name = context.newSlot();
    this.#value = context.newSlot();
  }

  /** Reads on; false when the chunk ended first. */
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

/** FUNCTION2: the source of a library. */
export class FunctionLibrary implements Element {
  readonly #context: DecodeContext;
  readonly #source: StringSlot;

  /** An element of `context`. */
  constructor(context: DecodeContext) {
    this.#context = context;
    this.#source = context.newSlot();
  }

  /** Reads on; false when the chunk ended first. */
  read(): boolean {
    const { reader, sink } = this.#context;
    const source = this.#source;
    if (!reader.readString(source)) return false;
    sink.functionLibrary(source.bytes, source.start, source.end);
    return true;
  }
}

/** SLOT_INFO: slot, keys, keys that expire. Of use to nobody outside a cluster. */
export class SlotInfo implements Element {
  readonly #context: DecodeContext;
  #numbersRead: number = 0;

  /** An element of `context`. */
  constructor(context: DecodeContext) {
    this.#context = context;
  }

  /** Reads on; false when the chunk ended first. */
  read(): boolean {
    const { reader } = this.#context;
    while (this.#numbersRead < 3) {
      if (!reader.readLength()) return false;
      this.#numbersRead++;
    }
    this.#numbersRead = 0;
    return true;
  }
}

/** SLOT_IMPORT (Valkey 9): a cluster was importing these slots. Checked and passed over. */
export class SlotImport implements Element {
  readonly #context: DecodeContext;
  readonly #job: StringSlot;
  #jobIsRead: boolean = false;
  #boundsLeft: number = -1; // two for each range; -1: their count is due

  /** An element of `context`. */
  constructor(context: DecodeContext) {
    this.#context = context;
    this.#job = context.newSlot();
  }

  /** Reads on; false when the chunk ended first. */
  read(): boolean {
    const { reader } = this.#context;
    if (!this.#jobIsRead) {
      if (!reader.readString(this.#job)) return false;
      if (this.#job.length !== JOB_NAME_BYTES) reader.fail("Slot import job is not named right");
      this.#jobIsRead = true;
    }
    if (this.#boundsLeft < 0) {
      if (!reader.readLength()) return false;
      if (reader.length > CLUSTER_SLOTS) reader.fail(`${reader.length} slot ranges are too many`);
      this.#boundsLeft = reader.length * 2;
    }
    while (this.#boundsLeft > 0) {
      if (!reader.readLength()) return false;
      if (reader.length >= CLUSTER_SLOTS) reader.fail(`Slot ${reader.length} is out of range`);
      this.#boundsLeft--;
    }
    this.#jobIsRead = false;
    this.#boundsLeft = -1;
    return true;
  }
}

/** HASH_TEMPLATE (Redis 8.10): a list of field names that hashes after it share. */
export class HashTemplate implements Element {
  readonly #context: DecodeContext;
  readonly #field: StringSlot;
  #id: number = -1; // -1: due
  #fieldCount: number = -1; // -1: due
  #fields: Uint8Array[] = [];

  /** An element of `context`. */
  constructor(context: DecodeContext) {
    this.#context = context;
    this.#field = context.newSlot();
  }

  /** Reads on; false when the chunk ended first. */
  read(): boolean {
    const { reader, templates } = this.#context;
    if (this.#id < 0 && !this.#readId()) return false;
    if (this.#fieldCount < 0) {
      if (!reader.readLength()) return false;
      if (reader.length === 0) reader.fail("Hash template without fields");
      this.#fieldCount = reader.length;
    }
    while (this.#fields.length < this.#fieldCount) {
      if (!reader.readString(this.#field)) return false;
      this.#addField(this.#field.copy());
    }
    templates.set(this.#id, this.#fields);
    this.#id = -1;
    this.#fieldCount = -1;
    this.#fields = [];
    return true;
  }

  #readId(): boolean {
    const { reader, templates } = this.#context;
    if (!reader.readLength()) return false;
    const id = reader.length;
    // Beyond this two ids could look the same to us.
    if (id > Number.MAX_SAFE_INTEGER) reader.fail(`Hash template id ${id} is out of range`);
    if (templates.has(id)) reader.fail(`Hash template ${id} comes twice`);
    this.#id = id;
    return true;
  }

  /** Fields are sorted by length, then by bytes, and differ. */
  #addField(field: Uint8Array): void {
    const last = this.#fields.at(-1);
    if (last !== undefined) {
      const order = last.length - field.length ||
        compareBytes(last, 0, last.length, field, 0, field.length);
      if (order >= 0) this.#context.reader.fail("Hash template's fields are not sorted");
    }
    this.#fields.push(field);
  }
}
