/**
 * The gate that TLS reads through under Deno: it is the same everywhere, and asked everywhere.
 *
 * @module
 */

import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import test from "node:test";
import { Gate } from "../../src/net/gate.ts";
import { pause } from "../support/waiting.ts";

/** Two ends of a connection, and what closes them. */
async function pair(): Promise<{ near: Socket; far: Socket; close: () => void }> {
  const server = createServer({ allowHalfOpen: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const near = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
  const [far] = await once(server, "connection") as [Socket];
  far.on("error", () => {});
  return {
    near,
    far,
    close: () => {
      near.destroy();
      far.destroy();
      server.close();
    },
  };
}

test("Gate hands over nothing while it is held, not even the end, and all of it then", async () => {
  const { near, far, close } = await pair();
  const gate = new Gate(near);
  let received = 0;
  let ended = false;
  gate.on("data", (chunk: Uint8Array) => received += chunk.length);
  gate.on("end", () => ended = true);
  far.write(new Uint8Array(1000));
  await once(gate, "data");
  gate.hold();
  const before = received;
  far.end(new Uint8Array(200_000));
  await pause(50);
  assert.equal(received, before);
  assert.equal(ended, false);
  const end = once(gate, "end");
  gate.release();
  await end;
  assert.equal(received, 201_000);
  close();
});

test("Gate writes, and ends its carrier behind what was written", async () => {
  const { near, far, close } = await pair();
  const gate = new Gate(near);
  let received = 0;
  far.on("data", (chunk: Uint8Array) => received += chunk.length);
  const end = once(far, "end");
  gate.write(new Uint8Array(300_000));
  gate.end();
  await end;
  assert.equal(received, 300_000);
  close();
});

test("Gate takes its carrier with it, and keeps what broke it", async () => {
  const { near, far, close } = await pair();
  const gate = new Gate(near);
  const broken = new Error("broken");
  const failed = once(gate, "error");
  near.destroy(broken);
  assert.deepEqual(await failed, [broken]);
  assert.equal(gate.failure, broken);
  assert.ok(gate.destroyed);
  const other = await pair();
  const second = new Gate(other.near);
  second.destroy();
  await once(second, "close");
  assert.ok(other.near.destroyed);
  assert.equal(second.failure, undefined);
  assert.ok(!far.destroyed);
  other.close();
  close();
});
