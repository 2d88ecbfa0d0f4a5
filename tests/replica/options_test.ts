import assert from "node:assert/strict";
import test from "node:test";
import { Replica, type ReplicaOptions } from "../../mod.ts";
import { parseListen, parseMaster } from "../../src/replica/options.ts";

const tcp = (host: string, port: number) => ({ transport: "tcp", host, port });

const sentinel = (addresses: unknown[], name: string) => ({
  addresses,
  name,
  username: undefined,
  password: undefined,
  tls: undefined,
});

const masters: { options: ReplicaOptions; expected: Record<string, unknown> }[] = [
  { options: { master: "redis://h" }, expected: { address: tcp("h", 6379) } },
  { options: { master: "redis://h:7/" }, expected: { address: tcp("h", 7) } },
  { options: { master: "redis://[::1]:7" }, expected: { address: tcp("::1", 7) } },
  {
    options: { master: "redis://app:p%40ss%2F@h:7" },
    expected: { address: tcp("h", 7), username: "app", password: "p@ss/" },
  },
  { options: { master: "redis://:pw@h" }, expected: { address: tcp("h", 6379), password: "pw" } },
  {
    options: { master: "redis://app:old@h", username: "me", password: "new" },
    expected: { address: tcp("h", 6379), username: "me", password: "new" },
  },
  { options: { master: "rediss://h" }, expected: { address: tcp("h", 6379), tls: {} } },
  {
    options: { master: "redis://h", tls: { serverName: "n" } },
    expected: { address: tcp("h", 6379), tls: { serverName: "n" } },
  },
  {
    options: { master: "unix:/run/redis.sock" },
    expected: { address: { transport: "unix", path: "/run/redis.sock" } },
  },
  { options: { master: { host: "h" } }, expected: { address: tcp("h", 6379) } },
  {
    options: { master: "redis+sentinel://app:p%40@s1:7,[::1]/my%20master" },
    expected: {
      address: tcp("s1", 7),
      username: "app",
      password: "p@",
      sentinel: sentinel([tcp("s1", 7), tcp("::1", 26379)], "my master"),
    },
  },
  {
    options: {
      master: "rediss+sentinel://s1,s2:8/m",
      sentinel: { username: "watch", password: "pw" },
    },
    expected: {
      address: tcp("s1", 26379),
      tls: {},
      sentinel: {
        ...sentinel([tcp("s1", 26379), tcp("s2", 8)], "m"),
        username: "watch",
        password: "pw",
        tls: {},
      },
    },
  },
  {
    options: { master: "rediss+sentinel://s1/m", sentinel: { tls: false } },
    expected: { address: tcp("s1", 26379), tls: {}, sentinel: sentinel([tcp("s1", 26379)], "m") },
  },
  {
    options: { master: { sentinels: ["s1:7"], name: "m" } },
    expected: { address: tcp("s1", 7), sentinel: sentinel([tcp("s1", 7)], "m") },
  },
  {
    options: { master: { path: "/run/redis.sock" } },
    expected: { address: { transport: "unix", path: "/run/redis.sock" } },
  },
  { options: { master: "redis://h/3" }, expected: { address: tcp("h", 6379), database: 3 } },
  {
    options: { master: { host: "h", database: 3 } },
    expected: { address: tcp("h", 6379), database: 3 },
  },
  {
    options: { master: "redis://app@h", password: "pw" },
    expected: { address: tcp("h", 6379), username: "app", password: "pw" },
  },
];

for (const { options, expected } of masters) {
  test(`parseMaster() takes ${JSON.stringify(options)} apart`, () => {
    const target = parseMaster(options);
    assert.deepEqual({ ...target }, {
      sentinel: undefined,
      username: undefined,
      password: undefined,
      tls: undefined,
      database: 0,
      ...expected,
    });
  });
}

const wrong: { options: Record<string, unknown>; message: RegExp }[] = [
  { options: { master: "http://h" }, message: /not a URL that is understood/ },
  { options: { master: undefined }, message: /master is undefined/ },
  { options: { master: null }, message: /master is null/ },
  { options: { master: 6379 }, message: /master is the number 6379, not a URL or an object/ },
  { options: { master: { host: "" } }, message: /master.host is empty/ },
  { options: { master: { hostname: "h" } }, message: /"master.hostname": did you mean "host"/ },
  { options: { master: { host: "h", port: 65536 } }, message: /master.port is 65536, not a whole/ },
  { options: { master: "redis://app@h" }, message: /username is given without a password/ },
  { options: { master: "redis://h", username: "app" }, message: /username is given without/ },
  {
    options: { master: "redis://h", password: 5 },
    message: /password is the number 5, not a pass/,
  },
  {
    options: { master: "redis+sentinel://h/m", sentinel: { username: "u" } },
    message: /sentinel.username is given without/,
  },
  { options: { master: "rediss://h", tls: false }, message: /contradicts/ },
  { options: { master: "rediss://h", tls: { ca: 5 } }, message: /tls.ca is the number 5, not PEM/ },
  {
    options: { master: "rediss://h", tls: { ca: "/etc/ca.pem" } },
    message: /tls.ca is not PEM text/,
  },
  { options: { master: { sentinels: [], name: "m" } }, message: /master.sentinels is empty/ },
  { options: { master: { sentinels: ["h"], name: "" } }, message: /master.name is empty/ },
  {
    options: { master: { sentinels: ["h:x"], name: "m" } },
    message: /sentinels\[0\] is not host:port/,
  },
  { options: { master: "redis://h", sentinel: {} }, message: /not behind sentinels/ },
  { options: { resync: "now" }, message: /resync is "swap" or "flush", not "now"/ },
  { options: { maxStalenessMs: -1 }, message: /maxStalenessMs is -1/ },
  { options: { maxStalenessMs: "5s" }, message: /maxStalenessMs is a string/ },
  { options: { snapshot: {} }, message: /path or a storage/ },
  { options: { snapshot: { path: "" } }, message: /snapshot.path is empty/ },
  { options: { snapshot: { path: "f", everyMs: -5 } }, message: /snapshot.everyMs is -5/ },
  { options: { snapshot: { storage: {} } }, message: /has no method read, create, setAside/ },
  { options: { maser: "redis://h" }, message: /Unknown option "maser": did you mean "master"/ },
  { options: { server: { pasword: "x" } }, message: /"server.pasword": did you mean "password"/ },
  { options: { server: { password: "" } }, message: /server.password is empty/ },
  { options: { server: { password: undefined } }, message: /server.password is undefined/ },
  { options: { server: { users: { ada: "" } } }, message: /server.users.ada is empty/ },
  { options: { server: { users: { ada: 1 } } }, message: /users.ada is the number 1, not a pass/ },
  { options: { server: { users: { "": "pw" } } }, message: /server.users has an empty name/ },
  {
    options: { server: { users: { ada: { password: "pw" } } } },
    message: /"server.users.ada.password": did you mean "passwords"/,
  },
  {
    options: { server: { users: { ada: { passwords: [] } } } },
    message: /server.users.ada.passwords is empty/,
  },
  {
    options: { server: { users: { ada: { passwords: ["pw", ""] } } } },
    message: /server.users.ada.passwords\[1\] is empty/,
  },
  {
    options: { server: { users: { ada: { passwords: undefined } } } },
    message: /server.users.ada.passwords is undefined/,
  },
  {
    options: { server: { users: { ada: { commands: "+get >pw" } } } },
    message: /^server.users.ada.commands: word 2 is not an ACL rule for commands$/,
  },
  { options: { server: { maxClients: 0 } }, message: /server.maxClients is 0/ },
  {
    options: { timeouts: { connect: 5 } },
    message: /"timeouts.connect": did you mean "connectMs"/,
  },
  { options: { backoff: { minMs: "1" } }, message: /backoff.minMs is a string/ },
  { options: { limits: { inboxBytes: 0 } }, message: /limits.inboxBytes is 0/ },
  { options: { announce: { port: 7 } }, message: /announce.port .* server.allowReplicaOf: true/ },
  {
    options: { announce: { port: 7 }, server: { allowReplicaOf: false } },
    message: /announce.port .* server.allowReplicaOf: true/,
  },
  { options: { server: { allowReplicaOf: 1 } }, message: /server.allowReplicaOf is the number 1/ },
  {
    options: { server: { allowReplicaOf: true } },
    message: /allowReplicaOf is true, but no master/,
  },
  { options: { announce: { ip: "x" } }, message: /Unknown option "announce.ip"/ },
  { options: { psyncCommand: "a b" }, message: /psyncCommand is not the name of a command/ },
  { options: { logger: { info() {} } }, message: /logger has no method debug, warn, error/ },
  { options: { logger: true }, message: /logger is true/ },
  { options: { onSync: "x" }, message: /onSync is a string, not a function/ },
  { options: { clock: {} }, message: /clock has no method now/ },
  { options: { listen: "nowhere" }, message: /listen is not host:port/ },
  { options: { listen: true }, message: /listen is true/ },
  { options: { listen: 70000 }, message: /listen is 70000/ },
  { options: { listen: "0.0.0.0:6380" }, message: /server.open: true/ },
  { options: { listen: { host: "example.net" } }, message: /server.open: true/ },
  {
    options: { listen: "[::]:6380", server: { users: { ada: "pw" } } },
    message: /users alone leave the default user open/,
  },
  {
    options: {
      listen: "[::]:6380",
      server: { password: "pw", users: { default: { commands: "+get" } } },
    },
    message: /users alone leave the default user open/,
  },
];

for (const { options, message } of wrong) {
  test(`a replica refuses ${JSON.stringify(options)}`, () => {
    assert.throws(() => new Replica(options as ReplicaOptions), { name: "TypeError", message });
  });
}

const pem = "-----BEGIN CERTIFICATE-----";
const served: ReplicaOptions[] = [
  { listen: "127.9.9.9:1" },
  { listen: "localhost:1" },
  { listen: "[::1]:1" },
  { listen: "unix:/tmp/x" },
  { listen: { path: "/tmp/x" } },
  { listen: "0.0.0.0:1", server: { password: "pw" } },
  { listen: "0.0.0.0:1", server: { users: { default: "pw" } } },
  { listen: "0.0.0.0:1", server: { users: { default: { passwords: ["old", "new"] } } } },
  { listen: "127.0.0.1:1", server: { users: { ada: { commands: "-@all +@read +client|id" } } } },
  { server: { users: { ada: "pw", bob: { passwords: ["pw"], commands: "+@all -multi" } } } },
  { listen: "0.0.0.0:1", server: { tls: { cert: pem, key: pem, ca: pem } } },
  { listen: "0.0.0.0:1", server: { open: true } },
  { listen: "0.0.0.0:1", server: { enabled: false } },
];

for (const options of served) {
  test(`a replica takes ${JSON.stringify(options)}`, () => void new Replica(options));
}

test("the replica's own reads are those of the database that the URL names", () => {
  const replica = new Replica({ master: "redis://h/3" });
  assert.equal(replica.db(3).index, 3);
  assert.equal(new Replica({ listen: undefined }).status().state, "idle");
});

const listens: { listen: string | number; expected: unknown }[] = [
  { listen: "127.0.0.1:6380", expected: tcp("127.0.0.1", 6380) },
  { listen: "0.0.0.0:6380", expected: tcp("0.0.0.0", 6380) },
  { listen: "[::1]:6380", expected: tcp("::1", 6380) },
  { listen: ":6380", expected: tcp("127.0.0.1", 6380) },
  { listen: "6380", expected: tcp("127.0.0.1", 6380) },
  { listen: 6380, expected: tcp("127.0.0.1", 6380) },
  { listen: "localhost:0", expected: tcp("localhost", 0) },
  { listen: "unix:/tmp/r.sock", expected: { transport: "unix", path: "/tmp/r.sock" } },
];

for (const { listen, expected } of listens) {
  test(`parseListen() takes ${JSON.stringify(listen)} apart`, () => {
    assert.deepEqual(parseListen(listen), expected);
  });
}
