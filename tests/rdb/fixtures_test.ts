/**
 * Snapshots of real servers, old and new, and from other projects: each holds, read in one piece and in
 * any pieces, what a real server answered after it had loaded it, or is refused where servers refuse it.
 * They lie beside the repository, see {@linkcode FOLDER}; without them the tests are skipped.
 *
 * @module
 */

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join as joinPath } from "node:path";
import { env } from "node:process";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { Prng } from "../../src/base/prng.ts";
import { RdbError } from "../../src/rdb/format/errors.ts";
import type { RdbDecoderOptions } from "../../src/rdb/decoder.ts";
import { KeyspaceLoader } from "../../src/rdb/load.ts";
import type { Keyspace } from "../../src/store/keyspace/keyspace.ts";
import { ROOT } from "../support/paths.ts";
import { newKeyspace } from "./support/keyspaces.ts";
import { differences, type Readout, readoutOf } from "./support/readout.ts";
import { decodeCut, errorOf } from "./support/decoding.ts";

const FOLDER = joinPath(ROOT, "..", "shared", "fixtures", "rdb");
const SLOW = { timeout: 120_000 };
const SEED = Number(env.SEED ?? 1);
/** Longer files are cut into pieces of a few bytes instead of one. */
const MAX_SINGLE_BYTES = 32 * 1024;

interface Expected {
  readonly policy: "load" | "load_or_refuse" | "refuse" | "either" | "survive";
  readonly readout: Readout | null;
}

function expectedOf(path: string): Expected {
  const plain = `${path}.expected.json`;
  if (existsSync(plain)) return JSON.parse(readFileSync(plain, "utf8"));
  return JSON.parse(gunzipSync(readFileSync(`${plain}.gz`)).toString());
}

interface Loaded {
  readonly keyspace: Keyspace;
  readonly loader: KeyspaceLoader;
}

function load(
  bytes: Uint8Array,
  cuts: readonly number[],
  options?: RdbDecoderOptions,
): Loaded {
  const keyspace = newKeyspace();
  const loader = new KeyspaceLoader(keyspace);
  decodeCut(bytes, cuts, loader, options);
  assert.equal(loader.complete, true);
  return { keyspace, loader };
}

/** Ways to cut a file. */
function cutsOf(length: number): [string, number[]][] {
  const prng = new Prng(SEED);
  const step = Math.max(1, Math.ceil(length / MAX_SINGLE_BYTES));
  const every = Array.from({ length: Math.floor(length / step) }, (_, i) => (i + 1) * step);
  const random = Array.from({ length: 200 }, () => prng.uint32() % (length + 1));
  return [
    ["byte by byte", every.filter((cut) => cut < length)],
    ["at random cuts", random.sort((a, b) => a - b)],
  ];
}

function checkLoads(bytes: Uint8Array, readout: Readout, options?: RdbDecoderOptions): void {
  const whole = readoutOf(load(bytes, [], options).keyspace);
  assert.deepEqual(differences(readout, whole, Date.now()), []);
  const text = JSON.stringify(whole);
  for (const [how, cuts] of cutsOf(bytes.length)) {
    const cut = readoutOf(load(bytes, cuts, options).keyspace);
    assert.ok(JSON.stringify(cut) === text, `${how} another readout`);
  }
}

/** A file with values of modules: passed over and counted, or refused, as told. */
function checkModules(bytes: Uint8Array): void {
  const error = errorOf(() => load(bytes, [], { onUnsupported: "fail" }));
  const lenient = errorOf(() => {
    const { loader } = load(bytes, []);
    assert.ok(loader.stats.moduleValues > 0);
    assert.equal(sum(loader.stats.moduleNames), loader.stats.moduleValues);
  });
  assert.ok(error !== undefined, "it is refused when told to");
  // Beyond its modules' values it may be wrong in ways of its own.
  assert.ok(lenient === undefined || lenient instanceof RdbError, lenient?.message);
  for (const [, cuts] of cutsOf(bytes.length)) {
    const cut = errorOf(() => load(bytes, cuts, { onUnsupported: "fail" }));
    assert.equal(cut?.message, error.message);
  }
}

function sum(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((total, count) => total + count, 0);
}

function checkByPolicy(bytes: Uint8Array, { policy, readout }: Expected): void {
  if (policy === "load") return checkLoads(bytes, readout!);
  const error = errorOf(() => load(bytes, []));
  if (policy === "load_or_refuse" && error === undefined) return checkLoads(bytes, readout!);
  if (policy === "refuse") return checkModules(bytes);
  for (const [, cuts] of cutsOf(bytes.length)) {
    assert.equal(errorOf(() => load(bytes, cuts))?.message, error?.message);
  }
}

if (!existsSync(FOLDER)) {
  test("recorded snapshots", { skip: `${FOLDER} is not there` }, () => {});
} else {
  for (const file of readdirSync(FOLDER).filter((name) => name.endsWith(".rdb"))) {
    const path = joinPath(FOLDER, file);
    const expected = expectedOf(path);
    test(`recorded snapshot ${file}: ${expected.policy}`, SLOW, () => {
      checkByPolicy(new Uint8Array(readFileSync(path)), expected);
    });
  }
}
