import assert from "node:assert/strict";
import test from "node:test";
import { type GivenMaster, parseListenText, parseMasterUrl } from "../../src/replica/master_url.ts";
import { Prng } from "../../src/base/prng.ts";

const tcp = (host: string, port: number) => ({ transport: "tcp", host, port } as const);

const urls: { url: string; expected: GivenMaster }[] = [
  { url: "redis://h", expected: { address: tcp("h", 6379) } },
  { url: "REDIS://h\n", expected: { address: tcp("h", 6379) } },
  { url: "redis://h:7/", expected: { address: tcp("h", 7) } },
  { url: "redis://h:7/0", expected: { address: tcp("h", 7), database: 0 } },
  { url: "redis://h/15", expected: { address: tcp("h", 6379), database: 15 } },
  { url: "redis://h?db=3", expected: { address: tcp("h", 6379), database: 3 } },
  { url: "redis://[fe80::1%eth0]:7", expected: { address: tcp("fe80::1%eth0", 7) } },
  { url: "redis://my_host-1.example:7", expected: { address: tcp("my_host-1.example", 7) } },
  {
    url: "redis://app:p%40ss%2F%25@h:7",
    expected: { address: tcp("h", 7), username: "app", password: "p@ss/%" },
  },
  { url: "redis://:pw@h", expected: { address: tcp("h", 6379), password: "pw" } },
  {
    url: "redis://u:a@b:c@h",
    expected: { address: tcp("h", 6379), username: "u", password: "a@b:c" },
  },
  { url: "rediss://h", expected: { address: tcp("h", 6379), tls: {} } },
  { url: "redis+tls://h/1", expected: { address: tcp("h", 6379), tls: {}, database: 1 } },
  { url: "valkey://h", expected: { address: tcp("h", 6379) } },
  { url: "valkeys://h", expected: { address: tcp("h", 6379), tls: {} } },
  { url: "h:7", expected: { address: tcp("h", 7) } },
  { url: "[::1]:7", expected: { address: tcp("::1", 7) } },
  { url: "unix:/run/r.sock", expected: { address: { transport: "unix", path: "/run/r.sock" } } },
  { url: "unix:///run/r.sock", expected: { address: { transport: "unix", path: "/run/r.sock" } } },
  {
    url: "unix://u:p@/run/r.sock?db=2",
    expected: {
      address: { transport: "unix", path: "/run/r.sock" },
      username: "u",
      password: "p",
      database: 2,
    },
  },
  {
    url: "redis+sentinel://:p@s1:7,s2/my%20master/3",
    expected: {
      address: tcp("s1", 7),
      password: "p",
      sentinel: { addresses: [tcp("s1", 7), tcp("s2", 26379)], name: "my master" },
      database: 3,
    },
  },
  {
    url: "valkeys+sentinel://s1/m",
    expected: {
      address: tcp("s1", 26379),
      sentinel: { addresses: [tcp("s1", 26379)], name: "m" },
      tls: {},
    },
  },
];

for (const { url, expected } of urls) {
  test(`parseMasterUrl() takes ${JSON.stringify(url)} apart`, () => {
    assert.deepEqual(parseMasterUrl(url), expected);
  });
}

const refused: { url: string; message: RegExp }[] = [
  { url: "  ", message: /is empty/ },
  { url: "http://h", message: /not a URL that is understood/ },
  { url: "hostname", message: /not a URL that is understood/ },
  { url: "redis:h", message: /lacks the \/\// },
  { url: "redis://", message: /names no host/ },
  { url: "redis://h:0", message: /port that is not from 1 to 65535/ },
  { url: "redis://h:99999", message: /port that is not from 1 to 65535/ },
  { url: "redis://a,b", message: /database number|names no host|^master/ },
  { url: "redis://h/x", message: /no database number/ },
  { url: "redis://h/3/4", message: /more than a database/ },
  { url: "redis://h/2147483648", message: /no database number/ },
  { url: "redis://u:50%@h", message: /"%".*%25/ },
  { url: "redis://u:%ff@h", message: /"%".*%25/ },
  { url: "redis://h?timeout=3", message: /only \?db=n is understood/ },
  { url: "redis+sentinel://h:1,h:2", message: /not redis\+sentinel/ },
  { url: "redis+sentinel://h:1:2/m", message: /sentinel that is not host:port/ },
  { url: "unix:", message: /names no path/ },
];

for (const { url, message } of refused) {
  test(`parseMasterUrl() refuses ${JSON.stringify(url)}`, () => {
    assert.throws(() => parseMasterUrl(url), { name: "TypeError", message });
  });
}

test("no error of parseMasterUrl() quotes a password, wherever it stands unencoded", () => {
  const prng = new Prng(17);
  const pick = (items: readonly string[]) => items[Math.floor(prng.next() * items.length)];
  const secret = "s3cr3t";
  const schemes = [
    "redis://",
    "rediss://",
    "redis+sentinel://",
    "unix://",
    "redis:/",
    "http://",
    "",
  ];
  const noise = ["/", "@", "%", "?", "#", ":", "[", "]", ",", " ", "a", "7", "%4"];
  let thrown = 0;
  for (let round = 0; round < 20_000; round++) {
    const around = () =>
      Array.from({ length: Math.floor(prng.next() * 4) }, () => pick(noise)).join("");
    const password = `${around()}${secret}${around()}`;
    const url = pick([
      `u:${password}@h:6379/0`,
      `:${password}@h`,
      `${password}@h`,
      `h?password=${password}`,
      `h:6379/${password}`,
      `u:${password}`,
    ]);
    try {
      parseMasterUrl(pick(schemes) + url);
    } catch (error) {
      thrown++;
      assert.ok(error instanceof TypeError, `${url}: ${error}`);
      assert.ok(!error.message.includes(secret), `${url}: ${error.message}`);
    }
  }
  assert.ok(thrown > 1000, `${thrown} URLs were refused`);
});

test("parseListenText() quotes nothing of what it refuses", () => {
  for (const text of ["nowhere", "redis://:s3cr3t@h:1", "h:s3cr3t", "unix:"]) {
    assert.throws(() => parseListenText(text), (error: Error) => !error.message.includes("s3cr3t"));
  }
});
