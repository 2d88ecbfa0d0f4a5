/**
 * Values as JSON for people: errors with their code and words, bytes as text, times that are not there left out.
 *
 * @module
 */

/** Longest text of an error that is shown. */
const MAX_MESSAGE = 500;

/** Writes a value as JSON. What JSON has no form for is written as what a reader would expect. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_name, member: unknown) => {
    if (member instanceof Error) return describeError(member);
    if (member instanceof Uint8Array) return showBytes(member);
    return typeof member === "bigint" ? String(member) : member;
  });
}

/** What an error says, without its stack. */
function describeError(error: Error): object {
  const { code } = error as { readonly code?: unknown };
  return {
    name: error.name,
    ...code === undefined ? {} : { code: String(code) },
    message: error.message.slice(0, MAX_MESSAGE),
  };
}

/**
 * Bytes as text: UTF-8 where they are, and else, as redis-cli shows them, ASCII with `\xNN` for the rest. Line breaks
 * and other control characters of text are kept.
 */
export function showBytes(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    let text = "";
    for (const byte of bytes) {
      text += byte >= 0x20 && byte < 0x7f && byte !== 0x5c
        ? String.fromCharCode(byte)
        : `\\x${byte.toString(16).padStart(2, "0")}`;
    }
    return text;
  }
}

/** Bytes as base64 that can stand in a URL. */
export function toBase64Url(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** Bytes that {@linkcode toBase64Url} wrote; undefined for what it never writes. */
export function fromBase64Url(text: string): Uint8Array | undefined {
  if (!/^[A-Za-z0-9_-]*={0,2}$/.test(text)) return undefined;
  try {
    const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    return Uint8Array.from(binary, (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}
