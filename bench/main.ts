/**
 * Runs a bench by its name: `deno task bench full_sync`, `deno task bench store/dict`; without a name
 * lists them with the question each answers.
 *
 * At the top level stand the measures of the whole product, beside `redis-server` in the same run. In the
 * folders stand benches of one room, named after the file whose cost they ask for where there is one.
 *
 * @module
 */

import { spawn } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import process, { env } from "node:process";
import { fileURLToPath } from "node:url";
import { findRuntime, type RuntimeName, scriptArguments } from "../tests/support/runtimes.ts";

const HERE = dirname(fileURLToPath(import.meta.url));

function benches(directory = ""): string[] {
  return readdirSync(join(HERE, directory)).sort().flatMap((name) => {
    const path = join(directory, name);
    if (statSync(join(HERE, path)).isDirectory()) return name === "support" ? [] : benches(path);
    return name.endsWith(".ts") && path !== "main.ts" ? [path.slice(0, -".ts".length)] : [];
  });
}

/** The first sentence of a bench's module doc, or what stands in its first comment. */
function question(name: string): string {
  const text = readFileSync(join(HERE, `${name}.ts`), "utf8");
  const comment = text.match(/^\/\*\*([\s\S]*?)\*\//)?.[1] ?? text.match(/^\/\/(.*)/)?.[1] ?? "";
  return comment.replace(/\s*\n\s*\*\s?/g, " ").trim().split(/(?<=[.?])\s/)[0];
}

function list(title: string, names: readonly string[]): void {
  console.log(`${title}:`);
  for (const bench of names) console.log(`  ${bench.padEnd(22)} ${question(bench)}`);
}

/** Room benches run in the runtime asked for; the measures start the subject themselves. */
async function runBench(name: string, args: readonly string[]): Promise<number> {
  const asked = name.includes("/") ? env.RUNTIME ?? "deno" : "deno";
  const runtime = await findRuntime(asked as RuntimeName);
  const script = [...scriptArguments(runtime.name), join(HERE, `${name}.ts`), ...args];
  const child = spawn(runtime.path, script, { stdio: "inherit" });
  return await new Promise((resolve) => child.once("exit", (code) => resolve(code ?? 1)));
}

const [name, ...args] = process.argv.slice(2);
if (name === undefined) {
  const [rooms, measures] = [true, false].map((of) =>
    benches().filter((b) => b.includes("/") === of)
  );
  list("The whole product, most of it beside a real server", measures);
  list("One room, alone", rooms);
} else if (benches().includes(name)) {
  process.exitCode = await runBench(name, args);
} else {
  console.error(`There is no bench named ${name}: run without a name for the list`);
  process.exitCode = 2;
}
