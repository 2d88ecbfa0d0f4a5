/**
 * TLS met where none was expected, and the reverse (tls_record.ts): the link, a client's connection and our port name
 * it. The other side is a socket that answers as real servers do: nothing, an alert, or the end.
 *
 * @module
 */

import assert from "node:assert/strict";
import net from "node:net";
import { test } from "node:test";
import { Replica } from "../../mod.ts";
import { systemClock } from "../../src/base/clock.ts";
import { ClientConnection } from "../../src/client/connection.ts";
import { loadNet } from "../../src/net/runtime.ts";
import { isTlsRecord } from "../../src/net/tls_record.ts";

/** An alert as TLS servers send it to who does not speak TLS: fatal, unexpected message. */
const ALERT = Uint8Array.of(0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x0a);

/** What a server does with the first bytes it gets. */
type Manner = (socket: net.Socket) => void;
const silent: Manner = () => {};
const alerts: Manner = (socket) => socket.end(ALERT);
const ends: Manner = (socket) => socket.end();
const resets: Manner = (socket) => socket.resetAndDestroy();

/** Runs with the port of a server of that manner. */
async function withServer<T>(manner: Manner, use: (port: number) => Promise<T>): Promise<T> {
  const sockets: net.Socket[] = [];
  const server = net.createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    socket.once("data", () => manner(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    return await use((server.address() as net.AddressInfo).port);
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}

/** The message of the last failure of a link. */
async function followed(master: string): Promise<string> {
  const replica = new Replica({ master, logger: false, timeouts: { connectMs: 300 } });
  const failure = await replica.start({ timeoutMs: 700 }).then(() => undefined, (error) => error);
  await replica.close();
  return String(failure?.message);
}

/** The message of what ended a client's connection. */
async function asked(port: number, tls?: object): Promise<string> {
  const opening = ClientConnection.open({
    net: await loadNet(),
    clock: systemClock,
    address: { transport: "tcp", host: "127.0.0.1", port },
    ...(tls !== undefined && { tls }),
    login: { password: "p" },
    connectMs: 300,
    replyMs: 2000,
    signal: new AbortController().signal,
  });
  return await opening.then(() => "connected", (error) => String(error.message));
}

const PLAIN: readonly { name: string; manner: Manner; says: RegExp }[] = [
  {
    name: "answers by an alert",
    manner: alerts,
    says: /it speaks TLS on this port: use rediss:\/\//,
  },
  { name: "ends", manner: ends, says: /as a server does that speaks TLS/ },
  { name: "resets", manner: resets, says: /as a server does that speaks TLS/ },
];

for (const { name, manner, says } of PLAIN) {
  test(`a plain connection to a TLS port that ${name} is named`, async () => {
    await withServer(manner, async (port) => {
      assert.match(await followed(`redis://127.0.0.1:${port}`), says);
      assert.match(await asked(port), says);
    });
  });
}

test("TLS to a plain port that says nothing is named", async () => {
  await withServer(silent, async (port) => {
    const says = /timed out after 300 ms: it took the connection, but not TLS/;
    assert.match(await followed(`rediss://127.0.0.1:${port}`), says);
    assert.match(await asked(port, {}), says);
  });
});

test("TLS to our plain port is named there and in our log", async () => {
  const warnings: string[] = [];
  const logger = {
    debug() {},
    info() {},
    error() {},
    warn: (text: string) => void warnings.push(text),
  };
  const replica = new Replica({ listen: "127.0.0.1:0", logger });
  await replica.start();
  const port = Number(replica.status().listening!.split(":").at(-1));
  assert.match(await asked(port, {}), /peer does not speak TLS on this port/);
  assert.match(await asked(port, {}), /peer does not speak TLS on this port/);
  await replica.close();
  const told = warnings.filter((text) => text.includes("began with TLS on the plain port"));
  assert.equal(told.length, 1, "once a minute");
});

test("isTlsRecord() takes alerts and handshakes, and no RESP", () => {
  const record = (...bytes: number[]) => isTlsRecord(Uint8Array.from(bytes));
  assert.ok(record(0x15, 0x03, 0x01));
  assert.ok(record(0x16, 0x03, 0x03, 0x00));
  assert.ok(!record(0x16));
  assert.ok(!record(0x17, 0x03));
  assert.ok(!isTlsRecord(new TextEncoder().encode("*1\r\n$4\r\nPING\r\n")));
});
