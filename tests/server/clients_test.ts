/**
 * CLIENT PAUSE and CLIENT KILL over real sockets.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { withServer } from "./support.ts";
import { until } from "../support/waiting.ts";

test("CLIENT PAUSE holds commands back and UNPAUSE lets them go", async () => {
  await withServer({}, async (served) => {
    const one = await served.connect();
    const two = await served.connect();
    await two.call("PING");
    assert.equal(await one.call("CLIENT", "PAUSE", "100000", "WRITE"), "OK");
    assert.equal(await two.call("PING"), "PONG");
    let published = false;
    const publishing = two.pipeline([["PUBLISH", "ch", "m"], ["PING"]]).then((replies) => {
      published = true;
      return replies;
    });
    await one.call("PING");
    assert.equal(published, false);
    assert.equal(await one.call("CLIENT", "UNPAUSE"), "OK");
    assert.deepEqual(await publishing, [0, "PONG"]);
    const before = Date.now();
    assert.equal(await one.call("CLIENT", "PAUSE", "200"), "OK");
    assert.equal(await two.call("PING"), "PONG");
    assert.ok(Date.now() - before >= 150);
  });
});

test("CLIENT KILL ends others at once and oneself after the reply", async () => {
  await withServer({}, async (served) => {
    const one = await served.connect();
    const two = await served.connect();
    const id = await two.call("CLIENT", "ID");
    assert.equal(await one.call("CLIENT", "KILL", "ID", String(id)), 1);
    await assert.rejects(two.call("PING"));
    assert.equal(await one.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "no"), 1);
    await until("it ends itself", () => served.server.clientCount === 0);
  });
});
