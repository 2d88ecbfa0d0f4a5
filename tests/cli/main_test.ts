/**
 * The command line as a person meets it: a process of the runtime these tests run in, its output, its
 * exit code.
 *
 * @module
 */

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:net";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { open } from "../support/connection.ts";
import { plain } from "../support/resp.ts";
import { currentRuntime, scriptArguments } from "../support/runtimes.ts";
import { freePort, serverTest, startServer } from "../support/servers.ts";
import { until } from "../support/waiting.ts";

const SCRIPT = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
const WAIT_MS = 20_000;

/** A command line that runs. */
class Run {
  output = "";
  errors = "";
  readonly ended: Promise<number>;
  readonly #child: ChildProcess;

  constructor(line: string) {
    const runtime = currentRuntime();
    const args = [...scriptArguments(runtime.name), SCRIPT, ...line.split(" ").filter(Boolean)];
    this.#child = spawn(runtime.path, args, { stdio: ["ignore", "pipe", "pipe"] });
    this.#child.stdout?.on("data", (chunk) => this.output += chunk);
    this.#child.stderr?.on("data", (chunk) => this.errors += chunk);
    this.ended = new Promise((resolve) => this.#child.once("close", (code) => resolve(code ?? -1)));
  }

  signal(name: "SIGINT" | "SIGTERM"): void {
    // Not the child's own kill(): after it Deno reports the signal sent, not the code it ended with.
    process.kill(this.#child.pid ?? 0, name);
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  /** Waits until the output, both kinds, matches. */
  async until(pattern: RegExp): Promise<RegExpExecArray> {
    const deadline = Date.now() + WAIT_MS;
    for (;;) {
      const found = pattern.exec(this.output + this.errors);
      if (found !== null) return found;
      assert.ok(Date.now() < deadline, `no ${pattern} in:\n${this.output}\n${this.errors}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

async function withRun(line: string, body: (run: Run) => Promise<void>): Promise<void> {
  const run = new Run(line);
  try {
    await body(run);
  } finally {
    run.kill();
    await run.ended;
  }
}

const endings = [
  { line: "--help", code: 0, output: /start --master redis:/, errors: /^$/ },
  { line: "--version", code: 0, output: /^\d+\.\d+\.\d+\n$/, errors: /^$/ },
  { line: "", code: 2, output: /^$/, errors: /Say start, demo, verify\. See --help\./ },
  { line: "start", code: 2, output: /^$/, errors: /start needs --master URL/ },
  { line: "start --metrics :9", code: 2, output: /^$/, errors: /start has no option --metrics/ },
  {
    line: "start --master redis://127.0.0.1:1 --password-file /nowhere/at/all",
    code: 1,
    output: /^$/,
    errors: /Cannot read --password-file \/nowhere\/at\/all: .*there is no such file/,
  },
];
for (const { line, code, output, errors } of endings) {
  test(`main.ts ${line} ends with ${code}`, { timeout: 2 * WAIT_MS }, async () => {
    const run = new Run(line);
    assert.equal(await run.ended, code, run.errors);
    assert.match(run.output, output);
    assert.match(run.errors, errors);
  });
}

test("main.ts start says that a port is taken and fails", { timeout: 2 * WAIT_MS }, async () => {
  const blocker = createServer();
  await new Promise<void>((resolve) => blocker.listen(0, "127.0.0.1", resolve));
  const address = blocker.address();
  const port = address !== null && typeof address === "object" ? address.port : 0;
  try {
    const run = new Run(`start --master redis://127.0.0.1:1 --listen 127.0.0.1:${port}`);
    assert.equal(await run.ended, 1, run.output + run.errors);
    assert.match(run.errors, /something else listens there/);
  } finally {
    blocker.close();
  }
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  test(
    `main.ts start waits for an absent master until ${signal}`,
    { timeout: 2 * WAIT_MS },
    async () => {
      const port = await freePort();
      await withRun(`start --master redis://127.0.0.1:${port}`, async (run) => {
        await run.until(/nothing listens there|refused/i);
        run.signal(signal);
        assert.equal(await run.ended, 0, run.errors);
      });
    },
  );
}

await serverTest("main.ts start follows, serves and stops at a signal", async (binary) => {
  const [server, port] = [await startServer(binary), await freePort()];
  try {
    await server.call("SET", "before", "1");
    const line =
      `start --master redis://127.0.0.1:${server.port} --listen 127.0.0.1:${port} --json`;
    await withRun(line, async (run) => {
      await run.until(/"live":true/);
      await server.call("SET", "after", "2");
      assert.equal(await server.call("WAIT", 1, 5000), 1);
      const client = await open(port);
      assert.equal(plain(await client.call("GET", "before")), "1");
      assert.equal(plain(await client.call("GET", "after")), "2");
      client.close();
      for (const json of run.output.trim().split("\n")) assert.doesNotThrow(() => JSON.parse(json));
      run.signal("SIGTERM");
      assert.equal(await run.ended, 0, run.errors);
    });
  } finally {
    await server.stop();
  }
});

test("main.ts demo serves a live shop and ends by itself", { timeout: 2 * WAIT_MS }, async () => {
  await withRun("demo --seconds 6", async (run) => {
    const [, port] = await run.until(/replica {2}redis:\/\/127\.0\.0\.1:(\d+)/);
    const [, masterPort] = await run.until(/master {3}redis:\/\/127\.0\.0\.1:(\d+)/);
    const [client, master] = [await open(Number(port)), await open(Number(masterPort))];
    const orders = async () => Number(plain(await client.call("GET", "count:orders")));
    const before = await orders();
    assert.equal(await master.call("SET", "hello", "world"), "OK");
    await until("the shop trades", async () => await orders() > before);
    await until(
      "the write arrives",
      async () => plain(await client.call("GET", "hello")) === "world",
    );
    const [page] = await run.until(/http:\/\/127\.0\.0\.1:\d+\//);
    const { state } = await (await fetch(`${page}status`)).json();
    assert.equal(state, "live");
    assert.match(String(plain(await client.call("SET", "a", "b"))), /READONLY/);
    client.close();
    master.close();
    assert.equal(await run.ended, 0, run.errors);
    assert.equal(run.errors, "");
  });
});
