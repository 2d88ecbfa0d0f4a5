import assert from "node:assert/strict";
import test from "node:test";
import { TestMaster, type TestMasterOptions } from "../../src/testing/mod.ts";
import { MemoryNet } from "../support/memory_net.ts";

const pem = "-----BEGIN CERTIFICATE-----";

const wrong: { options: unknown; message: RegExp }[] = [
  { options: null, message: /^The options are null, not an object$/ },
  { options: { prot: 7 }, message: /^Unknown option "prot": did you mean "port"\?$/ },
  { options: { host: "" }, message: /^host is empty/ },
  { options: { host: 7 }, message: /^host is the number 7, not a text$/ },
  { options: { port: 65536 }, message: /^port is 65536, not a whole number from 0 to 65535$/ },
  { options: { port: "7" }, message: /^port is a string/ },
  { options: { path: "" }, message: /^path is empty/ },
  { options: { path: "/tmp/x", port: 7 }, message: /^path is a Unix socket's/ },
  { options: { path: "/tmp/x", host: "h" }, message: /^path is a Unix socket's/ },
  { options: { tls: undefined }, message: /^tls is undefined/ },
  { options: { tls: { cert: pem } }, message: /^tls.key is missing$/ },
  { options: { tls: { cert: pem, key: "/etc/key.pem" } }, message: /^tls.key is not PEM text/ },
  { options: { password: "" }, message: /^password is empty/ },
  { options: { password: undefined }, message: /^password is undefined/ },
  { options: { password: 5 }, message: /^password is the number 5, not a password$/ },
  { options: { users: { ada: "" } }, message: /^users.ada is empty/ },
  { options: { users: { ada: { commands: "all" } } }, message: /^users.ada.commands: word 1 / },
  { options: { databases: 0 }, message: /^databases is 0/ },
  { options: { databases: 1.5 }, message: /^databases is 1.5/ },
  { options: { serverVersion: "seven" }, message: /^serverVersion is not a version as in "7.0/ },
  { options: { diskless: "no" }, message: /^diskless is a string, not true or false$/ },
  { options: { snapshotDelayMs: -1 }, message: /^snapshotDelayMs is -1/ },
  { options: { snapshotDelayMs: NaN }, message: /^snapshotDelayMs is NaN/ },
  { options: { newlineIntervalMs: 0 }, message: /^newlineIntervalMs is 0/ },
  { options: { backlogBytes: 0 }, message: /^backlogBytes is 0, not a whole number of 1 or more$/ },
  { options: { pingIntervalMs: Infinity }, message: /^pingIntervalMs is Infinity/ },
  { options: { timeoutMs: "60s" }, message: /^timeoutMs is a string/ },
  { options: { outputLimitBytes: 0 }, message: /^outputLimitBytes is 0/ },
  { options: { activeExpiry: 1 }, message: /^activeExpiry is the number 1/ },
  { options: { commands: {} }, message: /^commands is an object/ },
  { options: { net: {} }, message: /^net has no method connect, listen/ },
  { options: { clock: {} }, message: /^clock has no method now/ },
  { options: { random: 5 }, message: /^random is the number 5, not a function$/ },
];

for (const { options, message } of wrong) {
  test(`a test master refuses ${JSON.stringify(options)}, as ${message}`, async () => {
    const started = TestMaster.start(options as TestMasterOptions);
    await assert.rejects(started, { name: "TypeError", message });
  });
}

const taken: TestMasterOptions[] = [
  { port: undefined, databases: undefined, serverVersion: undefined },
  { host: "h", port: 7, password: "pw", users: { ada: "pw", bob: { passwords: ["a", "b"] } } },
  { path: "/tmp/x", databases: 1, diskless: false, snapshotDelayMs: 0, backlogBytes: 1 },
  { users: { guest: { commands: "-@all +get" } }, random: () => 0.5, serverVersion: "7.0" },
];

for (const options of taken) {
  test(`a test master takes ${JSON.stringify(options)}`, async () => {
    await using master = await TestMaster.start({ ...options, net: new MemoryNet() });
    assert.equal(master.call("PING"), "PONG");
  });
}
