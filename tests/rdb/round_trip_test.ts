/**
 * Through us and back: a dataset of every type is saved by a real server, loaded here, written in each
 * version that the server loads, accepted by its checker, loaded by it, and has the digest it had.
 *
 * @module
 */

import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join as joinPath } from "node:path";
import type { SnapshotVersion } from "../../src/rdb/encoder.ts";
import { KeyspaceLoader } from "../../src/rdb/load.ts";
import type { Keyspace } from "../../src/store/keyspace/keyspace.ts";
import { run } from "../support/process.ts";
import { plain } from "../support/resp.ts";
import {
  atLeast,
  type RunningServer,
  type ServerBinary,
  serverTest,
  startServer,
} from "../support/servers.ts";
import { type Capabilities, everything } from "./support/everything.ts";
import { encodeWhole, newKeyspace } from "./support/keyspaces.ts";
import { decodeCut } from "./support/decoding.ts";

/** Versions a server loads, its own last. */
function versionsOf({ product, version }: ServerBinary): SnapshotVersion[] {
  const versions: SnapshotVersion[] = [9];
  if (atLeast(version, "7.0.0")) versions.push(10);
  if (atLeast(version, "7.2.0")) versions.push(11);
  if (product === "redis" && atLeast(version, "7.4.0")) versions.push(12);
  if (product === "valkey" && atLeast(version, "9.0.0")) versions.push(80);
  return versions;
}

/** Fields expire in versions 12 and 80 alone. */
function capabilities(version: SnapshotVersion): Capabilities {
  return { functions: version >= 10, fieldExpiry: version >= 12 };
}

await serverTest("our snapshot of a server's data has its digest", async (binary) => {
  for (const version of versionsOf(binary)) {
    const { bytes, digest } = await savedBy(binary, version);
    const keyspace = newKeyspace();
    decodeCut(bytes, [], new KeyspaceLoader(keyspace));
    for (const compress of [false, true]) {
      await checkWritten(binary, keyspace, version, compress, digest);
    }
  }
}, { timeoutMs: 300_000 });

/** A server's own snapshot of everything, and its digest. */
async function savedBy(
  binary: ServerBinary,
  version: SnapshotVersion,
): Promise<{ bytes: Uint8Array; digest: string }> {
  await using server = await startServer(binary);
  for (const reply of await server.pipeline(everything(8, capabilities(version)))) {
    const text = plain(reply);
    assert.ok(typeof text !== "string" || !text.startsWith("(error)"), String(text));
  }
  const digest = await digestOf(server);
  assert.equal(plain(await server.call("SAVE")), "OK");
  return { bytes: new Uint8Array(readFileSync(joinPath(server.dir, "dump.rdb"))), digest };
}

async function digestOf(server: RunningServer): Promise<string> {
  return String(plain(await server.call("DEBUG", "DIGEST")));
}

async function checkWritten(
  binary: ServerBinary,
  keyspace: Keyspace,
  version: SnapshotVersion,
  compress: boolean,
  digest: string,
): Promise<void> {
  const options = { version, serverVersion: binary.version, nowMs: Date.now(), compress };
  const dir = mkdtempSync(joinPath(tmpdir(), "rimr-round-trip-"));
  try {
    const path = joinPath(dir, "written.rdb");
    writeFileSync(path, encodeWhole(keyspace, options));
    const checker = checkerOf(binary, dir);
    if (checker !== undefined) {
      const { code, stdout, stderr } = await run(checker, [path]);
      assert.equal(code, 0, `version ${version}: ${(stdout + stderr).slice(-2000)}`);
    }
    const args = ["--dir", dir, "--dbfilename", "written.rdb"];
    await using server = await startServer(binary, args);
    assert.equal(await digestOf(server), digest, `version ${version}, LZF ${compress}`);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** The checker that belongs to a server, where there is one: beside it, or behind the same script. */
function checkerOf(binary: ServerBinary, dir: string): string | undefined {
  const name = `${binary.product}-check-rdb`;
  const beside = joinPath(dirname(binary.server), name);
  if (existsSync(beside)) return beside;
  const script = readFileSync(binary.server).subarray(0, 4096).toString("latin1");
  if (!script.startsWith("#!") || !script.includes(`${binary.product}-server`)) return undefined;
  const path = joinPath(dir, name);
  // A script that finds its libraries beside itself is to find them where it came from.
  const home = dirname(binary.server);
  const moved = script.replaceAll("${0%/*}", home);
  writeFileSync(path, moved.replaceAll(`${binary.product}-server`, name));
  chmodSync(path, 0o755);
  return path;
}
