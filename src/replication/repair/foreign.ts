/**
 * What the master says of a command that our table does not know: the answer to COMMAND INFO, read into a row
 * of which `keysOf` finds the keys.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { textOf } from "../../client/connection.ts";
import { keysOf } from "../../commands/engine/key_specs.ts";
import type { CommandRow } from "../../commands/engine/host.ts";
import type { Argv } from "../../resp/argv.ts";
import type { RespValue } from "../../resp/types.ts";

/** Keyword of a key spec that can be written into a row. */
const KEYWORD = /^[A-Za-z0-9_-]+$/;
/** Flag of a key spec, as `RW` or `not_key`. */
const FLAG = /^[A-Za-z_]+$/;
/** Key specs from before 7.0 do not say what becomes of a key. */
const UNTOLD_FLAGS = "RW.access.update";

/** A command of the master's. */
export interface ForeignCommand {
  /** Its name, arity and key specs, in the form of our own rows. */
  readonly row: CommandRow;
  /** It is flagged as a write. */
  readonly writes: boolean;
  /** It is flagged as read-only: it changes no key, wherever it comes from. */
  readonly readsOnly: boolean;
  /** Its key specs do not tell every key: COMMAND GETKEYS does. */
  readonly movable: boolean;
}

/**
 * Reads one element of the reply to COMMAND INFO.
 *
 * @returns Undefined when the master does not know the command, or describes it in no form we understand.
 */
export function readForeignCommand(reply: RespValue | undefined): ForeignCommand | undefined {
  if (!Array.isArray(reply) || reply.length < 6) return undefined;
  const name = textOf(reply[0]).toLowerCase();
  const flags = wordsOf(reply[2]);
  const told = reply.length > 8 ? specsOf(reply[8]) : undefined;
  const isMovable = flags.includes("movablekeys");
  const specs = reply.length > 8 ? told : legacySpec(reply);
  return {
    row: { name, arity: Number(reply[1]), flags: 0, keys: specs ?? "" },
    writes: flags.includes("write"),
    readsOnly: flags.includes("readonly"),
    movable: specs === undefined || (isMovable && (told === undefined || isIncomplete(told))),
  };
}

/** Where in `argv` keys stand that the command may change; empty when the arguments contradict themselves. */
export function changedKeys(foreign: ForeignCommand, argv: Argv): number[] {
  assert(!foreign.movable, "the key specs tell every key");
  return keysOf(foreign.row, argv)
    .filter(({ flags }) => !flags.includes("RO"))
    .map(({ index }) => index);
}

/** Key specs before 7.0: first, last and step of the keys. "" for a command without keys. */
function legacySpec(reply: readonly RespValue[]): string {
  const [first, last, step] = [Number(reply[3]), Number(reply[4]), Number(reply[5])];
  if (!(first > 0) || !(step > 0) || !Number.isInteger(last)) return "";
  return `${UNTOLD_FLAGS}@${first}:${last < 0 ? last : last - first},${step}`;
}

function isIncomplete(specs: string): boolean {
  return specs === "" || /(^|\+)[^@]*\bincomplete\b/.test(specs);
}

/** Key specs in the notation of our rows; undefined when one of them cannot be written so. */
function specsOf(reply: RespValue | undefined): string | undefined {
  if (!Array.isArray(reply)) return undefined;
  const texts: string[] = [];
  for (const spec of reply) {
    const text = specOf(fieldsOf(spec));
    if (text === undefined) return undefined;
    texts.push(text);
  }
  return texts.join("+");
}

function specOf(fields: ReadonlyMap<string, RespValue>): string | undefined {
  // What varies is counted as what it may be at most.
  const flags = wordsOf(fields.get("flags")).filter((flag) => flag !== "variable_flags");
  if (flags.length === 0 || !flags.every((flag) => FLAG.test(flag))) return undefined;
  const begin = beginOf(fieldsOf(fields.get("begin_search")));
  const find = findOf(fieldsOf(fields.get("find_keys")));
  if (begin === undefined || find === undefined) return undefined;
  return `${flags.join(".")}@${begin}:${find}`;
}

function beginOf(fields: ReadonlyMap<string, RespValue>): string | undefined {
  const spec = fieldsOf(fields.get("spec"));
  const type = textOf(fields.get("type"));
  if (type === "index") {
    const index = Number(spec.get("index"));
    return index > 0 ? String(index) : undefined;
  }
  if (type !== "keyword") return undefined;
  const keyword = textOf(spec.get("keyword"));
  const from = Number(spec.get("startfrom"));
  return KEYWORD.test(keyword) && Number.isInteger(from) ? `${keyword}~${from}` : undefined;
}

function findOf(fields: ReadonlyMap<string, RespValue>): string | undefined {
  const spec = fieldsOf(fields.get("spec"));
  const number = (name: string) => Number(spec.get(name));
  const type = textOf(fields.get("type"));
  if (!(number("keystep") > 0)) return undefined;
  if (type === "range") {
    const [last, limit] = [number("lastkey"), number("limit")];
    if (!Number.isInteger(last) || !(limit >= 0)) return undefined;
    return `${last},${number("keystep")},${limit}`;
  }
  if (type !== "keynum") return undefined;
  const [at, first] = [number("keynumidx"), number("firstkey")];
  return at >= 0 && first >= 0 ? `n${at},${first},${number("keystep")}` : undefined;
}

/** A map as RESP2 writes it, names and values in turn. */
function fieldsOf(reply: RespValue | undefined): Map<string, RespValue> {
  const fields = new Map<string, RespValue>();
  if (!Array.isArray(reply)) return fields;
  for (let i = 0; i + 1 < reply.length; i += 2) fields.set(textOf(reply[i]), reply[i + 1]);
  return fields;
}

function wordsOf(reply: RespValue | undefined): string[] {
  return Array.isArray(reply) ? reply.map(textOf) : [];
}
