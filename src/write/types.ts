/**
 * What a write is told and what it comes to.
 *
 * @module
 */

import type { Reply } from "../read/reply.ts";

/** Where a write goes, and how long it is waited for. */
export interface WriteOptions {
  /** Database to write to; that of the replica's top-level reads when left out. */
  readonly db?: number;
  /**
   * Milliseconds for all of it, 10,000 unless told: until the master has replied, and then until the write is
   * readable here. A write that failed without being done is tried again while there is time.
   */
  readonly timeoutMs?: number;
  /** False to resolve with the master's reply, without waiting until the write is readable here. */
  readonly visible?: boolean;
  /** Gives it up: a write that was sent and not answered is then UNKNOWN. */
  readonly signal?: AbortSignal;
}

/** What a write came to. */
export interface WriteResult<R = Reply> {
  /** What the master replied. */
  readonly reply: R;
  /**
   * The place in the master's stream behind the write, for `waitFor` here or in another process. Undefined when
   * the master did not tell it: its user lacks `+info`, or the connection ended right then.
   */
  readonly token: string | undefined;
  /** Whether the write is readable here; false when the wait for that was over, or not wanted, or it is `outside`. */
  readonly visible: boolean;
  /** True where a key that was written is left out by the filter of this replica: that one is never readable here. */
  readonly outside: boolean;
}
