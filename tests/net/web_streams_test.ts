import assert from "node:assert/strict";
import test from "node:test";
import { connectWithin } from "../../src/net/connect.ts";
import { systemClock } from "../../src/base/clock.ts";
import {
  formatAddress,
  type Listener,
  type Net,
  type Socket,
  SocketError,
} from "../../src/net/socket.ts";
import { fromStreams, netFromStreams } from "../../src/net/web_streams.ts";
import { socketContract } from "./socket_contract.ts";
import { Recorder, rejection } from "./support.ts";
import { within } from "../support/waiting.ts";

/** A network whose connections are two identity transforms, one a direction. */
function transformNet(): Net {
  const listeners = new Map<string, (socket: Socket) => void>();
  let nextPort = 50_000;
  return {
    connect: (options) =>
      connectWithin(options, systemClock, () => {
        const { address } = options;
        const accept = listeners.get(formatAddress(address));
        if (accept === undefined) {
          return Promise.reject(Object.assign(new Error("no"), { code: "ECONNREFUSED" }));
        }
        const there = transform();
        const back = transform();
        accept(fromStreams({ readable: there.readable, writable: back.writable }, address));
        const streams = { readable: back.readable, writable: there.writable };
        return Promise.resolve(fromStreams(streams, address));
      }, (late) => late.abort()),
    // deno-lint-ignore require-await
    listen: async ({ address }, accept): Promise<Listener> => {
      const port = address.transport === "tcp" && address.port === 0 ? nextPort++ : undefined;
      const at = port === undefined ? address : { ...address, port } as typeof address;
      const key = formatAddress(at);
      if (listeners.has(key)) {
        throw new SocketError("ADDRESS_IN_USE", `listen on ${key}: address already in use`);
      }
      listeners.set(key, accept);
      return {
        address: at,
        // deno-lint-ignore require-await
        close: async () => void listeners.delete(key),
      };
    },
  };
}

function transform(): TransformStream<Uint8Array, Uint8Array> {
  const strategy = { highWaterMark: 1 << 18, size: (chunk: Uint8Array) => chunk.length };
  return new TransformStream(undefined, strategy, strategy);
}

socketContract({ name: "Web Streams", make: transformNet, floodBytes: 64 << 20 });

test("fromStreams() closes the pair it was given", async () => {
  const there = transform();
  const back = transform();
  let closes = 0;
  const streams = {
    readable: back.readable,
    writable: there.writable,
    closed: new Promise(() => {}),
    close: () => void closes++,
  };
  const socket = fromStreams(streams, { transport: "tcp", host: "db", port: 6379 });
  const recorder = new Recorder();
  socket.start(recorder);
  assert.deepEqual(socket.remote, { transport: "tcp", host: "db", port: 6379 });
  socket.close();
  await within(recorder.closed, "onClose");
  assert.equal(closes, 1);
});

test("fromStreams() tells a rejected `closed` as the socket's error", async () => {
  const streams = {
    readable: transform().readable,
    writable: transform().writable,
    closed: Promise.reject(Object.assign(new Error("gone"), { code: "ECONNRESET" })),
  };
  const recorder = new Recorder();
  fromStreams(streams).start(recorder);
  await within(recorder.closed, "onClose");
  assert.equal(recorder.error?.code, "RESET");
});

test("fromStreams() refuses chunks that are not bytes", async () => {
  const text = new ReadableStream<string>({ start: (controller) => controller.enqueue("text") });
  const readable = text as unknown as ReadableStream<Uint8Array>;
  const recorder = new Recorder();
  fromStreams({ readable, writable: transform().writable }).start(recorder);
  await within(recorder.closed, "onClose");
  assert.match(recorder.error!.message, /not a Uint8Array/);
});

test("netFromStreams() connects through what it was given and cannot listen", async () => {
  const back = transform();
  const there = transform();
  const net = netFromStreams(() => ({ readable: back.readable, writable: there.writable }));
  const address = { transport: "tcp", host: "db", port: 1 } as const;
  const socket = await net.connect({ address });
  socket.abort();
  await rejection(net.listen({ address }, () => {}), "IO", /cannot listen/);
  const failing = netFromStreams(() => Promise.reject(new Error("no such service")));
  await rejection(failing.connect({ address }), "IO", /^connect to db:1: no such service$/);
  const never = netFromStreams(() => new Promise(() => {}));
  await rejection(never.connect({ address, timeoutMs: 20 }), "TIMEOUT", /after 20 ms$/);
});
