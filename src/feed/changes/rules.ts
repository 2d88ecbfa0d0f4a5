/**
 * What the options of a feed may be: checked before it begins, so that a wrong name is an error at its call.
 *
 * @module
 */

import {
  callback,
  either,
  flag,
  integer,
  list,
  methods,
  oneOf,
  type Rule,
  type Rules,
  shape,
  text,
} from "../../base/shape.ts";
import { TYPE_NAMES } from "../../store/memory/record.ts";
import type { ChangesOptions } from "./types.ts";

/** Databases are numbered by a C int on the master. */
const MAX_DB = 0x7fffffff;

/** A key: text or bytes. */
const key: Rule = (value, name) => {
  if (typeof value !== "string" && !(value instanceof Uint8Array)) {
    throw new TypeError(`${name} must be a text or bytes`);
  }
};

/** "json", a function, or an object that is a Standard Schema. */
const decoder: Rule = (value, name) => {
  const isSchema = typeof value === "object" && value !== null && "~standard" in value;
  if (value === "json" || typeof value === "function" || isSchema) return;
  throw new TypeError(`${name} must be "json", a function of bytes, or a Standard Schema`);
};

/** One pattern, or several. */
const patterns: Rule = (value, name) => {
  if (Array.isArray(value)) list(key, "a list of patterns")(value, name);
  else key(value, name);
};

const rules = shape(
  {
    match: patterns,
    databases: either(
      { string: oneOf("all"), array: list(integer(0, MAX_DB), "a list of database numbers") },
      `a list of database numbers, or "all"`,
    ),
    types: list(oneOf(...TYPE_NAMES), "a list of types"),
    from: text(
      /^(now|snapshot|[0-9a-f]{40}:\d{1,16})$/,
      `"now", "snapshot" or the token of a batch`,
    ),
    values: oneOf("none", "new", "both"),
    policy: oneOf("coalesce", "mark", "close"),
    maxKeys: integer(1),
    signal: methods("addEventListener"),
    bytes: flag,
    decode: decoder,
  } satisfies Rules<ChangesOptions>,
);

/** Checks the options of `changes` and `onCommit`. @throws {TypeError} When one is unknown or makes no sense. */
export function checkChanges(options: ChangesOptions, method: string): void {
  rules(options, method);
}

/** Checks a listener. @throws {TypeError} When it is no function. */
export function checkListener(listener: unknown, method: string): void {
  callback(listener, `${method}: listener`);
}
