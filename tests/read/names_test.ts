/**
 * Which typed reads there are: those that the README lists and no others, and one for every command that reads a key.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Reader, Replica } from "../../mod.ts";
import { READONLY } from "../../src/commands/engine/command.ts";
import { allCommands } from "../../src/commands/table.ts";
import { ROOT } from "../support/paths.ts";

/** What a reader has beside reads. */
const NO_READS: ReadonlySet<string> = new Set([
  "constructor",
  "bytes",
  "call",
  "callBytes",
  "index",
]);

/** Commands that read keys and whose answer another read gives, or that are left to `call()`. */
const OTHERWISE: Readonly<Record<string, string>> = {
  dbsize: "size",
  eval_ro: "call",
  evalsha_ro: "call",
  fcall_ro: "call",
  georadius_ro: "geosearch",
  georadiusbymember_ro: "geosearch",
  "memory|usage": "call",
  "object|encoding": "object",
  "object|freq": "object",
  "object|idletime": "object",
  "object|refcount": "object",
  pfdebug: "call",
  substr: "getrange",
  touch: "exists",
  xrevrange: "xrange",
  zrangebylex: "zrange",
  zrangebyscore: "zrange",
  zrevrange: "zrange",
  zrevrangebylex: "zrange",
  zrevrangebyscore: "zrange",
  zrevrank: "zrank",
};

/** The names in the README's table of reads. */
function documented(): string[] {
  const readme = readFileSync(join(ROOT, "README.md"), "utf8");
  const table = /^\| keys \|[^]*?^\| vector sets \|.*$/m.exec(readme)?.[0] ?? "";
  return [...table.matchAll(/`(\w+)`/g)].map(([, name]) => name).sort();
}

/** The public names of a reader, its own and those of the classes that it stands on. */
function present(): string[] {
  const names: string[] = [];
  for (let one = Reader.prototype; one !== Object.prototype; one = Object.getPrototypeOf(one)) {
    names.push(...Object.getOwnPropertyNames(one).filter((name) => !NO_READS.has(name)));
  }
  return names.sort();
}

test("the README lists every typed read, and each of them is there", () => {
  assert.deepEqual(documented(), present());
  const replica = new Replica();
  const readers: [string, object][] = [
    ["replica", replica],
    ["db(1)", replica.db(1)],
    ["bytes", replica.bytes],
    ["db(1).bytes", replica.db(1).bytes],
  ];
  for (const [title, reader] of readers) {
    for (const name of documented()) assert.ok(name in reader, `${title}.${name}`);
  }
});

test("every command that reads a key has a typed read", () => {
  const names = new Map(present().map((name) => [name.toLowerCase(), name]));
  names.set("call", "call");
  const reads = allCommands.filter(({ flags, keys }) =>
    (flags & READONLY) !== 0 && keys.length > 0
  );
  const wanting = reads.map(({ name }) => name).filter((name) => {
    const plain = name.replace(/[|_]/g, "").replace(/ro$/, "");
    const other = Object.hasOwn(OTHERWISE, name) ? OTHERWISE[name].toLowerCase() : undefined;
    return ![plain, name.replace(/[|_]/g, ""), other].some((one) =>
      one !== undefined && names.has(one)
    );
  });
  assert.deepEqual(wanting, []);
});
