/**
 * Hot texts: strings that are read again and again are kept decoded, a few thousand of them, valid until the
 * next write to their database. Making a JavaScript string of 200 bytes costs more than finding the key.
 *
 * ```text
 *  slot          key          text           changes    expireAtMs
 *  0             "user:1"     "{...}"        1207       Infinity     valid while the database counts 1207
 *  1             "user:9"     ""             -1         0            asked for once: kept the second time
 *  ...
 *  4095
 * ```
 *
 * One key a slot, found by a hash of the key's last eight characters, where keys differ most. The database
 * counts its changes, so that one comparison tells whether any write has happened since.
 *
 * @module
 */

/** Number of slots, a power of two. With texts of at most MAX_TEXT they hold a few megabytes at worst. */
const SLOTS = 4096;
/** Longer texts are not kept: they would hold much memory, for keys that are few. */
const MAX_TEXT = 512;
/** Longer keys are not looked for: comparing them would cost as much as it saves. */
const MAX_KEY = 64;
/** After so many misses in a row only one read in {@linkcode SAMPLE} is looked for: random reads pay next to nothing. */
const PATIENCE = 256;
/** A power of two: at 8 reads of random keys took a quarter longer than without hot texts. */
const SAMPLE = 64;

/** What the slots take, and a text and its key beside their characters. */
const EMPTY_BYTES: number = SLOTS * 32;
const TEXT_BYTES = 48;

/** The hot texts of one database. A key that hashes to a taken slot replaces the one there. */
export class HotTexts<T extends { readonly length: number }> {
  #keys: string[] = [];
  #texts: (T | undefined)[] = [];
  #changes: Float64Array = new Float64Array(0);
  #expireAtMs: Float64Array = new Float64Array(0);
  #slot: number = -1;
  #misses: number = 0;
  #textBytes: number = 0;

  /** About what is held: a byte a character, and what the slots take. */
  get bytes(): number {
    return this.#changes.length === 0 ? 0 : EMPTY_BYTES + this.#textBytes;
  }

  /** Forgets every text, and gives the slots back. */
  clear(): void {
    this.#keys = [];
    this.#texts = [];
    this.#changes = new Float64Array(0);
    this.#expireAtMs = new Float64Array(0);
    this.#textBytes = 0;
  }

  /** Counts a read, and says whether its key is worth looking for. */
  awaits(): boolean {
    const misses = ++this.#misses;
    return misses <= PATIENCE || (misses & (SAMPLE - 1)) === 0;
  }

  /**
   * The text of a key, or undefined when it is not kept or no longer valid.
   *
   * @param changes How many changes the database counts now.
   */
  find(key: string, changes: number): T | undefined {
    const slot = slotOf(key);
    this.#slot = slot;
    if (slot < 0 || this.#changes[slot] !== changes || this.#keys[slot] !== key) return undefined;
    this.#misses = 0;
    return this.#texts[slot];
  }

  /** When the key that `find` just found expires, milliseconds since 1970; Infinity for never. */
  get expireAtMs(): number {
    return this.#expireAtMs[this.#slot];
  }

  /**
   * Keeps the text of the key that `find` just missed, but only when the same key missed in this slot before:
   * keys read once must leave no text behind for the garbage collector to carry.
   */
  keep(key: string, text: T, changes: number, expireAtMs: number): void {
    const slot = this.#slot;
    if (slot < 0 || text.length > MAX_TEXT) return;
    if (this.#changes.length === 0) this.#allocate();
    if (this.#keys[slot] !== key) {
      this.#keys[slot] = key;
      this.#changes[slot] = -1;
      return;
    }
    const old = this.#texts[slot];
    this.#textBytes += text.length + TEXT_BYTES - (old === undefined ? 0 : old.length + TEXT_BYTES);
    this.#texts[slot] = text;
    this.#changes[slot] = changes;
    this.#expireAtMs[slot] = expireAtMs;
  }

  #allocate(): void {
    this.#keys = new Array(SLOTS).fill("");
    this.#texts = new Array(SLOTS).fill(undefined);
    this.#changes = new Float64Array(SLOTS).fill(-1);
    this.#expireAtMs = new Float64Array(SLOTS);
  }
}

/** The slot of a key, by FNV-1a over its length and its last eight characters; -1 for a key too long. */
function slotOf(key: string): number {
  const length = key.length;
  if (length > MAX_KEY) return -1;
  let hash = length;
  for (let i = length > 8 ? length - 8 : 0; i < length; i++) {
    hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  }
  return (hash ^ (hash >>> 15)) & (SLOTS - 1);
}
