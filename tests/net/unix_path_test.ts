import assert from "node:assert/strict";
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import test, { after } from "node:test";
import { loadNet } from "../../src/net/runtime.ts";
import { socketContract } from "./socket_contract.ts";
import { makePair, rejection } from "./support.ts";

const dir = mkdtempSync(join(tmpdir(), "replica-unix-"));
const skip = process.platform === "win32" ? "no Unix sockets here" : false;
let next = 0;

function freshPath(): string {
  return join(dir, `s${next++}.sock`);
}

after(() => rmSync(dir, { recursive: true, force: true }));

if (skip === false) {
  socketContract({
    name: "native Unix socket",
    make: () => loadNet(),
    pair: () => ({ address: { transport: "unix", path: freshPath() } }),
    floodBytes: 64 << 20,
    losesLastWords: !("Deno" in globalThis || "Bun" in globalThis),
  });
}

test("a Unix socket has the mode asked for, and its file goes with it", { skip }, async () => {
  const net = await loadNet();
  const path = freshPath();
  const listen = { mode: 0o700 };
  const pair = await makePair(net, { address: { transport: "unix", path }, listen });
  assert.equal(statSync(path).mode & 0o777, 0o700);
  assert.deepEqual(pair.listener.address, { transport: "unix", path });
  assert.deepEqual(pair.client.remote, { transport: "unix", path });
  await pair.done();
  assert.equal(existsSync(path), false);
});

test("a Unix socket in a directory that is not there is NOT_FOUND", { skip }, async () => {
  const net = await loadNet();
  const address = { transport: "unix", path: join(dir, "none", "s.sock") } as const;
  await rejection(net.listen({ address }, () => {}), "NOT_FOUND", /^listen on .*s\.sock: no such/);
});

test("a socket file whose process died is taken over, another file is not", { skip }, async () => {
  const net = await loadNet();
  const path = freshPath();
  const address = { transport: "unix", path } as const;
  // Renaming leaves a file behind that nobody listens on.
  const first = await net.listen({ address }, () => {});
  renameSync(path, `${path}.stale`);
  await first.close();
  renameSync(`${path}.stale`, path);
  const second = await net.listen({ address }, (socket) => socket.abort());
  await rejection(net.listen({ address }, () => {}), "ADDRESS_IN_USE");
  await second.close();
  writeFileSync(path, "precious");
  await rejection(net.listen({ address }, () => {}), "ADDRESS_IN_USE");
  assert.equal(readFileSync(path, "utf8"), "precious");
});
