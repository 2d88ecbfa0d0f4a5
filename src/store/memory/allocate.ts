/**
 * The one place where the store gets memory: segments, tables and nodes. So they can live in a
 * `SharedArrayBuffer`, to be read by other threads, by a change of this file alone.
 *
 * @module
 */

/**
 * Thrown when a database would outgrow the 32 GB that its 32-bit pointers to units of 8 bytes can reach.
 * The write that needed the memory has changed nothing.
 */
export class StoreFullError extends Error {
  /** Always "StoreFullError", as the class. */
  override readonly name: string = "StoreFullError";
  /** Always "STORE_FULL", for callers that switch on codes. */
  readonly code: string = "STORE_FULL";
}

/**
 * Thrown when work would take more memory than it was granted. What the write had changed before stays, so that
 * whoever grants memory grants plenty beyond what single writes need, and looks at the sum between them.
 */
export class OverGrantError extends Error {
  /** Always "OverGrantError", as the class. */
  override readonly name: string = "OverGrantError";
  /** Bytes that were asked for at once. */
  readonly bytes: number;

  /** Says how many bytes were asked for. */
  constructor(bytes: number) {
    super(`Memory is limited, and ${bytes} bytes more are too much`);
    this.bytes = bytes;
  }
}

/** Longest piece of memory that structures take in their middle: a shared buffer of nodes, 256 KB. */
const SMALL_BYTES = 262144;

/** Bytes allocated since the process began, and the counts at which no more may be, for long and short pieces. */
let allocated: number = 0;
let granted: number = Infinity;
let grantedSmall: number = Infinity;

/** Bytes that stores of this process have allocated so far, those included that are gone again. */
export function allocatedBytes(): number {
  return allocated;
}

/**
 * Grants what is done from now on so many bytes, Infinity for any number. Whoever is granted memory works in one turn
 * of the event loop, and grants Infinity behind it.
 *
 * @param spare Bytes more for pieces of up to 256 KB: a structure may be in the middle of a change when it needs one.
 */
export function grantBytes(bytes: number, spare: number = 0): void {
  granted = allocated + bytes;
  grantedSmall = granted + spare;
}

/**
 * Allocates zeroed memory. The operating system backs a page only once it is touched.
 *
 * @param bytes A multiple of 8, so that views of 4 and 8 bytes an element cover all of it.
 * @throws {RangeError} When the runtime has no memory left.
 * @throws {OverGrantError} When it is more than what was granted.
 */
export function allocate(bytes: number): ArrayBufferLike {
  const sum = allocated + bytes;
  if (sum > granted && (bytes > SMALL_BYTES || sum > grantedSmall)) throw new OverGrantError(bytes);
  allocated = sum;
  return new ArrayBuffer(bytes);
}

/** The same for what cannot be refused: a table that splits a bucket of a record that is there already. */
export function allocateAnyway(bytes: number): ArrayBufferLike {
  allocated += bytes;
  return new ArrayBuffer(bytes);
}

/**
 * Allocates `count` zeroed words, for tables of a few hundred bytes. V8 and JavaScriptCore hold short
 * typed arrays without a buffer object, which would cost more than the words themselves.
 */
export function allocateWords(count: number): Int32Array {
  return new Int32Array(count);
}
