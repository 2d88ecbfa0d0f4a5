/**
 * Glob patterns as KEYS, SCAN and PSUBSCRIBE understand them (`stringmatchlen` in util.c):
 *
 *     *        any bytes, also none          [a-z]   one byte of a range
 *     ?        any one byte                  [^ab]   one byte that is none of these
 *     \x       the byte x itself             [\]]    a backslash escapes inside brackets, too
 *
 * Redis tries every star by recursion, which took exponential time before 7.0.9 (CVE-2022-36021).
 * Here a mismatch goes back to the last star only, which takes one byte more: every other element
 * takes exactly one byte, so an earlier star that took more could not match what the last one does
 * not. The time is the product of the two lengths at worst, seconds for some kilobytes each: who
 * matches what a client sent does it in pieces, by {@linkcode Glob.run}.
 *
 * A class is read once, into a set of bits, one for each byte that there is: reading it anew for
 * every byte of the text would make its length a third factor.
 *
 * @module
 */

import { assert } from "./assert.ts";

const STAR = 0x2a;
const QUESTION = 0x3f;
const OPEN = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE = 0x5d;
const CARET = 0x5e;
const DASH = 0x2d;

/** Classes kept as sets of bits; beyond it only those of LONG_CLASS bytes, which the sets cost less than. */
const MOST_SETS = 4096;
/** Bytes from which a class is kept however many there are. */
const LONG_CLASS = 64;
/** Elements compared between two looks at whether the match is decided. */
const AT_ONCE = 0x3fffffff;
/**
 * Stars of one pattern that are matched, beside one at its end. Redis recurses for each and gives up beyond a
 * thousand (CVE-2024-31228): what it does not find is not found here.
 */
const MAX_STARS = 1000;
/** Words of 32 bits in a set of bytes. */
const SET_WORDS = 8;

/** A class as it is kept: which bytes match, and where the pattern goes on behind it. */
interface ByteSet {
  /** Bit `byte & 31` of word `byte >> 5` is set when the byte matches. */
  readonly words: Uint32Array;
  /** Position of the element behind the class. */
  readonly next: number;
}

/** One pattern, for any number of texts, one after the other. */
export class Glob {
  readonly #pattern: Uint8Array;
  readonly #ignoreCase: boolean;
  /** Classes by the position of their opening bracket, each kept when it is first met. */
  readonly #sets: Map<number, ByteSet> = new Map();
  /** The text that is being matched, borrowed until `run` has answered. */
  #bytes: Uint8Array;
  #end: number = 0;
  /** Where matching goes on, in the text and in the pattern. */
  #pos: number = 0;
  #patternPos: number = 0;
  /** The element behind the last star, -1 before the first, and where what that star took ends. */
  #starPos: number = -1;
  #starTook: number = 0;
  /** Stars met so far. */
  #stars: number = 0;

  /**
   * Looks at nothing yet.
   *
   * @param pattern Kept, not copied: must not change.
   * @param ignoreCase Whether ASCII letters match both cases, as in CONFIG GET.
   */
  constructor(pattern: Uint8Array, ignoreCase: boolean = false) {
    this.#pattern = pattern;
    this.#ignoreCase = ignoreCase;
    this.#bytes = pattern;
  }

  /**
   * Whether the pattern matches the whole of `bytes[start, end)`. As in Redis, an empty text matches
   * the empty pattern and `*` alone (which KEYS and SCAN take to mean everything), not `**`.
   */
  matches(bytes: Uint8Array, start: number, end: number): boolean {
    this.begin(bytes, start, end);
    for (;;) {
      const verdict = this.run(AT_ONCE);
      if (verdict !== undefined) return verdict;
    }
  }

  /** Begins with a text, which must not change until {@linkcode Glob.run} has answered. */
  begin(bytes: Uint8Array, start: number, end: number): void {
    assert(start <= end && end <= bytes.length, "a text lies within its bytes");
    this.#bytes = bytes;
    this.#pos = start;
    this.#end = end;
    this.#patternPos = 0;
    this.#starPos = -1;
    this.#stars = 0;
    this.#starTook = start;
  }

  /**
   * Goes on with the text.
   *
   * @param most Most elements of the pattern to compare with a byte, some nanoseconds each.
   * @returns Whether the pattern matches; undefined when `most` was too little to tell.
   */
  run(most: number): boolean | undefined {
    const pattern = this.#pattern;
    const bytes = this.#bytes;
    const end = this.#end;
    const patternEnd = pattern.length;
    let patternPos = this.#patternPos;
    let pos = this.#pos;
    // Redis's loop does not run at all for an empty text, so a pattern of stars is left over and does
    // not match.
    if (this.#starTook === end && this.#starPos < 0) {
      return patternEnd === 0 || (patternEnd === 1 && pattern[0] === STAR);
    }
    while (pos < end) {
      if (patternPos < patternEnd && pattern[patternPos] === STAR) {
        patternPos = skipStars(pattern, patternPos);
        if (patternPos === patternEnd) return true;
        if (++this.#stars > MAX_STARS) return false;
        this.#starPos = patternPos;
        this.#starTook = pos;
        continue;
      }
      if (--most < 0) {
        this.#patternPos = patternPos;
        this.#pos = pos;
        return undefined;
      }
      const next = patternPos < patternEnd ? this.#matchOne(patternPos, bytes[pos]) : -1;
      if (next >= 0) {
        patternPos = next;
        pos++;
      } else {
        if (this.#starPos < 0) return false;
        patternPos = this.#starPos;
        pos = ++this.#starTook;
      }
    }
    return skipStars(pattern, patternPos) === patternEnd;
  }

  /**
   * Matches the element at `pos` with one byte.
   *
   * @returns The position of the next element; -1 when the byte does not match. A backslash at the
   * very end of the pattern stands for itself.
   */
  #matchOne(pos: number, byte: number): number {
    const pattern = this.#pattern;
    const element = pattern[pos];
    if (element === QUESTION) return pos + 1;
    if (element === OPEN) return this.#matchClass(pos, byte);
    const literal = element === BACKSLASH && pos + 1 < pattern.length ? pos + 1 : pos;
    return sameByte(pattern[literal], byte, this.#ignoreCase) ? literal + 1 : -1;
  }

  /** {@linkcode Glob.#matchOne} for a class of bytes, by its bits where they are kept. */
  #matchClass(open: number, byte: number): number {
    const known = this.#sets.get(open) ?? this.#keepSet(open);
    if (known === undefined) return matchClass(this.#pattern, open + 1, byte, this.#ignoreCase);
    return (known.words[byte >>> 5] >>> (byte & 31) & 1) === 1 ? known.next : -1;
  }

  /** Reads a class into bits; undefined for one that is not worth keeping. */
  #keepSet(open: number): ByteSet | undefined {
    const next = classEnd(this.#pattern, open + 1);
    if (this.#sets.size >= MOST_SETS && next - open < LONG_CLASS) return undefined;
    const words = new Uint32Array(SET_WORDS);
    readClass(this.#pattern, open + 1, this.#ignoreCase, words);
    const set = { words, next };
    this.#sets.set(open, set);
    return set;
  }
}

/**
 * Whether `pattern` matches the whole of `bytes[start, end)`, for one text: {@linkcode Glob} is for
 * more.
 *
 * @param ignoreCase Whether ASCII letters match both cases, as in CONFIG GET.
 */
export function globMatch(
  pattern: Uint8Array,
  bytes: Uint8Array,
  start: number,
  end: number,
  ignoreCase: boolean = false,
): boolean {
  return new Glob(pattern, ignoreCase).matches(bytes, start, end);
}

/** Whether a pattern has no special byte: then it matches one text only, itself. */
export function isLiteral(pattern: Uint8Array): boolean {
  for (const byte of pattern) {
    if (byte === STAR || byte === QUESTION || byte === OPEN || byte === BACKSLASH) return false;
  }
  return true;
}

/** The position behind the stars that stand from `pos` on. */
function skipStars(pattern: Uint8Array, pos: number): number {
  while (pos < pattern.length && pattern[pos] === STAR) pos++;
  return pos;
}

/**
 * Where the pattern goes on behind a class; `start` is the position after its opening bracket. A
 * class that is not closed ends with the pattern, and "]" closes it even as its first byte: `[]a]`
 * is an empty class.
 */
function classEnd(pattern: Uint8Array, start: number): number {
  const end = pattern.length;
  let pos = start < end && pattern[start] === CARET ? start + 1 : start;
  while (pos < end && pattern[pos] !== CLOSE) {
    if (pattern[pos] === BACKSLASH && pos + 1 < end) pos++;
    else if (pos + 2 < end && pattern[pos + 1] === DASH) pos += 2;
    pos++;
  }
  return pos < end ? pos + 1 : end;
}

/** Whether a class holds a byte: the position behind it, or -1. `start` is as for `classEnd`. */
function matchClass(pattern: Uint8Array, start: number, byte: number, ignoreCase: boolean): number {
  const end = pattern.length;
  const negated = start < end && pattern[start] === CARET;
  let pos = negated ? start + 1 : start;
  let found = false;
  while (pos < end && pattern[pos] !== CLOSE) {
    if (pattern[pos] === BACKSLASH && pos + 1 < end) {
      pos++;
      if (pattern[pos] === byte) found = true;
    } else if (pos + 2 < end && pattern[pos + 1] === DASH) {
      if (inRange(pattern[pos], pattern[pos + 2], byte, ignoreCase)) found = true;
      pos += 2;
    } else if (sameByte(pattern[pos], byte, ignoreCase)) {
      found = true;
    }
    pos++;
  }
  if (found === negated) return -1;
  return pos < end ? pos + 1 : end;
}

/** Sets the bits of the bytes that match a class, as `matchClass` judges each. */
function readClass(
  pattern: Uint8Array,
  start: number,
  ignoreCase: boolean,
  words: Uint32Array,
): void {
  const end = pattern.length;
  const negated = start < end && pattern[start] === CARET;
  const add = (byte: number) => words[byte >>> 5] |= 1 << (byte & 31);
  for (let pos = negated ? start + 1 : start; pos < end && pattern[pos] !== CLOSE; pos++) {
    if (pattern[pos] === BACKSLASH && pos + 1 < end) {
      add(pattern[++pos]);
    } else if (pos + 2 < end && pattern[pos + 1] === DASH) {
      addRange(words, pattern[pos], pattern[pos + 2], ignoreCase);
      pos += 2;
    } else {
      add(pattern[pos]);
      if (ignoreCase) add(otherCase(pattern[pos]));
    }
  }
  if (negated) { for (let i = 0; i < SET_WORDS; i++) words[i] = ~words[i]; }
}

/** Sets the bits of a range's bytes; a class may have thousands of ranges, most of them seen before. */
function addRange(words: Uint32Array, a: number, b: number, ignoreCase: boolean): void {
  for (let byte = 0; byte < 256; byte++) {
    if (inRange(a, b, byte, ignoreCase)) words[byte >>> 5] |= 1 << (byte & 31);
  }
}

/** The same ASCII letter in the other case; any other byte as it is. */
function otherCase(byte: number): number {
  const isLetter = (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a);
  return isLetter ? byte ^ 0x20 : byte;
}

/**
 * Whether a byte lies in the range from `a` to `b`, given in either order; both ends are included.
 */
function inRange(a: number, b: number, byte: number, ignoreCase: boolean): boolean {
  let low = a < b ? a : b;
  let high = a < b ? b : a;
  let tested = byte;
  if (ignoreCase) {
    low = toLower(low);
    high = toLower(high);
    tested = toLower(byte);
  }
  return tested >= low && tested <= high;
}

/** Whether two bytes are equal, or are one ASCII letter in two cases where that is allowed. */
function sameByte(a: number, b: number, ignoreCase: boolean): boolean {
  return a === b || (ignoreCase && toLower(a) === toLower(b));
}

/** The byte as C's `tolower` maps it: only "A" to "Z" change. */
function toLower(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
}
