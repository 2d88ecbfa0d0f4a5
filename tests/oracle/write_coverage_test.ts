/**
 * Every write that a server knows, as its own `COMMAND` tells, is made by the random runs or stands in
 * `gaps.ts` with a reason, on a server of its own and on a node of a cluster. A reason for
 * what is made all the same is found too.
 *
 * @module
 */

import assert from "node:assert/strict";
import { plain } from "../support/resp.ts";
import { type ServerBinary, serverTest, startServer } from "../support/servers.ts";
import { GAPS } from "./gaps.ts";
import { ROUND_TRIPS } from "./round_trips.ts";
import { Writes } from "./writes.ts";

const SEED = 7;
/** So many that the rarest, one in some thousands, is among them. */
const MADE = 150_000;
/** Flags of what changes data, or what replicas are sent. */
const WRITES: readonly string[] = ["write", "may_replicate"];

/** Names in small letters, subcommands as "function|load", of what the server says is a write. */
async function writesOf(binary: ServerBinary, isCluster: boolean): Promise<Set<string>> {
  await using server = await startServer(binary, isCluster ? ["--cluster-enabled", "yes"] : []);
  const names = new Set<string>();
  for (const row of plain(await server.call("COMMAND")) as unknown[][]) collect(row, names);
  return names;
}

function collect(row: unknown[], names: Set<string>): void {
  const flags = row[2] as string[];
  if (flags.some((flag) => WRITES.includes(flag))) names.add(String(row[0]).toLowerCase());
  for (const subcommand of (row[9] ?? []) as unknown[][]) collect(subcommand, names);
}

/** What the random run makes, containers with and without their subcommand. */
function made(binary: ServerBinary, isCluster: boolean): Set<string> {
  const writes = new Writes(SEED, binary, isCluster);
  const names = new Set<string>(ROUND_TRIPS);
  for (let i = 0; i < MADE; i++) {
    for (const [name, subcommand = ""] of writes.next()) {
      names.add(name.toLowerCase());
      names.add(`${name}|${subcommand}`.toLowerCase());
    }
  }
  return names;
}

function gapOf(name: string, isCluster: boolean): string | undefined {
  const other = isCluster ? "alone" : "cluster";
  return GAPS.find(({ names, mode }) => names.test(name) && mode !== other)?.why;
}

for (const isCluster of [false, true]) {
  const where = isCluster ? "a node of a cluster" : "a server of its own";
  await serverTest(`every write of ${where} is made, or has a reason`, async (binary) => {
    const known = made(binary, isCluster);
    const problems: string[] = [];
    for (const name of await writesOf(binary, isCluster)) {
      const gap = gapOf(name, isCluster);
      if (known.has(name)) {
        if (gap !== undefined) problems.push(`${name} is made, and has a reason not to be: ${gap}`);
      } else if (gap === undefined) {
        problems.push(`${name} is neither made nor has it a reason`);
      }
    }
    assert.deepEqual(problems, []);
  });
}
