/**
 * What a decoder tells its owner: one call for each thing a snapshot holds, in file order.
 *
 * @module
 */

import type { Encoding, ValueType } from "../../store/memory/record.ts";
import type { StoreSettings } from "../../store/memory/settings.ts";
import type { StoredObject } from "../../store/memory/stored_object.ts";
import type { Dialect } from "./opcodes.ts";

/**
 * Receives a snapshot. Bytes are borrowed: valid only during the call. Anything a method throws ends
 * the decoding and comes out of `push`.
 */
export interface RdbSink {
  /** Seeds and limits for the values that are made. */
  readonly settings: StoreSettings;
  /** The first call: whose numbers and which version. */
  header(dialect: Dialect, version: number): void;
  /** An auxiliary field; may come anywhere, and any number of times. */
  aux(
    name: Uint8Array,
    nameStart: number,
    nameEnd: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): void;
  /** Keys after this belong to database `index`; before the first call they belong to 0. */
  selectDb(index: number): void;
  /** How many keys the database will have, and how many of them expire: what the writer claims. */
  resizeDb(keys: number, expires: number): void;
  /** The source of a function library, `#!lua name=...` first. */
  functionLibrary(bytes: Uint8Array, start: number, end: number): void;
  /** Data that a module keeps beside the keys was passed over. */
  moduleAux(module: string, encodingVersion: number): void;
  /** A key whose value is of a module that we know nothing of was passed over. */
  moduleValue(module: string): void;
  /**
   * A string key. `expireAtMs`, `idleSeconds` (LRU) and `frequency` (LFU) are -1 where the snapshot
   * says nothing. False refuses the key because it is there already.
   */
  string(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
    expireAtMs: number,
    idleSeconds: number,
    frequency: number,
  ): boolean;
  /** As {@linkcode RdbSink.string}, for a value of another type held as one run of bytes. */
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
    idleSeconds: number,
    frequency: number,
  ): boolean;
  /** As {@linkcode RdbSink.string}, for a value in its large form, which the sink now owns. */
  object(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    type: ValueType,
    encoding: Encoding,
    value: StoredObject,
    expireAtMs: number,
    idleSeconds: number,
    frequency: number,
  ): boolean;
  /** The last call: everything came and the checksum, where there is one, is right. */
  end(): void;
}
