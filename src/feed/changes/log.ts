/**
 * The log that tokens are served from: which keys were touched at which offset, as far back as its memory
 * reaches. Values are not in it: who comes back gets the latest state of each key.
 *
 * ```text
 *  floor                                                        end
 *    |  block (256 KB)   |  block            |  block        |
 *    |  offset db key, offset db key, ...    |               |
 *  everything behind the floor is here; the oldest block goes when there are too many, and the floor moves
 *
 *  entry   offset f64 | db i32 | length u32 | bytes of the key      FLUSH and SWAP are dbs -1 and -2, with text
 *
 *  Failovers keep the offsets: which earlier id covers which of them the chain of histories says.
 * ```
 *
 * @module
 */

import { latin1 } from "../../base/ascii.ts";
import { BytesRef } from "../../base/byte_buffer.ts";
import type { Commit } from "../../commands/engine/commit.ts";
import type { TouchedKeys, WholeChange } from "../../commands/engine/touched_keys.ts";
import type { HistoryChain } from "../../replication/history.ts";
import type { Token } from "../../replication/token.ts";

/** Bytes of one block. A longer key is not kept: nothing before it can be served then. */
const BLOCK_BYTES = 256 * 1024;
/** Most bytes of all blocks. */
const MAX_BYTES = 4 * 1024 * 1024;
/** Bytes of an entry before its key. */
const HEADER = 16;
const FLUSH = -1;
const SWAP = -2;

const ref = new BytesRef();

/** The last digits of a token, as text. */
const TAIL = 1000;
/** Their texts; made with the first token. */
let tails: readonly string[] | undefined = undefined;

/**
 * Writes tokens of places that follow each other. All but the last three digits are those of the token before most
 * of the time: V8 needs a tenth of a microsecond to write a large number as text.
 */
export class TokenText {
  #replid: string = "";
  #thousands: number = 0;
  #head: string = "";

  /** The token of a place; undefined where no history is followed. */
  of(replid: string, offset: number): string | undefined {
    if (replid === "") return undefined;
    const thousands = Math.floor(offset / TAIL);
    if (thousands === 0) return `${replid}:${offset}`;
    if (thousands !== this.#thousands || replid !== this.#replid) {
      this.#thousands = thousands;
      this.#replid = replid;
      this.#head = `${replid}:${thousands}`;
    }
    tails ??= Array.from({ length: TAIL }, (_, i) => String(i).padStart(3, "0"));
    return this.#head + tails[offset - thousands * TAIL];
  }
}

/** A run of entries. */
class Block {
  readonly bytes: Uint8Array = new Uint8Array(BLOCK_BYTES);
  readonly view: DataView = new DataView(this.bytes.buffer);
  length: number = 0;
  lastOffset: number = 0;
}

/** The touched keys of the latest commits. */
export class FeedLog {
  /** Says which offsets of earlier ids lead to the data that is followed. */
  readonly #chain: HistoryChain;
  #replid: string = "";
  #floor: number = 0;
  #end: number = 0;
  /** Up to here no key waited for its value at the last commit. */
  #settled: number = 0;
  /** Offset of which a token may stand before or after a commit that the stream did not make; -1 for none. */
  #doubtful: number = -1;
  #blocks: Block[] = [];
  /** The block that is written; undefined before the first one. */
  #last: Block | undefined = undefined;
  #bytes: number = 0;

  /** Holds nothing yet. @param chain Judges tokens of earlier ids. */
  constructor(chain: HistoryChain) {
    this.#chain = chain;
  }

  /** Bytes of memory that its blocks take. */
  get byteLength(): number {
    return this.#bytes;
  }

  /** Begins anew at a place: nothing before it can be served. */
  restart({ replid, offset }: Token): void {
    this.#replid = replid;
    this.#floor = offset;
    this.#end = offset;
    this.#settled = offset;
    this.#doubtful = -1;
    this.#blocks = [];
    this.#last = undefined;
    this.#bytes = 0;
  }

  /** Adds what a commit touched. */
  add(commit: Commit): void {
    this.#replid = commit.replid;
    // Keys of cluster slots that moved follow in commits of their own, at the offset of the command.
    if (commit.offset === this.#end && this.#settled === this.#end) this.#doubtful = this.#end;
    this.#end = commit.offset;
    this.#settled = commit.settled;
    if (commit.events.length > 0) this.#addEvents(commit);
    const { count } = commit;
    for (let i = 0; i < count; i++) {
      commit.keyAt(i, ref);
      this.#write(commit.offset, commit.dbAt(i), ref.bytes, ref.start, ref.end);
    }
  }

  /**
   * How a place stands to the log: `known` when everything behind it is here, `ahead` when the data has not come
   * so far yet, `unknown` when it is of another history or too old.
   *
   * @param replid Id of the history that is followed.
   */
  judge(place: Token, replid: string): "known" | "ahead" | "unknown" {
    if (place.offset === this.#doubtful) return "unknown";
    if (place.replid !== replid && !this.#chain.covers(place)) return "unknown";
    if (place.offset > this.#end) return "ahead";
    return place.offset >= this.#floor ? "known" : "unknown";
  }

  /** Adds to `keys` everything behind an offset that `judge` knows. O(bytes behind it). */
  replay(offset: number, keys: TouchedKeys): void {
    for (const block of this.#blocks) {
      if (block.lastOffset <= offset) continue;
      const { bytes, view } = block;
      for (let pos = 0; pos < block.length;) {
        const at = view.getFloat64(pos, true);
        const db = view.getInt32(pos + 8, true);
        const start = pos + HEADER;
        const end = start + view.getUint32(pos + 12, true);
        pos = end;
        if (at <= offset) continue;
        if (db >= 0) keys.add(db, bytes, start, end, "");
        else keys.addEvent(eventOf(db, latin1(bytes, start, end)));
      }
    }
  }

  /** The whole log as bytes, to be kept beside a snapshot of the data that stands where the log ends. */
  toBytes(): Uint8Array {
    const head = new TextEncoder().encode(JSON.stringify({
      replid: this.#replid,
      floor: this.#floor,
    }));
    const length = this.#blocks.reduce((sum, block) => sum + block.length, 4 + head.length);
    const bytes = new Uint8Array(length);
    new DataView(bytes.buffer).setUint32(0, head.length, true);
    bytes.set(head, 4);
    let pos = 4 + head.length;
    for (const block of this.#blocks) {
      bytes.set(block.bytes.subarray(0, block.length), pos);
      pos += block.length;
    }
    return bytes;
  }

  /**
   * Takes over what `toBytes` made. Bytes that do not fit the place are not taken over.
   *
   * @param place Where the data stands that was loaded.
   * @returns Whether they were.
   */
  restore(kept: Uint8Array, place: Token): boolean {
    this.restart(place);
    try {
      return this.#restore(kept, place);
    } catch {
      this.restart(place);
      return false;
    }
  }

  #restore(kept: Uint8Array, place: Token): boolean {
    const view = new DataView(kept.buffer, kept.byteOffset, kept.byteLength);
    const headEnd = 4 + view.getUint32(0, true);
    const head = JSON.parse(new TextDecoder().decode(kept.subarray(4, headEnd)));
    if (head.replid !== place.replid || !(head.floor >= 0 && head.floor <= place.offset)) {
      return false;
    }
    this.#floor = head.floor;
    for (let pos = headEnd, last = head.floor; pos < kept.length;) {
      const offset = view.getFloat64(pos, true);
      const db = view.getInt32(pos + 8, true);
      const start = pos + HEADER;
      const end = start + view.getUint32(pos + 12, true);
      if (end > kept.length || !(offset >= last && offset <= place.offset) || db < SWAP) {
        this.restart(place);
        return false;
      }
      this.#write(offset, db, kept, start, end);
      last = offset;
      pos = end;
    }
    return true;
  }

  #addEvents(commit: Commit): void {
    for (const event of commit.events) {
      if (event.kind === "flush") this.#addText(commit.offset, FLUSH, String(event.db));
      if (event.kind === "swap") this.#addText(commit.offset, SWAP, `${event.a} ${event.b}`);
    }
  }

  #addText(offset: number, kind: number, text: string): void {
    const bytes = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
    this.#write(offset, kind, bytes, 0, bytes.length);
  }

  #write(offset: number, db: number, bytes: Uint8Array, start: number, end: number): void {
    const size = HEADER + end - start;
    if (size > BLOCK_BYTES) return this.#forgetBefore(offset);
    let block = this.#last;
    if (block === undefined || block.length + size > BLOCK_BYTES) block = this.#addBlock();
    const { view } = block;
    const pos = block.length;
    view.setFloat64(pos, offset, true);
    view.setInt32(pos + 8, db, true);
    view.setUint32(pos + 12, end - start, true);
    const own = block.bytes;
    for (let i = start, to = pos + HEADER; i < end; i++, to++) own[to] = bytes[i];
    block.length = pos + size;
    block.lastOffset = offset;
  }

  #forgetBefore(offset: number): void {
    this.#blocks = [];
    this.#last = undefined;
    this.#bytes = 0;
    this.#floor = offset;
  }

  #addBlock(): Block {
    let block: Block;
    if (this.#bytes < MAX_BYTES) {
      block = new Block();
      this.#bytes += BLOCK_BYTES;
    } else {
      // Memory of the oldest one is written again: what is made and dropped outside the heap makes V8 collect it.
      block = this.#blocks.shift()!;
      this.#floor = block.lastOffset;
      block.length = 0;
    }
    this.#blocks.push(block);
    this.#last = block;
    return block;
  }
}

function eventOf(kind: number, text: string): WholeChange {
  if (kind === FLUSH) return { kind: "flush", db: Number(text) };
  const [a, b] = text.split(" ").map(Number);
  return { kind: "swap", a, b };
}
