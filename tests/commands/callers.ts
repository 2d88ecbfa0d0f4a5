/**
 * Tables of what one command does for each of its callers: a client of a replica, which is shown no expired
 * key; the master's stream, which is obeyed to the letter; a client of a stand-alone master, whose change
 * is sent on. What a command answers apart from that is in `tests/golden/commands`.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Engine, type Role } from "./engine.ts";

/** The clock when the command runs. */
export const NOW = 1_700_000_000_000;
/** A moment that has passed by then. */
export const PAST: string = String(NOW - 1);
/** 100 seconds later. */
export const FUTURE: string = String(NOW + 100_000);
/** RESP2's null bulk. */
export const nil = "$-1\r\n";
/** The reply OK. */
export const ok = "+OK\r\n";

/** A bulk string of RESP. */
export function bulk(text: string): string {
  return `$${text.length}\r\n${text}\r\n`;
}

/** An integer of RESP. */
export function integer(value: number | string): string {
  return `:${value}\r\n`;
}

/** One command and what it does; arguments are separated by spaces. */
export interface Row {
  /** The command and its promise. */
  readonly name: string;
  /** Who calls; a stand-alone master's client unless told. */
  readonly role?: Role;
  /** Run by a master's stream before the clock reads NOW. */
  readonly given?: string[];
  /** The command. */
  readonly when: string;
  /** Its reply's bytes. */
  readonly reply: string;
  /** What a master sends on; left out, it is not looked at. */
  readonly sent?: string[];
  /** `GET k` as the stream sees it afterwards. */
  readonly leaves?: string;
}

/** Registers a test for each row. */
export function testCallers(rows: readonly Row[]): void {
  for (const row of rows) test(row.name, () => check(row));
}

function check({ role = "master", given = [], when, reply, sent, leaves }: Row): void {
  const engine = new Engine("stream");
  engine.at(NOW - 1_000_000);
  for (const line of given) engine.call(...line.split(" ").map(binary));
  engine.propagated.length = 0;
  engine.at(NOW);
  engine.become(role);
  assert.equal(engine.call(...when.split(" ").map(binary)), reply);
  if (sent !== undefined) assert.deepEqual(engine.propagated, sent);
  engine.become("stream");
  if (leaves !== undefined) assert.equal(engine.call("GET", "k"), leaves);
}

function binary(text: string): Uint8Array {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}
