/**
 * One connection: bytes however they are cut, what is no command, turns, and replies that are not taken.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../../src/base/clock.ts";
import { command } from "../../src/commands/engine/command.ts";
import { MemoryNet } from "../support/memory_net.ts";
import type { Socket } from "../../src/net/socket.ts";
import { open } from "../support/connection.ts";
import { encodeCommand, plain, type Reply } from "../support/resp.ts";
import { fill, serve, untilClosed, withServer } from "./support.ts";
import { until } from "../support/waiting.ts";

const encoder = new TextEncoder();

test("a pipeline cut anywhere is answered in order", async () => {
  await withServer({}, async (served) => {
    fill(served.keyspace, { a: "1", b: "x".repeat(100) });
    const commands = [["GET", "a"], ["GET", "b"], ["PING"], ["MGET", "a", "b", "c"], [
      "SET",
      "x",
      "y",
    ]];
    const bytes = commands.map((words) => encodeCommand(words));
    const all = new Uint8Array(bytes.reduce((sum, part) => sum + part.length, 0));
    let pos = 0;
    for (const part of bytes) {
      all.set(part, pos);
      pos += part.length;
    }
    const whole = await served.connect();
    const expected = (await whole.pipeline(commands)).map(plain);
    for (let cut = 1; cut < all.length; cut += 7) {
      const connection = await open(served.port);
      const replies: unknown[] = [];
      connection.onUnasked = (answer) => void replies.push(plain(answer.value));
      connection.send(all.slice(0, cut));
      await new Promise((resolve) => setTimeout(resolve, 1));
      connection.send(all.slice(cut));
      await until(`replies after a cut at ${cut}`, () => replies.length === commands.length);
      assert.deepEqual(replies, expected);
      connection.close();
    }
  });
});

test("inline commands are answered", async () => {
  await withServer({}, async (served) => {
    assert.equal(
      await untilClosed(served.port, 'PING\r\n\r\necho "a b"\nQUIT\r\nPING\r\n'),
      "+PONG\r\n$3\r\na b\r\n+OK\r\n",
    );
  });
});

const PROTOCOL_ERRORS: readonly (readonly [string, string])[] = [
  ["*a\r\n", "invalid multibulk length"],
  ["*2000000\r\n", "invalid multibulk length"],
  ["*1\r\n$a\r\n", "invalid bulk length"],
  ["*1\r\n$-1\r\n", "invalid bulk length"],
  ["*1\r\n$999999999999\r\n", "invalid bulk length"],
  ["*1\r\n:1\r\n", "expected '$', got ':'"],
  ['GET "a\r\n', "unbalanced quotes in request"],
];

for (const [bytes, text] of PROTOCOL_ERRORS) {
  test(`${JSON.stringify(bytes)} is told off and ends the connection`, async () => {
    await withServer({}, async (served) => {
      const heard = await untilClosed(served.port, `PING\r\n${bytes}`);
      assert.equal(heard, `+PONG\r\n-ERR Protocol error: ${text}\r\n`);
    });
  });
}

test("before AUTH a client may send little, after it all", async () => {
  await withServer({ password: "p" }, async (served) => {
    const many = `*11\r\n${"$1\r\na\r\n".repeat(11)}`;
    assert.match(await untilClosed(served.port, many), /unauthenticated multibulk length/);
    assert.match(await untilClosed(served.port, "*1\r\n$20000\r\n"), /unauthenticated bulk length/);
    const connection = await served.connect();
    assert.equal(await connection.call("AUTH", "p"), "OK");
    const reply = await connection.call("MGET", ...Array.from({ length: 20 }, (_, i) => `k${i}`));
    assert.equal((reply as Reply[]).length, 20);
    assert.equal(plain(await connection.call("ECHO", "x".repeat(20000))), "x".repeat(20000));
  });
});

test("a flood by one client leaves turns to the others", async () => {
  // Each look at the clock finds a millisecond gone, and the flood comes in one chunk: nothing but
  // the slice's end can part it.
  let lookedMs = 0;
  const clock = { ...systemClock, monotonic: () => lookedMs++ };
  const net = new MemoryNet({ clock, bufferBytes: 1 << 24 });
  const { server, port } = await serve({ clock }, net);
  const address = { transport: "tcp", host: "127.0.0.1", port } as const;
  const count = 100_000;
  let answered = 0;
  let answeredBefore = -1;
  const flood = await net.connect({ address });
  flood.start({
    onData: (chunk) => void (answered += chunk.length / "+PONG\r\n".length),
    onClose() {},
  });
  const other = await net.connect({ address });
  other.start({ onData: () => void (answeredBefore = answered), onClose() {} });
  flood.write(encoder.encode("*1\r\n$4\r\nPING\r\n".repeat(count)));
  other.write(encodeCommand(["ECHO", "me"]));
  await until("the flood is answered", () => answered === count);
  await server.close(0);
  assert.ok(answeredBefore >= 0, "the other was not answered");
  assert.ok(answeredBefore < count / 100, `${answeredBefore} of the flood were answered before`);
});

test("a client that does not read is not read, and its replies stay bounded", async () => {
  await withServer({}, async (served) => {
    fill(served.keyspace, { big: "x".repeat(100_000) });
    const lazy = await open(served.port);
    // Node's own socket stops reading the kernel's buffer.
    const socket = lazy as unknown as { takeOver(f: (c: Uint8Array) => void): void };
    let received = 0;
    socket.takeOver((chunk) => received += chunk.length);
    const count = 2000;
    const part = encodeCommand(["GET", "big"]);
    const bytes = new Uint8Array(part.length * count);
    for (let i = 0; i < count; i++) bytes.set(part, i * part.length);
    lazy.send(bytes);
    let worst = 0;
    const expected = count * (100_000 + "$100000\r\n\r\n".length);
    await until("all of it arrives", () => {
      for (const session of served.server.dispatcher.clients.sessions.values()) {
        worst = Math.max(worst, session.link?.pendingBytes ?? 0);
      }
      return received === expected;
    });
    assert.ok(worst < 8 * 1024 * 1024, `${worst} bytes were held`);
    lazy.close();
  });
});

test("KEYS over many keys lets others in between and answers whole", async () => {
  await withServer({}, async (served) => {
    const entries: Record<string, string> = {};
    for (let i = 0; i < 60_000; i++) entries[`key:${i}`] = "";
    fill(served.keyspace, entries);
    const asking = await served.connect();
    const other = await served.connect();
    await other.call("PING");
    const [keys, after] = await asking.pipeline([["KEYS", "*"], ["ECHO", "after"]]);
    assert.equal((keys as Reply[]).length, 60_000);
    assert.equal(plain(after), "after");
  });
});

test("QUIT answers and closes, and what came after it is not run", async () => {
  await withServer({}, async (served) => {
    assert.equal(await untilClosed(served.port, "QUIT\r\nPING\r\n"), "+OK\r\n");
    await until("it leaves", () => served.server.clientCount === 0);
  });
});

test("a command that takes the socket away gets it, and the server forgets the client", async () => {
  let socket: Socket | undefined;
  const take = command("take", 1, 0, "", (ctx) => {
    ctx.reply.simple("TAKEN");
    socket = ctx.session!.detach!();
    socket.start({ onData: (chunk) => void socket!.write(chunk.slice()), onClose: () => {} });
  });
  await withServer({ extraCommands: [take] }, async (served) => {
    const connection = await served.connect();
    assert.equal(await connection.call("TAKE"), "TAKEN");
    assert.equal(served.server.clientCount, 0);
    assert.equal(await connection.call("GET", "a").then(plain).then(String), "GET,a");
    socket?.abort();
  });
});
