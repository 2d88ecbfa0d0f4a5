/**
 * What is answered while there is no data, or only stale data.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Bench } from "./support.ts";

const READONLY = "-READONLY You can't write against a read only replica.|";

const LOADING = "-LOADING Redis is loading the dataset in memory|";

const MASTERDOWN =
  "-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.|";

test("dispatch answers LOADING and MASTERDOWN by flags", () => {
  const bench = new Bench({ serveStaleData: false });
  const talker = bench.talker();
  bench.dispatcher.host.availability.loading = true;
  assert.deepEqual(["GET a", "PING", "KEYS *"].map((line) => talker.say(line)), [
    LOADING,
    LOADING,
    LOADING,
  ]);
  assert.equal(talker.say("SET a b"), READONLY);
  assert.equal(talker.say("ECHO x"), "$1|x|");
  bench.dispatcher.host.availability.masterDown = true;
  assert.equal(talker.say("GET a"), MASTERDOWN);
  assert.equal(talker.say("MULTI"), "+OK|");
  assert.equal(talker.say("GET a"), MASTERDOWN);
  assert.match(talker.say("EXEC"), /^-EXECABORT/);
  bench.dispatcher.host.availability.loading = false;
  bench.dispatcher.host.availability.masterDown = false;
  assert.equal(talker.say("PING"), "+PONG|");
});

test("dispatch discards at EXEC when the master went away after the commands were queued", () => {
  const bench = new Bench({ serveStaleData: false });
  const talker = bench.talker();
  talker.say("MULTI");
  talker.say("GET a");
  bench.dispatcher.host.availability.masterDown = true;
  assert.equal(
    talker.say("EXEC"),
    `-EXECABORT Transaction discarded because of: ${MASTERDOWN.slice(1)}`,
  );
});

test("dispatch serves stale data unless told otherwise", () => {
  const bench = new Bench();
  bench.dispatcher.host.availability.masterDown = true;
  assert.equal(bench.talker().say("GET a"), "$-1|");
});
