/**
 * The Node adapter, over `node:net` and `node:tls`, and the TLS of all three runtimes.
 *
 * A TCP connection we make reads into one reused buffer (`onread`); an accepted one, which Node
 * offers no such option for, takes Node's own chunks, and so does TLS, where it makes no difference
 * (470 MB/s either way). `socket.write` takes everything and buffers without bound, so that no more
 * than one run is ever in its hands; a run the kernel took at once (`writableLength` is 0 again) is
 * free at once.
 *
 * Why Deno and Bun come here for TLS: Deno's own functions add a given CA to the built-in roots
 * instead of replacing them, cannot accept any certificate, cannot ask a client for one, cannot show
 * one under another server name, and leave Nagle's algorithm on for accepted connections (45 ms a
 * round trip of two writes). `Bun.connect` takes an empty `tls` object for no TLS at all, resolves
 * before the handshake, and reports some failed ones as accepted. Through `node:tls` both verify as
 * Node does, at 580 MB/s (Bun) and, through the {@linkcode Gate} that Deno's needs, 370 MB/s.
 *
 * @module
 */

import nodeNet from "node:net";
import type { Duplex } from "node:stream";
import nodeTls from "node:tls";
import type { Clock } from "../base/clock.ts";
import { hostClock } from "./host_clock.ts";
import { type Acceptor, KEEP_ALIVE_DELAY_MS, makeNet, toAddress } from "./adapter.ts";
import { BusyPoll } from "./busy_poll.ts";
import { Connection, HELD, type Wire } from "./connection.ts";
import { Gate } from "./gate.ts";
import type { ConnectProgress } from "./connect.ts";
import { checkPem } from "./pem.ts";
import {
  type Address,
  type ConnectOptions,
  formatAddress,
  type ListenOptions,
  type Net,
  type Socket,
  type TlsClientOptions,
} from "./socket.ts";

/** The one buffer that a connection made by us reads into. */
const READ_BYTES = 1 << 16;
/** What is said where TCP stands and no answer to our TLS hello came, as a plain Redis gives none. */
const NO_TLS_ANSWER = "it took the connection, but not TLS: it may not speak TLS on this port";
/** Milliseconds a client has for its TLS handshake before it is cut off. */
const HANDSHAKE_TIMEOUT_MS = 10_000;

/**
 * The network of `node:net` and `node:tls`.
 *
 * @param clock Measures timeouts and lingering.
 * @param gated Whether TLS reads through a {@linkcode Gate}, as Deno's must.
 */
export function makeNodeNet(clock: Clock, gated: boolean = false): Net {
  return makeNet({
    connect: (options, cancel, progress) =>
      options.tls === undefined
        ? connectPlain(options, clock, cancel)
        : connectTls(options, clock, cancel, gated, progress),
    async listen(options, accept) {
      const server = createServer(options, gated);
      await bind(server, options.address);
      return serve(server, options, clock, accept);
    },
  }, clock);
}

function connectPlain(
  { address }: ConnectOptions,
  clock: Clock,
  cancel: AbortSignal,
): Promise<Connection> {
  let wire: NodeWire | undefined = undefined;
  const onread = {
    buffer: new Uint8Array(READ_BYTES),
    callback: (count: number, buffer: Uint8Array): boolean => {
      wire?.read(buffer.subarray(0, count));
      return true;
    },
  };
  return connectBare(
    address,
    cancel,
    (socket) => wrap(socket, address, clock, { pushed: (made) => wire = made }),
    onread,
  );
}

/**
 * Connects a TCP or Unix socket, paused, and hands it to `use` inside the event that tells so: bytes may
 * come before an awaiting function runs on.
 */
function connectBare<T>(
  address: Address,
  cancel: AbortSignal,
  use: (socket: nodeNet.Socket) => T,
  onread?: nodeNet.OnReadOpts,
): Promise<T> {
  return new Promise((resolve, reject) => {
    // Node documents `onread` here; its published types know it for `connect` only.
    const made = { allowHalfOpen: true, onread } as nodeNet.SocketConstructorOpts;
    const socket = new nodeNet.Socket(made);
    socket.pause();
    cancel.addEventListener("abort", () => socket.destroy());
    socket.once("error", reject);
    socket.connect(place(address), () => {
      socket.off("error", reject);
      resolve(use(socket));
    });
  });
}

async function connectTls(
  { address, tls }: ConnectOptions,
  clock: Clock,
  cancel: AbortSignal,
  gated: boolean,
  progress: ConnectProgress,
): Promise<Connection> {
  checkPem(tls!, `connect to ${formatAddress(address)}`);
  const gate = gated
    ? await connectBare(address, cancel, (carrier) => new Gate(carrier))
    : undefined;
  // Node documents `allowHalfOpen` here; its published types do not know it.
  const settings: nodeTls.ConnectionOptions & { allowHalfOpen: boolean } = {
    ...(gate === undefined ? place(address) : { socket: gate }),
    ...verification(address, tls!),
    cert: tls!.cert,
    key: tls!.key,
    allowHalfOpen: true,
  };
  return await new Promise((resolve, reject) => {
    const socket = nodeTls.connect(settings);
    if (gate !== undefined) progress.note = NO_TLS_ANSWER;
    else socket.once("connect", () => progress.note = NO_TLS_ANSWER);
    cancel.addEventListener("abort", () => (gate ?? socket).destroy());
    const failed = (error: Error): void => reject(gate?.failure ?? error);
    const ended = (): void => failed(new Error("socket hang up"));
    socket.once("error", failed);
    socket.once("close", ended);
    socket.once("secureConnect", () => {
      socket.off("error", failed);
      socket.off("close", ended);
      resolve(wrap(socket, address, clock, { gate }));
    });
  });
}

function place(address: Address): { host: string; port: number } | { path: string } {
  return address.transport === "unix"
    ? { path: address.path }
    : { host: address.host, port: address.port };
}

/**
 * How the server's certificate is checked. Every setting is given, as `NODE_TLS_REJECT_UNAUTHORIZED=0` in
 * the environment must not switch the check off for a replica.
 */
function verification(address: Address, tls: TlsClientOptions): nodeTls.ConnectionOptions {
  const name = tls.serverName ?? (address.transport === "tcp" ? address.host : "localhost");
  return {
    ca: tls.ca as string | string[] | undefined,
    rejectUnauthorized: tls.dangerouslyAcceptAnyCertificate !== true,
    // SNI carries names only (RFC 6066, section 3).
    servername: nodeNet.isIP(name) === 0 ? name : "",
    checkServerIdentity: (_host, certificate) => nodeTls.checkServerIdentity(name, certificate),
  };
}

function createServer({ address, tls }: ListenOptions, gated: boolean): nodeNet.Server {
  const common = {
    allowHalfOpen: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_DELAY_MS,
  };
  const plain = { ...common, pauseOnConnect: true };
  if (tls === undefined) return nodeNet.createServer(plain);
  checkPem(tls, `listen on ${formatAddress(address)}`);
  const mutual = tls.ca !== undefined;
  const secure = {
    ...common,
    cert: tls.cert,
    key: tls.key,
    ca: tls.ca as string | string[] | undefined,
    requestCert: mutual,
    rejectUnauthorized: mutual,
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
  };
  // Made also where it is not used (`gated`): it throws for a wrong certificate before a client connects.
  const server = nodeTls.createServer(secure);
  return gated ? secureEach(nodeNet.createServer(plain), secure) : server;
}

/**
 * TLS over a gate for each accepted connection. Each gets a TLS server of its own: "secureConnection" does
 * not tell which carrier's handshake was done, and with one connection a server there is no doubt.
 */
function secureEach(server: nodeNet.Server, options: nodeTls.TlsOptions): nodeNet.Server {
  return server.on("connection", (carrier: nodeNet.Socket) => {
    const gate = new Gate(carrier);
    nodeTls.createServer(options)
      .on("secureConnection", (socket) => server.emit("secureConnection", socket, gate))
      .on("tlsClientError", (error) => server.emit("tlsClientError", error, gate))
      .emit("connection", gate);
  });
}

function bind(server: nodeNet.Server, address: Address): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(place(address), () => {
      server.off("error", reject);
      resolve();
    });
  });
}

/** How a socket is read: by `onread` into one buffer, by events, or by events through a gate. */
interface Reading {
  /** Gets the wire, for a socket whose `onread` calls it; left out where events bring the bytes. */
  readonly pushed?: (wire: NodeWire) => void;
  /** What TLS reads through, under Deno. */
  readonly gate?: Gate | undefined;
}

function wrap(
  socket: nodeNet.Socket,
  fallback: Address,
  clock: Clock,
  reading: Reading = {},
): Connection {
  const carrier = reading.gate?.carrier ?? socket;
  carrier.setNoDelay(true);
  carrier.setKeepAlive(true, KEEP_ALIVE_DELAY_MS);
  const remote = toAddress(carrier.remoteAddress, carrier.remotePort, fallback);
  const local = toAddress(carrier.localAddress, carrier.localPort, fallback);
  return new Connection(remote, local, clock, (connection) => {
    const wire = new NodeWire(socket, connection, clock, reading);
    reading.pushed?.(wire);
    return wire;
  });
}

/** The `node:net` half of a connection, of plain sockets and TLS alike. */
class NodeWire implements Wire {
  readonly busyPoll: BusyPoll | undefined;
  readonly #socket: nodeNet.Socket;
  readonly #connection: Connection;
  readonly #gate: Gate | undefined;
  readonly #onWritten: (error?: Error | null) => void;
  /** Whether the socket can be reset: Node throws when asked to reset anything but plain TCP. */
  readonly #resettable: boolean;
  #destroyed: boolean = false;
  /** Writes given to Node, and callbacks that came back for them. */
  #issued: number = 0;
  #completed: number = 0;
  /** Bytes of the run that Node has buffered; 0 when none is. */
  #heldBytes: number = 0;

  constructor(socket: nodeNet.Socket, connection: Connection, clock: Clock, reading: Reading) {
    this.#socket = socket;
    this.#gate = reading.gate;
    this.#connection = connection;
    this.busyPoll = BusyPoll.for(connection.remote, clock);
    this.#onWritten = (error) => this.#written(error);
    const plain = !(socket instanceof nodeTls.TLSSocket);
    this.#resettable = plain && connection.remote.transport === "tcp";
    if (reading.pushed === undefined) {
      socket.on("data", (chunk: Uint8Array) => this.read(chunk));
      // Listening for data set it flowing.
      this.pause();
    }
    socket.on("end", () => this.#connection.receivedEnd());
    socket.on("error", (error: unknown) => this.#failed(error));
    socket.on("close", () => this.#failed(new Error("connection reset")));
  }

  write(bytes: Uint8Array, start: number, end: number): number {
    const socket = this.#socket;
    this.#issued++;
    socket.write(bytes.subarray(start, end), this.#onWritten);
    // Node's buffer has no bound, so that a second run is never given to it while it holds one.
    if (socket.writableLength === 0) return end - start;
    this.#heldBytes = end - start;
    return HELD;
  }

  resume(): void {
    this.#socket.resume();
    this.#gate?.release();
  }

  pause(): void {
    this.#gate?.hold();
    this.#socket.pause();
  }

  shutdown(): void {
    this.#socket.end();
  }

  destroy(reset: boolean): void {
    this.#destroyed = true;
    const socket = this.#socket;
    if (reset && this.#resettable && !socket.destroyed) socket.resetAndDestroy();
    else socket.destroy();
    this.#gate?.destroy();
  }

  /** Borrowed bytes, from `onread` or from a "data" event. */
  read(chunk: Uint8Array): void {
    if (!this.#destroyed) this.#connection.received(chunk);
  }

  /**
   * A write's callback. They come in order, also those of runs that the kernel took at once: only the last
   * one issued can be of the run that is held. A failed write is told by "error".
   */
  #written(error?: Error | null): void {
    this.#completed++;
    if (error || this.#heldBytes === 0 || this.#completed !== this.#issued) return;
    const count = this.#heldBytes;
    this.#heldBytes = 0;
    this.#connection.wrote(count);
  }

  #failed(error: unknown): void {
    if (!this.#destroyed) this.#connection.failed(this.#gate?.failure ?? error);
  }
}

function serve(
  server: nodeNet.Server,
  { address: asked, tls }: ListenOptions,
  clock: Clock,
  accept: (socket: Socket) => void,
): Acceptor {
  const bound = server.address();
  const address = bound === null || typeof bound === "string"
    ? asked
    : toAddress(bound.address, bound.port, asked);
  const event = tls === undefined ? "connection" : "secureConnection";
  server.on(event, (socket: nodeNet.Socket, gate?: Gate) => {
    accept(wrap(socket, address, clock, { gate }));
  });
  // A handshake that fails costs its own connection only.
  server.on("tlsClientError", (_error: Error, socket: Duplex) => socket.destroy());
  // A failed accept (out of file descriptors) leaves the listener standing.
  server.on("error", () => {});
  return {
    address,
    // `server.close` with a callback would wait for every accepted connection to end. Node removes
    // a Unix socket's file itself.
    stop: () =>
      new Promise((resolve) => {
        server.close();
        hostClock().soon(resolve);
      }),
  };
}
