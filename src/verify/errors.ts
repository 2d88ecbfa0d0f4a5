/**
 * Why a comparison with the master ended without a report.
 *
 * @module
 */

/** What kind of failure it is. Codes are stable: compare these, not messages. */
export type VerifyErrorCode =
  /** No master is followed, or its data is not whole yet: there is nothing to compare. */
  | "NOT_READY"
  /** Full resyncs, or SWAPDB, exchanged the data so often that no comparison came to its end. */
  | "REPLACED"
  /** The master refuses commands that a comparison needs; the message names the rights. */
  | "REFUSED"
  /** The master could not be asked, several times in a row; `cause` is the last failure. */
  | "UNREACHABLE"
  /** The stream has not come as far as what the master answered, for a minute. */
  | "STALLED"
  /** The replica was closed. */
  | "CLOSED";

/** A comparison with the master that came to no end. */
export class VerifyError extends Error {
  /** Always "VerifyError", in every runtime. */
  override readonly name: string = "VerifyError";
  /** What it means; stable, to be compared. */
  readonly code: VerifyErrorCode;

  /** Describes the failure. @param cause What the connection or the master said. */
  constructor(code: VerifyErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}
