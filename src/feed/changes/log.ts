/**
 * The log of all feeds: which keys were touched at which offset, as far back as its memory reaches. Tokens are
 * served from it, and consumers that merge commits read there what they have not merged yet, so that a commit is
 * written down once for all of them. Values are not in it: who comes back gets the latest state of each key.
 *
 * ```text
 *  floor                                                        end
 *    |  block (256 KB)   |  block            |  block        |
 *    |  db length offset command key, ...    |               |
 *  everything behind the floor is here; the oldest block goes when there are too many, and the floor moves
 *
 *  entry   db i32 | length i32 | offset f64 | command i32 | bytes of the key | up to 7 bytes of nothing
 *          FLUSH and SWAP are dbs -1 and -2, with text; the highest bit of `command` says that a commit begins
 *  kept    offset f64 | db i32 | length u32 | bytes of the key      beside a snapshot, without commands
 *
 *  Failovers keep the offsets: which earlier id covers which of them the chain of histories says.
 * ```
 *
 * @module
 */

import { latin1 } from "../../base/ascii.ts";
import { BytesRef } from "../../base/byte_buffer.ts";
import type { Commit, CommitPlace } from "../../commands/engine/commit.ts";
import type { TouchedKeys, WholeChange } from "../../commands/engine/touched_keys.ts";
import type { HistoryChain } from "../../replication/history.ts";
import type { Token } from "../../replication/token.ts";

/** Bytes of one block. A longer key is not kept: nothing before it can be served then. */
const BLOCK_BYTES = 256 * 1024;
/** Most bytes of all blocks. */
const MAX_BYTES = 4 * 1024 * 1024;
/** Bytes of an entry before its key. */
export const HEADER: number = 20;
/** The same where the log is kept beside a snapshot. */
const KEPT_HEADER = 16;
/** In an entry's command: the entry is the first one of its commit. */
export const BEGINS: number = 1 << 31;
/** Names of commands that are kept for the next ones. */
const MAX_COMMANDS = 1000;
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

/** A run of entries. Three views of one buffer: a DataView costs more per number. */
export class Block {
  /** Keys, and the numbers before them. */
  readonly bytes: Uint8Array = new Uint8Array(BLOCK_BYTES);
  /** The same bytes as integers. */
  readonly words: Int32Array = new Int32Array(this.bytes.buffer);
  /** The same bytes as offsets. */
  readonly floats: Float64Array = new Float64Array(this.bytes.buffer);
  /** Bytes that are written. */
  length: number = 0;
  /** Offset of its last entry. */
  lastOffset: number = 0;
  /** Address of its first byte, as {@linkcode FeedLog.end} counts. */
  base: number = 0;
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
  /** The same one as a list. */
  #written: readonly Block[] = [];
  #bytes: number = 0;
  /** Address of the key that `write` wrote last. */
  #at: number = 0;
  /** Address of the first byte of the block that will come next. */
  #nextBase: number = 0;
  /** Names of commands, by the numbers that entries have; number 0 is "" and stands for an unknown one. */
  #commands: string[] = [""];
  readonly #numbers: Map<string, number> = new Map();
  #lastCommand: string = "";
  #lastNumber: number = 0;

  /** Holds nothing yet. @param chain Judges tokens of earlier ids. */
  constructor(chain: HistoryChain) {
    this.#chain = chain;
  }

  /** Bytes of memory that its blocks take. */
  get byteLength(): number {
    return this.#bytes;
  }

  /** Address of the next entry: grows by the bytes of each, and never begins anew. */
  get end(): number {
    const last = this.#last;
    return last === undefined ? this.#nextBase : last.base + last.length;
  }

  /** Begins anew at a place: nothing before it can be served. */
  restart({ replid, offset }: Token): void {
    this.#replid = replid;
    this.#floor = offset;
    this.#end = offset;
    this.#settled = offset;
    this.#doubtful = -1;
    this.#dropBlocks();
  }

  /**
   * Adds what a commit touched.
   *
   * @returns Address of its first entry; -1 where a key is too long to be kept, and nothing before it is here.
   */
  add(commit: Commit): number {
    this.#replid = commit.replid;
    // Keys of cluster slots that moved follow in commits of their own, at the offset of the command.
    if (commit.offset === this.#end && this.#settled === this.#end) this.#doubtful = this.#end;
    this.#end = commit.offset;
    this.#settled = commit.settled;
    const { only } = commit;
    if (only !== undefined) {
      const { bytes, start, end, db, command: name } = only;
      const number = name === this.#lastCommand ? this.#lastNumber : this.#numberOf(name);
      return this.#write(commit.offset, db, number | BEGINS, bytes, start, end);
    }
    const from = this.end;
    if (commit.events.length > 0) this.#addEvents(commit);
    const { count, offset } = commit;
    let isWhole = true;
    for (let i = 0; i < count; i++) {
      commit.keyAt(i, ref);
      const name = commit.commandAt(i);
      const number = name === this.#lastCommand ? this.#lastNumber : this.#numberOf(name);
      const command = i === 0 ? number | BEGINS : number;
      const at = this.#write(offset, commit.dbAt(i), command, ref.bytes, ref.start, ref.end);
      if (at < 0) isWhole = false;
    }
    return isWhole ? from : -1;
  }

  /** Writes down the key of a commit whose place is not known yet: `settle` or `takeBack` follows. */
  write(db: number, bytes: Uint8Array, start: number, end: number, name: string): void {
    const number = name === this.#lastCommand ? this.#lastNumber : this.#numberOf(name);
    this.#at = this.#write(this.#end, db, number | BEGINS, bytes, start, end);
  }

  /** Gives the key that was written last its place. Returns its address, as `add`. */
  settle({ replid, applied, settled }: CommitPlace): number {
    this.#replid = replid;
    if (applied === this.#end && this.#settled === this.#end) this.#doubtful = this.#end;
    this.#end = applied;
    this.#settled = settled;
    const block = this.#last!;
    block.floats[((this.#at - block.base) >> 3) + 1] = applied;
    block.lastOffset = applied;
    return this.#at;
  }

  /** Takes the key back that was written last, and gives it to `to`. */
  takeBack(to: TouchedKeys): void {
    const block = this.#last!;
    const pos = this.#at - block.base;
    const start = pos + HEADER;
    const end = start + block.words[(pos >> 2) + 1];
    const command = this.#commands[block.words[(pos >> 2) + 4] & ~BEGINS];
    to.add(block.words[pos >> 2], block.bytes, start, end, command);
    block.length = pos;
  }

  /** Forgets names of commands once there are many: those of what was added before are not asked for any more. */
  forgetCommands(): void {
    if (this.#commands.length <= MAX_COMMANDS) return;
    this.#commands = [""];
    this.#numbers.clear();
    this.#lastCommand = "";
    this.#lastNumber = 0;
  }

  /** Names of commands by the numbers in entries: valid for what was added since they were forgotten. */
  get commandNames(): readonly string[] {
    return this.#commands;
  }

  /** The blocks from an address on that `add` gave. Nothing may have been dropped since. */
  blocksFrom(address: number): readonly Block[] {
    const blocks = this.#blocks;
    let first = blocks.length - 1;
    while (first > 0 && blocks[first].base > address) first--;
    return first === blocks.length - 1 ? this.#written : blocks.slice(first);
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
      const { bytes, words, floats } = block;
      for (let pos = 0; pos < block.length;) {
        const db = words[pos >> 2];
        const at = floats[(pos >> 3) + 1];
        const start = pos + HEADER;
        const end = start + words[(pos >> 2) + 1];
        pos = (end + 7) & ~7;
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
    const entries = this.#blocks.reduce((sum, block) => sum + block.length, 0);
    const bytes = new Uint8Array(4 + head.length + entries);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, head.length, true);
    bytes.set(head, 4);
    let to = 4 + head.length;
    for (const { bytes: own, words, floats, length } of this.#blocks) {
      for (let pos = 0; pos < length;) {
        const start = pos + HEADER;
        const end = start + words[(pos >> 2) + 1];
        view.setFloat64(to, floats[(pos >> 3) + 1], true);
        view.setInt32(to + 8, words[pos >> 2], true);
        view.setUint32(to + 12, end - start, true);
        bytes.set(own.subarray(start, end), to + KEPT_HEADER);
        to += KEPT_HEADER + end - start;
        pos = (end + 7) & ~7;
      }
    }
    return bytes.subarray(0, to);
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
      const start = pos + KEPT_HEADER;
      const end = start + view.getUint32(pos + 12, true);
      if (end > kept.length || !(offset >= last && offset <= place.offset) || db < SWAP) {
        this.restart(place);
        return false;
      }
      this.#write(offset, db, BEGINS, kept, start, end);
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
    this.#write(offset, kind, BEGINS, bytes, 0, bytes.length);
  }

  #numberOf(name: string): number {
    let number = name === "" ? 0 : this.#numbers.get(name);
    if (number === undefined) {
      number = this.#commands.push(name) - 1;
      this.#numbers.set(name, number);
    }
    this.#lastCommand = name;
    this.#lastNumber = number;
    return number;
  }

  /** Adds an entry. Returns its address, -1 for a key that is too long: nothing before it can be served then. */
  #write(
    offset: number,
    db: number,
    command: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): number {
    const size = (HEADER + end - start + 7) & ~7;
    let block = this.#last;
    if (block === undefined || block.length + size > BLOCK_BYTES) {
      if (size > BLOCK_BYTES) return this.#forgetBefore(offset);
      block = this.#addBlock();
    }
    const { words, bytes: own, length: pos } = block;
    const word = pos >> 2;
    words[word] = db;
    words[word + 1] = end - start;
    block.floats[(pos >> 3) + 1] = offset;
    words[word + 4] = command;
    for (let i = start, to = pos + HEADER; i < end; i++, to++) own[to] = bytes[i];
    block.length = pos + size;
    block.lastOffset = offset;
    return block.base + pos;
  }

  #forgetBefore(offset: number): number {
    this.#dropBlocks();
    this.#floor = offset;
    return -1;
  }

  #dropBlocks(): void {
    this.#nextBase = this.end;
    this.#blocks = [];
    this.#last = undefined;
    this.#written = [];
    this.#bytes = 0;
  }

  #addBlock(): Block {
    const base = this.end;
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
    block.base = base;
    this.#blocks.push(block);
    this.#last = block;
    this.#written = [block];
    return block;
  }
}

function eventOf(kind: number, text: string): WholeChange {
  if (kind === FLUSH) return { kind: "flush", db: Number(text) };
  const [a, b] = text.split(" ").map(Number);
  return { kind: "swap", a, b };
}
