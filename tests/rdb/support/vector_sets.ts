/**
 * Payloads of vector sets that real servers dumped, with what a server answers that restored them:
 * `tests/golden/vector_sets.json`, which `tests/golden/make_vectors.ts` records.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../../support/paths.ts";

/** Elements of which more is asked than what is held of them. */
const SEARCHED = 4;

/** One set; words that begin with "hex:" stand for bytes. */
export interface VectorPayload {
  readonly server: string;
  readonly key: string;
  readonly payload: string;
  readonly rows: readonly (readonly [question: readonly string[], reply: string])[];
}

/** All that were recorded. */
export function vectorPayloads(): VectorPayload[] {
  return JSON.parse(readFileSync(join(ROOT, "tests", "golden", "vector_sets.json"), "utf8"));
}

/** What is asked of a set with these elements, in words as above. */
export function questionsOf(key: string, elements: readonly string[]): string[][] {
  const questions = [["VCARD", key], ["VDIM", key], ["VINFO", key], ["DEBUG", "DIGEST-VALUE", key]];
  for (const element of elements) {
    questions.push(["VEMB", key, element, "RAW"], ["VGETATTR", key, element]);
  }
  for (const element of elements.slice(0, SEARCHED)) {
    questions.push(["VEMB", key, element], ["VLINKS", key, element, "WITHSCORES"]);
    questions.push(["VSIM", key, "ELE", element, "TRUTH", "WITHSCORES", "COUNT", "100"]);
  }
  return questions;
}

/** The bytes that a word stands for. */
export function wordBytes(word: string): Uint8Array {
  if (!word.startsWith("hex:")) return Uint8Array.from(word, (letter) => letter.charCodeAt(0));
  return Uint8Array.from(word.slice(4).match(/../g) ?? [], (digits) => parseInt(digits, 16));
}
