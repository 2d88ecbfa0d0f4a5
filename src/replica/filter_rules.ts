/**
 * The rules for the option `filter` and for what `narrow` takes.
 *
 * @module
 */

import {
  callback,
  integer,
  list,
  nearestName,
  type Rule,
  type Rules,
  shape,
  text,
} from "../base/shape.ts";
import { WRITE } from "../commands/engine/command.ts";
import { allCommands } from "../commands/table.ts";
import { MAX_DATABASES } from "../server/option_rules.ts";
import type { FilterOptions } from "../store/keyspace/key_filter.ts";
import { TYPE_NAMES } from "../store/memory/record.ts";
import { OWN_TYPES } from "../store/types/module.ts";

/** Types that TYPE tells and that no module brings. */
const KNOWN_TYPES: readonly string[] = [
  ...TYPE_NAMES.filter((name) => name !== "module"),
  ...OWN_TYPES,
];
/** A module's type has a name of nine characters. */
const MODULE_TYPE = /^[A-Za-z0-9_-]{9}$/;

const pattern: Rule = (value, name) => {
  text()(value, name);
  if (value !== "!") return;
  throw new TypeError(
    `${name} is "!" alone: the pattern of keys to leave out is missing behind it`,
  );
};

const typeName: Rule = (value, name) => {
  text()(value, name);
  const type = value as string;
  if (KNOWN_TYPES.includes(type) || MODULE_TYPE.test(type)) return;
  throw new TypeError(
    `${name} is no type: ${proposal(type, KNOWN_TYPES)}, or the nine characters of a module's`,
  );
};

const writeCommand: Rule = (value, name) => {
  text(/^[^\s]+$/, "the name of a command, as set or xgroup|create")(value, name);
  const command = (value as string).toLowerCase();
  const row = allCommands.find((row) => row.name === command);
  const isContainer = allCommands.some((row) => row.name.startsWith(`${command}|`) && isWrite(row));
  // Those of modules are known by their dot alone.
  if (isContainer || command.includes(".") || (row !== undefined && isWrite(row))) return;
  if (row !== undefined) throw new TypeError(`${name} is no write command: reads are in no stream`);
  const writes = allCommands.filter(isWrite).map((row) => row.name);
  throw new TypeError(`${name} is no write command: ${proposal(command, writes)}`);
};

function isWrite({ flags }: { readonly flags: number }): boolean {
  return (flags & WRITE) !== 0;
}

/** What may have been meant. */
function proposal(name: string, known: readonly string[]): string {
  const near = nearestName(name, known);
  return near === undefined ? `as ${known.slice(0, 6).join(", ")}` : `did you mean "${near}"?`;
}

const filterShape = shape(
  {
    databases: list(integer(0, MAX_DATABASES - 1), "numbers of databases"),
    keys: list(pattern, "glob patterns of keys"),
    types: list(typeName, "names of types"),
    maxValueBytes: integer(0),
    commands: list(writeCommand, "names of write commands"),
    predicate: callback,
    predicateId: text(),
  } satisfies Rules<FilterOptions>,
);

/** The rule for a filter: each of its rules, and that there is one. */
export const filterRule: Rule = (value, name) => {
  filterShape(value, name);
  const options = value as FilterOptions;
  if (options.predicateId !== undefined && options.predicate === undefined) {
    throw new TypeError(
      `${name}.predicateId names a predicate, but there is none: give ${name}.predicate`,
    );
  }
  if (Object.values(options).some((rule) => rule !== undefined)) return;
  const names = "databases, keys, types, maxValueBytes, commands, predicate";
  throw new TypeError(`${name} has no rule: give one of ${names}, or leave it out`);
};
