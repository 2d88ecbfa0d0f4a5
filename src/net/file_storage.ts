/**
 * A snapshot in a file. `node:fs` is there on Deno, Bun and Node alike.
 *
 * ```text
 *  <path>            the last one that is whole
 *  <path>.part       the one being written; worth nothing until it is renamed
 *  <path>.refused    the last one that could not be read
 * ```
 *
 * @module
 */

import { type FileHandle, open, rename, rm } from "node:fs/promises";

const READ_BYTES = 256 * 1024;

/** See the module's text. Fits `SnapshotStorage`. */
export class FileStorage {
  readonly #path: string;

  /** @param path The file; its directory must exist. */
  constructor(path: string) {
    this.#path = path;
  }

  /** The file in pieces, each borrowed until the next is asked for; undefined when there is none. */
  async read(): Promise<AsyncIterable<Uint8Array> | undefined> {
    try {
      return pieces(await open(this.#path, "r"));
    } catch (error) {
      if ((error as { code?: unknown }).code === "ENOENT") return undefined;
      throw error;
    }
  }

  /** Begins a new file beside the old one. Readable by its owner only: it holds all the data. */
  async create(): Promise<FileSink> {
    const part = `${this.#path}.part`;
    return new FileSink(await open(part, "w", 0o600), part, this.#path);
  }

  /** Renames the file; the answer is its new path. */
  async setAside(): Promise<string> {
    const aside = `${this.#path}.refused`;
    await rename(this.#path, aside);
    return aside;
  }
}

/** A file being written. */
export class FileSink {
  readonly #file: FileHandle;
  readonly #part: string;
  readonly #path: string;

  /** @param file Open. @param part Its path. @param path What it becomes. */
  constructor(file: FileHandle, part: string, path: string) {
    this.#file = file;
    this.#part = part;
    this.#path = path;
  }

  /** Adds bytes. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let pos = 0; pos < bytes.length;) {
      const { bytesWritten } = await this.#file.write(bytes, pos, bytes.length - pos);
      pos += bytesWritten;
    }
  }

  /** On the disk first, then under its name, then the name on the disk. */
  async commit(): Promise<void> {
    await this.#file.sync();
    await this.#file.close();
    await rename(this.#part, this.#path);
    await syncDirectory(this.#path);
  }

  /** Removes what was written. */
  async abort(): Promise<void> {
    try {
      await this.#file.close();
    } finally {
      await rm(this.#part, { force: true });
    }
  }
}

async function* pieces(file: FileHandle): AsyncGenerator<Uint8Array, void, void> {
  try {
    const buffer = new Uint8Array(READ_BYTES);
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, READ_BYTES, null);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

/** A rename is safe once its directory is; where directories can't be opened the system sees to it. */
async function syncDirectory(path: string): Promise<void> {
  const slash = path.lastIndexOf("/");
  let directory: FileHandle;
  try {
    directory = await open(slash < 0 ? "." : path.slice(0, slash + 1), "r");
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (code === "EISDIR" || code === "EPERM" || code === "EACCES") return;
    throw error;
  }
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
