/**
 * From a request's first argument, and of a container its second, to the row that answers: a hash
 * table over names that folds case as it reads and makes no string. The master's stream pays for it
 * with every command; a `Map` would cost a decoded and lower-cased string each time.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { latin1 } from "../../base/ascii.ts";
import type { Argv } from "../../resp/argv.ts";
import { type Command, CONTAINER } from "./command.ts";
import { cString } from "./errors.ts";

/** Redis quotes no more than so many bytes of a name, or of all arguments together, in an error. */
const QUOTED_BYTES = 128;

/** The lower case of each byte; only A to Z have another. */
const FOLD: Uint8Array = new Uint8Array(256);
for (let byte = 0; byte < 256; byte++) {
  FOLD[byte] = byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
}

/** One name of a table, its bytes in lower case. */
interface Slot {
  readonly name: Uint8Array;
  readonly command: Command;
  readonly subcommands: NameTable | undefined;
}

/** Rows by name. Each container has a table of its own for its subcommands. */
export class CommandIndex {
  readonly #commands: NameTable;

  /**
   * Makes the tables; the index never changes afterwards.
   *
   * @param rows Every command. A row named `container|sub` is found under its container, and only
   * there. Of two rows of one name the later counts: so a TestMaster replaces PSYNC.
   */
  constructor(rows: readonly Command[]) {
    const top = new Map<string, Command>();
    const below = new Map<string, Map<string, Command>>();
    for (const row of rows) {
      const bar = row.name.indexOf("|");
      if (bar < 0) {
        top.set(row.name, row);
        continue;
      }
      const container = row.name.slice(0, bar);
      const family = below.get(container) ?? new Map<string, Command>();
      family.set(row.name.slice(bar + 1), row);
      below.set(container, family);
    }
    for (const name of below.keys()) assert(top.has(name), `${name} has a row of its own`);
    this.#commands = new NameTable(top, below);
  }

  /**
   * The row that answers a request; undefined when there is none. A container's name alone finds
   * the container, whose arity then refuses it.
   */
  lookup(argv: Argv): Command | undefined {
    const slot = this.#commands.find(argv.bytes, argv.starts[0], argv.ends[0]);
    if (slot === undefined) return undefined;
    if (slot.subcommands === undefined || argv.count === 1) return slot.command;
    return slot.subcommands.find(argv.bytes, argv.starts[1], argv.ends[1])?.command;
  }

  /** The error text for a request that {@linkcode CommandIndex.lookup} found no row for. */
  unknown(argv: Argv): string {
    const container = this.#commands.find(argv.bytes, argv.starts[0], argv.ends[0]);
    if (container !== undefined && argv.count > 1) {
      const name = container.command.name.toUpperCase();
      return `ERR unknown subcommand '${quoted(argv, 1)}'. Try ${name} HELP.`;
    }
    let args = "";
    for (let i = 1; i < argv.count && args.length < QUOTED_BYTES; i++) {
      const end = Math.min(argv.ends[i], argv.starts[i] + QUOTED_BYTES - args.length);
      args += `'${cString(latin1(argv.bytes, argv.starts[i], end))}' `;
    }
    return `ERR unknown command '${quoted(argv, 0)}', with args beginning with: ${args}`;
  }
}

/**
 * A hash table of names with linear probing. Names are few and all known when it is made, so it is
 * at most a quarter full and an unknown name meets an empty slot after one or two probes.
 */
class NameTable {
  readonly #slots: (Slot | undefined)[];
  readonly #mask: number;

  constructor(rows: Map<string, Command>, below?: Map<string, Map<string, Command>>) {
    let capacity = 8;
    while (capacity < rows.size * 4) capacity *= 2;
    this.#mask = capacity - 1;
    this.#slots = new Array<Slot | undefined>(capacity).fill(undefined);
    for (const [text, command] of rows) {
      const family = below?.get(text);
      assert(family === undefined || (command.flags & CONTAINER) !== 0, `${text} is a container`);
      const subcommands = family === undefined ? undefined : new NameTable(family);
      const name = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
      let at = hashName(name, 0, name.length) & this.#mask;
      while (this.#slots[at] !== undefined) at = (at + 1) & this.#mask;
      this.#slots[at] = { name, command, subcommands };
    }
    assert(rows.size * 4 <= capacity, "a search ends at an empty slot");
  }

  find(bytes: Uint8Array, start: number, end: number): Slot | undefined {
    const slots = this.#slots;
    const mask = this.#mask;
    let at = hashName(bytes, start, end) & mask;
    for (;;) {
      const slot = slots[at];
      if (slot === undefined || isName(slot.name, bytes, start, end)) return slot;
      at = (at + 1) & mask;
    }
  }
}

/**
 * Hashes a name's length and its first, middle and last letter, case folded: three bytes are read
 * whatever the length, and the names there are seldom collide.
 */
function hashName(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (length === 0) return 0;
  const first = FOLD[bytes[start]];
  const middle = FOLD[bytes[start + (length >> 1)]];
  const last = FOLD[bytes[end - 1]];
  const mixed = Math.imul(first, 0x9e3779b1) ^ Math.imul(middle, 0x85ebca6b) ^
    Math.imul(last + (length << 8), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}

/** Whether bytes `[start, end)` are a name, in any case. */
function isName(name: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  const length = end - start;
  if (length !== name.length) return false;
  for (let i = 0; i < length; i++) if (FOLD[bytes[start + i]] !== name[i]) return false;
  return true;
}

/** Argument `index` as errors quote it: cut to 128 bytes and at its first zero byte. */
function quoted(argv: Argv, index: number): string {
  const start = argv.starts[index];
  return cString(latin1(argv.bytes, start, Math.min(argv.ends[index], start + QUOTED_BYTES)));
}
