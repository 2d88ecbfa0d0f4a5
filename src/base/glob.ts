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
 * not. The time is the product of the two lengths at worst.
 *
 * @module
 */

const STAR = 0x2a;
const QUESTION = 0x3f;
const OPEN = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE = 0x5d;
const CARET = 0x5e;
const DASH = 0x2d;

/**
 * Whether `pattern` matches the whole of `bytes[start, end)`. As in Redis, an empty text matches
 * the empty pattern and `*` alone (which KEYS and SCAN take to mean everything), not `**`.
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
  const patternEnd = pattern.length;
  let patternPos = 0;
  let pos = start;
  let starPos = -1;
  let starTook = start;
  // Redis's loop does not run at all for an empty text, so a pattern of stars is left over and does
  // not match.
  if (start === end) return patternEnd === 0 || (patternEnd === 1 && pattern[0] === STAR);
  while (pos < end) {
    if (patternPos < patternEnd && pattern[patternPos] === STAR) {
      while (patternPos < patternEnd && pattern[patternPos] === STAR) patternPos++;
      if (patternPos === patternEnd) return true;
      starPos = patternPos;
      starTook = pos;
      continue;
    }
    const next = patternPos < patternEnd
      ? matchOne(pattern, patternPos, bytes[pos], ignoreCase)
      : -1;
    if (next >= 0) {
      patternPos = next;
      pos++;
    } else {
      if (starPos < 0) return false;
      patternPos = starPos;
      pos = ++starTook;
    }
  }
  while (patternPos < patternEnd && pattern[patternPos] === STAR) patternPos++;
  return patternPos === patternEnd;
}

/** Whether a pattern has no special byte: then it matches one text only, itself. */
export function isLiteral(pattern: Uint8Array): boolean {
  for (const byte of pattern) {
    if (byte === STAR || byte === QUESTION || byte === OPEN || byte === BACKSLASH) return false;
  }
  return true;
}

/**
 * Matches the element at `pos` with one byte.
 *
 * @returns The position of the next element; -1 when the byte does not match. A backslash at the
 * very end of the pattern stands for itself.
 */
function matchOne(pattern: Uint8Array, pos: number, byte: number, ignoreCase: boolean): number {
  const element = pattern[pos];
  if (element === QUESTION) return pos + 1;
  if (element === OPEN) return matchClass(pattern, pos + 1, byte, ignoreCase);
  const literal = element === BACKSLASH && pos + 1 < pattern.length ? pos + 1 : pos;
  return sameByte(pattern[literal], byte, ignoreCase) ? literal + 1 : -1;
}

/**
 * {@linkcode matchOne} for a class of bytes; `start` is the position after its opening bracket. A
 * class that is not closed ends with the pattern, and "]" closes it even as its first byte: `[]a]`
 * is an empty class.
 */
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
