/**
 * Messages on their way to subscribers, and subscribers that do not take them.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeCommand, plain } from "../support/resp.ts";
import { withServer } from "./support.ts";
import { until } from "../support/waiting.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

test("messages reach subscribers in both protocols", async () => {
  await withServer({}, async (served) => {
    const heard: unknown[] = [];
    const old = await served.connect();
    const young = await served.connect();
    for (const connection of [old, young]) {
      connection.onUnasked = (answer) => void heard.push(decoder.decode(answer.raw));
    }
    await young.call("HELLO", "3");
    assert.deepEqual(plain(await old.call("SUBSCRIBE", "ch")), ["subscribe", "ch", 1]);
    young.send(encodeCommand(["PSUBSCRIBE", "c*"]));
    await until("the push that answers PSUBSCRIBE", () => heard.length === 1);
    assert.equal(heard.pop(), ">3\r\n$10\r\npsubscribe\r\n$2\r\nc*\r\n:1\r\n");
    const publisher = await served.connect();
    assert.equal(await publisher.call("PUBLISH", "ch", "m\r\n"), 2);
    await until("both messages", () => heard.length === 2);
    assert.deepEqual(heard.toSorted(), [
      "*3\r\n$7\r\nmessage\r\n$2\r\nch\r\n$3\r\nm\r\n\r\n",
      ">4\r\n$8\r\npmessage\r\n$2\r\nc*\r\n$2\r\nch\r\n$3\r\nm\r\n\r\n",
    ]);
    assert.equal(plain(await young.call("GET", "a")), null);
    assert.deepEqual(plain(await publisher.call("PUBSUB", "CHANNELS")), ["ch"]);
    assert.deepEqual(plain(await publisher.call("PUBSUB", "NUMSUB", "ch", "no")), [
      "ch",
      1,
      "no",
      0,
    ]);
    assert.equal(await publisher.call("PUBSUB", "NUMPAT"), 1);
    old.close();
    await until("the subscriber leaves", () => served.server.clientCount === 2);
    assert.equal(await publisher.call("PUBLISH", "ch", "m"), 1);
  });
});

test("a subscriber that takes nothing is cut off", async () => {
  await withServer({ limits: { pushedBytes: 1 << 20 } }, async (served) => {
    const { dispatcher } = served.server;
    const subscriber = await served.connect();
    await subscriber.call("SUBSCRIBE", "ch");
    const message = new Uint8Array(1 << 16);
    // All in one turn: nobody could read.
    for (let i = 0; i < 64; i++) {
      dispatcher.host.pubsub.publish(encoder.encode("ch"), message, false);
    }
    await until("it is cut off", () => served.server.clientCount === 0);
    assert.equal(dispatcher.statistics.outputLimitDisconnections, 1);
  });
});
