import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeCommand, plain, readReply } from "./resp.ts";
import { serverTest, startServer } from "./servers.ts";
import { debianSource } from "./unpack.ts";

const encoder = new TextEncoder();

await serverTest("startServer() answers, on a port and a process of its own", async (binary) => {
  const server = await startServer(binary, ["--databases", "32"]);
  try {
    assert.equal(await server.call("PING"), "PONG");
    assert.equal(await server.call("SET", "key", "value"), "OK");
    assert.equal(plain(await server.call("GET", "key")), "value");
    const config = await server.call("CONFIG", "GET", "databases");
    assert.deepEqual(plain(config), ["databases", "32"]);
    const other = await server.connect();
    assert.deepEqual(await other.raw("GET", "key"), encoder.encode("$5\r\nvalue\r\n"));
    const replies = await server.pipeline([["INCR", "n"], ["INCR", "n"], ["LPUSH", "key", "x"]]);
    assert.deepEqual(replies.slice(0, 2), [1, 2]);
    assert.match(String(plain(replies[2])), /^\(error\) WRONGTYPE/);
  } finally {
    await server.stop();
  }
  assert.throws(() => process.kill(server.pid, 0));
});

await serverTest(
  "startServer() reports what the server said when it does not start",
  async (binary) => {
    await assert.rejects(startServer(binary, ["--no-such-directive", "1"]), /no-such-directive/);
  },
);

const replies = [
  { name: "simple string", wire: "+OK\r\n", value: "OK" },
  { name: "error", wire: "-ERR no\r\n", value: "(error) ERR no" },
  { name: "integer", wire: ":-12\r\n", value: -12 },
  { name: "large integer", wire: ":9223372036854775807\r\n", value: 9223372036854775807n },
  { name: "bulk with line ends", wire: "$4\r\n\r\n\r\n\r\n", value: "\r\n\r\n" },
  { name: "null bulk", wire: "$-1\r\n", value: null },
  { name: "null array", wire: "*-1\r\n", value: null },
  { name: "nested array", wire: "*2\r\n*1\r\n:1\r\n$0\r\n\r\n", value: [[1], ""] },
  { name: "map", wire: "%1\r\n+a\r\n#t\r\n", value: new Map([["a", true]]) },
  { name: "infinite double", wire: ",-inf\r\n", value: -Infinity },
  { name: "attribute before a value", wire: "|1\r\n+a\r\n:1\r\n+x\r\n", value: "x" },
];
for (const { name, wire, value } of replies) {
  test(`readReply() reads a ${name} once it is whole`, () => {
    const bytes = encoder.encode(wire);
    for (let end = 0; end < bytes.length; end++) {
      assert.equal(readReply(bytes, 0, end), undefined);
    }
    const reply = readReply(bytes, 0, bytes.length);
    assert.deepEqual(plain(reply?.value ?? null), value);
    assert.equal(reply?.end, bytes.length);
  });
}

test("encodeCommand() counts bytes, not characters", () => {
  assert.deepEqual(encodeCommand(["GET", "é"]), encoder.encode("*2\r\n$3\r\nGET\r\n$2\r\né\r\n"));
});

const KEYRING = "/usr/share/keyrings/x.gpg";
const sources = [
  {
    name: "one-line format",
    file: "sources.list",
    content: `# deb http://a.test/debian x main\ndeb http://b.test/debian/ bookworm main\n`,
    expected: { uri: "http://b.test/debian/" },
  },
  {
    name: "one-line format with options",
    file: "sources.list.d/a.list",
    content: `deb [arch=amd64 signed-by=${KEYRING}] https://b.test/debian sid main\n`,
    expected: { uri: "https://b.test/debian", keyring: KEYRING },
  },
  {
    name: "deb822 format",
    file: "sources.list.d/a.sources",
    content: `Types: deb\nURIs: http://c.test/debian-security\n\nTypes: deb\n` +
      `URIs: http://c.test/debian\nSuites: trixie\nSigned-By: ${KEYRING}\n`,
    expected: { uri: "http://c.test/debian", keyring: KEYRING },
  },
  {
    name: "deb822 stanza that is switched off",
    file: "sources.list.d/a.sources",
    content: `Types: deb\nEnabled: no\nURIs: http://c.test/debian\n`,
    expected: undefined,
  },
  {
    name: "another distribution",
    file: "sources.list",
    content: "deb http://d.test/ubuntu noble main\n",
    expected: undefined,
  },
];
for (const { name, file, content, expected } of sources) {
  test(`debianSource() reads the ${name}`, () => {
    const directory = mkdtempSync(join(tmpdir(), "rimr-apt-"));
    try {
      mkdirSync(join(directory, "sources.list.d"));
      writeFileSync(join(directory, file), content);
      assert.deepEqual(debianSource(directory), expected);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
}
