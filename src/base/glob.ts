/**
 * Redis's glob patterns (`stringmatchlen`): `*`, `?`, `[a-z]`, `[^x]`, `\` before anything.
 *
 * Every element but the star takes exactly one byte, so only the last star met ever has to be tried
 * again: the time is the product of the two lengths at worst, never exponential.
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
 * Whether `pattern` fits the whole of `bytes[start, end)`. As in Redis, an empty text fits the empty
 * pattern and `*` alone (which KEYS and SCAN take to mean everything), not `**`.
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
  // Redis's own loop ends with the text, before it looks at a star.
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

/** Whether the pattern has nothing special in it: then it fits one text only, itself. */
export function isLiteral(pattern: Uint8Array): boolean {
  for (const byte of pattern) {
    if (byte === STAR || byte === QUESTION || byte === OPEN || byte === BACKSLASH) return false;
  }
  return true;
}

/** Where the pattern goes on after the element at `pos` took `byte`; -1 when it does not take it. */
function matchOne(pattern: Uint8Array, pos: number, byte: number, ignoreCase: boolean): number {
  const element = pattern[pos];
  if (element === QUESTION) return pos + 1;
  if (element === OPEN) return matchClass(pattern, pos + 1, byte, ignoreCase);
  const literal = element === BACKSLASH && pos + 1 < pattern.length ? pos + 1 : pos;
  return sameByte(pattern[literal], byte, ignoreCase) ? literal + 1 : -1;
}

/** As {@linkcode matchOne}, from after the bracket. A class that never closes ends with the pattern. */
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

function sameByte(a: number, b: number, ignoreCase: boolean): boolean {
  return a === b || (ignoreCase && toLower(a) === toLower(b));
}

function toLower(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
}
