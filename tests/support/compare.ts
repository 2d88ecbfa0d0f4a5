/**
 * Whether two servers hold the same: every database, key, type, value and expiry, read over RESP.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { Argument, Connection } from "./connection.ts";
import { ErrorValue, plain, type Reply } from "./resp.ts";

/** What one key holds, printable. */
export interface KeyState {
  readonly type: unknown;
  readonly value: unknown;
  /** Milliseconds since 1970, or -1. */
  readonly expireAtMs: number;
}

/** `db/key` to what it holds; bytes as latin1, so that every byte shows. */
export type Dataset = Map<string, KeyState>;

/** How a value of each type is read whole, in an order both sides share. */
const READS: Record<string, (key: Argument) => Argument[]> = {
  string: (key) => ["GET", key],
};
const SCAN_COUNT = 5000;
const BATCH = 2000;
/**
 * Masters older than 7.0 hand on EXPIRE and SETEX as they came, relative to when the replica applies
 * them, and cannot say the moment of expiry: there two sides differ by as much as one lags.
 */
export const OLD_EXPIRY_TOLERANCE_MS = 10_000;

/** Reads everything from databases 0 to `databases` less one. */
export async function readDataset(connection: Connection, databases: number): Promise<Dataset> {
  const dataset: Dataset = new Map();
  const exact = !(await connection.call("PEXPIRETIME", "x") instanceof ErrorValue);
  for (let db = 0; db < databases; db++) {
    await connection.call("SELECT", db);
    const keys = await scanKeys(connection);
    for (let at = 0; at < keys.length; at += BATCH) {
      await readKeys(connection, db, keys.slice(at, at + BATCH), exact, dataset);
    }
  }
  return dataset;
}

/** Fails, naming the first few differences, unless both hold the same. */
export function assertSameDataset(actual: Dataset, expected: Dataset, toleranceMs = 0): void {
  const keys = differingKeys(actual, expected, toleranceMs);
  const shown = keys.slice(0, 10).map((key) =>
    `${JSON.stringify(key)}: ${describe(actual.get(key))}, not ${describe(expected.get(key))}`
  );
  assert.equal(keys.length, 0, `${keys.length} keys differ:\n  ${shown.join("\n  ")}`);
}

/** The keys, as `db/key`, that two do not hold alike. */
export function differingKeys(actual: Dataset, expected: Dataset, toleranceMs = 0): string[] {
  const keys = new Set([...expected.keys(), ...actual.keys()]);
  return [...keys].filter((key) => !sameState(actual.get(key), expected.get(key), toleranceMs));
}

/** What each of several holds under one key, in one line: who holds the same stands together. */
export function tellApart(key: string, sides: Readonly<Record<string, Dataset>>): string {
  const groups: { readonly names: string[]; readonly state: KeyState | undefined }[] = [];
  for (const [name, side] of Object.entries(sides)) {
    const state = side.get(key);
    const group = groups.find((other) => sameState(other.state, state, 0));
    if (group === undefined) groups.push({ names: [name], state });
    else group.names.push(name);
  }
  const [first, ...others] = groups.map(({ state }) => String(state?.value));
  const at = Math.max(0, ...others.map((other) => firstDifference(first, other)));
  const told = groups.map(({ names, state }) => `${names.join(", ")} ${describe(state, at)}`);
  return `${JSON.stringify(key)}: ${told.join("; ")}`;
}

/** Index of the first character in which two texts differ. */
function firstDifference(a: string, b: string): number {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at++;
  return at;
}

async function scanKeys(connection: Connection): Promise<Uint8Array[]> {
  const keys = new Map<string, Uint8Array>();
  let cursor = "0";
  do {
    const reply = await connection.call("SCAN", cursor, "COUNT", SCAN_COUNT) as Reply[];
    cursor = String(plain(reply[0]));
    for (const key of reply[1] as Uint8Array[]) keys.set(Buffer.from(key).toString("latin1"), key);
  } while (cursor !== "0");
  return [...keys.values()];
}

async function readKeys(
  connection: Connection,
  db: number,
  keys: readonly Uint8Array[],
  exact: boolean,
  dataset: Dataset,
): Promise<void> {
  const types = await connection.pipeline(keys.map((key) => ["TYPE", key]));
  const reads = keys.map((key, i) => READS[String(types[i])]?.(key) ?? ["DUMP", key]);
  const values = await connection.pipeline(reads);
  const now = Date.now();
  const expiries = await connection.pipeline(
    keys.map((key) => [exact ? "PEXPIRETIME" : "PTTL", key]),
  );
  keys.forEach((key, i) => {
    const expiry = Number(expiries[i]);
    // -2 and "none": it expired between the scan and here.
    if (types[i] === "none" || expiry === -2) return;
    const expireAtMs = expiry === -1 || exact ? expiry : now + expiry;
    const name = `${db}/${Buffer.from(key).toString("latin1")}`;
    dataset.set(name, { type: types[i], value: printable(values[i]), expireAtMs });
  });
}

function printable(reply: Reply): unknown {
  if (reply instanceof Uint8Array) return Buffer.from(reply).toString("latin1");
  if (Array.isArray(reply)) return JSON.stringify(reply.map(printable));
  return reply instanceof ErrorValue ? `(error) ${reply.message}` : reply;
}

function sameState(
  a: KeyState | undefined,
  b: KeyState | undefined,
  toleranceMs: number,
): boolean {
  if (a === undefined || b === undefined) return a === b;
  if (a.type !== b.type || a.value !== b.value) return false;
  if (a.expireAtMs === -1 || b.expireAtMs === -1) return a.expireAtMs === b.expireAtMs;
  return Math.abs(a.expireAtMs - b.expireAtMs) <= toleranceMs;
}

/** A key's state, its value from `at` on. */
function describe(state: KeyState | undefined, at: number = 0): string {
  if (state === undefined) return "missing";
  const value = String(state.value);
  const from = at < 20 ? 0 : at - 20;
  const short = value.length > from + 60
    ? `${value.slice(from, from + 60)}... (from ${from} of ${value.length})`
    : value.slice(from);
  return `${state.type} ${JSON.stringify(short)} until ${state.expireAtMs}`;
}
