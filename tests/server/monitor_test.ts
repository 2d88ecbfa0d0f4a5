/**
 * MONITOR over real sockets.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { withServer } from "./support.ts";
import { until } from "../support/waiting.ts";

test("MONITOR shows what others run", async () => {
  await withServer({}, async (served) => {
    const monitor = await served.connect();
    const lines: string[] = [];
    assert.equal(await monitor.call("MONITOR"), "OK");
    monitor.onUnasked = (answer) => void lines.push(String(answer.value));
    const other = await served.connect();
    await other.call("ECHO", 'a "b"\n\xff');
    await until("the line", () => lines.length === 1);
    assert.match(
      lines[0],
      /^\d+\.\d{6} \[0 127\.0\.0\.1:\d+\] "ECHO" "a \\"b\\"\\n\\xc3\\xbf"$/,
    );
  });
});
