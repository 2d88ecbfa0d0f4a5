import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import process from "node:process";
import test from "node:test";

const RUNTIME = new URL("../../src/net/runtime.ts", import.meta.url).href;

/** Connects, talks, times out and closes; nothing ends the process but having nothing left to do. */
const SCRIPT = `
const { loadNet } = await import(${JSON.stringify(RUNTIME)});
const net = await loadNet();
const address = { transport: "tcp", host: "127.0.0.1", port: 0 };
const servers = [];
const listener = await net.listen({ address }, (socket) => {
  servers.push(socket);
  socket.start({ onData: (chunk) => socket.write(chunk), onClose: () => {} });
});
const signal = new AbortController().signal;
const one = await net.connect({ address: listener.address, timeoutMs: 60000, signal });
await new Promise((resolve) => {
  one.start({ onData: resolve, onClose: () => {} });
  one.write(new Uint8Array(10));
});
const two = await net.connect({ address: listener.address, timeoutMs: 60000 });
two.write(new Uint8Array(100));
two.start({ onData: () => {}, onClose: () => {} });
two.close(60000);
one.abort();
await listener.close();
console.log("closed");
`;

test("a process whose sockets and listeners are closed comes to its end", async () => {
  const deno = "Deno" in globalThis;
  const args = deno ? ["eval", SCRIPT] : ["--input-type=module", "-e", SCRIPT];
  if ("Bun" in globalThis) args.shift();
  const text = await new Promise<string>((resolve, reject) => {
    execFile(process.execPath, args, { timeout: 8000 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${error.message}\n${stderr}`));
    });
  });
  assert.equal(text.trim(), "closed");
});
