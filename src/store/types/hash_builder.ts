/**
 * Builds a hash from fields that come one by one, in the form in which `hash.ts` would hold it: for
 * loading a snapshot. Fields are collected as triples; at the end they are put in order of their expiry,
 * or become pairs if none has one.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { ByteBuffer } from "../../base/byte_buffer.ts";
import { Records } from "../memory/records.ts";
import { type FieldVisitor, HashTable, isSmallTable } from "./hash_table.ts";
import {
  LISTPACK_HEADER,
  lpBegin,
  lpFind,
  lpFinish,
  lpFirst,
  lpIsEnd,
  lpMarkEnd,
} from "../packed/listpack.ts";
import { Encoding, NO_EXPIRY } from "../memory/record.ts";
import { afterField, appendTriple, eachField, expiryAt, fitsTriple } from "./hash_listpack.ts";
import type { StoreSettings } from "../memory/settings.ts";

/** Below so many fields a name is looked for in the listpack itself, from there on in a table beside it. */
const FEW = 32;
/** Bytes of memory that the buffer keeps between two hashes. */
const KEPT_BYTES = 1 << 17;

/** Builds one hash after another: `begin`, `add` for each field, `finish`. */
export class HashBuilder {
  /** After `finish` has returned undefined: the hash, in the form that `encoding` says. */
  listpack: ByteBuffer = new ByteBuffer();
  /** How many fields were added. */
  size: number = 0;
  #settings: StoreSettings | undefined = undefined;
  /** What the fields go to once they are too much for a record. */
  #large: HashTable | undefined = undefined;
  /** The names in the listpack, once there are many. */
  #seen: Records | undefined = undefined;
  /** Whether Redis would hold the hash in a table. */
  #isTable: boolean = false;
  #hasExpiries: boolean = false;

  /** Bytes of the hash that is being put together, once it is a large one. */
  get heldBytes(): number {
    return this.#large?.memoryBytes ?? 0;
  }

  /** Begins a hash, and forgets what was built before. */
  begin(settings: StoreSettings): void {
    this.#settings = settings;
    this.#large = undefined;
    this.#seen = undefined;
    this.#isTable = false;
    this.#hasExpiries = false;
    this.size = 0;
    this.listpack.shrink(KEPT_BYTES);
    lpBegin(this.listpack);
  }

  /** The encoding of the hash, as it is now. */
  get encoding(): Encoding {
    if (this.#isTable) return Encoding.HASHTABLE;
    return this.#hasExpiries ? Encoding.LISTPACK_EX : Encoding.LISTPACK;
  }

  /** Makes the hash what Redis calls a table, whatever fields come: a snapshot says so. */
  makeTable(): void {
    this.#isTable = true;
  }

  /**
   * Adds a field.
   *
   * @param expireAtMs NO_EXPIRY for never.
   * @returns False, and nothing added, when there is a field of that name.
   */
  add(
    name: Uint8Array,
    nameStart: number,
    nameEnd: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    expireAtMs: number,
  ): boolean {
    const { hashMaxListpackEntries, hashMaxListpackValue } = this.#settings!.limits;
    const tooLong = Math.max(nameEnd - nameStart, end - start) > hashMaxListpackValue;
    if (tooLong || this.size >= hashMaxListpackEntries) this.makeTable();
    if (!fitsTriple(expireAtMs) && this.#large === undefined) this.#enlarge();
    if (this.#large !== undefined) {
      if (!this.#large.set(name, nameStart, nameEnd, bytes, start, end, expireAtMs)) return false;
      this.size++;
      return true;
    }
    if (this.#isKnown(name, nameStart, nameEnd)) return false;
    appendTriple(this.listpack, name, nameStart, nameEnd, bytes, start, end, expireAtMs);
    if (expireAtMs !== NO_EXPIRY) this.#hasExpiries = true;
    this.size++;
    // Only now: this reads the listpack, which may overwrite a text that name or value was lent as.
    if (this.#isTable && !isSmallTable(this.size, this.listpack.length)) this.#enlarge();
    else if (this.size === FEW) this.#seen = this.#note();
    return true;
  }

  /** Ends the hash. Returns it if it is a large one; undefined: it is the bytes of `listpack`. */
  finish(): HashTable | undefined {
    if (this.#large !== undefined) return this.#large;
    const triples = this.listpack;
    lpMarkEnd(triples);
    const packed = new ByteBuffer(triples.length);
    lpBegin(packed);
    const stride = this.#hasExpiries || this.#isTable ? 3 : 2;
    for (const pos of this.#order()) {
      // Pairs are the triples without their ttl.
      packed.writeBytes(triples.bytes, pos, afterField(triples.bytes, pos, stride));
    }
    lpFinish(packed, 0, this.size * stride);
    assert(packed.length <= triples.length + 1, "fields are put in order, not added");
    this.listpack = packed;
    return undefined;
  }

  /** Positions of the triples: as they came, or the soonest to expire first. */
  #order(): number[] {
    const { bytes } = this.listpack;
    const positions: number[] = [];
    const ttls: number[] = [];
    for (let pos = LISTPACK_HEADER; !lpIsEnd(bytes, pos);) {
      const at = expiryAt(bytes, pos);
      ttls.push(at === NO_EXPIRY ? Infinity : at);
      positions.push(pos);
      pos = afterField(bytes, pos, 3);
    }
    if (!this.#hasExpiries) return positions;
    const order = positions.map((_, index) => index);
    // Of those that expire at the same time the last to come is first, as when they are set one by one;
    // those that never expire stay as they came.
    order.sort((a, b) => {
      if (ttls[a] !== ttls[b]) return ttls[a] - ttls[b];
      return ttls[a] === Infinity ? a - b : b - a;
    });
    return order.map((index) => positions[index]);
  }

  /** Whether there is a field of that name. From FEW fields on, the name is noted by that. */
  #isKnown(name: Uint8Array, start: number, end: number): boolean {
    const { listpack } = this;
    if (this.size < FEW) {
      lpMarkEnd(listpack);
      return lpFind(listpack.bytes, lpFirst(listpack.bytes, 0), name, start, end, 2) >= 0;
    }
    const seen = this.#seen!;
    return !seen.addKey(name, start, end);
  }

  /** A table of the names in the listpack. */
  #note(): Records {
    const seen = new Records(this.#settings!);
    this.#each((f, fs, fe) => seen.addKey(f, fs, fe));
    return seen;
  }

  /** Moves the fields to a table. */
  #enlarge(): void {
    const large = new HashTable(this.#settings!);
    this.#each((f, fs, fe, v, vs, ve, at) => large.set(f, fs, fe, v, vs, ve, at));
    this.#large = large;
    this.#seen = undefined;
  }

  #each(visit: FieldVisitor): void {
    lpMarkEnd(this.listpack);
    eachField(this.listpack.bytes, 0, 3, visit);
  }
}
