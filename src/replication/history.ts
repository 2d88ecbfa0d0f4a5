/**
 * The chain of histories that our data has gone through, so that a token of an earlier one can be judged.
 *
 * ```text
 *  A ---------+ end of A                     A failover: the promoted replica goes on under id B, and holds
 *             |                              A up to its `second_repl_offset` - 1.
 *             +----- B --------+ end of B
 *                              +---- C       C is followed now
 *
 *  token C:n                   reached once n is settled
 *  token B:n   n <= end of B   reached once the end of B is: all of C stands behind it
 *              n >  end of B   lost: what came behind it was never copied to the one that was promoted
 *  token X:n   X not known     a failover of which we have not heard: awaited
 * ```
 *
 * A partial resync under a new id tells only that the old history reaches as far as we had read. How far it
 * really reaches the master says in `INFO replication`, and it is asked; until it has answered, a token that
 * lies beyond what is certain is awaited.
 *
 * @module
 */

import { assert } from "../base/assert.ts";
import { fieldOf } from "../client/info.ts";
import type { Token } from "./token.ts";

/** Most earlier histories remembered; a token of one that is forgotten counts as not known. */
const MAX_PAST = 32;
/** What `master_replid2` is when there was no failover. */
const NO_REPLID = "0".repeat(40);

/** A history that has ended. */
export interface PastHistory {
  /** Its replication id, 40 hex digits. */
  readonly replid: string;
  /** Offset of its last byte that the data followed now has come from; -1 when none of it has. */
  end: number;
  /** False while `end` may be too low: the master has not said yet where it ended. */
  certain: boolean;
}

/** Where the data stands. */
export interface Place {
  /** Replication id of the history that is followed; "" before there is one. */
  readonly replid: string;
  /** Up to this offset of it every key is right. */
  readonly settled: number;
}

/** What `INFO replication` of a master says of its histories. */
export interface MasterHistory {
  /** `role`: "master", or "slave" when it copies another one. */
  readonly role: string;
  /** `master_replid`, the history that it writes. */
  readonly replid: string;
  /** `master_replid2`, the one before the last failover; 40 zeros for none. */
  readonly replid2: string;
  /** `second_repl_offset`, the first offset that `replid2` does not cover; -1 for none. */
  readonly secondOffset: number;
  /** `master_repl_offset`, the last byte that it has written. */
  readonly offset: number;
}

/** How a token stands to the data. */
export type Reach = "reached" | "awaited" | "lost";

/** Remembers which histories led to the one that is followed. */
export class HistoryChain {
  #current: string = "";
  #past: PastHistory[] = [];
  /** False until the master has told what it goes on from. */
  #isLearned: boolean = false;

  /** The histories before the one that is followed, the oldest first; a copy. */
  get past(): PastHistory[] {
    return this.#past.map((history) => ({ ...history }));
  }

  /** True while the master has to be asked which history came before, and where it ended. */
  get isUncertain(): boolean {
    return this.#current !== "" && !this.#isLearned;
  }

  /** Takes over what an earlier process has remembered. */
  restore(current: string, past: readonly PastHistory[]): void {
    this.#current = current;
    this.#past = past.slice(-MAX_PAST).map((history) => ({ ...history }));
  }

  /**
   * The link follows a history, after a resync.
   *
   * @param replid Its id.
   * @param end How far the one before is certain to be part of it: for a partial resync the offset there was, for
   * a full one -1.
   */
  follow(replid: string, end: number): void {
    const previous = this.#current;
    this.#current = replid;
    if (previous === replid) return;
    this.#isLearned = false;
    if (previous === "") return;
    // A history that is followed again is no past one.
    this.#past = this.#past.filter((history) => history.replid !== replid);
    this.#past.push({ replid: previous, end, certain: false });
    if (this.#past.length > MAX_PAST) this.#past.shift();
  }

  /** What the master says of its histories settles where the one before the present one ended. */
  learn(master: MasterHistory): void {
    if (master.replid !== this.#current) return;
    this.#isLearned = true;
    const before = master.replid2 === NO_REPLID ? undefined : master.replid2;
    const known = this.#past.findIndex(({ replid }) => replid === before);
    if (before !== undefined && known < 0) {
      // Of a failover that happened before we came, or while we were away.
      this.#past.push({ replid: before, end: master.secondOffset - 1, certain: true });
      if (this.#past.length > MAX_PAST) this.#past.shift();
    }
    this.#past.forEach((history, index) => {
      if (history.certain) return;
      history.certain = true;
      if (before === undefined || known < 0) return;
      const end = master.secondOffset - 1;
      if (index === known) history.end = Math.max(history.end, end);
    });
    this.#shorten();
  }

  /** Whether a place in an earlier history is certain to have led to the one that is followed. */
  covers({ replid, offset }: Token): boolean {
    const history = this.#past.find((past) => past.replid === replid);
    return history !== undefined && offset <= history.end;
  }

  /** How a token stands to data at `place`. */
  reach({ replid, offset }: Token, place: Place): Reach {
    if (replid === place.replid) return offset <= place.settled ? "reached" : "awaited";
    const index = this.#past.findIndex((history) => history.replid === replid);
    if (index < 0 || place.replid !== this.#current) return "awaited";
    const { end } = this.#past[index];
    if (offset > end) return this.#past.slice(index).every((h) => h.certain) ? "lost" : "awaited";
    return offset <= place.settled ? "reached" : "awaited";
  }

  /** What was lost of a history was lost of those before it, too. */
  #shorten(): void {
    let end = Infinity;
    for (let index = this.#past.length - 1; index >= 0; index--) {
      const history = this.#past[index];
      if (history.certain) end = Math.min(end, history.end);
      assert(end >= -1, "a history ends at an offset, or none of it is left");
      history.end = Math.min(history.end, end);
    }
  }
}

/** A history as text: its id, its end, and a "?" where that may be too low. */
export function formatHistory({ replid, end, certain }: PastHistory): string {
  return `${replid} ${end}${certain ? "" : "?"}`;
}

/** Reads a history from its text; undefined when it is none. */
export function parseHistory(text: string): PastHistory | undefined {
  const found = /^([0-9a-f]{40}) (-1|\d{1,16})(\??)$/.exec(text);
  return found === null
    ? undefined
    : { replid: found[1], end: Number(found[2]), certain: found[3] === "" };
}

/** What the text of `INFO replication` says; undefined when a field is missing. */
export function readMasterHistory(text: string): MasterHistory | undefined {
  const role = fieldOf(text, "role");
  const replid = fieldOf(text, "master_replid");
  const replid2 = fieldOf(text, "master_replid2");
  const secondOffset = Number(fieldOf(text, "second_repl_offset") || NaN);
  const offset = Number(fieldOf(text, "master_repl_offset") || NaN);
  if (role === "" || replid === "" || replid2 === "") return undefined;
  if (!Number.isSafeInteger(secondOffset) || !Number.isSafeInteger(offset)) return undefined;
  return { role, replid, replid2, secondOffset, offset };
}
