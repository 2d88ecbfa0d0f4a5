/**
 * Whether there is data to answer from, and how fresh it is. The replica sets the flags as its link
 * changes state; dispatch asks before each command, INFO and CONFIG tell them.
 *
 * @module
 */

import { LOADING, NO_ASYNC_LOADING, STALE } from "../commands/engine/command.ts";

/** Redis's refusal while there is no data to answer from (server.c, `shared.loadingerr`). */
export const LOADING_TEXT = "LOADING Redis is loading the dataset in memory";
/** Redis's refusal of stale data (server.c, `shared.masterdownerr`). */
export const MASTERDOWN_TEXT =
  "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.";

/** Our refusal of data that is older than the owner's bound, with Redis's code. */
export const TOO_STALE_TEXT =
  "MASTERDOWN The master was not heard for longer than maxStalenessMs allows";

/** State of the data of one server. A master's flags all stay false. */
export class Availability {
  /** A snapshot is being loaded and the old data is gone, or there never was any: LOADING. */
  loading: boolean = false;
  /** A snapshot is being loaded beside the old data, which goes on answering. */
  loadingBeside: boolean = false;
  /** The link to the master is not connected. Only matters where stale data is not served. */
  masterDown: boolean = false;
  /** The data is older than the owner's limit: MASTERDOWN, even where stale data is served. */
  tooStale: boolean = false;
  /** `replica-serve-stale-data`: whether clients are answered while the master is down. */
  readonly servesStale: boolean;

  /**
   * Begins with data that is whole and fresh.
   *
   * @param servesStale `replica-serve-stale-data`, which does not change.
   */
  constructor(servesStale: boolean) {
    this.servesStale = servesStale;
  }

  /** False, the usual case, when no command can be refused by {@linkcode Availability.refusal}. */
  get limited(): boolean {
    return this.loading || this.masterDown || this.loadingBeside || this.tooStale;
  }

  /**
   * The error text for a command of these flags, or undefined where it may run. Staleness is looked at
   * before loading, as in `processCommand`.
   */
  refusal(flags: number): string | undefined {
    if ((flags & STALE) === 0) {
      if (this.tooStale) return TOO_STALE_TEXT;
      if (this.masterDown && !this.servesStale) return MASTERDOWN_TEXT;
    }
    if (this.loading && (flags & LOADING) === 0) return LOADING_TEXT;
    if (this.loadingBeside && (flags & NO_ASYNC_LOADING) !== 0) return LOADING_TEXT;
    return undefined;
  }
}
