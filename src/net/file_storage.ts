/**
 * A snapshot in a file, over `node:fs`, which Deno, Bun and Node all have.
 *
 * ```text
 *   <path>           the last snapshot that is whole
 *   <path>.part      one that is being written; it counts for nothing until it is renamed
 *   <path>.refused   the last one that could not be read
 * ```
 *
 * A crash at any point leaves either the old snapshot or the new one under `<path>`, never a part: the
 * bytes are on the disk before the rename, and the rename is on the disk before `commit` resolves.
 *
 * @module
 */

import { messageOf } from "../base/errors.ts";
import { type FileHandle, open, rename, rm } from "node:fs/promises";

/** What the system's codes for a file that cannot be made mean to its owner. */
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such folder",
  ENOTDIR: "a part of the path is no folder",
  EACCES: "this user may not write there",
  EPERM: "this user may not write there",
  EROFS: "the file system is read-only",
  EISDIR: "it is a folder",
  ENOSPC: "the disk is full",
};

/** Bytes of one piece that is read. */
const READ_BYTES = 256 * 1024;

/** One file that holds a snapshot. It has the shape of `SnapshotStorage`. */
export class FileStorage {
  readonly #path: string;

  /**
   * Names the file; nothing is opened yet.
   *
   * @param path The file; its directory must exist.
   */
  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Opens the file. Its pieces, of at most 256 KB, are borrowed until the next one is asked for.
   *
   * @returns Undefined when there is no such file.
   */
  async read(): Promise<AsyncIterable<Uint8Array> | undefined> {
    try {
      return pieces(await open(this.#path, "r"));
    } catch (error) {
      if ((error as { code?: unknown }).code === "ENOENT") return undefined;
      throw error;
    }
  }

  /**
   * Begins a new file beside the old one, readable by its owner only (mode 0600): it holds all the
   * data.
   */
  async create(): Promise<FileSink> {
    const part = `${this.#path}.part`;
    return new FileSink(await open(part, "w", 0o600), part, this.#path);
  }

  /**
   * Creates and removes `<path>.part`.
   *
   * @throws {Error} When that fails: no snapshot could be written.
   */
  async check(): Promise<void> {
    try {
      await (await this.create()).abort();
    } catch (error) {
      const reason = REASONS[(error as { code?: string }).code ?? ""] ?? messageOf(error);
      throw new Error(`No snapshot can be written to ${this.#path}: ${reason}`, { cause: error });
    }
  }

  /** Renames a file that could not be read, so that nobody reads it again. Returns its new path. */
  async setAside(): Promise<string> {
    const aside = `${this.#path}.refused`;
    await rename(this.#path, aside);
    return aside;
  }
}

/** A snapshot file that is being written. End it with `commit` or `abort`, once. */
export class FileSink {
  readonly #file: FileHandle;
  readonly #part: string;
  readonly #path: string;

  /**
   * Takes over an open file.
   *
   * @param file Open for writing, and empty.
   * @param part Its path.
   * @param path Its path after `commit`.
   */
  constructor(file: FileHandle, part: string, path: string) {
    this.#file = file;
    this.#part = part;
    this.#path = path;
  }

  /** Appends bytes; the file system may take them in several writes. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let pos = 0; pos < bytes.length;) {
      const { bytesWritten } = await this.#file.write(bytes, pos, bytes.length - pos);
      pos += bytesWritten;
    }
  }

  /** Makes it the snapshot: flushes its bytes to the disk, renames it, flushes the directory. */
  async commit(): Promise<void> {
    await this.#file.sync();
    await this.#file.close();
    await rename(this.#part, this.#path);
    await syncDirectory(this.#path);
  }

  /** Closes and removes what was written; the old snapshot stays. */
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

/**
 * Flushes a rename to the disk. Where a system lets no directory be opened (Windows), nothing is
 * done.
 */
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
