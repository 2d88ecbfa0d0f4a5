import assert from "node:assert/strict";
import test from "node:test";
import { Prng } from "../../src/base/prng.ts";
import { MemoryNet } from "./memory_net.ts";
import type { Socket } from "../../src/net/socket.ts";
import { SimClock } from "../sim/clock.ts";
import { socketContract } from "../net/socket_contract.ts";
import {
  isPattern,
  LOOPBACK,
  makePair,
  patternAt,
  record,
  Recorder,
  rejection,
} from "../net/support.ts";
import { until, within } from "./waiting.ts";

socketContract({
  name: "MemoryNet",
  make: () => new MemoryNet(),
  transitBytes: 3 << 20,
  leaked: (net) => (net as MemoryNet).connections,
});

socketContract({
  name: "MemoryNet in small pieces",
  make: () => new MemoryNet({ bufferBytes: 1 << 16, faults: { maxChunkBytes: 1 << 15 } }),
  transitBytes: 3 << 20,
  floodBytes: 16 << 20,
  rounds: 200,
  leaked: (net) => (net as MemoryNet).connections,
});

/** Longer than any conversation takes. */
const STORY_MS = 60_000;

/** Everything one seeded conversation over a bad network does, as text. */
async function story(seed: number): Promise<string> {
  const clock = new SimClock();
  const net = new MemoryNet({
    clock,
    prng: new Prng(seed),
    faults: { maxChunkBytes: 700, minDelayMs: 1, maxDelayMs: 9, cutOneIn: 40 },
  });
  const log: string[] = [];
  const told = (who: string, socket: Socket, echo: boolean): void =>
    socket.start({
      onData: (chunk) => {
        log.push(`${clock.elapsedMs} ${who} ${chunk.length} ${chunk[0]}`);
        if (echo) socket.write(chunk);
      },
      onClose: (error) => log.push(`${clock.elapsedMs} ${who} closed ${error?.code}`),
    });
  const listener = await net.listen(
    { address: LOOPBACK },
    (socket) => told("server", socket, true),
  );
  const connected = net.connect({ address: listener.address }).then((client) => {
    told("client", client, false);
    client.write(patternAt(0, 10_000));
  });
  await clock.run(STORY_MS);
  await connected;
  return log.join("\n");
}

test("MemoryNet replays a seed exactly, and tells seeds apart", async () => {
  const one = await story(7);
  assert.ok(one.split("\n").length > 10);
  assert.equal(await story(7), one);
  assert.notEqual(await story(8), one);
});

test("MemoryNet.cut() resets both ends of what it is asked for", async () => {
  const net = new MemoryNet();
  const first = await makePair(net);
  const second = await makePair(net);
  const cut = record(first);
  const kept = record(second);
  assert.equal(net.connections, 2);
  const port = (first.listener.address as { port: number }).port;
  const ends = net.cut((local, remote) =>
    [local, remote].some((end) => end.transport === "tcp" && end.port === port)
  );
  assert.equal(ends, 1);
  await within(Promise.all([cut.client.closed, cut.server.closed]), "both ends to hear of it");
  assert.equal(cut.client.error?.code, "RESET");
  assert.equal(cut.server.error?.code, "RESET");
  assert.equal(kept.client.closes, 0);
  await second.done();
  assert.equal(net.connections, 0);
});

test("MemoryNet delivers nothing while stalled, and everything after", async () => {
  const net = new MemoryNet();
  const pair = await makePair(net);
  const { server } = record(pair);
  net.faults.stalled = true;
  pair.client.write(patternAt(0, 10_000));
  const late = net.connect({ address: pair.listener.address, timeoutMs: 30 });
  await rejection(late, "TIMEOUT", /timed out after 30 ms$/);
  assert.equal(server.length, 0);
  net.unstall();
  await server.received(10_000);
  assert.ok(isPattern(server.bytes(), 0));
  await pair.done();
});

test("MemoryNet refuses as often as it is told to", async () => {
  const net = new MemoryNet({ faults: { refuseOneIn: 1 } });
  const listener = await net.listen({ address: LOOPBACK }, () => assert.fail("nobody comes"));
  await rejection(net.connect({ address: listener.address }), "REFUSED");
});

test("MemoryNet aborts an attempt by its signal", async () => {
  const net = new MemoryNet({ faults: { stalled: true } });
  const listener = await net.listen({ address: LOOPBACK }, () => {});
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 5);
  const { signal } = controller;
  await rejection(net.connect({ address: listener.address, signal }), "ABORTED");
});

test("MemoryNet spoils a chunk that was kept", async () => {
  const net = new MemoryNet();
  const pair = await makePair(net);
  let kept: Uint8Array | undefined;
  pair.server.start({ onData: (chunk) => void (kept = chunk), onClose: () => {} });
  pair.client.start(new Recorder());
  pair.client.write(patternAt(0, 100));
  await until("a chunk", () => kept !== undefined);
  assert.ok(kept!.every((byte) => byte === 0xdd));
  await pair.done();
});

test("MemoryNet reaches a wildcard listener and localhost by number", async () => {
  const net = new MemoryNet();
  const everywhere = { transport: "tcp", host: "0.0.0.0", port: 7000 } as const;
  const pair = await makePair(net, { address: everywhere });
  const other = await net.connect({ address: { ...everywhere, host: "db.example" } });
  other.abort();
  await pair.done();
  const local = await makePair(net, { address: { ...everywhere, host: "localhost" } });
  (await net.connect({ address: { ...everywhere, host: "127.0.0.1" } })).abort();
  await local.done();
});
