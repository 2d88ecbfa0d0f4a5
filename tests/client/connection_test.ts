/** The connection on which servers are asked, against a scripted one and against TestMaster. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { ClientConnection, type ClientOptions, textOf } from "../../src/client/connection.ts";
import { ErrorReply, type RespValue } from "../../src/resp/types.ts";
import { ManualClock, settle } from "../support/clock.ts";
import { command, FakeNet, type FakeSocket } from "../replication/support.ts";
import { TestMaster } from "../../src/testing/test_master.ts";
import { loadNet } from "../../src/net/runtime.ts";
import { systemClock } from "../../src/base/clock.ts";

interface Desk {
  readonly clock: ManualClock;
  readonly net: FakeNet;
  readonly abort: AbortController;
  readonly opening: Promise<ClientConnection>;
  readonly socket: FakeSocket;
}

/** Opens a connection whose server is the test, up to the moment the socket stands. */
async function open(options: Partial<ClientOptions> = {}): Promise<Desk> {
  const clock = new ManualClock();
  const net = new FakeNet();
  const abort = new AbortController();
  const opening = ClientConnection.open({
    net,
    clock,
    address: { transport: "tcp", host: "server", port: 6379 },
    connectMs: 1000,
    replyMs: 500,
    signal: abort.signal,
    ...options,
  });
  opening.catch(() => {});
  await settle();
  return { clock, net, abort, opening, socket: net.sockets[0] };
}

const SET_UPS: readonly (Partial<ClientOptions> & { name: string; sent: string[][] })[] = [
  { name: "nothing", sent: [] },
  { name: "a password", login: { password: "p" }, sent: [["AUTH", "p"]] },
  {
    name: "a user",
    login: { username: "u", password: "p" },
    sent: [["AUTH", "u", "p"]],
  },
  { name: "a database", db: 3, sent: [["SELECT", "3"]] },
  { name: "RESP3", protocol: 3, sent: [["HELLO", "3"]] },
  {
    name: "RESP3 with a password and a database",
    protocol: 3,
    login: { password: "p" },
    db: 7,
    sent: [["HELLO", "3", "AUTH", "default", "p"], ["SELECT", "7"]],
  },
];

for (const { name, sent, ...options } of SET_UPS) {
  test(`open() sends what sets up ${name}, and waits for each reply`, async () => {
    const { opening, socket, clock } = await open(options);
    for (const args of sent) {
      assert.equal(socket.take(), command(...args));
      socket.send("+OK\r\n");
      await settle();
    }
    const connection = await opening;
    assert.equal(socket.take(), "");
    connection.close();
    assert.equal(clock.timers.size, 0, "a timer is left");
  });
}

test("open() rejects with the server's refusal, and leaves no socket", async () => {
  const { opening, socket } = await open({ login: { password: "wrong" } });
  socket.send("-WRONGPASS invalid\r\n");
  await assert.rejects(opening, (error: unknown) => {
    return error instanceof ErrorReply && error.code === "WRONGPASS";
  });
  assert.ok(socket.closed);
});

test("commands are sent at once, and each gets its own reply", async () => {
  const { opening, socket } = await open();
  const connection = await opening;
  const replies = [connection.ask("GET", "a"), connection.ask("INCR", "b"), connection.ask("NO")];
  assert.equal(connection.unanswered, 3);
  assert.equal(socket.take(), command("GET", "a") + command("INCR", "b") + command("NO"));
  for (const byte of "$1\r\nx\r\n:7\r\n-ERR no\r\n") socket.send(byte);
  const [first, second] = await Promise.all(replies.slice(0, 2));
  assert.deepEqual([textOf(first), second], ["x", 7]);
  await assert.rejects(replies[2], /ERR no/);
  connection.close();
});

test("bytes of an argument are sent as they are", async () => {
  const { opening, socket } = await open();
  const connection = await opening;
  connection.ask("GET", Uint8Array.of(0, 255, 13, 10)).catch(() => {});
  assert.equal(socket.take(), command("GET", "\x00\xff\r\n"));
  connection.close();
});

test("a reply that is late ends the connection; earlier replies were in time", async () => {
  const { opening, socket, clock } = await open();
  const connection = await opening;
  const first = connection.ask("PING");
  await clock.advance(400);
  const second = connection.ask("SLOW");
  second.catch(() => {});
  socket.send("+PONG\r\n");
  await first;
  await clock.advance(400);
  assert.equal(connection.closed, false);
  await clock.advance(200);
  await assert.rejects(second, /did not answer SLOW for 500 ms/);
  assert.ok(connection.closed && socket.closed);
  assert.equal(clock.timers.size, 0);
});

test("the signal rejects what is asked, and ends the way to a connection", async () => {
  const { opening, abort } = await open();
  const connection = await opening;
  const asked = connection.ask("PING");
  abort.abort();
  await assert.rejects(asked, /given up/);
  await assert.rejects(connection.ask("PING"), /closed/);
});

test("a connection that breaks rejects everything asked, and tells once", async () => {
  const { opening, socket } = await open();
  const connection = await opening;
  let ends = 0;
  connection.onClose = () => ends++;
  const asked = [connection.ask("PING"), connection.ask("PING")];
  socket.hangUp();
  for (const promise of asked) await assert.rejects(promise, /closed the connection/);
  connection.close();
  assert.equal(ends, 1);
});

test("messages go to onMessage only once a subscription was asked for", async () => {
  const { opening, socket } = await open();
  const connection = await opening;
  const messages: RespValue[][] = [];
  connection.onMessage = (message) => messages.push([...message]);
  const list = connection.ask("LRANGE", "l", "0", "-1");
  socket.send("*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nb\r\n");
  assert.equal((await list as RespValue[]).length, 3);
  const subscribed = connection.ask("SUBSCRIBE", "news");
  socket.send("*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n");
  await subscribed;
  socket.send("*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$2\r\nhi\r\n");
  socket.send(">2\r\n$10\r\ninvalidate\r\n*0\r\n");
  assert.deepEqual(messages.map((message) => textOf(message[0])), ["message", "invalidate"]);
  connection.close();
});

const BAD: readonly { name: string; bytes: string; expected: RegExp }[] = [
  { name: "no RESP", bytes: "HTTP/1.1 400\r\n", expected: /not RESP/ },
  { name: "a string beyond replyBytes", bytes: "$1001\r\n", expected: /longer than 1000/ },
];

for (const { name, bytes, expected } of BAD) {
  test(`an answer that is ${name} ends the connection`, async () => {
    const { opening, socket } = await open({ replyBytes: 1000 });
    const connection = await opening;
    const asked = connection.ask("PING");
    socket.send(bytes);
    await assert.rejects(asked, expected);
    assert.ok(socket.closed);
  });
}

test("a reply that nobody asked for ends the connection", async () => {
  const { opening, socket } = await open();
  const connection = await opening;
  socket.send("+OK\r\n");
  assert.ok(connection.closed);
});

test("a real connection: HELLO, AUTH, SELECT, a thousand commands in one go", async () => {
  await using master = await TestMaster.start({ users: { app: "secret" } });
  const connection = await ClientConnection.open({
    net: await loadNet(systemClock),
    clock: systemClock,
    address: master.address,
    login: { username: "app", password: "secret" },
    protocol: 3,
    db: 2,
    connectMs: 5000,
    replyMs: 5000,
    signal: new AbortController().signal,
  });
  const replies = Array.from({ length: 1000 }, () => connection.ask("INCR", "n"));
  assert.deepEqual(await Promise.all(replies), Array.from({ length: 1000 }, (_, i) => i + 1));
  master.call("SELECT", 2);
  assert.equal(master.call("GET", "n"), "1000");
  connection.close();
});
