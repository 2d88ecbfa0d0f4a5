/**
 * Secrets kept out of texts that people and logs read.
 *
 * @module
 */

import { encodeUtf8, latin1 } from "./ascii.ts";

/** What stands in place of a secret, as a real server writes it. */
export const REDACTED: string = "(redacted)";
/** A part of a secret counts as the secret from so many of its first characters on. */
const LEAST_PART = 16;

/**
 * A text from the other side without the secrets that were sent there: some servers quote the arguments of a
 * command they refuse, shortened.
 *
 * @param text The text, in which bytes of UTF-8 may stand as a character each.
 * @param secrets What must not be in it; undefined and "" are passed over.
 */
export function conceal(text: string, secrets: readonly (string | undefined)[]): string {
  let shown = text;
  for (const secret of secrets) {
    if (secret === undefined || secret === "") continue;
    for (const form of new Set([secret, latin1(encodeUtf8(secret))])) {
      const part = longestPart(shown, form);
      if (part !== "") shown = shown.replaceAll(part, REDACTED);
    }
  }
  return shown;
}

/** The longest beginning of `secret` that `text` holds, "" when that is too short to tell anything. */
function longestPart(text: string, secret: string): string {
  const least = Math.min(LEAST_PART, secret.length);
  for (let length = secret.length; length >= least; length--) {
    if (text.includes(secret.slice(0, length))) return secret.slice(0, length);
  }
  return "";
}
