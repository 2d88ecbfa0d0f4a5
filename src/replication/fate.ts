/**
 * What becomes of a command of the stream that was not applied: the one place that decides it, from the
 * command's name and the error it met. `apply.ts` acts on the answer.
 *
 * A command of a release to come has a row only when a server is at hand that shows what it sends its replicas. Known
 * from their documents alone, and so unknown here: their keys are fetched, exactly.
 *
 * ```text
 *   LMOVEM, BLMOVEM   Redis 8.10   two lists; whether the count is sent as asked for or as moved is not written
 *   INCREX            Redis 8.8    a number with bounds and an expiry; may be sent as SET with PXAT
 *   GCRASETVALUE      Redis 8.8    a rate limit's time; the expiry is sent with it or apart
 *   HSETC, PH*        announced    not in any document of a release
 *   SFLUSH            Redis 8, in builds with experimental commands: slots, no keys named, so it costs a full sync
 *   ARSET, ARMSET, ARINSERT, ARRING, ARSEEK, ARDEL, ARDELRANGE   Redis 8.8   rows in `commands/module/writes.ts`
 *   other AR*         the same type: the key is looked at, not fetched over and over
 * ```
 *
 * @module
 */

import { isWord, textOf } from "../commands/engine/args.ts";
import { NOTHING_HELD, UNSUPPORTED_VALUE } from "../commands/engine/errors.ts";
import type { Argv } from "../resp/argv.ts";

/** What an executor's error begins with when the command table has no row for the command. */
export const UNKNOWN_COMMAND: string = "ERR unknown command";
/** What an executor answers to a command whose row changes nothing here: a read, or one about a connection. */
export const CHANGES_NOTHING: string = "ERR this command changes nothing here";

/** What becomes of a command that was not applied. */
export type Fate =
  /** It carries no data: counted, and passed over. */
  | "ignored"
  /** It is a module's, about what is no key: counted, and passed over. */
  | "module"
  /** It writes a value that only a module can read, and the owner asked to fail then. */
  | "unsupported"
  /** The command table does not know it: its keys are not known here. */
  | "unknown"
  /** The command table knows it, and it failed here as it did not on the master. */
  | "failed";

/**
 * Commands that may fail here without any key being different from the master's: scripts, which are not run by a
 * replica, and a tool of tests. None of them is a write by what a server says of it.
 */
export const IGNORABLE: readonly string[] = ["SCRIPT LOAD", "SCRIPT FLUSH", "PFSELFTEST"];

/** Decides what becomes of `argv`, which met the error `problem`. */
export function fateOf(argv: Argv, problem: string): Fate {
  if (problem === CHANGES_NOTHING) return "ignored";
  if (IGNORABLE.some((name) => isCommand(argv, name))) return "ignored";
  if (problem.startsWith(UNSUPPORTED_VALUE)) return "unsupported";
  if (problem === NOTHING_HELD) return "module";
  return problem.startsWith(UNKNOWN_COMMAND) ? "unknown" : "failed";
}

/**
 * True for a command of this name, in which a subcommand stands behind its container. A container alone is
 * never named above: what a later release adds to it may be a write, as CLUSTER FLUSHSLOT was.
 */
function isCommand(argv: Argv, name: string): boolean {
  const [word, subcommand] = name.split(" ");
  if (!isWord(argv, 0, word)) return false;
  return subcommand === undefined || (argv.count > 1 && isWord(argv, 1, subcommand));
}

/** True for a command that only a module has: without repairs it is passed over where no row knows it. */
export function isOfModule(argv: Argv): boolean {
  return textOf(argv, 0).includes(".");
}
