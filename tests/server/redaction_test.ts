import assert from "node:assert/strict";
import { test } from "node:test";
import { utf8 } from "../../src/base/ascii.ts";
import { Argv } from "../../src/resp/argv.ts";
import { redact } from "../../src/server/redaction.ts";
import { Bench } from "./support.ts";

const rows: { line: string; shown: string }[] = [
  { line: "GET auth", shown: "GET auth" },
  { line: "AUTH hush", shown: "AUTH (redacted)" },
  { line: "auth ada hush", shown: "auth (redacted) (redacted)" },
  { line: "AUTH a b hush", shown: "AUTH (redacted) (redacted) (redacted)" },
  { line: "HELLO 3", shown: "HELLO 3" },
  { line: "HELLO 3 auth ada hush", shown: "HELLO 3 auth (redacted) (redacted)" },
  {
    line: "HELLO 3 SETNAME auth AUTH ada hush",
    shown: "HELLO 3 SETNAME auth AUTH (redacted) (redacted)",
  },
  { line: "HELLO 3 AUTH ada", shown: "HELLO 3 AUTH (redacted)" },
  { line: "ACL SETUSER ada on >hush", shown: "ACL SETUSER (redacted) (redacted) (redacted)" },
  { line: "ACL GETUSER ada", shown: "ACL GETUSER ada" },
  {
    line: "config set maxmemory 1 MasterAuth hush",
    shown: "config set maxmemory 1 MasterAuth (redacted)",
  },
  { line: "CONFIG GET requirepass", shown: "CONFIG GET requirepass" },
  {
    line: "MIGRATE h 1 auth 0 5 COPY AUTH2 ada hush KEYS AUTH k",
    shown: "MIGRATE h 1 auth 0 5 COPY AUTH2 (redacted) (redacted) KEYS AUTH k",
  },
];

for (const { line, shown } of rows) {
  test(`redact() shows ${line} as a real server does`, () => {
    const argv = redact(Argv.of(...line.split(" ")));
    assert.equal(Array.from({ length: argv.count }, (_, i) => utf8(argv.at(i))).join(" "), shown);
  });
}

test("no way to see what others ran shows a password", () => {
  const bench = new Bench({ password: "hush" });
  const admin = bench.talker();
  admin.say("AUTH hush");
  admin.say("CONFIG SET slowlog-log-slower-than 0");
  const monitor = bench.talker();
  monitor.say("AUTH hush");
  monitor.say("MONITOR");
  const other = bench.talker();
  for (const { line } of rows) other.say(line);
  for (const { line } of rows) admin.say(line);
  for (const seen of [monitor.heard(), admin.say("SLOWLOG GET -1"), admin.say("CLIENT LIST")]) {
    assert.doesNotMatch(seen, /hush/);
  }
});
