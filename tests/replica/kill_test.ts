/** A process killed while it writes snapshots, again and again. `KILLS=n` sets how often. */

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { env } from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Prng } from "../../src/base/prng.ts";
import { open } from "../support/connection.ts";
import { plain } from "../support/resp.ts";
import { currentRuntime, scriptArguments } from "../support/runtimes.ts";
import { newestServer, type RunningServer, startServer } from "../support/servers.ts";
import { Traffic } from "../support/traffic.ts";
import { pause, until } from "../support/waiting.ts";

const KILLS = Number(env.KILLS ?? 5);
const SEED = Number(env.SEED ?? 1);
const SCRIPT = fileURLToPath(new URL("./kept.ts", import.meta.url));

/** A child and what it has said. */
class Child {
  output: string = "";
  readonly #process: ChildProcess;
  readonly #exited: Promise<void>;

  constructor(masterPort: number, file: string) {
    const { name, path } = currentRuntime();
    const master = `redis://127.0.0.1:${masterPort}`;
    this.#process = spawn(path, [...scriptArguments(name), SCRIPT, master, file]);
    this.#process.stdout!.on("data", (chunk) => this.output += chunk);
    this.#process.stderr!.on("data", (chunk) => this.output += chunk);
    this.#exited = new Promise((resolve) => this.#process.once("exit", () => resolve()));
  }

  /** The port it serves on, once its data is whole. */
  async port(): Promise<number> {
    await until(() => this.output, () => /serves/.test(this.output) && /sync/.test(this.output));
    return Number(/serves 127\.0\.0\.1:(\d+)/.exec(this.output)?.[1]);
  }

  /** kill -9. */
  async kill(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#exited;
  }
}

async function assertEqual(server: RunningServer, child: Child): Promise<void> {
  await pause(350);
  await server.call("KEYS", "*");
  const connection = await open(await child.port());
  try {
    await until(() => `equal digests; the child said ${child.output}`, async () => {
      const theirs = plain(await server.call("DEBUG", "DIGEST"));
      return theirs === plain(await connection.call("DEBUG", "DIGEST"));
    });
  } finally {
    connection.close();
  }
}

const binary = await newestServer("redis") ?? await newestServer();
const skip = binary === undefined ? "no server at hand" : false;

test(`a process killed ${KILLS} times while it writes snapshots never has wrong data`, {
  skip,
  timeout: 60_000 + KILLS * 5000,
}, async () => {
  const dir = mkdtempSync(join(tmpdir(), "rimr-kill-"));
  await using server = await startServer(binary!, ["--repl-backlog-size", "64mb"]);
  const prng = new Prng(SEED);
  const traffic = new Traffic({ seed: SEED, version: server.version, keys: 2000 });
  await server.pipeline(traffic.batch(20_000));
  let partials = 0;
  for (let kill = 0; kill <= KILLS; kill++) {
    const child = new Child(server.port, join(dir, "kept.rdb"));
    try {
      await child.port();
      assert.match(child.output, /refused nothing/);
      if (/^sync partial/m.test(child.output)) partials++;
      await server.pipeline(traffic.batch(300));
      await assertEqual(server, child);
      // It dies while there is something to write.
      const writes = server.pipeline(traffic.batch(2000));
      await pause(prng.int(60));
      await child.kill();
      await writes;
    } finally {
      await child.kill();
    }
  }
  assert.ok(partials > 0, "no restart found a snapshot");
  rmSync(dir, { recursive: true, force: true });
});
