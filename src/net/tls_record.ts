/**
 * TLS met where none was expected: a server that speaks it answers a plain PING with an alert, and a client that
 * speaks it begins with a handshake (RFC 8446, section 5.1). Neither is RESP, in which no line begins so.
 *
 * ```text
 *   0x15 alert, 0x16 handshake | 0x03 | 0x00 to 0x04 | length, 2 bytes | ...
 * ```
 *
 * @module
 */

const ALERT = 0x15;
const HANDSHAKE = 0x16;
const VERSION = 0x03;

/** How a message goes on for a server that is known to speak TLS. */
export const SPEAKS_TLS: string = "it speaks TLS on this port: use rediss:// or the option tls";
/** How a message goes on for a server that ended the connection at the first command, as TLS servers do. */
export const MAY_SPEAK_TLS: string =
  "it closed the connection without a word, as a server does that speaks TLS on this port (rediss://)";

/** Whether the first bytes of a connection are those of a TLS record. */
export function isTlsRecord(chunk: Uint8Array): boolean {
  return chunk.length >= 2 && (chunk[0] === ALERT || chunk[0] === HANDSHAKE) &&
    chunk[1] === VERSION;
}
