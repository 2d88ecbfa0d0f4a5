/**
 * From bytes, cut anywhere, to commands: what a client sends and what a master's stream holds, as
 * arrays of bulk strings or inline. A push parser: it owns no socket and never waits.
 *
 * ```text
 *   chunk    ......*2 $3 GET $1 k|*3 $3 SE       a command that lies whole inside is not copied
 *   kept                          *3 $3 SE       the unfinished rest of a chunk is copied once,
 *   chunk    T $1 k $1 v|*1 $4 PING ...          and completed piece by piece from the next one
 * ```
 *
 * From the kept bytes the parser goes back to the chunk as soon as the command in them is whole: of
 * a chunk only what completes the line or argument at hand is copied.
 *
 * Between two calls the state to go on with is: where the command began (`#commandStart`), how many
 * arguments are still to come (`#left`, 0 between commands), and how long the one at hand is
 * (`#bulkLength`, -1 while its header is due). No byte is looked at twice but those of an
 * unfinished line, and there `#scannedEnd` remembers how far it was searched.
 *
 * Limits and the texts of refusals are those of `networking.c processMultibulkBuffer` and
 * `processInlineBuffer`.
 *
 * @module
 */

import { parseInteger } from "../base/ascii.ts";
import { assert } from "../base/assert.ts";
import { ByteBuffer } from "../base/byte_buffer.ts";
import { Argv } from "./argv.ts";
import { release, reserveTowards } from "./growth.ts";
import { splitInline } from "./inline.ts";
import { RespError, type RespErrorCode } from "./types.ts";

// Literals, though types.ts has them: V8 loads an imported constant anew each time, 11% of the
// speed.
const STAR = 0x2a;
const DOLLAR = 0x24;
const ZERO = 0x30;
const CR = 13;
const LF = 10;
/** server.h PROTO_INLINE_MAX_SIZE: longest inline command, and longest line of a length. */
const MAX_LINE_BYTES = 64 * 1024;
/** networking.c: what a client may send before it has authenticated. */
const UNAUTHENTICATED_ARGUMENTS = 10;
const UNAUTHENTICATED_BULK_BYTES = 16384;
/** Room for more arguments than this, needed by one command, is given back with the next. */
const KEPT_ARGUMENTS = 1024;
/** What an argument is taken to need, however short it is: its place in a list and its share of a table. */
const ARGUMENT_BYTES = 32;
/** Offsets of arguments are 32-bit, so a command is shorter than 2 GB. */
const MAX_COMMAND_BYTES = 0x7fffffff;
/** A length of up to nine digits is exact and below 2^31 in any arithmetic. */
const FAST_DIGITS = 9;
/** An argument of so many bytes that is not here yet is asked about: nobody may want it. */
const LARGE_BYTES = 64 * 1024;
/** `#readPlain` says: read this command the general way. */
const NOT_PLAIN = -1;
/** A line is not whole yet. */
const INCOMPLETE = -2;

/** How large a command may be, and in which form it may come. */
export interface CommandLimits {
  /** Longest argument in bytes; 512 MB unless told (`proto-max-bulk-len`). */
  bulkBytes: number;
  /** Most arguments of one command, its name included; 1048576 unless told. */
  argumentCount: number;
  /** Longest command on the wire in bytes; 2 GB unless told. */
  commandBytes: number;
  /** Whether lines of words are commands, too; not unless told. */
  inline: boolean;
  /** Whether the sender has shown who it is; until then 10 arguments of 16 KB each are the most. */
  authenticated: boolean;
  /** Longest command in bytes that is taken without `onLong` being asked; any unless told. */
  longBytes: number;
  /**
   * Called before more is kept of a command that is longer than `longBytes` by what is announced, with its bytes or
   * what its arguments take at least; what it throws ends the parsing.
   */
  onLong: (bytes: number) => void;
}

/** Cuts one connection's stream of requests into commands. */
export class CommandParser {
  /**
   * Bytes of the stream up to and including the last command returned, and empty lines behind it:
   * the replication offset of a replica counts these.
   */
  consumed: number = 0;
  /**
   * Asked about a large argument that is not whole yet, with those before it: true has it passed over instead of
   * being gathered. It then stands in the command as an empty one, and `passed` is set.
   */
  passesOver: ((before: Argv, length: number) => boolean) | undefined = undefined;
  readonly #limits: CommandLimits = {
    bulkBytes: 512 * 1024 * 1024,
    argumentCount: 1024 * 1024,
    commandBytes: MAX_COMMAND_BYTES,
    inline: false,
    authenticated: true,
    longBytes: Infinity,
    onLong: () => {},
  };
  readonly #argv: Argv = new Argv();
  readonly #words: ByteBuffer = new ByteBuffer();
  readonly #kept: ByteBuffer = new ByteBuffer();
  /** The bytes that are cut: a chunk, or those of `#kept`, from `#pos` to `#end`. */
  #bytes: Uint8Array;
  #pos: number = 0;
  #end: number = 0;
  /** Offset in the bytes where the command at hand begins; all before it has been returned. */
  #commandStart: number = 0;
  /** Arguments still to come; 0 between two commands. */
  #left: number = 0;
  /** Length of the argument that comes next; -1 while its header does. */
  #bulkLength: number = -1;
  /**
   * Up to this offset the line at `#pos` is known not to end: a line that comes byte by byte costs
   * no more than one that comes whole.
   */
  #scannedEnd: number = 0;
  /** Whether `#bytes` is `#kept`; else a chunk is cut where it lies. */
  #usesKept: boolean = true;
  /**
   * The chunk that was pushed, until it is cut where it lies; from `#chunkPos` on it is still
   * unread.
   */
  #chunk: Uint8Array | undefined = undefined;
  #chunkPos: number = 0;
  #error: RespError | undefined = undefined;
  /** Bytes of an argument still to come that are dropped, and those of this command that were. */
  #dropLeft: number = 0;
  #dropped: number = 0;
  /** Index of the argument that was asked about last; 0 for none, as the name of a command never is. */
  #asked: number = 0;
  /** Commands that `peek` cut; `#pos` moves over each only when `next` returns it. */
  readonly #ahead: Argv[] = [];
  #aheadCount: number = 0;
  #aheadNext: number = 0;

  /**
   * Makes a parser at the start of a stream.
   *
   * @param limits What differs from the defaults.
   */
  constructor(limits: Partial<CommandLimits> = {}) {
    this.#bytes = this.#kept.bytes;
    this.setLimits(limits);
  }

  /** Changes limits, from the next length that is read on. */
  setLimits(limits: Partial<CommandLimits>): void {
    Object.assign(this.#limits, limits);
    assert(this.#limits.commandBytes <= MAX_COMMAND_BYTES, "a command is shorter than 2 GB");
  }

  /** Bytes copied for a command that is not whole yet, or by `keep`. */
  get keptBytes(): number {
    return this.#usesKept ? this.#end - this.#commandStart : 0;
  }

  /** Bytes of memory set aside for copies: a client's query buffer, as CLIENT LIST tells it. */
  get reservedBytes(): number {
    return this.#kept.bytes.length;
  }

  /**
   * Lends the parser a chunk. Before the chunk is taken back, and before the next one is pushed,
   * call `next` until it answers undefined, or `keep`. After an error it does nothing.
   */
  push(chunk: Uint8Array): void {
    if (this.#error !== undefined) return;
    assert(this.#usesKept && this.#chunk === undefined, "the chunk before was used up or kept");
    this.#chunk = chunk;
    this.#chunkPos = 0;
  }

  /**
   * The next command, or undefined when more bytes are needed; then what was left of the chunk has
   * been copied. The command belongs to the parser: it is valid until the next call of any method.
   *
   * @throws {RespError} When the bytes are no command or break a limit; the same error from then
   *   on.
   */
  next(): Argv | undefined {
    if (this.#aheadNext < this.#aheadCount) {
      const argv = this.#ahead[this.#aheadNext++];
      this.#pos = argv.ends[argv.count - 1] + 2;
      this.#consume();
      return argv;
    }
    if (this.#error !== undefined) throw this.#error;
    for (;;) {
      if (this.#left > 0 ? this.#readArguments() : this.#readCommand()) {
        this.#consume();
        return this.#argv;
      }
      if (!this.#refill()) return undefined;
    }
  }

  /**
   * Cuts up to `most` commands ahead, of those that are short and whole, and lists the first
   * argument of each that has one: keys that a caller prefetches together in less time than each
   * alone. `next` then returns the commands as it would have.
   *
   * @param keys Filled with those arguments, as offsets into the chunk.
   * @returns How many commands were cut ahead; more may follow them.
   */
  peek(most: number, keys: Argv): number {
    this.#aheadNext = this.#aheadCount = 0;
    keys.clear();
    if (this.#error !== undefined || this.#left > 0) return 0;
    if (this.#commandStart === this.#end && !this.#refill()) return 0;
    keys.bytes = this.#bytes;
    let pos = this.#pos;
    assert(this.#left === 0, "no command is half read");
    while (this.#aheadCount < most) {
      if (this.#aheadCount === this.#ahead.length) this.#ahead.push(new Argv());
      const argv = this.#ahead[this.#aheadCount];
      pos = this.#readPlain(pos, argv);
      if (pos === NOT_PLAIN) break;
      if (argv.count > 1) keys.push(argv.starts[1], argv.ends[1]);
      this.#aheadCount++;
    }
    return this.#aheadCount;
  }

  /** Copies what is left of the chunk, for a caller that stops before `next` answers undefined. */
  keep(): void {
    this.#aheadNext = this.#aheadCount = 0;
    if (!this.#usesKept) this.#moveToKept();
    const chunk = this.#chunk;
    if (chunk === undefined) return;
    assert(
      this.#dropLeft === 0,
      "an argument is passed over to its end before a command is returned",
    );
    this.#append(chunk, this.#chunkPos, chunk.length, 0);
    this.#chunk = undefined;
  }

  /**
   * Reads from between two commands on. Empty lines and empty arrays are passed over, as Redis
   * does.
   *
   * @returns True when a command is whole; false when the bytes ran out.
   */
  #readCommand(): boolean {
    while (this.#pos < this.#end) {
      if (this.#bytes[this.#pos] === STAR) {
        const count = this.#readCount();
        if (count === INCOMPLETE) return false;
        if (count > 0) return this.#beginArguments(count);
      } else {
        const words = this.#readInline();
        if (words === INCOMPLETE) return false;
        if (words > 0) return true;
      }
      this.#consume();
    }
    return false;
  }

  /**
   * Where the command that begins at `pos` ends, if it is plain: up to nine arguments, whole,
   * within all limits. `NOT_PLAIN` says nothing about it; the general way then reads it, and
   * refuses it if need be.
   *
   * Bytes beyond `#end`, or beyond the buffer, may be compared (`undefined` equals nothing). What
   * they are does not matter, since a command is only taken when its last byte lies before `#end`.
   */
  #readPlain(pos: number, argv: Argv): number {
    const bytes = this.#bytes;
    const start = pos;
    const { authenticated, argumentCount, bulkBytes, commandBytes } = this.#limits;
    const count = bytes[pos + 1] - ZERO;
    const opens = bytes[pos] === STAR && bytes[pos + 2] === CR && bytes[pos + 3] === LF;
    if (!authenticated || !opens || !(count > 0 && count <= 9 && count <= argumentCount)) {
      return NOT_PLAIN;
    }
    argv.bytes = bytes;
    argv.count = count;
    pos += 4;
    for (let i = 0; i < count; i++) {
      let length = bytes[pos + 1] - ZERO;
      if (bytes[pos] !== DOLLAR || !(length >= 0 && length <= 9)) return NOT_PLAIN;
      let at = pos + 2;
      for (; bytes[at] !== CR; at++) {
        const digit = bytes[at] - ZERO;
        if (!(digit >= 0 && digit <= 9) || length === 0) return NOT_PLAIN;
        length = length * 10 + digit;
      }
      if (bytes[at + 1] !== LF || length > bulkBytes) return NOT_PLAIN;
      const valueEnd = at + 2 + length;
      if (bytes[valueEnd] !== CR || bytes[valueEnd + 1] !== LF) return NOT_PLAIN;
      argv.starts[i] = at + 2;
      argv.ends[i] = valueEnd;
      pos = valueEnd + 2;
    }
    return pos > this.#end || pos - start > commandBytes ? NOT_PLAIN : pos;
  }

  #beginArguments(count: number): boolean {
    const argv = this.#argv;
    argv.shrink(KEPT_ARGUMENTS);
    this.#asked = 0;
    this.#left = count;
    return this.#readArguments();
  }

  /** Reads `*N`, of which N is nearly always one digit. */
  #readCount(): number {
    const bytes = this.#bytes;
    const pos = this.#pos;
    if (pos + 3 < this.#end && bytes[pos + 2] === CR && bytes[pos + 3] === LF) {
      const digit = bytes[pos + 1] - ZERO;
      if (digit > 0 && digit <= 9 && digit <= this.#limits.argumentCount) {
        this.#pos = pos + 4;
        return digit;
      }
    }
    return this.#readLength();
  }

  /**
   * Reads arguments as far as the bytes go; true when the last one was there.
   *
   * A byte kernel: it reads a length of up to 9 digits itself, since a call for each takes a third
   * of the speed. What is not plain (a longer length, a leading zero, a limit, a wrong byte, a line
   * that is not whole) goes to `#readLength`, which decides.
   */
  #readArguments(): boolean {
    const bytes = this.#bytes;
    const end = this.#end;
    const argv = this.#argv;
    const maxFast = this.#limits.authenticated ? this.#limits.bulkBytes : 0;
    let pos = this.#pos;
    let left = this.#left;
    let length = this.#bulkLength;
    while (left > 0) {
      if (length < 0) {
        let digitPos = pos + 1;
        let value = 0;
        for (; digitPos < end; digitPos++) {
          const digit = bytes[digitPos] - ZERO;
          if (digit < 0 || digit > 9) break;
          value = value * 10 + digit;
        }
        const digits = digitPos - pos - 1;
        const plain = digitPos + 1 < end && bytes[pos] === DOLLAR && bytes[digitPos] === CR &&
          bytes[digitPos + 1] === LF && digits > 0 && digits <= FAST_DIGITS && value <= maxFast &&
          (bytes[pos + 1] !== ZERO || digits === 1);
        if (plain) {
          length = value;
          pos = digitPos + 2;
        } else {
          this.#pos = pos;
          this.#left = left;
          if (pos === end) break;
          length = this.#readLength();
          if (length === INCOMPLETE) break;
          pos = this.#pos;
        }
      }
      const valueEnd = pos + length;
      if (valueEnd + 2 > end) {
        if (length < LARGE_BYTES || !this.#drops(length)) break;
        // What is here stays where it is; the rest is dropped, and the argument is empty behind it.
        const here = Math.min(length, end - pos);
        this.#dropLeft = length - here;
        pos += here;
        length = 0;
        argv.passed = true;
        break;
      }
      if (bytes[valueEnd] !== CR || bytes[valueEnd + 1] !== LF) this.#failLineEnd();
      argv.push(pos, valueEnd);
      pos = valueEnd + 2;
      length = -1;
      left--;
    }
    argv.bytes = bytes;
    this.#pos = pos;
    this.#left = left;
    this.#bulkLength = length < 0 ? -1 : length;
    this.#checkSize(pos + (length < 0 ? 0 : length + 2));
    return left === 0;
  }

  /** Whether the argument at hand is passed over; asked once for each. */
  #drops(length: number): boolean {
    const argv = this.#argv;
    if (this.passesOver === undefined || argv.count === this.#asked) return false;
    this.#asked = argv.count;
    argv.bytes = this.#bytes;
    return this.passesOver(argv, length);
  }

  /**
   * Reads a line `*N` or `$N` and checks it against the limits; `INCOMPLETE` leaves `#pos` alone.
   */
  #readLength(): number {
    const bytes = this.#bytes;
    const pos = this.#pos;
    const isCount = this.#left === 0;
    if (!isCount && bytes[pos] !== DOLLAR) {
      const got = String.fromCharCode(bytes[pos]);
      this.#fail("PROTOCOL", `Protocol error: expected '$', got '${got}'`);
    }
    const lineEnd = this.#findLineEnd(CR);
    if (lineEnd === INCOMPLETE) return INCOMPLETE;
    if (lineEnd < 0) {
      this.#fail("LIMIT", `Protocol error: too big ${isCount ? "mbulk" : "bulk"} count string`);
    }
    if (lineEnd + 1 === this.#end) return INCOMPLETE;
    if (bytes[lineEnd + 1] !== LF) this.#failLineEnd();
    const value = parseInteger(bytes, pos + 1, lineEnd);
    if (isCount) this.#checkCount(value);
    else this.#checkBulk(value);
    this.#pos = lineEnd + 2;
    return value;
  }

  #checkCount(count: number): void {
    const { argumentCount, authenticated } = this.#limits;
    if (!authenticated && count > UNAUTHENTICATED_ARGUMENTS) {
      this.#fail("LIMIT", "Protocol error: unauthenticated multibulk length");
    }
    if (count !== count || count > argumentCount) {
      const code = count > argumentCount ? "LIMIT" : "PROTOCOL";
      this.#fail(code, "Protocol error: invalid multibulk length");
    }
    const { longBytes, onLong } = this.#limits;
    if (count * ARGUMENT_BYTES > longBytes) onLong(count * ARGUMENT_BYTES);
  }

  #checkBulk(length: number): void {
    const { bulkBytes, authenticated } = this.#limits;
    if (length !== length || length < 0 || length > bulkBytes) {
      const code = length > bulkBytes ? "LIMIT" : "PROTOCOL";
      this.#fail(code, "Protocol error: invalid bulk length");
    }
    if (!authenticated && length > UNAUTHENTICATED_BULK_BYTES) {
      this.#fail("LIMIT", "Protocol error: unauthenticated bulk length");
    }
  }

  /** Refuses a command that reaches from its beginning to `end`, when that is too long. */
  #checkSize(end: number): void {
    const bytes = end - this.#commandStart;
    if (bytes > this.#limits.longBytes) this.#limits.onLong(bytes);
    if (bytes <= this.#limits.commandBytes) return;
    this.#fail("LIMIT", `Protocol error: command longer than ${this.#limits.commandBytes} bytes`);
  }

  /**
   * Reads a line of words: how many there are, 0 for an empty line, `INCOMPLETE` before its end.
   */
  #readInline(): number {
    const start = this.#pos;
    if (!this.#limits.inline && !this.#mayBeEmptyLine(start)) {
      const got = String.fromCharCode(this.#bytes[start]);
      this.#fail("PROTOCOL", `Protocol error: expected '*', got '${got}'`);
    }
    const lineEnd = this.#findLineEnd(LF);
    if (lineEnd === INCOMPLETE) return INCOMPLETE;
    if (lineEnd < 0) this.#fail("LIMIT", "Protocol error: too big inline request");
    const argv = this.#argv;
    argv.clear();
    this.#words.clear();
    const hasCr = lineEnd > start && this.#bytes[lineEnd - 1] === CR;
    if (!splitInline(this.#bytes, start, hasCr ? lineEnd - 1 : lineEnd, this.#words, argv)) {
      this.#fail("PROTOCOL", "Protocol error: unbalanced quotes in request");
    }
    argv.bytes = this.#words.bytes;
    this.#pos = lineEnd + 1;
    return argv.count;
  }

  /** A master's keepalives between the commands of its stream are bare line feeds. */
  #mayBeEmptyLine(pos: number): boolean {
    const bytes = this.#bytes;
    if (bytes[pos] === LF) return true;
    return bytes[pos] === CR && (pos + 1 === this.#end || bytes[pos + 1] === LF);
  }

  /**
   * Offset of `byte`; `INCOMPLETE` while it may still come, -1 once the line is too long for it.
   */
  #findLineEnd(byte: number): number {
    const bytes = this.#bytes;
    const start = this.#pos;
    const limit = Math.min(this.#end, start + MAX_LINE_BYTES);
    for (let pos = Math.max(start, this.#scannedEnd); pos < limit; pos++) {
      if (bytes[pos] === byte) return pos;
    }
    this.#scannedEnd = limit;
    return limit - start === MAX_LINE_BYTES ? -1 : INCOMPLETE;
  }

  /** Finds more bytes when those at hand ran out; false when there are none. */
  #refill(): boolean {
    if (!this.#usesKept) {
      this.#moveToKept();
      return false;
    }
    const chunk = this.#chunk;
    if (chunk === undefined || this.#chunkPos === chunk.length) {
      this.#chunk = undefined;
      return false;
    }
    if (this.#commandStart === this.#end) {
      this.#adopt(chunk, this.#chunkPos);
      return true;
    }
    if (this.#dropLeft > 0 && !this.#drop(chunk)) return false;
    const take = this.#takeLength(chunk);
    const full = this.#bulkLength < 0 ? 0 : this.#pos + this.#bulkLength + 2;
    this.#append(chunk, this.#chunkPos, this.#chunkPos + take, full);
    this.#chunkPos += take;
    return true;
  }

  /** Drops what the chunk has of an argument that is passed over; false where that was all of the chunk. */
  #drop(chunk: Uint8Array): boolean {
    const count = Math.min(this.#dropLeft, chunk.length - this.#chunkPos);
    this.#dropLeft -= count;
    this.#dropped += count;
    this.#chunkPos += count;
    if (this.#chunkPos < chunk.length) return true;
    this.#chunk = undefined;
    return false;
  }

  /** How much of the chunk completes the line or argument at hand; the rest need not be copied. */
  #takeLength(chunk: Uint8Array): number {
    const available = chunk.length - this.#chunkPos;
    if (this.#left > 0 && this.#bulkLength >= 0) {
      return Math.min(available, this.#pos + this.#bulkLength + 2 - this.#end);
    }
    const lineEnd = chunk.indexOf(LF, this.#chunkPos);
    return lineEnd < 0 ? available : lineEnd + 1 - this.#chunkPos;
  }

  /**
   * Goes over to cutting the rest of a chunk where it lies, since no kept byte is left to be cut.
   */
  #adopt(chunk: Uint8Array, start: number): void {
    assert(this.#left === 0, "a chunk is cut where it lies from the start of a command on");
    release(this.#kept);
    this.#chunk = undefined;
    this.#usesKept = false;
    this.#bytes = chunk;
    this.#pos = this.#commandStart = this.#scannedEnd = start;
    this.#end = chunk.length;
  }

  /** Copies the unfinished rest of the chunk, which is about to be taken back. */
  #moveToKept(): void {
    const kept = this.#kept;
    assert(kept.length === 0, "nothing is kept while a chunk is cut where it lies");
    kept.writeBytes(this.#bytes, this.#commandStart, this.#end);
    this.#rebase(this.#commandStart);
    this.#usesKept = true;
    this.#useKept();
  }

  /**
   * Appends bytes `[start, end)` of the chunk to those kept. Where there is no room for them, bytes
   * of commands that were returned are dropped first.
   *
   * @param full Offset where the argument at hand will end, 0 while that is not known.
   */
  #append(chunk: Uint8Array, start: number, end: number, full: number): void {
    const kept = this.#kept;
    const count = end - start;
    let shift = 0;
    if (this.#commandStart > 0 && kept.length + count > kept.bytes.length) {
      shift = this.#commandStart;
      kept.discard(shift);
      this.#rebase(shift);
    }
    reserveTowards(kept, count, Math.max(0, full - shift));
    kept.writeBytes(chunk, start, end);
    this.#useKept();
  }

  #useKept(): void {
    this.#bytes = this.#kept.bytes;
    this.#end = this.#kept.length;
    this.#argv.bytes = this.#bytes;
  }

  /** Moves every offset down by `shift`, after that many bytes were dropped from the front. */
  #rebase(shift: number): void {
    const argv = this.#argv;
    if (shift > 0 && this.#left > 0) {
      for (let i = 0; i < argv.count; i++) {
        argv.starts[i] -= shift;
        argv.ends[i] -= shift;
      }
    }
    assert(shift <= this.#commandStart, "no byte of the command at hand is dropped");
    this.#pos -= shift;
    this.#commandStart -= shift;
    this.#scannedEnd -= shift;
  }

  /** Counts everything up to `#pos` as returned. */
  #consume(): void {
    this.consumed += this.#pos - this.#commandStart + this.#dropped;
    this.#dropped = 0;
    this.#commandStart = this.#pos;
  }

  #failLineEnd(): never {
    this.#fail("PROTOCOL", "Protocol error: invalid CRLF in request");
  }

  #fail(code: RespErrorCode, message: string): never {
    const offset = this.consumed + this.#pos - this.#commandStart + this.#dropped;
    this.#error = new RespError(code, message, offset);
    throw this.#error;
  }
}
