/**
 * Function libraries: kept as the source they came in, never run. What a library registers is found by
 * reading its source, see `function_scan.ts`.
 *
 * @module
 */

import { globMatch } from "../../base/glob.ts";
import { latin1 } from "../../base/ascii.ts";
import { type LibraryFunction, scanFunctions } from "./function_scan.ts";

/** One library. */
export interface FunctionLibrary {
  /** From the source's first line. */
  readonly name: string;
  /** As listed: "LUA". */
  readonly engine: string;
  /** All of the source, the first line included. */
  readonly source: Uint8Array;
  /** Those that the source registers by a literal name. */
  readonly functions: readonly LibraryFunction[];
}

/** Why a library is refused: the message is Redis's, without its "ERR". */
export class LibraryError extends Error {
  /** Always "LibraryError". */
  override readonly name: string = "LibraryError";
}

const HASH = 0x23;
const BANG = 0x21;
const NEWLINE = 0x0a;
/** More than any header needs: the first line of a hostile library may be any length. */
const MAX_HEADER_BYTES = 4096;
const NAME_RULE =
  "Library names can only contain letters, numbers, or underscores(_) and must be at least one" +
  " character long";

/**
 * Reads a library: the header `#!engine name=...`, then what it registers.
 *
 * @param source Kept, not copied.
 * @throws {LibraryError} When the header is none.
 */
export function readLibrary(source: Uint8Array): FunctionLibrary {
  const { engine, name, bodyAt } = readHeader(source);
  return { name, engine: engine.toUpperCase(), source, functions: scanFunctions(source, bodyAt) };
}

/** Every library of a dataset, by name. */
export class FunctionLibraries {
  #libraries: Map<string, FunctionLibrary> = new Map();
  /** Function to the library it is of. */
  #owners: Map<string, string> = new Map();

  /** How many there are. */
  get size(): number {
    return this.#libraries.size;
  }

  /** How many functions they register. */
  get functionCount(): number {
    return this.#owners.size;
  }

  /** All of them, oldest first. */
  all(): readonly FunctionLibrary[] {
    return [...this.#libraries.values()];
  }

  /** Their sources, oldest first. */
  sources(): Uint8Array[] {
    return this.all().map(({ source }) => source);
  }

  /** Those whose name a glob pattern fits, in any case. */
  matching(pattern: Uint8Array): FunctionLibrary[] {
    return this.all().filter(({ name }) => {
      const bytes = Uint8Array.from(name, (letter) => letter.charCodeAt(0));
      return globMatch(pattern, bytes, 0, bytes.length, true);
    });
  }

  /** Whether a library registers a function of that name. */
  hasFunction(name: string): boolean {
    return this.#owners.has(name);
  }

  /**
   * Adds a library.
   *
   * @param replace Whether it may take the place of one of its name.
   * @throws {LibraryError} When its name, or the name of a function, is taken.
   */
  add(library: FunctionLibrary, replace: boolean): void {
    const { name } = library;
    if (!replace && this.#libraries.has(name)) {
      throw new LibraryError(`Library '${name}' already exists`);
    }
    for (const { name: called } of library.functions) {
      if ((this.#owners.get(called) ?? name) === name) continue;
      throw new LibraryError(`Function ${called} already exists`);
    }
    // Deleted first, so that the order of all() is that of loading.
    this.delete(name);
    this.#libraries.set(name, library);
    for (const { name: called } of library.functions) this.#owners.set(called, name);
  }

  /** Forgets a library; false when there was none. */
  delete(name: string): boolean {
    for (const { name: called } of this.#libraries.get(name)?.functions ?? []) {
      this.#owners.delete(called);
    }
    return this.#libraries.delete(name);
  }

  /** Forgets all. */
  clear(): void {
    this.#libraries.clear();
    this.#owners.clear();
  }

  /** Takes over all that another holds, which is left empty. */
  replaceWith(other: FunctionLibraries): void {
    this.#libraries = other.#libraries;
    this.#owners = other.#owners;
    other.#libraries = new Map();
    other.#owners = new Map();
  }

  /** An independent copy; libraries themselves never change. */
  copy(): FunctionLibraries {
    const copy = new FunctionLibraries();
    copy.#libraries = new Map(this.#libraries);
    copy.#owners = new Map(this.#owners);
    return copy;
  }
}

function readHeader(source: Uint8Array): { engine: string; name: string; bodyAt: number } {
  if (source[0] !== HASH || source[1] !== BANG) throw new LibraryError("Missing library metadata");
  const newline = source.subarray(0, MAX_HEADER_BYTES).indexOf(NEWLINE);
  if (newline < 0) throw new LibraryError("Invalid library metadata");
  const words = splitWords(latin1(source, 0, newline));
  if (words === undefined || words.length === 0) throw new LibraryError("Invalid library metadata");
  let name: string | undefined;
  for (const word of words.slice(1)) {
    if (!/^name=/i.test(word)) throw new LibraryError(`Invalid metadata value given: ${word}`);
    if (name !== undefined) {
      throw new LibraryError("Invalid metadata value, name argument was given multiple times");
    }
    name = word.slice("name=".length);
  }
  if (name === undefined) throw new LibraryError("Library name was not given");
  if (!/^[A-Za-z0-9_]+$/.test(name)) throw new LibraryError(NAME_RULE);
  return { engine: words[0].slice(2), name, bodyAt: newline };
}

/** Words as `sdssplitargs` splits them, escapes left out; undefined when a quote stays open. */
function splitWords(line: string): string[] | undefined {
  const words: string[] = [];
  const rest = line.replace(/(?:[^\s"']|"[^"]*"|'[^']*')+/g, (word) => {
    words.push(word.replace(/"([^"]*)"|'([^']*)'/g, "$1$2"));
    return "";
  });
  return /\S/.test(rest) ? undefined : words;
}
