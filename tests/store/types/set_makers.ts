/**
 * Members that the tests of sets draw, and those that a set has.
 *
 * @module
 */

import { latin1 } from "../../../src/base/ascii.ts";
import type { Prng } from "../../../src/base/prng.ts";
import type { Entry } from "../../../src/store/memory/record.ts";
import type { Records } from "../../../src/store/memory/records.ts";
import { setEach } from "../../../src/store/types/set.ts";

/** Texts that are integers of every width, that nearly are, and that are none. */
const ODD: readonly string[] = [
  "0",
  "-1",
  "32767",
  "32768",
  "-32769",
  "2147483648",
  "-2147483649",
  "9007199254740993",
  "9223372036854775807",
  "-9223372036854775808",
  "9223372036854775808",
  "007",
  "-0",
  "+1",
  "",
  "a\0b",
  "\xff\x00\r\n",
  "m".repeat(64),
  "m".repeat(65),
];

/** All members of a set, in its order. */
export function membersOf(db: Records, entry: Entry): string[] {
  const told: string[] = [];
  setEach(db, entry, (bytes, start, end) => told.push(latin1(bytes, start, end)));
  return told;
}

/** Draws a member: an integer of a few, an odd one, or a text. */
export function memberOf(prng: Prng, kind: string): string {
  if (kind === "integers" || prng.oneIn(3)) return String(prng.int(300) - 150);
  return prng.oneIn(4) ? prng.pick(ODD) : `member:${prng.int(300)}`;
}
