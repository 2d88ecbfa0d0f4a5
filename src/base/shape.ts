/**
 * Checks options by rules that are data: each rule judges one value, and a table of rules judges an object
 * together with the names it may have. A value of the wrong kind, a number out of its range, and a name that
 * no rule has are TypeErrors that name the option by its path and say what would be right.
 *
 * ```text
 *  const check = shape({ port: integer(1, 65535), tls: shape({ ca: text() }) });
 *  check({ prt: 1 }, "server")    Unknown option "server.prt": did you mean "port"?
 *  check({ port: "1" }, "server") server.port is a string, not a whole number from 1 to 65535
 * ```
 *
 * Messages quote numbers and the words of a fixed list, never other text: it may be a password.
 *
 * @module
 */

import { parseMemorySize } from "./memory_size.ts";

/** Throws a TypeError that begins with `name` unless `value` is right; `value` is never undefined. */
export type Rule = (value: unknown, name: string) => void;

/** A rule for each option of `T`, so that the compiler asks for one where an option is added. */
export type Rules<T> = { readonly [Name in keyof T]-?: Rule };

/** Longest time a runtime's timer can wait; a longer one would fire at once. */
export const MAX_TIMER_MS: number = 0x7fffffff;
/** Most letters changed between a misspelt name and the one that is proposed for it. */
const MAX_DISTANCE = 3;

/** Exceptions from the rule that every option may be left out or undefined. */
export interface ShapeDemands {
  /** Names that must be given. */
  readonly required?: readonly string[];
  /** Names that may be left out but not given as undefined, which is what an unset variable gives. */
  readonly defined?: readonly string[];
}

/**
 * The rule for an object of options: every name must have a rule. Undefined counts as left out.
 *
 * @param rules A rule by name.
 * @param demands Names that must be there, or must not be undefined.
 */
export function shape(rules: Readonly<Record<string, Rule>>, demands: ShapeDemands = {}): Rule {
  const known = Object.keys(rules);
  return (value, name) => {
    const options = asObject(value, name);
    for (const [key, given] of Object.entries(options)) {
      const path = join(name, key);
      if (!Object.hasOwn(rules, key)) throw new TypeError(unknownName("option", path, key, known));
      if (given !== undefined) rules[key](given, path);
      else if (demands.defined?.includes(key)) {
        throw new TypeError(`${path} is undefined: leave it out, or give it a value`);
      }
    }
    for (const key of demands.required ?? []) {
      if (options[key] === undefined) throw new TypeError(`${join(name, key)} is missing`);
    }
  };
}

/** The rule for an object whose names are the owner's own, each value judged by `rule`. */
export function record(rule: Rule): Rule {
  return (value, name) => {
    for (const [key, given] of Object.entries(asObject(value, name))) {
      if (key === "") throw new TypeError(`${name} has an empty name`);
      if (given === undefined) throw new TypeError(`${name}: the value of "${key}" is undefined`);
      rule(given, join(name, key));
    }
  };
}

/** The rule for an object that has these methods, its own or inherited ones; it may have more. */
export function methods(...names: readonly string[]): Rule {
  return (value, name) => {
    const target = asObject(value, name);
    const missing = names.filter((method) => typeof target[method] !== "function");
    if (missing.length === 0) return;
    throw new TypeError(
      `${name} has no method ${missing.join(", ")}: needed are ${names.join(", ")}`,
    );
  };
}

/**
 * The rule for a text that is not empty. Its value stands in no message.
 *
 * @param pattern What the whole text must match; anything unless told.
 * @param meaning What it is, for the message.
 */
export function text(pattern: RegExp = /^/, meaning: string = "a text"): Rule {
  return (value, name) => {
    if (typeof value !== "string") throw wrongKind(name, value, meaning);
    if (value === "") throw new TypeError(`${name} is empty: leave it out, or give ${meaning}`);
    if (!pattern.test(value)) throw new TypeError(`${name} is not ${meaning}`);
  };
}

/** The rule for a whole number from `min` to `max`. */
export function integer(min: number, max: number = Number.MAX_SAFE_INTEGER): Rule {
  const range = max === Number.MAX_SAFE_INTEGER ? `of ${min} or more` : `from ${min} to ${max}`;
  const meaning = `a whole number ${range}`;
  return (value, name) => {
    if (typeof value !== "number") throw wrongKind(name, value, meaning);
    if (Number.isInteger(value) && value >= min && value <= max) return;
    throw new TypeError(`${name} is ${value}, not ${meaning}`);
  };
}

/** The rule for a number of bytes from `min` on: whole, or a text as `512mb`. */
export function memorySize(min: number): Rule {
  const meaning = `a number of bytes of ${min} or more, or a text such as "512mb" or "2gb"`;
  return (value, name) => {
    if (typeof value !== "number" && typeof value !== "string") {
      throw wrongKind(name, value, meaning);
    }
    const bytes = typeof value === "number" ? value : parseMemorySize(value);
    if (bytes !== undefined && Number.isSafeInteger(bytes) && bytes >= min) return;
    throw new TypeError(`${name} is not ${meaning}`);
  };
}

/** The rule for milliseconds from `min` on that a timer can wait. */
export function millis(min: number = 0): Rule {
  const meaning = `a number of milliseconds from ${min} to ${MAX_TIMER_MS}`;
  return (value, name) => {
    if (typeof value !== "number") throw wrongKind(name, value, meaning);
    if (value >= min && value <= MAX_TIMER_MS) return;
    throw new TypeError(`${name} is ${value}, not ${meaning}`);
  };
}

/** The rule for one word of a list. */
export function oneOf(...words: readonly string[]): Rule {
  const meaning = words.map((word) => `"${word}"`).join(" or ");
  return (value, name) => {
    if (typeof value !== "string") throw wrongKind(name, value, meaning);
    if (words.includes(value)) return;
    throw new TypeError(`${name} is ${meaning}, not "${value.slice(0, 40)}"`);
  };
}

/** The rule for true or false. */
export const flag: Rule = (value, name) => {
  if (typeof value !== "boolean") throw wrongKind(name, value, "true or false");
};

/** The rule for a function. */
export const callback: Rule = (value, name) => {
  if (typeof value !== "function") throw wrongKind(name, value, "a function");
};

/** The rule for a list with at least one element, each judged by `rule`. */
export function list(rule: Rule, meaning: string): Rule {
  return (value, name) => {
    if (!Array.isArray(value)) throw wrongKind(name, value, meaning);
    if (value.length === 0) throw new TypeError(`${name} is empty: it needs ${meaning}`);
    for (const [index, element] of value.entries()) rule(element, `${name}[${index}]`);
  };
}

/** Rules by what `typeof` says of a value, with `array` for lists. */
export type RulesByKind = {
  readonly [Kind in "string" | "number" | "boolean" | "function" | "object" | "array"]?: Rule;
};

/**
 * The rule for a value of one of several kinds.
 *
 * @param rules The rule for each kind that is allowed.
 * @param meaning All of them in words, for the message.
 */
export function either(rules: RulesByKind, meaning: string): Rule {
  return (value, name) => {
    const kind = Array.isArray(value) ? "array" : value === null ? "null" : typeof value;
    const rule = (rules as Readonly<Record<string, Rule | undefined>>)[kind];
    if (rule === undefined) throw wrongKind(name, value, meaning);
    rule(value, name);
  };
}

/**
 * The message for a name that nobody knows, with the nearest known one or all of them.
 *
 * @param what What has such names, as in "option".
 * @param shown The name as the message shows it.
 * @param name The name that was given.
 * @param known Every name there is.
 */
export function unknownName(
  what: string,
  shown: string,
  name: string,
  known: readonly string[],
): string {
  const near = nearestName(name, known);
  const hint = near === undefined ? `known are ${known.join(", ")}` : `did you mean "${near}"?`;
  return `Unknown ${what} "${shown}": ${hint}`;
}

/** The known name that `name` is most likely meant to be; undefined when none is near. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  let nearest: string | undefined;
  let least = Math.min(MAX_DISTANCE, Math.ceil(name.length / 3)) + 1;
  for (const candidate of known) {
    const [short, long] = [name, candidate].map((word) => word.toLowerCase().replace(/[-_]/g, ""));
    const isPart = short.length >= 2 && (long.startsWith(short) || short.startsWith(long));
    const steps = isPart ? 1 : distance(short, long);
    if (steps < least) [nearest, least] = [candidate, steps];
  }
  return nearest;
}

/** How many letters must be changed, added, taken away or swapped with their neighbour. */
function distance(from: string, to: string): number {
  if (Math.abs(from.length - to.length) > MAX_DISTANCE) return MAX_DISTANCE + 1;
  const rows = [Array.from({ length: to.length + 1 }, (_, index) => index)];
  for (let i = 1; i <= from.length; i++) {
    const row = [i];
    for (let j = 1; j <= to.length; j++) {
      const same = from[i - 1] === to[j - 1] ? 0 : 1;
      row[j] = Math.min(row[j - 1] + 1, rows[i - 1][j] + 1, rows[i - 1][j - 1] + same);
      const swapped = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1];
      if (swapped) row[j] = Math.min(row[j], rows[i - 2][j - 2] + 1);
    }
    rows.push(row);
  }
  return rows[from.length][to.length];
}

function asObject(value: unknown, name: string): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw wrongKind(name, value, "an object");
  }
  return value as Readonly<Record<string, unknown>>;
}

/** The error for a value of the wrong kind: it names the kind and leaves the value out. */
function wrongKind(name: string, value: unknown, meaning: string): TypeError {
  const subject = name === "" ? "The options are" : `${name} is`;
  return new TypeError(`${subject} ${kindOf(value)}, not ${meaning}`);
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (value === undefined) return "undefined";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "number") return `the number ${value}`;
  if (typeof value === "boolean") return `${value}`;
  if (typeof value === "object") return "an object";
  return `a ${typeof value}`;
}

function join(name: string, key: string): string {
  return name === "" ? key : `${name}.${key}`;
}
