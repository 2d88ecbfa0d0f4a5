/**
 * The one error that reading or writing a snapshot ends in, and keys as its messages spell them.
 *
 * @module
 */

/** Why a snapshot was refused. Codes are stable: compare these, not messages. */
export type RdbErrorCode =
  | "BAD_MAGIC"
  | "BAD_VERSION"
  | "CHECKSUM"
  | "CORRUPT"
  | "DUPLICATE_KEY"
  | "TOO_LARGE"
  | "TRUNCATED"
  | "UNKNOWN_OPCODE"
  | "UNKNOWN_TYPE"
  | "UNSUPPORTED_OPCODE"
  | "UNSUPPORTED_TYPE";

/** The key and the number an error concerns, each left out where there is none. */
export interface RdbErrorDetails {
  /** The key in printable form, cut after 128 bytes. */
  readonly key?: string;
  /** The value type or opcode byte, 0 to 255. */
  readonly type?: number;
}

/**
 * A snapshot or DUMP payload that cannot be read, or a value that cannot be written. Bytes from
 * outside end in this error and in no other, however broken they are.
 */
export class RdbError extends Error {
  /** Always "RdbError", in every runtime. */
  override readonly name: string = "RdbError";
  /** The kind of failure, for programs. */
  readonly code: RdbErrorCode;
  /** Bytes from the snapshot's first byte to the failure; -1 while a snapshot is written. */
  readonly offset: number;
  /** The key in printable form, undefined where the error is about none. */
  readonly key: string | undefined;
  /** The value type or opcode byte, undefined where the error is about none. */
  readonly type: number | undefined;

  /**
   * Describes a failure at `offset`.
   *
   * @param code The kind of failure.
   * @param message What is wrong, without the offset: it is appended as "at byte 42".
   * @param offset Bytes from the snapshot's first byte; -1 appends nothing to the message.
   * @param details The key and type concerned.
   */
  constructor(code: RdbErrorCode, message: string, offset: number, details: RdbErrorDetails = {}) {
    super(offset < 0 ? message : `${message} at byte ${offset}`);
    this.code = code;
    this.offset = offset;
    this.key = details.key;
    this.type = details.type;
  }
}

/** Bytes of a key that a message shows; a key may be 512 MB long. */
const PRINTABLE_LIMIT = 128;

/**
 * Bytes `[start, end)` quoted as Redis's `sdscatrepr` does: `"user:1\x00"`, cut after 128 bytes.
 */
export function printableBytes(bytes: Uint8Array, start: number, end: number): string {
  const cut = Math.min(end, start + PRINTABLE_LIMIT);
  let text = '"';
  for (let i = start; i < cut; i++) text += printableByte(bytes[i]);
  return cut < end ? `${text}"... (${end - start} bytes)` : `${text}"`;
}

/**
 * Refuses the key `[start, end)`, which its database holds already; the decoder adds the offset.
 */
export function failDuplicateKey(bytes: Uint8Array, start: number, end: number): never {
  const key = printableBytes(bytes, start, end);
  throw new RdbError("DUPLICATE_KEY", `Key ${key} comes twice`, -1, { key });
}

function printableByte(byte: number): string {
  if (byte === 0x22 || byte === 0x5c) return "\\" + String.fromCharCode(byte);
  if (byte >= 0x20 && byte < 0x7f) return String.fromCharCode(byte);
  if (byte === 0x0a) return "\\n";
  if (byte === 0x0d) return "\\r";
  if (byte === 0x09) return "\\t";
  return "\\x" + byte.toString(16).padStart(2, "0");
}
