/**
 * What a TestMaster says on the wire, over the in-memory network and the runtime's own.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { latin1 } from "../../src/base/ascii.ts";
import { ByteBuffer } from "../../src/base/byte_buffer.ts";
import { MemoryNet } from "../support/memory_net.ts";
import type { Net, Socket } from "../../src/net/socket.ts";
import { writeCommand } from "../../src/resp/writer.ts";
import { CommandError, TestMaster, type TestMasterOptions } from "../../src/testing/mod.ts";
import { fieldOf } from "../support/info.ts";
import { until } from "../support/waiting.ts";

const PING = "*1\r\n$4\r\nping\r\n";
const GETACK = "*3\r\n$8\r\nREPLCONF\r\n$6\r\nGETACK\r\n$1\r\n*\r\n";
const ACK_0 = ["REPLCONF", "ACK", "0"];

function encode(...args: readonly string[]): string {
  const out = new ByteBuffer();
  writeCommand(out, ...args);
  return latin1(out.view());
}

/** A connection that shows all that came as text. */
class Peer {
  text: string = "";
  closed: boolean = false;
  readonly #socket: Socket;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.start({
      onData: (chunk) => this.text += latin1(chunk),
      onClose: () => this.closed = true,
    });
  }

  send(...args: readonly string[]): void {
    this.#socket.out.writeLatin1(encode(...args));
    this.#socket.flush();
  }

  pause(): void {
    this.#socket.pause();
  }

  /** All up to and including `text`, which is then forgotten. */
  async take(text: string): Promise<string> {
    await until(JSON.stringify(text), () => this.text.includes(text) || this.closed);
    const end = this.text.indexOf(text) + text.length;
    assert.ok(end >= text.length, `${JSON.stringify(this.text)} ends without ${text}`);
    const taken = this.text.slice(0, end);
    this.text = this.text.slice(end);
    return taken;
  }

  async ask(...args: readonly string[]): Promise<string> {
    this.send(...args);
    return await this.take("\r\n");
  }

  /** Syncs in full and stands at the head of the stream; the answer is the id. */
  async sync(...capabilities: string[]): Promise<string> {
    const capa = capabilities.flatMap((name) => ["capa", name]);
    if (capa.length > 0) assert.equal(await this.ask("REPLCONF", ...capa), "+OK\r\n");
    const line = await this.ask("PSYNC", "?", "-1");
    const [, replid] = /^\+FULLRESYNC ([0-9a-f]{40}) \d+\r\n$/.exec(line)!;
    await this.skipSnapshot();
    return replid;
  }

  async skipSnapshot(): Promise<string> {
    const header = await this.take("\r\n");
    const mark = /^\$EOF:([0-9a-f]{40})\r\n$/.exec(header)?.[1];
    if (mark !== undefined) {
      const snapshot = await this.take(mark);
      this.send(...ACK_0);
      return snapshot.slice(0, -mark.length);
    }
    const length = Number(/^\$(\d+)\r\n$/.exec(header)![1]);
    await until("the snapshot", () => this.text.length >= length);
    const snapshot = this.text.slice(0, length);
    this.text = this.text.slice(length);
    return snapshot;
  }

  close(): void {
    this.#socket.close();
  }
}

interface Rig {
  readonly master: TestMaster;
  readonly net: Net;
  connect(): Promise<Peer>;
}

/** A master and a way to reach it, on a network of memory. */
async function rig(options: TestMasterOptions, body: (rig: Rig) => Promise<void>): Promise<void> {
  const net = new MemoryNet();
  await using master = await TestMaster.start({ net, ...options });
  const connect = async () => new Peer(await net.connect({ address: master.address }));
  await body({ master, net, connect });
}

function masterTest(
  name: string,
  body: (rig: Rig) => Promise<void>,
  options: TestMasterOptions = {},
): void {
  test(`TestMaster ${name}`, () => rig(options, body));
}

masterTest(
  "call() is typed by what is known of the reply, and an error in EXEC is one",
  ({ master }) => {
    const length: number = master.call<number>("RPUSH", "list", 1, 2n);
    assert.equal(length, 2);
    const [first] = master.call<string[]>("LRANGE", "list", 0, -1);
    assert.equal(first, "1");
    master.call("MULTI");
    master.call("INCR", "list");
    assert.throws(() => master.call("EXEC"), { name: "CommandError", code: "WRONGTYPE" });
    assert.equal(master.call("PING"), "PONG");
    return Promise.resolve();
  },
);

masterTest("call() answers as a client is answered, and throws error replies", ({ master }) => {
  assert.equal(master.call("SET", "a", 1), "OK");
  assert.equal(master.call("GET", "a"), "1");
  assert.equal(master.call("GET", "none"), null);
  assert.equal(master.call("INCR", "a"), 2);
  assert.deepEqual(master.call("MGET", "a", "none"), ["2", null]);
  assert.deepEqual(master.callBytes("GET", "a"), Uint8Array.of(0x32));
  assert.throws(() => master.call("INCR"), (error: unknown) => {
    return error instanceof CommandError && error.code === "ERR";
  });
  assert.equal(master.call("SELECT", 2), "OK");
  assert.equal(master.call("GET", "a"), null);
  assert.deepEqual(master.call("ROLE"), ["master", 0, []]);
  return Promise.resolve();
});

masterTest("sends the stream a real master sends", async ({ master, connect }) => {
  const replica = await connect();
  assert.equal(await replica.sync("eof", "psync2"), master.replid);
  const expireAtMs = Date.now() + 100_000;
  master.call("SELECT", 2);
  master.call("SET", "b", "2");
  master.call("MULTI");
  master.call("INCR", "n");
  master.call("INCR", "n");
  master.call("EXEC");
  master.call("SET", "x", "1", "PXAT", expireAtMs);
  master.call("SELECT", 0);
  master.call("MULTI");
  master.call("SET", "one", "1");
  master.call("GET", "one");
  master.call("EXEC");
  master.call("GETDEL", "one");
  master.call("SETNX", "b", "3");
  master.call("SETNX", "b", "4");
  const expected = encode("SELECT", "2") + encode("SET", "b", "2") + encode("MULTI") +
    encode("INCR", "n") + encode("INCR", "n") + encode("EXEC") +
    encode("SET", "x", "1", "PXAT", String(expireAtMs)) + encode("SELECT", "0") +
    encode("SET", "one", "1") + encode("DEL", "one") + encode("SETNX", "b", "3");
  assert.equal(await replica.take(encode("SETNX", "b", "3")), expected);
  assert.equal(master.offset, expected.length);
});

masterTest("is silent after an $EOF: snapshot until an ACK comes", async ({ master, connect }) => {
  const replica = await connect();
  await replica.ask("REPLCONF", "capa", "eof");
  await replica.ask("PSYNC", "?", "-1");
  const mark = (await replica.take("\r\n")).slice("$EOF:".length, -2);
  await replica.take(mark);
  master.call("SET", "a", "1");
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(replica.text, "");
  assert.equal(master.replicas[0].state, "send_bulk");
  replica.send(...ACK_0);
  await replica.take(encode("SET", "a", "1"));
  assert.equal(master.replicas[0].state, "online");
});

masterTest("sends $<length> to who knows no EOF, and the stream at once", async (rig) => {
  rig.master.call("SET", "a", "1");
  const replica = await rig.connect();
  await replica.ask("PSYNC", "?", "-1");
  const snapshot = await replica.skipSnapshot();
  assert.match(snapshot, /^REDIS0012/);
  rig.master.call("SET", "b", "1");
  assert.equal(
    await replica.take(encode("SET", "b", "1")),
    encode("SELECT", "0") + encode("SET", "b", "1"),
  );
});

masterTest("sends newlines before the status line while it is busy", async ({ connect }) => {
  const replica = await connect();
  replica.send("PSYNC", "?", "-1");
  assert.match(await replica.take("FULLRESYNC"), /^\n\n+\+FULLRESYNC$/);
}, { snapshotDelayMs: 100, newlineIntervalMs: 10 });

masterTest("goes on where a replica was, by the rules of the backlog", async (rig) => {
  const { master, connect } = rig;
  const first = await connect();
  const id = await first.sync("eof", "psync2");
  master.call("SET", "k", "1");
  const stream = encode("SELECT", "0") + encode("SET", "k", "1");
  assert.equal(await first.take(encode("SET", "k", "1")), stream);
  assert.equal(master.offset, 50);
  const rows: [string[], string, string][] = [
    [[id, "1"], `+CONTINUE ${id}\r\n`, stream],
    [[id.toUpperCase(), "24"], `+CONTINUE ${id}\r\n`, encode("SET", "k", "1")],
    [[id, "51"], `+CONTINUE ${id}\r\n`, ""],
    [[id, "52"], `+FULLRESYNC ${id} 50\r\n`, ""],
    [[id, "0"], `+FULLRESYNC ${id} 50\r\n`, ""],
    [["0".repeat(40), "51"], `+FULLRESYNC ${id} 50\r\n`, ""],
  ];
  for (const [request, line, missed] of rows) {
    const peer = await connect();
    await peer.ask("REPLCONF", "capa", "eof", "capa", "psync2");
    assert.equal(await peer.ask("PSYNC", ...request), line);
    if (missed !== "") assert.equal(await peer.take(missed), missed);
    peer.close();
  }
  const plain = await connect();
  assert.equal(await plain.ask("PSYNC", id, "51"), "+CONTINUE\r\n");
  await first.take("");
  assert.equal(master.partialSyncs, 4);
});

masterTest("names the new id to whoever held the old one at a promotion", async (rig) => {
  const { master, connect } = rig;
  const id = await (await connect()).sync("eof", "psync2");
  master.call("SET", "k", "1");
  master.promote();
  assert.notEqual(master.replid, id);
  master.call("SET", "k", "2");
  const ask = async (offset: number) => {
    const peer = await connect();
    await peer.ask("REPLCONF", "capa", "psync2");
    return await peer.ask("PSYNC", id, String(offset));
  };
  assert.equal(await ask(51), `+CONTINUE ${master.replid}\r\n`);
  assert.match(await ask(52), /^\+FULLRESYNC/);
  const info = master.call("INFO", "replication");
  assert.equal(fieldOf(info, "master_replid2"), id);
  assert.equal(fieldOf(info, "second_repl_offset"), "51");
});

masterTest("forgets its history when told to", async ({ master, connect }) => {
  const peer = await connect();
  const id = await peer.sync("eof");
  master.forgetHistory();
  await until("the cut", () => peer.closed);
  const again = await connect();
  assert.match(await again.ask("PSYNC", id, "1"), /^\+FULLRESYNC/);
});

masterTest("loses what does not fit the backlog", async ({ master, connect }) => {
  const id = await (await connect()).sync("eof", "psync2");
  for (let i = 0; i < 100; i++) master.call("SET", "k", "x".repeat(50));
  const late = await connect();
  assert.match(await late.ask("PSYNC", id, "1"), /^\+FULLRESYNC/);
  const info = master.call("INFO", "replication");
  assert.equal(fieldOf(info, "repl_backlog_histlen"), "1000");
  assert.equal(fieldOf(info, "repl_backlog_first_byte_offset"), String(master.offset - 999));
}, { backlogBytes: 1000 });

masterTest("sends PING at its interval, and cuts off who is silent", async (rig) => {
  const replica = await rig.connect();
  await replica.sync("eof");
  await replica.take(PING + PING);
  await until("the silent one is cut off", () => replica.closed);
  assert.deepEqual(rig.master.replicas, []);
}, { pingIntervalMs: 100, timeoutMs: 500 });

masterTest("cuts off a replica that owes too much", async ({ master, connect }) => {
  const replica = await connect();
  await replica.sync("eof");
  await until("it is online", () => master.replicas[0]?.state === "online");
  replica.pause();
  for (let i = 0; i < 500 && master.replicas.length > 0; i++) {
    master.call("SET", "k", "x".repeat(100_000));
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  assert.equal(master.replicas.length, 0);
}, { outputLimitBytes: 1_000_000 });

masterTest("ends the link of a replica that sends a command with a reply", async (rig) => {
  for (const command of [["GET", "a"], ["REPLCONF", "capa", "eof"], ["PING"]]) {
    const replica = await rig.connect();
    await replica.sync("eof");
    replica.send("PSYNC", "?", "-1");
    replica.send("REPLCONF", "GETACK", "*");
    assert.equal(replica.closed, false);
    replica.send(...command);
    await until("the end", () => replica.closed);
  }
});

masterTest("deletes an expired key that a command meets, ahead of the command", async (rig) => {
  const { master, connect } = rig;
  const replica = await connect();
  await replica.sync("eof");
  for (const key of ["a", "b", "c"]) master.call("SET", key, "1", "PX", 1);
  await new Promise((resolve) => setTimeout(resolve, 20));
  await until("the writes", () => replica.text.split("PXAT").length === 4);
  replica.text = "";
  assert.equal(master.call("GET", "a"), null);
  assert.equal(await replica.take("DEL\r\n$1\r\na\r\n"), encode("DEL", "a"));
  assert.equal(master.call("INCR", "b"), 1);
  const unit = encode("MULTI") + encode("DEL", "b") + encode("INCR", "b") + encode("EXEC");
  assert.equal(await replica.take(encode("EXEC")), unit);
  master.expireNow();
  assert.equal(await replica.take("c\r\n"), encode("DEL", "c"));
  assert.equal(master.call("DBSIZE"), 1);
}, { activeExpiry: false });

masterTest("deletes expired keys that nobody asks for", async ({ master, connect }) => {
  const replica = await connect();
  await replica.sync("eof");
  master.call("SELECT", 5);
  for (let i = 0; i < 500; i++) master.call("SET", `k${i}`, "1", "PX", 1);
  await until("they are gone", () => master.keyspace.keyCount === 0);
  await until("the deletions", () => replica.text.split("DEL\r\n").length === 501);
});

masterTest("WAIT asks for ACKs once a turn and counts them", async ({ master, connect }) => {
  const client = await connect();
  assert.equal(await client.ask("WAIT", "0", "0"), ":0\r\n");
  assert.equal(await client.ask("WAIT", "1", "20"), ":0\r\n");
  const replica = await connect();
  await replica.sync("eof");
  master.call("SET", "k", "1");
  await replica.take(encode("SET", "k", "1"));
  const offset = master.offset;
  client.send("WAIT", "1", "0");
  client.send("PING");
  const other = await connect();
  other.send("WAIT", "1", "5000");
  await replica.take(GETACK);
  assert.equal(client.text, "");
  replica.send("REPLCONF", "ACK", String(offset - 1));
  replica.send("REPLCONF", "ACK", String(offset));
  assert.equal(await client.take("+PONG\r\n"), ":1\r\n+PONG\r\n");
  assert.equal(await other.take("\r\n"), ":1\r\n");
  client.send("MULTI");
  client.send("WAIT", "5", "0");
  client.send("EXEC");
  assert.equal(await client.take(":1\r\n"), "+OK\r\n+QUEUED\r\n*1\r\n:1\r\n");
  assert.match(await client.ask("WAIT", "1", "-1"), /timeout is negative/);
  assert.equal(await master.wait(2, 10), 1);
});

masterTest("REPLCONF and PSYNC refuse what Redis refuses", async ({ connect }) => {
  const peer = await connect();
  const rows: [string[], RegExp][] = [
    [["REPLCONF"], /^\+OK/],
    [["REPLCONF", "capa"], /^-ERR syntax error/],
    [["REPLCONF", "version", "9.0.0"], /^-ERR Unrecognized REPLCONF option: version/],
    [["REPLCONF", "listening-port", "x"], /^-ERR value is not an integer/],
    [["REPLCONF", "ip-address", "h".repeat(256)], /too long: 256 bytes/],
    [["REPLCONF", "rdb-only", "2"], /must between 0 and 1/],
    [["PSYNC", "?"], /^-ERR wrong number of arguments for 'psync' command/],
    [["PSYNC", "?", "x"], /^-ERR value is not an integer or out of range/],
    [["PSYNC", "?", "-1", "FAILOVER"], /^-ERR PSYNC FAILOVER can't be sent to a master/],
    [["REPLCONF", "listening-port", "7000", "ip-address", "h"], /^\+OK/],
  ];
  for (const [command, expected] of rows) assert.match(await peer.ask(...command), expected);
});

masterTest("lists its replicas in INFO and ROLE", async ({ master, connect }) => {
  const replica = await connect();
  await replica.ask("REPLCONF", "listening-port", "7000", "ip-address", "host.example");
  await replica.sync("eof");
  master.call("SET", "k", "1");
  replica.send("REPLCONF", "ACK", "50");
  await until("the ACK", () => master.replicas[0].offset === 50);
  const info = master.call("INFO", "replication");
  assert.equal(fieldOf(info, "connected_slaves"), "1");
  assert.equal(fieldOf(info, "slave0"), "ip=host.example,port=7000,state=online,offset=50,lag=0");
  assert.equal(fieldOf(info, "master_repl_offset"), "50");
  assert.equal(fieldOf(info, "master_replid"), master.replid);
  assert.deepEqual(master.call("ROLE"), ["master", 50, [["host.example", "7000", "50"]]]);
});

masterTest("ends an rdb-only connection with the snapshot", async ({ connect }) => {
  const peer = await connect();
  await peer.ask("REPLCONF", "rdb-only", "1");
  await peer.ask("PSYNC", "?", "-1");
  assert.match(await peer.skipSnapshot(), /^REDIS/);
  await until("the end", () => peer.closed);
});

masterTest("splits SET with an expiry for replicas older than 6.2", async ({ master, connect }) => {
  const replica = await connect();
  await replica.sync("eof");
  master.call("SET", "k", "v", "PXAT", 4102444800000);
  const set = encode("SET", "k", "v") + encode("PEXPIREAT", "k", "4102444800000");
  assert.equal(
    await replica.take(encode("EXEC")),
    encode("SELECT", "0") + encode("MULTI") + set + encode("EXEC"),
  );
}, { serverVersion: "6.0.20" });

masterTest("wants its password before anything else", async ({ master, connect }) => {
  const peer = await connect();
  assert.match(await peer.ask("PSYNC", "?", "-1"), /^-NOAUTH/);
  assert.equal(await peer.ask("AUTH", "p:w"), "+OK\r\n");
  await peer.sync("eof");
  assert.match(master.url, /^redis:\/\/:p%3Aw@/);
}, { password: "p:w" });

test("TestMaster closes twice, and ends its replicas and clients", async () => {
  const net = new MemoryNet();
  const master = await TestMaster.start({ net });
  const replica = new Peer(await net.connect({ address: master.address }));
  const client = new Peer(await net.connect({ address: master.address }));
  await replica.sync("eof");
  client.send("WAIT", "2", "0");
  await Promise.all([master.close(), master.close()]);
  await until("both ended", () => replica.closed && client.closed);
  await until("nothing is left", () => net.connections === 0);
});
