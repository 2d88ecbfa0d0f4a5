/**
 * Commands and replies as text that a person reads and no byte is lost in: what the tables under
 * `tests/golden/commands` are written in.
 *
 * A command is written as in redis-cli: words between spaces, `"a\x00\r\n"` or `'a b'` where a word holds
 * more than that. A reply by its type, bulk strings between single quotes so that JSON need not escape
 * them:
 *
 *     +OK          simple string           (nil)         null bulk, RESP2
 *     -ERR text    error                   (nil array)   null array, RESP2
 *     :5           integer                 (null)        null, RESP3
 *     'a\x00b'     bulk string             ,1.5          double
 *     ['a', :1]    array                   #t            boolean
 *     {'a': :1}    map                     (12           big number
 *     ~['a']       set                     >['a']        push
 *     =txt:'a'     verbatim string
 *
 * @module
 */

const encoder = new TextEncoder();
const LF = 10;
const QUOTE = 0x27;
const BACKSLASH = 0x5c;
const ESCAPES: Record<string, number> = { n: 10, r: 13, t: 9, a: 7, b: 8 };
const ESCAPED = new Map(Object.entries(ESCAPES).map(([letter, byte]) => [byte, `\\${letter}`]));

/**
 * The words of a command line, each as bytes, by the rules of redis-cli (`sds.c sdssplitargs`).
 *
 * @throws {SyntaxError} When a quote is not closed, or is followed by anything but a space.
 */
export function commandWords(line: string): Uint8Array[] {
  const words: Uint8Array[] = [];
  const word = /\s*(?:"((?:\\.|[^"\\])*)"|'((?:\\'|[^'])*)'|([^\s"']+))(?=\s|$)/sy;
  const text = line.trimEnd();
  while (word.lastIndex < text.length) {
    const start = word.lastIndex;
    const match = word.exec(text);
    if (match === null) throw new SyntaxError(`Unbalanced quotes at ${start}: ${line}`);
    const [, double, single, bare] = match;
    if (double !== undefined) words.push(unescapeText(double));
    else words.push(encoder.encode(single?.replaceAll("\\'", "'") ?? bare));
  }
  return words;
}

function unescapeText(text: string): Uint8Array {
  const bytes: number[] = [];
  const piece = /\\x([0-9a-f]{2})|\\(.)|([^\\]+)/gis;
  for (const [, hex, letter, plain] of text.matchAll(piece)) {
    if (hex !== undefined) bytes.push(parseInt(hex, 16));
    else if (letter !== undefined) bytes.push(ESCAPES[letter] ?? letter.charCodeAt(0));
    else bytes.push(...encoder.encode(plain));
  }
  return Uint8Array.from(bytes);
}

/**
 * One whole reply as text.
 *
 * @param sorted Elements of arrays and sets, and fields of maps, in the order of their texts: for replies
 * whose order depends on a server's hash seed.
 * @throws {Error} When the bytes are not one RESP2 or RESP3 reply.
 */
export function replyText(bytes: Uint8Array, sorted = false): string {
  const cursor = new Cursor(bytes, sorted);
  const text = cursor.read();
  if (cursor.pos !== bytes.length) throw new Error(`Bytes behind the reply at ${cursor.pos}`);
  return text;
}

/**
 * Bytes between single quotes, each that is not printable ASCII escaped as redis-cli does
 * (`sds.c sdscatrepr`).
 */
export function quotedText(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) {
    if (byte === QUOTE || byte === BACKSLASH) text += `\\${String.fromCharCode(byte)}`;
    else if (byte >= 0x20 && byte < 0x7f) text += String.fromCharCode(byte);
    else text += ESCAPED.get(byte) ?? `\\x${byte.toString(16).padStart(2, "0")}`;
  }
  return `'${text}'`;
}

class Cursor {
  readonly #bytes: Uint8Array;
  readonly #sorted: boolean;
  pos = 0;

  constructor(bytes: Uint8Array, sorted: boolean) {
    this.#bytes = bytes;
    this.#sorted = sorted;
  }

  read(): string {
    const line = this.#line();
    const type = line[0];
    const length = Number(line.slice(1));
    switch (type) {
      case "$":
        return length < 0 ? "(nil)" : quotedText(this.#take(length));
      case "*":
        return length < 0 ? "(nil array)" : this.#items(length);
      case "=": {
        const bytes = this.#take(length);
        return `=${String.fromCharCode(...bytes.subarray(0, 4))}${quotedText(bytes.subarray(4))}`;
      }
      case "~":
      case ">":
        return type + this.#items(length);
      case "%":
        return this.#fields(length);
      case "_":
        return "(null)";
      default:
        if (!"+-:,#(".includes(type)) throw new Error(`Not a reply: ${JSON.stringify(line)}`);
        return line;
    }
  }

  #items(count: number): string {
    return `[${this.#order(Array.from({ length: count }, () => this.read()))}]`;
  }

  #fields(count: number): string {
    return `{${
      this.#order(Array.from({ length: count }, () => `${this.read()}: ${this.read()}`))
    }}`;
  }

  #order(texts: string[]): string {
    return (this.#sorted ? texts.sort() : texts).join(", ");
  }

  #line(): string {
    const end = this.#bytes.indexOf(LF, this.pos) - 1;
    if (end < this.pos) throw new Error(`The reply is not whole at ${this.pos}`);
    // Errors may quote any bytes: printable ones stay as they are, the others become \xNN.
    const text = quotedText(this.#bytes.subarray(this.pos, end)).slice(1, -1);
    this.pos = end + 2;
    return text.replaceAll("\\'", "'");
  }

  #take(length: number): Uint8Array {
    const end = this.pos + length;
    if (!(end + 2 <= this.#bytes.length)) throw new Error(`The reply is not whole at ${this.pos}`);
    const bytes = this.#bytes.subarray(this.pos, end);
    this.pos = end + 2;
    return bytes;
  }
}
