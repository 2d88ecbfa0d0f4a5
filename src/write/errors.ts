/**
 * What becomes of a write or of a wait that does not end well.
 *
 * @module
 */

/** Why a write or a wait for a token failed. */
export type WriteErrorCode =
  /** The master did not do it: it answered an error, or could not be reached in time. */
  | "FAILED"
  /** The connection ended between the command and its reply: the master may have done it, or not. */
  | "UNKNOWN"
  /** The history that the token belongs to ended before its offset: a failover has lost that write. */
  | "HISTORY_LOST";

/** A write that was not done or whose fate is not known, or a token that will never be reached. */
export class WriteError extends Error {
  /** Always "WriteError", in every runtime. */
  override readonly name: string = "WriteError";
  /** What it means; stable, to be compared. */
  readonly code: WriteErrorCode;

  /** Describes the failure. @param cause The master's error reply, or why the connection ended. */
  constructor(code: WriteErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}
