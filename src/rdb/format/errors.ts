/**
 * The one error a snapshot can end in.
 *
 * @module
 */

/** What is wrong with a snapshot. Stable: compare these, not messages. */
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

/** What the error is about, where it is about a key or a type. */
export interface RdbErrorDetails {
  /** The key in printable form, cut when long. */
  readonly key?: string;
  /** The type or opcode byte. */
  readonly type?: number;
}

/** A snapshot cannot be read or written. */
export class RdbError extends Error {
  /** Always "RdbError". */
  override readonly name: string = "RdbError";
  /** What kind of failure. */
  readonly code: RdbErrorCode;
  /** Offset from the snapshot's first byte; -1 when a snapshot is being written. */
  readonly offset: number;
  /** The key in printable form, where there is one. */
  readonly key: string | undefined;
  /** The type or opcode byte, where the error is about one. */
  readonly type: number | undefined;

  /**
   * An error at `offset`.
   *
   * @param code What kind.
   * @param message What is wrong, without the offset.
   * @param offset Where, in bytes from the snapshot's first; -1 adds nothing to the message.
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

const PRINTABLE_LIMIT = 128;

/** Bytes as Redis's logs spell them: `"user:1\x00"`, cut after 128 bytes. */
export function printableBytes(bytes: Uint8Array, start: number, end: number): string {
  const cut = Math.min(end, start + PRINTABLE_LIMIT);
  let text = '"';
  for (let i = start; i < cut; i++) text += printableByte(bytes[i]);
  return cut < end ? `${text}"... (${end - start} bytes)` : `${text}"`;
}

function printableByte(byte: number): string {
  if (byte === 0x22 || byte === 0x5c) return "\\" + String.fromCharCode(byte);
  if (byte >= 0x20 && byte < 0x7f) return String.fromCharCode(byte);
  if (byte === 0x0a) return "\\n";
  if (byte === 0x0d) return "\\r";
  if (byte === 0x09) return "\\t";
  return "\\x" + byte.toString(16).padStart(2, "0");
}
