/**
 * Clients that wait, and one that acts meanwhile: what each of them is told, by any server.
 *
 * @module
 */

import assert from "node:assert/strict";
import { latin1 } from "../../src/base/ascii.ts";
import { type Connection, open } from "../support/connection.ts";

/** What waits, what is done meanwhile, and what all of them are answered. */
export interface Scenario {
  readonly name: string;
  /** Commands of the other client before anybody waits; their replies are not looked at. */
  readonly before?: readonly string[];
  /** Commands of clients that come one after the other and wait. */
  readonly waiting: readonly string[];
  /** Commands of another client, then. */
  readonly acting: readonly string[];
  /** Replies to those that waited, then to the other. */
  readonly expected: readonly string[];
}

async function ask(connection: Connection, command: string): Promise<string> {
  const reply = await connection.raw(...command.split(" "));
  return latin1(reply).replaceAll("\r\n", "|");
}

/** Plays it on a server that is emptied for it. */
export async function play(port: number, scenario: Scenario): Promise<void> {
  const actor = await open(port);
  for (const command of ["FLUSHALL", ...scenario.before ?? []]) await ask(actor, command);
  const waiters: Connection[] = [];
  const replies: Promise<string>[] = [];
  for (const command of scenario.waiting) {
    const connection = await open(port);
    waiters.push(connection);
    replies.push(ask(connection, command));
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
  const acted: string[] = [];
  for (const command of scenario.acting) acted.push(await ask(actor, command));
  const waited = await Promise.all(replies);
  for (const connection of [actor, ...waiters]) connection.close();
  assert.deepEqual([...waited, ...acted], scenario.expected);
}
