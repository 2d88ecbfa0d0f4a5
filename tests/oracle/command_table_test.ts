/**
 * What real servers say of their commands against our table: every write is applied, every read is
 * answered, and arity, flags and key specs are those of Redis 8.0. What we lack or have otherwise stands
 * below with its reason.
 *
 * @module
 */

import assert from "node:assert/strict";
import { systemClock } from "../../src/base/clock.ts";
import { ByteBuffer } from "../../src/base/byte_buffer.ts";
import { CONTAINER } from "../../src/commands/command.ts";
import { allCommands } from "../../src/commands/table.ts";
import { Argv } from "../../src/resp/argv.ts";
import { ReplyWriter } from "../../src/resp/writer.ts";
import { Dispatcher } from "../../src/server/dispatch.ts";
import { Keyspace } from "../../src/store/keyspace.ts";
import { plain, readReply } from "../support/resp.ts";
import { atLeast, type ServerBinary, serverTest, startServer } from "../support/servers.ts";

/** One command as `COMMAND` tells of it, subcommands taken out. */
interface Told {
  readonly name: string;
  readonly arity: number;
  readonly flags: readonly string[];
  readonly keys: readonly number[];
  readonly keySpecs: string;
}

/** Commands without a row here, and why. */
const LACKING: readonly (readonly [pattern: RegExp, why: string])[] = [
  [
    /^v(add|card|dim|emb|getattr|info|ismember|links|randmember|range|rem|setattr|sim)$/i,
    "a module's",
  ],
  [/^(bf|cf|cms|ft|json|search|tdigest|timeseries|topk|ts)\./i, "a module's"],
  [/^_?ft\./i, "a module's"],
  [/^(post|host:)$/, "what a web browser is caught with"],
  [/^stralgo$/, "Redis 6.0 only: LCS since"],
  [/^(pfdebug|pfselftest)$/, "Redis's own tests"],
];

/** Rows that Redis 8.0 has otherwise, and why. */
const OTHERWISE: readonly (readonly [name: RegExp, why: string])[] = [
  [/^restore-asking$/, "a cluster's"],
];

/** Flags that say nothing of what a replica does. */
const UNTOLD: readonly string[] = ["module", "internal"];

function flatten(row: unknown[], told: Told[]): void {
  const [name, arity, flags, first, last, step, _categories, _tips, specs, subcommands] = row as [
    string,
    number,
    string[],
    number,
    number,
    number,
    unknown,
    unknown,
    unknown[] | undefined,
    unknown[][] | undefined,
  ];
  told.push({
    name,
    arity,
    flags: [...flags].filter((flag) => !UNTOLD.includes(flag)).sort(),
    keys: [first, last, step],
    keySpecs: JSON.stringify((specs ?? []).map(sortFlags)),
  });
  for (const subcommand of subcommands ?? []) flatten(subcommand, told);
}

/** A spec's flags are a set, of which builds of 8.0 differ in one; `notes` are for readers. */
function sortFlags(spec: unknown): unknown {
  if (!Array.isArray(spec)) return spec;
  const pairs: [unknown, unknown][] = [];
  for (let i = 0; i < spec.length; i += 2) pairs.push([spec[i], spec[i + 1]]);
  return pairs.filter(([field]) => field !== "notes").map(([field, value]) => [
    field,
    field === "flags" ? (value as string[]).filter((flag) => flag !== "incomplete").sort() : value,
  ]);
}

async function theirs(binary: ServerBinary): Promise<Told[]> {
  await using server = await startServer(binary);
  const told: Told[] = [];
  for (const row of plain(await server.call("COMMAND")) as unknown[][]) flatten(row, told);
  return told;
}

function ours(): Map<string, Told> {
  const dispatcher = new Dispatcher({
    keyspace: new Keyspace({ random: Math.random }),
    clock: systemClock,
    random: Math.random,
  });
  const out = new ByteBuffer();
  dispatcher.dispatch(dispatcher.createSession(), Argv.of("COMMAND"), new ReplyWriter(out));
  const told: Told[] = [];
  const bytes = out.toBytes();
  for (const row of plain(readReply(bytes, 0, bytes.length)!.value) as unknown[][]) {
    flatten(row, told);
  }
  return new Map(told.map((row) => [row.name, row]));
}

function matches(list: readonly (readonly [RegExp, string])[], name: string): boolean {
  return list.some(([pattern]) => pattern.test(name));
}

await serverTest("every command of a server has a row, and a write is one here", async (binary) => {
  const rows = new Map(allCommands.map((row) => [row.name, row]));
  const known = ours();
  const problems: string[] = [];
  for (const { name, flags } of await theirs(binary)) {
    if (matches(LACKING, name)) continue;
    if (!rows.has(name)) {
      problems.push(`${name} (${flags}) has no row`);
      continue;
    }
    const mine = known.get(name)!.flags;
    // 6.0 has no rows for subcommands: what they do is written at their container.
    if ((rows.get(name)!.flags & CONTAINER) !== 0) continue;
    for (const flag of ["write", "may_replicate"]) {
      if (flags.includes(flag) && !mine.includes("write") && !mine.includes("may_replicate")) {
        problems.push(`${name} is a ${flag} there and none here`);
      }
    }
  }
  assert.deepEqual(problems, []);
});

await serverTest("arity, flags and key specs are those of Redis 8.0", async (binary) => {
  const { product, version } = binary;
  if (product !== "redis" || !atLeast(version, "8.0") || atLeast(version, "8.1")) return;
  const known = ours();
  const problems: string[] = [];
  for (const told of await theirs(binary)) {
    const mine = known.get(told.name);
    if (mine === undefined || matches(OTHERWISE, told.name)) continue;
    for (const part of ["arity", "flags", "keys", "keySpecs"] as const) {
      const [there, here] = [told[part], mine[part]].map((value) => JSON.stringify(value));
      if (there !== here) problems.push(`${told.name} ${part}: ${there}, here ${here}`);
    }
  }
  assert.deepEqual(problems, []);
});
