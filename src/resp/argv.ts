/**
 * The arguments of one command as places in one buffer: no object, no view per argument.
 *
 * @module
 */

/**
 * A command's arguments; the name is number 0. Reused by its parser: copy what must outlive a call.
 */
export class Argv {
  /** The buffer that holds every argument; borrowed. */
  bytes: Uint8Array = new Uint8Array(0);
  /** How many arguments there are, the name included. */
  count: number = 0;
  /** Offset in `bytes` of each argument's first byte. */
  starts: Int32Array = new Int32Array(16);
  /** Offset in `bytes` after each argument's last byte. */
  ends: Int32Array = new Int32Array(16);

  /** Argument `index` as a view: valid only as long as `bytes` is. */
  at(index: number): Uint8Array {
    return this.bytes.subarray(this.starts[index], this.ends[index]);
  }

  /** Length in bytes of argument `index`. */
  lengthOf(index: number): number {
    return this.ends[index] - this.starts[index];
  }

  /** Appends the argument at `[start, end)` of `bytes`. */
  push(start: number, end: number): void {
    if (this.count === this.starts.length) this.#grow();
    this.starts[this.count] = start;
    this.ends[this.count++] = end;
  }

  /** Forgets the arguments and keeps the memory. */
  clear(): void {
    this.count = 0;
  }

  /** A copy that owns its bytes. */
  copy(): Argv {
    const owned = new Argv();
    const first = this.count === 0 ? 0 : this.starts[0];
    const last = this.count === 0 ? 0 : this.ends[this.count - 1];
    owned.bytes = this.bytes.slice(first, last);
    for (let i = 0; i < this.count; i++) owned.push(this.starts[i] - first, this.ends[i] - first);
    return owned;
  }

  /** Arguments laid end to end in a buffer of their own. Strings are taken as UTF-8. */
  static of(...args: readonly (string | Uint8Array)[]): Argv {
    const parts = args.map((arg) => typeof arg === "string" ? new TextEncoder().encode(arg) : arg);
    const argv = new Argv();
    argv.bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let offset = 0;
    for (const part of parts) {
      argv.bytes.set(part, offset);
      argv.push(offset, offset += part.length);
    }
    return argv;
  }

  #grow(): void {
    const starts = new Int32Array(this.starts.length * 2);
    const ends = new Int32Array(this.ends.length * 2);
    starts.set(this.starts);
    ends.set(this.ends);
    this.starts = starts;
    this.ends = ends;
  }
}
