/**
 * Function libraries (`functions.c`): kept as the source they came in, never run. A replica must hold them
 * to answer FUNCTION LIST and DUMP, and to write them to its own snapshot; what a library registers is found
 * by reading its source, in `function_scan.ts`.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { globMatch } from "../../base/glob.ts";
import { latin1 } from "../../base/ascii.ts";
import { type LibraryFunction, scanFunctions } from "./function_scan.ts";

/** One library as its source tells; it never changes. */
export interface FunctionLibrary {
  /** Name from the source's first line, `#!lua name=...`. */
  readonly name: string;
  /** Engine in upper case, as FUNCTION LIST answers it: "LUA". */
  readonly engine: string;
  /** The whole source, its first line included. */
  readonly source: Uint8Array;
  /** Functions that the source registers by a literal name. */
  readonly functions: readonly LibraryFunction[];
}

/** Thrown when a library is refused; the message is Redis's own, without its "ERR". */
export class LibraryError extends Error {
  /** Always "LibraryError", as the class. */
  override readonly name: string = "LibraryError";
}

const HASH = 0x23;
const BANG = 0x21;
const NEWLINE = 0x0a;
/** The header must end within this many bytes: the first line of a hostile library may have any length. */
const MAX_HEADER_BYTES = 4096;
const NAME_RULE =
  "Library names can only contain letters, numbers, or underscores(_) and must be at least one" +
  " character long";

/**
 * Reads a library: the header `#!engine name=...`, then what it registers. As `functionExtractLibMetaData`
 * of Redis does, but that Redis then runs the source.
 *
 * @param source Kept, not copied: must not change.
 * @throws {LibraryError} When the header is missing or badly quoted, or the name is not allowed.
 */
export function readLibrary(source: Uint8Array): FunctionLibrary {
  const { engine, name, bodyAt } = readHeader(source);
  return { name, engine: engine.toUpperCase(), source, functions: scanFunctions(source, bodyAt) };
}

/** The libraries of a dataset by name, and the functions they own. */
export class FunctionLibraries {
  #libraries: Map<string, FunctionLibrary> = new Map();
  // Name of each function to the name of its library: function names are unique across libraries.
  #owners: Map<string, string> = new Map();

  /** How many libraries there are. */
  get size(): number {
    return this.#libraries.size;
  }

  /** How many functions all libraries register. */
  get functionCount(): number {
    return this.#owners.size;
  }

  /** All libraries in the order they were loaded. */
  all(): readonly FunctionLibrary[] {
    return [...this.#libraries.values()];
  }

  /** Sources of all libraries in the order they were loaded. */
  sources(): Uint8Array[] {
    return this.all().map(({ source }) => source);
  }

  /** Libraries whose name matches a glob pattern, upper and lower case alike. */
  matching(pattern: Uint8Array): FunctionLibrary[] {
    return this.all().filter(({ name }) => {
      const bytes = Uint8Array.from(name, (letter) => letter.charCodeAt(0));
      return globMatch(pattern, bytes, 0, bytes.length, true);
    });
  }

  /** Whether there is a library of that name. */
  has(name: string): boolean {
    return this.#libraries.has(name);
  }

  /** Whether some library registers a function of that name. */
  hasFunction(name: string): boolean {
    return this.#owners.has(name);
  }

  /**
   * Adds a library; a refused one changes nothing.
   *
   * @param replace Whether it may take the place of a library of the same name.
   * @throws {LibraryError} When its name is taken, or a function's by another library.
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
    // A Map keeps the place of a key that is set again: deleting first puts the library at the end.
    this.delete(name);
    this.#libraries.set(name, library);
    for (const { name: called } of library.functions) this.#owners.set(called, name);
    assert(this.#owners.size >= library.functions.length, "every function has its library");
  }

  /** Deletes a library with its functions; false when there is none of that name. */
  delete(name: string): boolean {
    for (const { name: called } of this.#libraries.get(name)?.functions ?? []) {
      this.#owners.delete(called);
    }
    return this.#libraries.delete(name);
  }

  /** Deletes every library, as FUNCTION FLUSH does. */
  clear(): void {
    this.#libraries.clear();
    this.#owners.clear();
  }

  /** Takes over the libraries of `other`, which is left empty; what was here is forgotten. */
  replaceWith(other: FunctionLibraries): void {
    this.#libraries = other.#libraries;
    this.#owners = other.#owners;
    other.#libraries = new Map();
    other.#owners = new Map();
  }

  /** Makes an independent copy; the libraries are shared, as they never change. */
  copy(): FunctionLibraries {
    const copy = new FunctionLibraries();
    copy.#libraries = new Map(this.#libraries);
    copy.#owners = new Map(this.#owners);
    return copy;
  }
}

/** Reads the first line; `bodyAt` is the offset of the line break after it. */
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
