/**
 * PSYNC's answer, and the line that announces a snapshot: one function per state,
 * `(link, line) -> next state`. Empty lines never come here: a master that makes us wait sends them to show
 * that it lives.
 *
 * ```text
 *  receivePsyncReply
 *     +FULLRESYNC replid offset   -> transferHeader    the old history ends, a snapshot follows
 *     +CONTINUE [replid]          -> connected         partial resync: the stream goes on
 *     -ERR unknown command        -> transferHeader    SYNC is sent instead, unless PSYNC was seen to work
 *  transferHeader
 *     $EOF:<40 characters>        -> transfer          streamed; the 40 characters come again behind it
 *     $<bytes>                    -> transfer          a file of that length
 * ```
 *
 * @module
 */

import { clip, errorFromReply, ReplicationError, unexpectedReply } from "./errors.ts";
import type { Handshake } from "./handshake.ts";
import type { LinkShared } from "./shared.ts";
import type { LinkState } from "./types.ts";

/** Characters of a replication id, and of the mark behind a streamed snapshot. */
const ID_LENGTH = 40;

const REPLID = /^[0-9a-fA-F]{40}$/;
const UNKNOWN_COMMAND = /^-ERR unknown command/i;
const DECIMAL = /^[0-9]{1,16}$/;

/** What PSYNC's answer sets going on the connection it came on. */
export interface PsyncLink {
  /** Options and the offset, which outlive the connection. */
  readonly shared: LinkShared;
  /** What was sent before. */
  readonly handshake: Handshake;
  /** The master will send a snapshot as of `offset`; `replid` is "" when it cannot be resumed from. */
  beginFullSync(replid: string, offset: number): void;
  /** The snapshot's bytes are next: `length` of them, or as many as there are before `mark`. */
  beginTransfer(length: number | undefined, mark: string | undefined): void;
  /** The stream goes on at the byte after the last one applied. */
  resumeStream(): void;
}

/**
 * Reads FULLRESYNC, CONTINUE or an error.
 *
 * @throws {ReplicationError} When the master will not replicate, or answers what no master answers.
 */
export function receivePsyncReply(link: PsyncLink, line: string): LinkState {
  const words = line.split(" ");
  switch (words[0]) {
    case "+FULLRESYNC":
      return receiveFullResync(link, words);
    case "+CONTINUE":
      return receiveContinue(link, words);
  }
  const { handshake } = link;
  if (!line.startsWith("-")) throw unexpectedReply(handshake.psyncCommand, line);
  const { replOffset, settings } = link.shared;
  // A configured name that is unknown is a mistake, and where there is something to resume, PSYNC has worked.
  const mayLackPsync = settings.psyncCommand === undefined && !replOffset.resumable;
  if (UNKNOWN_COMMAND.test(line) && mayLackPsync) {
    return handshake.sendSync();
  }
  throw psyncError(handshake, line);
}

/**
 * The old history ends here, as it does for a real replica. An answer without a sound id is followed, but
 * cannot be resumed from.
 */
function receiveFullResync(link: PsyncLink, words: readonly string[]): LinkState {
  const [, id = "", offset = ""] = words;
  const sound = REPLID.test(id) && DECIMAL.test(offset) && Number.isSafeInteger(Number(offset));
  if (!sound) {
    link.shared.log("warn", `Odd answer to PSYNC: "${clip(words.join(" "))}"`, {
      event: "odd_answer",
    });
  }
  link.beginFullSync(sound ? id.toLowerCase() : "", sound ? Number(offset) : 0);
  return "transferHeader";
}

/** Without an id our history goes on; with another id it became part of a promoted replica's history. */
function receiveContinue(link: PsyncLink, words: readonly string[]): LinkState {
  const { replOffset } = link.shared;
  if (!replOffset.resumable) {
    throw new ReplicationError("PROTOCOL", "CONTINUE was answered though everything was asked for");
  }
  const id = words[1] ?? "";
  if (REPLID.test(id)) replOffset.rename(id.toLowerCase());
  link.resumeStream();
  return "connected";
}

function psyncError(handshake: Handshake, line: string): ReplicationError {
  const error = errorFromReply(line, handshake.psyncCommand);
  if (error.code === "NOPERM") {
    return new ReplicationError(
      "NOPERM",
      `${error.message}: a replica's user needs +psync +replconf +ping`,
    );
  }
  if (error.code === "NOAUTH" && handshake.login === undefined) {
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

/**
 * Reads `$EOF:<mark>` before a streamed snapshot, `$<length>` before a file, or an error in its place.
 *
 * @throws {ReplicationError} When no snapshot follows.
 */
export function receiveTransferHeader(link: PsyncLink, line: string): LinkState {
  const { preSync } = link.handshake;
  if (line.startsWith("-")) {
    const error = errorFromReply(line, preSync ? "SYNC" : "Snapshot");
    throw UNKNOWN_COMMAND.test(line) ? unavailable(error.message) : error;
  }
  const length = line.slice(1);
  const mark = line.startsWith("$EOF:") && line.length >= 5 + ID_LENGTH
    ? line.slice(5, 5 + ID_LENGTH)
    : undefined;
  const sized = line.startsWith("$") && DECIMAL.test(length) &&
    Number.isSafeInteger(Number(length));
  if (mark === undefined && !sized) throw unexpectedReply("Snapshot", line);
  if (preSync) link.beginFullSync("", 0);
  link.beginTransfer(mark === undefined ? Number(length) : undefined, mark);
  return "transfer";
}
