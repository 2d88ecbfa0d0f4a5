/**
 * Bytes and Latin-1 text, a code point a byte, so that any bytes can stand in a test's text.
 *
 * @module
 */

/** Bytes of a text whose code points are all below 256. */
export function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** Bytes as Latin-1 text. */
export function textOf(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}
