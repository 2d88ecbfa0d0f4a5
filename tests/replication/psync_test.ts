import assert from "node:assert/strict";
import { test } from "node:test";
import type { ReplicationErrorCode } from "../../src/replication/errors.ts";
import { ack, Rig } from "./rig.ts";
import {
  command,
  eofFrame,
  type FakeSocket,
  lengthFrame,
  MARK,
  OTHER_REPLID,
  REPLID,
  snapshot,
} from "./support.ts";
import { settle } from "../support/clock.ts";

const KEYS = [{ key: "a", value: "1" }, { db: 3, key: "b", value: "2", expireAtMs: 4e12 }];

test("+FULLRESYNC stores id and offset, upper case made lower", async () => {
  const rig = new Rig();
  const socket = await rig.start();
  rig.handshake();
  socket.send(`+FULLRESYNC ${REPLID.toUpperCase()} 123\r\n${eofFrame(snapshot(KEYS))}`);
  const status = rig.link.status();
  assert.equal(status.replid, REPLID);
  assert.equal(status.appliedOffset, 123);
  assert.equal(rig.get("a"), "1");
  assert.equal(rig.get("b", 3), "2");
  assert.equal(rig.expiry("b", 3), 4e12);
  assert.equal(status.counters.fullSyncs, 1);
  await rig.stop();
});

const malformed = ["+FULLRESYNC", "+FULLRESYNC abc 5", `+FULLRESYNC ${REPLID} -5`, "+FULLRESYNC x"];
for (const line of malformed) {
  test(`"${line}" is a full sync with an unknown id: the next one asks for everything`, async () => {
    const rig = new Rig();
    const socket = await rig.start();
    rig.handshake();
    socket.send(`${line}\r\n${eofFrame(snapshot(KEYS))}`);
    assert.equal(rig.state, "connected");
    assert.equal(rig.get("a"), "1");
    await rig.reconnect();
    assert.equal(rig.handshake(), command("PSYNC", "?", "-1"));
    await rig.stop();
  });
}

/** Follows to offset 50 and reconnects up to the reply to PSYNC. */
async function resuming(rig: Rig): Promise<FakeSocket> {
  const socket = await rig.follow(KEYS);
  socket.send(command("SELECT", "0") + command("SET", "k", "1"));
  const next = await rig.reconnect();
  assert.equal(rig.handshake(), command("PSYNC", REPLID, "51"));
  return next;
}

const continues: { line: string; replid: string; replid2: string; second: number }[] = [
  { line: "+CONTINUE", replid: REPLID, replid2: "", second: -1 },
  { line: `+CONTINUE ${REPLID}`, replid: REPLID, replid2: "", second: -1 },
  { line: `+CONTINUE ${REPLID.toUpperCase()}`, replid: REPLID, replid2: "", second: -1 },
  { line: `+CONTINUE ${OTHER_REPLID}`, replid: OTHER_REPLID, replid2: REPLID, second: 51 },
];
for (const { line, replid, replid2, second } of continues) {
  test(`"${line}" goes on at the next byte`, async () => {
    const rig = new Rig();
    const socket = await resuming(rig);
    socket.send(`${line}\r\n${command("SET", "k", "2")}`);
    const status = rig.link.status();
    assert.equal(status.state, "connected");
    assert.equal(status.appliedOffset, 77);
    assert.equal(status.replid, replid);
    assert.equal(status.replid2, replid2);
    assert.equal(status.secondOffset, second);
    assert.equal(status.counters.partialSyncs, 1);
    assert.equal(rig.get("k"), "2");
    assert.equal(socket.take(), ack(50));
    await rig.stop();
  });
}

test("+CONTINUE with a new id is what the next PSYNC asks with", async () => {
  const rig = new Rig();
  const socket = await resuming(rig);
  socket.send(`+CONTINUE ${OTHER_REPLID}\r\n`);
  await rig.reconnect();
  assert.equal(rig.handshake(), command("PSYNC", OTHER_REPLID, "51"));
  await rig.stop();
});

test("+CONTINUE that nobody asked for is a protocol error", async () => {
  const rig = new Rig();
  const socket = await rig.start();
  rig.handshake();
  socket.send(`+CONTINUE ${REPLID}\r\n`);
  await settle();
  assert.equal(rig.link.status().lastError?.code, "PROTOCOL");
  await rig.stop();
});

test("+CONTINUE and then no command is a wrong offset: everything is asked for next", async () => {
  const rig = new Rig();
  const socket = await resuming(rig);
  socket.send("+CONTINUE\r\nk\r\n$1\r\n1\r\n");
  await settle();
  assert.equal(rig.link.status().lastError?.code, "STREAM");
  assert.equal(rig.get("k"), "1", "the data stays");
  await rig.retry();
  assert.equal(rig.handshake(), command("PSYNC", "?", "-1"));
  await rig.stop();
});

test("+FULLRESYNC in place of +CONTINUE replaces data, id and offset", async () => {
  const rig = new Rig();
  const socket = await resuming(rig);
  socket.send(`+FULLRESYNC ${OTHER_REPLID} 9\r\n$EOF:${MARK}\r\n`);
  assert.equal(rig.get("k"), "1", "old data until the new is whole");
  socket.send(eofFrame(snapshot([{ key: "z", value: "9" }])).slice(47));
  assert.equal(rig.get("k"), undefined);
  assert.equal(rig.get("z"), "9");
  assert.equal(rig.link.status().replid, OTHER_REPLID);
  assert.equal(rig.link.status().appliedOffset, 9);
  assert.equal(rig.link.status().db, 0);
  await rig.stop();
});

const errors: { line: string; code: ReplicationErrorCode; resumes?: boolean }[] = [
  { line: "-NOMASTERLINK Can't SYNC while not connected with my master", code: "NOMASTERLINK" },
  { line: "-NOMASTERLINK Can't SYNC while failing over", code: "NOMASTERLINK" },
  { line: "-LOADING Redis is loading the dataset in memory", code: "LOADING" },
  { line: "-MASTERDOWN Link with MASTER is down", code: "MASTERDOWN" },
  { line: "-BUSY Valkey is busy running a script.", code: "BUSY" },
  { line: "-NOPERM this user has no permissions to run the 'psync' command", code: "NOPERM" },
  { line: "-NOAUTH Authentication required.", code: "NOAUTH" },
  { line: "-ERR unknown command 'psync', with args beginning with:", code: "PSYNC_UNAVAILABLE" },
  { line: "-ERR BGSAVE failed, replication can't continue", code: "MASTER_ERROR" },
  { line: "-ERR SYNC and PSYNC are invalid with pending output", code: "MASTER_ERROR" },
  { line: "+RDBCHANNELSYNC 12", code: "PROTOCOL" },
  { line: "+DUALCHANNELSYNC", code: "PROTOCOL" },
  { line: "+OK", code: "PROTOCOL" },
  { line: ":1", code: "PROTOCOL" },
];
for (const { line, code } of errors) {
  test(`PSYNC answered "${line}" is ${code}, and the place is not lost`, async () => {
    const rig = new Rig();
    const socket = await resuming(rig);
    socket.send(`${line}\r\n`);
    await settle();
    const { lastError, state } = rig.link.status();
    assert.equal(lastError?.code, code);
    assert.equal(state, "connect", "a link that has run goes on trying");
    assert.ok(!socket.take().includes("SYNC"), "no SYNC in its place");
    await rig.retry();
    assert.equal(rig.handshake(), command("PSYNC", REPLID, "51"));
    await rig.stop();
  });
}

for (const { line, code } of errors) {
  const fatal = ["NOPERM", "NOAUTH", "PSYNC_UNAVAILABLE"].includes(code);
  test(`the first PSYNC answered "${line}" ${fatal ? "ends start()" : "is tried again"}`, async () => {
    const rig = new Rig();
    const socket = await rig.start();
    rig.handshake();
    socket.send(`${line}\r\n`);
    if (code === "PSYNC_UNAVAILABLE") {
      assert.equal(socket.take(), command("SYNC"));
      socket.send(line.replace("psync", "sync") + "\r\n");
    }
    await settle();
    assert.equal(rig.state, fatal ? "none" : "connect");
    if (fatal) await assert.rejects(rig.started, { name: "ReplicationError", code });
    await rig.stop();
  });
}

test("a master that knows SYNC only is followed, with a full sync each time", async () => {
  const rig = new Rig();
  let socket = await rig.start();
  for (const value of ["1", "2"]) {
    assert.equal(rig.handshake(), command("PSYNC", "?", "-1"));
    socket.send("-ERR unknown command 'PSYNC'\r\n");
    assert.equal(socket.take(), command("SYNC"));
    const stream = command("SELECT", "2") + command("SET", "s", value);
    socket.send(`\n\n${lengthFrame(snapshot(KEYS))}${stream}`);
    assert.equal(rig.state, "connected");
    await rig.started;
    assert.equal(rig.get("s", 2), value);
    await rig.clock.advance(5000);
    assert.equal(socket.take(), "", "such a master knows no REPLCONF ACK");
    socket = await rig.reconnect();
  }
  await rig.stop();
});

test("a streamed snapshot after SYNC is acknowledged once: the stream waits for it", async () => {
  const rig = new Rig();
  const socket = await rig.start();
  rig.handshake();
  socket.send("-ERR unknown command 'PSYNC'\r\n");
  socket.take();
  socket.send(eofFrame(snapshot(KEYS)));
  assert.equal(socket.take(), ack(0));
  await rig.clock.advance(5000);
  assert.equal(socket.take(), "");
  await rig.stop();
});

test("a renamed PSYNC that is unknown is no reason for SYNC, and services that block it are named", async () => {
  const rig = new Rig({ psyncCommand: "mypsync" });
  const socket = await rig.start();
  assert.equal(rig.handshake(), command("mypsync", "?", "-1"));
  socket.send("-ERR unknown command 'mypsync'\r\n");
  await assert.rejects(rig.started, (error: Error) => {
    return /psyncCommand/.test(error.message) && /ElastiCache.*Memorystore/.test(error.message);
  });
  assert.equal(socket.take(), "");
  await rig.stop();
});

test("a master met again under the same name is asked for where it is, each time", async () => {
  const addresses = ["::1", "fe80::2"];
  const rig = new Rig({
    locate: () => Promise.resolve({ transport: "tcp", host: addresses.shift()!, port: 7000 }),
  });
  await rig.start();
  rig.handshake();
  assert.deepEqual(rig.net.connects[0].address, { transport: "tcp", host: "::1", port: 7000 });
  rig.socket.hangUp();
  await settle();
  await rig.retry();
  assert.deepEqual(rig.net.connects[1].address, { transport: "tcp", host: "fe80::2", port: 7000 });
  assert.ok(rig.messages.some((message) => message.startsWith("master [fe80::2]:7000: ")));
  await rig.stop();
});

test("a chain of promotions is followed, each id becoming the one before", async () => {
  const rig = new Rig();
  let socket = await rig.follow([], 100);
  let previous = REPLID;
  for (const digit of "0123") {
    const next = digit.repeat(40);
    socket = await rig.reconnect();
    const { appliedOffset } = rig.link.status();
    assert.equal(rig.handshake(), command("PSYNC", previous, String(appliedOffset + 1)));
    socket.send(`+CONTINUE ${next}\r\n${command("PING")}`);
    const { replid, replid2, secondOffset } = rig.link.status();
    assert.deepEqual([replid, replid2, secondOffset], [next, previous, appliedOffset + 1]);
    previous = next;
  }
  assert.equal(rig.link.status().counters.fullSyncs, 1);
  await rig.stop();
});

test("NOPERM says which rights a replica needs", async () => {
  const rig = new Rig();
  const socket = await rig.start();
  rig.handshake();
  socket.send("-NOPERM User x has no permissions to run the 'psync' command\r\n");
  await assert.rejects(rig.started, /\+psync \+replconf \+ping/);
  await rig.stop();
});

const headers: { line: string; code: ReplicationErrorCode }[] = [
  { line: "-ERR BGSAVE failed, replication can't continue", code: "MASTER_ERROR" },
  { line: "$EOF:tooshort", code: "PROTOCOL" },
  { line: "$abc", code: "PROTOCOL" },
  { line: "$-1", code: "PROTOCOL" },
  { line: "$99999999999999999999", code: "PROTOCOL" },
  { line: "$0", code: "SNAPSHOT" },
  { line: "*1", code: "PROTOCOL" },
];
for (const { line, code } of headers) {
  test(`"${line}" in place of a snapshot is ${code}`, async () => {
    const rig = new Rig();
    const socket = await resuming(rig);
    socket.send(`+FULLRESYNC ${OTHER_REPLID} 9\r\n\n${line}\r\n`);
    await settle();
    assert.equal(rig.link.status().lastError?.code, code);
    assert.equal(rig.get("k"), "1", "the old data stays");
    assert.equal(rig.link.status().replid, REPLID);
    await rig.retry();
    assert.equal(rig.handshake(), command("PSYNC", "?", "-1"), "a full sync had begun");
    await rig.stop();
  });
}

test("a file transfer's stream follows its last byte directly", async () => {
  const rig = new Rig();
  const socket = await rig.start();
  rig.handshake();
  const stream = command("SELECT", "0") + command("SET", "s", "1");
  socket.send(`+FULLRESYNC ${REPLID} 5\r\n${lengthFrame(snapshot(KEYS))}${stream}`);
  assert.equal(rig.state, "connected");
  assert.equal(rig.get("s"), "1");
  assert.equal(rig.link.status().appliedOffset, 55);
  await rig.stop();
});

test("the event loop is kept awake while a snapshot comes, and no longer", async () => {
  const rig = new Rig();
  const socket = await rig.start();
  rig.handshake();
  socket.send(`+FULLRESYNC ${REPLID} 5\r\n`);
  assert.ok(!socket.polled, "a master may take long to begin");
  const framed = lengthFrame(snapshot(KEYS));
  socket.send(framed.slice(0, -1));
  assert.ok(socket.polled);
  socket.send(framed.slice(-1));
  assert.equal(rig.state, "connected");
  assert.ok(!socket.polled);
  await rig.stop();
});

const waits: { after: string; says: RegExp }[] = [
  {
    after: "",
    says: /Waiting for the master's snapshot: it begins after its repl-diskless-sync-delay/,
  },
  {
    after: `+FULLRESYNC ${REPLID} 5\r\n`,
    says: /Waiting for the master's snapshot: it is being saved/,
  },
];
for (const { after, says } of waits) {
  test(`empty lines behind "${after.trim()}" are told once, and why`, async () => {
    const rig = new Rig();
    const socket = await rig.start();
    rig.handshake();
    socket.send(`${after}\n\n\n`);
    const told = rig.messages.filter((message) => message.includes("Waiting"));
    assert.equal(told.length, 1);
    assert.match(told[0], says);
    await rig.stop();
  });
}
