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
  if (/^-ERR unknown command/i.test(line)) {
    return new ReplicationError(
      "PSYNC_UNAVAILABLE",
      `${error.message}: it was renamed (set psyncCommand), or a managed service blocks replication`,
    );
  }
  return error;
}

/** `$EOF:<mark>` for a streamed snapshot, `$<length>` for a file, or an error in its place. */
export function receiveTransferHeader(attempt: Attempt, line: string): LinkState {
  if (line.startsWith("-")) throw errorFromReply(line, "Snapshot");
  if (line.startsWith("$EOF:") && line.length >= 5 + ID_LENGTH) {
    attempt.beginTransfer(undefined, line.slice(5, 5 + ID_LENGTH));
    return "transfer";
  }
  const length = line.slice(1);
  if (line.startsWith("$") && DECIMAL.test(length) && Number.isSafeInteger(Number(length))) {
    attempt.beginTransfer(Number(length), undefined);
    return "transfer";
  }
  throw unexpected("Snapshot", line);
}
