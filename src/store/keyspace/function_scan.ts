/**
 * Finds the functions that a library's source registers, by reading it: no Lua is run here. Found is every
 * call of `register_function` whose name is a literal, be it given as arguments or in a table:
 *
 * ```lua
 * redis.register_function('name', callback)
 * redis.register_function{ function_name = 'name', callback = f, flags = { 'no-writes' } }
 * ```
 *
 * A name that is computed while the library runs is not found: such a function is missing in FUNCTION LIST
 * and its statistics, while the source is kept and passed on whole.
 *
 * @module
 */

import { latin1 } from "../../base/ascii.ts";
/** One function as FUNCTION LIST answers it; texts are latin1, one character for each byte. */
export interface LibraryFunction {
  /** Name under which FCALL would call it. */
  readonly name: string;
  /** Description given by the author, undefined when there is none. */
  readonly description: string | undefined;
  /** Flags as written, such as "no-writes"; not checked against those Redis knows. */
  readonly flags: readonly string[];
}

/** Functions listed for one library: a hostile source must not fill the memory. */
const MAX_FUNCTIONS = 10_000;

/** A token of Lua: a word, a literal string without its quotes, or one character of anything else. */
interface Token {
  readonly kind: "word" | "text" | "mark";
  readonly value: string;
}

/** Functions that `source` registers from offset `start` on, in order; the first of two with one name. */
export function scanFunctions(source: Uint8Array, start: number): LibraryFunction[] {
  const tokens = new Tokens(latin1(source, start, source.length));
  const found = new Map<string, LibraryFunction>();
  for (let token = tokens.next(); token !== undefined; token = tokens.next()) {
    if (token.kind !== "word" || token.value !== "register_function") continue;
    const made = readCall(tokens);
    if (made !== undefined && !found.has(made.name)) found.set(made.name, made);
    if (found.size >= MAX_FUNCTIONS) break;
  }
  return [...found.values()];
}

/** Reads the arguments of one call; undefined when the name is no literal. */
function readCall(tokens: Tokens): LibraryFunction | undefined {
  const first = tokens.next();
  if (isMark(first, "{")) return readTable(tokens);
  if (!isMark(first, "(")) return undefined;
  const argument = tokens.next();
  if (isMark(argument, "{")) return readTable(tokens);
  // Without a comma behind it, the literal is only the beginning of an expression.
  if (argument?.kind !== "text" || !isMark(tokens.next(), ",")) return undefined;
  return { name: argument.value, description: undefined, flags: [] };
}

/** Reads `function_name = '...', description = '...', flags = { ... }, callback = ... }` behind its brace. */
function readTable(tokens: Tokens): LibraryFunction | undefined {
  let name: string | undefined;
  let description: string | undefined;
  let flags: string[] = [];
  let depth = 1;
  let key = "";
  for (let token = tokens.next(); token !== undefined && depth > 0; token = tokens.next()) {
    if (isMark(token, "{") || isMark(token, "(")) depth++;
    else if (isMark(token, "}") || isMark(token, ")")) depth--;
    else if (depth === 1 && token.kind === "word") key = token.value;
    if (depth === 0) break;
    if (key === "" || !isMark(token, "=") || depth !== 1) continue;
    const value = tokens.next();
    if (value === undefined) return undefined;
    if (value.kind === "text" && key === "function_name") name = value.value;
    else if (value.kind === "text" && key === "description") description = value.value;
    else if (isMark(value, "{")) {
      const list = readFlags(tokens);
      if (key === "flags") flags = list;
    } else if (isMark(value, "(")) depth++;
    key = "";
  }
  return name === undefined ? undefined : { name, description, flags };
}

/** Reads the literal strings of a table up to its closing brace. */
function readFlags(tokens: Tokens): string[] {
  const flags: string[] = [];
  let depth = 1;
  for (let token = tokens.next(); token !== undefined; token = tokens.next()) {
    if (isMark(token, "{")) depth++;
    else if (isMark(token, "}") && --depth === 0) break;
    else if (token.kind === "text" && depth === 1) flags.push(token.value);
  }
  return flags;
}

/** Whether a token is this one character. */
function isMark(token: Token | undefined, mark: string): boolean {
  return token?.kind === "mark" && token.value === mark;
}

/** Splits Lua into tokens (Lua 5.1, section 2.1), passing over comments and white space. */
class Tokens {
  readonly #text: string;
  #pos: number = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** The next token, undefined at the end of the text. */
  next(): Token | undefined {
    this.#skip();
    const text = this.#text;
    if (this.#pos >= text.length) return undefined;
    const letter = text[this.#pos];
    if (letter === '"' || letter === "'") return { kind: "text", value: this.#quoted(letter) };
    const level = this.#longLevel();
    if (level >= 0) return { kind: "text", value: this.#long(level) };
    WORD.lastIndex = this.#pos;
    const word = WORD.exec(text)?.[0];
    this.#pos += word?.length ?? 1;
    return word === undefined ? { kind: "mark", value: letter } : { kind: "word", value: word };
  }

  /** Passes over white space and comments, `-- to the end of the line` and `--[[ long ones ]]`. */
  #skip(): void {
    const text = this.#text;
    for (;;) {
      SPACE.lastIndex = this.#pos;
      this.#pos += SPACE.exec(text)?.[0].length ?? 0;
      if (!text.startsWith("--", this.#pos)) return;
      this.#pos += 2;
      const level = this.#longLevel();
      if (level >= 0) {
        this.#long(level);
      } else {
        const end = text.indexOf("\n", this.#pos);
        this.#pos = end < 0 ? text.length : end;
      }
    }
  }

  /** How many equals signs the long bracket at this place has, -1 when there is none: `[==[` has 2. */
  #longLevel(): number {
    LONG.lastIndex = this.#pos;
    const bracket = LONG.exec(this.#text)?.[0];
    return bracket === undefined ? -1 : bracket.length - 2;
  }

  /** Reads the text of a long bracket; Lua drops a line break right behind its opening. */
  #long(level: number): string {
    const start = this.#pos + level + 2;
    const close = `]${"=".repeat(level)}]`;
    const end = this.#text.indexOf(close, start);
    this.#pos = end < 0 ? this.#text.length : end + close.length;
    return this.#text.slice(start, end < 0 ? undefined : end).replace(/^\r?\n/, "");
  }

  /** Reads a quoted string with Lua's escapes; it ends at the line's end at the latest. */
  #quoted(quote: string): string {
    const text = this.#text;
    let value = "";
    let pos = this.#pos + 1;
    for (; pos < text.length && text[pos] !== quote && text[pos] !== "\n"; pos++) {
      if (text[pos] !== "\\") {
        value += text[pos];
        continue;
      }
      const decimal = /^[0-9]{1,3}/.exec(text.slice(pos + 1, pos + 4))?.[0];
      if (decimal !== undefined) {
        value += String.fromCharCode(Number(decimal) & 255);
        pos += decimal.length;
      } else {
        pos++;
        value += ESCAPES[text[pos]] ?? text[pos] ?? "";
      }
    }
    this.#pos = pos + 1;
    return value;
  }
}

const WORD = /[A-Za-z_][A-Za-z0-9_]*/y;
const SPACE = /\s*/y;
const LONG = /\[=*\[/y;
const ESCAPES: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};
