/**
 * Collects the fields of a new hash, in the form `hash.ts` would hold them.
 *
 * @module
 */

import { ByteBuffer, BytesRef } from "../../base/byte_buffer.ts";
import { Records } from "../memory/records.ts";
import { type FieldVisitor, HashTable, isSmallTable } from "./hash_table.ts";
import {
  LISTPACK_HEADER,
  lpAppendIntegerTo,
  lpAppendTo,
  lpBegin,
  lpFind,
  lpFinish,
  lpFirst,
  lpInteger,
  lpIsEnd,
  lpNext,
  lpRead,
} from "../packed/listpack.ts";
import { Encoding, NO_EXPIRY } from "../memory/record.ts";
import type { StoreSettings } from "../memory/settings.ts";

const END = 0xff;
const NO_TTL = 0;
/** Up to here a field is looked for in the listpack itself, beyond in a table beside it. */
const FEW = 32;
/** Memory that is kept between two hashes. */
const KEPT_BYTES = 1 << 17;

const field = new BytesRef();
const value = new BytesRef();

/** See the module's text. Reused: `begin` forgets what was built before. */
export class HashBuilder {
  /** The small form, once `finish` has answered that there is no large one. */
  listpack: ByteBuffer = new ByteBuffer();
  /** Fields so far. */
  size: number = 0;
  #settings: StoreSettings | undefined = undefined;
  #large: HashTable | undefined = undefined;
  #seen: Records | undefined = undefined;
  #isTable: boolean = false;
  #hasExpiries: boolean = false;

  /** Begins a hash. */
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

  /** How the hash is held once finished. */
  get encoding(): Encoding {
    if (this.#isTable) return Encoding.HASHTABLE;
    return this.#hasExpiries ? Encoding.LISTPACK_EX : Encoding.LISTPACK;
  }

  /** Makes it what Redis calls a table, whatever comes. */
  makeTable(): void {
    this.#isTable = true;
  }

  /** Adds a field, NO_EXPIRY for one that never expires; false when it was there already. */
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
    if (this.#large !== undefined) {
      if (!this.#large.set(name, nameStart, nameEnd, bytes, start, end, expireAtMs)) return false;
      this.size++;
      return true;
    }
    if (this.#isKnown(name, nameStart, nameEnd)) return false;
    lpAppendTo(this.listpack, name, nameStart, nameEnd);
    lpAppendTo(this.listpack, bytes, start, end);
    lpAppendIntegerTo(this.listpack, expireAtMs === NO_EXPIRY ? NO_TTL : expireAtMs);
    if (expireAtMs !== NO_EXPIRY) this.#hasExpiries = true;
    this.size++;
    // Last, as reading the listpack may overwrite what `name` and `bytes` are lent from.
    if (this.#isTable && !isSmallTable(this.size, this.listpack.length)) this.#enlarge();
    else if (this.size === FEW) this.#seen = this.#note();
    return true;
  }

  /** The hash when it is a large one; undefined: it is the bytes of {@linkcode listpack}. */
  finish(): HashTable | undefined {
    if (this.#large !== undefined) return this.#large;
    const triples = this.listpack;
    triples.writeByte(END);
    const packed = new ByteBuffer(triples.length);
    lpBegin(packed);
    const stride = this.#hasExpiries || this.#isTable ? 3 : 2;
    for (const pos of this.#order()) {
      const valuePos = lpNext(triples.bytes, pos);
      const ttlPos = lpNext(triples.bytes, valuePos);
      const end = stride === 3 ? lpNext(triples.bytes, ttlPos) : ttlPos;
      packed.writeBytes(triples.bytes, pos, end);
    }
    lpFinish(packed, 0, this.size * stride);
    this.listpack = packed;
    return undefined;
  }

  /** Positions of the fields: as they came, or the soonest to expire first. */
  #order(): number[] {
    const { bytes } = this.listpack;
    const positions: number[] = [];
    const ttls: number[] = [];
    for (let pos = LISTPACK_HEADER; !lpIsEnd(bytes, pos);) {
      const ttlPos = lpNext(bytes, lpNext(bytes, pos));
      ttls.push(lpInteger(bytes, ttlPos) || Infinity);
      positions.push(pos);
      pos = lpNext(bytes, ttlPos);
    }
    if (!this.#hasExpiries) return positions;
    const order = positions.map((_, index) => index);
    // Of those that expire at once the last to come is first, as one by one in `hash.ts`.
    order.sort((a, b) => {
      if (ttls[a] !== ttls[b]) return ttls[a] - ttls[b];
      return ttls[a] === Infinity ? a - b : b - a;
    });
    return order.map((index) => positions[index]);
  }

  #isKnown(name: Uint8Array, start: number, end: number): boolean {
    const { listpack } = this;
    if (this.size < FEW) {
      // The end byte is where the next field is written.
      listpack.writeByte(END);
      listpack.length--;
      return lpFind(listpack.bytes, lpFirst(listpack.bytes, 0), name, start, end, 2) >= 0;
    }
    const seen = this.#seen!;
    return !seen.addKey(name, start, end);
  }

  #note(): Records {
    const seen = new Records(this.#settings!);
    this.#each((f, fs, fe) => seen.addKey(f, fs, fe));
    return seen;
  }

  #enlarge(): void {
    const large = new HashTable(this.#settings!);
    this.#each((f, fs, fe, v, vs, ve, at) => large.set(f, fs, fe, v, vs, ve, at));
    this.#large = large;
    this.#seen = undefined;
  }

  #each(visit: FieldVisitor): void {
    this.listpack.writeByte(END);
    this.listpack.length--;
    const { bytes } = this.listpack;
    for (let pos = LISTPACK_HEADER; !lpIsEnd(bytes, pos);) {
      const valuePos = lpNext(bytes, pos);
      const ttlPos = lpNext(bytes, valuePos);
      lpRead(bytes, pos, field);
      lpRead(bytes, valuePos, value);
      const at = lpInteger(bytes, ttlPos) || NO_EXPIRY;
      visit(field.bytes, field.start, field.end, value.bytes, value.start, value.end, at);
      pos = lpNext(bytes, ttlPos);
    }
  }
}
