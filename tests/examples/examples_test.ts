/**
 * Every example runs by its one command, in the runtime these tests run in where it is for that one, and without Redis.
 *
 * @module
 */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { env, versions } from "node:process";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { open } from "../support/connection.ts";
import { packageFolder } from "../support/packages.ts";
import { ROOT } from "../support/paths.ts";
import { killAtExit, run } from "../support/process.ts";
import { currentRuntime, scriptArguments } from "../support/runtimes.ts";
import { atLeast, newestServer, startServer } from "../support/servers.ts";
import { within } from "../support/waiting.ts";

const TIMEOUT_MS = 60_000;
const EXAMPLES = join(ROOT, "examples");
const runtime = currentRuntime();
// Node strips types but adds no syntax: `await using` came with V8 13.4.
const skip = runtime.name === "node" && !atLeast(versions.node, "24.2.0")
  ? "this Node does not know `await using`"
  : false;
const options = { skip, timeout: 3 * TIMEOUT_MS };

/** Files that are parts of a program, some of them with a test of their own. */
const PARTS = [
  "README.md",
  "master.ts",
  "react_user.ts",
  "server_sent_events.ts", // tests/feed/events_example_test.ts
  "load_balancer.ts", // tests/write/load_balancer_test.ts
  "feature_flags/flags.ts",
  "testing/price.ts",
];
/** Programs that end by themselves, and what they print at last. */
const PROGRAMS: Readonly<Record<string, RegExp>> = {
  "basic.ts": /^plan now: free\n\{[^}]*state: ["']live["']/m,
  "leaderboard.ts": /^dan 105 {2}eve 35 {2}ada 30\nbob's rank: 4\nabove 30: eve, dan\n$/m,
  "several_masters.ts": /^Ada pays 450\nusers: live 100%, 1 keys.*prices: live 100%, 1 keys/m,
  "warm_restart.ts": /^second process: 0 full, 1 partial sync\nvisits: 2\n$/m,
  "edge_worker.ts": /^read at the edge\n$/m,
  "svelte_store.ts": /^in the cart: apples, pears\n$/m,
};
/** Programs that serve until they are stopped, and what is done at the URL or port that they print. */
const SERVERS: Readonly<Record<string, (url: string) => Promise<void>>> = {
  "sessions.ts": useSessions,
  "events.ts": listen,
  "serve_replica.ts": read,
  [`feature_flags/${runtime.name}.ts`]: flip,
  "monitoring.ts": watch,
};
/** Tests by the runner of their name: what runs them in this runtime, and how. */
const RUNNERS: Readonly<Record<string, readonly string[]>> = {
  "testing/deno_test.ts": runtime.name === "deno" ? ["test", "-A", "--no-check", "--no-lock"] : [],
  "testing/bun.test.ts": runtime.name === "bun" ? ["test"] : [],
  "testing/node_test.ts": runtime.name === "node" ? ["--test"] : [],
};

async function useSessions(url: string): Promise<void> {
  assert.equal((await fetch(url)).status, 401);
  const login = await fetch(`${url}login?name=Ada`);
  assert.equal(await login.text(), "welcome\n");
  const cookie = login.headers.get("set-cookie")?.split(";")[0] ?? "";
  assert.equal(await (await fetch(url, { headers: { cookie } })).text(), "Hello Ada\n");
  const forged = { cookie: `session=${crypto.randomUUID()}` };
  assert.equal((await fetch(url, { headers: forged })).status, 401);
}

async function watch(url: string): Promise<void> {
  const at = (path: string) => fetch(new URL(path, url));
  assert.equal((await at("/livez")).status, 200);
  const deadline = performance.now() + TIMEOUT_MS;
  while ((await at("/readyz")).status !== 200) assert.ok(performance.now() < deadline);
  assert.match(await (await at("/metrics")).text(), /^rimr_link_up\{.*\} 1$/m);
  assert.equal((await (await at("/status")).json()).state, "live");
  assert.match(await (await at("/")).text(), /<html/);
}

async function listen(url: string): Promise<void> {
  const abort = new AbortController();
  const response = await fetch(url, { signal: abort.signal });
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true });
    if (/^event: changes\ndata: .*"flag:example"/m.test(text)) break;
  }
  abort.abort();
}

async function read(port: string): Promise<void> {
  const client = await open(Number(port));
  assert.deepEqual(await client.call("GET", "example:greeting"), new TextEncoder().encode("hello"));
  client.close();
}

async function flip(url: string): Promise<void> {
  assert.equal(await (await fetch(url)).text(), "the old cart\n");
  const set = await fetch(new URL("/new-cart", url), { method: "PUT", body: "on" });
  assert.equal(await set.text(), "the new cart\n");
  assert.equal(await (await fetch(url)).text(), "the new cart\n");
}

/** Added to the environment of an example: no master but its own, and any free port. */
const OWN = { REDIS_URL: "", USERS_URL: "", PRICES_URL: "", PORT: "0", LISTEN: "127.0.0.1:0" };

function argumentsOf(path: string): string[] {
  return [...scriptArguments(runtime.name), join(ROOT, path)];
}

/** Runs all programs and servers in one process. @returns What each printed, and what ends them. */
async function runAll(): Promise<{ printed: Map<string, string>; stop: () => Promise<unknown> }> {
  const files = [...Object.keys(PROGRAMS), "--", ...Object.keys(SERVERS)];
  const child = spawn(runtime.path, [...argumentsOf("tests/support/examples.ts"), ...files], {
    env: { ...env, ...OWN },
  });
  killAtExit(child);
  const printed = new Map<string, string>();
  let rest = "";
  let errors = "";
  const decoder = new TextDecoder();
  const ended = new Promise<void>((resolve) => void child.once("exit", () => resolve()));
  const all = new Promise<void>((resolve) => {
    child.stderr.on("data", (chunk) => errors += new TextDecoder().decode(chunk));
    child.stdout.on("data", (chunk) => {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const [file, text] = line.split("\t");
        if (file === "") resolve();
        printed.set(file, `${printed.get(file) ?? ""}${text}\n`);
      }
    });
  });
  await Promise.race([within(all, "the examples", TIMEOUT_MS), ended]);
  assert.ok(printed.has(""), [...printed.values(), errors].join("\n"));
  const stop = () => {
    child.kill("SIGTERM");
    return within(ended, "the end", TIMEOUT_MS);
  };
  return { printed, stop };
}

test("examples run to their end, or serve until they are stopped", options, async () => {
  const { printed, stop } = await runAll();
  try {
    for (const [file, expected] of Object.entries(PROGRAMS)) {
      assert.match(printed.get(file) ?? "", expected, file);
    }
    for (const [file, use] of Object.entries(SERVERS)) {
      const where = printed.get(file)?.match(/(http:\/\/127\.0\.0\.1:\d+\/)|redis-cli -p (\d+)/);
      assert.ok(where, `${file}: ${printed.get(file)}`);
      await use(where[1] ?? where[2]);
    }
  } finally {
    await stop();
  }
  assert.match([...printed.values()].join(""), /^live -> closed/m); // monitoring.ts closes it at SIGTERM
});

for (const [file, args] of Object.entries(RUNNERS)) {
  if (args.length === 0) continue;
  test(`examples/${file} passes under its runner`, options, async () => {
    const done = await run(runtime.path, [...args, join(EXAMPLES, file)], {
      // Node runs no test file inside another one, unless it does not know.
      env: { NODE_TEST_CONTEXT: undefined },
      timeoutMs: TIMEOUT_MS,
    });
    assert.equal(done.code, 0, done.stdout + done.stderr);
    assert.match(done.stdout + done.stderr, /priceOf\(\) follows/);
  });
}

test("examples/testing/vitest.test.ts passes under vitest", options, async (t) => {
  if (runtime.name !== "node") return; // vitest is Node's: once is enough
  let folder: string;
  try {
    folder = await packageFolder("vitest");
  } catch (error) {
    return t.skip((error as Error).message);
  }
  // As in a project that has vitest, with the library's files in the package's place.
  const project = join(folder, "vitest-example");
  mkdirSync(project, { recursive: true });
  const library = pathToFileURL(ROOT).pathname;
  for (const file of ["price.ts", "vitest.test.ts"]) {
    const code = readFileSync(join(EXAMPLES, "testing", file), "utf8");
    writeFileSync(join(project, file), code.replaceAll('"../../', `"${library}/`));
  }
  // Vite transforms no installed package either.
  const config = 'pool: "threads", server: { deps: { external: [/\\/src\\/|\\/mod\\.ts$/] } }';
  writeFileSync(join(project, "vitest.config.mjs"), `export default { test: { ${config} } };\n`);
  const vitest = join(folder, "node_modules/vitest/vitest.mjs");
  const done = await run(runtime.path, [vitest, "run", "--root", project], {
    cwd: project,
    timeoutMs: TIMEOUT_MS,
  });
  assert.equal(done.code, 0, done.stdout + done.stderr);
  assert.match(done.stdout, /1 passed/);
});

const binary = await newestServer("valkey") ?? await newestServer();
test("an example follows the master that REDIS_URL names", {
  skip: binary === undefined ? "no real server here" : skip,
  timeout: 3 * TIMEOUT_MS,
}, async () => {
  const server = await startServer(binary!);
  try {
    const url = `redis://127.0.0.1:${server.port}`;
    const done = await run(runtime.path, argumentsOf("examples/basic.ts"), {
      env: { REDIS_URL: url },
      timeoutMs: TIMEOUT_MS,
    });
    assert.match(done.stdout, PROGRAMS["basic.ts"]);
    assert.equal(String(await server.call("EXISTS", "example:user")), "1");
  } finally {
    await server.stop();
  }
});

test("every example has its row and its test", () => {
  const files = readdirSync(EXAMPLES, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(EXAMPLES.length + 1));
  const rows = readFileSync(join(EXAMPLES, "README.md"), "utf8");
  const linked = new Set([...rows.matchAll(/\]\(([^)]+\.\w+)\)/g)].map(([, path]) => path));
  const tested = new Set([
    ...PARTS,
    ...Object.keys({ ...PROGRAMS, ...SERVERS, ...RUNNERS }),
    ...["deno", "bun", "node"].map((name) => `feature_flags/${name}.ts`),
    "testing/vitest.test.ts",
    "kubernetes.yaml",
    "grafana_dashboard.json", // tests/examples/grafana_dashboard_test.ts
  ]);
  for (const file of files) {
    assert.ok(tested.has(file), `no test runs examples/${file}`);
    const isPart = PARTS.includes(file) && !linked.has(file);
    assert.ok(isPart || linked.has(file), `no row for examples/${file}`);
  }
  for (const path of linked) assert.ok(files.includes(path), `examples/${path} does not exist`);
});

test("the manifest's probes and variables are those of the example it runs", () => {
  const manifest = readFileSync(join(EXAMPLES, "kubernetes.yaml"), "utf8");
  const program = readFileSync(join(EXAMPLES, "monitoring.ts"), "utf8");
  const open = program.match(/OPEN = (\[.*\])/)?.[1] ?? "[]";
  assert.match(manifest, /"examples\/monitoring\.ts"/);
  const paths = [...manifest.matchAll(/path: (\/\w+)/g)].map(([, path]) => path);
  assert.deepEqual([...new Set(paths)].sort(), JSON.parse(open).sort());
  for (const [, name] of manifest.matchAll(/name: ([A-Z_]+)/g)) {
    const source = name === "REDIS_URL"
      ? readFileSync(join(EXAMPLES, "master.ts"), "utf8")
      : program;
    assert.ok(source.includes(name), `${name} is not read`);
  }
  for (const probe of ["startupProbe", "readinessProbe", "livenessProbe"]) {
    assert.ok(manifest.includes(`${probe}:`), probe);
  }
});
