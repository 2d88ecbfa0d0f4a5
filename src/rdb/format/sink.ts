/**
 * What a decoder tells its owner: one call for each thing that a snapshot holds, in the snapshot's
 * order. Two sinks exist: `load.ts` fills a keyspace, `dump.ts` keeps the one value of a DUMP
 * payload.
 *
 * @module
 */

import type { SlotRange } from "../../store/keyspace/slot_ranges.ts";
import type { Encoding, ValueType } from "../../store/memory/record.ts";
import type { StoreSettings } from "../../store/memory/settings.ts";
import type { StoredObject } from "../../store/memory/stored_object.ts";
import type { Dialect } from "./opcodes.ts";

/** Which keys of a snapshot are wanted: asked before anything of a value is read. The key's bytes are borrowed. */
export interface ValueGate {
  /** Most bytes of a value that is built; Infinity for any. A longer one is told to `tooLarge` and passed over. */
  readonly maxValueBytes: number;
  /**
   * Whether the value of a key is read at all; else it is passed over.
   *
   * @param type Name of its type as TYPE tells it; undefined for a module's, of which `wantsType` is asked.
   */
  wants(bytes: Uint8Array, start: number, end: number, type: string | undefined): boolean;
  /** Whether values of this type are wanted; counts it as passed over where they are not. */
  wantsType(type: string): boolean;
  /** A value that is wanted was too large and is passed over. */
  tooLarge(bytes: Uint8Array, start: number, end: number): void;
}

/**
 * Receives a snapshot. Bytes are borrowed: they are valid only during the call. Whatever a method
 * throws ends the decoding and comes out of `push`; an `RdbError` with offset -1 gets the offset of
 * its record.
 */
export interface RdbSink {
  /** Hash seed and encoding limits for the values that the decoder builds. */
  readonly settings: StoreSettings;
  /** Which keys are wanted; all, and of any size, where it is left out. */
  readonly gate?: ValueGate | undefined;
  /** The first call: whose numbers the snapshot uses, and its version. */
  header(dialect: Dialect, version: number): void;
  /** An auxiliary field, which may come anywhere and any number of times. */
  aux(
    name: Uint8Array,
    nameStart: number,
    nameEnd: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): void;
  /** Keys after this call belong to database `index`; before the first call they belong to 0. */
  selectDb(index: number): void;
  /**
   * How many keys the database has and how many of them expire: a claim, to be bounded before use.
   */
  resizeDb(keys: number, expires: number): void;
  /** A cluster's node wrote the snapshot: what is known of a slot whose keys follow. A claim, as above. */
  slotInfo(slot: number, keys: number, expires: number): void;
  /** Valkey was importing these slots, whose keys stand among the others; `job` is the import's name. */
  slotImport(job: string, ranges: readonly SlotRange[]): void;
  /** The source of a function library, which begins with `#!lua name=...`. */
  functionLibrary(bytes: Uint8Array, start: number, end: number): void;
  /** A module's data beside the keys was passed over. */
  moduleAux(module: string, encodingVersion: number): void;
  /** A string key; `expireAtMs` is in milliseconds since 1970, -1 for a key that never expires. */
  string(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
    expireAtMs: number,
  ): void;
  /** A key of another type whose value is one run of bytes, sound in that encoding. */
  blob(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    type: ValueType,
    encoding: Encoding,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
    expireAtMs: number,
  ): void;
  /** A key whose value is in its large form, which the sink owns from now on. */
  object(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    type: ValueType,
    encoding: Encoding,
    value: StoredObject,
    expireAtMs: number,
  ): void;
  /** The last call: everything came, and the checksum, where there is one, is right. */
  end(): void;
}
