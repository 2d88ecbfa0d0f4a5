/**
 * A filter as text, for a snapshot file: what a file holds is known only together with the filter it was written
 * under. And whether what one filter keeps is certain to be a part of what another keeps.
 *
 * @module
 */

import type { FilterOptions, KeyFilter } from "./key_filter.ts";

/** A list of rules as it can be written. */
interface WrittenRules {
  readonly databases?: readonly number[];
  readonly keys?: readonly string[];
  readonly types?: readonly string[];
  readonly maxValueBytes?: number;
  readonly commands?: readonly string[];
  /** The name of the predicate, null for one without. */
  readonly predicate?: string | null;
}

/** The filter as text; "" while it keeps everything. */
export function filterText({ options }: KeyFilter): string {
  return options.length === 0 ? "" : JSON.stringify(options.map(written));
}

/**
 * Whether all that `filter` keeps is in a file that was written under `text`. Certain, or false: globs are compared as
 * texts, predicates by their names.
 */
export function isWithin(filter: KeyFilter, text: string): boolean {
  const theirs = readRules(text);
  if (theirs === undefined) return false;
  const ours = filter.options.map(written);
  return theirs.every((wider) => ours.some((narrower) => isNarrower(narrower, wider)));
}

function written({ predicate, predicateId, ...rules }: FilterOptions): WrittenRules {
  return predicate === undefined ? rules : { ...rules, predicate: predicateId ?? null };
}

/** Undefined for a text that is not one of these. */
function readRules(text: string): readonly WrittenRules[] | undefined {
  if (text === "") return [];
  try {
    const rules: unknown = JSON.parse(text);
    return Array.isArray(rules) ? rules as WrittenRules[] : undefined;
  } catch {
    return undefined;
  }
}

function isNarrower(ours: WrittenRules, theirs: WrittenRules): boolean {
  return isPart(ours.databases, theirs.databases) && isPart(ours.types, theirs.types) &&
    areKeysPart(ours.keys, theirs.keys) &&
    (ours.maxValueBytes ?? Infinity) <= (theirs.maxValueBytes ?? Infinity) &&
    // What was passed over has left its traces, whichever commands come from now on.
    (theirs.commands === undefined || isSame(ours.commands, theirs.commands)) &&
    (theirs.predicate === undefined ||
      (theirs.predicate !== null && ours.predicate === theirs.predicate));
}

function areKeysPart(ours: readonly string[] = [], theirs: readonly string[] = []): boolean {
  const isUnwanted = (key: string) => key.startsWith("!");
  const wanted = (keys: readonly string[]) => keys.filter((key) => !isUnwanted(key));
  const [mine, others] = [wanted(ours), wanted(theirs)];
  if (others.length > 0 && (mine.length === 0 || !isPart(mine, others))) return false;
  return theirs.filter(isUnwanted).every((key) => ours.includes(key));
}

/** Without a list everything is in it. */
function isPart<T>(ours: readonly T[] | undefined, theirs: readonly T[] | undefined): boolean {
  if (theirs === undefined) return true;
  return ours !== undefined && ours.every((element) => theirs.includes(element));
}

function isSame<T>(ours: readonly T[] | undefined, theirs: readonly T[]): boolean {
  return ours !== undefined && isPart(ours, theirs) && isPart(theirs, ours);
}
