/**
 * Every TypeScript example of the README runs as pasted, in the runtime these tests run in: only the
 * package's name becomes its files, and the ports those of a real server and of this machine.
 *
 * @module
 */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { versions } from "node:process";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { CACHE, ROOT } from "./support/paths.ts";
import { killAtExit, run } from "./support/process.ts";
import { currentRuntime, scriptArguments } from "./support/runtimes.ts";
import { pause, within } from "./support/waiting.ts";
import { atLeast, freePort, newestServer, startServer } from "./support/servers.ts";

const TIMEOUT_MS = 30_000;
const EXAMPLE = /^```ts\n([\s\S]*?)^```$/gm;

const readme = readFileSync(join(ROOT, "README.md"), "utf8");
const examples = [...readme.matchAll(EXAMPLE)].map(([, code]) => code);
const binary = await newestServer("redis") ?? await newestServer();
const runtime = currentRuntime();

function reasonToSkip(code: string): string | false {
  // Node strips types but adds no syntax: `await using` came with V8 13.4.
  const old = runtime.name === "node" && !atLeast(versions.node, "24.0.0");
  if (old && code.includes("await using")) return "this Node does not know `await using`";
  if (binary === undefined && code.includes(":6379")) return "no real server here";
  return false;
}

function localize(code: string, masterPort: number, listenPort: number): string {
  const file = (path: string) => pathToFileURL(join(ROOT, path)).href;
  return code
    .replaceAll("@rimr/replica/testing", file("src/testing/mod.ts"))
    .replaceAll("@rimr/replica", file("mod.ts"))
    .replaceAll(":6379", `:${masterPort}`)
    .replaceAll(":6380", `:${listenPort}`);
}

/** An example that closes nothing goes on after its last line, until it is stopped. */
async function serves(args: readonly string[]): Promise<void> {
  const child = spawn(runtime.path, args);
  killAtExit(child);
  let output = "";
  const spoke = new Promise<void>((resolve) => {
    child.stderr.on("data", (chunk) => output += new TextDecoder().decode(chunk));
    child.stdout.on("data", (chunk) => {
      output += new TextDecoder().decode(chunk);
      resolve();
    });
  });
  const ended = new Promise<void>((resolve) => void child.once("exit", () => resolve()));
  await within(Promise.race([spoke, ended]), "its output", TIMEOUT_MS);
  await pause(200);
  assert.equal(child.exitCode, null, `it ended by itself: ${output}`);
  child.kill("SIGKILL");
  await ended;
}

test("the README has examples", () => assert.ok(examples.length > 0));

examples.forEach((code, index) => {
  const title = code.match(/new (\w+)\(|(\w+)\.start\(/)?.[0] ?? "";
  const skip = reasonToSkip(code);
  test(
    `README example ${index + 1} runs: ${title}`,
    { skip, timeout: 2 * TIMEOUT_MS },
    async () => {
      const server = binary === undefined ? undefined : await startServer(binary);
      try {
        await server?.call("ACL", "SETUSER", "app", "on", ">secret", "~*", "&*", "+@all");
        await server?.call("SET", "user:1", "Ada");
        const directory = join(CACHE, "readme", runtime.name);
        mkdirSync(directory, { recursive: true });
        const script = join(directory, `example_${index + 1}.ts`);
        writeFileSync(script, localize(code, server?.port ?? 0, await freePort()));
        const args = [...scriptArguments(runtime.name), script];
        if (!code.includes("await using")) return await serves(args);
        const done = await run(runtime.path, args, { cwd: directory, timeoutMs: TIMEOUT_MS });
        assert.equal(done.code, 0, done.stdout + done.stderr);
      } finally {
        await server?.stop();
      }
    },
  );
});
