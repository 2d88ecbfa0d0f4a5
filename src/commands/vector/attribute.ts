/**
 * What a filter reads of an attribute: one field of the outermost object of a JSON text, as `fastjson.c` finds
 * it. That is less than JSON: a name is compared as it is written, `\u` is no escape, and a value that holds an
 * object is as good as missing.
 *
 * @module
 */

import { toNumber } from "./number.ts";

/** A value that a filter computes with; text has one code point for each byte. */
export type FilterValue = number | string | null | readonly FilterValue[];

/** Longest text of a number. */
const MAX_NUMBER_BYTES = 255;
/** Arrays in arrays deeper than this are as good as missing. */
const MAX_DEPTH = 128;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

/** What the escapes of one letter stand for; any other letter stands for itself. */
const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t" };

const LITERALS: readonly (readonly [text: string, value: number | null])[] = [
  ["true", 1],
  ["false", 0],
  ["null", null],
];

/**
 * The value of a field.
 *
 * @param field The name as bytes.
 * @returns Undefined when the text has no such field, is no object up to it, or the value is none that a filter
 * can compute with.
 */
export function readField(
  bytes: Uint8Array,
  start: number,
  end: number,
  field: Uint8Array,
): FilterValue | undefined {
  const cursor = new JsonCursor(bytes, start, end);
  return cursor.seek(field) ? cursor.value(0) : undefined;
}

/** A place in a JSON text. */
class JsonCursor {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #pos: number;

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes;
    this.#pos = start;
    this.#end = end;
  }

  /** Goes to the value of a field of the object that begins here; false when there is none. */
  seek(field: Uint8Array): boolean {
    if (this.#skipSpace() !== OPEN_BRACE) return false;
    this.#pos++;
    while (true) {
      if (this.#skipSpace() !== QUOTE) return false;
      const from = this.#pos + 1;
      if (!this.#skipString()) return false;
      const isIt = this.#isField(field, from, this.#pos - 1);
      if (this.#skipSpace() !== COLON) return false;
      this.#pos++;
      if (this.#skipSpace() === -1) return false;
      if (isIt) return true;
      if (!this.#skipValue() || this.#skipSpace() !== COMMA) return false;
      this.#pos++;
    }
  }

  /** Reads the value here; undefined when a filter cannot compute with it. */
  value(depth: number): FilterValue | undefined {
    const first = this.#skipSpace();
    if (first === QUOTE) return this.#string();
    if (first === OPEN_BRACKET) return depth < MAX_DEPTH ? this.#array(depth) : undefined;
    for (const [text, value] of LITERALS) {
      if (first === text.charCodeAt(0)) return this.#literal(text) ? value : undefined;
    }
    return this.#number(first);
  }

  /** Passes over white space. Returns the byte behind it, -1 at the end. */
  #skipSpace(): number {
    while (this.#pos < this.#end && isSpace(this.#bytes[this.#pos])) this.#pos++;
    return this.#pos < this.#end ? this.#bytes[this.#pos] : -1;
  }

  #isField(field: Uint8Array, start: number, end: number): boolean {
    if (field.length !== end - start) return false;
    for (let i = 0; i < field.length; i++) if (field[i] !== this.#bytes[start + i]) return false;
    return true;
  }

  /** Passes over a string; false when it has no end. */
  #skipString(): boolean {
    const bytes = this.#bytes;
    this.#pos++;
    while (this.#pos < this.#end) {
      const byte = bytes[this.#pos];
      this.#pos += byte === BACKSLASH ? 2 : 1;
      if (byte === QUOTE) return true;
    }
    return false;
  }

  #skipValue(): boolean {
    const first = this.#bytes[this.#pos];
    if (first === QUOTE) return this.#skipString();
    if (first === OPEN_BRACE) return this.#skipBracketed(OPEN_BRACE, CLOSE_BRACE);
    if (first === OPEN_BRACKET) return this.#skipBracketed(OPEN_BRACKET, CLOSE_BRACKET);
    for (const [text] of LITERALS) {
      if (first !== text.charCodeAt(0)) continue;
      if (!this.#startsWith(text)) return false;
      this.#pos += text.length;
      return true;
    }
    const from = this.#pos;
    while (this.#pos < this.#end && isOfNumber(this.#bytes[this.#pos])) this.#pos++;
    return this.#pos > from;
  }

  /** Passes over an array or object; brackets of the other kind are not looked at. */
  #skipBracketed(opener: number, closer: number): boolean {
    let depth = 1;
    this.#pos++;
    while (this.#pos < this.#end && depth > 0) {
      const byte = this.#bytes[this.#pos];
      if (byte === QUOTE) {
        if (!this.#skipString()) return false;
        continue;
      }
      if (byte === opener) depth++;
      else if (byte === closer) depth--;
      this.#pos++;
    }
    return depth === 0;
  }

  #startsWith(text: string): boolean {
    if (this.#pos + text.length > this.#end) return false;
    for (let i = 0; i < text.length; i++) {
      if (this.#bytes[this.#pos + i] !== text.charCodeAt(i)) return false;
    }
    return true;
  }

  #string(): string | undefined {
    const bytes = this.#bytes;
    let text = "";
    for (let i = this.#pos + 1; i < this.#end; i++) {
      if (bytes[i] === QUOTE) {
        this.#pos = i + 1;
        return text;
      }
      const isEscaped = bytes[i] === BACKSLASH;
      if (isEscaped && ++i >= this.#end) return undefined;
      const letter = String.fromCharCode(bytes[i]);
      text += isEscaped ? ESCAPES[letter] ?? letter : letter;
    }
    return undefined;
  }

  #array(depth: number): FilterValue[] | undefined {
    const values: FilterValue[] = [];
    this.#pos++;
    if (this.#skipSpace() === CLOSE_BRACKET) {
      this.#pos++;
      return values;
    }
    while (true) {
      const value = this.value(depth + 1);
      if (value === undefined) return undefined;
      values.push(value);
      const next = this.#skipSpace();
      this.#pos++;
      if (next === CLOSE_BRACKET) return values;
      if (next !== COMMA) return undefined;
    }
  }

  /** Reads a literal, which must not go on as a word. */
  #literal(text: string): boolean {
    if (!this.#startsWith(text)) return false;
    this.#pos += text.length;
    if (this.#pos === this.#end) return true;
    const next = this.#bytes[this.#pos];
    return isSpace(next) || next === COMMA || next === CLOSE_BRACKET || next === CLOSE_BRACE;
  }

  #number(first: number): number | undefined {
    if (!(first >= 0x30 && first <= 0x39) && first !== 0x2b && first !== 0x2d) return undefined;
    const most = Math.min(this.#end, this.#pos + MAX_NUMBER_BYTES);
    let text = "";
    while (this.#pos < most && isOfNumber(this.#bytes[this.#pos])) {
      text += String.fromCharCode(this.#bytes[this.#pos++]);
    }
    return toNumber(text);
  }
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}

/** Whether a byte may stand in a number: a digit, a sign, a point, an exponent's letter. */
function isOfNumber(byte: number): boolean {
  if (byte >= 0x30 && byte <= 0x39) return true;
  return byte === 0x2d || byte === 0x2b || byte === 0x2e || byte === 0x65 || byte === 0x45;
}
