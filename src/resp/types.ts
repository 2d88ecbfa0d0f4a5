/**
 * The shapes of replies, the bytes that begin and end elements on the wire, and the error for bytes
 * that are no RESP.
 *
 * ```text
 *   +OK\r\n  -ERR no\r\n  :42\r\n  ,3.5\r\n  (123\r\n  #t\r\n  _\r\n       a line each
 *   $5\r\nhello\r\n   !5\r\nerror\r\n   =9\r\ntxt:hello\r\n              a length, then bytes
 *   *2\r\n..  ~2\r\n..  >2\r\n..  %1\r\n..  |1\r\n..                     a count, then elements
 *   $?\r\n;4\r\nhell\r\n;1\r\no\r\n;0\r\n   *?\r\n..  .\r\n                RESP3, streamed
 * ```
 *
 * @module
 */

/** The first byte of every RESP2 and RESP3 element. */
export const TypeByte = {
  ARRAY: 0x2a,
  ATTRIBUTE: 0x7c,
  BIG_NUMBER: 0x28,
  BLOB_ERROR: 0x21,
  BOOLEAN: 0x23,
  BULK: 0x24,
  CHUNK: 0x3b,
  DOUBLE: 0x2c,
  END: 0x2e,
  ERROR: 0x2d,
  INTEGER: 0x3a,
  MAP: 0x25,
  NULL: 0x5f,
  PUSH: 0x3e,
  SET: 0x7e,
  SIMPLE: 0x2b,
  VERBATIM: 0x3d,
} as const;

/** Why bytes were refused: they break the protocol, or they ask for more than a limit allows. */
export type RespErrorCode = "PROTOCOL" | "LIMIT";

/**
 * Bytes that are no RESP. The message of a refused request is the wire text a Redis server answers.
 */
export class RespError extends Error {
  /** Always "RespError", in every runtime. */
  override readonly name: string = "RespError";
  /** The kind of refusal, for programs. */
  readonly code: RespErrorCode;
  /** Bytes of the stream before the element that was refused. */
  readonly offset: number;

  /**
   * Describes a refusal.
   *
   * @param code The kind of refusal.
   * @param message Why; of a request, the text after "-ERR " that a server answers.
   * @param offset Bytes of the stream before the element that was refused.
   */
  constructor(code: RespErrorCode, message: string, offset: number) {
    super(message);
    this.code = code;
    this.offset = offset;
  }
}

/** An error that a server answered. The parser returns it as a value; a client throws it. */
export class ErrorReply extends Error {
  /** Always "ErrorReply", in every runtime. */
  override readonly name: string = "ErrorReply";
  /** The first word of the message, as in "WRONGTYPE". */
  readonly code: string;

  /** Makes an error of the whole line behind its "-". */
  constructor(message: string) {
    super(message);
    const space = message.indexOf(" ");
    this.code = space < 0 ? message : message.slice(0, space);
  }
}

/** A RESP3 string that names its format. */
export class VerbatimString {
  /** Three letters: "txt" for plain text, "mkd" for Markdown. */
  readonly format: string;
  /** The text, without its format. */
  readonly bytes: Uint8Array;

  /**
   * Makes a string that keeps the bytes it is given.
   *
   * @param format Three letters.
   * @param bytes The text.
   */
  constructor(format: string, bytes: Uint8Array) {
    this.format = format;
    this.bytes = bytes;
  }

  /** The text, read as UTF-8. */
  toString(): string {
    return new TextDecoder().decode(this.bytes);
  }
}

/** A RESP3 push: a message that answers no request. */
export class Push {
  /** The kind of message ("message", "invalidate"), then what it carries. */
  readonly items: RespValue[];

  /**
   * Makes a push that keeps the list it is given.
   *
   * @param items The kind first.
   */
  constructor(items: RespValue[]) {
    this.items = items;
  }
}

/**
 * A reply: simple strings are strings, bulk strings bytes, integers and doubles numbers (bigint
 * outside +-2^53 and for big numbers), nulls of every kind null.
 */
export type RespValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | VerbatimString
  | ErrorReply
  | Push
  | RespValue[]
  | Map<RespValue, RespValue>
  | Set<RespValue>;
