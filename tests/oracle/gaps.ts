/**
 * Writes that servers know and a random run does not make, each with its reason: with what is made, this is
 * every write there is, and `write_coverage_test.ts` holds it to that.
 *
 * @module
 */

/** What a command of a gap is, and why no random run makes it. */
export interface Gap {
  /** Names as `COMMAND` has them, in small letters. */
  readonly names: RegExp;
  /** Why. */
  readonly why: string;
  /** Only of servers of their own, or of nodes of a cluster; of both when left out. */
  readonly mode?: "alone" | "cluster";
}

/** Every gap. */
export const GAPS: readonly Gap[] = [
  {
    names: /^trimslots$/,
    why: "a master takes it of nobody, and sends it after a migration between two nodes",
  },
  {
    names: /^cluster\|flushslot$/,
    why: "refused by a server that is no node of a cluster",
    mode: "alone",
  },
  {
    names: /^(move|swapdb)$/,
    why: "a node of a cluster has one database",
    mode: "cluster",
  },
  {
    names: /^[a-z]+\.|^_ft\./,
    why: "a module's: what its values hold is not known here",
  },
];
