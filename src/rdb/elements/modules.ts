/**
 * Module data, passed over by the opcodes it is written in, or kept as it is. What it means only the
 * module knows.
 *
 * @module
 */

import { Encoding, ValueType } from "../../store/memory/record.ts";
import { ModuleValue } from "../../store/types/module.ts";
import type { DecodeContext, Element, ElementRow } from "../format/context.ts";
import { ModuleOpcode, Type } from "../format/opcodes.ts";
import type { ChunkReader } from "../format/chunk_reader.ts";
import { Payload, refuseKept } from "./kept.ts";
import { storeObject } from "./store.ts";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const NAME_CHARACTERS = 9;
const CHARACTER_BITS = 6n;
const VERSION_BITS = 10n;
const VERSION_MASK = 1023n;
const CLASS_SPEC_BYTES = 4;
/** Types whose values are kept: those that Redis itself brings. */
const KEPT_MODULES: readonly string[] = ["vectorset"];

/** The nine characters of a module id: `test___dt`. */
export function moduleName(high: number, low: number): string {
  let rest = ((BigInt(high) << 32n) | BigInt(low)) >> VERSION_BITS;
  let name = "";
  for (let i = 0; i < NAME_CHARACTERS; i++) {
    name = ALPHABET[Number(rest & 63n)] + name;
    rest >>= CHARACTER_BITS;
  }
  return name;
}

/** The encoding version in a module id. */
export function moduleEncodingVersion(low: number): number {
  return low & Number(VERSION_MASK);
}

/** Passes over a stream of tagged values up to and including its end tag. */
export class ModuleStream implements Element {
  readonly #reader: ChunkReader;
  #opcode: number = ModuleOpcode.EOF; // the tag whose payload is due; EOF: a tag is due

  /** A stream at `reader`. */
  constructor(reader: ChunkReader) {
    this.#reader = reader;
  }

  /** Reads on; false when the chunk ended first. */
  read(): boolean {
    const reader = this.#reader;
    while (true) {
      if (this.#opcode === ModuleOpcode.EOF) {
        if (!reader.readLength()) return false;
        if (reader.length === ModuleOpcode.EOF) return true;
        if (reader.length > ModuleOpcode.STRING) {
          reader.fail(`Unknown module opcode ${reader.length}`);
        }
        this.#opcode = reader.length;
      }
      if (!this.#skipPayload()) return false;
      this.#opcode = ModuleOpcode.EOF;
    }
  }

  #skipPayload(): boolean {
    const reader = this.#reader;
    switch (this.#opcode) {
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

/** MODULE_2: a value is kept as it is when Redis itself knows its type, else passed over and counted. */
export class ModuleData implements Element {
  readonly #context: DecodeContext;
  readonly #stream: ModuleStream;
  readonly #payload: Payload = new Payload();
  #name: string = ""; // "": the id is due
  #isKept: boolean = false;

  /** An element of `context`. */
  constructor(context: DecodeContext) {
    this.#context = context;
    this.#stream = new ModuleStream(context.reader);
  }

  /** Reads on; false when the chunk ended first. */
  read(): boolean {
    const { reader } = this.#context;
    const from = reader.pos;
    const isWhole = this.#readOn();
    if (this.#isKept || this.#name === "") this.#keep(reader.bytes, from, reader.pos);
    if (!isWhole) return false;
    this.#tell();
    this.#name = "";
    this.#isKept = false;
    this.#payload.clear();
    return true;
  }

  #readOn(): boolean {
    const context = this.#context;
    const { reader } = context;
    if (this.#name === "") {
      if (!reader.readLength()) return false;
      this.#name = moduleName(reader.lengthHigh, reader.lengthLow);
      this.#isKept = KEPT_MODULES.includes(this.#name);
      if (!this.#isKept) this.#payload.clear();
      if (!this.#isKept && context.failsOnModules) refuseKept(context, this.#name, Type.MODULE_2);
    }
    return this.#stream.read();
  }

  #keep(bytes: Uint8Array, start: number, end: number): void {
    if (this.#payload.add(bytes, start, end)) return;
    if (this.#context.failsOnModules) refuseKept(this.#context, this.#name, Type.MODULE_2);
    this.#isKept = false;
    this.#payload.clear();
  }

  #tell(): void {
    const context = this.#context;
    if (!this.#isKept) return context.sink.moduleValue(this.#name);
    const value = new ModuleValue(this.#name, this.#payload.toBytes());
    storeObject(context, ValueType.MODULE, Encoding.MODULE, value);
  }
}

/** MODULE_AUX: what a module keeps beside the keys. Its "when" is tagged as any other value is. */
export class ModuleAux implements Element {
  readonly #context: DecodeContext;
  readonly #stream: ModuleStream;
  #idIsRead: boolean = false;
  #idHigh: number = 0;
  #idLow: number = 0;

  /** An element of `context`. */
  constructor(context: DecodeContext) {
    this.#context = context;
    this.#stream = new ModuleStream(context.reader);
  }

  /** Reads on; false when the chunk ended first. */
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
    sink.moduleAux(moduleName(this.#idHigh, this.#idLow), moduleEncodingVersion(this.#idLow));
    return true;
  }
}

/** KEY_META (Redis 8.6): what modules attach to the next key. Passed over. */
export class KeyMeta implements Element {
  readonly #reader: ChunkReader;
  readonly #stream: ModuleStream;
  #classesLeft: number = -1; // -1: their count is due
  #specIsRead: boolean = false;

  /** An element of `context`. */
  constructor(context: DecodeContext) {
    this.#reader = context.reader;
    this.#stream = new ModuleStream(context.reader);
  }

  /** Reads on; false when the chunk ended first. */
  read(): boolean {
    const reader = this.#reader;
    if (this.#classesLeft < 0) {
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
    this.#classesLeft = -1;
    return true;
  }
}

/** Types that both dialects know. Values of release candidates of 4.0 have no tags: there is no way past. */
export const moduleRows: readonly ElementRow[] = [
  { number: Type.MODULE_PRE_GA, name: "MODULE_PRE_GA" },
  { number: Type.MODULE_2, name: "MODULE_2", create: (context) => new ModuleData(context) },
];
