/**
 * PSYNC's answer, and the line that announces a snapshot: one function per state,
 * `(attempt, line) -> next state`. Empty lines never come here: they are a busy master's sign of life.
 *
 * @module
 */

import type { Attempt } from "./attempt.ts";
import { clip, errorFromReply, ReplicationError } from "./errors.ts";
import { unexpected } from "./handshake.ts";
import type { LinkState } from "./types.ts";

/** Hex digits of a replication id, and of the mark after a streamed snapshot. */
export const ID_LENGTH = 40;

const REPLID = /^[0-9a-fA-F]{40}$/;
const UNKNOWN_COMMAND = /^-ERR unknown command/i;
const DECIMAL = /^[0-9]{1,16}$/;

/** FULLRESYNC, CONTINUE or an error. */
export function receivePsyncReply(attempt: Attempt, line: string): LinkState {
  const words = line.split(" ");
  switch (words[0]) {
    case "+FULLRESYNC":
      return fullResync(attempt, words);
    case "+CONTINUE":
      return resumed(attempt, words);
  }
  if (!line.startsWith("-")) throw unexpected(attempt.psyncCommand, line);
  const { position, psyncRenamed } = attempt.shared;
  // Where there is something to resume, this master's PSYNC has been seen to work.
  if (UNKNOWN_COMMAND.test(line) && !psyncRenamed && !position.resumable) {
    return attempt.sendSync();
  }
  throw psyncError(attempt, line);
}

/**
 * The old history is void from here on, as it is for a real replica. An answer without a sound id is
 * followed, but can't be resumed from.
 */
function fullResync(attempt: Attempt, words: readonly string[]): LinkState {
  const [, id = "", offset = ""] = words;
  const sound = REPLID.test(id) && DECIMAL.test(offset) && Number.isSafeInteger(Number(offset));
  if (!sound) attempt.log("warn", `Odd answer to PSYNC: "${clip(words.join(" "))}"`);
  attempt.beginFullSync(sound ? id.toLowerCase() : "", sound ? Number(offset) : 0);
  return "transferHeader";
}

/** Without an id ours goes on; with another one we became part of a promoted replica's history. */
function resumed(attempt: Attempt, words: readonly string[]): LinkState {
  const { position } = attempt.shared;
  if (!position.resumable) {
    throw new ReplicationError("PROTOCOL", "CONTINUE was answered though everything was asked for");
  }
  const id = words[1] ?? "";
  if (REPLID.test(id)) position.rename(id.toLowerCase());
  attempt.beginStream();
  return "connected";
}

function psyncError(attempt: Attempt, line: string): ReplicationError {
  const error = errorFromReply(line, attempt.psyncCommand);
  if (error.code === "NOPERM") {
    return new ReplicationError(
      "NOPERM",
      `${error.message}: a replica's user needs +psync +replconf +ping`,
    );
  }
  if (error.code === "NOAUTH" && attempt.login === undefined) {
    return new ReplicationError(
      "NOAUTH",
      `${error.message}: set password, and username for an ACL user`,
    );
  }
  return UNKNOWN_COMMAND.test(line) ? unavailable(error.message) : error;
}

function unavailable(message: string): ReplicationError {
  return new ReplicationError(
    "PSYNC_UNAVAILABLE",
    `${message}: it was renamed (set psyncCommand to its name), or this is a managed service that lets ` +
      "nobody replicate, as Amazon ElastiCache and MemoryDB, Azure Cache for Redis, Google Memorystore, " +
      "Redis Cloud and Upstash do",
  );
}

/** `$EOF:<mark>` for a streamed snapshot, `$<length>` for a file, or an error in its place. */
export function receiveTransferHeader(attempt: Attempt, line: string): LinkState {
  if (line.startsWith("-")) {
    const error = errorFromReply(line, attempt.preSync ? "SYNC" : "Snapshot");
    throw UNKNOWN_COMMAND.test(line) ? unavailable(error.message) : error;
  }
  const length = line.slice(1);
  const mark = line.startsWith("$EOF:") && line.length >= 5 + ID_LENGTH
    ? line.slice(5, 5 + ID_LENGTH)
    : undefined;
  const sized = line.startsWith("$") && DECIMAL.test(length) &&
    Number.isSafeInteger(Number(length));
  if (mark === undefined && !sized) throw unexpected("Snapshot", line);
  if (attempt.preSync) attempt.beginFullSync("", 0);
  attempt.beginTransfer(mark === undefined ? Number(length) : undefined, mark);
  return "transfer";
}
