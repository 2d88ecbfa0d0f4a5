/**
 * What real servers say of their commands against our table: every write is applied, every read is
 * answered, and arity, flags and key specs are theirs. What we lack, and where a server has it otherwise
 * than Redis 8.0, which we follow, stands below with its reason.
 *
 * @module
 */

import assert from "node:assert/strict";
import { systemClock } from "../../src/base/clock.ts";
import { ByteBuffer } from "../../src/base/byte_buffer.ts";
import { CONTAINER, MAY_REPLICATE, WRITE } from "../../src/commands/engine/command.ts";
import { allCommands } from "../../src/commands/table.ts";
import { Argv } from "../../src/resp/argv.ts";
import { ReplyWriter } from "../../src/resp/writer.ts";
import { Dispatcher } from "../../src/server/dispatch.ts";
import { Keyspace } from "../../src/store/keyspace/keyspace.ts";
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
  [/^(bf|cf|cms|ft|json|search|tdigest|timeseries|topk|ts)\./i, "a module's"],
  [/^_?ft\./i, "a module's"],
  [/^(post|host:)$/, "what a web browser is caught with"],
  [/^hotkeys/, "Redis 8.6 on: how often a server's own keys are asked for"],
  [/^stralgo$/, "Redis 6.0 only: LCS since"],
  [/^(pfdebug|pfselftest)$/, "Redis's own tests"],
];

/** What of a row is compared. */
type Part = "arity" | "flags" | "keys" | "keySpecs";

/** Where a server has a row otherwise than Redis 8.0. */
interface Otherwise {
  readonly name: RegExp;
  readonly parts: readonly Part[];
  readonly product: "redis" | "valkey";
  /** Versions from this one on; all when left out. */
  readonly from?: string;
  /** Versions before this one; all when left out. */
  readonly below?: string;
  readonly why: string;
}

const OTHERWISE: readonly Otherwise[] = [
  {
    name: /^V[A-Z]+$/,
    parts: ["arity"],
    product: "redis",
    below: "8.6",
    why: "modules check their arguments themselves, and vector sets tell how many since 8.6",
  },
  {
    name: /^[ps]?subscribe$/,
    parts: ["flags"],
    product: "redis",
    from: "8.4",
    why: "refused when memory is short: a replica's clients are not",
  },
  { name: /^restore-asking$/, parts: ["flags", "keySpecs"], product: "redis", why: "a cluster's" },
  {
    name: /^(b[lr]pop|brpoplpush|blmove|bzpop(min|max)|wait)$/,
    parts: ["flags"],
    product: "redis",
    below: "7.2",
    why: "scripts were kept from what waits",
  },
  {
    name: /^(zrev|z)rank$/,
    parts: ["arity"],
    product: "redis",
    below: "7.2",
    why: "WITHSCORE is of 7.2",
  },
  {
    name: /^command\|getkeys(andflags)?$/,
    parts: ["arity"],
    product: "redis",
    below: "7.2",
    why: "commands without arguments are asked about since 7.2",
  },
  {
    name: /^sinterstore$/,
    parts: ["keySpecs"],
    product: "redis",
    below: "7.2",
    why: "that its target is not read is said since 7.2",
  },
  {
    name: /^cluster\|(slots|shards)$/,
    parts: ["flags"],
    product: "redis",
    below: "7.2",
    why: "a cluster's",
  },
  {
    name: /^(p?expire(at)?|[lr]pop|x(trim|setid)|hello)$/,
    parts: ["arity"],
    product: "redis",
    below: "7.0",
    why: "options since 6.2 and 7.0",
  },
  {
    name: /^(psync|pfdebug|migrate)$/,
    parts: ["arity", "keys"],
    product: "redis",
    below: "7.0",
    why: "told of wrongly before 7.0",
  },
  {
    name: /^(object|xinfo|xgroup)$/,
    parts: ["keys"],
    product: "redis",
    below: "7.0",
    why: "subcommands have rows of their own since 7.0",
  },
  {
    name: /^(cluster(\|.*|scan))$/,
    parts: ["arity", "flags", "keys", "keySpecs"],
    product: "valkey",
    why: "a cluster's",
  },
  {
    name: /^(multi|watch|client\|.*|select|script\|.*|memory\|(purge|malloc-stats))$/,
    parts: ["arity", "flags"],
    product: "valkey",
    why: "when a server that is loading, busy or in a transaction takes them: its own decision",
  },
  {
    name: /^(hsetex|georadius(bymember)?)$/,
    parts: ["keySpecs"],
    product: "valkey",
    why: "flags of keys worded otherwise",
  },
];

/** Flags that say nothing of what a replica does. */
const UNTOLD: readonly string[] = ["module", "internal"];
/** Flags by another name. */
const RENAMED: Readonly<Record<string, string>> = { skip_commandlog: "skip_slowlog" };
/** Before 7.0 flags were other ones, and there were no key specs. */
const OLD_PARTS: readonly Part[] = ["arity", "keys"];
const PARTS: readonly Part[] = ["arity", "flags", "keys", "keySpecs"];

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
    flags: flags.filter((flag) => !UNTOLD.includes(flag)).map((flag) => RENAMED[flag] ?? flag)
      .sort(),
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
  dispatcher.dispatch(dispatcher.host.createSession(), Argv.of("COMMAND"), new ReplyWriter(out));
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
  const problems: string[] = [];
  for (const { name, flags } of await theirs(binary)) {
    if (matches(LACKING, name)) continue;
    const row = rows.get(name.toLowerCase());
    if (row === undefined) {
      problems.push(`${name} (${flags}) has no row`);
      continue;
    }
    // 6.0 has no rows for subcommands: what they do is written at their container.
    if ((row.flags & CONTAINER) !== 0) continue;
    if ((row.flags & (WRITE | MAY_REPLICATE)) !== 0) continue;
    for (const flag of ["write", "may_replicate"]) {
      if (flags.includes(flag)) problems.push(`${name} is a ${flag} there and none here`);
    }
  }
  assert.deepEqual(problems, []);
});

function isOtherwise({ product, version }: ServerBinary, name: string, part: Part): boolean {
  return OTHERWISE.some((row) =>
    row.product === product && row.parts.includes(part) && row.name.test(name) &&
    atLeast(version, row.from ?? "0") &&
    (row.below === undefined || !atLeast(version, row.below))
  );
}

await serverTest("arity, flags and key specs are a server's", async (binary) => {
  const parts = atLeast(binary.version, "7.0") ? PARTS : OLD_PARTS;
  const known = ours();
  const problems: string[] = [];
  for (const told of await theirs(binary)) {
    const mine = known.get(told.name);
    if (mine === undefined) continue;
    for (const part of parts) {
      const [there, here] = [told[part], mine[part]].map((value) => JSON.stringify(value));
      if (there === here || isOtherwise(binary, told.name, part)) continue;
      problems.push(`${told.name} ${part}: ${there}, here ${here}`);
    }
  }
  assert.deepEqual(problems, []);
});
