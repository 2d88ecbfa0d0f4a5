import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import test from "node:test";
import { loadNet } from "../../src/net/runtime.ts";
import { type Address, formatAddress, type Socket } from "../../src/net/socket.ts";
import { makePair, record, rejection } from "./support.ts";
import { within } from "../support/waiting.ts";

for (const host of ["127.0.0.1", "::1", "localhost"]) {
  test(`connect() reaches ${host}`, async (t) => {
    const net = await loadNet();
    const address: Address = { transport: "tcp", host, port: 0 };
    try {
      await (await net.listen({ address }, () => {})).close();
    } catch (error) {
      return t.skip(`no ${host} on this machine: ${error}`);
    }
    const pair = await makePair(net, {
      address,
      connect: {},
    });
    const { server } = record(pair);
    pair.client.write(new Uint8Array(100));
    await server.received(100);
    assert.equal(pair.client.remote.transport, "tcp");
    if (host === "::1") assert.match(formatAddress(pair.client.remote), /^\[::1\]:\d+$/);
    if (host === "127.0.0.1") {
      assert.deepEqual(pair.client.remote, pair.listener.address);
      assert.deepEqual(pair.client.local, pair.server.remote);
      assert.deepEqual(pair.server.local, pair.listener.address);
    }
    await pair.done();
  });
}

test("a name that does not exist is NOT_FOUND", async () => {
  const net = await loadNet();
  const address: Address = { transport: "tcp", host: "no-such-host.invalid", port: 6379 };
  const error = await rejection(net.connect({ address, timeoutMs: 9000 }), "NOT_FOUND");
  assert.match(error.message, /^connect to no-such-host\.invalid:6379: host name/);
  assert.ok(error.cause instanceof Error);
});

test("listening on an address of another machine fails with a reason", async () => {
  const net = await loadNet();
  const address: Address = { transport: "tcp", host: "198.51.100.7", port: 0 };
  await assert.rejects(
    net.listen({ address }, () => {}),
    /^SocketError: listen on 198\.51\.100\.7:0/,
  );
});

/** A listener that never accepts, in a process that sleeps: once its queue is full, nobody answers. */
const DEAF = `
const server = require("node:net").createServer();
server.listen({ host: "127.0.0.1", port: 0, backlog: 1 }, () => {
  require("node:fs").writeSync(1, server.address().port + "\\n");
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
});`;

interface Deaf {
  readonly address: Address;
  stop(): void;
}

async function startDeaf(): Promise<Deaf> {
  const deno = "Deno" in globalThis;
  const args = deno ? ["eval", "--ext=cjs", DEAF] : ["-e", DEAF];
  const child: ChildProcess = spawn(process.execPath, args, {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const port = await within(
    new Promise<number>((resolve, reject) => {
      child.stdout!.once("data", (text) => resolve(Number(text)));
      child.once("error", reject);
    }),
    "the deaf listener",
  );
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  return {
    address: { transport: "tcp", host: "127.0.0.1", port },
    stop: () => {
      child.kill("SIGKILL");
      void exited;
    },
  };
}

test("a peer that does not answer: TIMEOUT, or ABORTED by a signal", async (t) => {
  if (process.platform !== "linux") return t.skip("only Linux leaves a full queue unanswered");
  const net = await loadNet();
  const deaf = await startDeaf();
  const fillers: Socket[] = [];
  try {
    for (let i = 0; i < 1200; i++) {
      const filler = await net.connect({ address: deaf.address, timeoutMs: 300 }).catch(() => {});
      if (!filler) break;
      fillers.push(filler);
    }
    await rejection(
      net.connect({ address: deaf.address, timeoutMs: 150 }),
      "TIMEOUT",
      /^connect to 127\.0\.0\.1:\d+: timed out after 150 ms$/,
    );
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error("enough")), 50);
    const { signal } = controller;
    const error = await rejection(
      net.connect({ address: deaf.address, signal, timeoutMs: 5000 }),
      "ABORTED",
    );
    assert.equal((error.cause as Error).message, "enough");
  } finally {
    for (const filler of fillers) filler.abort();
    deaf.stop();
  }
});

test("an address no connection can be made to fails at once, typed", async () => {
  // Linux has no route for TCP to the broadcast address, whatever the network; Bun calls every
  // such failure ECONNREFUSED.
  const net = await loadNet();
  const address: Address = { transport: "tcp", host: "255.255.255.255", port: 6379 };
  const code = "Bun" in globalThis ? "REFUSED" : "UNREACHABLE";
  await rejection(
    net.connect({ address, timeoutMs: 5000 }),
    code,
    /^connect to 255\.255\.255\.255/,
  );
});
