/**
 * What every adapter promises, as one suite. It is run against the in-memory network and Web Streams
 * everywhere, and against each native adapter under its own runtime.
 *
 * @module
 */

import assert from "node:assert/strict";
import test from "node:test";
import { HIGH_WATER } from "../../src/net/connection.ts";
import { type Net, type Socket, SocketError } from "../../src/net/socket.ts";
import {
  isPattern,
  LOOPBACK,
  makePair,
  openHandles,
  type PairOptions,
  patternAt,
  record,
  Recorder,
  rejection,
} from "./support.ts";
import { pause, until, within } from "../support/waiting.ts";

/** One implementation under test. */
export interface Subject {
  /** Opens every test's name. */
  readonly name: string;
  /** A fresh network. */
  make(): Net | Promise<Net>;
  /** Unix socket, TLS and the like. */
  readonly pair?: () => PairOptions;
  /** Most bytes that may be under way outside our own buffers; 24 MB unless told. */
  readonly transitBytes?: number;
  /** Bytes of the great transfer; 256 MB unless told. */
  readonly floodBytes?: number;
  /** How often to connect and close; 1,000 unless told. */
  readonly rounds?: number;
  /** A failed write costs what was not read yet: `node:net` destroys the socket on the spot. */
  readonly losesLastWords?: boolean;
  /** Rows known not to hold, by name, each with its reason. */
  readonly skip?: Readonly<Record<string, string>>;
  /** Nothing of it may be open after the suite. */
  readonly leaked?: (net: Net) => number;
}

type Row = (net: Net, subject: Subject) => Promise<void>;

const MB = 1 << 20;
/** For what moves hundreds of megabytes on a machine that may be busy. */
const FLOOD_MS = 50_000;

/** Defines the suite's tests for `subject`. */
export function socketContract(subject: Subject): void {
  for (const [name, row] of Object.entries(ROWS)) {
    const skip = subject.skip?.[name] ?? false;
    test(`${subject.name}: ${name}`, { timeout: 60_000, skip }, async () => {
      await row(await subject.make(), subject);
    });
  }
}

const ROWS: Readonly<Record<string, Row>> = {
  "carries bytes both ways": carriesBothWays,
  "a reader slower than the writer keeps memory bounded": slowReader,
  "single bytes arrive in order": singleBytes,
  "a write far beyond the high-water mark arrives whole, and drains once": greatWrite,
  "what is appended behind a flush stays where it is until the next": unflushedTail,
  "a reset in mid-write is told once, as RESET": resetInMidWrite,
  "what the peer said before it closed is heard, though writing fails": lastWords,
  "abort() gives its own error to its own handler, later": abortTells,
  "the end is heard while writing goes on, client first": (net, s) => halfClose(net, s, false),
  "the end is heard while writing goes on, server first": (net, s) => halfClose(net, s, true),
  "without onEnd the socket answers the end by closing": closesByItself,
  "pause() stops data at once, resume() loses none": pausing,
  "the end waits for resume()": endWhilePaused,
  "a later start() takes over where the first handler stopped": handingOver,
  "nothing is read before start()": unstarted,
  "a socket that broke before start() tells it then": brokenBeforeStart,
  "close() sends what is pending": closeSendsPending,
  "close() gives up after its linger time": closeGivesUp,
  "a closed socket drops what is written": closedDrops,
  "both ends writing at full speed do not block one another": bothWays,
  "connecting where nobody listens is REFUSED": refused,
  "connecting with an aborted signal is ABORTED": abortedBefore,
  "a listener's address is free again once it closed": listenerCloses,
  "an address in use is ADDRESS_IN_USE": addressInUse,
  "connects and closes a thousand times without a leaked handle": thousand,
};

async function carriesBothWays(net: Net, subject: Subject): Promise<void> {
  const pair = await makePair(net, subject.pair?.());
  const { client, server } = record(pair);
  pair.client.write(new TextEncoder().encode("PING\r\n"));
  await server.received(6);
  assert.equal(server.text(), "PING\r\n");
  pair.server.out.writeLatin1("+PO");
  pair.server.out.writeLatin1("NG\r\n");
  assert.equal(pair.server.pendingBytes, 7);
  assert.equal(pair.server.flush(), true);
  await client.received(7);
  assert.equal(client.text(), "+PONG\r\n");
  assert.equal(pair.server.pendingBytes, 0);
  assert.equal(pair.client.closed, false);
  await pair.done();
  await within(Promise.all([client.closed, server.closed]), "both to close");
}

/** Writes the pattern up to `total`, as fast as `socket` takes it. */
class PatternWriter extends Recorder {
  sent: number = 0;
  mostPending: number = 0;
  readonly #socket: Socket;
  readonly #total: number;

  constructor(socket: Socket, total: number) {
    super();
    this.#socket = socket;
    this.#total = total;
  }

  override onDrain(): void {
    super.onDrain();
    this.write();
  }

  write(): void {
    const socket = this.#socket;
    let more = true;
    while (more && this.sent < this.#total) {
      const length = Math.min(1 << 16, this.#total - this.sent);
      more = socket.write(patternAt(this.sent, length));
      this.sent += length;
      this.mostPending = Math.max(this.mostPending, socket.pendingBytes);
    }
    if (this.sent === this.#total) socket.end();
  }
}

/** Checks the pattern and keeps nothing. */
class PatternReader extends Recorder {
  got: number = 0;
  wrongAt: number = -1;

  override onData(chunk: Uint8Array): void {
    if (this.wrongAt < 0 && !isPattern(chunk, this.got)) this.wrongAt = this.got;
    this.got += chunk.length;
  }
}

async function slowReader(net: Net, subject: Subject): Promise<void> {
  const total = subject.floodBytes ?? 256 * MB;
  const pair = await makePair(net, subject.pair?.());
  const writer = new PatternWriter(pair.client, total);
  let mostUnderWay = 0;
  let untilPause = 4 * MB;
  const reader = new class extends PatternReader {
    override onData(chunk: Uint8Array): void {
      super.onData(chunk);
      mostUnderWay = Math.max(mostUnderWay, writer.sent - this.got);
      untilPause -= chunk.length;
      if (untilPause > 0) return;
      untilPause = 4 * MB;
      pair.server.pause();
      setTimeout(() => pair.server.resume(), 5);
    }
  }();
  pair.client.start(writer);
  pair.server.start(reader);
  writer.write();
  const progress = () =>
    `the end: ${reader.got} of ${total} bytes read, ${writer.sent} written, ` +
    `${pair.client.pendingBytes} pending`;
  await until(progress, () => reader.ended, FLOOD_MS);
  assert.equal(reader.got, total);
  assert.equal(reader.wrongAt, -1, "every byte is the one that was sent");
  assert.ok(writer.mostPending <= HIGH_WATER + (1 << 16), `${writer.mostPending} pending at most`);
  const transit = subject.transitBytes ?? 24 * MB;
  assert.ok(mostUnderWay <= transit, `${mostUnderWay} bytes were under way at most`);
  pair.server.end();
  await within(Promise.all([writer.closed, reader.closed]), "both to close");
  assert.equal(writer.error ?? reader.error, undefined);
  await pair.done();
}

async function singleBytes(net: Net, subject: Subject): Promise<void> {
  const pair = await makePair(net, subject.pair?.());
  const { server } = record(pair);
  const count = 20_000;
  for (let i = 0; i < count; i++) {
    pair.client.write(patternAt(i, 1));
    if (i % 1000 === 999) await pause(0);
  }
  await server.received(count);
  assert.equal(server.length, count);
  assert.ok(isPattern(server.bytes(), 0));
  await pair.done();
}

async function greatWrite(net: Net, subject: Subject): Promise<void> {
  const total = 32 * MB;
  const pair = await makePair(net, subject.pair?.());
  const reader = new PatternReader();
  const writer = new Recorder();
  pair.client.start(writer);
  const { out } = pair.client;
  for (let at = 0; at < total; at += 1 << 16) out.writeBytes(patternAt(at, 1 << 16));
  assert.equal(pair.client.flush(), false, "32 MB are more than the high-water mark");
  pair.server.start(reader);
  await within(until("every byte", () => reader.got === total), "32 MB");
  assert.equal(reader.wrongAt, -1);
  await until("onDrain", () => writer.drains > 0);
  assert.equal(writer.drains, 1);
  assert.equal(pair.client.pendingBytes, 0);
  await pair.done();
}

async function unflushedTail(net: Net, subject: Subject): Promise<void> {
  const pair = await makePair(net, subject.pair?.());
  const { server } = record(pair);
  const socket = pair.client;
  socket.write(patternAt(0, 10));
  socket.write(patternAt(10, 10));
  // A reply with a header to come: its first byte is filled in after the runtime wrote the rest.
  const { out } = socket;
  const mark = out.length;
  out.writeBytes(new Uint8Array(4));
  await server.received(20);
  await pause(10);
  assert.equal(server.length, 20, "the tail has not been flushed");
  assert.equal(socket.out, out, "the buffer is not swapped under a tail");
  out.bytes.set(patternAt(20, 4), mark);
  assert.equal(socket.pendingBytes, 4);
  socket.flush();
  await server.received(24);
  assert.equal(server.length, 24);
  assert.ok(isPattern(server.bytes(), 0));
  await pair.done();
}

async function resetInMidWrite(net: Net, subject: Subject): Promise<void> {
  const pair = await makePair(net, subject.pair?.());
  const writer = new PatternWriter(pair.client, 1024 * MB);
  pair.client.start(writer);
  let seen = 0;
  const server = new class extends Recorder {
    override onData(chunk: Uint8Array): void {
      seen += chunk.length;
      if (seen < MB || pair.server.closed) return;
      pair.server.abort(new SocketError("ABORTED", "enough"));
    }
  }();
  pair.server.start(server);
  writer.write();
  await within(writer.closed, "the writer to hear of it");
  assert.equal(writer.error?.code, "RESET", writer.error?.message);
  assert.equal(server.error?.code, "ABORTED");
  assert.equal(pair.client.closed, true);
  assert.equal(pair.client.write(patternAt(0, 10)), false);
  assert.equal(pair.client.pendingBytes, 0);
  await pause(5);
  await pair.done();
}

async function lastWords(net: Net, subject: Subject): Promise<void> {
  const pair = await makePair(net, subject.pair?.());
  const client = new Recorder();
  pair.client.start(client);
  pair.server.start(new Recorder());
  pair.server.write(new TextEncoder().encode("-ERR max number of clients reached\r\n"));
  pair.server.close();
  const writing = setInterval(() => pair.client.write(patternAt(0, 1000)), 1);
  try {
    await until("the last words", () => client.length > 0 || client.closes > 0);
    await pause(10);
  } finally {
    clearInterval(writing);
  }
  if (subject.losesLastWords !== true) {
    assert.equal(client.text(), "-ERR max number of clients reached\r\n");
  }
  pair.client.end();
  await within(client.closed, "the close");
  await pair.done();
}

async function abortTells(net: Net, subject: Subject): Promise<void> {
  const pair = await makePair(net, subject.pair?.());
  const { client } = record(pair);
  const error = new SocketError("TIMEOUT", "idle for too long");
  pair.client.abort(error);
  assert.equal(client.closes, 0, "no handler runs inside a call of its owner's");
  assert.equal(pair.client.closed, true);
  await within(client.closed, "onClose");
  assert.equal(client.error, error);
  pair.client.abort();
  pair.client.close();
  await pair.done();
}

async function halfClose(net: Net, subject: Subject, swap: boolean): Promise<void> {
  const pair = await makePair(net, subject.pair?.());
  const first = swap ? pair.server : pair.client;
  const second = swap ? pair.client : pair.server;
  const one = new PatternReader();
  const two = new Recorder();
  first.start(one);
  second.start(two);
  first.write(patternAt(0, 1000));
  first.end();
  assert.equal(first.closed, false);
  assert.equal(first.write(patternAt(0, 10)), false, "nothing is written behind the end");
  await until("the end to be heard", () => two.ended);
  assert.equal(two.length, 1000);
  await pause(5);
  assert.equal(two.closes, 0);
  for (let at = 0; at < 2 * MB; at += 1 << 16) second.write(patternAt(at, 1 << 16));
  second.end();
  await within(Promise.all([one.closed, two.closed]), "both to close");
  assert.equal(one.got, 2 * MB);
  assert.equal(one.wrongAt, -1);
  assert.equal(one.ended, true);
  assert.equal(one.error ?? two.error, undefined);
  await pair.done();
}

async function closesByItself(net: Net, subject: Subject): Promise<void> {
  const pair = await makePair(net, subject.pair?.());
  const client = new Recorder();
  pair.client.start(client);
  let closes = 0;
  let error: SocketError | undefined;
  pair.server.start({
    onData: () => void pair.server.write(patternAt(0, 100)),
    onClose: (cause) => {
      closes++;
      error = cause;
    },
  });
  pair.client.write(patternAt(0, 1));
  pair.client.end();
  await within(client.closed, "the client to close");
  await until("the server to close", () => closes > 0);
  assert.equal(client.length, 100);
  assert.equal(client.ended, true);
  assert.equal(client.error ?? error, undefined);
  assert.equal(pair.server.closed, true);
  await pair.done();
}

async function pausing(net: Net, subject: Subject): Promise<void> {
  const total = 2 * MB;
  const pair = await makePair(net, subject.pair?.());
  const writer = new PatternWriter(pair.client, total);
  let paused = false;
  let whilePaused = 0;
  let chunks = 0;
  const reader = new class extends PatternReader {
    override onData(chunk: Uint8Array): void {
      super.onData(chunk);
      if (paused) whilePaused++;
      if (++chunks > 20) return;
      pair.server.pause();
      paused = true;
      setTimeout(() => {
        paused = false;
        pair.server.resume();
      }, chunks % 3);
    }
  }();
  pair.client.start(writer);
  pair.server.start(reader);
  writer.write();
  await within(until("the end", () => reader.ended), "2 MB");
  assert.equal(whilePaused, 0);
  assert.equal(reader.got, total);
  assert.equal(reader.wrongAt, -1);
  await pair.done();
}

async function endWhilePaused(net: Net, subject: Subject): Promise<void> {
  const pair = await makePair(net, subject.pair?.());
  const { server } = record(pair);
  await pause(1);
  pair.server.pause();
  pair.client.write(patternAt(0, 50_000));
  pair.client.end();
  await pause(20);
  assert.equal(server.length, 0);
  assert.equal(server.ended, false);
  assert.equal(server.closes, 0);
  pair.server.resume();
  await until("the end", () => server.ended);
  assert.equal(server.length, 50_000);
  assert.ok(isPattern(server.bytes(), 0));
  pair.server.end();
  await within(server.closed, "an orderly close");
  assert.equal(server.error, undefined);
  await pair.done();
}

async function handingOver(net: Net, subject: Subject): Promise<void> {
  const pair = await makePair(net, subject.pair?.());
  const second = new Recorder();
  let first = "";
  pair.server.start({
    onData: (chunk) => {
      first += new TextDecoder().decode(chunk);
      pair.server.start(second);
    },
    onClose: () => assert.fail("the first handler is out of it"),
  });
  pair.client.start(new Recorder());
  pair.client.write(new TextEncoder().encode("one"));
  await until("the first handler", () => first !== "");
  pair.client.write(new TextEncoder().encode("two"));
  await second.received(3);
  assert.equal(first + second.text(), "onetwo");
  pair.client.close();
  await until("the end", () => second.ended);
  pair.server.close();
  await within(second.closed, "the second handler to hear the close");
  await pair.done();
}

async function unstarted(net: Net, subject: Subject): Promise<void> {
  const pair = await makePair(net, subject.pair?.());
  const client = new Recorder();
  pair.server.write(patternAt(0, 40_000));
  pair.client.write(patternAt(0, 30_000));
  await pause(20);
  pair.client.start(client);
  await client.received(40_000);
  const server = new Recorder();
  pair.server.start(server);
  await server.received(30_000);
  assert.ok(isPattern(client.bytes(), 0));
  assert.ok(isPattern(server.bytes(), 0));
  await pair.done();
}

async function brokenBeforeStart(net: Net, subject: Subject): Promise<void> {
  const pair = await makePair(net, subject.pair?.());
  const error = new SocketError("ABORTED", "not wanted");
  pair.client.abort(error);
  await pause(5);
  const client = new Recorder();
  pair.client.start(client);
  await within(client.closed, "onClose");
  assert.equal(client.error, error);
  await pair.done();
}

async function closeSendsPending(net: Net, subject: Subject): Promise<void> {
  const total = 16 * MB;
  const pair = await makePair(net, subject.pair?.());
  const client = new Recorder();
  pair.client.start(client);
  // Unread input must not turn the close into a reset.
  pair.server.write(patternAt(0, 1 << 16));
  await pause(5);
  for (let at = 0; at < total; at += 1 << 16) pair.client.write(patternAt(at, 1 << 16));
  pair.client.close(8000);
  assert.equal(pair.client.closed, true);
  const reader = new PatternReader();
  pair.server.start(reader);
  await within(until("the end", () => reader.ended), "16 MB");
  assert.equal(reader.got, total);
  assert.equal(reader.wrongAt, -1);
  pair.server.end();
  await within(client.closed, "the close");
  assert.equal(client.error, undefined);
  await pair.done();
}

async function closeGivesUp(net: Net, subject: Subject): Promise<void> {
  const pair = await makePair(net, subject.pair?.());
  const client = new Recorder();
  pair.client.start(client);
  for (let at = 0; at < 32 * MB; at += 1 << 16) pair.client.write(patternAt(at, 1 << 16));
  const start = performance.now();
  pair.client.close(60);
  await within(client.closed, "the close");
  assert.ok(performance.now() - start >= 50, "it waits for its linger time");
  assert.ok(performance.now() - start < 2000, "and not for ever");
  await pair.done();
}

async function closedDrops(net: Net, subject: Subject): Promise<void> {
  const pair = await makePair(net, subject.pair?.());
  const { client, server } = record(pair);
  pair.client.close();
  assert.equal(pair.client.write(patternAt(0, 1000)), false);
  pair.client.out.writeByte(1);
  assert.equal(pair.client.flush(), false);
  assert.equal(pair.client.pendingBytes, 0);
  await within(client.closed, "the close");
  await until("the peer to hear of it", () => server.ended || server.closes > 0);
  assert.equal(server.length, 0);
  await pair.done();
}

async function bothWays(net: Net, subject: Subject): Promise<void> {
  const total = 16 * MB;
  const pair = await makePair(net, subject.pair?.());
  const ends = [pair.client, pair.server].map((socket) =>
    new class extends PatternWriter {
      got: number = 0;
      wrong: boolean = false;
      override onData(chunk: Uint8Array): void {
        if (!isPattern(chunk, this.got)) this.wrong = true;
        this.got += chunk.length;
      }
    }(socket, total)
  );
  pair.client.start(ends[0]!);
  pair.server.start(ends[1]!);
  for (const end of ends) end.write();
  await within(Promise.all(ends.map((end) => end.closed)), "both to finish", 30_000);
  for (const end of ends) {
    assert.equal(end.got, total);
    assert.equal(end.wrong, false);
    assert.equal(end.error, undefined);
  }
  await pair.done();
}

async function refused(net: Net, subject: Subject): Promise<void> {
  const options = subject.pair?.() ?? {};
  const listener = await net.listen(
    { address: options.address ?? LOOPBACK, ...options.listen },
    (socket) => socket.abort(),
  );
  await listener.close();
  const { address } = listener;
  const unix = address.transport === "unix";
  const to = { address, timeoutMs: 5000, ...options.connect };
  await rejection(
    net.connect(to),
    unix ? "NOT_FOUND" : "REFUSED",
    unix ? /no such file/ : /^connect to 127\.0\.0\.1:\d+: connection refused$/,
  );
}

async function abortedBefore(net: Net, subject: Subject): Promise<void> {
  const controller = new AbortController();
  const reason = new Error("changed my mind");
  controller.abort(reason);
  const options = { address: LOOPBACK, signal: controller.signal, ...subject.pair?.().connect };
  const error = await rejection(net.connect(options), "ABORTED", /^connect to .*: aborted$/);
  assert.equal(error.cause, reason);
}

async function listenerCloses(net: Net, subject: Subject): Promise<void> {
  const pair = await makePair(net, subject.pair?.());
  const { server } = record(pair);
  await pair.listener.close();
  await pair.listener.close();
  await assert.rejects(
    net.connect({
      address: pair.listener.address,
      timeoutMs: 2000,
      ...subject.pair?.().connect,
    }),
  );
  pair.client.write(patternAt(0, 100));
  await server.received(100);
  assert.equal(server.length, 100, "what was accepted lives on");
  const again = await net.listen(
    { address: pair.listener.address, ...subject.pair?.().listen },
    (socket) => socket.abort(),
  );
  await again.close();
  await pair.done();
}

async function addressInUse(net: Net, subject: Subject): Promise<void> {
  const options = subject.pair?.() ?? {};
  const first = await net.listen(
    { address: options.address ?? LOOPBACK, ...options.listen },
    (socket) => socket.abort(),
  );
  const where = { address: first.address, ...options.listen };
  await rejection(
    net.listen(where, (socket) => socket.abort()),
    "ADDRESS_IN_USE",
    /^listen on .*: address already in use$/,
  );
  await first.close();
}

async function thousand(net: Net, subject: Subject): Promise<void> {
  const options = subject.pair?.() ?? {};
  const servers = new Set<Socket>();
  const listener = await net.listen(
    { address: options.address ?? LOOPBACK, ...options.listen },
    (socket) => {
      servers.add(socket);
      socket.start({
        onData: (chunk) => void socket.write(chunk),
        onClose: () => void servers.delete(socket),
      });
    },
  );
  const round = async (): Promise<void> => {
    const to = { address: listener.address, timeoutMs: 8000, ...options.connect };
    const socket = await net.connect(to);
    const client = new Recorder();
    socket.start(client);
    socket.write(patternAt(0, 14));
    await client.received(14);
    socket.close();
    await client.closed;
  };
  await round();
  const before = openHandles();
  const rounds = subject.rounds ?? 1000;
  for (let done = 1; done < rounds; done += 20) {
    await within(Promise.all(Array.from({ length: 20 }, round)), "twenty connections");
  }
  await until("the server's ends to close", () => servers.size === 0);
  const left = (): number => (openHandles() ?? 0) - (before ?? 0);
  await until(`handles to be given back`, () => left() <= 4);
  await listener.close();
  if (subject.leaked !== undefined) assert.equal(subject.leaked(net), 0);
}
