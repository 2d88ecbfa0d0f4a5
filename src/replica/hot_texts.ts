/**
 * Strings read again and again, kept decoded: a few thousand of them, good until the next write to
 * their database. Making a JavaScript string of 200 bytes costs more than finding the key.
 *
 * @module
 */

/** Slots; a power of two. With texts of at most MAX_TEXT they hold a few megabytes at worst. */
const SLOTS = 4096;
/** Longer texts are not kept: decoding dominates less, and they would hold much memory. */
const MAX_TEXT = 512;
/** Longer keys are not looked for: their hash would cost as much as it spares. */
const MAX_KEY = 64;
/** After so many misses in a row only one read in eight is looked for: a random one need not pay. */
const PATIENCE = 256;

/** See the module's text. One key a slot: the last one read wins. */
export class HotTexts {
  #keys: string[] = [];
  #texts: string[] = [];
  #changes: Float64Array = new Float64Array(0);
  #expireAtMs: Float64Array = new Float64Array(0);
  #slot: number = -1;
  #misses: number = 0;

  /**
   * The text of a key, undefined when it is not kept or no longer good.
   *
   * @param changes What the database counts now.
   */
  find(key: string, changes: number): string | undefined {
    const misses = ++this.#misses;
    if (misses > PATIENCE && (misses & 7) !== 0) {
      this.#slot = -1;
      return undefined;
    }
    const slot = slotOf(key);
    this.#slot = slot;
    if (slot < 0 || this.#changes[slot] !== changes || this.#keys[slot] !== key) return undefined;
    this.#misses = 0;
    return this.#texts[slot];
  }

  /** When the key that `find` just found expires; Infinity for never. */
  get expireAtMs(): number {
    return this.#expireAtMs[this.#slot];
  }

  /**
   * Keeps the text of the key that `find` just did not find, the second time in a row that it asks for
   * its slot: keys read once leave nothing behind for the garbage collector to carry.
   */
  keep(key: string, text: string, changes: number, expireAtMs: number): void {
    const slot = this.#slot;
    if (slot < 0 || text.length > MAX_TEXT) return;
    if (this.#changes.length === 0) this.#allocate();
    if (this.#keys[slot] !== key) {
      this.#keys[slot] = key;
      this.#changes[slot] = -1;
      return;
    }
    this.#texts[slot] = text;
    this.#changes[slot] = changes;
    this.#expireAtMs[slot] = expireAtMs;
  }

  #allocate(): void {
    this.#keys = new Array(SLOTS).fill("");
    this.#texts = new Array(SLOTS).fill("");
    this.#changes = new Float64Array(SLOTS).fill(-1);
    this.#expireAtMs = new Float64Array(SLOTS);
  }
}

/** A slot from a key's last eight characters and its length; -1 for a key too long. */
function slotOf(key: string): number {
  const length = key.length;
  if (length > MAX_KEY) return -1;
  let hash = length;
  for (let i = length > 8 ? length - 8 : 0; i < length; i++) {
    hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  }
  return (hash ^ (hash >>> 15)) & (SLOTS - 1);
}
