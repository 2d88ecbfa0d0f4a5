/**
 * Tokens: a place in a master's history as text, so that a cookie or a header can carry it from the process
 * that wrote to another one that reads.
 *
 * ```text
 *  8371445ee47ac90cd4a5e8d2bf7a3ffa1b0d1be7:41028
 *  replication id, 40 hex digits            offset of the last byte
 * ```
 *
 * @module
 */

/** A place in a history. */
export interface Token {
  /** Replication id of the history, 40 lower-case hex digits. */
  readonly replid: string;
  /** Offset of the last byte of the stream that must have been applied. */
  readonly offset: number;
}

const TOKEN = /^([0-9a-f]{40}):(0|[1-9][0-9]{0,15})$/;

/** The text of a token. */
export function formatToken({ replid, offset }: Token): string {
  return `${replid}:${offset}`;
}

/** Reads a token, which may come from a stranger's cookie; undefined when it is none. */
export function parseToken(text: string): Token | undefined {
  const found = typeof text === "string" ? TOKEN.exec(text) : null;
  const offset = Number(found?.[2]);
  return found === null || !Number.isSafeInteger(offset) ? undefined : { replid: found[1], offset };
}
