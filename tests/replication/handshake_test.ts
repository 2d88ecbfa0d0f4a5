import assert from "node:assert/strict";
import { test } from "node:test";
import { SocketError } from "../../src/net/socket.ts";
import { ReplicationError, type ReplicationErrorCode } from "../../src/replication/errors.ts";
import type { LinkOptions } from "../../src/replication/types.ts";
import { PLAIN_HANDSHAKE, Rig } from "./rig.ts";
import { command } from "./support.ts";
import { settle } from "../support/clock.ts";

const orders: { name: string; options: Partial<LinkOptions>; expected: string }[] = [
  { name: "nothing configured", options: {}, expected: PLAIN_HANDSHAKE },
  {
    name: "a password",
    options: { credentials: { password: "secret" } },
    expected: command("AUTH", "secret") + PLAIN_HANDSHAKE,
  },
  {
    name: "an ACL user",
    options: { credentials: { username: "app", password: "secret" } },
    expected: command("AUTH", "app", "secret") + PLAIN_HANDSHAKE,
  },
  {
    name: "a password from a function",
    options: { credentials: { username: "app", password: () => Promise.resolve("fresh") } },
    expected: command("AUTH", "app", "fresh") + PLAIN_HANDSHAKE,
  },
  {
    name: "a user and password from a function",
    options: { credentials: { password: () => ({ username: "tmp", password: "fresh" }) } },
    expected: command("AUTH", "tmp", "fresh") + PLAIN_HANDSHAKE,
  },
  {
    name: "everything",
    options: {
      credentials: { username: "app", password: "secret" },
      announce: { host: "replica.internal", port: 6380 },
    },
    expected: command("AUTH", "app", "secret") + command("REPLCONF", "listening-port", "6380") +
      command("REPLCONF", "ip-address", "replica.internal") + PLAIN_HANDSHAKE,
  },
];
for (const { name, options, expected } of orders) {
  test(`the handshake goes in order with ${name}`, async () => {
    const rig = new Rig(options);
    const socket = await rig.start();
    assert.equal(socket.take(), command("PING"));
    socket.send("+PONG\r\n");
    assert.equal(socket.take(), expected);
    for (let i = expected.split("*").length - 1; i > 0; i--) {
      assert.equal(socket.take(), "");
      socket.send("+OK\r\n");
    }
    assert.equal(socket.take(), command("PSYNC", "?", "-1"));
    await rig.stop();
  });
}

test("each reply is read in a state of its own", async () => {
  const rig = new Rig({ credentials: { password: "p" }, announce: { host: "h", port: 1 } });
  const socket = await rig.start();
  socket.send("+PONG\r\n");
  for (let i = 0; i < 5; i++) socket.send("+OK\r\n");
  const states = rig.events.filter((event) => event.type === "state").map((event) => event.state);
  assert.deepEqual(states, [
    "connecting",
    "receivePingReply",
    "receiveAuthReply",
    "receivePortReply",
    "receiveIpReply",
    "receiveCapaReply",
    "receiveVersionReply",
    "receivePsyncReply",
  ]);
  await rig.stop();
});

test("errors to every REPLCONF are logged and ignored", async () => {
  const rig = new Rig({ announce: { host: "h", port: 1 } });
  const socket = await rig.start();
  socket.send("+PONG\r\n");
  socket.take();
  socket.send(
    "-ERR one\r\n-ERR two\r\n-ERR three\r\n-ERR Unrecognized REPLCONF option: version\r\n",
  );
  assert.equal(socket.take(), command("PSYNC", "?", "-1"));
  assert.equal(rig.messages.filter((message) => /going on/.test(message)).length, 4);
  await rig.stop();
});

const pings: { reply: string; alive: boolean; login?: boolean; code?: ReplicationErrorCode }[] = [
  { reply: "+PONG", alive: true },
  { reply: "+Welcome to some proxy", alive: true },
  { reply: "-NOPERM this user has no permissions to run the 'ping' command", alive: true },
  { reply: "-NOAUTH Authentication required.", alive: true, login: true },
  { reply: "-ERR operation not permitted", alive: true, login: true },
  { reply: "-NOAUTH Authentication required.", alive: false, code: "NOAUTH" },
  {
    reply: "-LOADING Valkey is loading the dataset in memory",
    alive: false,
    code: "LOADING",
  },
  { reply: "-BUSY Redis is busy running a script.", alive: false, code: "BUSY" },
  {
    reply: "-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    alive: false,
    code: "MASTERDOWN",
  },
  {
    reply: "-DENIED Redis is running in protected mode because...",
    alive: false,
    code: "PROTECTED_MODE",
  },
  { reply: "-ERR max number of clients reached", alive: false, code: "MAXCLIENTS" },
  { reply: "-ERR something new", alive: false, code: "MASTER_ERROR" },
  { reply: "HTTP/1.1 400 Bad Request", alive: false, code: "PROTOCOL" },
];
for (const { reply, alive, login = false, code } of pings) {
  const name = `PING answered "${reply}" ${login ? "with" : "without"} a password`;
  test(`${name} ${alive ? "goes on" : `fails with ${code}`}`, async () => {
    const rig = new Rig(login ? { credentials: { password: "p" } } : {});
    const socket = await rig.start();
    socket.send(`${reply}\r\n`);
    assert.equal(!socket.closed, alive);
    await rig.clock.turn();
    if (!alive) assert.equal(rig.link.status().lastError?.code, code);
    await rig.stop();
  });
}

const authReplies = [
  "-WRONGPASS invalid username-password pair or user is disabled.",
  "-ERR invalid password",
  "-ERR Client sent AUTH, but no password is set",
  "-ERR wrong number of arguments for 'auth' command",
  "-ERR AUTH <password> called without any password configured for the default user. Are you sure?",
];
for (const reply of authReplies) {
  test(`AUTH answered "${reply}" ends the first start() with WRONGPASS`, async () => {
    const rig = new Rig({ credentials: { password: "hunter2" } });
    const socket = await rig.start();
    socket.send(`+PONG\r\n${reply}\r\n`);
    await assert.rejects(rig.started, (error: ReplicationError) => {
      assert.ok(error instanceof ReplicationError);
      assert.equal(error.code, "WRONGPASS");
      return true;
    });
    assert.equal(rig.state, "none");
    assert.equal(rig.events.at(-1)?.type, "failed");
    assert.ok(!rig.messages.some((message) => message.includes("hunter2")));
    assert.equal(rig.net.sockets.length, 1);
    await rig.stop();
  });
}

test("a wrong password after the link has run is tried again", async () => {
  let password = "old";
  const rig = new Rig({ credentials: { password: () => password } });
  const first = await rig.start();
  first.send(
    "+PONG\r\n+OK\r\n+OK\r\n+OK\r\n+FULLRESYNC 9253d8ed842854986342de8068760042c439e138 0\r\n",
  );
  await rig.started;
  const second = await rig.reconnect();
  second.send("+PONG\r\n-WRONGPASS invalid username-password pair\r\n");
  await settle();
  assert.equal(rig.state, "connect");
  password = "new";
  const third = await rig.retry();
  assert.notEqual(third, second);
  third.take();
  third.send("+PONG\r\n");
  assert.ok(third.take().startsWith(command("AUTH", "new")), "asked anew for each connection");
  await rig.stop();
});

test("credentials that can't be had are an error of their own, and are asked for again", async () => {
  let asked = 0;
  const rig = new Rig({
    credentials: {
      password: () => {
        asked++;
        throw new TypeError("vault gave hush");
      },
    },
  });
  rig.link.start().catch(() => {});
  await settle();
  assert.equal(rig.link.status().lastError?.code, "CREDENTIALS");
  const { message, cause } = rig.link.status().lastError!;
  assert.match(message, /failed with TypeError/);
  assert.doesNotMatch(message, /hush/);
  assert.match(String(cause), /vault gave hush/);
  assert.equal(rig.net.connects.length, 0);
  await rig.clock.advance(1000);
  assert.equal(asked, 2);
  await rig.stop();
});

test("a master that quotes the arguments of AUTH brings no password into a message", async () => {
  const rig = new Rig({ credentials: { password: "hush hush" } });
  const socket = await rig.start();
  socket.send("+PONG\r\n-ERR unknown command `AUTH`, with args beginning with: `hush hush`\r\n");
  await assert.rejects(rig.started, /beginning with: `\(redacted\)`/);
  await rig.stop();
});

test("credentials that never come are given up after handshakeMs", async () => {
  const rig = new Rig({ credentials: { password: () => new Promise<string>(() => {}) } });
  rig.link.start().catch(() => {});
  await rig.clock.advance(5000);
  assert.equal(rig.link.status().lastError?.code, "CREDENTIALS");
  await rig.stop();
});

const connects: { error: SocketError; fatal: boolean }[] = [
  { error: new SocketError("REFUSED", "connection refused"), fatal: false },
  { error: new SocketError("TIMEOUT", "too slow"), fatal: false },
  { error: new SocketError("NOT_FOUND", "no such host"), fatal: false },
  { error: new SocketError("UNREACHABLE", "no route"), fatal: false },
  { error: new SocketError("TLS", "certificate has expired"), fatal: true },
  { error: new SocketError("PERMISSION", "--allow-net is missing"), fatal: true },
];
for (const { error, fatal } of connects) {
  test(`a connect that fails with ${error.code} ${fatal ? "ends the link" : "is tried again"}`, async () => {
    const rig = new Rig();
    rig.net.failures.push(error);
    const started = rig.link.start();
    started.catch(() => {});
    await settle();
    if (fatal) {
      await assert.rejects(started, { name: "ReplicationError", code: "CONNECT", cause: error });
      assert.equal(rig.state, "none");
    } else {
      assert.equal(rig.state, "connect");
      assert.equal(rig.link.status().lastError?.cause, error);
      await rig.clock.advance(1000);
      assert.equal(rig.state, "receivePingReply");
    }
    await rig.stop();
  });
}

test("a line longer than limits.lineBytes is refused", async () => {
  const rig = new Rig({ limits: { lineBytes: 100 } });
  const socket = await rig.start();
  for (let i = 0; i < 20; i++) socket.send("+2345678");
  await settle();
  assert.equal(rig.link.status().lastError?.code, "PROTOCOL");
  await rig.stop();
});

test("psyncCommand is the name PSYNC is sent under", async () => {
  const rig = new Rig({ psyncCommand: "SECRETSYNC" });
  await rig.start();
  assert.equal(rig.handshake(), command("SECRETSYNC", "?", "-1"));
  await rig.stop();
});
