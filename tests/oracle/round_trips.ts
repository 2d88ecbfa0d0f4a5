/**
 * Writes that need what a server has said before: values dumped and restored, libraries of functions too, keys
 * that move to another server and come back.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Connection } from "../support/connection.ts";
import { ErrorValue } from "../support/resp.ts";
import type { RunningServer } from "../support/servers.ts";
import { toBytes } from "./vocabulary.ts";
import { isSince, type Writes } from "./writes.ts";

/** The names of the writes, as `COMMAND` has them. */
export const ROUND_TRIPS: readonly string[] = [
  "restore",
  "restore-asking",
  "migrate",
  "function|restore",
];

const TIMEOUT_MS = "10000";
/** The name was taken meanwhile: no fault of anybody's. */
const HARMLESS = /BUSYKEY Target key name already exists/;

/** One round trip, through `beside` when it needs another server. */
export async function roundTrip(
  master: RunningServer,
  client: Connection,
  beside: RunningServer,
  writes: Writes,
): Promise<void> {
  switch (writes.prng.int(4)) {
    case 0:
      return await migrate(master, client, beside, writes);
    case 1:
      return await restoreFunctions(master, client, writes);
    default:
      return await restore(client, writes);
  }
}

/** A value back under another key, as a migration sends it. */
async function restore(client: Connection, writes: Writes): Promise<void> {
  const { prng, words } = writes;
  const payload = await client.call("DUMP", toBytes(words.anyKey()));
  if (!(payload instanceof Uint8Array)) return;
  const options = prng.pick([[], ["IDLETIME", "5"], ["FREQ", "5"]]);
  const isAbsolute = prng.oneIn(2);
  if (isAbsolute) options.push("ABSTTL");
  const reply = await client.call(
    prng.pick(["RESTORE", "RESTORE-ASKING"]),
    toBytes(words.anyKey()),
    isAbsolute ? words.expiryMs() : words.ttl(),
    payload,
    "REPLACE",
    ...options,
  );
  assert.equal(reply, "OK");
}

/** Every library away and back, or into those that are there. */
async function restoreFunctions(
  master: RunningServer,
  client: Connection,
  { prng }: Writes,
): Promise<void> {
  if (!isSince(master.binary, "7.0")) return;
  const payload = await client.call("FUNCTION", "DUMP");
  assert.ok(payload instanceof Uint8Array);
  if (prng.oneIn(2)) await client.call("FUNCTION", "FLUSH");
  const policy = prng.pick(["FLUSH", "REPLACE"]);
  assert.equal(await client.call("FUNCTION", "RESTORE", payload, policy), "OK");
}

/** A key to the other server and, when it is still there, back. */
async function migrate(
  master: RunningServer,
  client: Connection,
  beside: RunningServer,
  { prng, words }: Writes,
): Promise<void> {
  const key = toBytes(words.anyKey());
  const options = prng.pick([["REPLACE"], ["REPLACE", "COPY"]]);
  const there = await client.call(
    ...["MIGRATE", "127.0.0.1", beside.port, key, 0, TIMEOUT_MS],
    ...options,
  );
  if (there === "NOKEY") return;
  assertSent(there);
  const back = await beside.call(
    ...["MIGRATE", "127.0.0.1", master.port, key, 0, TIMEOUT_MS],
    ...(prng.oneIn(2) ? ["REPLACE"] : []),
  );
  if (back !== "NOKEY") assertSent(back);
}

function assertSent(reply: unknown): void {
  if (!(reply instanceof ErrorValue)) assert.equal(reply, "OK");
  else assert.match(reply.message, HARMLESS);
}
