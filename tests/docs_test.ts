/**
 * What the documents list is what the code has, and the other way round: options, events, codes of errors. Metrics have
 * such a test of their own.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "./support/paths.ts";

const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");
const sorted = (names: Iterable<string>): string[] => [...new Set(names)].sort();

/** The part of a document below one heading, up to the next of its level or above. */
function section(text: string, heading: string): string {
  const [marks] = heading.match(/^#+/)!;
  const begin = text.indexOf(`${heading}`);
  assert.ok(begin >= 0, `there is a section "${heading}"`);
  const rest = text.slice(begin + heading.length);
  const end = rest.search(new RegExp(`^#{1,${marks.length}} `, "m"));
  return end < 0 ? rest : rest.slice(0, end);
}

/** What stands in back quotes in the first column of a table. */
function firstColumn(text: string): string[] {
  const rows = [...text.matchAll(/^\| (`[^|]*?) \|/gm)].map(([, cell]) => cell);
  return rows.flatMap((cell) => [...cell.matchAll(/`([\w.]+)`/g)].map(([, name]) => name));
}

/** The members of a union of texts: `type Name = | "A" | "B"`. */
function unionOf(path: string, name: string): string[] {
  const text = read(path).replaceAll(/\/\*\*[\s\S]*?\*\//g, "");
  const begin = text.indexOf(`export type ${name} =`);
  assert.ok(begin >= 0, `${path} has ${name}`);
  const body = text.slice(begin, text.indexOf(";", begin));
  return [...body.matchAll(/\| "(\w+)"/g)].map(([, member]) => member);
}

/** The members of an interface, but for those of nested objects. */
function membersOf(path: string, name: string): string[] {
  const text = read(path);
  const begin = text.search(new RegExp(`export interface ${name}\\b`));
  assert.ok(begin >= 0, `${path} has ${name}`);
  const body = text.slice(begin, text.indexOf("\n}", begin));
  return [...body.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, member]) => member);
}

const errors = read("src/replica/README.md");

const CODES = [
  ["ReplicationError", "src/replication/errors.ts", "ReplicationErrorCode"],
  ["SocketError", "src/net/socket.ts", "SocketErrorCode"],
  ["RdbError", "src/rdb/format/errors.ts", "RdbErrorCode"],
  ["WriteError", "src/write/errors.ts", "WriteErrorCode"],
  ["CollectionError", "src/feed/collection_shape.ts", "CollectionErrorCode"],
  ["VerifyError", "src/verify/errors.ts", "VerifyErrorCode"],
] as const;

for (const [error, path, type] of CODES) {
  test(`every code of ${error} is listed, and no other`, () => {
    const heading = errors.match(new RegExp(`^### ${error}: .*$`, "m"));
    assert.ok(heading !== null, `there is a section for ${error}`);
    const listed = firstColumn(section(errors, heading[0]));
    assert.deepEqual(sorted(listed), sorted(unionOf(path, type)));
  });
}

test("every event is listed, and no other", () => {
  const listed = firstColumn(section(errors, "## Events"));
  assert.deepEqual(sorted(listed), sorted(membersOf("src/replica/events.ts", "ReplicaEvents")));
});

test("every option is listed in the README, and no other", () => {
  const options = read("src/replica/options.ts");
  const parents = [...options.matchAll(/export interface ReplicaOptions extends ([\w, ]+) \{/g)]
    .flatMap(([, names]) => names.split(", "));
  const members = ["ReplicaOptions", ...parents].flatMap((name) =>
    membersOf("src/replica/options.ts", name)
  );
  // Networks, clocks and random numbers are for tests and runtimes of one's own.
  const inner = ["net", "clock", "random"];
  const listed = firstColumn(section(read("README.md"), "## Options"));
  assert.deepEqual(sorted(listed), sorted(members.filter((name) => !inner.includes(name))));
});
