/**
 * What `src/commands/keys/object.ts` answers: `tests/golden/commands/keys/object.json`,
 * and how that differs for a replica's client, the master's stream and a stand-alone master.
 *
 * @module
 */

import assert from "node:assert/strict";
import { serverTest, startServer } from "../../support/servers.ts";
import { specification } from "../../support/specification.ts";
import { nil, PAST, testCallers } from "../callers.ts";
import { Engine } from "../engine.ts";

await specification("keys/object");

testCallers([
  {
    name: "OBJECT ENCODING hides the expired",
    role: "replica",
    given: [`SET k v PXAT ${PAST}`],
    when: "OBJECT ENCODING k",
    reply: nil,
  },
]);

/** Lengths of keys around those at which their headers grow. */
const KEY_LENGTHS = [1, 10, 31, 32, 33, 60, 100] as const;

await serverTest("a short string is embedded where the master embeds it", async (binary) => {
  await using server = await startServer(binary);
  const engine = new Engine("master");
  engine.becomeDataOf(binary);
  const commands: string[][] = [];
  for (const length of KEY_LENGTHS) {
    const key = "k".repeat(length);
    for (let size = 0; size <= 120; size++) {
      for (const expiry of [[], ["PX", "9000000"]]) {
        // A key that has had an expiry keeps the room for it.
        commands.push(["DEL", key], ["SET", key, "v".repeat(size), ...expiry]);
        commands.push(["OBJECT", "ENCODING", key]);
      }
    }
  }
  const replies = await server.pipeline(commands);
  for (const [i, command] of commands.entries()) {
    const ours = engine.call(...command);
    if (command[0] !== "OBJECT") continue;
    const theirs = new TextDecoder().decode(replies[i] as Uint8Array);
    const [, key, value, ...rest] = commands[i - 1];
    const note = `key of ${key.length}, value of ${value.length} ${rest.join(" ")}`;
    assert.equal(ours, `$${theirs.length}\r\n${theirs}\r\n`, note);
  }
});
