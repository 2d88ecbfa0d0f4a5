/**
 * Module data: vector sets are read, other values are kept as they are, data beside the keys is
 * passed over. Only the module knows what it means, but the tags it is written with tell where it
 * ends. The id is drawn in `format/module_id.ts`.
 *
 * ```text
 *   MODULE_2    module id, stream                  a value, type 7
 *   MODULE_AUX  module id, stream                  data beside the keys, opcode 247
 *   KEY_META    n, n * (class:4, stream)           data of the next key, opcode 243, Redis 8.6
 *
 *   stream      n * (tag, payload), 0              tags are lengths
 *     1, 2      a length: a whole number           4  8 bytes, a double
 *     3         4 bytes, a float                   5  a string
 * ```
 *
 * @module
 */

import { Encoding, ValueType } from "../../store/memory/record.ts";
import type { StoredObject } from "../../store/memory/stored_object.ts";
import {
  keepsBytes,
  ModuleValue,
  OWN_TYPES,
  unknownValue,
  VECTOR_SET_TYPE,
} from "../../store/types/module.ts";
import type { ChunkReader } from "../format/chunk_reader.ts";
import { type DecodeContext, NONE } from "../format/context.ts";
import { RdbError } from "../format/errors.ts";
import { encodingVersion, moduleName } from "../format/module_id.ts";
import { ModuleOpcode, Type } from "../format/opcodes.ts";
import { type Element, type ElementRow, opcodeRow, typeRow } from "./element.ts";
import { Payload } from "./kept.ts";
import { VectorOutcome, VectorSetReader } from "./vector_set.ts";

const CLASS_SPEC_BYTES = 4;

/** Refuses the current key's value: only its module can read it, and the owner asked to fail then. */
function refuse(context: DecodeContext, name: string): never {
  const key = context.printableKey();
  const what = `Value of module ${name} under key ${key} is not supported`;
  throw new RdbError("UNSUPPORTED_TYPE", what, context.recordOffset, { key, type: Type.MODULE_2 });
}

/** Passes over a stream of tagged values, its end tag included. */
class ModuleStream implements Element {
  readonly #reader: ChunkReader;
  #tag: number = ModuleOpcode.EOF; // the tag whose payload is read next; EOF: a tag is read next

  constructor(reader: ChunkReader) {
    this.#reader = reader;
  }

  /** Goes on in the middle of a stream: the payload of `tag` comes next, with EOF another tag. */
  resume(tag: number): void {
    this.#tag = tag;
  }

  read(): boolean {
    const reader = this.#reader;
    while (true) {
      if (this.#tag === ModuleOpcode.EOF) {
        if (!reader.readLength()) return false;
        if (reader.length === ModuleOpcode.EOF) return true;
        if (reader.length > ModuleOpcode.STRING) {
          reader.fail(`Unknown module opcode ${reader.length}`);
        }
        this.#tag = reader.length;
      }
      if (!this.#skipPayload()) return false;
      this.#tag = ModuleOpcode.EOF;
    }
  }

  #skipPayload(): boolean {
    const reader = this.#reader;
    switch (this.#tag) {
      case ModuleOpcode.FLOAT:
        return reader.readFixed(4);
      case ModuleOpcode.DOUBLE:
        return reader.readFixed(8);
      case ModuleOpcode.STRING:
        return reader.skipString();
      default:
        return reader.readLength();
    }
  }
}

/** Who reads what follows the id of a module's value. */
const Reading = { STREAM: 0, VECTORS: 1, NOTHING: 2 } as const;
type Reading = typeof Reading[keyof typeof Reading];

/**
 * MODULE_2: a value of a module. A vector set is read. Of any other its bytes are gathered, as they begin with the id from the id on;
 * where they are too long, or of no use later, the key is stored without them. Where the owner asked
 * for it, a value of a module that does not come with Redis is refused.
 */
class ModuleData implements Element {
  readonly #context: DecodeContext;
  readonly #stream: ModuleStream;
  readonly #payload: Payload = new Payload();
  readonly #vectors: VectorSetReader;
  #reading: Reading = Reading.STREAM;
  #name: string = ""; // "": the id is read next
  #isKept: boolean = true; // whether the bytes are gathered
  #isWanted: boolean = true; // whether the value is stored

  constructor(context: DecodeContext) {
    this.#context = context;
    this.#stream = new ModuleStream(context.reader);
    const { reader, sink } = context;
    this.#vectors = new VectorSetReader(reader, sink.settings, () => context.newSlot(), false);
  }

  get heldBytes(): number {
    return this.#payload.heldBytes + (this.#vectors.set?.memoryBytes ?? 0);
  }

  read(): boolean {
    const { reader } = this.#context;
    const from = reader.pos;
    const isWhole = this.#readOn();
    if (this.#isKept) this.#keep(reader.bytes, from, reader.pos);
    if (!isWhole) return false;
    if (this.#isWanted) this.#store();
    this.#name = "";
    this.#isWanted = true;
    this.#isKept = true;
    this.#payload.clear();
    return true;
  }

  #readOn(): boolean {
    const context = this.#context;
    const { reader } = context;
    if (this.#name === "") {
      if (!reader.readLength()) return false;
      this.#name = moduleName(reader.lengthHigh, reader.lengthLow);
      const isRefused = context.failsOnModules && !OWN_TYPES.includes(this.#name);
      this.#isWanted = context.sink.gate?.wantsType(this.#name) ?? true;
      if (isRefused && this.#isWanted) refuse(context, this.#name);
      if (!keepsBytes(this.#name) || !this.#isWanted) this.#drop();
      this.#choose(encodingVersion(reader.lengthLow));
    }
    if (this.#reading === Reading.VECTORS && !this.#readVectors()) return false;
    return this.#reading === Reading.NOTHING || this.#stream.read();
  }

  /** Decides who reads the value. */
  #choose(version: number): void {
    const isVectorSet = this.#name === VECTOR_SET_TYPE && version === 0 && this.#isWanted;
    this.#reading = isVectorSet ? Reading.VECTORS : Reading.STREAM;
    if (isVectorSet) this.#vectors.begin();
  }

  /** Reads a vector set; one of a form that is not known is passed over as the values of modules are. */
  #readVectors(): boolean {
    const vectors = this.#vectors;
    const outcome = vectors.read();
    if (vectors.isSure && this.#isKept) this.#drop();
    if (outcome === VectorOutcome.READING) return false;
    const isOver = outcome === VectorOutcome.DONE || vectors.isOver;
    this.#reading = isOver ? Reading.NOTHING : Reading.STREAM;
    if (!isOver) this.#stream.resume(vectors.tag);
    if (outcome === VectorOutcome.UNREAD) vectors.set = undefined;
    return true;
  }

  /** Gathers bytes of a value; one that grows too long is kept without its bytes. */
  #keep(bytes: Uint8Array, start: number, end: number): void {
    if (!this.#payload.add(bytes, start, end)) this.#drop();
  }

  #drop(): void {
    this.#isKept = false;
    this.#payload.clear();
  }

  #store(): void {
    this.#context.storeObject(ValueType.MODULE, Encoding.MODULE, this.#value());
    this.#vectors.set = undefined;
  }

  #value(): StoredObject {
    if (this.#vectors.set !== undefined) return this.#vectors.set;
    if (!this.#isKept) return unknownValue(this.#name);
    return new ModuleValue(this.#name, this.#payload.toBytes());
  }
}

/**
 * MODULE_AUX: passed over. Whether it stood before or after the keys is the first tagged value in
 * it.
 */
class ModuleAux implements Element {
  readonly #context: DecodeContext;
  readonly #stream: ModuleStream;
  #idIsRead: boolean = false;
  #idHigh: number = 0;
  #idLow: number = 0;

  constructor(context: DecodeContext) {
    this.#context = context;
    this.#stream = new ModuleStream(context.reader);
  }

  read(): boolean {
    const { reader, sink } = this.#context;
    if (!this.#idIsRead) {
      if (!reader.readLength()) return false;
      this.#idHigh = reader.lengthHigh;
      this.#idLow = reader.lengthLow;
      this.#idIsRead = true;
    }
    if (!this.#stream.read()) return false;
    this.#idIsRead = false;
    sink.moduleAux(moduleName(this.#idHigh, this.#idLow), encodingVersion(this.#idLow));
    return true;
  }
}

/** KEY_META: what modules attach to the next key, a stream for each class of it. Passed over. */
class KeyMeta implements Element {
  readonly #reader: ChunkReader;
  readonly #stream: ModuleStream;
  #classesLeft: number = NONE;
  #specIsRead: boolean = false;

  constructor(context: DecodeContext) {
    this.#reader = context.reader;
    this.#stream = new ModuleStream(context.reader);
  }

  read(): boolean {
    const reader = this.#reader;
    if (this.#classesLeft === NONE) {
      if (!reader.readLength()) return false;
      this.#classesLeft = reader.length;
    }
    while (this.#classesLeft > 0) {
      if (!this.#specIsRead) {
        if (!reader.readFixed(CLASS_SPEC_BYTES)) return false;
        this.#specIsRead = true;
      }
      if (!this.#stream.read()) return false;
      this.#specIsRead = false;
      this.#classesLeft--;
    }
    this.#classesLeft = NONE;
    return true;
  }
}

/** Types and opcodes that both dialects know. */
export const moduleRows: readonly ElementRow[] = [
  // Release candidates of 4.0 wrote values without tags, so nobody but the module finds their end.
  typeRow("MODULE_PRE_GA"),
  typeRow("MODULE_2", (context) => new ModuleData(context)),
  opcodeRow("MODULE_AUX", (context) => new ModuleAux(context)),
];

/** The opcode of Redis alone. */
export const redisModuleRows: readonly ElementRow[] = [
  opcodeRow("KEY_META", (context) => new KeyMeta(context)),
];
