/**
 * The listener: how many are let in, how long they may be silent, and the end.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { SILENT } from "../../src/base/logger.ts";
import { type Connection, open } from "../support/connection.ts";
import { serve, untilClosed, withServer } from "./support.ts";
import { until } from "../support/waiting.ts";

const encoder = new TextEncoder();

test("one client more than maxClients is turned away with a word", async () => {
  await withServer({ maxClients: 2 }, async (served) => {
    const first = await served.connect();
    await first.call("PING");
    const second = await served.connect();
    await second.call("PING");
    assert.equal(
      await untilClosed(served.port, ""),
      "-ERR max number of clients reached\r\n",
    );
    second.close();
    await until("the second leaves", () => served.server.clientCount === 1);
    assert.equal(await (await served.connect()).call("PING"), "PONG");
  });
});

test("a silent client is let go after the idle timeout, a subscriber is not", async () => {
  await withServer({ idleTimeoutMs: 500 }, async (served) => {
    const silent = await served.connect();
    const subscriber = await served.connect();
    await silent.call("PING");
    await subscriber.call("SUBSCRIBE", "ch");
    await until("the silent one leaves", () => served.server.clientCount === 1);
    assert.equal(
      served.server.dispatcher.host.pubsub.publish(
        encoder.encode("ch"),
        encoder.encode("m"),
        false,
      ),
      1,
    );
  });
});

test("close ends every client after what was replied, and frees the port", async () => {
  const served = await serve();
  const connections: Connection[] = [];
  for (let i = 0; i < 20; i++) connections.push(await served.connect());
  await Promise.all(connections.map((connection) => connection.call("PING")));
  await served.close();
  assert.equal(served.server.clientCount, 0);
  await assert.rejects(open(served.port));
});

test("maxclients leaves descriptors for the link, and the log says so", async () => {
  const warnings: string[] = [];
  const logger = { ...SILENT, warn: (message: string) => void warnings.push(message) };
  const served = await serve({ logger, process: { freeDescriptors: () => 34 } });
  const first = await served.connect();
  assert.match(
    new TextDecoder().decode(await first.raw("CONFIG", "GET", "maxclients")),
    /\r\n2\r\n$/,
  );
  assert.equal(String(await (await served.connect()).call("PING")), "PONG");
  let word = "";
  const third = await served.connect();
  third.onUnasked = ({ raw }) => word += new TextDecoder().decode(raw);
  await until("the third to be turned away", () => word !== "");
  assert.match(word, /^-ERR max number of clients reached/);
  assert.match(warnings[0], /^maxclients is 2 instead of 10000/);
  await served.close();
});
