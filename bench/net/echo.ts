/**
 * How much faster is the native adapter than Web Streams over the same sockets? A child process of the
 * same runtime, always on its native adapter, loads a server in this one:
 * `deno run -A bench/net/echo.ts`, `bun bench/net/echo.ts`, `node bench/net/echo.ts`.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import nodeNet from "node:net";
import process from "node:process";
import { Duplex } from "node:stream";
import { fileURLToPath } from "node:url";
import { loadNet } from "../../src/net/runtime.ts";
import type { Socket } from "../../src/net/socket.ts";
import { fromStreams, type StreamPair } from "../../src/net/web_streams.ts";

const SECONDS = 2;
const ROUNDS = 3;
const CONNECTIONS = 50;
const REQUEST = new TextEncoder().encode("*2\r\n$3\r\nGET\r\n$5\r\nkey:1\r\n");

interface Load {
  readonly name: string;
  readonly unit: string;
  readonly connections: number;
  readonly pipeline: number;
  readonly bytes: number;
}

const LOADS: readonly Load[] = [
  { name: "echo", unit: "requests/s", connections: CONNECTIONS, pipeline: 1, bytes: 25 },
  {
    name: "echo, 16 pipelined",
    unit: "requests/s",
    connections: CONNECTIONS,
    pipeline: 16,
    bytes: 25,
  },
  { name: "receive, 64 KB writes", unit: "MB/s", connections: 1, pipeline: 0, bytes: 1 << 16 },
];

const [role, port, which] = process.argv.slice(2);
if (role === "load") await load(Number(port), LOADS[Number(which)]!);
else await main();

async function main(): Promise<void> {
  const native = await (await loadNet()).listen({ address: loopback(0) }, serve);
  const streams = await listenStreams();
  const ports = { native: (native.address as { port: number }).port, streams: streams.port };
  console.log(`${runtimeName()}: best of ${ROUNDS} runs of ${SECONDS} s`);
  for (const [index, one] of LOADS.entries()) {
    const best = { native: 0, streams: 0 };
    for (let round = 0; round < ROUNDS; round++) {
      for (const kind of ["native", "streams"] as const) {
        best[kind] = Math.max(best[kind], await measure(ports[kind], index));
      }
    }
    const [fast, slow] = [best.native, best.streams].map((value) => Math.round(value));
    const ratio = (best.native / best.streams).toFixed(2);
    console.log(`${one.name}: native ${fast}, Web Streams ${slow} ${one.unit}, ratio ${ratio}`);
  }
  await native.close();
  await streams.close();
  process.exit(0);
}

function runtimeName(): string {
  const { Deno, Bun } = globalThis as {
    Deno?: { version: { deno: string } };
    Bun?: { version: string };
  };
  if (Bun !== undefined) return `Bun ${Bun.version}`;
  return Deno === undefined ? `Node ${process.versions.node}` : `Deno ${Deno.version.deno}`;
}

function loopback(at: number): { transport: "tcp"; host: string; port: number } {
  return { transport: "tcp", host: "127.0.0.1", port: at };
}

/** Echoes small chunks, counts large ones and answers every 16 MB with a byte. */
function serve(socket: Socket): void {
  let sunk = 0;
  socket.start({
    onData: (chunk) => {
      if (chunk.length < 4096 && sunk === 0) return void socket.write(chunk);
      sunk += chunk.length;
      if (sunk < 16 << 20) return;
      sunk -= 16 << 20;
      socket.write(chunk.subarray(0, 1));
    },
    onClose: () => {},
  });
}

async function listenStreams(): Promise<{ port: number; close(): Promise<void> }> {
  const { Deno } = globalThis as {
    Deno?: {
      listen(options: { port: number; hostname: string }):
        & AsyncIterable<
          StreamPair & { setNoDelay(): void }
        >
        & { addr: { port: number }; close(): void };
    };
  };
  if (Deno !== undefined) {
    const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
    (async () => {
      for await (const conn of listener) {
        conn.setNoDelay();
        serve(fromStreams(conn));
      }
    })();
    return { port: listener.addr.port, close: () => Promise.resolve(listener.close()) };
  }
  const server = nodeNet.createServer({ noDelay: true }, (socket) => {
    socket.on("error", () => {});
    serve(fromStreams(Duplex.toWeb(socket) as unknown as StreamPair));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as nodeNet.AddressInfo).port,
    close: () => Promise.resolve(void server.close()),
  };
}

async function measure(at: number, index: number): Promise<number> {
  const args = [fileURLToPath(import.meta.url), "load", String(at), String(index)];
  const flags = runtimeName().startsWith("Deno") ? ["run", "-A"] : [];
  const child: ChildProcess = spawn(process.execPath, [...flags, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout!.on("data", (chunk) => text += chunk);
  await once(child, "close");
  return Number(text);
}

/** In the child: prints one number. */
async function load(at: number, { connections, pipeline, bytes }: Load): Promise<void> {
  const net = await loadNet();
  const sockets = await Promise.all(
    Array.from({ length: connections }, () => net.connect({ address: loopback(at) })),
  );
  let count = 0;
  for (const socket of sockets) {
    if (pipeline === 0) flood(socket, bytes, (more) => count += more / 1e6);
    else ask(socket, pipeline, () => count++);
  }
  await new Promise((resolve) => setTimeout(resolve, 300));
  const before = count;
  const start = performance.now();
  await new Promise((resolve) => setTimeout(resolve, SECONDS * 1000));
  console.log((count - before) / ((performance.now() - start) / 1000));
  process.exit(0);
}

function ask(socket: Socket, pipeline: number, answered: () => void): void {
  let bytes = 0;
  const send = (): void => {
    for (let i = 0; i < pipeline; i++) socket.out.writeBytes(REQUEST);
    socket.flush();
  };
  socket.start({
    onData: (chunk) => {
      bytes += chunk.length;
      for (; bytes >= REQUEST.length * pipeline; bytes -= REQUEST.length * pipeline) {
        for (let i = 0; i < pipeline; i++) answered();
        send();
      }
    },
    onClose: () => {},
  });
  send();
}

function flood(socket: Socket, bytes: number, sent: (bytes: number) => void): void {
  const chunk = new Uint8Array(bytes).fill(120);
  const write = (): void => {
    let more = true;
    while (more) {
      more = socket.write(chunk);
      sent(bytes);
    }
  };
  socket.start({ onData: () => {}, onDrain: write, onClose: () => {} });
  write();
}
