/**
 * Who gets in, and what a user may not run.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Bench } from "./support.ts";

const NOAUTH = "-NOAUTH Authentication required.|";

test("dispatch asks for a password before anything but a wrong name or arity", () => {
  const bench = new Bench({ password: "secret" });
  const talker = bench.talker(false);
  assert.equal(talker.say("GET a"), NOAUTH);
  assert.equal(talker.say("SET a b"), NOAUTH);
  assert.match(talker.say("FOO"), /^-ERR unknown command/);
  assert.match(talker.say("GET"), /^-ERR wrong number/);
  assert.match(talker.say("HELLO 3"), /^-NOAUTH HELLO must be called/);
  assert.match(talker.say("AUTH wrong"), /^-WRONGPASS/);
  assert.equal(talker.say("AUTH secret"), "+OK|");
  assert.equal(talker.say("GET a"), "$-1|");
  assert.equal(talker.say("RESET"), "+RESET|");
  assert.equal(talker.say("GET a"), NOAUTH);
  assert.match(talker.say("HELLO 2 AUTH default secret SETNAME me"), /^\*14\|/);
  assert.equal(talker.say("CLIENT GETNAME"), "$2|me|");
});

test("dispatch refuses what a user may not run", () => {
  const bench = new Bench({
    users: { reader: { passwords: ["p"], commands: "-@all +@read +client|id" }, all: "q" },
  });
  const talker = bench.talker(false);
  assert.equal(talker.say("AUTH reader p"), "+OK|");
  assert.equal(talker.say("GET a"), "$-1|");
  const refused = (command: string) =>
    `-NOPERM User reader has no permissions to run the '${command}' command|`;
  assert.equal(talker.say("PING"), refused("ping"));
  assert.equal(talker.say("SET a b"), refused("set"));
  assert.equal(talker.say("CLIENT LIST"), refused("client|list"));
  assert.match(talker.say("CLIENT ID"), /^:/);
  assert.match(talker.say("AUTH reader q"), /^-WRONGPASS/);
  assert.equal(talker.say("AUTH all q"), "+OK|");
  assert.equal(talker.say("PING"), "+PONG|");
});
