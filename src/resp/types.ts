/**
 * The shapes of replies, the type bytes on the wire, and the error for bytes that are no RESP.
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
  /** Always "RespError". */
  override readonly name: string = "RespError";
  /** What kind of refusal. */
  readonly code: RespErrorCode;
  /** Bytes of the stream before the element that was refused. */
  readonly offset: number;

  /** @param code What kind. @param message Why. @param offset Stream bytes before it. */
  constructor(code: RespErrorCode, message: string, offset: number) {
    super(message);
    this.code = code;
    this.offset = offset;
  }
}

/** An error a server answered: a value when parsed, thrown by those who call. */
export class ErrorReply extends Error {
  /** Always "ErrorReply". */
  override readonly name: string = "ErrorReply";
  /** The first word, as in "WRONGTYPE". */
  readonly code: string;

  /** Takes the whole line after its "-". */
  constructor(message: string) {
    super(message);
    const space = message.indexOf(" ");
    this.code = space < 0 ? message : message.slice(0, space);
  }
}

/** RESP3 text that says what it is. */
export class VerbatimString {
  /** Three letters: "txt", "mkd". */
  readonly format: string;
  /** The text itself. */
  readonly bytes: Uint8Array;

  /**
   * Takes both as they are.
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

/** A RESP3 push: not the answer to any request. */
export class Push {
  /** Its kind ("message", "invalidate") and what comes with it. */
  readonly items: RespValue[];

  /**
   * Takes them as they are.
   *
   * @param items Kind first.
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
