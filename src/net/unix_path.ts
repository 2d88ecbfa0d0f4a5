/**
 * The file of a Unix socket: cleared before it is bound, given its mode, removed after. Runtimes bind
 * alike, but differ in what they do about a file that is there and in the errors they tell.
 *
 * @module
 */

import { chmod, lstat, rm, stat } from "node:fs/promises";
import { type Address, type Socket, SocketError } from "./socket.ts";

/** The directory a path lies in, up to and with its last slash; "." for a bare name. */
function directoryOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? "." : path.slice(0, slash + 1);
}

/**
 * Makes way for a listener: removes a socket file that a dead process left behind. Redis removes whatever
 * file is there; here a live listener's file, and one that is no socket, stay, and binding fails as in use.
 *
 * @param address Where the listener will stand; nothing is done for TCP.
 * @param probe Connects to it.
 * @throws {unknown} ENOENT when the directory is missing (Node would say EACCES of it).
 */
export async function clearPath(address: Address, probe: () => Promise<Socket>): Promise<void> {
  if (address.transport !== "unix") return;
  await stat(directoryOf(address.path));
  try {
    if (!(await lstat(address.path)).isSocket()) return;
  } catch {
    return;
  }
  try {
    (await probe()).abort();
  } catch (error) {
    if (error instanceof SocketError && error.code === "REFUSED") await rm(address.path);
  }
}

/** Sets a new socket file's mode; `undo` closes the listener when that fails. */
export async function restrictPath(
  address: Address,
  mode: number | undefined,
  undo: () => Promise<void>,
): Promise<void> {
  if (address.transport !== "unix" || mode === undefined) return;
  try {
    await chmod(address.path, mode);
  } catch (error) {
    await undo();
    throw error;
  }
}

/** Removes a closed listener's file, if it is still there. */
export async function removePath(address: Address): Promise<void> {
  if (address.transport === "unix") await rm(address.path, { force: true });
}
