/**
 * The names that `TYPE` has for values of modules, vector sets included.
 *
 * @module
 */

import type { Entry } from "../memory/record.ts";
import type { Records } from "../memory/records.ts";
import { moduleValueOf, VECTOR_SET_TYPE } from "./module.ts";
import { vectorSetOf } from "./vector_set.ts";

/** The name of an entry's type; undefined when it is one that every server has. */
export function moduleTypeOf(db: Records, entry: Entry): string | undefined {
  if (vectorSetOf(db, entry) !== undefined) return VECTOR_SET_TYPE;
  return moduleValueOf(db, entry)?.module;
}
