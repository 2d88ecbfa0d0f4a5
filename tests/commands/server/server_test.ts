/**
 * INFO, ROLE, CONFIG, COMMAND, SLOWLOG, ACL and what an embedded replica refuses.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { allCommands } from "../../../src/commands/table.ts";
import { NO_REPLICATION, type ReplicationView } from "../../../src/server/view.ts";
import { setString } from "../../../src/store/types/string.ts";
import { Bench, fill } from "../../server/support.ts";
import { START_MS } from "../../support/clock.ts";

const REPLID = "0123456789abcdef0123456789abcdef01234567";

const VIEW: ReplicationView = {
  ...NO_REPLICATION,
  masterHost: "10.0.0.1",
  masterPort: 6379,
  linkState: "connected",
  lastIoSeconds: 3,
  readOffset: 1234,
  offset: 1200,
  replid: REPLID,
};

/** Field names of a section, in order. */
function fields(info: string): string[] {
  return info.split("|").filter((line) => line.includes(":")).map((line) => line.split(":")[0]);
}

function body(reply: string): string {
  return reply.slice(reply.indexOf("|") + 1, -1);
}

test("INFO replication of a replica has the fields of 7.0 in their order", () => {
  const talker = new Bench({ view: () => VIEW }).talker();
  const info = body(talker.say("INFO replication"));
  assert.deepEqual(fields(info), [
    "role",
    "master_host",
    "master_port",
    "master_link_status",
    "master_last_io_seconds_ago",
    "master_sync_in_progress",
    "slave_read_repl_offset",
    "slave_repl_offset",
    "slave_priority",
    "slave_read_only",
    "replica_announced",
    "connected_slaves",
    "master_failover_state",
    "master_replid",
    "master_replid2",
    "master_repl_offset",
    "second_repl_offset",
    "repl_backlog_active",
    "repl_backlog_size",
    "repl_backlog_first_byte_offset",
    "repl_backlog_histlen",
  ]);
  assert.match(info, /role:slave\|master_host:10\.0\.0\.1\|master_port:6379\|/);
  assert.match(info, /master_link_status:up\|master_last_io_seconds_ago:3\|/);
  assert.match(info, /slave_read_repl_offset:1234\|slave_repl_offset:1200\|slave_priority:0\|/);
  assert.match(info, new RegExp(`master_replid:${REPLID}\\|master_replid2:0{40}\\|`));
});

test("INFO replication tells of a sync and of a link that is down", () => {
  const view: ReplicationView = {
    ...VIEW,
    linkState: "sync",
    downSinceSeconds: 7,
    sync: { totalBytes: 1000, readBytes: 250, lastIoSeconds: 0, startedAtSeconds: 1 },
  };
  const info = body(new Bench({ view: () => view }).talker().say("INFO replication"));
  assert.match(info, /master_link_status:down\|master_last_io_seconds_ago:-1\|/);
  assert.match(
    info,
    /master_sync_total_bytes:1000\|master_sync_read_bytes:250\|master_sync_left_bytes:750\|master_sync_perc:25\.00\|/,
  );
  assert.match(info, /master_link_down_since_seconds:7\|slave_priority:0\|/);
});

test("INFO replication and ROLE of a master name its replicas", () => {
  const view: ReplicationView = {
    ...NO_REPLICATION,
    offset: 99,
    replid: REPLID,
    backlog: { size: 1024, firstByteOffset: 1, length: 99 },
    replicas: [{ host: "::1", port: 7000, state: "online", offset: 98, lagSeconds: 1 }],
  };
  const talker = new Bench({ role: "master", view: () => view }).talker();
  const info = body(talker.say("INFO replication"));
  assert.match(
    info,
    /role:master\|connected_slaves:1\|slave0:ip=::1,port=7000,state=online,offset=98,lag=1\|master_failover_state/,
  );
  assert.match(info, /repl_backlog_active:1\|repl_backlog_size:1024\|/);
  assert.equal(talker.say("ROLE"), "*3|$6|master|:99|*1|*3|$3|::1|$4|7000|$2|98|");
});

test("ROLE of a replica", () => {
  const talker = new Bench({ view: () => VIEW }).talker();
  assert.equal(talker.say("ROLE"), "*5|$5|slave|$8|10.0.0.1|:6379|$9|connected|:1200|");
  const lone = new Bench().talker();
  assert.equal(lone.say("ROLE"), "*5|$5|slave|$0||:0|$4|none|:-1|");
});

test("INFO gives sections by name, by default and all", () => {
  const bench = new Bench();
  fill(bench.keyspace, { a: "1", b: "2" });
  fill(bench.keyspace, { c: "3" }, 5);
  const talker = bench.talker();
  const titles = (line: string) =>
    [...talker.say(line).matchAll(/# (\w+)\|/g)].map(([, name]) => name);
  const common = ["Server", "Clients", "Memory", "Persistence", "Stats", "Replication", "CPU"];
  assert.deepEqual(titles("INFO"), [...common, "Modules", "Errorstats", "Cluster", "Keyspace"]);
  assert.deepEqual(titles("INFO everything"), [
    ...common,
    "Modules",
    "Commandstats",
    "Errorstats",
    "Cluster",
    "Keyspace",
  ]);
  assert.deepEqual(titles("INFO KEYSPACE server"), ["Server", "Keyspace"]);
  assert.equal(talker.say("INFO nope"), "$0||");
  assert.match(
    talker.say("INFO keyspace"),
    /db0:keys=2,expires=0,avg_ttl=0\|db5:keys=1,expires=0,avg_ttl=0\|/,
  );
  assert.match(talker.say("INFO server"), /\|run_id:[0-9a-f]{40}\|/);
});

test("INFO counts commands, refusals and errors, and RESETSTAT begins anew", () => {
  const bench = new Bench();
  const talker = bench.talker();
  for (const line of ["GET a", "GET a", "GET", "SET a b", "NOPE", "SELECT x"]) talker.say(line);
  const all = talker.say("INFO all");
  assert.match(
    all,
    /cmdstat_get:calls=2,usec=\d+,usec_per_call=[\d.]+,rejected_calls=1,failed_calls=0\|/,
  );
  assert.match(
    all,
    /cmdstat_set:calls=0,usec=0,usec_per_call=0\.00,rejected_calls=1,failed_calls=0\|/,
  );
  assert.match(all, /cmdstat_select:calls=1,.*,failed_calls=1\|/);
  assert.match(all, /errorstat_ERR:count=3\|errorstat_READONLY:count=1\|/);
  talker.say("CONFIG RESETSTAT");
  assert.doesNotMatch(talker.say("INFO all"), /cmdstat_get|errorstat_/);
});

test("INFO's rates are those of the last two seconds, and RESETSTAT makes none negative", () => {
  const bench = new Bench();
  const talker = bench.talker();
  const { statistics } = bench.dispatcher;
  const rate = () => Number(/per_sec:([^|]*)/.exec(talker.say("INFO stats"))![1]);
  assert.equal(rate(), 0);
  for (let i = 0; i < 999; i++) talker.say("GET a");
  statistics.sample(1000);
  assert.equal(rate(), 1000);
  statistics.sample(1000);
  assert.equal(rate(), 501);
  statistics.sample(1000);
  assert.ok(rate() < 3);
  talker.say("CONFIG RESETSTAT");
  statistics.inputBytes = 2048;
  statistics.sample(1000);
  assert.ok(rate() >= 0);
  assert.match(talker.say("INFO stats"), /instantaneous_input_kbps:1\.00\|/);
});

test("INFO tracks no expiries: nobody writes keys to a replica", () => {
  const bench = new Bench();
  bench.talker().say("PING");
  setString(
    bench.keyspace.db(0),
    new Uint8Array([97]),
    0,
    1,
    new Uint8Array(1),
    0,
    1,
    START_MS + 9e9,
  );
  const info = bench.talker().say("INFO all");
  assert.match(info, /slave_expires_tracked_keys:0\|/);
  assert.match(info, /db0:keys=1,expires=1/);
});

test("CONFIG GET matches patterns, and SET changes all or nothing", () => {
  const bench = new Bench();
  const talker = bench.talker();
  assert.equal(talker.say("CONFIG GET maxclients"), "*2|$10|maxclients|$5|10000|");
  assert.equal(talker.say("CONFIG GET MAXCLIENTS"), "*2|$10|maxclients|$5|10000|");
  assert.equal(
    talker.say("CONFIG GET slow* timeout"),
    "*6|$23|slowlog-log-slower-than|$5|10000|$15|slowlog-max-len|$3|128|$7|timeout|$1|0|",
  );
  assert.equal(talker.say("CONFIG SET timeout 5 slowlog-max-len 3"), "+OK|");
  assert.equal(talker.say("CONFIG GET timeout"), "*2|$7|timeout|$1|5|");
  assert.match(
    talker.say("CONFIG SET timeout 9 port 1"),
    /'port'\) - can't set immutable config\|$/,
  );
  assert.equal(talker.say("CONFIG GET timeout"), "*2|$7|timeout|$1|5|");
  assert.equal(talker.say("CONFIG SET appendonly no"), "+OK|");
  assert.match(talker.say("CONFIG SET maxclients 0"), /argument must be between 1 and/);
});

test("SLOWLOG keeps what was slow, shortened", () => {
  const bench = new Bench({
    extraCommands: [{
      name: "crawl",
      arity: -1,
      flags: 0,
      keys: "",
      run(ctx) {
        bench.clock.nowMs += 20;
        ctx.reply.ok();
      },
    }],
  });
  const talker = bench.talker();
  talker.say("CLIENT SETNAME me");
  talker.call("CRAWL", "x".repeat(200));
  assert.equal(talker.say("SLOWLOG LEN"), ":1|");
  assert.equal(
    talker.say("SLOWLOG GET"),
    `*1|*6|:0|:${START_MS / 1000}|:20000|*2|$5|CRAWL|$147|${"x".repeat(128)}... (72 more bytes)|` +
      "$9|1.2.3.4:5|$2|me|",
  );
  for (let i = 0; i < 200; i++) talker.say("CRAWL");
  assert.equal(talker.say("SLOWLOG LEN"), ":128|");
  assert.equal(talker.say("SLOWLOG GET 0"), "*0|");
  assert.equal(talker.say("SLOWLOG RESET"), "+OK|");
  assert.equal(talker.say("SLOWLOG LEN"), ":0|");
});

test("every row is told by COMMAND in both protocols, and every help has lines", () => {
  const talker = new Bench().talker();
  const top = allCommands.filter(({ name }) => !name.includes("|")).length;
  assert.equal(talker.say("COMMAND COUNT"), `:${top}|`);
  assert.ok(talker.say("COMMAND").startsWith(`*${top}|*10|`));
  const listed = talker.say("COMMAND LIST").split("|");
  assert.equal(listed.shift(), `*${allCommands.length}`);
  assert.ok(listed.length > top);
  assert.ok(talker.say("COMMAND DOCS").startsWith(`*${top * 2}|`));
  assert.equal(
    talker.say("COMMAND INFO get"),
    "*1|*10|$3|get|:2|*2|+readonly|+fast|:1|:1|:1|*3|+@read|+@string|+@fast|*0|*1|*6|$5|flags|*2|" +
      "+RO|+access|$12|begin_search|*4|$4|type|$5|index|$4|spec|*2|$5|index|:1|$9|find_keys|*4|" +
      "$4|type|$5|range|$4|spec|*6|$7|lastkey|:0|$7|keystep|:1|$5|limit|:0|*0|",
  );
  talker.say("HELLO 3");
  assert.ok(talker.say("COMMAND DOCS get").startsWith("%1|$3|get|%3|$7|summary|"));
  assert.match(talker.say("COMMAND INFO get"), /:2\|~2\|\+readonly\|/);
  for (const { name } of allCommands) {
    if (!name.endsWith("|help")) continue;
    const [container] = name.split("|");
    assert.match(talker.say(`${container} HELP`), /^\*\d+\|\+[A-Z]+ <subcommand> /, name);
  }
});

const REFUSED: readonly (readonly [string, RegExp])[] = [
  ["REPLICAOF NO ONE", /^-ERR REPLICAOF is refused\. This server is part of an application/],
  ["SLAVEOF 10.0.0.2 6379", /^-ERR SLAVEOF is refused/],
  ["REPLICAOF 10.0.0.1 x", /^-ERR Invalid master port/],
  ["REPLICAOF 10.0.0.1 6379", /^\+OK Already connected to specified master\|$/],
  ["FAILOVER", /^-ERR FAILOVER is not valid when server is a replica\.\|$/],
  ["WAIT 0 0", /^-ERR WAIT cannot be used with replica instances\./],
  ["WAITAOF 0 0 0", /^-ERR WAITAOF cannot be used with replica instances\./],
  ["SHUTDOWN", /^-ERR This server is part of an application/],
  ["SAVE", /^-ERR This server is part of an application/],
  ["BGSAVE", /^-ERR This server is part of an application/],
  ["BGREWRITEAOF", /^-ERR This server is part of an application/],
  ["DEBUG SLEEP 0", /^-ERR DEBUG SLEEP is refused/],
  ["CLUSTER INFO", /^-ERR This instance has cluster support disabled\|$/],
  ["ASKING", /^-ERR This instance has cluster support disabled\|$/],
  ["CLIENT TRACKING ON", /^-ERR Client side caching is not supported here\|$/],
  ["READONLY", /^\+OK\|$/],
  ["READWRITE", /^\+OK\|$/],
];

const REDIRECTED: readonly (readonly [string, RegExp])[] = [
  ["REPLICAOF NO ONE", /^-ERR REPLICAOF NO ONE is refused\. This server is part of an appl/],
  ["replicaof no one", /^-ERR REPLICAOF NO ONE is refused/],
  ["SLAVEOF 10.0.0.2 6379", /^\+OK\|$/],
  ["REPLICAOF example 1", /^\+OK\|$/],
  ["REPLICAOF 10.0.0.1 6379", /^\+OK Already connected to specified master\|$/],
  ["REPLICAOF 10.0.0.1 x", /^-ERR Invalid master port/],
  ["REPLICAOF 10.0.0.1 65536", /^-ERR Invalid master port/],
  ["REPLICAOF 10.0.0.1 0", /^-ERR Invalid master port/],
  [`REPLICAOF ${"h".repeat(256)} 1`, /^-ERR Invalid master host/],
  ["REPLICAOF h\tost 1", /^-ERR Invalid master host/],
];

for (const [line, expected] of REDIRECTED) {
  test(`"${line.slice(0, 40)}" to a replica that may be told whom to follow`, () => {
    const told: string[] = [];
    const bench = new Bench({
      view: () => VIEW,
      replicaOf: (host, port) => void told.push(`${host} ${port}`),
    });
    assert.match(bench.talker().say(line), expected);
    const follows = expected.test("+OK|") ? [line.split(" ").slice(1).join(" ")] : [];
    assert.deepEqual(told, follows);
  });
}

for (const [line, expected] of REFUSED) {
  test(`"${line}" to an embedded replica`, () => {
    assert.match(new Bench({ view: () => VIEW, allowDebug: true }).talker().say(line), expected);
  });
}

test("ACL tells of the users there are", () => {
  const talker = new Bench({ users: { app: "secret", ro: { commands: "-@all +@read" } } }).talker();
  assert.equal(talker.say("ACL WHOAMI"), "$7|default|");
  assert.equal(talker.say("ACL USERS"), "*3|$7|default|$3|app|$2|ro|");
  assert.match(talker.say("ACL LIST"), /user app on sanitize-payload ~\* &\* \+@all\|/);
  assert.match(
    talker.say("ACL LIST"),
    /user ro on nopass sanitize-payload ~\* &\* -@all \+@read\|/,
  );
  assert.doesNotMatch(talker.say("ACL GETUSER app"), /secret/);
  assert.match(talker.say("ACL CAT transaction"), /\$4\|exec\|/);
});

test("TIME and LASTSAVE follow the clock", () => {
  const bench = new Bench();
  const talker = bench.talker();
  bench.clock.nowMs += 1234;
  assert.equal(talker.say("TIME"), `*2|$10|${START_MS / 1000 + 1}|$6|234000|`);
  assert.equal(talker.say("LASTSAVE"), `:${START_MS / 1000}|`);
});

test("DEBUG on a replica's port needs the owner's leave, in process and on a master it does not", () => {
  const zeros = `+${"0".repeat(40)}|`;
  assert.match(new Bench().talker().say("DEBUG DIGEST"), /^-ERR DEBUG command not allowed\. If /);
  assert.match(new Bench().talker().say("DEBUG HELP"), /^-ERR DEBUG command not allowed\. If /);
  assert.equal(new Bench({ allowDebug: true }).talker().say("DEBUG DIGEST"), zeros);
  assert.equal(new Bench({ role: "master" }).talker().say("DEBUG DIGEST"), zeros);
});
