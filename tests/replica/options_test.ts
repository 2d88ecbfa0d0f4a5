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
];

for (const { options, expected } of masters) {
  test(`parseMaster() takes ${JSON.stringify(options)} apart`, () => {
    const target = parseMaster(options);
    assert.deepEqual({ ...target }, {
      sentinel: undefined,
      username: undefined,
      password: undefined,
      tls: undefined,
      ...expected,
    });
  });
}

const wrong: { options: Record<string, unknown>; message: RegExp }[] = [
  { options: { master: "h:6379" }, message: /"h:6379" is not a master URL/ },
  { options: { master: "http://h" }, message: /is not a master URL/ },
  { options: { master: "redis://u:secret@h/3" }, message: /"redis:\/\/\*\*\*@h\/3" has more than/ },
  { options: { master: "redis://" }, message: /names no host|is not a master URL/ },
  { options: { master: "unix:" }, message: /names no path/ },
  { options: { master: { host: "" } }, message: /host is empty/ },
  { options: { master: { host: "h", port: 65536 } }, message: /65536 is not a port/ },
  { options: { master: "rediss://h", tls: false }, message: /contradicts/ },
  {
    options: { master: "redis+sentinel://u:secret@h:1,h:2" },
    message: /"redis\+sentinel:\/\/\*\*\*@h/,
  },
  { options: { master: "redis+sentinel://h:99999/m" }, message: /99999 is not a port/ },
  { options: { master: { sentinels: [], name: "m" } }, message: /no sentinel/ },
  { options: { master: { sentinels: ["h"], name: "" } }, message: /name is empty/ },
  { options: { master: "redis://h", sentinel: {} }, message: /not behind sentinels/ },
  { options: { master: "redis://h", resync: "now" }, message: /neither "swap" nor "flush"/ },
  { options: { master: "redis://h", maxStalenessMs: -1 }, message: /maxStalenessMs is -1/ },
  { options: { master: "redis://h", snapshot: {} }, message: /path or a storage/ },
  { options: { master: "redis://h", snapshot: { path: "" } }, message: /path is empty/ },
  {
    options: { master: "redis://h", snapshot: { path: "f", everyMs: -5 } },
    message: /everyMs is -5/,
  },
  { options: { maser: "redis://h" }, message: /Unknown option "maser"/ },
  { options: { listen: "nowhere" }, message: /"nowhere" is not host:port/ },
  { options: { listen: 70000 }, message: /70000 is not a port/ },
];

for (const { options, message } of wrong) {
  test(`a replica refuses ${JSON.stringify(options)}`, () => {
    assert.throws(() => new Replica(options as ReplicaOptions), message);
  });
}

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
