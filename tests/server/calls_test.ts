/**
 * What is counted, timed and told of commands that run, be they a client's, EXEC's or the master's.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Command } from "../../src/commands/engine/command.ts";
import { FAST } from "../../src/commands/engine/command.ts";
import { Replica } from "../../mod.ts";
import { TestMaster } from "../../src/testing/mod.ts";
import { freePort } from "../support/servers.ts";
import { open } from "../support/connection.ts";
import { until } from "../support/waiting.ts";
import { Argv } from "../../src/resp/argv.ts";
import { Bench } from "./support.ts";

/** A command flagged as fast that takes the milliseconds its first argument says. */
function napping(): Bench {
  const nap: Command = {
    name: "nap",
    arity: -2,
    flags: FAST,
    keys: "",
    run(ctx, argv) {
      bench.clock.nowMs += Number(new TextDecoder().decode(argv.at(1)));
      ctx.reply.ok();
    },
  };
  const bench: Bench = new Bench({ extraCommands: [nap] });
  return bench;
}

test("each slow call of a fast command with many arguments is logged", () => {
  const talker = napping().talker();
  talker.say("CONFIG SET slowlog-log-slower-than 1000");
  for (let i = 0; i < 40; i++) talker.call("NAP", "2", ...Array(60).fill("x"));
  assert.equal(talker.say("SLOWLOG LEN"), ":40|");
});

test("each call is logged where the slow log is to keep quick ones", () => {
  const talker = napping().talker();
  talker.say("CONFIG SET slowlog-log-slower-than 0");
  talker.say("SLOWLOG RESET");
  for (let i = 0; i < 40; i++) talker.say("NAP 0");
  assert.equal(talker.say("SLOWLOG LEN"), ":41|");
});

test("once a call was slow the next ones are timed, and the sum is what they took", () => {
  const talker = napping().talker();
  for (let i = 0; i < 64; i++) talker.say("NAP 0");
  for (let i = 0; i < 64; i++) talker.say("NAP 20");
  talker.say("SLOWLOG RESET");
  for (let i = 0; i < 40; i++) talker.say("NAP 20");
  assert.equal(talker.say("SLOWLOG LEN"), ":40|");
});

test("MONITOR shows what EXEC runs, before EXEC itself", () => {
  const bench = new Bench();
  const monitor = bench.talker();
  monitor.say("MONITOR");
  const talker = bench.talker();
  for (const line of ["MULTI", "GET a", "CONFIG GET port", "EXEC"]) talker.say(line);
  const shown = monitor.heard().split("|").map((line) => line.replace(/^.*?\] /, ""));
  assert.deepEqual(shown, ['"MULTI"', '"GET" "a"', '"EXEC"', ""]);
});

test("a client that waits for a key is counted and flagged until it is served", () => {
  const bench = new Bench({ role: "master" });
  const waiting = bench.talker();
  const talker = bench.talker();
  const { dispatcher } = bench;
  const counts = () => /blocked_clients:\d+|clients_in_timeout_table:\d+/g;
  const told = () => talker.say("INFO clients").match(counts());
  const parts = ["BLPOP", "list", "5"];
  dispatcher.dispatch(waiting.session, Argv.of(...parts), waiting.writer);
  assert.deepEqual(told(), ["blocked_clients:1", "clients_in_timeout_table:1"]);
  assert.match(talker.say("CLIENT LIST"), / flags=b .*cmd=blpop/);
  let woken = false;
  waiting.session.wait?.(() => woken = true);
  talker.say("RPUSH list a");
  assert.equal(woken, true);
  dispatcher.resume(waiting.session, waiting.writer);
  assert.equal(waiting.heard(), "*2|$4|list|$1|a|");
  assert.deepEqual(told(), ["blocked_clients:0", "clients_in_timeout_table:0"]);
  assert.doesNotMatch(talker.say("CLIENT LIST"), / flags=b /);
});

test("MONITOR and INFO tell what the master sends", async () => {
  await using master = await TestMaster.start();
  const port = await freePort();
  await using replica = new Replica({
    master: master.url,
    listen: `127.0.0.1:${port}`,
    logger: false,
  });
  await replica.start();
  await replica.ready();
  const connection = await open(port);
  let shown = "";
  connection.onUnasked = ({ raw }) => shown += new TextDecoder().decode(raw);
  await connection.call("MONITOR");
  master.call("SET", "looked-for", "1");
  await until("MONITOR to show the SET", () => shown.includes("looked-for"));
  assert.match(shown, /\[0 127\.0\.0\.1:\d+\] "SET" "looked-for" "1"/);
  assert.match(String(replica.call("INFO", "commandstats")), /cmdstat_set:calls=1,/);
  connection.close();
});
