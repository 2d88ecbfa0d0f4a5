/**
 * Just enough RESP to talk to a real server: commands out, replies in. Kept apart from `src/resp` on
 * purpose: what checks the parser must not be the parser.
 *
 * @module
 */

import { latin1 } from "../../src/base/ascii.ts";

/** An error reply: a value, not thrown. */
export class ErrorValue {
  /** The whole line, as in "WRONGTYPE Operation against...". */
  readonly message: string;
  constructor(message: string) {
    this.message = message;
  }
}

/** A reply. Bulk strings are bytes, simple strings are text, pushes are arrays. */
export type Reply =
  | string
  | Uint8Array
  | number
  | bigint
  | boolean
  | null
  | ErrorValue
  | Reply[]
  | Map<Reply, Reply>;

/** Elements of one reply at most. A faulty server may announce more, and nobody would wait for them. */
const MAX_COUNT = 2 ** 31 - 1;
const utf8 = new TextDecoder();
const encoder = new TextEncoder();

/** The bytes of one command. */
export function encodeCommand(args: readonly (string | number | Uint8Array)[]): Uint8Array {
  const parts = args.map((arg) => arg instanceof Uint8Array ? arg : encoder.encode(String(arg)));
  const heads = parts.map((part) => encoder.encode(`$${part.length}\r\n`));
  const first = encoder.encode(`*${parts.length}\r\n`);
  const total = parts.reduce(
    (sum, part, i) => sum + heads[i].length + part.length + 2,
    first.length,
  );
  const bytes = new Uint8Array(total);
  bytes.set(first);
  let pos = first.length;
  for (let i = 0; i < parts.length; i++) {
    bytes.set(heads[i], pos);
    bytes.set(parts[i], pos + heads[i].length);
    pos += heads[i].length + parts[i].length;
    bytes[pos++] = 13;
    bytes[pos++] = 10;
  }
  return bytes;
}

/** Thrown inside when a reply is not whole yet. */
const INCOMPLETE = Symbol("incomplete");

/** Reads one reply at `start`: its value and where it ends, or undefined when it is not whole yet. */
export function readReply(
  bytes: Uint8Array,
  start: number,
  end: number,
): { value: Reply; end: number } | undefined {
  const cursor = new Cursor(bytes, start, end);
  try {
    const value = cursor.read();
    return { value, end: cursor.pos };
  } catch (reason) {
    if (reason === INCOMPLETE) return undefined;
    throw reason;
  }
}

/** The reply in text, for messages and comparisons: bulk strings become strings. */
export function plain(reply: Reply): unknown {
  if (reply instanceof Uint8Array) return utf8.decode(reply);
  if (reply instanceof ErrorValue) return `(error) ${reply.message}`;
  if (Array.isArray(reply)) return reply.map(plain);
  if (reply instanceof Map) {
    return new Map([...reply].map(([key, item]) => [plain(key), plain(item)]));
  }
  return reply;
}

/** A reply of theirs, or what our own calls answer, in a form that can be compared; each byte is a character. */
export function shown(reply: unknown): string {
  if (reply instanceof Uint8Array) return latin1(reply);
  if (reply instanceof ErrorValue) return `-${reply.message}`;
  if (reply instanceof Map) return shown([...reply].flat());
  if (Array.isArray(reply)) return `[${reply.map(shown).join(" ")}]`;
  return typeof reply === "object" && reply !== null
    ? shown(Object.entries(reply).flat())
    : String(reply);
}

class Cursor {
  readonly bytes: Uint8Array;
  readonly end: number;
  pos: number;

  constructor(bytes: Uint8Array, pos: number, end: number) {
    this.bytes = bytes;
    this.pos = pos;
    this.end = end;
  }

  read(): Reply {
    const line = this.#line();
    const rest = line.slice(1);
    switch (line[0]) {
      case "+":
      case ",":
        return line[0] === "," ? Number(rest.replace("inf", "Infinity")) : rest;
      case "-":
        return new ErrorValue(rest);
      case ":":
        return Number.isSafeInteger(Number(rest)) ? Number(rest) : BigInt(rest);
      case "(":
        return BigInt(rest);
      case "#":
        return rest === "t";
      case "_":
        return null;
      case "$":
      case "=":
      case "!":
        return this.#bulk(line[0], Number(rest));
      default:
        return this.#aggregate(line[0], Number(rest));
    }
  }

  #bulk(type: string, length: number): Reply {
    if (length < 0) return null;
    if (this.pos + length + 2 > this.end) throw INCOMPLETE;
    const bytes = this.bytes.slice(this.pos, this.pos + length);
    this.pos += length + 2;
    return type === "!" ? new ErrorValue(utf8.decode(bytes)) : bytes;
  }

  #aggregate(type: string, count: number): Reply {
    if (!"*~>%|".includes(type) || !Number.isInteger(count) || count > MAX_COUNT) {
      throw new Error(`Not a reply: ${JSON.stringify(type)} with ${count} elements at ${this.pos}`);
    }
    if (count < 0) return null;
    if (type === "%" || type === "|") {
      const map = new Map<Reply, Reply>();
      for (let i = 0; i < count; i++) map.set(this.read(), this.read());
      return type === "|" ? this.read() : map;
    }
    const items: Reply[] = [];
    for (let i = 0; i < count; i++) items.push(this.read());
    return items;
  }

  #line(): string {
    const at = this.bytes.indexOf(10, this.pos);
    if (at < 0 || at >= this.end) throw INCOMPLETE;
    const line = utf8.decode(this.bytes.subarray(this.pos, at - 1));
    this.pos = at + 1;
    return line;
  }
}
