/**
 * The id that a module's value begins with: who reads it, and how it is encoded.
 *
 * ```text
 *   64 bits   nine characters of 6 bits each, the name of the type, then 10 bits of encoding version
 * ```
 *
 * @module
 */

/** `module.c ModuleTypeNameCharSet`: six bits of an id are the index of a character. */
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const NAME_CHARACTERS = 9;
const CHARACTER_BITS = 6n;
const VERSION_BITS = 10n;
const VERSION_MASK = 1023;

/** The nine characters of a module id, given as two words: "test___dt". */
export function moduleName(high: number, low: number): string {
  let rest = ((BigInt(high) << 32n) | BigInt(low)) >> VERSION_BITS;
  let name = "";
  for (let i = 0; i < NAME_CHARACTERS; i++) {
    name = ALPHABET[Number(rest & 63n)] + name;
    rest >>= CHARACTER_BITS;
  }
  return name;
}

/** The encoding version of a module id, given as its low word. */
export function encodingVersion(low: number): number {
  return low & VERSION_MASK;
}

/** The id of a type of nine characters in encoding version 0, as two words. */
export function moduleId(name: string): readonly [high: number, low: number] {
  let id = 0n;
  for (const character of name) id = (id << CHARACTER_BITS) | BigInt(ALPHABET.indexOf(character));
  id <<= VERSION_BITS;
  return [Number(id >> 32n), Number(id & 0xffffffffn)];
}
