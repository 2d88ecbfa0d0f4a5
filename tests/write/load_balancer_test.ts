/** The example of read-your-writes behind a load balancer. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { answer } from "../../examples/load_balancer.ts";
import { systemClock } from "../../src/base/clock.ts";
import { loadNet } from "../../src/net/runtime.ts";
import { TestMaster } from "../../src/testing/mod.ts";
import { HoldingNet, startForwarding } from "./forward_rig.ts";

const URL = "http://balanced/ada";

/** What a browser sends back of the cookies that it got. */
function cookieOf(response: Response): string {
  return response.headers.get("set-cookie")!.split(";")[0];
}

test("a visitor sees at every server what was written at another one", async () => {
  await using master = await TestMaster.start();
  const net = new HoldingNet(await loadNet(systemClock));
  await using one = await startForwarding(master.url);
  await using two = await startForwarding(master.url, { net });
  net.hold();
  const added = await answer(one.replica, new Request(URL, { method: "POST", body: "first" }));
  assert.equal(await added.text(), "1");
  assert.deepEqual(two.replica.lrange("notes:ada", 0, -1), [], "it is behind");
  const cookie = cookieOf(added);
  const shown = answer(two.replica, new Request(URL, { headers: { cookie: `a=b; ${cookie}` } }));
  setTimeout(() => net.release(), 20);
  const response = await shown;
  assert.equal(await response.text(), '["first"]');
  // Nor does a third server show less than this one did.
  assert.match(cookieOf(response), /^seen=[0-9a-f]{40}:\d+$/);
  net.hold();
  await answer(one.replica, new Request(URL, { method: "POST", body: "second" }));
  const without = await answer(two.replica, new Request(URL, { headers: { cookie: "seen=x" } }));
  assert.equal(await without.text(), '["first"]', "who has seen nothing waits for nothing");
  net.release();
});

test("a server that stays behind says so", async () => {
  await using master = await TestMaster.start();
  await using one = await startForwarding(master.url);
  const headers = { cookie: `seen=${one.replica.token!.slice(0, 40)}:999999` };
  assert.equal((await answer(one.replica, new Request(URL, { headers }))).status, 503);
});
