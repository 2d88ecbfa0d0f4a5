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

const REFUSED_RULES: readonly (readonly [rules: string, message: RegExp])[] = [
  ["-@all +@raed", /^word 2, \+@raed: Unknown command or category name in ACL$/],
  ["-@hazardous", /^word 1, -@hazardous: Unknown command or category/],
  ["+@", /^word 1 is not an ACL rule/],
  ["+@read -hgetal", /^word 2, -hgetal: Unknown command or category/],
  ["+client|idd", /^word 1, \+client\|idd: Unknown command or category/],
  ["-client|idd", /Unknown command or category/],
  ["-get|key", /Unknown command or category/],
  ["+get|", /^word 1, \+get\|: Syntax error$/],
  ["+select|0", /^word 1, \+select\|0: Allowing first-arg of a command is not supported here$/],
  ["+config|get|x", /Allowing first-arg of a subcommand is not supported$/],
  ["nope", /^word 1 is not an ACL rule for commands$/],
];

for (const [commands, message] of REFUSED_RULES) {
  test(`a user with the rules "${commands}" is refused`, () => {
    const users = { reader: { commands } };
    assert.throws(() => new Bench({ users }), (error) => {
      assert.ok(error instanceof TypeError);
      assert.match(error.message, message);
      return true;
    });
  });
}

test("rules name commands, subcommands and categories in any case", () => {
  const commands =
    "-@ALL +@Read +Config|GET +acl +VSIM +JSON.SET +json.get allcommands nocommands +GET";
  const bench = new Bench({ users: { reader: { commands } } });
  const talker = bench.talker(false);
  talker.say("AUTH reader any");
  assert.equal(talker.say("GET a"), "$-1|");
  assert.match(talker.say("STRLEN a"), /^-NOPERM/);
});
